//! `--aggregate`: results are taken as they are told, and at the end there is one value.

mod command;
mod people;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::aggregate::{Aggregator, Method, ResultView};
use crate::cli::exit::Complaint;
use crate::engine::handle::TaskResult;
use crate::guard::Gate;

pub use self::people::for_people;

/// Takes the results of a run.
pub struct Collector(Work);

enum Work {
    /// Each result as it comes.
    Fold(Box<dyn Aggregator>),
    /// All of them at the end, in the order of their tasks: the command's words, and its lines.
    Command(Vec<String>, BTreeMap<u64, String>),
}

impl Collector {
    /// For this method.
    #[must_use]
    pub fn new(method: &Method) -> Self {
        Self(match (method.aggregator(), method) {
            (Some(aggregator), _) => Work::Fold(aggregator),
            (None, Method::Command(words)) => Work::Command(words.clone(), BTreeMap::new()),
            // Only a command is carried out by its caller.
            (None, _) => Work::Command(Vec::new(), BTreeMap::new()),
        })
    }

    /// Takes one result.
    pub fn add(&mut self, result: &TaskResult) -> Result<(), Complaint> {
        let view = ResultView::new(result).map_err(std::io::Error::from)?;
        match &mut self.0 {
            Work::Fold(aggregator) => aggregator.add(&view),
            Work::Command(_, lines) => drop(lines.insert(view.task(), view.fields().to_string())),
        }
        Ok(())
    }

    /// The value; a command is run for it.
    ///
    /// # Errors
    /// Where the command fails: what is wrong, for people.
    pub async fn finish(self, gate: &Gate) -> Result<Value, String> {
        match self.0 {
            Work::Fold(aggregator) => Ok(aggregator.finish()),
            Work::Command(words, lines) => {
                command::ask(&words, lines.into_values(), gate).await.map_err(|fault| fault.to_string())
            }
        }
    }
}
