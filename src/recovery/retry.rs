//! When a failed attempt is made again.

use std::time::Duration;

use crate::domain::TaskNo;

const BASE_MS: u64 = 500;
const CAP_MS: u64 = 30_000;
/// A provider that asks for more is not waited for longer than this at a time.
const RETRY_AFTER_CAP_MS: u64 = 60_000;

/// How long to wait after attempt `attempt` (from 1) failed: exponential backoff with full jitter
/// ("Exponential Backoff And Jitter", AWS Architecture Blog), never less than what the provider
/// asks for. The jitter is drawn from `randomness`, so that a run can be repeated.
#[must_use]
pub fn wait(attempt: u32, retry_after_ms: Option<u64>, randomness: u64, task: TaskNo) -> Duration {
    let ceiling = BASE_MS.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(CAP_MS);
    let jitter = mix(randomness ^ (u64::from(task) << 32) ^ u64::from(attempt)) % ceiling.max(1);
    let asked = retry_after_ms.unwrap_or(0).min(RETRY_AFTER_CAP_MS);
    // What was asked for is a floor for everyone at once: the jitter on top keeps them apart.
    Duration::from_millis(if asked > 0 { asked + jitter / 4 } else { jitter.max(1) })
}

/// `SplitMix64` (Steele, Lea, Flood 2014): spreads neighbouring inputs over all outputs.
#[must_use]
pub fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_within_their_bounds() {
        for attempt in 1..40 {
            for task in 0..200 {
                let waited = wait(attempt, None, 7, task).as_millis();
                assert!((1..=30_000).contains(&waited), "{attempt} {task} {waited}");
            }
        }
        assert!(wait(1, None, 7, 0).as_millis() <= 500);
    }

    #[test]
    fn a_provider_is_obeyed_up_to_the_cap() {
        assert!(wait(1, Some(4_000), 7, 0).as_millis() >= 4_000);
        assert!(wait(1, Some(u64::MAX), 7, 0).as_millis() <= 61_000);
    }

    #[test]
    fn the_same_seed_waits_the_same() {
        assert_eq!(wait(2, None, 9, 5), wait(2, None, 9, 5));
        assert_ne!(wait(2, None, 9, 5), wait(2, None, 9, 6));
    }
}
