//! What panes want done. Panes change only themselves; everything else they ask for.

use crate::cost::Estimate;
use crate::dispatch::Request;
use crate::domain::{AgentNo, ContentRef, Event, Order, RunId};
use crate::engine::handle::{Ack, Dispatched, HandleError, Update};
use crate::store::rows::RunRow;

use super::Exit;
use super::confirm::Confirm;

/// What a pane wants.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Something of the world outside.
    Ask(Ask),
    /// An answer of the operator first.
    Confirm(Box<Confirm>),
    /// An agent's details on top.
    Detail(AgentNo),
    /// Nothing on top any more.
    Close,
    /// The focus back to the grid.
    Leave,
    /// A word to the operator about something that is wrong.
    Warn(String),
}

/// What the console asks of the world outside: performed without being waited for, the answer
/// comes back through the queue.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    /// Submit an order; `done` is said when it is durable.
    Submit {
        /// The order.
        order: Box<Order>,
        /// What is said then.
        done: String,
    },
    /// Start a dispatch.
    Dispatch(Box<Request>),
    /// Estimate one.
    Estimate {
        /// Which version of the prompt it is about.
        revision: u64,
        /// The dispatch.
        request: Box<Request>,
    },
    /// Watch a run.
    Open(RunId),
    /// Read a text.
    Text(ContentRef),
    /// Give the terminal back to the shell and stop.
    Suspend,
    /// Draw everything again.
    Redraw,
    /// End the console.
    Quit(Exit),
    /// Kill these runs, then end.
    KillAndQuit {
        /// The runs.
        runs: Vec<RunId>,
        /// Who asks.
        by: String,
    },
}

/// What comes back from the world outside.
#[derive(Debug)]
pub(crate) enum Answer {
    /// An order was accepted, or not.
    Submitted {
        /// What is said of it.
        done: String,
        /// The run that it continues, where it does: it has to be watched anew.
        reopens: Option<RunId>,
        /// What became of it.
        result: Result<Ack, HandleError>,
    },
    /// A dispatch was started, or not.
    Dispatched(Result<Dispatched, HandleError>),
    /// An estimate.
    Estimated {
        /// Of which version of the prompt.
        revision: u64,
        /// What it says.
        result: Result<Estimate, HandleError>,
    },
    /// What happened in a watched run.
    Update(RunId, Update),
    /// A run can't be watched.
    NotWatched(RunId, HandleError),
    /// What happened in a run before it was watched.
    Older(RunId, Vec<Event>),
    /// The runs of the home, and which of them are this process's.
    Listed(Vec<RunRow>, Vec<RunId>),
    /// Something could not be read.
    Failed(String),
    /// A text.
    Text(ContentRef, Result<Option<String>, HandleError>),
    /// Everything was killed.
    Killed(Vec<RunId>),
}
