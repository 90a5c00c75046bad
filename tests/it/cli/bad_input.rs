//! Bad input: one clear error that says what, where and what to do, and nothing was sent.

use std::io::Write;

use rstest::rstest;

use crate::support::flightdeck::Home;
use crate::support::mock_openai::{Answer, MockOpenAi};

/// Runs in a home with this file of rows; asserts exit code 2, the words, and that nothing was sent
/// or stored.
#[track_caller]
fn refused((name, text): (&str, &str), args: &str, words: &[&str]) {
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::with(&server);
    home.write(name, text);
    home.run(args).exits(2).complains(words);
    assert_eq!(server.seen().len(), 0);
    assert_eq!(home.list("runs").len(), 0);
}

const GOOD: (&str, &str) = ("rows.jsonl", "{\"a\":1}\n{\"a\":2}\n");

#[rstest]
#[case::missing_column("{{a}}{{word}}", &["word", "TEMPLATE", "row"])]
#[case::misspelt_column("{{A}}", &["`A`", "a"])]
#[case::unused_column("hello", &["`a`", "--allow-unused"])]
#[case::open_brace("{{a", &["TEMPLATE", "line 1"])]
#[case::no_such_filter("{{a|nope}}", &["nope", "TEMPLATE"])]
fn templates(#[case] template: &str, #[case] words: &[&str]) {
    refused(GOOD, &format!("run {template} --args rows.jsonl"), words);
}

#[rstest]
#[case::empty(("rows.jsonl", ""), &["rows.jsonl", "no rows"])]
#[case::empty_array(("rows.json", "[]"), &["rows.json", "no rows"])]
#[case::header_only(("rows.csv", "a\n"), &["rows.csv", "no rows"])]
#[case::ragged(("rows.csv", "a,b\n1,2\n3\n"), &["rows.csv", "line 3"])]
#[case::column_twice(("rows.csv", "a,a\n1,2\n"), &["rows.csv", "`a`"])]
#[case::cut_line(("rows.jsonl", "{\"a\":1}\n{\"a\":"), &["rows.jsonl", "line 2"])]
#[case::cut_array(("rows.json", "[{\"a\":1},\n{\"a\":"), &["rows.json", "line 2"])]
#[case::no_object(("rows.jsonl", "{\"a\":1}\n[1]\n"), &["rows.jsonl", "line 2", "object"])]
#[case::no_object_in_array(("rows.json", "[{\"a\":1},\n7]"), &["rows.json", "line 2", "object"])]
#[case::no_array(("rows.json", "{\"a\":1}"), &["rows.json", "array"])]
#[case::other_columns(("rows.jsonl", "{\"a\":1}\n{\"b\":1}\n"), &["rows.jsonl", "line 2", "row 2", "`a`"])]
#[case::no_text(("rows.jsonl", "\u{0}\u{1}"), &["rows.jsonl", "line 1"])]
fn rows(#[case] file: (&str, &str), #[case] words: &[&str]) {
    refused(file, &format!("run {{{{a}}}} --allow-unused --args {}", file.0), words);
}

#[rstest]
#[case::no_file("run {{a}} --args none.jsonl", &["none.jsonl", "No such file"])]
#[case::no_format("run {{a}} --args rows.txt", &["rows.txt", ".jsonl, .json or .csv"])]
#[case::directory("run {{a}} --args .", &[".jsonl"])]
#[case::no_template_file("run --template-file none.txt", &["none.txt"])]
#[case::unknown_provider("run hi --provider nope", &["nope", "openai", "sim"])]
#[case::unknown_flag("run hi --frobnicate", &["--frobnicate"])]
#[case::flag_of_later("run hi --rate 5", &["--rate"])]
#[case::unknown_command("frobnicate", &["frobnicate"])]
#[case::unknown_agent("run hi --agent nope", &["nope", "default"])]
#[case::negative_budget("run hi --budget -1", &["--budget", "negative"])]
#[case::no_budget("run hi --budget NaN", &["--budget", "NaN"])]
#[case::endless_budget("run hi --budget inf", &["--budget", "inf"])]
#[case::words_for_budget("run hi --budget five", &["--budget", "five"])]
#[case::zero_timeout("run hi --timeout 0s", &["--timeout", "more than zero"])]
#[case::no_unit("run hi --timeout 30", &["--timeout", "30s"])]
#[case::zero_total_timeout("run hi --total-timeout 0ms", &["--total-timeout", "more than zero"])]
#[case::zero_parallel("run hi --max-parallel 0", &["--max-parallel"])]
#[case::zero_repeat("run hi --repeat 0", &["--repeat"])]
#[case::zero_tokens("run hi --max-tokens 0", &["--max-tokens"])]
#[case::hot("run hi --temperature 3", &["--temperature", "0 to 2"])]
#[case::no_inline("run {{a}} --arg a", &["--arg", "NAME=VALUE"])]
#[case::inline_twice("run {{a}} --arg a=1 --arg a=2", &["`a`", "twice"])]
#[case::inline_and_row("run {{a}} --args rows.jsonl --arg a=1", &["`a`"])]
#[case::bad_url("run hi --base-url nonsense", &["nonsense", "http"])]
#[case::two_templates("run hi --template-file rows.jsonl", &["--template-file"])]
#[case::out_is_a_directory("run hi --out .", &["."])]
#[case::out_is_nowhere("run hi --out none/out.jsonl", &["none/out.jsonl"])]
#[case::no_run("resume-run r-00000000", &["r-00000000", "flightdeck runs"])]
#[case::no_beginning("show zz", &["zz", "flightdeck runs"])]
#[case::no_regex("runs --match (", &["--match"])]
#[case::no_state_of_runs("runs --state finished", &["finished", "completed", "suspended"])]
#[case::no_state_of_tasks("tasks --state idle", &["idle", "queued"])]
#[case::no_state_of_agents("agents --state queued", &["queued", "idle"])]
#[case::no_type("events --type frobnicated", &["frobnicated", "task_finished"])]
#[case::filter_of_others("runs --type run_started", &["--type"])]
#[case::no_moment("runs --since someday", &["someday", "2026-11-21"])]
#[case::no_severity("events --severity loud", &["loud", "warn"])]
fn arguments(#[case] args: &str, #[case] words: &[&str]) {
    refused(GOOD, args, words);
}

#[test]
fn what_is_no_text_is_refused_with_its_line() {
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::with(&server);
    std::fs::write(home.path("rows.csv"), b"a\nfine\n\xff\xfe\n").unwrap();
    home.run("run {{a}} --args rows.csv").exits(2).complains(&["rows.csv", "line 3", "UTF-8"]);
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn an_unpriced_model_under_a_budget_says_what_to_add() {
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::with(&server);
    let ended = home.run("run hi --model my.model --budget 1").exits(2);
    let ended = ended.complains(&["my.model", "config.toml", "[prices.\"my.model\"]", "input = ", "output = "]);
    assert_eq!(server.seen().len(), 0);
    // What it says to add is what is needed.
    let lines: Vec<_> = ended.stderr.lines().skip_while(|line| !line.trim().starts_with("[prices")).take(3).collect();
    let home = home.configured(&lines.join("\n").replace('…', "1.0"));
    home.run("run hi --model my.model --budget 1").exits(0);
}

#[test]
fn an_unpriced_model_without_a_budget_is_noted() {
    let server = MockOpenAi::always(Answer::words(1));
    let ended = Home::with(&server).run("run hi --model my-model").exits(0);
    assert!(ended.stderr.contains("`my-model` has no price"), "{}", ended.stderr);
}

#[rstest]
#[case("[limits]\nmax_total_cost_usd = -1\n", &["config.toml", "line 2", "negative"])]
#[case("[limits]\nmax_total_cost_usd = nan\n", &["config.toml", "line 2"])]
#[case("[limits]\nmax_agent_duration_s = 0\n", &["config.toml", "max_agent_duration_s"])]
#[case("[limts]\n", &["config.toml", "line 1", "limts", "limits"])]
#[case("[providers.x]\nkind = \"openai\"\nbase = \"y\"\n", &["config.toml", "line 3", "base"])]
#[case("[providers.x]\nbase_url = \"http://127.0.0.1:1/v1\"\n", &["providers.x", "kind"])]
#[case("[prices.m]\ninput = 1\n", &["prices.", "output"])]
fn configurations(#[case] config: &str, #[case] words: &[&str]) {
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::with(&server).configured(config);
    home.run("run hi").exits(2).complains(words);
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn a_configuration_that_was_named_must_be_there() {
    refused(GOOD, "run hi --config none.toml", &["none.toml"]);
}

#[test]
fn a_million_rows_are_refused_without_reading_them_into_memory() {
    let server = MockOpenAi::always(Answer::words(1));
    let home = Home::with(&server);
    let mut file = std::io::BufWriter::new(std::fs::File::create(home.path("rows.jsonl")).unwrap());
    let filler = "x".repeat(400);
    for n in 0..1_000_000 {
        writeln!(file, "{{\"n\":{n},\"t\":\"{filler}\"}}").unwrap();
    }
    drop(file);
    // 400 MB of rows, and a quarter of that for data.
    let mut shell = home.other("sh");
    shell.args(["-c", "ulimit -d 100000; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_flightdeck")]);
    shell.args(["run", "{{n}}{{t}}", "--args", "rows.jsonl"]);
    let ended = crate::support::flightdeck::Running::start(shell).end();
    ended.exits(3).complains(&["rows.jsonl", "1000", "--max-agents"]);
    assert_eq!((server.seen().len(), home.list("runs").len()), (0, 0));
}
