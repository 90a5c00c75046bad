//! OpenAI Chat Completions, and every server that speaks it: a thin, lenient codec of our own.
//! Format: <https://platform.openai.com/docs/api-reference/chat>.

mod codec;
mod request;
mod wire;

use reqwest::Url;
use serde::Serialize;

use super::Request;
use super::config::AuthKind;
use super::http::{Address, Protocol, Vendor};
use crate::domain::ProviderKind;
pub(super) use codec::ChatCodec;
pub(super) use request::{Body, MaxTokens};

/// Below the base URL.
pub(super) const ENDPOINT: &str = "/chat/completions";
/// OpenAI itself; its other protocols differ in their kind.
pub(super) const OPENAI: Vendor = Vendor {
    kind: ProviderKind::Openai,
    name: "openai",
    server: "https://api.openai.com/v1",
    host: "api.openai.com",
    model: "gpt-4o-mini",
    key_variable: "OPENAI_API_KEY",
    address_variable: "OPENAI_BASE_URL",
    auth: AuthKind::Bearer,
    headers: &[],
    takes_seed: true,
    tells_cost: false,
};

/// Chat Completions.
pub(super) struct Chat {
    host: String,
}

impl Protocol for Chat {
    type Codec = ChatCodec<false>;

    const VENDOR: Vendor = OPENAI;

    fn at(address: &Address) -> Self {
        Self { host: address.host().to_owned() }
    }

    fn url(address: &Address) -> Url {
        address.endpoint(ENDPOINT)
    }

    fn body<'a>(&'a self, request: &'a Request) -> impl Serialize + 'a {
        Body::of(request, MaxTokens::of(&self.host, &request.model))
    }
}

#[cfg(test)]
mod tests {
    use super::super::http::tests::codec_tests;
    use super::*;

    codec_tests!(ChatCodec<false>, "openai", r#"data: {"choices":[{"index":0,"delta":{"content":"TEXT"}}]}"#);
}
