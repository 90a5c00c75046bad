//! The screen itself: help, sizes, colours, and that nothing is drawn for nothing.

use std::time::Duration;

use super::{Place, ROOMY};
use crate::support::mock_openai::Answer;
use crate::support::pty::Terminal;

#[test]
fn the_help_is_made_from_the_key_map() {
    let place = Place::new(|_| Answer::words(2));
    let own = "[[bind]]\nin = \"agents\"\nkeys = [\"K\"]\naction = \"kill\"\n";
    std::fs::write(place.path().join("keymap.toml"), own).expect("a file");
    let mut terminal = place.dispatched(2, &[], (160, 70));
    terminal.see(&["ENDED ✓"]);
    terminal.press("?");
    let help = terminal.see(&["pause the marked agents"]);
    let file: toml::Table = toml::from_str(include_str!("../../../assets/keymap.toml")).expect("is TOML");
    for binding in file["bind"].as_array().expect("is a list") {
        let part = |name: &str| binding[name].as_str().expect("is text");
        if ["agents", "list", "global"].contains(&part("in")) {
            assert!(help.text.contains(part("description")), "{binding}\n{}", help.text);
        }
    }
    assert!(help.line("kill the marked agents").contains("K  "), "{}", help.line("kill the marked agents"));
    terminal.press("esc");
    terminal.see_no(&["pause the marked agents"]);
    terminal.press("x K");
    terminal.see(&["this run has ended"]);
}

#[test]
fn every_size_is_drawn_and_small_ones_say_what_is_needed() {
    let (place, gate) = Place::gated();
    let mut terminal = place.dispatched(9, &["--budget", "5"], ROOMY);
    gate.let_through(3);
    terminal.see(&["● 9 working", "needs you", "quota"]);
    for (columns, rows) in [(80, 24), (60, 15), (220, 60), (61, 45), (300, 16)] {
        terminal.resize(columns, rows);
        let shown = terminal.wait("a frame of the new size", |shown| {
            let lines: Vec<_> = shown.text.lines().collect();
            lines.len() == usize::from(rows) && lines.last().is_some_and(|line| line.contains("quit"))
        });
        assert!(shown.has(&["agents ─ 9", "r-", " LIVE ", "spent $"]), "{columns}x{rows}\n{}", shown.text);
        for (key, title) in [("?", " keys "), ("o", " runs ─ 1"), ("x", " kill? "), ("enter", "agent state ")] {
            terminal.press(key);
            terminal.see(&[title]);
            terminal.press("esc");
            terminal.see_no(&[title]);
        }
    }
    for (columns, rows) in [(59, 24), (20, 5), (1, 1), (80, 3)] {
        terminal.resize(columns, rows);
        terminal.press("?");
        terminal
            .wait("a word on a small screen", |shown| shown.text.starts_with('f') && !shown.text.contains("agents"));
        terminal.press("esc");
    }
    terminal.resize(80, 24);
    gate.open();
    terminal.see(&["ENDED ✓", "✓ 9 done"]);
}

#[test]
fn without_colour_it_says_the_same() {
    let place = Place::new(|_| Answer::words(2));
    let rows = place.rows(2);
    let args = ["run", "Say {{word}}", "--args", rows, "--console"];
    let terminal = Terminal::start(place.path(), args, (80, 24), &[("NO_COLOR", "1")]);
    terminal.see(&["ENDED ✓", "✓ 2 done"]);
    assert!(!terminal.is_coloured());
}

#[test]
fn nothing_is_drawn_while_nothing_happens() {
    let place = Place::new(|_| Answer::words(2));
    let terminal = place.dispatched(2, &[], (80, 24));
    terminal.see(&["ENDED ✓"]);
    // What was said last goes away by itself, and the list of runs is read once more.
    assert!(terminal.is_quiet_for(Duration::from_secs(3)), "frames are drawn with nothing new to show");
}
