//! From a request to the body that is sent.

use serde::Serialize;

use crate::provider::Request;
use crate::provider::http::{Turn, finite};

/// How a server calls the most tokens of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum MaxTokens {
    /// `max_tokens`: what every compatible server knows.
    Classic,
    /// `max_completion_tokens`, which counts reasoning too: OpenAI's own servers; its reasoning
    /// models refuse the other.
    Completion,
}

impl MaxTokens {
    /// How to ask `model` on `host`.
    pub(in crate::provider) fn of(host: &str, model: &str) -> Self {
        let own = host == "openai.com" || host.ends_with(".openai.com");
        if own || is_reasoning(model) { Self::Completion } else { Self::Classic }
    }
}

/// Whether OpenAI's naming says that the model reasons: `o1`, `o3-mini`, `gpt-5` and later, also
/// behind a vendor (`openai/o3`).
fn is_reasoning(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let number = |rest: &str| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest.get(..digits).and_then(|digits| digits.parse::<u32>().ok())
    };
    let series = name.strip_prefix('o').and_then(number).is_some();
    series || name.strip_prefix("gpt-").and_then(number).is_some_and(|version| version >= 5)
}

/// The body of Chat Completions.
#[derive(Serialize)]
pub(in crate::provider) struct Body<'a> {
    model: &'a str,
    messages: Vec<Turn<'a>>,
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "finite")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> Body<'a> {
    /// What `request` says.
    pub(in crate::provider) fn of(request: &'a Request, max_tokens: MaxTokens) -> Self {
        let (classic, completion) = match max_tokens {
            MaxTokens::Classic => (Some(request.max_tokens), None),
            MaxTokens::Completion => (None, Some(request.max_tokens)),
        };
        Self {
            model: &request.model,
            messages: request.messages.iter().map(Turn::of).collect(),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
            max_tokens: classic,
            max_completion_tokens: completion,
            temperature: request.temperature,
            // Servers take a signed 64-bit number, and refuse more.
            seed: request.seed.map(|seed| i64::try_from(seed & (u64::MAX >> 1)).unwrap_or(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::Role;
    use crate::provider::http::tests;

    fn request() -> Request {
        let messages = [(Role::System, "Be brief."), (Role::User, "\"Grüße\"\n")];
        tests::request("gpt-4o-mini", messages.map(|(role, content)| tests::say(role, content)).to_vec())
    }

    fn body(request: &Request, max_tokens: MaxTokens) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Body::of(request, max_tokens))
    }

    #[test]
    fn only_what_was_given_is_sent() {
        let plain = body(&request(), MaxTokens::Classic).expect("serialises");
        let wanted = concat!(
            r#"{"model":"gpt-4o-mini","messages":[{"role":"system","content":"Be brief."},"#,
            r#"{"role":"user","content":"\"Grüße\"\n"}],"stream":true,"stream_options":{"include_usage":true},"#,
            r#""max_tokens":7}"#
        );
        assert_eq!(plain, wanted.as_bytes());

        let full = Request { temperature: Some(0.5), seed: Some(u64::MAX), ..request() };
        let full = body(&full, MaxTokens::Completion).expect("serialises");
        let end = r#""max_completion_tokens":7,"temperature":0.5,"seed":9223372036854775807}"#;
        assert!(full.ends_with(end.as_bytes()), "{full:?}");
    }

    #[test]
    fn a_temperature_that_is_no_number_is_no_request() {
        let request = Request { temperature: Some(f64::NAN), ..request() };
        assert!(body(&request, MaxTokens::Classic).is_err());
    }

    #[test]
    fn models_are_asked_as_they_want_it() {
        let cases = [
            ("api.openai.com", "gpt-4o-mini", MaxTokens::Completion),
            ("eu.api.openai.com", "x", MaxTokens::Completion),
            ("127.0.0.1", "o3-mini", MaxTokens::Completion),
            ("gateway", "openai/o1", MaxTokens::Completion),
            ("gateway", "openai/gpt-5.1-mini", MaxTokens::Completion),
            ("notopenai.com", "gpt-4o-mini", MaxTokens::Classic),
            ("127.0.0.1", "openchat", MaxTokens::Classic),
            ("127.0.0.1", "gpt-oss:20b", MaxTokens::Classic),
            ("127.0.0.1", "llama3.2", MaxTokens::Classic),
        ];
        for (host, model, wanted) in cases {
            assert_eq!(MaxTokens::of(host, model), wanted, "{host} {model}");
        }
    }
}
