//! Lines of an event stream (WHATWG HTML, 9.2.6), from bytes that come in any pieces.

/// The longest line that is held: far above any delta, far below what would hurt.
const LONGEST_LINE: usize = 8 * 1024 * 1024;
/// What a held line may leave allocated: a long line is rare, and thousands of streams are not.
const KEPT_CAPACITY: usize = 16 * 1024;

/// The server sent a line without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent a line of more than 8 MiB")]
pub(crate) struct LineTooLong;

/// Cuts bytes into lines that end with LF, CR LF or CR. A line that came whole is not copied.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    held: Vec<u8>,
    after_cr: bool,
}

impl Lines {
    /// Takes bytes and hands out each line that is complete, without its end.
    pub(crate) fn feed<E: From<LineTooLong>>(
        &mut self,
        mut bytes: &[u8],
        mut on_line: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr)
                && let Some(rest) = bytes.strip_prefix(b"\n")
            {
                bytes = rest;
                continue;
            }
            let Some(end) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
                return Ok(self.hold(bytes)?);
            };
            let (line, rest) = bytes.split_at(end);
            self.after_cr = rest.first() == Some(&b'\r');
            bytes = rest.get(1..).unwrap_or_default();
            if self.held.is_empty() {
                if line.len() > LONGEST_LINE {
                    return Err(LineTooLong.into());
                }
                on_line(line)?;
            } else {
                self.hold(line)?;
                on_line(&self.held)?;
                self.held.clear();
                self.held.shrink_to(KEPT_CAPACITY);
            }
        }
        Ok(())
    }

    /// The bytes have ended: what is left of a line that was never ended.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), LineTooLong> {
        if self.held.len().saturating_add(bytes.len()) > LONGEST_LINE {
            return Err(LineTooLong);
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines
                .feed(piece, |line| {
                    out.push(String::from_utf8_lossy(line).into_owned());
                    Ok::<(), LineTooLong>(())
                })
                .expect("short lines");
        }
        let rest = lines.finish();
        if !rest.is_empty() {
            out.push(String::from_utf8_lossy(&rest).into_owned());
        }
        out
    }

    #[test]
    fn every_end_and_every_cut_gives_the_same_lines() {
        let text = b"a\r\n\r\nbc\rd\n\ne\r\rf";
        let wanted = ["a", "", "bc", "d", "", "e", "", "f"];
        for first in 0..=text.len() {
            for second in first..=text.len() {
                assert_eq!(lines(&[&text[..first], &text[first..second], &text[second..]]), wanted);
            }
        }
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; LONGEST_LINE];
        assert!(lines.feed(&piece, |_| Ok::<(), LineTooLong>(())).is_ok());
        assert_eq!(lines.feed(b"x", |_| Ok::<(), LineTooLong>(())), Err(LineTooLong));
    }
}
