//! Events and effects as short lines; what happens to one task in a row is one line.

use flightdeck::domain::event::{CallFinished, TaskFinished};
use flightdeck::domain::{Body, Effect, Event, Money, Run, RunId, Totals};

pub(super) fn events(events: &[Event]) -> Vec<String> {
    let same_task = |one: &Event, next: &Event| one.task.is_some() && (one.run, one.task) == (next.run, next.task);
    events.chunk_by(same_task).map(line).collect()
}

fn line(events: &[Event]) -> String {
    let about = run(events[0].run).to_owned() + &events[0].task.map_or_else(String::new, |no| format!("{no}: "));
    about + &events.iter().map(event).collect::<Vec<_>>().join(", ")
}

fn event(event: &Event) -> String {
    let rest = match &event.body {
        Body::RunCreated(created) => format!(" by {}", created.by),
        Body::TasksCreated(created) => format!(" {} from {}", created.tasks.len(), created.first),
        Body::RunStarted(started) => format!(" {} tasks, {} cached", started.tasks, started.cached),
        Body::RunFinished(finished) => {
            let stopped = finished.stopped_by.as_ref().map_or_else(String::new, |by| format!(", stopped by {by}"));
            let (ok, failed, cancelled) = (finished.succeeded, finished.failed, finished.cancelled);
            format!(" {}: {ok} ok, {failed} failed, {cancelled} cancelled{stopped}", finished.state.word())
        }
        Body::TaskStarted(started) => format!(" {}", started.attempt),
        Body::TaskWaits(waits) => format!(" for {}: {} of {}", waits.waits_for, waits.needs_usd, waits.free_usd),
        Body::TaskRetrying(retrying) => {
            format!(" after {} of {}: {}", retrying.attempt, retrying.of, retrying.error.kind.word())
        }
        Body::TaskFinished(finished) => task_finished(finished),
        Body::AgentState(changed) => return format!("{}>{}", changed.moved.from.word(), changed.moved.to.word()),
        Body::CallStarted(started) => {
            let lowered = if started.lowered { " lowered" } else { "" };
            format!(" {}{lowered}", started.bound_usd)
        }
        Body::CallStopping(stopping) => format!(" {:?}", stopping.why).to_lowercase(),
        Body::CallFinished(finished) => call_finished(finished),
        Body::LimitReached(reached) => {
            format!(" {}{}", reached.limit, if reached.stops_run { ", stops the run" } else { "" })
        }
        Body::LimitsChanged(changed) => {
            let budget = changed.to.max_total_cost_usd.map_or_else(|| "none".to_owned(), |budget| budget.to_string());
            format!(" budget {budget}, {} at once", changed.to.max_parallel)
        }
        Body::BoundExceeded(exceeded) => format!(" {} over {}", exceeded.cost_usd, exceeded.bound_usd),
        Body::OperatorAction(action) => {
            let whole = if action.whole_run { ", whole run" } else { "" };
            format!(" {} {} agents{whole}", action.action, action.agents)
        }
        Body::RunPaused(_) | Body::RunResumed(_) | Body::RunSuspended(_) | Body::TaskInterrupted(_) => String::new(),
    };
    format!("{}{rest}", event.body.kind())
}

fn task_finished(finished: &TaskFinished) -> String {
    let error = finished.error.as_ref().map(|error| error.kind.word());
    let marks = [finished.cached.then_some("cached"), finished.truncated.then_some("truncated"), error];
    let marks: String = marks.into_iter().flatten().flat_map(|mark| [" ", mark]).collect();
    format!(" {} {}{marks}", finished.state.word(), finished.cost_usd)
}

fn call_finished(finished: &CallFinished) -> String {
    let stopped = finished.stopped.map_or_else(String::new, |why| format!(" {why:?}").to_lowercase());
    let settlement = format!(" {:?}", finished.settlement).to_lowercase();
    let held = if finished.held_usd > Money::ZERO { format!(" held {}", finished.held_usd) } else { String::new() };
    format!("{stopped}{settlement} {}{held}", finished.cost_usd)
}

/// Nothing for timers: they fire as time passes.
pub(super) fn effect(effect: &Effect) -> Option<String> {
    match effect {
        Effect::Call(order) => Some(format!("! {}call {} {} tokens", run(order.run), order.task, order.max_tokens)),
        Effect::Stop { run: id, task, why, .. } => Some(format!("! {}stop {task} {why:?}", run(*id)).to_lowercase()),
        Effect::Hold { run: id, task, .. } => Some(format!("! {}hold {task}", run(*id))),
        Effect::Release { run: id, task, .. } => Some(format!("! {}release {task}", run(*id))),
        Effect::Wake { .. } => None,
    }
}

pub(super) fn money(totals: &Totals) -> String {
    format!("spent {} unconfirmed {} reserved {}", totals.spent, totals.unconfirmed, totals.reserved)
}

pub(super) fn tasks(run: &Run) -> String {
    let states: Vec<&str> = run.tasks.iter().map(|task| task.state.word()).collect();
    format!("{}: {} slots={}", run.state.word(), states.join(" "), run.slots)
}

fn run(id: RunId) -> &'static str {
    match id.number() {
        1 => "",
        2 => "b ",
        _ => "? ",
    }
}
