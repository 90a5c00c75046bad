//! `runs`: the runs of the home, newest first.

use serde_json::{Value, json};

use super::exit::Complaint;
use super::listing::{Column, ListArgs, number, text};
use crate::domain::Wall;
use crate::engine::handle::Handle;
use crate::store::rows::RunRow;

const COLUMNS: &[Column] = &[
    text("RUN", "id"),
    text("STATE", "state"),
    number("TASKS", "tasks"),
    number("OK", "succeeded"),
    number("FAILED", "failed"),
    number("SPENT", "spent_usd"),
    number("BUDGET", "budget_usd"),
    text("MODEL", "model"),
    text("CREATED", "created"),
    text("TITLE", "title"),
];

/// Lists runs.
pub async fn list(handle: &Handle, args: &ListArgs) -> Result<(), Complaint> {
    let rows = handle.runs(args.filter(handle).await?).await?;
    let rows = rows.iter().map(row).collect();
    args.write(handle, rows, COLUMNS, "there are no runs yet: start one with `flightdeck run`, or try `flightdeck demo`")
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
