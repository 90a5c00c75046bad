//! `logs`: what an agent, or a whole run, did, for people.

use std::io::Write;
use std::time::Duration;

use chrono::{Local, TimeZone};
use clap::Args;

use super::exit::Complaint;
use super::listing::{find_agent, find_run};
use crate::domain::describe::describe;
use crate::domain::{Body, Event, RunState, Wall};
use crate::engine::handle::{Handle, Update, Watch};
use crate::store::Filter;
use crate::store::rows::RunRow;

/// How often a followed run is asked whether its owner still lives: its death is no event.
const ALIVE: Duration = Duration::from_secs(2);
/// Lines are cut at this many characters.
const LONGEST: usize = 400;

/// `logs`.
#[derive(Debug, Clone, Args)]
pub struct LogsArgs {
    /// An agent (r-07kx4m2p.14) or a run; the beginning of a run's id is enough
    pub id: String,
    /// Go on until it ends
    #[arg(long, short)]
    pub follow: bool,
}

/// Shows what happened, and with `-f` what happens.
pub async fn logs(handle: &Handle, args: &LogsArgs) -> Result<(), Complaint> {
    let (run, agent) = if args.id.contains('.') {
        let agent = find_agent(handle, &args.id, None).await?;
        (agent.run, Some(agent.no))
    } else {
        (find_run(handle, &args.id).await?, None)
    };
    let about = Filter { run: Some(run), agent, ..Filter::default() };
    if handle.agents(Filter { limit: Some(1), ..about.clone() }).await?.is_empty() {
        let hint = format!("`flightdeck agents --run {run}` lists its agents");
        return Err(Complaint::usage(format!("there is nothing with the id `{}`", args.id)).hint(hint));
    }
    let mut log = Log { handle, about, told: 0, ended: false };
    if !args.follow {
        return log.known().await;
    }
    // What happens while the past is read comes again in the updates, and is told once.
    let mut watch = handle.watch(run).await?;
    log.known().await?;
    while !log.ended && log.lives().await? {
        log.next(&mut watch).await?;
    }
    Ok(())
}

/// What is told of.
struct Log<'a> {
    handle: &'a Handle,
    about: Filter,
    /// The last event of the run that was looked at.
    told: u64,
    /// Whether nothing can follow.
    ended: bool,
}

impl Log<'_> {
    /// Tells everything that is stored and was not told yet.
    async fn known(&mut self) -> Result<(), Complaint> {
        for stored in self.handle.events(self.about.clone()).await? {
            self.tell(&stored.event)?;
        }
        Ok(())
    }

    /// Waits for what happens next, but not for ever.
    async fn next(&mut self, watch: &mut Watch) -> Result<(), Complaint> {
        match tokio::time::timeout(ALIVE, watch.next()).await {
            Err(_) => Ok(()),
            Ok(Some(Update::Events(events))) => events.iter().try_for_each(|event| self.tell(event)),
            Ok(Some(Update::Snapshot(_))) => self.known().await,
            Ok(None) => {
                self.ended = true;
                Ok(())
            }
        }
    }

    /// Whether some process is at work on the run.
    async fn lives(&self) -> Result<bool, Complaint> {
        let row = self.handle.runs(Filter { agent: None, ..self.about.clone() }).await?.pop();
        let Some(RunRow { id: run, state, .. }) = row else { return Ok(false) };
        if state == RunState::Suspended {
            writeln!(std::io::stderr(), "run {run} is suspended: go on with `flightdeck resume-run {run}`")?;
        }
        Ok(!state.is_final() && state != RunState::Suspended)
    }

    fn tell(&mut self, event: &Event) -> Result<(), Complaint> {
        if event.seq <= self.told {
            return Ok(());
        }
        self.told = event.seq;
        if self.about.agent.is_some_and(|agent| event.agent != Some(agent)) {
            return Ok(());
        }
        self.ended |= match &event.body {
            Body::AgentState(changed) => self.about.agent.is_some() && changed.moved.to.is_over(),
            Body::RunFinished(_) => true,
            _ => false,
        };
        let text = self.handle.gate().line(&describe(event), LONGEST);
        let severity = event.body.severity().word();
        let agent = match (self.about.agent, event.agent) {
            (None, Some(agent)) => format!("{agent:03}  "),
            (None, None) => "     ".to_owned(),
            (Some(_), _) => String::new(),
        };
        Ok(writeln!(std::io::stdout(), "{}  {severity:<5}  {agent}{text}", time(event.at))?)
    }
}

/// In the local time zone: `2026-11-21 12:04:11.204`.
fn time(at: Wall) -> String {
    let at = Local.timestamp_millis_opt(at.0).single();
    at.map(|at| at.format("%Y-%m-%d %H:%M:%S%.3f").to_string()).unwrap_or_default()
}
