//! Rows: the arguments of a dispatch, streamed from JSONL, JSON or CSV. A file of a million lines
//! is never held in memory, and every complaint says where in the file it is.

mod csv;
mod json;
mod jsonl;
mod lines;
mod object;

use std::fmt;
use std::io::BufRead;

use serde_json::{Map, Value};

use super::RowFormat;

/// The longest row, in MiB: larger than any request that a provider takes.
const MOST_MIB: usize = 16;
const MOST: usize = MOST_MIB << 20;
const BOM: &[u8] = b"\xef\xbb\xbf";
/// How values that were given without a file are called in messages.
const INLINE: &str = "the inline values";

/// One row: a JSON object whose fields keep their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its number among the rows, from 1.
    pub number: u64,
    /// The line of the file where it begins, from 1; nothing for inline values.
    pub line: Option<u64>,
    /// Its values by column.
    pub values: Map<String, Value>,
}

/// What is wrong with a row file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct RowError {
    /// Where.
    pub place: Place,
    /// What is wrong there.
    pub problem: RowProblem,
}

/// A place among the rows, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// How messages call the file.
    pub name: String,
    /// The line, from 1.
    pub line: Option<u64>,
    /// The column, from 1, in characters.
    pub column: Option<u64>,
    /// The row, from 1.
    pub row: Option<u64>,
}

impl Place {
    /// A whole row of the rows that are called `name`.
    #[must_use]
    pub fn of(name: &str, row: &Row) -> Self {
        Self { name: name.to_owned(), line: row.line, column: None, row: Some(row.number) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (word, number) in [(", line", self.line), (", column", self.column), (", row", self.row)] {
            if let Some(number) = number {
                write!(f, "{word} {number}")?;
            }
        }
        Ok(())
    }
}

/// What can be wrong with a row file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowProblem {
    /// There is no row in it.
    #[error("no rows: at least one is needed")]
    Empty,
    /// The system can't read it.
    #[error("it can't be read: {0}")]
    Unreadable(String),
    /// Bytes that are no UTF-8.
    #[error("this is not UTF-8: save the file as UTF-8")]
    NotUtf8,
    /// A zero byte.
    #[error("there is a zero byte: this is no text file")]
    ZeroByte,
    /// A row that is longer than any request can be.
    #[error("the row is longer than {MOST_MIB} MiB: no request can be that long")]
    TooLong,
    /// JSON that does not parse.
    #[error("this is no JSON: {0}")]
    Json(String),
    /// JSON that ends too early.
    #[error("the JSON ends in the middle of a row: the file was cut")]
    Cut,
    /// A row of another type.
    #[error("the row is {0}: each row must be a JSON object such as {{\"name\": \"value\"}}")]
    NoObject(&'static str),
    /// A JSON object with the same field twice.
    #[error("the field `{0}` is there twice: remove one")]
    FieldTwice(String),
    /// A JSON file that is no array.
    #[error("the file begins with {0}: a .json file must be an array of objects (one object per line is .jsonl)")]
    NoArray(&'static str),
    /// An array without its end.
    #[error("the file ends before the array does: it was cut, or a ] is missing")]
    ArrayCut,
    /// Something between or after the rows of a JSON array.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A CSV line with another number of fields than the header.
    #[error(
        "fields here: {fields}, columns in the header: {columns}; add what is missing, or quote the field that has a comma in it"
    )]
    Ragged {
        /// How many are there.
        fields: usize,
        /// How many should be.
        columns: usize,
    },
    /// A CSV header that names a column twice.
    #[error("the header names the column `{0}` twice: rename one")]
    ColumnTwice(String),
    /// A CSV header with a column that has no name.
    #[error("column {0} of the header has no name: give it one")]
    ColumnUnnamed(usize),
    /// A CSV field without its closing quote.
    #[error("the quote that opens here is never closed")]
    QuoteOpen,
    /// Something between a closing quote and the next comma.
    #[error("there is text after a closing quote: write \"\" for a quote within a quoted field")]
    AfterQuote,
    /// An inline value of the same name.
    #[error("the rows have a column `{0}` and an inline value has that name, too: remove one")]
    InlineTwice(String),
}

/// The rows of one file, in order. Ends after the first error; a file without any row is one.
pub struct Rows<R> {
    name: String,
    source: Source<R>,
    inline: Vec<(String, String)>,
    number: u64,
    over: bool,
}

enum Source<R> {
    Jsonl(jsonl::Jsonl<R>),
    Json(json::Array<R>),
    Csv(csv::Csv<R>),
    /// No file: the inline values are the one row.
    Nothing,
}

/// What a format reads: where the row begins, and its values.
type Found = Option<(u64, Map<String, Value>)>;

/// A problem at a line and a column.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trouble {
    line: Option<u64>,
    column: Option<u64>,
    problem: RowProblem,
}

impl Trouble {
    const fn at(line: u64, column: u64, problem: RowProblem) -> Self {
        Self { line: Some(line), column: Some(column), problem }
    }

    const fn in_line(line: u64, problem: RowProblem) -> Self {
        Self { line: Some(line), column: None, problem }
    }

    fn unreadable(line: u64, error: &std::io::Error) -> Self {
        Self::in_line(line, RowProblem::Unreadable(error.to_string()))
    }
}

/// Streams the rows of a file. `name` is how messages call it.
pub fn read<R: BufRead>(reader: R, format: RowFormat, name: &str) -> Rows<R> {
    let source = match format {
        RowFormat::Jsonl => Source::Jsonl(jsonl::Jsonl::new(reader)),
        RowFormat::Json => Source::Json(json::Array::new(reader)),
        RowFormat::Csv => Source::Csv(csv::Csv::new(reader)),
    };
    Rows { name: name.to_owned(), source, inline: Vec::new(), number: 0, over: false }
}

/// The one row that inline values alone make, also where there are none.
#[must_use]
pub fn inline<R>(values: Vec<(String, String)>) -> Rows<R> {
    Rows { name: INLINE.to_owned(), source: Source::Nothing, inline: values, number: 0, over: false }
}

impl<R> Rows<R> {
    /// Joins inline values to every row; a name that a row has, too, is an error.
    #[must_use]
    pub fn with_inline(self, inline: Vec<(String, String)>) -> Self {
        Self { inline, ..self }
    }

    /// How messages call the file.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<R: BufRead> Rows<R> {
    fn read(&mut self) -> Result<Option<Row>, Trouble> {
        let found = match &mut self.source {
            Source::Jsonl(source) => source.next()?,
            Source::Json(source) => source.next()?,
            Source::Csv(source) => source.next()?,
            Source::Nothing => return Ok(self.only_inline()),
        };
        let Some((line, mut values)) = found else {
            let empty = Trouble { line: None, column: None, problem: RowProblem::Empty };
            return if self.number == 0 { Err(empty) } else { Ok(None) };
        };
        for (name, value) in &self.inline {
            if values.insert(name.clone(), Value::String(value.clone())).is_some() {
                return Err(Trouble::in_line(line, RowProblem::InlineTwice(name.clone())));
            }
        }
        self.number += 1;
        Ok(Some(Row { number: self.number, line: Some(line), values }))
    }

    fn only_inline(&mut self) -> Option<Row> {
        self.number += 1;
        let text = |(name, value): &(String, String)| (name.clone(), Value::String(value.clone()));
        let values = self.inline.iter().map(text).collect();
        (self.number == 1).then_some(Row { number: 1, line: None, values })
    }

    fn error(&self, trouble: Trouble) -> RowError {
        let Trouble { line, column, problem } = trouble;
        let of_a_row = !matches!(
            problem,
            RowProblem::Empty
                | RowProblem::NoArray(_)
                | RowProblem::ArrayCut
                | RowProblem::ColumnTwice(_)
                | RowProblem::ColumnUnnamed(_)
                | RowProblem::Unexpected { .. }
        );
        let row = of_a_row.then_some(self.number + 1);
        RowError { place: Place { name: self.name.clone(), line, column, row }, problem }
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let read = self.read();
        self.over = !matches!(read, Ok(Some(_)));
        read.map_err(|trouble| self.error(trouble)).transpose()
    }
}

#[cfg(test)]
mod tests;
