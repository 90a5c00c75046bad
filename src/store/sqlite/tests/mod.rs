//! What a store promises, on real files.

mod fixture;
mod listings;
mod opening;
mod plans;

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::domain::RunState::{self, Created, Running, Suspended};
use crate::store::Sealed;
use fixture::{Home, batch, completed, event, owner_that_died, run_id, run_row, task_row};

#[test]
fn what_was_committed_is_there_after_reopening() {
    let home = Home::new();
    let batch = batch(1, 1..=600);
    home.store().commit(&batch).expect("committed");
    let store = home.store();
    assert_eq!(store.log(run_id(1), 0, 1000).expect("log"), batch.events);
    assert_eq!(store.log(run_id(1), 590, 5).expect("log"), batch.events[590..595]);
    assert_eq!(store.log(run_id(2), 0, 10).expect("log"), []);
    assert_eq!(store.runs(&Filter::default()).expect("runs"), batch.runs);
    assert_eq!(store.tasks(&Filter::default()).expect("tasks"), batch.tasks);
    assert_eq!(store.agents(&Filter::default()).expect("agents"), batch.agents);
}

#[test]
fn an_event_that_does_not_follow_leaves_nothing_of_its_batch() {
    let home = Home::new();
    let store = home.store();
    store.commit(&batch(1, 1..=3)).expect("committed");
    for wrong in [5, 3, 1] {
        let mut bad = batch(2, 1..=2);
        bad.events.push(event(1, wrong));
        let error = store.commit(&bad).expect_err("a gap");
        assert!(matches!(error, StoreError::Gap { last: 3, got, .. } if got == wrong), "{error}");
    }
    assert_eq!(store.events(&Filter::default()).expect("events").len(), 3);
    assert_eq!(store.runs(&Filter::default()).expect("runs").len(), 1);
    store.commit(&batch(1, 4..=4)).expect("the store goes on");
}

#[test]
fn runs_that_take_turns_each_keep_their_order() {
    let home = Home::new();
    let store = home.store();
    let events: Vec<_> = (1..=300).flat_map(|seq| [event(1, seq), event(2, seq), event(2, seq + 300)]).collect();
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for event in events {
        if event.run == run_id(2) && event.seq > 300 { last.push(event) } else { first.push(event) }
    }
    first.append(&mut last);
    store.commit(&Batch { events: first.clone(), ..Batch::default() }).expect("committed");
    let all = store.events(&Filter::default()).expect("events");
    assert!(all.iter().zip(1..).all(|(stored, id)| stored.id == id));
    assert!(all.into_iter().map(|stored| stored.event).eq(first));
    for (run, count) in [(1, 300), (2, 600)] {
        let log = store.log(run_id(run), 0, 10_000).expect("log");
        assert!(log.iter().map(|event| event.seq).eq(1..=count));
    }
}

#[test]
fn a_row_without_a_result_does_not_take_a_stored_one_away() {
    let home = Home::new();
    let store = home.store();
    store.commit(&batch(1, 1..=1)).expect("committed");
    let done = completed(&task_row(1, 0), 7);
    store.commit(&Batch { tasks: vec![done.clone()], ..Batch::default() }).expect("committed");
    let bare = TaskRow { finished: None, ended: None, ..done.clone() };
    store.commit(&Batch { tasks: vec![bare], ..Batch::default() }).expect("committed");
    assert_eq!(store.tasks(&Filter { run: Some(run_id(1)), ..Filter::default() }).expect("tasks")[0], done);
    assert_eq!(store.results(&[done.key]).expect("results").len(), 1);
}

#[test]
fn texts_are_kept_sealed_small_ones_in_rows_and_large_ones_in_files() {
    let home = Home::new();
    let store = home.store();
    let mut noise = vec![0_u8; 3 << 20];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    let large: String = noise.iter().map(|byte| char::from(byte % 94 + 33)).collect();
    let contents: Vec<Sealed> = ["hello", "", &large].map(|text| store.vault().seal(text)).into();
    store.commit(&Batch { contents: contents.clone(), ..Batch::default() }).expect("committed");
    store.commit(&Batch { contents: contents.clone(), ..Batch::default() }).expect("and again");
    let store = home.store();
    for (sealed, text) in contents.iter().zip(["hello", "", &large]) {
        assert_eq!(store.content(sealed.name).expect("opens").as_deref(), Some(text));
    }
    let files: Vec<_> = std::fs::read_dir(home.path().join("content")).expect("dir").flatten().collect();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].metadata().expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(store.content(store.vault().name("never stored")).expect("no error"), None);
    std::fs::remove_file(files[0].path()).expect("removed");
    assert!(matches!(store.content(contents[2].name), Err(StoreError::Sealed(name)) if name == contents[2].name));
}

#[test]
fn a_text_that_could_not_be_sealed_is_not_committed() {
    let home = Home::new();
    let store = home.store();
    let empty = Sealed { bytes: Vec::new(), ..store.vault().seal("x") };
    assert!(store.commit(&Batch { contents: vec![empty], ..batch(1, 1..=1) }).is_err());
    assert_eq!(store.runs(&Filter::default()).expect("runs"), []);
}

#[test]
fn a_run_has_one_living_owner() {
    let home = Home::new();
    let store = home.store();
    let mine = Owner::current();
    assert!(matches!(store.take_over(run_id(9), &mine), Err(StoreError::NoRun(_))));
    let orphan = RunRow { owner: Some(owner_that_died()), ..run_row(1) };
    let owned = RunRow { owner: Some(mine.clone()), ..run_row(2) };
    let nobodys = RunRow { state: RunState::Created, owner: None, ..run_row(3) };
    store.commit(&Batch { runs: vec![orphan, owned, nobodys], ..Batch::default() }).expect("committed");
    let states = |store: &SqliteStore| -> Vec<_> {
        store.runs(&Filter::default()).expect("runs").iter().map(|run| (run.id, run.state)).collect()
    };
    assert_eq!(states(&store), [(run_id(3), Suspended), (run_id(2), Running), (run_id(1), Suspended)]);
    for run in [1, 2, 3] {
        store.take_over(run_id(run), &mine).expect("nobody else is at work on it");
    }
    assert_eq!(states(&store), [(run_id(3), Created), (run_id(2), Running), (run_id(1), Running)]);
    let other = owner_that_died();
    let error = store.take_over(run_id(1), &other).expect_err("it has a living owner");
    assert!(matches!(error, StoreError::Owned { pid, .. } if pid == mine.pid), "{error}");
}

#[test]
fn the_version_changes_with_commits_of_this_process_and_of_others_and_with_nothing_else() {
    let home = Home::new();
    let (mine, other) = (home.store(), home.store());
    let before = mine.version().expect("version");
    mine.events(&Filter::default()).expect("events");
    mine.idle();
    assert_eq!(mine.version().expect("version"), before);
    mine.commit(&batch(1, 1..=1)).expect("committed");
    let after_mine = mine.version().expect("version");
    other.commit(&batch(2, 1..=1)).expect("committed");
    let after_other = mine.version().expect("version");
    assert!(before != after_mine && after_mine != after_other);
}

#[test]
fn idle_moments_empty_the_write_ahead_log() {
    let home = Home::new();
    let store = home.store();
    store.commit(&batch(1, 1..=2_000)).expect("committed");
    let database = home.path().join(fault::DATABASE);
    let before = std::fs::metadata(&database).expect("there").len();
    store.idle();
    assert!(std::fs::metadata(&database).expect("there").len() > before);
    assert_eq!(store.log(run_id(1), 0, 5_000).expect("log").len(), 2_000);
}

#[test]
fn many_writers_of_one_home_all_get_through() {
    let home = Home::new();
    let stores = [home.store(), home.store()];
    std::thread::scope(|scope| {
        for run in 1..=4_u64 {
            let store = &stores[usize::try_from(run % 2).expect("0 or 1")];
            scope.spawn(move || {
                for at in 0..25 {
                    store.commit(&batch(run, at * 4 + 1..=at * 4 + 4)).expect("committed");
                }
            });
        }
    });
    for run in 1..=4 {
        let log = stores[0].log(run_id(run), 0, 1_000).expect("log");
        assert!(log.iter().map(|event| event.seq).eq(1..=100));
    }
    let ids = stores[0].events(&Filter::default()).expect("events");
    assert!(ids.iter().map(|stored| stored.id).eq(1..=400));
}
