//! What a process took: wall time, processor time, memory. Linux tells in `/proc` (`proc(5)`).

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, getrlimit, pidfd_open, setrlimit};

/// How often the peak of memory is read. The kernel keeps the peak itself, so that only growth in
/// the last moment of a process can be missed.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// The clock tick of `/proc`: `USER_HZ` is 100 on every usual architecture.
const TICK: Duration = Duration::from_millis(10);

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// From the start of the process to its end.
    pub(crate) wall: Duration,
    /// Of the process and of what it started and waited for, in user and in kernel.
    pub(crate) cpu: Duration,
    /// The most memory that was resident, in KiB.
    pub(crate) peak_kib: u64,
    /// What the server used meanwhile.
    pub(crate) server_cpu: Duration,
}

/// Lets this process and its children open at least `needed` files.
pub(crate) fn raise_open_files(needed: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|maximum| maximum < needed) {
        bail!("{needed} open files are needed and {:?} allowed: raise the hard limit (`ulimit -Hn`)", limit.maximum);
    }
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(())
}

/// Runs a command to its end. `errors` takes what it says on standard error.
pub(crate) fn run(mut command: Command, patience: Duration, errors: &Path) -> Result<Sample> {
    command.stdin(std::process::Stdio::null()).stderr(File::create(errors)?);
    let cpu_before = cpu_of_children()?;
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("{}", command.get_program().display()))?;
    let watched = watch(&mut child, started, patience);
    if watched.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let (status, wall, peak_kib) = watched?;
    if !status.success() {
        bail!("{status}: {}", fs::read_to_string(errors).unwrap_or_default().trim());
    }
    let cpu = cpu_of_children()?.saturating_sub(cpu_before);
    Ok(Sample { wall, cpu, peak_kib, server_cpu: Duration::ZERO })
}

fn watch(child: &mut Child, started: Instant, patience: Duration) -> Result<(ExitStatus, Duration, u64)> {
    let pid = child.id();
    let handle = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let mut peak_kib = 0;
    loop {
        let ended = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&LOOK_EVERY))? > 0;
        let wall = started.elapsed();
        if ended {
            return Ok((child.wait()?, wall, peak_kib));
        }
        peak_kib = peak_of(pid).unwrap_or(0).max(peak_kib);
        if wall > patience {
            bail!("given up after {} s", patience.as_secs());
        }
    }
}

/// The peak of resident memory in KiB; nothing once the process has let its memory go.
fn peak_of(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// The processor time of a living process.
pub(crate) fn cpu_of(pid: u32) -> Result<Duration> {
    cpu(&format!("/proc/{pid}/stat"), 14)
}

/// The processor time of all children that have ended.
fn cpu_of_children() -> Result<Duration> {
    cpu("/proc/self/stat", 16)
}

/// Two neighbouring fields of a `stat` file, user and kernel time in clock ticks, added.
fn cpu(path: &str, first_field: usize) -> Result<Duration> {
    let stat = fs::read_to_string(path).with_context(|| path.to_owned())?;
    // The second field is the program's name in parentheses and may hold anything.
    let (_, after_name) = stat.rsplit_once(')').context("no name in it")?;
    let times = after_name.split_whitespace().skip(first_field - 3).take(2);
    let ticks: u64 = times.map(|field| field.parse::<u64>().context("no number")).sum::<Result<u64>>()?;
    Ok(TICK * u32::try_from(ticks)?)
}
