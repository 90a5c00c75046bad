//! Live tails: what agents are saying right now. Never events; bounded, lossy, clean.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use super::handle::TailView;
use crate::domain::AgentId;
use crate::guard::{Gate, GateStream};
use crate::provider::LiveSink;

/// A tail is cut to the half of this when it has grown to it: a screen shows less.
const LONGEST: usize = 16 * 1024;
/// Output per second is measured over windows of this length.
const WINDOW: Duration = Duration::from_secs(2);

/// The tails of all agents with a call under way.
#[derive(Clone, Default)]
pub(super) struct Tails {
    tails: Arc<RwLock<HashMap<AgentId, Arc<Mutex<Tail>>>>>,
}

struct Tail {
    gate: GateStream,
    shown: String,
    aside: String,
    /// All bytes that came while the agent was held, also those that `aside` had to drop.
    aside_bytes: usize,
    held: bool,
    window: Instant,
    pieces: u32,
    pieces_before: u32,
}

impl Tails {
    /// Begins the tail of a call; what the agent said in an earlier one is dropped.
    #[must_use]
    pub(super) fn begin(&self, agent: AgentId, gate: &Gate) -> TailSink {
        let tail = Arc::new(Mutex::new(Tail {
            gate: gate.stream(),
            shown: String::new(),
            aside: String::new(),
            aside_bytes: 0,
            held: false,
            window: Instant::now(),
            pieces: 0,
            pieces_before: 0,
        }));
        self.tails.write().insert(agent, Arc::clone(&tail));
        TailSink { tail }
    }

    /// Drops the tail of a call that ended.
    pub(super) fn end(&self, agent: AgentId) {
        self.tails.write().remove(&agent);
    }

    /// Holds a tail, or shows what came meanwhile.
    pub(super) fn hold(&self, agent: AgentId, held: bool) {
        let Some(tail) = self.tails.read().get(&agent).cloned() else { return };
        let mut tail = tail.lock();
        tail.held = held;
        if !held {
            let aside = std::mem::take(&mut tail.aside);
            tail.aside_bytes = 0;
            tail.show(&aside);
        }
    }

    /// What the agent has said so far.
    #[must_use]
    pub(super) fn view(&self, agent: AgentId) -> Option<TailView> {
        let tail = self.tails.read().get(&agent).cloned()?;
        let tail = tail.lock();
        Some(TailView {
            text: tail.shown.clone(),
            aside: tail.aside_bytes,
            per_second: tail.per_second(Instant::now()),
        })
    }

    /// The last line that is not empty, at most `max` bytes of it: what a row of a table shows.
    #[must_use]
    pub(super) fn last_line(&self, agent: AgentId, max: usize) -> Option<(String, f32)> {
        let tail = self.tails.read().get(&agent).cloned()?;
        let tail = tail.lock();
        let line = tail.shown.rsplit('\n').map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
        let from = ceil_char(line, line.len().saturating_sub(max));
        Some((line.get(from..).unwrap_or_default().to_owned(), tail.per_second(Instant::now())))
    }
}

impl Tail {
    fn show(&mut self, text: &str) {
        let Self { gate, shown, .. } = self;
        gate.push(text, shown);
        cut_front(shown);
    }

    fn count(&mut self, now: Instant) {
        let age = now.duration_since(self.window);
        if age >= WINDOW {
            self.pieces_before = if age < WINDOW * 2 { self.pieces } else { 0 };
            self.pieces = 0;
            self.window = now;
        }
        self.pieces += 1;
    }

    #[allow(clippy::cast_precision_loss, reason = "a rate on a screen")]
    fn per_second(&self, now: Instant) -> f32 {
        let age = now.duration_since(self.window);
        match age {
            age if self.held || age >= WINDOW * 2 => 0.0,
            age => (self.pieces + self.pieces_before) as f32 / (age + WINDOW).as_secs_f32().max(0.1),
        }
    }
}

fn cut_front(text: &mut String) {
    if text.len() > LONGEST {
        let from = ceil_char(text, text.len() - LONGEST / 2);
        text.drain(..from);
    }
}

fn ceil_char(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// Where a provider writes what comes.
pub(super) struct TailSink {
    tail: Arc<Mutex<Tail>>,
}

impl LiveSink for TailSink {
    fn text(&mut self, text: &str) {
        let mut tail = self.tail.lock();
        tail.count(Instant::now());
        if tail.held {
            tail.aside_bytes += text.len();
            tail.aside.push_str(text);
            cut_front(&mut tail.aside);
        } else {
            tail.show(text);
        }
    }

    fn note(&mut self, text: &str) {
        self.text(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RunId;

    fn agent() -> AgentId {
        AgentId { run: RunId::from_random(1), no: 0 }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_while_held_is_kept_aside() {
        let tails = Tails::default();
        let mut sink = tails.begin(agent(), &Gate::default());
        sink.text("one ");
        tails.hold(agent(), true);
        sink.text("two");
        let view = tails.view(agent()).expect("a tail");
        assert_eq!((view.text.as_str(), view.aside), ("one ", 3));
        tails.hold(agent(), false);
        let view = tails.view(agent()).expect("a tail");
        assert_eq!((view.text.as_str(), view.aside), ("one two", 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_tail_is_bounded() {
        let tails = Tails::default();
        let mut sink = tails.begin(agent(), &Gate::default());
        for _ in 0..10_000 {
            sink.text("wörd ");
        }
        assert!(tails.view(agent()).expect("a tail").text.len() <= LONGEST);
        assert_eq!(tails.last_line(agent(), 5).expect("a tail").0, "wörd");
    }
}
