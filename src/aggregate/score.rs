//! Numbers that compare exactly and never panic a sort.

use std::cmp::Ordering;

use serde_json::Value;

/// A number in a total order. Two integers that share a float still differ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Score {
    float: f64,
    /// The integer that it is, or is just above; of use only where the floats are equal.
    whole: i128,
}

impl Score {
    /// The number that a value is: a number, or a text that is one, as amounts of money are.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => {
                let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
                whole.map(Self::whole).or_else(|| number.as_f64().and_then(Self::float))
            }
            Value::String(text) => {
                let text = text.trim();
                text.parse().ok().map(Self::whole).or_else(|| text.parse().ok().and_then(Self::float))
            }
            _ => None,
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "the integer is kept beside it")]
    fn whole(whole: i128) -> Self {
        Self { float: whole as f64, whole }
    }

    #[allow(clippy::cast_possible_truncation, reason = "it saturates, and counts only beside an equal float")]
    fn float(float: f64) -> Option<Self> {
        // Minus zero is zero.
        let float = float + 0.0;
        float.is_finite().then_some(Self { float, whole: float as i128 })
    }

    /// The same text for the same number, however it was written.
    pub(super) fn canonical(self) -> String {
        let is_whole = self.float.fract() == 0.0 && self.whole > i128::MIN && self.whole < i128::MAX;
        if is_whole { self.whole.to_string() } else { self.float.to_string() }
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        self.float.total_cmp(&other.float).then(self.whole.cmp(&other.whole))
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Score {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Score {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn score(value: &Value) -> Score {
        Score::of(value).unwrap_or_else(|| panic!("{value} is a number"))
    }

    #[test]
    fn numbers_compare_exactly() {
        let rising = [
            json!(-1e300),
            json!(-2),
            json!("-1.5"),
            json!(0),
            json!("0.000123"),
            json!(0.5),
            json!(1),
            json!("9007199254740992"),
            json!(9_007_199_254_740_993_u64),
            json!(u64::MAX),
            json!("18446744073709551616"),
            json!("1e40"),
        ];
        for (low, high) in rising.iter().zip(rising.iter().skip(1)) {
            assert!(score(low) < score(high), "{low} < {high}");
        }
        for (a, b) in [(json!(1), json!(1.0)), (json!("1.50"), json!(1.5)), (json!(-0.0), json!(0))] {
            assert_eq!(score(&a), score(&b));
            assert_eq!(score(&a).canonical(), score(&b).canonical());
        }
    }

    #[test]
    fn what_is_no_number_has_no_score() {
        for value in [
            json!("NaN"),
            json!("inf"),
            json!("-infinity"),
            json!(""),
            json!("12 ms"),
            json!("1,5"),
            json!(true),
            json!(null),
            json!([1]),
            json!({"a": 1}),
            json!("1e999"),
        ] {
            assert!(Score::of(&value).is_none(), "{value}");
        }
    }
}
