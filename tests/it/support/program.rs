//! The program, in a home of its own and with nothing of this machine's settings.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A home, and the environment of the commands in it.
pub(crate) struct Program {
    home: TempDir,
    env: Vec<(&'static str, String)>,
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code.
    pub(crate) code: Option<i32>,
    /// The results, in the order of their tasks.
    pub(crate) results: Vec<Value>,
    /// The summary, where the command came as far as that.
    pub(crate) summary: Value,
    /// Its standard error.
    pub(crate) stderr: String,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), env: Vec::new() }
    }

    /// With a variable of the environment.
    pub(crate) fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    /// Runs the program with these arguments in the package's directory.
    pub(crate) fn run<S: AsRef<str>>(&self, arguments: &[S]) -> Ended {
        let summary = self.home.path().join("summary.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_flightdeck"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.home.path());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).stdin(Stdio::null());
        // Before a command line after `--`.
        let (first, rest) = arguments.split_first().unwrap();
        command.arg("--home").arg(self.home.path()).arg(first.as_ref()).arg("--summary").arg(&summary);
        let output = command.args(rest.iter().map(AsRef::as_ref)).output().unwrap();
        let line = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no result: {line}"));
        let mut results: Vec<Value> = str::from_utf8(&output.stdout).unwrap().lines().map(line).collect();
        results.sort_by_key(|result| result["task"].as_u64());
        let summary = std::fs::read_to_string(summary).ok().and_then(|text| serde_json::from_str(&text).ok());
        Ended {
            code: output.status.code(),
            results,
            summary: summary.unwrap_or_default(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// Asserts the exit code; shows everything where it is another one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// What the results came to.
    pub(crate) fn aggregate(&self) -> &Value {
        &self.summary["aggregate"]
    }
}
