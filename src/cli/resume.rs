//! `resume`: lets agents go on that were paused. A run that lost its process is another matter:
//! see `resume-run`.

use super::exit::{Complaint, Exit};
use super::targets::TargetArgs;
use crate::domain::Command;
use crate::engine::handle::Handle;

/// Resumes agents.
pub async fn resume(handle: &Handle, args: &TargetArgs, by: &str) -> Result<Exit, Complaint> {
    let targets = args.resolve(handle).await?;
    args.order(handle, targets, by, (Command::Resume, "resumed")).await
}
