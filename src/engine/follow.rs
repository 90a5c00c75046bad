//! Watching a run: one that is at work here, one of another process, or one that has ended. To
//! the watcher they are alike: first a snapshot, then what happens.

use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::handle::{HandleError, Update};
use super::main_loop::Ask;
use crate::domain::{Event, Run, RunId};
use crate::store::{Store, StoreError};

/// How many events are read from the log at a time.
const PAGE: u32 = 5_000;

/// A run being watched.
pub struct Watch {
    run: RunId,
    seq: u64,
    ended: bool,
    source: Source,
}

enum Source {
    /// At work in this process.
    Here {
        feed: broadcast::Receiver<Arc<[Event]>>,
        asks: mpsc::Sender<Ask>,
        store: Arc<dyn Store>,
        first: Option<Box<Run>>,
    },
    /// In the log: ended, or at work in another process.
    Log { store: Arc<dyn Store>, changes: watch::Receiver<u64>, first: Option<Box<Run>> },
}

impl Watch {
    pub(super) async fn open(
        run: RunId,
        feed: broadcast::Receiver<Arc<[Event]>>,
        asks: mpsc::Sender<Ask>,
        store: Arc<dyn Store>,
        changes: impl FnOnce() -> watch::Receiver<u64>,
    ) -> Result<Self, HandleError> {
        if let Some(here) = snapshot(&asks, run).await {
            let source = Source::Here { feed, asks, store, first: Some(Box::new(here)) };
            return Ok(Self { run, seq: 0, ended: false, source });
        }
        let changes = changes();
        let folded = read(&store, move |store| fold(store, run)).await?;
        let first = folded.ok_or_else(|| HandleError::Refused(format!("there is no run {run}")))?;
        Ok(Self { run, seq: 0, ended: false, source: Source::Log { store, changes, first: Some(Box::new(first)) } })
    }

    /// The next update; nothing once the run has ended and everything was told.
    pub async fn next(&mut self) -> Option<Update> {
        if self.ended {
            return None;
        }
        let update = match &mut self.source {
            Source::Here { first, .. } | Source::Log { first, .. } if first.is_some() => {
                first.take().map(Update::Snapshot)
            }
            Source::Here { feed, asks, store, .. } => next_here(self.run, self.seq, feed, asks, store).await,
            Source::Log { store, changes, .. } => next_in_log(self.run, self.seq, store, changes).await,
        };
        match &update {
            Some(Update::Snapshot(run)) => {
                self.seq = run.last_seq;
                self.ended = run.state.is_final();
            }
            Some(Update::Events(events)) => {
                if let Some(last) = events.last() {
                    self.seq = last.seq;
                    self.ended = matches!(last.body, crate::domain::Body::RunFinished(_));
                }
            }
            None => self.ended = true,
        }
        update
    }
}

async fn snapshot(asks: &mpsc::Sender<Ask>, run: RunId) -> Option<Run> {
    let (reply, answer) = oneshot::channel();
    asks.send(Ask::Snapshot { run, reply }).await.ok()?;
    answer.await.ok().flatten()
}

async fn next_here(
    run: RunId,
    seq: u64,
    feed: &mut broadcast::Receiver<Arc<[Event]>>,
    asks: &mpsc::Sender<Ask>,
    store: &Arc<dyn Store>,
) -> Option<Update> {
    loop {
        let received = tokio::select! {
            biased;
            received = feed.recv() => received,
            // The feed itself stays open as long as anybody holds a handle.
            () = asks.closed() => return None,
        };
        match received {
            Ok(events) => {
                let mine = |event: &&Event| event.run == run && event.seq > seq;
                if events.iter().all(|event| mine(&event)) {
                    return Some(Update::Events(events));
                }
                let events: Vec<Event> = events.iter().filter(mine).cloned().collect();
                if !events.is_empty() {
                    return Some(Update::Events(events.into()));
                }
            }
            // A watcher that was too slow starts afresh, instead of slowing the engine down.
            Err(broadcast::error::RecvError::Lagged(_)) => {
                let here = snapshot(asks, run).await;
                let now = match here {
                    Some(here) => Some(here),
                    None => read(store, move |store| fold(store, run)).await.ok().flatten(),
                };
                return now.map(|run| Update::Snapshot(Box::new(run)));
            }
            Err(broadcast::error::RecvError::Closed) => return None,
        }
    }
}

async fn next_in_log(
    run: RunId,
    seq: u64,
    store: &Arc<dyn Store>,
    changes: &mut watch::Receiver<u64>,
) -> Option<Update> {
    loop {
        changes.mark_unchanged();
        let events = read(store, move |store| store.log(run, seq, PAGE)).await.ok()?;
        if !events.is_empty() {
            return Some(Update::Events(events.into()));
        }
        changes.changed().await.ok()?;
    }
}

/// Reads the store without blocking the caller.
pub(super) async fn read<T: Send + 'static>(
    store: &Arc<dyn Store>,
    query: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, HandleError> {
    let store = Arc::clone(store);
    tokio::task::spawn_blocking(move || query(&*store))
        .await
        .map_err(|_| HandleError::Stopped)?
        .map_err(|error| HandleError::Refused(error.to_string()))
}

/// Folds a run from its log; nothing where there is no such run.
pub(super) fn fold(store: &dyn Store, id: RunId) -> Result<Option<Run>, StoreError> {
    let mut run: Option<Run> = None;
    loop {
        let after = run.as_ref().map_or(0, |run| run.last_seq);
        let events = store.log(id, after, PAGE)?;
        if events.is_empty() {
            return Ok(run);
        }
        for event in &events {
            let folded = match run.as_mut() {
                Some(run) => run.apply(event),
                None => Run::first(event).map(|first| run = Some(first)),
            };
            folded.map_err(|fault| StoreError::Database(format!("the log does not fold: {fault}")))?;
        }
    }
}
