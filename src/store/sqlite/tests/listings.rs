//! Listings against the same filters done by hand.

use proptest::prelude::*;

use super::fixture::{Home, agent_row, batch, completed, event, owner_that_died, run_id, run_row, task_row, usage};
use crate::domain::{AgentState, Event, Key, RunState, Severity, Wall};
use crate::store::{Batch, Filter, RunRow, Store, StoredEvent, TaskRow};

const RUNS: u64 = 3;
const TURNS: [u64; 4] = [1, 40, 3, 300];
const EVENTS: u64 = 700;

fn by_hand(all: &[StoredEvent], filter: &Filter) -> Vec<StoredEvent> {
    let fits = |stored: &&StoredEvent| {
        let Event { run, at, agent, body, .. } = &stored.event;
        filter.run.is_none_or(|wanted| wanted == *run)
            && filter.agent.is_none_or(|wanted| Some(wanted) == *agent)
            && filter.kind.as_deref().is_none_or(|wanted| wanted == body.kind())
            && filter.severity.is_none_or(|least| body.severity() >= least)
            && filter.since.is_none_or(|since| *at >= since)
            && filter.until.is_none_or(|until| *at <= until)
            && filter.after.is_none_or(|after| stored.id > after)
    };
    let mut found: Vec<_> = all.iter().filter(fits).cloned().collect();
    let limit = filter.limit.map_or(usize::MAX, |limit| limit as usize);
    if filter.after.is_none() {
        found.drain(..found.len().saturating_sub(limit));
    }
    found.truncate(limit);
    found
}

/// Runs take turns in stretches of different lengths, so that spans are cut in every way.
fn log_of_turns(home: &Home) -> Vec<StoredEvent> {
    let store = home.store();
    let mut next = [1_u64; 3];
    for turn in 0.. {
        let run = turn % RUNS;
        let seq = &mut next[usize::try_from(run).expect("small")];
        let count = TURNS[usize::try_from(turn / RUNS % 4).expect("small")].min(EVENTS + 1 - *seq);
        let events = (*seq..*seq + count).map(|seq| event(run, seq)).collect();
        *seq += count;
        store.commit(&Batch { events, ..Batch::default() }).expect("committed");
        if next.iter().all(|seq| *seq > EVENTS) {
            break;
        }
    }
    store.events(&Filter::default()).expect("events")
}

fn filters() -> impl Strategy<Value = Filter> {
    use proptest::option::of;
    let kinds = proptest::sample::select(vec!["task_started", "agent_state", "task_retrying", "run_finished"]);
    let severities = proptest::sample::select(vec![Severity::Debug, Severity::Info, Severity::Warn, Severity::Error]);
    let moments = || of(0..=800_i64);
    (of(0..=RUNS), of(0..8_u32), of(kinds), of(severities), moments(), moments(), of(0..2_200_u64), of(0..500_u32))
        .prop_map(|(run, agent, kind, severity, since, until, after, limit)| Filter {
            run: run.map(run_id),
            agent,
            state: None,
            kind: kind.map(str::to_owned),
            severity,
            since: since.map(Wall),
            until: until.map(Wall),
            after,
            limit,
        })
}

#[test]
fn every_filter_of_events_finds_what_a_scan_would() {
    let home = Home::new();
    let all = log_of_turns(&home);
    assert_eq!(all.len() as u64, RUNS * EVENTS);
    let store = home.store();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let outcome = runner.run(&filters(), |filter| {
        prop_assert_eq!(store.events(&filter).expect("events"), by_hand(&all, &filter));
        Ok(())
    });
    outcome.expect("the same");
}

#[test]
fn runs_are_listed_newest_first_and_by_the_state_that_they_are_in() {
    let home = Home::new();
    let store = home.store();
    let ended = |row: RunRow, state| RunRow { state, owner: None, ended: Some(Wall(9_000)), ..row };
    let runs = vec![
        run_row(4),
        ended(run_row(1), RunState::Completed),
        ended(run_row(3), RunState::Failed),
        RunRow { owner: Some(owner_that_died()), ..run_row(2) },
        ended(run_row(5), RunState::Completed),
    ];
    store.commit(&Batch { runs, ..Batch::default() }).expect("committed");
    let numbers =
        |filter: Filter| -> Vec<u64> { store.runs(&filter).expect("runs").iter().map(|run| run.id.number()).collect() };
    let state = |state: &str| Filter { state: Some(state.to_owned()), ..Filter::default() };
    assert_eq!(numbers(Filter::default()), [5, 4, 3, 2, 1]);
    assert_eq!(numbers(state("completed")), [5, 1]);
    assert_eq!(numbers(Filter { limit: Some(1), ..state("completed") }), [5]);
    assert_eq!(numbers(state("running")), [4]);
    assert_eq!(numbers(Filter { limit: Some(1), ..state("suspended") }), [2]);
    assert_eq!(numbers(state("no such state")), [0_u64; 0]);
    assert_eq!(numbers(Filter { run: Some(run_id(3)), ..Filter::default() }), [3]);
    let between = Filter { since: Some(Wall(2_000)), until: Some(Wall(4_000)), ..Filter::default() };
    assert_eq!(numbers(between), [4, 3, 2]);
    assert_eq!(numbers(Filter { limit: Some(2), ..Filter::default() }), [5, 4]);
}

#[test]
fn tasks_and_agents_are_listed_newest_run_first_then_by_number() {
    let home = Home::new();
    let store = home.store();
    for run in [2, 1, 3] {
        store.commit(&batch(run, 1..=1)).expect("committed");
    }
    store.commit(&Batch { agents: vec![agent_row(2, 2)], ..Batch::default() }).expect("committed");
    let tasks = |filter: Filter| -> Vec<(u64, u32)> {
        store.tasks(&filter).expect("tasks").iter().map(|task| (task.run.number(), task.task)).collect()
    };
    let agents = |filter: Filter| -> Vec<(u64, u32)> {
        store.agents(&filter).expect("agents").iter().map(|agent| (agent.id.run.number(), agent.id.no)).collect()
    };
    assert_eq!(tasks(Filter::default()), [(3, 0), (3, 1), (2, 0), (2, 1), (1, 0), (1, 1)]);
    assert_eq!(agents(Filter { run: Some(run_id(2)), ..Filter::default() }), [(2, 0), (2, 1), (2, 2)]);
    assert_eq!(agents(Filter { run: Some(run_id(2)), agent: Some(1), ..Filter::default() }), [(2, 1)]);
    let running = Filter { state: Some("running".to_owned()), limit: Some(2), ..Filter::default() };
    assert_eq!(tasks(running), [(3, 1), (2, 1)]);
    let working = Filter { state: Some(AgentState::Working.word().to_owned()), ..Filter::default() };
    assert_eq!(agents(working).len(), 7);
    // Those that ended did at 100; the others count by their run's beginning.
    assert_eq!(tasks(Filter { until: Some(Wall(1_500)), ..Filter::default() }), [(1, 0), (1, 1)]);
    assert_eq!(tasks(Filter { since: Some(Wall(2_500)), ..Filter::default() }), [(3, 1)]);
    assert_eq!(agents(Filter { until: Some(Wall(1_500)), ..Filter::default() }), [(1, 0), (1, 1)]);
}

#[test]
fn the_newest_reusable_answer_of_a_key_is_found() {
    let home = Home::new();
    let store = home.store();
    let runs = vec![run_row(1), run_row(2), RunRow { reusable: false, ..run_row(3) }];
    let cached = |mut row: TaskRow| {
        row.finished.as_mut().expect("finished").cached = true;
        row
    };
    let tasks = vec![
        completed(&task_row(1, 0), 50),
        completed(&task_row(2, 0), 40),
        completed(&task_row(3, 0), 60),
        cached(completed(&TaskRow { key: task_row(1, 0).key, ..task_row(2, 5) }, 70)),
        task_row(2, 1),
    ];
    let expected = tasks[0].clone();
    store.commit(&Batch { runs, tasks, ..Batch::default() }).expect("committed");
    let many: Vec<Key> = (0..3_000).map(Key).chain([expected.key, task_row(2, 1).key]).collect();
    let found = store.results(&many).expect("results");
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), [expected.key]);
    let result = &found[&expected.key];
    assert_eq!((result.run, result.task, result.payload), (expected.run, 0, expected.payload));
    assert_eq!(Some(&result.finished), expected.finished.as_deref());
}

#[test]
fn typical_usage_is_the_average_of_the_newest() {
    let home = Home::new();
    let store = home.store();
    assert_eq!(store.typical_usage("openai", "gpt-4o-mini", 10).expect("usage"), None);
    let tasks = vec![
        completed(&task_row(1, 0), 1_000),
        completed(&task_row(2, 0), 10),
        completed(&task_row(2, 1), 20),
        task_row(2, 2),
    ];
    let other = RunRow { model: "another".to_owned(), ..run_row(3) };
    store.commit(&Batch { runs: vec![run_row(1), run_row(2), other], tasks, ..Batch::default() }).expect("committed");
    assert_eq!(store.typical_usage("openai", "gpt-4o-mini", 2).expect("usage"), Some((usage(15), 2)));
    assert_eq!(store.typical_usage("openai", "another", 2).expect("usage"), None);
}
