//! CSV with a header (RFC 4180). Every value is a string. Our own reader, because a ragged line or
//! an open quote must be told with its line and column, and an open quote must not slurp the file.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::lines::Lines;
use super::{Found, MOST, RowProblem, Trouble};

pub(super) struct Csv<R> {
    lines: Lines<R>,
    header: Option<Vec<String>>,
}

/// A record: the line where it begins, and its fields.
struct Record {
    line: u64,
    fields: Vec<String>,
}

impl<R: BufRead> Csv<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self { lines: Lines::new(reader), header: None }
    }

    pub(super) fn next(&mut self) -> Result<Found, Trouble> {
        if self.header.is_none() {
            let Some(record) = self.record()? else { return Ok(None) };
            self.header = Some(header(record)?);
        }
        let Some(Record { line, fields }) = self.record()? else { return Ok(None) };
        let columns = self.header.as_deref().unwrap_or_default();
        if fields.len() != columns.len() {
            let problem = RowProblem::Ragged { fields: fields.len(), columns: columns.len() };
            return Err(Trouble::in_line(line, problem));
        }
        let values: Map<String, Value> = columns.iter().cloned().zip(fields.into_iter().map(Value::String)).collect();
        Ok(Some((line, values)))
    }

    /// The next record; a quoted field may go on over several lines. Blank lines are skipped.
    fn record(&mut self) -> Result<Option<Record>, Trouble> {
        let mut splitter = Splitter::default();
        let mut length = 0;
        while let Some((number, line)) = self.lines.next()? {
            if splitter.is_fresh() {
                if line.trim_end_matches(['\r', '\n']).is_empty() {
                    continue;
                }
                splitter.first_line = number;
            }
            length += line.len();
            if length > MOST {
                return Err(Trouble::in_line(splitter.first_line, RowProblem::TooLong));
            }
            if splitter.take(line, number)? {
                return Ok(Some(Record { line: splitter.first_line, fields: splitter.fields }));
            }
        }
        match splitter.opened {
            Some((line, column)) => Err(Trouble::at(line, column, RowProblem::QuoteOpen)),
            None => Ok(None),
        }
    }
}

fn header(record: Record) -> Result<Vec<String>, Trouble> {
    let Record { line, fields } = record;
    let mut columns: Vec<String> = Vec::with_capacity(fields.len());
    for (index, field) in fields.into_iter().enumerate() {
        let name = field.trim().to_owned();
        if name.is_empty() {
            return Err(Trouble::in_line(line, RowProblem::ColumnUnnamed(index + 1)));
        }
        if columns.contains(&name) {
            return Err(Trouble::in_line(line, RowProblem::ColumnTwice(name)));
        }
        columns.push(name);
    }
    Ok(columns)
}

#[derive(Default)]
struct Splitter {
    fields: Vec<String>,
    field: String,
    state: Within,
    first_line: u64,
    /// Where the quote opened that is not closed yet.
    opened: Option<(u64, u64)>,
}

/// Where in a field the next character is.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Within {
    #[default]
    Beginning,
    Bare,
    Quotes,
    /// Behind a quote that closes the field, unless another one follows.
    Closed,
}

impl Splitter {
    const fn is_fresh(&self) -> bool {
        self.first_line == 0
    }

    /// Takes a line with its end; true when the record ends with it.
    fn take(&mut self, line: &str, number: u64) -> Result<bool, Trouble> {
        let bare = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
        for (column, character) in (1..).zip(bare.chars()) {
            self.put(character, number, column)?;
        }
        if self.state == Within::Quotes {
            self.field.push_str(line.get(bare.len()..).unwrap_or_default());
            return Ok(false);
        }
        self.end_field();
        Ok(true)
    }

    fn put(&mut self, character: char, line: u64, column: u64) -> Result<(), Trouble> {
        match (self.state, character) {
            (Within::Beginning, '"') => {
                self.state = Within::Quotes;
                self.opened = Some((line, column));
            }
            (Within::Quotes, '"') => {
                self.state = Within::Closed;
                self.opened = None;
            }
            (Within::Closed, '"') => {
                self.field.push('"');
                self.state = Within::Quotes;
                self.opened = Some((line, column));
            }
            (Within::Beginning | Within::Bare | Within::Closed, ',') => self.end_field(),
            (Within::Closed, _) => return Err(Trouble::at(line, column, RowProblem::AfterQuote)),
            (Within::Beginning | Within::Bare, other) => {
                self.field.push(other);
                self.state = Within::Bare;
            }
            (Within::Quotes, other) => self.field.push(other),
        }
        Ok(())
    }

    fn end_field(&mut self) {
        self.fields.push(std::mem::take(&mut self.field));
        self.state = Within::Beginning;
        self.opened = None;
    }
}
