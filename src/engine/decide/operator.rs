//! Commands of operators.

use super::call::{Ended, conclude, end_waiting, may_stop_for_good, stop};
use super::{Decision, Draft, Refusal, lifecycle};
use crate::domain::effect::{StopWhy, Timer};
use crate::domain::event::{Body, CallFinished, LimitsChanged, OperatorAction, Settlement, Why};
use crate::domain::{
    AgentNo, AgentState, Call, CallError, Command, Effect, ErrorKind, LimitsChange, Money, Now, Order, Receipt, Run,
    RunId, RunState, Sent, State, Targets, Task, TaskError, TaskNo,
};

pub(super) fn order(state: &State, order: &Order, now: Now) -> Result<Decision, Refusal> {
    let find = |id: &RunId| state.runs.get(id).ok_or(Refusal::NoRun(*id));
    match &order.command {
        Command::Create { run, spec } => match state.runs.get(run) {
            Some(_) => Err(Refusal::Exists(*run)),
            None => Ok(lifecycle::create(*run, &order.by, spec, now)),
        },
        Command::Add { run, tasks } => {
            let run = expect(find(run)?, RunState::Created, "added to")?;
            Ok(lifecycle::add(run, tasks, now))
        }
        Command::Start(run) => Ok(lifecycle::start(expect(find(run)?, RunState::Created, "started")?, now)),
        Command::Pause(targets) => pause(find(&targets.run)?, targets, order, now),
        Command::Resume(targets) => resume(find(&targets.run)?, targets, order, now),
        Command::Kill(targets) => kill(find(&targets.run)?, targets, order, now),
        Command::Limit { run, change } => limit(find(run)?, *change, order, now),
        Command::Suspend(run) => suspend(find(run)?, order, now),
        Command::Reopen(run) => {
            let run = find(run)?;
            if run.state.is_final() || run.state == RunState::Created {
                return Err(Refusal::WrongState { run: run.id, state: run.state, action: "taken up again" });
            }
            Ok(lifecycle::reopen(run, now))
        }
    }
}

fn expect<'a>(run: &'a Run, state: RunState, action: &'static str) -> Result<&'a Run, Refusal> {
    if run.state == state { Ok(run) } else { Err(Refusal::WrongState { run: run.id, state: run.state, action }) }
}

fn live<'a>(run: &'a Run, action: &'static str) -> Result<&'a Run, Refusal> {
    if run.state.is_live() { Ok(run) } else { Err(Refusal::WrongState { run: run.id, state: run.state, action }) }
}

/// The agents that are meant: those that can still act.
fn chosen(run: &Run, targets: &Targets) -> Result<Vec<AgentNo>, Refusal> {
    let count = u32::try_from(run.agents.len()).unwrap_or(u32::MAX);
    let numbers = match &targets.agents {
        None => (0..count).collect(),
        Some(numbers) => {
            let mut numbers = numbers.clone();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        }
    };
    if let Some(&agent) = numbers.iter().find(|no| run.agent(**no).is_none()) {
        return Err(Refusal::NoAgent { run: run.id, agent, last: count.saturating_sub(1) });
    }
    Ok(numbers.into_iter().filter(|no| run.agent(*no).is_some_and(|agent| !agent.state.is_over())).collect())
}

fn note(draft: &mut Draft, order: &Order, action: &str, agents: usize, whole_run: bool) {
    let agents = u32::try_from(agents).unwrap_or(u32::MAX);
    draft.decision.agents = agents;
    draft.run_event(Body::OperatorAction(OperatorAction {
        action: action.to_owned(),
        by: order.by.clone(),
        reason: order.reason.clone(),
        agents,
        whole_run,
    }));
}

fn pause(run: &Run, targets: &Targets, order: &Order, now: Now) -> Result<Decision, Refusal> {
    let whole = targets.agents.is_none();
    live(run, "paused")?;
    // Of a whole run, agents that have not started need no pause of their own: nothing starts.
    let may = |state| match state {
        AgentState::Spawning => !whole,
        AgentState::Idle | AgentState::Working => true,
        _ => false,
    };
    let agents: Vec<_> =
        chosen(run, targets)?.into_iter().filter(|no| run.agent(*no).is_some_and(|a| may(a.state))).collect();
    if agents.is_empty() && !(whole && run.state == RunState::Running) {
        return Err(Refusal::Nothing { action: "pause", why: "these agents are paused already, or have ended" });
    }
    let mut draft = Draft::of(run, now);
    note(&mut draft, order, "pause", agents.len(), whole);
    if whole && run.state == RunState::Running {
        draft.run_event(Body::RunPaused(Why { reason: "the operator holds it".to_owned() }));
    }
    for no in agents {
        let Some((agent, task)) = run.agent(no).and_then(|agent| Some((agent, run.task(agent.task)?))) else {
            continue;
        };
        draft.move_agent(agent.task, no, agent.state, AgentState::Paused);
        if let Some(call) = &task.call {
            draft.effect(Effect::Hold { run: run.id, task: agent.task, call: call.id });
        }
    }
    Ok(draft.decision)
}

fn resume(run: &Run, targets: &Targets, order: &Order, now: Now) -> Result<Decision, Refusal> {
    let whole = targets.agents.is_none();
    live(run, "resumed")?;
    let paused = |no: &AgentNo| run.agent(*no).is_some_and(|agent| agent.state == AgentState::Paused);
    let agents: Vec<_> = chosen(run, targets)?.into_iter().filter(paused).collect();
    if agents.is_empty() && !(whole && run.state == RunState::Paused) {
        return Err(Refusal::Nothing { action: "resume", why: "none of these agents is paused" });
    }
    let mut draft = Draft::of(run, now);
    note(&mut draft, order, "resume", agents.len(), whole);
    if whole && run.state == RunState::Paused {
        draft.run_event(Body::RunResumed(Why { reason: "the operator lets it go on".to_owned() }));
    }
    // What is held takes effect first: it may answer others of these agents' tasks.
    let holds =
        |no: &AgentNo| run.agent(*no).and_then(|agent| run.task(agent.task)).is_some_and(|task| task.held.is_some());
    let (holding, others): (Vec<_>, Vec<_>) = agents.into_iter().partition(holds);
    for no in holding.into_iter().chain(others) {
        resume_agent(&mut draft, run, no);
    }
    Ok(draft.decision)
}

fn resume_agent(draft: &mut Draft, run: &Run, no: AgentNo) {
    let Some((agent, task)) = run.agent(no).and_then(|agent| Some((agent, run.task(agent.task)?))) else { return };
    if draft.answered.contains(&agent.task) {
        return;
    }
    let before = agent.before_pause.unwrap_or(AgentState::Idle);
    draft.move_agent(agent.task, no, AgentState::Paused, before);
    if let Some(call) = &task.call {
        draft.effect(Effect::Release { run: run.id, task: agent.task, call: call.id });
        let left = run.limits.agent_timeout().saturating_sub(task.active + call.active(draft.now.mono));
        let timer = Timer::Call { run: run.id, task: agent.task, call: call.id };
        draft.effect(Effect::Wake { at: draft.now.mono.after(left), timer });
    } else if let Some(held) = &task.held {
        conclude(draft, run, agent.task, before, held, &Ended::of(task));
    }
}

fn kill(run: &Run, targets: &Targets, order: &Order, now: Now) -> Result<Decision, Refusal> {
    if run.state == RunState::Created {
        return give_up(run, targets, order, now);
    }
    live(run, "killed")?;
    let agents = chosen(run, targets)?;
    if agents.is_empty() {
        return Err(Refusal::Nothing { action: "kill", why: "these agents have ended" });
    }
    let mut draft = Draft::of(run, now);
    let whole = targets.agents.is_none();
    note(&mut draft, order, "kill", agents.len(), whole);
    // Of a whole run, the closing that this event leads to stops every agent.
    if whole {
        return Ok(draft.decision);
    }
    for no in agents {
        let Some((task_no, task)) = run.agent(no).and_then(|agent| Some((agent.task, run.task(agent.task)?))) else {
            continue;
        };
        match &task.call {
            Some(call) if may_stop_for_good(call) => stop(&mut draft, run, task_no, task, call, StopWhy::Killed),
            Some(_) => {}
            None if task.state.is_final() => {}
            None => {
                let message = "stopped by the operator".to_owned();
                let error = TaskError { kind: ErrorKind::Killed, message, retryable: false };
                end_waiting(&mut draft, run, task_no, task, error);
            }
        }
    }
    Ok(draft.decision)
}

/// A run that has not started can only be given up as a whole.
fn give_up(run: &Run, targets: &Targets, order: &Order, now: Now) -> Result<Decision, Refusal> {
    if targets.agents.is_some() {
        return Err(Refusal::Nothing { action: "kill", why: "the run has not started: kill all of it, or wait" });
    }
    let mut draft = Draft::of(run, now);
    note(&mut draft, order, "kill", run.agents.len(), true);
    lifecycle::give_up(&mut draft, run);
    Ok(draft.decision)
}

/// A budget below what is committed already admits nothing until enough of it has come back.
fn limit(run: &Run, change: LimitsChange, order: &Order, now: Now) -> Result<Decision, Refusal> {
    live(run, "given other limits")?;
    let to = change.applied_to(&run.limits);
    if to == run.limits {
        return Err(Refusal::Nothing { action: "change", why: "these are its limits already" });
    }
    if change.max_total_cost_usd.is_some() && !run.spec.priced {
        return Err(Refusal::Unpriced(run.spec.model.to_string(), run.id));
    }
    let mut draft = Draft::of(run, now);
    note(&mut draft, order, "limit", 0, true);
    draft.totals.budget = to.max_total_cost_usd;
    draft.run_money_event(Body::LimitsChanged(Box::new(LimitsChanged { from: run.limits.clone(), to })));
    Ok(draft.decision)
}

fn suspend(run: &Run, order: &Order, now: Now) -> Result<Decision, Refusal> {
    live(run, "suspended")?;
    let mut draft = Draft::of(run, now);
    note(&mut draft, order, "suspend", run.slots as usize, true);
    Ok(draft.decision)
}

/// One task of a run that lost its engine.
pub(super) fn recover_task(draft: &mut Draft, run: &Run, no: TaskNo, task: &Task) {
    let state = run.agent(task.agent).map_or(AgentState::Idle, |agent| agent.state);
    if task.state.is_final() || draft.answered.contains(&no) {
        return;
    }
    if let Some(call) = &task.call {
        let finished = lose_call(draft, no, task, call);
        conclude(draft, run, no, state, &finished, &Ended::of(task));
        return;
    }
    if let Some(held) = &task.held {
        let before = run.agent(task.agent).and_then(|agent| agent.before_pause).unwrap_or(AgentState::Working);
        draft.move_agent(no, task.agent, state, before);
        conclude(draft, run, no, before, held, &Ended::of(task));
        return;
    }
    if !task.state.waits() {
        draft.task_event(no, task.agent, Body::TaskInterrupted(Why { reason: "its engine had died".to_owned() }));
        draft.move_agent(no, task.agent, state, AgentState::Idle);
    } else if state == AgentState::Paused {
        let before = run.agent(task.agent).and_then(|agent| agent.before_pause).unwrap_or(AgentState::Idle);
        draft.move_agent(no, task.agent, state, before);
    }
}

/// A call whose engine died: nobody knows what the provider bills, so its bound stays held. What
/// was being stopped is stopped; it is not tried again.
fn lose_call(draft: &mut Draft, no: TaskNo, task: &Task, call: &Call) -> CallFinished {
    draft.totals.reserved = draft.totals.reserved.less(call.reserved);
    draft.totals.unconfirmed += call.reserved;
    let error = CallError {
        kind: ErrorKind::Cancelled,
        message: "lost when its engine died".to_owned(),
        retryable: true,
        retry_after_ms: None,
        status: None,
        partial: None,
    };
    let settlement = if call.reserved > Money::ZERO { Settlement::Unconfirmed } else { Settlement::None };
    let finished = CallFinished {
        call: call.id,
        answer: None,
        error: Some(error),
        stopped: Some(call.stopping.unwrap_or(StopWhy::Interrupted)),
        usage: None,
        cost_usd: Money::ZERO,
        held_usd: call.reserved,
        settlement,
        sent: Sent::Maybe,
        model: None,
        first_output_ms: None,
        duration_ms: 0,
        request_id: None,
        quota: crate::domain::report::Quota::default(),
        receipt: Receipt::default(),
    };
    draft.money_event(no, task.agent, Body::CallFinished(Box::new(finished.clone())));
    finished
}
