//! Signals that the console answers.

use std::io;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To end: SIGTERM, SIGHUP, or SIGINT from another process (Ctrl-C is a key).
    End,
    /// To stop: SIGTSTP from another process (Ctrl-Z is a key).
    Stop,
    /// To go on after a stop.
    Continue,
}

/// The signals that are listened to.
pub(crate) struct Signals {
    term: Signal,
    hangup: Signal,
    interrupt: Signal,
    stop: Signal,
    resume: Signal,
}

impl Signals {
    /// Begins to listen.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            stop: signal(SignalKind::from_raw(Number::TSTP.as_raw()))?,
            resume: signal(SignalKind::from_raw(Number::CONT.as_raw()))?,
        })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.term.recv() => Asked::End,
            _ = self.hangup.recv() => Asked::End,
            _ = self.interrupt.recv() => Asked::End,
            _ = self.stop.recv() => Asked::Stop,
            _ = self.resume.recv() => Asked::Continue,
        }
    }
}
