//! Making a batch durable: one transaction, one sync of the disk.

use std::path::Path;

use rusqlite::{CachedStatement, Connection, OptionalExtension, TransactionBehavior, params};

use super::codec::{key_bits, nanos, signed};
use super::fault::Result;
use super::{content, spans};
use crate::domain::event::TaskFinished;
use crate::domain::{Event, RunId, TaskState};
use crate::store::rows::{AgentRow, Owner, RunRow, TaskRow};
use crate::store::{Batch, StoreError};

/// Commits `batch`, all or nothing.
pub(super) fn commit(db: &mut Connection, home: &Path, batch: &Batch) -> Result<()> {
    // What needs no database is done before other processes have to wait for it.
    content::write_large(home, &batch.contents)?;
    let data = batch.events.iter().map(|event| event.body.to_json()).collect::<std::result::Result<Vec<_>, _>>()?;
    let results = batch.tasks.iter().map(finished_json).collect::<std::result::Result<Vec<_>, _>>()?;

    let work = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    content::insert(&work, &batch.contents)?;
    append(&work, &batch.events, &data)?;
    put_runs(&work, &batch.runs)?;
    put_tasks(&work, &batch.tasks, &results)?;
    put_agents(&work, &batch.agents)?;
    work.commit()?;
    Ok(())
}

/// Makes `owner` the owner of a run that has no living one.
pub(super) fn take_over(db: &mut Connection, run: RunId, owner: &Owner) -> Result<()> {
    let work = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = work
        .prepare_cached("SELECT owner_pid, owner_started, owner_boot FROM runs WHERE id = ?")?
        .query_row([signed(run.number())], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?
        .ok_or(StoreError::NoRun(run))?;
    if let Some(other) = super::query::owner(found).filter(|other| other != owner && other.is_alive()) {
        return Err(StoreError::Owned { run, pid: other.pid }.into());
    }
    work.prepare_cached("UPDATE runs SET owner_pid = ?2, owner_started = ?3, owner_boot = ?4 WHERE id = ?1")?
        .execute(params![signed(run.number()), owner.pid, signed(owner.started), owner.boot])?;
    work.commit()?;
    Ok(())
}

const APPEND: &str = "INSERT INTO events \
    (id, run, seq, at, kind, v, severity, agent, task, spent, unconfirmed, reserved, budget, data) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
/// Ids are given out here and not by AUTOINCREMENT, which writes a second row for each event.
/// `events_given` is for whoever deletes the newest events: their ids must not come again.
const LAST_ID: &str = "SELECT max(coalesce((SELECT max(id) FROM events), 0), \
    coalesce((SELECT value FROM home WHERE name = 'events_given'), 0))";

fn append(db: &Connection, events: &[Event], data: &[String]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let last: i64 = db.prepare_cached(LAST_ID)?.query_row([], |row| row.get(0))?;
    let mut insert = db.prepare_cached(APPEND)?;
    let mut weaver = spans::Weaver::default();
    for (id, (event, data)) in (last + 1..).zip(events.iter().zip(data)) {
        weaver.add(db, id, event)?;
        append_one(&mut insert, id, event, data)?;
    }
    weaver.finish(db)
}

fn append_one(insert: &mut CachedStatement<'_>, id: i64, event: &Event, data: &str) -> Result<()> {
    let money = event.money.as_ref();
    insert.execute(params![
        id,
        signed(event.run.number()),
        signed(event.seq),
        event.at.0,
        event.body.kind(),
        event.body.version(),
        spans::rank(event.body.severity()),
        event.agent,
        event.task,
        money.map(|m| nanos(m.spent)),
        money.map(|m| nanos(m.unconfirmed)),
        money.map(|m| nanos(m.reserved)),
        money.and_then(|m| m.budget).map(nanos),
        data,
    ])?;
    Ok(())
}

const PUT_RUN: &str = "INSERT INTO runs (id, state, by, title, provider, model, simulated, reusable, created, \
    started, ended, tasks, succeeded, failed, cancelled, spent, unconfirmed, reserved, budget, input, output, \
    cache_read, cache_write, estimated, stopped_by, owner_pid, owner_started, owner_boot) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, by = excluded.by, title = excluded.title, \
    provider = excluded.provider, model = excluded.model, simulated = excluded.simulated, \
    reusable = excluded.reusable, created = excluded.created, started = excluded.started, ended = excluded.ended, \
    tasks = excluded.tasks, succeeded = excluded.succeeded, failed = excluded.failed, \
    cancelled = excluded.cancelled, spent = excluded.spent, unconfirmed = excluded.unconfirmed, \
    reserved = excluded.reserved, budget = excluded.budget, input = excluded.input, output = excluded.output, \
    cache_read = excluded.cache_read, cache_write = excluded.cache_write, estimated = excluded.estimated, \
    stopped_by = excluded.stopped_by, owner_pid = excluded.owner_pid, owner_started = excluded.owner_started, \
    owner_boot = excluded.owner_boot";

fn put_runs(db: &Connection, runs: &[RunRow]) -> Result<()> {
    for run in runs {
        let owner = run.owner.as_ref();
        db.prepare_cached(PUT_RUN)?.execute(params![
            signed(run.id.number()),
            run.state.word(),
            run.by,
            run.title,
            run.provider,
            run.model,
            run.simulated,
            run.reusable,
            run.created.0,
            run.started.map(|at| at.0),
            run.ended.map(|at| at.0),
            run.tasks,
            run.succeeded,
            run.failed,
            run.cancelled,
            nanos(run.money.spent),
            nanos(run.money.unconfirmed),
            nanos(run.money.reserved),
            run.money.budget.map(nanos),
            signed(run.usage.input_tokens),
            signed(run.usage.output_tokens),
            signed(run.usage.cache_read_tokens),
            signed(run.usage.cache_written()),
            run.usage.estimated,
            run.stopped_by,
            owner.map(|owner| owner.pid),
            owner.map(|owner| signed(owner.started)),
            owner.map(|owner| owner.boot.as_str()),
        ])?;
    }
    Ok(())
}

/// A row without a result leaves a stored one as it is.
const PUT_TASK: &str = "INSERT INTO tasks \
    (run, task, agent, state, key, payload, args, attempts, ended, own, finished) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
    ON CONFLICT (run, task) DO UPDATE SET agent = excluded.agent, state = excluded.state, key = excluded.key, \
    payload = excluded.payload, args = excluded.args, attempts = excluded.attempts, \
    ended = coalesce(excluded.ended, ended), \
    own = iif(excluded.finished IS NULL, own, excluded.own), \
    finished = coalesce(excluded.finished, finished)";

fn put_tasks(db: &Connection, tasks: &[TaskRow], results: &[Option<String>]) -> Result<()> {
    for (task, result) in tasks.iter().zip(results) {
        db.prepare_cached(PUT_TASK)?.execute(params![
            signed(task.run.number()),
            task.task,
            task.agent,
            task.state.word(),
            key_bits(task.key),
            task.payload.map(key_bits),
            task.args.0,
            task.attempts,
            task.ended.map(|at| at.0),
            task.finished.as_deref().is_some_and(is_own),
            result,
        ])?;
    }
    Ok(())
}

fn finished_json(task: &TaskRow) -> std::result::Result<Option<String>, serde_json::Error> {
    task.finished.as_deref().map(serde_json::to_string).transpose()
}

/// Whether a result came from an answer of the task's own, and may answer another task.
fn is_own(finished: &TaskFinished) -> bool {
    finished.state == TaskState::Completed && finished.success && !finished.cached
}

const PUT_AGENT: &str = "INSERT INTO agents (run, no, task, state, task_state, template, provider, model, turns, \
    cost, input, output, cache_read, cache_write, estimated) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
    ON CONFLICT (run, no) DO UPDATE SET task = excluded.task, state = excluded.state, \
    task_state = excluded.task_state, template = excluded.template, provider = excluded.provider, \
    model = excluded.model, turns = excluded.turns, cost = excluded.cost, input = excluded.input, \
    output = excluded.output, cache_read = excluded.cache_read, cache_write = excluded.cache_write, \
    estimated = excluded.estimated";

fn put_agents(db: &Connection, agents: &[AgentRow]) -> Result<()> {
    for agent in agents {
        db.prepare_cached(PUT_AGENT)?.execute(params![
            signed(agent.id.run.number()),
            agent.id.no,
            agent.task,
            agent.state.word(),
            agent.task_state.word(),
            agent.template,
            agent.provider,
            agent.model,
            agent.turns,
            nanos(agent.cost),
            signed(agent.usage.input_tokens),
            signed(agent.usage.output_tokens),
            signed(agent.usage.cache_read_tokens),
            signed(agent.usage.cache_written()),
            agent.usage.estimated,
        ])?;
    }
    Ok(())
}
