//! Many streams at once: `flightdeck run`, headless and durable, beside a bare reqwest client.
//!
//! ```text
//! cargo bench --bench streams -- [--agents 1000] [--parallel N] [--rounds 5] [--mode paced|zero] [--only NAME]
//! ```
//!
//! Server and clients are processes of their own, and the clients take turns. Read the ratios: they
//! hold on any machine, the milliseconds on one.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod support;

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::Parser;

use support::client;
use support::contestant::{Contestant, Load};
use support::measure::{self, Sample};
use support::report::Report;
use support::server::{self, Mode, Server};

/// What the benchmark can be told.
#[derive(Debug, Parser)]
#[command(about = "flightdeck beside a bare reqwest client, on many streams at once")]
struct Options {
    /// How many agents one run has.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    agents: u32,
    /// How many of them stream at once; all of them unless told.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    parallel: Option<u32>,
    /// How often each contestant has its turn.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How the server answers.
    #[arg(long, value_enum, default_value_t = Mode::Paced)]
    mode: Mode,
    /// One contestant alone.
    #[arg(long, value_enum)]
    only: Option<Contestant>,
    /// Be the server; used by the benchmark itself.
    #[arg(long, hide = true)]
    serve: bool,
    /// Be the reqwest client of this server; used by the benchmark itself.
    #[arg(long, hide = true)]
    client: Option<String>,
    /// Given by `cargo bench`; means nothing here.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let load = Load {
        agents: options.agents,
        parallel: options.parallel.unwrap_or(options.agents).min(options.agents),
        mode: options.mode,
    };
    if options.serve {
        server::serve()
    } else if let Some(base_url) = options.client {
        client::run(&base_url, load)
    } else {
        compare(load, options.rounds, options.only)
    }
}

fn compare(load: Load, rounds: u32, only: Option<Contestant>) -> Result<()> {
    measure::raise_open_files(u64::from(load.parallel) + 256)?;
    let contestants: Vec<_> = Contestant::ALL.into_iter().filter(|&one| only.is_none_or(|only| only == one)).collect();
    let server = Server::start().context("the benchmark's server")?;
    let mut report = Report::new(load);
    for round in 0..rounds {
        // The order changes with the round: what one leaves behind must not favour the other.
        let mut order = contestants.clone();
        if round % 2 == 1 {
            order.reverse();
        }
        for contestant in order {
            let alone = turn(contestant, load.alone(), &server)?;
            let loaded = turn(contestant, load, &server)?;
            report.add(contestant, alone, loaded);
        }
    }
    print!("{report}");
    Ok(())
}

fn turn(contestant: Contestant, load: Load, server: &Server) -> Result<Sample> {
    let folder = tempfile::tempdir()?;
    let served_before = server.cpu()?;
    let command = contestant.command(load, &server.base_url(load.mode), folder.path())?;
    let mut sample = measure::run(command, load.patience(), &folder.path().join("errors"))
        .with_context(|| format!("{contestant} with {} agents", load.agents))?;
    sample.server_cpu = server.cpu()?.saturating_sub(served_before);
    verify(contestant, load, folder.path())?;
    Ok(sample)
}

/// A run counts only when every agent got the whole answer.
fn verify(contestant: Contestant, load: Load, folder: &Path) -> Result<()> {
    let whole = contestant.whole_answers(folder)?;
    if whole != load.agents {
        bail!("{contestant}: {whole} of {} agents got the whole answer", load.agents);
    }
    Ok(())
}
