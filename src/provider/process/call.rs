//! One call: the engine's side of a supervisor.

use std::time::Duration;

use rustix::process::Pid;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::Launch;
use super::link::Link;
use super::output::{Decoder, Head, Tail};
use super::protocol::{Exit, Notice, Order, Spec};
use super::supervisor::LEFT_AFTER;
use super::tree;
use super::verdict::{self, Ending, Proof};
use crate::provider::{CallContext, LiveSink, Outcome, Request};

/// How long a tree may take to end by itself when it is asked to.
const GRACE: Duration = Duration::from_millis(400);
/// How long a supervisor may take for anything that it does at once.
const SLACK: Duration = Duration::from_secs(1);
/// How long pipes are read after the tree is gone: somebody outside of it may hold them open.
const DRAIN: Duration = Duration::from_millis(500);
const NOTE_CAP: usize = 4 * 1024;

/// Makes the call. Dropping the future closes the socket to the supervisor, which then kills the
/// tree at once.
pub(super) async fn perform(launch: Launch, request: Request, mut context: CallContext) -> Outcome {
    let name = request.command.first().cloned().unwrap_or_default();
    tokio::select! {
        () = released(&mut context.hold) => {}
        () = context.cancel.cancelled() => return Outcome::not_sent(verdict::cancelled(&name)),
    }
    let started = Instant::now();
    let link = match Link::open(&launch.supervisor) {
        Ok(link) => link,
        Err(error) => return Outcome::not_sent(verdict::no_supervisor(&launch.supervisor, &error)),
    };
    let marks = marks(&request);
    let spec = Spec {
        argv: request.command,
        env: marks.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        directory: launch.directory,
        stdin: request.stdin,
    };
    let call = Call {
        name,
        started,
        marks: marks.map(|(name, value)| format!("{name}={value}")).to_vec(),
        link,
        head: Head::new(launch.output_cap),
        tail: Tail::new(NOTE_CAP),
        said: Decoder::default(),
        noted: Decoder::default(),
        live: context.live,
        first_output: None,
        deadline: None,
        cancelled: false,
        told: Told::default(),
    };
    call.run(&spec, &context.cancel, &mut context.hold).await
}

/// What the command learns of itself; also how its processes are known when its supervisor dies.
fn marks(request: &Request) -> [(&'static str, String); 3] {
    [
        ("FLIGHTDECK_AGENT", request.agent.to_string()),
        ("FLIGHTDECK_ATTEMPT", request.attempt.to_string()),
        ("FLIGHTDECK_KEY", request.key.to_string()),
    ]
}

/// Waits while the operator holds the agent: a command that did not start need not be stopped.
async fn released(hold: &mut watch::Receiver<bool>) {
    while *hold.borrow_and_update() {
        if hold.changed().await.is_err() {
            return;
        }
    }
}

/// Waits for the operator to hold or release the agent; for ever, when nobody can any more.
async fn held(hold: &mut watch::Receiver<bool>) -> bool {
    if hold.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    *hold.borrow_and_update()
}

/// The next thing that happens to a call.
enum Heard {
    Cancel,
    Hold(bool),
    Notice(Notice),
    /// The supervisor's socket closed, or makes no sense.
    Silence,
    Said(usize),
    Noted(usize),
    /// Nobody answered in time.
    Late,
}

/// What the supervisor told so far.
#[derive(Default)]
struct Told {
    exit: Option<Exit>,
    end: Option<Ending>,
}

struct Call {
    /// The program, for messages. Arguments may hold anything, so they are left out.
    name: String,
    started: Instant,
    marks: Vec<String>,
    link: Link,
    head: Head,
    tail: Tail,
    said: Decoder,
    noted: Decoder,
    live: Box<dyn LiveSink>,
    first_output: Option<Duration>,
    deadline: Option<Instant>,
    cancelled: bool,
    told: Told,
}

impl Call {
    async fn run(mut self, spec: &Spec, cancel: &CancellationToken, hold: &mut watch::Receiver<bool>) -> Outcome {
        let handed_over = tokio::select! {
            sent = self.link.control.send(spec) => sent.is_ok(),
            () = cancel.cancelled() => false,
        };
        if handed_over {
            while self.told.end.is_none() {
                let heard = self.hear(cancel, hold).await;
                self.on(heard).await;
            }
        }
        self.finish(handed_over, cancel.is_cancelled()).await
    }

    async fn hear(&mut self, cancel: &CancellationToken, hold: &mut watch::Receiver<bool>) -> Heard {
        let late = self.deadline;
        // A command that has ended by itself is not cancelled any more: its rest is being killed.
        let ending = self.cancelled || self.told.exit.is_some();
        tokio::select! {
            () = cancel.cancelled(), if !ending => Heard::Cancel,
            stop = held(hold), if !ending => Heard::Hold(stop),
            notice = self.link.control.notice() => notice.map_or(Heard::Silence, Heard::Notice),
            length = self.link.stdout.read() => Heard::Said(length),
            length = self.link.stderr.read() => Heard::Noted(length),
            () = sleep_until(late.unwrap_or(self.started)), if late.is_some() => Heard::Late,
        }
    }

    async fn on(&mut self, heard: Heard) {
        match heard {
            Heard::Cancel => {
                self.cancelled = true;
                self.order(Order::End { grace_ms: GRACE.as_millis().try_into().unwrap_or(0) }).await;
                self.expect_the_end(GRACE);
            }
            Heard::Hold(true) => self.order(Order::Pause).await,
            Heard::Hold(false) => self.order(Order::Continue).await,
            Heard::Notice(Notice::Started { .. }) => {}
            Heard::Notice(Notice::Exited(exit)) => {
                self.told.exit = Some(exit);
                self.expect_the_end(GRACE);
            }
            Heard::Notice(Notice::Gone { killed }) => self.told.end = Some(Ending::Gone { killed }),
            Heard::Notice(Notice::Left { processes }) => self.told.end = Some(Ending::Left { processes }),
            Heard::Notice(Notice::SpawnFailed { errno, message }) => {
                self.told.end = Some(Ending::NotStarted { errno, message });
            }
            Heard::Silence | Heard::Late => self.told.end = Some(Ending::Lost),
            Heard::Said(length) => self.say(length),
            Heard::Noted(length) => self.note(length),
        }
    }

    /// A supervisor that does not take an order is lost; its deadline or its silence shows it.
    async fn order(&mut self, order: Order) {
        if !matches!(timeout(SLACK, self.link.control.send(&order)).await, Ok(Ok(()))) {
            self.told.end = Some(Ending::Lost);
        }
    }

    fn expect_the_end(&mut self, grace: Duration) {
        self.deadline.get_or_insert_with(|| Instant::now() + grace + LEFT_AFTER + SLACK);
    }

    fn say(&mut self, length: usize) {
        if length > 0 {
            self.first_output.get_or_insert_with(|| self.started.elapsed());
        }
        let piece = self.link.stdout.piece(length);
        self.head.push(piece);
        let text = if length == 0 { self.said.finish() } else { self.said.push(piece) };
        if !text.is_empty() {
            self.live.text(&text);
        }
    }

    fn note(&mut self, length: usize) {
        let piece = self.link.stderr.piece(length);
        self.tail.push(piece);
        let text = if length == 0 { self.noted.finish() } else { self.noted.push(piece) };
        if !text.is_empty() {
            self.live.note(&text);
        }
    }

    /// Reads what is still in the pipes.
    async fn drain(&mut self) {
        let until = Instant::now() + DRAIN;
        while self.link.stdout.is_open() || self.link.stderr.is_open() {
            tokio::select! {
                length = self.link.stdout.read() => self.say(length),
                length = self.link.stderr.read() => self.note(length),
                () = sleep_until(until) => break,
            }
        }
    }

    async fn finish(mut self, handed_over: bool, cancelled: bool) -> Outcome {
        // Closing the socket ends a supervisor that was not handed everything, without a trace.
        self.link.control.close();
        let proof = match &self.told.end {
            Some(Ending::Gone { killed }) => Proof { gone: true, killed: *killed },
            Some(Ending::NotStarted { .. }) => Proof { gone: true, killed: 0 },
            Some(Ending::Left { .. }) => Proof { gone: false, killed: 0 },
            Some(Ending::Lost) => self.salvage().await,
            None => match timeout(SLACK, self.link.child.wait()).await {
                Ok(Ok(status)) if status.success() => Proof { gone: true, killed: 0 },
                _ => self.salvage().await,
            },
        };
        // A supervisor that can't end its tree stays and goes on trying.
        if !matches!(self.told.end, Some(Ending::Left { .. })) {
            let _ = timeout(SLACK, self.link.child.wait()).await;
        }
        self.drain().await;
        let truncated = self.head.is_truncated();
        verdict::Verdict {
            name: &self.name,
            cancelled: self.cancelled || (!handed_over && cancelled),
            exit: self.told.exit,
            ending: self.told.end.unwrap_or(Ending::Lost),
            proof,
            text: self.head.text(),
            truncated,
            complaint: self.tail.last_lines(verdict::COMPLAINT_LINES),
            first_output: self.first_output,
        }
        .outcome()
    }

    /// Kills a supervisor that does not answer, and what can be found of its tree.
    ///
    /// The supervisor is not waited for before: while it is a zombie, its number, which is also its
    /// session's, belongs to nobody else.
    async fn salvage(&mut self) -> Proof {
        let _ = self.link.child.start_kill();
        let session = self.link.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let Some(session) = session else { return Proof { gone: false, killed: 0 } };
        let marks = std::mem::take(&mut self.marks);
        let killed = tokio::task::spawn_blocking(move || tree::salvage(session, &marks)).await.unwrap_or(0);
        Proof { gone: false, killed }
    }
}
