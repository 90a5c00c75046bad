//! `kill`: stops agents for good.

use std::io::{BufRead, IsTerminal, Write};

use clap::Args;

use super::exit::{Complaint, Exit};
use super::targets::TargetArgs;
use crate::domain::figures::{amount, plural};
use crate::domain::{AgentState, Command, Money, Targets};
use crate::engine::handle::Handle;
use crate::store::Filter;

/// `kill`.
#[derive(Debug, Clone, Args)]
pub struct KillArgs {
    /// Which agents.
    #[command(flatten)]
    pub targets: TargetArgs,
    /// Don't ask, also where it concerns more than one agent
    #[arg(long, short)]
    pub yes: bool,
}

/// Kills agents; on a terminal, more than one only after a question.
pub async fn kill(handle: &Handle, args: &KillArgs, by: &str) -> Result<Exit, Complaint> {
    let targets = args.targets.resolve(handle).await?;
    let is_one = matches!(targets.as_slice(), [Targets { agents: Some(agents), .. }] if agents.len() == 1);
    let asks = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if asks && !is_one && !args.yes && !confirmed(handle, &targets).await? {
        return Err(Complaint::usage("nothing was killed"));
    }
    args.targets.order(handle, targets, by, (Command::Kill, "killed")).await
}

/// Shows what a kill would end, and asks. Everything but a clear yes is a no.
async fn confirmed(handle: &Handle, targets: &[Targets]) -> Result<bool, Complaint> {
    for targets in targets {
        writeln!(std::io::stderr(), "{}", blast_radius(handle, targets).await?)?;
    }
    write!(std::io::stderr(), "kill them? [y/N] ")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// What a kill would end, in one line.
async fn blast_radius(handle: &Handle, targets: &Targets) -> Result<String, Complaint> {
    let run = targets.run;
    let filter = Filter { run: Some(run), ..Filter::default() };
    let Some(row) = handle.runs(filter.clone()).await?.pop() else {
        return Ok(format!("{run}: there is no such run"));
    };
    let mut agents = handle.agents(filter).await?;
    agents.retain(|agent| {
        let meant = targets.agents.as_ref().is_none_or(|agents| agents.contains(&agent.id.no));
        meant && !agent.state.is_over()
    });
    let working = agents.iter().filter(|agent| agent.state == AgentState::Working).count();
    let spent: Money = agents.iter().fold(Money::ZERO, |sum, agent| sum + agent.cost);
    let agents = plural(agents.len() as u64, "agent");
    let whole = if targets.agents.is_none() { "the whole run, " } else { "" };
    let title = handle.gate().line(&row.title, 60);
    Ok(format!("{run} ({title}): {whole}{agents}, {working} of them at work; they cost {} so far", amount(spent)))
}
