//! The command line: one file per command. Adding one is a file, a line in [`Command`] and a
//! line where `app` carries it out.

pub mod agents;
pub mod events;
pub mod exit;
pub mod kill;
pub mod limit;
pub mod listing;
pub mod logs;
pub mod pause;
pub mod resume;
pub mod run;
pub mod runs;
pub mod show;
pub mod status;
pub mod targets;
pub mod tasks;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use self::run::args::RunArgs;
use crate::aggregate::Method;

/// flightdeck: a terminal console for people who run fleets of AI agents.
#[derive(Debug, Parser)]
#[command(name = "flightdeck", version, about, long_about = None)]
pub struct Cli {
    /// Keep everything in this directory
    #[arg(long, global = true, value_name = "DIR", env = "FLIGHTDECK_HOME", help_heading = "Everywhere")]
    pub home: Option<PathBuf>,
    /// Use this configuration instead of config.toml in the home
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub config: Option<PathBuf>,
    /// What to do; nothing: open the console
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run one dispatch without the screen
    Run(Box<RunArgs>),
    /// Estimate a dispatch: nothing is sent
    Estimate(Box<RunArgs>),
    /// Continue what a crash or a shutdown left open
    ResumeRun(ResumeArgs),
    /// Open the console on an offline run: 100 agents, some failures, a small budget
    Demo,
    /// Hold agents where they are, in whichever process they work
    Pause(targets::TargetArgs),
    /// Let paused agents go on
    Resume(targets::TargetArgs),
    /// Stop agents for good
    Kill(kill::KillArgs),
    /// Change what a live run may use
    Limit(limit::LimitArgs),
    /// Show the runs that are at work
    Status(status::StatusArgs),
    /// Show them again whenever something changes, until none is at work
    Watch,
    /// Show what an agent or a run did
    Logs(logs::LogsArgs),
    /// List runs
    Runs(runs::RunsArgs),
    /// List agents
    Agents(agents::AgentsArgs),
    /// List tasks
    Tasks(tasks::TasksArgs),
    /// List events
    Events(events::EventsArgs),
    /// Show a run or an agent
    Show(show::ShowArgs),
}

/// `resume-run`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The run
    pub run: String,
    /// Write the results there instead of to stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the summary there, as JSON
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
    /// One value of all results: all, rank:FIELD, vote:FIELD, best:FIELD or command:CMD
    #[arg(long, value_name = "METHOD")]
    pub aggregate: Option<Method>,
}
