//! The `OpenRouter` provider against a server on loopback.

use flightdeck::domain::report::{ErrorKind, Sent};
use flightdeck::domain::{ModelPrice, Price, Usage};
use flightdeck::provider::{Outcome, Request};
use serde_json::json;

use crate::support::calls::{Call, KEY, ask, configured, failure, request};
use crate::support::mock_openai::{Answer, MockOpenAi};

const WAIT: &str = ": OPENROUTER PROCESSING\n\n";

/// An answer with its price in these digits.
fn answer(cost: &str) -> Answer {
    let delta = json!({"id": "gen-1", "model": "openai/gpt-4o-mini", "choices":
                       [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]});
    let usage = format!(
        "{{\"prompt_tokens\":20,\"completion_tokens\":3,\"cost\":{cost},\
         \"prompt_tokens_details\":{{\"cached_tokens\":5,\"cache_write_tokens\":10}}}}"
    );
    Answer::raw(200, "text/event-stream", WAIT)
        .piece(&format!("data: {delta}\n\n"))
        .piece(WAIT)
        .piece(&format!("data: {{\"choices\":[],\"usage\":{usage}}}\n\n"))
        .piece("data: [DONE]\n\n")
}

async fn ask_for(answer: Answer) -> (Outcome, String) {
    let server = MockOpenAi::always(answer);
    ask(&configured("openrouter", "", &server.base_url())).await
}

#[tokio::test]
async fn an_answer_says_what_it_cost() {
    let (outcome, live) = ask_for(answer("1.5e-05").header("x-generation-id", "gen-7")).await;
    assert_eq!((outcome.result.expect("an answer").text.as_str(), live.as_str()), ("Hi", "Hi"));
    assert_eq!(outcome.cost.map(|cost| cost.to_string()).as_deref(), Some("0.000015"));
    let usage =
        Usage { input_tokens: 5, output_tokens: 3, cache_read_tokens: 5, cache_write_tokens: 10, ..Usage::default() };
    assert_eq!(outcome.usage, Some(usage));
    assert_eq!(outcome.request_id.as_deref(), Some("gen-7"));
}

#[tokio::test]
async fn the_reserved_price_is_the_dearest_that_is_taken() {
    let server = MockOpenAi::always(answer("0.1"));
    let settings = "headers = { HTTP-Referer = \"https://example.org\", X-Title = \"Mine\" }";
    let provider = configured("openrouter", settings, &server.base_url());
    let price = ModelPrice {
        input: Price::from_nanos(150_000_000),
        output: Price::from_nanos(600_000_000),
        ..ModelPrice::FREE
    };
    let priced = Request { price: Some(price), model: "openai/o3".into(), ..request() };
    Call::start(&provider, priced).end().await.0.result.expect("an answer");
    ask(&provider).await.0.result.expect("an answer");
    let seen = server.seen();
    assert_eq!(seen[0].uri, "/v1/chat/completions");
    assert_eq!(seen[0].header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(
        (seen[0].header("http-referer"), seen[0].header("x-title")),
        (Some("https://example.org"), Some("Mine"))
    );
    assert_eq!(seen[0].body["provider"], json!({"max_price": {"prompt": 0.15, "completion": 0.6, "request": 0}}));
    assert_eq!(seen[0].body["max_tokens"], 64);
    assert_eq!(seen[1].body.get("provider"), None, "a model without a price is not reserved for");
}

#[tokio::test]
async fn errors_come_by_status_and_in_the_stream() {
    let error = |code: u16, message: &str| json!({"error": {"code": code, "message": message}}).to_string();
    let at_once = |code, message| Answer::raw(code, "application/json", error(code, message));
    let in_stream = |code, message| {
        Answer::raw(200, "text/event-stream", WAIT).piece(&format!("data: {}\n\n", error(code, message)))
    };
    let cases = [
        (at_once(402, "Add credits"), ErrorKind::Provider, false, Sent::Refused, "no money or quota left (402)"),
        (at_once(402, "Add credits").header("retry-after", "1"), ErrorKind::Provider, true, Sent::Refused, "402"),
        (at_once(403, "Input flagged"), ErrorKind::Invalid, false, Sent::Refused, "403: Input flagged"),
        (at_once(503, "No seller"), ErrorKind::Provider, true, Sent::Refused, "503: No seller"),
        (in_stream(402, "Add credits"), ErrorKind::Provider, false, Sent::Refused, "Add credits"),
        (in_stream(429, "Slow down"), ErrorKind::RateLimited, true, Sent::Refused, "Slow down"),
        (in_stream(502, "Upstream down"), ErrorKind::Provider, true, Sent::Maybe, "Upstream down"),
        (Answer::raw(200, "application/json", error(401, KEY)), ErrorKind::Auth, false, Sent::Refused, "REDACTED"),
    ];
    for (answer, kind, retryable, sent, says) in cases {
        let shown = format!("{answer:?}");
        let (outcome, _) = ask_for(answer).await;
        let failure = failure(&outcome);
        assert_eq!((failure.kind, failure.retryable, outcome.sent), (kind, retryable, sent), "{shown}");
        assert!(failure.message.contains(says) && !failure.message.contains(KEY), "{says}: {}", failure.message);
        assert_eq!((outcome.usage, outcome.cost), (None, None));
    }
}

#[tokio::test]
async fn an_error_in_the_middle_may_be_billed() {
    let error = "data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}],\
                 \"error\":{\"code\":429,\"message\":\"Slow down\"}}\n\n";
    let server = MockOpenAi::always(answer("0.1").ends_after(3, crate::support::mock_openai::End::Whole).piece(error));
    let (outcome, _) = ask(&configured("openrouter", "", &server.base_url())).await;
    assert_eq!((failure(&outcome).partial.as_str(), outcome.sent), ("Hi", Sent::Maybe));
}
