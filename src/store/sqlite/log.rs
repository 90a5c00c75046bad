//! Reading the log, by way of its spans.

use rusqlite::Connection;

use super::codec::{Columns, signed, unsigned};
use super::fault::Result;
use super::query::{Query, run_id};
use super::spans::{self, kind_bit, rank};
use crate::domain::time::Mono;
use crate::domain::{Body, Event, RunId, Wall};
use crate::store::{Filter, StoredEvent};

const COLUMNS: &str = "SELECT e.id, e.run, e.seq, e.at, e.agent, e.task, e.spent, e.unconfirmed, e.reserved, \
    e.budget, e.kind, e.v, e.data FROM ";
const BY_SPANS: &str = "spans s CROSS JOIN events e ON e.id BETWEEN s.id AND s.id + s.count - 1";

/// Events in the order of their ids; the last ones, where there is a limit and nothing to go on
/// from.
pub(super) fn events(db: &Connection, filter: &Filter) -> Result<Vec<StoredEvent>> {
    let mut events = events_query(filter).all(db, stored_event)?;
    if backwards(filter) {
        events.reverse();
    }
    Ok(events)
}

fn backwards(filter: &Filter) -> bool {
    filter.limit.is_some() && filter.after.is_none()
}

pub(super) fn events_query(filter: &Filter) -> Query {
    let after = signed(filter.after.unwrap_or(0));
    let mut query = Query::new(COLUMNS);
    if is_plain(filter) {
        query.with("events e WHERE e.id > ?", after);
        query.push(if backwards(filter) { " ORDER BY e.id DESC" } else { " ORDER BY e.id" });
    } else {
        by_spans(&mut query, filter, after);
    }
    query.with_some(" LIMIT ?", filter.limit);
    query
}

/// Nothing but a place in the order of all runs.
fn is_plain(filter: &Filter) -> bool {
    let Filter { run, agent, state: _, kind, severity, since, until, after: _, limit: _ } = filter;
    run.is_none() && agent.is_none() && kind.is_none() && severity.is_none() && since.is_none() && until.is_none()
}

/// Every condition twice: on the span, to pass over it, and on the event. A `+` keeps a condition
/// from being taken for the way to the rows.
fn by_spans(query: &mut Query, filter: &Filter, after: i64) {
    query.push(BY_SPANS);
    // A span that begins further back has ended before.
    let from = after.saturating_sub(i64::from(spans::MOST));
    if let Some(run) = filter.run {
        query.with(" WHERE s.run = ?", signed(run.number()));
        query.with(" AND +s.id > ?", from);
    } else {
        query.with(" WHERE s.id > ?", from);
    }
    query.with(" AND +e.id > ?", after);
    if let Some(agent) = filter.agent {
        query.with(" AND s.agent_low <= ?", agent);
        query.with(" AND s.agent_high >= ?", agent);
        query.with(" AND +e.agent = ?", agent);
    }
    if let Some(kind) = &filter.kind {
        query.with(" AND (s.kinds & ?) <> 0", kind_bit(kind));
        query.with(" AND +e.kind = ?", kind.clone());
    }
    if let Some(severity) = filter.severity {
        query.with(" AND s.severity >= ?", rank(severity));
        query.with(" AND +e.severity >= ?", rank(severity));
    }
    if let Some(since) = filter.since {
        query.with(" AND s.newest >= ?", since.0);
        query.with(" AND +e.at >= ?", since.0);
    }
    if let Some(until) = filter.until {
        query.with(" AND s.oldest <= ?", until.0);
        query.with(" AND +e.at <= ?", until.0);
    }
    // Within one run, ids and sequence numbers grow together.
    query.push(match (filter.run.is_some(), backwards(filter)) {
        (true, false) => " ORDER BY s.seq, e.id",
        (true, true) => " ORDER BY s.seq DESC, e.id DESC",
        (false, false) => " ORDER BY s.id, e.id",
        (false, true) => " ORDER BY s.id DESC, e.id DESC",
    });
}

/// At most `limit` events of a run after one of them.
pub(super) fn log(db: &Connection, run: RunId, after: u64, limit: u32) -> Result<Vec<Event>> {
    log_query(run, after, limit).all(db, |row| Ok(stored_event(row)?.event))
}

pub(super) fn log_query(run: RunId, after: u64, limit: u32) -> Query {
    let after = signed(after);
    let mut query = Query::new(COLUMNS);
    query.push(BY_SPANS);
    query.with(" WHERE s.run = ?", signed(run.number()));
    query.with(" AND s.seq > ?", after.saturating_sub(i64::from(spans::MOST)));
    query.with(" AND +e.seq > ?", after);
    query.with(" ORDER BY s.seq, e.id LIMIT ?", limit);
    query
}

fn stored_event(mut row: Columns<'_>) -> Result<StoredEvent> {
    let id = unsigned(row.get()?);
    let (run, seq, at) = (run_id(row.get()?), unsigned(row.get()?), Wall(row.get()?));
    let (agent, task, money) = (row.get()?, row.get()?, row.totals()?);
    let (kind, version, data) = (row.text()?, row.get()?, row.text()?);
    let body = Body::parse(kind, version, data)?;
    Ok(StoredEvent { id, event: Event { run, seq, at, mono: mono(at), agent, task, money, body } })
}

/// Monotonic time is not stored: see [`Event::mono`].
fn mono(at: Wall) -> Mono {
    Mono(unsigned(at.0).saturating_mul(1_000))
}
