//! Headers that tell of limits and of waiting, as OpenAI and the servers after its model send them.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::domain::report::Quota;

/// How long the server asks us to wait, in milliseconds, rounded up: `retry-after-ms`, else
/// `retry-after` in seconds or as a date (RFC 9110, 10.2.3). A date is read against the server's
/// own `Date`, so that its clock and ours need not agree.
pub(super) fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    if let Some(wait) = text(headers, "retry-after-ms").and_then(|ms| seconds(ms, 1000.0)) {
        return Some(wait);
    }
    let after = text(headers, RETRY_AFTER.as_str())?;
    seconds(after, 1.0).or_else(|| {
        let then = httpdate::parse_http_date(after).ok()?;
        let now = httpdate::parse_http_date(text(headers, DATE.as_str())?).ok()?;
        Some(milliseconds(then.duration_since(now).unwrap_or_default()))
    })
}

/// Whether the server says that trying again is worth it (`x-should-retry`).
pub(super) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match text(headers, "x-should-retry")? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// What the server said of its own limits (`x-ratelimit-*`).
pub(super) fn quota(headers: &HeaderMap) -> Quota {
    Quota {
        requests_remaining: number(headers, "x-ratelimit-remaining-requests"),
        requests_limit: number(headers, "x-ratelimit-limit-requests"),
        tokens_remaining: number(headers, "x-ratelimit-remaining-tokens"),
        tokens_limit: number(headers, "x-ratelimit-limit-tokens"),
    }
}

/// The server's id of the request: of OpenAI and most others, Anthropic, `OpenRouter`.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    const NAMES: [&str; 3] = ["x-request-id", "request-id", "x-generation-id"];
    NAMES.into_iter().find_map(|name| text(headers, name)).map(str::to_owned)
}

/// A header that holds a whole number.
pub(crate) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|value| !value.is_empty())
}

fn seconds(number: &str, per_second: f64) -> Option<u64> {
    let number: f64 = number.parse().ok()?;
    Duration::try_from_secs_f64(number / per_second).ok().map(milliseconds)
}

fn milliseconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn waiting_reads_in_every_form() {
        let date = "Wed, 21 Oct 2026 07:28:00 GMT";
        let later = "Wed, 21 Oct 2026 07:28:05 GMT";
        let cases: [(&[_], _); 11] = [
            (&[("retry-after", "2")], Some(2000)),
            (&[("retry-after", " 0.0201 ")], Some(21)),
            (&[("retry-after-ms", "12.5"), ("retry-after", "9")], Some(13)),
            (&[("retry-after-ms", "soon"), ("retry-after", "9")], Some(9000)),
            (&[("retry-after", later), ("date", date)], Some(5000)),
            (&[("retry-after", date), ("date", later)], Some(0)),
            (&[("retry-after", later)], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "1e300")], None),
            (&[], None),
        ];
        for (pairs, wanted) in cases {
            assert_eq!(retry_after_ms(&headers(pairs)), wanted, "{pairs:?}");
        }
    }

    #[test]
    fn limits_are_read_where_they_are_told() {
        let told = headers(&[
            ("x-ratelimit-limit-requests", "500"),
            ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-remaining-tokens", "many"),
            ("x-should-retry", "false"),
            ("x-request-id", "req_1"),
        ]);
        let wanted = Quota { requests_limit: Some(500), requests_remaining: Some(499), ..Quota::default() };
        assert_eq!(quota(&told), wanted);
        assert_eq!(should_retry(&told), Some(false));
        assert_eq!(request_id(&told).as_deref(), Some("req_1"));
        assert!(quota(&HeaderMap::new()).is_empty());
    }
}
