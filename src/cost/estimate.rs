//! What a dispatch will probably cost, gathered task by task so that no row has to be kept.

use std::time::Duration;

use super::{Estimate, tokens};
use crate::domain::{ModelPrice, Money, Usage};

/// All shares are in thousandths: money is never a float.
const WHOLE: u64 = 1000;
/// A rule of thumb is not better than this.
const THUMB_LOW: u64 = 300;
const THUMB_HIGH: u64 = 2000;
/// What remains uncertain however many samples there are: the count of prompt tokens.
const RESIDUE: u64 = 50;
/// Twice the scatter of answers around their mean, which is about half of it.
const SCATTER: u64 = 1000;
/// The low end is at least this share.
const LEAST: u64 = 100;

/// What an estimate rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Basis {
    /// What the model costs.
    pub price: ModelPrice,
    /// The most tokens of one answer.
    pub max_tokens: u32,
    /// What earlier calls of the model used on average, and how many calls that were.
    pub typical: Option<(Usage, u32)>,
    /// How long a call takes on average, where that is known.
    pub typical_duration: Option<Duration>,
    /// How many calls run at once.
    pub max_parallel: u32,
    /// The budget, to know how many tasks fit in it.
    pub budget: Option<Money>,
}

/// An estimate that is more than the budget.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "estimated ${} > budget ${}; {fits} of {tasks} tasks fit: raise --budget, send fewer rows, or pass --partial to \
     run what fits",
    readable(*estimated),
    readable(*budget)
)]
pub struct OverBudget {
    /// What it will probably cost.
    pub estimated: Money,
    /// The budget.
    pub budget: Money,
    /// How many tasks will probably fit, from the first on.
    pub fits: u32,
    /// How many there are.
    pub tasks: u32,
}

/// In cents; an amount of less than ten of them in full, lest it reads as nothing.
fn readable(amount: Money) -> String {
    let dime = Money::from_nanos(100_000_000);
    if amount < dime { amount.to_string() } else { amount.short(2) }
}

/// Gathers an estimate.
#[derive(Debug, Clone)]
pub struct Estimator {
    basis: Basis,
    /// Output tokens of a task, most likely.
    answer: u64,
    tasks: u32,
    cached: u32,
    input_tokens: u64,
    likely: Money,
    worst: Money,
    fits: u32,
    full: bool,
}

impl Estimator {
    /// Begins with no task.
    #[must_use]
    pub fn new(basis: Basis) -> Self {
        let most = u64::from(basis.max_tokens);
        let answer = match basis.typical {
            Some((usage, samples)) if samples > 0 => usage.output_tokens.min(most),
            _ => tokens::of_answer(basis.max_tokens),
        };
        Self {
            basis,
            answer,
            tasks: 0,
            cached: 0,
            input_tokens: 0,
            likely: Money::ZERO,
            worst: Money::ZERO,
            fits: 0,
            full: false,
        }
    }

    /// Adds a task with so many bytes of prompt text and at most `input_bound` prompt tokens.
    pub fn add(&mut self, text_bytes: u64, input_bound: u32) {
        let price = &self.basis.price;
        let input = tokens::of_prompt(text_bytes).min(u64::from(input_bound));
        let usage = Usage { input_tokens: input, output_tokens: self.answer, ..Usage::default() };
        let bound = price.bound(u64::from(input_bound), u64::from(self.basis.max_tokens));
        self.likely += price.cost(&usage).min(bound);
        self.worst += bound;
        self.input_tokens = self.input_tokens.saturating_add(input);
        self.count();
    }

    /// Adds a task that a stored result answers: it costs nothing.
    pub fn add_cached(&mut self) {
        self.cached = self.cached.saturating_add(1);
        self.count();
    }

    fn count(&mut self) {
        self.tasks = self.tasks.saturating_add(1);
        self.full |= self.basis.budget.is_some_and(|budget| self.likely > budget);
        if !self.full {
            self.fits = self.tasks;
        }
    }

    /// How many tasks will probably fit into the budget, from the first on; all, where there is none.
    #[must_use]
    pub const fn fits(&self) -> u32 {
        self.fits
    }

    /// Refuses what will probably cost more than the budget.
    pub fn within_budget(&self) -> Result<(), OverBudget> {
        match self.basis.budget {
            Some(budget) if self.likely > budget => {
                Err(OverBudget { estimated: self.likely, budget, fits: self.fits, tasks: self.tasks })
            }
            _ => Ok(()),
        }
    }

    /// The estimate of all tasks that were added.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let samples = self.basis.typical.map_or(0, |(_, samples)| samples);
        let (low, high) = match u64::from(samples) {
            0 => (THUMB_LOW, THUMB_HIGH),
            samples => interval(samples, u64::from(self.calls())),
        };
        Estimate {
            tasks: self.tasks,
            cached: self.cached,
            input_tokens: self.input_tokens,
            output_tokens: self.answer.saturating_mul(u64::from(self.calls())),
            low: share(self.likely, low),
            likely: self.likely,
            high: share(self.likely, high).min(self.worst),
            worst: self.worst,
            duration: self.duration(),
            samples,
        }
    }

    const fn calls(&self) -> u32 {
        self.tasks.saturating_sub(self.cached)
    }

    fn duration(&self) -> Option<Duration> {
        let waves = self.calls().div_ceil(self.basis.max_parallel.max(1));
        self.basis.typical_duration.map(|one| one.saturating_mul(waves))
    }
}

/// The ends of the interval around a mean of `samples` calls, for a sum of `calls`: two standard
/// errors of both together.
fn interval(samples: u64, calls: u64) -> (u64, u64) {
    let variance = SCATTER * SCATTER / samples.max(1) + SCATTER * SCATTER / calls.max(1);
    let spread = RESIDUE + variance.isqrt();
    (WHOLE.saturating_sub(spread).max(LEAST), WHOLE + spread)
}

/// So many thousandths of an amount.
fn share(amount: Money, thousandths: u64) -> Money {
    let nanos = u128::from(amount.nanos()) * u128::from(thousandths) / u128::from(WHOLE);
    Money::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cost::PriceTable;

    fn basis() -> Basis {
        let price = PriceTable::builtin().expect("table").find("gpt-4o-mini").expect("priced");
        Basis { price, max_tokens: 4096, typical: None, typical_duration: None, max_parallel: 10, budget: None }
    }

    fn with_history(output_tokens: u64, samples: u32) -> Basis {
        Basis { typical: Some((Usage { output_tokens, ..Usage::default() }, samples)), ..basis() }
    }

    fn of(basis: Basis, tasks: u32) -> Estimator {
        let mut estimator = Estimator::new(basis);
        (0..tasks).for_each(|_| estimator.add(400, 700));
        estimator
    }

    fn usd(text: &str) -> Money {
        text.parse().expect(text)
    }

    #[test]
    fn without_history_a_rule_of_thumb_says_so() {
        let estimate = of(basis(), 100).estimate();
        // 108 prompt tokens at 0.15 and 500 of output at 0.60 per million.
        assert_eq!(estimate.likely, usd("0.03162"));
        assert_eq!((estimate.low, estimate.high), (usd("0.009486"), usd("0.06324")));
        assert_eq!(estimate.worst, basis().price.bound(700, 4096).times(100));
        assert_eq!((estimate.input_tokens, estimate.output_tokens, estimate.samples), (10_800, 50_000, 0));
        assert_eq!(estimate.duration, None);
    }

    #[test]
    fn history_narrows_the_interval() {
        let width = |samples, tasks| {
            let estimate = of(with_history(100, samples), tasks).estimate();
            assert_eq!(estimate.output_tokens, 100 * u64::from(tasks));
            estimate.high.less(estimate.low).nanos() * 1000 / estimate.likely.nanos()
        };
        assert!(width(1, 1000) > width(10, 1000));
        assert!(width(10, 1000) > width(1000, 1000));
        assert!(width(1000, 10) > width(1000, 1000));
        assert!(width(10_000, 10_000) <= 200, "within 10 % either way");
    }

    #[test]
    fn an_answer_is_never_longer_than_allowed() {
        let estimate = of(Basis { max_tokens: 50, ..with_history(9000, 5) }, 1).estimate();
        assert_eq!(estimate.output_tokens, 50);
        assert!(estimate.high <= estimate.worst);
    }

    #[test]
    fn stored_results_cost_nothing() {
        let mut estimator = of(basis(), 2);
        estimator.add_cached();
        let (with, without) = (estimator.estimate(), of(basis(), 2).estimate());
        assert_eq!((with.tasks, with.cached, with.likely), (3, 1, without.likely));
        assert_eq!(with.output_tokens, without.output_tokens);
    }

    #[test]
    fn what_does_not_fit_says_how_much_does() {
        let estimator = of(Basis { budget: Some(usd("0.01")), ..basis() }, 100);
        insta::assert_snapshot!(estimator.within_budget().expect_err("too much"), @"estimated $0.03162 > budget $0.01; 31 of 100 tasks fit: raise --budget, send fewer rows, or pass --partial to run what fits");
        assert_eq!(of(Basis { budget: Some(usd("0.03162")), ..basis() }, 100).within_budget(), Ok(()));
        assert_eq!(of(basis(), 100).fits(), 100);
    }

    #[test]
    fn time_is_counted_in_waves() {
        let at = |max_parallel, tasks| {
            let basis = Basis { typical_duration: Some(Duration::from_secs(2)), max_parallel, ..basis() };
            of(basis, tasks).estimate().duration
        };
        assert_eq!(at(10, 101), Some(Duration::from_secs(22)));
        assert_eq!(at(0, 3), Some(Duration::from_secs(6)));
        assert_eq!(at(10, 0), Some(Duration::ZERO));
    }

    proptest! {
        #[test]
        fn the_order_always_holds(
            tasks in prop::collection::vec((any::<u32>(), any::<u32>(), any::<bool>()), 0..20),
            max_tokens in any::<u32>(),
            history in prop::option::of((any::<u64>(), any::<u32>())),
            budget in any::<u64>(),
        ) {
            let typical = history.map(|(output_tokens, samples)| (Usage { output_tokens, ..Usage::default() }, samples));
            let budget = Money::from_nanos(budget);
            let mut estimator = Estimator::new(Basis { max_tokens, typical, budget: Some(budget), ..basis() });
            for &(bytes, bound, cached) in &tasks {
                if cached { estimator.add_cached() } else { estimator.add(u64::from(bytes), bound) }
            }
            let estimate = estimator.estimate();
            prop_assert!(estimate.low <= estimate.likely);
            prop_assert!(estimate.likely <= estimate.high);
            prop_assert!(estimate.high <= estimate.worst);
            prop_assert!(estimator.fits() <= estimate.tasks);
            prop_assert_eq!(estimator.within_budget().is_ok(), estimator.fits() == estimate.tasks);
            prop_assert_eq!(estimate.tasks as usize, tasks.len());
        }
    }
}
