//! How simulated models behave.

use crate::provider::config::{ProviderConfig, Span};

use super::random::Random;

/// The behaviour of one model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Profile {
    /// From the request to the first token, in milliseconds.
    pub(super) latency_ms: Span,
    /// How many tokens an answer has.
    pub(super) tokens: Span,
    /// How fast they come after the first.
    pub(super) tokens_per_second: Span,
    /// The share of calls that fail with a server error.
    pub(super) error_rate: Span,
    /// The share of calls that are answered 429.
    pub(super) rate_limit_rate: Span,
    /// How long a 429 asks to wait, in milliseconds.
    pub(super) retry_after_ms: Span,
    /// The share of streams that break before their end.
    pub(super) cut_rate: Span,
}

const NEVER: Span = Span::exactly(0.0);

const FAST: Profile = Profile {
    latency_ms: Span::between(120.0, 400.0),
    tokens: Span::between(30.0, 90.0),
    tokens_per_second: Span::between(60.0, 110.0),
    error_rate: NEVER,
    rate_limit_rate: NEVER,
    retry_after_ms: Span::between(500.0, 1500.0),
    cut_rate: NEVER,
};

/// The models that the simulator knows, by name. Any other name behaves like the first.
pub(super) const MODELS: &[(&str, Profile)] = &[
    ("sim-fast", FAST),
    (
        "sim-smart",
        Profile {
            latency_ms: Span::between(500.0, 1500.0),
            tokens: Span::between(120.0, 320.0),
            tokens_per_second: Span::between(35.0, 70.0),
            ..FAST
        },
    ),
    (
        "sim-slow",
        Profile {
            latency_ms: Span::between(1500.0, 5000.0),
            tokens: Span::between(150.0, 400.0),
            tokens_per_second: Span::between(6.0, 16.0),
            ..FAST
        },
    ),
    (
        "sim-flaky",
        Profile {
            error_rate: Span::exactly(0.12),
            rate_limit_rate: Span::exactly(0.12),
            cut_rate: Span::exactly(0.06),
            ..FAST
        },
    ),
];

impl Profile {
    /// The behaviour of `model`, with what the configuration sets instead.
    pub(super) fn of(model: &str, config: &ProviderConfig) -> Self {
        let known = MODELS.iter().find(|(name, _)| *name == model).map_or(FAST, |(_, profile)| *profile);
        Self {
            latency_ms: config.latency_ms.unwrap_or(known.latency_ms),
            tokens: config.tokens.unwrap_or(known.tokens),
            tokens_per_second: config.tokens_per_second.unwrap_or(known.tokens_per_second),
            error_rate: config.error_rate.unwrap_or(known.error_rate),
            rate_limit_rate: config.rate_limit_rate.unwrap_or(known.rate_limit_rate),
            retry_after_ms: config.retry_after_ms.unwrap_or(known.retry_after_ms),
            cut_rate: config.cut_rate.unwrap_or(known.cut_rate),
        }
    }
}

/// What is wrong with settings that read well.
pub(super) fn check(config: &ProviderConfig) -> Result<(), String> {
    let rates =
        [("error_rate", config.error_rate), ("rate_limit_rate", config.rate_limit_rate), ("cut_rate", config.cut_rate)];
    for (name, rate) in rates {
        if rate.is_some_and(|rate| rate.max > 1.0) {
            return Err(format!("`{name}` is a share of all calls: write a number from 0 to 1"));
        }
    }
    if config.tokens_per_second.is_some_and(|speed| speed.min <= 0.0) {
        return Err("`tokens_per_second` must be more than 0".to_owned());
    }
    Ok(())
}

/// How a call goes wrong, if it does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    /// It doesn't.
    None,
    /// The server has an error.
    Error,
    /// The server asks to wait, in milliseconds.
    RateLimited(u64),
    /// The stream breaks after this share of the answer.
    Cut(f64),
}

/// What one call will do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fate {
    pub(super) latency_ms: f64,
    pub(super) tokens_per_second: f64,
    pub(super) fault: Fault,
}

impl Fate {
    /// Draws what a call will do. Always draws the same number of times, so that one setting
    /// doesn't change what the others give.
    pub(super) fn draw(profile: &Profile, random: &mut Random) -> Self {
        let latency_ms = random.within(profile.latency_ms);
        let tokens_per_second = random.within(profile.tokens_per_second);
        let errs = random.chance(profile.error_rate);
        let limited = random.chance(profile.rate_limit_rate);
        let retry_after_ms = random.whole_within(profile.retry_after_ms);
        let cut = random.chance(profile.cut_rate);
        let share = random.unit();
        let fault = if limited {
            Fault::RateLimited(retry_after_ms)
        } else if errs {
            Fault::Error
        } else if cut {
            Fault::Cut(share)
        } else {
            Fault::None
        };
        Self { latency_ms, tokens_per_second, fault }
    }
}
