//! The providers' part of the configuration: `[providers.NAME]`. Reading checks the form;
//! [`super::registry`] checks the meaning.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer};

/// `[providers.NAME]`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderConfig {
    /// What it speaks; may be left out where the name is that of a built-in provider.
    pub kind: Option<ConfiguredKind>,
    /// Where it is. With the version, `http://127.0.0.1:11434/v1`; for `anthropic` without.
    pub base_url: Option<String>,
    /// How it is asked to let us in.
    pub auth: Option<AuthConfig>,
    /// How many calls it takes at once.
    pub max_concurrent: Option<u32>,
    /// The model that is used where none is asked for.
    pub model: Option<String>,
    /// Headers that every request carries besides: no keys, those go in `auth`.
    pub headers: BTreeMap<String, String>,
    /// Not available yet: present only so that it is refused and not ignored.
    pub rate: Option<IgnoredAny>,
    /// Simulator: from the request to the first token, in milliseconds.
    pub latency_ms: Option<Span>,
    /// Simulator: how many tokens an answer has.
    pub tokens: Option<Span>,
    /// Simulator: how fast they come after the first.
    pub tokens_per_second: Option<Span>,
    /// Simulator: the share of calls that fail with a server error, 0 to 1.
    pub error_rate: Option<Span>,
    /// Simulator: the share of calls that are answered 429, 0 to 1.
    pub rate_limit_rate: Option<Span>,
    /// Simulator: how long a 429 asks to wait, in milliseconds.
    pub retry_after_ms: Option<Span>,
    /// Simulator: the share of streams that break before their end, 0 to 1.
    pub cut_rate: Option<Span>,
}

impl ProviderConfig {
    /// The names of the simulator's settings that are set.
    pub(super) fn simulator_settings(&self) -> Vec<&'static str> {
        [
            ("latency_ms", self.latency_ms),
            ("tokens", self.tokens),
            ("tokens_per_second", self.tokens_per_second),
            ("error_rate", self.error_rate),
            ("rate_limit_rate", self.rate_limit_rate),
            ("retry_after_ms", self.retry_after_ms),
            ("cut_rate", self.cut_rate),
        ]
        .into_iter()
        .filter_map(|(name, span)| span.map(|_| name))
        .collect()
    }
}

/// The kinds that configuration may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfiguredKind {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Chat Completions, and every server that speaks it.
    Openai,
    /// OpenAI Responses, and every server that speaks it.
    OpenaiResponses,
    /// `OpenRouter`.
    Openrouter,
    /// A command line per task.
    Process,
    /// The simulator.
    Sim,
}

impl ConfiguredKind {
    /// As configuration spells it.
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

/// `auth = { type = "bearer", token_env = "NAME" }`. A key itself never stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// How the key is shown.
    #[serde(rename = "type")]
    pub kind: AuthKind,
    /// The environment variable that holds the key.
    pub token_env: Option<String>,
    /// For `api_key`: the header that carries it; `x-api-key` where none is given.
    pub header: Option<String>,
}

/// How a key is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthKind {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// A header with nothing but the key.
    ApiKey,
    /// The server wants none.
    None,
}

/// A number, or a range to draw from: `80` or `{ min = 50, max = 120 }`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

impl Span {
    /// Always `value`.
    #[must_use]
    pub const fn exactly(value: f64) -> Self {
        Self { min: value, max: value }
    }

    /// From `min` to `max`.
    #[must_use]
    pub const fn between(min: f64, max: f64) -> Self {
        Self { min, max }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpanVisitor)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MinMax {
    min: f64,
    max: f64,
}

struct SpanVisitor;

impl SpanVisitor {
    fn check<E: Error>(min: f64, max: f64) -> Result<Span, E> {
        if min.is_finite() && max.is_finite() && 0.0 <= min && min <= max {
            return Ok(Span { min, max });
        }
        Err(E::custom("numbers here are 0 or more, and `min` is not above `max`"))
    }
}

impl<'de> Visitor<'de> for SpanVisitor {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or { min = NUMBER, max = NUMBER }")
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Span, E> {
        Self::check(number, number)
    }
    #[allow(clippy::cast_precision_loss, reason = "no setting needs 53 bits")]
    fn visit_i64<E: Error>(self, number: i64) -> Result<Span, E> {
        Self::check(number as f64, number as f64)
    }
    #[allow(clippy::cast_precision_loss, reason = "no setting needs 53 bits")]
    fn visit_u64<E: Error>(self, number: u64) -> Result<Span, E> {
        Self::check(number as f64, number as f64)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Span, A::Error> {
        let MinMax { min, max } = MinMax::deserialize(MapAccessDeserializer::new(map))?;
        Self::check(min, max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_section_reads() {
        let config: ProviderConfig = toml::from_str(
            r#"
            kind = "openai"
            base_url = "http://127.0.0.1:11434/v1"
            auth = { type = "api_key", token_env = "MY_KEY", header = "api-key" }
            max_concurrent = 50
            model = "m"
            "#,
        )
        .expect("a fine section");
        let auth =
            AuthConfig { kind: AuthKind::ApiKey, token_env: Some("MY_KEY".into()), header: Some("api-key".into()) };
        let wanted = ProviderConfig {
            kind: Some(ConfiguredKind::Openai),
            base_url: Some("http://127.0.0.1:11434/v1".into()),
            auth: Some(auth),
            max_concurrent: Some(50),
            model: Some("m".into()),
            ..ProviderConfig::default()
        };
        assert_eq!(config, wanted);
    }

    #[test]
    fn settings_are_numbers_or_ranges() {
        let config: ProviderConfig =
            toml::from_str("kind = \"sim\"\nlatency_ms = 20\ntokens = { min = 5, max = 9.5 }\nerror_rate = 0.1")
                .expect("a fine section");
        assert_eq!(config.latency_ms, Some(Span::exactly(20.0)));
        assert_eq!(config.tokens, Some(Span::between(5.0, 9.5)));
        assert_eq!(config.simulator_settings(), ["latency_ms", "tokens", "error_rate"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("token = \"sk-1\"", "unknown field `token`"),
            ("kind = \"gpt\"", "unknown variant `gpt`"),
            ("auth = { type = \"bearer\", token = \"sk-1\" }", "unknown field `token`"),
            ("auth = { token_env = \"X\" }", "missing field `type`"),
            ("max_concurrent = -1", "max_concurrent"),
            ("latency_ms = \"fast\"", "a number or { min = NUMBER, max = NUMBER }"),
            ("latency_ms = { min = 3, max = 1 }", "not above"),
            ("latency_ms = -3", "0 or more"),
            ("latency_ms = nan", "0 or more"),
        ];
        for (text, wanted) in cases {
            let error = toml::from_str::<ProviderConfig>(text).expect_err(text).to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
