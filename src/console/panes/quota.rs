//! Quota: how much of each limit is used, ours and the provider's.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Pane;
use crate::console::format::{clock, count, duration};
use crate::console::keymap::Context;
use crate::console::theme::{Look, Theme};
use crate::console::view::View;
use crate::console::widgets::bar;
use crate::console::widgets::frame::frame;
use crate::console::widgets::segments::{Segment, join};
use crate::console::widgets::text::{left, right};
use crate::domain::{Run, TaskState};

/// The quota gauges.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    /// How many attempts were made beyond the first ones.
    pub(crate) retries: u64,
}

/// One line: a name, what is used of what, and a bar.
struct Gauge {
    name: &'static str,
    text: String,
    used: u64,
    whole: u64,
    /// Whether being nearly full is worth a warning.
    warns: bool,
}

/// Cells of the names.
const NAME: usize = 9;
/// Cells of what is used of what.
const TEXT: usize = 15;

impl Pane for Quota {
    fn context(&self) -> Context {
        Context::Side
    }

    fn draw(&self, view: &View, theme: &Theme, focused: bool, area: Rect, buf: &mut Buffer) {
        let inner = frame(Line::from(" quota "), focused, theme, area, buf);
        let Some(run) = view.run.as_deref() else { return };
        let lines = gauges(view, run).into_iter().chain(provider(run)).chain(self.facts(run));
        for (y, gauge) in (inner.top()..inner.bottom()).zip(lines) {
            draw_line(&gauge, theme, Rect { x: inner.x + 1, y, width: inner.width.saturating_sub(2), height: 1 }, buf);
        }
    }
}

impl Quota {
    /// What no limit holds, but an operator asks for.
    fn facts(&self, run: &Run) -> Vec<Gauge> {
        let plain = |name, text| Gauge { name, text, used: 0, whole: 0, warns: false };
        let limits = &run.limits;
        let estimated = if run.usage.estimated { "~" } else { "" };
        vec![
            plain("retries", format!("{} · at most {} each", self.retries, limits.retries)),
            plain("timeout", format!("{} per agent", duration(limits.agent_timeout()))),
            plain("tokens", format!("{estimated}{}", count(run.usage.total()))),
        ]
    }
}

/// One line for narrow screens.
pub(crate) fn compact(view: &View, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let Some(run) = view.run.as_deref() else { return };
    let shown = gauges(view, run);
    buf.set_string(area.x, area.y, " quota    ", theme.of(Look::Dim));
    let segments = (0..).zip(&shown).map(|(rank, gauge)| {
        let name = Span::styled(format!("{} ", gauge.name), theme.of(Look::Dim));
        Segment::of(vec![name, Span::styled(gauge.text.clone(), theme.of(Look::Text))], rank)
    });
    let line = join(segments.collect(), 3, usize::from(area.width.saturating_sub(11)));
    buf.set_line(area.x + 10, area.y, &line, area.width.saturating_sub(10));
}

fn gauges(view: &View, run: &Run) -> Vec<Gauge> {
    let limits = &run.limits;
    let gauge = |name, used: u64, whole: u64, warns| Gauge {
        name,
        text: format!("{} / {}", count(used), count(whole)),
        used,
        whole,
        warns,
    };
    let tasks = run.tasks.len() as u64;
    let failed = u64::from(run.tasks_in(TaskState::Failed));
    let mut gauges = vec![
        gauge("ended", u64::from(run.tasks_ended()), tasks, false),
        gauge("failed", failed, tasks, true),
        gauge("parallel", u64::from(run.slots), u64::from(limits.max_parallel), false),
        gauge("agents", run.agents.len() as u64, u64::from(limits.max_total_agents), true),
    ];
    if let Some(total) = limits.total_timeout_ms {
        let used = u64::try_from(view.elapsed().as_millis()).unwrap_or(u64::MAX);
        let text = format!("of {}", clock(Duration::from_millis(total)));
        gauges.push(Gauge { name: "time", text, used, whole: total, warns: true });
    }
    gauges
}

/// What the provider said last of its own limits.
fn provider(run: &Run) -> Vec<Gauge> {
    let quota = &run.quota;
    let left = |name, remaining: Option<u64>, limit: Option<u64>| {
        let remaining = remaining?;
        let whole = limit.unwrap_or(0);
        let text = if whole > 0 { format!("{} / {}", count(remaining), count(whole)) } else { count(remaining) };
        Some(Gauge { name, text, used: whole.saturating_sub(remaining), whole, warns: true })
    };
    [
        left("req left", quota.requests_remaining, quota.requests_limit),
        left("tok left", quota.tokens_remaining, quota.tokens_limit),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn draw_line(gauge: &Gauge, theme: &Theme, area: Rect, buf: &mut Buffer) {
    buf.set_string(area.x, area.y, left(gauge.name, NAME), theme.of(Look::Dim));
    let rest = usize::from(area.width).saturating_sub(NAME);
    let x = area.x + u16::try_from(NAME).unwrap_or(0);
    if gauge.whole == 0 {
        let text = format!("  {}", gauge.text);
        buf.set_stringn(x, area.y, text, rest, theme.of(Look::Text));
        return;
    }
    let text = right(&gauge.text, TEXT.min(rest));
    buf.set_string(x, area.y, &text, theme.of(Look::Text));
    let taken = u16::try_from(NAME + TEXT + 2).unwrap_or(0);
    let place = Rect { x: area.x + taken, width: area.width.saturating_sub(taken), ..area };
    bar::gauge(gauge.used, gauge.whole, gauge.warns, theme, place, buf);
}
