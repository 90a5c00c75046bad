//! Calls of a provider over HTTP, and what becomes of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flightdeck::domain::transcript::Role;
use flightdeck::domain::{AgentId, Key, RunId};
use flightdeck::provider::config::ProviderConfig;
use flightdeck::provider::registry::Registry;
use flightdeck::provider::{CallContext, ChatMessage, Failure, LiveSink, Outcome, Provider, Request};
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// The key that the providers of [`configured`] use.
pub(crate) const KEY: &str = "sk-test-0123456789";

/// The provider `p` of this kind, with these settings.
pub(crate) fn configured(kind: &str, settings: &str, base_url: &str) -> Arc<dyn Provider> {
    let way = if kind == "anthropic" { "api_key" } else { "bearer" };
    let auth = format!("auth = {{ type = \"{way}\", token_env = \"P_KEY\" }}");
    let auth = if settings.contains("auth") { "" } else { &auth };
    let file = format!("[p]\nkind = \"{kind}\"\nbase_url = \"{base_url}\"\n{auth}\n{settings}");
    let configs: BTreeMap<String, ProviderConfig> = toml::from_str(&file).unwrap();
    let environment = |name: &str| (name == "P_KEY").then(|| KEY.to_owned());
    Registry::new(&configs, &environment, PathBuf::new()).unwrap().get("p", None).unwrap()
}

/// A request for a few words.
pub(crate) fn request() -> Request {
    Request {
        agent: AgentId { run: RunId::from_random(1), no: 0 },
        attempt: 1,
        messages: vec![ChatMessage { role: Role::User, content: "Say something.".into() }],
        command: vec![],
        stdin: None,
        model: "gpt-4o-mini".into(),
        price: None,
        max_tokens: 64,
        temperature: None,
        seed: Some(7),
        randomness: 0,
        key: Key(0x9f86_d081_884c_7d65),
    }
}

/// Tells of each delta, so that a test can act in the middle of a stream.
struct Tail {
    text: Arc<Mutex<String>>,
    first: mpsc::Sender<()>,
}

impl LiveSink for Tail {
    fn text(&mut self, text: &str) {
        self.text.lock().push_str(text);
        let _ = self.first.try_send(());
    }
    fn note(&mut self, _: &str) {}
}

/// A call under way.
pub(crate) struct Call {
    pub(crate) cancel: CancellationToken,
    text: Arc<Mutex<String>>,
    /// Tells of the first delta.
    pub(crate) first: mpsc::Receiver<()>,
    outcome: tokio::task::JoinHandle<Outcome>,
}

impl Call {
    pub(crate) fn start(provider: &Arc<dyn Provider>, request: Request) -> Self {
        let (tell, first) = mpsc::channel(1);
        let (cancel, text) = (CancellationToken::new(), Arc::default());
        let live = Box::new(Tail { text: Arc::clone(&text), first: tell });
        let context = CallContext { cancel: cancel.clone(), hold: watch::channel(false).1, live };
        let outcome = tokio::spawn(provider.call(request, context));
        Self { cancel, text, first, outcome }
    }

    /// Its outcome, and what came live.
    pub(crate) async fn end(self) -> (Outcome, String) {
        let outcome = tokio::time::timeout(Duration::from_secs(20), self.outcome).await;
        let text = self.text.lock().clone();
        (outcome.expect("it ends").expect("it doesn't panic"), text)
    }
}

/// Calls once.
pub(crate) async fn ask(provider: &Arc<dyn Provider>) -> (Outcome, String) {
    Call::start(provider, request()).end().await
}

/// Why it failed. Nothing of it may go on.
pub(crate) fn failure(outcome: &Outcome) -> &Failure {
    assert!(outcome.receipt.stream_closed);
    outcome.result.as_ref().expect_err("it fails")
}
