//! From the prompt pane to durable results.

use super::{Place, ROOMY, text};
use crate::support::mock_openai::Answer;
use crate::support::pty::Terminal;

#[test]
fn a_dispatch_from_the_prompt_ends_in_durable_results() {
    let place = Place::new(|seen| Answer::tokens([format!("echo of {}", seen.prompt())]));
    let rows = place.rows(12);
    let mut terminal = place.console(ROOMY);
    terminal.see(&["No run is open", "new"]);
    terminal.press("n");
    terminal.see(&[" prompt ", "What is each agent asked?"]);
    terminal.send("Say {{word}} twice");
    // Without its rows it can't be sent, and the pane says why.
    terminal.see(&["▲", "word"]);
    terminal.press("tab");
    terminal.send(rows);
    let estimated = terminal.see(&["12 tasks", "~$"]);
    assert!(estimated.line("12 tasks").contains("worst $"), "{}", estimated.text);
    assert_eq!(place.server.seen().len(), 0, "an estimate sends nothing");
    terminal.press("enter");
    let question = terminal.see(&["dispatch?", "12 tasks to mock-1 on local", "▸ dispatch ◂"]);
    assert!(question.text.contains("no budget limits it"), "{}", question.text);
    assert_eq!(place.server.seen().len(), 0, "nothing is sent before the answer");
    terminal.press("enter");
    terminal.see(&["agents ─ 12", "ENDED ✓", "✓ 12 done", "echo of Say w11 twice"]);
    assert_eq!(place.states(), ["completed"; 12]);
    let results: Vec<_> = place.list(&["tasks"]).iter().map(|task| text(task, "result")).collect();
    assert!(results.contains(&"echo of Say w7 twice".to_owned()), "{results:?}");
    terminal.press("q");
    assert_eq!(terminal.ended(), 0);
}

#[test]
fn no_is_an_answer_and_a_dispatch_can_be_corrected() {
    let place = Place::new(|_| Answer::words(2));
    let mut terminal = place.console(ROOMY);
    terminal.press("n");
    terminal.see(&["What is each agent asked?"]);
    terminal.send("Say {{word}}");
    terminal.press("tab tab");
    terminal.send("word=hi");
    terminal.see(&["1 task ", "~$"]);
    terminal.press("enter");
    terminal.see(&["dispatch?"]);
    terminal.press("left enter");
    terminal.see_no(&["dispatch?"]);
    assert_eq!(place.list(&["runs"]).len(), 0);
    // A file that is not there: told in the pane, and again when it is to be sent.
    terminal.press("backtab");
    terminal.send("nowhere.jsonl");
    terminal.see(&["▲ nowhere.jsonl"]);
    terminal.press("enter");
    terminal.wait("a word in the footer", |shown| {
        shown.text.lines().last().is_some_and(|line| line.contains("nowhere.jsonl"))
    });
    assert_eq!((place.list(&["runs"]).len(), place.server.seen().len()), (0, 0));
}

#[test]
fn pasted_text_goes_into_the_prompt_and_nowhere_else() {
    let place = Place::new(|_| Answer::words(2));
    let mut terminal = place.console(ROOMY);
    terminal.see(&["No run is open"]);
    // In the panes pasted text means nothing: neither its letters nor its line breaks are keys.
    terminal.paste("n?oq\r\n\x1b[31mq\r");
    terminal.press("n");
    terminal.see(&["What is each agent asked?"]);
    terminal.paste("First {{word}}\r\nsecond \x1b]0;title\x07\x1b[31mred\x1b[0m\x1b[2J line\nthird\r");
    let shown = terminal.see(&["First {{word}}", "second", "third"]);
    assert!(shown.text.contains(" prompt "), "{}", shown.text);
    assert!(!shown.text.contains("dispatch?"), "a line break is no Enter:\n{}", shown.text);
    assert!(shown.line("second").contains("red line"), "{}", shown.line("second"));
    terminal.press("esc");
    terminal.see(&["prompt ▸ First {{word}} …"]);
    assert_eq!(place.list(&["runs"]).len(), 0);
    terminal.press("q");
    assert_eq!(terminal.ended(), 0);
}

#[test]
fn the_demo_shows_a_hundred_simulated_agents_and_leaves_nothing() {
    let home = tempfile::tempdir().expect("a directory");
    let mut terminal = Terminal::start(home.path(), ["demo"], ROOMY, &[]);
    let shown = terminal.see(&["agents ─ 100", " SIM ", " LIVE ", "● ", "events ─ follow"]);
    assert!(shown.header().contains(" ▸ r-"), "{}", shown.header());
    terminal.see(&["money ─ SIM", "spent $0.0", "done"]);
    terminal.press("q");
    terminal.see(&["quit?", "▸ stay ◂"]);
    terminal.press("right enter");
    assert_eq!(terminal.ended(), 0);
    terminal.is_given_back();
    let left: Vec<_> = std::fs::read_dir(home.path()).expect("a directory").collect();
    assert!(left.is_empty(), "{left:?}");
}
