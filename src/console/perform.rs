//! Performs what the console asks of the world outside. Nothing here is waited for: the answer
//! comes back through the queue, so that no slow engine or disk ever holds a frame back.

use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::task::{AbortHandle, JoinSet};

use super::orders::order;
use super::wish::{Answer, Ask};
use crate::domain::{Command, Event, RunId, Targets};
use crate::engine::handle::{Ack, Handle};
use crate::store::Filter;

/// How many events from before the watch are read.
const OLDER: u32 = 1_000;
/// How many runs are listed.
const RUNS: u32 = 500;
/// The list is not read again sooner than this.
const LIST_PAUSE: Duration = Duration::from_secs(1);

/// Everything that is under way for the console; dropped with it.
pub(crate) struct Performer {
    handle: Handle,
    answers: Sender<Answer>,
    tasks: JoinSet<()>,
    watching: Option<AbortHandle>,
}

impl Performer {
    /// Answers go to `answers`, whose bound holds back what is asked, never the engine.
    pub(crate) fn new(handle: Handle, answers: Sender<Answer>) -> Self {
        Self { handle, answers, tasks: JoinSet::new(), watching: None }
    }

    /// Begins what is asked. What concerns the terminal and the end is not for here.
    pub(crate) fn begin(&mut self, ask: Ask) {
        while self.tasks.try_join_next().is_some() {}
        match ask {
            Ask::Open(run) => self.watch(run),
            Ask::Submit { order, done } => {
                let reopens = match &order.command {
                    Command::Reopen(run) => Some(*run),
                    _ => None,
                };
                self.spawn(move |handle| async move {
                    let result = match reopens {
                        // Whose run it was may be another process, which died.
                        Some(run) => handle.resume_run(run, &order.by).await.map(|()| Ack { agents: 0 }),
                        None => handle.submit(*order).await,
                    };
                    Answer::Submitted { done, reopens, result }
                });
            }
            Ask::Dispatch(request) => {
                self.spawn(|handle| async move { Answer::Dispatched(handle.dispatch(*request).await) });
            }
            Ask::Estimate { revision, request } => self.spawn(move |handle| async move {
                Answer::Estimated { revision, result: handle.estimate(*request).await }
            }),
            Ask::Text(name) => self.spawn(move |handle| async move { Answer::Text(name, handle.text(name).await) }),
            Ask::KillAndQuit { runs, by } => self.spawn(|handle| async move { kill(&handle, runs, &by).await }),
            Ask::Suspend | Ask::Redraw | Ask::Quit(_) => {}
        }
    }

    /// Keeps the list of runs up to date, for as long as the console lives.
    pub(crate) fn list(&mut self) {
        let (handle, answers) = (self.handle.clone(), self.answers.clone());
        self.tasks.spawn(async move {
            let mut changes = handle.changes();
            loop {
                let listed = listed(&handle).await;
                let others = has_others(&listed);
                if answers.send(listed).await.is_err() {
                    return;
                }
                tokio::time::sleep(LIST_PAUSE).await;
                if others {
                    continue;
                }
                if changes.changed().await.is_err() {
                    return;
                }
            }
        });
    }

    fn spawn<F>(&mut self, work: impl FnOnce(Handle) -> F)
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let (work, answers) = (work(self.handle.clone()), self.answers.clone());
        self.tasks.spawn(async move {
            // The console has ended where nobody takes the answer.
            let _ = answers.send(work.await).await;
        });
    }

    /// Watches a run instead of the one before.
    fn watch(&mut self, run: RunId) {
        if let Some(before) = self.watching.take() {
            before.abort();
        }
        let (handle, answers) = (self.handle.clone(), self.answers.clone());
        self.watching = Some(self.tasks.spawn(async move {
            let mut watch = match handle.watch(run).await {
                Ok(watch) => watch,
                Err(error) => {
                    let _ = answers.send(Answer::NotWatched(run, error)).await;
                    return;
                }
            };
            let mut older = Some(());
            while let Some(update) = watch.next().await {
                if answers.send(Answer::Update(run, update)).await.is_err() {
                    return;
                }
                // Asked for after the snapshot, so that none between them is missed.
                if older.take().is_some() && answers.send(before(&handle, run).await).await.is_err() {
                    return;
                }
            }
        }));
    }
}

/// The last events of a run.
async fn before(handle: &Handle, run: RunId) -> Answer {
    let filter = Filter { run: Some(run), limit: Some(OLDER), ..Filter::default() };
    match handle.events(filter).await {
        Ok(stored) => Answer::Older(run, stored.into_iter().map(|stored| stored.event).collect::<Vec<Event>>()),
        Err(error) => Answer::Failed(format!("earlier events of {run}: {error}")),
    }
}

async fn listed(handle: &Handle) -> Answer {
    match handle.runs(Filter { limit: Some(RUNS), ..Filter::default() }).await {
        Ok(rows) => {
            let own = rows.iter().filter(|row| handle.owns(row)).map(|row| row.id).collect();
            Answer::Listed(rows, own)
        }
        Err(error) => Answer::Failed(format!("the list of runs: {error}")),
    }
}

/// Whether another process is at work: it may die, and would put down nothing about it.
fn has_others(listed: &Answer) -> bool {
    match listed {
        Answer::Listed(rows, own) => rows.iter().any(|row| row.state.is_live() && !own.contains(&row.id)),
        _ => false,
    }
}

/// Kills runs one after the other; the first that can't be killed keeps the console open.
async fn kill(handle: &Handle, runs: Vec<RunId>, by: &str) -> Answer {
    for run in &runs {
        if let Err(error) = handle.submit(order(by, Command::Kill(Targets::all(*run)))).await {
            return Answer::Failed(format!("{run} could not be killed: {error}"));
        }
    }
    Answer::Killed(runs)
}
