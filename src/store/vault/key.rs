//! The key of a home, in a file that only its owner may read.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The length of a key, in bytes.
pub(super) const LENGTH: usize = 32;
const FILE: &str = "content.key";
const PRIVATE: u32 = 0o600;
const OTHERS: u32 = 0o077;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The file can't be read.
    #[error("{path}: the key of this home can't be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file can't be made.
    #[error("{path}: a key for this home can't be made: {source}")]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others may read the file, and that can't be changed.
    #[error("{path}: others may read the key of this home (mode {mode:03o}): as its owner, chmod 600 it ({source})")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// Why they can't be changed.
        source: io::Error,
    },
    /// The file holds no key.
    #[error("{path}: this is no key ({found} bytes instead of {LENGTH}): put it back from a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How long it is, in bytes.
        found: u64,
    },
    /// The system gives no randomness.
    #[error("the system gives no random numbers for a key")]
    Randomness,
}

/// Where the key of a home is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOrigin {
    /// In a file beside the database.
    File {
        /// The file.
        path: PathBuf,
        /// Whether it was made just now.
        created: bool,
    },
}

/// Where the key of `home` is kept, whether it is there or not.
pub(super) fn path(home: &Path) -> PathBuf {
    home.join(FILE)
}

/// Reads the key of `home`; makes one where there is none.
pub(super) fn load(home: &Path) -> Result<([u8; LENGTH], KeyOrigin), VaultError> {
    let path = path(home);
    let created = match fs::metadata(&path) {
        Ok(_) => false,
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(home, &path)?,
        Err(source) => return Err(VaultError::Read { path, source }),
    };
    let key = read(&path)?;
    Ok((key, KeyOrigin::File { path, created }))
}

/// Makes the file whole and durable under another name first: whoever sees it sees a key. Returns
/// false where another process was faster.
fn create(home: &Path, path: &Path) -> Result<bool, VaultError> {
    let failed = |source| VaultError::Create { path: path.to_owned(), source };
    let mut key = [0_u8; LENGTH];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| VaultError::Randomness)?;
    let mut file = tempfile::Builder::new()
        .prefix(FILE)
        .permissions(Permissions::from_mode(PRIVATE))
        .tempfile_in(home)
        .map_err(failed)?;
    file.write_all(&key).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(failed(error.error)),
    }
    File::open(home).and_then(|dir| dir.sync_all()).map_err(failed)?;
    Ok(true)
}

fn read(path: &Path) -> Result<[u8; LENGTH], VaultError> {
    let failed = |source| VaultError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    let mode = about.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        file.set_permissions(Permissions::from_mode(PRIVATE)).map_err(|source| VaultError::Exposed {
            path: path.to_owned(),
            mode,
            source,
        })?;
    }
    let mut key = [0_u8; LENGTH];
    if about.len() != LENGTH as u64 || !about.is_file() {
        return Err(VaultError::Damaged { path: path.to_owned(), found: about.len() });
    }
    file.read_exact(&mut key).map_err(failed)?;
    Ok(key)
}
