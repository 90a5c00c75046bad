//! `all`: every output, in the order of the tasks.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::tally::Tally;
use super::{Aggregator, ResultView};

#[derive(Debug, Default)]
pub(super) struct All {
    tally: Tally,
    outputs: BTreeMap<u64, Value>,
}

impl Aggregator for All {
    fn add(&mut self, result: &ResultView) {
        if self.tally.takes(result) {
            let task = result.task();
            let output = json!({"task": task, "args": result.args(), "output": result.output_value()});
            self.outputs.insert(task, output);
        }
    }

    fn finish(self: Box<Self>) -> Value {
        let mut value = Map::new();
        value.insert("method".into(), "all".into());
        self.tally.totals(&mut value);
        value.insert("outputs".into(), self.outputs.into_values().collect());
        value.into()
    }
}
