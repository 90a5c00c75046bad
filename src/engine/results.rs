//! Results of tasks, put together from facts and texts.

use serde::Serialize;
use serde_json::value::RawValue;

use super::handle::{Handle, HandleError};
use crate::domain::event::TaskFinished;
use crate::domain::{AgentId, ContentRef, Key, Money, RunId, TaskError, TaskNo, Usage};
use crate::store::rows::TaskRow;

/// One result.
#[derive(Debug, Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own, and a field of the JSON")]
pub struct TaskResult {
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
pub(super) struct Named {
    /// Its run.
    pub(super) run: RunId,
    /// Its task.
    pub(super) task: TaskNo,
    /// Its agent.
    pub(super) agent: u32,
    /// Its arguments.
    pub(super) args: ContentRef,
    /// Whether it is simulated.
    pub(super) simulated: bool,
}

impl TaskResult {
    /// Puts a result together: its texts are read and redacted.
    pub(super) async fn of(handle: &Handle, named: Named, finished: &TaskFinished) -> Result<Self, HandleError> {
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
    pub(super) async fn of_row(handle: &Handle, row: &TaskRow, simulated: bool) -> Result<Option<Self>, HandleError> {
        let Some(finished) = &row.finished else { return Ok(None) };
        let named = Named { run: row.run, task: row.task, agent: row.agent, args: row.args, simulated };
        Self::of(handle, named, finished).await.map(Some)
    }
}
