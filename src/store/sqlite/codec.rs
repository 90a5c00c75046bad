//! Numbers and words between our types and SQLite's.

use rusqlite::Row;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as WordError, StrDeserializer};

use super::fault::{Fault, Result};
use crate::domain::{ContentRef, Key, Money, Totals, Usage, Wall};

/// SQLite's integers are signed: larger numbers become the largest one.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What [`signed`] wrote.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Money in nano-dollars.
pub(super) fn nanos(money: Money) -> i64 {
    signed(money.nanos())
}

pub(super) fn money(nanos: i64) -> Money {
    Money::from_nanos(unsigned(nanos))
}

/// All 64 bits of a key, whatever its sign then is.
pub(super) fn key_bits(key: Key) -> i64 {
    key.0.cast_signed()
}

pub(super) fn key(bits: i64) -> Key {
    Key(bits.cast_unsigned())
}

/// A state by its word, as serde spells it.
pub(super) fn word<'a, T: Deserialize<'a>>(word: &'a str) -> Result<T> {
    let reader: StrDeserializer<'a, WordError> = word.into_deserializer();
    T::deserialize(reader).map_err(|error| Fault::Damaged(error.to_string()))
}

/// A row read column by column, in the order in which they were asked for.
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn get<T: rusqlite::types::FromSql>(&mut self) -> Result<T> {
        let value = self.row.get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    pub(super) fn text(&mut self) -> Result<&'r str> {
        let text = self.row.get_ref(self.next)?.as_str().map_err(|error| Fault::Damaged(error.to_string()))?;
        self.next += 1;
        Ok(text)
    }

    pub(super) fn word<T: Deserialize<'r>>(&mut self) -> Result<T> {
        word(self.text()?)
    }

    pub(super) fn wall(&mut self) -> Result<Option<Wall>> {
        Ok(self.get::<Option<i64>>()?.map(Wall))
    }

    pub(super) fn content(&mut self) -> Result<ContentRef> {
        Ok(ContentRef(self.get()?))
    }

    pub(super) fn optional_key(&mut self) -> Result<Option<Key>> {
        Ok(self.get::<Option<i64>>()?.map(key))
    }

    pub(super) fn money(&mut self) -> Result<Money> {
        Ok(money(self.get()?))
    }

    /// `spent`, `unconfirmed`, `reserved`, `budget`; nothing where the first is NULL.
    pub(super) fn totals(&mut self) -> Result<Option<Totals>> {
        let [spent, unconfirmed, reserved, budget]: [Option<i64>; 4] =
            [self.get()?, self.get()?, self.get()?, self.get()?];
        Ok(spent.map(|spent| Totals {
            spent: money(spent),
            unconfirmed: money(unconfirmed.unwrap_or(0)),
            reserved: money(reserved.unwrap_or(0)),
            budget: budget.map(money),
        }))
    }

    /// `input`, `output`, `cache_read`, `cache_write`, `estimated`. A row counts all cache writes
    /// as one: for how long they were matters to a call's cost only, and that is settled.
    pub(super) fn usage(&mut self) -> Result<Usage> {
        Ok(Usage {
            input_tokens: unsigned(self.get()?),
            output_tokens: unsigned(self.get()?),
            cache_read_tokens: unsigned(self.get()?),
            cache_write_tokens: unsigned(self.get()?),
            cache_write_1h_tokens: 0,
            estimated: self.get()?,
        })
    }
}
