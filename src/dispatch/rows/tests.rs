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
fn the_extension_tells_the_format() {
    for (path, format) in [
        ("a/rows.jsonl", Some(RowFormat::Jsonl)),
        ("rows.NDJSON", Some(RowFormat::Jsonl)),
        ("rows.json", Some(RowFormat::Json)),
        ("rows.old.csv", Some(RowFormat::Csv)),
        ("rows", None),
        ("csv", None),
        ("rows.txt", None),
    ] {
        assert_eq!(RowFormat::from_path(path.as_ref()), format, "{path}");
    }
}

#[test]
fn bad_jsonl_says_where() {
    use RowFormat::Jsonl;
    insta::assert_snapshot!(complaint("", Jsonl), @"rows: no rows: at least one is needed");
    insta::assert_snapshot!(complaint("\n \n", Jsonl), @"rows: no rows: at least one is needed");
    insta::assert_snapshot!(complaint("{\"a\":1}\n{\"ä\":\"cut", Jsonl), @"rows, line 2, column 9, row 2: the JSON ends in the middle of a row: the file was cut");
    insta::assert_snapshot!(complaint("{\"ä\":1, b}", Jsonl), @"rows, line 1, column 9, row 1: this is no JSON: key must be a string");
    insta::assert_snapshot!(complaint("{} {}", Jsonl), @"rows, line 1, column 4, row 1: this is no JSON: trailing characters");
    insta::assert_snapshot!(complaint("{}\n[1]", Jsonl), @r#"rows, line 2, column 1, row 2: the row is an array: each row must be a JSON object such as {"name": "value"}"#);
    insta::assert_snapshot!(complaint("word", Jsonl), @"rows, line 1, column 1, row 1: this is no JSON: expected value");
    insta::assert_snapshot!(complaint("{\"a\":1,\"b\":2,\"a\":3}", Jsonl), @"rows, line 1, column 16, row 1: the field `a` is there twice: remove one");
    insta::assert_snapshot!(complaint(b"{}\n{\"\xc3\xa4\":\"\xff\"}", Jsonl), @"rows, line 2, column 7, row 2: this is not UTF-8: save the file as UTF-8");
    insta::assert_snapshot!(complaint(b"{}\n{\"a\":\"\0\"}", Jsonl), @"rows, line 2, column 7, row 2: there is a zero byte: this is no text file");
}

#[test]
fn bad_json_says_where() {
    use RowFormat::Json;
    insta::assert_snapshot!(complaint("", Json), @"rows: no rows: at least one is needed");
    insta::assert_snapshot!(complaint("[]", Json), @"rows: no rows: at least one is needed");
    insta::assert_snapshot!(complaint("{\"a\":1}", Json), @"rows, line 1, column 1: the file begins with an object: a .json file must be an array of objects (one object per line is .jsonl)");
    insta::assert_snapshot!(complaint("[{\"a\":1}", Json), @"rows, line 1, column 9: the file ends before the array does: it was cut, or a ] is missing");
    insta::assert_snapshot!(complaint("[{\"a\":1},\n {\"a\":", Json), @"rows, line 2, column 6, row 2: the JSON ends in the middle of a row: the file was cut");
    insta::assert_snapshot!(complaint("[{\"a\":1} {\"a\":2}]", Json), @"rows, line 1, column 10: expected a comma or ] after the row, found `{`");
    insta::assert_snapshot!(complaint("[{},]", Json), @"rows, line 1, column 5: expected a row after the comma, found `]`");
    insta::assert_snapshot!(complaint("[,{}]", Json), @"rows, line 1, column 2: expected a row or ], found `,`");
    insta::assert_snapshot!(complaint("[{}] x", Json), @"rows, line 1, column 6: expected the end of the file after the array, found `x`");
    insta::assert_snapshot!(complaint("[{}, \"ä\"]", Json), @r#"rows, line 1, column 6, row 2: the row is a string: each row must be a JSON object such as {"name": "value"}"#);
    insta::assert_snapshot!(complaint("[{}, [{}]]", Json), @r#"rows, line 1, column 6, row 2: the row is an array: each row must be a JSON object such as {"name": "value"}"#);
    insta::assert_snapshot!(complaint("[{},\n  {\"a\": \n  nul}]", Json), @"rows, line 3, column 6, row 2: this is no JSON: expected true, false or null");
    insta::assert_snapshot!(complaint(b"[{\"a\":\n\"\xc3\xa4\xff\"}]", Json), @"rows, line 2, column 3, row 1: this is not UTF-8: save the file as UTF-8");
    insta::assert_snapshot!(complaint(b"[{\"a\":\"\0\"}]", Json), @"rows, line 1, column 8, row 1: there is a zero byte: this is no text file");
}

#[test]
fn bad_csv_says_where() {
    use RowFormat::Csv;
    insta::assert_snapshot!(complaint("", Csv), @"rows: no rows: at least one is needed");
    insta::assert_snapshot!(complaint("a,b\n", Csv), @"rows: no rows: at least one is needed");
    insta::assert_snapshot!(complaint("a,b\n1,2\n1,2,3\n", Csv), @"rows, line 3, row 2: fields here: 3, columns in the header: 2; add what is missing, or quote the field that has a comma in it");
    insta::assert_snapshot!(complaint("a,b\n1\n", Csv), @"rows, line 2, row 1: fields here: 1, columns in the header: 2; add what is missing, or quote the field that has a comma in it");
    insta::assert_snapshot!(complaint("a,b,a\n", Csv), @"rows, line 1: the header names the column `a` twice: rename one");
    insta::assert_snapshot!(complaint("a,,c\n", Csv), @"rows, line 1: column 2 of the header has no name: give it one");
    insta::assert_snapshot!(complaint("a,b\n1,\"x\ny\n", Csv), @"rows, line 2, column 3, row 1: the quote that opens here is never closed");
    insta::assert_snapshot!(complaint("a,b\n1,\"x\"y\n", Csv), @r#"rows, line 2, column 6, row 1: there is text after a closing quote: write "" for a quote within a quoted field"#);
    insta::assert_snapshot!(complaint(b"a\n\xff\n", Csv), @"rows, line 2, column 1, row 1: this is not UTF-8: save the file as UTF-8");
    insta::assert_snapshot!(complaint(b"a\nx\0\n", Csv), @"rows, line 2, column 2, row 1: there is a zero byte: this is no text file");
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
    insta::assert_snapshot!(joined("b").expect_err("twice"), @"rows, line 2, row 2: the rows have a column `b` and an inline value has that name, too: remove one");
    let alone =
        inline::<io::Empty>(vec![("k".to_owned(), "v".to_owned())]).collect::<Result<Vec<_>, _>>().expect("one");
    assert_eq!(alone, [Row { number: 1, line: None, values: json!({"k": "v"}).as_object().expect("object").clone() }]);
    assert_eq!(inline::<io::Empty>(Vec::new()).count(), 1);
}

#[test]
fn an_endless_row_is_refused_not_slurped() {
    let in_one_line: &'static [u8] = &[b'x'; 1 << 12];
    let in_many_lines: &'static [u8] = b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n";
    for (begin, format, on) in [
        ("{\"a\":\"", RowFormat::Jsonl, in_one_line),
        ("[{\"a\":\"", RowFormat::Json, in_one_line),
        ("a\n\"", RowFormat::Csv, in_one_line),
        ("a\n\"", RowFormat::Csv, in_many_lines),
    ] {
        let endless = BufReader::new(begin.as_bytes().chain(Forever { text: on, at: 0 }));
        let error = read(endless, format, "rows").find_map(Result::err).expect("refused");
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
    let endless = BufReader::new(Forever { text: b"{\"a\":1}\n", at: 0 });
    let mut rows = read(endless, RowFormat::Jsonl, "rows");
    for number in 1..=10_000 {
        assert_eq!(rows.next().expect("more").expect("row").number, number);
    }
}

/// The same text over and over, without an end.
struct Forever {
    text: &'static [u8],
    at: usize,
}

impl Read for Forever {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.text[self.at..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at = (self.at + length) % self.text.len();
        Ok(length)
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

fn lines(rows: &[Value]) -> String {
    rows.iter().flat_map(|row| [row.to_string(), "\n".to_owned()]).collect()
}

fn quoted(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}

proptest! {
    #[test]
    fn json_round_trips(rows in prop::collection::vec(any_row(), 1..5), pretty in any::<bool>()) {
        let wanted: Vec<Value> = rows.into_iter().map(Value::Object).collect();
        let lines = lines(&wanted);
        prop_assert_eq!(&values(&lines, RowFormat::Jsonl), &wanted);
        let array = if pretty { serde_json::to_string_pretty(&wanted) } else { serde_json::to_string(&wanted) };
        prop_assert_eq!(&values(&array.expect("json"), RowFormat::Json), &wanted);
    }

    #[test]
    fn csv_round_trips(rows in prop::collection::vec(("[^\0]{0,6}", "[a-zü ]{0,6}"), 1..5)) {
        let mut text = "a,b\n".to_owned();
        for (a, b) in &rows {
            text += &[&quoted(a), ",", b, "\n"].concat();
        }
        let wanted: Vec<Value> = rows.iter().map(|(a, b)| json!({"a": a, "b": b})).collect();
        prop_assert_eq!(values(&text, RowFormat::Csv), wanted);
    }

    #[test]
    fn a_cut_is_an_error_or_fewer_rows(rows in prop::collection::vec(any_row(), 1..4), at in any::<prop::sample::Index>()) {
        let wanted: Vec<Value> = rows.into_iter().map(Value::Object).collect();
        let array = serde_json::to_vec(&wanted).expect("json");
        prop_assert!(all(&array[..at.index(array.len())], RowFormat::Json).is_err());
        let lines = lines(&wanted);
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
