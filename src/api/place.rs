//! Where sockets are: `<home>/sockets/<pid>-<start>.sock`, named after their process, so that one
//! whose process is gone can be told from one that is in use.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::store::rows::Owner;

const DIRECTORY: &str = "sockets";
const SUFFIX: &str = ".sock";
const PRIVATE_DIR: u32 = 0o700;
/// A socket's path has at most 107 bytes on Linux and 103 elsewhere (`sun_path`, `unix(7)`).
const LONGEST_PATH: usize = 103;

/// The directory of a home's sockets.
pub(super) fn directory(home: &Path) -> PathBuf {
    home.join(DIRECTORY)
}

/// The name of a process's socket.
pub(super) fn name(owner: &Owner) -> String {
    format!("{}-{}{SUFFIX}", owner.pid, owner.started)
}

/// The process that a socket is named after, where it is one of this boot.
fn owner(name: &str, boot: &str) -> Option<Owner> {
    let (pid, started) = name.strip_suffix(SUFFIX)?.split_once('-')?;
    Some(Owner { pid: pid.parse().ok()?, started: started.parse().ok()?, boot: boot.to_owned() })
}

/// Makes the directory, or closes the one that is there to others.
pub(super) fn prepare(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(PRIVATE_DIR).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let about = fs::symlink_metadata(directory)?;
    if !about.is_dir() || about.uid() != rustix::process::geteuid().as_raw() {
        let problem = format!("{} is no directory of this user", directory.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    if about.mode() & 0o777 != PRIVATE_DIR {
        fs::set_permissions(directory, Permissions::from_mode(PRIVATE_DIR))?;
    }
    Ok(())
}

/// Removes what processes that are gone left behind.
pub(super) fn clear(directory: &Path, boot: &str) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let left = entry.file_name().to_str().and_then(|name| owner(name, boot));
        if left.is_some_and(|owner| !owner.is_alive()) {
            // Another process that starts at this moment may have been faster.
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// A path of a socket that is short enough for the system. Where the home's own is too long, it
/// leads through the open directory instead, and works for as long as this value lives.
pub(super) struct Reach {
    path: PathBuf,
    _directory: Option<File>,
}

impl Reach {
    pub(super) fn of(directory: &Path, name: &str) -> io::Result<Self> {
        let path = directory.join(name);
        if path.as_os_str().len() <= LONGEST_PATH {
            return Ok(Self { path, _directory: None });
        }
        let open = File::open(directory)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd())).join(name);
        Ok(Self { path, _directory: Some(open) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_back_to_its_process() {
        let me = Owner { pid: 17, started: 42, boot: "b".to_owned() };
        assert_eq!(name(&me), "17-42.sock");
        assert_eq!(owner("17-42.sock", "b"), Some(me));
        for other in ["", "x.sock", "17.sock", "17-42", "-.sock", "17-42.sock.old"] {
            assert_eq!(owner(other, "b"), None, "{other}");
        }
    }

    #[test]
    fn a_lax_directory_is_closed_and_a_link_refused() {
        let home = tempfile::tempdir().expect("a directory");
        let sockets = directory(home.path());
        fs::create_dir(&sockets).expect("a directory");
        fs::set_permissions(&sockets, Permissions::from_mode(0o755)).expect("ours");
        prepare(&sockets).expect("ours");
        assert_eq!(fs::metadata(&sockets).expect("there").mode() & 0o777, 0o700);

        let link = home.path().join("link");
        std::os::unix::fs::symlink(&sockets, &link).expect("a link");
        assert!(prepare(&link).is_err());
    }

    #[test]
    fn only_what_the_dead_left_is_cleared() {
        let home = tempfile::tempdir().expect("a directory");
        let me = Owner::current();
        let dead = Owner { started: me.started + 1, ..me.clone() };
        for file in [name(&me), name(&dead), "notes.txt".to_owned()] {
            fs::write(home.path().join(file), "").expect("a file");
        }
        clear(home.path(), &me.boot).expect("readable");
        let left = |file: &str| home.path().join(file).exists();
        assert!(left(&name(&me)) && left("notes.txt") && !left(&name(&dead)));
    }

    #[test]
    fn a_long_path_is_reached_through_its_directory() {
        let home = tempfile::tempdir().expect("a directory");
        let deep = home.path().join("d".repeat(120));
        fs::create_dir(&deep).expect("a directory");
        let reach = Reach::of(&deep, "1-2.sock").expect("reachable");
        assert!(reach.path().as_os_str().len() <= LONGEST_PATH);
        fs::write(reach.path(), "here").expect("a file");
        assert!(deep.join("1-2.sock").exists());
    }
}
