//! The arguments of `run`.

use std::io::{Read, Write};
use std::path::PathBuf;

use clap::Args;

use crate::aggregate::Method;
use crate::cli::exit::Complaint;
use crate::dispatch::{Request, RowFormat, RowsFrom, input};
use crate::domain::{Limits, Money, Rate};

/// One dispatch.
#[derive(Debug, Clone, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct RunArgs {
    /// The prompt template: {{name}} is filled from the rows
    #[arg(conflicts_with = "template_file")]
    pub template: Option<String>,
    /// Read the template from a file
    #[arg(long, value_name = "FILE")]
    pub template_file: Option<PathBuf>,
    /// System prompt: also a template
    #[arg(long, value_name = "TEXT", conflicts_with = "system_file")]
    pub system: Option<String>,
    /// Read the system prompt from a file
    #[arg(long, value_name = "FILE")]
    pub system_file: Option<PathBuf>,
    /// Rows: .jsonl, .json (array of objects), .csv (header); - is JSONL on stdin
    #[arg(long, value_name = "FILE|-")]
    pub args: Option<PathBuf>,
    /// An inline value; joins every row, and alone it is one row
    #[arg(long = "arg", value_name = "K=V", value_parser = input::inline)]
    pub inline: Vec<(String, String)>,
    /// Replicas of every row, each with an idempotency key of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// Your own idempotency key: a column of the rows, or a text
    #[arg(long, value_name = "FIELD|TEXT")]
    pub key: Option<String>,
    /// anthropic, openai, openrouter, process, sim, or a name from the configuration [default:
    /// openai; process where a command is given]
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// The provider's address instead of the configured one
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// The model
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// The most tokens of one answer [default: 4096, or what is affordable]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_tokens: Option<u32>,
    /// Sampling temperature
    #[arg(long, value_name = "X", value_parser = temperature)]
    pub temperature: Option<f64>,
    /// Seed for the provider and for our own randomness
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// The agent template
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub agent: String,
    /// Agents at work at once [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_parallel: Option<u32>,
    /// Time of one agent; waiting and pauses don't count [default: 30s]
    #[arg(long, value_name = "DUR", value_parser = input::positive_duration)]
    pub timeout: Option<std::time::Duration>,
    /// The most that the run may cost, in US dollars
    #[arg(long, value_name = "USD", allow_hyphen_values = true)]
    pub budget: Option<Money>,
    /// The most agents of the run [default: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_agents: Option<u32>,
    /// Time of the whole run
    #[arg(long, value_name = "DUR", value_parser = input::positive_duration)]
    pub total_timeout: Option<std::time::Duration>,
    /// Where the estimate exceeds the budget: run what fits, stop at the budget
    #[arg(long)]
    pub partial: bool,
    /// How many tasks must succeed [default: all]
    #[arg(long, value_name = "N")]
    pub min_success: Option<u32>,
    /// Which share of the tasks may fail [default: none]
    #[arg(long, value_name = "0..1")]
    pub max_failure_rate: Option<Rate>,
    /// One value of all results: all, rank:FIELD, vote:FIELD, best:FIELD or command:CMD
    #[arg(long, value_name = "METHOD", conflicts_with = "console")]
    pub aggregate: Option<Method>,
    /// How often a task is tried again
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub retries: u32,
    /// Ignore stored results of the same idempotency key
    #[arg(long)]
    pub no_cache: bool,
    /// Reuse stored results of processes too
    #[arg(long)]
    pub cache_process: bool,
    /// Permit columns that the template doesn't name
    #[arg(long)]
    pub allow_unused: bool,
    /// Estimate only: no request leaves
    #[arg(long, conflicts_with = "console")]
    pub dry_run: bool,
    /// Write the results there instead of to stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the summary there, as JSON
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
    /// Open the console on the run
    #[arg(long)]
    pub console: bool,
    /// The command line of each task, with {{name}} filled per row; no shell parses it
    #[arg(last = true, value_name = "CMD ARG")]
    pub command: Vec<String>,
}

/// A request, with what must live as long as it is read.
pub struct Prepared {
    /// The request.
    pub request: Request,
    /// Standard input, spooled.
    _spool: Option<tempfile::NamedTempFile>,
}

impl RunArgs {
    /// The request that these arguments ask for. Reads files and standard input.
    pub fn prepare(&self, by: &str, defaults: &Limits) -> Result<Prepared, Complaint> {
        if self.agent != "default" {
            return Err(Complaint::usage(format!("there is no agent template `{}`", self.agent))
                .hint("the only agent template so far is `default`"));
        }
        input::distinct(&self.inline).map_err(Complaint::usage)?;
        let (template, template_origin) = match (&self.template, &self.template_file) {
            (Some(text), _) => (Some(text.clone()), "TEMPLATE".to_owned()),
            (None, Some(path)) => (Some(read(path)?), path.display().to_string()),
            (None, None) => (None, "TEMPLATE".to_owned()),
        };
        if template.is_none() && self.command.is_empty() {
            return Err(Complaint::usage("there is nothing to run").hint(
                "give a template: flightdeck run 'Summarise {{text}}' --args rows.jsonl, or a command after --",
            ));
        }
        let system = match (&self.system, &self.system_file) {
            (Some(text), _) => Some(text.clone()),
            (None, Some(path)) => Some(read(path)?),
            (None, None) => None,
        };
        let (rows, spool) = self.rows()?;
        let request = Request {
            by: by.to_owned(),
            template,
            template_origin,
            system,
            command: self.command.clone(),
            rows,
            inline: self.inline.clone(),
            repeat: self.repeat,
            own_key: self.key.clone(),
            provider: self.provider.clone(),
            base_url: self.base_url.clone(),
            model: self.model.clone(),
            max_tokens: self.max_tokens,
            temperature: self.temperature,
            seed: self.seed,
            agent: self.agent.clone(),
            limits: self.limits(defaults),
            partial: self.partial,
            use_cache: !self.no_cache,
            cache_process: self.cache_process,
            allow_unused: self.allow_unused,
        };
        Ok(Prepared { request, _spool: spool })
    }

    fn limits(&self, defaults: &Limits) -> Limits {
        let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Limits {
            max_total_cost_usd: self.budget.or(defaults.max_total_cost_usd),
            max_parallel: self.max_parallel.unwrap_or(defaults.max_parallel),
            max_total_agents: self.max_agents.unwrap_or(defaults.max_total_agents),
            agent_timeout_ms: self.timeout.map_or(defaults.agent_timeout_ms, millis),
            total_timeout_ms: self.total_timeout.map(millis).or(defaults.total_timeout_ms),
            retries: self.retries,
            min_success: self.min_success,
            max_failure_rate: self.max_failure_rate,
        }
    }

    fn rows(&self) -> Result<(Option<RowsFrom>, Option<tempfile::NamedTempFile>), Complaint> {
        let Some(path) = &self.args else { return Ok((None, None)) };
        if path.as_os_str() == "-" {
            let spool = spool(&mut std::io::stdin().lock())
                .map_err(|error| Complaint::usage(format!("standard input could not be read: {error}")))?;
            let rows =
                RowsFrom { path: spool.path().to_owned(), name: "standard input".to_owned(), format: RowFormat::Jsonl };
            return Ok((Some(rows), Some(spool)));
        }
        let format = RowFormat::from_path(path).ok_or_else(|| {
            Complaint::usage(format!("{}: the format of the rows is not known", path.display()))
                .hint("name the file .jsonl, .json or .csv")
        })?;
        Ok((Some(RowsFrom { path: path.clone(), name: path.display().to_string(), format }), None))
    }
}

fn read(path: &PathBuf) -> Result<String, Complaint> {
    let bytes = std::fs::read(path).map_err(|error| Complaint::usage(format!("{}: {error}", path.display())))?;
    String::from_utf8(bytes).map_err(|error| {
        Complaint::usage(format!("{}: byte {}: this is not UTF-8", path.display(), error.utf8_error().valid_up_to()))
    })
}

/// Copies standard input to a file: the rows are read twice, first to check all of them.
fn spool(input: &mut dyn Read) -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new()?;
    std::io::copy(input, &mut file)?;
    file.flush()?;
    Ok(file)
}

fn temperature(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (0.0..=2.0).contains(&number) => Ok(number),
        _ => Err("a temperature is a number from 0 to 2".to_owned()),
    }
}
