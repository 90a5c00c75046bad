//! A server on loopback that speaks OpenAI Chat Completions as a script tells it to. It runs on
//! a thread and a runtime of its own: tests that start processes use it as well.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use futures_util::stream;
use parking_lot::{Condvar, Mutex};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

/// What a test waits for at most: far more than any machine needs.
const PATIENCE: Duration = Duration::from_secs(20);

/// One request, as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// From 0, in the order of arrival.
    pub(crate) number: usize,
    /// Path and query.
    pub(crate) uri: String,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body; null where it was no JSON.
    pub(crate) body: Value,
}

impl Seen {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The text of the last message.
    pub(crate) fn prompt(&self) -> &str {
        let last = self.body["messages"].as_array().and_then(|messages| messages.last());
        last.and_then(|message| message["content"].as_str()).unwrap_or_default()
    }
}

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// As it should.
    Whole,
    /// The connection breaks.
    Cut,
    /// The body ends as if it were whole, and the answer is not.
    Short,
    /// Nothing more comes, and the connection stays open.
    Hang,
}

/// What the server answers.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    first: Duration,
    gap: Duration,
    /// Shared, so that an answer of many megabytes is cheap to give again.
    pieces: VecDeque<Arc<str>>,
    end: End,
    held: bool,
    gate: Option<Gate>,
}

/// Lets through as many pieces of each answer as a test says: it decides what is the middle.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<watch::Sender<usize>>);

impl Gate {
    /// Nothing passes yet.
    pub(crate) fn closed() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    /// Up to `pieces` of each answer pass.
    pub(crate) fn let_through(&self, pieces: usize) {
        self.0.send_replace(pieces);
    }

    /// Everything passes.
    pub(crate) fn open(&self) {
        self.let_through(usize::MAX);
    }

    async fn passed(&self, pieces: usize) {
        // The gate is held here as well: its sender lives.
        let _ = self.0.subscribe().wait_for(|through| *through > pieces).await;
    }
}

impl Answer {
    /// A stream of these tokens, with usage, that ends as OpenAI's do.
    pub(crate) fn tokens<S: Into<String>>(tokens: impl IntoIterator<Item = S>) -> Self {
        let pieces: VecDeque<_> =
            tokens.into_iter().map(|t| chunk(&json!({"content": t.into()}), &Value::Null)).collect();
        let usage = json!({"prompt_tokens": 10, "completion_tokens": pieces.len(),
                           "total_tokens": 10 + pieces.len(), "prompt_tokens_details": {"cached_tokens": 0}});
        Self::raw(200, "text/event-stream", "")
            .with_pieces(pieces)
            .finish("stop")
            .usage(usage)
            .piece("data: [DONE]\n\n")
    }

    /// A stream of `count` tokens: `word0 word1 …`.
    pub(crate) fn words(count: usize) -> Self {
        Self::tokens((0..count).map(|i| if i == 0 { "word0".to_owned() } else { format!(" word{i}") }))
    }

    /// A stream of these events, each with its type as its name: how Anthropic and OpenAI
    /// Responses write theirs.
    pub(crate) fn events(events: impl IntoIterator<Item = Value>) -> Self {
        let event = |event: Value| {
            let name = event["type"].as_str().unwrap_or_default();
            format!("event: {name}\ndata: {event}\n\n")
        };
        Self::raw(200, "text/event-stream", "").with_pieces(events.into_iter().map(event))
    }

    /// A body that comes as it is.
    pub(crate) fn raw(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        let body = body.into();
        Self {
            status,
            headers: vec![("content-type".into(), content_type.into())],
            first: Duration::ZERO,
            gap: Duration::ZERO,
            pieces: if body.is_empty() { VecDeque::new() } else { VecDeque::from([body.into()]) },
            end: End::Whole,
            held: false,
            gate: None,
        }
    }

    /// An error in OpenAI's form.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = json!({"error": {"message": message, "type": "error", "param": null, "code": code}});
        Self::raw(status, "application/json", body.to_string())
    }

    /// With a header more.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The first piece after `first`, each other one `gap` after the one before.
    pub(crate) fn paced(self, first: Duration, gap: Duration) -> Self {
        Self { first, gap, ..self }
    }

    /// Its pieces pass as the gate says.
    pub(crate) fn behind(self, gate: &Gate) -> Self {
        Self { gate: Some(gate.clone()), ..self }
    }

    /// Only the first `count` pieces, then `end`.
    pub(crate) fn ends_after(mut self, count: usize, end: End) -> Self {
        self.pieces.truncate(count);
        Self { end, ..self }
    }

    /// Nothing comes before the test says so with [`MockOpenAi::release`].
    pub(crate) fn held(self) -> Self {
        Self { held: true, ..self }
    }

    /// With these counts instead of the real ones.
    pub(crate) fn counted(self, usage: Value) -> Self {
        let mut answer = self.without_usage();
        answer.pieces.pop_back();
        answer.usage(usage).piece("data: [DONE]\n\n")
    }

    /// With this reason of its end instead of `stop`.
    pub(crate) fn finished(mut self, reason: &str) -> Self {
        for piece in &mut self.pieces {
            *piece = piece.replace("\"finish_reason\":\"stop\"", &format!("\"finish_reason\":\"{reason}\"")).into();
        }
        self
    }

    /// Without the chunk that counts.
    pub(crate) fn without_usage(mut self) -> Self {
        self.pieces.retain(|piece| !piece.contains("\"usage\""));
        self
    }

    /// One piece more, as it is.
    pub(crate) fn piece(mut self, piece: &str) -> Self {
        self.pieces.push_back(piece.into());
        self
    }

    /// The same piece, `count` times more.
    pub(crate) fn repeated(mut self, piece: &str, count: usize) -> Self {
        self.pieces.extend(std::iter::repeat_n(Arc::from(piece), count));
        self
    }

    fn with_pieces(self, pieces: impl IntoIterator<Item = String>) -> Self {
        Self { pieces: pieces.into_iter().map(Arc::from).collect(), ..self }
    }

    fn finish(self, reason: &str) -> Self {
        let last = chunk(&json!({}), &json!(reason));
        self.piece(&last)
    }

    #[allow(clippy::needless_pass_by_value, reason = "it is written where it is made")]
    fn usage(self, usage: Value) -> Self {
        let last = json!({"id": "chatcmpl-1", "model": MODEL, "choices": [], "usage": usage});
        self.piece(&format!("data: {last}\n\n"))
    }
}

/// The model that the server says answers.
pub(crate) const MODEL: &str = "mock-1";

fn chunk(delta: &Value, finish: &Value) -> String {
    let chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": MODEL,
                       "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
    format!("data: {chunk}\n\n")
}

type Script = dyn Fn(&Seen) -> Answer + Send + Sync;

/// What has happened at the server.
#[derive(Debug, Default)]
struct Log {
    seen: Vec<Seen>,
    active: usize,
    peak: usize,
    /// Answers whose client went away before their end.
    abandoned: usize,
}

struct Shared {
    script: Box<Script>,
    log: Mutex<Log>,
    changed: Condvar,
    released: watch::Sender<bool>,
}

/// The server. It ends when this is dropped.
pub(crate) struct MockOpenAi {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl MockOpenAi {
    /// Answers every request as `script` says.
    pub(crate) fn start(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared {
            script: Box::new(script),
            log: Mutex::default(),
            changed: Condvar::new(),
            released: watch::Sender::new(false),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a listener for tokio");
        let address = listener.local_addr().expect("a bound listener");
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || serve(listener, served, stopped));
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Answers every request alike.
    pub(crate) fn always(answer: Answer) -> Self {
        Self::start(move |_| answer.clone())
    }

    /// Answers in this order, and the last one ever after.
    pub(crate) fn in_order(answers: Vec<Answer>) -> Self {
        Self::start(move |seen| answers[seen.number.min(answers.len() - 1)].clone())
    }

    /// What `OPENAI_BASE_URL` would say.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What `ANTHROPIC_BASE_URL` would say.
    pub(crate) fn root_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.log.lock().seen.clone()
    }

    /// How many were answered at once at most.
    pub(crate) fn peak(&self) -> usize {
        self.shared.log.lock().peak
    }

    /// Lets all answers go that are held, and those that will be.
    pub(crate) fn release(&self) {
        self.shared.released.send_replace(true);
    }

    /// Waits until `count` requests have come.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        self.wait("requests", |log| log.seen.len() >= count);
    }

    /// Waits until the clients of `count` answers went away before their end.
    pub(crate) fn wait_for_abandoned(&self, count: usize) {
        self.wait("abandoned answers", |log| log.abandoned >= count);
    }

    fn wait(&self, what: &str, reached: impl Fn(&Log) -> bool) {
        let until = Instant::now() + PATIENCE;
        let mut log = self.shared.log.lock();
        while !reached(&log) {
            let timed_out = self.shared.changed.wait_until(&mut log, until).timed_out();
            assert!(!timed_out || reached(&log), "waited in vain for {what}: {log:?}");
        }
    }
}

impl Drop for MockOpenAi {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the server panicked");
        }
    }
}

fn serve(listener: std::net::TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        let listener = TcpListener::from_std(listener).expect("a listener for tokio");
        let router = Router::new().fallback(answer).with_state(shared);
        tokio::select! {
            served = axum::serve(listener, router) => served.expect("the server runs"),
            _ = stopped => {}
        }
    });
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let seen = {
        let mut log = shared.log.lock();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let seen = Seen { number: log.seen.len(), uri: uri.to_string(), headers, body };
        log.seen.push(seen.clone());
        log.active += 1;
        log.peak = log.peak.max(log.active);
        seen
    };
    shared.changed.notify_all();
    let answer = (shared.script)(&seen);
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status).expect("a status"));
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let sending = Sending { shared, answer, sent: 0, whole: false };
    response.body(Body::from_stream(stream::unfold(sending, next))).expect("a response")
}

/// An answer on its way.
struct Sending {
    shared: Arc<Shared>,
    answer: Answer,
    sent: usize,
    whole: bool,
}

type Piece = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

async fn next(mut sending: Sending) -> Option<(Piece, Sending)> {
    if sending.whole {
        return None;
    }
    if std::mem::take(&mut sending.answer.held) {
        let mut released = sending.shared.released.subscribe();
        // The sender lives as long as the server.
        let _ = released.wait_for(|released| *released).await;
    }
    if let Some(gate) = &sending.answer.gate {
        gate.passed(sending.sent).await;
    }
    let Some(piece) = sending.answer.pieces.pop_front() else {
        return match sending.answer.end {
            End::Hang => match std::future::pending::<Infallible>().await {},
            End::Cut => {
                // Once nothing more is ready, what came so far is flushed: it must arrive.
                tokio::task::yield_now().await;
                sending.whole = true;
                Some((Err("cut".into()), sending))
            }
            End::Whole | End::Short => {
                sending.whole = true;
                None
            }
        };
    };
    let wait = if sending.sent == 0 { sending.answer.first } else { sending.answer.gap };
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    sending.sent += 1;
    Some((Ok(Bytes::copy_from_slice(piece.as_bytes())), sending))
}

impl Drop for Sending {
    fn drop(&mut self) {
        let mut log = self.shared.log.lock();
        log.active -= 1;
        // A client may stop reading right after the last piece.
        let nothing_left = self.answer.pieces.is_empty() && self.answer.end == End::Whole;
        log.abandoned += usize::from(!self.whole && !nothing_left);
        drop(log);
        self.shared.changed.notify_all();
    }
}
