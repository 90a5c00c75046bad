//! How amounts, times and counts are written and read on the screen.

use std::time::Duration;

use chrono::{FixedOffset, TimeZone};

pub(crate) use crate::domain::figures::{amount, count, decimals_for, duration, kind, plural, usd};

use crate::domain::{Money, Totals, Wall};

/// The decimals of a run's amounts beside each other: those of its budget, and more where a small amount would
/// be rounded to nothing, or almost.
pub(crate) fn decimals_of(money: &Totals) -> usize {
    let usual = decimals_for(money.budget.unwrap_or(money.committed()));
    let small = |amount: &Money| (1..100_000_000).contains(&amount.nanos());
    let any_small = [money.spent, money.unconfirmed, money.reserved].iter().any(small);
    if any_small { usual.max(4) } else { usual }
}

/// `00:01:42`; days are hours.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Time of day in a time zone: `12:04:11.204`.
pub(crate) fn time_of_day(at: Wall, zone: FixedOffset) -> String {
    let at = zone.timestamp_millis_opt(at.0).single();
    at.map(|at| at.format("%H:%M:%S%.3f").to_string()).unwrap_or_default()
}

/// Day and time in a time zone: `11-21 12:04`.
pub(crate) fn day_and_time(at: Wall, zone: FixedOffset) -> String {
    zone.timestamp_millis_opt(at.0).single().map(|at| at.format("%m-%d %H:%M").to_string()).unwrap_or_default()
}

/// Reads `250ms`, `30s`, `5m`, `2h`, also with decimals.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration: write 250ms, 30s, 5m or 2h");
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit.trim() {
        "ms" => 1_u64,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
    if decimals.len() > 9 || number == "." || number.is_empty() {
        return Err(wrong());
    }
    let part: u64 = if decimals.is_empty() { 0 } else { decimals.parse().map_err(|_| wrong())? };
    let scale = 10_u64.pow(u32::try_from(decimals.len()).unwrap_or(0));
    let millis = whole.checked_mul(unit_ms).and_then(|ms| ms.checked_add(part.saturating_mul(unit_ms) / scale));
    match millis.ok_or_else(wrong)? {
        0 => Err("a duration of zero would end everything at once: write at least 1ms".to_owned()),
        millis => Ok(Duration::from_millis(millis)),
    }
}

/// Writes what [`parse_duration`] reads.
pub(crate) fn write_duration(millis: u64) -> String {
    for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
        if millis >= size && millis.is_multiple_of(size) {
            return format!("{}{unit}", millis / size);
        }
    }
    format!("{millis}ms")
}

/// Splits a line into words as a shell does, without expanding anything: quotes hold words
/// together, a backslash takes the next character as it is.
pub(crate) fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => {
                let next = chars.next().ok_or_else(|| "it ends with a backslash".to_owned())?;
                word.get_or_insert_default().push(next);
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if let Some(open) = quote {
        return Err(format!("a {open} is not closed"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_amount_of_a_run_is_rounded_to_nothing() {
        let money = |spent: &str| Totals {
            budget: Some("5".parse().expect("is an amount")),
            spent: spent.parse().expect("is an amount"),
            ..Totals::default()
        };
        assert_eq!(decimals_of(&money("0.0042")), 4);
        assert_eq!(decimals_of(&money("1.28")), 2);
        assert_eq!(decimals_of(&money("0")), 2);
    }

    #[test]
    fn durations_read_back() {
        for (text, millis) in [("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("1.5s", 1_500)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)));
        }
        for text in ["", "30", "s", "0s", "-1s", "1.s.s", ".s", "1d", "99999999999999999999h"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        for millis in [250, 1_500, 30_000, 90_000, 300_000, 7_200_000] {
            assert_eq!(parse_duration(&write_duration(millis)), Ok(Duration::from_millis(millis)));
        }
    }

    #[test]
    fn a_clock_counts_on_after_a_day() {
        assert_eq!(clock(Duration::from_secs(102)), "00:01:42");
        assert_eq!(clock(Duration::from_hours(25)), "25:00:00");
    }

    #[test]
    fn words_are_split_without_a_shell() {
        assert_eq!(
            words("grep -n \"a b\" 'c d' e\\ f"),
            Ok(["grep", "-n", "a b", "c d", "e f"].map(String::from).into())
        );
        assert_eq!(words("x ''"), Ok(["x", ""].map(String::from).into()));
        assert_eq!(words("$HOME *"), Ok(["$HOME", "*"].map(String::from).into()));
        assert!(words("it's").is_err());
    }
}
