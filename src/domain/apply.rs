//! Folding: the only place where state changes. The same function serves the live engine,
//! recovery and every console.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::agent::AgentState;
use super::event::{
    AgentStateChanged, Body, CallFinished, CallStarted, Event, RunCreated, RunFinished, TaskFinished, TasksCreated,
};
use super::ids::{AgentNo, RunId, TaskNo};
use super::money::{Totals, Usage};
use super::report::{ErrorKind, Quota, Sent};
use super::run::RunState;
use super::state::{Agent, Call, Closing, Run, State, Task};
use super::task::{TaskError, TaskState};
use super::time::Mono;

/// An event that cannot follow those before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// The log of a run has a gap, or an event twice.
    #[error("run {run}: event {got} cannot follow event {last}")]
    Gap {
        /// The run.
        run: RunId,
        /// The last event that was folded.
        last: u64,
        /// The event that came.
        got: u64,
    },
    /// An event of a run that was never created, or a second creation.
    #[error("run {0}: its log does not begin with its creation")]
    NoBeginning(RunId),
    /// An event names a task or an agent that the run does not have.
    #[error("run {run}: event {seq} names no task or agent of it")]
    Nobody {
        /// The run.
        run: RunId,
        /// The event.
        seq: u64,
    },
    /// A transition that the tables do not have.
    #[error("run {run}: event {seq}: a {what} cannot become {to} from {from}")]
    Illegal {
        /// The run.
        run: RunId,
        /// The event.
        seq: u64,
        /// `run`, `task` or `agent`.
        what: &'static str,
        /// The state that it is in.
        from: &'static str,
        /// The state that was asked for.
        to: &'static str,
    },
}

impl State {
    /// Folds one event.
    ///
    /// # Errors
    /// Where the event cannot follow: then nothing has changed.
    pub fn apply(&mut self, event: &Event) -> Result<(), FoldError> {
        if let Body::RunCreated(created) = &event.body {
            if self.runs.contains_key(&event.run) {
                return Err(FoldError::NoBeginning(event.run));
            }
            self.runs.insert(event.run, Run::begin(event, created)?);
            return Ok(());
        }
        self.runs.get_mut(&event.run).ok_or(FoldError::NoBeginning(event.run))?.apply(event)
    }
}

impl Run {
    /// The run of its first event.
    ///
    /// # Errors
    /// Where that is not its creation, or not its first.
    pub fn first(event: &Event) -> Result<Self, FoldError> {
        match &event.body {
            Body::RunCreated(created) => Self::begin(event, created),
            _ => Err(FoldError::NoBeginning(event.run)),
        }
    }

    fn begin(event: &Event, created: &RunCreated) -> Result<Self, FoldError> {
        if event.seq != 1 {
            return Err(FoldError::Gap { run: event.run, last: 0, got: event.seq });
        }
        Ok(Self {
            id: event.run,
            by: created.by.clone(),
            spec: created.spec.clone(),
            limits: created.spec.limits.clone(),
            state: RunState::Created,
            last_seq: 1,
            created: event.at,
            started: None,
            since: None,
            ended: None,
            last_at: event.at,
            tasks: Vec::new(),
            agents: Vec::new(),
            money: Totals { budget: created.spec.limits.max_total_cost_usd, ..Totals::default() },
            usage: Usage::default(),
            slots: 0,
            limit_hit: None,
            closing: None,
            suspending: false,
            reached: false,
            stopped_by: None,
            killed: 0,
            refused: 0,
            cached: 0,
            quota: Quota::default(),
            ready: BTreeSet::new(),
            delayed: BTreeSet::new(),
            followers: BTreeMap::new(),
            task_counts: [0; TaskState::COUNT],
            agent_counts: [0; AgentState::COUNT],
        })
    }

    /// Folds one event of this run.
    ///
    /// # Errors
    /// Where the event cannot follow: then nothing has changed.
    pub fn apply(&mut self, event: &Event) -> Result<(), FoldError> {
        if event.seq != self.last_seq + 1 {
            return Err(FoldError::Gap { run: self.id, last: self.last_seq, got: event.seq });
        }
        self.fold_body(event)?;
        self.last_seq = event.seq;
        self.last_at = event.at;
        if let Some(money) = event.money {
            self.money = money;
        }
        Ok(())
    }

    fn fold_body(&mut self, event: &Event) -> Result<(), FoldError> {
        match &event.body {
            Body::RunCreated(_) => return Err(FoldError::NoBeginning(self.id)),
            Body::TasksCreated(created) => self.create_tasks(event, created)?,
            Body::RunStarted(_) => self.start(event)?,
            Body::RunPaused(_) => self.move_run(event, RunState::Paused)?,
            Body::RunResumed(_) => {
                let afresh = self.state == RunState::Suspended;
                self.move_run(event, RunState::Running)?;
                if afresh {
                    self.since = Some(event.mono);
                    self.forget_pauses_of_retries();
                }
            }
            Body::RunSuspended(_) => {
                self.move_run(event, RunState::Suspended)?;
                self.suspending = false;
            }
            Body::RunFinished(finished) => self.finish(event, finished)?,
            Body::TaskStarted(started) => {
                let no = self.move_task(event, TaskState::Assigned)?;
                self.with_task(no, |task| {
                    task.attempts = started.attempt;
                    task.not_before = None;
                });
            }
            Body::TaskWaits(_) => {
                self.move_task(event, TaskState::WaitsForMoney)?;
            }
            Body::TaskRetrying(retrying) => {
                let at = event.mono.after(Duration::from_millis(retrying.wait_ms));
                self.requeue(event, Some(at), Some(retrying.error.clone()))?;
            }
            Body::TaskInterrupted(_) => {
                self.requeue(event, None, None)?;
                // It begins anew, and so does its time: what passed while nobody was at work on it
                // must not count.
                let no = self.task_of(event)?;
                self.with_task(no, |task| task.active = Duration::ZERO);
            }
            Body::TaskFinished(finished) => self.finish_task(event, finished)?,
            Body::AgentState(changed) => self.move_agent(event, changed)?,
            Body::CallStarted(started) => self.start_call(event, started)?,
            Body::CallStopping(stopping) => {
                let no = self.task_of(event)?;
                self.with_task(no, |task| {
                    if let Some(call) = task.call.as_mut().filter(|call| call.id == stopping.call) {
                        call.stopping = Some(stopping.why);
                    }
                });
            }
            Body::CallFinished(finished) => self.finish_call(event, finished)?,
            Body::LimitReached(reached) => {
                self.limit_hit = Some(reached.limit);
                if reached.stops_run {
                    self.close(Closing::Limit(reached.limit));
                }
            }
            Body::LimitsChanged(changed) => self.limits.clone_from(&changed.to),
            Body::BoundExceeded(_) => self.close(Closing::BoundExceeded),
            Body::OperatorAction(action) => match action.action.as_str() {
                "kill" if action.whole_run => self.close(Closing::Operator),
                "suspend" => self.suspending = true,
                _ => {}
            },
        }
        Ok(())
    }

    /// Their ends were told by a clock that may be gone.
    fn forget_pauses_of_retries(&mut self) {
        for (_, no) in std::mem::take(&mut self.delayed) {
            self.with_task(no, |task| task.not_before = None);
            self.reindex(no);
        }
        for task in &mut self.tasks {
            task.not_before = None;
        }
    }

    fn create_tasks(&mut self, event: &Event, created: &TasksCreated) -> Result<(), FoldError> {
        if self.state != RunState::Created || created.first as usize != self.tasks.len() {
            return Err(FoldError::Nobody { run: self.id, seq: event.seq });
        }
        for (no, new) in (created.first..).zip(&created.tasks) {
            self.tasks.push(Task {
                state: TaskState::Queued,
                agent: no,
                replica: new.replica,
                input_bound: new.input_bound,
                attempts: 0,
                key: new.key,
                payload: new.payload,
                args: new.args,
                leader: new.same_as,
                not_before: None,
                call: None,
                active: Duration::ZERO,
                cost: super::Money::ZERO,
                usage: Usage::default(),
                held: None,
                cached: new.cached.clone(),
                output: None,
                error: None,
                ended: None,
            });
            self.agents.push(Agent { state: AgentState::Spawning, before_pause: None, task: no, turns: 0 });
            if let Some(leader) = new.same_as {
                self.followers.entry(leader).or_default().push(no);
            }
        }
        let count = u32::try_from(created.tasks.len()).unwrap_or(u32::MAX);
        bump(&mut self.task_counts, TaskState::Queued as usize, count);
        bump(&mut self.agent_counts, AgentState::Spawning as usize, count);
        Ok(())
    }

    fn start(&mut self, event: &Event) -> Result<(), FoldError> {
        self.move_run(event, RunState::Running)?;
        self.started = Some(event.at);
        self.since = Some(event.mono);
        for no in 0..self.tasks.len() {
            self.reindex(TaskNo::try_from(no).unwrap_or(TaskNo::MAX));
        }
        Ok(())
    }

    fn finish(&mut self, event: &Event, finished: &RunFinished) -> Result<(), FoldError> {
        self.move_run(event, finished.state)?;
        self.ended = Some(event.at);
        self.stopped_by.clone_from(&finished.stopped_by);
        self.ready.clear();
        self.delayed.clear();
        Ok(())
    }

    fn start_call(&mut self, event: &Event, started: &CallStarted) -> Result<(), FoldError> {
        let no = self.move_task(event, TaskState::Running)?;
        let call = Call {
            id: event.seq,
            since: event.mono,
            at: event.at,
            reserved: started.bound_usd,
            max_tokens: started.max_tokens,
            lowered: started.lowered,
            paused_since: None,
            paused: Duration::ZERO,
            stopping: None,
        };
        self.with_task(no, |task| task.call = Some(call));
        Ok(())
    }

    fn finish_call(&mut self, event: &Event, finished: &CallFinished) -> Result<(), FoldError> {
        let no = self.task_of(event)?;
        let agent = self.agent_of(event)?;
        let paused = self.agents.get(agent as usize).is_some_and(|a| a.state == AgentState::Paused);
        let usage = finished.usage.unwrap_or_default();
        self.with_task(no, |task| {
            if let Some(call) = task.call.take() {
                task.active += call.active(event.mono);
            }
            task.cost += finished.cost_usd;
            task.usage += usage;
            task.held = (paused && finished.stopped.is_none()).then(|| Box::new(finished.clone()));
        });
        if let Some(agent) = self.agents.get_mut(agent as usize) {
            agent.turns += 1;
        }
        self.usage += usage;
        if !finished.quota.is_empty() {
            self.quota = finished.quota.clone();
        }
        self.reached |= finished.sent != Sent::Nothing;
        if finished.error.as_ref().is_some_and(|error| error.kind == ErrorKind::Auth) {
            self.close(Closing::Unusable(ErrorKind::Auth));
        }
        Ok(())
    }

    fn requeue(&mut self, event: &Event, at: Option<Mono>, error: Option<TaskError>) -> Result<(), FoldError> {
        let no = self.move_task(event, TaskState::Queued)?;
        self.with_task(no, |task| {
            task.not_before = at;
            task.held = None;
            task.call = None;
            task.error = error.map(Box::new);
        });
        self.reindex(no);
        Ok(())
    }

    fn finish_task(&mut self, event: &Event, finished: &TaskFinished) -> Result<(), FoldError> {
        let no = self.move_task(event, finished.state)?;
        match finished.error.as_ref().map(|error| error.kind) {
            Some(ErrorKind::Killed) => self.killed += 1,
            Some(ErrorKind::Budget) => self.refused += 1,
            // One task that could not connect in all its attempts is enough, where no call of
            // the run ever got through: the others need not find out one by one.
            Some(ErrorKind::Connection) if !self.reached => self.close(Closing::Unusable(ErrorKind::Connection)),
            _ => {}
        }
        self.cached += u32::from(finished.cached);
        self.with_task(no, |task| {
            task.held = None;
            task.call = None;
            task.cached = None;
            task.output = finished.output;
            task.error = finished.error.clone().map(Box::new);
            task.ended = Some(event.at);
            task.not_before = None;
        });
        if !finished.success {
            self.promote_follower(no);
        }
        Ok(())
    }

    /// When a task with followers did not succeed, the first of them that still waits is tried
    /// in its place.
    fn promote_follower(&mut self, leader: TaskNo) {
        let Some(followers) = self.followers.remove(&leader) else { return };
        let mut waiting = followers
            .into_iter()
            .filter(|no| self.tasks.get(*no as usize).is_some_and(|task| task.state.waits()))
            .collect::<Vec<_>>()
            .into_iter();
        let Some(next) = waiting.next() else { return };
        let rest: Vec<_> = waiting.collect();
        self.with_task(next, |task| task.leader = None);
        for no in &rest {
            self.with_task(*no, |task| task.leader = Some(next));
        }
        if !rest.is_empty() {
            self.followers.insert(next, rest);
        }
        self.reindex(next);
    }

    fn move_run(&mut self, event: &Event, to: RunState) -> Result<(), FoldError> {
        if !self.state.may_become(to) {
            return Err(self.illegal(event, "run", self.state.word(), to.word()));
        }
        self.state = to;
        Ok(())
    }

    fn move_task(&mut self, event: &Event, to: TaskState) -> Result<TaskNo, FoldError> {
        let no = self.task_of(event)?;
        let from = self.tasks.get(no as usize).map_or(to, |task| task.state);
        if !from.may_become(to) {
            return Err(self.illegal(event, "task", from.word(), to.word()));
        }
        let has_slot = |state| matches!(state, TaskState::Assigned | TaskState::Running);
        if has_slot(to) && !has_slot(from) {
            self.slots += 1;
        } else if has_slot(from) && !has_slot(to) {
            self.slots = self.slots.saturating_sub(1);
        }
        drop_one(&mut self.task_counts, from as usize);
        bump(&mut self.task_counts, to as usize, 1);
        self.with_task(no, |task| task.state = to);
        self.reindex(no);
        Ok(no)
    }

    fn move_agent(&mut self, event: &Event, changed: &AgentStateChanged) -> Result<(), FoldError> {
        let (from, to) = (changed.moved.from, changed.moved.to);
        let no = self.agent_of(event)?;
        let Some(agent) = self.agents.get_mut(no as usize) else {
            return Err(FoldError::Nobody { run: self.id, seq: event.seq });
        };
        if agent.state != from || !from.may_become(to) {
            let from = agent.state.word();
            return Err(self.illegal(event, "agent", from, to.word()));
        }
        agent.state = to;
        agent.before_pause = (to == AgentState::Paused).then_some(from);
        let task = agent.task;
        drop_one(&mut self.agent_counts, from as usize);
        bump(&mut self.agent_counts, to as usize, 1);
        if from == AgentState::Paused || to == AgentState::Paused {
            self.with_task(task, |task| pause_clock(task, event.mono, to == AgentState::Paused));
            self.reindex(task);
        }
        Ok(())
    }

    /// Puts a task into the one index that fits what it waits for, or into none.
    fn reindex(&mut self, no: TaskNo) {
        let Some(task) = self.tasks.get(no as usize) else { return };
        let paused = self.agents.get(task.agent as usize).is_some_and(|a| a.state == AgentState::Paused);
        let started = self.started.is_some();
        let may = started && task.state.waits() && !paused && task.leader.is_none() && task.cached.is_none();
        let not_before = task.not_before;
        self.ready.remove(&(u64::from(no), no));
        if let Some(at) = not_before {
            self.delayed.remove(&(at, no));
        }
        match not_before {
            _ if !may => {}
            Some(at) => {
                self.delayed.insert((at, no));
            }
            None => {
                self.ready.insert((u64::from(no), no));
            }
        }
    }

    fn close(&mut self, why: Closing) {
        self.closing.get_or_insert(why);
    }

    fn with_task(&mut self, no: TaskNo, change: impl FnOnce(&mut Task)) {
        if let Some(task) = self.tasks.get_mut(no as usize) {
            change(task);
        }
    }

    fn task_of(&self, event: &Event) -> Result<TaskNo, FoldError> {
        event
            .task
            .filter(|no| self.tasks.len() > *no as usize)
            .ok_or(FoldError::Nobody { run: self.id, seq: event.seq })
    }

    fn agent_of(&self, event: &Event) -> Result<AgentNo, FoldError> {
        event
            .agent
            .filter(|no| self.agents.len() > *no as usize)
            .ok_or(FoldError::Nobody { run: self.id, seq: event.seq })
    }

    fn illegal(&self, event: &Event, what: &'static str, from: &'static str, to: &'static str) -> FoldError {
        FoldError::Illegal { run: self.id, seq: event.seq, what, from, to }
    }
}

/// A held call's clock stands still.
fn pause_clock(task: &mut Task, now: Mono, paused: bool) {
    let Some(call) = task.call.as_mut() else { return };
    if paused {
        call.paused_since = Some(now);
    } else if let Some(since) = call.paused_since.take() {
        call.paused += now.since(since);
    }
}

fn bump(counts: &mut [u32], index: usize, by: u32) {
    if let Some(count) = counts.get_mut(index) {
        *count += by;
    }
}

fn drop_one(counts: &mut [u32], index: usize) {
    if let Some(count) = counts.get_mut(index) {
        *count = count.saturating_sub(1);
    }
}
