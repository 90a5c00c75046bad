//! What a server of Responses sends.

use serde::Deserialize;

use crate::domain::Usage;
use crate::provider::http::{Count, Text, WireError};

/// One event of the stream; a whole response and a bare error read as one too.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event<'a> {
    /// What happens.
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    /// `response` where the payload is a whole one.
    #[serde(borrow)]
    pub(super) object: Text<'a>,
    /// The next of the text.
    #[serde(borrow)]
    pub(super) delta: Text<'a>,
    /// The response, as far as it is.
    #[serde(borrow)]
    pub(super) response: Option<Response<'a>>,
    /// An error: here, or in the fields of the event itself.
    #[serde(borrow)]
    pub(super) error: Option<WireError<'a>>,
    #[serde(borrow)]
    pub(super) message: Text<'a>,
    #[serde(borrow)]
    pub(super) code: Text<'a>,
}

/// A response.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Response<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) model: Text<'a>,
    /// `completed`, `incomplete`, `failed`, `cancelled`, `in_progress`.
    #[serde(borrow)]
    pub(super) status: Text<'a>,
    #[serde(borrow)]
    pub(super) error: Option<WireError<'a>>,
    #[serde(borrow)]
    pub(super) incomplete_details: Option<Incomplete<'a>>,
    #[serde(borrow)]
    output: Option<Vec<Item<'a>>>,
    pub(super) usage: Option<WireUsage>,
}

impl<'a> Response<'a> {
    /// The pieces of the answer: reasoning and calls of tools are none.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> + use<'_, 'a> {
        let messages = self.output.iter().flatten().filter(|item| item.kind.as_str() == "message");
        messages
            .flat_map(|item| item.content.iter().flatten())
            .flat_map(|part| [part.text.as_str(), part.refusal.as_str()])
    }
}

/// Why a response is incomplete: `max_output_tokens`, `content_filter`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Incomplete<'a> {
    #[serde(borrow)]
    pub(super) reason: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    content: Option<Vec<Part<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    refusal: Text<'a>,
}

/// Token counts as the server sends them: prompt tokens include cached ones, generated tokens
/// include reasoning.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    input_tokens: Count,
    output_tokens: Count,
    total_tokens: Count,
    input_tokens_details: Option<InputDetails>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Count,
}

impl WireUsage {
    /// In disjoint parts; nothing where the server only sent an empty object. Where the counts
    /// contradict each other, no more is cached than was asked, and the largest count of output
    /// decides.
    pub(super) fn usage(&self) -> Option<Usage> {
        let (input, output) = (self.input_tokens.0, self.output_tokens.0);
        if input.is_none() && output.is_none() {
            return None;
        }
        let input = input.unwrap_or(0);
        let read = self.input_tokens_details.as_ref().and_then(|details| details.cached_tokens.0).unwrap_or(0);
        let reasoning = self.output_tokens_details.as_ref().and_then(|details| details.reasoning_tokens.0);
        let rest = self.total_tokens.0.map(|total| total.saturating_sub(input));
        let read = read.min(input);
        Some(Usage {
            input_tokens: input - read,
            output_tokens: output.max(reasoning).max(rest).unwrap_or(0),
            cache_read_tokens: read,
            ..Usage::default()
        })
    }
}
