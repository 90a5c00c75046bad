//! Events as people read them: one line each.

use std::time::Duration;

use super::effect::StopWhy;
use super::event::{
    AgentStateChanged, Body, CallFinished, CallStarted, Event, LimitsChanged, OperatorAction, RunFinished, Settlement,
    TaskFinished, TaskRetrying, Why,
};
use super::figures::{amount, count, duration, kind, plural};
use super::limits::Limits;
use super::task::TaskError;

/// What happened, in one line; it still has to pass the gate.
#[must_use]
pub fn describe(event: &Event) -> String {
    match &event.body {
        Body::RunCreated(created) => {
            format!("run asked for by {}: {} on {}", created.by, created.spec.model, created.spec.provider)
        }
        Body::TasksCreated(created) => format!("{} checked and stored", plural(created.tasks.len() as u64, "task")),
        Body::RunStarted(started) if started.cached > 0 => {
            format!("run started: {}, {} answered by stored results", tasks(started.tasks), started.cached)
        }
        Body::RunStarted(started) => format!("run started: {}", tasks(started.tasks)),
        Body::RunPaused(why) => with_reason("run paused", why),
        Body::RunResumed(why) => with_reason("run goes on", why),
        Body::RunSuspended(why) => with_reason("run suspended", why),
        Body::RunFinished(finished) => run_finished(finished),
        Body::TaskStarted(started) if started.attempt > 1 => format!("started, attempt {}", started.attempt),
        Body::TaskStarted(_) => "started".to_owned(),
        Body::TaskWaits(waits) => format!(
            "waits for {}: needs up to {}, {} is free",
            waits.waits_for,
            amount(waits.needs_usd),
            amount(waits.free_usd)
        ),
        Body::TaskRetrying(retrying) => task_retrying(retrying),
        Body::TaskInterrupted(why) => with_reason("interrupted, back in the queue", why),
        Body::TaskFinished(finished) => task_finished(finished),
        Body::AgentState(changed) => agent_state(changed),
        Body::CallStarted(started) => call_started(started),
        Body::CallStopping(stopping) => format!("call is being ended: {}", why_stopped(stopping.why)),
        Body::CallFinished(finished) => call_finished(finished),
        Body::LimitReached(reached) if reached.stops_run => {
            format!("limit {}: {}; nothing more starts", reached.limit, reached.message)
        }
        Body::LimitReached(reached) => format!("limit {}: {}", reached.limit, reached.message),
        Body::LimitsChanged(changed) => limits_changed(changed),
        Body::BoundExceeded(exceeded) => format!(
            "call cost {}, more than its bound of {}: nothing more is admitted",
            amount(exceeded.cost_usd),
            amount(exceeded.bound_usd)
        ),
        Body::OperatorAction(action) => operator_action(action),
    }
}

fn limits_changed(changed: &LimitsChanged) -> String {
    let (from, to) = (&changed.from, &changed.to);
    let budget = |limits: &Limits| limits.max_total_cost_usd.map_or_else(|| "none".to_owned(), amount);
    let mut parts = Vec::new();
    if from.max_total_cost_usd != to.max_total_cost_usd {
        parts.push(format!("budget {} → {}", budget(from), budget(to)));
    }
    if from.max_parallel != to.max_parallel {
        parts.push(format!("agents at once {} → {}", from.max_parallel, to.max_parallel));
    }
    format!("limits changed: {}", parts.join(", "))
}

fn tasks(number: u32) -> String {
    plural(u64::from(number), "task")
}

fn with_reason(what: &str, why: &Why) -> String {
    if why.reason.is_empty() { what.to_owned() } else { format!("{what}: {}", why.reason) }
}

fn millis(millis: u64) -> String {
    duration(Duration::from_millis(millis))
}

fn error(error: &TaskError) -> String {
    format!("{}: {}", kind(error.kind), error.message)
}

fn run_finished(finished: &RunFinished) -> String {
    let stopped = finished.stopped_by.as_ref().map(|by| format!(", stopped by {by}")).unwrap_or_default();
    format!(
        "run {} after {}: {} done, {} failed, {} stopped{stopped}",
        finished.state.word(),
        millis(finished.duration_ms),
        finished.succeeded,
        finished.failed,
        finished.cancelled
    )
}

fn task_retrying(retrying: &TaskRetrying) -> String {
    format!(
        "{} (attempt {} of {}), tries again in {}",
        error(&retrying.error),
        retrying.attempt,
        retrying.of,
        millis(retrying.wait_ms)
    )
}

fn task_finished(finished: &TaskFinished) -> String {
    if finished.cached {
        return "done: answered by a stored result, costs nothing".to_owned();
    }
    let estimated = if finished.usage.estimated { "~" } else { "" };
    let spent = format!("{} in {}", amount(finished.cost_usd), millis(finished.duration_ms));
    match &finished.error {
        Some(problem) => format!("{}: {}, {spent}", finished.state.word(), error(problem)),
        None => format!(
            "done: {estimated}{} in, {estimated}{} out, {spent}{}",
            count(finished.usage.input_tokens + finished.usage.cache_read_tokens + finished.usage.cache_write_tokens),
            count(finished.usage.output_tokens),
            if finished.truncated { ", truncated" } else { "" }
        ),
    }
}

fn agent_state(changed: &AgentStateChanged) -> String {
    let mut text = format!("{} → {}", changed.moved.from.word(), changed.moved.to.word());
    if let Some(reason) = &changed.reason {
        text.push_str(": ");
        text.push_str(reason);
    }
    if let Some(receipt) = &changed.receipt {
        let mut proven = Vec::new();
        if receipt.call.stream_closed {
            proven.push("stream closed");
        }
        if receipt.call.tree_gone == Some(true) {
            proven.push("process tree gone");
        }
        proven.push(match receipt.reservation {
            Settlement::None => "nothing was reserved",
            Settlement::Settled => "settled",
            Settlement::Released => "reservation released",
            Settlement::Unconfirmed => "held as unconfirmed",
        });
        text = format!("{text} ({})", proven.join(", "));
    }
    text
}

fn call_started(started: &CallStarted) -> String {
    format!(
        "call to {} on {}: up to {} reserved, at most {} tokens{}",
        started.model,
        started.provider,
        amount(started.bound_usd),
        started.max_tokens,
        if started.lowered { " (lowered to what is affordable)" } else { "" }
    )
}

fn call_finished(finished: &CallFinished) -> String {
    let cost = match finished.settlement {
        Settlement::Unconfirmed => format!("{} held as unconfirmed", amount(finished.held_usd)),
        Settlement::Released => "reservation released".to_owned(),
        Settlement::None | Settlement::Settled => amount(finished.cost_usd),
    };
    if let Some(problem) = &finished.error {
        let status = problem.status.map(|status| format!(" ({status})")).unwrap_or_default();
        return format!("call failed: {}{status}: {}; {cost}", kind(problem.kind), problem.message);
    }
    let tokens = finished.usage.map_or_else(
        || "usage unknown".to_owned(),
        |usage| {
            let estimated = if usage.estimated { "~" } else { "" };
            format!("{estimated}{} in, {estimated}{} out", count(usage.input_tokens), count(usage.output_tokens))
        },
    );
    let stopped = finished.stopped.map(|why| format!(", ended early: {}", why_stopped(why))).unwrap_or_default();
    format!("call finished in {}: {tokens}, {cost}{stopped}", millis(finished.duration_ms))
}

const fn why_stopped(why: StopWhy) -> &'static str {
    match why {
        StopWhy::Killed => "killed by the operator",
        StopWhy::Timeout => "its time is up",
        StopWhy::Limit => "a limit of the run",
        StopWhy::Interrupted => "the engine lets go of the run",
        StopWhy::Unusable => "the provider can't be used",
    }
}

fn operator_action(action: &OperatorAction) -> String {
    let what = if action.whole_run { "the run".to_owned() } else { plural(u64::from(action.agents), "agent") };
    let reason = action.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{}: {} {what}{reason}", action.by, action.action)
}
