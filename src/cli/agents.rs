//! `agents`: the agents of the home, newest run first.

use serde_json::{Value, json};

use super::exit::Complaint;
use super::listing::{Column, ListArgs, number, text};
use crate::engine::handle::Handle;
use crate::store::rows::AgentRow;

const COLUMNS: &[Column] = &[
    text("AGENT", "id"),
    text("STATE", "state"),
    text("TASK", "task_state"),
    text("MODEL", "model"),
    number("TURNS", "turns"),
    number("COST", "cost_usd"),
];

/// Lists agents.
pub async fn list(handle: &Handle, args: &ListArgs) -> Result<(), Complaint> {
    let rows = handle.agents(args.filter(handle).await?).await?;
    let rows = rows.iter().map(row).collect();
    args.write(handle, rows, COLUMNS, "there are no such agents")
}

/// An agent as JSON.
#[must_use]
pub fn row(agent: &AgentRow) -> Value {
    json!({
        "id": agent.id,
        "run": agent.id.run,
        "task": agent.task,
        "state": agent.state,
        "task_state": agent.task_state,
        "template": agent.template,
        "provider": agent.provider,
        "model": agent.model,
        "turns": agent.turns,
        "cost_usd": agent.cost,
        "usage": agent.usage,
    })
}
