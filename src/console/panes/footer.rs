//! The last line: the keys that matter here, or what was just said.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::action::Action;
use crate::console::keymap::{Context, KeyMap};
use crate::console::notice::Notice;
use crate::console::theme::{Look, Theme};
use crate::console::widgets::text::{fit, width};

/// Draws it over one line.
pub(crate) fn draw(
    keys: &KeyMap,
    context: Context,
    notice: Option<&Notice>,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    let size = usize::from(area.width).saturating_sub(2);
    let line = match notice {
        Some(notice) => said(notice, theme, size),
        None => hints(keys, context, theme, size),
    };
    buf.set_line(area.x + 1, area.y, &line, area.width.saturating_sub(2));
}

fn said(notice: &Notice, theme: &Theme, size: usize) -> Line<'static> {
    let (symbol, look) = if notice.wrong { ("▲ ", Look::Attention) } else { ("✓ ", Look::Done) };
    let text = fit(&notice.text, size.saturating_sub(2)).into_owned();
    Line::from(vec![Span::styled(symbol, theme.of(look)), Span::styled(text, theme.of(Look::Strong))])
}

/// What always fits: how to learn the other keys, and how to leave.
const ALWAYS: [Action; 2] = [Action::Help, Action::Quit];

/// As many hints as fit.
fn hints(keys: &KeyMap, context: Context, theme: &Theme, size: usize) -> Line<'static> {
    let hints = keys.holding_in(context).filter_map(|binding| {
        let key = binding.keys.first()?.shown();
        Some((key, binding.hint.clone()?, ALWAYS.contains(&binding.action)))
    });
    let all: Vec<_> = hints.collect();
    let length = |(key, hint, _): &(String, String, bool)| width(key) + 1 + width(hint) + 2;
    let mut room = size.saturating_sub(all.iter().filter(|(_, _, always)| *always).map(length).sum());
    let mut spans = Vec::new();
    for hint in &all {
        if !hint.2 {
            if length(hint) > room {
                continue;
            }
            room -= length(hint);
        }
        spans.push(Span::styled(hint.0.clone(), theme.of(Look::Key)));
        spans.push(Span::styled(format!(" {}  ", hint.1), theme.of(Look::Hint)));
    }
    Line::from(spans)
}
