//! Homes that are new, shared, closed, broken or of another release.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;

use super::fixture::{Home, batch};
use super::*;

fn refused(home: &Path) -> String {
    match SqliteStore::open(home) {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

#[test]
fn a_new_home_is_for_its_owner_only() {
    let parent = Home::new();
    let home = parent.path().join("some/where");
    let store = SqliteStore::open(&home).expect("opens");
    store.commit(&batch(1, 1..=1)).expect("committed");
    assert_eq!(mode(&home), 0o700);
    for file in ["flightdeck.db", "flightdeck.db-wal", "flightdeck.db-shm", "content.key"] {
        assert_eq!(mode(&home.join(file)), 0o600, "{file}");
    }
    assert!(matches!(store.key_origin(), KeyOrigin::File { created: true, .. }));
    drop(store);
    let again = SqliteStore::open(&home).expect("opens again");
    assert!(matches!(again.key_origin(), KeyOrigin::File { created: false, .. }));
}

#[test]
fn an_empty_directory_is_closed_and_one_with_other_things_left_as_it_is() {
    let (empty, used) = (Home::new(), Home::new());
    fs::write(used.path().join("notes.txt"), "mine").expect("written");
    for home in [&empty, &used] {
        fs::set_permissions(home.path(), Permissions::from_mode(0o755)).expect("mode");
        home.store();
    }
    assert_eq!((mode(empty.path()), mode(used.path())), (0o700, 0o755));
}

#[test]
fn many_may_open_a_new_home_at_once() {
    let home = Home::new();
    std::thread::scope(|scope| {
        for run in 0..6 {
            let home = &home;
            scope.spawn(move || home.store().commit(&batch(run, 1..=2)).expect("committed"));
        }
    });
    assert_eq!(home.store().events(&Filter::default()).expect("events").len(), 12);
}

#[test]
fn a_database_of_a_newer_release_is_left_alone() {
    let home = Home::new();
    home.store();
    let db = Connection::open(home.path().join(fault::DATABASE)).expect("opens");
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
                 VALUES (99, 'later', '2030-01-01T00:00:00Z', '1')";
    db.execute(newer, []).expect("written");
    match SqliteStore::open(home.path()) {
        Err(StoreError::Newer { found: 99, known: 1, .. }) => {}
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn what_is_no_database_or_no_directory_is_said_with_what_to_do() {
    let home = Home::new();
    let text = "this is a shopping list and no database at all ".repeat(50);
    fs::write(home.path().join(fault::DATABASE), text).expect("written");
    assert!(refused(home.path()).contains("no SQLite database: move it away"));
    let file = Home::new();
    let path = file.path().join("file");
    fs::write(&path, "").expect("written");
    assert!(refused(&path).contains("give another --home"));
    assert!(refused(&path.join("below")).contains("flightdeck.db"));
}

#[test]
fn a_damaged_database_is_an_error_and_no_panic() {
    let home = Home::new();
    home.store().commit(&batch(1, 1..=500)).expect("committed");
    let path = home.path().join(fault::DATABASE);
    let mut bytes = fs::read(&path).expect("there");
    for byte in bytes.iter_mut().skip(4096) {
        *byte = 0xa5;
    }
    fs::write(&path, bytes).expect("written");
    let said = match SqliteStore::open(home.path()) {
        Err(error) => error.to_string(),
        Ok(store) => store.events(&Filter::default()).expect_err("damaged").to_string(),
    };
    assert!(said.contains("damaged") || said.contains("schema"), "{said}");
}

#[test]
fn a_database_is_not_used_with_another_key_or_without_its_own() {
    let home = Home::new();
    home.store();
    let key = home.path().join("content.key");
    let kept = fs::read(&key).expect("there");
    fs::remove_file(&key).expect("removed");
    assert!(refused(home.path()).contains("content.key beside it, is missing"));
    assert!(!key.exists(), "no other key is made");
    fs::write(&key, [1; 32]).expect("written");
    assert!(refused(home.path()).contains("another key"));
    fs::write(&key, kept).expect("written");
    home.store();
}

#[test]
fn a_database_that_may_not_be_written_says_so() {
    let home = Home::new();
    home.store();
    fs::set_permissions(home.path().join(fault::DATABASE), Permissions::from_mode(0o400)).expect("mode");
    // The superuser may write everything: there is nothing to refuse then.
    if !rustix::process::geteuid().is_root() {
        assert!(refused(home.path()).contains("writable"));
    }
}

#[test]
fn a_full_disk_is_named_and_loses_nothing_that_was_there() {
    let home = Home::new();
    let store = home.store();
    store.commit(&batch(1, 1..=1)).expect("committed");
    // A limit on the database's size stands for the disk's: SQLite reports both alike.
    store.writer.lock().pragma_update(None, "max_page_count", 1).expect("set");
    let error = store.commit(&batch(1, 2..=5_000)).expect_err("full");
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    store.writer.lock().pragma_update(None, "max_page_count", 1_000_000).expect("set");
    assert_eq!(store.events(&Filter::default()).expect("events").len(), 1);
    store.commit(&batch(1, 2..=5_000)).expect("there is room again");
}
