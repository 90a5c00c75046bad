//! `events`: the log, oldest first.

use clap::Args;
use serde_json::{Map, Value, json};

use super::exit::Complaint;
use super::listing::{Column, Keep, ListArgs, number, one_of, text};
use crate::domain::{AgentId, Body, Severity};
use crate::engine::handle::Handle;
use crate::store::{Filter, StoredEvent};

const SEVERITIES: &[&str] =
    &[Severity::Debug.word(), Severity::Info.word(), Severity::Warn.word(), Severity::Error.word()];

/// `events`.
#[derive(Debug, Clone, Args)]
pub struct EventsArgs {
    /// What every listing can.
    #[command(flatten)]
    pub list: ListArgs,
    /// Only events of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = one_of(Body::KINDS))]
    pub kind: Option<String>,
    /// Only events of at least this severity
    #[arg(long, value_name = "SEVERITY", value_parser = one_of(SEVERITIES))]
    pub severity: Option<String>,
    /// Only events after the one with this id; with --limit, the first ones after it
    #[arg(long, value_name = "ID")]
    pub after: Option<u64>,
}

const COLUMNS: &[Column] = &[
    number("ID", "id"),
    text("AT", "at"),
    text("SEVERITY", "severity"),
    text("TYPE", "type"),
    text("RUN", "run"),
    number("TASK", "task"),
    text("DATA", "data"),
];

/// Lists events.
pub async fn list(handle: &Handle, args: &EventsArgs) -> Result<(), Complaint> {
    let filter = Filter {
        kind: args.kind.clone(),
        severity: args.severity.as_deref().and_then(Severity::from_word),
        after: args.after,
        ..args.list.filter(handle).await?
    };
    let keep = if args.after.is_some() { Keep::First } else { Keep::Last };
    let rows = handle.events(filter).await?;
    let rows = rows.iter().map(row).collect::<Result<Vec<_>, _>>().map_err(std::io::Error::from)?;
    args.list.write(handle, rows, keep, COLUMNS, "there are no such events")
}

/// An event as JSON: its money stands in its data.
fn row(stored: &StoredEvent) -> Result<Value, serde_json::Error> {
    let event = &stored.event;
    let mut data: Map<String, Value> = serde_json::from_str(&event.body.to_json()?)?;
    if let Some(Value::Object(money)) = event.money.map(serde_json::to_value).transpose()? {
        data.extend(money);
    }
    Ok(json!({
        "id": stored.id,
        "seq": event.seq,
        "at": event.at.rfc3339(),
        "type": event.body.kind(),
        "severity": event.body.severity(),
        "run": event.run,
        "agent": event.agent.map(|no| AgentId { run: event.run, no }),
        "task": event.task,
        "data": data,
    }))
}
