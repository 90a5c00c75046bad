//! `show`: one run or one agent.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::exit::Complaint;
use super::listing::{find_agent, find_run};
use super::{agents, runs, tasks};
use crate::domain::{AgentId, RunId};
use crate::engine::handle::Handle;
use crate::guard::escape_json;
use crate::store::Filter;

/// `show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A run or an agent
    pub id: String,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// Shows a run or an agent.
pub async fn show(handle: &Handle, args: &ShowArgs) -> Result<(), Complaint> {
    if args.id.contains('.') {
        let agent = find_agent(handle, &args.id, None).await?;
        return show_agent(handle, agent, args.json).await;
    }
    let run = find_run(handle, &args.id).await?;
    show_run(handle, run, args.json).await
}

async fn show_run(handle: &Handle, id: RunId, as_json: bool) -> Result<(), Complaint> {
    let filter = Filter { run: Some(id), ..Filter::default() };
    let run = handle.runs(filter.clone()).await?.pop();
    let run = run.ok_or_else(|| Complaint::usage(format!("there is no run {id}")))?;
    let mut shown = runs::row(&run);
    let rows: Vec<Value> = handle.tasks(filter).await?.iter().map(tasks::row).collect();
    if as_json {
        if let Value::Object(fields) = &mut shown {
            fields.insert("task_list".to_owned(), Value::Array(rows));
        }
        return write_json(handle, &shown);
    }
    write_fields(handle, &shown)?;
    let mut out = std::io::stdout().lock();
    writeln!(out)?;
    for row in &rows {
        let field = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let no = row.get("task").map(ToString::to_string).unwrap_or_default();
        writeln!(out, "{no:>6}  {:<15}  {}", field("state"), handle.gate().line(&field("result"), 100))?;
    }
    Ok(())
}

async fn show_agent(handle: &Handle, id: AgentId, as_json: bool) -> Result<(), Complaint> {
    let filter = Filter { run: Some(id.run), agent: Some(id.no), ..Filter::default() };
    let agent = handle.agents(filter.clone()).await?.pop();
    let agent = agent.ok_or_else(|| Complaint::usage(format!("there is no agent {id}")))?;
    let task = handle.tasks(filter).await?.pop();
    let line = match &task {
        Some(task) => handle.result_of(task, false).await?,
        None => None,
    };
    let mut shown = agents::row(&agent);
    if let Value::Object(fields) = &mut shown {
        fields.insert("result".to_owned(), json!(line));
    }
    if as_json {
        return write_json(handle, &shown);
    }
    write_fields(handle, &agents::row(&agent))?;
    let Some(line) = line else { return Ok(()) };
    let gate = handle.gate();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:<16} {}", "args", gate.screen(line.args.get()))?;
    if let Some(error) = &line.error {
        writeln!(out, "{:<16} {}: {}", "error", error.kind.word(), gate.screen(&error.message))?;
    }
    if let Some(output) = &line.output {
        writeln!(out, "\n{}", gate.screen(output))?;
    }
    Ok(())
}

fn write_json(handle: &Handle, value: &Value) -> Result<(), Complaint> {
    let text = serde_json::to_string_pretty(value).map_err(std::io::Error::from)?;
    Ok(writeln!(std::io::stdout(), "{}", escape_json(&handle.gate().redact(&text)))?)
}

fn write_fields(handle: &Handle, value: &Value) -> Result<(), Complaint> {
    let mut out = std::io::stdout().lock();
    for (name, value) in value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        writeln!(out, "{:<16} {}", name.replace('_', " "), handle.gate().line(&text, 200))?;
    }
    Ok(())
}
