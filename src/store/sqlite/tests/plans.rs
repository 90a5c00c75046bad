//! No listing reads a whole table, and none sorts.

use rusqlite::params_from_iter;

use super::fixture::{Home, run_id};
use super::*;
use crate::domain::{Severity, Wall};
use query::Query;

/// Every combination of the fields of a filter.
fn filters() -> Vec<Filter> {
    let states = [None, Some("completed"), Some("suspended")];
    let mut all = Vec::new();
    for bits in 0..128_u32 {
        let has = |bit: u32| bits & (1 << bit) != 0;
        for state in states {
            all.push(Filter {
                run: has(0).then(|| run_id(1)),
                agent: (has(0) && has(1)).then_some(1),
                state: state.map(str::to_owned),
                kind: has(2).then(|| "task_finished".to_owned()),
                severity: has(3).then_some(Severity::Warn),
                since: has(4).then_some(Wall(1)),
                until: has(5).then_some(Wall(2)),
                after: has(6).then_some(1),
                limit: Some(10),
            });
        }
    }
    all
}

fn check(db: &Connection, query: &Query) {
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {}", query.sql)).expect(&query.sql);
    let plan: Vec<String> = statement
        .query_map(params_from_iter(&query.values), |row| row.get("detail"))
        .expect("plan")
        .collect::<Result<_, _>>()
        .expect("plan");
    let bad = |step: &&String| step.starts_with("SCAN") || step.contains("TEMP B-TREE") || step.contains("AUTOMATIC");
    assert!(!plan.iter().any(|step| bad(&step)), "{}\n{plan:#?}", query.sql);
}

fn fixed(sql: &str, values: Vec<rusqlite::types::Value>) -> Query {
    Query { sql: sql.to_owned(), values }
}

#[test]
fn every_listing_goes_by_an_index_in_its_order() {
    let home = Home::new();
    home.store();
    let db = open::connect_reader(home.path()).expect("opens");
    for filter in filters() {
        check(&db, &log::events_query(&filter));
        check(&db, &query::runs_query(&filter));
        check(&db, &query::tasks_query(&filter));
        check(&db, &query::agents_query(&filter));
    }
    check(&db, &log::log_query(run_id(1), 5, 10));
    check(&db, &fixed(results::BY_KEY, vec![1.into()]));
    let text = |text: &str| text.to_owned().into();
    check(&db, &fixed(results::BY_MODEL, vec![text("openai"), text("gpt"), 5.into()]));
}
