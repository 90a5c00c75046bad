//! Progress on standard error: a bar on a terminal, nothing in a pipe but the summary.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::results::Summary;
use crate::domain::{Run, TaskState};

const TEMPLATE: &str = "{bar:24} {pos}/{len}  {msg}  {elapsed_precise}";

/// The progress of a run.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar, where standard error is a terminal.
    pub fn start() -> Self {
        let target =
            if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("█▌░"));
        }
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        Self { bar }
    }

    /// Shows where the run is.
    pub fn show(&self, run: &Run) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_length(run.tasks.len() as u64);
        self.bar.set_position(u64::from(run.tasks_ended()));
        let money = &run.money;
        let of = money.budget.map(|budget| format!(" of ${}", budget.short(2))).unwrap_or_default();
        let failed = run.tasks_in(TaskState::Failed);
        let failed = if failed > 0 { format!("  ✗ {failed} failed") } else { String::new() };
        let sim = if run.spec.simulated { "SIM  " } else { "" };
        self.bar.set_message(format!(
            "{sim}● {} working{failed}  ${} spent, ${} held{of}",
            run.slots,
            money.spent.short(4),
            (money.reserved + money.unconfirmed).short(4)
        ));
    }

    /// Writes without disturbing the bar.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The summary for people, on standard error.
pub fn summarise(summary: &Summary, failures: &[(u32, &str)]) -> std::io::Result<()> {
    let mut err = std::io::stderr().lock();
    let Summary { run, state, tasks, succeeded, failed, cancelled, .. } = summary;
    let sim = if summary.simulated { " SIM" } else { "" };
    let seconds = Duration::from_millis(summary.duration_ms).as_secs_f64();
    writeln!(
        err,
        "{run}{sim} {state}: {succeeded} of {tasks} succeeded, {failed} failed, {cancelled} cancelled in {seconds:.1} s"
    )?;
    let budget = summary.budget_usd.map(|budget| format!(" of ${}", budget.short(2))).unwrap_or_default();
    let unconfirmed = if summary.unconfirmed_usd == crate::domain::Money::ZERO {
        String::new()
    } else {
        format!(", ${} unconfirmed (calls that were cut: the provider may bill them)", summary.unconfirmed_usd.short(4))
    };
    writeln!(err, "  spent ${}{budget}{unconfirmed}", summary.spent_usd.short(4))?;
    if let Some(by) = &summary.stopped_by {
        writeln!(err, "  stopped by {by}")?;
    }
    for (count, text) in failures {
        writeln!(err, "  {count} x {text}")?;
    }
    if *state == "suspended" {
        writeln!(err, "  go on with: flightdeck resume-run {run}")?;
    }
    Ok(())
}
