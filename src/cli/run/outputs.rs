//! Where results and the summary go.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, IsTerminal};
use std::path::Path;

use super::results::Results;
use crate::cli::exit::Complaint;

/// Files that can be written to. What is in them stays until there is something to replace it: a
/// dispatch that is refused destroys nothing.
pub(super) struct Outputs {
    results: Option<File>,
    summary: Option<File>,
}

impl Outputs {
    /// Opens the files that were named.
    pub(super) fn open(results: Option<&Path>, summary: Option<&Path>) -> Result<Self, Complaint> {
        Ok(Self { results: results.map(open).transpose()?, summary: summary.map(open).transpose()? })
    }

    /// Empties the files. Without one, results go to standard output.
    pub(super) fn emptied(self) -> Result<(Results, Option<BufWriter<File>>), Complaint> {
        let results = match self.results {
            Some(file) => Results::new(Box::new(emptied(file)?), false),
            None => Results::new(Box::new(std::io::stdout()), std::io::stdout().is_terminal()),
        };
        Ok((results, self.summary.map(emptied).transpose()?))
    }
}

fn open(path: &Path) -> Result<File, Complaint> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|error| Complaint::usage(format!("{}: it can't be written to: {error}", path.display())))
}

fn emptied(file: File) -> Result<BufWriter<File>, Complaint> {
    // A pipe or a terminal has nothing to be emptied of.
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(BufWriter::new(file))
}
