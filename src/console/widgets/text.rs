//! Text by the cells that it takes on a terminal.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// How many cells a text takes.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A number of cells for ratatui; no screen has more than `u16` counts.
pub(crate) fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// The text, cut to at most `max` cells with `…` where it is longer. Never cuts within a character
/// that takes two cells or is composed of several.
pub(crate) fn fit(text: &str, max: usize) -> Cow<'_, str> {
    // A terminal cell is at most a few bytes: text that is short in bytes needs no measuring.
    if text.len() <= max && text.is_ascii() || width(text) <= max {
        return Cow::Borrowed(text);
    }
    if max == 0 {
        return Cow::Borrowed("");
    }
    let mut out = String::with_capacity(max);
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        used += width(grapheme);
        if used > max - 1 {
            break;
        }
        out.push_str(grapheme);
    }
    out.push('…');
    Cow::Owned(out)
}

/// The end of the text, cut to at most `max` cells with `…` before it where it is longer.
pub(crate) fn fit_end(text: &str, max: usize) -> Cow<'_, str> {
    if width(text) <= max {
        return Cow::Borrowed(text);
    }
    let mut used = 1;
    let fits = |(_, grapheme): &(usize, &str)| {
        used += width(grapheme);
        used <= max
    };
    let from = text.grapheme_indices(true).rev().take_while(fits).last().map_or(text.len(), |(at, _)| at);
    let end = text.get(from..).unwrap_or_default();
    if max == 0 { Cow::Borrowed("") } else { Cow::Owned(format!("…{end}")) }
}

/// Exactly `size` cells, the text at the left.
pub(crate) fn left(text: &str, size: usize) -> String {
    let text = fit(text, size);
    let rest = size.saturating_sub(width(&text));
    format!("{text}{:rest$}", "")
}

/// Exactly `size` cells, the text at the right.
pub(crate) fn right(text: &str, size: usize) -> String {
    let text = fit(text, size);
    let rest = size.saturating_sub(width(&text));
    format!("{:rest$}{text}", "")
}

/// Lines of at most `size` cells, broken at spaces where there are some. Tabs take four cells.
pub(crate) fn wrap(text: &str, size: usize) -> Vec<String> {
    let size = size.max(1);
    let mut lines = Vec::new();
    for line in text.lines() {
        wrap_line(&line.replace('\t', "    "), size, &mut lines);
    }
    lines
}

fn wrap_line(line: &str, size: usize, lines: &mut Vec<String>) {
    let mut current = String::new();
    let mut used = 0;
    for word in line.split_word_bounds() {
        let needed = width(word);
        if used + needed > size && used > 0 {
            lines.push(std::mem::take(&mut current));
            used = 0;
            if word.trim().is_empty() {
                continue;
            }
        }
        if needed <= size {
            current.push_str(word);
            used += needed;
            continue;
        }
        for grapheme in word.graphemes(true) {
            let needed = width(grapheme);
            if used + needed > size {
                lines.push(std::mem::take(&mut current));
                used = 0;
            }
            current.push_str(grapheme);
            used += needed;
        }
    }
    lines.push(current);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_cells() {
        for (text, max, wanted) in [
            ("hello", 5, "hello"),
            ("hello!", 5, "hell…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("👨\u{200d}👩\u{200d}👧 x", 3, "👨\u{200d}👩\u{200d}👧…"),
            ("x", 0, ""),
        ] {
            assert_eq!(fit(text, max), wanted);
            assert!(width(&fit(text, max)) <= max);
        }
    }

    #[test]
    fn the_end_of_a_text_is_cut_by_cells_too() {
        for (text, max, wanted) in [
            ("hello", 5, "hello"),
            ("hello!", 5, "…llo!"),
            ("日本語", 5, "…本語"),
            ("日本語", 4, "…語"),
            ("ab", 1, "…"),
            ("x", 0, ""),
        ] {
            assert_eq!(fit_end(text, max), wanted);
        }
    }

    #[test]
    fn padding_fills_exactly() {
        for text in ["", "a", "日本語", "a long text indeed"] {
            assert_eq!(width(&left(text, 8)), 8);
            assert_eq!(width(&right(text, 8)), 8);
        }
    }

    #[test]
    fn lines_break_at_spaces_and_lose_nothing() {
        assert_eq!(wrap("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a\n\nb", 8), ["a", "", "b"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
    }
}
