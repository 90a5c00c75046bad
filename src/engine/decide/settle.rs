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

/// Settles `reserved`. Where the provider says what the call cost, that is what was spent. A
/// reservation is released only where nothing reached the socket or the provider refused; what
/// cannot be known stays held at its bound.
pub(super) fn settle(reserved: Money, price: &ModelPrice, end: &CallEnd) -> Settled {
    if let Some(cost) = end.cost {
        return Settled { cost, held: Money::ZERO, settlement: Settlement::Settled, usage: end.usage };
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Price;
    use crate::domain::report::{CallError, ErrorKind, Quota, Receipt};

    const RESERVED: Money = Money::from_nanos(1000);
    /// A nano-dollar per token.
    const PRICE: ModelPrice = ModelPrice { output: Price::from_nanos(1_000_000), ..ModelPrice::FREE };

    /// A call that failed after it was sent, with what the provider told of it.
    fn end(usage: Option<Usage>, cost: Option<u64>) -> CallEnd {
        let error = CallError {
            kind: ErrorKind::Provider,
            message: String::new(),
            retryable: false,
            retry_after_ms: None,
            status: None,
            partial: None,
        };
        CallEnd {
            result: Err(error),
            usage,
            cost: cost.map(Money::from_nanos),
            sent: Sent::Maybe,
            model: None,
            price: None,
            first_output_ms: None,
            duration_ms: 0,
            request_id: None,
            quota: Quota::default(),
            receipt: Receipt::default(),
        }
    }

    fn settled(usage: Option<Usage>, cost: Option<u64>) -> (u64, u64, Settlement) {
        let settled = settle(RESERVED, &PRICE, &end(usage, cost));
        assert_eq!(settled.usage, usage);
        (settled.cost.nanos(), settled.held.nanos(), settled.settlement)
    }

    #[test]
    fn what_the_provider_says_was_spent_was_spent() {
        let counted = Some(Usage { output_tokens: 600, ..Usage::default() });
        let estimated = Some(Usage { output_tokens: 600, estimated: true, ..Usage::default() });
        assert_eq!(settled(counted, Some(7)), (7, 0, Settlement::Settled));
        assert_eq!(settled(estimated, Some(7)), (7, 0, Settlement::Settled));
        assert_eq!(settled(None, Some(0)), (0, 0, Settlement::Settled));
        assert_eq!(settled(counted, Some(1001)), (1001, 0, Settlement::Settled), "more than the bound is not hidden");
    }

    #[test]
    fn where_it_says_nothing_usage_and_the_bound_decide() {
        let counted = Some(Usage { output_tokens: 600, ..Usage::default() });
        assert_eq!(settled(counted, None), (600, 0, Settlement::Settled));
        assert_eq!(settled(None, None), (0, 1000, Settlement::Unconfirmed));
    }
}
