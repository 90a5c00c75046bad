//! The runs of the home, those of other processes and suspended ones too.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Pane;
use crate::console::action::Action;
use crate::console::format::{clock, day_and_time, decimals_of, usd};
use crate::console::keymap::Context;
use crate::console::orders;
use crate::console::place::Place;
use crate::console::theme::{Look, Theme};
use crate::console::view::View;
use crate::console::widgets::frame::popup;
use crate::console::widgets::text::{fit, left, right};
use crate::console::wish::{Ask, Wish};
use crate::domain::{Money, RunId, RunState};
use crate::store::rows::RunRow;

/// From this width on it says when, how long and where.
const WIDE: usize = 100;

/// The list of runs.
#[derive(Debug)]
pub(crate) struct Runs {
    by: String,
    place: Place,
    /// The run under the cursor: the cursor stays on it when lines move.
    picked: Option<RunId>,
}

impl Runs {
    /// With the cursor on the run that is watched.
    pub(crate) fn new(by: String, watched: Option<RunId>) -> Self {
        Self { by, place: Place::default(), picked: watched }
    }
}

impl Pane for Runs {
    fn context(&self) -> Context {
        Context::Runs
    }

    fn on(&mut self, action: Action, view: &View) -> Option<Wish> {
        if self.place.moved(action, view.rows.len()) {
            self.picked = view.rows.get(self.place.cursor).map(|row| row.id);
            return None;
        }
        let row = view.rows.get(self.place.cursor);
        match action {
            Action::Back => Some(Wish::Close),
            Action::Open => row.map(|row| Wish::Ask(Ask::Open(row.id))),
            Action::Resume => row.map(|row| match row.state {
                RunState::Suspended => orders::reopen(row.id, &self.by),
                state => Wish::Warn(format!("{} is {}: only suspended runs can be continued", row.id, state.word())),
            }),
            _ => None,
        }
    }

    fn settle(&mut self, view: &View, area: Rect) {
        let page = size(view, area).1.saturating_sub(3);
        let picked = view.rows.iter().position(|row| Some(row.id) == self.picked);
        self.place.cursor = picked.unwrap_or(self.place.cursor);
        self.place.settle(view.rows.len(), page);
    }

    fn draw(&self, view: &View, theme: &Theme, _focused: bool, area: Rect, buf: &mut Buffer) {
        let title = format!(" runs ─ {} in {} ", view.rows.len(), view.home);
        let inner = popup(Line::from(title), size(view, area), theme, area, buf);
        let wide = usize::from(inner.width) >= WIDE;
        buf.set_line(inner.x, inner.y, &heading(wide, theme), inner.width);
        if view.rows.is_empty() {
            buf.set_string(inner.x + 2, inner.y + 1, "no runs yet", theme.of(Look::Dim));
        }
        let shown = self.place.shown(view.rows.len());
        let rows = view.rows.iter().enumerate().skip(shown.start).take(shown.len());
        for (y, (index, row)) in (inner.y + 1..inner.bottom()).zip(rows) {
            let cursor = index == self.place.cursor;
            if cursor {
                buf.set_style(Rect { y, height: 1, ..inner }, theme.of(Look::Selection));
            }
            buf.set_line(inner.x, y, &line(row, cursor, usize::from(inner.width), view, theme), inner.width);
        }
    }
}

fn heading(wide: bool, theme: &Theme) -> Line<'static> {
    let mut columns = vec![
        left("", 2),
        left("run", 12),
        left("state", 13),
        right("ended", 11),
        right("failed", 8),
        right("spent", 11),
    ];
    columns.push("  ".to_owned());
    if wide {
        columns.extend([left("began", 13), left("took", 10), left("where", 14), left("model", 20)]);
    }
    columns.push("title".to_owned());
    Line::styled(columns.concat(), theme.of(Look::Dim))
}

fn line(row: &RunRow, cursor: bool, columns: usize, view: &View, theme: &Theme) -> Line<'static> {
    let (symbol, look) = state(row.state);
    let ended = row.succeeded + row.failed + row.cancelled;
    let text = theme.of(Look::Text);
    let dim = theme.of(Look::Dim);
    let failed = theme.of(if row.failed > 0 { Look::Failed } else { Look::Dim });
    let spent = match row.money.spent {
        Money::ZERO => "–".to_owned(),
        spent => usd(spent, decimals_of(&row.money)),
    };
    let mut spans = vec![
        Span::styled(if cursor { "▸ " } else { "  " }, theme.of(Look::Strong)),
        Span::styled(left(&row.id.to_string(), 12), theme.of(Look::Strong)),
        Span::styled(left(&format!("{symbol} {}", row.state.word()), 13), theme.of(look)),
        Span::styled(right(&format!("{ended}/{}", row.tasks), 11), text),
        Span::styled(right(&row.failed.to_string(), 8), failed),
        Span::styled(format!("{}  ", right(&spent, 11)), text),
    ];
    if columns >= WIDE {
        let took = row.started.map(|started| clock(row.ended.unwrap_or(view.now.wall).since(started)));
        spans.push(Span::styled(left(&day_and_time(row.created, view.zone), 13), dim));
        spans.push(Span::styled(left(&took.unwrap_or_default(), 10), dim));
        spans.push(Span::styled(left(&place(row, view), 14), dim));
        spans.push(Span::styled(left(&row.model, 20), dim));
    }
    if row.simulated {
        spans.push(Span::styled(" SIM ", theme.of(Look::BadgeSim)));
        spans.push(Span::raw(" "));
    }
    let used: usize = spans.iter().map(Span::width).sum();
    let title = view.gate.line(&row.title, 80);
    spans.push(Span::styled(fit(&title, columns.saturating_sub(used)).into_owned(), text));
    Line::from(spans)
}

/// As large as the list needs, within the screen.
fn size(view: &View, area: Rect) -> (usize, usize) {
    let lines = view.rows.len().max(1) + 3;
    (usize::from(area.width.saturating_sub(4)).min(150), lines.min(usize::from(area.height.saturating_sub(2))))
}

/// Who is at work on it.
fn place(row: &RunRow, view: &View) -> String {
    match &row.owner {
        _ if view.own.contains(&row.id) => "this console".to_owned(),
        Some(owner) if !row.state.is_final() && row.state != RunState::Suspended => format!("process {}", owner.pid),
        _ => "–".to_owned(),
    }
}

const fn state(state: RunState) -> (&'static str, Look) {
    match state {
        RunState::Created => ("◌", Look::Queued),
        RunState::Running => ("●", Look::Working),
        RunState::Paused => ("‖", Look::Paused),
        RunState::Suspended => ("◑", Look::Waits),
        RunState::Completed => ("✓", Look::Done),
        RunState::Failed => ("✗", Look::Failed),
        RunState::Cancelled => ("−", Look::Stopped),
    }
}
