//! Process agents through the real supervisor.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use flightdeck::domain::{AgentId, ErrorKind, Key, RunId, Sent};
use flightdeck::provider::process::protocol::{Spec, frame};
use flightdeck::provider::process::{ProcessProvider, SUPERVISE};
use flightdeck::provider::{CallContext, Failure, LiveSink, Outcome, Provider, Request};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Far longer than anything here takes: a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_mins(1);
const ENGINE_VARIABLE: &str = "FLIGHTDECK_TEST_ENGINE";

fn supervisor() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_flightdeck"))
}

fn provider() -> ProcessProvider {
    ProcessProvider::new("process", supervisor(), None)
}

fn request(command: &[&str]) -> Request {
    // Each call has an agent of its own: processes are known by it.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let own = (u64::from(std::process::id()) << 16) | NEXT.fetch_add(1, Ordering::Relaxed);
    Request {
        agent: AgentId { run: RunId::from_random(own), no: 7 },
        attempt: 2,
        messages: Vec::new(),
        command: command.iter().map(|part| (*part).to_owned()).collect(),
        stdin: None,
        model: String::new(),
        price: None,
        max_tokens: 0,
        temperature: None,
        seed: None,
        randomness: 0,
        key: Key(0xab),
    }
}

fn shell(script: &str) -> Request {
    request(&["sh", "-c", script])
}

/// What came live: text and notes in one.
struct Live(Arc<watch::Sender<String>>);

impl LiveSink for Live {
    fn text(&mut self, text: &str) {
        self.0.send_modify(|all| all.push_str(text));
    }

    fn note(&mut self, text: &str) {
        self.text(text);
    }
}

/// A call under way, and what the engine holds of it.
struct Running {
    outcome: tokio::task::JoinHandle<Outcome>,
    cancel: CancellationToken,
    hold: watch::Sender<bool>,
    live: watch::Receiver<String>,
}

impl Running {
    fn start(request: Request) -> Self {
        Self::start_on(&provider(), request, false)
    }

    fn start_on(provider: &ProcessProvider, request: Request, on_hold: bool) -> Self {
        let cancel = CancellationToken::new();
        let (hold, watched) = watch::channel(on_hold);
        let (sink, live) = watch::channel(String::new());
        let context = CallContext { cancel: cancel.clone(), hold: watched, live: Box::new(Live(Arc::new(sink))) };
        Self { outcome: tokio::spawn(provider.call(request, context)), cancel, hold, live }
    }

    /// Waits for a whole line that starts with `word`, and returns the numbers behind it.
    async fn numbers(&mut self, word: &str) -> Vec<i32> {
        let found = |all: &str| {
            let (whole, _) = all.rsplit_once('\n')?;
            let line = whole.lines().find_map(|line| line.strip_prefix(word))?;
            Some(line.split_whitespace().filter_map(|number| number.parse().ok()).collect())
        };
        let all = tokio::time::timeout(PATIENCE, self.live.wait_for(|all| found(all).is_some()));
        found(&all.await.expect("in time").expect("the call goes on")).unwrap_or_default()
    }

    async fn end(self) -> Outcome {
        tokio::time::timeout(PATIENCE, self.outcome).await.expect("in time").expect("no panic")
    }

    async fn cancelled(self) -> (Outcome, Duration) {
        let from = Instant::now();
        self.cancel.cancel();
        (self.end().await, from.elapsed())
    }
}

async fn outcome(request: Request) -> Outcome {
    Running::start(request).end().await
}

fn failure(outcome: &Outcome) -> &Failure {
    outcome.result.as_ref().expect_err("it fails")
}

fn text(outcome: &Outcome) -> &str {
    &outcome.result.as_ref().expect("it succeeds").text
}

/// The state of a process (proc(5)); nothing when there is none.
fn state(pid: i32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn is_gone(pid: i32) -> bool {
    state(pid).is_none_or(|state| matches!(state, 'Z' | 'X'))
}

/// Whether a process is stopped, or waits in vfork(2) for a child that is (on a busy machine).
fn is_held(pid: i32) -> bool {
    state(pid).is_some_and(|state| matches!(state, 'T' | 'D'))
}

/// Waits for something that nobody announces.
async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).expect("positive"), Signal::KILL).expect("killed");
}

#[tokio::test]
async fn arguments_arrive_untouched() {
    let arguments = ["two words", "it's \"quoted\"", "$(x) `y` $HOME *", "", "日本\n;&|"];
    let outcome = outcome(request(&[&["printf", "[%s]"], &arguments[..]].concat())).await;
    let wanted = format!("[{}]", arguments.join("]["));
    assert_eq!(text(&outcome), wanted);
    assert_eq!(outcome.receipt.tree_gone, Some(true));
    assert_eq!(outcome.receipt.processes_killed, Some(0));
    assert!(outcome.receipt.stream_closed);
    assert!(outcome.first_output_ms.is_some());
    assert_eq!((outcome.usage, outcome.sent), (None, Sent::Maybe));
}

#[tokio::test]
async fn the_command_knows_who_it_is() {
    let request = shell("echo $FLIGHTDECK_AGENT $FLIGHTDECK_ATTEMPT $FLIGHTDECK_KEY; pwd");
    let wanted = format!("{} 2 00000000000000ab\n/", request.agent);
    let outcome = Running::start_on(&provider().in_directory(PathBuf::from("/")), request, false).end().await;
    assert_eq!(text(&outcome), wanted);
}

#[tokio::test]
async fn a_payload_comes_whole_and_ends() {
    let payload = "é line\n".repeat(100_000);
    let outcome = outcome(Request { stdin: Some(payload.clone()), ..request(&["cat"]) }).await;
    assert_eq!(text(&outcome), payload.strip_suffix('\n').expect("a newline"));
}

#[tokio::test]
async fn nobody_has_to_read_the_payload() {
    let payload = Some("x".repeat(1_000_000));
    assert_eq!(text(&outcome(Request { stdin: payload, ..shell("echo unread") }).await), "unread");
    assert_eq!(text(&outcome(shell("cat; echo nothing")).await), "nothing");
}

#[tokio::test]
async fn an_exit_code_comes_with_the_last_words() {
    let outcome = outcome(shell("echo half; echo first >&2; echo why >&2; exit 3")).await;
    let failure = failure(&outcome);
    assert_eq!((failure.kind, failure.status, failure.retryable), (ErrorKind::Process, Some(3), false));
    assert_eq!(failure.message, "`sh` exited with 3: first\nwhy");
    assert_eq!(failure.partial, "half");
}

#[tokio::test]
async fn a_deadly_signal_is_named() {
    let outcome = outcome(shell("kill -SEGV $$")).await;
    assert_eq!(failure(&outcome).message, "`sh` was ended by SIGSEGV");
    assert_eq!(failure(&outcome).status, None);
}

#[tokio::test]
async fn what_can_not_start_was_never_sent() {
    let directory = tempfile::tempdir().expect("a directory");
    let plain = directory.path().join("plain");
    std::fs::write(&plain, "no program").expect("written");
    let cases = [
        ("flightdeck-no-such-program", ErrorKind::Process, "not found on PATH"),
        ("/no/such/program", ErrorKind::Process, "no such file"),
        (plain.to_str().expect("UTF-8"), ErrorKind::Process, "not executable"),
        ("", ErrorKind::Invalid, "no command"),
        ("a\0b", ErrorKind::Invalid, "NUL"),
    ];
    for (program, kind, message) in cases {
        let outcome = outcome(request(&[program])).await;
        let failure = failure(&outcome);
        assert_eq!((failure.kind, failure.retryable, outcome.sent), (kind, false, Sent::Nothing), "{program:?}");
        assert!(failure.message.contains(message), "{}", failure.message);
    }
    let missing = ProcessProvider::new("process", directory.path().join("missing"), None);
    let outcome = Running::start_on(&missing, request(&["true"]), false).end().await;
    assert!(failure(&outcome).message.contains("supervisor"), "{outcome:?}");
}

#[tokio::test]
async fn output_beyond_the_cap_is_read_and_marked() {
    // The command ends only if all of it is read.
    let request =
        shell("i=0; while [ $i -lt 3000 ]; do echo 日本語日本語日本語日本語; i=$((i+1)); done; echo done >&2");
    let outcome = Running::start_on(&provider().with_output_cap(100), request, false).end().await;
    let reply = outcome.result.expect("it succeeds");
    assert!(reply.truncated);
    // Two lines of 37 bytes, and 8 of the 3-byte characters that the remaining 26 bytes begin.
    assert_eq!(reply.text.len(), 98);
    assert!(reply.text.ends_with("日本"), "{}", reply.text);
}

#[tokio::test]
async fn live_text_is_the_whole_output() {
    let running = Running::start(shell("printf '\\346'; sleep 0.05; printf '\\227\\245\\n'; echo oops >&2"));
    let live = running.live.clone();
    assert_eq!(text(&running.end().await), "日");
    let live = live.borrow().clone();
    assert!(live.contains("日\n") && live.contains("oops\n"), "{live:?}");
}

#[tokio::test]
async fn a_cancel_reaches_whoever_left_the_session() {
    let script = "setsid sh -c 'echo away $$; sleep 1000 & wait' & (setsid setsid sleep 1000 &) ; sleep 1000 & echo main $$ $!; wait";
    let mut running = Running::start(shell(script));
    let mut pids = running.numbers("away ").await;
    pids.extend(running.numbers("main ").await);
    assert_eq!(pids.len(), 3);
    let (outcome, _) = running.cancelled().await;
    assert_eq!(failure(&outcome).kind, ErrorKind::Cancelled);
    assert!(failure(&outcome).partial.contains("main"));
    assert_eq!(outcome.receipt.tree_gone, Some(true));
    assert!(outcome.receipt.stream_closed);
    assert!(outcome.receipt.processes_killed >= Some(4), "{:?}", outcome.receipt);
    assert!(pids.iter().all(|pid| is_gone(*pid)), "{pids:?}");
}

#[tokio::test]
async fn what_a_command_leaves_behind_ends_with_it() {
    let mut running = Running::start(shell("setsid sleep 1000 & echo left $!; exit 0"));
    let left = running.numbers("left ").await;
    let outcome = running.end().await;
    assert!(outcome.result.is_ok());
    assert_eq!((outcome.receipt.tree_gone, outcome.receipt.processes_killed), (Some(true), Some(1)));
    assert!(is_gone(left[0]));
}

#[tokio::test]
async fn who_ignores_the_request_to_end_is_killed() {
    let mut running = Running::start(shell("trap '' TERM; echo main $$; while :; do sleep 1000; done"));
    let main = running.numbers("main ").await;
    let (outcome, took) = running.cancelled().await;
    assert_eq!(outcome.receipt.tree_gone, Some(true));
    assert!(is_gone(main[0]));
    assert!(took >= Duration::from_millis(300), "it was given no time: {took:?}");
}

#[tokio::test]
async fn who_wants_to_clean_up_may() {
    let mut running = Running::start(shell("trap 'echo cleaned; exit 0' TERM; echo main $$; sleep 1000 & wait"));
    running.numbers("main ").await;
    let (outcome, _) = running.cancelled().await;
    assert_eq!(failure(&outcome).kind, ErrorKind::Cancelled);
    assert!(failure(&outcome).partial.contains("cleaned"), "{outcome:?}");
}

#[tokio::test]
async fn a_storm_of_forks_ends() {
    let storm = "trap '' TERM; echo main $$; while :; do i=0; while [ $i -lt 50 ]; do (trap '' TERM; setsid sleep 0.2) & i=$((i+1)); done; wait; done";
    let mut running = Running::start(shell(storm));
    let main = running.numbers("main ").await;
    let (outcome, _) = running.cancelled().await;
    assert_eq!(outcome.receipt.tree_gone, Some(true));
    assert!(is_gone(main[0]));
}

#[tokio::test]
async fn a_pause_stops_the_tree_and_a_resume_continues_it() {
    let script = "(setsid sh -c 'echo away $$; while :; do sleep 0.01; done' &); echo main $$; while :; do echo tick; sleep 0.01; done";
    let mut running = Running::start(shell(script));
    let (main, away) = (running.numbers("main ").await[0], running.numbers("away ").await[0]);
    for _ in 0..3 {
        running.hold.send_replace(true);
        eventually("both are stopped", || is_held(main) && is_held(away)).await;
        // What was written before is still on its way; then nothing may come.
        while tokio::time::timeout(Duration::from_millis(200), running.live.changed()).await.is_ok() {}
        assert!(is_held(main) && is_held(away));
        running.hold.send_replace(false);
        let changed = tokio::time::timeout(PATIENCE, running.live.changed()).await;
        changed.expect("it goes on").expect("the call goes on");
        eventually("the other goes on", || !is_held(away)).await;
    }
    running.hold.send_replace(true);
    eventually("it is stopped", || is_held(main)).await;
    let (outcome, _) = running.cancelled().await;
    assert_eq!(outcome.receipt.tree_gone, Some(true));
    assert!(is_gone(main) && is_gone(away));
}

#[tokio::test]
async fn a_held_agent_does_not_start() {
    let running = Running::start_on(&provider(), request(&["true"]), true);
    let (outcome, _) = running.cancelled().await;
    assert_eq!((failure(&outcome).kind, outcome.sent), (ErrorKind::Cancelled, Sent::Nothing));

    let running = Running::start_on(&provider(), request(&["echo", "started"]), true);
    running.hold.send_replace(false);
    assert_eq!(text(&running.end().await), "started");
}

#[tokio::test]
async fn a_dropped_call_leaves_nothing() {
    let mut running = Running::start(shell("trap '' TERM; setsid sleep 1000 & echo main $$ $!; wait"));
    let pids = running.numbers("main ").await;
    running.outcome.abort();
    eventually("all is gone", || pids.iter().all(|pid| is_gone(*pid))).await;
}

#[tokio::test]
async fn a_killed_supervisor_is_no_proof() {
    let mut running = Running::start(shell("setsid sleep 1000 & sleep 1000 & echo main $$ $! $PPID; wait"));
    let pids = running.numbers("main ").await;
    kill(pids[2]);
    let outcome = running.end().await;
    assert_eq!(failure(&outcome).kind, ErrorKind::Process);
    assert!(failure(&outcome).message.contains("supervisor"), "{outcome:?}");
    assert_eq!(outcome.receipt.tree_gone, Some(false));
    assert_eq!(outcome.receipt.processes_killed, Some(3));
    eventually("it is cleared away all the same", || pids.iter().all(|pid| is_gone(*pid))).await;
}

#[tokio::test]
async fn a_supervisor_that_does_not_answer_is_given_up() {
    let mut running = Running::start(shell("sleep 1000 & echo main $$ $! $PPID; wait"));
    let pids = running.numbers("main ").await;
    kill_process(Pid::from_raw(pids[2]).expect("positive"), Signal::STOP).expect("sent");
    let (outcome, _) = running.cancelled().await;
    assert_eq!(failure(&outcome).kind, ErrorKind::Cancelled);
    assert_eq!(outcome.receipt.tree_gone, Some(false));
    eventually("it is cleared away all the same", || pids.iter().all(|pid| is_gone(*pid))).await;
}

#[tokio::test]
async fn a_signal_to_the_supervisor_ends_the_tree() {
    let mut running = Running::start(shell("setsid sleep 1000 & echo main $$ $! $PPID; wait"));
    let pids = running.numbers("main ").await;
    kill_process(Pid::from_raw(pids[2]).expect("positive"), Signal::TERM).expect("sent");
    let outcome = running.end().await;
    assert_eq!(failure(&outcome).message, "`sh` was ended by SIGKILL");
    assert_eq!(outcome.receipt.tree_gone, Some(true));
    assert!(pids.iter().all(|pid| is_gone(*pid)));
}

/// Not a test by itself: the engine that the next test kills.
#[tokio::test]
async fn engine_that_is_killed() {
    let Some(report) = std::env::var_os(ENGINE_VARIABLE) else { return };
    let script = "trap '' TERM; setsid sleep 1000 & echo main $$ $! $PPID; wait";
    let mut running = Running::start(shell(script));
    let pids = running.numbers("main ").await;
    let mut socket = UnixStream::connect(Path::new(&report)).expect("connects");
    writeln!(socket, "{} {} {}", pids[0], pids[1], pids[2]).expect("written");
    drop(socket);
    running.end().await;
}

#[tokio::test]
async fn a_killed_engine_leaves_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let report = directory.path().join("report");
    let listener = std::os::unix::net::UnixListener::bind(&report).expect("binds");
    let mut engine = Command::new(std::env::current_exe().expect("known"))
        .args(["--exact", "process::engine_that_is_killed"])
        .env(ENGINE_VARIABLE, &report)
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let mut said = String::new();
    listener.accept().expect("connects").0.read_to_string(&mut said).expect("reads");
    let pids: Vec<i32> = said.split_whitespace().map(|pid| pid.parse().expect("a number")).collect();
    assert_eq!(pids.len(), 3);
    assert!(!pids.iter().any(|pid| is_gone(*pid)));
    engine.kill().expect("killed");
    engine.wait().expect("ends");
    eventually("all is gone", || pids.iter().all(|pid| is_gone(*pid))).await;
}

#[test]
fn a_supervisor_succeeds_when_nothing_is_left() {
    let start = |spec: &[u8]| {
        let (mut ours, theirs) = UnixStream::pair().expect("a pair");
        let mut supervisor = Command::new(supervisor())
            .arg(SUPERVISE)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .spawn()
            .expect("starts");
        ours.write_all(spec).expect("written");
        drop(ours);
        supervisor.wait().expect("ends")
    };
    let spec = Spec { argv: vec!["sleep".to_owned(), "1000".to_owned()], env: vec![], directory: None, stdin: None };
    let whole = frame(&spec).expect("fits");
    assert!(start(&whole).success());
    assert!(start(&whole[..whole.len() / 2]).success(), "a cut order starts nothing");
    assert!(start(b"\xff\xff\xff\xff").success());
}
