//! From what goes wrong inside to what a user is told.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

use crate::domain::event::EventError;
use crate::store::StoreError;

/// The name of the database in a home.
pub(super) const DATABASE: &str = "flightdeck.db";

pub(super) type Result<T> = std::result::Result<T, Fault>;

/// What went wrong, before it is known for whom.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Damaged(String),
}

impl From<EventError> for Fault {
    fn from(error: EventError) -> Self {
        Self::Store(error.into())
    }
}

impl Fault {
    /// What the user is told, for the home at `home`.
    pub(super) fn tell(self, home: &Path) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Sql(error) => tell_sql(&error, home),
            Self::Io(error) if is_full(&error) => full(home),
            Self::Io(error) => cannot_open(home, &error.to_string()),
            Self::Json(error) => StoreError::Database(format!("a stored row does not read: {error}")),
            Self::Damaged(what) => StoreError::Database(format!("a stored row does not read: {what}")),
        }
    }
}

/// An error about the database file of `home`.
pub(super) fn cannot_open(home: &Path, problem: &str) -> StoreError {
    StoreError::Open { path: home.join(DATABASE).display().to_string(), problem: problem.to_owned() }
}

fn full(home: &Path) -> StoreError {
    StoreError::Full { path: home.display().to_string() }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn tell_sql(error: &rusqlite::Error, home: &Path) -> StoreError {
    let Some(code) = error.sqlite_error_code() else { return StoreError::Database(error.to_string()) };
    match code {
        ErrorCode::DiskFull => full(home),
        ErrorCode::NotADatabase => {
            cannot_open(home, "this is no SQLite database: move it away, or give another --home")
        }
        ErrorCode::DatabaseCorrupt => {
            cannot_open(home, "the database is damaged: put it back from a backup, or move it away to start afresh")
        }
        ErrorCode::ReadOnly => cannot_open(home, READ_ONLY),
        ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            cannot_open(home, "can't be opened: check that you may read and write the directory and every file in it")
        }
        ErrorCode::FileLockingProtocolFailed => {
            cannot_open(home, "can't be locked here, as on network file systems: give a --home on a local disk")
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Database(
            "another process has held the database for too long: see whether a flightdeck process is stopped"
                .to_owned(),
        ),
        _ => StoreError::Database(error.to_string()),
    }
}

/// What is said of a database that can't be written.
pub(super) const READ_ONLY: &str =
    "can't be written: make the directory and every file in it writable, or give another --home";
