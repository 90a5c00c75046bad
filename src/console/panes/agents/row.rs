//! One line of the grid.

use std::time::Duration;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::console::format::{duration, kind, usd};
use crate::console::status::Status;
use crate::console::theme::{Look, Theme};
use crate::console::view::View;
use crate::console::widgets::text::{fit_end, left, right, width};
use crate::domain::{AgentNo, Money, Run, Task};

#[cfg(test)]
thread_local! {
    /// How many lines were built by this thread: the cost of a frame must not grow with agents.
    pub(crate) static ROWS_BUILT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// What stands before a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks {
    /// The cursor is on it.
    pub(super) cursor: bool,
    /// It is marked.
    pub(super) marked: bool,
}

/// How wide the columns are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    number: usize,
    model: usize,
    turn: usize,
    rate: usize,
    cost: usize,
    doing: usize,
}

/// Symbol, space and word of a state.
const STATE: usize = 10;

impl Columns {
    /// For a run on `size` cells: the model gives way first, as all agents have the same one.
    pub(super) fn of(run: &Run, size: usize) -> Self {
        let number = run.agents.len().saturating_sub(1).to_string().len().max(3);
        let model = if size >= 96 { width(&run.spec.model).clamp(5, 20) } else { 0 };
        let (turn, rate, cost) = if size >= 60 { (4, 6, 9) } else { (0, 0, 9) };
        let columns = [number, STATE, model, turn, rate, cost];
        let taken: usize = columns.iter().filter(|size| **size > 0).map(|size| size + 2).sum();
        Self { number, model, turn, rate, cost, doing: size.saturating_sub(taken + 3) }
    }

    /// The names of the columns.
    pub(super) fn heading(&self, theme: &Theme) -> Line<'static> {
        let mut text = format!("   {}  {}", right("#", self.number), left("state", STATE));
        text.push_str(&optional("model", self.model, left));
        for (name, size) in [("turn", self.turn), ("~tok/s", self.rate), ("cost", self.cost)] {
            text.push_str(&optional(name, size, right));
        }
        text.push_str("  doing");
        Line::styled(text, theme.of(Look::Dim))
    }

    /// The line of an agent.
    pub(super) fn row(&self, view: &View, run: &Run, no: AgentNo, marks: Marks, theme: &Theme) -> Line<'static> {
        #[cfg(test)]
        ROWS_BUILT.with(|rows| rows.set(rows.get() + 1));
        let Some(agent) = run.agent(no) else { return Line::default() };
        let Some(task) = run.task(agent.task) else { return Line::default() };
        let status = Status::of(run, agent, task);
        let over = status.is_over();
        let plain = theme.of(if over { Look::Dim } else { Look::Text });
        let state = theme.of(status.look());
        let mut spans = vec![
            Span::styled(if marks.cursor { "▸" } else { " " }, theme.of(Look::Strong)),
            Span::styled(if marks.marked { "◆" } else { " " }, theme.of(Look::Mark)),
            Span::raw(" "),
            Span::styled(right(&format!("{no:03}"), self.number), plain),
            Span::raw("  "),
            Span::styled(left(&format!("{} {}", status.symbol(), status.word()), STATE), state),
            Span::styled(optional(&run.spec.model, self.model, left), theme.of(Look::Dim)),
            Span::styled(optional(&agent.turns.to_string(), self.turn, right), plain),
            Span::styled(optional(&rate(view, no, status), self.rate, right), plain),
            Span::styled(optional(&cost(task), self.cost, right), plain),
            Span::raw("  "),
        ];
        let (text, look) = doing(view, no, task, status, self.doing);
        let style: Style = theme.of(look);
        spans.push(Span::styled(left(&text, self.doing), style));
        Line::from(spans)
    }
}

/// A column after two cells, or nothing where it has no place.
fn optional(text: &str, size: usize, align: fn(&str, usize) -> String) -> String {
    if size == 0 { String::new() } else { format!("  {}", align(text, size)) }
}

fn rate(view: &View, no: AgentNo, status: Status) -> String {
    match view.tails.get(&no) {
        Some(tail) if status == Status::Working => format!("{:.0}", tail.per_second),
        _ => "–".to_owned(),
    }
}

/// What it cost so far; five decimals, so that one cheap call shows and columns align.
fn cost(task: &Task) -> String {
    if task.cost == Money::ZERO {
        return "–".to_owned();
    }
    let estimated = if task.usage.estimated { "~" } else { "" };
    format!("{estimated}{}", usd(task.cost, if task.cost.nanos() < 10_000_000_000 { 5 } else { 3 }))
}

/// What it is doing, for people.
fn doing(view: &View, no: AgentNo, task: &Task, status: Status, size: usize) -> (String, Look) {
    let error = || task.error.as_ref().map(|e| format!("{}: {}", kind(e.kind), view.gate.line(&e.message, 200)));
    match status {
        Status::Working => match last_line(view, no) {
            // The end of a long line is what is new.
            Some(text) => (fit_end(&text, size).into_owned(), Look::Text),
            None => (under_way(view, task), Look::Dim),
        },
        Status::Lost => ("its call was lost with its process; it starts again".to_owned(), Look::Waits),
        Status::Starting => ("starts".to_owned(), Look::Dim),
        Status::Stopping => ("its call is being ended".to_owned(), Look::Stopped),
        Status::Paused => (paused(view, no, task), Look::Paused),
        Status::Retrying => (retrying(view, task, error()), Look::Waits),
        Status::WaitsForMoney => ("for money, until calls settle".to_owned(), Look::Waits),
        Status::Queued => ("waits for a slot".to_owned(), Look::Dim),
        Status::Failed => (error().unwrap_or_default(), Look::Failed),
        Status::Killed | Status::Refused | Status::Cancelled => (error().unwrap_or_default(), Look::Stopped),
        Status::Done => done(view, no, task),
    }
}

/// What is known of a call that has said nothing that could be shown here.
fn under_way(view: &View, task: &Task) -> String {
    let Some(call) = &task.call else { return String::new() };
    let seconds = call.active(view.mono()).as_secs();
    let time = match seconds {
        0 => String::new(),
        1..10 => format!(", {seconds} s"),
        _ => format!(", {}", duration(Duration::from_secs(seconds))),
    };
    // What is said in another process can't be heard here.
    let what = if view.is_own() { "waits for the first words" } else { "its call is under way" };
    format!("{what}{time}")
}

fn last_line(view: &View, no: AgentNo) -> Option<String> {
    let tail = view.tails.get(&no)?;
    let line = tail.text.lines().rev().find(|line| !line.trim().is_empty())?;
    // The end of a long line is what is new.
    let from = line.char_indices().rev().nth(160).map_or(0, |(at, _)| at);
    Some(view.gate.line(line.get(from..).unwrap_or(line), 200)).filter(|text| !text.is_empty())
}

fn paused(view: &View, no: AgentNo, task: &Task) -> String {
    if task.held.is_some() {
        return "its call ended meanwhile; takes effect when it goes on".to_owned();
    }
    let Some(_) = &task.call else { return "held before its next call".to_owned() };
    let aside = view.tails.get(&no).map_or(0, |tail| tail.aside);
    if aside > 0 {
        format!("held in the middle of its call: {aside} bytes kept aside, bills")
    } else {
        "held in the middle of its call".to_owned()
    }
}

fn retrying(view: &View, task: &Task, error: Option<String>) -> String {
    let wait = task.not_before.map(|at| at.since(view.mono()));
    let when = wait.map_or_else(String::new, |wait| match wait.as_secs() {
        0 => "tries again now".to_owned(),
        seconds => format!("tries again in {seconds} s"),
    });
    error.map_or(when.clone(), |error| format!("{when} · {error}"))
}

fn done(view: &View, no: AgentNo, task: &Task) -> (String, Look) {
    let how = if task.attempts == 0 { "stored result".to_owned() } else { duration(task.active) };
    match view.preview(no) {
        Some(preview) => (format!("{how} · {preview}"), Look::Dim),
        None => (how, Look::Dim),
    }
}
