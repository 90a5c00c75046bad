//! What every aggregation counts.

use serde_json::{Map, Value, json};

use super::score::Score;
use super::{Field, ResultView};

/// How many results came, and how many of them could be used.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    results: u32,
    succeeded: u32,
    missing: u32,
    not_numbers: u32,
}

impl Tally {
    /// Counts a result; whether it takes part. What failed has no answer, only what had come.
    pub(super) fn takes(&mut self, result: &ResultView) -> bool {
        self.results += 1;
        self.succeeded += u32::from(result.success());
        result.success()
    }

    /// The field of a result that takes part.
    pub(super) fn value<'a>(&mut self, result: &'a ResultView, field: &Field) -> Option<&'a Value> {
        if !self.takes(result) {
            return None;
        }
        let value = result.at(field);
        self.missing += u32::from(value.is_none());
        value
    }

    /// The field of a result that takes part, where it is a number, with that number.
    pub(super) fn score<'a>(&mut self, result: &'a ResultView, field: &Field) -> Option<(&'a Value, Score)> {
        let value = self.value(result, field)?;
        let score = Score::of(value);
        self.not_numbers += u32::from(score.is_none());
        Some((value, score?))
    }

    /// The counts without those of fields.
    pub(super) fn totals(&self, into: &mut Map<String, Value>) {
        let rate = if self.results == 0 { 0.0 } else { f64::from(self.succeeded) / f64::from(self.results) };
        into.insert("results".into(), self.results.into());
        into.insert("succeeded".into(), self.succeeded.into());
        into.insert("success_rate".into(), json!(rate));
    }

    /// All counts; those of numbers only where numbers were asked for.
    pub(super) fn counts(&self, numbers: bool, into: &mut Map<String, Value>) {
        self.totals(into);
        into.insert("missing".into(), self.missing.into());
        if numbers {
            into.insert("not_numbers".into(), self.not_numbers.into());
        }
    }
}
