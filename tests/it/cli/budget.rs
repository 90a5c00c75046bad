//! A budget that can't be exceeded.

use serde_json::{Value, json};

use crate::support::flightdeck::Home;
use crate::support::mock_openai::{Answer, MockOpenAi};

/// An answer's tokens are what costs: with `--max-tokens 10` a call may cost $0.01 and a little.
const PRICES: &str = "[prices.mock-1]\ninput = 0.001\noutput = 1000";
const RUN: &str = "run {{n}} --args rows.jsonl --model mock-1 --max-tokens 10 --summary summary.json";

/// An amount in millionths of a dollar.
fn micros(amount: &Value) -> i64 {
    let text = amount.as_str().expect("a decimal text");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = format!("{part:0<6}");
    whole.parse::<i64>().unwrap() * 1_000_000 + part[..6].parse::<i64>().unwrap()
}

#[test]
fn what_may_cost_more_is_refused_before_anything_is_sent() {
    let server = MockOpenAi::always(Answer::words(5));
    let home = Home::with(&server).configured(PRICES).rows(50);
    let ended = home.run(&format!("{RUN} --budget 0.02")).exits(3);
    ended.complains(&["0.02", "of 50 tasks", "--budget", "--partial"]);
    assert_eq!((server.seen().len(), home.list("runs").len()), (0, 0));
}

#[test]
fn a_full_budget_makes_tasks_wait_and_then_refuses_the_rest() {
    // Each answer costs half of what is reserved for it.
    let server = MockOpenAi::always(Answer::words(5).held());
    let home = Home::with(&server).configured(PRICES).rows(20);
    let running = home.start(&format!("{RUN} --budget 0.045 --partial"));
    server.wait_for_requests(4);
    server.release();
    let ended = running.end().exits(3);

    assert_eq!(server.peak(), 4, "no fifth call fits while four are under way");
    let answered = server.seen().len();
    assert_eq!(answered, 7, "each of them costs a little more than $0.005 once it is settled");
    let results = ended.by_task();
    let refused = results.iter().filter(|result| result["error"]["kind"] == "budget").count();
    assert_eq!((results.len(), refused), (20, 20 - answered));
    assert!(results.iter().all(|result| result["cost_usd"] == "0" || result["success"] == true));

    let summary: Value = serde_json::from_str(&home.read("summary.json")).unwrap();
    assert_eq!(summary["stopped_by"], "max_total_cost_usd");
    assert!(micros(&summary["spent_usd"]) <= 45_000 && micros(&summary["spent_usd"]) >= 35_000, "{summary}");
    assert_eq!((&summary["failed"], &summary["cancelled"]), (&json!(0), &json!(refused)));
    assert!(!home.list("events --type task_waits").is_empty());
    assert_eq!(home.list("events --type limit_reached").len(), 1);
    for event in home.list("events") {
        let data = &event["data"];
        if data["budget_usd"].is_string() {
            let committed = ["spent_usd", "unconfirmed_usd", "reserved_usd"].map(|name| micros(&data[name]));
            assert!(committed.iter().sum::<i64>() <= micros(&data["budget_usd"]), "{event}");
        }
    }
}

#[test]
fn calls_that_fail_hold_their_bound() {
    // Cut answers: nobody can know what the provider bills for them.
    let cut = Answer::words(5).ends_after(1, crate::support::mock_openai::End::Cut);
    let server = MockOpenAi::always(cut);
    let home = Home::with(&server).configured(PRICES).rows(10);
    home.run(&format!("{RUN} --budget 0.035 --partial --retries 0")).exits(3);
    assert_eq!(server.seen().len(), 3);
    let summary: Value = serde_json::from_str(&home.read("summary.json")).unwrap();
    assert!(micros(&summary["unconfirmed_usd"]) > 30_000, "{summary}");
    assert_eq!(summary["spent_usd"], "0");
}

#[test]
fn a_default_answer_length_is_lowered_to_what_is_affordable() {
    let server = MockOpenAi::always(Answer::words(3));
    let home = Home::with(&server).configured(PRICES);
    let result = home.run("run hello --model mock-1 --budget 0.5 --partial").exits(0).result();
    assert_eq!(result["success"], true);
    let body = &server.seen()[0].body;
    let asked = body["max_tokens"].as_u64().or(body["max_completion_tokens"].as_u64()).unwrap();
    assert!((400..=500).contains(&asked), "{body}");
    // One that the user gave is never lowered.
    home.run("run other --model mock-1 --budget 0.5 --partial --max-tokens 4000").exits(3);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn the_configuration_gives_a_budget_to_every_run() {
    let server = MockOpenAi::always(Answer::words(5));
    let limits = format!("{PRICES}\n[limits]\nmax_total_cost_usd = 0.02\nmax_concurrent = 2");
    let home = Home::with(&server).configured(&limits).rows(50);
    home.run(RUN).exits(3).complains(&["0.02"]);
    home.run(&format!("{RUN} --budget 5")).exits(0);
    assert!(server.peak() <= 2);
}
