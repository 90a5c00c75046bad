//! SQLite: one file in the home, shared by every process that works there.
//!
//! One connection writes, a few read, one watches for commits and one copies the write-ahead log
//! back. Commits are durable when they return (`synchronous = FULL`) and cost one sync.

mod codec;
mod commit;
mod content;
mod fault;
mod log;
mod open;
mod pool;
mod query;
mod results;
mod spans;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use rusqlite::Connection;

use self::codec::unsigned;
use self::pool::Readers;
use super::rows::{AgentRow, Owner, RunRow, StoredResult, TaskRow};
use super::vault::{KeyOrigin, Vault};
use super::{Batch, Filter, Store, StoreError, StoredEvent};
use crate::domain::{ContentRef, Event, Key, RunId, Usage};

/// Rows after which an idle moment is used to copy the write-ahead log into the database. Doing it
/// after each small commit would cost every one of them a second sync.
const ROWS_PER_CHECKPOINT: u64 = 512;

/// A store in an SQLite database.
pub struct SqliteStore {
    home: PathBuf,
    vault: Vault,
    key: KeyOrigin,
    writer: Mutex<Connection>,
    readers: Readers,
    watcher: Mutex<Connection>,
    checkpointer: Mutex<Connection>,
    /// Rows that were committed since the log was last copied back.
    rows: AtomicU64,
}

impl SqliteStore {
    /// Opens the store of a home, which is made where there is none. Several processes may open
    /// one home, also at the same time.
    ///
    /// # Errors
    /// `Newer` where the home was used by a newer release; `Open` or `Vault`, with what to do,
    /// where the database or its key can't be read and written; `Full`.
    pub fn open(home: &Path) -> Result<Self, StoreError> {
        Self::try_open(home).map_err(|fault| fault.tell(home))
    }

    fn try_open(home: &Path) -> fault::Result<Self> {
        let open::Opened { writer, vault, key } = open::open(home)?;
        Ok(Self {
            home: home.to_owned(),
            vault,
            key,
            writer: Mutex::new(writer),
            readers: Readers::new(home.to_owned()),
            watcher: Mutex::new(open::connect_reader(home)?),
            checkpointer: Mutex::new(open::connect(home)?),
            rows: AtomicU64::new(0),
        })
    }

    /// Where the key of the content is kept, for the user to know.
    #[must_use]
    pub fn key_origin(&self) -> &KeyOrigin {
        &self.key
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> fault::Result<T>) -> Result<T, StoreError> {
        self.readers.read(read).map_err(|fault| fault.tell(&self.home))
    }
}

impl Store for SqliteStore {
    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        commit::commit(&mut self.writer.lock(), &self.home, batch).map_err(|fault| fault.tell(&self.home))?;
        let rows = batch.events.len() + batch.contents.len() + batch.tasks.len() + batch.agents.len();
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        Ok(())
    }

    fn take_over(&self, run: RunId, owner: &Owner) -> Result<(), StoreError> {
        commit::take_over(&mut self.writer.lock(), run, owner).map_err(|fault| fault.tell(&self.home))
    }

    fn runs(&self, filter: &Filter) -> Result<Vec<RunRow>, StoreError> {
        self.read(|db| query::runs(db, filter))
    }

    fn tasks(&self, filter: &Filter) -> Result<Vec<TaskRow>, StoreError> {
        self.read(|db| query::tasks(db, filter))
    }

    fn agents(&self, filter: &Filter) -> Result<Vec<AgentRow>, StoreError> {
        self.read(|db| query::agents(db, filter))
    }

    fn events(&self, filter: &Filter) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(|db| log::events(db, filter))
    }

    fn log(&self, run: RunId, after_seq: u64, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.read(|db| log::log(db, run, after_seq, limit))
    }

    fn content(&self, name: ContentRef) -> Result<Option<String>, StoreError> {
        let sealed = self.read(|db| content::read(db, &self.home, name))?;
        sealed.map(|bytes| self.vault.unseal(name, &bytes)).transpose()
    }

    fn results(&self, keys: &[Key]) -> Result<BTreeMap<Key, StoredResult>, StoreError> {
        self.read(|db| results::by_key(db, keys))
    }

    fn typical_usage(&self, provider: &str, model: &str, sample: u32) -> Result<Option<(Usage, u32)>, StoreError> {
        self.read(|db| results::typical(db, provider, model, sample))
    }

    /// `data_version` tells one connection of the commits of all others: the watcher commits
    /// nothing itself, so that it sees this process's as well.
    fn version(&self) -> Result<u64, StoreError> {
        let watcher = self.watcher.lock();
        let version = watcher
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)));
        version.map(unsigned).map_err(|error| fault::Fault::from(error).tell(&self.home))
    }

    /// Copies the write-ahead log into the database as far as no reader needs it, on a connection
    /// of its own: a commit that comes meanwhile does not wait. A failure is none of the data's:
    /// the next commit or idle moment tries again.
    fn idle(&self) {
        let rows = self.rows.load(Ordering::Relaxed);
        if rows < ROWS_PER_CHECKPOINT {
            return;
        }
        let Some(db) = self.checkpointer.try_lock() else { return };
        if db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).is_ok() {
            self.rows.fetch_sub(rows, Ordering::Relaxed);
        }
    }

    fn vault(&self) -> &Vault {
        &self.vault
    }
}
