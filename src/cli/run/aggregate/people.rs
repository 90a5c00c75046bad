//! An aggregate as people read it.

use serde_json::Value;

use crate::aggregate::Method;
use crate::guard::Gate;

/// More lines than this are in the summary only.
const MOST_LINES: usize = 25;
const WIDEST: usize = 100;

/// The lines of an aggregate, clean for a terminal.
#[must_use]
pub fn for_people(method: &Method, value: &Value, gate: &Gate) -> Vec<String> {
    let mut lines = match method {
        Method::All => vec![format!("all: {} outputs of {} results", value["succeeded"], value["results"])],
        Method::Rank(..) => rank(value, gate),
        Method::Vote(_) => vote(value, gate),
        Method::Best(_) => best(value, gate),
        Method::Command(_) => command(value, gate),
    };
    lines.extend(unused(value, gate));
    lines
}

fn rank(value: &Value, gate: &Gate) -> Vec<String> {
    let order = if value["direction"] == "asc" { "the smallest first" } else { "the largest first" };
    let entries = list(&value["ranking"]).map(|entry| {
        let place = entry["place"].as_u64().unwrap_or_default();
        let [value, args] = [text(&entry["value"], gate), text(&entry["args"], gate)];
        format!("  {place:>3}. {value}  task {}  {args}", entry["task"])
    });
    with_heading(format!("ranked by {}, {order}:", text(&value["field"], gate)), entries)
}

fn vote(value: &Value, gate: &Gate) -> Vec<String> {
    let field = text(&value["field"], gate);
    if value["winner"].is_null() {
        return vec![format!("vote on {field}: no votes")];
    }
    let how = match (value["majority"] == true, value["tie"] == true) {
        (true, _) => "a majority",
        (_, true) => "a tie: the first task decides",
        _ => "no majority",
    };
    let (winner, votes, cast) = (text(&value["winner"], gate), &value["votes"], &value["cast"]);
    let choices = list(&value["choices"]).map(|choice| {
        let votes = choice["votes"].as_u64().unwrap_or_default();
        format!("  {votes:>3} x {}", text(&choice["value"], gate))
    });
    with_heading(format!("vote on {field}: {winner} ({votes} of {cast}, {how})"), choices)
}

fn best(value: &Value, gate: &Gate) -> Vec<String> {
    let field = text(&value["field"], gate);
    let best = &value["best"];
    if best.is_null() {
        return vec![format!("best by {field}: none")];
    }
    let [score, args, output] = ["value", "args", "output"].map(|name| text(&best[name], gate));
    vec![format!("best by {field}: {score}  task {}  {args}", best["task"]), format!("  {output}")]
}

fn command(value: &Value, gate: &Gate) -> Vec<String> {
    let pretty = format!("{value:#}");
    let lines = pretty.lines().map(|line| gate.screen(line).into_owned());
    with_heading("aggregate:".to_owned(), lines)
}

/// What could not take part.
fn unused(value: &Value, gate: &Gate) -> Vec<String> {
    let field = text(&value["field"], gate);
    let told = [("missing", format!("without {field}")), ("not_numbers", format!("whose {field} is no number"))];
    let counted = told.into_iter().filter_map(|(name, what)| Some((value[name].as_u64().filter(|n| *n > 0)?, what)));
    counted.map(|(count, what)| format!("  {count} left out: {what}")).collect()
}

fn list(value: &Value) -> impl ExactSizeIterator<Item = &Value> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn with_heading(heading: String, lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut all = vec![heading];
    let mut lines = lines.into_iter();
    all.extend(lines.by_ref().take(MOST_LINES));
    let more = lines.count();
    if more > 0 {
        all.push(format!("  … and {more} more: --summary FILE has all of it"));
    }
    all
}

fn text(value: &Value, gate: &Gate) -> String {
    match value {
        Value::String(text) => gate.line(text, WIDEST),
        other => gate.line(&other.to_string(), WIDEST),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aggregate::aggregate;

    fn lines(method: &str, outputs: &[&str]) -> String {
        let method: Method = method.parse().unwrap();
        let results: Vec<Value> = (0..)
            .zip(outputs)
            .map(|(task, output)| {
                json!({"task": task, "success": true, "args": {"n": task}, "output": output, "duration_ms": 5})
            })
            .collect();
        let value = method.aggregator().map(|aggregator| aggregate(aggregator, &results).unwrap());
        for_people(&method, &value.unwrap_or_else(|| json!({"a": "\u{1b}[31m"})), &Gate::default()).join("\n")
    }

    #[test]
    fn each_method_says_what_it_found() {
        for (method, outputs, said) in [
            ("all", &["a", "b"][..], "all: 2 outputs of 2 results"),
            (
                "rank:s",
                &["{\"s\": 1}", "{\"s\": 3}", "x", "{\"s\": \"y\"}"],
                "ranked by s, the largest first:\n    1. 3  task 1  {\"n\":1}\n    2. 1  task 0  {\"n\":0}\n  \
                 1 left out: without s\n  1 left out: whose s is no number",
            ),
            (
                "vote:output",
                &["a", "b\u{1b}]0;t\u{7}", "a"],
                "vote on output: a (2 of 3, a majority)\n    2 x a\n    1 x b",
            ),
            (
                "vote:output",
                &["a", "b"],
                "vote on output: a (1 of 2, a tie: the first task decides)\n    1 x a\n    1 x b",
            ),
            ("vote:x", &["a"], "vote on x: no votes\n  1 left out: without x"),
            ("best:s", &["{\"s\": 2}"], "best by s: 2  task 0  {\"n\":0}\n  {\"s\":2}"),
            ("best:s", &[], "best by s: none"),
            ("command:x", &[], "aggregate:\n{\n  \"a\": \"\\u001b[31m\"\n}"),
        ] {
            assert_eq!(lines(method, outputs), said, "{method}");
        }
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let said = lines("rank:duration_ms", &["x"; 30]);
        assert_eq!(said.lines().count(), MOST_LINES + 2);
        assert!(said.ends_with("… and 5 more: --summary FILE has all of it"), "{said}");
    }
}
