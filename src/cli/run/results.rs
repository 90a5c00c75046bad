//! Results on standard output or in a file: one JSON object per task as it ends.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use serde_json::Value;

use super::aggregate::Collector;
use crate::aggregate::Method;
use crate::cli::exit::Complaint;
use crate::domain::{ErrorKind, Money, RunId, TaskState};
use crate::engine::handle::{Handle, TaskResult};
use crate::guard::{Gate, escape_json};

/// Where results go.
pub struct Results {
    out: Box<dyn Write + Send>,
    for_people: bool,
    /// How often each came; what was cancelled because of others comes after them.
    failed: BTreeMap<(bool, String), u32>,
    aggregate: Option<(Method, Collector)>,
}

impl Results {
    /// Results go to `out`; on a terminal they are written for people.
    pub fn new(out: Box<dyn Write + Send>, for_people: bool) -> Self {
        Self { out, for_people, failed: BTreeMap::new(), aggregate: None }
    }

    /// The same, and they are aggregated.
    #[must_use]
    pub fn aggregated(self, method: Option<&Method>) -> Self {
        Self { aggregate: method.map(|method| (method.clone(), Collector::new(method))), ..self }
    }

    /// What the results that were written came to, where that was asked for; nothing more is
    /// aggregated afterwards.
    pub async fn aggregate(&mut self, gate: &Gate) -> Option<(Method, Result<Value, String>)> {
        let (method, collector) = self.aggregate.take()?;
        Some((method, collector.finish(gate).await))
    }

    /// Writes one result, whole.
    pub fn write(&mut self, handle: &Handle, line: &TaskResult) -> Result<(), Complaint> {
        if let Some(error) = &line.error {
            let text = format!("{}: {}", error.kind.word(), error.message);
            *self.failed.entry((error.kind == ErrorKind::Cancelled, text)).or_default() += 1;
        }
        if let Some((_, collector)) = &mut self.aggregate {
            collector.add(line)?;
        }
        if self.for_people {
            return self.write_for_people(handle, line).map_err(|error| Complaint::unread(&error, line.run));
        }
        let json = serde_json::to_string(line).map_err(std::io::Error::from)?;
        let written = writeln!(self.out, "{}", escape_json(&json)).and_then(|()| self.out.flush());
        written.map_err(|error| Complaint::unread(&error, line.run))
    }

    fn write_for_people(&mut self, handle: &Handle, line: &TaskResult) -> std::io::Result<()> {
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
        let mut failures: Vec<_> = self.failed.iter().collect();
        failures.sort_by_key(|((cancelled, _), count)| (*cancelled, Reverse(**count)));
        failures.into_iter().take(most).map(|((_, text), count)| (*count, text.as_str())).collect()
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
    pub aggregate: Option<Value>,
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
            duration_ms: run
                .started
                .map_or(0, |started| u64::try_from(ended.since(started).as_millis()).unwrap_or(u64::MAX)),
            aggregate: None,
            stopped_by: run.stopped_by.clone(),
            simulated: run.spec.simulated,
        }
    }
}
