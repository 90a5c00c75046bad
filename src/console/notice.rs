//! What is said to the operator for a moment.

use std::time::Duration;

use crate::domain::Mono;

/// How long good news stays.
const SHORT: Duration = Duration::from_secs(4);
/// How long what is wrong stays: long enough to be read twice.
const LONG: Duration = Duration::from_secs(12);

/// A word to the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// What is said; it has passed the gate.
    pub(crate) text: String,
    /// Whether something is wrong.
    pub(crate) wrong: bool,
    /// Until when.
    pub(crate) until: Mono,
}

impl Notice {
    /// Said now.
    pub(crate) fn new(text: String, wrong: bool, now: Mono) -> Self {
        Self { text, wrong, until: now.after(if wrong { LONG } else { SHORT }) }
    }
}
