//! Decisions: state and an input come in, events and effects come out. Pure, so that the same
//! code serves live runs, recovery, rehearsal and simulation.

mod admit;
mod call;
mod lifecycle;
mod operator;
mod settle;

use std::collections::BTreeSet;

use crate::domain::effect::Timer;
use crate::domain::event::{AgentStateChanged, Body, StopReceipt};
use crate::domain::{
    AgentMove, AgentNo, AgentState, Effect, Event, Now, Order, Report, Run, RunId, RunState, State, TaskNo, Totals,
};

/// What the engine hears.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// An operator asks for something.
    Asked(Order),
    /// An effect came back.
    Reported(Report),
    /// It is time.
    Woke(Timer),
}

/// What follows from an input.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decision {
    /// The facts, in order.
    pub events: Vec<Event>,
    /// What the world is asked to do.
    pub effects: Vec<Effect>,
    /// How many agents it concerns, for the answer to a command.
    pub agents: u32,
}

impl Decision {
    /// Whether nothing follows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.effects.is_empty()
    }
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The engine is not at work on such a run.
    #[error("run {0} is not at work in this process")]
    NoRun(RunId),
    /// There is one with this id.
    #[error("run {0} exists already")]
    Exists(RunId),
    /// It is in a state in which this cannot be done.
    #[error("run {run} is {}: it cannot be {action}", state.word())]
    WrongState {
        /// The run.
        run: RunId,
        /// Its state.
        state: RunState,
        /// What was asked for, as a participle.
        action: &'static str,
    },
    /// It has no such agent.
    #[error("run {run} has no agent {agent}: its agents are 0 to {last}")]
    NoAgent {
        /// The run.
        run: RunId,
        /// What was asked for.
        agent: AgentNo,
        /// Its last agent.
        last: u32,
    },
    /// A model without a price can't have a budget.
    #[error("model `{0}` has no price, so that what run {1} costs is not counted: it can have no budget")]
    Unpriced(String, RunId),
    /// None of the agents is in a state in which this makes a difference.
    #[error("nothing to {action}: {why}")]
    Nothing {
        /// What was asked for.
        action: &'static str,
        /// Why there is nothing.
        why: &'static str,
    },
}

/// Decides on one input. Events of the decision are not applied yet: the caller applies them and
/// then what [`follows`] for the runs that are [`concerned`], until nothing does.
///
/// # Errors
/// Where a command is refused. Reports and timers never are: those that come too late are
/// nothing.
pub fn decide(state: &State, input: &Input, now: Now) -> Result<Decision, Refusal> {
    match input {
        Input::Asked(order) => operator::order(state, order, now),
        Input::Reported(Report::CallEnded { run, task, call, end }) => {
            Ok(state.runs.get(run).map(|run| call::ended(run, *task, *call, end, now)).unwrap_or_default())
        }
        Input::Woke(Timer::Call { run, task, call }) => {
            Ok(state.runs.get(run).map(|run| call::time_is_up(run, *task, *call, now)).unwrap_or_default())
        }
        Input::Woke(Timer::Run { run }) => {
            Ok(state.runs.get(run).map(|run| lifecycle::time_is_up(run, now)).unwrap_or_default())
        }
        Input::Woke(Timer::Retry { .. }) => Ok(Decision::default()),
    }
}

/// The runs for which something may follow from an input and the decision on it.
#[must_use]
pub fn concerned(state: &State, input: &Input, decision: &Decision) -> BTreeSet<RunId> {
    let mut runs: BTreeSet<RunId> = decision.events.iter().map(|event| event.run).collect();
    if let Input::Woke(Timer::Retry { run } | Timer::Run { run } | Timer::Call { run, .. }) = input {
        runs.insert(*run);
    }
    // A slot that one run gives back may be what another run on the same provider waits for.
    let shared = state.runs.values().filter(|run| run.spec.provider_max_concurrent.is_some());
    runs.extend(shared.map(|run| run.id));
    runs
}

/// What follows next for one of the runs that are concerned; nothing: all is done. Each of them is
/// asked again after every decision, for what follows in one may let another go on.
#[must_use]
pub fn follows(state: &State, concerned: &BTreeSet<RunId>, now: Now) -> Option<Decision> {
    concerned.iter().map(|run| follow_up(state, *run, now)).find(|decision| !decision.is_empty())
}

/// What follows from the state alone: tasks that may start, tasks of a closing run, the end.
fn follow_up(state: &State, run: RunId, now: Now) -> Decision {
    let Some(run) = state.runs.get(&run) else { return Decision::default() };
    if !run.state.is_live() {
        return Decision::default();
    }
    if run.tasks_ended() as usize == run.tasks.len() {
        return lifecycle::finish(run, now);
    }
    // A run that closes is closed even while its engine lets go of it: what was stopped for good
    // must not wait for a later engine.
    let closing = run.closing.map(|why| lifecycle::close(run, why, now)).unwrap_or_default();
    if !closing.is_empty() {
        return closing;
    }
    if run.suspending {
        return lifecycle::let_go(run, now);
    }
    let may_start = run.closing.is_none() && run.state == RunState::Running;
    if may_start { admit::admit(state, run, now) } else { Decision::default() }
}

/// A decision in the making: numbers events and keeps the money that they lead to.
struct Draft {
    run: RunId,
    seq: u64,
    now: Now,
    totals: Totals,
    /// Tasks that this decision ends with the answer of another: the state does not show it yet.
    answered: BTreeSet<TaskNo>,
    decision: Decision,
}

impl Draft {
    fn of(run: &Run, now: Now) -> Self {
        Self { seq: run.last_seq, totals: run.money, ..Self::new_run(run.id, now) }
    }

    fn new_run(run: RunId, now: Now) -> Self {
        let (totals, decision) = (Totals::default(), Decision::default());
        Self { run, seq: 0, now, totals, answered: BTreeSet::new(), decision }
    }

    fn event(&mut self, task: Option<TaskNo>, agent: Option<AgentNo>, money: bool, body: Body) -> u64 {
        self.seq += 1;
        self.decision.events.push(Event {
            run: self.run,
            seq: self.seq,
            at: self.now.wall,
            mono: self.now.mono,
            agent,
            task,
            money: money.then_some(self.totals),
            body,
        });
        self.seq
    }

    /// An event about the run.
    fn run_event(&mut self, body: Body) {
        self.event(None, None, false, body);
    }

    /// An event about the run that moves or sums up money.
    fn run_money_event(&mut self, body: Body) {
        self.event(None, None, true, body);
    }

    /// An event about a task; returns its sequence number.
    fn task_event(&mut self, task: TaskNo, agent: AgentNo, body: Body) {
        self.event(Some(task), Some(agent), false, body);
    }

    /// An event about a task that moves money; returns its sequence number.
    fn money_event(&mut self, task: TaskNo, agent: AgentNo, body: Body) -> u64 {
        self.event(Some(task), Some(agent), true, body)
    }

    fn move_agent(&mut self, task: TaskNo, agent: AgentNo, from: AgentState, to: AgentState) {
        self.move_agent_because(task, agent, from, to, None, None);
    }

    fn move_agent_because(
        &mut self,
        task: TaskNo,
        agent: AgentNo,
        from: AgentState,
        to: AgentState,
        reason: Option<String>,
        receipt: Option<StopReceipt>,
    ) {
        if from != to && from.may_become(to) {
            let changed = AgentStateChanged { moved: AgentMove { from, to }, reason, receipt };
            self.task_event(task, agent, Body::AgentState(changed));
        }
    }

    fn effect(&mut self, effect: Effect) {
        self.decision.effects.push(effect);
    }
}
