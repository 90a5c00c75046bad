//! Signals of a command without a screen.

use std::io::Write;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::exit::{Complaint, Exit};
use crate::engine::handle::Handle;

/// The first SIGINT, SIGTERM or SIGHUP lets go of all runs; the second ends the process at once,
/// and loses nothing that was acknowledged. Where no run has begun, the first one does.
pub(super) fn let_go_on_signal(handle: Handle) -> Result<(), Complaint> {
    let listen = |kind| signal(kind).map_err(|error| Complaint::usage(format!("signals can't be heard: {error}")));
    let mut signals =
        [listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?, listen(SignalKind::hangup())?];
    tokio::spawn(async move {
        heard(&mut signals).await;
        if handle.has_begun() {
            // Nothing can be told where standard error is gone.
            let _ =
                writeln!(std::io::stderr(), "interrupted: what is under way is stopped (once more ends this at once)");
            handle.stop().await;
            heard(&mut signals).await;
        }
        end_now();
    });
    Ok(())
}

async fn heard([interrupt, terminate, hangup]: &mut [Signal; 3]) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "nothing has begun, or the operator asked twice: nothing more is put down"
)]
fn end_now() -> ! {
    std::process::exit(Exit::Interrupted as i32)
}
