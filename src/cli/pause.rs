//! `pause`: holds agents where they are.

use super::exit::{Complaint, Exit};
use super::targets::TargetArgs;
use crate::domain::Command;
use crate::engine::handle::Handle;

/// Pauses agents.
pub async fn pause(handle: &Handle, args: &TargetArgs, by: &str) -> Result<Exit, Complaint> {
    let targets = args.resolve(handle).await?;
    args.order(handle, targets, by, (Command::Pause, "paused")).await
}
