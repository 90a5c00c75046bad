//! What the engine asks the world to do. Effects are data: only `engine::perform` acts on them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ids::{AgentNo, ContentRef, Key, RunId, TaskNo};
use super::spec::RunSpec;
use super::time::Mono;

/// Why a call is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopWhy {
    /// The operator killed the agent.
    Killed,
    /// The agent took longer than its timeout.
    Timeout,
    /// A limit of the run tripped.
    Limit,
    /// The engine lets go of the run; the task goes back to the queue.
    Interrupted,
    /// The provider can't be used: what is left of the run is cancelled.
    Unusable,
}

/// One effect.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Call the provider.
    Call(CallOrder),
    /// End a call now, with a receipt. Performed before it is logged.
    Stop {
        /// Its run.
        run: RunId,
        /// Its task.
        task: TaskNo,
        /// The call.
        call: u64,
        /// Why.
        why: StopWhy,
    },
    /// Hold a call where it is. Performed before it is logged.
    Hold {
        /// Its run.
        run: RunId,
        /// Its task.
        task: TaskNo,
        /// The call.
        call: u64,
    },
    /// Let a held call go on. Performed before it is logged.
    Release {
        /// Its run.
        run: RunId,
        /// Its task.
        task: TaskNo,
        /// The call.
        call: u64,
    },
    /// Tell the engine when it is time.
    Wake {
        /// When.
        at: Mono,
        /// What for.
        timer: Timer,
    },
}

impl Effect {
    /// Whether it is performed at once: stops never wait for the disk, a timer harms nobody, and a
    /// release must not be overtaken by the hold of a later pause.
    #[must_use]
    pub const fn is_urgent(&self) -> bool {
        !matches!(self, Self::Call(_))
    }
}

/// A call to make.
#[derive(Debug, Clone, PartialEq)]
pub struct CallOrder {
    /// Its run.
    pub run: RunId,
    /// Its task.
    pub task: TaskNo,
    /// Its agent.
    pub agent: AgentNo,
    /// The sequence number of the event that asked for it.
    pub call: u64,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// What all tasks of the run have in common.
    pub spec: Arc<RunSpec>,
    /// The task's arguments.
    pub args: ContentRef,
    /// Which replica of its row it is, from 0.
    pub replica: u32,
    /// Its idempotency key.
    pub key: Key,
    /// The most tokens of the answer: what was paid for.
    pub max_tokens: u32,
}

/// What a wake-up is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// A call's time is up.
    Call {
        /// Its run.
        run: RunId,
        /// Its task.
        task: TaskNo,
        /// The call.
        call: u64,
    },
    /// A task may be tried again.
    Retry {
        /// Its run.
        run: RunId,
    },
    /// The run's time is up.
    Run {
        /// The run.
        run: RunId,
    },
}
