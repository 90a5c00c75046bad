//! What was decided and is not durable yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::decide::Refusal;
use super::handle::Ack;
use crate::domain::effect::Timer;
use crate::domain::event::{Body, TaskFinished};
use crate::domain::{AgentId, AgentNo, Effect, Event, Run, RunId, State, TaskNo};
use crate::store::{AgentRow, Batch, Owner, RunRow, Sealed, TaskRow};

/// An answer to give once its events are durable.
pub(super) type Reply = oneshot::Sender<Result<Ack, Refusal>>;
/// A run to hand over once it is durable as it is.
pub(super) type SnapshotReply = oneshot::Sender<Option<Run>>;

/// What waits for the watermark.
#[derive(Default)]
pub(super) struct Pending {
    events: Vec<Event>,
    contents: Vec<Sealed>,
    tasks: BTreeSet<(RunId, TaskNo)>,
    agents: BTreeSet<(RunId, AgentNo)>,
    runs: BTreeSet<RunId>,
    finished: BTreeMap<(RunId, TaskNo), Box<TaskFinished>>,
    released: Released,
}

/// What is let go once its events are durable.
#[derive(Default)]
pub(super) struct Released {
    pub(super) events: Arc<[Event]>,
    pub(super) effects: Vec<Effect>,
    pub(super) wakes: Vec<(Duration, Timer)>,
    pub(super) replies: Vec<(Reply, Ack)>,
    pub(super) snapshots: Vec<(SnapshotReply, Run)>,
}

impl Pending {
    /// How many events wait.
    pub(super) fn events(&self) -> usize {
        self.events.len()
    }

    /// Whether there is nothing to commit and nothing to let go.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.contents.is_empty()
            && self.released.effects.is_empty()
            && self.released.wakes.is_empty()
            && self.released.replies.is_empty()
            && self.released.snapshots.is_empty()
    }

    pub(super) fn event(&mut self, event: Event) {
        self.runs.insert(event.run);
        if let Some(task) = event.task {
            self.tasks.insert((event.run, task));
        }
        if let Some(agent) = event.agent {
            self.agents.insert((event.run, agent));
        }
        match &event.body {
            Body::TasksCreated(created) => {
                for (no, _) in (created.first..).zip(&created.tasks) {
                    self.tasks.insert((event.run, no));
                    self.agents.insert((event.run, no));
                }
            }
            Body::TaskFinished(finished) => {
                if let Some(task) = event.task {
                    self.finished.insert((event.run, task), finished.clone());
                }
            }
            _ => {}
        }
        self.events.push(event);
    }

    pub(super) fn contents(&mut self, contents: Vec<Sealed>) {
        self.contents.extend(contents);
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.released.effects.push(effect);
    }

    /// A timer whose time begins once what it rests on is durable.
    pub(super) fn wake(&mut self, after: Duration, timer: Timer) {
        self.released.wakes.push((after, timer));
    }

    pub(super) fn reply(&mut self, reply: Reply, ack: Ack) {
        self.released.replies.push((reply, ack));
    }

    pub(super) fn snapshot(&mut self, reply: SnapshotReply, run: Run) {
        self.released.snapshots.push((reply, run));
    }

    /// The batch to commit, and what to let go after it.
    pub(super) fn take(&mut self, state: &State, owner: &Owner) -> (Batch, Released) {
        let taken = std::mem::take(self);
        let mut finished = taken.finished;
        let run_of = |id: RunId| state.runs.get(&id);
        let tasks = taken.tasks.iter().filter_map(|&(id, no)| task_row(run_of(id)?, no, finished.remove(&(id, no))));
        let batch = Batch {
            tasks: tasks.collect(),
            agents: taken.agents.iter().filter_map(|&(id, no)| agent_row(run_of(id)?, no)).collect(),
            runs: taken.runs.iter().filter_map(|id| Some(run_row(run_of(*id)?, owner))).collect(),
            events: taken.events,
            contents: taken.contents,
        };
        let released = Released { events: Arc::from(batch.events.as_slice()), ..taken.released };
        (batch, released)
    }
}

fn task_row(run: &Run, no: TaskNo, finished: Option<Box<TaskFinished>>) -> Option<TaskRow> {
    let task = run.task(no)?;
    Some(TaskRow {
        run: run.id,
        task: no,
        agent: task.agent,
        state: task.state,
        key: task.key,
        payload: task.payload,
        args: task.args,
        attempts: task.attempts,
        finished,
        ended: task.ended,
    })
}

fn agent_row(run: &Run, no: AgentNo) -> Option<AgentRow> {
    let agent = run.agent(no)?;
    let task = run.task(agent.task)?;
    Some(AgentRow {
        id: AgentId { run: run.id, no },
        task: agent.task,
        state: agent.state,
        task_state: task.state,
        template: run.spec.agent.to_string(),
        provider: run.spec.provider.to_string(),
        model: run.spec.model.to_string(),
        turns: agent.turns,
        cost: task.cost,
        usage: task.usage,
    })
}

fn run_row(run: &Run, owner: &Owner) -> RunRow {
    use crate::domain::TaskState::{Cancelled, Completed, Failed};
    let owned = run.state.is_live() || run.state == crate::domain::RunState::Created;
    RunRow {
        id: run.id,
        state: run.state,
        by: run.by.clone(),
        title: run.spec.title.clone(),
        provider: run.spec.provider.to_string(),
        model: run.spec.model.to_string(),
        simulated: run.spec.simulated,
        reusable: run.spec.reusable,
        created: run.created,
        started: run.started,
        ended: run.ended,
        tasks: u32::try_from(run.tasks.len()).unwrap_or(u32::MAX),
        succeeded: run.tasks_in(Completed),
        failed: run.tasks_in(Failed),
        cancelled: run.tasks_in(Cancelled),
        money: run.money,
        usage: run.usage,
        stopped_by: run.stopped_by.clone(),
        owner: owned.then(|| owner.clone()),
    }
}
