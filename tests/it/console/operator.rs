//! Pause, resume, kill: of one agent, of marked ones, of all.

use super::{Place, ROOMY};
use crate::support::mock_openai::Answer;

#[test]
fn one_is_paused_in_the_middle_of_its_stream_and_goes_on() {
    let (place, gate) = Place::gated();
    let mut terminal = place.dispatched(3, &[], ROOMY);
    gate.let_through(2);
    terminal.wait("words of 000", |shown| shown.line(" 000 ").contains("word0 word1"));
    terminal.press("g p");
    terminal.wait("a held agent", |shown| shown.line(" 000 ").contains("‖ paused"));
    terminal.see(&["● 2 working", "‖ 1 paused", "paused agent 000"]);
    gate.let_through(4);
    terminal.wait("words that are kept aside", |shown| {
        shown.line(" 000 ").contains("kept aside") && shown.line(" 001 ").contains("word3")
    });
    gate.open();
    terminal.wait("the others at their end", |shown| shown.has(&["✓ 2 done", "‖ 1 paused"]));
    terminal.press("r");
    terminal.see(&["✓ 3 done", "ENDED ✓"]);
    assert_eq!(place.states(), ["completed"; 3]);
    assert_eq!(place.actions(), ["pause", "resume"]);
    assert_eq!(place.server.seen().len(), 3, "one call each: the stream was held, not repeated");
}

#[test]
fn a_kill_asks_first_and_ends_the_stream() {
    let (place, gate) = Place::gated();
    let mut terminal = place.dispatched(3, &[], ROOMY);
    gate.let_through(2);
    terminal.see(&["● 3 working"]);
    terminal.press("g j x");
    let question = terminal.see(&["kill?", "agent 001 of r-", "1 call under way", "▸ no ◂"]);
    assert!(question.text.contains("kill 1 agent"), "{}", question.text);
    terminal.press("enter");
    terminal.see_no(&["kill?"]);
    terminal.see(&["● 3 working"]);
    assert_eq!(place.actions(), [""; 0], "Enter on no does nothing");
    terminal.press("x right");
    terminal.see(&["▸ kill 1 agent ◂"]);
    terminal.press("enter");
    terminal.wait("a killed agent", |shown| shown.line(" 001 ").contains("† killed"));
    place.server.wait_for_abandoned(1);
    terminal.see(&["● 2 working", "unconf"]);
    gate.open();
    terminal.see(&["✓ 2 done", "ENDED"]);
    assert_eq!(place.actions(), ["kill"]);
    assert_eq!(place.states().iter().filter(|state| *state == "completed").count(), 2);
}

#[test]
fn marked_agents_are_meant_together() {
    let (place, gate) = Place::gated();
    let mut terminal = place.dispatched(4, &[], ROOMY);
    gate.let_through(1);
    terminal.see(&["● 4 working"]);
    terminal.press("g space j space");
    terminal.see(&["◆ 2 marked"]);
    terminal.press("p");
    terminal.see(&["‖ 2 paused", "2 agents: 000, 002"]);
    terminal.press("esc");
    terminal.see_no(&["marked"]);
    terminal.press("/");
    terminal.send("paused");
    terminal.see(&["/paused"]);
    terminal.press("enter *");
    terminal.see(&["◆ 2 marked"]);
    terminal.press("r");
    terminal.see(&["● 4 working"]);
    gate.open();
    terminal.see(&["ENDED ✓"]);
}

#[test]
fn all_are_paused_and_all_are_killed() {
    let (place, gate) = Place::gated();
    let mut terminal = place.dispatched(5, &["--max-parallel", "3"], ROOMY);
    gate.let_through(1);
    terminal.see(&["● 3 working", "◌ 2 queued"]);
    terminal.press("P");
    terminal.see(&[" PAUSED ", "‖ 3 paused"]);
    terminal.press("X");
    let question = terminal.see(&["kill?", "the whole run r-", "5 agents", "3 calls under way", "2 queued tasks"]);
    assert!(question.text.contains("▸ no ◂"), "{}", question.text);
    terminal.press("esc");
    terminal.see_no(&["kill?"]);
    terminal.press("R");
    terminal.see(&[" LIVE ", "● 3 working"]);
    terminal.press("X right enter");
    terminal.see(&["ENDED"]);
    place.server.wait_for_abandoned(3);
    assert_eq!(place.server.seen().len(), 3, "what was queued never started");
    assert_eq!(place.actions(), ["pause", "resume", "kill"]);
    assert!(place.states().iter().all(|state| state != "completed"));
}

#[test]
fn an_agent_opens_and_its_failure_can_be_read() {
    let place = Place::new(|seen| match seen.prompt() {
        "Say w1" => Answer::error(400, "bad", "this word is \u{1b}[31mnot\u{1b}[0m to be said"),
        _ => Answer::words(3),
    });
    let mut terminal = place.dispatched(3, &[], ROOMY);
    terminal.see(&["ENDED", "✗ 1 failed", "▲ 1 needs you"]);
    terminal.press("!");
    terminal.see(&["/failed (1)"]);
    terminal.press("enter");
    let detail = terminal.see(&["arguments", "word: w1", "error", "not", "to be said"]);
    assert!(detail.text.contains("template"), "{}", detail.text);
    terminal.press("left");
    terminal.see(&["word: w0", "word0 word1 word2"]);
    terminal.press("esc");
    terminal.see_no(&["arguments"]);
}

#[test]
fn other_keys_do_no_harm() {
    let (place, gate) = Place::gated();
    let mut terminal = place.dispatched(3, &[], ROOMY);
    gate.let_through(1);
    terminal.see(&["● 3 working"]);
    for key in ["a", "b", "c", "d", "y", "Y", "m", "i", "1", "9", "$", "#", "ctrl-a", "ctrl-x", "ctrl-w", "é", "日"] {
        terminal.press(key);
    }
    terminal.send("\x1b[15~\x1b[1;5C\x1b[<0;10;10M\x1b[200;200R\x1b[I");
    // In a question, keys that mean something elsewhere mean nothing.
    terminal.press("x");
    terminal.see(&["kill?"]);
    for key in ["x", "p", "r", "X", "y", "space", "o"] {
        terminal.press(key);
    }
    terminal.press("enter");
    terminal.see_no(&["kill?"]);
    // With nothing to resume it says so, and orders nothing.
    terminal.press("r");
    terminal.see(&["nothing to resume"]);
    gate.open();
    terminal.see(&["ENDED ✓", "✓ 3 done"]);
    terminal.press("x");
    terminal.see(&["this run has ended"]);
    assert_eq!(place.actions(), [""; 0]);
}
