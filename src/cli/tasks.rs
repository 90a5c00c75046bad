//! `tasks`: the tasks of the home, newest run first.

use clap::Args;
use serde_json::{Value, json};

use super::exit::Complaint;
use super::listing::{Column, Keep, ListArgs, number, one_of, text};
use crate::domain::{AgentId, TaskState, Wall};
use crate::engine::handle::Handle;
use crate::store::Filter;
use crate::store::rows::TaskRow;

const STATES: &[&str] = &[
    TaskState::Queued.word(),
    TaskState::WaitsForMoney.word(),
    TaskState::Assigned.word(),
    TaskState::Running.word(),
    TaskState::Completed.word(),
    TaskState::Failed.word(),
    TaskState::Cancelled.word(),
];

/// `tasks`.
#[derive(Debug, Clone, Args)]
pub struct TasksArgs {
    /// What every listing can.
    #[command(flatten)]
    pub list: ListArgs,
    /// Only tasks in this state
    #[arg(long, value_name = "STATE", value_parser = one_of(STATES))]
    pub state: Option<String>,
}

const COLUMNS: &[Column] = &[
    text("TASK", "id"),
    text("STATE", "state"),
    number("ATTEMPTS", "attempts"),
    number("MS", "duration_ms"),
    number("COST", "cost_usd"),
    text("KEY", "idempotency_key"),
    text("RESULT", "result"),
];

/// Lists tasks.
pub async fn list(handle: &Handle, args: &TasksArgs) -> Result<(), Complaint> {
    let filter = Filter { state: args.state.clone(), ..args.list.filter(handle).await? };
    let rows = handle.tasks(filter).await?;
    let rows = rows.iter().map(row).collect();
    args.list.write(handle, rows, Keep::First, COLUMNS, "there are no such tasks")
}

/// A task as JSON.
#[must_use]
pub fn row(task: &TaskRow) -> Value {
    let finished = task.finished.as_deref();
    let error = finished.and_then(|finished| finished.error.as_ref());
    let result = match (finished, error) {
        (_, Some(error)) => Some(format!("{}: {}", error.kind.word(), error.message)),
        (Some(finished), None) => Some(finished.preview.clone()),
        (None, None) => None,
    };
    json!({
        "id": format!("{}:{}", task.run, task.task),
        "run": task.run,
        "task": task.task,
        "agent": AgentId { run: task.run, no: task.agent },
        "state": task.state,
        "attempts": task.attempts,
        "idempotency_key": task.key,
        "success": finished.map(|finished| finished.success),
        "result": result,
        "error": error,
        "duration_ms": finished.map(|finished| finished.duration_ms),
        "cost_usd": finished.map(|finished| finished.cost_usd),
        "usage": finished.map(|finished| finished.usage),
        "cached": finished.map(|finished| finished.cached),
        "ended": task.ended.map(Wall::rfc3339),
    })
}
