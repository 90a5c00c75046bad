//! The one gate.

use std::borrow::Cow;
use std::sync::Arc;

use super::known::KnownKeys;
use super::terminal::{self, Cleaner};

/// Every text that leaves the engine passes here: known keys are redacted, and what goes to a
/// terminal can't act on it.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    known: Arc<KnownKeys>,
}

impl Gate {
    /// A gate that knows these keys.
    #[must_use]
    pub fn new(known: KnownKeys) -> Self {
        Self { known: Arc::new(known) }
    }

    /// Text for a file or a pipe: keys redacted, otherwise as it is.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut out = String::new();
        let mut from = 0;
        for (range, mark) in self.known.find(text) {
            out.push_str(text.get(from..range.start).unwrap_or_default());
            out.push_str(mark);
            from = range.end;
        }
        if from == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(text.get(from..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// Text for a screen: keys redacted, and nothing that a terminal acts upon.
    #[must_use]
    pub fn screen<'a>(&self, text: &'a str) -> Cow<'a, str> {
        // Cleaning first: characters that are removed must not keep a key from being recognised.
        match terminal::clean(text) {
            Cow::Borrowed(clean) => self.redact(clean),
            Cow::Owned(clean) => match self.redact(&clean) {
                Cow::Borrowed(_) => Cow::Owned(clean),
                Cow::Owned(redacted) => Cow::Owned(redacted),
            },
        }
    }

    /// One line for a screen, of at most `max` characters: for previews, messages and titles.
    #[must_use]
    pub fn line(&self, text: &str, max: usize) -> String {
        // Far more than is kept, so that a key at the cut is seen whole.
        let reach = max.saturating_mul(4).saturating_add(self.known.longest());
        let start = text.char_indices().nth(reach).map_or(text, |(at, _)| text.get(..at).unwrap_or(text));
        let mut out = String::new();
        let mut length = 0;
        for word in self.screen(start).split_whitespace() {
            let needed = word.chars().count() + usize::from(length > 0);
            if length + needed > max {
                let room = max.saturating_sub(length + usize::from(length > 0) + 1);
                if length > 0 && room > 0 {
                    out.push(' ');
                }
                out.extend(word.chars().take(room));
                out.push('…');
                return out;
            }
            if length > 0 {
                out.push(' ');
            }
            out.push_str(word);
            length += needed;
        }
        out
    }

    /// Cleans a text that comes in pieces.
    #[must_use]
    pub fn stream(&self) -> GateStream {
        GateStream { gate: self.clone(), cleaner: Cleaner::default(), held: String::new() }
    }
}

/// Text that comes in pieces: what might be the beginning of a key is held back until it is known.
/// Memory is bounded by the longest key.
#[derive(Debug, Clone)]
pub struct GateStream {
    gate: Gate,
    cleaner: Cleaner,
    held: String,
}

impl GateStream {
    /// Takes a piece and appends what is certain to `out`, clean.
    pub fn push(&mut self, piece: &str, out: &mut String) {
        let keyless = self.gate.known.is_empty();
        let target = if keyless { &mut *out } else { &mut self.held };
        if self.cleaner.is_at_rest() && terminal::is_plain(piece) {
            target.push_str(piece);
        } else {
            self.cleaner.push(piece, target);
        }
        if !keyless {
            let rest = self.held.split_off(self.certain());
            out.push_str(&self.gate.redact(&self.held));
            self.held = rest;
        }
    }

    /// The text has ended: appends the rest.
    pub fn finish(&mut self, out: &mut String) {
        out.push_str(&self.gate.redact(&std::mem::take(&mut self.held)));
    }

    /// How many held bytes can't be part of a key that is still coming.
    fn certain(&self) -> usize {
        let edge = self.held.len().saturating_sub(self.gate.known.longest().saturating_sub(1));
        let past_keys = self.gate.known.find(&self.held).filter(|(range, _)| range.start < edge);
        let mut certain = past_keys.map(|(range, _)| range.end).fold(edge, usize::max);
        while !self.held.is_char_boundary(certain) {
            certain -= 1;
        }
        certain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate::new(KnownKeys::new([("OPENAI_API_KEY", "sk-0123456789abcdef"), ("SHORT", "abc")]))
    }

    #[test]
    fn a_known_key_never_leaves() {
        assert_eq!(gate().redact("key=sk-0123456789abcdef!"), "key=[REDACTED_OPENAI_API_KEY]!");
        assert_eq!(gate().screen("sk-0123\u{200b}456789abcdef"), "[REDACTED_OPENAI_API_KEY]");
        assert_eq!(gate().redact("abc"), "abc");
    }

    #[test]
    fn a_line_is_short_and_whole() {
        assert_eq!(gate().line("one\n two\tthree", 40), "one two three");
        assert_eq!(gate().line("one two three", 8), "one two…");
        assert_eq!(gate().line("onetwothree", 5), "onet…");
    }

    #[test]
    fn every_cut_of_a_stream_gives_the_same_text() {
        let text = "a \u{1b}[31mred\u{1b}[0m sk-0123456789abcdef é\r\n\u{1b}]0;t\u{07} sk-0123 end";
        let whole = gate().screen(text).into_owned();
        let cuts: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        for &first in &cuts {
            for &second in cuts.iter().filter(|at| **at >= first) {
                let mut stream = gate().stream();
                let mut out = String::new();
                for piece in [&text[..first], &text[first..second], &text[second..]] {
                    stream.push(piece, &mut out);
                }
                stream.finish(&mut out);
                assert_eq!(out, whole, "cut at {first} and {second}");
            }
        }
    }
}
