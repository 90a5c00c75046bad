//! Who is measured, and with what load.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::server::{Mode, answer};

/// What one run does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// How many agents it has.
    pub(crate) agents: u32,
    /// How many of them stream at once.
    pub(crate) parallel: u32,
    /// How the server answers.
    pub(crate) mode: Mode,
}

impl Load {
    /// The same with one agent: what a process costs before it does much.
    pub(crate) fn alone(self) -> Self {
        Self { agents: 1, parallel: 1, ..self }
    }

    /// How long it takes where nothing but the server takes time.
    pub(crate) fn ideal(self) -> Duration {
        self.mode.ideal() * self.agents.div_ceil(self.parallel)
    }

    /// How long a run may take before it is given up.
    pub(crate) fn patience(self) -> Duration {
        Duration::from_mins(1) + self.ideal() * 20
    }
}

/// A program that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Contestant {
    /// The bare client: the floor.
    Reqwest,
    /// `flightdeck run`.
    Flightdeck,
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reqwest => "reqwest",
            Self::Flightdeck => "flightdeck",
        })
    }
}

impl Contestant {
    pub(crate) const ALL: [Self; 2] = [Self::Reqwest, Self::Flightdeck];

    /// The command line that runs the load, with a fresh `folder` for its files.
    pub(crate) fn command(self, load: Load, base_url: &str, folder: &Path) -> Result<Command> {
        let mut command = match self {
            Self::Reqwest => reqwest(load, base_url)?,
            Self::Flightdeck => flightdeck(load, base_url, folder)?,
        };
        command.stdout(File::create(folder.join("output"))?);
        Ok(command)
    }

    /// How many agents of the run in `folder` got the whole answer.
    pub(crate) fn whole_answers(self, folder: &Path) -> Result<u32> {
        let output = fs::read_to_string(folder.join("output"))?;
        match self {
            Self::Reqwest => output.trim().parse().with_context(|| format!("no number but {output:?}")),
            Self::Flightdeck => whole_results(&output),
        }
    }
}

fn reqwest(load: Load, base_url: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--client", base_url]);
    command.args(["--agents", &load.agents.to_string(), "--parallel", &load.parallel.to_string()]);
    command.args(["--mode", load.mode.name()]);
    Ok(command)
}

fn flightdeck(load: Load, base_url: &str, folder: &Path) -> Result<Command> {
    let rows = folder.join("rows.jsonl");
    let mut writer = BufWriter::new(File::create(&rows)?);
    for number in 0..load.agents {
        writeln!(writer, r#"{{"n":{number}}}"#)?;
    }
    writer.flush()?;
    let home = folder.join("home");
    fs::create_dir(&home)?;
    fs::write(home.join("config.toml"), "[prices.\"mock\"]\ninput = 0.25\noutput = 1.25\n")?;

    let mut command = Command::new(env!("CARGO_BIN_EXE_flightdeck"));
    command.arg("--home").arg(&home);
    command.args(["run", "Say {{n}}", "--provider", "openai", "--model", "mock", "--base-url", base_url]);
    command.arg("--args").arg(&rows);
    command.args(["--max-parallel", &load.parallel.to_string(), "--max-agents", &load.agents.to_string()]);
    // Enough for every call at its bound: money is reserved and settled, and nothing waits for it.
    command.args(["--timeout", "120s", "--budget", "1000"]);
    command.arg("--summary").arg(folder.join("summary.json"));
    command.env("OPENAI_API_KEY", "test").env_remove("RUST_LOG").env_remove("FLIGHTDECK_HOME");
    Ok(command)
}

fn whole_results(output: &str) -> Result<u32> {
    #[derive(Deserialize)]
    struct Line {
        success: bool,
        output: Option<String>,
    }
    let expected = answer();
    let mut whole = 0;
    for line in output.lines() {
        let line: Line = serde_json::from_str(line).with_context(|| format!("a result: {line}"))?;
        whole += u32::from(line.success && line.output.as_deref() == Some(&expected));
    }
    Ok(whole)
}
