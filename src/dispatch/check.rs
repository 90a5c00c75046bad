//! Do the names in the templates and the columns of the rows fit together?

use std::collections::BTreeSet;

use super::rows::{Place, Row};
use super::template::Template;
use super::text::{listed, meant};

/// A name without a value, or a value without a use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// A template names what a row does not have.
    #[error("{place}: {origin} names `{variable}`, {}", without(columns, suggestion.as_deref(), variable))]
    Missing {
        /// Which row.
        place: Box<Place>,
        /// Which template.
        origin: String,
        /// The name.
        variable: String,
        /// The columns that the row has.
        columns: Vec<String>,
        /// The column that was probably meant.
        suggestion: Option<String>,
    },
    /// A row has what no template names.
    #[error("{place}: no template names the column `{column}`: {}", instead(suggestion.as_deref()))]
    Unused {
        /// Which row.
        place: Box<Place>,
        /// The column.
        column: String,
        /// The name in a template that was probably meant.
        suggestion: Option<String>,
    },
}

fn without(columns: &[String], suggestion: Option<&str>, variable: &str) -> String {
    match (columns, suggestion) {
        ([], _) => format!("and there are no values: give it with --arg {variable}=VALUE, or rows with --args FILE"),
        (columns, Some(meant)) => {
            format!("which the row does not have; did you mean `{meant}`? Its columns: {}", names(columns))
        }
        (columns, None) => {
            let columns = names(columns);
            format!(
                "which the row does not have: add it, or give it with --arg {variable}=VALUE. Its columns: {columns}"
            )
        }
    }
}

fn instead(suggestion: Option<&str>) -> String {
    let meant = suggestion.map(|name| format!("is `{name}` meant? ")).unwrap_or_default();
    format!("{meant}name it in one, remove it, or pass --allow-unused")
}

fn names(columns: &[String]) -> String {
    listed(columns.iter().map(String::as_str))
}

/// Checks rows against the names that the templates have.
#[derive(Debug)]
pub(super) struct Check {
    rows: String,
    needed: Vec<Needed>,
    used: BTreeSet<String>,
    allow_unused: bool,
    /// The columns of the last row that passed: nearly always those of the next one, too.
    passed: Option<Vec<String>>,
}

#[derive(Debug)]
struct Needed {
    name: String,
    origin: String,
}

impl Check {
    /// `used` names columns that have a use beside the templates.
    pub(super) fn new<'t>(
        rows: &str,
        templates: impl Iterator<Item = &'t Template>,
        used: Option<&str>,
        allow_unused: bool,
    ) -> Self {
        let mut check = Self {
            rows: rows.to_owned(),
            needed: Vec::new(),
            used: used.map(str::to_owned).into_iter().collect(),
            allow_unused,
            passed: None,
        };
        for template in templates {
            for variable in template.variables() {
                check.used.insert(variable.name.clone());
                if !variable.optional && !check.needed.iter().any(|needed| needed.name == variable.name) {
                    check.needed.push(Needed { name: variable.name.clone(), origin: template.origin().to_owned() });
                }
            }
        }
        check
    }

    pub(super) fn row(&mut self, row: &Row) -> Result<(), CheckError> {
        if self.passed.as_ref().is_some_and(|passed| passed.iter().eq(row.values.keys())) {
            return Ok(());
        }
        self.nothing_missing(row)?;
        if !self.allow_unused {
            self.nothing_unused(row)?;
        }
        self.passed = Some(row.values.keys().cloned().collect());
        Ok(())
    }

    fn nothing_missing(&self, row: &Row) -> Result<(), CheckError> {
        let Some(needed) = self.needed.iter().find(|needed| !row.values.contains_key(&needed.name)) else {
            return Ok(());
        };
        let free = row.values.keys().map(String::as_str).filter(|column| !self.used.contains(*column));
        Err(CheckError::Missing {
            place: Box::new(Place::of(&self.rows, row)),
            origin: needed.origin.clone(),
            variable: needed.name.clone(),
            suggestion: meant(&needed.name, free).map(str::to_owned),
            columns: row.values.keys().cloned().collect(),
        })
    }

    fn nothing_unused(&self, row: &Row) -> Result<(), CheckError> {
        let Some(column) = row.values.keys().find(|column| !self.used.contains(*column)) else { return Ok(()) };
        let free = self.used.iter().map(String::as_str).filter(|name| !row.values.contains_key(*name));
        Err(CheckError::Unused {
            place: Box::new(Place::of(&self.rows, row)),
            suggestion: meant(column, free).map(str::to_owned),
            column: column.clone(),
        })
    }
}
