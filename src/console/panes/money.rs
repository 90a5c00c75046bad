//! Money: what is spent, held and free, how fast it goes, and for how long it lasts.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Pane;
use crate::console::burn::Burn;
use crate::console::format::{decimals_of, duration, usd};
use crate::console::keymap::Context;
use crate::console::theme::{Look, Theme};
use crate::console::view::View;
use crate::console::widgets::bar::{self, Part};
use crate::console::widgets::frame::frame;
use crate::console::widgets::segments::{Segment, join};
use crate::console::widgets::spark::columns;
use crate::console::widgets::text::{left, right, width};
use crate::domain::{Money as Amount, Run, Totals};

/// The money gauges.
#[derive(Debug)]
pub(crate) struct Money;

/// What fills the cells of each part: told apart without colour.
const SPENT: (&str, Look) = ("█", Look::Spent);
const UNCONFIRMED: (&str, Look) = ("▓", Look::Unconfirmed);
const HELD: (&str, Look) = ("▒", Look::Held);
const FREE: (&str, Look) = ("░", Look::Free);

impl Pane for Money {
    fn context(&self) -> Context {
        Context::Side
    }

    fn draw(&self, view: &View, theme: &Theme, focused: bool, area: Rect, buf: &mut Buffer) {
        let simulated = if view.is_simulated() { " money ─ SIM " } else { " money " };
        let inner = frame(Line::from(simulated), focused, theme, area, buf);
        let Some(run) = view.run.as_deref() else { return };
        let lines = inner.height;
        let inside = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        let row = |line: u16| Rect { y: inside.y + line.min(lines), height: 1, ..inside };
        gauge(run, theme, row(0), buf);
        let mut at = 1;
        for line in parts(run, theme, usize::from(inside.width)).into_iter().chain(pace(
            view,
            run,
            theme,
            usize::from(inside.width),
        )) {
            if at < lines {
                buf.set_line(inside.x, row(at).y, &line, inside.width);
            }
            at += 1;
        }
        if at < lines {
            let spark = columns(&view.burn.history(5, usize::from(inside.width)), usize::from(inside.width));
            buf.set_string(inside.x, row(at).y, spark, theme.of(Look::Chart));
        }
    }
}

/// One line for narrow screens: the bar and what is most important.
pub(crate) fn compact(view: &View, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let Some(run) = view.run.as_deref() else { return };
    let size = usize::from(area.width);
    let bar = (size / 4).min(30);
    buf.set_string(area.x, area.y, " money    ", theme.of(Look::Dim));
    let width = u16::try_from(bar).unwrap_or(0);
    gauge(run, theme, Rect { x: area.x + 10, width, ..area }, buf);
    let money = run.money;
    let decimals = decimals_of(&money);
    let mut segments = vec![
        Segment::new(format!("spent {}", usd(money.spent, decimals)), theme.of(Look::Spent), 0),
        Segment::new(format!("held {}", usd(money.reserved, decimals)), theme.of(Look::Held), 1),
    ];
    if money.unconfirmed > Amount::ZERO {
        let words = format!("unconfirmed {}", usd(money.unconfirmed, decimals));
        segments.push(Segment::new(words, theme.of(Look::Unconfirmed), 2));
    }
    if let Some(rate) = rate(view, run) {
        segments.push(Segment::new(per_minute(rate), theme.of(Look::Dim), 3));
    }
    let rest = size.saturating_sub(bar + 12);
    buf.set_line(area.x + 12 + width, area.y, &join(segments, 2, rest), area.width.saturating_sub(12 + width));
}

fn gauge(run: &Run, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let money = run.money;
    let part = |amount: Amount, (fill, look): (&'static str, Look)| Part { amount: amount.nanos(), fill, look };
    let parts = [part(money.spent, SPENT), part(money.unconfirmed, UNCONFIRMED), part(money.reserved, HELD)];
    let whole = money.budget.unwrap_or_else(|| money.committed());
    bar::draw(&parts, whole.nanos(), part(Amount::ZERO, FREE), theme, area, buf);
}

/// One line per part: its fill, its name, its amount and its share of the budget.
fn parts(run: &Run, theme: &Theme, size: usize) -> Vec<Line<'static>> {
    let money = run.money;
    let decimals = decimals_of(&money);
    let line = |(fill, look): (&'static str, Look), name: &str, amount: Amount| {
        let share = share(amount, &money);
        let name_size = size.saturating_sub(2 + 11 + 6);
        Line::from(vec![
            Span::styled(format!("{fill} "), theme.of(look)),
            Span::styled(left(name, name_size), theme.of(Look::Text)),
            Span::styled(right(&usd(amount, decimals), 11), theme.of(Look::Text)),
            Span::styled(right(&share, 6), theme.of(Look::Dim)),
        ])
    };
    let mut lines = vec![line(SPENT, "spent", money.spent)];
    if money.unconfirmed > Amount::ZERO {
        lines.push(line(UNCONFIRMED, "unconfirmed", money.unconfirmed));
    }
    lines.push(line(HELD, "held", money.reserved));
    match money.free() {
        Some(free) => lines.push(line(FREE, "free", free)),
        None => lines.push(Line::styled("no budget: nothing limits it", theme.of(Look::Dim))),
    }
    lines
}

fn share(amount: Amount, money: &Totals) -> String {
    let Some(budget) = money.budget.filter(|budget| *budget > Amount::ZERO) else { return String::new() };
    let percent = u128::from(amount.nanos()) * 100 / u128::from(budget.nanos());
    format!("{percent} %")
}

fn pace(view: &View, run: &Run, theme: &Theme, size: usize) -> Option<Line<'static>> {
    if view.is_free_of_charge() {
        return Some(Line::styled("this provider costs nothing", theme.of(Look::Dim)));
    }
    let rate = rate(view, run)?;
    // What is held is given back but for what a call really costs: the budget lasts beyond it.
    let left = run.money.free().map(|free| free + run.money.reserved);
    let lasts = left.and_then(|left| Burn::lasts(left, rate));
    let mut text = per_minute(rate);
    if let Some(time) = lasts.map(duration) {
        let whole = format!("{text}   ~{time} to limit");
        text = if width(&whole) <= size { whole } else { format!("{text}  ~{time} left") };
    }
    Some(Line::styled(text, theme.of(Look::Estimate)))
}

/// How fast money goes, where any does.
fn rate(view: &View, run: &Run) -> Option<Amount> {
    view.burn.per_minute(run, view.now.wall).filter(|rate| view.is_live() && *rate > Amount::ZERO)
}

/// `12.4 ¢/min`, or dollars where it is much.
fn per_minute(rate: Amount) -> String {
    let cents = rate.times(100);
    if cents.nanos() >= 1_000_000_000_000 {
        return format!("~${}/min", rate.short(2));
    }
    format!("~{} ¢/min", cents.short(if cents.nanos() < 1_000_000_000 { 3 } else { 1 }))
}
