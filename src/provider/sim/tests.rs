use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::domain::{AgentId, Key, RunId};
use crate::provider::ChatMessage;
use crate::provider::config::Span;

#[derive(Clone, Default)]
struct Tail(Arc<Mutex<Vec<String>>>);

impl LiveSink for Tail {
    fn text(&mut self, text: &str) {
        self.0.lock().push(text.to_owned());
    }
    fn note(&mut self, _: &str) {}
}

fn request(randomness: u64, attempt: u32) -> Request {
    Request {
        agent: AgentId { run: RunId::from_random(1), no: 0 },
        attempt,
        messages: vec![ChatMessage { role: Role::User, content: "Sort with quicksort and count".into() }],
        command: vec![],
        stdin: None,
        model: "sim-fast".into(),
        price: None,
        max_tokens: 4096,
        temperature: None,
        seed: None,
        randomness,
        key: Key(1),
    }
}

async fn run(config: &ProviderConfig, request: Request, cancel: CancellationToken) -> (Outcome, Vec<String>) {
    let tail = Tail::default();
    let context = CallContext { cancel, hold: watch::channel(false).1, live: Box::new(tail.clone()) };
    let outcome = Simulator::new("sim", config).call(request, context).await;
    let deltas = tail.0.lock().clone();
    (outcome, deltas)
}

async fn play(config: &ProviderConfig, request: Request) -> (Outcome, Vec<String>) {
    run(config, request, CancellationToken::new()).await
}

fn always(value: f64) -> Span {
    Span::exactly(value)
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_answer_and_the_same_failures() {
    let flaky = |randomness| Request { model: "sim-flaky".into(), ..request(randomness, 1) };
    let config = ProviderConfig::default();
    let mut failed = 0;
    for seed in 0..60 {
        let (first, deltas) = play(&config, flaky(seed)).await;
        assert_eq!((first.clone(), deltas), play(&config, flaky(seed)).await, "{seed}");
        failed += u32::from(first.result.is_err());
    }
    assert!((5..40).contains(&failed), "{failed} of 60 failed");
    assert_ne!(play(&config, request(1, 1)).await.1, play(&config, request(2, 1)).await.1);
}

#[tokio::test(start_paused = true)]
async fn another_attempt_says_the_same_and_may_fail_otherwise() {
    let config = ProviderConfig { error_rate: Some(always(0.5)), ..ProviderConfig::default() };
    let mut texts = Vec::new();
    for attempt in 1..20 {
        texts.extend(play(&config, request(3, attempt)).await.0.result.ok());
    }
    assert!(!texts.is_empty() && texts.len() < 19, "{}", texts.len());
    assert!(texts.iter().all(|text| *text == texts[0]));
}

#[tokio::test(start_paused = true)]
async fn it_takes_the_time_that_it_is_set_to() {
    let config = ProviderConfig {
        latency_ms: Some(always(300.0)),
        tokens: Some(always(50.0)),
        tokens_per_second: Some(always(100.0)),
        ..ProviderConfig::default()
    };
    let started = Instant::now();
    let (outcome, deltas) = play(&config, request(1, 1)).await;
    let took = started.elapsed().as_millis();
    assert!((790..=792).contains(&took), "{took} ms");
    assert_eq!(outcome.first_output_ms, Some(300));
    assert_eq!(deltas.len(), 50);
    assert_eq!(outcome.result.map(|reply| (reply.text, reply.truncated)), Ok((deltas.concat(), false)));
    let usage = outcome.usage.expect("it counts");
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.estimated), (8, 50, false));
}

#[tokio::test(start_paused = true)]
async fn max_tokens_is_never_exceeded() {
    let config = ProviderConfig { tokens: Some(always(50.0)), ..ProviderConfig::default() };
    let (outcome, deltas) = play(&config, Request { max_tokens: 7, ..request(1, 1) }).await;
    assert_eq!(deltas.len(), 7);
    assert_eq!(outcome.usage.map(|usage| usage.output_tokens), Some(7));
    assert!(outcome.result.expect("an answer").truncated);
}

#[tokio::test(start_paused = true)]
async fn faults_are_those_of_a_server() {
    let base = ProviderConfig::default();
    let error = ProviderConfig { error_rate: Some(always(1.0)), ..base.clone() };
    let limited =
        ProviderConfig { rate_limit_rate: Some(always(1.0)), retry_after_ms: Some(always(1200.0)), ..base.clone() };
    let cut = ProviderConfig { cut_rate: Some(always(1.0)), ..base };
    let cases = [
        (error, ErrorKind::Provider, Some(503), None, Sent::Refused),
        (limited, ErrorKind::RateLimited, Some(429), Some(1200), Sent::Refused),
        (cut, ErrorKind::Provider, None, None, Sent::Maybe),
    ];
    for (config, kind, status, wait, sent) in cases {
        let (outcome, deltas) = play(&config, request(5, 1)).await;
        let failure = outcome.result.expect_err("it fails always");
        assert_eq!((failure.kind, failure.status, failure.retry_after_ms), (kind, status, wait));
        assert!(failure.retryable);
        assert_eq!(failure.partial, deltas.concat());
        assert_eq!((outcome.sent, outcome.usage), (sent, None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_ends_at_once_and_keeps_what_came() {
    let config = ProviderConfig {
        latency_ms: Some(always(100.0)),
        tokens: Some(always(1000.0)),
        tokens_per_second: Some(always(10.0)),
        ..ProviderConfig::default()
    };
    let cancel = CancellationToken::new();
    let trigger = cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(1050)).await;
        trigger.cancel();
    });
    let started = Instant::now();
    let (outcome, deltas) = run(&config, request(1, 1), cancel).await;
    assert!(started.elapsed().as_millis() <= 1052);
    assert_eq!(deltas.len(), 10);
    let failure = outcome.result.expect_err("it was cancelled");
    assert_eq!((failure.kind, failure.partial), (ErrorKind::Cancelled, deltas.concat()));
    assert!(outcome.receipt.stream_closed);
    assert_eq!((outcome.sent, outcome.usage), (Sent::Maybe, None));
}
