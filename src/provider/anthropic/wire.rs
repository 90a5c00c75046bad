//! What a server of Messages sends.

use serde::Deserialize;

use crate::domain::Usage;
use crate::provider::http::{Count, Text, WireError};

/// One event of the stream; a whole message and a bare error read as one too.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event<'a> {
    /// What happens.
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    /// `message_start`: the message, empty as yet.
    #[serde(borrow)]
    pub(super) message: Option<Message<'a>>,
    /// `content_block_start`: a piece of the message begins.
    #[serde(borrow)]
    pub(super) content_block: Option<Piece<'a>>,
    /// `content_block_delta`: the next of a piece; `message_delta`: what changes in the message.
    #[serde(borrow)]
    pub(super) delta: Option<Piece<'a>>,
    /// `error`.
    #[serde(borrow)]
    pub(super) error: Option<WireError<'a>>,
    /// `message_delta`, and a whole message: what was used.
    pub(super) usage: Option<WireUsage>,
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) model: Text<'a>,
    /// A whole message: only its pieces of text count.
    pub(super) content: Option<Vec<Piece<'a>>>,
    #[serde(borrow)]
    pub(super) stop_reason: Text<'a>,
    #[serde(borrow)]
    pub(super) stop_details: Option<StopDetails<'a>>,
}

/// What any event says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
}

/// What a message says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) model: Text<'a>,
    pub(super) usage: Option<WireUsage>,
}

/// A piece of the message, or the next of it: text, thinking, a signature, input for a tool, a
/// citation. Only text is the answer. `message_delta` has the reason of the end here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Piece<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    pub(super) stop_reason: Text<'a>,
    #[serde(borrow)]
    pub(super) stop_details: Option<StopDetails<'a>>,
}

impl Piece<'_> {
    /// What it adds to the answer.
    pub(super) fn answer(&self) -> &str {
        if matches!(self.kind.as_str(), "text" | "text_delta") { self.text.as_str() } else { "" }
    }
}

/// Why a refusal is one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StopDetails<'a> {
    #[serde(borrow)]
    pub(super) explanation: Text<'a>,
}

/// Token counts as the server sends them: the parts of the prompt do not overlap.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    input_tokens: Count,
    output_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_creation: Option<CacheCreation>,
}

/// For how long was written to the cache.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Count,
    ephemeral_1h_input_tokens: Count,
}

impl WireUsage {
    /// Takes what is told later. Counts are cumulative: the output never shrinks, and each part of
    /// the prompt is what was told of it last. Where a later event tells of no prompt at all (some
    /// gateways fill in zeros), nothing of it changes.
    pub(super) fn update(&mut self, later: Self) {
        self.output_tokens = Count(self.output_tokens.0.max(later.output_tokens.0));
        if later.prompt() == 0 {
            return;
        }
        let newer = |old: Count, new: Count| Count(new.0.or(old.0));
        self.input_tokens = newer(self.input_tokens, later.input_tokens);
        self.cache_read_input_tokens = newer(self.cache_read_input_tokens, later.cache_read_input_tokens);
        if later.cache_creation_input_tokens.0.is_some() || later.cache_creation.is_some() {
            self.cache_creation_input_tokens = later.cache_creation_input_tokens;
            self.cache_creation = later.cache_creation.or(self.cache_creation);
        }
    }

    /// In disjoint parts. Where the two kinds of cache writes do not add up to what was written in
    /// all, the larger sum counts, and no more of it is for an hour than was told to be.
    pub(super) fn usage(&self) -> Usage {
        let count = |count: Count| count.0.unwrap_or(0);
        let created = self.cache_creation.unwrap_or_default();
        let (minutes, hour) = (count(created.ephemeral_5m_input_tokens), count(created.ephemeral_1h_input_tokens));
        let written = count(self.cache_creation_input_tokens).max(minutes.saturating_add(hour));
        Usage {
            input_tokens: count(self.input_tokens),
            output_tokens: count(self.output_tokens),
            cache_read_tokens: count(self.cache_read_input_tokens),
            cache_write_tokens: written - hour,
            cache_write_1h_tokens: hour,
            estimated: false,
        }
    }

    fn prompt(&self) -> u64 {
        let usage = self.usage();
        usage.total().saturating_sub(usage.output_tokens)
    }
}
