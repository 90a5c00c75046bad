//! From a request to the body that is sent.

use std::io;

use bytes::Bytes;
use serde::Serialize;

use crate::domain::transcript::Role;
use crate::provider::Request;

/// Prompt tokens that a server may add to what we send. Chat templates put markers around each
/// message (the JSON around it is longer than they are) and some prepend a system prompt of their
/// own where there is none: the longest known, of Mistral's models, has about 600 tokens.
const HIDDEN_OVERHEAD: u32 = 1024;

/// How a server calls the most tokens of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MaxTokens {
    /// `max_tokens`: what every compatible server knows.
    Classic,
    /// `max_completion_tokens`, which counts reasoning too: OpenAI's own servers; its reasoning
    /// models refuse the other.
    Completion,
}

impl MaxTokens {
    /// How to ask `model` on `host`.
    pub(super) fn of(host: &str, model: &str) -> Self {
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

/// The body, serialised.
///
/// # Errors
/// Where a temperature is no number: JSON has none such.
pub(super) fn body(request: &Request, max_tokens: MaxTokens) -> Result<Bytes, serde_json::Error> {
    serde_json::to_vec(&Body::of(request, max_tokens)).map(Bytes::from)
}

/// The most prompt tokens that the request can be billed for.
pub(super) fn input_bound(request: &Request, max_tokens: MaxTokens) -> u32 {
    let mut counter = Counter(0);
    let written = serde_json::to_writer(&mut counter, &Body::of(request, max_tokens));
    let bytes = if written.is_ok() { counter.0 } else { usize::MAX };
    u32::try_from(bytes).unwrap_or(u32::MAX).saturating_add(HIDDEN_OVERHEAD)
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
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
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> Body<'a> {
    fn of(request: &'a Request, max_tokens: MaxTokens) -> Self {
        let messages = request.messages.iter().map(|m| Message { role: role(m.role), content: &m.content }).collect();
        let (classic, completion) = match max_tokens {
            MaxTokens::Classic => (Some(request.max_tokens), None),
            MaxTokens::Completion => (None, Some(request.max_tokens)),
        };
        Self {
            model: &request.model,
            messages,
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

const fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

#[allow(clippy::ref_option, reason = "the signature that serde calls")]
fn finite<S: serde::Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) if number.is_finite() => serializer.serialize_f64(*number),
        _ => Err(serde::ser::Error::custom("the temperature is no number")),
    }
}

/// Counts what would be written.
struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AgentId, Key, RunId};
    use crate::provider::ChatMessage;

    fn request() -> Request {
        let say = |role, content: &str| ChatMessage { role, content: content.to_owned() };
        Request {
            agent: AgentId { run: RunId::from_random(1), no: 0 },
            attempt: 1,
            messages: vec![say(Role::System, "Be brief."), say(Role::User, "\"Grüße\"\n")],
            command: vec![],
            stdin: None,
            model: "gpt-4o-mini".into(),
            max_tokens: 7,
            temperature: None,
            seed: None,
            randomness: 0,
            key: Key(1),
        }
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
        assert_eq!(input_bound(&request, MaxTokens::Classic), u32::MAX);
    }

    #[test]
    fn the_bound_holds_every_byte_of_the_body() {
        let bytes = body(&request(), MaxTokens::Classic).expect("serialises").len();
        assert_eq!(input_bound(&request(), MaxTokens::Classic) as usize, bytes + 1024);
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
