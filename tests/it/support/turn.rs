//! One turn of the loop: an input, and all that follows from it.

use std::collections::BTreeSet;

use flightdeck::domain::effect::Timer;
use flightdeck::domain::{Effect, Event, Now, RunId, State};
use flightdeck::engine::decide::{self, Decision, Input, Refusal};

/// More decisions than this cannot follow from one input of a small run.
const MOST_FOLLOW_UPS: usize = 10_000;

/// What a turn led to.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) events: Vec<Event>,
    pub(crate) effects: Vec<Effect>,
    /// How many agents a command concerned.
    pub(crate) agents: u32,
}

/// Decides on `input` and on all that follows, as the engine's loop does.
pub(crate) fn take(state: &mut State, input: &Input, now: Now) -> Result<Turn, Refusal> {
    let decision = decide::decide(state, input, now)?;
    let mut turn = Turn { agents: decision.agents, ..Turn::default() };
    let mut concerned: BTreeSet<RunId> = decision.events.iter().map(|event| event.run).collect();
    if let Input::Woke(Timer::Retry { run } | Timer::Run { run } | Timer::Call { run, .. }) = input {
        concerned.insert(*run);
    }
    turn.carry_out(state, decision);
    let shared = state.runs.values().filter(|run| run.spec.provider_max_concurrent.is_some());
    concerned.extend(shared.map(|run| run.id));
    for run in concerned {
        for round in 0.. {
            assert!(round < MOST_FOLLOW_UPS, "what follows from {input:?} never ends");
            let decision = decide::follow_up(state, run, now);
            if decision.is_empty() {
                break;
            }
            turn.carry_out(state, decision);
        }
    }
    Ok(turn)
}

impl Turn {
    fn carry_out(&mut self, state: &mut State, decision: Decision) {
        for event in &decision.events {
            state.apply(event).unwrap_or_else(|fault| panic!("{fault}: {event:?}"));
        }
        self.events.extend(decision.events);
        self.effects.extend(decision.effects);
    }
}
