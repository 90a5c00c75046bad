//! Logs of every released version fold forever.

use flightdeck::domain::event::EventError;
use flightdeck::domain::{Body, Event, Run, State};

use crate::support::log::{fold, from_line, to_line};

/// Every kind of event as version 1 wrote it. Never to be changed: what is new gets a new file.
const V1: &str = include_str!("../fixtures/golden/v1.jsonl");
/// Limits that were changed while their run was at work.
const V1_LIMITS: &str = include_str!("../fixtures/golden/v1_limits.jsonl");

#[test]
fn version_1_folds_to_what_it_always_did() {
    let state = fold(&events(V1));
    assert_eq!(summary(&state), include_str!("../fixtures/golden/v1.summary.txt"));
}

#[test]
fn changed_limits_fold_to_what_they_always_did() {
    let state = fold(&events(V1_LIMITS));
    assert_eq!(summary(&state), include_str!("../fixtures/golden/v1_limits.summary.txt"));
    let run = state.runs.values().next().expect("a run");
    assert_eq!((run.limits.max_parallel, run.money.budget), (run.spec.limits.max_parallel + 3, "0.1".parse().ok()));
}

#[test]
fn version_1_has_every_kind() {
    let seen: Vec<&str> = [V1, V1_LIMITS].iter().flat_map(|log| events(log)).map(|event| event.body.kind()).collect();
    let missing: Vec<_> = Body::KINDS.iter().filter(|kind| !seen.contains(kind)).collect();
    assert!(missing.is_empty(), "a released log has no {missing:?}: add a file with the kinds of this release");
}

/// A change of what is written is a new version of its kind.
#[test]
fn what_is_written_now_is_what_is_read() {
    for line in V1.lines().chain(V1_LIMITS.lines()) {
        let event = from_line(line);
        let version = format!("\"v\":{},", event.body.version());
        assert!(!line.contains(&version) || to_line(&event) == line, "wanted {line}\n   got {}", to_line(&event));
    }
}

#[test]
fn what_a_newer_release_wrote_is_refused_with_advice() {
    let error = Body::parse("run_paused", 99, r#"{"reason":"x"}"#).expect_err("version 99 is not known");
    assert!(error.to_string().contains("install a newer flightdeck"), "{error}");
    assert!(matches!(Body::parse("no_such_kind", 1, "{}"), Err(EventError::Unknown { .. })));
    assert!(matches!(Body::parse("run_paused", 1, "{}"), Err(EventError::Data { .. })));
}

fn events(log: &str) -> Vec<Event> {
    log.lines().map(from_line).collect()
}

fn summary(state: &State) -> String {
    state.runs.values().map(run_summary).collect()
}

fn run_summary(run: &Run) -> String {
    let money = &run.money;
    let mut lines = vec![
        format!(
            "{} {} events={} slots={} stopped_by={:?} closing={:?} limit_hit={:?}",
            run.id,
            run.state.word(),
            run.last_seq,
            run.slots,
            run.stopped_by,
            run.closing,
            run.limit_hit
        ),
        format!("  spent={} unconfirmed={} reserved={}", money.spent, money.unconfirmed, money.reserved),
        format!("  tokens={} killed={} refused={} cached={}", run.usage.total(), run.killed, run.refused, run.cached),
    ];
    for (no, task) in (0..).zip(&run.tasks) {
        let agent = run.agent(no).expect("each task has an agent");
        lines.push(format!(
            "  {no} {} {} attempts={} cost={} error={:?} held={} call={:?} output={:?}",
            task.state.word(),
            agent.state.word(),
            task.attempts,
            task.cost,
            task.error.as_ref().map(|error| error.kind.word()),
            task.held.is_some(),
            task.call.as_ref().map(|call| call.id),
            task.output,
        ));
    }
    lines.join("\n") + "\n"
}
