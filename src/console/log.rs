//! The events of the watched run as lines, as many as an operator scrolls back.

use std::collections::VecDeque;

use crate::domain::describe::describe;
use crate::domain::event::{Body, Settlement};
use crate::domain::{AgentNo, Event, Severity, Wall};
use crate::guard::Gate;

/// How many lines are kept; the oldest go first. Older ones stay in the store.
const KEPT: usize = 5_000;
/// The longest line: wider than any screen.
const LONGEST: usize = 400;

/// One event for the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its place in the run.
    pub(crate) seq: u64,
    /// When.
    pub(crate) at: Wall,
    /// How much it matters.
    pub(crate) severity: Severity,
    /// Whom it is about.
    pub(crate) agent: Option<AgentNo>,
    /// What happened; it has passed the gate.
    pub(crate) text: String,
}

impl Entry {
    fn of(event: &Event, gate: &Gate) -> Self {
        Self {
            seq: event.seq,
            at: event.at,
            severity: event.body.severity(),
            agent: event.agent,
            text: gate.line(&describe(event), LONGEST),
        }
    }
}

/// Two bounded rings: all events, and those that matter. So no frame has to look for what it shows.
#[derive(Debug, Default)]
pub(crate) struct Log {
    all: VecDeque<Entry>,
    notable: VecDeque<Entry>,
}

impl Log {
    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes what happened, in order; what is known already is passed over.
    pub(crate) fn push(&mut self, events: &[Event], gate: &Gate) {
        let last = self.all.back().map_or(0, |entry| entry.seq);
        // Of a flood only its end can be shown: the rest need not be put into words.
        let from = events.len().saturating_sub(KEPT);
        for event in events.iter().skip(from).filter(|event| event.seq > last) {
            let entry = Entry::of(event, gate);
            if is_notable(event) {
                keep(&mut self.notable, entry.clone());
            }
            keep(&mut self.all, entry);
        }
    }

    /// Takes what happened before the first that is known.
    pub(crate) fn prepend(&mut self, events: &[Event], gate: &Gate) {
        let first = self.all.front().map_or(u64::MAX, |entry| entry.seq);
        for event in events.iter().rev().filter(|event| event.seq < first) {
            let entry = Entry::of(event, gate);
            if is_notable(event) && self.notable.len() < KEPT {
                self.notable.push_front(entry.clone());
            }
            if self.all.len() < KEPT {
                self.all.push_front(entry);
            }
        }
    }

    /// The lines, oldest first.
    pub(crate) fn lines(&self, verbose: bool) -> &VecDeque<Entry> {
        if verbose { &self.all } else { &self.notable }
    }

    /// The last warnings and errors, newest first.
    pub(crate) fn troubles(&self) -> impl Iterator<Item = &Entry> {
        self.notable.iter().rev().filter(|entry| entry.severity >= Severity::Warn)
    }
}

/// What an operator reads. How a call ended is told by what becomes of its task; only money that
/// stays held is news of its own.
fn is_notable(event: &Event) -> bool {
    match &event.body {
        Body::CallFinished(finished) => finished.settlement == Settlement::Unconfirmed,
        body => body.severity() > Severity::Debug,
    }
}

fn keep(ring: &mut VecDeque<Entry>, entry: Entry) {
    if ring.len() == KEPT {
        ring.pop_front();
    }
    ring.push_back(entry);
}
