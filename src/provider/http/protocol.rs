//! What a provider over HTTP adds to the plumbing that all of them share.

use bytes::Bytes;
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde::Serialize;

use super::address::Address;
use super::answer::Codec;
use super::headers;
use crate::domain::ProviderKind;
use crate::domain::report::Quota;
use crate::domain::transcript::Role;
use crate::provider::config::AuthKind;
use crate::provider::{ChatMessage, Request};

/// Prompt tokens that a server may add to what we send. Chat templates put markers around each
/// message (the JSON around it is longer than they are) and some prepend a system prompt of their
/// own where there is none: the longest known, of Mistral's models, has about 600 tokens.
const HIDDEN_OVERHEAD: u32 = 1024;

/// What one server speaks.
pub(crate) trait Protocol: Send + Sync + Sized + 'static {
    /// Understands its answers.
    type Codec: Codec;

    /// Who speaks it first of all.
    const VENDOR: Vendor;

    /// The protocol as the server at `address` speaks it.
    fn at(address: &Address) -> Self;

    /// Where requests go.
    fn url(address: &Address) -> Url;

    /// What is sent.
    fn body<'a>(&'a self, request: &'a Request) -> impl Serialize + 'a;

    /// What the server said of its own limits.
    fn quota(headers: &HeaderMap) -> Quota {
        headers::quota(headers)
    }
}

/// The vendor of a protocol: its own server, and how users expect to reach it.
pub(crate) struct Vendor {
    /// The kind of its providers.
    pub(crate) kind: ProviderKind,
    /// The built-in provider: the environment's standard variables are about this one.
    pub(crate) name: &'static str,
    /// Its own server.
    pub(crate) server: &'static str,
    /// Its own server's host.
    pub(crate) host: &'static str,
    /// The cheap model that is used where none is asked for.
    pub(crate) model: &'static str,
    /// The variable that holds its key.
    pub(crate) key_variable: &'static str,
    /// The variable that says where the built-in provider is.
    pub(crate) address_variable: &'static str,
    /// How a key is shown where nothing else is configured.
    pub(crate) auth: AuthKind,
    /// Headers that every request carries.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// Whether it takes a seed.
    pub(crate) takes_seed: bool,
    /// Whether its answers say what they cost.
    pub(crate) tells_cost: bool,
}

/// The body, serialised.
///
/// # Errors
/// Where a temperature is no number: JSON has none such.
pub(super) fn body(protocol: &impl Protocol, request: &Request) -> Result<Bytes, serde_json::Error> {
    serde_json::to_vec(&protocol.body(request)).map(Bytes::from)
}

/// The most prompt tokens that the request can be billed for.
pub(super) fn input_bound(protocol: &impl Protocol, request: &Request) -> u32 {
    let mut counter = Counter(0);
    let written = serde_json::to_writer(&mut counter, &protocol.body(request));
    let bytes = if written.is_ok() { counter.0 } else { usize::MAX };
    u32::try_from(bytes).unwrap_or(u32::MAX).saturating_add(HIDDEN_OVERHEAD)
}

/// One thing said, as all of these protocols write it.
#[derive(Serialize)]
pub(crate) struct Turn<'a> {
    role: &'static str,
    content: &'a str,
}

impl<'a> Turn<'a> {
    /// What `message` says.
    pub(crate) fn of(message: &'a ChatMessage) -> Self {
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        Self { role, content: &message.content }
    }
}

/// Writes a temperature, where there is one.
///
/// # Errors
/// Where it is no number.
#[allow(clippy::ref_option, reason = "the signature that serde calls")]
pub(crate) fn finite<S: serde::Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) if number.is_finite() => serializer.serialize_f64(*number),
        _ => Err(serde::ser::Error::custom("the temperature is no number")),
    }
}

/// Counts what would be written.
struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
