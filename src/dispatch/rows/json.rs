//! JSON: an array of objects, read element by element so that it is never held as a whole.

use std::io::BufRead;

use super::{BOM, Found, MOST, RowProblem, Trouble, object};
use crate::dispatch::text::{begins_char, position};

pub(super) struct Array<R> {
    bytes: Bytes<R>,
    /// Whether the opening bracket was read.
    open: bool,
    /// Whether an element was read.
    begun: bool,
    element: Vec<u8>,
}

impl<R: BufRead> Array<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self { bytes: Bytes { reader, line: 1, column: 1 }, open: false, begun: false, element: Vec::new() }
    }

    pub(super) fn next(&mut self) -> Result<Found, Trouble> {
        if !self.open && !self.opens()? {
            return Ok(None);
        }
        let byte = self.bytes.after_space()?.ok_or_else(|| self.bytes.here(RowProblem::ArrayCut))?;
        match byte {
            b']' => return self.end(),
            b',' if self.begun => {
                self.bytes.skip()?;
                let follows = self.bytes.after_space()?.ok_or_else(|| self.bytes.here(RowProblem::ArrayCut))?;
                if matches!(follows, b']' | b',') {
                    return Err(self.unexpected("a row after the comma", follows));
                }
            }
            other if self.begun => return Err(self.unexpected("a comma or ] after the row", other)),
            b',' => return Err(self.unexpected("a row or ]", b',')),
            _ => {}
        }
        self.begun = true;
        self.element().map(Some)
    }

    /// Reads the opening bracket; false where there is nothing at all.
    fn opens(&mut self) -> Result<bool, Trouble> {
        self.bytes.skip_bom()?;
        let Some(byte) = self.bytes.after_space()? else { return Ok(false) };
        if byte != b'[' {
            let found = std::str::from_utf8(&[byte]).map_or("no JSON", object::kind);
            return Err(self.bytes.here(RowProblem::NoArray(found)));
        }
        self.bytes.skip()?;
        self.open = true;
        Ok(true)
    }

    fn end(&mut self) -> Result<Found, Trouble> {
        self.bytes.skip()?;
        if let Some(byte) = self.bytes.after_space()? {
            return Err(self.unexpected("the end of the file after the array", byte));
        }
        self.open = false;
        Ok(None)
    }

    /// Gathers one element up to its end, then parses it.
    fn element(&mut self) -> Result<(u64, serde_json::Map<String, serde_json::Value>), Trouble> {
        let (line, column) = (self.bytes.line, self.bytes.column);
        self.element.clear();
        let mut scan = Scan::default();
        while let Some(byte) = self.bytes.peek()? {
            if scan.ends_before(byte) {
                break;
            }
            if self.element.len() == MOST {
                return Err(Trouble::in_line(line, RowProblem::TooLong));
            }
            self.element.push(byte);
            self.bytes.skip()?;
            if scan.ends_with(byte) {
                break;
            }
        }
        let text = std::str::from_utf8(&self.element).map_err(|error| {
            let valid = self.element.get(..error.valid_up_to()).unwrap_or_default();
            let (down, right) = position(&String::from_utf8_lossy(valid), valid.len());
            let right = if down == 1 { column + right - 1 } else { right };
            Trouble::at(line + down - 1, right, RowProblem::NotUtf8)
        })?;
        object::parse(text, line, column).map(|values| (line, values))
    }

    fn unexpected(&self, expected: &'static str, byte: u8) -> Trouble {
        let found =
            if byte.is_ascii_graphic() { format!("`{}`", char::from(byte)) } else { "something else".to_owned() };
        self.bytes.here(RowProblem::Unexpected { expected, found })
    }
}

/// Follows strings and brackets, to know where an element ends. What is in it, the parser checks.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    /// Whether an element without brackets is over before `byte`.
    const fn ends_before(&self, byte: u8) -> bool {
        self.depth == 0 && !self.in_string && matches!(byte, b',' | b']' | b'}')
    }

    /// Whether `byte` closes the last bracket of the element.
    const fn ends_with(&mut self, byte: u8) -> bool {
        if self.in_string {
            self.in_string = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

/// The bytes of the file, with the place of the next one.
struct Bytes<R> {
    reader: R,
    line: u64,
    column: u64,
}

impl<R: BufRead> Bytes<R> {
    fn peek(&mut self) -> Result<Option<u8>, Trouble> {
        match self.reader.fill_buf() {
            Ok(buffer) => match buffer.first() {
                Some(0) => Err(self.here(RowProblem::ZeroByte)),
                byte => Ok(byte.copied()),
            },
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => self.peek(),
            Err(error) => Err(Trouble::unreadable(self.line, &error)),
        }
    }

    fn skip(&mut self) -> Result<(), Trouble> {
        if let Some(byte) = self.peek()? {
            self.reader.consume(1);
            if byte == b'\n' {
                (self.line, self.column) = (self.line + 1, 1);
            } else if begins_char(byte) {
                self.column += 1;
            }
        }
        Ok(())
    }

    fn after_space(&mut self) -> Result<Option<u8>, Trouble> {
        while let Some(byte) = self.peek()? {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Ok(Some(byte));
            }
            self.skip()?;
        }
        Ok(None)
    }

    /// Skips the mark at the beginning of the file, where it came in one piece.
    fn skip_bom(&mut self) -> Result<(), Trouble> {
        self.peek()?;
        let marked = self.reader.fill_buf().is_ok_and(|buffer| buffer.starts_with(BOM));
        if marked {
            self.reader.consume(BOM.len());
        }
        Ok(())
    }

    const fn here(&self, problem: RowProblem) -> Trouble {
        Trouble::at(self.line, self.column, problem)
    }
}
