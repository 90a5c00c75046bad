//! One turn of the loop: an input, and all that follows from it.

use flightdeck::domain::{Effect, Event, Now, State};
use flightdeck::engine::decide::{self, Decision, Input, Refusal};

/// More decisions than this cannot follow from one input of a small run.
const MOST_FOLLOW_UPS: usize = 10_000;

/// What a turn led to.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) events: Vec<Event>,
    pub(crate) effects: Vec<Effect>,
}

/// Decides on `input` and on all that follows, as the engine's loop does.
pub(crate) fn take(state: &mut State, input: &Input, now: Now) -> Result<Turn, Refusal> {
    let decision = decide::decide(state, input, now)?;
    let mut turn = Turn::default();
    let concerned = decide::concerned(state, input, &decision);
    turn.carry_out(state, decision);
    let mut rounds = 0;
    while let Some(decision) = decide::follows(state, &concerned, now) {
        turn.carry_out(state, decision);
        rounds += 1;
        assert!(rounds < MOST_FOLLOW_UPS, "what follows from {input:?} never ends");
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
