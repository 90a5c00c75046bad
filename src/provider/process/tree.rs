//! Finding a process tree in `/proc` (proc(5)), stopping it and signalling all of it.
//!
//! A walk goes from parents to children, and a parent is stopped before its children are read. A
//! stopped parent neither forks nor reaps, so the numbers of its children stay theirs until they
//! are signalled.

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Rounds after which a tree that still grows is taken as it is; the caller comes back.
const MAX_ROUNDS: u32 = 200;
/// A kernel may miss a child in its list while a sibling ends, so one round without news is not
/// enough.
const QUIET_ROUNDS: u32 = 2;
/// How long a whole walk may wait for processes that can't be stopped yet, and how often it looks.
const SETTLE: Duration = Duration::from_millis(50);
const SETTLE_LOOK: Duration = Duration::from_micros(200);

/// Whether the kernel lists the children of a task (`CONFIG_PROC_CHILDREN`); otherwise all
/// processes are read.
static LISTS_CHILDREN: LazyLock<bool> = LazyLock::new(|| Path::new("/proc/thread-self/children").exists());

/// Stops everything below `root`, and returns it, parents first.
pub(super) fn freeze(root: Pid) -> Vec<Pid> {
    let deadline = Instant::now() + SETTLE;
    let mut found = Vec::new();
    let mut known = HashSet::new();
    let mut quiet = 0;
    for _ in 0..MAX_ROUNDS {
        let before = found.len();
        walk(root, *LISTS_CHILDREN, |pid| {
            if known.insert(pid) {
                signal(pid, Signal::STOP);
                settle(pid, deadline);
                found.push(pid);
            }
        });
        quiet = if found.len() == before { quiet + 1 } else { 0 };
        if quiet == QUIET_ROUNDS {
            break;
        }
    }
    found
}

/// Waits while a process can't be stopped because it is in the middle of something. Mostly that is
/// a vfork(2), which ends with the exec of a child that runs as long as we have not come to it.
fn settle(pid: Pid, deadline: Instant) {
    while read_stat(pid).is_some_and(|stat| stat.state == 'D') && Instant::now() < deadline {
        thread::sleep(SETTLE_LOOK);
    }
}

/// Lets everything below `root` go on. All of it is found before any of it moves, and children go
/// first: the child of a parent that ends at once would be overlooked, and stay stopped.
pub(super) fn thaw(root: Pid) {
    freeze(root).into_iter().rev().for_each(|pid| signal(pid, Signal::CONT));
}

/// Signals one process. One that is gone needs none; one that may not be signalled shows by staying.
pub(super) fn signal(pid: Pid, signal: Signal) {
    let _ = kill_process(pid, signal);
}

/// Whether a process is there and has not ended yet; a zombie has.
pub(super) fn lives(pid: Pid) -> bool {
    read_stat(pid).is_some_and(|stat| stat.lives())
}

/// Kills what a supervisor that died left behind: the members of its session, and those who left
/// the session but carry all of `marks` (`NAME=value`) in the environment that they were started
/// with. Returns how many there were, without the supervisor itself. This finds what it can and proves nothing.
pub(super) fn salvage(session: Pid, marks: &[String]) -> u32 {
    let mut killed = HashSet::new();
    for _ in 0..MAX_ROUNDS {
        let left: Vec<Pid> = all()
            .into_iter()
            .filter(|stat| stat.lives() && stat.pid != session)
            .filter(|stat| stat.session == Some(session) || carries(stat.pid, marks))
            .map(|stat| stat.pid)
            .collect();
        if left.is_empty() {
            break;
        }
        for &pid in &left {
            signal(pid, Signal::STOP);
        }
        for pid in left {
            signal(pid, Signal::KILL);
            killed.insert(pid);
        }
    }
    u32::try_from(killed.len()).unwrap_or(u32::MAX)
}

/// Calls `visit` for everything below `root` before its children are read.
fn walk(root: Pid, by_list: bool, mut visit: impl FnMut(Pid)) {
    let snapshot = if by_list { Vec::new() } else { all() };
    let mut seen = HashSet::from([root]);
    let mut queue = VecDeque::from([root]);
    while let Some(parent) = queue.pop_front() {
        let children = if by_list { listed_children(parent) } else { children_in(&snapshot, parent) };
        for child in children {
            if seen.insert(child) {
                visit(child);
                queue.push_back(child);
            }
        }
    }
}

fn listed_children(parent: Pid) -> Vec<Pid> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{parent}/task")) else { return Vec::new() };
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|list| list.split_ascii_whitespace().filter_map(parse_pid).collect::<Vec<_>>())
        .collect()
}

fn children_in(snapshot: &[Stat], parent: Pid) -> Vec<Pid> {
    snapshot.iter().filter(|stat| stat.parent == Some(parent)).map(|stat| stat.pid).collect()
}

/// The fields of `/proc/PID/stat` that are needed here.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    pid: Pid,
    state: char,
    parent: Option<Pid>,
    session: Option<Pid>,
}

impl Stat {
    fn lives(&self) -> bool {
        !matches!(self.state, 'Z' | 'X' | 'x')
    }
}

fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.filter_map(|entry| read_stat(parse_pid(entry.ok()?.file_name().to_str()?)?)).collect()
}

fn read_stat(pid: Pid) -> Option<Stat> {
    // A name may be any bytes.
    parse_stat(pid, &String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/stat")).ok()?))
}

/// `PID (NAME) STATE PARENT GROUP SESSION …`, where the name may hold anything, `)` too.
fn parse_stat(pid: Pid, line: &str) -> Option<Stat> {
    let (_, fields) = line.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next().and_then(parse_pid);
    let session = fields.nth(1).and_then(parse_pid);
    Some(Stat { pid, state, parent, session })
}

fn carries(pid: Pid, marks: &[String]) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    !marks.is_empty() && marks.iter().all(|mark| environment.split(|byte| *byte == 0).any(|is| is == mark.as_bytes()))
}

fn parse_pid(text: &str) -> Option<Pid> {
    text.parse().ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_name_can_hold_anything() {
        let pid = Pid::from_raw(7).expect("positive");
        let stat = parse_stat(pid, "7 (a) S 1 (b) T 3 7 5 0 -1").expect("reads");
        assert_eq!((stat.state, stat.parent, stat.session), ('T', Pid::from_raw(3), Pid::from_raw(5)));
        assert_eq!(parse_stat(pid, "7 (cut"), None);
    }

    #[test]
    fn both_ways_to_find_children_agree() {
        // The child waits for our end of the pipe; a background command has no standard input of its own.
        let mut shell = Command::new("sh")
            .args(["-c", "exec 3<&0; cat <&3 & echo started; wait"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh");
        let mut line = String::new();
        let mut output = std::io::BufReader::new(shell.stdout.take().expect("piped"));
        std::io::BufRead::read_line(&mut output, &mut line).expect("reads");

        let root = Pid::from_child(&shell);
        let found = |by_list| {
            let mut found = Vec::new();
            walk(root, by_list, |pid| found.push(pid));
            found
        };
        let listed = found(*LISTS_CHILDREN);
        assert_eq!(listed.len(), 1);
        assert_eq!(listed, found(false));
        assert!(lives(root));

        for pid in freeze(root) {
            signal(pid, Signal::KILL);
        }
        drop(shell.stdin.take());
        shell.wait().expect("ends");
        assert!(!lives(root));
    }
}
