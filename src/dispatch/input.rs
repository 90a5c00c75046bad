//! What people type: durations and inline values.

use std::time::Duration;

/// A text that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// No duration.
    #[error("`{0}` is no duration: write 250ms, 30s, 5m, 2h or 1h30m")]
    NoDuration(String),
    /// More than a clock counts.
    #[error("`{0}` is too long a duration")]
    TooLong(String),
    /// A duration that must not be zero.
    #[error("`{0}` is no time at all: the duration must be more than zero")]
    Zero(String),
    /// No inline value.
    #[error("`{0}` is no inline value: write NAME=VALUE")]
    NoInline(String),
    /// The same name twice.
    #[error("the inline value `{0}` is given twice: remove one")]
    InlineTwice(String),
}

/// The units of a duration, the largest first, in milliseconds.
const UNITS: &[(&str, u64)] = &[("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads a duration: `250ms`, `30s`, `5m`, `2h`, `1h30m`. Each unit at most once, the largest first.
pub fn duration(text: &str) -> Result<Duration, InputError> {
    let wrong = || InputError::NoDuration(text.to_owned());
    let too_long = || InputError::TooLong(text.to_owned());
    let mut units = UNITS.iter();
    let mut rest = text.trim();
    let mut millis: u64 = 0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|&length| length > 0).ok_or_else(wrong)?;
        let (number, after) = rest.split_at_checked(digits).ok_or_else(wrong)?;
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(letters).ok_or_else(wrong)?;
        let (_, factor) = units.by_ref().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| too_long())?;
        millis = number.checked_mul(*factor).and_then(|part| millis.checked_add(part)).ok_or_else(too_long)?;
        rest = after;
    }
    Ok(Duration::from_millis(millis))
}

/// Like [`duration`], and zero is refused.
pub fn positive_duration(text: &str) -> Result<Duration, InputError> {
    duration(text).and_then(|d| if d.is_zero() { Err(InputError::Zero(text.to_owned())) } else { Ok(d) })
}

/// Reads an inline value, `NAME=VALUE`. The value may be empty and may have `=` in it.
pub fn inline(text: &str) -> Result<(String, String), InputError> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err(InputError::NoInline(text.to_owned())),
    }
}

/// Refuses inline values of which two have the same name.
pub fn distinct(inline: &[(String, String)]) -> Result<(), InputError> {
    let twice = inline.iter().enumerate().find(|(index, (name, _))| inline.iter().take(*index).any(|(n, _)| n == name));
    twice.map_or(Ok(()), |(_, (name, _))| Err(InputError::InlineTwice(name.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read() {
        for (text, millis) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("1h30m", 5_400_000),
            ("1m500ms", 60_500),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(positive_duration("0h"), Err(InputError::Zero("0h".to_owned())));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", " ", "5", "s", "-5s", "5 s", "1.5h", "30m1h", "5s5s", "5d", "1h30", "٣s", "5ｓ"] {
            assert_eq!(duration(text), Err(InputError::NoDuration(text.to_owned())), "{text}");
        }
        for text in ["99999999999999999999h", "9999999999999999h"] {
            assert_eq!(duration(text), Err(InputError::TooLong(text.to_owned())));
        }
    }

    #[test]
    fn inline_values_read() {
        assert_eq!(inline("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(inline("a="), Ok(("a".to_owned(), String::new())));
        for text in ["", "a", "=b", " =b"] {
            assert!(inline(text).is_err(), "{text}");
        }
        let pair = |name: &str| (name.to_owned(), String::new());
        assert_eq!(distinct(&[pair("a"), pair("b")]), Ok(()));
        assert_eq!(distinct(&[pair("a"), pair("b"), pair("a")]), Err(InputError::InlineTwice("a".to_owned())));
    }
}
