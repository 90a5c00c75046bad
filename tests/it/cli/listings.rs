//! `runs`, `agents`, `tasks`, `events`, `show`.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::flightdeck::{Home, Running};
use crate::support::mock_openai::{Answer, MockOpenAi, Seen};

/// A home with two runs: one of three tasks of which one failed, then one that completed.
fn two_runs() -> (Home, String, String) {
    let server = MockOpenAi::start(|seen: &Seen| match seen.prompt() {
        "1" => Answer::error(400, "bad", "no such thing"),
        _ => Answer::words(2),
    });
    let home = Home::with(&server).configured("[prices.mock-1]\ninput = 1\noutput = 1").rows(3);
    let first = home.run("run {{n}} --args rows.jsonl --model mock-1 --budget 1").exits(1).results()[0]["run"].clone();
    let second = home.run("run hello --model mock-1").exits(0).result()["run"].clone();
    (home, first.as_str().unwrap().to_owned(), second.as_str().unwrap().to_owned())
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[test]
fn runs_are_listed_newest_first() {
    let (home, first, second) = two_runs();
    let runs = home.list("runs");
    assert_eq!(ids(&runs), [second.as_str(), &first]);
    let run = &runs[1];
    let counts = ["tasks", "succeeded", "failed", "cancelled"].map(|name| run[name].as_u64().unwrap());
    assert_eq!((counts, &run["state"]), ([3, 2, 1, 0], &json!("failed")));
    assert_eq!((&run["budget_usd"], &run["reserved_usd"]), (&json!("1"), &json!("0")));
    assert_eq!(ids(&home.list("runs --limit 1")), [second.as_str()]);
    assert_eq!(ids(&home.list("runs --state failed")), [first.as_str()]);
    assert_eq!(ids(&home.list(&format!("runs --run {first}"))), [first.as_str()]);
    assert_eq!(ids(&home.list("runs --match hello")), [second.as_str()]);
    assert_eq!(home.list("runs --since 1h").len(), 2);
    assert_eq!(home.list("runs --until 1h").len(), 0);
    assert_eq!(home.list("runs --state suspended"), Vec::<Value>::new());
}

#[test]
fn tasks_and_agents_are_listed_and_filtered() {
    let (home, first, second) = two_runs();
    assert_eq!((home.list("tasks").len(), home.list("agents").len()), (4, 4));
    assert_eq!(home.list("tasks")[0]["run"], second.as_str());
    let failed = home.list(&format!("tasks --run {first} --state failed"));
    assert_eq!((failed.len(), &failed[0]["task"], &failed[0]["error"]["kind"]), (1, &json!(1), &json!("invalid")));
    let agents = home.list("agents --state error");
    assert_eq!(ids(&agents), [format!("{first}.1")]);
    assert_eq!(home.list(&format!("tasks --agent {first}.1")), failed);
    assert_eq!(home.list(&format!("agents --run {first} --limit 2")).len(), 2);
}

#[test]
fn events_have_the_shape_that_scripts_read() {
    let (home, first, second) = two_runs();
    let events = home.list("events");
    let fields: Vec<_> = events[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["id", "seq", "at", "type", "severity", "run", "agent", "task", "data"]);
    assert!(events.windows(2).all(|pair| pair[0]["id"].as_u64() < pair[1]["id"].as_u64()));
    for run in [&first, &second] {
        let seqs: Vec<_> =
            events.iter().filter(|event| event["run"] == run.as_str()).map(|e| e["seq"].clone()).collect();
        assert_eq!(seqs, (1..=seqs.len()).map(|seq| json!(seq)).collect::<Vec<_>>());
    }
    let at = events[0]["at"].as_str().unwrap();
    assert!(at.len() == "2026-11-21T12:04:11.204Z".len() && at.ends_with('Z'), "{at}");

    let finished = home.list(&format!("events --run {first} --type task_finished"));
    let mut ends: Vec<_> =
        finished.iter().map(|e| (e["task"].as_u64(), e["data"]["state"].as_str(), &e["data"]["success"])).collect();
    ends.sort_by_key(|(task, ..)| *task);
    let (yes, no) = (json!(true), json!(false));
    let done = Some("completed");
    assert_eq!(ends, [(Some(0), done, &yes), (Some(1), Some("failed"), &no), (Some(2), done, &yes)]);
    for kind in ["call_started", "call_finished", "run_started", "run_finished"] {
        for event in home.list(&format!("events --type {kind}")) {
            for money in ["spent_usd", "unconfirmed_usd", "reserved_usd"] {
                assert!(event["data"][money].is_string(), "{event}");
            }
            assert!(event["data"].get("budget_usd").is_some(), "{event}");
        }
    }
    let moved = &home.list("events --type agent_state --limit 1")[0]["data"];
    assert!(moved["from"].is_string() && moved["to"].is_string(), "{moved}");
}

#[test]
fn events_are_filtered_and_paged() {
    let (home, first, _) = two_runs();
    let events = home.list("events");
    let third = events[2]["id"].as_u64().unwrap();
    let after = home.list(&format!("events --after {third} --limit 2"));
    assert_eq!(after, events[3..5]);
    let errors = home.list("events --severity error");
    assert!(errors.iter().all(|event| event["severity"] == "error") && !errors.is_empty());
    assert!(home.list("events --severity warn").len() > errors.len());
    let one = home.list(&format!("events --agent {first}.1"));
    assert!(one.iter().all(|event| event["agent"] == format!("{first}.1")) && one.len() >= 5);
    assert_eq!(home.list(&format!("events --run {first} --agent 1")), one);
    let last = home.list("events --match agent_state --limit 1");
    assert_eq!(last, [home.list("events --type agent_state").pop().unwrap()]);
    assert_eq!(home.list("events --type agent_state --limit 1"), last);
}

#[test]
fn a_run_and_an_agent_are_shown() {
    let (home, first, second) = two_runs();
    let shown: Value = serde_json::from_str(&home.run(&format!("show {first} --json")).exits(0).stdout).unwrap();
    assert_eq!((&shown["id"], shown["task_list"].as_array().unwrap().len()), (&json!(first), 3));
    let agent: Value = serde_json::from_str(&home.run(&format!("show {second}.0 --json")).exits(0).stdout).unwrap();
    assert_eq!((&agent["id"], &agent["result"]["output"]), (&json!(format!("{second}.0")), &json!("word0 word1")));
    let text = home.run(&format!("show {first}.1")).exits(0).stdout;
    assert!(text.contains("no such thing"), "{text}");
    home.run(&format!("show {first}.9")).exits(2).complains(&[&format!("{first}.9")]);
}

#[test]
fn a_beginning_of_an_id_is_enough() {
    let (home, first, second) = two_runs();
    let common = first.bytes().zip(second.bytes()).take_while(|(a, b)| a == b).count();
    let short = &first[..=common];
    assert!(home.run(&format!("show {short}")).exits(0).stdout.contains(&first));
    let without_mark = short.trim_start_matches("r-").to_uppercase();
    assert_eq!(home.list(&format!("tasks --run {without_mark}")).len(), 3);
    home.run("show r-").exits(2).complains(&["r-", "flightdeck runs"]);
}

#[test]
fn a_listing_of_nothing_says_so() {
    let home = Home::new();
    for listing in ["runs", "agents", "tasks", "events"] {
        let ended = home.run(listing).exits(0);
        assert!(ended.stdout.is_empty() && ended.stderr.contains("there are no"), "{ended:?}");
        assert_eq!(home.list(listing), Vec::<Value>::new());
    }
}

#[test]
fn a_reader_that_has_enough_ends_a_listing_quietly() {
    let (home, ..) = two_runs();
    for listing in ["events", "events --json", "runs", "show r-", "--help"] {
        let listing = listing.replace("r-", &home.newest_run()["id"].as_str().unwrap().replace("r-", ""));
        let mut command = home.command(&listing);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(Stdio::from(writer));
        let ended = Running::start(command).end().exits(0);
        assert_eq!(ended.stderr, "", "{listing}");
    }
}

#[test]
fn every_command_explains_itself() {
    let home = Home::new();
    for command in ["", "run", "estimate", "resume-run", "demo", "runs", "agents", "tasks", "events", "show"] {
        let ended = home.run(&format!("{command} --help")).exits(0);
        assert!(ended.stdout.contains("Usage: flightdeck") && ended.stdout.contains("--home <DIR>"), "{ended:?}");
        assert_eq!(ended.stderr, "");
    }
    assert!(home.run("--version").exits(0).stdout.starts_with("flightdeck "));
    assert_eq!(std::fs::read_dir(home.dir()).unwrap().count(), 0, "asking for help makes no home");
}

#[test]
fn without_a_terminal_the_console_is_the_help() {
    let ended = Home::new().run("").exits(2);
    assert!(ended.stderr.contains("Usage: flightdeck") && ended.stdout.is_empty(), "{ended:?}");
    Home::new().run("demo").exits(2).complains(&["terminal", "flightdeck run"]);
    Home::new().run("run hi --provider sim --console").exits(2).complains(&["terminal", "flightdeck run"]);
}
