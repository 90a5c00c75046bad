//! A result as aggregations see it.

use serde::Serialize;
use serde_json::Value;

use super::Field;

/// One result: its fields as `run` writes them, and its output as JSON where it is JSON.
#[derive(Debug, Clone)]
pub struct ResultView {
    fields: Value,
    json: Option<Value>,
}

impl ResultView {
    /// A view of anything that is written as a result is.
    ///
    /// # Errors
    /// Where it can't be written as JSON.
    pub fn new<R: Serialize>(result: &R) -> Result<Self, serde_json::Error> {
        let fields = serde_json::to_value(result)?;
        let json = fields.get("output").and_then(Value::as_str).and_then(as_json);
        Ok(Self { fields, json })
    }

    /// The number of its task.
    #[must_use]
    pub fn task(&self) -> u64 {
        self.fields.get("task").and_then(Value::as_u64).unwrap_or(u64::MAX)
    }

    /// Whether its task completed.
    #[must_use]
    pub fn success(&self) -> bool {
        self.fields.get("success").and_then(Value::as_bool).unwrap_or(false)
    }

    /// The arguments of its task.
    #[must_use]
    pub fn args(&self) -> &Value {
        self.fields.get("args").unwrap_or(&Value::Null)
    }

    /// Its output as text.
    #[must_use]
    pub fn output(&self) -> Option<&str> {
        self.fields.get("output").and_then(Value::as_str)
    }

    /// Its output as JSON where it is JSON, alone or in a `json` fence of Markdown, otherwise as a
    /// string.
    #[must_use]
    pub fn output_value(&self) -> &Value {
        self.json.as_ref().or_else(|| self.fields.get("output")).unwrap_or(&Value::Null)
    }

    /// All of its fields, as `run` writes them.
    #[must_use]
    pub fn fields(&self) -> &Value {
        &self.fields
    }

    /// The value of a field: of its output where that is JSON and has it, else of the result. A
    /// null is no value.
    #[must_use]
    pub fn at(&self, field: &Field) -> Option<&Value> {
        let in_output = self.json.as_ref().and_then(|json| field.find(json));
        in_output.or_else(|| field.find(&self.fields)).filter(|value| !value.is_null())
    }
}

/// The JSON that a text is, or that its first `json` fence with JSON in it holds: models like to
/// wrap what they were asked for.
fn as_json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| fenced(text))
}

const FENCE: &str = "```";

fn fenced(text: &str) -> Option<Value> {
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let info = line.trim_start().strip_prefix(FENCE).map(|info| info.trim_start_matches('`').trim());
        if !info.is_some_and(|info| info.eq_ignore_ascii_case("json")) {
            continue;
        }
        let inside: Vec<&str> = lines.by_ref().take_while(|line| !line.trim_start().starts_with(FENCE)).collect();
        if let Ok(value) = serde_json::from_str(&inside.join("\n")) {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(output: &str) -> ResultView {
        ResultView::new(&json!({"task": 3, "success": true, "output": output, "duration_ms": 12})).unwrap()
    }

    fn at(output: &str, field: &str) -> Option<Value> {
        of(output).at(&field.parse().unwrap()).cloned()
    }

    #[test]
    fn json_in_a_fence_is_json() {
        for text in [
            r#"{"a": 1}"#,
            "  {\"a\": 1}\n",
            "```json\n{\"a\": 1}\n```",
            "Here it is:\n\n```JSON\r\n{\"a\":\r\n 1}\r\n```\r\nAnything else?",
            "  ```json\n  {\"a\": 1}\n  ```",
            "```json\n{\"a\": 1}",
            "```json\nnot this\n```\n```json\n{\"a\": 1}\n```\n```json\n{\"a\": 2}\n```",
            "````json\n{\"a\": 1}\n````",
        ] {
            assert_eq!(at(text, "a"), Some(json!(1)), "{text}");
        }
    }

    #[test]
    fn other_text_is_no_json() {
        for text in ["", "a: 1", "```\n{\"a\": 1}\n```", "```python\n{\"a\": 1}\n```", "so: {\"a\": 1}"] {
            assert_eq!(at(text, "a"), None, "{text}");
            assert_eq!(of(text).output_value(), &json!(text));
        }
        let deep = "[".repeat(100_000);
        assert_eq!(of(&deep).output_value(), &json!(deep));
    }

    #[test]
    fn the_output_comes_before_the_result() {
        assert_eq!(at(r#"{"duration_ms": 7}"#, "duration_ms"), Some(json!(7)));
        assert_eq!(at(r#"{"a": 7}"#, "duration_ms"), Some(json!(12)));
        assert_eq!(at("plain", "duration_ms"), Some(json!(12)));
        assert_eq!(at("plain", "output"), Some(json!("plain")));
        assert_eq!(at(r#"{"duration_ms": null}"#, "duration_ms"), None, "an answer that says nothing says nothing");
    }
}
