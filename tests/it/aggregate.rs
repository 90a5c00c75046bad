//! Conditions and aggregates of runs, through the program.

use serde_json::{Value, json};

use crate::support::program::{Ended, Program};

/// Runs a shell script for each of these values of `n`.
fn run(flags: &[&str], values: &[u32], script: &str) -> Ended {
    run_in(&Program::new(), flags, values, script)
}

fn run_in(program: &Program, flags: &[&str], values: &[u32], script: &str) -> Ended {
    let rows: Vec<String> = values.iter().map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let file = tempfile::Builder::new().suffix(".jsonl").tempfile().unwrap();
    std::fs::write(file.path(), rows.concat()).unwrap();
    let rows = file.path().to_str().unwrap();
    let fixed = ["run", "--provider", "process", "--retries", "0", "--args", rows];
    program.run(&[&fixed[..], flags, &["--", "sh", "-c", script, "sh", "{{n}}"]].concat())
}

/// A task with this number fails where it is 0.
const ZERO_FAILS: &str = "echo $1; test $1 -ne 0";

fn code(flags: &[&str], values: &[u32]) -> Option<i32> {
    run(flags, values, ZERO_FAILS).code
}

#[test]
fn failures_within_their_rate_are_put_up_with() {
    let two_of_eight = [0, 1, 2, 3, 0, 5, 6, 7];
    assert_eq!(code(&[], &two_of_eight), Some(1));
    assert_eq!(code(&["--max-failure-rate", "0.25"], &two_of_eight), Some(0));
    assert_eq!(code(&["--max-failure-rate", "0.249999"], &two_of_eight), Some(1));
    assert_eq!(code(&["--max-failure-rate", "0.25", "--min-success", "6"], &two_of_eight), Some(0));
    assert_eq!(code(&["--max-failure-rate", "0.25", "--min-success", "7"], &two_of_eight), Some(1));
    assert_eq!(code(&["--max-failure-rate", "0.2", "--min-success", "6"], &two_of_eight), Some(1));
    assert_eq!(code(&["--max-failure-rate", "0"], &[1, 2]), Some(0));
    assert_eq!(code(&["--max-failure-rate", "1"], &[0, 0]), Some(0));
}

#[test]
fn what_is_no_rate_and_no_method_is_bad_usage() {
    for flags in [["--max-failure-rate", "1.5"], ["--max-failure-rate", "10%"], ["--aggregate", "sum:x"]] {
        let ended = run(&flags, &[1], "true").exits(2);
        assert!(ended.stderr.contains(flags[0]) && ended.stderr.contains(flags[1]), "{}", ended.stderr);
    }
    let ended = run(&["--aggregate", "best:score", "--console"], &[1], "true").exits(2);
    assert!(ended.stderr.contains("--console"), "{}", ended.stderr);
}

#[test]
fn failures_take_no_part() {
    let flags = ["--aggregate", "best:output", "--min-success", "1"];
    let ended = run(&flags, &[2, 9, 3], "echo $1; test $1 -ne 9").exits(0);
    let best = ended.aggregate();
    assert_eq!((&best["best"]["task"], &best["best"]["value"]), (&json!(2), &json!("3")));
    assert_eq!((&best["results"], &best["succeeded"]), (&json!(3), &json!(2)));
    assert_eq!(best["success_rate"], 2.0 / 3.0);
    assert_eq!(best["success_rate"], ended.summary["success_rate"]);
}

#[test]
fn without_the_flag_there_is_no_aggregate() {
    let ended = run(&[], &[1], "true").exits(0);
    assert_eq!(ended.summary.get("aggregate"), Some(&Value::Null));
}

#[test]
fn a_command_reads_results_in_the_order_of_tasks() {
    // The first task ends last, and comes first all the same.
    let tasks = r#"command:sh -c 'printf \"; grep -o "\"task\":[0-9]*" | tr -dc 0-9; printf \"'"#;
    let flags = ["--aggregate", tasks];
    let program = Program::new();
    let gate = tempfile::tempdir().unwrap();
    let script = format!("cd {}; test $1 -ne 0 || until test -e 3; do sleep 0.01; done; > $1", gate.path().display());
    let ended = run_in(&program, &flags, &[0, 1, 2, 3], &script).exits(0);
    assert_eq!(ended.aggregate(), "0123");
}

#[test]
fn a_command_that_fails_is_told_and_fails_the_run() {
    let program = Program::new();
    let ended =
        run_in(&program, &["--aggregate", "command:sh -c 'echo bad column >&2; exit 7'"], &[1], "true").exits(1);
    assert!(ended.stderr.contains("`sh` failed") && ended.stderr.contains("bad column"), "{}", ended.stderr);
    assert_eq!((&ended.summary["state"], ended.aggregate()), (&json!("completed"), &Value::Null));
    assert_eq!(ended.results.len(), 1);

    // What is known is aggregated again without doing anything again.
    let id = ended.summary["run"].as_str().unwrap();
    let again = program.run(&["resume-run", id, "--aggregate", "command:wc -l"]).exits(0);
    assert_eq!(again.aggregate(), &json!(1));
    assert_eq!(again.results[0]["cached"], true);
    let code = |cmd: &str| program.run(&["resume-run", id, "--aggregate", cmd]).code;
    assert_eq!(code("command:no-such-program-here"), Some(1));
    assert_eq!(code("command:echo no json"), Some(1));
}
