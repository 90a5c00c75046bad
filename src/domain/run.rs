//! The life of a run, as a table.

use serde::{Deserialize, Serialize};

/// Where a run is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Its rows are being checked and stored; nothing was sent.
    Created,
    /// Tasks start as limits allow.
    Running,
    /// The operator holds it: nothing starts, agents are held where they are.
    Paused,
    /// Nobody owns it: its process ended or let go of it. `resume-run` continues.
    Suspended,
    /// It ended and met its conditions.
    Completed,
    /// It ended and did not.
    Failed,
    /// It was stopped before its end.
    Cancelled,
}

impl RunState {
    /// The word on the screen, in files and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Suspended => "suspended",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing can follow.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether an engine is at work on it.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }

    /// The whole legality table.
    #[must_use]
    pub const fn may_become(self, to: Self) -> bool {
        use RunState::{Cancelled, Completed, Created, Failed, Paused, Running, Suspended};
        match self {
            Created => matches!(to, Running | Cancelled),
            Running => matches!(to, Paused | Suspended | Completed | Failed | Cancelled),
            Paused => matches!(to, Running | Suspended | Completed | Failed | Cancelled),
            Suspended => matches!(to, Running | Cancelled),
            Completed | Failed | Cancelled => false,
        }
    }
}
