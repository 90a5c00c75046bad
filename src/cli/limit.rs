//! `limit`: changes what a live run may use.

use std::io::Write;

use clap::Args;

use super::exit::{Complaint, Exit};
use super::listing::find_run;
use crate::domain::{Command, LimitsChange, Money, Order};
use crate::engine::handle::Handle;

/// `limit`.
#[derive(Debug, Clone, Args)]
pub struct LimitArgs {
    /// The run; the beginning of its id is enough
    pub run: String,
    /// The most that the run may cost in all, in US dollars
    #[arg(long, value_name = "USD", allow_hyphen_values = true, required_unless_present = "max_parallel")]
    pub budget: Option<Money>,
    /// Agents at work at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_parallel: Option<u32>,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Changes the limits of a run.
pub async fn limit(handle: &Handle, args: &LimitArgs, by: &str) -> Result<Exit, Complaint> {
    let run = find_run(handle, &args.run).await?;
    let change = LimitsChange { max_total_cost_usd: args.budget, max_parallel: args.max_parallel };
    let order = Order { by: by.to_owned(), reason: args.reason.clone(), command: Command::Limit { run, change } };
    handle.submit(order).await?;
    writeln!(std::io::stderr(), "{run}: its limits are changed")?;
    Ok(Exit::Met)
}
