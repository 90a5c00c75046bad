//! A command line per task is an agent: what it writes to its standard output is the
//! answer. Each one runs below a [`supervisor`], so that its whole process tree can be held and
//! ended, and ends with the engine.

#[cfg(target_os = "linux")]
mod call;
#[cfg(target_os = "linux")]
mod link;
#[cfg(target_os = "linux")]
mod output;
pub mod protocol;
#[cfg(target_os = "linux")]
pub mod supervisor;
#[cfg(target_os = "linux")]
mod tree;
#[cfg(target_os = "linux")]
mod verdict;

use std::path::PathBuf;

use futures_util::future::BoxFuture;

use super::{CallContext, Descriptor, Failure, Outcome, Provider, Request};
use crate::domain::{ErrorKind, ProviderKind};

pub use protocol::SUPERVISE;

/// The bytes of output that are kept of one call; the rest is read and dropped.
pub const OUTPUT_CAP: usize = 1024 * 1024;

/// Runs command lines.
#[derive(Debug, Clone)]
pub struct ProcessProvider {
    descriptor: Descriptor,
    launch: Launch,
}

/// How commands are started.
#[derive(Debug, Clone)]
struct Launch {
    supervisor: PathBuf,
    directory: Option<PathBuf>,
    output_cap: usize,
}

impl ProcessProvider {
    /// A provider of this name. `supervisor` is a flightdeck that is executed with [`SUPERVISE`]
    /// as its only argument, usually this program itself.
    #[must_use]
    pub fn new(name: &str, supervisor: PathBuf, max_concurrent: Option<u32>) -> Self {
        let descriptor = Descriptor {
            name: name.to_owned(),
            kind: ProviderKind::Process,
            endpoint: None,
            default_model: None,
            bills_tokens: false,
            takes_seed: false,
            tells_cost: false,
            runs_command: true,
            pause_stops: true,
            simulated: false,
            max_concurrent,
        };
        Self { descriptor, launch: Launch { supervisor, directory: None, output_cap: OUTPUT_CAP } }
    }

    /// The same, with commands starting in `directory` instead of the engine's own.
    #[must_use]
    pub fn in_directory(mut self, directory: PathBuf) -> Self {
        self.launch.directory = Some(directory);
        self
    }

    /// The same, keeping at most `bytes` of a command's output.
    #[must_use]
    pub fn with_output_cap(mut self, bytes: usize) -> Self {
        self.launch.output_cap = bytes;
        self
    }
}

impl Provider for ProcessProvider {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn input_bound(&self, _request: &Request) -> u32 {
        0
    }

    fn call(&self, request: Request, context: CallContext) -> BoxFuture<'static, Outcome> {
        let launch = self.launch.clone();
        Box::pin(async move {
            match refusal(&request.command) {
                Some(why) => Outcome::not_sent(Failure::new(ErrorKind::Invalid, why)),
                None => perform(launch, request, context).await,
            }
        })
    }
}

/// Why a command line can't be executed at all.
fn refusal(command: &[String]) -> Option<&'static str> {
    if command.first().is_none_or(String::is_empty) {
        return Some("there is no command to run: give one after `--`");
    }
    // The system ends each argument at its first NUL.
    command.iter().any(|argument| argument.contains('\0')).then_some("an argument of the command holds a NUL character")
}

#[cfg(target_os = "linux")]
use call::perform;

/// Other systems have no sub-reaper, and a process tree that can't be ended for sure is not started.
#[cfg(not(target_os = "linux"))]
async fn perform(_launch: Launch, _request: Request, _context: CallContext) -> Outcome {
    Outcome::not_sent(Failure::new(
        ErrorKind::Process,
        "process agents need Linux: this system offers no way to end a whole process tree for sure",
    ))
}

/// The supervisor of systems that have none.
#[cfg(not(target_os = "linux"))]
pub mod supervisor {
    /// Fails: nothing starts it here.
    #[must_use]
    pub fn main() -> std::process::ExitCode {
        std::process::ExitCode::FAILURE
    }
}
