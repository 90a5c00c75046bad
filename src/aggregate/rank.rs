//! `rank:FIELD`: the results in the order of a number, the better end first.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::score::Score;
use super::tally::Tally;
use super::{Aggregator, Direction, Field, ResultView};

#[derive(Debug)]
pub(super) struct Rank {
    field: Field,
    direction: Direction,
    tally: Tally,
    placed: Vec<Placed>,
}

#[derive(Debug)]
struct Placed {
    score: Score,
    task: u64,
    value: Value,
    args: Value,
}

impl Rank {
    pub(super) fn new(field: Field, direction: Direction) -> Self {
        Self { field, direction, tally: Tally::default(), placed: Vec::new() }
    }
}

impl Direction {
    const fn word(self) -> &'static str {
        match self {
            Self::SmallestFirst => "asc",
            Self::LargestFirst => "desc",
        }
    }

    /// How two places compare; equal numbers come in the order of their tasks.
    fn compare(self, a: &Placed, b: &Placed) -> Ordering {
        let by_score = match self {
            Self::SmallestFirst => a.score.cmp(&b.score),
            Self::LargestFirst => b.score.cmp(&a.score),
        };
        by_score.then(a.task.cmp(&b.task))
    }
}

impl Aggregator for Rank {
    fn add(&mut self, result: &ResultView) {
        if let Some((value, score)) = self.tally.score(result, &self.field) {
            let (value, args) = (value.clone(), result.args().clone());
            self.placed.push(Placed { score, task: result.task(), value, args });
        }
    }

    fn finish(mut self: Box<Self>) -> Value {
        self.placed.sort_by(|a, b| self.direction.compare(a, b));
        let mut value = Map::new();
        value.insert("method".into(), "rank".into());
        value.insert("field".into(), self.field.to_string().into());
        value.insert("direction".into(), self.direction.word().into());
        self.tally.counts(true, &mut value);
        let places = (1_u32..).zip(self.placed).map(|(place, Placed { task, value, args, .. })| {
            json!({"place": place, "task": task, "value": value, "args": args})
        });
        value.insert("ranking".into(), places.collect());
        value.into()
    }
}
