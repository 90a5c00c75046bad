use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

/// What a fixture must be understood as.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    text: String,
    model: Option<String>,
    finish: Option<serde_json::Value>,
    usage: Option<Usage>,
    problem: Option<WantedProblem>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WantedProblem {
    Says(String),
    Server { message: String, code: String, class: String },
}

/// What a decoder made of bytes.
#[derive(Debug, PartialEq)]
struct Seen {
    decoded: Decoded,
    deltas: String,
    problem: Option<Problem>,
}

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let mut decoder = Decoder::default();
    let mut deltas = String::new();
    let mut on_text = |text: &str| deltas.push_str(text);
    let fed = pieces.into_iter().try_for_each(|piece| decoder.feed(piece, &mut on_text));
    let problem = fed.and_then(|()| decoder.finish(&mut on_text)).err();
    Seen { decoded: decoder.into_decoded(), deltas, problem }
}

fn fixtures() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openai");
    let mut found: Vec<_> = fs::read_dir(folder)
        .expect("the fixtures are there")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sse"))
        .map(|path| (path.clone(), fs::read(path).expect("a readable fixture")))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

#[test]
fn every_fixture_is_understood() {
    for (path, bytes) in fixtures() {
        let name = path.display();
        let wanted = fs::read_to_string(path.with_extension("json")).expect("each fixture says what is wanted");
        let wanted: Wanted = serde_json::from_str(&wanted).unwrap_or_else(|error| panic!("{name}: {error}"));
        let seen = decode([bytes.as_slice()]);
        assert_eq!(seen.decoded.text, wanted.text, "{name}");
        assert_eq!(seen.deltas, wanted.text, "{name}: what streams is what is kept");
        assert_eq!(seen.decoded.model, wanted.model, "{name}");
        assert_eq!(seen.decoded.usage, wanted.usage, "{name}");
        let finish = seen.decoded.finish.map(|finish| serde_json::to_value(finish).expect("a word"));
        assert_eq!(finish, wanted.finish, "{name}");
        match (seen.problem, wanted.problem) {
            (None, None) => {}
            (Some(Problem::Server(error)), Some(WantedProblem::Server { message, code, class })) => {
                assert_eq!(error, ServerError { message, code, class }, "{name}");
            }
            (Some(problem), Some(WantedProblem::Says(words))) if problem.to_string().contains(&words) => {}
            (seen, wanted) => panic!("{name}: {seen:?} instead of {wanted:?}"),
        }
    }
}

#[test]
fn every_fixture_reads_the_same_byte_by_byte() {
    for (path, bytes) in fixtures() {
        assert_eq!(decode(bytes.chunks(1)), decode([bytes.as_slice()]), "{}", path.display());
    }
}

#[test]
fn an_answer_without_an_end_is_refused() {
    let delta = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n", "x".repeat(1 << 20));
    let seen = decode(std::iter::repeat_n(delta.as_bytes(), 17));
    assert_eq!(seen.problem, Some(Problem::TooLong));
    assert_eq!(seen.decoded.text.len(), LONGEST_ANSWER);

    let piece = vec![b' '; 1 << 20];
    let body = std::iter::once(b"{".as_slice()).chain(std::iter::repeat_n(piece.as_slice(), 16));
    assert_eq!(decode(body).problem, Some(Problem::TooLong));

    let line = std::iter::once(b"data: ".as_slice()).chain(std::iter::repeat_n(piece.as_slice(), 8));
    assert_eq!(decode(line).problem, Some(Problem::Line(LineTooLong)));

    let spread = format!("data: {{\n{}", "data: \n".repeat(LONGEST_PAYLOAD));
    assert_eq!(decode([spread.as_bytes()]).problem, Some(Problem::Line(LineTooLong)));
}

fn cut(bytes: &[u8], mut at: Vec<usize>) -> Vec<&[u8]> {
    for at in &mut at {
        *at %= bytes.len() + 1;
    }
    at.sort_unstable();
    let ends = at.iter().copied().chain([bytes.len()]);
    let starts = [0].into_iter().chain(at.iter().copied());
    starts.zip(ends).map(|(start, end)| &bytes[start..end]).collect()
}

fn deltas() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[\\PC\\n\"\\\\]{0,12}", 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_cut_changes_what_a_fixture_means(which in 0_usize..1000, at in prop::collection::vec(any::<usize>(), 0..9)) {
        let fixtures = fixtures();
        let (_, bytes) = &fixtures[which % fixtures.len()];
        prop_assert_eq!(decode(cut(bytes, at)), decode([bytes.as_slice()]));
    }

    #[test]
    fn any_text_arrives_whole(
        texts in deltas(),
        end in prop::sample::select(vec!["\n\n", "\r\n\r\n", "\r\r", "\n"]),
        at in prop::collection::vec(any::<usize>(), 0..9),
    ) {
        let payload = |text| serde_json::json!({"choices": [{"index": 0, "delta": {"content": text}}]}).to_string();
        let payloads = texts.iter().map(payload).chain(["[DONE]".to_owned()]);
        let stream: String = payloads.flat_map(|payload| ["data: ".to_owned(), payload, end.to_owned()]).collect();
        let seen = decode(cut(stream.as_bytes(), at));
        prop_assert_eq!(seen.problem, None);
        prop_assert_eq!(seen.decoded.finish, Some(Finish::Stop));
        prop_assert_eq!(seen.decoded.text, texts.concat());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in prop::collection::vec(any::<usize>(), 0..4)) {
        prop_assert_eq!(decode(cut(&bytes, at)), decode([bytes.as_slice()]));
    }
}
