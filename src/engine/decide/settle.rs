//! What becomes of a reservation when its call has ended.

use crate::domain::event::Settlement;
use crate::domain::{CallEnd, ModelPrice, Money, Sent, Totals, Usage};

/// The money of a call that ended.
pub(super) struct Settled {
    /// What it cost.
    pub(super) cost: Money,
    /// What stays held because nobody can know.
    pub(super) held: Money,
    /// What became of the reservation.
    pub(super) settlement: Settlement,
    /// What it used, where that is known or estimated.
    pub(super) usage: Option<Usage>,
}

/// Settles `reserved`. A reservation is released only where nothing reached the socket or the
/// provider refused; what cannot be known stays held at its bound.
pub(super) fn settle(reserved: Money, price: &ModelPrice, end: &CallEnd) -> Settled {
    match end.usage {
        Some(usage) if !usage.estimated => {
            Settled { cost: price.cost(&usage), held: Money::ZERO, settlement: Settlement::Settled, usage: Some(usage) }
        }
        Some(usage) if end.result.is_ok() => {
            // The provider billed something and did not say how much: the estimate counts as
            // spent, and the rest of the bound as unconfirmed.
            let cost = price.cost(&usage).min(reserved);
            let held = reserved.less(cost);
            let settlement = if held > Money::ZERO { Settlement::Unconfirmed } else { Settlement::Settled };
            Settled { cost, held, settlement, usage: Some(usage) }
        }
        usage => {
            let release = end.sent != Sent::Maybe;
            let held = if release { Money::ZERO } else { reserved };
            let settlement = match (release, reserved) {
                (true, _) => Settlement::Released,
                (false, Money::ZERO) => Settlement::Settled,
                (false, _) => Settlement::Unconfirmed,
            };
            Settled { cost: Money::ZERO, held, settlement, usage }
        }
    }
}

/// The totals after a reservation was settled.
pub(super) fn after(totals: Totals, reserved: Money, settled: &Settled) -> Totals {
    Totals {
        spent: totals.spent + settled.cost,
        unconfirmed: totals.unconfirmed + settled.held,
        reserved: totals.reserved.less(reserved),
        budget: totals.budget,
    }
}
