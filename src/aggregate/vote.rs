//! `vote:FIELD`: the value that most results have.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::score::Score;
use super::tally::Tally;
use super::{Aggregator, Field, ResultView};

#[derive(Debug)]
pub(super) struct Vote {
    field: Field,
    tally: Tally,
    choices: BTreeMap<String, Choice>,
}

/// A value, and who voted for it.
#[derive(Debug)]
struct Choice {
    /// As the first of its tasks wrote it.
    value: Value,
    tasks: BTreeSet<u64>,
}

impl Vote {
    pub(super) fn new(field: Field) -> Self {
        Self { field, tally: Tally::default(), choices: BTreeMap::new() }
    }
}

impl Aggregator for Vote {
    fn add(&mut self, result: &ResultView) {
        let Some(value) = self.tally.value(result, &self.field) else { return };
        let choice = self.choices.entry(canonical(value));
        let choice = choice.or_insert_with(|| Choice { value: Value::Null, tasks: BTreeSet::new() });
        choice.tasks.insert(result.task());
        if choice.tasks.first() == Some(&result.task()) {
            choice.value = trimmed(value);
        }
    }

    fn finish(self: Box<Self>) -> Value {
        let mut choices: Vec<Choice> = self.choices.into_values().collect();
        // Of equally many votes, that with the first task's.
        choices.sort_by_key(|choice| (Reverse(choice.tasks.len()), choice.tasks.first().copied()));
        let cast: usize = choices.iter().map(|choice| choice.tasks.len()).sum();
        let votes = choices.first().map_or(0, |choice| choice.tasks.len());
        let tie = choices.get(1).is_some_and(|second| second.tasks.len() == votes);
        let mut value = Map::new();
        value.insert("method".into(), "vote".into());
        value.insert("field".into(), self.field.to_string().into());
        self.tally.counts(false, &mut value);
        value.insert("winner".into(), choices.first().map_or(Value::Null, |choice| choice.value.clone()));
        value.insert("votes".into(), votes.into());
        value.insert("cast".into(), cast.into());
        value.insert("majority".into(), (votes * 2 > cast).into());
        value.insert("tie".into(), tie.into());
        let choices = choices
            .into_iter()
            .map(|choice| json!({"value": choice.value, "votes": choice.tasks.len(), "tasks": choice.tasks}));
        value.insert("choices".into(), choices.collect());
        value.into()
    }
}

fn trimmed(value: &Value) -> Value {
    match value {
        Value::String(text) => text.trim().into(),
        other => other.clone(),
    }
}

/// The same text for what counts as the same vote: the white space around a text, the form of a
/// number and the order of an object's names make no difference. Kinds stay apart: `"1"` is not 1.
fn canonical(value: &Value) -> String {
    match value {
        Value::String(text) => Value::from(text.trim()).to_string(),
        Value::Number(_) => Score::of(value).map_or_else(|| value.to_string(), Score::canonical),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(fields) => {
            let fields: BTreeMap<&String, String> = fields.iter().map(|(k, v)| (k, canonical(v))).collect();
            let fields: Vec<String> = fields.iter().map(|(k, v)| format!("{}:{v}", Value::from(k.as_str()))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Null | Value::Bool(_) => value.to_string(),
    }
}
