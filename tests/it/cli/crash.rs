//! `kill -9` at any moment loses no result and repeats no finished task.

use serde_json::{Value, json};

use crate::support::flightdeck::{Home, Running, processes_with};
use crate::support::mock_openai::{Answer, MockOpenAi, Seen};

const PRICES: &str = "[prices.mock-1]\ninput = 0.001\noutput = 1000";
const RUN: &str = "run {{n}} --args rows.jsonl --model mock-1 --max-tokens 10 --max-parallel 2 --budget 1";

/// Answers at once while fewer than `count` requests have come, and holds the others.
fn holds_after(count: usize) -> MockOpenAi {
    MockOpenAi::start(move |seen: &Seen| match seen.number {
        number if number < count => Answer::words(5),
        _ => Answer::words(5).held(),
    })
}

fn newest(home: &Home) -> String {
    home.newest_run()["id"].as_str().unwrap().to_owned()
}

/// Runs ten rows until three results are printed and two calls are under way, then `kill -9`.
fn crashed(server: &MockOpenAi) -> Home {
    let home = Home::with(server).configured(PRICES).rows(10);
    let running = home.start(RUN);
    running.wait_for_lines(3);
    server.wait_for_requests(5);
    let ended = running.kill();
    assert_eq!((ended.code, ended.results().len()), (137, 3));
    home
}

#[test]
fn a_run_that_lost_its_process_is_suspended() {
    let server = holds_after(3);
    let home = crashed(&server);
    let run = home.newest_run();
    assert_eq!((&run["state"], &run["succeeded"]), (&json!("suspended"), &json!(3)));
    assert_eq!(home.list("runs --state suspended").len(), 1);
    assert_eq!(home.list("runs --state running").len(), 0);
}

#[test]
fn a_run_is_taken_up_where_it_was() {
    let server = holds_after(3);
    let home = crashed(&server);
    let id = newest(&home);
    server.release();
    let ended = home.run(&format!("resume-run {id} --summary summary.json")).exits(0);
    let results = ended.by_task();
    let tasks: Vec<_> = results.iter().map(|result| result["task"].as_u64().unwrap()).collect();
    assert_eq!(tasks, (0..10).collect::<Vec<_>>());
    let cached: Vec<_> = results.iter().map(|result| result["cached"] == true).collect();
    assert_eq!(cached.iter().filter(|cached| **cached).count(), 3, "{cached:?}");

    // Three finished, two were under way when it died, and seven were left.
    assert_eq!(server.seen().len(), 3 + 2 + 7);
    let mut asked: Vec<_> = server.seen().iter().map(|seen| seen.prompt().to_owned()).collect();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 10);

    let summary: Value = serde_json::from_str(&home.read("summary.json")).unwrap();
    assert_eq!((&summary["state"], &summary["succeeded"]), (&json!("completed"), &json!(10)));
    assert_eq!(summary["reserved_usd"], "0");
    // The provider may bill two calls of at most ten tokens that nobody heard the end of.
    let unconfirmed = summary["unconfirmed_usd"].as_str().unwrap();
    assert!(unconfirmed.starts_with("0.0200"), "{unconfirmed}");
    assert!(ended.stderr.contains("unconfirmed"), "{}", ended.stderr);
    assert_eq!(home.list("events --type task_interrupted").len(), 2);
    assert_eq!(home.list("events --type task_finished").len(), 10);
    let seqs: Vec<_> = home.list(&format!("events --run {id}")).iter().map(|event| event["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).map(Some).collect::<Vec<_>>());
}

#[test]
fn a_run_may_crash_again_while_it_is_taken_up() {
    let server = MockOpenAi::start(|seen: &Seen| match seen.number {
        0..3 | 5..7 => Answer::words(5),
        _ => Answer::words(5).held(),
    });
    let home = crashed(&server);
    let id = newest(&home);
    let again = home.start(&format!("resume-run {id}"));
    again.wait_for_lines(5);
    server.wait_for_requests(9);
    again.kill();
    assert_eq!(home.newest_run()["succeeded"], 5);
    server.release();
    let ended = home.run(&format!("resume-run {id}")).exits(0);
    assert_eq!(ended.by_task().len(), 10);
    assert_eq!(server.seen().len(), 3 + 2 + 2 + 2 + 5);
}

#[test]
fn a_finished_run_is_told_again_and_ends_as_it_did() {
    let server = MockOpenAi::start(|seen: &Seen| match seen.prompt() {
        "1" => Answer::error(400, "bad", "no"),
        _ => Answer::words(1),
    });
    let home = Home::with(&server).rows(3);
    let first = home.run("run {{n}} --args rows.jsonl --max-parallel 1").exits(1).results();
    let events = home.list("events").len();
    let id = newest(&home);
    let again = home.run(&format!("resume-run {id} --summary summary.json")).exits(1).results();
    assert_eq!((server.seen().len(), again.len()), (3, 3));
    for (mut first, mut again) in first.into_iter().zip(again) {
        assert_eq!(again["cached"], true);
        first["cached"].take();
        again["cached"].take();
        assert_eq!(first, again);
    }
    let summary: Value = serde_json::from_str(&home.read("summary.json")).unwrap();
    assert_eq!((&summary["state"], &summary["failed"]), (&json!("failed"), &json!(1)));
    assert_eq!(home.list("events").len(), events, "nothing happened");
}

#[test]
fn a_run_that_is_at_work_can_t_be_taken_up() {
    let server = holds_after(1);
    let home = Home::with(&server).configured(PRICES).rows(4);
    let running = home.start(RUN);
    running.wait_for_lines(1);
    server.wait_for_requests(3);
    let id = newest(&home);
    home.run(&format!("resume-run {id}")).exits(2).complains(&[&id, "belongs to a running flightdeck", "process "]);
    assert_eq!(server.seen().len(), 3);
    server.release();
    assert_eq!(running.end().exits(0).results().len(), 4);
}

#[test]
fn a_run_without_its_provider_s_key_says_so_before_it_is_taken_up() {
    let server = holds_after(3);
    let home = crashed(&server);
    let id = newest(&home);
    let mut command = home.command(&format!("resume-run {id}"));
    command.env_remove("OPENAI_API_KEY");
    Running::start(command).end().exits(5).complains(&["OPENAI_API_KEY"]);
    assert_eq!(home.newest_run()["state"], "suspended");
}

#[test]
fn processes_end_with_the_engine() {
    let home = Home::new();
    home.write("long.sh", "setsid sleep 300 & echo up > up; sleep 300");
    let mut command = home.command("run --timeout 10m -- sh long.sh");
    command.env("FLIGHTDECK_TEST_TREE", home.dir());
    let running = Running::start(command);
    home.wait_for_file("up");
    let marker = format!("FLIGHTDECK_TEST_TREE={}", home.dir().display());
    assert!(processes_with(&marker).len() >= 4, "the engine, its supervisor, the shell and what it started");
    running.kill();
    crate::support::flightdeck::wait_until("nothing is left", || processes_with(&marker).is_empty());
    assert_eq!(home.newest_run()["state"], "suspended");
}

#[test]
fn stored_rows_are_enough() {
    // Rows, templates and values are in the home: their files may be gone.
    let server = holds_after(1);
    let home = Home::with(&server);
    home.write("rows.csv", "a\nx\ny\nz\n");
    home.write("template.txt", "say {{a}}{{b}}");
    let args = "run --template-file template.txt --args rows.csv --arg b=! --system s-{{a}} --max-parallel 1";
    let running = home.start(args);
    running.wait_for_lines(1);
    server.wait_for_requests(2);
    running.kill();
    std::fs::remove_file(home.path("rows.csv")).unwrap();
    std::fs::remove_file(home.path("template.txt")).unwrap();
    server.release();
    let results = home.run(&format!("resume-run {}", newest(&home))).exits(0).by_task();
    assert_eq!(results[2]["args"], json!({"a": "z", "b": "!"}));
    let last = server.seen().pop().unwrap();
    assert_eq!((last.prompt(), &last.body["messages"][0]["content"]), ("say z!", &json!("s-z")));
}
