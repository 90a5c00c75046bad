//! Opening a home: its directory, its database, its schema, its key.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::fault::{DATABASE, Fault, READ_ONLY, Result, cannot_open};
use crate::store::StoreError;
use crate::store::vault::{KeyOrigin, Vault};

/// Made by the macro of `refinery`: the files of `migrations/`, in the program.
#[allow(unreachable_pub, missing_docs, clippy::unwrap_used, reason = "the macro writes this module")]
mod embedded {
    refinery::embed_migrations!("src/store/sqlite/migrations");
}

/// How long one process waits for the transaction of another before it gives up.
const BUSY: Duration = Duration::from_secs(10);
/// How long one process waits for another that is setting up the same home.
const SETUP_TRIES: u32 = 1_000;
const SETUP_PAUSE: Duration = Duration::from_millis(10);
/// Pages (of 4 KiB) in the write-ahead log above which a commit itself copies them into the
/// database. High, because the writer does that when it is idle.
const CHECKPOINT_PAGES: u32 = 2_000;
/// The write-ahead log is cut back to this many bytes once it was copied.
const LOG_BYTES: u32 = 64 << 20;
/// Page cache of the writer, in KiB.
const WRITER_CACHE: i64 = 16 << 10;
/// Prepared statements kept per connection: more than there are.
const STATEMENTS: usize = 64;
const KEY_CHECK: &str = "key_check";
const PRIVATE_DIR: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;
const STICKY: u32 = 0o1000;

/// A home that is ready.
pub(super) struct Opened {
    pub(super) writer: Connection,
    pub(super) vault: Vault,
    pub(super) key: KeyOrigin,
}

/// Opens the home at `home`, which is made if it is not there.
pub(super) fn open(home: &Path) -> Result<Opened> {
    make_dir(home)?;
    // The lock goes with the file at the end of this function, or with the process.
    let _setup = lock(home)?;
    make_private_file(&home.join(DATABASE))?;
    let mut writer = connect(home)?;
    if writer.is_readonly("main")? {
        return Err(cannot_open(home, READ_ONLY).into());
    }
    refuse_newer(&writer, home)?;
    tune_writer(&writer)?;
    migrate(&mut writer, home)?;
    let (vault, key) = open_vault(&writer, home)?;
    File::open(home)?.sync_all()?;
    Ok(Opened { writer, vault, key })
}

/// A connection that writes, with nothing set but what every one needs.
pub(super) fn connect(home: &Path) -> Result<Connection> {
    prepare(Connection::open_with_flags(
        home.join(DATABASE),
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?)
}

/// A connection that only reads.
pub(super) fn connect_reader(home: &Path) -> Result<Connection> {
    prepare(Connection::open_with_flags(
        home.join(DATABASE),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?)
}

fn prepare(connection: Connection) -> Result<Connection> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Only a directory that is ours alone is closed to others: one that is shared, or holds other
/// things, stays as its owner made it, and what we put there is private by itself.
fn make_dir(home: &Path) -> Result<()> {
    match fs::metadata(home) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return DirBuilder::new()
                .recursive(true)
                .mode(PRIVATE_DIR)
                .create(home)
                .map_err(|error| cannot_open(home, &format!("the directory can't be made: {error}")).into());
        }
        Err(error) => return Err(cannot_open(home, &format!("the directory can't be read: {error}")).into()),
        Ok(about) if !about.is_dir() => {
            return Err(cannot_open(home, "the home is no directory: give another --home").into());
        }
        Ok(about) => {
            let lax = about.mode() & 0o077 != 0 && about.mode() & STICKY == 0;
            if lax && about.uid() == rustix::process::geteuid().as_raw() && is_ours_alone(home)? {
                fs::set_permissions(home, Permissions::from_mode(PRIVATE_DIR))?;
            }
        }
    }
    Ok(())
}

fn is_ours_alone(home: &Path) -> Result<bool> {
    Ok(home.join(DATABASE).exists() || fs::read_dir(home)?.next().is_none())
}

/// Holds the home while it is set up: changing the journal mode and migrating are not safe for two
/// processes at once.
fn lock(home: &Path) -> Result<File> {
    let dir = File::open(home)?;
    for _ in 0..SETUP_TRIES {
        match dir.try_lock() {
            Ok(()) => return Ok(dir),
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(SETUP_PAUSE),
            Err(fs::TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    Err(cannot_open(home, "another process has been setting up this home for 10 s: see whether it is stopped").into())
}

/// The files that SQLite puts beside the database take its permissions.
fn make_private_file(path: &PathBuf) -> Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(path);
    match made {
        Ok(file) => Ok(file.sync_all()?),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn tune_writer(writer: &Connection) -> Result<()> {
    writer.pragma_update(None, "journal_mode", "WAL")?;
    // FULL syncs the log at each commit: what was acknowledged survives the loss of power.
    writer.pragma_update(None, "synchronous", "FULL")?;
    // Rows only ever name rows of the same batch, or of an earlier one.
    writer.pragma_update(None, "foreign_keys", false)?;
    writer.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    writer.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    writer.pragma_update(None, "cache_size", -WRITER_CACHE)?;
    // No memory mapping: an error of the disk would be a signal instead of an error.
    writer.pragma_update(None, "mmap_size", 0)?;
    Ok(())
}

fn refuse_newer(writer: &Connection, home: &Path) -> Result<()> {
    let known = embedded::migrations::runner().get_migrations().iter().map(|m| i64::from(m.version())).max();
    let (known, found) = (known.unwrap_or(0), schema(writer)?.unwrap_or(0));
    if found > known {
        let path = home.join(DATABASE).display().to_string();
        return Err(StoreError::Newer { path, found, known }.into());
    }
    Ok(())
}

/// The version of the schema; nothing in a new database.
fn schema(writer: &Connection) -> Result<Option<i64>> {
    let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'refinery_schema_history'";
    if writer.query_row(table, [], |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    Ok(writer.query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get(0))?)
}

fn migrate(writer: &mut Connection, home: &Path) -> Result<()> {
    let done = embedded::migrations::runner().run(writer);
    done.map(|_| ())
        .map_err(|error| cannot_open(home, &format!("its schema can't be brought up to date: {error}")).into())
}

/// A database is read with the key that it was written with, or not at all: a new key beside old
/// content would lose it without a word.
fn open_vault(writer: &Connection, home: &Path) -> Result<(Vault, KeyOrigin)> {
    let expected: Option<Vec<u8>> =
        writer.query_row("SELECT value FROM home WHERE name = ?", [KEY_CHECK], |row| row.get(0)).optional()?;
    if expected.is_some() && !Vault::has_key(home) {
        let problem = "its key, content.key beside it, is missing: put it back from a backup, or move the \
                       database away to start afresh";
        return Err(cannot_open(home, problem).into());
    }
    let (vault, key) = Vault::open(home).map_err(StoreError::from)?;
    match expected {
        Some(check) if check == vault.check() => {}
        Some(_) => {
            let problem = "it was written with another key than content.key beside it: put that key back from a \
                           backup, or move the database away to start afresh";
            return Err(cannot_open(home, problem).into());
        }
        None => {
            writer
                .execute("INSERT INTO home (name, value) VALUES (?, ?)", params![KEY_CHECK, vault.check()])
                .map_err(Fault::from)?;
        }
    }
    Ok((vault, key))
}
