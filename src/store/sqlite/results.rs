//! What earlier tasks came to: results that answer again, and what a model usually uses.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::codec::{Columns, key_bits};
use super::fault::{Fault, Result};
use super::query::run_id;
use crate::domain::event::TaskFinished;
use crate::domain::{Key, Usage};
use crate::store::StoredResult;

pub(super) const BY_KEY: &str = "SELECT t.run, t.task, t.payload, t.finished FROM tasks t \
    CROSS JOIN runs r ON r.id = t.run WHERE t.key = ? AND t.own = 1 AND r.reusable = 1 \
    ORDER BY t.ended DESC LIMIT 1";
pub(super) const BY_MODEL: &str = "SELECT t.finished FROM runs r \
    CROSS JOIN tasks t ON t.run = r.id AND t.state = 'completed' \
    WHERE r.provider = ?1 AND r.model = ?2 AND t.own = 1 \
    ORDER BY r.created DESC LIMIT ?3";

/// The newest reusable result of each key that has one. A look-up in a B-tree costs a few
/// microseconds: one list in one statement would be no faster, and would have to be sorted.
pub(super) fn by_key(db: &Connection, keys: &[Key]) -> Result<BTreeMap<Key, StoredResult>> {
    let mut statement = db.prepare_cached(BY_KEY)?;
    let mut found = BTreeMap::new();
    for &key in keys {
        let result = statement.query_row([key_bits(key)], |row| Ok(stored_result(Columns::of(row)))).optional()?;
        if let Some(result) = result {
            found.insert(key, result?);
        }
    }
    Ok(found)
}

fn stored_result(mut row: Columns<'_>) -> Result<StoredResult> {
    Ok(StoredResult {
        run: run_id(row.get()?),
        task: row.get()?,
        payload: row.optional_key()?,
        finished: serde_json::from_str(row.text()?)?,
    })
}

/// The average over the newest `sample` completed tasks of a model, and how many there were.
pub(super) fn typical(db: &Connection, provider: &str, model: &str, sample: u32) -> Result<Option<(Usage, u32)>> {
    let mut statement = db.prepare_cached(BY_MODEL)?;
    let mut rows = statement.query(params![provider, model, sample])?;
    let (mut sum, mut count) = (Usage::default(), 0_u32);
    while let Some(row) = rows.next()? {
        let json = row.get_ref(0)?.as_str().map_err(|error| Fault::Damaged(error.to_string()))?;
        sum += serde_json::from_str::<TaskFinished>(json)?.usage;
        count += 1;
    }
    Ok((count > 0).then(|| (share(sum, count), count)))
}

fn share(sum: Usage, count: u32) -> Usage {
    let each = |tokens: u64| tokens.div_ceil(u64::from(count.max(1)));
    Usage {
        input_tokens: each(sum.input_tokens),
        output_tokens: each(sum.output_tokens),
        cache_read_tokens: each(sum.cache_read_tokens),
        cache_write_tokens: each(sum.cache_write_tokens),
        cache_write_1h_tokens: each(sum.cache_write_1h_tokens),
        estimated: sum.estimated,
    }
}
