use std::io::{self, BufReader, Read};

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn all(text: &[u8], format: RowFormat) -> Result<Vec<Row>, RowError> {
    // A buffer of one byte: nothing may depend on how the file comes in.
    let small = read(BufReader::with_capacity(3, text), format, "rows").collect::<Result<Vec<_>, _>>();
    let large = read(text, format, "rows").collect::<Result<Vec<_>, _>>();
    assert_eq!(small, large);
    large
}

fn values(text: &str, format: RowFormat) -> Vec<Value> {
    all(text.as_bytes(), format).expect(text).into_iter().map(|row| Value::Object(row.values)).collect()
}

fn complaint(text: impl AsRef<[u8]>, format: RowFormat) -> String {
    all(text.as_ref(), format).expect_err("bad rows").to_string()
}

#[test]
fn every_format_reads_the_same_rows() {
    let expected = vec![json!({"word": "ä", "n": "1"}), json!({"word": "x,\"y\"", "n": ""})];
    let jsonl = "\u{feff}{\"word\":\"ä\",\"n\":\"1\"}\n\n  \r\n{\"word\":\"x,\\\"y\\\"\",\"n\":\"\"}\r\n";
    let array = "\u{feff} [ {\"word\":\"ä\",\"n\":\"1\"}\n, {\"word\":\"x,\\\"y\\\"\",\"n\":\"\"} ]\n";
    let csv = "\u{feff}word, n\r\nä,1\r\n\r\n\"x,\"\"y\"\"\",\r\n";
    assert_eq!(values(jsonl, RowFormat::Jsonl), expected);
    assert_eq!(values(array, RowFormat::Json), expected);
    assert_eq!(values(csv, RowFormat::Csv), expected);
}

#[test]
fn rows_know_their_number_and_line_and_keep_the_order_of_columns() {
    let rows = all(b"\n{\"z\":1,\"a\":[{}]}\n\n{\"b\":null}", RowFormat::Jsonl).expect("rows");
    assert_eq!(rows.iter().map(|r| (r.number, r.line)).collect::<Vec<_>>(), [(1, Some(2)), (2, Some(4))]);
    assert_eq!(rows[0].values.keys().collect::<Vec<_>>(), ["z", "a"]);
    let rows = all(b"[\n{\"a\":\"]}\\\"\"},\n\n{}]", RowFormat::Json).expect("rows");
    assert_eq!(rows.iter().map(|r| (r.number, r.line)).collect::<Vec<_>>(), [(1, Some(2)), (2, Some(4))]);
    let rows = all(b"a\n\"1\r\n2\"\n3 \" 4\n", RowFormat::Csv).expect("rows");
    assert_eq!(rows.iter().map(|r| (r.number, r.line)).collect::<Vec<_>>(), [(1, Some(2)), (2, Some(4))]);
    assert_eq!(rows[0].values["a"], "1\r\n2");
    assert_eq!(rows[1].values["a"], "3 \" 4");
}

#[test]
fn bad_jsonl_says_where() {
    use RowFormat::Jsonl;
    insta::assert_snapshot!(complaint("", Jsonl), @"");
    insta::assert_snapshot!(complaint("\n \n", Jsonl), @"");
    insta::assert_snapshot!(complaint("{\"a\":1}\n{\"ä\":\"cut", Jsonl), @"");
    insta::assert_snapshot!(complaint("{\"ä\":1, b}", Jsonl), @"");
    insta::assert_snapshot!(complaint("{} {}", Jsonl), @"");
    insta::assert_snapshot!(complaint("{}\n[1]", Jsonl), @"");
    insta::assert_snapshot!(complaint("word", Jsonl), @"");
    insta::assert_snapshot!(complaint("{\"a\":1,\"b\":2,\"a\":3}", Jsonl), @"");
    insta::assert_snapshot!(complaint(b"{}\n{\"\xc3\xa4\":\"\xff\"}", Jsonl), @"");
    insta::assert_snapshot!(complaint(b"{}\n{\"a\":\"\0\"}", Jsonl), @"");
}

#[test]
fn bad_json_says_where() {
    use RowFormat::Json;
    insta::assert_snapshot!(complaint("", Json), @"");
    insta::assert_snapshot!(complaint("[]", Json), @"");
    insta::assert_snapshot!(complaint("{\"a\":1}", Json), @"");
    insta::assert_snapshot!(complaint("[{\"a\":1}", Json), @"");
    insta::assert_snapshot!(complaint("[{\"a\":1},\n {\"a\":", Json), @"");
    insta::assert_snapshot!(complaint("[{\"a\":1} {\"a\":2}]", Json), @"");
    insta::assert_snapshot!(complaint("[{},]", Json), @"");
    insta::assert_snapshot!(complaint("[,{}]", Json), @"");
    insta::assert_snapshot!(complaint("[{}] x", Json), @"");
    insta::assert_snapshot!(complaint("[{}, \"ä\"]", Json), @"");
    insta::assert_snapshot!(complaint("[{}, [{}]]", Json), @"");
    insta::assert_snapshot!(complaint("[{},\n  {\"a\": \n  nul}]", Json), @"");
    insta::assert_snapshot!(complaint(b"[{\"a\":\n\"\xc3\xa4\xff\"}]", Json), @"");
    insta::assert_snapshot!(complaint(b"[{\"a\":\"\0\"}]", Json), @"");
}

#[test]
fn bad_csv_says_where() {
    use RowFormat::Csv;
    insta::assert_snapshot!(complaint("", Csv), @"");
    insta::assert_snapshot!(complaint("a,b\n", Csv), @"");
    insta::assert_snapshot!(complaint("a,b\n1,2\n1,2,3\n", Csv), @"");
    insta::assert_snapshot!(complaint("a,b\n1\n", Csv), @"");
    insta::assert_snapshot!(complaint("a,b,a\n", Csv), @"");
    insta::assert_snapshot!(complaint("a,,c\n", Csv), @"");
    insta::assert_snapshot!(complaint("a,b\n1,\"x\ny\n", Csv), @"");
    insta::assert_snapshot!(complaint("a,b\n1,\"x\"y\n", Csv), @"");
    insta::assert_snapshot!(complaint(b"a\n\xff\n", Csv), @"");
    insta::assert_snapshot!(complaint(b"a\nx\0\n", Csv), @"");
}

#[test]
fn inline_values_join_every_row_and_may_not_hide_a_column() {
    let text = "{\"a\":1}\n{\"b\":2}\n";
    let joined = |name: &str| {
        let inline = vec![(name.to_owned(), "v".to_owned())];
        read(text.as_bytes(), RowFormat::Jsonl, "rows").with_inline(inline).collect::<Result<Vec<_>, _>>()
    };
    let rows = joined("c").expect("rows");
    assert_eq!(Value::Object(rows[1].values.clone()), json!({"b": 2, "c": "v"}));
    insta::assert_snapshot!(joined("b").expect_err("twice"), @"");
    let alone =
        inline::<io::Empty>(vec![("k".to_owned(), "v".to_owned())]).collect::<Result<Vec<_>, _>>().expect("one");
    assert_eq!(alone, [Row { number: 1, line: None, values: json!({"k": "v"}).as_object().expect("object").clone() }]);
    assert_eq!(inline::<io::Empty>(Vec::new()).count(), 1);
}

#[test]
fn an_endless_row_is_refused_not_slurped() {
    for (begin, format, middle) in [
        ("{\"a\":\"", RowFormat::Jsonl, b'x'),
        ("[{\"a\":\"", RowFormat::Json, b'x'),
        ("a\n\"", RowFormat::Csv, b'x'),
        ("a\n\"", RowFormat::Csv, b'\n'),
    ] {
        let mut endless = BufReader::new(begin.as_bytes().chain(io::repeat(middle)));
        let error = read(&mut endless, format, "rows").find_map(Result::err).expect("refused");
        assert_eq!(error.problem, RowProblem::TooLong);
    }
}

#[test]
fn an_error_of_the_system_is_told_and_ends_the_rows() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    for format in [RowFormat::Jsonl, RowFormat::Json, RowFormat::Csv] {
        let mut rows = read(BufReader::new(Broken), format, "rows");
        let error = rows.next().expect("one").expect_err("broken");
        assert_eq!(error.problem, RowProblem::Unreadable("the disk is gone".to_owned()));
        assert!(rows.next().is_none());
    }
}

#[test]
fn rows_stream() {
    let mut rows = read(BufReader::new(io::repeat(b'\n').take(0).chain(Forever(0))), RowFormat::Jsonl, "rows");
    for number in 1..=10_000 {
        assert_eq!(rows.next().expect("more").expect("row").number, number);
    }
}

/// The same line, without an end.
struct Forever(usize);

impl Read for Forever {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const LINE: &[u8] = b"{\"a\":1}\n";
        for slot in buffer.iter_mut() {
            *slot = LINE[self.0 % LINE.len()];
            self.0 += 1;
        }
        Ok(buffer.len())
    }
}

fn any_row() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!(null)),
        prop::collection::vec(any::<String>(), 0..3).prop_map(Value::from),
        prop::collection::hash_map(any::<String>(), any::<bool>(), 0..3).prop_map(|map| json!(map)),
    ];
    prop::collection::hash_map(any::<String>(), value, 0..4).prop_map(|map| map.into_iter().collect())
}

fn quoted(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}

proptest! {
    #[test]
    fn json_round_trips(rows in prop::collection::vec(any_row(), 1..5), pretty in any::<bool>()) {
        let wanted: Vec<Value> = rows.into_iter().map(Value::Object).collect();
        let lines: String = wanted.iter().map(|row| format!("{row}\n")).collect();
        prop_assert_eq!(&values(&lines, RowFormat::Jsonl), &wanted);
        let array = if pretty { serde_json::to_string_pretty(&wanted) } else { serde_json::to_string(&wanted) };
        prop_assert_eq!(&values(&array.expect("json"), RowFormat::Json), &wanted);
    }

    #[test]
    fn csv_round_trips(rows in prop::collection::vec(("[^\0]{0,6}", "[a-zü ]{0,6}"), 1..5)) {
        let mut text = "a,b\n".to_owned();
        for (a, b) in &rows {
            text.push_str(&format!("{},{b}\n", quoted(a)));
        }
        let wanted: Vec<Value> = rows.iter().map(|(a, b)| json!({"a": a, "b": b})).collect();
        prop_assert_eq!(values(&text, RowFormat::Csv), wanted);
    }

    #[test]
    fn a_cut_is_an_error_or_fewer_rows(rows in prop::collection::vec(any_row(), 1..4), at in any::<prop::sample::Index>()) {
        let wanted: Vec<Value> = rows.into_iter().map(Value::Object).collect();
        let array = serde_json::to_vec(&wanted).expect("json");
        prop_assert!(all(&array[..at.index(array.len())], RowFormat::Json).is_err());
        let lines: String = wanted.iter().map(|row| format!("{row}\n")).collect();
        if let Ok(read) = all(&lines.as_bytes()[..at.index(lines.len())], RowFormat::Jsonl) {
            let read: Vec<Value> = read.into_iter().map(|row| Value::Object(row.values)).collect();
            prop_assert!(wanted.starts_with(&read));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop_oneof![
        4 => prop::sample::select(b"{}[]\",:\\\n\r 1a\xc3\xa4\xff\0".to_vec()), 1 => any::<u8>()], 0..60)) {
        for format in [RowFormat::Jsonl, RowFormat::Json, RowFormat::Csv] {
            let _ = all(&bytes, format);
        }
    }
}
