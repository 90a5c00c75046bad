//! The OpenAI Responses provider against a server on loopback.

use flightdeck::domain::Usage;
use flightdeck::domain::report::{ErrorKind, Sent};
use flightdeck::provider::Outcome;
use serde_json::{Value, json};

use crate::support::calls::{KEY, ask, configured, failure};
use crate::support::mock_openai::{Answer, End, MODEL, MockOpenAi};

async fn ask_for(events: Vec<Value>) -> (Outcome, String) {
    let server = MockOpenAi::always(Answer::events(events));
    ask(&configured("openai_responses", "", &server.base_url())).await
}

fn response(status: &str, usage: bool) -> Value {
    let usage = json!({"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4},
                       "output_tokens": 6, "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 16})
    .as_object()
    .filter(|_| usage)
    .cloned();
    json!({"id": "resp_1", "object": "response", "model": MODEL, "status": status, "usage": usage})
}

fn delta(text: &str) -> Value {
    json!({"type": "response.output_text.delta", "delta": text})
}

fn started() -> Vec<Value> {
    vec![json!({"type": "response.created", "response": response("in_progress", false)}), delta("Hi"), delta(" you")]
}

fn ended(last: Value) -> Vec<Value> {
    started().into_iter().chain([last]).collect()
}

#[tokio::test]
async fn an_answer_streams_and_is_counted() {
    let completed = json!({"type": "response.completed", "response": response("completed", true)});
    let server = MockOpenAi::always(Answer::events(ended(completed)).header("x-ratelimit-remaining-tokens", "29"));
    let provider = configured("openai_responses", "", &server.base_url());
    let (outcome, live) = ask(&provider).await;
    let reply = outcome.result.expect("an answer");
    assert_eq!((reply.text.as_str(), live.as_str(), reply.truncated), ("Hi you", "Hi you", false));
    let usage = Usage { input_tokens: 6, output_tokens: 6, cache_read_tokens: 4, ..Usage::default() };
    assert_eq!(outcome.usage, Some(usage));
    assert_eq!((outcome.model.as_deref(), outcome.request_id.as_deref()), (Some(MODEL), Some("resp_1")));
    assert_eq!(outcome.quota.tokens_remaining, Some(29));

    let seen = &server.seen()[0];
    assert_eq!(seen.uri, "/v1/responses");
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    let wanted = json!({"model": "gpt-4o-mini", "input": [{"role": "user", "content": "Say something."}],
                        "stream": true, "store": false, "max_output_tokens": 64});
    assert_eq!(seen.body, wanted);
}

#[tokio::test]
async fn an_incomplete_answer_is_truncated() {
    let mut incomplete = response("incomplete", true);
    incomplete["incomplete_details"] = json!({"reason": "max_output_tokens"});
    let (outcome, _) = ask_for(ended(json!({"type": "response.incomplete", "response": incomplete}))).await;
    let reply = outcome.result.expect("an answer");
    assert_eq!((reply.text.as_str(), reply.truncated), ("Hi you", true));
    assert!(outcome.usage.is_some());
}

#[tokio::test]
async fn failures_are_typed_and_final_counts_are_kept() {
    let failed = |usage| {
        let mut failed = response("failed", usage);
        failed["error"] = json!({"code": "rate_limit_exceeded", "message": "Slow down"});
        json!({"type": "response.failed", "response": failed})
    };
    for counted in [true, false] {
        let (outcome, _) = ask_for(ended(failed(counted))).await;
        let failure = failure(&outcome);
        assert_eq!((failure.kind, failure.retryable), (ErrorKind::RateLimited, true));
        assert!(failure.message.contains("Slow down"), "{}", failure.message);
        assert_eq!((failure.partial.as_str(), outcome.sent), ("Hi you", Sent::Maybe));
        assert_eq!(outcome.usage.is_some(), counted);
    }
    let error = json!({"type": "error", "code": "server_error", "message": "It broke", "param": null});
    let (outcome, _) = ask_for(ended(error)).await;
    assert_eq!((failure(&outcome).kind, failure(&outcome).retryable), (ErrorKind::Provider, true));
}

#[tokio::test]
async fn a_server_that_stays_open_after_the_end_holds_nobody_up() {
    let completed = json!({"type": "response.completed", "response": response("completed", true)});
    let server = MockOpenAi::always(Answer::events(ended(completed)).ends_after(99, End::Hang));
    let (outcome, _) = ask(&configured("openai_responses", "", &server.base_url())).await;
    assert_eq!(outcome.result.expect("an answer").text, "Hi you");
}
