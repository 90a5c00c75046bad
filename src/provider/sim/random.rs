//! Seeded randomness: the same seed gives the same draws on every machine and in every version.

use crate::provider::config::Span;

/// `SplitMix64` (Steele, Lea, Flood 2014): tiny, fast, and good enough for playing.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// From a seed and what it is used for, so that one use doesn't shift another.
    pub(super) fn new(seed: u64, purpose: u64) -> Self {
        let mut random = Self(seed ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93));
        random.next();
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn within(&mut self, span: Span) -> f64 {
        span.min + (span.max - span.min) * self.unit()
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    pub(super) fn whole_within(&mut self, span: Span) -> u64 {
        self.within(span).round() as u64
    }

    pub(super) fn chance(&mut self, rate: Span) -> bool {
        let rate = self.within(rate);
        self.unit() < rate
    }

    /// One of `choices`; nothing where there are none.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> Option<&'a T> {
        let count = u64::try_from(choices.len()).unwrap_or(u64::MAX).max(1);
        choices.get(usize::try_from(self.next() % count).unwrap_or(0)).copied()
    }
}
