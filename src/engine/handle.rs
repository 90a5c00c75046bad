//! The way into the engine for the console, the CLI and the API.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::call::Surroundings;
pub use super::clock::Clock;
use super::decide::Refusal;
pub use super::follow::Watch;
use super::follow::{fold, read};
use super::intake;
pub use super::intake::{Checked, DEFAULT_PROVIDER};
use super::main_loop::Ask;
pub use super::main_loop::Health;
use super::results::Named;
pub use super::results::TaskResult;
use super::route;
pub use super::route::Remote;
use super::watcher;
use crate::cost::Estimate;
use crate::dispatch::Request;
use crate::domain::event::TaskFinished;
use crate::domain::{AgentId, ContentRef, Event, Order, Run, RunId, RunState, TaskNo};
use crate::guard::Gate;
use crate::provider::Descriptor;
use crate::store::rows::{AgentRow, Owner, RunRow, TaskRow};
use crate::store::{Filter, Sealed, Store, StoredEvent};

/// Why something asked of the engine was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HandleError {
    /// The engine has stopped.
    #[error("interrupted: the engine has stopped")]
    Stopped,
    /// A refusal that says what is wrong and what to do.
    #[error("{0}")]
    Refused(String),
    /// The provider can't be used at all: a missing key.
    #[error("{0}")]
    Unusable(String),
    /// A limit refuses it before anything was sent.
    #[error("{0}")]
    Limit(String),
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

/// An answer that is still to come.
pub(super) type Answer = oneshot::Receiver<Result<Ack, Refusal>>;

/// The way into the engine. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) asks: mpsc::Sender<Ask>,
    pub(super) feed: broadcast::Sender<Arc<[Event]>>,
    pub(super) around: Arc<Surroundings>,
    pub(super) owner: Owner,
    pub(super) clock: Clock,
    pub(super) remote: Option<Arc<dyn Remote>>,
    pub(super) health: watch::Receiver<Health>,
    pub(super) changes: Mutex<Option<watch::Receiver<u64>>>,
    pub(super) random: fn() -> u64,
    /// Whether any run was begun or taken up.
    pub(super) begun: AtomicBool,
}

impl Handle {
    pub(super) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Submits a command; returns once it is durable. A run that another process is at work on is
    /// commanded there.
    pub async fn submit(&self, order: Order) -> Result<Ack, HandleError> {
        match self.ask(order.clone()).await? {
            Err(Refusal::NoRun(_)) => route::elsewhere(self, order).await,
            answer => answer.map_err(|refusal| HandleError::Refused(refusal.to_string())),
        }
    }

    /// Submits a command to this process only.
    pub async fn submit_here(&self, order: Order) -> Result<Ack, HandleError> {
        self.ask(order).await?.map_err(|refusal| HandleError::Refused(refusal.to_string()))
    }

    async fn ask(&self, order: Order) -> Result<Result<Ack, Refusal>, HandleError> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Order { order, contents: Vec::new(), reply: Some(reply) };
        self.inner.asks.send(ask).await.map_err(|_| HandleError::Stopped)?;
        answer.await.map_err(|_| HandleError::Stopped)
    }

    /// The same with content, and the answer comes once it is durable.
    pub(super) async fn post(&self, order: Order, contents: Vec<Sealed>) -> Result<Answer, HandleError> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Order { order, contents, reply: Some(reply) };
        self.inner.asks.send(ask).await.map_err(|_| HandleError::Stopped)?;
        Ok(answer)
    }

    /// Checks a dispatch: all rows, the model, the limits. Nothing is sent and nothing stored.
    pub async fn check(&self, request: Request) -> Result<Checked, HandleError> {
        let around = Arc::clone(&self.inner.around);
        tokio::task::spawn_blocking(move || intake::check(&around, request)).await.map_err(|_| HandleError::Stopped)?
    }

    /// Starts a dispatch that was checked.
    pub async fn start(&self, checked: Checked) -> Result<Dispatched, HandleError> {
        self.inner.begun.store(true, Ordering::Relaxed);
        intake::start(self, checked, (self.inner.random)()).await
    }

    /// Checks and starts a dispatch.
    pub async fn dispatch(&self, request: Request) -> Result<Dispatched, HandleError> {
        let checked = self.check(request).await?;
        checked.affordable()?;
        self.start(checked).await
    }

    /// Estimates a dispatch; nothing is sent and nothing stored.
    pub async fn estimate(&self, request: Request) -> Result<Estimate, HandleError> {
        self.check(request).await.map(|checked| checked.estimate)
    }

    /// Goes on with a suspended run: this process becomes its owner.
    pub async fn resume_run(&self, id: RunId, by: &str) -> Result<(), HandleError> {
        self.inner.begun.store(true, Ordering::Relaxed);
        let owner = self.inner.owner.clone();
        let run = read(self.store(), move |store| fold(store, id)).await?;
        let run = run.ok_or_else(|| HandleError::Refused(format!("there is no run {id}")))?;
        if run.state.is_final() {
            return Err(HandleError::Refused(format!(
                "run {id} is {}: there is nothing to go on with",
                run.state.word()
            )));
        }
        if run.state == RunState::Created {
            let problem = "it ended before all of its rows were stored, and nothing was sent: dispatch it again";
            return Err(HandleError::Refused(format!("run {id} never started: {problem}")));
        }
        // A run that nothing can be sent for stays as it is: taken up, all that is left of it would fail.
        intake::usable(self.around(), &run.spec.provider, run.spec.base_url.as_deref())?;
        read(self.store(), move |store| store.take_over(id, &owner)).await?;
        // Its last owner may have written more between the first look and the take-over.
        let run = read(self.store(), move |store| fold(store, id)).await?;
        let run = run.filter(|run| !run.state.is_final()).ok_or_else(|| {
            HandleError::Refused(format!("run {id} has ended meanwhile: `flightdeck show {id}` tells its results"))
        })?;
        let (reply, adopted) = oneshot::channel();
        let ask = Ask::Adopt { run: Box::new(run), by: by.to_owned(), reply };
        self.inner.asks.send(ask).await.map_err(|_| HandleError::Stopped)?;
        match adopted.await.map_err(|_| HandleError::Stopped)? {
            Ok(_) => Ok(()),
            Err(Refusal::Exists(_)) => {
                Err(HandleError::Refused(format!("run {id} is at work in this process already")))
            }
            Err(refusal) => Err(HandleError::Refused(refusal.to_string())),
        }
    }

    /// Watches a run: first a snapshot, then what happens.
    pub async fn watch(&self, run: RunId) -> Result<Watch, HandleError> {
        let feed = self.inner.feed.subscribe();
        let store = Arc::clone(self.store());
        Watch::open(run, feed, self.inner.asks.clone(), store, || self.changes()).await
    }

    /// The live tail of an agent of this process.
    pub fn tail(&self, agent: AgentId) -> Option<TailView> {
        self.inner.around.tails.view(agent)
    }

    /// The last line of an agent's live tail, at most `max` bytes of it, and its output per second.
    pub fn last_line(&self, agent: AgentId, max: usize) -> Option<(String, f32)> {
        self.inner.around.tails.last_line(agent, max)
    }

    /// A text, redacted and clean for a screen.
    pub async fn text(&self, name: ContentRef) -> Result<Option<String>, HandleError> {
        Ok(self.raw(name).await?.map(|text| self.gate().screen(&text).into_owned()))
    }

    /// A text, redacted, for a file or a pipe.
    pub async fn redacted(&self, name: ContentRef) -> Result<Option<String>, HandleError> {
        Ok(self.raw(name).await?.map(|text| self.gate().redact(&text).into_owned()))
    }

    async fn raw(&self, name: ContentRef) -> Result<Option<Arc<str>>, HandleError> {
        self.inner.around.texts.text(name).await.map_err(|error| HandleError::Refused(error.to_string()))
    }

    /// The result of a task of `run` that ended with `finished`, its texts redacted.
    pub async fn result(
        &self,
        run: &Run,
        no: TaskNo,
        finished: &TaskFinished,
    ) -> Result<Option<TaskResult>, HandleError> {
        let Some(task) = run.task(no) else { return Ok(None) };
        let named = Named { run: run.id, task: no, agent: task.agent, args: task.args, simulated: run.spec.simulated };
        TaskResult::of(self, named, finished).await.map(Some)
    }

    /// The results of tasks that have ended, in the order of their ends.
    pub async fn results(&self, run: RunId) -> Result<Vec<TaskResult>, HandleError> {
        let filter = Filter { run: Some(run), ..Filter::default() };
        let simulated = self.runs(filter.clone()).await?.first().is_some_and(|run| run.simulated);
        let mut rows = self.tasks(filter).await?;
        rows.sort_by_key(|row| row.ended);
        let mut results = Vec::new();
        for row in &rows {
            results.extend(TaskResult::of_row(self, row, simulated).await?);
        }
        Ok(results)
    }

    /// The result of one task in a listing; nothing where it has not ended.
    pub async fn result_of(&self, row: &TaskRow, simulated: bool) -> Result<Option<TaskResult>, HandleError> {
        TaskResult::of_row(self, row, simulated).await
    }

    /// Runs of the home, newest first.
    pub async fn runs(&self, filter: Filter) -> Result<Vec<RunRow>, HandleError> {
        read(self.store(), move |store| store.runs(&filter)).await
    }

    /// Tasks of the home.
    pub async fn tasks(&self, filter: Filter) -> Result<Vec<TaskRow>, HandleError> {
        read(self.store(), move |store| store.tasks(&filter)).await
    }

    /// Agents of the home.
    pub async fn agents(&self, filter: Filter) -> Result<Vec<AgentRow>, HandleError> {
        read(self.store(), move |store| store.agents(&filter)).await
    }

    /// Events of the home.
    pub async fn events(&self, filter: Filter) -> Result<Vec<StoredEvent>, HandleError> {
        read(self.store(), move |store| store.events(&filter)).await
    }

    /// Changes whenever anything in the home has changed, also by another process.
    pub fn changes(&self) -> watch::Receiver<u64> {
        let mut changes = self.inner.changes.lock();
        changes.get_or_insert_with(|| watcher::start(self.store())).clone()
    }

    /// Whether the engine can make anything durable.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.inner.health.clone()
    }

    /// Lets go of all runs: what is under way is interrupted, and the runs are suspended.
    pub async fn stop(&self) {
        // The loop has stopped already where this fails.
        let _ = self.inner.asks.send(Ask::Stop).await;
    }

    /// Whether any run was begun or taken up by this process: then there is something to let go of.
    pub fn has_begun(&self) -> bool {
        self.inner.begun.load(Ordering::Relaxed)
    }

    /// This process, as the owner of its runs.
    pub fn owner(&self) -> &Owner {
        &self.inner.owner
    }

    /// Whether this process is the owner.
    pub fn owns(&self, row: &RunRow) -> bool {
        row.owner.as_ref() == Some(&self.inner.owner)
    }

    pub(super) fn remote(&self) -> Option<&dyn Remote> {
        self.inner.remote.as_deref()
    }

    /// The gate that every text passes before it is shown.
    pub fn gate(&self) -> &Gate {
        &self.inner.around.gate
    }

    /// The clock of the engine.
    pub fn clock(&self) -> Clock {
        self.inner.clock
    }

    /// The providers that are configured.
    pub fn providers(&self) -> Vec<Descriptor> {
        self.inner.around.registry.descriptors()
    }

    pub(super) fn around(&self) -> &Arc<Surroundings> {
        &self.inner.around
    }

    fn store(&self) -> &Arc<dyn Store> {
        &self.inner.around.store
    }
}
