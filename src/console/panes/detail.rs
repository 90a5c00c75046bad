//! One agent: where it is, what it was asked, what it says or said, what it cost.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Pane;
use crate::console::action::Action;
use crate::console::confirm::Confirm;
use crate::console::format::{amount, count, duration, kind, plural};
use crate::console::keymap::Context;
use crate::console::orders;
use crate::console::place::Place;
use crate::console::status::Status;
use crate::console::theme::{Look, Theme};
use crate::console::view::View;
use crate::console::widgets::frame::{centered, popup};
use crate::console::widgets::text::wrap;
use crate::console::wish::{Ask, Wish};
use crate::domain::{AgentNo, ContentRef, Run, Task};

/// The longest text that is wrapped for the screen, in characters; the whole is in the store.
const LONGEST: usize = 200_000;

/// A text that was asked for.
#[derive(Debug)]
enum Text {
    Coming,
    Here(String),
    Missing(String),
}

/// One agent's details.
#[derive(Debug)]
pub(crate) struct Detail {
    by: String,
    agent: AgentNo,
    texts: BTreeMap<ContentRef, Text>,
    place: Place,
    follow: bool,
    lines: Vec<(Look, String)>,
}

impl Detail {
    /// Of an agent; `by` signs its orders.
    pub(crate) fn new(by: String, agent: AgentNo) -> Self {
        let (texts, lines) = (BTreeMap::new(), Vec::new());
        Self { by, agent, texts, place: Place::default(), follow: false, lines }
    }

    /// Whose details these are.
    pub(crate) fn agent(&self) -> AgentNo {
        self.agent
    }

    /// The texts that are needed and were not asked for yet.
    pub(crate) fn wanted(&mut self, run: &Run) -> Vec<Ask> {
        let Some(task) = task(run, self.agent) else { return Vec::new() };
        let names = [Some(task.args), run.spec.template, task.output];
        let new = names.into_iter().flatten().filter(|name| !self.texts.contains_key(name)).collect::<Vec<_>>();
        for name in &new {
            self.texts.insert(*name, Text::Coming);
        }
        new.into_iter().map(Ask::Text).collect()
    }

    /// Takes a text.
    pub(crate) fn take(&mut self, name: ContentRef, text: Result<Option<String>, String>) {
        let text = match text {
            Ok(Some(text)) => Text::Here(text),
            Ok(None) => Text::Missing("this text is not in the store".to_owned()),
            Err(problem) => Text::Missing(problem),
        };
        self.texts.insert(name, text);
    }

    fn go(&mut self, to: AgentNo) {
        self.agent = to;
        self.place = Place::default();
        self.follow = false;
    }

    fn build(&self, view: &View, run: &Run, size: usize) -> Vec<(Look, String)> {
        let Some(task) = task(run, self.agent) else { return Vec::new() };
        let mut lines = facts(view, run, self.agent, task);
        let mut section = |title: &str, text: &str| {
            let clean = view.gate.screen(text);
            let cut = clean.char_indices().nth(LONGEST).map_or(clean.as_ref(), |(at, _)| clean.split_at(at).0);
            lines.push((Look::Text, String::new()));
            lines.push((Look::TitleFocused, title.to_owned()));
            lines.extend(wrap(cut, size).into_iter().map(|line| (Look::Text, line)));
            if cut.len() < clean.len() {
                lines.push((Look::Dim, "… cut here: the whole is in the export".to_owned()));
            }
        };
        if let Some(error) = &task.error {
            section("error", &format!("{}: {}", kind(error.kind), error.message));
        }
        section("arguments", &self.said(task.args, pretty));
        if let Some(tail) = view.tails.get(&self.agent).filter(|_| !task.state.is_final()) {
            section("live", &tail.text);
        }
        if let Some(output) = task.output {
            section("output", &self.said(output, str::to_owned));
        }
        if let Some(template) = run.spec.template {
            section("template", &self.said(template, str::to_owned));
        }
        lines
    }

    fn said(&self, name: ContentRef, form: fn(&str) -> String) -> String {
        match self.texts.get(&name) {
            Some(Text::Here(text)) => form(text),
            Some(Text::Missing(problem)) => problem.clone(),
            Some(Text::Coming) | None => "…".to_owned(),
        }
    }
}

fn task(run: &Run, agent: AgentNo) -> Option<&Task> {
    run.task(run.agent(agent)?.task)
}

/// Arguments one per line.
fn pretty(text: &str) -> String {
    let object: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(text).ok();
    let Some(object) = object else { return text.to_owned() };
    let line = |(name, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::String(value) => format!("{name}: {value}"),
        value => format!("{name}: {value}"),
    };
    object.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn facts(view: &View, run: &Run, no: AgentNo, task: &Task) -> Vec<(Look, String)> {
    let Some(agent) = run.agent(no) else { return Vec::new() };
    let status = Status::of(run, agent, task);
    let active = task.active + task.call.as_ref().map_or(std::time::Duration::ZERO, |call| call.active(view.mono()));
    let estimated = if task.usage.estimated { "~" } else { "" };
    let held = task.call.as_ref().map(|call| format!(", {} held", amount(call.reserved))).unwrap_or_default();
    let mut lines = vec![
        (status.look(), format!("{} {}", status.symbol(), status.word())),
        (
            Look::Text,
            format!(
                "{} on {} · attempt {} of {} · {} · {} at work",
                run.spec.model,
                run.spec.provider,
                task.attempts,
                run.limits.retries + 1,
                plural(u64::from(agent.turns), "turn"),
                duration(active)
            ),
        ),
        (
            Look::Text,
            format!(
                "{estimated}{} spent{held} · {estimated}{} in, {} out, {} read from cache",
                amount(task.cost),
                count(task.usage.input_tokens),
                count(task.usage.output_tokens),
                count(task.usage.cache_read_tokens)
            ),
        ),
        (Look::Dim, format!("agent state {} · task {} · key {}", agent.state.word(), agent.task, task.key)),
    ];
    if let Some(tail) = view.tails.get(&no).filter(|tail| tail.aside > 0) {
        lines.push((Look::Paused, format!("{} bytes came while it was held: the call still bills", tail.aside)));
    }
    lines
}

impl Pane for Detail {
    fn context(&self) -> Context {
        Context::Detail
    }

    fn on(&mut self, action: Action, view: &View) -> Option<Wish> {
        let run = view.run.as_deref()?;
        if self.place.scrolled(action, self.lines.len()) {
            self.follow = false;
            return None;
        }
        let last = AgentNo::try_from(run.agents.len().saturating_sub(1)).unwrap_or(AgentNo::MAX);
        match action {
            Action::Back => return Some(Wish::Close),
            Action::Follow => self.follow = true,
            Action::NextAgent => self.go(self.agent.saturating_add(1).min(last)),
            Action::PreviousAgent => self.go(self.agent.saturating_sub(1)),
            Action::Pause => return Some(orders::pause(view, run, vec![self.agent], &self.by)),
            Action::Resume => return Some(orders::resume(view, run, vec![self.agent], &self.by)),
            Action::Kill => return Some(Confirm::kill(view, run, vec![self.agent], &self.by)),
            _ => {}
        }
        None
    }

    fn settle(&mut self, view: &View, area: Rect) {
        let Some(run) = view.run.as_deref() else { return };
        let inner = centered(size(area), area);
        self.lines = self.build(view, run, usize::from(inner.width.saturating_sub(4)));
        self.place.page = usize::from(inner.height.saturating_sub(2));
        let last = self.lines.len().saturating_sub(self.place.page);
        self.place.top = if self.follow { last } else { self.place.top.min(last) };
    }

    fn draw(&self, view: &View, theme: &Theme, _focused: bool, area: Rect, buf: &mut Buffer) {
        let run = view.run.as_ref().map(|run| run.id.to_string()).unwrap_or_default();
        let sim = if view.is_simulated() { " SIM" } else { "" };
        let more = self.lines.len() > self.place.top + self.place.page;
        let title = format!(" agent {run}.{:03}{sim} {}", self.agent, if more { "─ ↓ more " } else { "" });
        let inner = popup(Line::from(title), size(area), theme, area, buf);
        let lines = self.lines.iter().skip(self.place.top);
        for (y, (look, text)) in (inner.top()..inner.bottom()).zip(lines) {
            let line = Line::from(Span::styled(text.as_str(), theme.of(*look)));
            buf.set_line(inner.x + 1, y, &line, inner.width.saturating_sub(2));
        }
    }
}

fn size(area: Rect) -> (usize, usize) {
    let columns = usize::from(area.width.saturating_sub(4)).min(140);
    (columns, usize::from(area.height.saturating_sub(2)))
}
