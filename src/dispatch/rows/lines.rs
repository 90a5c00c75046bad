//! Lines of a text file, one at a time.

use std::io::{BufRead, Read as _};

use super::{BOM, MOST, RowProblem, Trouble};
use crate::dispatch::text::chars;

/// Reads lines that are checked: UTF-8, no zero byte, not longer than a row may be.
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), number: 0 }
    }

    /// The next line with its number and its end, or nothing.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &str)>, Trouble> {
        let number = self.number + 1;
        self.buffer.clear();
        let mut limited = self.reader.by_ref().take(MOST as u64 + 1);
        let length = limited.read_until(b'\n', &mut self.buffer).map_err(|e| Trouble::unreadable(number, &e))?;
        if length == 0 {
            return Ok(None);
        }
        if length > MOST {
            return Err(Trouble::in_line(number, RowProblem::TooLong));
        }
        self.number = number;
        let line = match number {
            1 => self.buffer.strip_prefix(BOM).unwrap_or(&self.buffer),
            _ => &self.buffer,
        };
        checked(line, number).map(|line| Some((number, line)))
    }
}

/// The text of a line, if it is one.
fn checked(line: &[u8], number: u64) -> Result<&str, Trouble> {
    let column = |bytes: &[u8]| chars(bytes) + 1;
    let text = std::str::from_utf8(line).map_err(|error| {
        let valid = line.get(..error.valid_up_to()).unwrap_or(line);
        let problem = if valid.contains(&0) { RowProblem::ZeroByte } else { RowProblem::NotUtf8 };
        Trouble::at(number, column(valid), problem)
    })?;
    match text.split_once('\0') {
        Some((before, _)) => Err(Trouble::at(number, column(before.as_bytes()), RowProblem::ZeroByte)),
        None => Ok(text),
    }
}
