//! The beginning and the end of runs.

use super::call::{answer_followers, end_agent, end_waiting, may_stop_for_good, stop};
use super::operator::recover_task;
use super::{Decision, Draft};
use crate::domain::effect::{StopWhy, Timer};
use crate::domain::event::{Body, LimitReached, RunCreated, RunFinished, RunStarted, TaskFinished, TasksCreated, Why};
use crate::domain::event::{Cached, NewTask};
use crate::domain::state::Closing;
use crate::domain::{
    Effect, ErrorKind, LimitName, Money, Now, Run, RunId, RunSpec, RunState, Task, TaskError, TaskNo, TaskState,
};
use std::sync::Arc;
use std::time::Duration;

pub(super) fn create(run: RunId, by: &str, spec: &RunSpec, now: Now) -> Decision {
    let mut draft = Draft::new_run(run, now);
    draft.totals.budget = spec.limits.max_total_cost_usd;
    draft.run_event(Body::RunCreated(RunCreated { by: by.to_owned(), spec: Arc::new(spec.clone()) }));
    draft.decision
}

pub(super) fn add(run: &Run, tasks: &[NewTask], now: Now) -> Decision {
    let mut draft = Draft::of(run, now);
    let first = TaskNo::try_from(run.tasks.len()).unwrap_or(TaskNo::MAX);
    draft.run_event(Body::TasksCreated(TasksCreated { first, tasks: tasks.to_vec() }));
    draft.decision
}

/// Starts a run; tasks that stored results answer end at once.
pub(super) fn start(run: &Run, now: Now) -> Decision {
    let mut draft = Draft::of(run, now);
    let tasks = u32::try_from(run.tasks.len()).unwrap_or(u32::MAX);
    let answered = (0..).zip(&run.tasks).filter_map(|(no, task)| Some((no, task, task.cached.as_deref()?)));
    let cached = u32::try_from(answered.clone().count()).unwrap_or(u32::MAX);
    draft.run_money_event(Body::RunStarted(RunStarted { tasks, cached }));
    for (no, task, stored) in answered {
        let body = from_stored(run, task, stored);
        draft.task_event(no, task.agent, Body::TaskFinished(Box::new(body.clone())));
        end_agent(&mut draft, run, no, task.agent, Some("answered by a stored result".to_owned()));
        answer_followers(&mut draft, run, no, &body);
    }
    arm_deadline(&mut draft, run, now);
    draft.decision
}

fn from_stored(run: &Run, task: &Task, stored: &Cached) -> TaskFinished {
    TaskFinished {
        state: TaskState::Completed,
        success: true,
        error: None,
        output: Some(stored.output),
        preview: stored.preview.clone(),
        duration_ms: 0,
        attempts: 0,
        cost_usd: Money::ZERO,
        usage: stored.usage,
        provider: Arc::clone(&run.spec.provider),
        model: Arc::from(stored.model.as_str()),
        key: task.key,
        cached: true,
        truncated: stored.truncated,
    }
}

/// Ends a run whose rows could not all be stored: it never started.
pub(super) fn give_up(draft: &mut Draft, run: &Run) {
    for (no, task) in (0..).zip(&run.tasks) {
        let message = "its run was given up before it started".to_owned();
        let error = TaskError { kind: ErrorKind::Cancelled, message, retryable: false };
        end_waiting(draft, run, no, task, error);
    }
    draft.run_money_event(Body::RunFinished(RunFinished {
        state: RunState::Cancelled,
        succeeded: 0,
        failed: 0,
        cancelled: u32::try_from(run.tasks.len()).unwrap_or(u32::MAX),
        stopped_by: None,
        duration_ms: 0,
    }));
}

fn arm_deadline(draft: &mut Draft, run: &Run, now: Now) {
    if let Some(total) = run.limits.total_timeout_ms {
        let at = now.mono.after(Duration::from_millis(total));
        draft.effect(Effect::Wake { at, timer: Timer::Run { run: run.id } });
    }
}

/// The run's time is up.
pub(super) fn time_is_up(run: &Run, now: Now) -> Decision {
    let mut draft = Draft::of(run, now);
    let Some((total, since)) = run.limits.total_timeout_ms.zip(run.since) else { return draft.decision };
    let due = now.mono.since(since) >= Duration::from_millis(total);
    if due && run.state.is_live() && run.closing.is_none() {
        let message = format!("the run took longer than {} s", total.div_ceil(1000));
        let reached = LimitReached { limit: LimitName::MaxTotalDurationS, message, stops_run: true };
        draft.run_money_event(Body::LimitReached(reached));
    }
    draft.decision
}

/// A run that closes: what waits is cancelled, what is under way is stopped, unless it may end.
pub(super) fn close(run: &Run, why: Closing, now: Now) -> Decision {
    let mut draft = Draft::of(run, now);
    let (stop_why, kind, message) = match why {
        Closing::Operator => (Some(StopWhy::Killed), ErrorKind::Killed, "stopped by the operator"),
        Closing::Limit(_) => (Some(StopWhy::Limit), ErrorKind::Cancelled, "not started: the run's time was up"),
        Closing::Unusable(_) => {
            (Some(StopWhy::Unusable), ErrorKind::Cancelled, "not started: the provider can't be used")
        }
        Closing::BoundExceeded => (None, ErrorKind::Budget, "not started: a call cost more than its bound"),
    };
    for (no, task) in (0..).zip(&run.tasks) {
        match &task.call {
            Some(call) if may_stop_for_good(call) => {
                if let Some(stop_why) = stop_why {
                    stop(&mut draft, run, no, task, call, stop_why);
                }
            }
            Some(_) => {}
            None if task.held.is_some() && stop_why.is_none() => {}
            None if task.state.is_final() => {}
            None => {
                let error = TaskError { kind, message: message.to_owned(), retryable: false };
                end_waiting(&mut draft, run, no, task, error);
            }
        }
    }
    draft.decision
}

/// A run that its engine lets go of: what is under way is interrupted, and once nothing is, the
/// run is suspended.
pub(super) fn let_go(run: &Run, now: Now) -> Decision {
    let mut draft = Draft::of(run, now);
    let mut left = false;
    for (no, task, call) in run.under_way() {
        left = true;
        if call.stopping.is_none() {
            stop(&mut draft, run, no, task, call, StopWhy::Interrupted);
        }
    }
    if !left {
        draft.run_money_event(Body::RunSuspended(Why { reason: "its engine stopped".to_owned() }));
    }
    draft.decision
}

/// All tasks have ended.
pub(super) fn finish(run: &Run, now: Now) -> Decision {
    let mut draft = Draft::of(run, now);
    let [succeeded, failed, cancelled] =
        [TaskState::Completed, TaskState::Failed, TaskState::Cancelled].map(|state| run.tasks_in(state));
    let tasks = u32::try_from(run.tasks.len()).unwrap_or(u32::MAX);
    let limit = (run.refused > 0).then_some(Closing::Limit(LimitName::MaxTotalCostUsd));
    let stopped_by = run.closing.or(limit);
    let met = run.limits.met(succeeded, failed, tasks);
    let state = match stopped_by {
        Some(Closing::Unusable(_)) => RunState::Failed,
        Some(_) => RunState::Cancelled,
        None if met => RunState::Completed,
        None if failed > 0 => RunState::Failed,
        None => RunState::Cancelled,
    };
    let duration = run.started.map_or(Duration::ZERO, |started| now.wall.since(started));
    draft.run_money_event(Body::RunFinished(RunFinished {
        state,
        succeeded,
        failed,
        cancelled,
        stopped_by: stopped_by.map(|why| why.word().to_owned()),
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
    }));
    draft.decision
}

/// Goes on with a run that lost its engine: what was under way is charged at its bound and goes
/// back to the queue, what was held takes effect, and what was paused goes on.
pub(super) fn reopen(run: &Run, now: Now) -> Decision {
    let mut draft = Draft::of(run, now);
    // What is held takes effect first: it may answer other tasks.
    let (holding, others): (Vec<_>, Vec<_>) = (0..).zip(&run.tasks).partition(|(_, task)| task.held.is_some());
    for (no, task) in holding.into_iter().chain(others) {
        recover_task(&mut draft, run, no, task);
    }
    if run.state.is_live() {
        draft.run_money_event(Body::RunSuspended(Why { reason: "its engine had died".to_owned() }));
    }
    draft.run_money_event(Body::RunResumed(Why { reason: "taken up again".to_owned() }));
    arm_deadline(&mut draft, run, now);
    draft.decision
}
