//! JSON as servers send it, read leniently: unknown fields are passed over, and a field of an
//! unexpected type counts as absent where that loses nothing. Strings are borrowed from the
//! bytes that came, so that a delta costs no allocation.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::status::ServerError;

/// The error in the body of an answer that is one: below `error`, or the whole of it. Some servers
/// wrap it in an array.
pub(crate) fn error_body(body: &[u8]) -> Option<ServerError> {
    let told: ErrorBody<'_> = if body.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice::<First<ErrorBody<'_>>>(body).ok()?.0?
    } else {
        serde_json::from_slice(body).ok()?
    };
    let own = WireError { message: told.message, code: told.code, class: told.class };
    let error = told.error.unwrap_or(own).into_owned();
    (error != ServerError::default()).then_some(error)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody<'a> {
    #[serde(borrow)]
    error: Option<WireError<'a>>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    code: Text<'a>,
    #[serde(borrow, rename = "type")]
    class: Text<'a>,
}

/// An error: an object, or nothing but its message.
#[derive(Debug, Default)]
pub(crate) struct WireError<'a> {
    pub(crate) message: Text<'a>,
    pub(crate) code: Text<'a>,
    pub(crate) class: Text<'a>,
}

impl WireError<'_> {
    /// In our words.
    pub(crate) fn into_owned(self) -> ServerError {
        ServerError { message: self.message.into_owned(), code: self.code.into_owned(), class: self.class.into_owned() }
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
pub(crate) struct First<T>(pub(crate) Option<T>);

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
pub(crate) struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    /// The text; empty where there is none.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text; nothing where it is empty.
    pub(crate) fn some(&self) -> Option<&str> {
        Some(self.as_str()).filter(|text| !text.is_empty())
    }

    fn into_owned(self) -> String {
        self.0.into_owned()
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

/// A number of tokens; nothing where it is no number. A negative one counts as 0, and one that
/// is too large for us as the largest: what a bound is held against must never become small.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl<'de> Visitor<'de> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of tokens")
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Count, E> {
        Ok(Count(Some(number)))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Count, E> {
        Ok(Count(Some(u64::try_from(number).unwrap_or(0))))
    }
    /// Some gateways write `12.0`.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates at both ends")]
    fn visit_f64<E: Error>(self, number: f64) -> Result<Count, E> {
        Ok(Count(Some(number.ceil() as u64)))
    }
    fn visit_str<E: Error>(self, number: &str) -> Result<Count, E> {
        Ok(Count(number.trim().parse().ok()))
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<Count, E> {
        Ok(Count(None))
    }
    fn visit_unit<E: Error>(self) -> Result<Count, E> {
        Ok(Count(None))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Count, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Count(None))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Count, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Count(None))
    }
}
