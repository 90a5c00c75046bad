//! The supervisor: a small process between the engine and one command.
//!
//! It leads a session of its own, so that nothing that a terminal sends to the engine's process
//! group reaches the command. It is the reaper of everything below it, so that whoever leaves the
//! process group or the session still ends up as its child, and `ECHILD` (wait(2)) proves that
//! the tree is gone. When its socket to the engine closes, it kills the tree at once.
//!
//! One thread and one `poll`: nothing here can wait for anything else, and a thousand of them
//! weigh little.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, set_child_subreaper, setsid, wait};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::protocol::{Exit, Frames, Notice, Order, Spec, frame};
use super::tree;

/// How long killing may take until the engine is told that some of the tree stays.
pub(super) const LEFT_AFTER: Duration = Duration::from_secs(1);
/// How often the tree is looked at while it is being killed. Deaths wake us; this is for what was
/// born meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// The same, once the engine was told that some of it stays.
const LOOK_AGAIN_LEFT: Duration = Duration::from_secs(1);
const PIECE: usize = 16 * 1024;

/// What the process is that was started as `flightdeck __supervise`. Its standard input is the
/// socket to the engine. It succeeds when nothing of the tree is left.
#[must_use]
pub fn main() -> ExitCode {
    match supervise() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is there to be told when this fails too.
            let _ = writeln!(io::stderr(), "flightdeck supervisor: {error}");
            ExitCode::FAILURE
        }
    }
}

fn supervise() -> io::Result<()> {
    setsid()?;
    set_child_subreaper(Some(getpid()))?;
    let wakes = Wakes::register()?;
    let mut control = Control::from_stdin()?;
    let Some(spec) = control.spec() else { return Ok(()) };
    match start(spec) {
        Ok((main, feed)) => {
            control.tell(&Notice::Started { pid: main.as_raw_nonzero().get().unsigned_abs() });
            Supervisor { control, wakes, feed, main: Some(main), phase: Phase::Running, ended: HashSet::new() }.run()
        }
        Err(error) => {
            control.tell(&Notice::SpawnFailed { errno: error.raw_os_error(), message: error.to_string() });
            Ok(())
        }
    }
}

/// Starts the command in its own process group. It inherits our standard output and error: they
/// are the engine's pipes.
fn start(spec: Spec) -> io::Result<(Pid, Option<Feed>)> {
    let (program, arguments) = spec.argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).envs(spec.env).process_group(0);
    command.stdin(if spec.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    if let Some(directory) = spec.directory {
        command.current_dir(directory);
    }
    let mut child = command.spawn()?;
    let feed = match (child.stdin.take(), spec.stdin) {
        (Some(pipe), Some(text)) => Feed::new(pipe, text.into_bytes()),
        _ => None,
    };
    Ok((Pid::from_child(&child), feed))
}

enum Phase {
    Running,
    /// The tree was asked to end.
    Asked {
        kill_at: Instant,
    },
    Killing {
        since: Instant,
        told: bool,
    },
}

struct Supervisor {
    control: Control,
    wakes: Wakes,
    feed: Option<Feed>,
    /// The command itself, until it has ended.
    main: Option<Pid>,
    phase: Phase,
    /// What was told to end, or killed.
    ended: HashSet<Pid>,
}

impl Supervisor {
    fn run(mut self) -> io::Result<()> {
        while !self.reap()? {
            self.press();
            self.listen()?;
        }
        self.control.tell(&Notice::Gone { killed: count(self.ended.len()) });
        Ok(())
    }

    /// Takes in what has died. True when there is nothing left.
    fn reap(&mut self) -> io::Result<bool> {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if Some(pid) == self.main => self.main_ended(status),
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return Ok(false),
                Err(Errno::CHILD) => return Ok(true),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn main_ended(&mut self, status: WaitStatus) {
        let exit = match status.terminating_signal() {
            Some(signal) => Exit::Signal(signal),
            None => Exit::Code(status.exit_status().unwrap_or_default()),
        };
        self.control.tell(&Notice::Exited(exit));
        self.main = None;
        self.feed = None;
        if matches!(self.phase, Phase::Running) {
            self.kill();
        }
    }

    /// Does what is due in this phase.
    fn press(&mut self) {
        let now = Instant::now();
        if matches!(self.phase, Phase::Asked { kill_at } if kill_at <= now) {
            self.kill();
        }
        let Phase::Killing { since, told } = &mut self.phase else { return };
        let tree = tree::freeze(getpid());
        if !*told && now.duration_since(*since) >= LEFT_AFTER {
            *told = true;
            self.control.tell(&Notice::Left { processes: count(tree.len()) });
        }
        self.send_all(&tree, Signal::KILL);
    }

    fn kill(&mut self) {
        if !matches!(self.phase, Phase::Killing { .. }) {
            self.phase = Phase::Killing { since: Instant::now(), told: false };
        }
    }

    /// Asks the tree to end. It is frozen first, so that nobody is missed.
    fn ask(&mut self, grace: Duration) {
        if !matches!(self.phase, Phase::Running) {
            return;
        }
        let tree = tree::freeze(getpid());
        self.send_all(&tree, Signal::TERM);
        tree.into_iter().rev().for_each(|pid| tree::signal(pid, Signal::CONT));
        self.phase = Phase::Asked { kill_at: Instant::now() + grace };
    }

    fn send_all(&mut self, tree: &[Pid], signal: Signal) {
        for &pid in tree {
            if tree::lives(pid) {
                self.ended.insert(pid);
            }
            tree::signal(pid, signal);
        }
    }

    /// Waits for the next thing to do.
    fn listen(&mut self) -> io::Result<()> {
        let control_speaks = self.poll()?;
        if self.wakes.asked_to_end() {
            self.kill();
        }
        if self.feed.as_mut().is_some_and(Feed::is_over) {
            self.feed = None;
        }
        if control_speaks {
            self.control.read();
        }
        while let Some(order) = self.control.order() {
            self.obey(order);
        }
        if self.control.closed {
            self.kill();
        }
        Ok(())
    }

    /// Waits until there is something to do; true when the engine said something or is gone.
    fn poll(&self) -> io::Result<bool> {
        let timeout = self.timeout().map(|timeout| Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let mut polled = vec![PollFd::new(&self.wakes.pipe, PollFlags::IN)];
        polled.extend(self.feed.as_ref().map(|feed| PollFd::new(&feed.pipe, PollFlags::OUT)));
        // The control socket is the last one, where it is one of them.
        polled.extend((!self.control.closed).then(|| PollFd::new(&self.control.stream, PollFlags::IN)));
        match poll(&mut polled, timeout.as_ref()) {
            Ok(_) => Ok(!self.control.closed && polled.last().is_some_and(|fd| !fd.revents().is_empty())),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn timeout(&self) -> Option<Duration> {
        match self.phase {
            Phase::Running => None,
            Phase::Asked { kill_at } => Some(kill_at.saturating_duration_since(Instant::now())),
            Phase::Killing { told: false, .. } => Some(LOOK_AGAIN),
            Phase::Killing { told: true, .. } => Some(LOOK_AGAIN_LEFT),
        }
    }

    fn obey(&mut self, order: Order) {
        match (order, &self.phase) {
            (Order::Pause, Phase::Running) => drop(tree::freeze(getpid())),
            (Order::Continue, Phase::Running) => tree::thaw(getpid()),
            (Order::End { grace_ms: 0 }, _) => self.kill(),
            (Order::End { grace_ms }, _) => self.ask(Duration::from_millis(grace_ms)),
            // A tree that is being ended is neither held nor woken.
            (Order::Pause | Order::Continue, _) => {}
        }
    }
}

/// The socket to the engine.
struct Control {
    stream: UnixStream,
    frames: Frames,
    /// The engine is gone, or says what nobody understands.
    closed: bool,
}

impl Control {
    fn from_stdin() -> io::Result<Self> {
        let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        Ok(Self { stream, frames: Frames::default(), closed: false })
    }

    /// Waits for what to start; nothing where the engine went away before it said so.
    fn spec(&mut self) -> Option<Spec> {
        while !self.closed {
            match self.frames.take() {
                Ok(Some(spec)) => return Some(spec),
                Ok(None) => self.read(),
                Err(_) => self.closed = true,
            }
        }
        None
    }

    /// Takes in what is there; waits where nothing is.
    fn read(&mut self) {
        let mut piece = [0; PIECE];
        match self.stream.read(&mut piece) {
            Ok(0) => self.closed = true,
            Ok(length) => self.frames.push(piece.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.closed = true,
        }
    }

    fn order(&mut self) -> Option<Order> {
        self.frames.take().unwrap_or_else(|_| {
            self.closed = true;
            None
        })
    }

    /// Tells the engine something. An engine that is gone shows when we read.
    fn tell(&mut self, notice: &Notice) {
        if let Ok(bytes) = frame(notice) {
            let _ = self.stream.write_all(&bytes);
        }
    }
}

/// What wakes the poll: deaths of children, and signals that ask us to end.
///
/// Without handlers those signals would end the supervisor and leave the tree to nobody.
struct Wakes {
    pipe: UnixStream,
    asked: Arc<AtomicBool>,
}

impl Wakes {
    fn register() -> io::Result<Self> {
        let (pipe, wake) = UnixStream::pair()?;
        pipe.set_nonblocking(true)?;
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGQUIT] {
            // The flag before the pipe: whoever is woken must see it.
            signal_hook::flag::register(signal, Arc::clone(&asked))?;
            signal_hook::low_level::pipe::register(signal, wake.try_clone()?)?;
        }
        signal_hook::low_level::pipe::register(SIGCHLD, wake)?;
        Ok(Self { pipe, asked })
    }

    /// Whether a signal asked us to end. Empties the pipe, so that the next poll waits.
    fn asked_to_end(&mut self) -> bool {
        let mut piece = [0; 64];
        while self.pipe.read(&mut piece).is_ok_and(|length| length > 0) {}
        self.asked.load(Ordering::SeqCst)
    }
}

/// What still goes to the command's standard input.
struct Feed {
    pipe: ChildStdin,
    bytes: Vec<u8>,
    written: usize,
}

impl Feed {
    /// Nothing where the pipe can't be written to without waiting: the command then reads its end.
    fn new(pipe: ChildStdin, bytes: Vec<u8>) -> Option<Self> {
        rustix::io::ioctl_fionbio(&pipe, true).ok()?;
        Some(Self { pipe, bytes, written: 0 })
    }

    /// Writes what fits. True when everything is written, or the command reads no more.
    fn is_over(&mut self) -> bool {
        while let Some(rest) = self.bytes.get(self.written..).filter(|rest| !rest.is_empty()) {
            match self.pipe.write(rest) {
                Ok(length) => self.written += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
            }
        }
        true
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
