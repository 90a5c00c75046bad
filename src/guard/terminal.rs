//! Terminal safety: model output can never send an escape sequence, a title, a
//! hyperlink, a clipboard write or a bidi trick to the operator's terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Combining marks after one base character beyond this number are dropped: a longer run only
/// serves to paint over neighbouring lines.
const MAX_COMBINING: usize = 4;

/// Removes what a terminal would act upon and what hides text from its reader. Escape sequences
/// go as a whole (ECMA-48: CSI, OSC, DCS, SOS, PM, APC), so that their parameters don't stay
/// behind as text. Line feeds and tabs stay; a carriage return becomes a line feed.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(needs_care) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    Cleaner::default().push(text, &mut out);
    Cow::Owned(out)
}

/// JSON that reads as before, and on which a terminal can't act: what [`clean`] would remove is
/// written as an escape of JSON. A pipe of results often ends on a terminal.
#[must_use]
pub fn escape_json(json: &str) -> Cow<'_, str> {
    // Outside of strings, JSON has none of these.
    if is_plain(json) || !json.chars().any(is_forbidden) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_forbidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string never fails.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a text is printable ASCII: most is, and needs no further look.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'\n' | b'\t' | 0x20..=0x7e))
}

/// [`clean`] for text that comes in pieces: where a piece is cut makes no difference.
#[derive(Debug, Clone, Default)]
pub(super) struct Cleaner {
    place: Place,
    combining: usize,
}

/// Where in a sequence the last piece ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Text,
    /// After a carriage return: a line feed that follows belongs to it.
    Return,
    Escape,
    /// In an escape sequence with intermediate bytes.
    Intermediate,
    Csi,
    /// In an OSC, DCS, SOS, PM or APC string.
    String,
    /// After an ESC in such a string.
    StringEscape,
}

impl Cleaner {
    /// Whether nothing of earlier pieces matters to the next one.
    pub(super) fn is_at_rest(&self) -> bool {
        self.place == Place::Text && self.combining == 0
    }

    pub(super) fn push(&mut self, piece: &str, out: &mut String) {
        for c in piece.chars() {
            self.take(c, out);
        }
    }

    fn take(&mut self, c: char, out: &mut String) {
        let next = match (self.place, c) {
            (Place::Text, c) => return self.text(c, out),
            (Place::Return, '\n') => Some(Place::Text),
            (Place::Escape, '[') => Some(Place::Csi),
            (Place::Escape, ']' | 'P' | 'X' | '^' | '_') => Some(Place::String),
            (Place::Escape | Place::Intermediate, '\u{20}'..='\u{2f}') => Some(Place::Intermediate),
            (Place::Escape | Place::Intermediate, '\u{30}'..='\u{7e}') => Some(Place::Text),
            (Place::Csi, '\u{20}'..='\u{3f}') => Some(Place::Csi),
            (Place::Csi, '\u{40}'..='\u{7e}') => Some(Place::Text),
            (Place::String, '\u{07}' | '\u{9c}') | (Place::StringEscape, '\\') => Some(Place::Text),
            (Place::String, '\u{1b}') => Some(Place::StringEscape),
            // A string that is never ended must not swallow the rest of the text: it ends at the line.
            (Place::String, c) if c != '\n' => Some(Place::String),
            _ => None,
        };
        if let Some(place) = next {
            self.place = place;
        } else {
            self.place = Place::Text;
            self.text(c, out);
        }
    }

    fn text(&mut self, c: char, out: &mut String) {
        if is_combining(c) {
            self.combining += 1;
            if self.combining <= MAX_COMBINING {
                out.push(c);
            }
            return;
        }
        self.combining = 0;
        match c {
            '\u{1b}' => self.place = Place::Escape,
            '\u{9b}' => self.place = Place::Csi,
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => self.place = Place::String,
            '\r' => {
                out.push('\n');
                self.place = Place::Return;
            }
            c if is_forbidden(c) => {}
            c => out.push(c),
        }
    }
}

fn needs_care(c: char) -> bool {
    is_forbidden(c) || is_combining(c) || c == '\r'
}

/// Controls, and characters that are invisible or change the order of others (Unicode Standard
/// Annex 9 for bidi, UTS 39 for the rest).
fn is_forbidden(c: char) -> bool {
    if matches!(c, '\n' | '\t') {
        return false;
    }
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn is_combining(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036f}' | '\u{0483}'..='\u{0489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_value() {
        let text = "a\u{9b}31mb\u{202e}\u{e0041}é日\u{301}\"\\";
        let json = format!("{{\n\t\"a\": {}}}", serde_json::to_string(text).expect("JSON"));
        let escaped = escape_json(&json);
        assert!(!escaped.chars().any(is_forbidden), "{escaped}");
        let read: serde_json::Value = serde_json::from_str(&escaped).expect("JSON");
        assert_eq!(read["a"], text);
        assert!(matches!(escape_json("{\"a\":\"é\"}"), Cow::Borrowed(_)));
    }

    #[test]
    fn plain_text_is_not_copied() {
        assert!(matches!(clean("fn main() {\n\tprintln!(\"héllo 日本 👍\");\n}"), Cow::Borrowed(_)));
    }

    #[test]
    fn nothing_that_a_terminal_acts_upon_is_left() {
        let cases = [
            ("a\u{1b}[31mred\u{1b}[0m", "ared"),
            ("\u{1b}]0;title\u{07}x", "x"),
            ("\u{1b}]8;;http://a\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}]52;c;aGk=\u{9c}x", "x"),
            ("\u{9b}2Jx", "x"),
            ("\u{1b}Pq#0\u{1b}\\x", "x"),
            ("\u{1b}(Bx\u{1b}cy", "xy"),
            ("a\rb\r\nc", "a\nb\nc"),
            ("a\u{8}\u{7f}\u{0}b", "ab"),
            ("user\u{202e}txt.exe\u{2066}", "usertxt.exe"),
            ("a\u{200b}b\u{feff}c\u{e0041}d", "abcd"),
            ("\u{1b}]never ends\nnext", "\nnext"),
            ("e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}", "e\u{301}\u{301}\u{301}\u{301}"),
        ];
        for (text, wanted) in cases {
            assert_eq!(clean(text), wanted, "{text:?}");
        }
    }
}
