//! Stored results: what was paid for once is not paid for again.

use serde_json::{Value, json};

use crate::support::flightdeck::Home;
use crate::support::mock_openai::{Answer, MockOpenAi, Seen};

const PRICES: &str = "[prices.mock-1]\ninput = 1\noutput = 1";

fn echo() -> MockOpenAi {
    MockOpenAi::start(|seen: &Seen| Answer::tokens([seen.prompt()]))
}

#[test]
fn the_same_run_again_is_answered_from_the_store() {
    let server = echo();
    let home = Home::with(&server).configured(PRICES).rows(5);
    let run = "run {{n}} --args rows.jsonl --model mock-1 --budget 1 --summary summary.json";
    let first = home.run(run).exits(0).by_task();
    let again = home.run(run).exits(0).by_task();
    assert_eq!(server.seen().len(), 5);
    for (first, again) in first.iter().zip(&again) {
        assert_eq!((&again["cached"], &again["cost_usd"]), (&json!(true), &json!("0")));
        for field in ["output", "idempotency_key", "args", "success", "task", "model"] {
            assert_eq!(first[field], again[field], "{field}");
        }
    }
    let summary: Value = serde_json::from_str(&home.read("summary.json")).unwrap();
    assert_eq!((&summary["succeeded"], &summary["spent_usd"]), (&json!(5), &json!("0")));
    home.run(&format!("{run} --no-cache")).exits(0);
    assert_eq!(server.seen().len(), 10);
}

#[test]
fn what_changes_the_answer_changes_the_key() {
    let server = echo();
    let home = Home::with(&server);
    let runs = ["run hi", "run hi --seed 1", "run hi --temperature 0.1", "run hi --system s", "run hi --max-tokens 9"];
    for (at, run) in runs.iter().enumerate() {
        home.run(run).exits(0);
        home.run(run).exits(0);
        assert_eq!(server.seen().len(), at + 1, "{run}");
    }
}

#[test]
fn failures_are_not_reused() {
    let server = MockOpenAi::in_order(vec![Answer::error(400, "bad", "no"), Answer::words(1)]);
    let home = Home::with(&server);
    home.run("run hi").exits(1);
    assert_eq!(home.run("run hi").exits(0).result()["cached"], false);
}

#[test]
fn equal_rows_are_one_request() {
    let server = echo();
    let home = Home::with(&server).configured(PRICES);
    home.write("rows.jsonl", "{\"w\":\"a\"}\n{\"w\":\"b\"}\n{\"w\":\"a\"}\n{\"w\":\"a\"}");
    let results = home.run("run {{w}} --args rows.jsonl --model mock-1").exits(0).by_task();
    assert_eq!(server.seen().len(), 2);
    let outputs: Vec<_> = results.iter().map(|result| &result["output"]).collect();
    assert_eq!(outputs, ["a", "b", "a", "a"]);
    let cached: Vec<_> = results.iter().map(|result| &result["cached"]).collect();
    assert_eq!(cached, [false, false, true, true]);
    assert_eq!(results[3]["cost_usd"], "0");
}

#[test]
fn equal_rows_share_a_failure() {
    let server = MockOpenAi::always(Answer::error(400, "bad", "no"));
    let home = Home::with(&server);
    home.write("rows.jsonl", "{\"w\":\"a\"}\n{\"w\":\"a\"}");
    let results = home.run("run {{w}} --args rows.jsonl").exits(1).by_task();
    assert!(results.iter().all(|result| result["success"] == false), "{results:?}");
}

#[test]
fn ones_own_key_is_a_promise() {
    let server = echo();
    let home = Home::with(&server);
    home.write("rows.jsonl", "{\"id\":\"k1\",\"w\":\"a\"}\n{\"id\":\"k2\",\"w\":\"b\"}");
    home.run("run {{w}} --args rows.jsonl --key id").exits(0);
    let again = home.run("run {{w}} --args rows.jsonl --key id").exits(0).by_task();
    assert!(again.iter().all(|result| result["cached"] == true), "{again:?}");
    home.write("rows.jsonl", "{\"id\":\"k1\",\"w\":\"a\"}\n{\"id\":\"k2\",\"w\":\"other\"}");
    let ended = home.run("run {{w}} --args rows.jsonl --key id").exits(2);
    ended.complains(&["task 1", "another key"]);
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn one_key_for_two_different_rows_is_a_conflict() {
    let server = echo();
    let home = Home::with(&server);
    home.write("rows.jsonl", "{\"id\":\"k\",\"w\":\"a\"}\n{\"id\":\"k\",\"w\":\"b\"}");
    home.run("run {{w}} --args rows.jsonl --key id").exits(2).complains(&["rows.jsonl", "key"]);
    home.run("run {{w}} --args rows.jsonl --allow-unused --key fixed").exits(2).complains(&["key"]);
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn two_runs_at_once_share_a_home() {
    let server = MockOpenAi::start(|seen: &Seen| Answer::tokens([seen.prompt()]).held());
    let home = Home::with(&server).rows(10);
    let one = home.start("run one-{{n}} --args rows.jsonl --max-parallel 5");
    let two = home.start("run two-{{n}} --args rows.jsonl --max-parallel 5");
    server.wait_for_requests(10);
    assert_eq!(home.list("runs --state running").len(), 2);
    server.release();
    for (running, name) in [(one, "one"), (two, "two")] {
        let results = running.end().exits(0).results();
        assert_eq!(results.len(), 10);
        assert!(results.iter().all(|result| result["output"].as_str().unwrap().starts_with(name)));
    }
    assert_eq!(home.list("runs --state completed").len(), 2);
}

#[test]
fn many_runs_may_open_a_new_home_at_once() {
    let server = echo();
    let home = Home::with(&server);
    let running: Vec<_> = (0..4).map(|n| home.start(&format!("run hi-{n}"))).collect();
    for running in running {
        running.end().exits(0);
    }
    assert_eq!(home.list("runs").len(), 4);
}
