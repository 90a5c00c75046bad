//! How amounts, times and counts are written for people.

use std::time::Duration;

use super::money::Money;
use super::report::ErrorKind;

/// `$1.28`; with more decimals where the whole is small, so that the first cents show.
#[must_use]
pub fn usd(amount: Money, decimals: usize) -> String {
    format!("${}", amount.short(decimals))
}

/// How many decimals tell amounts of this size apart.
#[must_use]
pub fn decimals_for(scale: Money) -> usize {
    match scale.nanos() {
        0..10_000_000 => 6,
        10_000_000..1_000_000_000 => 4,
        1_000_000_000..100_000_000_000 => 2,
        _ => 0,
    }
}

/// What kind an error is, in words: `rate limited`.
#[must_use]
pub fn kind(kind: ErrorKind) -> String {
    kind.word().replace('_', " ")
}

/// An amount by itself, with the decimals of its size.
#[must_use]
pub fn amount(amount: Money) -> String {
    if amount == Money::ZERO { "$0".to_owned() } else { usd(amount, decimals_for(amount)) }
}

/// A duration for people: `812 ms`, `4.2 s`, `18 min`, `3 h 20 min`.
#[must_use]
pub fn duration(time: Duration) -> String {
    let (millis, seconds) = (time.as_millis(), time.as_secs());
    match seconds {
        0 => format!("{millis} ms"),
        1..10 => format!("{}.{} s", seconds, millis / 100 % 10),
        10..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A count for people: `999`, `12.3k`, `4.1M`.
#[must_use]
pub fn count(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{}.{}k", number / 1_000, number / 100 % 10),
        _ => format!("{}.{}M", number / 1_000_000, number / 100_000 % 10),
    }
}

/// `1 agent`, `2 agents`.
#[must_use]
pub fn plural(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_show_what_tells_them_apart() {
        let money = |text: &str| text.parse::<Money>().expect(text);
        assert_eq!(amount(money("5")), "$5.00");
        assert_eq!(amount(money("0.0412")), "$0.0412");
        assert_eq!(amount(money("0.000123")), "$0.000123");
        assert_eq!(amount(Money::ZERO), "$0");
        assert_eq!(duration(Duration::from_millis(4_210)), "4.2 s");
        assert_eq!(count(12_345), "12.3k");
    }
}
