//! The console: a screen over an engine.
//!
//! It holds its own state, folded from what the engine tells ([`view`]), and draws from nothing
//! else; so what it shows is a fact of the engine. Keys, updates, answers and time come to one loop
//! ([`run`](fn@run)); a key becomes a named action ([`keymap`]); an action changes a pane or becomes
//! a wish ([`wish`]), which is performed in the background ([`perform`]). Everything but the
//! terminal and the performing is one value that can be tested ([`desk`](mod@desk)).
//!
//! To add a pane: a file in [`panes`], and its line in [`layout`] and [`desk`](mod@desk). To add a key: a line
//! in `assets/keymap.toml` and the action's line in [`action`]. To add a theme: see [`theme`].

mod action;
mod burn;
mod confirm;
mod desk;
mod empty;
#[cfg(test)]
mod fixture;
mod format;
mod keymap;
mod layout;
mod log;
mod needs;
mod notice;
mod orders;
mod overlay;
mod panes;
mod perform;
mod place;
mod run;
mod signals;
mod status;
mod stroke;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
mod view;
mod widgets;
mod wish;

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{FixedOffset, Local, Offset, TimeZone};

use self::desk::{Desk, Parts};
use self::keymap::KeyMap;
pub use self::keymap::KeyMapError;
use self::panes::prompt::Prompt;
use self::theme::Depth;
pub use self::theme::ThemeError;
use self::view::View;
use crate::domain::{Limits, Now, RunId, Wall};
use crate::engine::handle::Handle;

/// Tells the time; the engine's own clock, so that both speak of the same moments.
pub type Clock = Arc<dyn Fn() -> Now + Send + Sync>;

/// What the prompt begins with.
#[derive(Debug, Clone, Default)]
pub struct Defaults {
    /// The provider's name; nothing: the first that is configured.
    pub provider: Option<String>,
    /// The model; nothing: the provider's default.
    pub model: Option<String>,
    /// The limits.
    pub limits: Limits,
}

/// How the console is opened.
#[derive(Clone)]
pub struct Options {
    /// The run that is opened at once; nothing: the newest live one, or none.
    pub run: Option<RunId>,
    /// The theme's name; nothing: `dark`, or `ansi` and `mono` where there are fewer colours.
    pub theme: Option<String>,
    /// Whether this is the demonstration: the header says so.
    pub demo: bool,
    /// What the prompt begins with.
    pub defaults: Defaults,
    /// Where everything is kept, for people.
    pub home_label: String,
    /// The directory of the user's `keymap.toml` and `themes/`; nothing: neither is looked for.
    pub config_dir: Option<PathBuf>,
    /// Who signs orders and dispatches in the log.
    pub by: String,
    /// The time.
    pub clock: Clock,
}

/// How the operator left the console. The terminal is given back by then; what becomes of the runs
/// that are named is up to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// Nothing of this process was at work.
    Quit,
    /// These runs are to be suspended: they can be continued later.
    Suspend(Vec<RunId>),
    /// These runs were told to die; the orders are durable.
    Killed(Vec<RunId>),
    /// A signal ended it, or the terminal went away; these runs were at work.
    Ended(Vec<RunId>),
}

/// Why there is no console.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Standard input or output is no terminal.
    #[error("the console needs a terminal: use `flightdeck run` in a pipe")]
    NoTerminal,
    /// The terminal does not do as asked.
    #[error("the terminal: {0}")]
    Terminal(#[from] std::io::Error),
    /// The key map can't be used.
    #[error(transparent)]
    KeyMap(#[from] KeyMapError),
    /// The theme can't be used.
    #[error(transparent)]
    Theme(#[from] ThemeError),
}

/// Opens the console and runs it until the operator leaves.
///
/// Await it on the main thread (`Runtime::block_on`), not in a spawned task: writing to a slow
/// terminal blocks, and there it holds up nobody else.
///
/// # Errors
/// Where there is no terminal, it fails, or the user's key map or theme does not read.
pub async fn run(handle: Handle, options: Options) -> Result<Exit, ConsoleError> {
    let now = (options.clock)();
    let desk = desk(&handle, &options, now.wall, |name| std::env::var(name).ok())?;
    run::run(handle, desk, options.run, options.clock).await
}

fn desk(
    handle: &Handle,
    options: &Options,
    now: Wall,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Desk, ConsoleError> {
    let depth = Depth::detect(variable);
    let name = match (depth, &options.theme) {
        (Depth::None, _) => "mono",
        (_, Some(name)) => name,
        (Depth::Ansi, None) => "ansi",
        (_, None) => "dark",
    };
    let theme_dir = options.config_dir.as_ref().map(|dir| dir.join("themes"));
    let keys = keys(options.config_dir.as_ref())?;
    let mut view = View::new(handle.gate().clone(), keys, options.home_label.clone(), zone(now), options.demo);
    view.providers = handle.providers();
    Ok(Desk::new(Parts {
        prompt: Prompt::new(options.by.clone(), &options.defaults),
        theme: theme::load(name, theme_dir.as_deref(), depth)?,
        theme_dir,
        depth,
        by: options.by.clone(),
        view,
    }))
}

/// The key map of this release with the user's own keys.
fn keys(config_dir: Option<&PathBuf>) -> Result<KeyMap, ConsoleError> {
    let standard = KeyMap::standard()?;
    let Some(path) = config_dir.map(|dir| dir.join("keymap.toml")).filter(|path| path.is_file()) else {
        return Ok(standard);
    };
    let origin = path.display().to_string();
    let text = std::fs::read_to_string(&path)
        .map_err(|error| KeyMapError::Form { origin: origin.clone(), problem: error.to_string() })?;
    Ok(standard.with_user(&text, &origin)?)
}

/// The local time zone as it is at a moment; a console is not open across a change of clocks for
/// long enough to matter.
fn zone(now: Wall) -> FixedOffset {
    let utc = chrono::Utc.fix();
    Local.timestamp_millis_opt(now.0).single().map_or(utc, |now| now.offset().fix())
}
