//! How much durable events cost beside bare SQLite: the same 300 bytes, the same number of them per
//! transaction, `synchronous = FULL` in both, interleaved on one disk.
//!
//! `cargo bench --bench store`; `FLIGHTDECK_BENCH_DIR` says on which disk (else the build's
//! directory: one in memory would measure nothing). `plain` is the least that SQLite can be asked
//! for (run, number, text; no index), `keyed` has UNIQUE (run, seq) besides.
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flightdeck::domain::event::CallFinished;
use flightdeck::domain::event::Settlement;
use flightdeck::domain::report::Quota;
use flightdeck::domain::time::Mono;
use flightdeck::domain::{Answer, Body, ContentRef, Event, Money, Receipt, RunId, Sent, Totals, Usage, Wall};
use flightdeck::store::{Batch, SqliteStore, Store};
use rusqlite::{Connection, TransactionBehavior, params};

const ROUNDS: usize = 7;
/// Events per batch, and batches per round.
const SIZES: [(usize, usize); 4] = [(1, 400), (10, 400), (100, 200), (1_000, 60)];

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let root = std::env::var_os("FLIGHTDECK_BENCH_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let example = event(RunId::from_random(1), 1);
    println!("events of {} bytes in {}", example.body.to_json()?.len(), root.display());
    println!(
        "{:>6} {:>12} {:>12} {:>12} {:>9} {:>9} {:>11}",
        "batch", "plain /s", "keyed /s", "store /s", "/ plain", "/ keyed", "p99 commit"
    );
    for (size, batches) in SIZES {
        measure(&root, size, batches)?;
    }
    Ok(())
}

fn measure(root: &Path, size: usize, batches: usize) -> Outcome<()> {
    let dir = tempfile::Builder::new().prefix("bench").tempdir_in(root)?;
    let mut plain = bare(&dir.path().join("plain.db"), "")?;
    let mut keyed = bare(&dir.path().join("keyed.db"), ", UNIQUE (run, seq)")?;
    let store = SqliteStore::open(&dir.path().join("home"))?;
    let mut times: [Vec<f64>; 3] = Default::default();
    let mut commits = Vec::new();
    for round in 0..ROUNDS {
        let rounds = make_batches(round, size, batches)?;
        for turn in 0..3 {
            // Each is first, second and last equally often.
            let who = (turn + round) % 3;
            let begin = Instant::now();
            match who {
                0 => insert(&mut plain, &rounds)?,
                1 => insert(&mut keyed, &rounds)?,
                _ => commits.append(&mut commit(&store, &rounds)?),
            }
            if let Some(times) = times.get_mut(who) {
                times.push(begin.elapsed().as_secs_f64());
            }
        }
        store.idle();
    }
    let events = as_float(size * batches);
    let [plain, keyed, ours] = times.map(|times| events / median(times));
    commits.sort_unstable();
    let p99 = commits.get(commits.len() * 99 / 100).copied().unwrap_or_default();
    println!(
        "{size:>6} {plain:>12.0} {keyed:>12.0} {ours:>12.0} {:>9.2} {:>9.2} {:>9.1?}",
        ours / plain,
        ours / keyed,
        p99
    );
    Ok(())
}

struct Prepared {
    batch: Batch,
    /// What bare SQLite stores: it has no JSON to make.
    rows: Vec<(i64, i64, String)>,
}

fn make_batches(round: usize, size: usize, batches: usize) -> Outcome<Vec<Prepared>> {
    let run = RunId::from_random(round as u64 + 1);
    let mut seq = 0;
    (0..batches)
        .map(|_| {
            let events: Vec<Event> = std::iter::repeat_with(|| {
                seq += 1;
                event(run, seq)
            })
            .take(size)
            .collect();
            let rows = events.iter().map(bare_row).collect::<Outcome<_>>()?;
            Ok(Prepared { batch: Batch { events, ..Batch::default() }, rows })
        })
        .collect()
}

fn bare_row(event: &Event) -> Outcome<(i64, i64, String)> {
    Ok((i64::try_from(event.run.number())?, i64::try_from(event.seq)?, event.body.to_json()?))
}

fn bare(path: &Path, key: &str) -> Outcome<Connection> {
    let db = Connection::open(path)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.execute_batch(&format!(
        "CREATE TABLE events (id INTEGER PRIMARY KEY, run INTEGER, seq INTEGER, data TEXT{key})"
    ))?;
    Ok(db)
}

fn insert(db: &mut Connection, rounds: &[Prepared]) -> Outcome<()> {
    for Prepared { rows, .. } in rounds {
        let work = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = work.prepare_cached("INSERT INTO events (run, seq, data) VALUES (?, ?, ?)")?;
            for (run, seq, data) in rows {
                insert.execute(params![run, seq, data])?;
            }
        }
        work.commit()?;
    }
    Ok(())
}

fn commit(store: &SqliteStore, rounds: &[Prepared]) -> Outcome<Vec<Duration>> {
    rounds
        .iter()
        .map(|prepared| {
            let begin = Instant::now();
            store.commit(&prepared.batch)?;
            Ok(begin.elapsed())
        })
        .collect()
}

fn event(run: RunId, seq: u64) -> Event {
    let agent = u32::try_from(seq / 50 * 10 + seq % 10).ok();
    let at = Wall(1_795_000_000_000 + i64::try_from(seq).unwrap_or(0));
    let money = Totals {
        spent: Money::from_nanos(123_456_789),
        unconfirmed: Money::ZERO,
        reserved: Money::from_nanos(45_678_901),
        budget: Some(Money::from_nanos(5_000_000_000)),
    };
    let finished = CallFinished {
        call: seq,
        answer: Some(Answer {
            output: ContentRef(u128::from(seq).to_be_bytes()),
            message: None,
            preview: "Quicksort: 4,812 comparisons".to_owned(),
            truncated: false,
        }),
        error: None,
        stopped: None,
        usage: Some(Usage { input_tokens: 412, output_tokens: 96, ..Usage::default() }),
        cost_usd: Money::from_nanos(900_123),
        held_usd: Money::ZERO,
        settlement: Settlement::Settled,
        sent: Sent::Maybe,
        model: None,
        first_output_ms: Some(301),
        duration_ms: 812,
        request_id: None,
        quota: Quota::default(),
        receipt: Receipt::default(),
    };
    Event {
        run,
        seq,
        at,
        mono: Mono(0),
        agent,
        task: agent,
        money: Some(money),
        body: Body::CallFinished(Box::new(finished)),
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

#[allow(clippy::cast_precision_loss, reason = "a rate needs no more than the digits of a float")]
fn as_float(number: usize) -> f64 {
    number as f64
}
