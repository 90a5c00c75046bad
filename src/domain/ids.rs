//! Names of things: short enough to type, unique enough to trust.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The number of a task within its run, from 0: its row's number.
pub type TaskNo = u32;
/// The number of an agent within its run, from 0.
pub type AgentNo = u32;

/// Crockford's base32: no `i`, `l`, `o`, `u`, so that an id survives being read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const RUN_CHARS: usize = 8;
const RUN_BITS: u32 = 40;

/// A text that is no id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {wanted} id: {form}")]
pub struct IdError {
    text: String,
    wanted: &'static str,
    form: &'static str,
}

/// A run: `r-` and 8 characters of Crockford's base32 (40 random bits; the store refuses a repeat).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(u64);

impl RunId {
    /// Takes the low 40 bits of `random`.
    #[must_use]
    pub fn from_random(random: u64) -> Self {
        Self(random & ((1 << RUN_BITS) - 1))
    }

    /// The bare number, as the store keeps it.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; RUN_CHARS];
        let mut rest = self.0;
        for slot in text.iter_mut().rev() {
            *slot = ALPHABET.get((rest & 31) as usize).copied().unwrap_or(b'0');
            rest >>= 5;
        }
        write!(f, "r-{}", std::str::from_utf8(&text).unwrap_or("????????"))
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RunId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError {
            text: text.to_owned(),
            wanted: "run",
            form: "a run looks like r-07kx4m2p (`flightdeck runs` lists them)",
        };
        let digits = text.strip_prefix("r-").unwrap_or(text);
        if digits.len() != RUN_CHARS {
            return Err(wrong());
        }
        digits
            .bytes()
            .try_fold(0_u64, |number, byte| {
                let digit = ALPHABET.iter().position(|&a| a == byte.to_ascii_lowercase())?;
                Some((number << 5) | digit as u64)
            })
            .map(Self)
            .ok_or_else(wrong)
    }
}

/// An agent: its run and its number there, written `r-07kx4m2p.14`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId {
    /// The run that it belongs to.
    pub run: RunId,
    /// Its number in that run, from 0.
    pub no: AgentNo,
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.run, self.no)
    }
}

impl fmt::Debug for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AgentId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError {
            text: text.to_owned(),
            wanted: "agent",
            form: "an agent looks like r-07kx4m2p.14 (`flightdeck agents` lists them)",
        };
        let (run, no) = text.split_once('.').ok_or_else(wrong)?;
        Ok(Self { run: run.parse().map_err(|_| wrong())?, no: no.parse().map_err(|_| wrong())? })
    }
}

/// Serialises a type as its `Display` text and reads it back with `FromStr`.
macro_rules! serde_as_text {
    ($($name:ty),+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}
pub(crate) use serde_as_text;

serde_as_text!(RunId, AgentId, Key, ContentRef);

/// An idempotency key: 16 hex characters over everything that changes the answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(hex(&self.0.to_be_bytes(), &mut [0; 16]))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Key {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError { text: text.to_owned(), wanted: "idempotency key", form: "16 hex characters" };
        if text.len() != 16 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| wrong())
    }
}

/// Where a text is kept: a keyed hash (128 bits) of its raw content, so that events can name
/// content without holding any.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentRef(pub [u8; 16]);

impl fmt::Display for ContentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(hex(&self.0, &mut [0; 32]))
    }
}

/// `bytes` in hex, in `text`, which has two places for each. Events are full of names: this is
/// several times as fast as formatting a number.
fn hex<'t>(bytes: &[u8], text: &'t mut [u8]) -> &'t str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| DIGITS.get(usize::from(value & 15)).copied().unwrap_or(b'0');
    for (byte, place) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        place.copy_from_slice(&[digit(byte >> 4), digit(*byte)]);
    }
    std::str::from_utf8(text).unwrap_or_default()
}

impl fmt::Debug for ContentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentRef {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError { text: text.to_owned(), wanted: "content", form: "32 hex characters" };
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        u128::from_str_radix(text, 16).map(|number| Self(number.to_be_bytes())).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_reads_back_in_either_case() {
        let id = RunId::from_random(0x1234_5678_9abc_def0);
        let text = id.to_string();
        assert_eq!(text.len(), 10);
        assert_eq!(text.parse::<RunId>(), Ok(id));
        assert_eq!(text.to_uppercase().replace("R-", "r-").parse::<RunId>(), Ok(id));
    }

    #[test]
    fn an_agent_id_names_its_run() {
        let id = AgentId { run: RunId::from_random(7), no: 14 };
        assert_eq!(id.to_string(), "r-00000007.14");
        assert_eq!("r-00000007.14".parse::<AgentId>(), Ok(id));
    }

    #[test]
    fn what_is_no_id_says_how_one_looks() {
        for text in ["", "r-", "r-0000000u", "r-000000077", "hello"] {
            let error = text.parse::<RunId>().expect_err(text);
            assert!(error.to_string().contains("r-07kx4m2p"), "{error}");
        }
        assert!("r-00000007".parse::<AgentId>().is_err());
        assert!("+f86d081884c7d65".parse::<Key>().is_err());
    }
}
