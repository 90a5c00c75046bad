//! Notices what other processes write to the home.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;

use crate::store::Store;

/// How often the store is asked. `SQLite` has no notification across processes; its version
/// counter is one read of shared memory.
const EVERY: Duration = Duration::from_millis(250);

/// Starts a thread that tells of every change, and ends once the store or all listeners are gone.
pub(super) fn start(store: &Arc<dyn Store>) -> watch::Receiver<u64> {
    let (tell, listen) = watch::channel(store.version().unwrap_or(0));
    let store: Weak<dyn Store> = Arc::downgrade(store);
    let watcher = std::thread::Builder::new().name("watcher".to_owned()).spawn(move || {
        while let Some(store) = store.upgrade() {
            if let Ok(version) = store.version() {
                tell.send_if_modified(|known| std::mem::replace(known, version) != version);
            }
            drop(store);
            std::thread::sleep(EVERY);
            if tell.is_closed() {
                return;
            }
        }
    });
    drop(watcher);
    listen
}
