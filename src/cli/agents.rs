//! `agents`: the agents of the home, newest run first.

use clap::Args;
use serde_json::{Value, json};

use super::exit::Complaint;
use super::listing::{Column, Keep, ListArgs, number, one_of, text};
use crate::domain::AgentState;
use crate::engine::handle::Handle;
use crate::store::Filter;
use crate::store::rows::AgentRow;

const STATES: &[&str] = &[
    AgentState::Spawning.word(),
    AgentState::Idle.word(),
    AgentState::Working.word(),
    AgentState::Paused.word(),
    AgentState::Error.word(),
    AgentState::Terminated.word(),
];

/// `agents`.
#[derive(Debug, Clone, Args)]
pub struct AgentsArgs {
    /// What every listing can.
    #[command(flatten)]
    pub list: ListArgs,
    /// Only agents in this state
    #[arg(long, value_name = "STATE", value_parser = one_of(STATES))]
    pub state: Option<String>,
}

const COLUMNS: &[Column] = &[
    text("AGENT", "id"),
    text("STATE", "state"),
    text("TASK", "task_state"),
    text("MODEL", "model"),
    number("TURNS", "turns"),
    number("COST", "cost_usd"),
];

/// Lists agents.
pub async fn list(handle: &Handle, args: &AgentsArgs) -> Result<(), Complaint> {
    let filter = Filter { state: args.state.clone(), ..args.list.filter(handle).await? };
    let rows = handle.agents(filter).await?;
    let rows = rows.iter().map(row).collect();
    args.list.write(handle, rows, Keep::First, COLUMNS, "there are no such agents")
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
