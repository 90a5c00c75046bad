//! Orders to the engine, with what is said once they are durable.

use crate::domain::{AgentNo, AgentState, Command, Order, Run, RunId, RunState, Targets};

use super::action::Action;
use super::format::plural;
use super::keymap::Context;
use super::view::View;
use super::wish::{Ask, Wish};

/// An order with its author.
pub(crate) fn order(by: &str, command: Command) -> Order {
    Order { by: by.to_owned(), reason: None, command }
}

/// Submits a command.
pub(crate) fn submit(by: &str, command: Command, done: String) -> Wish {
    Wish::Ask(Ask::Submit { order: Box::new(order(by, command)), done })
}

/// Why agents of the watched run can't be commanded, where that is so.
pub(crate) fn refusal(view: &View, run: &Run) -> Option<Wish> {
    let why = match run.state {
        state if state.is_final() => format!("this run has ended ({})", state.word()),
        RunState::Suspended => {
            let key = view.keys.key_of(Context::Agents, Action::ResumeAll);
            format!("this run is suspended: {key} continues it")
        }
        _ => return None,
    };
    Some(Wish::Warn(why))
}

/// Those of some agents that can still act.
pub(crate) fn living(run: &Run, agents: Vec<AgentNo>) -> Vec<AgentNo> {
    let lives = |no: &AgentNo| run.agent(*no).is_some_and(|agent| !agent.state.is_over());
    agents.into_iter().filter(lives).collect()
}

/// Holds agents.
pub(crate) fn pause(view: &View, run: &Run, agents: Vec<AgentNo>, by: &str) -> Wish {
    let is_free = |no: &AgentNo| run.agent(*no).is_some_and(|agent| agent.state != AgentState::Paused);
    let agents: Vec<_> = living(run, agents).into_iter().filter(is_free).collect();
    if let Some(refusal) = refusal(view, run) {
        return refusal;
    }
    if agents.is_empty() {
        return Wish::Warn("nothing to pause: paused already, or ended".to_owned());
    }
    let done = format!("paused {}", named(&agents));
    submit(by, Command::Pause(Targets::some(run.id, agents)), done)
}

/// Lets agents go on.
pub(crate) fn resume(view: &View, run: &Run, agents: Vec<AgentNo>, by: &str) -> Wish {
    if let Some(refusal) = refusal(view, run) {
        return refusal;
    }
    let is_held = |no: &AgentNo| run.agent(*no).is_some_and(|agent| agent.state == AgentState::Paused);
    let agents: Vec<_> = agents.into_iter().filter(is_held).collect();
    if agents.is_empty() {
        return Wish::Warn("nothing to resume: none of these is paused".to_owned());
    }
    let done = format!("resumed {}", named(&agents));
    submit(by, Command::Resume(Targets::some(run.id, agents)), done)
}

/// Holds a whole run.
pub(crate) fn pause_run(view: &View, run: &Run, by: &str) -> Wish {
    refusal(view, run).unwrap_or_else(|| submit(by, Command::Pause(Targets::all(run.id)), format!("paused {}", run.id)))
}

/// Lets a whole run go on, also one that is suspended.
pub(crate) fn resume_run(view: &View, run: &Run, by: &str) -> Wish {
    if run.state == RunState::Suspended {
        return reopen(run.id, by);
    }
    refusal(view, run)
        .unwrap_or_else(|| submit(by, Command::Resume(Targets::all(run.id)), format!("resumed {}", run.id)))
}

/// Continues a suspended run.
pub(crate) fn reopen(run: RunId, by: &str) -> Wish {
    submit(by, Command::Reopen(run), format!("{run} goes on"))
}

/// `agent 014`, `3 agents: 014, 015, 017`.
pub(crate) fn named(agents: &[AgentNo]) -> String {
    const SHOWN: usize = 6;
    let list: Vec<_> = agents.iter().take(SHOWN).map(|no| format!("{no:03}")).collect();
    match agents.len() {
        1 => format!("agent {}", list.concat()),
        number => {
            let more = if number > SHOWN { ", …" } else { "" };
            format!("{}: {}{more}", plural(number as u64, "agent"), list.join(", "))
        }
    }
}
