//! The examples do what their README says: each test runs the command that stands there.

use std::path::Path;

use flightdeck::aggregate::words;
use serde_json::{Value, json};

use crate::support::mock_openai::{Answer, MockOpenAi, Seen};
use crate::support::program::{Ended, Program};

/// Runs the command of an example's README.
fn follow(program: &Program, example: &str) -> Ended {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example).join("README.md");
    let text = std::fs::read_to_string(readme).unwrap();
    let command = text.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a command");
    let words = words::split(command).unwrap();
    assert_eq!(words[0], "flightdeck", "{command}");
    program.run(&words[1..])
}

fn output(result: &Value) -> Value {
    serde_json::from_str(result["output"].as_str().unwrap()).unwrap()
}

fn ranked<'a>(aggregate: &'a Value, of: &'a str) -> Vec<&'a Value> {
    aggregate["ranking"].as_array().unwrap().iter().map(|entry| &entry[of]).collect()
}

#[test]
fn the_quicksort_contest_ranks_real_programs_by_their_time() {
    let ended = follow(&Program::new(), "quicksort").exits(0);
    assert_eq!(ended.results.len(), 21);
    for result in &ended.results {
        let output = output(result);
        assert_eq!(output["numbers"], 2000, "{result}");
        assert!(output["comparisons"].as_u64().unwrap() >= 1999, "{result}");
    }
    let comparisons = |algorithm: &str, input: &str| {
        let args = json!({"algorithm": algorithm, "input": input});
        let result = ended.results.iter().find(|result| result["args"] == args).unwrap();
        output(result)["comparisons"].as_u64().unwrap()
    };
    assert!(comparisons("quick-first", "sorted") > 50 * comparisons("quick-middle", "sorted"));
    assert!(comparisons("insertion", "sorted") < comparisons("heap", "sorted"));

    let ranking = ended.aggregate();
    assert_eq!((&ranking["method"], &ranking["direction"]), (&json!("rank"), &json!("asc")));
    let mut measured: Vec<_> = ended.results.iter().map(|result| (&result["duration_ms"], &result["task"])).collect();
    measured.sort_by_key(|(duration, task)| (duration.as_u64(), task.as_u64()));
    let ranked: Vec<_> = ranked(ranking, "value").into_iter().zip(ranked(ranking, "task")).collect();
    assert_eq!(ranked, measured);
    assert!(ended.stderr.contains("ranked by duration_ms, the smallest first:"), "{}", ended.stderr);
}

#[test]
fn tests_of_what_was_changed_come_first() {
    let ended = follow(&Program::new(), "test-ranking").exits(0);
    let ranking = ended.aggregate();
    let tests: Vec<&str> = ranked(ranking, "args").iter().map(|args| args["test"].as_str().unwrap()).collect();
    assert_eq!(tests.len(), 24);
    assert_eq!(tests[..3], ["total_rounds_each_line", "discount_comes_before_tax", "receipt_shows_the_total"]);
    assert_eq!(tests[23], "payment_times_out");
    assert_eq!((&ranking["direction"], &ranking["missing"]), (&json!("desc"), &json!(0)));
    assert_eq!(ranking["ranking"][0]["value"], 12.4);
}

#[test]
fn most_replicas_win_the_vote() {
    let ended = follow(&Program::new(), "vote").exits(0);
    let keys: std::collections::BTreeSet<_> = ended.results.iter().map(|r| r["idempotency_key"].as_str()).collect();
    assert_eq!(keys.len(), 5);
    let vote = ended.aggregate();
    assert_eq!((&vote["winner"], &vote["votes"], &vote["cast"]), (&json!("Taking"), &json!(3), &json!(5)));
    assert_eq!((&vote["majority"], &vote["tie"]), (&json!(true), &json!(false)));
    assert_eq!(ended.summary["simulated"], true);
}

/// Answers as a model would that was asked about a review: in JSON, most often in a fence.
fn read_review(seen: &Seen) -> Answer {
    let review = seen.prompt().split("The review: ").nth(1).unwrap_or_default().to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| review.contains(word));
    if has(&["towel"]) {
        return Answer::error(400, "content_filter", "this text is not read");
    }
    if has(&["average"]) {
        return Answer::tokens(["Neither good nor bad, I would say."]);
    }
    let urgency = if has(&["burn", "fuse", "metal", "see me at night"]) {
        10
    } else if has(&["charged twice", "want my 89 euros"]) {
        8
    } else if has(&["broke", "stopped", "silent", "wrong"]) {
        4
    } else {
        0
    };
    let sentiment = if urgency > 0 { "negative" } else { "positive" };
    let json = json!({"sentiment": sentiment, "topic": "quality", "urgency": urgency}).to_string();
    if seen.number.is_multiple_of(3) {
        Answer::tokens([json])
    } else {
        Answer::tokens(["Here it is:\n\n```json\n", &json, "\n```\n"])
    }
}

#[test]
fn urgent_reviews_come_first() {
    let server = MockOpenAi::start(read_review);
    let program = Program::new().env("OPENAI_API_KEY", "sk-example").env("OPENAI_BASE_URL", server.base_url());
    let ended = follow(&program, "csv-review").exits(0);
    assert_eq!(ended.results.len(), 60);
    assert_eq!((&ended.summary["succeeded"], &ended.summary["failed"]), (&json!(59), &json!(1)));

    let ranking = ended.aggregate();
    assert_eq!((&ranking["results"], &ranking["succeeded"], &ranking["missing"]), (&json!(60), &json!(59), &json!(1)));
    let entries = ranking["ranking"].as_array().unwrap();
    assert_eq!(entries.len(), 58);
    assert!(entries[0]["args"]["text"].as_str().unwrap().contains("I burned two fingers"), "{}", entries[0]);
    let urgencies: Vec<_> = entries.iter().map(|entry| entry["value"].as_u64().unwrap()).collect();
    assert!(urgencies.is_sorted_by(|a, b| a >= b), "{urgencies:?}");
    assert!(ended.stderr.contains("1 left out: without urgency"), "{}", ended.stderr);

    let again = follow(&program, "csv-review").exits(0);
    assert_eq!(again.summary["spent_usd"], "0");
    assert_eq!(again.aggregate(), ranking);
}
