//! Frames around panes, and the place of what lies over them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::symbols::merge::MergeStrategy;
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Clear, Widget};

use super::text::cells;
use crate::console::theme::{Look, Theme};

/// Draws a frame with a title and returns what is inside. Frames that overlap by one cell join.
pub(crate) fn frame(title: Line<'_>, focused: bool, theme: &Theme, area: Rect, buf: &mut Buffer) -> Rect {
    let (border, title_look) = look(focused);
    let block = Block::new()
        .borders(Borders::ALL)
        .merge_borders(MergeStrategy::Exact)
        .border_style(theme.of(border))
        .title_style(theme.of(title_look))
        .title(title);
    let inner = block.inner(area);
    block.render(area, buf);
    inner
}

/// Clears a place in the middle and draws a frame there; returns what is inside.
pub(crate) fn popup(title: Line<'_>, size: (usize, usize), theme: &Theme, area: Rect, buf: &mut Buffer) -> Rect {
    let place = centered(size, area);
    Clear.render(place, buf);
    buf.set_style(place, theme.of(Look::Screen));
    frame(title, true, theme, place, buf)
}

/// A rectangle of at most `size` (columns, lines) in the middle.
pub(crate) fn centered((columns, lines): (usize, usize), area: Rect) -> Rect {
    let width = cells(columns).min(area.width);
    let height = cells(lines).min(area.height);
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

fn look(focused: bool) -> (Look, Look) {
    if focused { (Look::BorderFocused, Look::TitleFocused) } else { (Look::Border, Look::Title) }
}
