//! Events: facts, appended to the log and never changed. All that anyone sees is folded from them.
//!
//! The enum is a file format. Each kind carries a version; a kind whose fields change gets a
//! higher one, and [`Body::parse`] lifts the older. Events hold no text of models or users, only
//! names of content and short previews that passed the guard.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::agent::AgentMove;
use super::effect::StopWhy;
use super::ids::{AgentNo, ContentRef, Key, RunId, TaskNo};
use super::limits::{LimitName, Limits};
use super::money::{Money, Totals, Usage};
use super::report::{Answer, CallError, Quota, Receipt, Sent};
use super::run::RunState;
use super::spec::RunSpec;
use super::task::{TaskError, TaskState};
use super::time::{Mono, Wall};

/// One fact.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The run that it is about.
    pub run: RunId,
    /// Its place in that run: from 1, without a gap.
    pub seq: u64,
    /// When it was decided.
    pub at: Wall,
    /// The same moment for deadlines. Not stored: an event read from the log has the wall clock's.
    pub mono: Mono,
    /// The agent that it is about.
    pub agent: Option<AgentNo>,
    /// The task that it is about.
    pub task: Option<TaskNo>,
    /// The run's money after it, on every event that moves money.
    pub money: Option<Totals>,
    /// What happened.
    pub body: Body,
}

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Only of interest when something is looked into.
    Debug,
    /// The normal course.
    Info,
    /// Something that may want attention.
    Warn,
    /// Something failed.
    Error,
}

impl Severity {
    /// The word in listings and filters.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// Reads [`Self::word`].
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Debug, Self::Info, Self::Warn, Self::Error].into_iter().find(|s| s.word() == word)
    }
}

/// A stored event that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Written by a newer release.
    #[error("event kind `{kind}` version {version} is not known to this release: install a newer flightdeck")]
    Unknown {
        /// Its kind.
        kind: String,
        /// Its version.
        version: u32,
    },
    /// Its data do not fit its kind.
    #[error("event kind `{kind}` does not read: {source}")]
    Data {
        /// Its kind.
        kind: String,
        /// What does not fit.
        source: serde_json::Error,
    },
}

/// Declares [`Body`] with the name and the version of each kind.
macro_rules! bodies {
    ($($(#[$doc:meta])* $variant:ident($data:ty) = $name:literal, $version:literal;)+) => {
        /// What happened.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Body { $($(#[$doc])* $variant($data),)+ }

        impl Body {
            /// Every kind, as listings and filters spell it.
            pub const KINDS: &[&str] = &[$($name),+];

            /// Its kind, as listings and filters spell it.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)+ }
            }

            /// The version of its fields.
            #[must_use]
            pub const fn version(&self) -> u32 {
                match self { $(Self::$variant(_) => $version,)+ }
            }

            /// Its fields as JSON.
            ///
            /// # Errors
            /// Where a value has no JSON form.
            pub fn to_json(&self) -> Result<String, serde_json::Error> {
                match self { $(Self::$variant(data) => serde_json::to_string(data),)+ }
            }

            /// Reads [`Self::to_json`] back.
            ///
            /// # Errors
            /// Where the kind or version is unknown, or the fields do not fit.
            pub fn parse(kind: &str, version: u32, data: &str) -> Result<Self, EventError> {
                match (kind, version) {
                    $(($name, $version) => serde_json::from_str(data).map(Self::$variant)
                        .map_err(|source| EventError::Data { kind: kind.to_owned(), source }),)+
                    _ => Err(EventError::Unknown { kind: kind.to_owned(), version }),
                }
            }
        }
    };
}

bodies! {
    /// A run was asked for.
    RunCreated(RunCreated) = "run_created", 1;
    /// Tasks were added to a run that has not started.
    TasksCreated(TasksCreated) = "tasks_created", 1;
    /// All rows are checked and stored; work begins.
    RunStarted(RunStarted) = "run_started", 1;
    /// The operator holds the run.
    RunPaused(Why) = "run_paused", 1;
    /// The run goes on, after a pause or a suspension.
    RunResumed(Why) = "run_resumed", 1;
    /// The run has no owner any more.
    RunSuspended(Why) = "run_suspended", 1;
    /// The run ended.
    RunFinished(RunFinished) = "run_finished", 1;
    /// A task got a slot.
    TaskStarted(TaskStarted) = "task_started", 1;
    /// A task is next, and waits until money is free.
    TaskWaits(TaskWaits) = "task_waits", 1;
    /// An attempt failed; the task goes back to the queue for a while.
    TaskRetrying(TaskRetrying) = "task_retrying", 1;
    /// A task goes back to the queue because its engine stopped.
    TaskInterrupted(Why) = "task_interrupted", 1;
    /// A task ended: exactly one per task.
    TaskFinished(Box<TaskFinished>) = "task_finished", 1;
    /// An agent changed its state.
    AgentState(AgentStateChanged) = "agent_state", 1;
    /// A call is about to be made, and its money is reserved.
    CallStarted(CallStarted) = "call_started", 1;
    /// A call is being ended early.
    CallStopping(CallStopping) = "call_stopping", 1;
    /// A call ended, and its reservation was settled, released or held.
    CallFinished(Box<CallFinished>) = "call_finished", 1;
    /// A limit tripped.
    LimitReached(LimitReached) = "limit_reached", 1;
    /// The operator changed what the run may use.
    LimitsChanged(Box<LimitsChanged>) = "limits_changed", 1;
    /// A call used more than its bound: nothing more is admitted.
    BoundExceeded(BoundExceeded) = "bound_exceeded", 1;
    /// The operator did something.
    OperatorAction(OperatorAction) = "operator_action", 1;
}

impl Body {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::TaskFinished(finished) => match finished.state {
                TaskState::Failed => Severity::Error,
                TaskState::Cancelled => Severity::Warn,
                _ => Severity::Info,
            },
            Self::RunFinished(finished) if finished.state != RunState::Completed => Severity::Error,
            Self::BoundExceeded(_) => Severity::Error,
            Self::CallFinished(finished) if finished.error.is_some() => Severity::Warn,
            Self::TaskRetrying(_)
            | Self::TaskInterrupted(_)
            | Self::TaskWaits(_)
            | Self::RunSuspended(_)
            | Self::CallStopping(_)
            | Self::LimitReached(_) => Severity::Warn,
            Self::AgentState(_) | Self::CallStarted(_) | Self::TasksCreated(_) => Severity::Debug,
            _ => Severity::Info,
        }
    }
}

/// Data of `run_created`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunCreated {
    /// Who asked for it.
    pub by: String,
    /// What it is asked to do.
    pub spec: Arc<RunSpec>,
}

/// Data of `tasks_created`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TasksCreated {
    /// The number of the first of them.
    pub first: TaskNo,
    /// The tasks, in the order of their numbers.
    pub tasks: Vec<NewTask>,
}

/// A task as it is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewTask {
    /// Its idempotency key.
    pub key: Key,
    /// Its arguments: a JSON object.
    pub args: ContentRef,
    /// The most prompt tokens that its request can have.
    pub input_bound: u32,
    /// Which replica of its row it is, from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub replica: u32,
    /// A hash of all that changes the answer, where the key is the user's own: the same key with
    /// another payload is a conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Key>,
    /// An earlier task of the run with the same key, whose result it will share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<TaskNo>,
    /// The stored result that answers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<Box<Cached>>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A stored result that answers another task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cached {
    /// The run that paid for it.
    pub run: RunId,
    /// Its task there.
    pub task: TaskNo,
    /// The text.
    pub output: ContentRef,
    /// Its beginning.
    pub preview: String,
    /// What it used then.
    pub usage: Usage,
    /// The model that really answered.
    pub model: String,
    /// Whether it was cut.
    #[serde(default)]
    pub truncated: bool,
}

/// Data of `run_started`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// How many tasks it has.
    pub tasks: u32,
    /// How many of them are answered from stored results.
    pub cached: u32,
}

/// Data of events that only need a reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// Why.
    pub reason: String,
}

/// Data of `run_finished`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFinished {
    /// How it ended.
    pub state: RunState,
    /// How many tasks completed.
    pub succeeded: u32,
    /// How many failed.
    pub failed: u32,
    /// How many were cancelled.
    pub cancelled: u32,
    /// What stopped it, where something did: a limit's name, `operator`, `auth` or `connection`.
    pub stopped_by: Option<String>,
    /// From its start to its end, in milliseconds; suspensions count.
    pub duration_ms: u64,
}

/// Data of `task_started`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskStarted {
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Its idempotency key.
    pub key: Key,
}

/// Data of `task_waits`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskWaits {
    /// What it waits for: `money`.
    pub waits_for: String,
    /// How much its call may cost.
    pub needs_usd: Money,
    /// How much is free.
    pub free_usd: Money,
}

/// Data of `task_retrying`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRetrying {
    /// The attempt that failed, from 1.
    pub attempt: u32,
    /// How many attempts there may be.
    pub of: u32,
    /// How long it waits, in milliseconds.
    pub wait_ms: u64,
    /// Why.
    pub error: TaskError,
}

/// Data of `task_finished`: the task's result without its texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskFinished {
    /// `completed`, `failed` or `cancelled`.
    pub state: TaskState,
    /// Whether it completed.
    pub success: bool,
    /// Why it did not.
    pub error: Option<TaskError>,
    /// Its output; what had come, where it failed.
    pub output: Option<ContentRef>,
    /// The beginning of its output.
    pub preview: String,
    /// How long its calls took, in milliseconds; waiting and pauses don't count.
    pub duration_ms: u64,
    /// How many attempts were made.
    pub attempts: u32,
    /// What it cost.
    pub cost_usd: Money,
    /// What it used.
    pub usage: Usage,
    /// The provider.
    pub provider: Arc<str>,
    /// The model that really answered.
    pub model: Arc<str>,
    /// Its idempotency key.
    pub key: Key,
    /// Whether a stored result answered it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// Whether the output was cut at `max_tokens` or at its cap.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// Data of `agent_state`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentStateChanged {
    /// From where to where.
    #[serde(flatten)]
    pub moved: AgentMove,
    /// Why, where it is not the normal course.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is proven about the end of an agent that was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<StopReceipt>,
}

/// What became of everything that a stopped agent held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StopReceipt {
    /// What is proven about its call.
    #[serde(flatten)]
    pub call: Receipt,
    /// What became of its reservation.
    pub reservation: Settlement,
}

/// What became of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// There was none: nothing was under way.
    None,
    /// The provider told what was used.
    Settled,
    /// Nothing was sent, or the provider refused.
    Released,
    /// Held at its bound: nobody can know what the provider bills.
    Unconfirmed,
}

/// Data of `call_started`. Its sequence number is the call's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallStarted {
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The provider.
    pub provider: Arc<str>,
    /// The model that is asked for.
    pub model: Arc<str>,
    /// What is reserved for it: the most that it can cost.
    pub bound_usd: Money,
    /// The most tokens of its answer.
    pub max_tokens: u32,
    /// Whether `max_tokens` was lowered to what is affordable.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lowered: bool,
}

/// Data of `call_stopping`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallStopping {
    /// The call.
    pub call: u64,
    /// Why.
    pub why: StopWhy,
}

/// Data of `call_finished`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallFinished {
    /// The call.
    pub call: u64,
    /// The answer, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<CallError>,
    /// Why it was stopped, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<StopWhy>,
    /// What was used, where it is known or estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What it cost.
    pub cost_usd: Money,
    /// What is held of its reservation because nobody can know.
    pub held_usd: Money,
    /// What became of its reservation.
    pub settlement: Settlement,
    /// How far the request got.
    pub sent: Sent,
    /// The model that really answered, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// From the request to the first output, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_output_ms: Option<u64>,
    /// From the request to the end, in milliseconds.
    pub duration_ms: u64,
    /// The provider's own id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The provider's own limits.
    #[serde(default, skip_serializing_if = "Quota::is_empty")]
    pub quota: Quota,
    /// What is proven about the end.
    #[serde(default)]
    pub receipt: Receipt,
}

/// Data of `limit_reached`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LimitReached {
    /// The limit.
    pub limit: LimitName,
    /// What happened and what was asked, for a person.
    pub message: String,
    /// Whether nothing more is started in this run.
    pub stops_run: bool,
}

/// Data of `limits_changed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LimitsChanged {
    /// What they were.
    pub from: Limits,
    /// What they are now.
    pub to: Limits,
}

/// Data of `bound_exceeded`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoundExceeded {
    /// The call.
    pub call: u64,
    /// What was reserved for it.
    pub bound_usd: Money,
    /// What it cost.
    pub cost_usd: Money,
}

/// Data of `operator_action`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatorAction {
    /// What was asked for: `pause`, `resume`, `kill`, `limit`, `suspend`.
    pub action: String,
    /// Who asked.
    pub by: String,
    /// Why, where it was said.
    pub reason: Option<String>,
    /// How many agents it concerns.
    pub agents: u32,
    /// Whether it concerns the whole run.
    pub whole_run: bool,
}
