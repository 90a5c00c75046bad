//! The Anthropic provider against a server on loopback.

use std::sync::Arc;

use flightdeck::domain::Usage;
use flightdeck::domain::report::{ErrorKind, Quota, Sent};
use flightdeck::domain::transcript::Role;
use flightdeck::provider::{ChatMessage, Outcome, Provider, Request};
use serde_json::{Value, json};

use crate::support::calls::{Call, KEY, ask, configured, failure, request};
use crate::support::mock_openai::{Answer, End, MockOpenAi};

const MODEL: &str = "claude-haiku-4-5-20251001";

fn provider(server: &MockOpenAi) -> Arc<dyn Provider> {
    configured("anthropic", "", &server.root_url())
}

async fn ask_for(answer: Answer) -> (Outcome, String) {
    let server = MockOpenAi::always(answer);
    ask(&provider(&server)).await
}

/// `word0 word1 …`, as Anthropic streams it.
fn words(count: usize) -> Vec<Value> {
    let delta = |i: usize| {
        let text = if i == 0 { "word0".to_owned() } else { format!(" word{i}") };
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})
    };
    let usage = json!({"input_tokens": 10, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 7,
                       "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 2},
                       "output_tokens": 1});
    let start = [
        json!({"type": "message_start", "message": {"id": "msg_1", "model": MODEL, "usage": usage}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
    ];
    let end = [
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": count}}),
        json!({"type": "message_stop"}),
    ];
    start.into_iter().chain((0..count).map(delta)).chain(end).collect()
}

fn error(status: u16, class: &str, message: &str) -> Answer {
    let body = json!({"type": "error", "error": {"type": class, "message": message}, "request_id": "req_1"});
    Answer::raw(status, "application/json", body.to_string()).header("request-id", "req_1")
}

#[tokio::test]
async fn an_answer_streams_and_is_counted() {
    let answer = Answer::events(words(5))
        .header("request-id", "req_7")
        .header("anthropic-ratelimit-requests-limit", "50")
        .header("anthropic-ratelimit-requests-remaining", "49")
        .header("anthropic-ratelimit-tokens-limit", "40000")
        .header("anthropic-ratelimit-tokens-remaining", "39000")
        .header("anthropic-ratelimit-tokens-reset", "2026-01-01T00:00:00Z");
    let server = MockOpenAi::always(answer);
    let provider = provider(&server);
    let system = ChatMessage { role: Role::System, content: "Be brief.".into() };
    let messages = [system].into_iter().chain(request().messages).collect();
    let asked = Request { messages, temperature: Some(0.5), ..request() };
    let (outcome, live) = Call::start(&provider, asked.clone()).end().await;

    let reply = outcome.result.expect("an answer");
    assert_eq!((reply.text.as_str(), reply.truncated), ("word0 word1 word2 word3 word4", false));
    assert_eq!(live, reply.text);
    let usage = Usage {
        input_tokens: 10,
        output_tokens: 5,
        cache_read_tokens: 4,
        cache_write_tokens: 5,
        cache_write_1h_tokens: 2,
        estimated: false,
    };
    assert_eq!(outcome.usage, Some(usage));
    assert_eq!((outcome.model.as_deref(), outcome.cost), (Some(MODEL), None));
    assert_eq!(outcome.request_id.as_deref(), Some("req_7"));
    let quota = Quota {
        requests_limit: Some(50),
        requests_remaining: Some(49),
        tokens_limit: Some(40_000),
        tokens_remaining: Some(39_000),
    };
    assert_eq!(outcome.quota, quota);

    let seen = &server.seen()[0];
    assert_eq!(seen.uri, "/v1/messages");
    assert_eq!((seen.header("x-api-key"), seen.header("authorization")), (Some(KEY), None));
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
    let wanted = json!({"model": "gpt-4o-mini", "max_tokens": 64, "system": "Be brief.", "stream": true,
                        "messages": [{"role": "user", "content": "Say something."}], "temperature": 0.5});
    assert_eq!(seen.body, wanted);
    assert!(provider.input_bound(&asked) as usize > seen.body.to_string().len());
}

#[tokio::test]
async fn headers_of_the_configuration_go_along() {
    let server = MockOpenAi::always(Answer::events(words(1)));
    let settings = "headers = { anthropic-beta = \"context-1m-2025-08-07\", anthropic-version = \"2030-01-01\" }";
    ask(&configured("anthropic", settings, &server.root_url())).await.0.result.expect("an answer");
    let seen = &server.seen()[0];
    assert_eq!(seen.header("anthropic-beta"), Some("context-1m-2025-08-07"));
    assert_eq!(seen.header("anthropic-version"), Some("2030-01-01"));
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let cases = [
        (400, "invalid_request_error", ErrorKind::Invalid, false, Sent::Refused, "400: why"),
        (401, "authentication_error", ErrorKind::Auth, false, Sent::Refused, "refused the key in P_KEY (401)"),
        (402, "billing_error", ErrorKind::Provider, false, Sent::Refused, "no money or quota left (402)"),
        (403, "permission_error", ErrorKind::Auth, false, Sent::Refused, "(403): why"),
        (404, "not_found_error", ErrorKind::Provider, false, Sent::Refused, "404: why (are the name of the model"),
        (413, "request_too_large", ErrorKind::Invalid, false, Sent::Refused, "413: why"),
        (429, "rate_limit_error", ErrorKind::RateLimited, true, Sent::Refused, "429: why"),
        (500, "api_error", ErrorKind::Provider, true, Sent::Maybe, "500: why"),
        (529, "overloaded_error", ErrorKind::Provider, true, Sent::Refused, "529: why"),
    ];
    for (status, class, kind, retryable, sent, says) in cases {
        let (outcome, _) = ask_for(error(status, class, "why").header("retry-after", "3")).await;
        let failure = failure(&outcome);
        assert_eq!((failure.kind, outcome.sent), (kind, sent), "{status}");
        // A 402 with a time to wait is one that passes.
        assert_eq!(failure.retryable, retryable || status == 402, "{status}");
        assert!(failure.message.contains(says), "{says}: {}", failure.message);
        assert_eq!(failure.retry_after_ms, Some(3000));
        assert_eq!(outcome.request_id.as_deref(), Some("req_1"));
    }
}

#[tokio::test]
async fn an_error_after_a_200_keeps_what_had_come() {
    let overloaded = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let events = words(9).into_iter().take(5).chain([overloaded]);
    let (outcome, live) = ask_for(Answer::events(events)).await;
    let failure = failure(&outcome);
    assert_eq!((failure.kind, failure.retryable), (ErrorKind::Provider, true));
    assert!(failure.message.contains("Overloaded"), "{}", failure.message);
    assert_eq!((failure.partial.as_str(), live.as_str()), ("word0 word1", "word0 word1"));
    assert_eq!((outcome.sent, outcome.usage), (Sent::Maybe, None), "what was counted is not final");
}

#[tokio::test]
async fn a_cut_stream_keeps_what_had_come() {
    for end in [End::Cut, End::Short] {
        let (outcome, _) = ask_for(Answer::events(words(9)).ends_after(6, end)).await;
        let failure = failure(&outcome);
        assert_eq!((failure.retryable, failure.partial.as_str()), (true, "word0 word1 word2"), "{end:?}");
        assert_eq!((outcome.sent, outcome.usage), (Sent::Maybe, None), "{end:?}");
    }
    // The reason of the end has come: only `message_stop` is lost.
    let (outcome, _) = ask_for(Answer::events(words(2)).ends_after(7, End::Cut)).await;
    assert_eq!(outcome.result.expect("an answer").text, "word0 word1");
    assert!(outcome.usage.is_some_and(|usage| !usage.estimated));
}

#[tokio::test]
async fn a_refusal_is_billed_and_says_why() {
    let refusal = json!({"type": "message_delta", "usage": {"output_tokens": 2}, "delta":
                         {"stop_reason": "refusal", "stop_details": {"type": "refusal", "explanation": "Not this."}}});
    let events = words(9).into_iter().take(4).chain([refusal, json!({"type": "message_stop"})]);
    let (outcome, _) = ask_for(Answer::events(events)).await;
    let failure = failure(&outcome);
    assert_eq!((failure.kind, failure.retryable), (ErrorKind::Provider, false));
    assert_eq!(failure.message, "the provider's content filter stopped the answer: Not this.");
    assert_eq!(outcome.usage.map(|usage| usage.output_tokens), Some(2));
}
