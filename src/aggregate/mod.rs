//! From the results of a run to one value: all of them, a ranking, a vote, or the best.
//!
//! An [`Aggregator`] is given results one at a time, in whatever order they end; what it makes of
//! them does not depend on that order. [`Method`] is what `--aggregate` reads. A method of one's
//! own is an implementation of the trait, given to [`aggregate`]:
//!
//! ```
//! use flightdeck::aggregate::{Aggregator, ResultView, aggregate};
//! use serde_json::{Value, json};
//!
//! struct Longest(usize);
//!
//! impl Aggregator for Longest {
//!     fn add(&mut self, result: &ResultView) {
//!         self.0 = self.0.max(result.output().map_or(0, str::len));
//!     }
//!     fn finish(self: Box<Self>) -> Value {
//!         json!({ "longest": self.0 })
//!     }
//! }
//!
//! let results = [json!({"task": 0, "success": true, "output": "four"})];
//! assert_eq!(aggregate(Box::new(Longest(0)), &results)?, json!({"longest": 4}));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod all;
mod best;
mod field;
mod rank;
mod score;
mod tally;
mod view;
mod vote;
pub mod words;

use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;

pub use field::{Field, FieldError};
pub use view::ResultView;

use words::WordsError;

/// What makes one value of many results.
pub trait Aggregator: Send {
    /// Takes one result. Each task comes once, in any order.
    fn add(&mut self, result: &ResultView);
    /// The value, once all results were taken.
    fn finish(self: Box<Self>) -> Value;
}

/// Which of two places comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The smallest number: time, cost.
    SmallestFirst,
    /// The largest number: a score.
    LargestFirst,
}

/// What `--aggregate` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// Every output.
    All,
    /// The results in the order of a number.
    Rank(Field, Direction),
    /// The value that most results have.
    Vote(Field),
    /// The result with the largest number.
    Best(Field),
    /// What a command makes of them: its words.
    Command(Vec<String>),
}

/// Why a text names no method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// Another word.
    #[error("there is no aggregation `{0}`: write all, rank:FIELD, vote:FIELD, best:FIELD or command:CMD")]
    Unknown(String),
    /// It needs a field.
    #[error("`{method}` needs a field: write {method}:FIELD, such as {method}:score or {method}:duration_ms")]
    NoField {
        /// The method's name.
        method: String,
    },
    /// The field can't be read.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// There is no command.
    #[error("`command` needs a command line: write command:CMD, such as 'command:jq -s length'")]
    NoCommand,
    /// The command line can't be read.
    #[error("the command of `command:` {0}")]
    Words(#[from] WordsError),
}

impl FromStr for Method {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Self, MethodError> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let field = |text: &str| match text {
            "" => Err(MethodError::NoField { method: name.to_owned() }),
            text => Ok(text.parse::<Field>()?),
        };
        match name {
            "all" if rest.is_empty() => Ok(Self::All),
            "rank" => {
                let (path, direction) = direction(rest);
                let field = field(path)?;
                let direction = direction.unwrap_or_else(|| usual_direction(&field));
                Ok(Self::Rank(field, direction))
            }
            "vote" => field(rest).map(Self::Vote),
            "best" => field(rest).map(Self::Best),
            "command" => {
                let words = words::split(rest)?;
                if words.is_empty() { Err(MethodError::NoCommand) } else { Ok(Self::Command(words)) }
            }
            _ => Err(MethodError::Unknown(text.to_owned())),
        }
    }
}

fn direction(text: &str) -> (&str, Option<Direction>) {
    let ends = [(":asc", Direction::SmallestFirst), (":desc", Direction::LargestFirst)];
    let said = ends.iter().find_map(|(end, direction)| Some((text.strip_suffix(end)?, Some(*direction))));
    said.unwrap_or((text, None))
}

/// Fields of a result of which less is better.
const LESS_IS_BETTER: &[&str] = &["attempts", "cost_usd", "duration_ms", "task", "usage"];

/// The better end first: the quickest, the cheapest, and otherwise the highest score.
fn usual_direction(field: &Field) -> Direction {
    let less = LESS_IS_BETTER.contains(&field.root());
    if less { Direction::SmallestFirst } else { Direction::LargestFirst }
}

impl Method {
    /// What carries it out; nothing for a command, which its caller runs.
    #[must_use]
    pub fn aggregator(&self) -> Option<Box<dyn Aggregator>> {
        Some(match self {
            Self::All => Box::new(all::All::default()),
            Self::Rank(field, direction) => Box::new(rank::Rank::new(field.clone(), *direction)),
            Self::Vote(field) => Box::new(vote::Vote::new(field.clone())),
            Self::Best(field) => Box::new(best::Best::new(field.clone())),
            Self::Command(_) => return None,
        })
    }
}

/// Aggregates results that are at hand, each with at least `task` and `success`.
///
/// # Errors
/// Where a result can't be written as JSON.
pub fn aggregate<R: Serialize>(mut aggregator: Box<dyn Aggregator>, results: &[R]) -> Result<Value, serde_json::Error> {
    for result in results {
        aggregator.add(&ResultView::new(result)?);
    }
    Ok(aggregator.finish())
}

#[cfg(test)]
mod tests;
