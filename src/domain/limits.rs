//! What a run may use.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::money::Money;

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
    /// How many tasks must succeed for the run to count as completed; nothing: all of them.
    pub min_success: Option<u32>,
}

impl Limits {
    /// [`Self::agent_timeout_ms`] as a duration.
    #[must_use]
    pub fn agent_timeout(&self) -> Duration {
        Duration::from_millis(self.agent_timeout_ms)
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
        }
    }
}
