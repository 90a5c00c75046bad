//! What providers over HTTP make of servers that are wrong, broken or hostile: each kind the same.

use std::sync::Arc;
use std::time::Duration;

use flightdeck::domain::report::{ErrorKind, Sent};
use flightdeck::provider::{Outcome, Provider};
use tokio::net::TcpListener;

use crate::support::calls::{Call, KEY, ask, configured, failure, request};
use crate::support::mock_openai::{Answer, End, MockOpenAi};

/// Each kind, and the event by which a piece of text comes.
const KINDS: [(&str, &str); 4] = [
    ("anthropic", r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"TEXT"}}"#),
    ("openai", r#"{"choices":[{"delta":{"content":"TEXT"}}]}"#),
    ("openai_responses", r#"{"type":"response.output_text.delta","delta":"TEXT"}"#),
    ("openrouter", r#"{"choices":[{"delta":{"content":"TEXT"}}]}"#),
];

const MEBIBYTE: usize = 1 << 20;

fn at(kind: &str, server: &MockOpenAi) -> Arc<dyn Provider> {
    configured(kind, "", &server.base_url())
}

async fn ask_for(kind: &str, answer: Answer) -> (Outcome, String) {
    let server = MockOpenAi::always(answer);
    ask(&at(kind, &server)).await
}

fn stream() -> Answer {
    Answer::raw(200, "text/event-stream", "")
}

#[tokio::test]
async fn a_wrong_key_is_named_by_its_variable_and_never_shown() {
    for (kind, _) in KINDS {
        let (outcome, _) = ask_for(kind, Answer::error(401, "invalid_api_key", &format!("bad key {KEY}"))).await;
        let failure = failure(&outcome);
        assert_eq!((failure.kind, failure.retryable, outcome.sent), (ErrorKind::Auth, false, Sent::Refused), "{kind}");
        let wanted = "the server refused the key in P_KEY (401): bad key [REDACTED_P_KEY]";
        assert_eq!(failure.message, wanted, "{kind}");
    }
}

#[tokio::test]
async fn a_model_that_is_not_there_is_not_asked_again() {
    for (kind, _) in KINDS {
        let (outcome, _) = ask_for(kind, Answer::error(404, "model_not_found", "no model `x`")).await;
        let failure = failure(&outcome);
        assert_eq!((failure.kind, failure.retryable, outcome.sent), (ErrorKind::Provider, false, Sent::Refused));
        assert!(failure.message.contains("no model `x` (are the name of the model and"), "{}", failure.message);
    }
}

#[tokio::test]
async fn a_host_that_is_not_there_and_one_without_tls_cost_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let plain = MockOpenAi::always(stream());
    let encrypted = plain.root_url().replace("http:", "https:");
    for (kind, _) in KINDS {
        for (url, says) in [(format!("http://{nobody}"), "can't connect"), (encrypted.clone(), "does not speak TLS")] {
            let (outcome, _) = ask(&configured(kind, "", &url)).await;
            let failure = failure(&outcome);
            let seen = (failure.kind, failure.retryable, outcome.sent);
            assert_eq!(seen, (ErrorKind::Connection, true, Sent::Nothing), "{kind} {url}");
            assert!(failure.message.contains(says) && failure.message.contains(&url), "{kind}: {}", failure.message);
        }
    }
    assert!(plain.seen().is_empty());
}

#[tokio::test]
async fn a_web_page_with_200_is_called_one() {
    let page = "<!doctype html><html><head><title>Sign in to the proxy</title></head><body>…</body></html>";
    for (kind, _) in KINDS {
        let (outcome, _) = ask_for(kind, Answer::raw(200, "text/html", page)).await;
        let failure = failure(&outcome);
        assert_eq!((failure.kind, failure.retryable), (ErrorKind::Provider, false), "{kind}");
        assert!(failure.message.contains("a web page, \"Sign in to the proxy\" (is the base URL right?)"), "{kind}");
    }
}

#[tokio::test]
async fn a_hundred_megabytes_in_one_line_are_not_held() {
    let piece = "x".repeat(MEBIBYTE);
    for (kind, _) in KINDS {
        let line = stream().piece("data: ").repeated(&piece, 100);
        let server = MockOpenAi::always(line);
        let (outcome, _) = ask(&at(kind, &server)).await;
        server.wait_for_abandoned(1);
        let failure = failure(&outcome);
        assert_eq!((failure.kind, failure.retryable), (ErrorKind::Provider, false), "{kind}");
        assert!(failure.message.contains("a line of more than 8 MiB"), "{kind}: {}", failure.message);
        assert_eq!((outcome.sent, outcome.usage), (Sent::Maybe, None));
    }
}

#[tokio::test]
async fn an_answer_that_never_ends_is_refused_by_its_size() {
    for (kind, delta) in KINDS {
        let event = format!("data: {}\n\n", delta.replace("TEXT", &"x".repeat(MEBIBYTE)));
        let server = MockOpenAi::always(stream().repeated(&event, 40));
        let (outcome, _) = ask(&at(kind, &server)).await;
        server.wait_for_abandoned(1);
        let failure = failure(&outcome);
        assert!(failure.message.contains("more than 16 MiB") && !failure.retryable, "{kind}: {}", failure.message);
        assert_eq!(failure.partial.len(), 16 * MEBIBYTE);
    }
}

#[tokio::test]
async fn a_stream_that_says_nothing_for_ever_ends_with_the_callers_patience() {
    for (kind, _) in KINDS {
        let silence = stream().piece(": still here\n\n").ends_after(1, End::Hang);
        let server = Arc::new(MockOpenAi::always(silence.paced(Duration::ZERO, Duration::from_millis(1))));
        let call = Call::start(&at(kind, &server), request());
        let waiting = Arc::clone(&server);
        tokio::task::spawn_blocking(move || waiting.wait_for_requests(1)).await.unwrap();
        call.cancel.cancel();
        let (outcome, _) = call.end().await;
        server.wait_for_abandoned(1);
        assert_eq!((failure(&outcome).kind, outcome.sent), (ErrorKind::Cancelled, Sent::Maybe), "{kind}");
    }
}
