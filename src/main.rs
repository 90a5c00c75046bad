//! Arguments, then the program.

use std::process::ExitCode;

use flightdeck::provider::process::{SUPERVISE, supervisor};

fn main() -> ExitCode {
    // A supervisor starts once per process agent: nothing comes before it.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == SUPERVISE) {
        return supervisor::main();
    }
    ExitCode::SUCCESS
}
