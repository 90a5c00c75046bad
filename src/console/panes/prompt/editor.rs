//! The template being written: editing is ratatui-textarea's, drawing is ours, so that long lines
//! wrap and variables stand out.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tui_textarea::{DataCursor, TextArea};
use unicode_width::UnicodeWidthChar;

use crate::console::theme::{Look, Theme};

/// The template's editor.
#[derive(Debug, Default)]
pub(super) struct Editor {
    area: TextArea<'static>,
}

/// One character with its place among the wrapped lines.
struct Placed {
    row: usize,
    column: usize,
    character: char,
    look: Look,
}

impl Editor {
    /// What is written.
    pub(super) fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether nothing is.
    pub(super) fn is_empty(&self) -> bool {
        self.area.lines().iter().all(|line| line.trim().is_empty())
    }

    /// The first line that says something, and whether there are more.
    pub(super) fn first_line(&self) -> (&str, bool) {
        let mut said = self.area.lines().iter().filter(|line| !line.trim().is_empty());
        (said.next().map_or("", String::as_str), said.next().is_some())
    }

    /// How many lines it takes in a width.
    pub(super) fn height(&self, width: usize) -> usize {
        let rows = |line: &String| place(line, 0, width).last().map_or(1, |last| last.row + 1);
        self.area.lines().iter().map(rows).sum()
    }

    /// Takes a key; says whether the text changed.
    pub(super) fn key(&mut self, key: KeyEvent) -> bool {
        self.area.input(key)
    }

    /// Begins a new line.
    pub(super) fn newline(&mut self) {
        self.area.insert_newline();
    }

    /// Inserts text that was pasted.
    pub(super) fn paste(&mut self, text: &str) {
        self.area.insert_str(text);
    }

    /// Draws it, the cursor in sight.
    pub(super) fn draw(&self, focused: bool, theme: &Theme, area: Rect, buf: &mut Buffer) {
        let width = usize::from(area.width);
        let DataCursor(cursor_line, cursor_column) = self.area.cursor();
        let mut all = Vec::new();
        let mut cursor = (0, 0);
        let mut row = 0;
        for (index, line) in self.area.lines().iter().enumerate() {
            let placed = place(line, row, width);
            let end = placed.last().map_or((row, 0), |last| after(last, width));
            if index == cursor_line {
                cursor = placed.get(cursor_column).map_or(end, |at| (at.row, at.column));
            }
            row = placed.last().map_or(row, |last| last.row) + 1;
            all.extend(placed);
        }
        let top = (cursor.0 + 1).saturating_sub(usize::from(area.height));
        for at in &all {
            cell(at.row, at.column, top, area, buf, &at.character.to_string(), theme.of(at.look));
        }
        if focused {
            let under = all.iter().find(|at| (at.row, at.column) == cursor).map_or(' ', |at| at.character);
            cell(cursor.0, cursor.1, top, area, buf, &under.to_string(), theme.of(Look::Cursor));
        }
    }
}

fn cell(row: usize, column: usize, top: usize, area: Rect, buf: &mut Buffer, text: &str, style: ratatui::style::Style) {
    let Some(y) = row.checked_sub(top).and_then(|y| u16::try_from(y).ok()).filter(|y| *y < area.height) else {
        return;
    };
    let Ok(x) = u16::try_from(column) else { return };
    if x < area.width {
        buf.set_stringn(area.x + x, area.y + y, text, usize::from(area.width - x), style);
    }
}

/// Where the cursor is behind a character.
fn after(last: &Placed, width: usize) -> (usize, usize) {
    let column = last.column + last.character.width().unwrap_or(0);
    if column >= width { (last.row + 1, 0) } else { (last.row, column) }
}

/// The characters of a line, wrapped at `width` where a word begins, with variables marked.
fn place(line: &str, first_row: usize, width: usize) -> Vec<Placed> {
    let variables = variables(line);
    let (mut row, mut column) = (first_row, 0);
    let mut placed: Vec<Placed> = Vec::with_capacity(line.len());
    for (at, character) in line.char_indices() {
        let size = character.width().unwrap_or(0);
        if column + size > width.max(2) {
            let word = placed.iter().rposition(|at| at.row == row && at.character == ' ').map_or(0, |at| at + 1);
            let is_long = placed.get(word).is_none_or(|at| at.row != row || at.column == 0);
            (row, column) = (row + 1, 0);
            // A word that fills a whole line breaks where it must.
            for at in placed.iter_mut().skip(word).filter(|_| !is_long && character != ' ') {
                (at.row, at.column) = (row, column);
                column += at.character.width().unwrap_or(0);
            }
        }
        let look = if variables.iter().any(|range| range.contains(&at)) { Look::Variable } else { Look::Text };
        placed.push(Placed { row, column, character, look });
        column += size;
    }
    placed
}

/// Where `{{ variables }}` stand, in bytes.
pub(super) fn variables(line: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = line.get(from..).and_then(|rest| rest.find("{{")).map(|at| from + at) {
        let Some(close) = line.get(open..).and_then(|rest| rest.find("}}")).map(|at| open + at + 2) else { break };
        found.push(open..close);
        from = close;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found() {
        assert_eq!(variables("Sort {{ a }} with {{b}}, {{c"), [5..12, 18..23]);
        assert!(variables("none { here }").is_empty());
    }

    #[test]
    fn long_lines_wrap() {
        let mut editor = Editor::default();
        editor.paste("abcdefgh\n日本");
        assert_eq!(editor.height(4), 3);
        assert_eq!(editor.height(3), 5);
        assert_eq!(editor.text(), "abcdefgh\n日本");
        assert_eq!(editor.first_line(), ("abcdefgh", true));
        let rows = |text: &str, width| place(text, 0, width).iter().map(|at| at.row).collect::<Vec<_>>();
        assert_eq!(rows("ab cd e", 4), [0, 0, 0, 1, 1, 1, 1]);
        assert_eq!(rows("ab cdefg", 4), [0, 0, 0, 1, 1, 1, 1, 2]);
        assert_eq!(rows("abcd ef", 4), [0, 0, 0, 0, 1, 1, 1]);
    }
}
