//! What all listings share: filters, tables, JSON.

use std::io::Write;

use chrono::{DateTime, Local, NaiveDate, NaiveDateTime, TimeZone};
use clap::Args;
use clap::builder::PossibleValuesParser;
use regex::Regex;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::exit::Complaint;
use crate::dispatch::input;
use crate::domain::{AgentId, RunId, Wall};
use crate::engine::handle::Clock;
use crate::engine::handle::Handle;
use crate::guard::escape_json;
use crate::store::Filter;

/// Filters that every listing has.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// One JSON array
    #[arg(long)]
    pub json: bool,
    /// Only this run
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Only this agent
    #[arg(long, value_name = "ID")]
    pub agent: Option<String>,
    /// Not before: 10m ago, or a date or time (2026-11-21, 2026-11-21T12:00:00Z)
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Not after
    #[arg(long, value_name = "WHEN")]
    pub until: Option<String>,
    /// Only rows whose JSON matches this regular expression
    #[arg(long = "match", value_name = "REGEX", value_parser = regex)]
    pub matching: Option<Regex>,
    /// At most this many, the newest
    #[arg(long, value_name = "N")]
    pub limit: Option<u32>,
}

fn regex(text: &str) -> Result<Regex, String> {
    // The last line says what is wrong; those before draw where.
    Regex::new(text).map_err(|error| {
        let text = error.to_string();
        let problem = text.lines().next_back().unwrap_or_default();
        format!("this is no regular expression: {}", problem.trim_start_matches("error: "))
    })
}

/// Reads one of these words, and names them all where it is another.
pub fn one_of(words: &'static [&'static str]) -> PossibleValuesParser {
    PossibleValuesParser::new(words)
}

/// Which rows stay where there are more than were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The first.
    First,
    /// The last.
    Last,
}

impl ListArgs {
    /// The filter for the store.
    pub async fn filter(&self, handle: &Handle) -> Result<Filter, Complaint> {
        let now = handle.clock();
        let run = match &self.run {
            Some(text) => Some(find_run(handle, text).await?),
            None => None,
        };
        let agent = match &self.agent {
            Some(text) => Some(find_agent(handle, text, run).await?),
            None => None,
        };
        let when = |text: &Option<String>| text.as_deref().map(|text| moment(text, now)).transpose();
        Ok(Filter {
            run: agent.map(|agent| agent.run).or(run),
            agent: agent.map(|agent| agent.no),
            since: when(&self.since)?,
            until: when(&self.until)?,
            // What is filtered here must be filtered before it is counted.
            limit: self.limit.filter(|_| self.matching.is_none()),
            ..Filter::default()
        })
    }

    /// Writes rows as one JSON array or as a table.
    pub fn write(
        &self,
        handle: &Handle,
        rows: Vec<Value>,
        keep: Keep,
        columns: &[Column],
        empty: &str,
    ) -> Result<(), Complaint> {
        let rows = self.chosen(rows, keep);
        let mut out = std::io::stdout().lock();
        if self.json {
            write_json(&mut out, handle, &rows)?;
        } else if rows.is_empty() {
            // Nothing can be told where standard error is gone.
            let _ = writeln!(std::io::stderr(), "{empty}");
        } else {
            write!(out, "{}", table(handle, &rows, columns))?;
        }
        Ok(())
    }

    fn chosen(&self, mut rows: Vec<Value>, keep: Keep) -> Vec<Value> {
        let Some(regex) = &self.matching else { return rows };
        rows.retain(|row| regex.is_match(&row.to_string()));
        let most = self.limit.map_or(usize::MAX, |limit| limit as usize);
        match keep {
            Keep::First => rows.truncate(most),
            Keep::Last => drop(rows.drain(..rows.len().saturating_sub(most))),
        }
        rows
    }
}

/// A column of a table: its title, and the path of its value.
pub struct Column {
    /// The title.
    pub title: &'static str,
    /// The field of a row.
    pub field: &'static str,
    /// Numbers stand at the right.
    pub right: bool,
}

/// A column of text.
#[must_use]
pub const fn text(title: &'static str, field: &'static str) -> Column {
    Column { title, field, right: false }
}

/// A column of numbers.
#[must_use]
pub const fn number(title: &'static str, field: &'static str) -> Column {
    Column { title, field, right: true }
}

const WIDEST: usize = 100;

/// Writes rows as one JSON array.
pub fn write_json(out: &mut dyn Write, handle: &Handle, rows: &[Value]) -> std::io::Result<()> {
    write!(out, "[")?;
    for (at, row) in rows.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(out, "{comma}\n{}", escape_json(&handle.gate().redact(&row.to_string())))?;
    }
    writeln!(out, "\n]")
}

/// Rows as a table, clean for a screen.
#[must_use]
pub fn table(handle: &Handle, rows: &[Value], columns: &[Column]) -> String {
    let cell = |row: &Value, column: &Column| match row.get(column.field) {
        None | Some(Value::Null | Value::Bool(false)) => "–".to_owned(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::String(text)) => handle.gate().line(text, WIDEST),
        Some(other) => handle.gate().line(&other.to_string(), WIDEST),
    };
    let table: Vec<Vec<String>> = std::iter::once(columns.iter().map(|column| column.title.to_owned()).collect())
        .chain(rows.iter().map(|row| columns.iter().map(|column| cell(row, column)).collect()))
        .collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| table.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in &table {
        let mut line = String::new();
        for ((cell, width), column) in row.iter().zip(&widths).zip(columns) {
            let space = " ".repeat(width.saturating_sub(cell.width()));
            let (before, after) = if column.right { (space.as_str(), "") } else { ("", space.as_str()) };
            line.extend([before, cell, after, "  "]);
        }
        text.extend([line.trim_end(), "\n"]);
    }
    text
}

/// A run by its id or by an unambiguous beginning of it.
pub async fn find_run(handle: &Handle, text: &str) -> Result<RunId, Complaint> {
    if let Ok(id) = text.parse::<RunId>() {
        return Ok(id);
    }
    let digits = text.strip_prefix("r-").unwrap_or(text).to_ascii_lowercase();
    let rows = handle.runs(Filter::default()).await?;
    let fits = |id: &RunId| id.to_string().strip_prefix("r-").is_some_and(|id| id.starts_with(&digits));
    let mut found = rows.iter().map(|row| row.id).filter(fits);
    match (found.next(), found.next()) {
        (Some(id), None) if !digits.is_empty() => Ok(id),
        (Some(_), Some(_)) => Err(Complaint::usage(format!("more than one run begins with `{text}`"))
            .hint("give more of the id: `flightdeck runs` lists them")),
        _ => Err(Complaint::usage(format!("there is no run `{text}`")).hint("`flightdeck runs` lists them")),
    }
}

/// An agent by its id, or by its number in a run that is known.
pub async fn find_agent(handle: &Handle, text: &str, run: Option<RunId>) -> Result<AgentId, Complaint> {
    if let (Some(run), Ok(no)) = (run, text.parse()) {
        return Ok(AgentId { run, no });
    }
    let wrong = || {
        Complaint::usage(format!("there is no agent `{text}`"))
            .hint("an agent looks like r-07kx4m2p.14: `flightdeck agents` lists them")
    };
    let (run, no) = text.rsplit_once('.').ok_or_else(wrong)?;
    let no = no.parse().map_err(|_| wrong())?;
    Ok(AgentId { run: find_run(handle, run).await?, no })
}

/// A moment: a duration ago, a date of the local time zone, or a time.
fn moment(text: &str, clock: Clock) -> Result<Wall, Complaint> {
    let trimmed = text.trim_end_matches("ago").trim();
    if let Ok(ago) = input::duration(trimmed) {
        let millis = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
        return Ok(Wall(clock.now().wall.0.saturating_sub(millis)));
    }
    let local = |naive: NaiveDateTime| Local.from_local_datetime(&naive).earliest().map(|time| time.timestamp_millis());
    let parsed = DateTime::parse_from_rfc3339(trimmed).ok().map(|time| time.timestamp_millis()).or_else(|| {
        let day = NaiveDate::parse_from_str(trimmed, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0));
        let time = NaiveDateTime::parse_from_str(trimmed, "%Y-%m-%dT%H:%M:%S").ok();
        local(time.or(day)?)
    });
    parsed.map(Wall).ok_or_else(|| {
        Complaint::usage(format!("`{text}` is no moment")).hint("write 10m, 2h, 2026-11-21 or 2026-11-21T12:00:00Z")
    })
}
