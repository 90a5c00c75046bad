//! Stretches of the log. A span says where up to [`MOST`] consecutive events of one run are, and
//! enough about them that a filter passes over it without reading any. One small row for many
//! events costs an append almost nothing, where an index per filter would double it.

use rusqlite::{Connection, OptionalExtension, params};

use super::codec::{signed, unsigned};
use super::fault::Result;
use crate::domain::{Event, RunId, Severity};
use crate::store::StoreError;

/// The most events of a span. Queries rely on no span having more: it may only become smaller.
pub(super) const MOST: u32 = 256;

/// The rank of a severity in the database.
pub(super) fn rank(severity: Severity) -> i64 {
    match severity {
        Severity::Debug => 0,
        Severity::Info => 1,
        Severity::Warn => 2,
        Severity::Error => 3,
    }
}

/// The bit of a kind of event: of 63, by the FNV-1a hash of its name. Kinds may share one: then a
/// filter reads a span in vain.
pub(super) fn kind_bit(kind: &str) -> i64 {
    let hash = kind
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    1_i64 << (hash % 63)
}

/// Makes the spans of events that are being appended.
#[derive(Default)]
pub(super) struct Weaver {
    open: Option<Span>,
}

struct Span {
    /// Whether the database has it already.
    stored: bool,
    id: i64,
    run: RunId,
    seq: u64,
    count: u32,
    oldest: i64,
    newest: i64,
    severity: i64,
    kinds: i64,
    agents: Option<(u32, u32)>,
}

impl Weaver {
    /// Takes the next event, which has the id `id`.
    ///
    /// # Errors
    /// `Gap` where it does not follow the last one of its run.
    pub(super) fn add(&mut self, db: &Connection, id: i64, event: &Event) -> Result<()> {
        if self.open.as_ref().is_none_or(|span| span.run != event.run) {
            self.finish(db)?;
            self.open = last(db, event.run)?;
        }
        let expected = self.open.as_ref().map_or(1, Span::next_seq);
        if event.seq != expected {
            return Err(StoreError::Gap { run: event.run, last: expected - 1, got: event.seq }.into());
        }
        if self.open.as_ref().is_none_or(|span| span.count >= MOST || span.next_id() != id) {
            self.finish(db)?;
            self.open = Some(Span::begin(id, event));
        } else if let Some(span) = self.open.as_mut() {
            span.count += 1;
            span.note(event);
        }
        Ok(())
    }

    /// Writes the last of them.
    pub(super) fn finish(&mut self, db: &Connection) -> Result<()> {
        self.open.take().map_or(Ok(()), |span| span.save(db))
    }
}

impl Span {
    fn begin(id: i64, event: &Event) -> Self {
        let mut span = Self {
            stored: false,
            id,
            run: event.run,
            seq: event.seq,
            count: 1,
            oldest: event.at.0,
            newest: event.at.0,
            severity: 0,
            kinds: 0,
            agents: None,
        };
        span.note(event);
        span
    }

    fn note(&mut self, event: &Event) {
        self.oldest = self.oldest.min(event.at.0);
        self.newest = self.newest.max(event.at.0);
        self.severity = self.severity.max(rank(event.body.severity()));
        self.kinds |= kind_bit(event.body.kind());
        if let Some(agent) = event.agent {
            let (low, high) = self.agents.unwrap_or((agent, agent));
            self.agents = Some((low.min(agent), high.max(agent)));
        }
    }

    fn next_seq(&self) -> u64 {
        self.seq + u64::from(self.count)
    }

    fn next_id(&self) -> i64 {
        self.id + i64::from(self.count)
    }

    fn save(&self, db: &Connection) -> Result<()> {
        let sql = if self.stored { UPDATE } else { INSERT };
        let (low, high) = self.agents.unzip();
        db.prepare_cached(sql)?.execute(params![
            self.id,
            signed(self.run.number()),
            signed(self.seq),
            self.count,
            self.oldest,
            self.newest,
            self.severity,
            self.kinds,
            low,
            high,
        ])?;
        Ok(())
    }
}

const INSERT: &str = "INSERT INTO spans \
    (id, run, seq, count, oldest, newest, severity, kinds, agent_low, agent_high) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
/// Leaves alone what a span never changes, and with it the index.
const UPDATE: &str = "UPDATE spans SET count = ?4, oldest = ?5, newest = ?6, severity = ?7, kinds = ?8, \
    agent_low = ?9, agent_high = ?10 WHERE id = ?1 AND run = ?2 AND seq = ?3";
const LAST: &str = "SELECT id, seq, count, oldest, newest, severity, kinds, agent_low, agent_high \
    FROM spans WHERE run = ? ORDER BY seq DESC LIMIT 1";

fn last(db: &Connection, run: RunId) -> Result<Option<Span>> {
    let mut statement = db.prepare_cached(LAST)?;
    let span = statement.query_row([signed(run.number())], |row| {
        let (low, high): (Option<u32>, Option<u32>) = (row.get(7)?, row.get(8)?);
        Ok(Span {
            stored: true,
            id: row.get(0)?,
            run,
            seq: unsigned(row.get(1)?),
            count: row.get(2)?,
            oldest: row.get(3)?,
            newest: row.get(4)?,
            severity: row.get(5)?,
            kinds: row.get(6)?,
            agents: low.zip(high),
        })
    });
    Ok(span.optional()?)
}
