use std::io::Empty;

use proptest::prelude::*;

use crate::dispatch::{Identity, Plan, Request, RowFormat, RowsFrom};

use super::*;

fn request(template: &str, format: RowFormat) -> Request {
    Request { rows: Some(RowsFrom { path: "rows".into(), name: "rows".to_owned(), format }), ..Request::new(template) }
}

const IDENTITY: Identity<'_> = Identity {
    agent: "default",
    provider: "openai",
    endpoint: None,
    model: "gpt-4o-mini",
    max_tokens: None,
    temperature: None,
    seed: None,
};

fn expand_as(request: &Request, rows: &str, identity: &Identity<'_>, share: bool) -> Result<Vec<Draft>, PlanError> {
    let plan = Plan::new(request)?;
    plan.expand(plan.rows(Some(rows.as_bytes())), identity, share).collect()
}

fn expand(request: &Request, rows: &str) -> Vec<Draft> {
    expand_as(request, rows, &IDENTITY, true).expect(rows)
}

fn complaint(request: &Request, rows: &str) -> String {
    expand_as(request, rows, &IDENTITY, true).expect_err(rows).to_string()
}

fn key(request: &Request, row: &str) -> Key {
    expand(request, row)[0].key
}

#[test]
fn rows_become_tasks_in_order() {
    let mut request = request("Say {{ word }}.", RowFormat::Csv);
    request.system = Some("In {{ lang }}".to_owned());
    request.inline = vec![("lang".to_owned(), "de".to_owned())];
    request.repeat = 2;
    let drafts = expand(&request, "word\na\nb\n");
    let told: Vec<_> = drafts.iter().map(|d| (d.task, d.row, d.replica, d.args.as_ref())).collect();
    let (a, b) = (r#"{"word":"a","lang":"de"}"#, r#"{"word":"b","lang":"de"}"#);
    assert_eq!(told, [(0, 1, 0, a), (1, 1, 1, a), (2, 2, 0, b), (3, 2, 1, b)]);
    assert_eq!(drafts[2].rendered.prompt.as_deref(), Some("Say b."));
    assert_eq!(drafts[2].rendered.system.as_deref(), Some("In de"));
    let keys: std::collections::BTreeSet<_> = drafts.iter().map(|d| d.key).collect();
    assert_eq!(keys.len(), 4);
    assert!(drafts.iter().all(|d| d.same_as.is_none() && d.payload.is_none()));
}

#[test]
fn each_argument_of_a_command_is_one_entry_whatever_is_in_it() {
    let mut request = request("", RowFormat::Jsonl);
    request.template = None;
    request.command = ["grep", "-e", "{{ word }}"].map(str::to_owned).to_vec();
    let drafts = expand(&request, "{\"word\":\"a b; rm -rf \\\"$HOME\\\"\"}");
    assert_eq!(&*drafts[0].rendered.argv, ["grep", "-e", "a b; rm -rf \"$HOME\""]);
    assert_eq!(drafts[0].rendered.prompt, None);
    insta::assert_snapshot!(complaint(&request, r#"{"word":"a\u0000b"}"#), @"rows, line 1, row 1: argument 2 of the command has a zero byte in it, which no command line can have: change the value");
    request.command = vec!["{{ word }}".to_owned()];
    insta::assert_snapshot!(complaint(&request, r#"{"word":""}"#), @"rows, line 1, row 1: the program of the command is empty with these values: there is nothing to run");
}

#[test]
fn without_a_file_the_inline_values_are_one_row() {
    let mut request = request("Hello {{ name }}", RowFormat::Jsonl);
    request.rows = None;
    request.inline = vec![("name".to_owned(), "x".to_owned())];
    let plan = Plan::new(&request).expect("plan");
    let drafts = plan.expand(plan.rows::<Empty>(None), &IDENTITY, true).collect::<Result<Vec<_>, _>>().expect("one");
    assert_eq!((drafts.len(), drafts[0].args.as_ref()), (1, r#"{"name":"x"}"#));
    request.inline.clear();
    let plan = Plan::new(&request).expect("plan");
    let error = plan.expand(plan.rows::<Empty>(None), &IDENTITY, true).find_map(Result::err).expect("missing");
    insta::assert_snapshot!(error, @"the inline values, row 1: TEMPLATE names `name`, and there are no values: give it with --arg name=VALUE, or rows with --args FILE");
}

#[test]
fn a_request_that_sends_nothing_is_refused() {
    let mut request = request("x", RowFormat::Jsonl);
    request.repeat = 0;
    insta::assert_snapshot!(Plan::new(&request).expect_err("none"), @"--repeat 0 sends nothing: repeat at least once");
    request.repeat = 1;
    request.inline = ["a", "a"].map(|name| (name.to_owned(), String::new())).to_vec();
    insta::assert_snapshot!(Plan::new(&request).expect_err("twice"), @"the inline value `a` is given twice: remove one");
    request.template = None;
    insta::assert_snapshot!(Plan::new(&request).expect_err("nothing"), @"there is nothing to send: give a TEMPLATE, --template-file FILE, or a command after --");
}

#[test]
fn names_and_columns_must_fit() {
    let mut request = request("{{ word }} {{ lang }}", RowFormat::Jsonl);
    insta::assert_snapshot!(complaint(&request, r#"{"wrod":"a","lang":"b"}"#), @"rows, line 1, row 1: TEMPLATE names `word`, which the row does not have; did you mean `wrod`? Its columns: `wrod`, `lang`");
    insta::assert_snapshot!(complaint(&request, r#"{"lang":"b"}"#), @"rows, line 1, row 1: TEMPLATE names `word`, which the row does not have: add it, or give it with --arg word=VALUE. Its columns: `lang`");
    insta::assert_snapshot!(complaint(&request, "{\"word\":1,\"lang\":2}\n{\"word\":1,\"lang\":2,\"extra\":3}"), @"rows, line 2, row 2: no template names the column `extra`: name it in one, remove it, or pass --allow-unused");
    insta::assert_snapshot!(complaint(&request, r#"{"word":1,"lang":2,"Lang":3}"#), @"rows, line 1, row 1: no template names the column `Lang`: name it in one, remove it, or pass --allow-unused");
    request.allow_unused = true;
    assert_eq!(expand(&request, r#"{"word":1,"lang":2,"extra":3}"#).len(), 1);
    request.template = Some("{{ word }} {{ o.field }}".to_owned());
    insta::assert_snapshot!(complaint(&request, r#"{"word":1,"o":{}}"#), @"rows, line 1, row 1: TEMPLATE, line 1, column 15: there is no value `o.field`");
    request.template = Some("{{ word }} {{ hint|default('-') }}".to_owned());
    request.allow_unused = false;
    assert_eq!(expand(&request, "{\"word\":1}\n{\"word\":1,\"hint\":2}").len(), 2);
}

#[test]
fn what_changes_the_answer_changes_the_key_and_nothing_else_does() {
    let base = request("{{ a }}{{ b }}", RowFormat::Jsonl);
    let row = r#"{"a":"1","b":{"x":1,"y":2}}"#;
    let same = key(&base, row);
    assert_eq!(same, key(&base, r#" { "b" : {"y":2,"x":1}, "a" : "1" } "#), "the order of fields");
    let mut calm = base.clone();
    (calm.by, calm.limits.max_parallel, calm.repeat) = ("someone".to_owned(), 99, 3);
    assert_eq!(same, key(&calm, row), "who asks, limits and more replicas");

    let mut keys = vec![same];
    for row in [
        r#"{"a":1,"b":{"x":1,"y":2}}"#,
        r#"{"a":"1","b":{"x":1,"y":"2"}}"#,
        r#"{"a":"1","b":[1,2]}"#,
        r#"{"a":["1"],"b":null}"#,
        r#"{"a":"1b","b":""}"#,
        r#"{"a":"1","b":"b"}"#,
    ] {
        keys.push(key(&base, row));
    }
    let mut other = base.clone();
    other.template = Some("{{ a }} {{ b }}".to_owned());
    keys.push(key(&other, row));
    other.system = Some("s".to_owned());
    keys.push(key(&other, row));
    other.command = vec!["s".to_owned()];
    keys.push(key(&other, row));
    for identity in [
        Identity { agent: "x", ..IDENTITY },
        Identity { provider: "x", ..IDENTITY },
        Identity { endpoint: Some("x"), ..IDENTITY },
        Identity { model: "x", ..IDENTITY },
        Identity { max_tokens: Some(1), ..IDENTITY },
        Identity { temperature: Some(0.0), ..IDENTITY },
        Identity { temperature: Some(1.0), ..IDENTITY },
        Identity { seed: Some(1), ..IDENTITY },
    ] {
        keys.push(expand_as(&base, row, &identity, true).expect("one")[0].key);
    }
    keys.extend(expand(&calm, row).iter().skip(1).map(|draft| draft.key));
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
}

#[test]
fn a_key_never_changes_from_release_to_release() {
    insta::assert_snapshot!(key(&request("{{ word }}", RowFormat::Jsonl), r#"{"word":"x"}"#), @"ccfae65023bde642");
    let mut own = request("{{ word }}", RowFormat::Jsonl);
    own.own_key = Some("mine".to_owned());
    insta::assert_snapshot!(key(&own, r#"{"word":"x"}"#), @"623c72477281c854");
}

#[test]
fn equal_rows_point_to_the_first_of_them_where_results_are_shared() {
    let request = request("{{ a }}", RowFormat::Csv);
    let same = |share| -> Vec<_> {
        let drafts = expand_as(&request, "a\nx\ny\nx\nx\n", &IDENTITY, share).expect("rows");
        drafts.iter().map(|draft| draft.same_as).collect()
    };
    assert_eq!(same(true), [None, None, Some(0), Some(0)]);
    assert_eq!(same(false), [None; 4]);
}

#[test]
fn the_users_own_key_is_a_column_or_a_text() {
    let mut request = request("{{ a }}", RowFormat::Csv);
    request.own_key = Some("id".to_owned());
    let drafts = expand(&request, "id,a\n1,x\n2,x\n1,x\n");
    assert_eq!(drafts.iter().map(|d| d.same_as).collect::<Vec<_>>(), [None, None, Some(0)]);
    assert_ne!(drafts[0].key, drafts[1].key);
    assert!(drafts.iter().all(|draft| draft.payload.is_some()));
    assert_eq!(drafts[0].key, expand(&request, "id,a\n1,other\n")[0].key);
    assert_ne!(drafts[0].payload, expand(&request, "id,a\n1,other\n")[0].payload);

    request.repeat = 2;
    let replicas = expand(&request, "id,a\n1,x\n");
    assert_ne!(replicas[0].key, replicas[1].key);
    request.own_key = Some("nightly 7".to_owned());
    assert_eq!(expand(&request, "a\nx\n").len(), 2);
}

#[test]
fn own_keys_that_clash_are_refused() {
    let mut request = request("{{ a }}", RowFormat::Jsonl);
    request.own_key = Some("id".to_owned());
    insta::assert_snapshot!(complaint(&request, "{\"id\":7,\"a\":1}\n{\"id\":8,\"a\":1}\n{\"id\":7,\"a\":2}"), @"rows: rows 1 and 3 have the same key `7` and other values: give each its own key");
    insta::assert_snapshot!(complaint(&request, "{\"id\":7,\"a\":1}\n{\"a\":1}"), @"rows, line 2, row 2: the row does not have the column `id` that --key names: add it");
    insta::assert_snapshot!(complaint(&request, "{\"id\":[],\"a\":1}"), @"rows, line 1, row 1: `id` is an array and can be no key: --key needs a text, a number, true or false");
    insta::assert_snapshot!(complaint(&request, "{\"id\":\"\",\"a\":1}"), @"rows, line 1, row 1: `id` is empty and can be no key: --key needs a text, a number, true or false");
    insta::assert_snapshot!(complaint(&request, "{\"a\":1}\n{\"a\":2}"), @"rows: `id` would be the key of every row, and each needs its own: name a column with --key (there are `a`)");
}

#[test]
fn rows_are_not_read_ahead() {
    let request = request("{{ a }}", RowFormat::Jsonl);
    let plan = Plan::new(&request).expect("plan");
    let mut drafts = plan.expand(plan.rows(Some("{\"a\":1}\n{\"a\":2}\nbroken".as_bytes())), &IDENTITY, true);
    assert!(drafts.next().is_some_and(|draft| draft.is_ok()));
    assert!(drafts.next().is_some_and(|draft| draft.is_ok()));
    assert!(drafts.next().is_some_and(|draft| draft.is_err()));
    assert!(drafts.next().is_none());
}

proptest! {
    #[test]
    fn different_values_have_different_keys(a in any::<(String, String)>(), b in any::<(String, String)>()) {
        let request = request("{{ a }}{{ b }}", RowFormat::Jsonl);
        let key_of = |(a, b): &(String, String)| key(&request, &serde_json::json!({"a": a, "b": b}).to_string());
        prop_assert_eq!(key_of(&a) == key_of(&b), a == b);
    }
}
