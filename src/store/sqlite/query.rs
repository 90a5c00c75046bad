//! Listings of runs, tasks and agents, newest run first.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::codec::{Columns, key, signed, unsigned};
use super::fault::Result;
use crate::domain::{AgentId, RunId, RunState};
use crate::store::Filter;
use crate::store::rows::{AgentRow, Owner, RunRow, TaskRow};

/// A statement in the making. Values never become part of its text.
pub(super) struct Query {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Query {
    pub(super) fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    /// Adds a piece of text with one placeholder.
    pub(super) fn with(&mut self, piece: &'static str, value: impl Into<Value>) {
        self.sql.push_str(piece);
        self.values.push(value.into());
    }

    /// The same, where there is a value.
    pub(super) fn with_some(&mut self, piece: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.with(piece, value);
        }
    }

    pub(super) fn push(&mut self, piece: &'static str) {
        self.sql.push_str(piece);
    }

    /// Every row, read by `read`.
    pub(super) fn all<T>(&self, db: &Connection, read: impl Fn(Columns<'_>) -> Result<T>) -> Result<Vec<T>> {
        let mut statement = db.prepare_cached(&self.sql)?;
        let mut rows = statement.query(params_from_iter(&self.values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(Columns::of(row))?);
        }
        Ok(found)
    }
}

/// Runs, newest first. Whether a run is suspended is not stored but asked of the system, so that
/// those that have not ended are filtered here.
pub(super) fn runs(db: &Connection, filter: &Filter) -> Result<Vec<RunRow>> {
    let mut runs = runs_query(filter).all(db, run_row)?;
    for run in &mut runs {
        run.state = state_now(run);
    }
    if let Some(state) = filter.state.as_deref() {
        runs.retain(|run| run.state.word() == state);
    }
    runs.truncate(filter.limit.map_or(usize::MAX, |limit| limit as usize));
    Ok(runs)
}

fn state_now(run: &RunRow) -> RunState {
    if run.state.is_final() || run.owner.as_ref().is_some_and(Owner::is_alive) {
        run.state
    } else {
        RunState::Suspended
    }
}

pub(super) fn runs_query(filter: &Filter) -> Query {
    let mut query = Query::new(
        "SELECT id, state, by, title, provider, model, simulated, reusable, created, started, ended, tasks, \
         succeeded, failed, cancelled, spent, unconfirmed, reserved, budget, input, output, cache_read, cache_write, \
         estimated, stopped_by, owner_pid, owner_started, owner_boot FROM runs",
    );
    // Always a range, so that the index on the time gives the order.
    query.with(" WHERE created >= ?", filter.since.map_or(i64::MIN, |at| at.0));
    query.with_some(" AND created <= ?", filter.until.map(|at| at.0));
    query.with_some(" AND id = ?", filter.run.map(|run| signed(run.number())));
    let counts_here = match filter.state.as_deref() {
        None => true,
        Some(state @ ("completed" | "failed" | "cancelled")) => {
            query.with(" AND state = ?", state.to_owned());
            true
        }
        Some(_) => {
            query.push(" AND state NOT IN ('completed', 'failed', 'cancelled')");
            false
        }
    };
    query.push(" ORDER BY created DESC, id DESC");
    query.with_some(" LIMIT ?", filter.limit.filter(|_| counts_here));
    query
}

fn run_row(mut row: Columns<'_>) -> Result<RunRow> {
    Ok(RunRow {
        id: run_id(row.get()?),
        state: row.word()?,
        by: row.get()?,
        title: row.get()?,
        provider: row.get()?,
        model: row.get()?,
        simulated: row.get()?,
        reusable: row.get()?,
        created: row.wall()?.unwrap_or_default(),
        started: row.wall()?,
        ended: row.wall()?,
        tasks: row.get()?,
        succeeded: row.get()?,
        failed: row.get()?,
        cancelled: row.get()?,
        money: row.totals()?.unwrap_or_default(),
        usage: row.usage()?,
        stopped_by: row.get()?,
        owner: owner((row.get()?, row.get()?, row.get()?)),
    })
}

/// The three columns of an owner.
pub(super) fn owner((pid, started, boot): (Option<u32>, Option<i64>, Option<String>)) -> Option<Owner> {
    Some(Owner { pid: pid?, started: unsigned(started?), boot: boot? })
}

pub(super) fn run_id(number: i64) -> RunId {
    RunId::from_random(unsigned(number))
}

/// Runs are gone through in their order, and each leads to its rows in theirs: nothing is sorted.
fn of_runs(query: &mut Query, filter: &Filter) {
    query.with(" WHERE r.created <= ?", filter.until.map_or(i64::MAX, |at| at.0));
    query.with_some(" AND (r.ended IS NULL OR r.ended >= ?)", filter.since.map(|at| at.0));
    query.with_some(" AND r.id = ?", filter.run.map(|run| signed(run.number())));
}

/// Tasks, newest run first, then by number.
pub(super) fn tasks(db: &Connection, filter: &Filter) -> Result<Vec<TaskRow>> {
    tasks_query(filter).all(db, task_row)
}

pub(super) fn tasks_query(filter: &Filter) -> Query {
    let mut query = Query::new(
        "SELECT t.run, t.task, t.agent, t.state, t.key, t.payload, t.args, t.attempts, t.finished, t.ended \
         FROM runs r CROSS JOIN tasks t ON t.run = r.id",
    );
    of_runs(&mut query, filter);
    query.with_some(" AND coalesce(t.ended, r.created) >= ?", filter.since.map(|at| at.0));
    query.with_some(" AND coalesce(t.ended, r.created) <= ?", filter.until.map(|at| at.0));
    query.with_some(" AND t.agent = ?", filter.agent);
    query.with_some(" AND t.state = ?", filter.state.clone());
    query.push(" ORDER BY r.created DESC, r.id DESC, t.task");
    query.with_some(" LIMIT ?", filter.limit);
    query
}

fn task_row(mut row: Columns<'_>) -> Result<TaskRow> {
    Ok(TaskRow {
        run: run_id(row.get()?),
        task: row.get()?,
        agent: row.get()?,
        state: row.word()?,
        key: key(row.get()?),
        payload: row.optional_key()?,
        args: row.content()?,
        attempts: row.get()?,
        finished: row.get::<Option<String>>()?.map(|json| serde_json::from_str(&json)).transpose()?,
        ended: row.wall()?,
    })
}

/// Agents, newest run first, then by number.
pub(super) fn agents(db: &Connection, filter: &Filter) -> Result<Vec<AgentRow>> {
    agents_query(filter).all(db, agent_row)
}

pub(super) fn agents_query(filter: &Filter) -> Query {
    let mut query = Query::new(
        "SELECT a.run, a.no, a.task, a.state, a.task_state, a.template, a.provider, a.model, a.turns, a.cost, \
         a.input, a.output, a.cache_read, a.cache_write, a.estimated \
         FROM runs r CROSS JOIN agents a ON a.run = r.id",
    );
    of_runs(&mut query, filter);
    query.with_some(" AND a.no = ?", filter.agent);
    query.with_some(" AND a.state = ?", filter.state.clone());
    query.push(" ORDER BY r.created DESC, r.id DESC, a.no");
    query.with_some(" LIMIT ?", filter.limit);
    query
}

fn agent_row(mut row: Columns<'_>) -> Result<AgentRow> {
    Ok(AgentRow {
        id: AgentId { run: run_id(row.get()?), no: row.get()? },
        task: row.get()?,
        state: row.word()?,
        task_state: row.word()?,
        template: row.get()?,
        provider: row.get()?,
        model: row.get()?,
        turns: row.get()?,
        cost: row.money()?,
        usage: row.usage()?,
    })
}
