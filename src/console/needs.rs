//! What needs the operator: limits that tripped, failures, money that is waited for, runs that
//! nobody is at work on. Facts only; the header counts them, and a pane lists them.

use super::action::Action;
use super::format::plural;
use super::keymap::{Context, KeyMap};
use super::view::View;
use crate::domain::state::Closing;
use crate::domain::{AgentState, Run, RunState, TaskState};

/// All of it, the most pressing first.
pub(crate) fn needs(view: &View) -> Vec<String> {
    let mut needs = view.run.as_deref().map(|run| of_run(run, &view.keys)).unwrap_or_default();
    let watched = view.run.as_ref().map(|run| run.id);
    let suspended = view.rows.iter().filter(|row| row.state == RunState::Suspended && Some(row.id) != watched).count();
    if suspended > 0 {
        let key = view.keys.key_of(Context::Agents, Action::Runs);
        needs.push(format!("{} suspended: {key} lists them", plural(suspended as u64, "run")));
    }
    needs
}

fn of_run(run: &Run, keys: &KeyMap) -> Vec<String> {
    let key = |action| keys.key_of(Context::Agents, action);
    let mut needs = Vec::new();
    if let Some(why) = run.closing.filter(|why| *why != Closing::Operator) {
        needs.push(format!("nothing more starts: {}", why.word()));
    } else if let Some(limit) = run.limit_hit.filter(|_| run.state.is_live()) {
        needs.push(format!("limit {limit} was reached"));
    }
    match run.state {
        RunState::Suspended => needs.push(format!("suspended: {} continues it", key(Action::ResumeAll))),
        RunState::Paused => needs.push(format!("the run is paused: {} resumes it", key(Action::ResumeAll))),
        _ => {}
    }
    // Calls at work give money back when they settle; without any, only the operator can help.
    let waiting = run.tasks_in(TaskState::WaitsForMoney);
    if waiting > 0 && run.agents_in(AgentState::Working) == 0 {
        needs.push(format!("{} for money", wait(waiting)));
    }
    let failed = run.tasks_in(TaskState::Failed);
    if failed > 0 {
        needs.push(format!("{failed} failed: {} shows only these", key(Action::Failures)));
    }
    needs
}

fn wait(number: u32) -> String {
    if number == 1 { "1 task waits".to_owned() } else { format!("{number} tasks wait") }
}
