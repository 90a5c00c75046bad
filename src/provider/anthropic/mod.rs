//! Anthropic Messages. Format: <https://platform.claude.com/docs/en/api/messages> and
//! <https://platform.claude.com/docs/en/build-with-claude/streaming>.

mod codec;
mod request;
mod wire;

use reqwest::Url;
use reqwest::header::HeaderMap;
use serde::Serialize;

use super::Request;
use super::config::AuthKind;
use super::http::{Address, Protocol, Vendor, number};
use crate::domain::ProviderKind;
use crate::domain::report::Quota;
use codec::MessagesCodec;
use request::Body;

/// Anthropic Messages.
pub(super) struct Messages;

impl Protocol for Messages {
    type Codec = MessagesCodec;

    const VENDOR: Vendor = Vendor {
        kind: ProviderKind::Anthropic,
        name: "anthropic",
        server: "https://api.anthropic.com",
        host: "api.anthropic.com",
        model: "claude-haiku-4-5",
        key_variable: "ANTHROPIC_API_KEY",
        address_variable: "ANTHROPIC_BASE_URL",
        auth: AuthKind::ApiKey,
        headers: &[("anthropic-version", "2023-06-01")],
        takes_seed: false,
        tells_cost: false,
    };

    fn at(_: &Address) -> Self {
        Self
    }

    /// The base URL is without the version; users who know other servers write it all the same.
    fn url(address: &Address) -> Url {
        let versioned = address.ends_with("/v1");
        address.endpoint(if versioned { "/messages" } else { "/v1/messages" })
    }

    fn body<'a>(&'a self, request: &'a Request) -> impl Serialize + 'a {
        Body::of(request)
    }

    /// `anthropic-ratelimit-*`. Input and output have limits of their own, and `tokens` is the
    /// tighter of all; some gateways pass on only the former.
    fn quota(headers: &HeaderMap) -> Quota {
        let told = |of: &str, what: &str| number(headers, &format!("anthropic-ratelimit-{of}-{what}"));
        let tokens = ["tokens", "input-tokens", "output-tokens"].map(|of| (told(of, "remaining"), told(of, "limit")));
        let [whole, parts @ ..] = tokens;
        let tightest = parts.into_iter().filter(|(remaining, _)| remaining.is_some()).min();
        let (tokens_remaining, tokens_limit) = if whole.0.is_some() { whole } else { tightest.unwrap_or(whole) };
        Quota {
            requests_remaining: told("requests", "remaining"),
            requests_limit: told("requests", "limit"),
            tokens_remaining,
            tokens_limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::http::tests::codec_tests;
    use super::*;

    codec_tests!(
        MessagesCodec,
        "anthropic",
        r#"data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"TEXT"}}"#
    );

    #[test]
    fn the_version_stands_in_the_address_once() {
        let wanted = "https://h/x/v1/messages";
        for base in ["https://h/x", "https://h/x/", "https://h/x/v1", "https://h/x/v1/", "https://h/x/v1/messages"] {
            let address = Address::parse(base).expect("an address");
            assert_eq!(Messages::url(&address).as_str(), wanted, "{base}");
        }
    }

    #[test]
    fn the_tightest_limit_of_tokens_is_told() {
        let quota = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs.iter().map(|(name, value)| {
                let name = format!("anthropic-ratelimit-{name}");
                (name.parse().expect("a name"), value.parse().expect("a value"))
            });
            Messages::quota(&headers.collect())
        };
        let parts = [
            ("requests-limit", "50"),
            ("requests-remaining", "49"),
            ("input-tokens-limit", "30000"),
            ("input-tokens-remaining", "29000"),
            ("output-tokens-limit", "8000"),
            ("output-tokens-remaining", "7000"),
        ];
        let wanted = Quota {
            requests_limit: Some(50),
            requests_remaining: Some(49),
            tokens_limit: Some(8000),
            tokens_remaining: Some(7000),
        };
        assert_eq!(quota(&parts), wanted);
        let whole = [("tokens-limit", "38000"), ("tokens-remaining", "36000")];
        let wanted = Quota { tokens_limit: Some(38000), tokens_remaining: Some(36000), ..wanted };
        assert_eq!(quota(&[&parts[..], &whole[..]].concat()), wanted);
        assert!(quota(&[("requests-reset", "2026-01-01T00:00:00Z")]).is_empty());
    }
}
