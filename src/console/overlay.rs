//! What lies over the panes.

use super::confirm::Confirm;
use super::panes::Pane;
use super::panes::detail::Detail;
use super::panes::help::Help;
use super::panes::runs::Runs;

/// Something on top; only the topmost takes keys.
pub(crate) enum Overlay {
    /// The keys.
    Help(Help),
    /// The runs.
    Runs(Runs),
    /// One agent.
    Detail(Box<Detail>),
    /// A question.
    Confirm(Box<Confirm>),
}

impl Overlay {
    /// As a pane.
    pub(crate) fn pane(&self) -> &dyn Pane {
        match self {
            Self::Help(help) => help,
            Self::Runs(runs) => runs,
            Self::Detail(detail) => detail.as_ref(),
            Self::Confirm(confirm) => confirm.as_ref(),
        }
    }

    /// As a pane that takes something.
    pub(crate) fn pane_mut(&mut self) -> &mut dyn Pane {
        match self {
            Self::Help(help) => help,
            Self::Runs(runs) => runs,
            Self::Detail(detail) => detail.as_mut(),
            Self::Confirm(confirm) => confirm.as_mut(),
        }
    }
}
