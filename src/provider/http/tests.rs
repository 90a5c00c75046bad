//! What every codec must stand, whichever protocol it reads: each calls [`codec_tests`] with the
//! folder of its fixtures.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde::Deserialize;

use super::answer::{Codec, Decoded, LONGEST_ANSWER, Problem};
use super::decoder::Decoder;
use super::lines::LineTooLong;
use super::status::ServerError;
use crate::domain::transcript::Role;
use crate::domain::{AgentId, Key, Money, RunId, Usage};
use crate::provider::{ChatMessage, Request};

/// A message.
pub(crate) fn say(role: Role, content: &str) -> ChatMessage {
    ChatMessage { role, content: content.to_owned() }
}

/// A request that asks for no more than it must.
pub(crate) fn request(model: &str, messages: Vec<ChatMessage>) -> Request {
    Request {
        agent: AgentId { run: RunId::from_random(1), no: 0 },
        attempt: 1,
        messages,
        command: vec![],
        stdin: None,
        model: model.to_owned(),
        price: None,
        max_tokens: 7,
        temperature: None,
        seed: None,
        randomness: 0,
        key: Key(1),
    }
}

/// What a fixture must be understood as.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    text: String,
    model: Option<String>,
    #[serde(default)]
    id: Option<String>,
    finish: Option<serde_json::Value>,
    #[serde(default)]
    why: Option<String>,
    usage: Option<Usage>,
    #[serde(default)]
    cost: Option<Money>,
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
pub(crate) struct Seen {
    pub(crate) decoded: Decoded,
    deltas: String,
    pub(crate) problem: Option<Problem>,
}

/// Decodes bytes that come in these pieces.
pub(crate) fn decode<'a, C: Codec>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let mut decoder = Decoder::<C>::default();
    let mut deltas = String::new();
    let mut on_text = |text: &str| deltas.push_str(text);
    let fed = pieces.into_iter().try_for_each(|piece| decoder.feed(piece, &mut on_text));
    let problem = fed.and_then(|()| decoder.finish(&mut on_text)).err();
    Seen { decoded: decoder.into_decoded(), deltas, problem }
}

fn fixtures(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
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

/// Every fixture means what the file beside it says, whole and byte by byte.
pub(crate) fn fixtures_are_understood<C: Codec>(folder: &str) {
    for (path, bytes) in fixtures(folder) {
        let name = path.display();
        let wanted = fs::read_to_string(path.with_extension("json")).expect("each fixture says what is wanted");
        let wanted: Wanted = serde_json::from_str(&wanted).unwrap_or_else(|error| panic!("{name}: {error}"));
        let seen = decode::<C>([bytes.as_slice()]);
        assert_eq!(decode::<C>(bytes.chunks(1)), seen, "{name}: byte by byte");
        assert_eq!(seen.decoded.text, wanted.text, "{name}");
        assert_eq!(seen.deltas, wanted.text, "{name}: what streams is what is kept");
        assert_eq!(seen.decoded.model, wanted.model, "{name}");
        assert!(wanted.id.is_none() || seen.decoded.id == wanted.id, "{name}: {:?}", seen.decoded.id);
        assert_eq!(seen.decoded.why, wanted.why, "{name}");
        assert_eq!(seen.decoded.usage, wanted.usage, "{name}");
        assert_eq!(seen.decoded.cost, wanted.cost, "{name}");
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

/// However much comes, a bounded part of it is held, and the failure says what was wrong.
pub(crate) fn memory_is_bounded<C: Codec>() {
    let piece = vec![b' '; 1 << 20];
    let endless = |start: &'static [u8]| decode::<C>(std::iter::once(start).chain(std::iter::repeat_n(&*piece, 100)));
    assert_eq!(endless(b"{").problem, Some(Problem::TooLong), "100 MB that are no stream");
    assert_eq!(endless(b"data: ").problem, Some(Problem::Line(LineTooLong)), "100 MB in one line");
    assert_eq!(endless(b": ").problem, Some(Problem::Line(LineTooLong)), "100 MB in one comment");
    assert!(matches!(endless(b"<").problem, Some(Problem::WebPage(_))), "a page of 100 MB");

    let spread = format!("data: {{\n{}", format!("data: {}\n", " ".repeat(1 << 16)).repeat(129));
    assert_eq!(decode::<C>([spread.as_bytes()]).problem, Some(Problem::Line(LineTooLong)), "a payload over many lines");

    let seen = decode::<C>(std::iter::repeat_n(b": still here\n\n".as_slice(), 100_000));
    assert_eq!((seen.problem, seen.decoded.finish), (None, None), "comments alone are no answer");
}

/// An answer without an end is refused.
pub(crate) fn answers_are_bounded<C: Codec>(delta: &str) {
    let text = "x".repeat(1 << 20);
    let seen = decode::<C>(std::iter::repeat_n(format!("{}\n\n", delta.replace("TEXT", &text)).as_bytes(), 17));
    assert_eq!(seen.problem, Some(Problem::TooLong));
    assert_eq!(seen.decoded.text.len(), LONGEST_ANSWER);
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

fn check<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() };
    if let Err(error) = proptest::test_runner::TestRunner::new(config).run(strategy, test) {
        panic!("{error}");
    }
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(any::<usize>(), 0..9)
}

/// No bytes make it panic, and no cut changes what they mean: fixtures, fixtures with bytes
/// changed in them, and anything at all.
pub(crate) fn no_cut_changes_the_meaning<C: Codec>(folder: &str) {
    let fixtures = fixtures(folder);
    let changes = prop::collection::vec((any::<usize>(), any::<u8>()), 0..4);
    check(&(any::<usize>(), changes, cuts()), |(which, changes, at)| {
        let mut bytes = fixtures[which % fixtures.len()].1.clone();
        for (at, byte) in changes {
            let length = bytes.len();
            if let Some(changed) = bytes.get_mut(at % length.max(1)) {
                *changed = byte;
            }
        }
        prop_assert_eq!(decode::<C>(cut(&bytes, at)), decode::<C>([bytes.as_slice()]));
        Ok(())
    });
    check(&(prop::collection::vec(any::<u8>(), 0..200), cuts()), |(bytes, at)| {
        prop_assert_eq!(decode::<C>(cut(&bytes, at)), decode::<C>([bytes.as_slice()]));
        Ok(())
    });
}

/// Any text arrives whole. In `delta`, `"TEXT"` stands for a piece of it.
pub(crate) fn any_text_arrives<C: Codec>(delta: &str) {
    let texts = prop::collection::vec("[\\PC\\n\"\\\\]{0,12}", 0..8);
    let ends = prop::sample::select(vec!["\n\n", "\r\n\r\n", "\r\r", "\n"]);
    check(&(texts, ends, cuts()), |(texts, end, at)| {
        let payload = |text: &String| {
            let json = serde_json::to_string(text).expect("a string");
            format!("{}{end}", delta.replace("\"TEXT\"", &json))
        };
        let stream: String = texts.iter().map(payload).chain([format!("data: [DONE]{end}")]).collect();
        let seen = decode::<C>(cut(stream.as_bytes(), at));
        prop_assert_eq!(seen.problem, None);
        prop_assert_eq!(seen.decoded.text, texts.concat());
        Ok(())
    });
}

/// The tests of one codec. `delta`: the event by which a piece of text comes.
macro_rules! codec_tests {
    ($codec:ty, $folder:literal, $delta:literal) => {
        #[test]
        fn every_fixture_is_understood() {
            crate::provider::http::tests::fixtures_are_understood::<$codec>($folder);
        }

        #[test]
        fn no_cut_changes_what_bytes_mean() {
            crate::provider::http::tests::no_cut_changes_the_meaning::<$codec>($folder);
        }

        #[test]
        fn any_text_arrives_whole() {
            crate::provider::http::tests::any_text_arrives::<$codec>($delta);
        }

        #[test]
        fn whatever_comes_memory_is_bounded() {
            crate::provider::http::tests::memory_is_bounded::<$codec>();
            crate::provider::http::tests::answers_are_bounded::<$codec>($delta);
        }
    };
}
pub(crate) use codec_tests;
