//! How the prompt looks: one line, or a box while it is written in.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::editor::variables;
use super::fields::Field;
use super::{Prompt, Told, cost, likely};
use crate::console::action::Action;
use crate::console::format::{amount, plural};
use crate::console::keymap::Context;
use crate::console::theme::{Look, Theme};
use crate::console::view::View;
use crate::console::widgets::frame::frame;
use crate::console::widgets::segments::{Segment, join};
use crate::console::widgets::text::{cells, fit, left};

/// Cells of a field's name.
const NAME: usize = 10;
/// The most lines of the template that are shown.
const LINES: usize = 8;

/// How many fields stand in one line.
const fn per_line(columns: u16) -> usize {
    if columns >= 120 { 4 } else { 2 }
}

/// How many lines the box needs on a screen.
pub(crate) fn height(prompt: &Prompt, screen: Rect) -> u16 {
    let fields = Field::ALL.len().div_ceil(per_line(screen.width));
    let editor = prompt.editor.height(usize::from(screen.width.saturating_sub(4))).clamp(2, LINES);
    cells(editor + fields + 4).min(screen.height / 2 + 1)
}

/// One line: the beginning of the template, and what is known about it.
pub(crate) fn compact(prompt: &Prompt, view: &View, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let size = usize::from(area.width).saturating_sub(2);
    let told = brief(prompt, theme, size / 2);
    let room = size.saturating_sub(12 + told.width());
    let mut spans = vec![Span::styled("prompt ", theme.of(Look::Dim)), Span::styled("▸ ", theme.of(Look::Strong))];
    if prompt.editor.is_empty() {
        let key = view.keys.key_of(Context::Agents, Action::Prompt);
        let words = format!("{key} writes one: template, rows, model, budget");
        spans.push(Span::styled(words, theme.of(Look::Dim)));
    } else {
        let (line, more) = prompt.editor.first_line();
        let line = if more { format!("{line} …") } else { line.to_owned() };
        spans.extend(highlighted(&fit(&line, room), theme));
    }
    buf.set_line(area.x + 1, area.y, &Line::from(spans), cells(size));
    let x = area.right().saturating_sub(cells(told.width()) + 1);
    buf.set_line(x, area.y, &told, area.right().saturating_sub(x));
}

/// The box: template, fields, and what is known about them.
pub(super) fn expanded(prompt: &Prompt, view: &View, theme: &Theme, focused: bool, area: Rect, buf: &mut Buffer) {
    let inner = frame(Line::from(" prompt "), focused, theme, area, buf);
    let columns = per_line(area.width);
    let fields = cells(Field::ALL.len().div_ceil(columns));
    let lines = inner.height.saturating_sub(fields + 2).max(1);
    let editor = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), height: lines, ..inner };
    prompt.editor.draw(focused && prompt.focus.is_none(), theme, editor, buf);
    if prompt.editor.is_empty() {
        let words = "What is each agent asked? {{name}} takes a row's value.";
        buf.set_stringn(editor.x + 2, editor.y, words, usize::from(editor.width), theme.of(Look::Dim));
    }
    let place = Rect { y: (editor.bottom() + 1).min(inner.bottom()), height: fields, ..editor };
    draw_fields(prompt, view, theme, focused, (place, columns), buf);
    let last = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..editor };
    if last.y >= place.y {
        buf.set_line(last.x, last.y, &told(prompt, theme, usize::from(last.width)), last.width);
    }
}

fn draw_fields(
    prompt: &Prompt,
    view: &View,
    theme: &Theme,
    focused: bool,
    (area, columns): (Rect, usize),
    buf: &mut Buffer,
) {
    let runs_command = prompt.fields.runs_command(&view.providers);
    let column = usize::from(area.width) / columns;
    for (index, field) in Field::ALL.into_iter().enumerate() {
        let x = area.x + cells(column * (index % columns));
        let y = area.y + cells(index / columns);
        if y >= area.bottom().min(buf.area.bottom()) {
            continue;
        }
        let wrong = matches!(&prompt.told, Told::Problem(Some(at), _) if *at == field);
        let own = focused && prompt.focus == Some(field);
        let look = if wrong { Look::Attention } else { Look::Dim };
        buf.set_string(x, y, left(field.name(runs_command), NAME), theme.of(look));
        let size = column.saturating_sub(NAME + 2);
        buf.set_line(x + cells(NAME), y, &value(prompt, field, runs_command, own, size, theme), cells(size));
    }
}

fn value(prompt: &Prompt, field: Field, runs_command: bool, own: bool, size: usize, theme: &Theme) -> Line<'static> {
    let look = if own { Look::FieldFocused } else { Look::Field };
    match prompt.fields.input(field) {
        None => {
            let (before, after) = if own { ("◂ ", " ▸") } else { ("", "") };
            let text = format!("{before}{}{after}", prompt.fields.shown(field));
            Line::styled(left(&text, size), theme.of(look))
        }
        Some(input) if input.text().is_empty() && !own => {
            let style = theme.of(look).patch(theme.of(Look::Dim));
            Line::styled(left(field.example(runs_command), size), style)
        }
        Some(input) => input.line(size, own, look, theme),
    }
}

/// The same in at most `size` cells, where the prompt is not written in: Enter does something else.
fn brief(prompt: &Prompt, theme: &Theme, size: usize) -> Line<'static> {
    let Told::Estimate(estimate) = &prompt.told else { return told(prompt, theme, size) };
    let tasks = plural(u64::from(estimate.tasks), "task");
    let pieces = vec![
        Segment::new(tasks, theme.of(Look::Text), 1),
        Segment::new(cost(estimate), theme.of(Look::Estimate), 0),
        Segment::new(format!("worst {}", amount(estimate.worst)), theme.of(Look::Text), 2),
    ];
    join(pieces, 2, size)
}

/// What is known about what is written; what is wrong is cut to `size`.
fn told(prompt: &Prompt, theme: &Theme, size: usize) -> Line<'static> {
    match &prompt.told {
        Told::Nothing => Line::default(),
        Told::Coming => Line::styled("estimating …", theme.of(Look::Dim)),
        Told::Problem(_, problem) => Line::from(vec![
            Span::styled("▲ ", theme.of(Look::Attention)),
            Span::styled(fit(problem, size.saturating_sub(2)).into_owned(), theme.of(Look::Text)),
        ]),
        Told::Estimate(estimate) => {
            let cached = if estimate.cached > 0 { format!(" ({} stored)", estimate.cached) } else { String::new() };
            let tasks = plural(u64::from(estimate.tasks), "task");
            Line::from(vec![
                Span::styled(format!("{tasks}{cached} · "), theme.of(Look::Text)),
                Span::styled(likely(estimate), theme.of(Look::Estimate)),
                Span::styled(format!(" · worst {}", amount(estimate.worst)), theme.of(Look::Text)),
                Span::styled("   ⏎ ", theme.of(Look::Key)),
                Span::styled("dispatch", theme.of(Look::Hint)),
            ])
        }
    }
}

fn highlighted(line: &str, theme: &Theme) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut from = 0;
    let mut push = |range: std::ops::Range<usize>, look| {
        let text = line.get(range).unwrap_or_default().to_owned();
        spans.push(Span::styled(text, theme.of(look)));
    };
    for range in variables(line) {
        push(from..range.start, Look::Text);
        from = range.end;
        push(range, Look::Variable);
    }
    push(from..line.len(), Look::Text);
    spans
}
