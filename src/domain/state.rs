//! What is folded from the events. Plain data without text; [`super::apply`] is the only writer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::agent::AgentState;
use super::effect::StopWhy;
use super::event::{Cached, CallFinished};
use super::ids::{AgentNo, ContentRef, Key, RunId, TaskNo};
use super::limits::{LimitName, Limits};
use super::money::{Money, Totals, Usage};
use super::report::{ErrorKind, Quota};
use super::run::RunState;
use super::spec::RunSpec;
use super::task::{TaskError, TaskState};
use super::time::{Mono, Wall};

/// All runs that an engine is at work on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// By id, so that no order comes from hashing.
    pub runs: BTreeMap<RunId, Run>,
}

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Who asked for it.
    pub by: String,
    /// What it is asked to do.
    pub spec: Arc<RunSpec>,
    /// What it may use: as its specification says, until an operator changes it.
    pub limits: Limits,
    /// Where it is in its life.
    pub state: RunState,
    /// The sequence number of its last event.
    pub last_seq: u64,
    /// When it was asked for.
    pub created: Wall,
    /// When it started.
    pub started: Option<Wall>,
    /// When it started, or was taken up again, for its deadline.
    pub since: Option<Mono>,
    /// When it ended.
    pub ended: Option<Wall>,
    /// When the last event was decided.
    pub last_at: Wall,
    /// Its tasks, by number.
    pub tasks: Vec<Task>,
    /// Its agents, by number.
    pub agents: Vec<Agent>,
    /// Its money.
    pub money: Totals,
    /// What it used so far.
    pub usage: Usage,
    /// How many tasks have a slot.
    pub slots: u32,
    /// The limit that tripped last.
    pub limit_hit: Option<LimitName>,
    /// Why nothing more is started, where that is so.
    pub closing: Option<Closing>,
    /// Whether its engine is letting go of it: what is under way is being interrupted.
    pub suspending: bool,
    /// Whether any call of it ever reached the provider.
    pub reached: bool,
    /// What stopped it, once it ended: a limit's name, `operator`, `auth` or `connection`.
    pub stopped_by: Option<String>,
    /// How many tasks the operator stopped.
    pub killed: u32,
    /// How many tasks a limit refused.
    pub refused: u32,
    /// How many tasks a stored result answered.
    pub cached: u32,
    /// What the provider said last of its own limits.
    pub quota: Quota,
    /// Tasks that may start, in order.
    pub(super) ready: BTreeSet<(u64, TaskNo)>,
    /// Tasks that may start once a retry's pause is over.
    pub(super) delayed: BTreeSet<(Mono, TaskNo)>,
    /// Tasks that share the result of an earlier one with the same key.
    pub(super) followers: BTreeMap<TaskNo, Vec<TaskNo>>,
    pub(super) task_counts: [u32; TaskState::COUNT],
    pub(super) agent_counts: [u32; AgentState::COUNT],
}

/// Why a run starts nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// A limit tripped.
    Limit(LimitName),
    /// The operator stopped it.
    Operator,
    /// The provider can't be used at all.
    Unusable(ErrorKind),
    /// A call cost more than its bound.
    BoundExceeded,
}

impl Closing {
    /// The word in `stopped_by`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Limit(limit) => limit.word(),
            Self::Operator => "operator",
            Self::Unusable(kind) => kind.word(),
            Self::BoundExceeded => "bound_exceeded",
        }
    }
}

/// One task.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Where it is in its life.
    pub state: TaskState,
    /// Its agent.
    pub agent: AgentNo,
    /// Which replica of its row it is, from 0.
    pub replica: u32,
    /// The most prompt tokens that its request can have.
    pub input_bound: u32,
    /// How many attempts were begun.
    pub attempts: u32,
    /// Its idempotency key.
    pub key: Key,
    /// See [`super::event::NewTask::payload`].
    pub payload: Option<Key>,
    /// Its arguments.
    pub args: ContentRef,
    /// An unfinished earlier task with the same key, whose result it will share.
    pub leader: Option<TaskNo>,
    /// When it may be tried again.
    pub not_before: Option<Mono>,
    /// What is under way.
    pub call: Option<Call>,
    /// How long its calls took so far; pauses don't count.
    pub active: Duration,
    /// What it cost so far.
    pub cost: Money,
    /// What it used so far.
    pub usage: Usage,
    /// What ended while its agent was paused, and takes effect when it goes on.
    pub held: Option<Box<CallFinished>>,
    /// The stored result that answers it.
    pub cached: Option<Box<Cached>>,
    /// Its output, once it ended.
    pub output: Option<ContentRef>,
    /// Why it failed, or why its last attempt did.
    pub error: Option<Box<TaskError>>,
    /// When it ended.
    pub ended: Option<Wall>,
}

/// A call that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The sequence number of the event that asked for it: its name.
    pub id: u64,
    /// When it began.
    pub since: Mono,
    /// When it began, for people.
    pub at: Wall,
    /// What is reserved for it.
    pub reserved: Money,
    /// The most tokens of its answer.
    pub max_tokens: u32,
    /// Whether `max_tokens` was lowered to what is affordable.
    pub lowered: bool,
    /// Since when it is held.
    pub paused_since: Option<Mono>,
    /// How long it was held before.
    pub paused: Duration,
    /// Why it is being ended, where it is.
    pub stopping: Option<StopWhy>,
}

impl Call {
    /// How long it has been at work; pauses don't count.
    #[must_use]
    pub fn active(&self, now: Mono) -> Duration {
        let until = self.paused_since.unwrap_or(now);
        until.since(self.since).saturating_sub(self.paused)
    }
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Where it is in its life.
    pub state: AgentState,
    /// What it was doing when it was paused.
    pub before_pause: Option<AgentState>,
    /// Its task.
    pub task: TaskNo,
    /// How many calls it has finished.
    pub turns: u32,
}

impl Run {
    /// A task by number.
    #[must_use]
    pub fn task(&self, no: TaskNo) -> Option<&Task> {
        self.tasks.get(no as usize)
    }

    /// An agent by number.
    #[must_use]
    pub fn agent(&self, no: AgentNo) -> Option<&Agent> {
        self.agents.get(no as usize)
    }

    /// How many tasks are in `state`.
    #[must_use]
    pub fn tasks_in(&self, state: TaskState) -> u32 {
        self.task_counts.get(state as usize).copied().unwrap_or(0)
    }

    /// How many agents are in `state`.
    #[must_use]
    pub fn agents_in(&self, state: AgentState) -> u32 {
        self.agent_counts.get(state as usize).copied().unwrap_or(0)
    }

    /// How many tasks have ended.
    #[must_use]
    pub fn tasks_ended(&self) -> u32 {
        [TaskState::Completed, TaskState::Failed, TaskState::Cancelled].map(|s| self.tasks_in(s)).iter().sum()
    }

    /// Tasks that may start at `now`, in order: first those whose retry is due.
    pub fn startable(&self, now: Mono) -> impl Iterator<Item = TaskNo> + '_ {
        let due = self.delayed.iter().take_while(move |(at, _)| *at <= now).map(|(_, task)| *task);
        due.chain(self.ready.iter().map(|(_, task)| *task))
    }

    /// Tasks that share the result of `leader`.
    #[must_use]
    pub fn followers_of(&self, leader: TaskNo) -> &[TaskNo] {
        self.followers.get(&leader).map_or(&[], Vec::as_slice)
    }

    /// Tasks with a call under way, in order of their numbers.
    pub fn under_way(&self) -> impl Iterator<Item = (TaskNo, &Task, &Call)> + '_ {
        (0..).zip(&self.tasks).filter_map(|(no, task)| Some((no, task, task.call.as_ref()?)))
    }

    /// How many calls are under way.
    #[must_use]
    pub fn calls_under_way(&self) -> u32 {
        self.slots
    }
}
