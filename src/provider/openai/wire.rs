//! What a server sends, read leniently: unknown fields are passed over, and a field of an
//! unexpected type counts as absent where that loses nothing. Strings are borrowed from the
//! bytes that came, so that a delta costs no allocation.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::domain::Usage;
use crate::provider::http::ServerError;

/// One payload: a chunk of a stream, a whole answer, or an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload<'a> {
    /// The model that answers.
    #[serde(borrow)]
    pub(super) model: Text<'a>,
    /// The first choice: only one is ever asked for.
    #[serde(borrow)]
    pub(super) choices: First<Choice<'a>>,
    /// What was used: in a chunk of its own, or with the last delta.
    pub(super) usage: Option<WireUsage>,
    /// An error in place of a chunk.
    #[serde(borrow)]
    pub(super) error: Option<WireError<'a>>,
    /// `error` where the payload itself is one (older vLLM).
    #[serde(borrow)]
    pub(super) object: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    code: Text<'a>,
    #[serde(borrow, rename = "type")]
    class: Text<'a>,
}

impl Payload<'_> {
    /// The payload read as an error object.
    pub(super) fn as_error(&self) -> ServerError {
        ServerError { message: self.message.owned(), code: self.code.owned(), class: self.class.owned() }
    }
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

/// Token counts as the server sends them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
}

impl WireUsage {
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
            estimated: false,
        })
    }
}

/// The error in the body of an answer that is one; some servers wrap it in an array.
pub(super) fn error_body(body: &[u8]) -> Option<ServerError> {
    let payload = if body.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice::<First<Payload<'_>>>(body).ok()?.0?
    } else {
        serde_json::from_slice(body).ok()?
    };
    let own = payload.as_error();
    let error = payload.error.map_or(own, WireError::into_owned);
    (error != ServerError::default()).then_some(error)
}

/// An error: an object, or nothing but its message.
#[derive(Debug, Default)]
pub(super) struct WireError<'a> {
    message: Text<'a>,
    code: Text<'a>,
    class: Text<'a>,
}

impl WireError<'_> {
    /// In our words.
    pub(super) fn into_owned(self) -> ServerError {
        ServerError { message: self.message.owned(), code: self.code.owned(), class: self.class.owned() }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorObject<'a> {
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    code: Text<'a>,
    #[serde(borrow, rename = "type")]
    class: Text<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for WireError<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Either<'a> {
            type Value = WireError<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an error object or a message")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(WireError { message: Text(Cow::Borrowed(text)), ..WireError::default() })
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(WireError { message: Text(Cow::Owned(text.to_owned())), ..WireError::default() })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let ErrorObject { message, code, class } = Deserialize::deserialize(MapAccessDeserializer::new(map))?;
                Ok(WireError { message, code, class })
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// The first element of an array; nothing for an empty one or none.
#[derive(Debug)]
pub(super) struct First<T>(pub(super) Option<T>);

impl<T> Default for First<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<T> {
            type Value = First<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_unit<E: Error>(self) -> Result<First<T>, E> {
                Ok(First(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<First<T>, A::Error> {
                let first = elements.next_element()?;
                while elements.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_any(Elements(PhantomData))
    }
}

/// A text: a string, a number as its digits, the texts of an array of parts; otherwise empty.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    /// The text; empty where there is none.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn owned(&self) -> String {
        self.0.clone().into_owned()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor(PhantomData))
    }
}

struct TextVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for TextVisitor<'a> {
    type Value = Text<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Text::default())
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Text::default())
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut whole = String::new();
        while let Some(Text(part)) = parts.next_element()? {
            whole.push_str(&part);
        }
        Ok(Text(Cow::Owned(whole)))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut part: A) -> Result<Self::Value, A::Error> {
        let mut text = Text::default();
        while let Some(Text(key)) = part.next_key()? {
            if key == "text" {
                text = part.next_value()?;
            } else {
                part.next_value::<IgnoredAny>()?;
            }
        }
        Ok(text)
    }
}

/// A number of tokens; nothing where it is no number. A negative one counts as 0.
#[derive(Debug, Default)]
struct Count(Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Option::<serde_json::Number>::deserialize(deserializer)?;
        Ok(Self(number.map(|n| n.as_u64().or_else(|| whole(n.as_f64()?)).unwrap_or(0))))
    }
}

/// A number such as `12.0`, as some gateways write counts.
fn whole(number: f64) -> Option<u64> {
    format!("{:.0}", number.ceil()).parse().ok()
}
