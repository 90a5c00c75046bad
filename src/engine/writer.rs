//! The store's thread: commits what has come meanwhile, and moves the durable watermark.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::store::{Batch, Store, StoreError};

/// How long to wait before a commit that failed is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// After how long without a batch the store may tidy up.
const IDLE: Duration = Duration::from_millis(500);

/// What the store's thread tells the loop.
#[derive(Debug)]
pub(super) enum Written {
    /// The batch is durable.
    Done,
    /// It is not, and will be tried again: nothing is lost, nothing new is admitted meanwhile.
    Failing(StoreError),
}

/// The way to the store's thread.
pub(super) struct Writer {
    // One place: the loop hands over a batch only when the last one is durable, and gathers
    // meanwhile. That is what makes commits grow with the load.
    batches: Option<SyncSender<Batch>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. `told` has room for one message per batch and one per failure.
    pub(super) fn start(store: Arc<dyn Store>, told: mpsc::Sender<Written>) -> std::io::Result<Self> {
        let (batches, queue) = sync_channel(1);
        let thread =
            std::thread::Builder::new().name("store".to_owned()).spawn(move || write(&*store, &queue, &told))?;
        Ok(Self { batches: Some(batches), thread: Some(thread) })
    }

    /// Hands over a batch. Never blocks: the loop sends one at a time.
    pub(super) fn commit(&self, batch: Batch) -> bool {
        self.batches.as_ref().is_some_and(|batches| batches.try_send(batch).is_ok())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            // The thread ends once its queue is closed; a panic in it has been reported already.
            let _ = thread.join();
        }
    }
}

fn write(store: &dyn Store, queue: &Receiver<Batch>, told: &mpsc::Sender<Written>) {
    while let Some(batch) = next(store, queue) {
        loop {
            match store.commit(&batch) {
                Ok(()) => break,
                Err(error) => {
                    if told.blocking_send(Written::Failing(error)).is_err() {
                        return;
                    }
                    std::thread::sleep(AGAIN);
                }
            }
        }
        if told.blocking_send(Written::Done).is_err() {
            return;
        }
    }
}

/// The next batch. When none comes for a while, the store may tidy up: once, for an idle engine
/// does nothing at all.
fn next(store: &dyn Store, queue: &Receiver<Batch>) -> Option<Batch> {
    match queue.recv_timeout(IDLE) {
        Ok(batch) => Some(batch),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => {
            store.idle();
            queue.recv().ok()
        }
    }
}
