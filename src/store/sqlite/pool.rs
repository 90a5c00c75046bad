//! A few connections that only read, so that a listing never waits for a commit.

use std::path::PathBuf;

use parking_lot::Mutex;
use rusqlite::Connection;

use super::fault::Result;
use super::open;

/// Connections kept for later. More may be in use at once; those are closed after it.
const KEPT: usize = 4;

/// The readers of one database.
pub(super) struct Readers {
    home: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(home: PathBuf) -> Self {
        Self { home, idle: Mutex::new(Vec::with_capacity(KEPT)) }
    }

    /// Reads in one transaction: all that `read` sees is of one moment.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let kept = self.idle.lock().pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => open::connect_reader(&self.home)?,
        };
        let outcome = {
            let snapshot = connection.transaction()?;
            read(&snapshot)
        };
        let mut idle = self.idle.lock();
        if idle.len() < KEPT {
            idle.push(connection);
        }
        outcome
    }
}
