//! The first line: what is watched, whether it lives, how long, and its money.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::needs::needs;
use crate::console::format::{clock, decimals_for, usd};
use crate::console::theme::{Look, Theme};
use crate::console::view::View;
use crate::console::widgets::segments::{Segment, join};
use crate::domain::{Money, Run, RunState};

/// From this width on there is room for names and for the budget.
const ROOMY: usize = 110;

/// Draws it over one line.
pub(crate) fn draw(view: &View, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let size = usize::from(area.width).saturating_sub(2);
    let gap = if size < ROOMY { 2 } else { 3 };
    let line = join(segments(view, theme, size), gap, size);
    buf.set_line(area.x + 1, area.y, &line, area.width.saturating_sub(1));
}

fn segments(view: &View, theme: &Theme, size: usize) -> Vec<Segment> {
    let mut segments = vec![Segment::new("flightdeck", theme.of(Look::Product), 7)];
    if view.demo {
        segments.push(Segment::new("demo", theme.of(Look::Dim), 9));
    }
    let Some(run) = view.run.as_deref() else {
        segments.push(Segment::new(view.home.clone(), theme.of(Look::Dim), 8));
        segments.extend(attention(view, theme));
        return segments;
    };
    let mut name = vec![Span::styled(run.id.to_string(), theme.of(Look::Strong))];
    if size >= ROOMY {
        let title = view.gate.line(&run.spec.title, size / 6);
        name.insert(0, Span::styled(format!("{title} ▸ "), theme.of(Look::Text)));
    }
    segments.push(Segment::of(name, 1));
    segments.push(Segment::of(badges(view, run, theme), 0));
    segments.push(Segment::new(clock(view.elapsed()), theme.of(Look::Text), 3));
    segments.extend(money(view, run, theme, size >= ROOMY));
    segments.extend(attention(view, theme));
    segments
}

fn badges(view: &View, run: &Run, theme: &Theme) -> Vec<Span<'static>> {
    let (word, look) = match run.state {
        RunState::Created => ("READY", Look::BadgeEnded),
        RunState::Running => ("LIVE", Look::BadgeLive),
        RunState::Paused => ("PAUSED", Look::BadgePaused),
        RunState::Suspended => ("SUSPENDED", Look::BadgeSuspended),
        RunState::Completed => ("ENDED ✓", Look::BadgeEnded),
        RunState::Failed => ("ENDED ✗ failed", Look::BadgeEnded),
        RunState::Cancelled => ("ENDED − cancelled", Look::BadgeEnded),
    };
    let mut spans = Vec::new();
    if view.is_simulated() {
        spans.push(Span::styled(" SIM ", theme.of(Look::BadgeSim)));
        spans.push(Span::raw(" "));
    }
    spans.push(Span::styled(format!(" {word} "), theme.of(look)));
    spans
}

fn money(view: &View, run: &Run, theme: &Theme, roomy: bool) -> Vec<Segment> {
    let money = run.money;
    if view.is_free_of_charge() {
        return vec![Segment::new("costs nothing", theme.of(Look::Dim), 6)];
    }
    let decimals = decimals_for(money.budget.unwrap_or(money.committed()));
    let mut segments = vec![amount("spent", money.spent, decimals, (Look::Spent, 0), theme)];
    if money.unconfirmed > Money::ZERO {
        segments.push(amount("unconfirmed", money.unconfirmed, decimals, (Look::Unconfirmed, 2), theme));
    }
    segments.push(amount("held", money.reserved, decimals, (Look::Held, 4), theme));
    if let (Some(free), Some(budget)) = (money.free(), money.budget) {
        let mut segment = amount("free", free, decimals, (Look::Text, 1), theme);
        if roomy {
            segment.spans.push(Span::styled(format!(" of {}", usd(budget, decimals)), theme.of(Look::Dim)));
        }
        segments.push(segment);
    }
    segments
}

fn amount(name: &str, amount: Money, decimals: usize, (look, rank): (Look, u8), theme: &Theme) -> Segment {
    let spans = vec![
        Span::styled(format!("{name} "), theme.of(Look::Dim)),
        Span::styled(usd(amount, decimals), theme.of(look)),
    ];
    Segment::of(spans, rank)
}

fn attention(view: &View, theme: &Theme) -> Option<Segment> {
    let number = needs(view).len();
    let verb = if number == 1 { "needs" } else { "need" };
    (number > 0).then(|| Segment::new(format!("▲ {number} {verb} you"), theme.of(Look::Attention), 2))
}

/// The whole screen where it is too small for anything else.
pub(crate) fn too_small(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let words = ["flightdeck needs", "at least 60 x 15", "cells."];
    for (y, text) in (area.top()..area.bottom()).zip(words) {
        buf.set_line(area.x, y, &Line::styled(text, theme.of(Look::Text)), area.width);
    }
}
