//! `--provider process`: each task is a command.

use serde_json::{Value, json};

use crate::support::flightdeck::Home;

#[test]
fn values_are_never_parsed_by_a_shell() {
    let home = Home::new();
    let nasty = "$(touch bad); `touch bad` 'x' \"y\" && touch bad | * \\ \n-n";
    home.write("rows.jsonl", &json!({ "v": nasty }).to_string());
    let result = home.run("run --provider process --args rows.jsonl -- printf %s|%s {{v}} end").exits(0).result();
    assert_eq!(result["output"], format!("{nasty}|end"));
    assert!(!home.path("bad").exists());
    assert_eq!((&result["provider"], &result["cost_usd"]), (&json!("process"), &json!("0")));
}

#[test]
fn the_template_goes_to_standard_input() {
    let home = Home::new().rows(2);
    let results = home.run("run line-{{n}} --args rows.jsonl -- cat").exits(0).by_task();
    let outputs: Vec<_> = results.iter().map(|result| &result["output"]).collect();
    assert_eq!(outputs, ["line-0", "line-1"]);
}

#[test]
fn a_command_that_fails_keeps_its_output() {
    let home = Home::new();
    home.write("fail.sh", "echo half; echo it broke >&2; exit 3");
    let result = home.run("run -- sh fail.sh").exits(1).result();
    assert_eq!((&result["success"], &result["error"]["kind"]), (&json!(false), &json!("process")));
    assert!(result["output"].as_str().unwrap().contains("half"), "{result}");
    let message = result["error"]["message"].as_str().unwrap();
    assert!(message.contains('3') && message.contains("it broke"), "{message}");
    assert_eq!(result["attempts"], 1);
}

#[test]
fn a_command_that_is_missing_is_named() {
    let ended = Home::new().rows(3).run("run --args rows.jsonl -- no-such-command-here {{n}}").exits(1);
    for result in ended.results() {
        assert_eq!(result["success"], false);
    }
    assert!(ended.stderr.contains("no-such-command-here"), "{}", ended.stderr);
}

#[test]
fn a_command_that_takes_too_long_is_stopped_with_all_it_started() {
    let home = Home::new();
    let marker = format!("FLIGHTDECK_TEST_TREE={}", home.dir().display());
    home.write("slow.sh", "setsid sleep 300 & sleep 300");
    let home = home.env("FLIGHTDECK_TEST_TREE", "");
    let mut command = home.command("run --timeout 500ms -- sh slow.sh");
    command.env("FLIGHTDECK_TEST_TREE", home.dir());
    let result = crate::support::flightdeck::Running::start(command).end().exits(1).result();
    assert_eq!(result["error"]["kind"], "timeout");
    assert_eq!(crate::support::flightdeck::processes_with(&marker), Vec::<u32>::new());
}

#[test]
fn results_of_commands_are_reused_only_where_asked_for() {
    let home = Home::new();
    home.write("count.sh", "echo x >> ran; wc -l < ran");
    let outputs: Vec<Value> = ["", "", "--cache-process", "--cache-process"]
        .iter()
        .map(|flag| home.run(&format!("run {flag} -- sh count.sh")).exits(0).result()["output"].clone())
        .collect();
    let numbers: Vec<_> = outputs.iter().map(|output| output.as_str().unwrap().trim()).collect();
    assert_eq!(numbers, ["1", "2", "3", "3"]);
}

#[test]
fn a_command_and_a_provider_must_fit() {
    let home = Home::new();
    home.run("run hello --provider process").exits(2).complains(&["process", "-- "]);
    home.run("run --provider sim -- echo hi").exits(2).complains(&["`sim`", "--provider process"]);
    home.run("run").exits(2).complains(&["nothing to run", "template"]);
}
