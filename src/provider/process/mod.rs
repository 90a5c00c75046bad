//! A command line per task.

use std::path::PathBuf;

use futures_util::future::BoxFuture;

use super::{CallContext, Descriptor, Failure, Outcome, Provider, Request};
use crate::domain::ProviderKind;
use crate::domain::report::ErrorKind;

/// Runs a command line per task.
pub struct ProcessProvider {
    descriptor: Descriptor,
}

impl ProcessProvider {
    /// A provider of this name, whose processes run under `supervisor`.
    #[must_use]
    pub fn new(descriptor_name: &str, _supervisor: PathBuf, max_concurrent: Option<u32>) -> Self {
        let descriptor = Descriptor {
            name: descriptor_name.to_owned(),
            kind: ProviderKind::Process,
            endpoint: None,
            default_model: None,
            bills_tokens: false,
            takes_seed: false,
            runs_command: true,
            pause_stops: true,
            simulated: false,
            max_concurrent,
        };
        Self { descriptor }
    }
}

impl Provider for ProcessProvider {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn input_bound(&self, _request: &Request) -> u32 {
        0
    }

    fn call(&self, _request: Request, _context: CallContext) -> BoxFuture<'static, Outcome> {
        Box::pin(async { Outcome::not_sent(Failure::new(ErrorKind::Process, "not built in this tree")) })
    }
}
