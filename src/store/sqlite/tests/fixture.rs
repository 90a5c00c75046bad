//! Homes and rows to test with.

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use crate::domain::event::{AgentStateChanged, TaskFinished, TaskRetrying, TaskStarted, Why};
use crate::domain::time::Mono;
use crate::domain::{
    AgentId, AgentMove, AgentState, Body, ContentRef, ErrorKind, Event, Key, Money, RunId, RunState, TaskError,
    TaskState, Totals, Usage, Wall,
};
use crate::store::{AgentRow, Batch, Owner, RunRow, SqliteStore, TaskRow};

pub(super) struct Home(tempfile::TempDir);

impl Home {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn store(&self) -> SqliteStore {
        SqliteStore::open(self.path()).expect("opens")
    }
}

pub(super) fn run_id(number: u64) -> RunId {
    RunId::from_random(number)
}

/// Higher numbers were asked for later.
pub(super) fn run_row(number: u64) -> RunRow {
    RunRow {
        id: run_id(number),
        state: RunState::Running,
        by: "tester".to_owned(),
        title: "Sort with {{algorithm}}".to_owned(),
        provider: "openai".to_owned(),
        model: "gpt-4o-mini".to_owned(),
        simulated: false,
        reusable: true,
        created: Wall(i64::try_from(number * 1_000).expect("small")),
        started: Some(Wall(5)),
        ended: None,
        tasks: 3,
        succeeded: 1,
        failed: 0,
        cancelled: 0,
        money: Totals { spent: Money::from_nanos(12), budget: Some(Money::MAX), ..Totals::default() },
        usage: usage(10),
        stopped_by: None,
        owner: Some(Owner::current()),
    }
    .saturated()
}

impl RunRow {
    /// The database's integers are signed: an amount beyond them becomes their largest.
    fn saturated(mut self) -> Self {
        self.money.budget = self.money.budget.map(|budget| budget.min(Money::from_nanos(i64::MAX as u64)));
        self
    }
}

pub(super) fn task_row(run: u64, task: u32) -> TaskRow {
    TaskRow {
        run: run_id(run),
        task,
        agent: task,
        state: TaskState::Running,
        // Above the middle, so that a signed column holds it as a negative number.
        key: Key(u64::MAX - u64::from(task)),
        payload: Some(Key(u64::MAX / 2 + 7)),
        args: ContentRef([3; 16]),
        attempts: 1,
        finished: None,
        ended: None,
    }
}

/// The row of the same task once it completed at `ended`.
pub(super) fn completed(row: &TaskRow, ended: i64) -> TaskRow {
    let finished = TaskFinished {
        state: TaskState::Completed,
        success: true,
        error: None,
        output: Some(ContentRef([9; 16])),
        preview: "sorted".to_owned(),
        duration_ms: 812,
        attempts: 1,
        cost_usd: Money::from_nanos(123),
        usage: usage(u64::try_from(ended).expect("positive")),
        provider: Arc::from("openai"),
        model: Arc::from("gpt-4o-mini-2024-07-18"),
        key: row.key,
        cached: false,
        truncated: false,
    };
    TaskRow { state: TaskState::Completed, finished: Some(Box::new(finished)), ended: Some(Wall(ended)), ..*row }
}

pub(super) fn agent_row(run: u64, no: u32) -> AgentRow {
    AgentRow {
        id: AgentId { run: run_id(run), no },
        task: no,
        state: AgentState::Working,
        task_state: TaskState::Running,
        template: "default".to_owned(),
        provider: "openai".to_owned(),
        model: "gpt-4o-mini".to_owned(),
        turns: 2,
        cost: Money::from_nanos(5),
        usage: usage(no.into()),
    }
}

pub(super) fn usage(tokens: u64) -> Usage {
    Usage { input_tokens: tokens, output_tokens: 2 * tokens, cache_read_tokens: 1, ..Usage::default() }
}

/// Every event of a run is one of four kinds, three severities and seven agents; its time is its
/// number.
pub(super) fn event(run: u64, seq: u64) -> Event {
    let key = Key(seq);
    let error = TaskError { kind: ErrorKind::RateLimited, message: "429".to_owned(), retryable: true };
    let body = match seq % 4 {
        0 => Body::TaskStarted(TaskStarted { attempt: 1, key }),
        1 => Body::AgentState(AgentStateChanged {
            moved: AgentMove { from: AgentState::Idle, to: AgentState::Working },
            reason: None,
            receipt: None,
        }),
        2 => Body::RunPaused(Why { reason: "operator".to_owned() }),
        _ => Body::TaskRetrying(TaskRetrying { attempt: 1, of: 3, wait_ms: 100, error }),
    };
    let agent = (seq % 4 != 2).then(|| u32::try_from(seq / 40 % 7).expect("small"));
    let at = Wall(i64::try_from(seq).expect("small"));
    let money = seq.is_multiple_of(3).then(|| Totals { spent: Money::from_nanos(seq), ..Totals::default() });
    Event { run: run_id(run), seq, at, mono: Mono(seq * 1_000), agent, task: agent, money, body }
}

/// Events of a run, and rows as they may be after them.
pub(super) fn batch(run: u64, seqs: RangeInclusive<u64>) -> Batch {
    Batch {
        events: seqs.map(|seq| event(run, seq)).collect(),
        contents: Vec::new(),
        runs: vec![run_row(run)],
        tasks: vec![completed(&task_row(run, 0), 100), task_row(run, 1)],
        agents: vec![agent_row(run, 0), agent_row(run, 1)],
    }
}

/// A process that is not: the start time belongs to no process of this id.
pub(super) fn owner_that_died() -> Owner {
    let me = Owner::current();
    Owner { started: me.started + 1, ..me }
}
