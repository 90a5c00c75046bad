//! What stands in the grid while no run is open: what can be done now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::action::Action;
use crate::console::keymap::Context;
use crate::console::theme::{Look, Theme};
use crate::console::view::View;
use crate::console::widgets::text::{cells, left};

/// How many runs are mentioned.
const RUNS: usize = 5;

/// Draws it.
pub(crate) fn draw(view: &View, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let lines = lines(view, theme);
    let top = area.height.saturating_sub(cells(lines.len())) / 3;
    let size = lines.iter().map(Line::width).max().unwrap_or(0);
    let x = area.x + area.width.saturating_sub(cells(size)) / 2;
    for (line, text) in (top..area.height).zip(&lines) {
        buf.set_line(x, area.y + line, text, area.right().saturating_sub(x));
    }
}

fn lines(view: &View, theme: &Theme) -> Vec<Line<'static>> {
    if let Some(run) = view.opening {
        return vec![Line::styled(format!("opening {run} …"), theme.of(Look::Dim))];
    }
    let key = |action: Action, what: &'static str| {
        let key = view.keys.key_of(Context::Agents, action);
        Line::from(vec![Span::styled(left(&key, 4), theme.of(Look::Key)), Span::styled(what, theme.of(Look::Text))])
    };
    let mut lines = vec![
        Line::styled("No run is open.", theme.of(Look::Strong)),
        Line::default(),
        key(Action::Prompt, "write a prompt and dispatch it"),
        key(Action::Runs, "open a run of this home"),
        key(Action::Help, "all keys"),
        key(Action::Quit, "quit"),
        Line::default(),
    ];
    if view.rows.is_empty() {
        lines.push(Line::styled(format!("No runs yet in {}.", view.home), theme.of(Look::Dim)));
        return lines;
    }
    lines.push(Line::styled("The last runs:", theme.of(Look::Dim)));
    for row in view.rows.iter().take(RUNS) {
        let title = view.gate.line(&row.title, 40);
        let ended = row.succeeded + row.failed + row.cancelled;
        let words = format!("{}  {}  {}/{}  {title}", row.id, left(row.state.word(), 9), ended, row.tasks);
        lines.push(Line::styled(words, theme.of(Look::Text)));
    }
    lines
}
