//! What things cost: the price table, and estimates before anything is spent.

mod estimate;
mod prices;
pub mod tokens;

use std::time::Duration;

use crate::domain::Money;

pub use estimate::{Basis, Estimator, OverBudget};
pub use prices::{PriceError, PriceTable, Unpriced};

/// What a dispatch will probably take. All of it is an estimate, shown with `~`.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// How many tasks.
    pub tasks: u32,
    /// How many of them stored results will answer.
    pub cached: u32,
    /// Prompt tokens, in all.
    pub input_tokens: u64,
    /// Generated tokens, in all.
    pub output_tokens: u64,
    /// Probably not less.
    pub low: Money,
    /// Most likely.
    pub likely: Money,
    /// Probably not more.
    pub high: Money,
    /// The worst case: every call at its bound. Not an estimate.
    pub worst: Money,
    /// How long it probably takes, where that can be told.
    pub duration: Option<Duration>,
    /// On how many earlier results of the model this rests; 0: on rules of thumb.
    pub samples: u32,
}
