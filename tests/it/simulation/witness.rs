//! What must hold after every step. The witness keeps books of its own, from the events alone.

use std::collections::{BTreeMap, BTreeSet};

use flightdeck::domain::event::OperatorAction;
use flightdeck::domain::{
    AgentState, Body, Event, Limits, Money, Run, RunId, RunState, State, StopWhy, TaskNo, TaskState, Totals,
};

use super::world::World;

#[derive(Default)]
pub(super) struct Witness {
    books: BTreeMap<RunId, Book>,
}

#[derive(Default)]
struct Book {
    last_seq: u64,
    spent: Money,
    unconfirmed: Money,
    /// Calls under way, with their tasks and bounds.
    open: BTreeMap<u64, (TaskNo, Money)>,
    finished: BTreeSet<TaskNo>,
    /// Tasks whose call the operator stopped.
    killed: BTreeSet<TaskNo>,
    killed_all: bool,
    limits: Limits,
    /// Whether a limit was lowered: what was begun before may be above it.
    lowered: bool,
    bound_exceeded: bool,
    tasks: usize,
    state: Option<RunState>,
}

impl Witness {
    pub(super) fn see(&mut self, event: &Event) {
        self.books.entry(event.run).or_default().see(event);
    }

    pub(super) fn is_over(&self, run: RunId) -> bool {
        self.books.get(&run).and_then(|book| book.state).is_some_and(RunState::is_final)
    }

    /// Everything that must hold between two steps.
    pub(super) fn check(&self, state: &State, world: &World) {
        for (id, run) in &state.runs {
            self.books[id].check(run);
            check_counts(run);
            check_agents(run, world);
        }
        for name in world.under_way() {
            let call = state.runs.get(&name.0).and_then(|run| run.task(name.1)).and_then(|task| task.call.as_ref());
            assert_eq!(call.map(|call| call.id), Some(name.2), "{name:?} goes on and nobody knows");
        }
        for (run, most) in state.runs.values().filter_map(|run| Some((run, run.spec.provider_max_concurrent?))) {
            let same =
                state.runs.values().filter(|other| other.state.is_live() && other.spec.provider == run.spec.provider);
            assert!(same.map(|run| run.slots).sum::<u32>() <= most, "the provider takes {most} calls at once");
            assert!(world.under_way().count() <= most as usize);
        }
    }
}

impl Book {
    fn see(&mut self, event: &Event) {
        self.last_seq += 1;
        assert_eq!(event.seq, self.last_seq, "a gap: {event:?}");
        assert!(!self.state.is_some_and(RunState::is_final), "after the end: {event:?}");
        if let Some(no) = event.task {
            assert!(
                !self.finished.contains(&no) || matches!(event.body, Body::AgentState(_)),
                "after its end: {event:?}"
            );
        }
        let task = event.task.unwrap_or(TaskNo::MAX);
        match &event.body {
            Body::RunCreated(created) => {
                self.limits = created.spec.limits.clone();
                self.state = Some(RunState::Created);
            }
            Body::LimitsChanged(changed) => {
                assert_eq!(changed.from, self.limits, "{event:?}");
                let budget = |limits: &Limits| limits.max_total_cost_usd.unwrap_or(Money::MAX);
                let (from, to) = (&changed.from, &changed.to);
                self.lowered |= budget(to) < budget(from) || to.max_parallel < from.max_parallel;
                self.limits = changed.to.clone();
            }
            Body::TasksCreated(created) => self.tasks += created.tasks.len(),
            Body::RunStarted(_) | Body::RunResumed(_) => self.state = Some(RunState::Running),
            Body::RunPaused(_) => self.state = Some(RunState::Paused),
            Body::RunSuspended(_) => {
                assert!(self.open.is_empty(), "suspended with calls under way");
                self.state = Some(RunState::Suspended);
            }
            Body::RunFinished(finished) => {
                assert!(self.open.is_empty(), "finished with calls under way");
                assert_eq!(self.finished.len(), self.tasks, "finished with tasks that have not");
                let told = finished.succeeded + finished.failed + finished.cancelled;
                assert_eq!(told as usize, self.tasks);
                self.state = Some(finished.state);
            }
            Body::TaskFinished(_) => {
                assert!(!self.open.values().any(|(open, _)| *open == task), "its call goes on: {event:?}");
                self.finished.insert(task);
            }
            Body::CallStarted(started) => self.start(event, task, started.bound_usd),
            Body::CallStopping(stopping) => {
                assert!(self.open.contains_key(&stopping.call), "{event:?}");
                if stopping.why == StopWhy::Killed {
                    self.killed.insert(task);
                }
            }
            Body::CallFinished(finished) => {
                let (no, _) = self.open.remove(&finished.call).unwrap_or_else(|| panic!("never begun: {event:?}"));
                assert_eq!(no, task);
                self.spent += finished.cost_usd;
                self.unconfirmed += finished.held_usd;
            }
            Body::BoundExceeded(_) => self.bound_exceeded = true,
            Body::OperatorAction(OperatorAction { action, whole_run: true, .. }) if action == "kill" => {
                self.killed_all = true;
            }
            _ => {}
        }
        if let Some(told) = event.money {
            assert_eq!(told, self.totals(told.budget), "{event:?}");
        }
    }

    fn start(&mut self, event: &Event, task: TaskNo, bound: Money) {
        assert!(!self.bound_exceeded, "started after a bound was exceeded: {event:?}");
        assert!(!self.killed.contains(&task) && !self.killed_all, "started after it was killed: {event:?}");
        assert!(self.open.values().all(|(open, _)| *open != task), "two calls of one task: {event:?}");
        assert_eq!(self.state, Some(RunState::Running), "{event:?}");
        assert!(self.open.len() < self.limits.max_parallel as usize, "too many at once: {event:?}");
        self.open.insert(event.seq, (task, bound));
        let committed = self.totals(None).committed();
        assert!(self.limits.max_total_cost_usd.is_none_or(|budget| committed <= budget), "over budget: {event:?}");
    }

    fn totals(&self, budget: Option<Money>) -> Totals {
        let reserved = self.open.values().map(|(_, bound)| *bound).sum();
        Totals { spent: self.spent, unconfirmed: self.unconfirmed, reserved, budget }
    }

    fn check(&self, run: &Run) {
        assert_eq!(run.money, self.totals(self.limits.max_total_cost_usd), "the run's money");
        let within = run.money.budget.is_none_or(|budget| run.money.committed() <= budget);
        assert!(within || self.bound_exceeded || self.lowered, "over budget: {:?}", run.money);
        assert!(run.slots <= self.limits.max_parallel || self.lowered, "{} slots", run.slots);
        assert_eq!(Some(run.state), self.state);
        assert_eq!(run.last_seq, self.last_seq);
        let open: BTreeMap<u64, (TaskNo, Money)> =
            run.under_way().map(|(no, _, call)| (call.id, (no, call.reserved))).collect();
        assert_eq!(open, self.open, "calls under way");
    }
}

fn check_counts(run: &Run) {
    let has_slot = |state| matches!(state, TaskState::Assigned | TaskState::Running);
    let slots = run.tasks.iter().filter(|task| has_slot(task.state)).count();
    assert_eq!(run.slots as usize, slots, "slots");
    let of = |state| run.tasks.iter().filter(|task| task.state == state).count();
    for state in [
        TaskState::Queued,
        TaskState::WaitsForMoney,
        TaskState::Assigned,
        TaskState::Running,
        TaskState::Completed,
        TaskState::Failed,
        TaskState::Cancelled,
    ] {
        assert_eq!(run.tasks_in(state) as usize, of(state), "tasks that are {}", state.word());
    }
    let of = |state| run.agents.iter().filter(|agent| agent.state == state).count();
    for state in [
        AgentState::Spawning,
        AgentState::Idle,
        AgentState::Working,
        AgentState::Paused,
        AgentState::Error,
        AgentState::Terminated,
    ] {
        assert_eq!(run.agents_in(state) as usize, of(state), "agents that are {}", state.word());
    }
}

fn check_agents(run: &Run, world: &World) {
    for (no, agent) in (0..).zip(&run.agents) {
        let task = run.task(agent.task).expect("an agent has a task");
        assert_eq!(agent.state.is_over(), task.state.is_final(), "agent {no} is {agent:?}, its task {task:?}");
        let Some(call) = &task.call else {
            let waits = task.held.is_some();
            assert!(waits || agent.state != AgentState::Working, "agent {no} works on nothing");
            assert!(waits || task.state != TaskState::Running, "task {no} runs without a call");
            continue;
        };
        let paused = agent.state == AgentState::Paused;
        assert!(paused || agent.state == AgentState::Working, "agent {no} is {}", agent.state.word());
        assert_eq!(
            world.is_held(&(run.id, agent.task, call.id)),
            paused,
            "agent {no} and its call disagree on a pause"
        );
        assert_eq!(call.paused_since.is_some(), paused, "the clock of agent {no}");
    }
    if run.state.is_final() || run.state == RunState::Suspended {
        assert_eq!(world.count_of(run.id), 0, "calls of a run that nobody is at work on");
    }
}
