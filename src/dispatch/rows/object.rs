//! One row as a JSON object.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};

use super::{RowProblem, Trouble};
use crate::dispatch::text::chars;

/// Marks the error of a field that is there twice, so that it can be told from others.
const TWICE: &str = "field twice: ";

/// Reads an object. `line` and `column` say where `text` begins.
pub(super) fn parse(text: &str, line: u64, column: u64) -> Result<Map<String, Value>, Trouble> {
    match serde_json::from_str::<Fields>(text) {
        Ok(fields) => Ok(fields.0),
        Err(error) => Err(trouble(text, &error, line, column)),
    }
}

fn trouble(text: &str, error: &serde_json::Error, line: u64, column: u64) -> Trouble {
    let begin = text.trim_start();
    if !begin.starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok() {
        return Trouble::at(line, column, RowProblem::NoObject(kind(begin)));
    }
    let said = error.to_string();
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what);
    let said = if said == "expected ident" { "expected true, false or null" } else { said };
    let problem = match (error.classify(), said.strip_prefix(TWICE)) {
        (_, Some(field)) => RowProblem::FieldTwice(field.to_owned()),
        (Category::Eof, _) => RowProblem::Cut,
        _ => RowProblem::Json(said.to_owned()),
    };
    let (line, column) = place(text, error, line, column);
    Trouble::at(line, column, problem)
}

/// Where in the file an error is; `serde_json` counts bytes from the beginning of `text`.
fn place(text: &str, error: &serde_json::Error, line: u64, column: u64) -> (u64, u64) {
    let lines_before = error.line().saturating_sub(1);
    let erring = text.split('\n').nth(lines_before).unwrap_or_default().as_bytes();
    let before = chars(erring.get(..error.column().saturating_sub(1)).unwrap_or(erring));
    let first = if lines_before == 0 { column } else { 1 };
    (line + lines_before as u64, first + before)
}

/// What a JSON text is, by its first character.
pub(super) fn kind(text: &str) -> &'static str {
    match text.bytes().next() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        Some(b'-' | b'0'..=b'9') => "a number",
        _ => "no JSON",
    }
}

/// An object that has no field twice: one of the two would be lost without a word.
struct Fields(Map<String, Value>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Fields, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if fields.contains_key(&name) {
                return Err(de::Error::custom(format_args!("{TWICE}{name}")));
            }
            fields.insert(name, access.next_value()?);
        }
        Ok(Fields(fields))
    }
}
