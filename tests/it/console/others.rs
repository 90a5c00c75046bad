//! Runs of other processes on the same home.

use super::{Place, ROOMY, text};

#[test]
fn a_run_of_another_process_is_listed_and_watched_live() {
    let (place, gate) = Place::gated();
    let mut terminal = place.console(ROOMY);
    terminal.see(&["No run is open"]);
    let mut other = place.run_elsewhere(4);
    place.server.wait_for_requests(4);
    terminal.press("o");
    let pid = format!("process {}", other.0.id());
    terminal.see(&["runs ─ 1", "● running", &pid, "0/4"]);
    terminal.press("enter");
    terminal.see(&["agents ─ 4", " LIVE ", "● 4 working"]);
    terminal.see(&[&format!("in {pid}")]);
    // Orders reach the process whose run it is.
    terminal.press("g p");
    terminal.see(&["● 3 working", "‖ 1 paused"]);
    terminal.press("r");
    terminal.see(&["● 4 working"]);
    terminal.press("q");
    assert_eq!(terminal.ended(), 0, "it is not this console's run: there is nothing to ask");
    let mut terminal = place.console(ROOMY);
    // The newest live run is opened at once.
    terminal.see(&["agents ─ 4", "● 4 working"]);
    gate.open();
    terminal.see(&["✓ 4 done", "ENDED ✓"]);
    assert_eq!(other.ended(), Some(0));
    assert_eq!(place.actions(), ["pause", "resume"]);
    terminal.press("enter");
    terminal.see(&["word0 word1 word2 word3 word4 word5"]);
}

#[test]
fn a_run_whose_process_died_is_suspended_and_goes_on_here() {
    let (place, gate) = Place::gated();
    let mut other = place.run_elsewhere(3);
    place.server.wait_for_requests(3);
    let mut terminal = place.console(ROOMY);
    terminal.see(&["agents ─ 3", " LIVE ", "● 3 working"]);
    other.kill();
    // The process wrote nothing when it died: the console notices by itself.
    terminal.see(&[" SUSPENDED ", "R continues it"]);
    terminal.press("p");
    terminal.see(&["this run is suspended"]);
    terminal.press("o");
    terminal.see(&["◑ suspended"]);
    terminal.press("esc");
    terminal.see_no(&["◑ suspended"]);
    gate.open();
    terminal.press("R");
    terminal.see(&["✓ 3 done", "ENDED ✓"]);
    assert_eq!(place.states(), ["completed"; 3]);
    assert_eq!(place.server.seen().len(), 6);
    let run = place.only_run();
    assert_eq!(text(&run, "state"), "completed");
    assert_ne!(text(&run, "unconfirmed_usd"), "0", "what the lost calls may have cost is held");
}

#[test]
fn a_suspended_run_goes_on_from_the_list() {
    let (place, gate) = Place::gated();
    let mut other = place.run_elsewhere(3);
    place.server.wait_for_requests(3);
    other.kill();
    let mut terminal = place.console(ROOMY);
    terminal.see(&["No run is open", "1 run suspended", "▲ 1 needs you"]);
    terminal.press("o");
    terminal.see(&["◑ suspended", "0/3"]);
    terminal.press("r");
    terminal.see(&["agents ─ 3", " LIVE "]);
    gate.open();
    terminal.see(&["✓ 3 done", "ENDED ✓"]);
    terminal.press("q");
    assert_eq!(terminal.ended(), 0);
}
