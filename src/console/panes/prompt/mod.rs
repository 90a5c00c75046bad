//! The prompt: a template, where its rows are, what it may use; and what it will probably cost, as
//! it is written.

mod draw;
mod editor;
mod fields;

use std::time::Duration;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::editor::Editor;
use self::fields::{Field, Fields};
use super::Pane;
use crate::console::Defaults;
use crate::console::action::Action;
use crate::console::confirm::{Choice, Confirm};
use crate::console::format::{amount, decimals_for, duration, plural};
use crate::console::keymap::Context;
use crate::console::theme::Theme;
use crate::console::view::View;
use crate::console::wish::{Ask, Wish};
use crate::cost::Estimate;
use crate::dispatch::Request;
use crate::domain::{Money, Mono};

pub(crate) use self::draw::{compact, height};

/// An estimate is asked for when nothing was written for this long.
const DEBOUNCE: Duration = Duration::from_millis(300);

/// What is known about what is written.
#[derive(Debug)]
enum Told {
    /// Nothing was written.
    Nothing,
    /// An estimate is on its way.
    Coming,
    /// What it will probably take.
    Estimate(Box<Estimate>),
    /// Why it can't be sent, and where that is, if it is in a field.
    Problem(Option<Field>, String),
}

/// The prompt pane.
pub(crate) struct Prompt {
    by: String,
    editor: Editor,
    fields: Fields,
    /// Nothing: the template.
    focus: Option<Field>,
    told: Told,
    revision: u64,
    due: Option<Mono>,
    /// Whether the operator waits for the question that follows the estimate.
    sending: bool,
}

impl Prompt {
    /// Empty, with the configured defaults; `by` signs its dispatches.
    pub(crate) fn new(by: String, defaults: &Defaults) -> Self {
        Self {
            by,
            editor: Editor::default(),
            fields: Fields::new(defaults),
            focus: None,
            told: Told::Nothing,
            revision: 0,
            due: None,
            sending: false,
        }
    }

    /// Takes the provider that is used where none is configured.
    pub(crate) fn offer(&mut self, view: &View) {
        self.fields.offer(&view.providers);
    }

    /// What was written was sent: the same again would take something else.
    pub(crate) fn sent(&mut self) {
        self.told = Told::Nothing;
    }

    /// The operator comes to write: what is known should be up to date.
    pub(crate) fn entered(&mut self, view: &View) {
        if matches!(self.told, Told::Nothing) {
            self.changed(view);
        }
    }

    /// When an estimate is due.
    pub(crate) fn wake(&self) -> Option<Mono> {
        self.due
    }

    /// Asks for the estimate that is due; says whether something is to be drawn.
    pub(crate) fn tick(&mut self, view: &View) -> (bool, Option<Ask>) {
        if self.due.is_none_or(|due| due > view.now.mono) {
            return (false, None);
        }
        self.due = None;
        match self.request(view) {
            Ok(request) => {
                let ask = Ask::Estimate { revision: self.revision, request: Box::new(request) };
                (true, Some(ask))
            }
            Err((field, problem)) => {
                self.told = Told::Problem(field, problem);
                (true, None)
            }
        }
    }

    /// Takes an estimate; one of an older version of the prompt is passed over.
    pub(crate) fn estimated(&mut self, revision: u64, result: Result<Estimate, String>, view: &View) -> Option<Wish> {
        if revision != self.revision {
            return None;
        }
        let sending = std::mem::take(&mut self.sending);
        match result {
            Ok(estimate) => {
                self.told = Told::Estimate(Box::new(estimate));
                sending.then(|| self.send(view))
            }
            Err(problem) => {
                let problem = view.gate.line(&problem, 400);
                self.told = Told::Problem(None, problem.clone());
                sending.then_some(Wish::Warn(problem))
            }
        }
    }

    fn changed(&mut self, view: &View) {
        self.revision += 1;
        self.sending = false;
        let empty = self.editor.is_empty() && !self.fields.runs_command(&view.providers);
        self.told = if empty { Told::Nothing } else { Told::Coming };
        self.due = (!empty).then(|| view.now.mono.after(DEBOUNCE));
    }

    fn request(&self, view: &View) -> Result<Request, (Option<Field>, String)> {
        let request = self.fields.request(&view.providers, self.editor.text(), &self.by);
        request.map_err(|(field, problem)| (Some(field), problem))
    }

    /// Asks before it is sent, once it is known what that means.
    fn send(&mut self, view: &View) -> Wish {
        if self.editor.is_empty() && !self.fields.runs_command(&view.providers) {
            return Wish::Warn("the template is empty: write what each agent is asked".to_owned());
        }
        let request = match self.request(view) {
            Ok(request) => request,
            Err((field, problem)) => {
                self.focus = field.or(self.focus);
                self.told = Told::Problem(field, problem.clone());
                return Wish::Warn(problem);
            }
        };
        if let Told::Estimate(estimate) = &self.told {
            return question(request, estimate, self.fields.is_simulated(&view.providers));
        }
        self.sending = true;
        self.told = Told::Coming;
        Wish::Ask(Ask::Estimate { revision: self.revision, request: Box::new(request) })
    }

    fn go(&mut self, forward: bool) {
        self.focus = fields::next(self.focus, forward);
        if let Some(field) = self.focus {
            self.fields.enter(field);
        }
    }

    fn choose(&mut self, forward: bool, view: &View) {
        if let Some(field) = self.focus {
            self.fields.choose(field, forward, &view.providers);
            self.changed(view);
        }
    }
}

/// What will be sent, and what it can cost.
fn question(request: Request, estimate: &Estimate, simulated: bool) -> Wish {
    let model = request.model.clone().or_else(|| request.command.first().cloned()).unwrap_or_default();
    let provider = request.provider.clone().unwrap_or_default();
    let sim = if simulated { " (SIM)" } else { "" };
    let cached = if estimate.cached > 0 { format!(", {} from stored results", estimate.cached) } else { String::new() };
    let budget = match request.limits.max_total_cost_usd {
        Some(budget) if budget < estimate.worst => format!("never more than the budget of {}", amount(budget)),
        Some(budget) => format!("budget {}", amount(budget)),
        None => "no budget limits it".to_owned(),
    };
    let lines = vec![
        format!("{} to {model} on {provider}{sim}{cached}", plural(u64::from(estimate.tasks), "task")),
        format!("{} at once, {} each", request.limits.max_parallel, duration(request.limits.agent_timeout())),
        format!("probably {}", likely(estimate)),
        format!("worst case {}; {budget}", amount(estimate.worst)),
    ];
    let choices = vec![
        Choice { word: "no".to_owned(), danger: false, ask: None },
        Choice { word: "dispatch".to_owned(), danger: false, ask: Some(Ask::Dispatch(Box::new(request))) },
    ];
    // Writing the prompt and asking for the dispatch were deliberate, and nothing is destroyed.
    Wish::Confirm(Box::new(Confirm::new("dispatch?", lines, choices, 1)))
}

/// `~$1.90 (1.71 – 2.09)`.
fn cost(estimate: &Estimate) -> String {
    if estimate.high == Money::ZERO {
        return "~$0".to_owned();
    }
    let decimals = decimals_for(estimate.likely);
    let (low, high) = (estimate.low.short(decimals), estimate.high.short(decimals));
    format!("~${} ({low} – {high})", estimate.likely.short(decimals))
}

/// `~$1.90 (1.71 – 2.09) · ~2 min`, and what that rests on.
fn likely(estimate: &Estimate) -> String {
    let cost = cost(estimate);
    let time = estimate.duration.map(|time| format!(" · ~{}", duration(time))).unwrap_or_default();
    let samples = match estimate.samples {
        0 => " · by rules of thumb".to_owned(),
        samples => format!(" · from {}", plural(u64::from(samples), "result")),
    };
    format!("{cost}{time}{samples}")
}

impl Pane for Prompt {
    fn context(&self) -> Context {
        match self.focus {
            None => Context::Prompt,
            Some(field) if field.has_choices() => Context::Choice,
            Some(_) => Context::Field,
        }
    }

    fn on(&mut self, action: Action, view: &View) -> Option<Wish> {
        match action {
            Action::Send => return Some(self.send(view)),
            Action::Back => return Some(Wish::Leave),
            Action::Newline => {
                self.editor.newline();
                self.changed(view);
            }
            Action::NextField => self.go(true),
            Action::PreviousField => self.go(false),
            Action::ChooseNext => self.choose(true, view),
            Action::ChoosePrevious => self.choose(false, view),
            _ => {}
        }
        None
    }

    fn key(&mut self, key: KeyEvent, view: &View) {
        let changed = match self.focus {
            None => self.editor.key(key),
            Some(field) => self.fields.key(field, key),
        };
        if changed {
            self.changed(view);
        }
    }

    fn paste(&mut self, text: &str, view: &View) {
        match self.focus {
            None => self.editor.paste(text),
            Some(field) => self.fields.paste(field, text),
        }
        self.changed(view);
    }

    fn draw(&self, view: &View, theme: &Theme, focused: bool, area: Rect, buf: &mut Buffer) {
        draw::expanded(self, view, theme, focused, area, buf);
    }
}
