//! An answer as it is understood piece by piece, whichever protocol it comes in.

use serde::Deserialize;
use serde_json::error::Category;

use super::lines::LineTooLong;
use super::status::ServerError;
use crate::domain::{Money, Usage};

/// The longest answer that is held, and the largest body that is no stream.
pub(super) const LONGEST_ANSWER: usize = 16 * 1024 * 1024;
/// How much of what can't be understood is shown, in characters.
const SHOWN: usize = 80;

/// Why a response is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// A line without an end.
    #[error(transparent)]
    Line(#[from] LineTooLong),
    /// More text than any model writes.
    #[error("the server sent more than 16 MiB")]
    TooLong,
    /// No JSON where JSON must be.
    #[error("the server sent what is no chunk of an answer: {0}")]
    Malformed(String),
    /// A page for people.
    #[error("the server {0}")]
    WebPage(String),
    /// The server reports an error of its own.
    #[error("the server broke off with an error")]
    Server(ServerError),
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Finish {
    /// It is whole.
    Stop,
    /// It reached `max_tokens`, or something else that leaves it incomplete.
    Length,
    /// The provider's own filter stopped it.
    Filter,
    /// The server gave it up, and its counts are final.
    Failed,
}

/// What has been understood so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// The answer.
    pub(crate) text: String,
    /// The model that answers.
    pub(crate) model: Option<String>,
    /// The server's id of the answer.
    pub(crate) id: Option<String>,
    /// How it ended; nothing while it has not.
    pub(crate) finish: Option<Finish>,
    /// Why a filter stopped it, where the server says so.
    pub(crate) why: Option<String>,
    /// What was used. Final only once the answer has ended: some servers count along.
    pub(crate) usage: Option<Usage>,
    /// What it cost, where the server says so. Final only once the answer has ended.
    pub(crate) cost: Option<Money>,
    /// The server said that nothing follows.
    pub(crate) done: bool,
}

/// An answer that is being written down.
pub(crate) struct Draft<'a> {
    pub(super) decoded: &'a mut Decoded,
    pub(super) on_text: &'a mut dyn FnMut(&str),
}

impl Draft<'_> {
    /// The next piece of the answer.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Problem> {
        if text.is_empty() {
            return Ok(());
        }
        if self.decoded.text.len().saturating_add(text.len()) > LONGEST_ANSWER {
            return Err(Problem::TooLong);
        }
        self.decoded.text.push_str(text);
        (self.on_text)(text);
        Ok(())
    }

    /// Whether no text has come yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.decoded.text.is_empty()
    }

    /// The model that answers, and the server's id of the answer: the first that is told counts.
    pub(crate) fn from(&mut self, model: Option<&str>, id: Option<&str>) {
        keep(&mut self.decoded.model, model);
        keep(&mut self.decoded.id, id);
    }

    /// How it ended. The last word counts.
    pub(crate) fn finish(&mut self, finish: Finish) {
        self.decoded.finish = Some(finish);
    }

    /// Why a filter stopped it.
    pub(crate) fn why(&mut self, why: Option<&str>) {
        keep(&mut self.decoded.why, why);
    }

    /// What was used up to now, where the server counts.
    pub(crate) fn usage(&mut self, usage: Option<Usage>) {
        self.decoded.usage = usage.or(self.decoded.usage);
    }

    /// What it cost up to now, where the server says so.
    pub(crate) fn cost(&mut self, cost: Option<Money>) {
        self.decoded.cost = cost.or(self.decoded.cost);
    }

    /// Nothing follows.
    pub(crate) fn done(&mut self) {
        self.decoded.done = true;
    }
}

fn keep(slot: &mut Option<String>, told: Option<&str>) {
    if slot.is_none() {
        *slot = told.map(str::to_owned);
    }
}

/// Whether a payload was complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// It was read.
    Whole,
    /// It goes on in the next line.
    Incomplete,
}

/// Understands the payloads of one protocol. Pure: no I/O, no clock.
pub(crate) trait Codec: std::fmt::Debug + Default + Send + 'static {
    /// Takes the data of one event, or a whole body that is no stream. `named_error`: the stream
    /// calls the event `error`.
    fn payload(&mut self, json: &[u8], named_error: bool, draft: &mut Draft<'_>) -> Result<Parsed, Problem>;
}

/// Reads a payload; nothing where it is not complete yet.
pub(crate) fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<Option<T>, Problem> {
    match serde_json::from_slice(json) {
        Ok(payload) => Ok(Some(payload)),
        Err(error) if error.classify() == Category::Eof => Ok(None),
        Err(_) => Err(malformed(json)),
    }
}

pub(super) fn malformed(bytes: &[u8]) -> Problem {
    let text = String::from_utf8_lossy(bytes.get(..SHOWN * 4).unwrap_or(bytes));
    Problem::Malformed(text.chars().take(SHOWN).collect())
}
