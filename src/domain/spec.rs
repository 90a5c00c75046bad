//! What a run is asked to do. Texts are content: the specification only names them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ids::ContentRef;
use super::limits::Limits;
use super::money::ModelPrice;

/// The kinds of provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Chat Completions, and every server that speaks it.
    Openai,
    /// OpenAI Responses.
    OpenaiResponses,
    /// `OpenRouter`.
    Openrouter,
    /// A command line per task.
    Process,
    /// The simulator.
    Sim,
}

impl ProviderKind {
    /// The word in configuration and on the screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::OpenaiResponses => "openai_responses",
            Self::Openrouter => "openrouter",
            Self::Process => "process",
            Self::Sim => "sim",
        }
    }
}

/// A run's specification: everything that its tasks have in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct RunSpec {
    /// A short, redacted name for people: the beginning of the template.
    pub title: String,
    /// The prompt template.
    pub template: Option<ContentRef>,
    /// The system prompt.
    pub system: Option<ContentRef>,
    /// The command line of a process agent: a JSON array of templates.
    pub command: Option<ContentRef>,
    /// The agent template.
    pub agent: Arc<str>,
    /// The provider's name.
    pub provider: Arc<str>,
    /// The provider's kind.
    pub kind: ProviderKind,
    /// Where the provider is, where that is not its configured address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Whether its results are simulated.
    pub simulated: bool,
    /// The model that is asked for.
    pub model: Arc<str>,
    /// Whether the model has a price; without one its cost is not known, and there is no budget.
    pub priced: bool,
    /// What the model costs.
    pub price: ModelPrice,
    /// The most tokens of one answer.
    pub max_tokens: u32,
    /// Whether the user gave `max_tokens`: then it is never lowered.
    pub max_tokens_fixed: bool,
    /// Sampling temperature, where the user gave one.
    pub temperature: Option<f64>,
    /// The seed that goes to the provider, where the user gave one.
    pub seed: Option<u64>,
    /// The seed of all of our own randomness in this run.
    pub randomness: u64,
    /// How many calls the provider takes at once, over all runs of this process.
    pub provider_max_concurrent: Option<u32>,
    /// Whether a result of this run may answer a later task with the same key.
    pub reusable: bool,
    /// Whether tasks that a limit refuses leave the run a partial success (`--partial`).
    pub partial: bool,
    /// The limits.
    pub limits: Limits,
}
