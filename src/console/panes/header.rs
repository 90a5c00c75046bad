//! The first line: what is watched, whether it lives, how long, and its money.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::format::{clock, decimals_for, decimals_of, usd};
use crate::console::needs::needs;
use crate::console::theme::{Look, Theme};
use crate::console::view::View;
use crate::console::widgets::segments::{Segment, join, joined};
use crate::console::widgets::text::{fit, width};
use crate::domain::{Money, Run, RunState};

/// From this width on pieces stand further apart, and there is room for the title.
const ROOMY: usize = 110;
/// The longest and the shortest title that is worth its place.
const TITLE: (usize, usize) = (40, 20);

/// Draws it over one line.
pub(crate) fn draw(view: &View, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let size = usize::from(area.width).saturating_sub(2);
    let gap = if size < ROOMY { 2 } else { 3 };
    let line = match view.run.as_deref() {
        Some(run) => join(of_run(view, run, theme, (size, gap)), gap, size),
        None => join(of_home(view, theme), gap, size),
    };
    buf.set_line(area.x + 1, area.y, &line, area.width.saturating_sub(1));
}

fn of_home(view: &View, theme: &Theme) -> Vec<Segment> {
    let mut segments = vec![
        Segment::new("flightdeck", theme.of(Look::Product), 0),
        Segment::new(view.home.clone(), theme.of(Look::Dim), 1),
    ];
    segments.extend(attention(view, theme, false));
    segments
}

/// Names give way to amounts: the title takes what is left, and labels are shortened before
/// anything is left out.
fn of_run(view: &View, run: &Run, theme: &Theme, (size, gap): (usize, usize)) -> Vec<Segment> {
    let facts = |short| {
        let mut segments = state(view, run, theme);
        segments.extend(elsewhere(view, theme));
        segments.extend(money(view, run, theme, short));
        segments.extend(attention(view, theme, short));
        segments
    };
    let id = run.id.to_string();
    let left = |segments: &[Segment]| size.saturating_sub(width(&id) + gap + joined(segments, gap));
    let mut rest = facts(false);
    if left(&rest) < TITLE.1 {
        rest = facts(true);
    }
    let mut room = left(&rest);
    let product = if view.demo { "flightdeck demo" } else { "flightdeck" };
    let mut segments = Vec::new();
    if size >= ROOMY && room >= width(product) + gap + TITLE.1 {
        segments.push(Segment::new(product, theme.of(Look::Product), 9));
        room -= width(product) + gap;
    }
    let mut name = vec![Span::styled(id, theme.of(Look::Strong))];
    if size >= ROOMY && room >= TITLE.1 {
        let title = view.gate.line(&run.spec.title, 200);
        let title = fit(&title, room.saturating_sub(3).min(TITLE.0)).into_owned();
        name.insert(0, Span::styled(format!("{title} ▸ "), theme.of(Look::Text)));
    }
    segments.push(Segment::of(name, 0));
    segments.extend(rest);
    segments
}

/// Whether it lives, and how long it took so far: of a run at work both belong together.
fn state(view: &View, run: &Run, theme: &Theme) -> Vec<Segment> {
    let mut badges = badges(view, run, theme);
    let time = Span::styled(clock(view.elapsed()), theme.of(Look::Text));
    if run.state.is_live() {
        badges.extend([Span::raw(" "), time]);
        return vec![Segment::of(badges, 0)];
    }
    vec![Segment::of(badges, 0), Segment::of(vec![time], 3)]
}

/// Whose it is, where this console only looks on: orders go there.
fn elsewhere(view: &View, theme: &Theme) -> Option<Segment> {
    view.elsewhere().map(|pid| Segment::new(format!("in process {pid}"), theme.of(Look::Dim), 8))
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

fn money(view: &View, run: &Run, theme: &Theme, short: bool) -> Vec<Segment> {
    let money = run.money;
    if view.is_free_of_charge() {
        return vec![Segment::new("costs nothing", theme.of(Look::Dim), 6)];
    }
    let decimals = decimals_of(&money);
    let mut segments = vec![amount("spent", money.spent, decimals, (Look::Spent, 0), theme)];
    if money.unconfirmed > Money::ZERO {
        let name = if short { "unconf." } else { "unconfirmed" };
        segments.push(amount(name, money.unconfirmed, decimals, (Look::Unconfirmed, 5), theme));
    }
    segments.push(amount("held", money.reserved, decimals, (Look::Held, 6), theme));
    if let (Some(free), Some(budget)) = (money.free(), money.budget) {
        let mut segment = amount("free", free, decimals, (Look::Text, 1), theme);
        if !short {
            segment.spans.push(Span::styled(format!(" of {}", usd(budget, decimals_for(budget))), theme.of(Look::Dim)));
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

fn attention(view: &View, theme: &Theme, short: bool) -> Option<Segment> {
    let number = needs(view).len();
    let words = match number {
        0 => return None,
        _ if short => "for you",
        1 => "needs you",
        _ => "need you",
    };
    Some(Segment::new(format!("▲ {number} {words}"), theme.of(Look::Attention), 2))
}

/// The whole screen where it is too small for anything else.
pub(crate) fn too_small(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let words = ["flightdeck needs", "at least 60 x 15", "cells."];
    for (y, text) in (area.top()..area.bottom()).zip(words) {
        buf.set_line(area.x, y, &Line::styled(text, theme.of(Look::Text)), area.width);
    }
}
