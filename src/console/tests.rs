//! The console as operators meet it: events and keys in, screens and orders out.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;

use super::Exit;
use super::desk::Desk;
use super::fixture::{self, busy, frame, run, watching};
use super::panes::agents::ROWS_BUILT;

use super::wish::{Answer, Ask};
use crate::domain::{Command, Targets};
use crate::engine::handle::{Ack, Dispatched};

/// Presses keys, as the key map writes them; plain text is written as it is.
fn press(desk: &mut Desk, keys: &str) -> Vec<Ask> {
    keys.split(' ').flat_map(|key| desk.key(event(key))).collect()
}

fn event(key: &str) -> KeyEvent {
    let code = |name: &str| match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "space" => KeyCode::Char(' '),
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        name => KeyCode::Char(name.chars().next().expect("a key")),
    };
    match key.strip_prefix("ctrl-") {
        Some(name) => KeyEvent::new(code(name), KeyModifiers::CONTROL),
        None => KeyEvent::new(code(key), KeyModifiers::NONE),
    }
}

fn write(desk: &mut Desk, text: &str) {
    for c in text.chars() {
        desk.key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
    }
}

/// The command that was submitted.
fn command(asks: &[Ask]) -> Option<Command> {
    asks.iter().find_map(|ask| match ask {
        Ask::Submit { order, .. } => Some(order.command.clone()),
        _ => None,
    })
}

#[test]
fn a_busy_run_at_every_size() {
    let mut desk = watching(&busy(100));
    assert_snapshot!("busy_80x24", frame(&mut desk, 80, 24));
    assert_snapshot!("busy_160x45", frame(&mut desk, 160, 45));
    assert_snapshot!("busy_220x60", frame(&mut desk, 220, 60));
    assert_snapshot!("too_small", frame(&mut desk, 50, 10));
}

#[test]
fn nothing_open() {
    assert_snapshot!("empty_80x24", frame(&mut fixture::desk(), 80, 24));
}

#[test]
fn help_says_what_the_keys_do() {
    let mut desk = watching(&busy(100));
    press(&mut desk, "?");
    assert_snapshot!("help_80x24", frame(&mut desk, 80, 24));
    assert_snapshot!("help_120x70", frame(&mut desk, 120, 70));
    press(&mut desk, "esc");
    assert!(!frame(&mut desk, 80, 24).contains(" keys "));
}

#[test]
fn pause_and_resume_of_one_of_marked_and_of_all() {
    let run = busy(100);
    let mut desk = watching(&run);
    frame(&mut desk, 160, 45);
    let pause = |agents: &[u32]| Some(Command::Pause(Targets::some(run.id, agents.to_vec())));
    // The cursor rides on the first agent that has not ended.
    assert_eq!(command(&press(&mut desk, "p")), pause(&[22]));
    assert_eq!(command(&press(&mut desk, "j p")), pause(&[23]));
    // 024 has failed: it is marked, and passed over.
    assert_eq!(command(&press(&mut desk, "space space space p")), pause(&[23, 25]));
    assert_eq!(command(&press(&mut desk, "P")), Some(Command::Pause(Targets::all(run.id))));
    press(&mut desk, "esc G g");
    assert_eq!(command(&press(&mut desk, "r")), None);
    assert!(frame(&mut desk, 160, 45).contains("nothing to resume"));
    press(&mut desk, "/");
    write(&mut desk, "paused");
    press(&mut desk, "enter *");
    let resumed = Some(Command::Resume(Targets::some(run.id, vec![28, 30, 33])));
    assert_eq!(command(&press(&mut desk, "r")), resumed);
    desk.take(Answer::Submitted { done: "resumed 3 agents".into(), reopens: None, result: Ok(Ack { agents: 3 }) });
    assert!(frame(&mut desk, 160, 45).contains("✓ resumed 3 agents"));
}

#[test]
fn a_kill_asks_first_and_no_is_chosen() {
    let run = busy(100);
    let mut desk = watching(&run);
    frame(&mut desk, 160, 45);
    assert_eq!(command(&press(&mut desk, "space space j j space x")), None);
    assert_snapshot!("kill_80x24", frame(&mut desk, 80, 24));
    assert_eq!(command(&press(&mut desk, "enter")), None);
    assert_eq!(command(&press(&mut desk, "x right esc")), None);
    let killed = Some(Command::Kill(Targets::some(run.id, vec![22, 23, 26])));
    assert_eq!(command(&press(&mut desk, "x right enter")), killed);
    assert_eq!(command(&press(&mut desk, "X right enter")), Some(Command::Kill(Targets::all(run.id))));
}

#[test]
fn an_agent_opens() {
    let mut desk = watching(&busy(100));
    frame(&mut desk, 160, 45);
    press(&mut desk, "g");
    let asks = press(&mut desk, "enter");
    let names: Vec<_> =
        asks.iter().filter_map(|ask| if let Ask::Text(name) = ask { Some(*name) } else { None }).collect();
    assert_eq!(names.len(), 3, "arguments, template and output");
    let texts = [
        "{\"algorithm\":\"merge sort\",\"size\":1000}",
        "Sort with {{algorithm}}.",
        "It took \u{1b}[31m8,700\u{1b}[0m steps.",
    ];
    for (name, text) in names.into_iter().zip(texts) {
        desk.take(Answer::Text(name, Ok(Some(text.to_owned()))));
    }
    let shown = frame(&mut desk, 120, 30);
    assert!(!shown.contains('\u{1b}'));
    assert_snapshot!("detail_120x30", shown);
}

#[test]
fn events_can_be_read_while_new_ones_come() {
    let mut builder = busy(100);
    let mut desk = watching(&builder);
    frame(&mut desk, 160, 45);
    press(&mut desk, "e g");
    let first = |desk: &mut Desk| {
        let screen = frame(desk, 160, 45);
        let at = screen.lines().position(|line| line.contains("events ─ held")).expect("is held");
        screen.lines().nth(at + 1).expect("a line").to_owned()
    };
    let before = first(&mut desk);
    let known = builder.events.len();
    builder.later(100).finish(22, "0.01");
    let new = builder.events[known..].into();
    desk.take(Answer::Update(builder.id, crate::engine::handle::Update::Events(new)));
    assert_eq!(first(&mut desk), before);
    press(&mut desk, "f");
    assert!(frame(&mut desk, 160, 45).contains("events ─ follow"));
}

#[test]
fn a_gap_in_the_events_is_mended_by_a_snapshot() {
    let mut builder = busy(100);
    let mut desk = watching(&builder);
    let known = builder.events.len();
    builder.later(100).finish(22, "0.01");
    let late = builder.events[known + 1..].into();
    let asks = desk.take(Answer::Update(builder.id, crate::engine::handle::Update::Events(late)));
    assert!(matches!(asks.as_slice(), [Ask::Open(run)] if *run == builder.id));
}

#[test]
fn the_prompt_estimates_asks_and_dispatches() {
    let mut desk = fixture::desk();
    frame(&mut desk, 120, 30);
    press(&mut desk, "n");
    write(&mut desk, "Sort with {{algorithm}}");
    press(&mut desk, "tab");
    write(&mut desk, "rows.csv");
    press(&mut desk, "tab tab tab tab tab");
    write(&mut desk, "5");
    let mut now = desk.view.now;
    now.mono = now.mono.after(std::time::Duration::from_millis(299));
    assert!(desk.tick(now).is_empty());
    now.mono = now.mono.after(std::time::Duration::from_millis(1));
    let asks = desk.tick(now);
    let [Ask::Estimate { revision, request }] = asks.as_slice() else { panic!("{asks:?}") };
    assert_eq!(request.rows.as_ref().map(|rows| rows.name.as_str()), Some("rows.csv"));
    desk.take(Answer::Estimated { revision: *revision, result: Ok(estimate()) });
    assert_snapshot!("prompt_80x24", frame(&mut desk, 80, 24));
    assert_snapshot!("prompt_160x45", frame(&mut desk, 160, 45));
    press(&mut desk, "enter");
    assert_snapshot!("dispatch_80x24", frame(&mut desk, 80, 24));
    let asks = press(&mut desk, "enter");
    assert!(matches!(asks.as_slice(), [Ask::Dispatch(sent)] if sent == request));
    let id = crate::domain::RunId::from_random(9);
    let asks = desk.take(Answer::Dispatched(Ok(Dispatched { run: id, tasks: 100, cached: 0 })));
    assert!(matches!(asks.as_slice(), [Ask::Open(run)] if *run == id));
}

fn estimate() -> crate::cost::Estimate {
    crate::cost::Estimate {
        tasks: 100,
        cached: 0,
        input_tokens: 41_200,
        output_tokens: 9_600,
        low: fixture::money("1.71"),
        likely: fixture::money("1.90"),
        high: fixture::money("2.09"),
        worst: fixture::money("6.20"),
        duration: Some(std::time::Duration::from_secs(125)),
        samples: 0,
    }
}

#[test]
fn what_is_wrong_in_the_prompt_is_said_in_place() {
    let mut desk = fixture::desk();
    press(&mut desk, "n");
    write(&mut desk, "Say {{word}}");
    press(&mut desk, "tab");
    write(&mut desk, "rows.txt");
    press(&mut desk, "enter");
    assert_snapshot!("prompt_wrong_80x24", frame(&mut desk, 80, 24));
    press(&mut desk, "esc q");
    assert!(frame(&mut desk, 80, 24).contains("Say {{word}}"), "what was written stays");
}

#[test]
fn quitting_asks_what_becomes_of_live_runs() {
    let run = busy(100);
    let mut desk = watching(&run);
    assert!(press(&mut desk, "q").is_empty());
    assert_snapshot!("quit_80x24", frame(&mut desk, 80, 24));
    assert!(press(&mut desk, "enter").is_empty(), "stay is chosen");
    let asks = press(&mut desk, "q right enter");
    assert!(matches!(asks.as_slice(), [Ask::Quit(Exit::Suspend(runs))] if runs == &[run.id]));
    assert!(press(&mut desk, "ctrl-c").is_empty());
    let asks = press(&mut desk, "ctrl-c");
    assert!(matches!(asks.as_slice(), [Ask::Quit(Exit::Suspend(runs))] if runs == &[run.id]));
    let asks = press(&mut fixture::desk(), "q");
    assert!(matches!(asks.as_slice(), [Ask::Quit(Exit::Quit)]));
}

#[test]
fn a_frame_builds_only_the_rows_in_sight() {
    let mut desk = watching(&busy(10_000));
    desk.touch();
    ROWS_BUILT.with(|rows| rows.set(0));
    let area = ratatui::layout::Rect::new(0, 0, 160, 45);
    let mut buf = ratatui::buffer::Buffer::empty(area);
    desk.draw(area, &mut buf);
    let built = ROWS_BUILT.with(std::cell::Cell::get);
    assert!((10..45).contains(&built), "{built}");
}

#[test]
fn an_idle_console_sleeps() {
    let mut desk = fixture::desk();
    frame(&mut desk, 80, 24);
    assert!(!desk.is_dirty());
    assert_eq!(desk.wake(), None);
    let mut ended = watching(run(1).start());
    assert!(ended.wake().is_some(), "a live run has a clock");
    let mut suspended = run(1);
    suspended.start().suspend();
    ended = watching(&suspended);
    frame(&mut ended, 80, 24);
    let now = ended.view.now;
    ended.tick(now);
    assert_eq!(ended.wake(), None);
}

#[test]
fn keys_are_redacted_wherever_they_show() {
    let mut builder = run(3);
    builder.start().work(0, 1).fail(0, "bad key sk-0123456789abcdef \u{1b}[2J");
    let mut desk = watching(&builder);
    let shown = frame(&mut desk, 220, 60);
    assert!(!shown.contains("sk-0123") && !shown.contains("[2J"));
    assert!(shown.contains("[REDACTED_OPENAI_API_KEY]"));
}

#[test]
fn runs_of_this_home_and_of_other_processes() {
    let run = busy(100);
    let mut desk = watching(&run);
    desk.take(Answer::Listed(fixture::rows(&run), vec![run.id]));
    press(&mut desk, "o");
    assert_snapshot!("runs_80x24", frame(&mut desk, 80, 24));
    assert_snapshot!("runs_160x45", frame(&mut desk, 160, 45));
    let suspended = fixture::rows(&run)[2].id;
    assert_eq!(command(&press(&mut desk, "r")), None, "a live run needs no continuing");
    assert_eq!(command(&press(&mut desk, "j j r")), Some(Command::Reopen(suspended)));
    let reopened =
        Answer::Submitted { done: "goes on".into(), reopens: Some(suspended), result: Ok(Ack { agents: 1 }) };
    assert!(matches!(desk.take(reopened).as_slice(), [Ask::Open(id)] if *id == suspended));
    press(&mut desk, "o");
    let asks = press(&mut desk, "j enter");
    assert!(matches!(asks.as_slice(), [Ask::Open(id)] if *id == fixture::rows(&run)[1].id));
}

#[test]
fn the_newest_live_run_is_opened_at_first() {
    let run = busy(100);
    let mut desk = fixture::desk();
    let asks = desk.take(Answer::Listed(fixture::rows(&run), vec![run.id]));
    assert!(matches!(asks.as_slice(), [Ask::Open(id)] if *id == run.id));
    assert!(desk.take(Answer::Listed(fixture::rows(&run), vec![run.id])).is_empty());
}

#[test]
fn gauges_on_a_narrow_screen_take_the_place_of_the_events() {
    let mut desk = watching(&busy(100));
    press(&mut desk, "tab tab");
    assert_snapshot!("money_80x24", frame(&mut desk, 80, 24));
    press(&mut desk, "tab tab z");
    assert_snapshot!("needs_zoomed_80x24", frame(&mut desk, 80, 24));
}

#[test]
fn failures_are_one_key_away_and_sorting_goes_around() {
    let mut desk = watching(&busy(100));
    press(&mut desk, "!");
    assert_snapshot!("failures_120x30", frame(&mut desk, 120, 30));
    press(&mut desk, "! s");
    assert_snapshot!("by_state_120x30", frame(&mut desk, 120, 30));
}

#[test]
fn a_suspended_run_says_so() {
    let mut run = busy(100);
    run.suspend();
    let mut desk = watching(&run);
    let shown = frame(&mut desk, 160, 45);
    assert!(shown.contains("SUSPENDED") && shown.contains("suspended: R continues it"));
    assert_eq!(command(&press(&mut desk, "p")), None);
    assert_eq!(command(&press(&mut desk, "R")), Some(Command::Reopen(run.id)));
}

#[test]
fn every_theme_draws() {
    let mut desk = watching(&busy(100));
    for name in ["light", "ansi", "mono", "dark"] {
        press(&mut desk, "t");
        assert!(frame(&mut desk, 160, 45).contains(&format!("theme {name}")));
    }
}

#[test]
fn the_header_keeps_the_runs_id_and_what_is_spent_at_every_width() {
    let mut run = busy(100);
    let (money, unconfirmed) = (fixture::money("0.055"), fixture::money("0.0051"));
    run.budget(money).hold_unconfirmed(unconfirmed);
    let mut desk = watching(&run);
    for width in 60..=230 {
        let shown = frame(&mut desk, width, 24);
        let header = shown.lines().next().unwrap_or_default();
        for wanted in [run.id.to_string().as_str(), " SIM ", " LIVE ", "spent $"] {
            assert!(header.contains(wanted), "{wanted} at {width}: {header}");
        }
        assert!(width < 80 || header.contains('▲') && header.contains("free $"), "at {width}: {header}");
        assert!(width < 150 || header.contains("Sort with") && header.contains("unconf"), "at {width}: {header}");
    }
}

#[test]
fn a_question_follows_what_happens() {
    let mut run = run(3);
    run.start().work(0, 1).work(1, 1);
    let mut desk = watching(&run);
    frame(&mut desk, 120, 30);
    press(&mut desk, "g x");
    assert!(frame(&mut desk, 120, 30).contains("1 call under way"));
    let known = run.events.len();
    run.finish(0, "0.01");
    let events = run.events[known..].into();
    desk.take(Answer::Update(run.id, crate::engine::handle::Update::Events(events)));
    assert!(frame(&mut desk, 120, 30).contains("ended meanwhile: nothing is left to kill"));
}

#[test]
fn a_run_of_a_dead_process_is_suspended_until_its_log_goes_on() {
    let run = busy(100);
    let mut desk = watching(&run);
    let mut rows = fixture::rows(&run);
    desk.view.own.clear();
    desk.take(Answer::Listed(rows.clone(), Vec::new()));
    let shown = frame(&mut desk, 160, 45);
    assert!(shown.contains(" LIVE ") && shown.contains("in process 4711"), "{shown}");
    rows[0].state = crate::domain::RunState::Suspended;
    desk.take(Answer::Listed(rows, Vec::new()));
    let shown = frame(&mut desk, 160, 45);
    assert!(shown.contains(" SUSPENDED ") && shown.contains("◑ 12 lost") && !shown.contains("● working"), "{shown}");
    assert_eq!(command(&press(&mut desk, "R")), Some(Command::Reopen(run.id)));
    // The log goes on as if it were at work: what follows fits.
    let mut more = busy(100);
    let known = more.events.len();
    more.suspend();
    let events = more.events[known..].into();
    assert!(desk.take(Answer::Update(run.id, crate::engine::handle::Update::Events(events))).is_empty());
    assert!(frame(&mut desk, 160, 45).contains(" SUSPENDED "));
}

#[test]
fn what_the_order_puts_first_stays_in_sight_until_the_operator_moves() {
    let mut run = busy(100);
    let mut desk = watching(&run);
    press(&mut desk, "s");
    frame(&mut desk, 100, 20);
    let known = run.events.len();
    run.finish(22, "0.01");
    let events = run.events[known..].into();
    desk.take(Answer::Update(run.id, crate::engine::handle::Update::Events(events)));
    let mut now = desk.view.now;
    now.mono = now.mono.after(std::time::Duration::from_secs(1));
    desk.tick(now);
    let shown = frame(&mut desk, 100, 20);
    assert!(shown.contains("▸  023  ● working") && shown.contains("by state"), "{shown}");
    press(&mut desk, "j");
    assert!(frame(&mut desk, 100, 20).contains("▸  025"));
}
