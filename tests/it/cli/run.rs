//! `run`: its outputs, its settings and its exit codes.

use serde_json::{Value, json};

use crate::support::flightdeck::{Home, results};
use crate::support::mock_openai::{Answer, MockOpenAi, Seen};

#[test]
fn standard_output_has_results_only() {
    let server = MockOpenAi::always(Answer::words(2));
    let home = Home::with(&server).rows(3);
    let ended = home.run("run {{n}} --args rows.jsonl").exits(0);
    assert_eq!(ended.results().len(), 3);
    assert!(ended.stderr.contains("3 of 3 succeeded"), "{}", ended.stderr);
}

#[test]
fn results_and_the_summary_go_to_files() {
    let server = MockOpenAi::start(|seen: &Seen| match seen.prompt() {
        "1" => Answer::error(400, "bad", "no such thing"),
        _ => Answer::words(2),
    });
    let home = Home::with(&server).configured("[prices.mock-1]\ninput = 1\noutput = 1").rows(3);
    let outputs = "--out out.jsonl --summary summary.json";
    let ended = home.run(&format!("run {{{{n}}}} --args rows.jsonl --model mock-1 --budget 1.50 {outputs}")).exits(1);
    assert_eq!(ended.stdout, "");
    assert_eq!(results(&home.read("out.jsonl")).len(), 3);
    let summary: Value = serde_json::from_str(&home.read("summary.json")).unwrap();
    let run = home.newest_run()["id"].clone();
    let wanted = json!({
        "run": run, "state": "failed", "tasks": 3, "succeeded": 2, "failed": 1, "cancelled": 0,
        "success_rate": 2.0 / 3.0, "spent_usd": "0.000024", "unconfirmed_usd": "0", "reserved_usd": "0",
        "budget_usd": "1.5", "duration_ms": summary["duration_ms"], "aggregate": null, "stopped_by": null,
    });
    for (field, value) in wanted.as_object().unwrap() {
        assert_eq!(&summary[field], value, "{field} of {summary}");
    }
}

#[test]
fn settings_go_to_the_provider() {
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::with(&server);
    let ended = home.run("run hello --model gpt-4o-mini --seed 7 --temperature 0.5 --max-tokens 99").exits(0);
    let body = &server.seen()[0].body;
    assert_eq!((&body["seed"], &body["temperature"]), (&json!(7), &json!(0.5)));
    assert!(body["max_tokens"] == 99 || body["max_completion_tokens"] == 99, "{body}");
    assert_eq!(body["model"], "gpt-4o-mini");
    assert_eq!(ended.result()["success"], true);
}

#[test]
fn never_more_at_once_than_asked_for() {
    let server = MockOpenAi::always(Answer::words(1).held());
    let home = Home::with(&server).rows(12);
    let running = home.start("run {{n}} --args rows.jsonl --max-parallel 4");
    server.wait_for_requests(4);
    server.release();
    assert_eq!(running.end().exits(0).results().len(), 12);
    assert_eq!((server.peak(), server.seen().len()), (4, 12));
}

#[test]
fn enough_successes_are_a_success() {
    let server = MockOpenAi::start(|seen: &Seen| match seen.prompt() {
        "0" => Answer::error(400, "bad", "no"),
        _ => Answer::words(1),
    });
    let home = Home::with(&server).rows(3);
    for (wanted, code) in [("2", 0), ("3", 1)] {
        home.run(&format!("run {{{{n}}}} --args rows.jsonl --no-cache --min-success {wanted}")).exits(code);
    }
    let ended = home.run("run {{n}} --args rows.jsonl --min-success 4").exits(2);
    ended.complains(&["--min-success 4", "3 tasks"]);
}

#[test]
fn a_provider_without_its_key_is_refused_before_anything() {
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::new().env("OPENAI_BASE_URL", &server.base_url());
    home.run("run hello").exits(5).complains(&["OPENAI_API_KEY"]);
    assert_eq!((server.seen().len(), home.list("runs").len()), (0, 0));
}

#[test]
fn a_provider_that_refuses_the_key_stops_the_run() {
    let server = MockOpenAi::always(Answer::error(401, "invalid_api_key", "Incorrect API key provided"));
    let home = Home::with(&server).rows(30);
    let ended = home.run("run {{n}} --args rows.jsonl --max-parallel 2").exits(5);
    assert_eq!(ended.results().len(), 30);
    assert!(server.seen().len() <= 4, "{} requests", server.seen().len());
    assert!(ended.stderr.contains("auth"), "{}", ended.stderr);
}

#[test]
fn a_server_that_is_not_there_is_said_at_once() {
    let gone = MockOpenAi::always(Answer::words(1)).base_url();
    let home = Home::new().env("OPENAI_API_KEY", "k-0123456789");
    let ended = home.run(&format!("run hello --retries 0 --base-url {gone}")).exits(5);
    assert_eq!(ended.result()["error"]["kind"], "connection");
    assert!(ended.stderr.contains(gone.trim_start_matches("http://").trim_end_matches("/v1")), "{}", ended.stderr);
}

#[test]
fn a_run_that_takes_too_long_is_stopped() {
    let server = MockOpenAi::always(Answer::words(1).held());
    let home = Home::with(&server).rows(3);
    let limits = "--total-timeout 300ms --max-parallel 2 --summary summary.json";
    let ended = home.run(&format!("run {{{{n}}}} --args rows.jsonl {limits}")).exits(3);
    assert_eq!(ended.results().len(), 3);
    let summary: Value = serde_json::from_str(&home.read("summary.json")).unwrap();
    assert_eq!((&summary["state"], &summary["stopped_by"]), (&json!("cancelled"), &json!("max_total_duration_s")));
}

#[test]
fn an_estimate_sends_nothing_and_keeps_nothing() {
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::with(&server).rows(5);
    for command in ["run --dry-run", "estimate"] {
        let ended = home.run(&format!("{command} {{{{n}}}} --args rows.jsonl --model gpt-4o-mini"));
        let estimate: Value = serde_json::from_str(&ended.exits(0).stdout).unwrap();
        assert_eq!(estimate["tasks"], 5);
    }
    assert_eq!((server.seen().len(), home.list("runs").len()), (0, 0));
}

#[test]
fn a_console_without_a_terminal_is_refused_before_anything_is_sent() {
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::with(&server);
    home.run("run hi --console").exits(2).complains(&["the console needs a terminal"]);
    assert_eq!(server.seen().len(), 0);
    assert_eq!(home.list("runs").len(), 0);
}
