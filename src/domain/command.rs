//! What an operator may ask for. Commands go in, events come out.

use serde::{Deserialize, Serialize};

use super::event::NewTask;
use super::ids::{AgentNo, RunId};
use super::limits::LimitsChange;
use super::spec::RunSpec;

/// Which agents of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    /// The run.
    pub run: RunId,
    /// These agents; nothing: all, and the run with them.
    pub agents: Option<Vec<AgentNo>>,
}

impl Targets {
    /// The whole run.
    #[must_use]
    pub fn all(run: RunId) -> Self {
        Self { run, agents: None }
    }

    /// Some agents.
    #[must_use]
    pub fn some(run: RunId, agents: Vec<AgentNo>) -> Self {
        Self { run, agents: Some(agents) }
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Make a run. Its tasks follow, then it is started.
    Create {
        /// Its id.
        run: RunId,
        /// What it is asked to do.
        spec: Box<RunSpec>,
    },
    /// Add tasks to a run that was not started yet.
    Add {
        /// The run.
        run: RunId,
        /// The next tasks, in order.
        tasks: Vec<NewTask>,
    },
    /// Start a run: all its tasks are there.
    Start(RunId),
    /// Hold agents where they are.
    Pause(Targets),
    /// Let them go on.
    Resume(Targets),
    /// Stop agents for good.
    Kill(Targets),
    /// Change what a run may use.
    Limit {
        /// The run.
        run: RunId,
        /// What is changed.
        change: LimitsChange,
    },
    /// Let go of a run: what is under way is interrupted and goes back to the queue.
    Suspend(RunId),
    /// Go on with a suspended run that this engine has taken over.
    Reopen(RunId),
}

impl Command {
    /// The run that it is about.
    #[must_use]
    pub fn run(&self) -> RunId {
        match self {
            Self::Create { run, .. } | Self::Add { run, .. } | Self::Limit { run, .. } => *run,
            Self::Start(run) | Self::Suspend(run) | Self::Reopen(run) => *run,
            Self::Pause(targets) | Self::Resume(targets) | Self::Kill(targets) => targets.run,
        }
    }

    /// Its word in the log.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Add { .. } => "add",
            Self::Start(_) => "start",
            Self::Pause(_) => "pause",
            Self::Resume(_) => "resume",
            Self::Kill(_) => "kill",
            Self::Limit { .. } => "limit",
            Self::Suspend(_) => "suspend",
            Self::Reopen(_) => "reopen",
        }
    }
}

/// A command with its author.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Who asks.
    pub by: String,
    /// Why, where it was said.
    pub reason: Option<String>,
    /// What is asked for.
    pub command: Command,
}
