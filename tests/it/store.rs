//! The store across processes: killed in the middle of its work, and shared.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use flightdeck::domain::event::Why;
use flightdeck::domain::time::Mono;
use flightdeck::domain::{Body, ContentRef, Event, Key, RunId, RunState, TaskState, Totals, Usage, Wall};
use flightdeck::store::{Batch, Filter, Owner, RunRow, SqliteStore, Store, TaskRow};

const HOME: &str = "FLIGHTDECK_TEST_COMMITTER_HOME";
const RUN: &str = "FLIGHTDECK_TEST_COMMITTER_RUN";
const BATCHES: &str = "FLIGHTDECK_TEST_COMMITTER_BATCHES";
const ACK: &str = "durable up to ";
const KILLS: usize = 12;

/// Not a test of its own: what the others start as a process. It goes on where the log ends, and
/// says after each commit how far it came.
#[test]
fn the_committer() {
    let Some(home) = std::env::var_os(HOME) else { return };
    let number = |name| std::env::var(name).expect("set").parse::<u64>().expect("a number");
    let run = RunId::from_random(number(RUN));
    let store = SqliteStore::open(Path::new(&home)).expect("opens");
    let mut last = store.log(run, 0, u32::MAX).expect("log").len() as u64;
    if last > 0 {
        store.take_over(run, &Owner::current()).expect("its owner was killed");
    }
    for round in 0..number(BATCHES) {
        let next = last + [1, 3, 40, 300][usize::try_from(round % 4).expect("small")];
        store.commit(&batch(&store, run, last + 1, next)).expect("committed");
        last = next;
        println!("{ACK}{last}");
        if round % 5 == 4 {
            store.idle();
        }
    }
}

fn batch(store: &SqliteStore, run: RunId, first: u64, last: u64) -> Batch {
    let mut contents = vec![store.vault().seal(&text(last))];
    if is_with_large(last) {
        contents.push(store.vault().seal(&large(last)));
    }
    Batch {
        events: (first..=last).map(|seq| event(run, seq)).collect(),
        contents,
        runs: vec![run_row(run, last)],
        tasks: vec![task_row(run, last)],
        agents: Vec::new(),
    }
}

fn text(last: u64) -> String {
    format!("all that was said up to {last}")
}

fn is_with_large(last: u64) -> bool {
    last.is_multiple_of(4)
}

/// More than a row takes: a file of its own.
fn large(last: u64) -> String {
    let mut noise = vec![0_u8; 1_400_000];
    blake3::Hasher::new().update(&last.to_be_bytes()).finalize_xof().fill(&mut noise);
    noise.iter().map(|byte| char::from(byte % 94 + 33)).collect()
}

fn event(run: RunId, seq: u64) -> Event {
    let body = Body::RunPaused(Why { reason: format!("number {seq}") });
    let at = Wall(i64::try_from(seq).expect("small"));
    let mono = Mono(seq * 1_000);
    Event { run, seq, at, mono, agent: None, task: None, money: None, body }
}

fn run_row(run: RunId, last: u64) -> RunRow {
    RunRow {
        id: run,
        state: RunState::Running,
        by: "tester".to_owned(),
        title: "crash".to_owned(),
        provider: "sim".to_owned(),
        model: "sim".to_owned(),
        simulated: true,
        reusable: true,
        created: Wall(1),
        started: None,
        ended: None,
        tasks: u32::try_from(last).expect("small"),
        succeeded: 0,
        failed: 0,
        cancelled: 0,
        money: Totals::default(),
        usage: Usage::default(),
        stopped_by: None,
        owner: Some(Owner::current()),
    }
}

fn task_row(run: RunId, last: u64) -> TaskRow {
    TaskRow {
        run,
        task: 0,
        agent: 0,
        state: TaskState::Running,
        key: Key(1),
        payload: None,
        args: ContentRef([0; 16]),
        attempts: u32::try_from(last).expect("small"),
        finished: None,
        ended: None,
    }
}

fn start(home: &Path, run: u64, batches: u64) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "store::the_committer", "--nocapture", "--test-threads=1"])
        .env(HOME, home)
        .env(RUN, run.to_string())
        .env(BATCHES, batches.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts")
}

/// Kills it after some acknowledgements; returns all that it gave until then.
fn kill_after(mut child: Child, acks: usize) -> Vec<u64> {
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut said = Vec::new();
    for line in lines.map_while(Result::ok) {
        // The harness writes its own words before the first of them, on the same line.
        said.extend(line.split_once(ACK).and_then(|(_, last)| last.parse::<u64>().ok()));
        if said.len() == acks {
            child.kill().expect("killed");
        }
    }
    child.wait().expect("waited for");
    assert!(said.len() >= acks, "it ended by itself after {said:?}");
    said
}

#[test]
fn what_was_acknowledged_survives_kill_9_and_nothing_is_half_there() {
    let home = tempfile::tempdir().expect("a directory");
    let run = RunId::from_random(1);
    let mut acknowledged = Vec::new();
    for kill in 0..KILLS {
        // Different numbers, so that it dies at different places of what a commit does.
        let fresh = kill_after(start(home.path(), 1, u64::MAX), 1 + kill * 7 % 17);
        let store = SqliteStore::open(home.path()).expect("opens after a kill");
        check(&store, run, &fresh);
        acknowledged.extend(fresh);
    }
    check(&SqliteStore::open(home.path()).expect("opens"), run, &acknowledged);
}

fn check(store: &SqliteStore, run: RunId, acknowledged: &[u64]) {
    let log = store.log(run, 0, u32::MAX).expect("log");
    let last = log.len() as u64;
    assert!(log.iter().zip(1..).all(|(stored, seq)| *stored == event(run, seq)), "a gap, a repeat, or another event");
    assert!(acknowledged.iter().all(|ack| *ack <= last), "{acknowledged:?} were promised, {last} are there");
    let runs = store.runs(&Filter::default()).expect("runs");
    assert_eq!((u64::from(runs[0].tasks), runs[0].state), (last, RunState::Suspended));
    let tasks = store.tasks(&Filter::default()).expect("tasks");
    assert_eq!(u64::from(tasks[0].attempts), last, "the task is as of another event");
    for &ack in acknowledged {
        let mut texts = vec![text(ack)];
        if is_with_large(ack) {
            texts.push(large(ack));
        }
        for text in texts {
            let stored = store.content(store.vault().name(&text)).expect("opens");
            assert!(stored.as_deref() == Some(text.as_str()), "the text of {ack} is lost");
        }
    }
}

#[test]
fn processes_share_a_home_that_none_of_them_found_there() {
    let parent = tempfile::tempdir().expect("a directory");
    let home = parent.path().join("home");
    let children: Vec<_> = (1..=4).map(|run| start(&home, run, 12)).collect();
    for mut child in children {
        let said = BufReader::new(child.stdout.take().expect("piped")).lines().count();
        assert!(child.wait().expect("waited for").success() && said >= 12);
    }
    let store = SqliteStore::open(&home).expect("opens");
    let expected = 3 * (1 + 3 + 40 + 300);
    for run in 1..=4 {
        let log = store.log(RunId::from_random(run), 0, u32::MAX).expect("log");
        assert!(log.iter().map(|event| event.seq).eq(1..=expected));
    }
    let all = store.events(&Filter::default()).expect("events");
    assert!(all.iter().map(|stored| stored.id).eq(1..=4 * expected));
}
