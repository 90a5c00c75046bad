//! What a server of Chat Completions sends.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::{Money, MoneyError, Usage};
use crate::provider::http::{Count, First, Text, WireError};

/// One payload: a chunk of a stream, a whole answer, or an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload<'a> {
    /// The model that answers.
    #[serde(borrow)]
    pub(super) model: Text<'a>,
    /// The server's id of the answer.
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    /// The first choice: only one is ever asked for.
    #[serde(borrow)]
    pub(super) choices: First<Choice<'a>>,
    /// What was used: in a chunk of its own, or with the last delta.
    #[serde(borrow)]
    pub(super) usage: Option<WireUsage<'a>>,
    /// An error in place of a chunk.
    #[serde(borrow)]
    pub(super) error: Option<WireError<'a>>,
    /// `error` where the payload itself is one (older vLLM).
    #[serde(borrow)]
    pub(super) object: Text<'a>,
    #[serde(borrow)]
    pub(super) message: Text<'a>,
    #[serde(borrow)]
    pub(super) code: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub(super) class: Text<'a>,
}

/// One answer, or the next piece of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice<'a> {
    /// The next piece.
    #[serde(borrow)]
    pub(super) delta: Option<Said<'a>>,
    /// The whole.
    #[serde(borrow)]
    pub(super) message: Option<Said<'a>>,
    /// Why it ended.
    #[serde(borrow)]
    pub(super) finish_reason: Text<'a>,
}

/// What is said. Reasoning is passed over: it is no part of the answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said<'a> {
    /// The answer.
    #[serde(borrow)]
    pub(super) content: Text<'a>,
    /// Why the model won't answer: then that is its answer.
    #[serde(borrow)]
    pub(super) refusal: Text<'a>,
}

/// Token counts as the server sends them, and what they cost where it says so.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage<'a> {
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(borrow)]
    cost: Option<&'a RawValue>,
    is_byok: Option<bool>,
    #[serde(borrow)]
    cost_details: Option<CostDetails<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CostDetails<'a> {
    #[serde(borrow)]
    upstream_inference_cost: Option<&'a RawValue>,
}

impl WireUsage<'_> {
    /// In disjoint parts; nothing where the server only sent an empty object. Prompt tokens
    /// include cached ones. Some servers leave reasoning out of the completion but not out of
    /// the total: it is billed, so the total decides.
    pub(super) fn usage(&self) -> Option<Usage> {
        let (prompt, completion, total) = (self.prompt_tokens.0, self.completion_tokens.0, self.total_tokens.0);
        if prompt.is_none() && completion.is_none() {
            return None;
        }
        let prompt = prompt.unwrap_or(0);
        let rest = total.unwrap_or(0).saturating_sub(prompt);
        let details = self.prompt_tokens_details.as_ref();
        let read = details.and_then(|d| d.cached_tokens.0).unwrap_or(0).min(prompt);
        let written = details.and_then(|d| d.cache_write_tokens.0).unwrap_or(0).min(prompt - read);
        Some(Usage {
            input_tokens: prompt - read - written,
            output_tokens: completion.unwrap_or(0).max(rest),
            cache_read_tokens: read,
            cache_write_tokens: written,
            ..Usage::default()
        })
    }

    /// What the server charged; with a key of the user's own at the upstream provider
    /// (`is_byok`), what that one charges comes on top. Nothing where it is no amount.
    pub(super) fn cost(&self) -> Option<Money> {
        let charged = amount(self.cost?)?;
        let details = self.cost_details.as_ref().filter(|_| self.is_byok == Some(true));
        let upstream = details.and_then(|details| amount(details.upstream_inference_cost?));
        Some(charged + upstream.unwrap_or_default())
    }
}

/// An amount in the digits that were sent. One that is too large for us is the largest: what a
/// bound is held against must never become small.
fn amount(number: &RawValue) -> Option<Money> {
    match Money::told(number.get().trim_matches('"')) {
        Ok(amount) => Some(amount),
        Err(MoneyError::TooMuch(_)) => Some(Money::MAX),
        Err(_) => None,
    }
}
