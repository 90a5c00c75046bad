//! The real program, each test with a home of its own and nothing of this machine's settings.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::mock_openai::MockOpenAi;

/// Far longer than anything here takes: a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_mins(2);
/// The key that the program has: whatever holds it has leaked it.
pub(crate) const API_KEY: &str = "sk-test-4f1d9c7ab2e85630";

/// A home, and the environment of every command in it.
pub(crate) struct Home {
    dir: TempDir,
    env: Vec<(String, String)>,
}

impl Home {
    /// A home without any server.
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory"), env: Vec::new() }
    }

    /// A home whose provider `openai` is this server.
    pub(crate) fn with(server: &MockOpenAi) -> Self {
        Self::new().env("OPENAI_API_KEY", API_KEY).env("OPENAI_BASE_URL", &server.base_url())
    }

    /// With a variable of the environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this `config.toml`.
    pub(crate) fn configured(self, config: &str) -> Self {
        self.write("config.toml", config);
        self
    }

    /// A path in the home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The home's directory.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file in the home.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file is written");
    }

    /// Writes `count` rows to `rows.jsonl`: `n` is the number of each.
    pub(crate) fn rows(self, count: usize) -> Self {
        let rows: Vec<_> = (0..count).map(|n| format!("{{\"n\":{n}}}\n")).collect();
        self.write("rows.jsonl", &rows.concat());
        self
    }

    /// A file of the home that a command wrote.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file of the home")
    }

    /// The program with these arguments, separated by spaces; it runs in the home's directory.
    pub(crate) fn command(&self, args: &str) -> Command {
        let mut command = self.other(env!("CARGO_BIN_EXE_flightdeck"));
        command.args(args.split_whitespace());
        command
    }

    /// Another program with the same environment.
    pub(crate) fn other(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.dir()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.dir()).env("TZ", "UTC");
        command.env("USER", "tester").env("FLIGHTDECK_HOME", self.dir());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the program.
    pub(crate) fn start(&self, args: &str) -> Running {
        Running::start(self.command(args))
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, args: &str) -> Ended {
        self.start(args).end()
    }

    /// The same, with one argument more that may have spaces.
    pub(crate) fn run_with(&self, args: &str, last: &str) -> Ended {
        let mut command = self.command(args);
        command.arg(last);
        Running::start(command).end()
    }

    /// The same, with this standard input.
    pub(crate) fn run_with_input(&self, args: &str, input: &str) -> Ended {
        let mut command = self.command(args);
        command.stdin(Stdio::piped());
        let mut running = Running::start(command);
        let mut stdin = running.child.stdin.take().expect("a piped input");
        // A program that refuses its arguments closes its input early.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        running.end()
    }

    /// Waits until something has written this file.
    pub(crate) fn wait_for_file(&self, name: &str) {
        wait_until(name, || self.path(name).exists());
    }

    /// What a listing says with `--json`.
    pub(crate) fn list(&self, args: &str) -> Vec<Value> {
        let ended = self.run(&format!("{args} --json"));
        assert_eq!(ended.code, 0, "{args}: {ended:?}");
        let listed: Value = serde_json::from_str(&ended.stdout).expect("one JSON array");
        listed.as_array().expect("one JSON array").clone()
    }

    /// The newest run, as it is listed.
    pub(crate) fn newest_run(&self) -> Value {
        self.list("runs --limit 1").first().expect("a run").clone()
    }
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; 128 and the signal where one ended it.
    pub(crate) code: i32,
    /// Its standard output.
    pub(crate) stdout: String,
    /// Its standard error.
    pub(crate) stderr: String,
}

impl Ended {
    /// The results: one JSON object per line and nothing else.
    pub(crate) fn results(&self) -> Vec<Value> {
        results(&self.stdout)
    }

    /// The results by the number of their task.
    pub(crate) fn by_task(&self) -> Vec<Value> {
        let mut results = self.results();
        results.sort_by_key(|result| result["task"].as_u64());
        results
    }

    /// The only result.
    pub(crate) fn result(&self) -> Value {
        let results = self.results();
        assert_eq!(results.len(), 1, "{self:?}");
        results[0].clone()
    }

    /// Asserts the exit code; shows everything where it is another one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Asserts that standard error is one error with all of these words, and nothing is on standard
    /// output.
    #[track_caller]
    pub(crate) fn complains(self, words: &[&str]) -> Self {
        assert_eq!(self.stdout, "", "{self:?}");
        assert_eq!(self.stderr.matches("error:").count(), 1, "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is missing in: {}", self.stderr);
        }
        self
    }
}

/// JSON Lines, read.
pub(crate) fn results(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no result: {line}"))).collect()
}

/// A program under way. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    stdout: Output,
    stderr: Output,
}

impl Running {
    /// Starts a command whose outputs are piped.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let stdout = Output::of(child.stdout.take());
        let stderr = Output::of(child.stderr.take());
        Self { child, stdout, stderr }
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("it is there");
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(mut self) -> Ended {
        self.signal(Signal::KILL);
        self.finish()
    }

    /// Waits until standard output has `count` lines; returns them.
    pub(crate) fn wait_for_lines(&self, count: usize) -> String {
        self.stdout.wait_for(count)
    }

    /// Waits until standard error has this text.
    pub(crate) fn wait_for_error(&self, text: &str) {
        self.stderr.wait(|(said, _)| said.contains(text));
    }

    /// Sends this signal twice: the second one when the first was heard.
    pub(crate) fn signal_twice(&self, signal: Signal) {
        self.signal(signal);
        self.wait_for_error("once more");
        self.signal(signal);
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        self.finish()
    }

    fn finish(&mut self) -> Ended {
        let stdout = self.stdout.all();
        let stderr = self.stderr.all();
        Ended { code: code(self.child.wait().expect("it ends")), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where these fail.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).expect("an end")
}

/// What comes out of a pipe, line by line.
struct Output {
    read: Arc<(Mutex<(String, bool)>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Output {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let read = Arc::new((Mutex::new((String::new(), pipe.is_none())), Condvar::new()));
        let thread = pipe.map(|pipe| {
            let read = Arc::clone(&read);
            std::thread::spawn(move || {
                let mut pipe = BufReader::new(pipe);
                let mut line = Vec::new();
                while pipe.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                    read.0.lock().0.push_str(&String::from_utf8_lossy(&line));
                    line.clear();
                    read.1.notify_all();
                }
                read.0.lock().1 = true;
                read.1.notify_all();
            })
        });
        Self { read, thread }
    }

    fn wait_for(&self, lines: usize) -> String {
        self.wait(|(text, _)| text.lines().count() >= lines)
    }

    fn all(&mut self) -> String {
        let text = self.wait(|(_, ended)| *ended);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("reading a pipe never panics");
        }
        text
    }

    #[track_caller]
    fn wait(&self, reached: impl Fn(&(String, bool)) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        let mut read = self.read.0.lock();
        while !reached(&read) {
            assert!(!read.1, "it ended before that: {}", read.0);
            let timed_out = self.read.1.wait_until(&mut read, until).timed_out();
            assert!(!timed_out || reached(&read), "waited in vain; so far: {}", read.0);
        }
        read.0.clone()
    }
}

/// The processes whose environment has this entry.
pub(crate) fn processes_with(entry: &str) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let numbers = processes.filter_map(|process| process.file_name().to_str()?.parse::<u32>().ok());
    numbers
        .filter(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|found| found == entry.as_bytes())
        })
        .collect()
}

/// Waits for something that nothing tells of.
#[track_caller]
pub(crate) fn wait_until(what: &str, reached: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !reached() {
        assert!(Instant::now() < until, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
