//! The way into the engine for the console, the CLI and the API.

use std::sync::Arc;

use crate::cost::Estimate;
use crate::dispatch::Request;
use crate::domain::{AgentId, ContentRef, Event, Order, Run, RunId};
use crate::guard::Gate;
use crate::provider::Descriptor;
use crate::store::rows::{AgentRow, RunRow, TaskRow};
use crate::store::{Filter, StoredEvent};

/// Why something asked of the engine was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HandleError {
    /// The engine has stopped.
    #[error("the engine has stopped")]
    Stopped,
    /// A refusal that says what is wrong and what to do.
    #[error("{0}")]
    Refused(String),
}

/// What was accepted, once it is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// How many agents it concerns.
    pub agents: u32,
}

/// A dispatch that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatched {
    /// Its run.
    pub run: RunId,
    /// How many tasks it has.
    pub tasks: u32,
    /// How many of them stored results answer.
    pub cached: u32,
}

/// What comes to somebody who watches a run.
#[derive(Debug, Clone)]
pub enum Update {
    /// The run as it is: forget what was folded before.
    Snapshot(Box<Run>),
    /// What happened since, in order.
    Events(Arc<[Event]>),
}

/// The live tail of an agent: what its call has said so far, clean for a screen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TailView {
    /// The end of the text; earlier text is dropped.
    pub text: String,
    /// How many bytes came while the agent was held: they are kept aside.
    pub aside: usize,
    /// Pieces of output per second over the last seconds.
    pub per_second: f32,
}

/// The way into the engine. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    gate: Gate,
}

/// A run being watched, live, of another process, or ended.
pub struct Watch {}

impl Watch {
    /// The next update; nothing once the run has ended and everything was told.
    pub async fn next(&mut self) -> Option<Update> {
        std::future::pending().await
    }
}

impl Handle {
    /// Submits a command; returns once it is durable.
    pub async fn submit(&self, _order: Order) -> Result<Ack, HandleError> {
        Err(HandleError::Stopped)
    }

    /// Checks and starts a dispatch.
    pub async fn dispatch(&self, _request: Request) -> Result<Dispatched, HandleError> {
        Err(HandleError::Stopped)
    }

    /// Estimates a dispatch; nothing is sent and nothing stored.
    pub async fn estimate(&self, _request: Request) -> Result<Estimate, HandleError> {
        Err(HandleError::Stopped)
    }

    /// Watches a run: first a snapshot, then what happens.
    pub async fn watch(&self, _run: RunId) -> Result<Watch, HandleError> {
        Err(HandleError::Stopped)
    }

    /// The live tail of an agent of this process.
    pub fn tail(&self, _agent: AgentId) -> Option<TailView> {
        None
    }

    /// A text, redacted and clean for a screen.
    pub async fn text(&self, _name: ContentRef) -> Result<Option<String>, HandleError> {
        Err(HandleError::Stopped)
    }

    /// Runs of the home, newest first.
    pub async fn runs(&self, _filter: Filter) -> Result<Vec<RunRow>, HandleError> {
        Err(HandleError::Stopped)
    }

    /// Tasks of the home.
    pub async fn tasks(&self, _filter: Filter) -> Result<Vec<TaskRow>, HandleError> {
        Err(HandleError::Stopped)
    }

    /// Agents of the home.
    pub async fn agents(&self, _filter: Filter) -> Result<Vec<AgentRow>, HandleError> {
        Err(HandleError::Stopped)
    }

    /// Events of the home.
    pub async fn events(&self, _filter: Filter) -> Result<Vec<StoredEvent>, HandleError> {
        Err(HandleError::Stopped)
    }

    /// Changes whenever anything in the home has changed, also by another process.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        tokio::sync::watch::channel(0).1
    }

    /// Whether this process is at work on the run.
    pub fn owns(&self, _run: RunId) -> bool {
        false
    }

    /// The gate that every text passes before it is shown.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The providers that are configured.
    pub fn providers(&self) -> Vec<Descriptor> {
        Vec::new()
    }
}
