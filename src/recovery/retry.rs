//! How long to wait before a task is tried again: exponential backoff with full jitter, and never
//! sooner than the provider asks for.

use std::time::Duration;

use crate::domain::TaskNo;

/// The longest wait before the first retry, in milliseconds; it doubles with each further one.
const BASE_MS: u64 = 500;
/// The longest wait of our own, in milliseconds.
const MOST_MS: u64 = 30_000;
/// The longest wait that a provider gets, in milliseconds: a run must not hang on one header.
const MOST_ASKED_MS: u64 = 60_000;
/// Over how many milliseconds those spread that were asked to come back at the same moment.
const SPREAD_MS: u64 = 250;

/// How long to wait after `attempt` (from 1) of `task` has failed. The same arguments always give
/// the same wait; `randomness` is the run's own.
#[must_use]
pub fn wait(attempt: u32, retry_after_ms: Option<u64>, randomness: u64, task: TaskNo) -> Duration {
    let chance = mix(mix(mix(randomness) ^ u64::from(task)) ^ u64::from(attempt));
    let doublings = attempt.saturating_sub(1).min(u64::BITS - 1);
    let most = BASE_MS.saturating_mul(1 << doublings).min(MOST_MS);
    let ours = chance % (most + 1);
    let asked = retry_after_ms.map_or(0, |ms| ms.min(MOST_ASKED_MS) + chance % SPREAD_MS);
    Duration::from_millis(ours.max(asked))
}

/// One step of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
#[must_use]
pub const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        // The first outputs of the reference implementation for the seed 1234567.
        assert_eq!(mix(1_234_567), 6_457_827_717_110_365_317);
        assert_eq!(mix(1_234_567_u64.wrapping_add(0x9e37_79b9_7f4a_7c15)), 3_203_168_211_198_807_973);
    }

    #[test]
    fn waits_grow_and_fill_their_range() {
        for (attempt, most) in [(1, 500), (2, 1000), (4, 4000), (7, 30_000), (u32::MAX, 30_000)] {
            let waits: Vec<_> = (0..1000).map(|task| wait(attempt, None, 7, task).as_millis()).collect();
            let mean = waits.iter().sum::<u128>() / 1000;
            assert!(waits.iter().all(|&ms| ms <= most), "attempt {attempt}");
            assert!((most * 45 / 100..=most * 55 / 100).contains(&mean), "attempt {attempt}: mean {mean}");
        }
    }

    #[test]
    fn those_who_were_asked_to_wait_do_not_come_back_all_at_once() {
        let distinct: std::collections::BTreeSet<_> = (0..100).map(|task| wait(1, Some(4000), 7, task)).collect();
        assert!(distinct.len() > 50);
    }

    proptest! {
        #[test]
        fn a_wait_is_bounded_and_repeatable(
            attempt in any::<u32>(), asked in prop::option::of(any::<u64>()), randomness in any::<u64>(), task in any::<u32>()
        ) {
            let waited = wait(attempt, asked, randomness, task);
            prop_assert_eq!(waited, wait(attempt, asked, randomness, task));
            prop_assert!(waited >= Duration::from_millis(asked.unwrap_or(0).min(MOST_ASKED_MS)));
            prop_assert!(waited < Duration::from_millis(MOST_ASKED_MS + SPREAD_MS));
        }
    }
}
