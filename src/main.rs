//! Arguments, then app.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The supervisor of a process agent is this binary again; it must start fast and needs none
    // of the rest.
    if std::env::args_os().nth(1).is_some_and(|first| first == flightdeck::provider::process::SUPERVISE) {
        return flightdeck::provider::process::supervisor::main();
    }
    flightdeck::app::main()
}
