//! Runs are commanded from other processes of their home.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use flightdeck::deck::Deck;
use flightdeck::domain::{Command, Order, RunId, Targets};
use serde_json::Value;

use crate::support::flightdeck::{Home, Running};
use crate::support::mock_openai::{Answer, End, MockOpenAi};

const RUN: &str = "run {{n}} --args rows.jsonl --timeout 10m --max-parallel 2";

/// A server whose answers never end.
fn hanging() -> MockOpenAi {
    MockOpenAi::always(Answer::words(4).ends_after(1, End::Hang))
}

/// A run at work, with the calls of two agents under way.
fn at_work(home: &Home, server: &MockOpenAi, requests: usize) -> (Running, String) {
    let running = home.start(RUN);
    server.wait_for_requests(requests);
    let id = home.newest_run()["id"].as_str().unwrap().to_owned();
    (running, id)
}

fn agent_states(home: &Home, run: &str) -> Vec<String> {
    let agents = home.list(&format!("agents --run {run}"));
    agents.iter().map(|agent| agent["state"].as_str().unwrap().to_owned()).collect()
}

fn sockets(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.path("sockets")).expect("a directory of sockets");
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Says something to a control socket; its answer.
fn say(home: &Home, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(&sockets(home)[0]).expect("somebody listens");
    stream.write_all(bytes).expect("it is taken");
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_run_is_paused_resumed_and_killed_from_outside() {
    let server = hanging();
    let home = Home::with(&server).rows(3);
    let (running, id) = at_work(&home, &server, 2);

    let told = home.run(&format!("pause {id}.0 --reason look")).exits(0);
    assert_eq!((told.stdout.as_str(), told.stderr.contains("paused 1 agent")), ("", true), "{told:?}");
    assert_eq!(agent_states(&home, &id), ["paused", "working", "spawning"]);
    home.run(&format!("pause {id}.0")).exits(2).complains(&["nothing to pause"]);
    home.run(&format!("resume {id}.0")).exits(0);
    assert_eq!(agent_states(&home, &id), ["working", "working", "spawning"]);

    let beginning = &id[..7];
    home.run(&format!("pause {beginning}")).exits(0);
    assert_eq!(home.list("status")[0]["state"], "paused");
    assert_eq!(agent_states(&home, &id), ["paused", "paused", "spawning"]);
    home.run(&format!("resume --run {id}")).exits(0);

    home.run(&format!("kill --run {id} 0")).exits(0);
    server.wait_for_requests(3);
    home.run(&format!("kill {id} --reason enough")).exits(0);
    running.end().exits(4);
    assert_eq!(agent_states(&home, &id), ["terminated"; 3]);

    let actions = home.list(&format!("events --run {id} --type operator_action"));
    let said: Vec<_> = actions.iter().map(|event| (&event["data"]["action"], &event["data"]["by"])).collect();
    assert_eq!(said.len(), 6, "{actions:?}");
    assert!(said.iter().all(|(_, by)| *by == "tester"));
    assert_eq!((&actions[0]["data"]["reason"], &actions[5]["data"]["reason"]), (&"look".into(), &"enough".into()));
}

#[test]
fn what_nobody_is_at_work_on_is_told_as_such() {
    let server = hanging();
    let home = Home::with(&server).rows(2);
    for command in ["pause", "resume", "kill"] {
        home.run(&format!("{command} --all")).exits(2).complains(&["no run is at work"]);
        home.run(&format!("{command} r-00000007")).exits(2).complains(&["there is no run r-00000007"]);
        home.run(&format!("{command} nonsense")).exits(2).complains(&["there is no run `nonsense`"]);
        home.run(&format!("{command} r-00000007.x")).exits(2).complains(&["there is no agent"]);
        home.run(command).exits(2);
    }
    let (running, id) = at_work(&home, &server, 2);
    home.run(&format!("kill {id}.7")).exits(2).complains(&["has no agent 7", "0 to 1"]);
    home.run(&format!("kill {id}")).exits(0);
    running.end().exits(4);
    home.run(&format!("kill {id}")).exits(2).complains(&["has ended (cancelled)", "nothing to kill"]);
}

#[test]
fn the_sockets_are_private_and_go_with_their_processes() {
    let server = hanging();
    let home = Home::with(&server).rows(2);
    let (running, id) = at_work(&home, &server, 2);
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.path("sockets")), 0o700);
    let open = sockets(&home);
    assert_eq!((open.len(), mode(&open[0])), (1, 0o600));
    home.run(&format!("kill {id}")).exits(0);
    running.end().exits(4);
    assert_eq!(sockets(&home), [""; 0].map(PathBuf::from));
}

#[test]
fn a_dead_owner_is_told_as_such_and_leaves_nothing() {
    let server = hanging();
    let home = Home::with(&server).rows(2);
    let (running, id) = at_work(&home, &server, 2);
    let followed = home.start(&format!("logs -f {id}"));
    followed.wait_for_lines(4);
    running.kill();
    for command in ["pause", "resume", "kill"] {
        let ended = home.run(&format!("{command} {id}")).exits(2);
        ended.complains(&[&id, "no living owner", "suspended", &format!("flightdeck resume-run {id}")]);
    }
    assert!(followed.end().exits(0).stderr.contains("suspended"));
    let status = home.run("status").exits(0);
    assert!(status.stdout.contains("1 run suspended"), "{status:?}");

    let left = sockets(&home);
    assert_eq!(left.len(), 1);
    home.run("run -- true").exits(0);
    assert!(!left[0].exists(), "the next process clears what the dead left");
}

#[test]
fn nonsense_does_no_harm() {
    let server = hanging();
    let home = Home::with(&server).rows(2);
    let (running, id) = at_work(&home, &server, 2);
    let too_long = vec![b'x'; (1 << 20) + 1];
    let create = format!(r#"{{"v":1,"order":{{"by":"x","reason":null,"command":{{"suspend":"{id}"}}}}}}"#);
    let other = r#"{"v":1,"order":{"by":"x","reason":null,"command":{"kill":{"run":"r-00000007","agents":null}}}}"#;
    for (bytes, wanted) in [
        (&b"\n"[..], "does not read"),
        (b"\xff\x00\x1b[2J\n", "does not read"),
        (b"{\"v\":9}\n", "version 9"),
        (&too_long, "longer than 1 MiB"),
        (format!("{create}\n").as_bytes(), "`suspend` can't be asked"),
        (format!("{other}\n").as_bytes(), "not at work in this process"),
        (format!("{}\n", "[".repeat(100_000)).as_bytes(), "does not read"),
    ] {
        let answer = say(&home, bytes);
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("no answer: {answer}"));
        assert!(answer["refused"].as_str().unwrap().contains(wanted), "{answer}");
    }
    // Connections that say nothing, or go away in the middle of a line, hold nobody up.
    let silent: Vec<_> = (0..8).map(|_| UnixStream::connect(&sockets(&home)[0]).unwrap()).collect();
    UnixStream::connect(&sockets(&home)[0]).unwrap().write_all(b"{\"v\":").unwrap();
    assert_eq!(agent_states(&home, &id), ["working"; 2]);
    home.run(&format!("kill {id}")).exits(0);
    running.end().exits(4);
    drop(silent);
}

#[test]
fn a_reason_is_clean_in_the_log() {
    let server = hanging();
    let home = Home::with(&server).rows(2);
    let (running, id) = at_work(&home, &server, 2);
    let mut command = home.command(&format!("kill {id} --reason"));
    command.arg("\u{1b}]0;owned\u{7}it holds sk-test-4f1d9c7ab2e85630");
    Running::start(command).end().exits(0);
    running.end().exits(4);
    let actions = home.list(&format!("events --run {id} --type operator_action"));
    let reason = actions[0]["data"]["reason"].as_str().unwrap();
    assert!(reason.contains("it holds") && !reason.contains('\u{1b}') && !reason.contains("4f1d9c7a"), "{reason}");
}

#[test]
fn each_of_two_processes_has_its_own_runs() {
    let server = hanging();
    let home = Home::with(&server).rows(2);
    let (first, one) = at_work(&home, &server, 2);
    let (second, two) = at_work(&home, &server, 4);
    assert_eq!((home.list("status").len(), sockets(&home).len()), (2, 2));
    home.run(&format!("pause {one}")).exits(0);
    // Of all runs, one has nothing to pause any more.
    home.run("pause --all").exits(0);
    home.run("pause --all").exits(2).complains(&["nothing to pause"]);
    home.run(&format!("kill {one}.0 {two}")).exits(0);
    second.end().exits(4);
    // An order is answered when it is durable; the agent ends when its stream is closed.
    home.run(&format!("logs -f {one}.0")).exits(0);
    assert_eq!(agent_states(&home, &one), ["terminated", "paused"]);
    home.run("kill --all").exits(0);
    first.end().exits(4);
    assert_eq!(home.run("status").exits(0).stdout, "no run is at work in this home\n");
}

#[test]
fn the_limits_of_a_live_run_are_changed() {
    let server = hanging();
    let home = Home::with(&server).rows(4);
    let (running, id) = at_work(&home, &server, 2);
    home.run(&format!("limit {id}")).exits(2);
    home.run(&format!("limit {id} --max-parallel 2")).exits(2).complains(&["these are its limits already"]);
    home.run(&format!("limit {id} --max-parallel 3")).exits(0);
    server.wait_for_requests(3);
    home.run(&format!("limit {id} --budget 5 --reason enough")).exits(0);
    assert_eq!(home.newest_run()["budget_usd"], "5");
    let log = home.run(&format!("logs {id}")).exits(0).stdout;
    assert!(log.contains("limits changed: budget none → $5.00"), "{log}");
    home.run(&format!("kill {id}")).exits(0);
    running.end().exits(4);
    home.run(&format!("limit {id} --max-parallel 5")).exits(2).complains(&["has ended"]);
}

/// What a console does with a run of another process.
#[tokio::test(flavor = "multi_thread")]
async fn a_handle_finds_the_owner_of_a_run() {
    let server = hanging();
    let home = Home::with(&server).rows(2);
    let (running, id) = at_work(&home, &server, 2);
    let run: RunId = id.parse().unwrap();
    let order = |command| Order { by: "ada".to_owned(), reason: None, command };
    let mut deck = Deck::open(home.dir()).unwrap();
    deck.listen().unwrap();
    let paused = deck.handle().submit(order(Command::Pause(Targets::some(run, vec![1])))).await.unwrap();
    assert_eq!(paused.agents, 1);
    let again = deck.handle().submit(order(Command::Pause(Targets::some(run, vec![1])))).await.unwrap_err();
    assert!(again.to_string().contains("nothing to pause"), "{again}");
    let killed = deck.handle().submit(order(Command::Kill(Targets::all(run)))).await.unwrap();
    assert_eq!(killed.agents, 2);
    tokio::task::spawn_blocking(|| running.end().exits(4)).await.unwrap();
    deck.close().await;
}

/// A suspended run that is continued from a console belongs to its process from then on.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_run_is_taken_over() {
    let server = hanging();
    let home = Home::new().rows(2);
    let provider = format!("kind = \"openai\"\nbase_url = \"{}\"\nauth = {{ type = \"none\" }}", server.base_url());
    let config = format!("default_provider = \"local\"\n[providers.local]\nmodel = \"small\"\n{provider}\n");
    home.write("config.toml", &config);
    let (running, id) = at_work(&home, &server, 2);
    running.kill();
    let reopen = Command::Reopen(id.parse().unwrap());
    let deck = Deck::open(home.dir()).unwrap();
    deck.handle().submit(Order { by: "ada".to_owned(), reason: None, command: reopen }).await.unwrap();
    server.wait_for_requests(4);
    let row = home.newest_run();
    assert_eq!((&row["state"], &row["owner_pid"]), (&"running".into(), &std::process::id().into()));
    deck.close().await;
}

#[test]
fn a_home_may_have_a_long_path() {
    let server = hanging();
    let home = Home::with(&server).rows(2);
    let deep = home.path(&"deep".repeat(40));
    let home = home.env("FLIGHTDECK_HOME", deep.to_str().unwrap());
    let (running, id) = at_work(&home, &server, 2);
    home.run(&format!("kill {id}")).exits(0);
    running.end().exits(4);
}

#[test]
fn logs_follow_an_agent_to_its_end() {
    let server = hanging();
    let home = Home::with(&server).rows(2);
    let (running, id) = at_work(&home, &server, 2);
    let followed = home.start(&format!("logs -f {id}.0"));
    followed.wait_for_lines(1);
    home.run(&format!("kill {id}.0")).exits(0);
    let told = followed.end().exits(0).stdout;
    assert!(told.contains("call to") && told.contains("terminated"), "{told}");
    assert_eq!(home.run(&format!("logs {id}.0")).exits(0).stdout, told);
    assert!(home.run(&format!("logs {id}")).exits(0).stdout.contains("001  call to"));
    home.run(&format!("logs {id}.9")).exits(2).complains(&["there is nothing with the id"]);
    let watched = home.start("watch");
    watched.wait_for_lines(2);
    home.run(&format!("kill {id}")).exits(0);
    assert!(watched.end().exits(0).stdout.ends_with("no run is at work in this home\n"));
    running.end().exits(4);
}
