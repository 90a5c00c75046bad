//! The one gate through which every effect goes.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::call::{self, Surroundings};
use super::main_loop::Reported;
use crate::domain::effect::CallOrder;
use crate::domain::{AgentId, Effect, RunId, TaskNo};

/// After how long a call that was told to end is given up. The supervisor of a process tree takes a
/// few seconds at most.
const OVERDUE: Duration = Duration::from_secs(30);

type CallName = (RunId, TaskNo, u64);

/// Performs effects, and keeps the strings by which calls under way are held and ended.
pub(super) struct Perform {
    surroundings: Arc<Surroundings>,
    reports: mpsc::Sender<Reported>,
    calls: HashMap<CallName, Strings>,
    /// Calls that were stopped or held before they began: their events were not durable yet.
    stopped_before: HashSet<CallName>,
    held_before: HashSet<CallName>,
    tracker: TaskTracker,
}

struct Strings {
    agent: AgentId,
    cancel: CancellationToken,
    hold: watch::Sender<bool>,
}

impl Perform {
    pub(super) fn new(surroundings: Arc<Surroundings>, reports: mpsc::Sender<Reported>) -> Self {
        Self {
            surroundings,
            reports,
            calls: HashMap::new(),
            stopped_before: HashSet::new(),
            held_before: HashSet::new(),
            tracker: TaskTracker::new(),
        }
    }

    /// Performs one effect. Never blocks.
    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Call(order) => self.call(order),
            Effect::Stop { run, task, call, .. } => {
                let name = (run, task, call);
                match self.calls.get(&name) {
                    Some(strings) => strings.cancel.cancel(),
                    None => drop(self.stopped_before.insert(name)),
                }
            }
            Effect::Hold { run, task, call } => self.hold((run, task, call), true),
            Effect::Release { run, task, call } => self.hold((run, task, call), false),
            // Timers are the loop's own.
            Effect::Wake { .. } => {}
        }
    }

    /// A call's end was heard: nothing of it is left.
    pub(super) fn forget(&mut self, run: RunId, task: TaskNo, call: u64) {
        if let Some(strings) = self.calls.remove(&(run, task, call)) {
            self.surroundings.tails.end(strings.agent);
        }
    }

    /// A run has ended or was let go: its texts are not needed any more.
    pub(super) fn run_is_over(&self, run: RunId) {
        self.surroundings.texts.drop_run(run);
    }

    /// Waits until nothing of any call goes on.
    pub(super) async fn close(&mut self) {
        for strings in self.calls.values() {
            strings.cancel.cancel();
        }
        self.tracker.close();
        self.tracker.wait().await;
    }

    fn hold(&mut self, name: CallName, held: bool) {
        if let Some(strings) = self.calls.get(&name) {
            strings.hold.send_replace(held);
            self.surroundings.tails.hold(strings.agent, held);
        } else if held {
            self.held_before.insert(name);
        } else {
            self.held_before.remove(&name);
        }
    }

    fn call(&mut self, order: CallOrder) {
        let name = (order.run, order.task, order.call);
        let agent = AgentId { run: order.run, no: order.agent };
        let held = self.held_before.remove(&name);
        let (hold, is_held) = watch::channel(held);
        let cancel = CancellationToken::new();
        if self.stopped_before.remove(&name) {
            cancel.cancel();
        }
        let sink = self.surroundings.tails.begin(agent, &self.surroundings.gate);
        self.surroundings.tails.hold(agent, held);
        self.calls.insert(name, Strings { agent, cancel: cancel.clone(), hold });
        let surroundings = Arc::clone(&self.surroundings);
        let reports = self.reports.clone();
        let (lost, stopped) = (order.clone(), cancel.clone());
        self.tracker.spawn(async move {
            let made = AssertUnwindSafe(call::make(surroundings, order, sink, cancel, is_held)).catch_unwind();
            let overdue = async {
                stopped.cancelled().await;
                sleep(OVERDUE).await;
            };
            // Whatever a provider does, the end of its call is reported: a task, its slot and its
            // reservation hang on it.
            let reported = tokio::select! {
                biased;
                made = made => made.unwrap_or_else(|_| call::lost(&lost, "the provider failed in an unforeseen way")),
                () = overdue => call::lost(&lost, "the provider did not end the call when it was told to"),
            };
            // Bounded: a loop that is busy with the disk makes calls that ended wait here. It
            // only fails once the loop has stopped, and then nobody is there to be told.
            let _ = reports.send(reported).await;
        });
    }
}

/// However the loop ends, no call outlives it.
impl Drop for Perform {
    fn drop(&mut self) {
        for strings in self.calls.values() {
            strings.cancel.cancel();
        }
    }
}
