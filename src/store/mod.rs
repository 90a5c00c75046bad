//! Where events and content are kept. One trait, so that a home in a file and a shared database
//! behave alike.
//!
//! All methods block on the disk: the engine calls [`Store::commit`] from the writer's own thread
//! only, and readers come from blocking threads.

mod owner;
pub mod rows;
pub mod sqlite;
pub mod vault;

use std::collections::BTreeMap;

use crate::domain::{ContentRef, Event, Key, RunId, Severity, Usage, Wall};

pub use rows::{AgentRow, Owner, RunRow, StoredResult, TaskRow};
pub use sqlite::SqliteStore;
pub use vault::{KeyOrigin, Sealed, Vault, VaultError};

/// What a store could not do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database can't be opened.
    #[error("{path}: {problem}")]
    Open {
        /// The file.
        path: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The database was written by a newer release.
    #[error("{path}: this home was last used by a newer flightdeck (schema {found}, this release knows {known})")]
    Newer {
        /// The file.
        path: String,
        /// Its schema.
        found: i64,
        /// The newest schema that this release knows.
        known: i64,
    },
    /// The disk is full.
    #[error("the disk is full: free some space in {path}")]
    Full {
        /// The home.
        path: String,
    },
    /// Another process owns the run.
    #[error("run {run} belongs to a running flightdeck (process {pid})")]
    Owned {
        /// The run.
        run: RunId,
        /// Its owner.
        pid: u32,
    },
    /// The run is not in this home.
    #[error("there is no run {0} in this home (`flightdeck runs` lists them)")]
    NoRun(RunId),
    /// An event that does not follow the last one of its run: another run has the same id, or
    /// another process has been at work on it.
    #[error("run {run}: event {got} cannot follow event {last}")]
    Gap {
        /// The run.
        run: RunId,
        /// The last event that is stored; 0: none.
        last: u64,
        /// The event that came.
        got: u64,
    },
    /// The key of the home.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A content that does not open: the key is another one, or the file is damaged.
    #[error("content {0} does not open: the key of this home is another one, or the database is damaged")]
    Sealed(ContentRef),
    /// A stored event that does not read.
    #[error(transparent)]
    Event(#[from] crate::domain::event::EventError),
    /// Anything else that the database says.
    #[error("the database says: {0}")]
    Database(String),
}

/// Everything that becomes durable together.
#[derive(Debug, Default)]
pub struct Batch {
    /// New facts, in order.
    pub events: Vec<Event>,
    /// New content; what is there already is left as it is.
    pub contents: Vec<Sealed>,
    /// Runs as they are after the events.
    pub runs: Vec<RunRow>,
    /// Tasks as they are after the events.
    pub tasks: Vec<TaskRow>,
    /// Agents as they are after the events.
    pub agents: Vec<AgentRow>,
}

/// What a listing shows: newest run first, at most `limit` rows.
///
/// `since` and `until` bound when a run was asked for, when a task ended (a task that has not
/// ended counts by its run's beginning), when an event was decided, and, for agents, the time in
/// which their run was there.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only this run.
    pub run: Option<RunId>,
    /// Only this agent of that run.
    pub agent: Option<u32>,
    /// Only rows in this state.
    pub state: Option<String>,
    /// Only events of this kind.
    pub kind: Option<String>,
    /// Only events of at least this severity.
    pub severity: Option<Severity>,
    /// Not before this moment.
    pub since: Option<Wall>,
    /// Not after this moment.
    pub until: Option<Wall>,
    /// Only events after the one with this id.
    pub after: Option<u64>,
    /// At most this many; nothing: all.
    pub limit: Option<u32>,
}

/// An event with its place in the order of all runs.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Its place, from 1, growing.
    pub id: u64,
    /// The fact.
    pub event: Event,
}

/// A store of one home.
pub trait Store: Send + Sync {
    /// Makes a batch durable, all or nothing, with one sync of the disk.
    ///
    /// # Errors
    /// Where it is not durable: then nothing of it is there. `Gap` where an event does not follow
    /// the last one of its run, `Full` where the disk is full.
    fn commit(&self, batch: &Batch) -> Result<(), StoreError>;

    /// Makes this process the owner of a run that has no living one.
    ///
    /// # Errors
    /// `Owned` where another living process has it; `NoRun` where it is not there.
    fn take_over(&self, run: RunId, owner: &Owner) -> Result<(), StoreError>;

    /// Runs, newest first. Those without a living owner that have not ended are `suspended`.
    ///
    /// # Errors
    /// Where the database can't be read.
    fn runs(&self, filter: &Filter) -> Result<Vec<RunRow>, StoreError>;

    /// Tasks, newest run first, then by number.
    ///
    /// # Errors
    /// Where the database can't be read.
    fn tasks(&self, filter: &Filter) -> Result<Vec<TaskRow>, StoreError>;

    /// Agents, newest run first, then by number.
    ///
    /// # Errors
    /// Where the database can't be read.
    fn agents(&self, filter: &Filter) -> Result<Vec<AgentRow>, StoreError>;

    /// Events in the order of their ids. With a `limit` and no `after`: the last ones.
    ///
    /// # Errors
    /// Where the database can't be read.
    fn events(&self, filter: &Filter) -> Result<Vec<StoredEvent>, StoreError>;

    /// The log of one run after an event, in order, at most `limit`.
    ///
    /// # Errors
    /// Where the database can't be read.
    fn log(&self, run: RunId, after_seq: u64, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// A text, opened; nothing where it is not there.
    ///
    /// # Errors
    /// Where it does not open.
    fn content(&self, name: ContentRef) -> Result<Option<String>, StoreError>;

    /// Results of completed tasks by key, the newest of each: of runs whose results are reusable,
    /// and only from tasks that had an answer of their own.
    ///
    /// # Errors
    /// Where the database can't be read.
    fn results(&self, keys: &[Key]) -> Result<BTreeMap<Key, StoredResult>, StoreError>;

    /// What completed tasks of runs that asked for a model used on average, newest run first over
    /// at most `sample` of them, and how many were found; nothing where there are none. Stored
    /// results that answered again don't count.
    ///
    /// # Errors
    /// Where the database can't be read.
    fn typical_usage(&self, provider: &str, model: &str, sample: u32) -> Result<Option<(Usage, u32)>, StoreError>;

    /// A number that changes whenever any process has committed something.
    ///
    /// # Errors
    /// Where the database can't be read.
    fn version(&self) -> Result<u64, StoreError>;

    /// Called by the writer when it has nothing to commit: the moment for what would otherwise
    /// delay a later commit.
    fn idle(&self) {}

    /// Seals texts for this store.
    fn vault(&self) -> &Vault;
}
