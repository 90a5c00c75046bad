//! From rows to tasks, in order, one at a time: only keys are remembered.

use std::io::BufRead;
use std::sync::Arc;

use super::check::Check;
use super::key::{Keyed, Keys};
use super::plan::{PlanError, Rendered, Templates};
use super::rows::{Place, Row, Rows};
use crate::domain::{Key, TaskNo};

/// A task before it is one: checked, rendered and keyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its number in the run.
    pub task: TaskNo,
    /// The number of its row, from 1.
    pub row: u64,
    /// Which replica of its row it is, from 0.
    pub replica: u32,
    /// Its arguments: a JSON object. Replicas of a row share the text.
    pub args: Arc<str>,
    /// Its idempotency key.
    pub key: Key,
    /// The key of all that changes the answer, where `key` is the user's own.
    pub payload: Option<Key>,
    /// An earlier task of the run with the same key.
    pub same_as: Option<TaskNo>,
    /// What the templates make of its row.
    pub rendered: Rendered,
}

/// The tasks of a run: rows times replicas, in order. Ends after the first error.
pub struct Expand<'p, R> {
    rows: Rows<R>,
    templates: &'p Templates,
    check: Check,
    keys: Keys,
    repeat: u32,
    share: bool,
    current: Option<Current>,
    next: u64,
    over: bool,
}

/// The row whose replicas are being made.
struct Current {
    row: Row,
    args: Arc<str>,
    rendered: Rendered,
    replica: u32,
}

impl<'p, R: BufRead> Expand<'p, R> {
    pub(super) const fn new(
        rows: Rows<R>,
        templates: &'p Templates,
        check: Check,
        keys: Keys,
        repeat: u32,
        share: bool,
    ) -> Self {
        Self { rows, templates, check, keys, repeat, share, current: None, next: 0, over: false }
    }

    fn draft(&mut self) -> Result<Option<Draft>, PlanError> {
        let Some(mut current) = self.current.take().map_or_else(|| self.row(), |current| Ok(Some(current)))? else {
            return Ok(None);
        };
        let rows = || self.rows.name().to_owned();
        let task = TaskNo::try_from(self.next).map_err(|_| PlanError::TooMany { rows: rows() })?;
        let Keyed { key, payload, same_as } = self.keys.key(&current.row, current.replica, task)?;
        let draft = Draft {
            task,
            row: current.row.number,
            replica: current.replica,
            args: Arc::clone(&current.args),
            key,
            payload,
            same_as: same_as.filter(|_| self.share),
            rendered: current.rendered.clone(),
        };
        self.next += 1;
        current.replica += 1;
        self.current = (current.replica < self.repeat).then_some(current);
        Ok(Some(draft))
    }

    fn row(&mut self) -> Result<Option<Current>, PlanError> {
        let Some(row) = self.rows.next().transpose()? else { return Ok(None) };
        self.check.row(&row)?;
        let rendered = self
            .templates
            .render(&row.values)
            .map_err(|problem| PlanError::Render { place: Box::new(Place::of(self.rows.name(), &row)), problem })?;
        let args = serde_json::to_string(&row.values).unwrap_or_default().into();
        Ok(Some(Current { row, args, rendered, replica: 0 }))
    }
}

impl<R: BufRead> Iterator for Expand<'_, R> {
    type Item = Result<Draft, PlanError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let draft = self.draft();
        self.over = !matches!(draft, Ok(Some(_)));
        draft.transpose()
    }
}

#[cfg(test)]
mod tests;
