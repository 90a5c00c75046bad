//! The account of a run: money is reserved before a request leaves, so that
//! `spent + unconfirmed + reserved <= budget` holds whatever happens.

use crate::domain::{Money, Totals};

/// Whether an amount may be reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It fits: reserve it.
    Granted,
    /// It fits once calls that are under way have settled.
    Waits {
        /// What is free now.
        free: Money,
    },
    /// It does not fit even when everything that is reserved comes back.
    Never {
        /// The most that could ever be reserved.
        most: Money,
    },
}

/// Asks for `bound`, the most that a call can cost.
#[must_use]
pub fn reserve(totals: &Totals, bound: Money) -> Verdict {
    let Some(budget) = totals.budget else { return Verdict::Granted };
    // Wider than money, whose sums stop at the largest amount and would then seem to fit.
    let wide = |money: Money| u128::from(money.nanos());
    let gone = wide(totals.spent) + wide(totals.unconfirmed);
    if gone + wide(totals.reserved) + wide(bound) <= wide(budget) {
        Verdict::Granted
    } else if gone + wide(bound) <= wide(budget) {
        Verdict::Waits { free: budget.less(totals.committed()) }
    } else {
        Verdict::Never { most: budget.less(totals.spent + totals.unconfirmed) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn totals(spent: u64, unconfirmed: u64, reserved: u64, budget: Option<u64>) -> Totals {
        let money = Money::from_nanos;
        Totals {
            spent: money(spent),
            unconfirmed: money(unconfirmed),
            reserved: money(reserved),
            budget: budget.map(money),
        }
    }

    #[test]
    fn verdicts() {
        let money = Money::from_nanos;
        for (account, bound, verdict) in [
            (totals(0, 0, 0, None), u64::MAX, Verdict::Granted),
            (totals(3, 2, 1, Some(10)), 4, Verdict::Granted),
            (totals(3, 2, 1, Some(10)), 5, Verdict::Waits { free: money(4) }),
            (totals(3, 2, 1, Some(10)), 6, Verdict::Never { most: money(5) }),
            (totals(0, 0, 0, Some(0)), 0, Verdict::Granted),
            // A budget that was lowered below what is committed admits nothing until it holds again.
            (totals(3, 0, 9, Some(5)), 0, Verdict::Waits { free: money(0) }),
            (totals(9, 0, 0, Some(5)), 0, Verdict::Never { most: money(0) }),
            (totals(1, 0, 0, Some(u64::MAX)), u64::MAX, Verdict::Never { most: money(u64::MAX - 1) }),
        ] {
            assert_eq!(reserve(&account, money(bound)), verdict, "{account:?} {bound}");
        }
    }

    proptest! {
        #[test]
        fn no_order_of_calls_exceeds_the_budget(
            budget in 0_u64..1000,
            calls in prop::collection::vec((0_u64..300, 0_u64..300, 0_u8..4), 0..60),
        ) {
            let mut account = totals(0, 0, 0, Some(budget));
            let mut open: Vec<Money> = Vec::new();
            for (bound, used, then) in calls {
                let bound = Money::from_nanos(bound);
                match reserve(&account, bound) {
                    Verdict::Granted => {
                        account.reserved += bound;
                        open.push(bound);
                    }
                    // Waiting only makes sense while something can come back.
                    Verdict::Waits { free } => {
                        prop_assert!(!open.is_empty() && free < bound);
                    }
                    Verdict::Never { most } => prop_assert!(most < bound),
                }
                if then > 0 && let Some(held) = open.pop() {
                    account.reserved = account.reserved.less(held);
                    match then {
                        1 => account.spent += held.min(Money::from_nanos(used)),
                        2 => account.unconfirmed += held,
                        _ => {}
                    }
                }
                prop_assert!(account.committed() <= Money::from_nanos(budget));
            }
        }
    }
}
