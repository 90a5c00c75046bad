//! Results on standard output or in a file: one JSON object per task as it ends.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::exit::Complaint;
use crate::domain::event::TaskFinished;
use crate::domain::{AgentId, ContentRef, Key, Money, RunId, TaskError, TaskNo, TaskState, Usage};
use crate::engine::handle::{Handle, HandleError};
use crate::store::rows::TaskRow;

/// One result.
#[derive(Debug, Serialize)]
pub struct ResultLine {
    /// Its run.
    pub run: RunId,
    /// Its task.
    pub task: TaskNo,
    /// Its agent.
    pub agent: AgentId,
    /// The task's arguments.
    pub args: Box<RawValue>,
    /// Whether it completed.
    pub success: bool,
    /// Its output; what had come, where it failed.
    pub output: Option<String>,
    /// Why it did not.
    pub error: Option<TaskError>,
    /// How long its calls took.
    pub duration_ms: u64,
    /// How many attempts were made.
    pub attempts: u32,
    /// The provider.
    pub provider: String,
    /// The model that really answered.
    pub model: String,
    /// What it cost.
    pub cost_usd: Money,
    /// What it used.
    pub usage: Usage,
    /// Its idempotency key.
    pub idempotency_key: Key,
    /// Whether a stored result answered it.
    pub cached: bool,
    /// Whether its output was cut.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Whether it is simulated.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// What the guard found.
    pub findings: [(); 0],
}

/// What names a result: its task, and where its arguments are.
#[derive(Debug, Clone, Copy)]
pub struct Named {
    /// Its run.
    pub run: RunId,
    /// Its task.
    pub task: TaskNo,
    /// Its agent.
    pub agent: u32,
    /// Its arguments.
    pub args: ContentRef,
    /// Whether it is simulated.
    pub simulated: bool,
}

impl ResultLine {
    /// Puts a result together: its texts are read and redacted.
    pub async fn of(handle: &Handle, named: Named, finished: &TaskFinished) -> Result<Self, HandleError> {
        let args = handle.redacted(named.args).await?.and_then(|text| RawValue::from_string(text).ok());
        let output = match finished.output {
            Some(name) => handle.redacted(name).await?,
            None => None,
        };
        Ok(Self {
            run: named.run,
            task: named.task,
            agent: AgentId { run: named.run, no: named.agent },
            args: args.unwrap_or_default(),
            success: finished.success,
            output,
            error: finished.error.clone(),
            duration_ms: finished.duration_ms,
            attempts: finished.attempts,
            provider: finished.provider.to_string(),
            model: finished.model.to_string(),
            cost_usd: finished.cost_usd,
            usage: finished.usage,
            idempotency_key: finished.key,
            cached: finished.cached,
            truncated: finished.truncated,
            simulated: named.simulated,
            findings: [],
        })
    }

    /// The result of a task that ended.
    pub async fn of_row(handle: &Handle, row: &TaskRow, simulated: bool) -> Result<Option<Self>, HandleError> {
        let Some(finished) = &row.finished else { return Ok(None) };
        let named = Named { run: row.run, task: row.task, agent: row.agent, args: row.args, simulated };
        Self::of(handle, named, finished).await.map(Some)
    }
}

/// Where results go.
pub struct Results {
    out: Box<dyn Write + Send>,
    for_people: bool,
    failed: BTreeMap<String, u32>,
}

impl Results {
    /// Results go to `out`; on a terminal they are written for people.
    pub fn new(out: Box<dyn Write + Send>, for_people: bool) -> Self {
        Self { out, for_people, failed: BTreeMap::new() }
    }

    /// Writes one result, whole.
    pub fn write(&mut self, handle: &Handle, line: &ResultLine) -> Result<(), Complaint> {
        if let Some(error) = &line.error {
            *self.failed.entry(format!("{}: {}", error.kind.word(), error.message)).or_default() += 1;
        }
        if self.for_people {
            return Ok(self.write_for_people(handle, line)?);
        }
        let json = serde_json::to_string(line).map_err(std::io::Error::from)?;
        writeln!(self.out, "{json}")?;
        Ok(self.out.flush()?)
    }

    fn write_for_people(&mut self, handle: &Handle, line: &ResultLine) -> std::io::Result<()> {
        let gate = handle.gate();
        let args = gate.line(line.args.get(), 60);
        let symbol = if line.success { '✓' } else { '✗' };
        let (no, ms, cost) = (line.task, line.duration_ms, line.cost_usd.short(4));
        let cached = if line.cached { "  cached" } else { "" };
        writeln!(self.out, "{symbol} {no}  {args}  {ms} ms  ${cost}{cached}")?;
        if let Some(error) = &line.error {
            writeln!(self.out, "  {}: {}", error.kind.word(), gate.screen(&error.message))?;
        }
        if let Some(output) = line.output.as_deref().filter(|_| line.success) {
            for text in gate.screen(output).lines() {
                writeln!(self.out, "  {text}")?;
            }
        }
        self.out.flush()
    }

    /// The kinds of failure with how often each came, the most frequent first, at most `most`.
    pub fn failures(&self, most: usize) -> Vec<(u32, &str)> {
        let mut failures: Vec<_> = self.failed.iter().map(|(text, count)| (*count, text.as_str())).collect();
        failures.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        failures.truncate(most);
        failures
    }
}

/// The summary.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub state: &'static str,
    /// How many tasks it has.
    pub tasks: u32,
    /// How many completed.
    pub succeeded: u32,
    /// How many failed.
    pub failed: u32,
    /// How many were cancelled.
    pub cancelled: u32,
    /// Completed of all.
    pub success_rate: f64,
    /// Settled money.
    pub spent_usd: Money,
    /// Money held because nobody can know.
    pub unconfirmed_usd: Money,
    /// Money held for calls under way: none.
    pub reserved_usd: Money,
    /// The budget.
    pub budget_usd: Option<Money>,
    /// From its start to its end.
    pub duration_ms: u64,
    /// The aggregation, where one was asked for.
    pub aggregate: Option<serde_json::Value>,
    /// What stopped it.
    pub stopped_by: Option<String>,
    /// Whether it is simulated.
    pub simulated: bool,
}

impl Summary {
    /// The summary of a run as it is.
    pub fn of(run: &crate::domain::Run) -> Self {
        let tasks = u32::try_from(run.tasks.len()).unwrap_or(u32::MAX);
        let succeeded = run.tasks_in(TaskState::Completed);
        let ended = run.ended.unwrap_or(run.last_at);
        Self {
            run: run.id,
            state: run.state.word(),
            tasks,
            succeeded,
            failed: run.tasks_in(TaskState::Failed),
            cancelled: run.tasks_in(TaskState::Cancelled),
            success_rate: if tasks == 0 { 0.0 } else { f64::from(succeeded) / f64::from(tasks) },
            spent_usd: run.money.spent,
            unconfirmed_usd: run.money.unconfirmed,
            reserved_usd: run.money.reserved,
            budget_usd: run.money.budget,
            duration_ms: run.started.map_or(0, |started| {
                u64::try_from(ended.since(started).as_millis()).unwrap_or(u64::MAX)
            }),
            aggregate: None,
            stopped_by: run.stopped_by.clone(),
            simulated: run.spec.simulated,
        }
    }
}
