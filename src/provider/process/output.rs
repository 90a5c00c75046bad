//! What a command writes: the head of its output, the tail of its complaints, and text made of
//! bytes that are cut anywhere.

use std::collections::VecDeque;

/// Keeps the first bytes of an output, and remembers that there were more.
#[derive(Debug)]
pub(super) struct Head {
    bytes: Vec<u8>,
    cap: usize,
    truncated: bool,
}

impl Head {
    pub(super) fn new(cap: usize) -> Self {
        Self { bytes: Vec::new(), cap, truncated: false }
    }

    pub(super) fn push(&mut self, piece: &[u8]) {
        let room = self.cap.saturating_sub(self.bytes.len());
        match piece.get(..room) {
            Some(fits) if fits.len() < piece.len() => {
                self.truncated = true;
                self.bytes.extend_from_slice(fits);
            }
            _ => self.bytes.extend_from_slice(piece),
        }
    }

    pub(super) fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The text, without the newline that commands end their output with. A character at the cut
    /// is left out whole.
    pub(super) fn text(mut self) -> String {
        if self.truncated {
            let whole = self.bytes.len() - incomplete_suffix(&self.bytes);
            self.bytes.truncate(whole);
        } else if self.bytes.last() == Some(&b'\n') {
            self.bytes.pop();
            if self.bytes.last() == Some(&b'\r') {
                self.bytes.pop();
            }
        }
        String::from_utf8(self.bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

/// Keeps the last bytes of an output.
#[derive(Debug)]
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    cap: usize,
}

impl Tail {
    pub(super) fn new(cap: usize) -> Self {
        Self { bytes: VecDeque::new(), cap }
    }

    pub(super) fn push(&mut self, piece: &[u8]) {
        let piece = piece.get(piece.len().saturating_sub(self.cap)..).unwrap_or(piece);
        let surplus = (self.bytes.len() + piece.len()).saturating_sub(self.cap);
        self.bytes.drain(..surplus.min(self.bytes.len()));
        self.bytes.extend(piece);
    }

    /// The last `count` lines that are not blank, joined by newlines.
    pub(super) fn last_lines(&self, count: usize) -> String {
        let (front, back) = self.bytes.as_slices();
        let bytes = [front, back].concat();
        let text = String::from_utf8_lossy(&bytes);
        let mut lines: Vec<&str> =
            text.lines().rev().map(str::trim_end).filter(|line| !line.is_empty()).take(count).collect();
        lines.reverse();
        lines.join("\n")
    }
}

/// Makes text of pieces: a character that is cut by the end of a piece comes with the next one.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    cut: Vec<u8>,
}

impl Decoder {
    pub(super) fn push(&mut self, piece: &[u8]) -> String {
        self.cut.extend_from_slice(piece);
        let whole = self.cut.len() - incomplete_suffix(&self.cut);
        let rest = self.cut.split_off(whole);
        String::from_utf8_lossy(&std::mem::replace(&mut self.cut, rest)).into_owned()
    }

    /// What is left at the end of the output.
    pub(super) fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.cut)).into_owned()
    }
}

/// How many bytes at the end are the beginning of a character (RFC 3629), at most 3.
fn incomplete_suffix(bytes: &[u8]) -> usize {
    bytes
        .utf8_chunks()
        .last()
        .map(|last| last.invalid())
        .filter(|invalid| !invalid.is_empty() && is_beginning(invalid))
        .map_or(0, <[u8]>::len)
}

fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_same_however_it_is_cut() {
        let text = "aé日👍z";
        for size in 1..text.len() {
            let mut decoder = Decoder::default();
            let mut out: String = text.as_bytes().chunks(size).map(|piece| decoder.push(piece)).collect();
            out.push_str(&decoder.finish());
            assert_eq!(out, text, "pieces of {size}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_come_at_once() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(decoder.push(b"\xe6\x97"), "");
        assert_eq!(decoder.finish(), "\u{fffd}");
    }

    #[test]
    fn a_head_ends_with_a_whole_character() {
        let mut head = Head::new(4);
        head.push("a日".as_bytes());
        assert!(!head.is_truncated());
        head.push(b"\n");
        assert!(head.is_truncated());
        assert_eq!(head.text(), "a日");

        let mut head = Head::new(5);
        head.push("a日".as_bytes());
        head.push("本".as_bytes());
        assert_eq!(head.text(), "a日");
    }

    #[test]
    fn one_newline_is_trimmed() {
        for (raw, text) in [("a\n", "a"), ("a\n\n", "a\n"), ("a\r\n", "a"), ("a\r", "a\r"), ("", "")] {
            let mut head = Head::new(10);
            head.push(raw.as_bytes());
            assert_eq!(head.text(), text, "{raw:?}");
        }
    }

    #[test]
    fn a_tail_keeps_the_last_lines() {
        let mut tail = Tail::new(12);
        tail.push(b"forgotten\n");
        tail.push(b"one\n\ntwo\nthree");
        assert_eq!(tail.last_lines(2), "two\nthree");
        assert_eq!(tail.last_lines(9), "e\ntwo\nthree");
        tail.push(&[b'x'; 40]);
        assert_eq!(tail.last_lines(9), "xxxxxxxxxxxx");
    }
}
