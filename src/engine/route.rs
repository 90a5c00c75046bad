//! Orders for runs that are not at work here: they go to the process that is.

use futures_util::future::BoxFuture;

use super::handle::{Ack, Handle, HandleError};
use crate::domain::{Command, Order, RunState};
use crate::store::Filter;
use crate::store::rows::{Owner, RunRow};

/// Takes orders to other processes of the home. The engine knows no transport: whoever puts the
/// program together gives it one.
pub trait Remote: Send + Sync {
    /// Submits an order to the process that is at work on its run; returns once it is durable there.
    fn submit(&self, owner: Owner, order: Order) -> BoxFuture<'_, Result<Ack, HandleError>>;
}

/// Submits an order about a run that this engine is not at work on.
pub(super) async fn elsewhere(handle: &Handle, order: Order) -> Result<Ack, HandleError> {
    let run = order.command.run();
    if matches!(order.command, Command::Reopen(_)) {
        return handle.resume_run(run, &order.by).await.map(|()| Ack { agents: 0 });
    }
    let row = commandable(handle, &order).await?;
    let (Some(owner), Some(remote)) = (row.owner.as_ref().filter(|_| !handle.owns(&row)), handle.remote()) else {
        return Err(HandleError::Refused(format!("run {run} is not at work in this process")));
    };
    match remote.submit(owner.clone(), order.clone()).await {
        Ok(ack) => Ok(ack),
        // Where the run ended or lost its owner meanwhile, that is the reason.
        Err(error) => Err(commandable(handle, &order).await.err().unwrap_or(error)),
    }
}

/// The run of an order, where some process is at work on it.
async fn commandable(handle: &Handle, order: &Order) -> Result<RunRow, HandleError> {
    let (run, word) = (order.command.run(), order.command.word());
    let row = handle.runs(Filter { run: Some(run), ..Filter::default() }).await?.pop();
    let refused = |why: String| Err(HandleError::Refused(why));
    match row {
        None => refused(format!("there is no run {run} (`flightdeck runs` lists them)")),
        Some(row) if row.state.is_final() => {
            refused(format!("run {run} has ended ({}): there is nothing to {word}", row.state.word()))
        }
        Some(row) if row.state == RunState::Suspended => {
            refused(format!("run {run} has no living owner: it is suspended; go on with `flightdeck resume-run {run}`"))
        }
        Some(row) => Ok(row),
    }
}
