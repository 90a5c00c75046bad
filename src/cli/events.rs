//! `events`: the log, oldest first.

use serde_json::{Map, Value, json};

use super::exit::Complaint;
use super::listing::{Column, ListArgs, number, text};
use crate::domain::AgentId;
use crate::engine::handle::Handle;
use crate::store::StoredEvent;

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
pub async fn list(handle: &Handle, args: &ListArgs) -> Result<(), Complaint> {
    let rows = handle.events(args.filter(handle).await?).await?;
    let rows = rows.iter().map(row).collect::<Result<Vec<_>, _>>().map_err(std::io::Error::from)?;
    args.write(handle, rows, COLUMNS, "there are no such events")
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
