//! What `pause`, `resume` and `kill` share: which agents are meant, and how they are told. A run is
//! commanded by the process that owns it, wherever that is; the handle finds the way.

use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;

use super::exit::{Complaint, Exit};
use super::listing::{find_agent, find_run};
use crate::domain::figures::plural;
use crate::domain::{AgentId, AgentNo, Command, Order, RunId, Targets};
use crate::engine::handle::Handle;
use crate::store::Filter;

/// Which agents.
#[derive(Debug, Clone, Args)]
pub struct TargetArgs {
    /// Agents (r-07kx4m2p.14) or whole runs; the beginning of a run's id is enough
    #[arg(value_name = "ID", required_unless_present_any = ["all", "run"])]
    pub ids: Vec<String>,
    /// All runs that are at work
    #[arg(long, conflicts_with_all = ["ids", "run"])]
    pub all: bool,
    /// This run; with IDs, only these agents of it, by their numbers
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

impl TargetArgs {
    /// The agents that are meant, run by run. All ids are known before anything is done.
    pub async fn resolve(&self, handle: &Handle) -> Result<Vec<Targets>, Complaint> {
        if self.all {
            return live_runs(handle).await;
        }
        let run = match &self.run {
            Some(text) => Some(find_run(handle, text).await?),
            None => None,
        };
        let mut chosen = Chosen::default();
        for id in &self.ids {
            match run {
                Some(_) => chosen.agent(find_agent(handle, id, run).await?),
                None if id.contains('.') => chosen.agent(find_agent(handle, id, None).await?),
                None => chosen.run(find_run(handle, id).await?),
            }
        }
        if let Some(run) = run.filter(|_| self.ids.is_empty()) {
            chosen.run(run);
        }
        Ok(chosen.targets())
    }

    /// Gives an order about these agents to each of their runs, and says what came of it.
    pub async fn order(
        &self,
        handle: &Handle,
        targets: Vec<Targets>,
        by: &str,
        (command, done): (fn(Targets) -> Command, &str),
    ) -> Result<Exit, Complaint> {
        let mut refused = Vec::new();
        let mut obeyed = false;
        for targets in targets {
            let (run, whole) = (targets.run, targets.agents.is_none());
            let order = Order { by: by.to_owned(), reason: self.reason.clone(), command: command(targets) };
            match handle.submit(order).await {
                Ok(ack) => {
                    obeyed = true;
                    let agents = plural(u64::from(ack.agents), "agent");
                    let what = if whole { format!("{done}, {agents}") } else { format!("{done} {agents}") };
                    writeln!(std::io::stderr(), "{run}: {what}")?;
                }
                Err(error) => refused.push(error),
            }
        }
        // Of all runs, some may have nothing that it concerns.
        if refused.is_empty() || self.all && obeyed {
            return Ok(Exit::Met);
        }
        let refused: Vec<String> = refused.iter().map(ToString::to_string).collect();
        Err(Complaint::usage(refused.join("\n  ")))
    }
}

async fn live_runs(handle: &Handle) -> Result<Vec<Targets>, Complaint> {
    let rows = handle.runs(Filter::default()).await?;
    let live: Vec<_> = rows.iter().filter(|row| row.state.is_live()).map(|row| Targets::all(row.id)).collect();
    if live.is_empty() {
        return Err(Complaint::usage("no run is at work in this home").hint("`flightdeck runs` lists all of them"));
    }
    Ok(live)
}

/// Agents by run; nothing: the whole run.
#[derive(Default)]
struct Chosen(BTreeMap<RunId, Option<Vec<AgentNo>>>);

impl Chosen {
    fn run(&mut self, run: RunId) {
        self.0.insert(run, None);
    }

    fn agent(&mut self, agent: AgentId) {
        if let Some(agents) = self.0.entry(agent.run).or_insert_with(|| Some(Vec::new())) {
            agents.push(agent.no);
        }
    }

    fn targets(self) -> Vec<Targets> {
        self.0.into_iter().map(|(run, agents)| Targets { run, agents }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_run_has_all_of_its_agents() {
        let [a, b] = [1, 2].map(RunId::from_random);
        let mut chosen = Chosen::default();
        chosen.agent(AgentId { run: b, no: 3 });
        chosen.agent(AgentId { run: a, no: 1 });
        chosen.agent(AgentId { run: b, no: 4 });
        chosen.run(a);
        chosen.agent(AgentId { run: a, no: 2 });
        assert_eq!(chosen.targets(), [Targets::all(a), Targets::some(b, vec![3, 4])]);
    }
}
