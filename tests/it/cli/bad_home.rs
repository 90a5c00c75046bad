//! Homes that can't be used.

use rustix::process::Signal;

use crate::support::flightdeck::{Home, Running};
use crate::support::mock_openai::{Answer, MockOpenAi};

/// Hexadecimal digits in no order.
fn incompressible(length: usize) -> String {
    let mut state = 1_u64;
    let digits = (0..length).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from_digit(u32::try_from(state >> 60).unwrap(), 16).unwrap()
    });
    digits.collect()
}

#[test]
fn a_home_that_can_t_be_made_is_named() {
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::with(&server);
    home.write("file", "");
    for place in ["file", "file/below", "/proc/flightdeck-home"] {
        home.run(&format!("run hi --home {place}")).exits(2).complains(&[place, "directory"]);
    }
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn a_database_of_a_newer_release_is_left_alone() {
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::with(&server);
    home.run("run hi").exits(0);
    let database = rusqlite::Connection::open(home.path("flightdeck.db")).unwrap();
    database
        .execute_batch("INSERT INTO refinery_schema_history SELECT 99999, name, applied_on, checksum FROM refinery_schema_history LIMIT 1")
        .unwrap();
    for command in ["run other", "runs", "resume-run r-0"] {
        home.run(command).exits(2).complains(&["flightdeck.db", "newer", "99999"]);
    }
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::with(&server);
    home.write("flightdeck.db", &"this is no database ".repeat(100));
    home.run("run hi").exits(2).complains(&["flightdeck.db"]);
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn a_key_that_is_lost_is_said() {
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::with(&server);
    home.run("run hi").exits(0);
    std::fs::remove_file(home.path("content.key")).unwrap();
    home.run("run hi").exits(2).complains(&["content.key"]);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_disk_that_fills_up_later_is_said_and_waited_for() {
    let server = MockOpenAi::always(Answer::tokens([incompressible(800_000)]));
    let home = Home::with(&server);
    home.run("runs").exits(0);
    let mut shell = home.other("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 600; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_flightdeck")]);
    shell.args(["run", "hi"]);
    let running = Running::start(shell);
    running.wait_for_error("everything waits until it can be stored");
    // Nothing waits for a disk that takes nothing: one signal ends it.
    running.signal(Signal::INT);
    let ended = running.end().exits(130);
    assert_eq!(ended.stdout, "", "a result that is not durable is not told");
    let id = home.newest_run()["id"].as_str().unwrap().to_owned();
    assert_eq!(home.run(&format!("resume-run {id}")).exits(0).results().len(), 1);
}

#[test]
fn a_full_disk_is_said_and_nothing_is_sent() {
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::with(&server);
    home.run("runs").exits(0);
    home.write("rows.jsonl", &format!("{{\"t\":\"{}\"}}\n", incompressible(400_000)));
    // No file may grow beyond this: the system says so as it says that a disk is full.
    let mut shell = home.other("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_flightdeck")]);
    shell.args(["run", "{{t}}", "--args", "rows.jsonl"]);
    Running::start(shell).end().exits(2).complains(&["nothing was sent"]);
    assert_eq!(server.seen().len(), 0);
}
