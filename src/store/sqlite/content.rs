//! Sealed texts: rows of the database, or files where they are large.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use super::fault::Result;
use crate::domain::ContentRef;
use crate::store::{Sealed, StoreError};

/// Larger texts are files: the write-ahead log would carry them twice.
pub(super) const LARGE: usize = 1 << 20;
const DIR: &str = "content";

/// Makes the large ones durable as files, before the transaction that names them. A file whose
/// transaction then fails is in nobody's way: the name follows from the text.
pub(super) fn write_large(home: &Path, contents: &[Sealed]) -> Result<()> {
    let mut large = contents.iter().filter(|sealed| sealed.bytes.len() > LARGE).peekable();
    if large.peek().is_none() {
        return Ok(());
    }
    let dir = home.join(DIR);
    make_dir(home, &dir)?;
    for sealed in large {
        write_file(&dir, sealed)?;
    }
    Ok(File::open(&dir)?.sync_all()?)
}

fn make_dir(home: &Path, dir: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => File::open(home)?.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// A file gets its name once it is whole and durable: one that is there needs nothing more.
fn write_file(dir: &Path, sealed: &Sealed) -> io::Result<()> {
    let path = dir.join(sealed.name.to_string());
    if path.exists() {
        return Ok(());
    }
    let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o600)).tempfile_in(dir)?;
    file.write_all(&sealed.bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}

/// Puts the rows of `contents` into the transaction.
pub(super) fn insert(db: &Connection, contents: &[Sealed]) -> Result<()> {
    for sealed in contents {
        if sealed.bytes.is_empty() {
            let problem = "the system gave no random numbers to seal a text with".to_owned();
            return Err(StoreError::Database(problem).into());
        }
        let bytes = (sealed.bytes.len() <= LARGE).then_some(&sealed.bytes);
        db.prepare_cached("INSERT OR IGNORE INTO content (name, bytes) VALUES (?, ?)")?
            .execute(params![sealed.name.0, bytes])?;
    }
    Ok(())
}

/// The sealed bytes of a text; nothing where there is no such text.
pub(super) fn read(db: &Connection, home: &Path, name: ContentRef) -> Result<Option<Vec<u8>>> {
    let found: Option<Option<Vec<u8>>> = db
        .prepare_cached("SELECT bytes FROM content WHERE name = ?")?
        .query_row([name.0], |row| row.get(0))
        .optional()?;
    match found {
        Some(None) => read_file(&home.join(DIR).join(name.to_string()), name).map(Some),
        other => Ok(other.flatten()),
    }
}

fn read_file(path: &PathBuf, name: ContentRef) -> Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::Sealed(name).into()),
        other => Ok(other?),
    }
}
