//! The loop: one writer, a total order per run. It decides and applies in memory and never waits
//! for the disk; effects, answers and readers are let go once what they rest on is durable.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::sleep_until;
use tracing::error;

use super::clock::Clock;
use super::decide::{self, Decision, Input, Refusal};
use super::handle::Ack;
use super::pending::{Pending, Released, Reply, SnapshotReply};
use super::perform::Perform;
use super::writer::{Writer, Written};
use crate::domain::effect::Timer;
use crate::domain::{Command, Effect, Event, Mono, Order, Report, Run, RunId, RunState, State};
use crate::store::{Owner, Sealed};

/// How many inputs are taken before what they led to is handed to the store.
const AT_ONCE: usize = 256;
/// While more events than this wait for the disk, no reports are taken: calls that ended wait in
/// their own tasks, and nothing new starts. Commands are always taken: stops must work.
const MOST_PENDING: usize = 100_000;

/// What is asked of the loop.
pub(super) enum Ask {
    /// A command, with the content that its events name.
    Order { order: Order, contents: Vec<Sealed>, reply: Option<Reply> },
    /// A run as it is, once that is durable.
    Snapshot { run: RunId, reply: SnapshotReply },
    /// A run that was folded from the log, to be at work on.
    Adopt { run: Box<Run>, by: String, reply: Reply },
    /// Let go of all runs, and stop once that is durable.
    Stop,
}

/// A report with the content that it names.
pub(super) struct Reported {
    pub(super) report: Report,
    pub(super) contents: Vec<Sealed>,
}

/// What keeps the engine from working, for the screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// Why nothing is durable at the moment; nothing: all is well.
    pub store: Option<String>,
}

pub(super) struct MainLoop {
    pub(super) clock: Clock,
    pub(super) state: State,
    pub(super) asks: mpsc::Receiver<Ask>,
    pub(super) reports: mpsc::Receiver<Reported>,
    pub(super) written: mpsc::Receiver<Written>,
    pub(super) writer: Writer,
    pub(super) perform: Perform,
    pub(super) feed: broadcast::Sender<std::sync::Arc<[Event]>>,
    pub(super) health: watch::Sender<Health>,
    pub(super) owner: Owner,
    pub(super) pending: Pending,
    pub(super) writing: Option<Released>,
    pub(super) timers: BinaryHeap<Reverse<(Mono, Timer)>>,
    pub(super) stopping: bool,
    /// Nobody is left who could ask for anything.
    pub(super) deaf: bool,
}

impl MainLoop {
    /// Runs until it is told to stop and nothing is left to do.
    pub(super) async fn run(mut self) {
        loop {
            self.flush();
            if self.stopping && (self.cannot_write() || self.writing.is_none() && self.is_quiet()) {
                break;
            }
            let next_timer = self.timers.peek().map(|Reverse((at, _))| self.clock.instant(*at));
            let take_reports = self.pending.events() < MOST_PENDING;
            tokio::select! {
                biased;
                ask = self.asks.recv(), if !self.deaf => {
                    if let Some(ask) = ask {
                        self.take_asks(ask);
                    } else {
                        self.deaf = true;
                        self.stop();
                    }
                }
                written = self.written.recv() => match written {
                    Some(written) => self.written(written),
                    None => self.give_up(),
                },
                Some(reported) = self.reports.recv(), if take_reports => self.take_reports(reported),
                () = async { if let Some(at) = next_timer { sleep_until(at).await } }, if next_timer.is_some() => {
                    self.wake();
                }
            }
        }
        // Ends that nobody will hear must not wait for a place in the queue.
        self.reports.close();
        self.perform.close().await;
    }

    fn take_asks(&mut self, first: Ask) {
        self.asked(first);
        for _ in 1..AT_ONCE {
            let Ok(ask) = self.asks.try_recv() else { break };
            self.asked(ask);
        }
    }

    fn take_reports(&mut self, first: Reported) {
        self.reported(first);
        for _ in 1..AT_ONCE {
            let Ok(reported) = self.reports.try_recv() else { break };
            self.reported(reported);
        }
    }

    fn asked(&mut self, ask: Ask) {
        if self.stopping && begins_work(&ask) {
            // Dropping the reply says that the engine has stopped.
            return;
        }
        match ask {
            Ask::Order { order, contents, reply } => {
                self.pending.contents(contents);
                let answer = self.step(&Input::Asked(order));
                match (answer, reply) {
                    (Ok(ack), Some(reply)) => self.pending.reply(reply, ack),
                    // Nobody waits for the answer any more where this fails.
                    (Err(refusal), Some(reply)) => drop(reply.send(Err(refusal))),
                    (_, None) => {}
                }
            }
            Ask::Snapshot { run, reply } => match self.state.runs.get(&run) {
                Some(run) => self.pending.snapshot(reply, run.clone()),
                None => drop(reply.send(None)),
            },
            Ask::Adopt { run, by, reply } => self.adopt(*run, by, reply),
            Ask::Stop => self.stop(),
        }
    }

    /// Takes a run up in one step: a suspended run that only lay here would be dropped with the
    /// next batch.
    fn adopt(&mut self, run: Run, by: String, reply: Reply) {
        let id = run.id;
        if self.state.runs.contains_key(&id) {
            drop(reply.send(Err(Refusal::Exists(id))));
            return;
        }
        self.state.runs.insert(id, run);
        match self.step(&Input::Asked(Order { by, reason: None, command: Command::Reopen(id) })) {
            Ok(ack) => self.pending.reply(reply, ack),
            Err(refusal) => {
                self.state.runs.remove(&id);
                drop(reply.send(Err(refusal)));
            }
        }
    }

    fn reported(&mut self, reported: Reported) {
        let Report::CallEnded { run, task, call, .. } = &reported.report;
        self.perform.forget(*run, *task, *call);
        self.pending.contents(reported.contents);
        // Reports are never refused.
        let _ = self.step(&Input::Reported(reported.report));
    }

    fn wake(&mut self) {
        let now = self.clock.now().mono;
        while let Some(Reverse((at, timer))) = self.timers.peek().copied() {
            if at > now {
                break;
            }
            self.timers.pop();
            let _ = self.step(&Input::Woke(timer));
        }
    }

    fn stop(&mut self) {
        if std::mem::replace(&mut self.stopping, true) {
            return;
        }
        let live: Vec<RunId> = self.state.runs.values().filter(|run| run.state.is_live()).map(|run| run.id).collect();
        for run in live {
            let order = Order {
                by: "flightdeck".to_owned(),
                reason: Some("it stops".to_owned()),
                command: Command::Suspend(run),
            };
            let _ = self.step(&Input::Asked(order));
        }
    }

    /// Whether the store fails: then waiting for it would never end. What is not durable was never
    /// acknowledged, and no effect that rests on it was performed.
    fn cannot_write(&self) -> bool {
        self.health.borrow().store.is_some()
    }

    /// Whether nothing is under way and nothing waits for the disk.
    fn is_quiet(&self) -> bool {
        self.pending.is_empty() && self.state.runs.values().all(|run| !run.state.is_live())
    }

    /// Decides on one input and on all that follows from it.
    fn step(&mut self, input: &Input) -> Result<Ack, Refusal> {
        let now = self.clock.now();
        let decision = decide::decide(&self.state, input, now)?;
        let ack = Ack { agents: decision.agents };
        let concerned = decide::concerned(&self.state, input, &decision);
        self.carry_out(decision);
        while let Some(decision) = decide::follows(&self.state, &concerned, now) {
            self.carry_out(decision);
            // What is decided already becomes durable while the rest is decided.
            self.flush();
        }
        Ok(ack)
    }

    fn carry_out(&mut self, decision: Decision) {
        for event in decision.events {
            if let Err(fault) = self.state.apply(&event) {
                // The tables of `decide` and `apply` are one: this is a defect, and going on
                // would make the log unreadable.
                error!(%fault, "an event cannot follow; the run is let go");
                self.state.runs.remove(&event.run);
                return;
            }
            self.pending.event(event);
        }
        for effect in decision.effects {
            match effect {
                // An agent's time begins with its request, and that waits for the disk.
                Effect::Wake { at, timer: timer @ Timer::Call { .. } } => {
                    self.pending.wake(at.since(self.clock.now().mono), timer);
                }
                Effect::Wake { at, timer } => self.timers.push(Reverse((at, timer))),
                effect if effect.is_urgent() => self.perform.perform(effect),
                effect => self.pending.effect(effect),
            }
        }
    }

    /// Hands what waits to the store, unless it is still busy with the last batch.
    fn flush(&mut self) {
        if self.writing.is_some() || self.pending.is_empty() {
            return;
        }
        let (batch, released) = self.pending.take(&self.state, &self.owner);
        self.state.runs.retain(|id, run| {
            let over = run.state.is_final() || run.state == RunState::Suspended;
            if over {
                self.perform.run_is_over(*id);
            }
            !over
        });
        if batch.events.is_empty() && batch.contents.is_empty() {
            self.release(released);
        } else if self.writer.commit(batch) {
            self.writing = Some(released);
        } else {
            self.give_up();
        }
    }

    /// The store's thread has ended: nothing can become durable any more, so nothing goes on.
    fn give_up(&mut self) {
        error!("the store's thread has ended");
        self.health.send_replace(Health { store: Some("the store's thread has ended".to_owned()) });
        self.stopping = true;
        self.state.runs.clear();
    }

    fn written(&mut self, written: Written) {
        match written {
            Written::Done => {
                if self.health.borrow().store.is_some() {
                    self.health.send_replace(Health::default());
                }
                if let Some(released) = self.writing.take() {
                    self.release(released);
                }
            }
            Written::Failing(fault) => {
                error!(%fault, "nothing is durable at the moment");
                self.health.send_replace(Health { store: Some(fault.to_string()) });
            }
        }
    }

    fn release(&mut self, released: Released) {
        let now = self.clock.now().mono;
        self.timers.extend(released.wakes.into_iter().map(|(left, timer)| Reverse((now.after(left), timer))));
        for effect in released.effects {
            self.perform.perform(effect);
        }
        if !released.events.is_empty() {
            // Nobody listens where this fails.
            let _ = self.feed.send(released.events);
        }
        for (reply, ack) in released.replies {
            let _ = reply.send(Ok(ack));
        }
        for (reply, run) in released.snapshots {
            let _ = reply.send(Some(run));
        }
    }
}

/// Whether something would be begun: an engine that stops does not.
fn begins_work(ask: &Ask) -> bool {
    match ask {
        Ask::Adopt { .. } => true,
        Ask::Order { order, .. } => matches!(
            order.command,
            Command::Create { .. } | Command::Add { .. } | Command::Start(_) | Command::Reopen(_)
        ),
        Ask::Snapshot { .. } | Ask::Stop => false,
    }
}
