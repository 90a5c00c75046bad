//! `status` and `watch`: the runs that are at work now, in one table.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::exit::Complaint;
use super::listing::{Column, number, table, text, write_json};
use crate::domain::figures::plural;
use crate::domain::{AgentState, RunState};
use crate::engine::handle::Handle;
use crate::store::Filter;
use crate::store::rows::RunRow;

/// How often `watch` looks: also a process that died has to be noticed, which changes nothing in
/// the home.
const EVERY: Duration = Duration::from_secs(1);
/// Back to the first column, `n` lines up, and everything below it gone (ECMA-48 CPL and ED).
const UP_AND_CLEAR: (&str, &str) = ("\x1b[", "F\x1b[J");

const COLUMNS: &[Column] = &[
    text("RUN", "id"),
    text("STATE", "state"),
    number("TASKS", "tasks"),
    number("OK", "succeeded"),
    number("FAILED", "failed"),
    number("WORKING", "working"),
    number("PAUSED", "paused"),
    number("SPENT", "spent_usd"),
    number("HELD", "held_usd"),
    number("BUDGET", "budget_usd"),
    number("PROCESS", "owner_pid"),
    text("TITLE", "title"),
];

/// `status`.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// One JSON array
    #[arg(long)]
    pub json: bool,
}

/// Shows the runs that are at work.
pub async fn status(handle: &Handle, args: &StatusArgs) -> Result<(), Complaint> {
    let overview = Overview::of(handle).await?;
    if args.json {
        return Ok(write_json(&mut std::io::stdout().lock(), handle, &overview.live)?);
    }
    Ok(write!(std::io::stdout(), "{}", overview.text(handle))?)
}

/// Shows them again whenever something has changed, until nothing is at work any more.
pub async fn watch(handle: &Handle) -> Result<(), Complaint> {
    let in_place = std::io::stdout().is_terminal();
    let mut shown = String::new();
    loop {
        let overview = Overview::of(handle).await?;
        let text = overview.text(handle);
        if text != shown {
            show(&shown, &text, in_place)?;
            shown = text;
        }
        if overview.live.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn show(before: &str, text: &str, in_place: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let lines = before.lines().count();
    match lines {
        0 => {}
        _ if in_place => write!(out, "{}{lines}{}", UP_AND_CLEAR.0, UP_AND_CLEAR.1)?,
        _ => writeln!(out)?,
    }
    write!(out, "{text}")?;
    out.flush()
}

/// What there is to see at one moment.
struct Overview {
    live: Vec<Value>,
    suspended: Vec<String>,
}

impl Overview {
    async fn of(handle: &Handle) -> Result<Self, Complaint> {
        let rows = handle.runs(Filter::default()).await?;
        let mut live = Vec::new();
        for row in rows.iter().filter(|row| row.state.is_live()) {
            live.push(live_row(handle, row).await?);
        }
        let suspended = rows.iter().filter(|row| row.state == RunState::Suspended);
        Ok(Self { live, suspended: suspended.map(|row| row.id.to_string()).collect() })
    }

    fn text(&self, handle: &Handle) -> String {
        let mut text = match self.live.as_slice() {
            [] => "no run is at work in this home\n".to_owned(),
            live => table(handle, live, COLUMNS),
        };
        let count = plural(self.suspended.len() as u64, "run");
        match self.suspended.as_slice() {
            [] => {}
            [first, ..] => {
                // Writing to a string never fails.
                let _ = writeln!(text, "{count} suspended: go on with `flightdeck resume-run {first}`");
            }
        }
        text
    }
}

async fn live_row(handle: &Handle, row: &RunRow) -> Result<Value, Complaint> {
    let agents = handle.agents(Filter { run: Some(row.id), ..Filter::default() }).await?;
    let count = |state| agents.iter().filter(|agent| agent.state == state).count();
    Ok(json!({
        "id": row.id,
        "state": row.state,
        "tasks": row.tasks,
        "succeeded": row.succeeded,
        "failed": row.failed,
        "cancelled": row.cancelled,
        "working": count(AgentState::Working),
        "paused": count(AgentState::Paused),
        "spent_usd": row.money.spent,
        "held_usd": row.money.reserved + row.money.unconfirmed,
        "budget_usd": row.money.budget,
        "owner_pid": row.owner.as_ref().map(|owner| owner.pid),
        "simulated": row.simulated,
        "title": row.title,
    }))
}
