//! How fast money goes: from what was spent over the last minute of folded time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::{Money, Run, Wall};

/// One sample a second, for the last ten minutes.
const KEPT: usize = 600;
const STEP: Duration = Duration::from_secs(1);
/// The rate is over this long.
const WINDOW: Duration = Duration::from_mins(1);
/// Less than this tells no rate.
const LEAST: Duration = Duration::from_secs(3);

/// What was spent, over time.
#[derive(Debug, Default)]
pub(crate) struct Burn {
    samples: VecDeque<(Wall, Money)>,
}

impl Burn {
    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.samples.clear();
    }

    /// Takes note of what is spent at a moment; at most once a second.
    pub(crate) fn note(&mut self, at: Wall, spent: Money) {
        if self.samples.back().is_some_and(|(last, _)| at.since(*last) < STEP) {
            return;
        }
        if self.samples.len() == KEPT {
            self.samples.pop_front();
        }
        self.samples.push_back((at, spent));
    }

    /// Money per minute at `now`: over the last minute, or for as long as the run was watched; where
    /// that is too short, over the whole run. Nothing where neither tells anything.
    pub(crate) fn per_minute(&self, run: &Run, now: Wall) -> Option<Money> {
        let (before, time) = self.baseline(now).or_else(|| Some((Money::ZERO, now.since(run.started?))))?;
        if time < LEAST {
            return None;
        }
        let nanos = u128::from(run.money.spent.less(before).nanos()) * 60_000 / time.as_millis();
        Some(Money::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    /// What was spent at the beginning of the last minute, and how long ago that is. What was spent
    /// stays the same from one sample to the next.
    fn baseline(&self, now: Wall) -> Option<(Money, Duration)> {
        let old = self.samples.iter().rev().find(|(at, _)| now.since(*at) >= WINDOW);
        if let Some((_, before)) = old {
            return Some((*before, WINDOW));
        }
        let (at, before) = self.samples.front()?;
        Some((*before, now.since(*at))).filter(|(_, time)| *time >= LEAST)
    }

    /// How long `free` lasts at a rate; nothing where nothing is being spent.
    pub(crate) fn lasts(free: Money, per_minute: Money) -> Option<Duration> {
        let seconds = u128::from(free.nanos()) * 60 / u128::from(per_minute.nanos()).max(1);
        (per_minute > Money::ZERO).then(|| Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)))
    }

    /// What was spent in each of the last `count` steps of `step` seconds, oldest first.
    pub(crate) fn history(&self, step: u64, count: usize) -> Vec<u64> {
        let Some((newest, _)) = self.samples.back() else { return Vec::new() };
        let mut steps = vec![0_u64; count];
        let pairs = self.samples.iter().zip(self.samples.iter().skip(1));
        for ((_, before), (at, after)) in pairs {
            let back = usize::try_from(newest.since(*at).as_secs() / step.max(1)).unwrap_or(usize::MAX);
            if let Some(slot) = count.checked_sub(back + 1).and_then(|index| steps.get_mut(index)) {
                *slot = slot.saturating_add(after.less(*before).nanos());
            }
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::fixture;

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        let mut burn = Burn::default();
        let mut run = fixture::run(1).fold();
        run.started = Some(Wall(0));
        for second in 0..=120_u64 {
            // Nothing in the first minute, then a cent a second.
            let spent = Money::from_nanos(10_000_000).times(second.saturating_sub(60));
            burn.note(Wall(i64::try_from(second * 1000).expect("small")), spent);
            run.money.spent = spent;
        }
        let rate = burn.per_minute(&run, Wall(120_000)).expect("a minute is enough");
        assert_eq!(rate.to_string(), "0.6");
        assert_eq!(burn.per_minute(&run, Wall(240_000)), Some(Money::ZERO), "nothing was spent since");
        assert_eq!(Burn::lasts(Money::from_nanos(1_200_000_000), rate), Some(Duration::from_mins(2)));
        assert_eq!(Burn::lasts(rate, Money::ZERO), None);
        assert_eq!(burn.history(60, 2), [0, 600_000_000]);
    }

    #[test]
    fn a_run_that_was_just_opened_has_the_rate_of_its_whole_life() {
        let mut run = fixture::run(1).fold();
        run.started = Some(Wall(0));
        run.money.spent = Money::from_nanos(1_000_000_000);
        assert_eq!(Burn::default().per_minute(&run, Wall(30_000)).map(|m| m.to_string()), Some("2".to_owned()));
        assert_eq!(Burn::default().per_minute(&run, Wall(1_000)), None);
    }
}
