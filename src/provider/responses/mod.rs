//! OpenAI Responses, and every server that speaks it. Format:
//! <https://platform.openai.com/docs/api-reference/responses-streaming>.

mod codec;
mod request;
mod wire;

use reqwest::Url;
use serde::Serialize;

use super::Request;
use super::http::{Address, Protocol, Vendor};
use super::openai::OPENAI;
use crate::domain::ProviderKind;
use codec::ResponsesCodec;
use request::Body;

/// OpenAI Responses.
pub(super) struct Responses;

impl Protocol for Responses {
    type Codec = ResponsesCodec;

    const VENDOR: Vendor = Vendor { kind: ProviderKind::OpenaiResponses, takes_seed: false, ..OPENAI };

    fn at(_: &Address) -> Self {
        Self
    }

    fn url(address: &Address) -> Url {
        address.endpoint("/responses")
    }

    fn body<'a>(&'a self, request: &'a Request) -> impl Serialize + 'a {
        Body::of(request)
    }
}

#[cfg(test)]
mod tests {
    use super::super::http::tests::codec_tests;
    use super::*;

    codec_tests!(ResponsesCodec, "responses", r#"data: {"type":"response.output_text.delta","delta":"TEXT"}"#);
}
