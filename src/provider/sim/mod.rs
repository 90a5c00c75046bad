//! The simulator: seeded, so that the same seed gives the same answers and the same failures.
//! It waits with tokio's clock: under a paused one it plays in virtual time.

mod profile;
mod prose;
mod random;

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use crate::domain::report::{ErrorKind, Quota, Receipt, Sent};
use crate::domain::transcript::Role;
use crate::domain::{ProviderKind, Usage};

use super::config::ProviderConfig;
use super::{CallContext, Descriptor, Failure, LiveSink, Outcome, Provider, Reply, Request};
use profile::{Fate, Fault, MODELS, Profile};
use prose::Prose;
use random::Random;

/// Text has about this many bytes per token.
const BYTES_PER_TOKEN: usize = 4;
/// What the randomness is used for: what is said doesn't depend on the attempt, what fails does.
const FOR_ANSWER: u64 = 0;

/// A provider that nobody bills.
pub struct Simulator {
    descriptor: Descriptor,
    config: ProviderConfig,
}

/// The names of the models that the simulator knows.
pub fn models() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|(name, _)| *name)
}

/// What is wrong with settings that read well.
pub(super) fn check(config: &ProviderConfig) -> Result<(), String> {
    profile::check(config)
}

impl Simulator {
    /// A simulator of this name.
    #[must_use]
    pub fn new(name: &str, config: &ProviderConfig) -> Self {
        let model = config.model.clone().or_else(|| models().next().map(str::to_owned));
        let descriptor = Descriptor {
            name: name.to_owned(),
            kind: ProviderKind::Sim,
            endpoint: None,
            default_model: model,
            bills_tokens: true,
            takes_seed: true,
            tells_cost: false,
            runs_command: false,
            pause_stops: false,
            simulated: true,
            max_concurrent: config.max_concurrent,
        };
        Self { descriptor, config: config.clone() }
    }
}

impl Provider for Simulator {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn input_bound(&self, request: &Request) -> u32 {
        u32::try_from(input_tokens(request)).unwrap_or(u32::MAX)
    }

    fn call(&self, request: Request, context: CallContext) -> BoxFuture<'static, Outcome> {
        let profile = Profile::of(&request.model, &self.config);
        Box::pin(play(request, profile, context))
    }
}

async fn play(request: Request, profile: Profile, context: CallContext) -> Outcome {
    let CallContext { cancel, mut live, hold: _ } = context;
    let fate = Fate::draw(&profile, &mut Random::new(request.randomness, u64::from(request.attempt)));
    let mut performance = Performance::new(&request, &profile);
    let ended = tokio::select! {
        biased;
        () = cancel.cancelled() => Some(Failure::new(ErrorKind::Cancelled, "the call was cancelled")),
        failure = performance.play(fate, &mut *live) => failure,
    };
    performance.outcome(ended)
}

/// An answer that is being given.
struct Performance {
    prose: Prose,
    text: String,
    wanted: u64,
    allowed: u64,
    given: u64,
    input_tokens: u64,
    model: String,
    started: Instant,
    first_output_ms: Option<u64>,
}

impl Performance {
    fn new(request: &Request, profile: &Profile) -> Self {
        let prompt = request.messages.iter().rev().find(|message| message.role == Role::User);
        let mut random = Random::new(request.randomness, FOR_ANSWER);
        let wanted = random.whole_within(profile.tokens).max(1);
        Self {
            prose: Prose::new(prompt.map_or("", |message| &message.content), random),
            text: String::new(),
            wanted,
            allowed: wanted.min(u64::from(request.max_tokens)),
            given: 0,
            input_tokens: input_tokens(request),
            model: request.model.clone(),
            started: Instant::now(),
            first_output_ms: None,
        }
    }

    /// Plays to the end; returns how it failed, if it did.
    async fn play(&mut self, fate: Fate, live: &mut dyn LiveSink) -> Option<Failure> {
        let first = self.started + Duration::from_secs_f64(fate.latency_ms / 1000.0);
        sleep_until(first).await;
        let until = match fate.fault {
            Fault::Error => return Some(server_error()),
            Fault::RateLimited(wait) => return Some(rate_limited(wait)),
            Fault::Cut(share) => share_of(self.allowed, share),
            Fault::None => self.allowed,
        };
        let pause = Duration::try_from_secs_f64(1.0 / fate.tokens_per_second).unwrap_or_default();
        let mut due = first;
        while self.given < until {
            // By deadline, so that a late wake-up doesn't slow the stream down.
            sleep_until(due).await;
            self.say(live);
            due += pause;
        }
        matches!(fate.fault, Fault::Cut(_)).then(|| {
            Failure::new(ErrorKind::Provider, "the connection broke before the answer ended (simulated)").retryable()
        })
    }

    fn say(&mut self, live: &mut dyn LiveSink) {
        let token = self.prose.next_token();
        self.first_output_ms
            .get_or_insert_with(|| u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX));
        live.text(&token);
        self.text.push_str(&token);
        self.given += 1;
    }

    fn outcome(self, failure: Option<Failure>) -> Outcome {
        let whole = failure.is_none();
        let sent = match &failure {
            Some(failure) if failure.status.is_some() => Sent::Refused,
            _ => Sent::Maybe,
        };
        let usage = Usage { input_tokens: self.input_tokens, output_tokens: self.given, ..Usage::default() };
        let result = match failure {
            None => Ok(Reply { text: self.text, truncated: self.wanted > self.allowed }),
            Some(failure) => Err(Failure { partial: self.text, ..failure }),
        };
        Outcome {
            result,
            usage: whole.then_some(usage),
            cost: None,
            sent,
            model: Some(self.model),
            first_output_ms: self.first_output_ms,
            request_id: None,
            quota: Quota::default(),
            receipt: Receipt { stream_closed: true, ..Receipt::default() },
        }
    }
}

fn input_tokens(request: &Request) -> u64 {
    let bytes: usize = request.messages.iter().map(|message| message.content.len()).sum();
    u64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u64::MAX)
}

/// 503: like a server that is overloaded and bills nothing.
fn server_error() -> Failure {
    let failure = Failure::new(ErrorKind::Provider, "the server answered 503: overloaded (simulated)").retryable();
    Failure { status: Some(503), ..failure }
}

fn rate_limited(wait_ms: u64) -> Failure {
    let failure = Failure::new(ErrorKind::RateLimited, "the server answered 429: slow down (simulated)").retryable();
    Failure { status: Some(429), retry_after_ms: Some(wait_ms), ..failure }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a few thousand tokens, and the cast saturates"
)]
fn share_of(tokens: u64, share: f64) -> u64 {
    (tokens as f64 * share) as u64
}

#[cfg(test)]
mod tests;
