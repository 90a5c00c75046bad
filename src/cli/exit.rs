//! Exit codes and the one error type that users see.

use std::fmt;
use std::io::ErrorKind;

use crate::domain::state::Closing;
use crate::domain::{Run, RunId, RunState};
use crate::engine::handle::HandleError;

/// What a process ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The run met its conditions.
    Met = 0,
    /// It ran and did not.
    NotMet = 1,
    /// Bad usage or input; nothing was sent.
    Usage = 2,
    /// Refused or stopped by a limit.
    Limit = 3,
    /// Stopped by the operator.
    Operator = 4,
    /// A provider could not be used at all.
    Unusable = 5,
    /// Interrupted; what was done is kept.
    Interrupted = 130,
}

impl Exit {
    /// What a run ends with. Where several apply: 130, 4, 3, 5, 1.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let limit = matches!(run.closing, Some(Closing::Limit(_) | Closing::BoundExceeded)) || run.refused > 0;
        match run.closing {
            _ if !run.state.is_final() => Self::Interrupted,
            Some(Closing::Operator) => Self::Operator,
            _ if run.killed > 0 => Self::Operator,
            _ if limit => Self::Limit,
            Some(Closing::Unusable(_)) => Self::Unusable,
            _ if run.state == RunState::Completed => Self::Met,
            _ => Self::NotMet,
        }
    }
}

/// An error as a user sees it: what is wrong, where, and what to do.
#[derive(Debug)]
pub struct Complaint {
    /// What the process ends with.
    pub exit: Exit,
    /// What is wrong and where.
    pub message: String,
    /// What to do, where the message doesn't say it.
    pub hint: Option<String>,
}

impl Complaint {
    /// Bad usage or input.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, message: message.to_string(), hint: None }
    }

    /// Results that can't be written: their run is let go, so that nothing is paid for in vain.
    pub fn unread(error: &std::io::Error, run: RunId) -> Self {
        let message = match error.kind() {
            ErrorKind::BrokenPipe => "nobody reads the results any more".to_owned(),
            _ => format!("the results can't be written: {error}"),
        };
        let complaint = Self { exit: Exit::Interrupted, message, hint: None };
        complaint.hint(format!("`flightdeck resume-run {run}` prints all of them, and goes on with what is left"))
    }

    /// Whether there is nothing to say: whoever read the output has enough of it.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    /// The same, with what to do.
    #[must_use]
    pub fn hint(self, hint: impl fmt::Display) -> Self {
        Self { hint: Some(hint.to_string()), ..self }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Complaint {}

impl From<HandleError> for Complaint {
    fn from(error: HandleError) -> Self {
        let exit = match &error {
            HandleError::Stopped => Exit::Interrupted,
            HandleError::Refused(_) => Exit::Usage,
            HandleError::Limit(_) => Exit::Limit,
            HandleError::Unusable(_) => Exit::Unusable,
        };
        Self { exit, message: error.to_string(), hint: None }
    }
}

/// An output that can't be written to. A reader who has enough is no error.
impl From<std::io::Error> for Complaint {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == ErrorKind::BrokenPipe {
            return Self { exit: Exit::Met, message: String::new(), hint: None };
        }
        Self { exit: Exit::NotMet, message: format!("writing the output failed: {error}"), hint: None }
    }
}
