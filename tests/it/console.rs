//! The console as an operator has it: the real program in a real terminal, against a server on
//! loopback that does what the test says.

mod dispatch;
mod operator;
mod others;
mod quit;
mod screen;

use std::fmt::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::mock_openai::{Answer, Gate, MODEL, MockOpenAi, Seen};
use crate::support::pty::{Terminal, poll};

const ROOMY: (u16, u16) = (160, 45);

/// A home whose provider is a server of the test's.
struct Place {
    home: TempDir,
    server: MockOpenAi,
}

impl Place {
    /// With a server that answers as `script` says.
    fn new(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let server = MockOpenAi::start(script);
        let home = tempfile::tempdir().expect("a directory");
        let config = format!(
            "default_provider = \"local\"\n\
             [providers.local]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"{MODEL}\"\nauth = {{ type = \"none\" }}\n\
             [prices.\"{MODEL}\"]\ninput = 1.0\noutput = 2.0\n",
            server.base_url()
        );
        std::fs::write(home.path().join("config.toml"), config).expect("a file");
        Self { home, server }
    }

    /// With a server whose answers of six words pass a gate.
    fn gated() -> (Self, Gate) {
        let gate = Gate::closed();
        let behind = gate.clone();
        (Self::new(move |_| Answer::words(6).behind(&behind)), gate)
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    /// A file with rows `{"word":"w0"}` and so on.
    fn rows(&self, count: usize) -> &'static str {
        let text = (0..count).fold(String::new(), |mut text, row| {
            writeln!(text, "{{\"word\":\"w{row}\"}}").expect("a string grows");
            text
        });
        std::fs::write(self.path().join("rows.jsonl"), text).expect("a file");
        "rows.jsonl"
    }

    /// The console.
    fn console(&self, size: (u16, u16)) -> Terminal {
        Terminal::start(self.path(), [""; 0], size, &[])
    }

    /// The console with a dispatch of `count` rows, as `run --console` begins it.
    fn dispatched(&self, count: usize, more: &[&str], size: (u16, u16)) -> Terminal {
        let rows = self.rows(count);
        let args = ["run", "Say {{word}}", "--args", rows, "--timeout", "10m", "--console"];
        let terminal = Terminal::start(self.path(), args.iter().chain(more), size, &[]);
        terminal.see(&[&format!("agents ─ {count}")]);
        terminal
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flightdeck"));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("USER", "bob").current_dir(self.path());
        command.arg("--home").arg(self.path()).args(args).stdin(Stdio::null());
        command
    }

    /// What a listing says as JSON.
    fn list(&self, what: &[&str]) -> Vec<Value> {
        let output = self.command(&[what, &["--json"]].concat()).output().expect("the program runs");
        let listed = serde_json::from_slice(&output.stdout);
        listed.unwrap_or_else(|error| panic!("{what:?}: {error}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// The states of all tasks, by their numbers.
    fn states(&self) -> Vec<String> {
        let mut tasks = self.list(&["tasks"]);
        tasks.sort_by_key(|task| task["task"].as_u64());
        tasks.iter().map(|task| text(task, "state")).collect()
    }

    /// The operator's actions in the log, oldest first.
    fn actions(&self) -> Vec<String> {
        let events = self.list(&["events", "--type", "operator_action"]);
        events.iter().map(|event| text(&event["data"], "action")).filter(|action| action != "start").collect()
    }

    /// The only run.
    fn only_run(&self) -> Value {
        let mut runs = self.list(&["runs"]);
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.remove(0)
    }

    /// A dispatch in a process of its own, without a screen.
    fn run_elsewhere(&self, count: usize) -> Elsewhere {
        let rows = self.rows(count);
        let args = ["run", "Say {{word}}", "--args", rows, "--timeout", "10m"];
        let child = self.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs");
        Elsewhere(child)
    }
}

/// Another process, which ends with the test.
struct Elsewhere(Child);

impl Elsewhere {
    /// As `kill -9`.
    fn kill(&mut self) {
        self.0.kill().expect("a process of ours");
        self.0.wait().expect("a child");
    }

    fn ended(&mut self) -> Option<i32> {
        let mut status = None;
        poll("the end of the other process", || {
            status = self.0.try_wait().expect("a child");
            status.is_some()
        });
        status.and_then(|status| status.code())
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
