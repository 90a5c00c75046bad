//! Calls that go wrong: retries, timeouts, broken streams, missing counts.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::flightdeck::Home;
use crate::support::mock_openai::{Answer, End, MockOpenAi, Seen};

const PRICES: &str = "[prices.mock-1]\ninput = 1000\noutput = 1000";

#[test]
fn what_may_succeed_later_is_tried_again() {
    let too_many = Answer::error(429, "rate_limit", "slow down").header("retry-after-ms", "30");
    let broken = Answer::error(500, "server_error", "oops").header("retry-after-ms", "1");
    let server = MockOpenAi::in_order(vec![too_many, broken, Answer::words(2)]);
    let home = Home::with(&server);
    let result = home.run("run hello").exits(0).result();
    assert_eq!((&result["attempts"], &result["output"]), (&json!(3), &json!("word0 word1")));
    let retries = home.list("events --type task_retrying");
    let kinds: Vec<_> = retries.iter().map(|event| &event["data"]["error"]["kind"]).collect();
    assert_eq!(kinds, ["rate_limited", "provider"]);
    assert!(retries[0]["data"]["wait_ms"].as_u64() >= Some(30), "{}", retries[0]);
}

#[test]
fn retries_have_an_end_and_only_serve_what_may_succeed_later() {
    let server = MockOpenAi::start(|seen: &Seen| match seen.prompt() {
        "0" => Answer::error(503, "overloaded", "later").header("retry-after-ms", "1"),
        "1" => Answer::error(400, "bad_request", "no such thing"),
        _ => Answer::words(1),
    });
    let home = Home::with(&server).rows(3);
    let results = home.run("run {{n}} --args rows.jsonl --retries 1").exits(1).by_task();
    let seen: Vec<_> = results.iter().map(|result| (&result["attempts"], &result["error"]["kind"])).collect();
    assert_eq!(seen[0], (&json!(2), &json!("provider")));
    assert_eq!(seen[1].0, 1);
    assert_eq!(results[1]["error"]["retryable"], false);
    assert!(results[1]["error"]["message"].as_str().unwrap().contains("no such thing"));
    assert_eq!(seen[2], (&json!(1), &Value::Null));
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn retry_after_is_waited_for() {
    let too_many = Answer::error(429, "rate_limit", "slow down").header("retry-after", "1");
    let server = MockOpenAi::in_order(vec![too_many, Answer::words(1)]);
    let home = Home::with(&server);
    home.run("run hello").exits(0);
    let waited = home.list("events --type task_retrying")[0]["data"]["wait_ms"].as_u64();
    assert!(waited >= Some(1000), "{waited:?}");
}

#[test]
fn an_agent_that_takes_too_long_fails_and_the_others_go_on() {
    let server = MockOpenAi::start(|seen: &Seen| match seen.prompt() {
        "0" => Answer::words(9).ends_after(2, End::Hang),
        _ => Answer::words(1),
    });
    let home = Home::with(&server).rows(2).configured(PRICES);
    let args = "run {{n}} --args rows.jsonl --timeout 1s --model mock-1 --max-tokens 10 --summary summary.json";
    let results = home.run(args).exits(1).by_task();
    assert_eq!(results[0]["error"]["kind"], "timeout");
    assert!(results[0]["error"]["message"].as_str().unwrap().contains("1s"), "{}", results[0]);
    assert_eq!((&results[0]["output"], &results[1]["success"]), (&json!("word0 word1"), &json!(true)));
    server.wait_for_abandoned(1);
    // Nobody can know what the provider bills for the answer that was cut.
    let summary: Value = serde_json::from_str(&home.read("summary.json")).unwrap();
    assert_ne!(summary["unconfirmed_usd"], "0");
    assert_eq!(summary["reserved_usd"], "0");
}

#[test]
fn a_cut_stream_keeps_what_had_come() {
    for end in [End::Cut, End::Short] {
        let server = MockOpenAi::always(Answer::words(9).ends_after(3, end));
        let home = Home::with(&server);
        let result = home.run("run hello --retries 0").exits(1).result();
        assert_eq!(result["output"], "word0 word1 word2", "{end:?}");
        assert_eq!(result["error"]["kind"], "provider", "{end:?}");
    }
}

#[test]
fn counts_that_are_missing_are_estimated_and_marked() {
    let server = MockOpenAi::always(Answer::words(40).without_usage());
    let home = Home::with(&server).configured(PRICES);
    let result = home.run("run hello --model mock-1 --summary summary.json").exits(0).result();
    assert_eq!(result["usage"]["estimated"], true, "{result}");
    assert!(result["usage"]["output_tokens"].as_u64() > Some(0));
    let summary: Value = serde_json::from_str(&home.read("summary.json")).unwrap();
    assert_ne!(summary["unconfirmed_usd"], "0", "what was estimated is not certain");
}

#[test]
fn an_answer_at_max_tokens_is_marked() {
    let mut cut = Answer::words(3);
    cut = cut.finished("length");
    let server = MockOpenAi::always(cut);
    let result = Home::with(&server).run("run hello --max-tokens 3").exits(0).result();
    assert_eq!(result["truncated"], true);
}

#[test]
fn a_slow_but_steady_answer_is_whole() {
    let server = MockOpenAi::always(Answer::words(20).paced(Duration::from_millis(20), Duration::from_millis(5)));
    let result = Home::with(&server).run("run hello").exits(0).result();
    assert!(result["output"].as_str().unwrap().ends_with("word19"));
}
