//! The life of an agent, as a table.

use serde::{Deserialize, Serialize};

/// Where an agent is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Listed; its task has not started yet.
    Spawning,
    /// It lives and has nothing under way.
    Idle,
    /// A call is under way.
    Working,
    /// Held by the operator.
    Paused,
    /// It failed; its last output is kept.
    Error,
    /// It is gone.
    Terminated,
}

impl AgentState {
    /// How many states there are, for tables indexed by state.
    pub const COUNT: usize = 6;

    /// The word on the screen, in files and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Spawning => "spawning",
            Self::Idle => "idle",
            Self::Working => "working",
            Self::Paused => "paused",
            Self::Error => "error",
            Self::Terminated => "terminated",
        }
    }

    /// Whether it can no longer act.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Error | Self::Terminated)
    }

    /// The whole legality table.
    #[must_use]
    pub const fn may_become(self, to: Self) -> bool {
        use AgentState::{Error, Idle, Paused, Spawning, Terminated, Working};
        match self {
            Spawning => matches!(to, Idle | Paused | Error | Terminated),
            Idle => matches!(to, Working | Paused | Error | Terminated),
            Working => matches!(to, Idle | Paused | Error | Terminated),
            Paused => matches!(to, Spawning | Idle | Working | Error | Terminated),
            Error => matches!(to, Idle | Terminated),
            Terminated => false,
        }
    }
}

/// One transition of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentMove {
    /// The state that it left.
    pub from: AgentState,
    /// The state that it is in now.
    pub to: AgentState,
}
