//! From a request to the tasks of a run: templates, rows, keys. Pure: readers and texts come in.
//!
//! [`Plan::new`] reads a request's templates; [`rows::read`] streams its rows; [`Plan::expand`]
//! turns each of them into checked, rendered and keyed [`Draft`]s, one at a time.

mod check;
mod expand;
pub mod input;
mod key;
mod plan;
pub mod rows;
mod template;
mod text;

use crate::domain::Limits;

pub use check::CheckError;
pub use expand::{Draft, Expand};
pub use key::{Identity, KeyError};
pub use plan::{Plan, PlanError, RenderError, Rendered, Templates};
pub use rows::{Place, Row, RowError, RowProblem, Rows};
pub use template::{Template, TemplateError, Variable};

/// A dispatch as the operator asks for it: template x arguments.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Request {
    /// Who asks, for the log.
    pub by: String,
    /// The prompt template; for a process agent, what goes to its standard input.
    pub template: Option<String>,
    /// Where the template comes from, for messages: `TEMPLATE` or a file's path.
    pub template_origin: String,
    /// The system prompt: also a template.
    pub system: Option<String>,
    /// The command line of a process agent: one template per argument.
    pub command: Vec<String>,
    /// Where the rows are; nothing: inline values only.
    pub rows: Option<RowsFrom>,
    /// Inline values, joined to every row.
    pub inline: Vec<(String, String)>,
    /// How many replicas of every row.
    pub repeat: u32,
    /// The user's own idempotency key.
    pub own_key: Option<String>,
    /// The provider's name; nothing: the configured one.
    pub provider: Option<String>,
    /// Instead of the provider's configured address.
    pub base_url: Option<String>,
    /// The model; nothing: the provider's default.
    pub model: Option<String>,
    /// The most tokens of one answer; nothing: 4096 or what is affordable.
    pub max_tokens: Option<u32>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// The seed for the provider and for our own randomness.
    pub seed: Option<u64>,
    /// The agent template.
    pub agent: String,
    /// The limits.
    pub limits: Limits,
    /// Where the estimate exceeds the budget: run what fits.
    pub partial: bool,
    /// Whether stored results of the same key may answer.
    pub use_cache: bool,
    /// Whether results of processes may be reused.
    pub cache_process: bool,
    /// Whether rows may have columns that no template names.
    pub allow_unused: bool,
}

impl Request {
    /// A dispatch of a template with the defaults of everything else.
    #[must_use]
    pub fn new(template: impl Into<String>) -> Self {
        Self {
            by: "library".to_owned(),
            template: Some(template.into()),
            template_origin: "TEMPLATE".to_owned(),
            system: None,
            command: Vec::new(),
            rows: None,
            inline: Vec::new(),
            repeat: 1,
            own_key: None,
            provider: None,
            base_url: None,
            model: None,
            max_tokens: None,
            temperature: None,
            seed: None,
            agent: "default".to_owned(),
            limits: Limits::default(),
            partial: false,
            use_cache: true,
            cache_process: false,
            allow_unused: false,
        }
    }
}

/// Where rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsFrom {
    /// The file; standard input is spooled into one first.
    pub path: std::path::PathBuf,
    /// How it is called in messages: the path as given, or `standard input`.
    pub name: String,
    /// Its format.
    pub format: RowFormat,
}

/// The formats of row files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    /// One JSON object per line.
    Jsonl,
    /// One JSON array of objects.
    Json,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
}

impl RowFormat {
    /// The format that a file's extension tells: `.jsonl` (also `.ndjson`), `.json`, `.csv`.
    #[must_use]
    pub fn from_path(path: &std::path::Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}
