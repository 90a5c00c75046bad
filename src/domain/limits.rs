//! What a run may use.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::money::Money;
use super::rate::Rate;

/// The names of limits, as configuration, events and errors spell them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitName {
    /// The budget of the run.
    MaxTotalCostUsd,
    /// How many agents work at once.
    MaxConcurrent,
    /// How many agents a run may have.
    MaxTotalAgents,
    /// How long one agent may take.
    MaxAgentDurationS,
    /// How long the run may take.
    MaxTotalDurationS,
}

impl LimitName {
    /// As configuration, events and errors spell it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::MaxTotalCostUsd => "max_total_cost_usd",
            Self::MaxConcurrent => "max_concurrent",
            Self::MaxTotalAgents => "max_total_agents",
            Self::MaxAgentDurationS => "max_agent_duration_s",
            Self::MaxTotalDurationS => "max_total_duration_s",
        }
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The limits of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// The budget; nothing: no limit.
    pub max_total_cost_usd: Option<Money>,
    /// How many tasks may have a slot at once.
    pub max_parallel: u32,
    /// How many agents the run may have.
    pub max_total_agents: u32,
    /// How long one agent may work, in milliseconds; waiting and pauses don't count.
    pub agent_timeout_ms: u64,
    /// How long the run may take from its start, in milliseconds.
    pub total_timeout_ms: Option<u64>,
    /// How often a task is tried again after a failure that may pass.
    pub retries: u32,
    /// How many tasks must succeed for the run to count as completed; nothing: see [`Self::met`].
    pub min_success: Option<u32>,
    /// Which share of all tasks may fail for the run to count as completed; nothing: see
    /// [`Self::met`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failure_rate: Option<Rate>,
}

impl Limits {
    /// [`Self::agent_timeout_ms`] as a duration.
    #[must_use]
    pub fn agent_timeout(&self) -> Duration {
        Duration::from_millis(self.agent_timeout_ms)
    }

    /// Whether a run that has ended met its conditions. Where nothing is asked for, all tasks must
    /// have succeeded; where both conditions are, both must hold. Each is met at its edge. A rate
    /// forgives failures only: without `min_success`, a task that was stopped leaves it unmet.
    #[must_use]
    pub fn met(&self, succeeded: u32, failed: u32, tasks: u32) -> bool {
        let enough = self.min_success.map(|wanted| succeeded >= wanted);
        let few_failures = self.max_failure_rate.map(|rate| rate.covers(failed, tasks));
        match (enough, few_failures) {
            (None, None) => succeeded >= tasks,
            (Some(enough), None) => enough,
            (None, Some(few)) => few && succeeded.saturating_add(failed) >= tasks,
            (Some(enough), Some(few)) => enough && few,
        }
    }
}

/// What an operator changes of a run's limits; nothing: it stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsChange {
    /// The budget.
    pub max_total_cost_usd: Option<Money>,
    /// How many tasks may have a slot at once.
    pub max_parallel: Option<u32>,
}

impl LimitsChange {
    /// The limits that it leads to.
    #[must_use]
    pub fn applied_to(&self, limits: &Limits) -> Limits {
        Limits {
            max_total_cost_usd: self.max_total_cost_usd.or(limits.max_total_cost_usd),
            max_parallel: self.max_parallel.unwrap_or(limits.max_parallel),
            ..limits.clone()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_total_cost_usd: None,
            max_parallel: 10,
            max_total_agents: 1000,
            agent_timeout_ms: 30_000,
            total_timeout_ms: None,
            retries: 2,
            min_success: None,
            max_failure_rate: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(min_success: Option<u32>, rate: Option<&str>) -> Limits {
        Limits { min_success, max_failure_rate: rate.map(|rate| rate.parse().unwrap()), ..Limits::default() }
    }

    #[test]
    fn conditions_are_met_at_their_edges() {
        // min_success, max_failure_rate, succeeded, failed, tasks
        for (min, rate, succeeded, failed, tasks, met) in [
            (None, None, 10, 0, 10, true),
            (None, None, 9, 1, 10, false),
            (None, None, 9, 0, 10, false),
            (Some(9), None, 9, 1, 10, true),
            (Some(9), None, 8, 2, 10, false),
            (Some(9), None, 9, 0, 10, true),
            (Some(0), None, 0, 10, 10, true),
            (None, Some("0.1"), 9, 1, 10, true),
            (None, Some("0.1"), 8, 2, 10, false),
            (None, Some("0"), 10, 0, 10, true),
            (None, Some("0"), 9, 1, 10, false),
            (None, Some("1"), 0, 10, 10, true),
            (None, Some("0.1"), 9, 0, 10, false),
            (Some(8), Some("0.1"), 9, 1, 10, true),
            (Some(8), Some("0.1"), 8, 2, 10, false),
            (Some(10), Some("0.1"), 9, 1, 10, false),
            (Some(8), Some("0.1"), 8, 1, 10, true),
        ] {
            let limits = limits(min, rate);
            assert_eq!(limits.met(succeeded, failed, tasks), met, "{min:?} {rate:?}: {succeeded}, {failed} of {tasks}");
        }
    }
}
