use proptest::prelude::*;
use serde_json::json;

use super::*;

fn done(task: u32, output: &str) -> Value {
    json!({"task": task, "success": true, "args": {"n": task}, "output": output, "duration_ms": 100 - task,
           "cost_usd": format!("0.0{task}")})
}

fn failed(task: u32) -> Value {
    json!({"task": task, "success": false, "args": {"n": task}, "output": "{\"score\": 1000, \"answer\": \"no\"}",
           "duration_ms": 1})
}

fn method(text: &str) -> Method {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn of(text: &str, results: &[Value]) -> Value {
    aggregate(method(text).aggregator().unwrap(), results).unwrap()
}

fn tasks(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|entry| entry["task"].as_u64().unwrap()).collect()
}

#[test]
fn all_are_collected_in_the_order_of_tasks() {
    let all = of("all", &[done(2, "b"), failed(1), done(0, "```json\n{\"a\": 1}\n```")]);
    assert_eq!(
        all,
        json!({"method": "all", "results": 3, "succeeded": 2, "success_rate": 2.0 / 3.0, "outputs": [
            {"task": 0, "args": {"n": 0}, "output": {"a": 1}},
            {"task": 2, "args": {"n": 2}, "output": "b"},
        ]})
    );
    assert_eq!(of("all", &[])["success_rate"], 0.0);
}

#[test]
fn a_ranking_has_the_better_end_first() {
    let results = [done(0, r#"{"score": 2}"#), done(1, r#"{"score": 10}"#), done(2, r#"{"score": "3"}"#), failed(3)];
    for (text, order, direction) in [
        ("rank:score", [1, 2, 0], "desc"),
        ("rank:score:asc", [0, 2, 1], "asc"),
        ("rank:duration_ms", [2, 1, 0], "asc"),
        ("rank:duration_ms:desc", [0, 1, 2], "desc"),
        ("rank:cost_usd", [0, 1, 2], "asc"),
        ("rank:args.n", [2, 1, 0], "desc"),
    ] {
        let ranked = of(text, &results);
        assert_eq!(tasks(&ranked["ranking"]), order, "{text}");
        assert_eq!(ranked["direction"], direction, "{text}");
        assert_eq!(ranked["missing"], 0);
    }
    let first = &of("rank:score", &results)["ranking"][0];
    assert_eq!(first, &json!({"place": 1, "task": 1, "value": 10, "args": {"n": 1}}));
}

#[test]
fn what_has_no_number_is_counted() {
    let results = [done(0, "plain"), done(1, r#"{"score": "high"}"#), done(2, r#"{"score": null}"#), failed(3)];
    for text in ["rank:score", "best:score"] {
        let value = of(text, &results);
        assert_eq!((&value["missing"], &value["not_numbers"]), (&json!(2), &json!(1)), "{text}");
        assert_eq!((&value["results"], &value["succeeded"]), (&json!(4), &json!(3)), "{text}");
    }
    assert_eq!(of("rank:score", &results)["ranking"], json!([]));
    assert_eq!(of("best:score", &results)["best"], Value::Null);
}

#[test]
fn equal_numbers_come_in_the_order_of_tasks() {
    let results = [done(2, r#"{"s": 1}"#), done(0, r#"{"s": 1.0}"#), done(1, r#"{"s": "1"}"#)];
    assert_eq!(tasks(&of("rank:s", &results)["ranking"]), [0, 1, 2]);
    assert_eq!(tasks(&of("rank:s:asc", &results)["ranking"]), [0, 1, 2]);
    assert_eq!(of("best:s", &results)["best"]["task"], 0);
}

#[test]
fn the_best_has_the_largest_number() {
    let results = [done(0, r#"{"s": [0, -2]}"#), done(1, r#"{"s": [0, -1.5]}"#), failed(2)];
    let best = of("best:s[1]", &results);
    assert_eq!(best["best"], json!({"task": 1, "value": -1.5, "args": {"n": 1}, "output": {"s": [0, -1.5]}}));
    assert_eq!(best["field"], "s[1]");
}

#[test]
fn the_value_with_most_votes_wins() {
    let results = [
        done(4, r#"{"answer": " yes\n"}"#),
        done(1, r#"{"answer": "no"}"#),
        done(3, r#"{"answer": "yes"}"#),
        failed(0),
    ];
    let vote = of("vote:answer", &results);
    assert_eq!(
        vote,
        json!({"method": "vote", "field": "answer", "results": 4, "succeeded": 3, "success_rate": 0.75, "missing": 0,
               "winner": "yes", "votes": 2, "cast": 3, "majority": true, "tie": false, "choices": [
            {"value": "yes", "votes": 2, "tasks": [3, 4]},
            {"value": "no", "votes": 1, "tasks": [1]},
        ]})
    );
}

#[test]
fn half_of_the_votes_is_no_majority() {
    let vote = of("vote:output", &[done(3, "b"), done(2, "a"), done(1, "b"), done(0, "a")]);
    assert_eq!((&vote["winner"], &vote["majority"], &vote["tie"]), (&json!("a"), &json!(false), &json!(true)));
    let vote = of("vote:output", &[done(3, "b"), done(2, "a"), done(1, "b"), done(0, "c")]);
    assert_eq!((&vote["winner"], &vote["majority"], &vote["tie"]), (&json!("b"), &json!(false), &json!(false)));
    let vote = of("vote:answer", &[done(0, "x"), failed(1)]);
    assert_eq!((&vote["winner"], &vote["votes"], &vote["missing"]), (&Value::Null, &json!(0), &json!(1)));
    assert_eq!((&vote["majority"], &vote["tie"]), (&json!(false), &json!(false)));
}

#[test]
fn votes_that_mean_the_same_are_the_same() {
    let choices = |outputs: &[&str]| {
        let results: Vec<Value> = (0..).zip(outputs).map(|(task, output)| done(task, output)).collect();
        of("vote:a", &results)["choices"].as_array().unwrap().len()
    };
    assert_eq!(choices(&[r#"{"a": 1}"#, r#"{"a": 1.0}"#, r#"{"a": 1e0}"#]), 1);
    assert_eq!(choices(&[r#"{"a": {"x": 1, "y": [2]}}"#, r#"{"a": {"y": [2.0], "x": 1}}"#]), 1);
    assert_eq!(choices(&[r#"{"a": 1}"#, r#"{"a": "1"}"#, r#"{"a": true}"#, r#"{"a": [1]}"#]), 4);
    assert_eq!(choices(&[r#"{"a": "Yes"}"#, r#"{"a": "yes"}"#]), 2);
    assert_eq!(choices(&[r#"{"a": ["x,y"]}"#, r#"{"a": ["x", "y"]}"#]), 2);
}

#[test]
fn what_is_no_method_is_refused_with_advice() {
    for (text, words) in [
        ("", "all, rank:FIELD"),
        ("sum:x", "all, rank:FIELD"),
        ("all:x", "all, rank:FIELD"),
        ("rank", "rank:FIELD"),
        ("rank::desc", "rank:FIELD"),
        ("vote:", "vote:FIELD"),
        ("best:a..b", "at character 3"),
        ("command:", "command:CMD"),
        ("command:  ", "command:CMD"),
        ("command:a 'b", "never closed"),
    ] {
        let error = text.parse::<Method>().unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
    assert_eq!(method("command:jq -s 'a b'"), Method::Command(vec!["jq".into(), "-s".into(), "a b".into()]));
}

proptest! {
    #[test]
    fn no_order_of_ends_makes_a_difference(
        (ordered, shuffled) in prop::collection::vec((0_u8..4, any::<bool>(), -2_i8..3), 0..12).prop_flat_map(|kinds| {
            let results: Vec<Value> = (0..).zip(kinds).map(|(task, (kind, success, number))| {
                let output = match kind {
                    0 => "plain".to_owned(),
                    1 => format!("{{\"s\": \"{number}\"}}"),
                    2 => format!("{{\"s\": {number}.0}}"),
                    _ => format!("{{\"s\": {number}}}"),
                };
                if success { done(task, &output) } else { failed(task) }
            }).collect();
            (Just(results.clone()), Just(results).prop_shuffle())
        })
    ) {
        for text in ["all", "rank:s", "rank:s:asc", "rank:duration_ms", "vote:s", "vote:output", "best:s"] {
            prop_assert_eq!(of(text, &ordered), of(text, &shuffled), "{}", text);
        }
    }
}
