//! The world: calls that are under way, and how they end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use flightdeck::domain::effect::CallOrder;
use flightdeck::domain::{CallEnd, Effect, ErrorKind, ModelPrice, Price, RunId, Sent};

use super::random::Random;
use crate::support::runs::{CallName, answered, cut_short, failed, name, usage};

/// A call that is under way.
struct Call {
    outcome: CallEnd,
    /// Counts up where its end was put off or brought forward.
    plan: u64,
    held: bool,
    /// Whether a hold keeps it from ending, as it does a process; a stream is read on.
    freezes: bool,
    /// Whether it only waits to go on.
    due: bool,
}

/// The end of a call, to be met after a while.
pub(super) struct Planned {
    pub(super) call: CallName,
    pub(super) plan: u64,
    pub(super) after: Duration,
}

#[derive(Default)]
pub(super) struct World {
    calls: BTreeMap<CallName, Call>,
    stopped_before: BTreeSet<CallName>,
    held_before: BTreeSet<CallName>,
    /// From here on, everything goes well.
    pub(super) calm: bool,
}

impl World {
    /// Performs an effect; what is planned is the end of a call.
    pub(super) fn perform(&mut self, random: &mut Random, effect: &Effect) -> Option<Planned> {
        match effect {
            Effect::Call(order) => self.call(random, order),
            Effect::Stop { run, task, call, .. } => self.stop(random, (*run, *task, *call)),
            Effect::Hold { run, task, call } => self.hold((*run, *task, *call), true),
            Effect::Release { run, task, call } => self.hold((*run, *task, *call), false),
            Effect::Wake { .. } => None,
        }
    }

    fn call(&mut self, random: &mut Random, order: &CallOrder) -> Option<Planned> {
        let name = name(order);
        let stopped = self.stopped_before.remove(&name);
        let (outcome, after) = if stopped {
            (cut_short(Sent::Nothing), Some(Duration::ZERO))
        } else {
            (self.outcome(random, order), self.duration(random))
        };
        let held = self.held_before.remove(&name);
        let call = Call { outcome, plan: 0, held, freezes: !stopped && random.chance(300), due: false };
        assert!(self.calls.insert(name, call).is_none(), "{name:?} is performed twice");
        after.map(|after| Planned { call: name, plan: 0, after })
    }

    fn outcome(&self, random: &mut Random, order: &CallOrder) -> CallEnd {
        let tokens = random.below(u64::from(order.max_tokens) + 1);
        let kind = if self.calm { 0 } else { random.below(200) };
        match kind {
            0..100 => answered(tokens),
            100..112 => {
                CallEnd { usage: Some(flightdeck::domain::Usage { estimated: true, ..usage(tokens) }), ..answered(0) }
            }
            112..120 => CallEnd { usage: None, ..answered(0) },
            120..124 => CallEnd { price: Some(CHEAPER), ..answered(tokens) },
            124..150 => {
                let mut end = failed(ErrorKind::RateLimited, true, Sent::Refused);
                let asked = random.chance(500).then(|| random.below(5000));
                if let Err(error) = &mut end.result {
                    error.retry_after_ms = asked;
                }
                end
            }
            150..170 => failed(ErrorKind::Provider, true, Sent::Maybe),
            170..176 => CallEnd { usage: Some(usage(tokens)), ..failed(ErrorKind::Provider, true, Sent::Maybe) },
            176..190 => failed(ErrorKind::Connection, true, Sent::Nothing),
            190..197 => failed(ErrorKind::Invalid, false, Sent::Refused),
            197 => failed(ErrorKind::Auth, false, Sent::Refused),
            _ => answered(u64::from(order.max_tokens) + 1 + tokens),
        }
    }

    /// Nothing: it never ends by itself.
    fn duration(&self, random: &mut Random) -> Option<Duration> {
        let most = if self.calm { 100 } else { random.pick(&[1, 100, 1000, 10_000, 40_000]) };
        let hangs = !self.calm && random.chance(40);
        (!hangs).then(|| Duration::from_micros(random.below(most * 1000)))
    }

    fn stop(&mut self, random: &mut Random, name: CallName) -> Option<Planned> {
        let Some(call) = self.calls.get_mut(&name) else {
            self.stopped_before.insert(name);
            return None;
        };
        if random.chance(750) {
            call.outcome = cut_short(Sent::Maybe);
        }
        call.freezes = false;
        call.plan += 1;
        Some(Planned { call: name, plan: call.plan, after: Duration::from_millis(random.below(1000)) })
    }

    fn hold(&mut self, name: CallName, held: bool) -> Option<Planned> {
        let Some(call) = self.calls.get_mut(&name) else {
            let _ = if held { self.held_before.insert(name) } else { self.held_before.remove(&name) };
            return None;
        };
        call.held = held;
        let goes_on = !held && std::mem::take(&mut call.due);
        goes_on.then_some(Planned { call: name, plan: call.plan, after: Duration::ZERO })
    }

    /// A planned moment has come: how the call ended, unless something came between.
    pub(super) fn end(&mut self, name: CallName, plan: u64) -> Option<CallEnd> {
        let call = self.calls.get_mut(&name).filter(|call| call.plan == plan)?;
        if call.held && call.freezes {
            call.due = true;
            return None;
        }
        self.calls.remove(&name).map(|call| call.outcome)
    }

    /// From here on, everything goes well, and what hung goes on.
    pub(super) fn calm_down(&mut self) -> Vec<Planned> {
        self.calm = true;
        let mut planned = Vec::new();
        for (name, call) in &mut self.calls {
            call.plan += 1;
            planned.push(Planned { call: *name, plan: call.plan, after: Duration::from_millis(10) });
        }
        planned
    }

    pub(super) fn crash(&mut self) {
        *self = Self { calm: self.calm, ..Self::default() };
    }

    pub(super) fn under_way(&self) -> impl Iterator<Item = &CallName> {
        self.calls.keys()
    }

    pub(super) fn count_of(&self, run: RunId) -> usize {
        self.calls.keys().filter(|name| name.0 == run).count()
    }

    /// Nothing: it is not under way, and nobody waits to hold it.
    pub(super) fn is_held(&self, name: &CallName) -> bool {
        self.calls.get(name).map_or_else(|| self.held_before.contains(name), |call| call.held)
    }
}

/// The price of another model that answered.
const CHEAPER: ModelPrice = ModelPrice { output: Price::from_nanos(1_000_000_000), ..ModelPrice::FREE };
