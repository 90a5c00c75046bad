//! Which process is at work on a run, and whether it still lives.

use std::fs;

use super::rows::Owner;

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Where `starttime` stands in `proc_pid_stat(5)`, counted from `state`, the first field after the
/// command's name (which may itself hold spaces and parentheses).
const START_FIELD: usize = 19;

impl Owner {
    /// This process.
    #[must_use]
    pub fn current() -> Self {
        let pid = std::process::id();
        Self { pid, started: stat(pid).map_or(0, |stat| stat.started), boot: boot_id() }
    }

    /// Whether that very process still lives. One that has ended and was not yet waited for does
    /// not. Where there is no `/proc`, any process with its id counts.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        if self.boot != boot_id() {
            return false;
        }
        if self.started == 0 {
            return exists(self.pid);
        }
        stat(self.pid).is_some_and(|stat| stat.started == self.started && !stat.ended)
    }
}

struct Stat {
    started: u64,
    ended: bool,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    // The state was taken, so that the field's place is one less from here.
    let started = fields.nth(START_FIELD - 1)?.parse().ok()?;
    Some(Stat { started, ended: matches!(state, "Z" | "X") })
}

/// Empty where the system has none: then pids of an earlier boot can't be told from those of this.
fn boot_id() -> String {
    fs::read_to_string(BOOT_ID).map(|id| id.trim().to_owned()).unwrap_or_default()
}

fn exists(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| match rustix::process::test_kill_process(pid) {
        Ok(()) => true,
        // It is there, and somebody else's.
        Err(error) => error == rustix::io::Errno::PERM,
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn this_process_lives() {
        assert!(Owner::current().is_alive());
    }

    #[test]
    fn a_pid_given_to_another_process_or_boot_is_no_owner() {
        let me = Owner::current();
        assert!(!Owner { started: me.started + 1, ..me.clone() }.is_alive());
        assert!(!Owner { boot: "another".to_owned(), ..me }.is_alive());
    }

    #[test]
    fn a_process_that_ended_is_dead_before_it_is_waited_for() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("cat");
        let pid = child.id();
        let owner = Owner { pid, started: stat(pid).expect("stat").started, boot: boot_id() };
        assert!(owner.is_alive());
        child.kill().expect("kill");
        // Its output ends when it does: no need to wait for it, which would remove the zombie.
        std::io::copy(&mut child.stdout.take().expect("piped"), &mut std::io::sink()).expect("end");
        while stat(pid).is_some_and(|stat| !stat.ended) {
            std::thread::yield_now();
        }
        assert!(!owner.is_alive());
        child.wait().expect("wait");
        assert!(!owner.is_alive());
    }
}
