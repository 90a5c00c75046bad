//! From rows to results: where rows come from, and what comes out.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::flightdeck::Home;
use crate::support::mock_openai::{Answer, MODEL, MockOpenAi, Seen};

/// Answers with the prompt.
fn echo() -> MockOpenAi {
    MockOpenAi::start(|seen: &Seen| Answer::tokens([seen.prompt()]))
}

fn outputs(results: &[Value]) -> Vec<&str> {
    results.iter().map(|result| result["output"].as_str().unwrap()).collect()
}

#[rstest]
#[case("rows.jsonl", "{\"word\":\"x\",\"n\":1}\n{\"word\":\"y\",\"n\":2}\n")]
#[case("rows.json", "[{\"word\":\"x\",\"n\":1},\n {\"word\":\"y\",\"n\":2}]")]
#[case("rows.csv", "word,n\nx,1\n\"y\",2\n")]
fn rows_come_from_files(#[case] name: &str, #[case] text: &str) {
    let server = echo();
    let home = Home::with(&server);
    home.write(name, text);
    let results = home.run(&format!("run {{{{word}}}}-{{{{n}}}} --args {name}")).exits(0).by_task();
    assert_eq!(outputs(&results), ["x-1", "y-2"]);
    assert_eq!(results[1]["args"]["word"], "y");
}

#[test]
fn rows_come_from_standard_input() {
    let server = echo();
    let ended = Home::with(&server).run_with_input("run {{w}} --args -", "{\"w\":\"a\"}\n\n{\"w\":\"b\"}");
    assert_eq!(outputs(&ended.exits(0).by_task()), ["a", "b"]);
}

#[test]
fn inline_values_are_a_row_or_join_every_row() {
    let server = echo();
    let home = Home::with(&server);
    let alone = home.run("run {{a}}{{b}} --arg a=1 --arg b=x=y").exits(0).result();
    assert_eq!((&alone["output"], &alone["args"]), (&json!("1x=y"), &json!({"a": "1", "b": "x=y"})));
    home.write("rows.jsonl", "{\"a\":1}\n{\"a\":2}");
    let joined = home.run("run {{a}}{{b}} --args rows.jsonl --arg b=!").exits(0).by_task();
    assert_eq!(outputs(&joined), ["1!", "2!"]);
}

#[test]
fn a_template_without_values_is_one_task() {
    let server = echo();
    let home = Home::with(&server);
    home.write("template.txt", "Say hello.");
    let result = home.run_with("run --template-file template.txt --system", "Be brief.").exits(0).result();
    assert_eq!((&result["output"], &result["args"], &result["task"]), (&json!("Say hello."), &json!({}), &json!(0)));
    assert_eq!(server.seen()[0].body["messages"][0], json!({"role": "system", "content": "Be brief."}));
}

#[test]
fn replicas_are_tasks_with_keys_of_their_own() {
    let server = echo();
    let home = Home::with(&server);
    home.write("rows.jsonl", "{\"a\":1}\n{\"a\":2}");
    let results = home.run("run {{a}} --args rows.jsonl --repeat 2").exits(0).by_task();
    assert_eq!(outputs(&results), ["1", "1", "2", "2"]);
    let mut keys: Vec<_> = results.iter().map(|result| result["idempotency_key"].to_string()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!((keys.len(), server.seen().len()), (4, 4));
}

#[test]
fn a_result_has_the_fields_that_scripts_read() {
    let server = MockOpenAi::always(Answer::words(3).counted(json!({
        "prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15, "prompt_tokens_details": {"cached_tokens": 8}
    })));
    let home = Home::with(&server).configured(
        "[prices.mock-1]\ninput = 2\noutput = 8\ncache_read = 1\n[prices.asked]\ninput = 2\noutput = 8\ncache_read = 1",
    );
    let result = home.run("run {{word}} --arg word=x --model asked").exits(0).result();
    let fields: Vec<_> = result.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = [
        "run",
        "task",
        "agent",
        "args",
        "success",
        "output",
        "error",
        "duration_ms",
        "attempts",
        "provider",
        "model",
        "cost_usd",
        "usage",
        "idempotency_key",
        "cached",
        "findings",
    ];
    assert_eq!(fields, wanted);
    assert_eq!(result["args"], json!({"word": "x"}));
    assert_eq!((&result["success"], &result["error"]), (&json!(true), &Value::Null));
    assert_eq!(result["output"], "word0 word1 word2");
    assert_eq!((&result["attempts"], &result["cached"]), (&json!(1), &json!(false)));
    assert_eq!((&result["provider"], &result["model"]), (&json!("openai"), &json!(MODEL)));
    let usage = json!({"input_tokens": 4, "output_tokens": 3, "cache_read_tokens": 8, "cache_write_tokens": 0});
    assert_eq!(result["usage"], usage);
    // 4 tokens at $2, 8 at $1 and 3 at $8 per million.
    assert_eq!(result["cost_usd"], "0.00004");
    assert_eq!(result["findings"], json!([]));
    let key = result["idempotency_key"].as_str().unwrap();
    assert!(key.len() == 16 && key.chars().all(|c| c.is_ascii_hexdigit()), "{key}");
    assert!(result["duration_ms"].is_u64() && result["run"].is_string() && result["agent"].is_string());
}

#[test]
fn results_come_in_the_order_of_their_ends() {
    // The first row's answer waits until the second row's result is there.
    let server = MockOpenAi::start(|seen: &Seen| match seen.prompt() {
        "slow" => Answer::words(1).held(),
        _ => Answer::words(1),
    });
    let home = Home::with(&server);
    home.write("rows.jsonl", "{\"w\":\"slow\"}\n{\"w\":\"fast\"}");
    let running = home.start("run {{w}} --args rows.jsonl");
    let first = running.wait_for_lines(1);
    assert!(first.contains("\"task\":1"), "{first}");
    server.release();
    let order: Vec<_> = running.end().exits(0).results().iter().map(|result| result["task"].as_u64()).collect();
    assert_eq!(order, [Some(1), Some(0)]);
}
