//! What agents run on. A provider is one file that implements [`Provider`], and one line in
//! [`registry`]. It knows nothing of runs, money or the engine: a request goes in, an
//! [`Outcome`] comes out, whatever happens on the way.

mod anthropic;
pub mod config;
mod http;
mod openai;
mod openrouter;
pub mod process;
pub mod registry;
mod responses;
pub mod sim;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::domain::report::{ErrorKind, Quota, Receipt, Sent};
use crate::domain::transcript::Role;
use crate::domain::{AgentId, Key, ModelPrice, Money, ProviderKind, Usage};

/// What a provider is and can do. Policy reads this, never a provider's name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "capabilities are independent of each other")]
pub struct Descriptor {
    /// Its name in configuration and on the screen.
    pub name: String,
    /// Its kind.
    pub kind: ProviderKind,
    /// Where it is, for people: a base URL, or nothing.
    pub endpoint: Option<String>,
    /// The model that is used where none is asked for.
    pub default_model: Option<String>,
    /// Whether it bills tokens: then its models need a price under a budget.
    pub bills_tokens: bool,
    /// Whether it takes a seed.
    pub takes_seed: bool,
    /// Whether its answers say what they cost: then a model without a price is counted all the
    /// same.
    pub tells_cost: bool,
    /// Whether it runs a command line instead of sending messages.
    pub runs_command: bool,
    /// Whether pausing really stops it; otherwise what comes meanwhile is kept aside, and bills.
    pub pause_stops: bool,
    /// Whether its results are simulated.
    pub simulated: bool,
    /// How many calls it takes at once.
    pub max_concurrent: Option<u32>,
}

/// One thing said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// By whom.
    pub role: Role,
    /// What.
    pub content: String,
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Who asks.
    pub agent: AgentId,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The conversation so far.
    pub messages: Vec<ChatMessage>,
    /// The command line of a process agent: program and arguments, nothing to be parsed.
    pub command: Vec<String>,
    /// What goes to the standard input of a process agent.
    pub stdin: Option<String>,
    /// The model.
    pub model: String,
    /// What was reserved for, where the model has a price: a provider that chooses among sellers
    /// takes none that is dearer.
    pub price: Option<ModelPrice>,
    /// The most tokens of the answer. Always sent: the reservation counts on it.
    pub max_tokens: u32,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// The seed for the provider.
    pub seed: Option<u64>,
    /// The seed of our own randomness in this call (the simulator's).
    pub randomness: u64,
    /// The task's idempotency key, for providers that take one.
    pub key: Key,
}

/// Takes what comes while a call is under way: live, lossy, never an event.
pub trait LiveSink: Send {
    /// Text of the answer, as it comes.
    fn text(&mut self, text: &str);
    /// What a process writes to its standard error.
    fn note(&mut self, text: &str);
}

/// What surrounds a call.
pub struct CallContext {
    /// Fires when the call must end now. The provider then ends everything that it started,
    /// proves it in the receipt, and returns what had come.
    pub cancel: CancellationToken,
    /// True while the operator holds the agent. Only a provider whose descriptor says
    /// `pause_stops` needs to watch it.
    pub hold: watch::Receiver<bool>,
    /// Where live output goes.
    pub live: Box<dyn LiveSink>,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// The text.
    pub text: String,
    /// Whether it was cut at `max_tokens`, or at the output cap.
    pub truncated: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its kind. A cancelled call is `Cancelled`; the engine knows why it was.
    pub kind: ErrorKind,
    /// What happened, for a person; raw, the engine sends it through the guard.
    pub message: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// How long the provider asks us to wait, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// The HTTP status, or the exit code of a process.
    pub status: Option<i32>,
    /// What had come before it broke.
    pub partial: String,
}

impl Failure {
    /// A failure of `kind` that will not pass by itself.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retryable: false,
            retry_after_ms: None,
            status: None,
            partial: String::new(),
        }
    }

    /// The same, and it may pass by itself.
    #[must_use]
    pub fn retryable(self) -> Self {
        Self { retryable: true, ..self }
    }
}

/// How a call ended. A provider always returns one: it never panics and never hangs after
/// `cancel` has fired.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The answer, or why there is none.
    pub result: Result<Reply, Failure>,
    /// What was used, where it is known or estimated (`estimated` says so).
    pub usage: Option<Usage>,
    /// What it cost, where the provider said so itself.
    pub cost: Option<Money>,
    /// How far the request got.
    pub sent: Sent,
    /// The model that really answered, where the provider said.
    pub model: Option<String>,
    /// From the request to the first output, in milliseconds.
    pub first_output_ms: Option<u64>,
    /// The provider's own id of the request.
    pub request_id: Option<String>,
    /// The provider's own limits.
    pub quota: Quota,
    /// What is proven about the end.
    pub receipt: Receipt,
}

impl Outcome {
    /// A call that failed before anything was sent.
    #[must_use]
    pub fn not_sent(failure: Failure) -> Self {
        Self {
            result: Err(failure),
            usage: None,
            cost: None,
            sent: Sent::Nothing,
            model: None,
            first_output_ms: None,
            request_id: None,
            quota: Quota::default(),
            receipt: Receipt { stream_closed: true, ..Receipt::default() },
        }
    }
}

/// Something that agents run on.
pub trait Provider: Send + Sync {
    /// What it is and can do.
    fn descriptor(&self) -> &Descriptor;

    /// The most prompt tokens that this request can be billed for. Sound, not tight: a byte-level
    /// tokenizer never makes more tokens than bytes, so the bytes of the whole serialised body
    /// and the provider's hidden overhead are a bound.
    fn input_bound(&self, request: &Request) -> u32;

    /// Makes the call.
    fn call(&self, request: Request, context: CallContext) -> BoxFuture<'static, Outcome>;
}
