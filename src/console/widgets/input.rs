//! One line of text being written.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use super::text::width;
use crate::console::theme::{Look, Theme};

/// A text and a cursor in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Input {
    text: String,
    /// In bytes, always at a boundary of a grapheme.
    cursor: usize,
    /// What is written next takes the place of the whole text.
    selected: bool,
}

impl Input {
    /// With a text, the cursor at its end.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { cursor: text.len(), text, selected: false }
    }

    /// What is written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Replaces the text.
    pub(crate) fn set(&mut self, text: impl Into<String>) {
        *self = Self::new(text);
    }

    /// Selects the whole text: what is written next replaces it, any other key leaves it as it is.
    pub(crate) fn select(&mut self) {
        self.cursor = self.text.len();
        self.selected = !self.text.is_empty();
    }

    /// Inserts text at the cursor, or in place of what is selected; line breaks become spaces.
    pub(crate) fn insert(&mut self, text: &str) {
        if std::mem::take(&mut self.selected) {
            self.set("");
        }
        let text = text.replace(['\n', '\t'], " ");
        self.text.insert_str(self.cursor, &text);
        self.cursor += text.len();
    }

    /// Takes a key that the key map has no meaning for; says whether the text changed.
    pub(crate) fn key(&mut self, key: KeyEvent) -> bool {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let selected = std::mem::take(&mut self.selected);
        match key.code {
            KeyCode::Backspace | KeyCode::Delete if selected => self.remove(0..self.text.len()),
            KeyCode::Char('u') if ctrl => self.remove(0..self.cursor),
            KeyCode::Char('k') if ctrl => self.remove(self.cursor..self.text.len()),
            KeyCode::Char('w') if ctrl => self.remove(self.word_before()..self.cursor),
            KeyCode::Char('a') if ctrl => self.go(0),
            KeyCode::Char('e') if ctrl => self.go(self.text.len()),
            KeyCode::Char(c) if !ctrl && !key.modifiers.contains(KeyModifiers::ALT) => {
                self.selected = selected;
                self.insert(c.encode_utf8(&mut [0; 4]));
                true
            }
            KeyCode::Backspace => self.remove(self.before()..self.cursor),
            KeyCode::Delete => self.remove(self.cursor..self.after()),
            KeyCode::Left => self.go(self.before()),
            KeyCode::Right => self.go(self.after()),
            KeyCode::Home => self.go(0),
            KeyCode::End => self.go(self.text.len()),
            _ => false,
        }
    }

    /// The text in `size` cells, with the cursor where it is being written; the end that the
    /// cursor is at stays in sight.
    pub(crate) fn line(&self, size: usize, focused: bool, look: Look, theme: &Theme) -> Line<'static> {
        let style = theme.of(look);
        if focused && self.selected {
            let chosen = Span::styled(
                super::text::left(&self.text, width(&self.text).min(size)),
                style.patch(theme.of(Look::Cursor)),
            );
            let rest = Span::styled(" ".repeat(size.saturating_sub(width(&self.text))), style);
            return Line::from(vec![chosen, rest]);
        }
        let (before, rest) = self.text.split_at(self.cursor);
        let mut under = rest.graphemes(true);
        let at = under.next().unwrap_or(" ");
        let mut from = 0;
        for (index, _) in before.grapheme_indices(true) {
            from = index;
            if width(before.get(index..).unwrap_or_default()) + width(at) <= size {
                break;
            }
            from = before.len();
        }
        let before = before.get(from..).unwrap_or_default();
        let cursor = if focused { style.patch(theme.of(Look::Cursor)) } else { style };
        let left = size.saturating_sub(width(before) + width(at));
        let after = super::text::left(under.as_str(), left);
        Line::from(vec![
            Span::styled(before.to_owned(), style),
            Span::styled(at.to_owned(), cursor),
            Span::styled(after, style),
        ])
    }

    fn remove(&mut self, range: std::ops::Range<usize>) -> bool {
        self.cursor = range.start;
        let some = !range.is_empty();
        self.text.drain(range);
        some
    }

    fn go(&mut self, to: usize) -> bool {
        self.cursor = to;
        false
    }

    fn before(&self) -> usize {
        let (before, _) = self.text.split_at(self.cursor);
        before.grapheme_indices(true).next_back().map_or(0, |(index, _)| index)
    }

    fn after(&self) -> usize {
        let (_, rest) = self.text.split_at(self.cursor);
        self.cursor + rest.graphemes(true).next().map_or(0, str::len)
    }

    fn word_before(&self) -> usize {
        let (before, _) = self.text.split_at(self.cursor);
        before.trim_end().rfind(char::is_whitespace).map_or(0, |at| at + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(input: &mut Input, code: KeyCode) -> bool {
        input.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn keys_edit_whole_characters() {
        let mut input = Input::new("e\u{301}日");
        assert!(press(&mut input, KeyCode::Backspace));
        assert!(press(&mut input, KeyCode::Backspace));
        assert_eq!(input.text(), "");
        assert!(!press(&mut input, KeyCode::Backspace));
        input.insert("one two\nthree");
        assert!(input.key(KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL)));
        assert_eq!(input.text(), "one two ");
        press(&mut input, KeyCode::Home);
        press(&mut input, KeyCode::Delete);
        press(&mut input, KeyCode::Char('O'));
        assert_eq!(input.text(), "One two ");
    }

    #[test]
    fn what_is_written_replaces_what_is_selected() {
        let selected = || {
            let mut input = Input::new("10");
            input.select();
            input
        };
        let after = |code| {
            let mut input = selected();
            press(&mut input, code);
            press(&mut input, KeyCode::Char('4'));
            input.text
        };
        assert_eq!(after(KeyCode::Char('2')), "24");
        assert_eq!(after(KeyCode::Backspace), "4");
        assert_eq!(after(KeyCode::End), "104");
        assert_eq!(after(KeyCode::Left), "140");
        let mut input = selected();
        input.insert("30");
        assert_eq!(input.text(), "30");
    }

    #[test]
    fn the_cursor_stays_in_sight() {
        let theme = crate::console::theme::load("dark", None, crate::console::theme::Depth::True).expect("reads");
        let mut input = Input::new("0123456789");
        let shown = |input: &Input| input.line(5, true, Look::Field, &theme).to_string();
        assert_eq!(shown(&input), "6789 ");
        press(&mut input, KeyCode::Home);
        assert_eq!(shown(&input), "0123…");
    }
}
