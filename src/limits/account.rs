//! Money is reserved before a request leaves: an upper bound of what it can cost.

use crate::domain::{Money, Totals};

/// Whether an amount can be reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It fits.
    Granted,
    /// It fits once calls that are under way have settled for less than their bounds.
    Waits {
        /// What is free now.
        free: Money,
    },
    /// It can never fit, whatever calls under way cost.
    Never {
        /// The most that can still become free.
        most: Money,
    },
}

/// Whether `bound` can be reserved so that spent + unconfirmed + reserved stays within the budget.
#[must_use]
pub fn reserve(totals: &Totals, bound: Money) -> Verdict {
    let Some(budget) = totals.budget else { return Verdict::Granted };
    let free = budget.less(totals.committed());
    let most = budget.less(totals.spent + totals.unconfirmed);
    if bound <= free {
        Verdict::Granted
    } else if bound <= most {
        Verdict::Waits { free }
    } else {
        Verdict::Never { most }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(budget: u64, spent: u64, unconfirmed: u64, reserved: u64) -> Totals {
        Totals {
            budget: Some(Money::from_nanos(budget)),
            spent: Money::from_nanos(spent),
            unconfirmed: Money::from_nanos(unconfirmed),
            reserved: Money::from_nanos(reserved),
        }
    }

    #[test]
    fn the_edges_are_exact() {
        let money = Money::from_nanos;
        assert_eq!(reserve(&totals(10, 3, 2, 1), money(4)), Verdict::Granted);
        assert_eq!(reserve(&totals(10, 3, 2, 1), money(5)), Verdict::Waits { free: money(4) });
        assert_eq!(reserve(&totals(10, 3, 2, 1), money(6)), Verdict::Never { most: money(5) });
        assert_eq!(reserve(&totals(10, 10, 5, 0), money(0)), Verdict::Granted);
        assert_eq!(reserve(&Totals::default(), Money::MAX), Verdict::Granted);
    }
}
