//! A share of a whole, exact: what a person writes as `0.05` is that, and never the float next to it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ids::serde_as_text;

const WHOLE: u32 = 1_000_000;
const DECIMALS: usize = 6;

/// A text that is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Not a plain decimal from 0 to 1.
    #[error("`{0}` is no rate: write a decimal from 0 to 1, such as 0.05")]
    NoRate(String),
    /// More precise than rates are kept.
    #[error("`{0}` has more than 6 decimals: the smallest rate is one in a million")]
    TooPrecise(String),
}

/// A share from 0 to 1, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u32);

impl Rate {
    /// Whether `part` of `whole` is at most this share. Nothing of nothing is.
    #[must_use]
    pub const fn covers(self, part: u32, whole: u32) -> bool {
        // 2^32 millions fit.
        part as u64 * WHOLE as u64 <= self.0 as u64 * whole as u64
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let wrong = || RateError::NoRate(text.to_owned());
        let (whole, decimals) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + decimals.len() == 0 || !digits(whole) || !digits(decimals) {
            return Err(wrong());
        }
        let decimals = decimals.trim_end_matches('0');
        if decimals.len() > DECIMALS {
            return Err(RateError::TooPrecise(text.to_owned()));
        }
        let whole: u32 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
        let millionths: u32 = format!("{decimals:0<DECIMALS$}").parse().map_err(|_| wrong())?;
        let rate = whole.checked_mul(WHOLE).and_then(|rate| rate.checked_add(millionths)).ok_or_else(wrong)?;
        if rate > WHOLE { Err(wrong()) } else { Ok(Self(rate)) }
    }
}

/// The exact decimal without trailing zeros: `0`, `1`, `0.05`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / WHOLE, self.0 % WHOLE);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let decimals = format!("{rest:0DECIMALS$}");
        write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}

serde_as_text!(Rate);

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn a_rate_reads_and_writes_exactly() {
        for (text, written) in
            [("0", "0"), ("1", "1"), ("1.000", "1"), ("0.05", "0.05"), (".5", "0.5"), ("0.333333", "0.333333")]
        {
            assert_eq!(rate(text).to_string(), written);
            assert_eq!(serde_json::from_str::<Rate>(&format!("\"{text}\"")).unwrap(), rate(written));
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in ["", ".", "-0.1", "1.000001", "2", "5%", "0,5", "1e-1", "NaN", "99999999999", "0.5.1"] {
            assert_eq!(text.parse::<Rate>(), Err(RateError::NoRate(text.to_owned())));
        }
        assert!(matches!("0.0000001".parse::<Rate>(), Err(RateError::TooPrecise(_))));
    }

    #[test]
    fn the_edge_belongs_to_the_rate() {
        assert!(rate("0.1").covers(1, 10));
        assert!(!rate("0.1").covers(2, 10));
        assert!(rate("0.3").covers(3, 10));
        assert!(!rate("0.333333").covers(1, 3), "a third is more");
        assert!(rate("0.333334").covers(1, 3));
        assert!(rate("0").covers(0, 7));
        assert!(!rate("0").covers(1, u32::MAX));
        assert!(rate("1").covers(u32::MAX, u32::MAX));
        assert!(rate("0").covers(0, 0));
    }
}
