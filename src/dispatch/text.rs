//! Small things about text that several files here need.

use std::borrow::Cow;

use serde_json::Value;

/// How many names a message lists before it says how many more there are.
const LISTED: usize = 12;

/// A value as a template shows it: a string as it is, anything else as JSON.
pub(super) fn shown(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// Line and column, from 1 and in characters, of a byte of `text`.
pub(super) fn position(text: &str, offset: usize) -> (u64, u64) {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |newline| newline + 1);
    let line = before.split(|&b| b == b'\n').count();
    let columns = before.get(line_start..).map_or(0, chars);
    (line as u64, columns + 1)
}

/// How many characters begin in `bytes`, which may be cut in the middle of one.
pub(super) fn chars(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&b| begins_char(b)).count() as u64
}

/// Whether a byte of UTF-8 begins a character.
pub(super) const fn begins_char(byte: u8) -> bool {
    byte & 0b1100_0000 != 0b1000_0000
}

/// The name in `known` that `name` was probably meant to be.
pub(super) fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_lowercase();
    let allowed = name.chars().count().div_ceil(3);
    known
        .map(|candidate| (strsim::osa_distance(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Names as a message lists them: quoted, and not more than a line holds.
pub(super) fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(LISTED);
    let list = names.take(LISTED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{list} and {more} more") } else { list }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_characters_not_bytes() {
        assert_eq!(position("añb\nüx", 0), (1, 1));
        assert_eq!(position("añb\nüx", 3), (1, 3));
        assert_eq!(position("añb\nüx", 7), (2, 2));
        assert_eq!(position("ab", 99), (1, 3));
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let known = ["word", "language", "n"];
        for (name, expected) in
            [("wrod", Some("word")), ("Language", Some("language")), ("colour", None), ("m", Some("n"))]
        {
            assert_eq!(meant(name, known.into_iter()), expected, "{name}");
        }
    }
}
