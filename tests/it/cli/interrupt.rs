//! Signals, and readers that go away: what was done is kept, and the run can be taken up again.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::flightdeck::{Home, Running};
use crate::support::mock_openai::{Answer, End, MockOpenAi, Seen};

const RUN: &str = "run {{n}} --args rows.jsonl --max-parallel 2 --retries 0";

/// Answers the first two requests, holds the others.
fn holds_after_two() -> MockOpenAi {
    MockOpenAi::start(|seen: &Seen| match seen.number {
        0 | 1 => Answer::words(2),
        _ => Answer::words(2).held(),
    })
}

fn newest(home: &Home) -> (String, Value) {
    let run = home.newest_run();
    (run["id"].as_str().unwrap().to_owned(), run["state"].clone())
}

#[test]
fn an_interrupted_run_is_suspended_and_can_be_taken_up() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let server = holds_after_two();
        let home = Home::with(&server).rows(5);
        let running = home.start(&format!("{RUN} --summary summary.json"));
        running.wait_for_lines(2);
        server.wait_for_requests(4);
        running.signal(signal);
        let ended = running.end().exits(130);
        let (id, state) = newest(&home);
        assert_eq!((ended.results().len(), state), (2, json!("suspended")));
        assert!(ended.stderr.contains(&format!("flightdeck resume-run {id}")), "{}", ended.stderr);
        let summary: Value = serde_json::from_str(&home.read("summary.json")).unwrap();
        assert_eq!((&summary["state"], &summary["succeeded"]), (&json!("suspended"), &json!(2)));
        assert_eq!(summary["reserved_usd"], "0");
        server.wait_for_abandoned(2);

        server.release();
        let results = home.run(&format!("resume-run {id}")).exits(0).by_task();
        assert_eq!(results.len(), 5);
        assert_eq!(results.iter().filter(|result| result["cached"] == true).count(), 2);
        assert_eq!(server.seen().len(), 4 + 3, "finished tasks are not requested again");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    // A process that ignores the gentle signal is waited for; the second signal does not wait.
    let home = Home::new();
    home.write("stubborn.sh", "trap '' TERM; echo up > up; while :; do sleep 1; done");
    let running = home.start("run --timeout 10m -- sh stubborn.sh");
    home.wait_for_file("up");
    running.signal_twice(Signal::INT);
    assert_eq!(running.end().code, 130);
    assert_eq!(newest(&home).1, "suspended");
}

#[test]
fn a_signal_before_anything_has_begun_ends_it_at_once() {
    let home = Home::new().env("OPENAI_API_KEY", "k-0123456789");
    let mut command = home.command("run {{a}} --args -");
    // A standard input from which nothing ever comes.
    let (reader, writer) = std::io::pipe().unwrap();
    command.stdin(Stdio::from(reader));
    let running = Running::start(command);
    home.wait_for_file("flightdeck.db-wal");
    running.wait_for_error("content.key");
    running.signal(Signal::INT);
    assert_eq!(running.end().code, 130);
    drop(writer);
    assert_eq!(home.list("runs").len(), 0);
}

#[test]
fn a_reader_that_has_enough_suspends_the_run() {
    // One more result comes when nobody reads any more, and others are still under way then.
    let resumed = Arc::new(AtomicBool::new(false));
    let later = Arc::clone(&resumed);
    let server = MockOpenAi::start(move |seen: &Seen| match seen.number {
        0 | 1 => Answer::words(2),
        2 => Answer::words(2).held(),
        _ if later.load(Ordering::Relaxed) => Answer::words(2),
        _ => Answer::words(2).ends_after(0, End::Hang),
    });
    let home = Home::with(&server).rows(5);
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = home.command(RUN);
    command.stdout(Stdio::from(writer));
    let running = Running::start(command);
    let mut first = String::new();
    BufReader::new(reader).read_line(&mut first).unwrap();
    server.release();
    let ended = running.end().exits(130);
    let (id, state) = newest(&home);
    assert_eq!(state, "suspended");
    assert!(ended.stderr.contains("nobody reads") && ended.stderr.contains(&format!("resume-run {id}")), "{ended:?}");
    resumed.store(true, Ordering::Relaxed);
    assert_eq!(home.run(&format!("resume-run {id}")).exits(0).results().len(), 5);
}

#[test]
fn a_refused_run_leaves_earlier_results_alone() {
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::with(&server);
    home.run("run hi --out out.jsonl --summary summary.json").exits(0);
    let before = (home.read("out.jsonl"), home.read("summary.json"));
    home.run("run {{x}} --out out.jsonl --summary summary.json").exits(2);
    home.run("run hi --dry-run --out out.jsonl --summary summary.json").exits(0);
    assert_eq!((home.read("out.jsonl"), home.read("summary.json")), before);
    home.run("run other --out out.jsonl --summary summary.json").exits(0);
    assert_eq!(home.read("out.jsonl").lines().count(), 1);
}
