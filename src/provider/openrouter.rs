//! `OpenRouter`: Chat Completions that say what they cost, from the cheapest sellers.
//! Format: <https://openrouter.ai/docs/api-reference/overview>.

use reqwest::Url;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Request;
use super::config::AuthKind;
use super::http::{Address, Protocol, Vendor};
use super::openai::{Body, ChatCodec, ENDPOINT, MaxTokens};
use crate::domain::{ModelPrice, ProviderKind};

/// Chat Completions as `OpenRouter` speaks it.
pub(super) struct OpenRouter;

impl Protocol for OpenRouter {
    type Codec = ChatCodec<true>;

    const VENDOR: Vendor = Vendor {
        kind: ProviderKind::Openrouter,
        name: "openrouter",
        server: "https://openrouter.ai/api/v1",
        host: "openrouter.ai",
        model: "openai/gpt-4o-mini",
        key_variable: "OPENROUTER_API_KEY",
        address_variable: "OPENROUTER_BASE_URL",
        auth: AuthKind::Bearer,
        headers: &[],
        takes_seed: true,
        tells_cost: true,
    };

    fn at(_: &Address) -> Self {
        Self
    }

    fn url(address: &Address) -> Url {
        address.endpoint(ENDPOINT)
    }

    fn body<'a>(&'a self, request: &'a Request) -> impl Serialize + 'a {
        // `max_tokens` counts reasoning too, whichever vendor's model it is.
        let chat = Body::of(request, MaxTokens::Classic);
        Routed { chat, provider: request.price.map(|price| Routing { max_price: MaxPrice::of(&price) }) }
    }
}

#[derive(Serialize)]
struct Routed<'a> {
    #[serde(flatten)]
    chat: Body<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Routing>,
}

#[derive(Serialize)]
struct Routing {
    max_price: MaxPrice,
}

/// The dearest seller that may be chosen, in dollars per million tokens: the reservation was made
/// at this price.
#[derive(Serialize)]
struct MaxPrice {
    prompt: Option<Box<RawValue>>,
    completion: Option<Box<RawValue>>,
    request: Option<Box<RawValue>>,
}

impl MaxPrice {
    fn of(price: &ModelPrice) -> Self {
        Self { prompt: exactly(&price.input), completion: exactly(&price.output), request: exactly(&price.request) }
    }
}

/// A decimal as a JSON number, digit by digit.
fn exactly(decimal: &impl ToString) -> Option<Box<RawValue>> {
    RawValue::from_string(decimal.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::http::tests::{codec_tests, request, say};
    use super::*;
    use crate::domain::transcript::Role;
    use crate::domain::{Money, Price};

    codec_tests!(ChatCodec<true>, "openrouter", r#"data: {"choices":[{"index":0,"delta":{"content":"TEXT"}}]}"#);

    #[test]
    fn no_seller_may_be_dearer_than_what_was_reserved() {
        let price = ModelPrice {
            input: Price::from_nanos(150_000_000),
            output: Price::from_nanos(600_000_001),
            request: Money::from_nanos(1),
            ..ModelPrice::FREE
        };
        let plain = request("openai/o3", vec![say(Role::User, "x")]);
        let priced = Request { price: Some(price), ..plain.clone() };
        let body = |request| serde_json::to_string(&OpenRouter.body(request)).expect("serialises");
        assert!(
            body(&plain).ends_with(r#""stream_options":{"include_usage":true},"max_tokens":7}"#),
            "{}",
            body(&plain)
        );
        let wanted = r#""provider":{"max_price":{"prompt":0.15,"completion":0.600000001,"request":0.000000001}}}"#;
        assert!(body(&priced).ends_with(wanted), "{}", body(&priced));
    }
}
