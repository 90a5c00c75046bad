//! What needs the operator: limits that tripped, failures, money that is waited for, runs that
//! nobody is at work on. Facts only.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Pane;
use crate::console::keymap::Context;
use crate::console::needs::needs;
use crate::console::theme::{Look, Theme};
use crate::console::view::View;
use crate::console::widgets::frame::frame;
use crate::console::widgets::text::fit;
use crate::domain::Severity;

/// What needs the operator.
#[derive(Debug)]
pub(crate) struct Needs;

impl Pane for Needs {
    fn context(&self) -> Context {
        Context::Side
    }

    fn draw(&self, view: &View, theme: &Theme, focused: bool, area: Rect, buf: &mut Buffer) {
        let inner = frame(Line::from(" needs you "), focused, theme, area, buf);
        let size = usize::from(inner.width).saturating_sub(4);
        let needs = needs(view);
        let mut lines: Vec<Line<'_>> = needs.iter().map(|text| need(text, theme, size)).collect();
        if lines.is_empty() {
            lines.push(Line::styled("nothing", theme.of(Look::Dim)));
        } else {
            let troubles = view.log.troubles().filter(|entry| entry.severity == Severity::Error);
            lines.extend(
                troubles
                    .map(|entry| {
                        // What the whole run did says so itself.
                        let who = entry.agent.map(|no| format!("{no:03} ")).unwrap_or_default();
                        Line::styled(fit(&format!("  {who}{}", entry.text), size + 2).into_owned(), theme.of(Look::Dim))
                    })
                    .take(usize::from(inner.height)),
            );
        }
        for (y, line) in (inner.top()..inner.bottom()).zip(lines) {
            buf.set_line(inner.x + 1, y, &line, inner.width.saturating_sub(1));
        }
    }
}

fn need(text: &str, theme: &Theme, size: usize) -> Line<'static> {
    Line::from(vec![
        Span::styled("▲ ", theme.of(Look::Attention)),
        Span::styled(fit(text, size).into_owned(), theme.of(Look::Text)),
    ])
}
