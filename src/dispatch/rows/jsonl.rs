//! JSONL: one JSON object per line; blank lines are skipped.

use std::io::BufRead;

use super::lines::Lines;
use super::{Found, Trouble, object};

pub(super) struct Jsonl<R>(Lines<R>);

impl<R: BufRead> Jsonl<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self(Lines::new(reader))
    }

    pub(super) fn next(&mut self) -> Result<Found, Trouble> {
        while let Some((number, line)) = self.0.next()? {
            if !line.trim_ascii().is_empty() {
                return object::parse(line.trim_end(), number, 1).map(|values| Some((number, values)));
            }
        }
        Ok(None)
    }
}
