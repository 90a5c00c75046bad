//! Money is an integer. A price is nano-dollars per million tokens, an amount is nano-dollars,
//! and a call's cost is rounded up once. Never a float.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ids::serde_as_text;

const NANOS_PER_DOLLAR: u64 = 1_000_000_000;
const DECIMALS: usize = 9;
const TOKENS_PER_PRICE: u128 = 1_000_000;

/// A text that is no amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a plain decimal number.
    #[error("`{0}` is no amount in US dollars: write a plain decimal such as 5 or 0.25")]
    NoNumber(String),
    /// Below zero.
    #[error("`{0}` is negative: an amount of money is 0 or more")]
    Negative(String),
    /// More precise than money is kept.
    #[error("`{0}` has more than 9 decimals: the smallest unit is a billionth of a dollar")]
    TooPrecise(String),
    /// More than fits.
    #[error("`{0}` is too much: the largest amount is 18 billion dollars")]
    TooMuch(String),
}

/// An amount in nano-dollars (10^-9 US dollars). Sums saturate: an absurd bound must stay a
/// bound and never wrap to a small number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(u64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(u64::MAX);

    /// From nano-dollars.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// In nano-dollars.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// An amount that a provider tells as a JSON number (RFC 8259, section 6), exponents included.
    /// It is read from the text and never through a float; what is finer than a nano-dollar is
    /// rounded up.
    pub fn told(number: &str) -> Result<Self, MoneyError> {
        told_nanos(number).map(Self)
    }

    /// In dollars, for gauges and charts only: never to calculate with.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a chart needs no ninth decimal")]
    pub fn as_dollars_for_display(self) -> f64 {
        self.0 as f64 / NANOS_PER_DOLLAR as f64
    }

    /// `self - other`, or zero where that would be less.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `self - other`, or nothing where that would be less than zero.
    #[must_use]
    pub fn checked_less(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// `self` times `count`.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// With at least `decimals` decimals, rounded half up: what a person reads (`$1.28`).
    #[must_use]
    pub fn short(self, decimals: usize) -> String {
        let decimals = decimals.min(DECIMALS);
        let unit = 10_u64.pow(u32::try_from(DECIMALS - decimals).unwrap_or(0));
        let rounded = self.0.saturating_add(unit / 2) / unit;
        let scale = 10_u64.pow(u32::try_from(decimals).unwrap_or(0));
        if decimals == 0 {
            return rounded.to_string();
        }
        format!("{}.{:0decimals$}", rounded / scale, rounded % scale)
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// The exact decimal without trailing zeros: `0`, `5`, `0.000123`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / NANOS_PER_DOLLAR, self.0 % NANOS_PER_DOLLAR);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let decimals = format!("{rest:09}");
        write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        parse_nanos(text).map(Self)
    }
}

/// A price in nano-dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Price(u64);

impl Price {
    /// From nano-dollars per million tokens.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// In nano-dollars per million tokens.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Money(self.0), f)
    }
}

impl FromStr for Price {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        parse_nanos(text).map(Self)
    }
}

serde_as_text!(Money, Price);

fn parse_nanos(text: &str) -> Result<u64, MoneyError> {
    let digits = text.trim().strip_prefix('$').unwrap_or(text.trim());
    if digits.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '.')) {
        return Err(MoneyError::Negative(text.to_owned()));
    }
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && decimals.is_empty()) || !plain(whole) || !plain(decimals) {
        return Err(MoneyError::NoNumber(text.to_owned()));
    }
    let decimals = decimals.trim_end_matches('0');
    if decimals.len() > DECIMALS {
        return Err(MoneyError::TooPrecise(text.to_owned()));
    }
    let too_much = || MoneyError::TooMuch(text.to_owned());
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| too_much())? };
    let nanos: u64 = format!("{decimals:0<9}").parse().map_err(|_| too_much())?;
    whole.checked_mul(NANOS_PER_DOLLAR).and_then(|n| n.checked_add(nanos)).ok_or_else(too_much)
}

fn told_nanos(text: &str) -> Result<u64, MoneyError> {
    let no_number = || MoneyError::NoNumber(text.to_owned());
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = [whole, decimals].concat();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(no_number());
    }
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(0);
    }
    if mantissa.starts_with('-') {
        return Err(MoneyError::Negative(text.to_owned()));
    }
    let exponent: i32 = exponent.parse().map_err(|_| no_number())?;
    let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    // How many of the digits stand before the point, once the amount is in nano-dollars.
    let before = length(digits) - length(decimals) + i64::from(exponent) + length("000000000");
    let Ok(before) = usize::try_from(before) else { return Ok(1) };
    if before > "18446744073709551615".len() {
        return Err(MoneyError::TooMuch(text.to_owned()));
    }
    let (kept, rest) = digits.split_at_checked(before).unwrap_or((digits, ""));
    let whole = format!("{kept:0<before$}");
    let nanos: u64 = match whole.as_str() {
        "" => 0,
        whole => whole.parse().map_err(|_| MoneyError::TooMuch(text.to_owned()))?,
    };
    Ok(nanos.saturating_add(u64::from(rest.bytes().any(|digit| digit != b'0'))))
}

/// Tokens that a call used, in parts that do not overlap: a prompt's cached tokens are counted in
/// `cache_read_tokens` only, whatever the provider's own convention is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens at the full price.
    pub input_tokens: u64,
    /// Generated tokens, reasoning included.
    pub output_tokens: u64,
    /// Prompt tokens that the provider read from its cache.
    #[serde(default)]
    pub cache_read_tokens: u64,
    /// Prompt tokens that the provider wrote to its cache, for its usual few minutes.
    #[serde(default)]
    pub cache_write_tokens: u64,
    /// Prompt tokens that the provider wrote to its cache for an hour, where that has a price of
    /// its own.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write_1h_tokens: u64,
    /// True where the provider said nothing and this is our own estimate, shown with `~`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(tokens: &u64) -> bool {
    *tokens == 0
}

impl Usage {
    /// All tokens.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.input_tokens
            .saturating_add(self.output_tokens)
            .saturating_add(self.cache_read_tokens)
            .saturating_add(self.cache_written())
    }

    /// All prompt tokens that were written to a cache, for however long.
    #[must_use]
    pub fn cache_written(&self) -> u64 {
        self.cache_write_tokens.saturating_add(self.cache_write_1h_tokens)
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cache_read_tokens = self.cache_read_tokens.saturating_add(other.cache_read_tokens);
        self.cache_write_tokens = self.cache_write_tokens.saturating_add(other.cache_write_tokens);
        self.cache_write_1h_tokens = self.cache_write_1h_tokens.saturating_add(other.cache_write_1h_tokens);
        // The sum is an estimate where any part of it is one.
        if other.estimated {
            self.estimated = true;
        }
    }
}

/// What a model costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ModelPrice {
    /// Per million prompt tokens.
    pub input: Price,
    /// Per million generated tokens.
    pub output: Price,
    /// Per million prompt tokens read from the cache.
    pub cache_read: Price,
    /// Per million prompt tokens written to the cache.
    pub cache_write: Price,
    /// Per million prompt tokens written to the cache for an hour; nothing where that costs what
    /// `cache_write` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Price>,
    /// For each request, whatever its size.
    #[serde(default)]
    pub request: Money,
}

impl ModelPrice {
    /// What costs nothing: a local process, a local server.
    pub const FREE: Self = Self {
        input: Price(0),
        output: Price(0),
        cache_read: Price(0),
        cache_write: Price(0),
        cache_write_1h: None,
        request: Money(0),
    };

    /// Whether nothing under this price can ever cost anything.
    #[must_use]
    pub fn is_free(&self) -> bool {
        *self == Self::FREE
    }

    /// The cost of one call, rounded up once to a whole nano-dollar.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Money {
        let part = |tokens: u64, price: Price| u128::from(tokens) * u128::from(price.0);
        let total = part(usage.input_tokens, self.input)
            .saturating_add(part(usage.output_tokens, self.output))
            .saturating_add(part(usage.cache_read_tokens, self.cache_read))
            .saturating_add(part(usage.cache_write_tokens, self.cache_write))
            .saturating_add(part(usage.cache_write_1h_tokens, self.hour()));
        let nanos = total.div_ceil(TOKENS_PER_PRICE);
        Money(u64::try_from(nanos).unwrap_or(u64::MAX)) + self.request
    }

    /// The most that a call can cost: every prompt token at the dearest prompt price, and every
    /// token of output that was allowed.
    #[must_use]
    pub fn bound(&self, input_tokens: u64, max_output_tokens: u64) -> Money {
        let dearest = self.input.max(self.cache_write).max(self.hour()).max(self.cache_read);
        let price = Self { input: dearest, ..*self };
        price.cost(&Usage { input_tokens, output_tokens: max_output_tokens, ..Usage::default() })
    }

    fn hour(&self) -> Price {
        self.cache_write_1h.unwrap_or(self.cache_write)
    }

    /// The most output tokens for which [`Self::bound`] stays within `amount`; nothing where even
    /// an empty answer would cost more.
    #[must_use]
    pub fn affordable_output(&self, input_tokens: u64, amount: Money) -> Option<u64> {
        let rest = amount.checked_less(self.bound(input_tokens, 0))?;
        if self.output.0 == 0 {
            return Some(u64::MAX);
        }
        let tokens = u128::from(rest.0) * TOKENS_PER_PRICE / u128::from(self.output.0);
        Some(u64::try_from(tokens).unwrap_or(u64::MAX))
    }
}

/// Where a run's money stands. `spent + unconfirmed + reserved <= budget`, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Settled: the provider told what was used.
    #[serde(rename = "spent_usd")]
    pub spent: Money,
    /// Held at its bound for calls that were cut, cancelled or lost: providers bill what they
    /// generated, and we cannot know how much.
    #[serde(rename = "unconfirmed_usd")]
    pub unconfirmed: Money,
    /// Held for calls that are under way.
    #[serde(rename = "reserved_usd")]
    pub reserved: Money,
    /// The limit; nothing where the run has none.
    #[serde(rename = "budget_usd")]
    pub budget: Option<Money>,
}

impl Totals {
    /// All that is spoken for.
    #[must_use]
    pub fn committed(&self) -> Money {
        self.spent + self.unconfirmed + self.reserved
    }

    /// What may still be reserved; nothing where there is no budget.
    #[must_use]
    pub fn free(&self) -> Option<Money> {
        self.budget.map(|budget| budget.less(self.committed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_and_write_exactly() {
        for (text, shown) in
            [("5", "5"), ("$5.00", "5"), ("0.000123", "0.000123"), (".5", "0.5"), ("0.000000001", "0.000000001")]
        {
            let money: Money = text.parse().expect(text);
            assert_eq!(money.to_string(), shown);
        }
        assert_eq!("1.285".parse::<Money>().map(|m| m.short(2)), Ok("1.29".to_owned()));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", "$", ".", "NaN", "inf", "1e3", "-1", "-.5", "1,5", "0.0000000001", "99999999999"] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
        assert!(matches!("-1".parse::<Money>(), Err(MoneyError::Negative(_))));
    }

    #[test]
    fn what_a_provider_tells_is_read_to_the_last_digit() {
        let cases = [
            ("0", 0),
            ("-0.0", 0),
            ("0e999", 0),
            ("1", 1_000_000_000),
            ("0.00014", 140_000),
            ("1.5e-05", 15_000),
            ("9.5E-7", 950),
            ("1.25e+1", 12_500_000_000),
            ("0.1000000001", 100_000_001),
            ("0.10000000000", 100_000_000),
            ("1e-9", 1),
            ("1e-10", 1),
            ("1e-2000000000", 1),
            ("18446744073.709551615", u64::MAX),
        ];
        for (text, nanos) in cases {
            assert_eq!(Money::told(text), Ok(Money(nanos)), "{text}");
        }
        for text in ["", "-", ".", "e5", "1e", "1ee2", "0x10", "NaN", "null", "1 "] {
            assert!(matches!(Money::told(text), Err(MoneyError::NoNumber(_))), "{text}");
        }
        for text in ["18446744073.709551616", "1e11", "1e2000000000"] {
            assert!(matches!(Money::told(text), Err(MoneyError::TooMuch(_))), "{text}");
        }
        assert!(matches!(Money::told("-1e-30"), Err(MoneyError::Negative(_))));
    }

    #[test]
    fn both_kinds_of_cache_writes_have_their_price_and_their_bound() {
        let price = ModelPrice {
            input: Price(1_000_000),
            cache_write: Price(1_250_000),
            cache_write_1h: Some(Price(2_000_000)),
            ..ModelPrice::FREE
        };
        let usage = Usage { input_tokens: 1, cache_write_tokens: 4, cache_write_1h_tokens: 2, ..Usage::default() };
        assert_eq!(price.cost(&usage), Money(10));
        assert_eq!(price.bound(usage.total(), 0), Money(14));
        let alike = ModelPrice { cache_write_1h: None, ..price };
        assert_eq!(alike.cost(&usage), Money(9), "an hour costs what a few minutes do");
    }

    #[test]
    fn what_was_written_before_an_hour_had_a_price_reads() {
        let usage: Usage = serde_json::from_str(r#"{"input_tokens":1,"output_tokens":2}"#).expect("reads");
        assert_eq!(usage.cache_write_1h_tokens, 0);
        assert!(!serde_json::to_string(&usage).expect("writes").contains("1h"));
        let price = r#"{"input":"1","output":"2","cache_read":"1","cache_write":"1"}"#;
        let price: ModelPrice = serde_json::from_str(price).expect("reads");
        assert_eq!(price.cache_write_1h, None);
    }

    #[test]
    fn a_call_is_rounded_up_once() {
        let price = ModelPrice { input: Price(1), output: Price(1), ..ModelPrice::FREE };
        let usage = Usage { input_tokens: 1, output_tokens: 1, ..Usage::default() };
        assert_eq!(price.cost(&usage), Money(1));
    }

    #[test]
    fn what_is_affordable_stays_within_the_amount() {
        let price = ModelPrice { input: Price(250_000_000), output: Price(1_250_000_000), ..ModelPrice::FREE };
        let amount = Money(1_000_000);
        let tokens = price.affordable_output(100, amount).expect("fits");
        assert!(price.bound(100, tokens) <= amount);
        assert!(price.bound(100, tokens + 1) > amount);
        assert_eq!(price.affordable_output(1_000_000, amount), None);
    }
}
