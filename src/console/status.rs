//! What an agent is doing, as one word: the states of the agent and of its task together.

use crate::domain::{Agent, AgentState, ErrorKind, Run, RunState, Task, TaskState};

use super::theme::Look;

/// One line of the grid in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Status {
    /// Its call is being ended.
    Stopping,
    /// A call is under way.
    Working,
    /// It has a slot; its call is about to be made.
    Starting,
    /// Its call went with the process that made it.
    Lost,
    /// The operator holds it.
    Paused,
    /// An attempt failed; it will be tried again.
    Retrying,
    /// The budget has no room for it until other calls settle.
    WaitsForMoney,
    /// It waits for a slot.
    Queued,
    /// It failed.
    Failed,
    /// The operator stopped it.
    Killed,
    /// A limit refused it.
    Refused,
    /// The end of the run stopped it.
    Cancelled,
    /// It has an output.
    Done,
}

impl Status {
    /// What is so of an agent of a run and its task.
    pub(crate) fn of(run: &Run, agent: &Agent, task: &Task) -> Self {
        match task.state {
            TaskState::Completed => Self::Done,
            TaskState::Failed => Self::failed(task),
            TaskState::Cancelled => Self::cancelled(task),
            TaskState::Running | TaskState::Assigned if run.state == RunState::Suspended => Self::Lost,
            _ if task.call.as_ref().is_some_and(|call| call.stopping.is_some()) => Self::Stopping,
            _ if agent.state == AgentState::Paused => Self::Paused,
            TaskState::Running => Self::Working,
            TaskState::Assigned => Self::Starting,
            TaskState::WaitsForMoney => Self::WaitsForMoney,
            TaskState::Queued if task.not_before.is_some() => Self::Retrying,
            TaskState::Queued => Self::Queued,
        }
    }

    fn failed(task: &Task) -> Self {
        match task.error.as_ref().map(|error| error.kind) {
            Some(ErrorKind::Killed) => Self::Killed,
            _ => Self::Failed,
        }
    }

    fn cancelled(task: &Task) -> Self {
        match task.error.as_ref().map(|error| error.kind) {
            Some(ErrorKind::Killed) => Self::Killed,
            Some(ErrorKind::Budget) => Self::Refused,
            _ => Self::Cancelled,
        }
    }

    /// Its symbol: one cell, different from all others.
    pub(crate) const fn symbol(self) -> &'static str {
        match self {
            Self::Stopping => "◍",
            Self::Working => "●",
            Self::Starting => "◐",
            Self::Lost => "◑",
            Self::Paused => "‖",
            Self::Retrying => "↻",
            Self::WaitsForMoney => "$",
            Self::Queued => "◌",
            Self::Failed => "✗",
            Self::Killed => "†",
            Self::Refused => "⊘",
            Self::Cancelled => "−",
            Self::Done => "✓",
        }
    }

    /// Its word: at most 8 cells.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Stopping => "stopping",
            Self::Working => "working",
            Self::Starting => "starting",
            Self::Lost => "lost",
            Self::Paused => "paused",
            Self::Retrying => "retries",
            Self::WaitsForMoney => "waits",
            Self::Queued => "queued",
            Self::Failed => "failed",
            Self::Killed => "killed",
            Self::Refused => "refused",
            Self::Cancelled => "stopped",
            Self::Done => "done",
        }
    }

    /// How it looks.
    pub(crate) const fn look(self) -> Look {
        match self {
            Self::Working | Self::Starting => Look::Working,
            Self::Paused => Look::Paused,
            Self::Queued => Look::Queued,
            Self::WaitsForMoney | Self::Retrying | Self::Lost => Look::Waits,
            Self::Done => Look::Done,
            Self::Failed => Look::Failed,
            Self::Stopping | Self::Killed | Self::Refused | Self::Cancelled => Look::Stopped,
        }
    }

    /// Whether nothing can follow.
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Failed | Self::Killed | Self::Refused | Self::Cancelled | Self::Done)
    }
}
