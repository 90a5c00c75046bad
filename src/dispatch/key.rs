//! Idempotency keys: a task that would get the same answer has the same key.
//!
//! A key is the first 64 bits of BLAKE3 over an encoding in which nothing can be mistaken for
//! anything else: each part says its kind and its length, and fields of objects are sorted.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::plan::Templates;
use super::rows::{Place, Row};
use super::template::Template;
use super::text::listed;
use crate::domain::{Key, TaskNo};

/// Says which encoding it is: one that is changed gets another number, and so other keys.
const ENCODING: &str = "flightdeck key 1";
const OWN_ENCODING: &str = "flightdeck own key 1";

/// Why a task has no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A row without the column of the key.
    #[error("{place}: the row does not have the column `{field}` that --key names: add it")]
    NoField {
        /// Which row.
        place: Box<Place>,
        /// The column.
        field: String,
    },
    /// A key that says nothing.
    #[error("{place}: `{field}` is {what} and can be no key: --key needs a text, a number, true or false")]
    NoKey {
        /// Which row.
        place: Box<Place>,
        /// The column.
        field: String,
        /// What is there instead.
        what: &'static str,
    },
    /// One text for many rows.
    #[error(
        "{rows}: `{text}` would be the key of every row, and each needs its own: name a column with --key (there are {columns})"
    )]
    OneForMany {
        /// How the rows are called.
        rows: String,
        /// The text.
        text: String,
        /// The columns that there are.
        columns: String,
    },
    /// The same key for different things.
    #[error("{rows}: rows {first} and {row} have the same key `{key}` and other values: give each its own key")]
    Conflict {
        /// How the rows are called.
        rows: String,
        /// The row that had it first, from 1.
        first: u64,
        /// The row that has it again.
        row: u64,
        /// The user's key.
        key: String,
    },
}

/// What the tasks of a run have in common beside their templates and changes the answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Identity<'a> {
    /// The agent template.
    pub agent: &'a str,
    /// The provider's name.
    pub provider: &'a str,
    /// Where the provider is, if not at its usual place: the same model name may be another model there.
    pub endpoint: Option<&'a str>,
    /// The model.
    pub model: &'a str,
    /// The most tokens of an answer, where the user gave it.
    pub max_tokens: Option<u32>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// The seed for the provider.
    pub seed: Option<u64>,
}

/// A task's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keyed {
    pub(super) key: Key,
    /// The key of all that changes the answer, where `key` is the user's own.
    pub(super) payload: Option<Key>,
    /// The earlier task with the same key.
    pub(super) same_as: Option<TaskNo>,
}

/// Gives the tasks of one run their keys.
pub(super) struct Keys {
    rows: String,
    base: Encoder,
    own: Option<Own>,
    seen: HashMap<Key, Seen>,
}

/// The user's own key, as it was given; the first row tells whether it is a column.
enum Own {
    Given(String),
    Field(String),
    Text(String),
}

struct Seen {
    task: TaskNo,
    row: u64,
    payload: Key,
}

impl Keys {
    pub(super) fn new(rows: &str, templates: &Templates, identity: &Identity<'_>, own: Option<&str>) -> Self {
        Self {
            rows: rows.to_owned(),
            base: common(templates, identity),
            own: own.map(|own| Own::Given(own.to_owned())),
            seen: HashMap::new(),
        }
    }

    /// The key of a row's replica, as the run's task number `task`.
    pub(super) fn key(&mut self, row: &Row, replica: u32, task: TaskNo) -> Result<Keyed, KeyError> {
        let payload = self.payload(&row.values, replica);
        let own = self.own(row)?;
        let key = own.as_deref().map_or(payload, |own| own_key(own, replica));
        let seen = self.seen.entry(key).or_insert(Seen { task, row: row.number, payload });
        match own {
            Some(key) if seen.payload != payload => {
                Err(KeyError::Conflict { rows: self.rows.clone(), first: seen.row, row: row.number, key })
            }
            own => {
                let same_as = (seen.task != task).then_some(seen.task);
                Ok(Keyed { key, payload: own.is_some().then_some(payload), same_as })
            }
        }
    }

    fn payload(&self, values: &Map<String, Value>, replica: u32) -> Key {
        let mut encoder = self.base.clone();
        encoder.object(values);
        encoder.number(u64::from(replica));
        encoder.key()
    }

    fn own(&mut self, row: &Row) -> Result<Option<String>, KeyError> {
        if let Some(Own::Given(given)) = &self.own {
            let given = given.clone();
            self.own = Some(if row.values.contains_key(&given) { Own::Field(given) } else { Own::Text(given) });
        }
        match &self.own {
            None | Some(Own::Given(_)) => Ok(None),
            Some(Own::Text(text)) if row.number > 1 => Err(KeyError::OneForMany {
                rows: self.rows.clone(),
                text: text.clone(),
                columns: listed(row.values.keys().map(String::as_str)),
            }),
            Some(Own::Text(text)) => Ok(Some(text.clone())),
            Some(Own::Field(field)) => self.field(row, field).map(Some),
        }
    }

    fn field(&self, row: &Row, field: &str) -> Result<String, KeyError> {
        let (place, field) = (Box::new(Place::of(&self.rows, row)), field.to_owned());
        let no_key = |what| Err(KeyError::NoKey { place: place.clone(), field: field.clone(), what });
        match row.values.get(&field) {
            None => Err(KeyError::NoField { place, field }),
            Some(Value::Null) => no_key("null"),
            Some(Value::Array(_)) => no_key("an array"),
            Some(Value::Object(_)) => no_key("an object"),
            Some(Value::String(text)) if text.is_empty() => no_key("empty"),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other @ (Value::Bool(_) | Value::Number(_))) => Ok(other.to_string()),
        }
    }
}

fn own_key(own: &str, replica: u32) -> Key {
    let mut encoder = Encoder::new(OWN_ENCODING);
    encoder.text(own);
    encoder.number(u64::from(replica));
    encoder.key()
}

fn common(templates: &Templates, identity: &Identity<'_>) -> Encoder {
    let Identity { agent, provider, endpoint, model, max_tokens, temperature, seed } = *identity;
    let mut encoder = Encoder::new(ENCODING);
    encoder.option(templates.template().map(Template::source), Encoder::text);
    encoder.option(templates.system().map(Template::source), Encoder::text);
    encoder.count(b'[', templates.command().len());
    for part in templates.command() {
        encoder.text(part.source());
    }
    encoder.text(agent);
    encoder.text(provider);
    encoder.option(endpoint.map(|url| url.trim_end_matches('/')), Encoder::text);
    encoder.text(model);
    encoder.option(max_tokens.map(u64::from), Encoder::number);
    // Both zeros mean the same to every provider.
    encoder.option(temperature.map(|t| (t + 0.0).to_bits()), Encoder::number);
    encoder.option(seed, Encoder::number);
    encoder
}

#[derive(Clone)]
struct Encoder(blake3::Hasher);

impl Encoder {
    fn new(encoding: &str) -> Self {
        let mut encoder = Self(blake3::Hasher::new());
        encoder.text(encoding);
        encoder
    }

    fn key(&self) -> Key {
        let hash = self.0.finalize();
        Key(hash.as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first)))
    }

    fn kind(&mut self, kind: u8) {
        self.0.update(&[kind]);
    }

    fn count(&mut self, kind: u8, count: usize) {
        self.kind(kind);
        self.0.update(&(count as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(b's', text.len());
        self.0.update(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.kind(b'u');
        self.0.update(&number.to_le_bytes());
    }

    fn option<T>(&mut self, value: Option<T>, encode: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.kind(b'-'),
            Some(value) => encode(self, value),
        }
    }

    fn object(&mut self, fields: &Map<String, Value>) {
        self.count(b'{', fields.len());
        let mut fields: Vec<_> = fields.iter().collect();
        fields.sort_unstable_by_key(|(name, _)| *name);
        for (name, value) in fields {
            self.text(name);
            self.value(value);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.kind(b'n'),
            Value::Bool(true) => self.kind(b't'),
            Value::Bool(false) => self.kind(b'f'),
            Value::Number(number) => {
                self.kind(b'#');
                self.text(&number.to_string());
            }
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                self.count(b'[', items.len());
                for item in items {
                    self.value(item);
                }
            }
            Value::Object(fields) => self.object(fields),
        }
    }
}
