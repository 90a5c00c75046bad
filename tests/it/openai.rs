//! The OpenAI provider against a server on loopback.

use std::sync::Arc;
use std::time::Duration;

use flightdeck::domain::Usage;
use flightdeck::domain::report::{ErrorKind, Quota, Sent};
use flightdeck::provider::{Outcome, Provider};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::calls::{self, Call, KEY, ask, failure, request};
use crate::support::mock_openai::{Answer, End, MODEL, MockOpenAi};

fn provider_at(base_url: &str) -> Arc<dyn Provider> {
    configured("", base_url)
}

fn configured(settings: &str, base_url: &str) -> Arc<dyn Provider> {
    calls::configured("openai", settings, base_url)
}

async fn ask_for(answer: Answer) -> (Outcome, String) {
    let server = MockOpenAi::always(answer);
    ask(&provider_at(&server.base_url())).await
}

#[tokio::test]
async fn an_answer_streams_and_is_counted() {
    let server = MockOpenAi::always(
        Answer::words(5)
            .paced(Duration::from_millis(20), Duration::from_millis(1))
            .header("x-request-id", "req_7")
            .header("x-ratelimit-limit-requests", "500")
            .header("x-ratelimit-remaining-tokens", "29000"),
    );
    let provider = provider_at(&server.base_url());
    let (outcome, live) = ask(&provider).await;

    let reply = outcome.result.expect("an answer");
    assert_eq!((reply.text.as_str(), reply.truncated), ("word0 word1 word2 word3 word4", false));
    assert_eq!(live, reply.text);
    assert_eq!(outcome.usage, Some(Usage { input_tokens: 10, output_tokens: 5, ..Usage::default() }));
    assert_eq!(outcome.model.as_deref(), Some(MODEL));
    assert_eq!(outcome.request_id.as_deref(), Some("req_7"));
    let quota = Quota { requests_limit: Some(500), tokens_remaining: Some(29000), ..Quota::default() };
    assert_eq!(outcome.quota, quota);
    assert!(outcome.first_output_ms.is_some_and(|ms| ms >= 20));
    assert!(outcome.receipt.stream_closed);

    let seen = &server.seen()[0];
    assert_eq!(seen.uri, "/v1/chat/completions");
    assert_eq!(seen.header("authorization"), Some("Bearer sk-test-0123456789"));
    assert_eq!(seen.header("idempotency-key"), Some("9f86d081884c7d65"));
    assert!(seen.header("content-length").is_some() && seen.header("transfer-encoding").is_none());
    assert_eq!(seen.prompt(), "Say something.");
    assert_eq!(
        (&seen.body["stream"], &seen.body["max_tokens"], &seen.body["seed"]),
        (&true.into(), &64.into(), &7.into())
    );
    assert!(provider.input_bound(&request()) as usize > seen.body.to_string().len());
}

#[tokio::test]
async fn connections_are_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let provider = provider_at(&format!("http://{}/v1", listener.local_addr().unwrap()));
    // Accepts once: a second connection would wait forever.
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        for _ in 0..3 {
            read_request(&mut socket).await;
            let body =
                "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
            socket.write_all(format!("{head}{:x}\r\n{body}\r\n", body.len()).as_bytes()).await.unwrap();
            // The end of the body comes on its own, after the client has understood the answer.
            socket.flush().await.unwrap();
            tokio::task::yield_now().await;
            socket.write_all(b"0\r\n\r\n").await.unwrap();
        }
    });
    for _ in 0..3 {
        assert_eq!(ask(&provider).await.0.result.expect("an answer").text, "hi");
    }
    server.await.unwrap();
}

#[tokio::test]
async fn headers_and_settings_of_the_configuration_are_used() {
    let server = MockOpenAi::always(Answer::words(1));
    let auth = "auth = { type = \"api_key\", token_env = \"P_KEY\", header = \"api-key\" }";
    ask(&configured(auth, &server.base_url())).await.0.result.expect("an answer");
    ask(&configured("auth = { type = \"none\" }", &server.base_url())).await.0.result.expect("an answer");
    let seen = server.seen();
    assert_eq!((seen[0].header("api-key"), seen[0].header("authorization")), (Some(KEY), None));
    assert_eq!((seen[1].header("api-key"), seen[1].header("authorization")), (None, None));
}

#[tokio::test]
async fn what_a_server_does_not_count_is_estimated() {
    let (outcome, text) = ask_for(Answer::words(5).without_usage()).await;
    let usage = outcome.usage.expect("an estimate");
    assert!(usage.estimated && usage.input_tokens > 10);
    assert_eq!(usage.output_tokens, text.len().div_ceil(4) as u64);
}

#[tokio::test]
async fn an_answer_that_is_no_stream_is_taken() {
    let body = r#"{"model":"m","choices":[{"message":{"content":"Hi"},"finish_reason":"length"}],
                   "usage":{"prompt_tokens":3,"completion_tokens":1}}"#;
    let (outcome, live) = ask_for(Answer::raw(200, "application/json", body)).await;
    let reply = outcome.result.expect("an answer");
    assert_eq!((reply.text.as_str(), live.as_str(), reply.truncated), ("Hi", "Hi", true));
    assert_eq!(outcome.usage, Some(Usage { input_tokens: 3, output_tokens: 1, ..Usage::default() }));
}

#[tokio::test]
async fn a_stream_that_ends_early_keeps_what_had_come() {
    for end in [End::Cut, End::Short] {
        let (outcome, live) = ask_for(Answer::words(9).ends_after(3, end)).await;
        let failure = failure(&outcome);
        assert_eq!((failure.kind, failure.retryable), (ErrorKind::Provider, true), "{end:?}");
        assert_eq!(failure.partial, "word0 word1 word2", "{end:?}");
        assert_eq!(live, failure.partial);
        assert_eq!((outcome.sent, outcome.usage), (Sent::Maybe, None), "{end:?}");
    }
    // All words and the reason of the end have come: only the rest of the stream is lost.
    let (outcome, _) = ask_for(Answer::words(2).ends_after(3, End::Cut)).await;
    assert_eq!(outcome.result.expect("an answer").text, "word0 word1");
    assert!(outcome.usage.is_some_and(|usage| usage.estimated));
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let page = "<html><head><title>Bad Gateway</title></head></html>";
    let cases = [
        (Answer::error(401, "invalid_api_key", KEY), ErrorKind::Auth, false, Sent::Refused, "the key in P_KEY (401)"),
        (Answer::error(404, "", "no model `x`"), ErrorKind::Provider, false, Sent::Refused, "404: no model `x`"),
        (Answer::error(400, "", "bad seed"), ErrorKind::Invalid, false, Sent::Refused, "400: bad seed"),
        (Answer::error(402, "", "pay"), ErrorKind::Provider, false, Sent::Refused, "no money or quota left"),
        (Answer::error(429, "", "slow"), ErrorKind::RateLimited, true, Sent::Refused, "429: slow"),
        (Answer::error(429, "insufficient_quota", ""), ErrorKind::Provider, false, Sent::Refused, "quota left"),
        (Answer::error(500, "", "oops"), ErrorKind::Provider, true, Sent::Maybe, "500: oops"),
        (Answer::error(500, "", "").header("x-should-retry", "false"), ErrorKind::Provider, false, Sent::Maybe, "500"),
        (Answer::raw(502, "text/html", page), ErrorKind::Provider, true, Sent::Maybe, "a web page, \"Bad Gateway\""),
        (Answer::raw(503, "text/plain", "busy"), ErrorKind::Provider, true, Sent::Refused, "503: busy"),
        (Answer::raw(200, "text/html", page), ErrorKind::Provider, false, Sent::Maybe, "a web page, \"Bad Gateway\""),
        (
            Answer::raw(307, "text/plain", "").header("location", "https://elsewhere/"),
            ErrorKind::Provider,
            false,
            Sent::Refused,
            "redirects to https://elsewhere/",
        ),
    ];
    for (answer, kind, retryable, sent, says) in cases {
        let shown = format!("{answer:?}");
        let (outcome, _) = ask_for(answer).await;
        let failure = failure(&outcome);
        assert_eq!((failure.kind, failure.retryable, outcome.sent), (kind, retryable, sent), "{shown}: {failure:?}");
        assert!(failure.message.contains(says), "{says}: {}", failure.message);
        assert!(!failure.message.contains(KEY), "{}", failure.message);
        assert_eq!(outcome.usage, None);
    }
}

#[tokio::test]
async fn a_server_says_how_long_to_wait() {
    let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
    let cases = [
        (vec![("retry-after", "2")], 2000),
        (vec![("retry-after-ms", "250"), ("retry-after", "2")], 250),
        (vec![date, ("retry-after", "Wed, 21 Oct 2026 07:28:05 GMT")], 5000),
    ];
    for (headers, wanted) in cases {
        let answer = Answer::error(429, "", "slow").header("x-ratelimit-remaining-requests", "0");
        let answer = headers.iter().fold(answer, |answer, (name, value)| answer.header(name, value));
        let (outcome, _) = ask_for(answer).await;
        assert_eq!(failure(&outcome).retry_after_ms, Some(wanted), "{headers:?}");
        assert_eq!(failure(&outcome).status, Some(429));
        assert_eq!(outcome.quota.requests_remaining, Some(0));
    }
}

#[tokio::test]
async fn an_error_in_the_stream_is_typed() {
    let error = "data: {\"error\":{\"message\":\"Rate limit\",\"code\":\"rate_limit_exceeded\"}}\n\n";
    let (outcome, _) = ask_for(Answer::words(9).ends_after(2, End::Whole).piece(error)).await;
    let failure = failure(&outcome);
    assert_eq!((failure.kind, failure.retryable), (ErrorKind::RateLimited, true));
    assert_eq!(failure.partial, "word0 word1");
    assert_eq!(outcome.sent, Sent::Maybe);
}

#[tokio::test]
async fn a_cancelled_stream_is_closed_at_the_server() {
    let server = MockOpenAi::always(Answer::words(9).ends_after(2, End::Hang));
    let mut call = Call::start(&provider_at(&server.base_url()), request());
    call.first.recv().await.expect("a delta");
    call.cancel.cancel();
    let (outcome, live) = call.end().await;
    server.wait_for_abandoned(1);
    let failure = failure(&outcome);
    assert_eq!((failure.kind, failure.retryable), (ErrorKind::Cancelled, false));
    assert_eq!(failure.partial, live);
    assert!(failure.partial.starts_with("word0"));
    assert_eq!((outcome.sent, outcome.usage), (Sent::Maybe, None));
}

#[tokio::test]
async fn a_cancel_before_the_answer_may_be_billed() {
    let server = MockOpenAi::always(Answer::words(1).paced(Duration::from_hours(1), Duration::ZERO));
    let server = Arc::new(server);
    let call = Call::start(&provider_at(&server.base_url()), request());
    let waiting = Arc::clone(&server);
    tokio::task::spawn_blocking(move || waiting.wait_for_requests(1)).await.unwrap();
    call.cancel.cancel();
    let (outcome, _) = call.end().await;
    assert_eq!((failure(&outcome).kind, outcome.sent), (ErrorKind::Cancelled, Sent::Maybe));
    server.wait_for_abandoned(1);
}

#[tokio::test]
async fn a_cancel_before_the_connection_stands_costs_nothing() {
    // It accepts, and never answers the handshake.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let provider = provider_at(&format!("https://{address}/v1"));
    let call = Call::start(&provider, request());
    let (_open, _) = listener.accept().await.unwrap();
    call.cancel.cancel();
    let (outcome, _) = call.end().await;
    assert_eq!((failure(&outcome).kind, outcome.sent), (ErrorKind::Cancelled, Sent::Nothing));
}

#[tokio::test]
async fn a_server_that_is_not_there_costs_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (outcome, _) = ask(&provider_at(&format!("http://{address}/v1?key=secret"))).await;
    let failure = failure(&outcome);
    assert_eq!((failure.kind, failure.retryable, outcome.sent), (ErrorKind::Connection, true, Sent::Nothing));
    assert!(failure.message.contains(&format!("can't connect to http://{address}/v1")), "{}", failure.message);
    assert!(!failure.message.contains("secret"), "{}", failure.message);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_may_be_billed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let provider = provider_at(&format!("http://{}/v1", listener.local_addr().unwrap()));
    let call = Call::start(&provider, request());
    let (mut socket, _) = listener.accept().await.unwrap();
    read_request(&mut socket).await;
    drop(socket);
    let (outcome, _) = call.end().await;
    let failure = failure(&outcome);
    assert_eq!((failure.kind, failure.retryable, outcome.sent), (ErrorKind::Provider, true, Sent::Maybe));
}

#[tokio::test]
async fn a_server_that_is_done_and_stays_open_holds_nobody_up() {
    let (outcome, _) = ask_for(Answer::words(2).ends_after(99, End::Hang)).await;
    assert_eq!(outcome.result.expect("an answer").text, "word0 word1");
    assert!(outcome.usage.is_some_and(|usage| !usage.estimated));
}

#[tokio::test]
async fn many_streams_run_at_once() {
    let server = MockOpenAi::start(|_| Answer::words(3).paced(Duration::from_millis(150), Duration::from_millis(5)));
    let provider = provider_at(&server.base_url());
    let calls: Vec<_> = (0..100).map(|_| Call::start(&provider, request())).collect();
    for call in calls {
        assert_eq!(call.end().await.0.result.expect("an answer").text, "word0 word1 word2");
    }
    assert!(server.peak() > 10, "{} at once", server.peak());
}

#[tokio::test]
async fn a_script_answers_in_order() {
    let server = MockOpenAi::in_order(vec![Answer::error(500, "", "first"), Answer::words(1)]);
    let provider = provider_at(&server.base_url());
    assert!(ask(&provider).await.0.result.is_err());
    assert!(ask(&provider).await.0.result.is_ok());
    assert!(ask(&provider).await.0.result.is_ok());
    assert_eq!(server.seen().len(), 3);
}

/// Reads a request whose body ends with its JSON.
async fn read_request(socket: &mut tokio::net::TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"}") {
        assert_ne!(socket.read_buf(&mut request).await.unwrap(), 0);
    }
}
