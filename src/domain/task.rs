//! The life of a task, as a table.

use serde::{Deserialize, Serialize};

use super::report::ErrorKind;

/// Where a task is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// It waits for a slot, or for the end of a retry's pause.
    Queued,
    /// It is the next, and the budget has no room for it until other calls settle.
    WaitsForMoney,
    /// It has a slot and an agent.
    Assigned,
    /// A call is under way.
    Running,
    /// Ended with an output.
    Completed,
    /// Ended with an error.
    Failed,
    /// Stopped or refused before it ended.
    Cancelled,
}

impl TaskState {
    /// How many states there are, for tables indexed by state.
    pub const COUNT: usize = 7;

    /// The word on the screen, in files and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::WaitsForMoney => "waits_for_money",
            Self::Assigned => "assigned",
            Self::Running => "running",
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

    /// Whether it may be started.
    #[must_use]
    pub const fn waits(self) -> bool {
        matches!(self, Self::Queued | Self::WaitsForMoney)
    }

    /// The whole legality table. A stored result completes a task that never left the queue; an
    /// interruption or a retry puts a task back into it.
    #[must_use]
    pub const fn may_become(self, to: Self) -> bool {
        use TaskState::{Assigned, Cancelled, Completed, Failed, Queued, Running, WaitsForMoney};
        match self {
            Queued => matches!(to, WaitsForMoney | Assigned | Completed | Failed | Cancelled),
            WaitsForMoney => matches!(to, Queued | Assigned | Completed | Failed | Cancelled),
            Assigned => matches!(to, Queued | Running | Failed | Cancelled),
            Running => matches!(to, Queued | Completed | Failed | Cancelled),
            Completed | Failed | Cancelled => false,
        }
    }
}

/// Why a task has no output. The message passed the guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskError {
    /// Its kind.
    pub kind: ErrorKind,
    /// What happened, for a person.
    pub message: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}
