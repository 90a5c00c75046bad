//! What comes back from an effect. Reports name content; the texts travel beside them.

use serde::{Deserialize, Serialize};

use super::ids::{ContentRef, RunId, TaskNo};
use super::money::{ModelPrice, Money, Usage};

/// The kinds of error in results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The agent took longer than its timeout.
    Timeout,
    /// The provider refused for now.
    RateLimited,
    /// The provider failed, or could not be understood.
    Provider,
    /// The provider could not be reached at all.
    Connection,
    /// The provider refused our credentials.
    Auth,
    /// The budget has no room for it.
    Budget,
    /// A limit or the end of the run stopped it.
    Cancelled,
    /// The operator stopped it.
    Killed,
    /// The command failed.
    Process,
    /// The guard refused it.
    Guard,
    /// What was asked for cannot be sent.
    Invalid,
}

impl ErrorKind {
    /// The word in results and on the screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::RateLimited => "rate_limited",
            Self::Provider => "provider",
            Self::Connection => "connection",
            Self::Auth => "auth",
            Self::Budget => "budget",
            Self::Cancelled => "cancelled",
            Self::Killed => "killed",
            Self::Process => "process",
            Self::Guard => "guard",
            Self::Invalid => "invalid",
        }
    }
}

/// How far a request got: what may be released, and what must be held as unconfirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// Nothing reached the socket.
    Nothing,
    /// The provider definitely refused: it will not bill.
    Refused,
    /// It may have been worked on.
    Maybe,
}

/// An answer. Its preview passed the guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The text.
    pub output: ContentRef,
    /// The last message of the transcript, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<ContentRef>,
    /// Its beginning, short and redacted.
    pub preview: String,
    /// Whether it ended because `max_tokens` was reached, or the output was cut at its cap.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// Why there is no answer. The message passed the guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallError {
    /// Its kind.
    pub kind: ErrorKind,
    /// What happened, for a person.
    pub message: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// How long the provider asks us to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The HTTP status, or the exit code of a process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<i32>,
    /// What had come before it broke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<ContentRef>,
}

/// What is proven about a call that ended: nothing of it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Receipt {
    /// The stream is closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stream_closed: bool,
    /// The whole process tree is gone; nothing where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree_gone: Option<bool>,
    /// How many processes had to be killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes_killed: Option<u32>,
}

/// What a provider said of its own limits, from response headers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Quota {
    /// Requests left in the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_remaining: Option<u64>,
    /// Requests in a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_limit: Option<u64>,
    /// Tokens left in the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_remaining: Option<u64>,
    /// Tokens in a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_limit: Option<u64>,
}

impl Quota {
    /// Whether the provider said nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub struct CallEnd {
    /// The answer, or why there is none.
    pub result: Result<Answer, CallError>,
    /// What was used, where it is known.
    pub usage: Option<Usage>,
    /// What it cost, where the provider said so itself: then that is what was spent.
    pub cost: Option<Money>,
    /// How far the request got.
    pub sent: Sent,
    /// The model that really answered, where the provider said.
    pub model: Option<String>,
    /// The price of the model that really answered, where it has one of its own.
    pub price: Option<ModelPrice>,
    /// From the request to the first output, in milliseconds.
    pub first_output_ms: Option<u64>,
    /// From the request to the end, in milliseconds.
    pub duration_ms: u64,
    /// The provider's own id of the request.
    pub request_id: Option<String>,
    /// The provider's own limits.
    pub quota: Quota,
    /// What is proven about the end.
    pub receipt: Receipt,
}

/// What comes back to the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// A call ended, whichever way.
    CallEnded {
        /// Its run.
        run: RunId,
        /// Its task.
        task: TaskNo,
        /// The sequence number of the event that asked for it.
        call: u64,
        /// How it ended.
        end: Box<CallEnd>,
    },
}
