//! What the console knows: facts folded from what the engine tells, and nothing else. Panes read
//! it and never change it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use chrono::FixedOffset;

use crate::domain::event::Body;
use crate::domain::{AgentNo, AgentState, Event, FoldError, Mono, Now, ProviderKind, Run, RunId, RunState};
use crate::engine::handle::TailView;
use crate::guard::Gate;
use crate::provider::Descriptor;
use crate::store::rows::RunRow;

use super::burn::Burn;
use super::keymap::KeyMap;
use super::log::Log;

/// How many beginnings of outputs are kept; the oldest go first.
const PREVIEWS: usize = 4_096;

/// Everything that panes draw from.
pub(crate) struct View {
    /// The moment that is shown.
    pub(crate) now: Now,
    /// What every text passes before it is shown.
    pub(crate) gate: Gate,
    /// The run that is watched.
    pub(crate) run: Option<Box<Run>>,
    /// The run that was asked for and has not come yet.
    pub(crate) opening: Option<RunId>,
    /// What the log says of the watched run's state, where the list of runs knows better.
    logged: Option<RunState>,
    /// Runs that this process is at work on.
    pub(crate) own: BTreeSet<RunId>,
    /// The keys, for texts that mention one.
    pub(crate) keys: KeyMap,
    /// The runs of the home, newest first.
    pub(crate) rows: Vec<RunRow>,
    /// The providers that are configured.
    pub(crate) providers: Vec<Descriptor>,
    /// The events of the watched run.
    pub(crate) log: Log,
    /// How fast its money goes.
    pub(crate) burn: Burn,
    /// What agents that are in sight are saying.
    pub(crate) tails: BTreeMap<AgentNo, TailView>,
    /// Whether this is the demonstration.
    pub(crate) demo: bool,
    /// Where everything is kept, for people.
    pub(crate) home: String,
    /// The time zone in which times are shown.
    pub(crate) zone: FixedOffset,
    previews: BTreeMap<AgentNo, String>,
    preview_order: VecDeque<AgentNo>,
}

impl View {
    /// Nothing known yet.
    pub(crate) fn new(gate: Gate, keys: KeyMap, home: String, zone: FixedOffset, demo: bool) -> Self {
        Self {
            now: Now::default(),
            gate,
            run: None,
            opening: None,
            logged: None,
            own: BTreeSet::new(),
            keys,
            rows: Vec::new(),
            providers: Vec::new(),
            log: Log::default(),
            burn: Burn::default(),
            tails: BTreeMap::new(),
            demo,
            home,
            zone,
            previews: BTreeMap::new(),
            preview_order: VecDeque::new(),
        }
    }

    /// A run as it is: what was folded of another is forgotten.
    pub(crate) fn replace(&mut self, run: Box<Run>) {
        if self.run.as_ref().is_none_or(|known| known.id != run.id) {
            self.log.clear();
            self.burn.clear();
            self.previews.clear();
            self.preview_order.clear();
        }
        self.tails.clear();
        self.opening = None;
        self.burn.note(self.now.wall, run.money.spent);
        self.run = Some(run);
        self.logged = None;
        self.note_owner();
    }

    /// Takes the list of runs.
    pub(crate) fn list(&mut self, rows: Vec<RunRow>) {
        self.rows = rows;
        self.note_owner();
    }

    /// A process that died put down nothing about it: that its run is suspended is known from the
    /// list alone. The log goes on as if it were at work.
    fn note_owner(&mut self) {
        let Some(run) = self.run.as_mut() else { return };
        let lost = |row: &RunRow| row.id == run.id && row.state == RunState::Suspended;
        if run.state.is_live() && !self.own.contains(&run.id) && self.rows.iter().any(lost) {
            self.logged = Some(std::mem::replace(&mut run.state, RunState::Suspended));
        }
    }

    /// The other process that is at work on the watched run.
    pub(crate) fn elsewhere(&self) -> Option<u32> {
        let run = self.run.as_ref().filter(|run| run.state.is_live() && !self.own.contains(&run.id))?;
        self.rows.iter().find(|row| row.id == run.id)?.owner.as_ref().map(|owner| owner.pid)
    }

    /// Folds what happened since. On an error the run has to be watched anew.
    pub(crate) fn apply(&mut self, events: &[Event]) -> Result<(), FoldError> {
        let Some(run) = self.run.as_mut() else { return Ok(()) };
        // A snapshot may be ahead of the events that were already under way.
        let (id, known) = (run.id, run.last_seq);
        for event in events.iter().filter(|event| event.run == id && event.seq > known) {
            if let Some(state) = self.logged.take() {
                run.state = state;
            }
            run.apply(event)?;
            self.burn.note(event.at, run.money.spent);
        }
        self.log.push(events, &self.gate);
        self.take_previews(events);
        Ok(())
    }

    /// Takes events from before the watch began.
    pub(crate) fn older(&mut self, events: &[Event]) {
        self.log.prepend(events, &self.gate);
        self.take_previews(events);
    }

    fn take_previews(&mut self, events: &[Event]) {
        for event in events {
            let (Some(agent), Body::TaskFinished(finished)) = (event.agent, &event.body) else { continue };
            if finished.preview.is_empty() {
                continue;
            }
            if self.preview_order.len() == PREVIEWS
                && let Some(oldest) = self.preview_order.pop_front()
            {
                self.previews.remove(&oldest);
            }
            self.previews.insert(agent, self.gate.line(&finished.preview, 200));
            self.preview_order.push_back(agent);
        }
    }

    /// The beginning of an agent's output, where its end was seen.
    pub(crate) fn preview(&self, agent: AgentNo) -> Option<&str> {
        self.previews.get(&agent).map(String::as_str)
    }

    /// Whether this process is at work on the watched run.
    pub(crate) fn is_own(&self) -> bool {
        self.run.as_ref().is_some_and(|run| self.own.contains(&run.id))
    }

    /// Whether the watched run is at work.
    pub(crate) fn is_live(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.state.is_live())
    }

    /// Whether somebody in the watched run is saying something.
    pub(crate) fn is_busy(&self) -> bool {
        self.is_live() && self.run.as_ref().is_some_and(|run| run.agents_in(AgentState::Working) > 0)
    }

    /// Whether what is shown is simulated.
    pub(crate) fn is_simulated(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.spec.kind == ProviderKind::Sim)
    }

    /// Now on the clock of the watched run's deadlines: events of other processes come from the
    /// log, and there only the wall clock means anything.
    pub(crate) fn mono(&self) -> Mono {
        if self.is_own() { self.now.mono } else { wall_as_mono(self.now) }
    }

    /// From the start of the watched run to now, or to its end.
    pub(crate) fn elapsed(&self) -> Duration {
        let Some(run) = self.run.as_ref() else { return Duration::ZERO };
        let until = match run.state {
            RunState::Suspended => run.last_at,
            _ => run.ended.unwrap_or(self.now.wall),
        };
        run.started.map_or(Duration::ZERO, |started| until.since(started))
    }

    /// The price per token is nothing: money tells nothing of this run.
    pub(crate) fn is_free_of_charge(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.spec.price.is_free() && run.money.budget.is_none())
    }
}

/// What an event read from the log has for a monotonic time.
fn wall_as_mono(now: Now) -> Mono {
    Mono(u64::try_from(now.wall.0).unwrap_or(0).saturating_mul(1_000))
}
