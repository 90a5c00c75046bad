//! From what happened to a command to what the engine is told.

use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;

use super::protocol::Exit;
use crate::domain::report::Quota;
use crate::domain::{ErrorKind, Receipt, Sent};
use crate::provider::{Failure, Outcome, Reply};

/// How many of the last lines of standard error a message quotes.
pub(super) const COMPLAINT_LINES: usize = 3;

/// How the supervisor's part ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// The tree is gone.
    Gone { killed: u32 },
    /// Some of it can't be killed.
    Left { processes: u32 },
    /// The command could not be started.
    NotStarted { errno: Option<i32>, message: String },
    /// The supervisor died, or does not answer.
    Lost,
}

/// What is known about the tree at the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proof {
    pub(super) gone: bool,
    pub(super) killed: u32,
}

/// Everything that the outcome is made of.
pub(super) struct Verdict<'a> {
    pub(super) name: &'a str,
    pub(super) cancelled: bool,
    pub(super) exit: Option<Exit>,
    pub(super) ending: Ending,
    pub(super) proof: Proof,
    pub(super) text: String,
    pub(super) truncated: bool,
    pub(super) complaint: String,
    pub(super) first_output: Option<Duration>,
}

impl Verdict<'_> {
    pub(super) fn outcome(self) -> Outcome {
        let receipt = Receipt {
            stream_closed: true,
            tree_gone: Some(self.proof.gone),
            processes_killed: Some(self.proof.killed),
        };
        let sent = if matches!(self.ending, Ending::NotStarted { .. }) { Sent::Nothing } else { Sent::Maybe };
        let first_output_ms = self.first_output.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        Outcome {
            result: self.result(),
            usage: None,
            cost: None,
            sent,
            model: None,
            first_output_ms,
            request_id: None,
            quota: Quota::default(),
            receipt,
        }
    }

    fn result(self) -> Result<Reply, Failure> {
        let failure = match (self.exit, &self.ending) {
            _ if self.cancelled => cancelled(self.name),
            (Some(Exit::Code(0)), _) => return Ok(Reply { text: self.text, truncated: self.truncated }),
            (Some(Exit::Code(code)), _) => {
                let what = format!("`{}` exited with {code}", self.name);
                Failure { status: Some(code), ..self.process(&what) }
            }
            (Some(Exit::Signal(number)), _) => {
                self.process(&format!("`{}` was ended by {}", self.name, signal_name(number)))
            }
            (None, Ending::NotStarted { errno, message }) => not_started(self.name, *errno, message),
            (None, Ending::Left { processes }) => {
                self.process(&format!("{processes} processes of `{}` can't be ended", self.name))
            }
            (None, Ending::Gone { .. } | Ending::Lost) => {
                self.process(&format!("the supervisor of `{}` died or stopped answering", self.name))
            }
        };
        Err(Failure { partial: self.text, ..failure })
    }

    /// A failure that quotes the last that the command complained of.
    fn process(&self, what: &str) -> Failure {
        let separator = if self.complaint.is_empty() { "" } else { ": " };
        Failure::new(ErrorKind::Process, format!("{what}{separator}{}", self.complaint))
    }
}

/// The failure of a command that was told to end.
pub(super) fn cancelled(name: &str) -> Failure {
    Failure::new(ErrorKind::Cancelled, format!("`{name}` was told to end"))
}

/// The failure where not even a supervisor starts.
pub(super) fn no_supervisor(supervisor: &Path, error: &io::Error) -> Failure {
    let why = format!("the supervisor of processes, {}, can't be started: {error}", supervisor.display());
    Failure::new(ErrorKind::Process, why)
}

fn not_started(name: &str, errno: Option<i32>, message: &str) -> Failure {
    let why = match errno.map(Errno::from_raw_os_error) {
        Some(Errno::NOENT) if name.contains('/') => {
            "no such file (or its interpreter, or the directory that it starts in, is missing)".to_owned()
        }
        Some(Errno::NOENT) => "not found on PATH; is it installed?".to_owned(),
        Some(Errno::ACCESS) => "found, but not executable (`chmod +x` makes it so)".to_owned(),
        Some(Errno::TOOBIG) => {
            "its arguments are too long for the system: send long text through its standard input".to_owned()
        }
        _ => format!("can't be started: {message}"),
    };
    Failure::new(ErrorKind::Process, format!("`{name}`: {why}"))
}

/// The name of a signal (signal(7)); those that mean different things on different machines have
/// only their number.
fn signal_name(number: i32) -> String {
    let name = match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return format!("signal {number}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_start_says_what_to_do() {
        let message = |name, errno: Errno| not_started(name, Some(errno.raw_os_error()), "system").message;
        assert_eq!(message("foo", Errno::NOENT), "`foo`: not found on PATH; is it installed?");
        assert!(message("./foo", Errno::NOENT).starts_with("`./foo`: no such file"));
        assert!(message("foo", Errno::ACCESS).contains("chmod +x"));
        assert!(message("foo", Errno::TOOBIG).contains("standard input"));
        assert_eq!(message("foo", Errno::NOEXEC), "`foo`: can't be started: system");
    }

    #[test]
    fn a_lost_supervisor_proves_nothing() {
        let outcome = Verdict {
            name: "foo",
            cancelled: false,
            exit: None,
            ending: Ending::Lost,
            proof: Proof { gone: false, killed: 2 },
            text: "so far".to_owned(),
            truncated: false,
            complaint: String::new(),
            first_output: None,
        }
        .outcome();
        let failure = outcome.result.expect_err("no exit was seen");
        assert_eq!((failure.kind, failure.partial.as_str()), (ErrorKind::Process, "so far"));
        assert_eq!(outcome.receipt.tree_gone, Some(false));
        assert_eq!(outcome.receipt.processes_killed, Some(2));
    }
}
