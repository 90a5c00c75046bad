//! Events as a log keeps them: one JSON object per line, its data by [`Body::to_json`].

use flightdeck::domain::{AgentNo, Body, Event, Mono, State, TaskNo, Totals, Wall};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Serialize, Deserialize)]
struct Line {
    run: String,
    seq: u64,
    at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<AgentNo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<TaskNo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    money: Option<Totals>,
    kind: String,
    v: u32,
    data: Box<RawValue>,
}

pub(crate) fn to_line(event: &Event) -> String {
    let data = event.body.to_json().expect("events have a JSON form");
    let line = Line {
        run: event.run.to_string(),
        seq: event.seq,
        at: event.at.0,
        agent: event.agent,
        task: event.task,
        money: event.money,
        kind: event.body.kind().to_owned(),
        v: event.body.version(),
        data: RawValue::from_string(data).expect("data are JSON"),
    };
    serde_json::to_string(&line).expect("a line has a JSON form")
}

pub(crate) fn from_line(line: &str) -> Event {
    let line: Line = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let body = Body::parse(&line.kind, line.v, line.data.get()).unwrap_or_else(|error| panic!("{error}"));
    let at = Wall(line.at);
    Event {
        run: line.run.parse().expect("a run's id"),
        seq: line.seq,
        at,
        mono: stored_mono(at),
        agent: line.agent,
        task: line.task,
        money: line.money,
        body,
    }
}

/// The event as it is after it was stored: only the wall clock's time is left.
pub(crate) fn as_stored(event: &Event) -> Event {
    Event { mono: stored_mono(event.at), ..event.clone() }
}

fn stored_mono(at: Wall) -> Mono {
    Mono(u64::try_from(at.0).unwrap_or(0) * 1000)
}

pub(crate) fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> State {
    let mut state = State::default();
    for event in events {
        state.apply(event).unwrap_or_else(|fault| panic!("{fault}: {event:?}"));
    }
    state
}
