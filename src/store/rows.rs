//! Projections: what listings show, written in the transactions of the events that they follow
//! from.

use serde::{Deserialize, Serialize};

use crate::domain::event::TaskFinished;
use crate::domain::{AgentId, AgentState, ContentRef, Key, RunId, RunState, TaskNo, TaskState, Totals, Usage, Wall};

/// The process that is at work on a run. A pid alone may have been given to another process, so
/// its start time (in clock ticks since boot, `proc_pid_stat(5)`) and the boot belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// When it started, in clock ticks since the boot.
    pub started: u64,
    /// The boot's id.
    pub boot: String,
}

/// A run in a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// Where it is in its life.
    pub state: RunState,
    /// Who asked for it.
    pub by: String,
    /// Its name for people.
    pub title: String,
    /// The provider.
    pub provider: String,
    /// The model that is asked for.
    pub model: String,
    /// Whether it is simulated.
    pub simulated: bool,
    /// Whether its results may answer later tasks.
    pub reusable: bool,
    /// When it was asked for.
    pub created: Wall,
    /// When it started.
    pub started: Option<Wall>,
    /// When it ended.
    pub ended: Option<Wall>,
    /// How many tasks it has.
    pub tasks: u32,
    /// How many completed.
    pub succeeded: u32,
    /// How many failed.
    pub failed: u32,
    /// How many were cancelled.
    pub cancelled: u32,
    /// Its money.
    pub money: Totals,
    /// What it used.
    pub usage: Usage,
    /// What stopped it.
    pub stopped_by: Option<String>,
    /// The process that is at work on it; nothing once it ended or was let go.
    pub owner: Option<Owner>,
}

/// A task in a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    /// Its run.
    pub run: RunId,
    /// Its number there.
    pub task: TaskNo,
    /// Its agent's number.
    pub agent: u32,
    /// Where it is in its life.
    pub state: TaskState,
    /// Its idempotency key.
    pub key: Key,
    /// See `NewTask::payload`.
    pub payload: Option<Key>,
    /// Its arguments.
    pub args: ContentRef,
    /// How many attempts were begun.
    pub attempts: u32,
    /// Its result, once it ended.
    pub finished: Option<Box<TaskFinished>>,
    /// When it ended.
    pub ended: Option<Wall>,
}

/// An agent in a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentRow {
    /// Its id.
    pub id: AgentId,
    /// Its task's number.
    pub task: TaskNo,
    /// Where it is in its life.
    pub state: AgentState,
    /// Where its task is in its life.
    pub task_state: TaskState,
    /// The agent template.
    pub template: String,
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// How many calls it has finished.
    pub turns: u32,
    /// What it cost, held money not counted.
    pub cost: crate::domain::Money,
    /// What it used.
    pub usage: Usage,
}

/// A result that may answer another task.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredResult {
    /// The run that paid for it.
    pub run: RunId,
    /// Its task there.
    pub task: TaskNo,
    /// See `NewTask::payload`.
    pub payload: Option<Key>,
    /// Its result.
    pub finished: TaskFinished,
}
