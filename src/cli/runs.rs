//! `runs`: the runs of the home, newest first.

use clap::Args;
use serde_json::{Value, json};

use super::exit::Complaint;
use super::listing::{Column, Keep, ListArgs, number, one_of, text};
use crate::domain::{RunState, Wall};
use crate::engine::handle::Handle;
use crate::store::Filter;
use crate::store::rows::RunRow;

const STATES: &[&str] = &[
    RunState::Created.word(),
    RunState::Running.word(),
    RunState::Paused.word(),
    RunState::Suspended.word(),
    RunState::Completed.word(),
    RunState::Failed.word(),
    RunState::Cancelled.word(),
];

const NONE_YET: &str = "there are no runs yet: start one with `flightdeck run`, or try `flightdeck demo`";

/// `runs`.
#[derive(Debug, Clone, Args)]
pub struct RunsArgs {
    /// What every listing can.
    #[command(flatten)]
    pub list: ListArgs,
    /// Only runs in this state
    #[arg(long, value_name = "STATE", value_parser = one_of(STATES))]
    pub state: Option<String>,
}

const COLUMNS: &[Column] = &[
    text("RUN", "id"),
    text("STATE", "state"),
    number("TASKS", "tasks"),
    number("OK", "succeeded"),
    number("FAILED", "failed"),
    number("SPENT", "spent_usd"),
    number("BUDGET", "budget_usd"),
    text("MODEL", "model"),
    text("SIM", "simulated"),
    text("CREATED", "created"),
    text("TITLE", "title"),
];

/// Lists runs.
pub async fn list(handle: &Handle, args: &RunsArgs) -> Result<(), Complaint> {
    let filter = Filter { state: args.state.clone(), ..args.list.filter(handle).await? };
    let rows: Vec<_> = handle.runs(filter).await?.iter().map(row).collect();
    // Whether there are others is only looked up where it makes a difference.
    let any = !rows.is_empty() || !handle.runs(Filter { limit: Some(1), ..Filter::default() }).await?.is_empty();
    let empty = if any { "there are no such runs" } else { NONE_YET };
    args.list.write(handle, rows, Keep::First, COLUMNS, empty)
}

/// A run as JSON.
#[must_use]
pub fn row(run: &RunRow) -> Value {
    json!({
        "id": run.id,
        "state": run.state,
        "title": run.title,
        "by": run.by,
        "provider": run.provider,
        "model": run.model,
        "simulated": run.simulated,
        "created": run.created.rfc3339(),
        "started": run.started.map(Wall::rfc3339),
        "ended": run.ended.map(Wall::rfc3339),
        "tasks": run.tasks,
        "succeeded": run.succeeded,
        "failed": run.failed,
        "cancelled": run.cancelled,
        "spent_usd": run.money.spent,
        "unconfirmed_usd": run.money.unconfirmed,
        "reserved_usd": run.money.reserved,
        "budget_usd": run.money.budget,
        "usage": run.usage,
        "stopped_by": run.stopped_by,
        "owner_pid": run.owner.as_ref().map(|owner| owner.pid),
    })
}
