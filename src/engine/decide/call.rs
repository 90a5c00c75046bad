//! What follows from the end of a call.

use std::sync::Arc;
use std::time::Duration;

use super::settle::{self, Settled};
use super::{Decision, Draft};
use crate::domain::effect::{StopWhy, Timer};
use crate::domain::event::{
    Body, BoundExceeded, CallFinished, CallStopping, LimitReached, StopReceipt, TaskFinished, TaskRetrying, Why,
};
use crate::domain::{
    AgentNo, AgentState, Answer, Call, CallEnd, CallError, Effect, ErrorKind, LimitName, Money, Now, Run, Task,
    TaskError, TaskNo, TaskState, Usage,
};
use crate::recovery::retry;

/// A call ended: its money is settled at once, and its outcome takes effect unless its agent is
/// held.
pub(super) fn ended(run: &Run, no: TaskNo, call_id: u64, end: &CallEnd, now: Now) -> Decision {
    let mut draft = Draft::of(run, now);
    let Some((task, call)) = under_way(run, no, call_id) else { return draft.decision };
    let price = end.price.unwrap_or(run.spec.price);
    let settled = settle::settle(call.reserved, &price, end);
    draft.totals = settle::after(draft.totals, call.reserved, &settled);
    let finished = finished_event(call, end, &settled);
    let agent = task.agent;
    draft.money_event(no, agent, Body::CallFinished(Box::new(finished.clone())));
    // Without a price nothing was reserved, and nothing was promised.
    if run.spec.priced && settled.cost > call.reserved {
        let exceeded = BoundExceeded { call: call.id, bound_usd: call.reserved, cost_usd: settled.cost };
        draft.money_event(no, agent, Body::BoundExceeded(exceeded));
    }
    let state = run.agent(agent).map_or(AgentState::Working, |agent| agent.state);
    if state != AgentState::Paused || finished.stopped.is_some() {
        let so_far = Ended::after_call(task, call, &settled, now);
        conclude(&mut draft, run, no, state, &finished, &so_far);
    }
    draft.decision
}

/// A call's time is up, unless it was held meanwhile: then it has time left.
pub(super) fn time_is_up(run: &Run, no: TaskNo, call_id: u64, now: Now) -> Decision {
    let mut draft = Draft::of(run, now);
    let Some((task, call)) = under_way(run, no, call_id) else { return draft.decision };
    if call.stopping.is_some() || call.paused_since.is_some() {
        return draft.decision;
    }
    let timeout = run.limits.agent_timeout();
    let left = timeout.saturating_sub(task.active + call.active(now.mono));
    if left > Duration::ZERO {
        let timer = Timer::Call { run: run.id, task: no, call: call_id };
        draft.effect(Effect::Wake { at: now.mono.after(left), timer });
        return draft.decision;
    }
    let reached = LimitReached {
        limit: LimitName::MaxAgentDurationS,
        message: format!("task {no} took longer than its timeout of {}", seconds(timeout)),
        stops_run: false,
    };
    draft.task_event(no, task.agent, Body::LimitReached(reached));
    stop(&mut draft, run, no, task, call, StopWhy::Timeout);
    draft.decision
}

/// Ends a call early. What it leads to follows when its end is reported, with a receipt.
pub(super) fn stop(draft: &mut Draft, run: &Run, no: TaskNo, task: &Task, call: &Call, why: StopWhy) {
    draft.task_event(no, task.agent, Body::CallStopping(CallStopping { call: call.id, why }));
    draft.effect(Effect::Stop { run: run.id, task: no, call: call.id, why });
}

/// Whether a stop for good makes a difference: an interruption alone would let the task be tried
/// again.
pub(super) fn may_stop_for_good(call: &Call) -> bool {
    matches!(call.stopping, None | Some(StopWhy::Interrupted))
}

fn under_way(run: &Run, no: TaskNo, call_id: u64) -> Option<(&Task, &Call)> {
    let task = run.task(no)?;
    task.call.as_ref().filter(|call| call.id == call_id).map(|call| (task, call))
}

fn finished_event(call: &Call, end: &CallEnd, settled: &Settled) -> CallFinished {
    let truncated =
        |answer: &Answer| Answer { truncated: answer.truncated || call.lowered && hit(call, end), ..answer.clone() };
    CallFinished {
        call: call.id,
        answer: end.result.as_ref().ok().map(truncated),
        error: end.result.as_ref().err().cloned(),
        // An answer that came before a timeout took effect counts; a killed agent stays killed.
        stopped: call.stopping.filter(|why| end.result.is_err() || *why == StopWhy::Killed),
        usage: settled.usage,
        cost_usd: settled.cost,
        held_usd: settled.held,
        settlement: settled.settlement,
        sent: end.sent,
        model: end.model.clone(),
        first_output_ms: end.first_output_ms,
        duration_ms: end.duration_ms,
        request_id: end.request_id.clone(),
        quota: end.quota.clone(),
        receipt: end.receipt,
    }
}

/// Whether the answer used all the tokens that it was allowed.
fn hit(call: &Call, end: &CallEnd) -> bool {
    end.usage.is_some_and(|usage| usage.output_tokens >= u64::from(call.max_tokens))
}

/// What a task has used up to and with the call that ended.
pub(super) struct Ended {
    active: Duration,
    cost: Money,
    usage: Usage,
}

impl Ended {
    fn after_call(task: &Task, call: &Call, settled: &Settled, now: Now) -> Self {
        let mut usage = task.usage;
        usage += settled.usage.unwrap_or_default();
        Self { active: task.active + call.active(now.mono), cost: task.cost + settled.cost, usage }
    }

    /// A task whose calls are all accounted for.
    pub(super) fn of(task: &Task) -> Self {
        Self { active: task.active, cost: task.cost, usage: task.usage }
    }
}

/// Lets the outcome of a call take effect: the task ends, or goes back to the queue.
pub(super) fn conclude(
    draft: &mut Draft,
    run: &Run,
    no: TaskNo,
    agent_state: AgentState,
    finished: &CallFinished,
    so_far: &Ended,
) {
    let Some(task) = run.task(no) else { return };
    let agent = task.agent;
    match (finished.stopped, &finished.answer, &finished.error) {
        (Some(StopWhy::Interrupted), ..) => {
            let why = Why { reason: "its engine stopped".to_owned() };
            draft.task_event(no, agent, Body::TaskInterrupted(why));
            draft.move_agent(no, agent, agent_state, AgentState::Idle);
        }
        (Some(why), _, error) => {
            let (state, to, kind) = match why {
                StopWhy::Timeout => (TaskState::Failed, AgentState::Error, ErrorKind::Timeout),
                StopWhy::Killed => (TaskState::Cancelled, AgentState::Terminated, ErrorKind::Killed),
                _ => (TaskState::Cancelled, AgentState::Terminated, ErrorKind::Cancelled),
            };
            let error_kept = TaskError { kind, message: stop_message(run, why), retryable: kind == ErrorKind::Timeout };
            let partial = error.as_ref().and_then(|error| error.partial);
            let body = task_finished(run, task, state, Some(error_kept), partial, finished, so_far);
            draft.task_event(no, agent, Body::TaskFinished(Box::new(body)));
            let receipt = StopReceipt { call: finished.receipt, reservation: finished.settlement };
            draft.move_agent_because(no, agent, agent_state, to, Some(kind.word().to_owned()), Some(receipt));
        }
        (None, Some(answer), _) => {
            let body = task_finished(run, task, TaskState::Completed, None, Some(answer.output), finished, so_far);
            draft.task_event(no, agent, Body::TaskFinished(Box::new(body.clone())));
            draft.move_agent(no, agent, agent_state, AgentState::Terminated);
            answer_followers(draft, run, no, &body);
        }
        (None, None, error) => fail_or_retry(draft, run, no, task, agent_state, error.as_ref(), finished, so_far),
    }
}

#[allow(clippy::too_many_arguments, reason = "one place, and each is another thing")]
fn fail_or_retry(
    draft: &mut Draft,
    run: &Run,
    no: TaskNo,
    task: &Task,
    agent_state: AgentState,
    error: Option<&CallError>,
    finished: &CallFinished,
    so_far: &Ended,
) {
    let kept = error.map_or_else(
        || TaskError {
            kind: ErrorKind::Provider,
            message: "the call ended without an answer".into(),
            retryable: false,
        },
        |error| TaskError { kind: error.kind, message: error.message.clone(), retryable: error.retryable },
    );
    let limits = &run.limits;
    let time_left = so_far.active < limits.agent_timeout();
    if kept.retryable && task.attempts <= limits.retries && run.closing.is_none() && time_left {
        let asked = error.and_then(|error| error.retry_after_ms);
        let wait = retry::wait(task.attempts, asked, run.spec.randomness, no);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let retrying = TaskRetrying { attempt: task.attempts, of: limits.retries + 1, wait_ms, error: kept };
        draft.task_event(no, task.agent, Body::TaskRetrying(retrying));
        draft.move_agent(no, task.agent, agent_state, AgentState::Idle);
        draft.effect(Effect::Wake { at: draft.now.mono.after(wait), timer: Timer::Retry { run: run.id } });
        return;
    }
    let partial = error.and_then(|error| error.partial);
    let reason = kept.kind.word().to_owned();
    let body = task_finished(run, task, TaskState::Failed, Some(kept), partial, finished, so_far);
    draft.task_event(no, task.agent, Body::TaskFinished(Box::new(body)));
    draft.move_agent_because(no, task.agent, agent_state, AgentState::Error, Some(reason), None);
}

fn task_finished(
    run: &Run,
    task: &Task,
    state: TaskState,
    error: Option<TaskError>,
    output: Option<crate::domain::ContentRef>,
    finished: &CallFinished,
    so_far: &Ended,
) -> TaskFinished {
    let answer = finished.answer.as_ref();
    TaskFinished {
        state,
        success: state == TaskState::Completed,
        error,
        output,
        preview: answer.map(|answer| answer.preview.clone()).unwrap_or_default(),
        duration_ms: u64::try_from(so_far.active.as_millis()).unwrap_or(u64::MAX),
        attempts: task.attempts,
        cost_usd: so_far.cost,
        usage: so_far.usage,
        provider: Arc::clone(&run.spec.provider),
        model: finished.model.as_deref().map_or_else(|| Arc::clone(&run.spec.model), Arc::from),
        key: task.key,
        cached: false,
        truncated: answer.is_some_and(|answer| answer.truncated),
    }
}

/// Tasks with the same key share the answer; they cost nothing. Those that have a stored result
/// of their own end by that.
pub(super) fn answer_followers(draft: &mut Draft, run: &Run, leader: TaskNo, body: &TaskFinished) {
    for &no in run.followers_of(leader) {
        let Some(task) = run.task(no).filter(|task| task.state.waits() && task.cached.is_none()) else { continue };
        let shared = TaskFinished { duration_ms: 0, attempts: 0, cost_usd: Money::ZERO, cached: true, ..body.clone() };
        draft.task_event(no, task.agent, Body::TaskFinished(Box::new(shared)));
        end_agent(draft, run, no, task.agent, None);
        draft.answered.insert(no);
    }
}

/// Ends a task that never got to a call of its own, or whose calls are all accounted for.
pub(super) fn end_waiting(draft: &mut Draft, run: &Run, no: TaskNo, task: &Task, error: TaskError) {
    let reason = error.kind.word().to_owned();
    let so_far = Ended::of(task);
    let body = TaskFinished {
        state: TaskState::Cancelled,
        success: false,
        error: Some(error),
        output: None,
        preview: String::new(),
        duration_ms: u64::try_from(so_far.active.as_millis()).unwrap_or(u64::MAX),
        attempts: task.attempts,
        cost_usd: so_far.cost,
        usage: so_far.usage,
        provider: Arc::clone(&run.spec.provider),
        model: Arc::clone(&run.spec.model),
        key: task.key,
        cached: false,
        truncated: false,
    };
    draft.task_event(no, task.agent, Body::TaskFinished(Box::new(body)));
    end_agent(draft, run, no, task.agent, Some(reason));
}

pub(super) fn end_agent(draft: &mut Draft, run: &Run, no: TaskNo, agent: AgentNo, reason: Option<String>) {
    let from = run.agent(agent).map_or(AgentState::Spawning, |agent| agent.state);
    draft.move_agent_because(no, agent, from, AgentState::Terminated, reason, None);
}

fn stop_message(run: &Run, why: StopWhy) -> String {
    match why {
        StopWhy::Killed => "stopped by the operator".to_owned(),
        StopWhy::Timeout => format!("took longer than its timeout of {}", seconds(run.limits.agent_timeout())),
        StopWhy::Limit => "stopped because a limit of the run was reached".to_owned(),
        StopWhy::Interrupted => "interrupted".to_owned(),
        StopWhy::Unusable => "stopped because the provider can't be used".to_owned(),
    }
}

/// A duration as users write it.
fn seconds(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}
