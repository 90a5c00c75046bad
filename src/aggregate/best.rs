//! `best:FIELD`: the result with the largest number.

use serde_json::{Map, Value, json};

use super::score::Score;
use super::tally::Tally;
use super::{Aggregator, Field, ResultView};

#[derive(Debug)]
pub(super) struct Best {
    field: Field,
    tally: Tally,
    leader: Option<(Score, u64, Value)>,
}

impl Best {
    pub(super) fn new(field: Field) -> Self {
        Self { field, tally: Tally::default(), leader: None }
    }
}

impl Aggregator for Best {
    fn add(&mut self, result: &ResultView) {
        let Some((value, score)) = self.tally.score(result, &self.field) else { return };
        let task = result.task();
        // Of equal ones the first task's, whenever it ended.
        let better =
            self.leader.as_ref().is_none_or(|(known, holder, _)| score.cmp(known).then(holder.cmp(&task)).is_gt());
        if better {
            let (args, output) = (result.args(), result.output_value());
            self.leader = Some((score, task, json!({"task": task, "value": value, "args": args, "output": output})));
        }
    }

    fn finish(self: Box<Self>) -> Value {
        let mut value = Map::new();
        value.insert("method".into(), "best".into());
        value.insert("field".into(), self.field.to_string().into());
        self.tally.counts(true, &mut value);
        value.insert("best".into(), self.leader.map_or(Value::Null, |(_, _, best)| best));
        value.into()
    }
}
