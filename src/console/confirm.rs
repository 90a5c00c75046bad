//! Questions before what can't be undone: what it concerns, what it costs, and *no* chosen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::panes::Pane;
use crate::console::Exit;
use crate::console::action::Action;
use crate::console::format::{amount, plural};
use crate::console::keymap::Context;
use crate::console::orders::{living, named, order, refusal};
use crate::console::theme::{Look, Theme};
use crate::console::view::View;
use crate::console::widgets::frame::popup;
use crate::console::widgets::text::{cells, width, wrap};
use crate::console::wish::{Ask, Wish};
use crate::domain::{AgentNo, Command, Money, Run, RunId, Targets, TaskState};

/// One possible answer.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// Its word on the button.
    pub(crate) word: String,
    /// Whether it destroys something.
    pub(crate) danger: bool,
    /// What is asked for then; nothing: all stays as it is.
    pub(crate) ask: Option<Ask>,
}

/// What a question is about. What a kill concerns is read from the run in every frame: agents end
/// while the operator thinks.
#[derive(Debug, Clone)]
enum About {
    Said(Vec<String>),
    Agents(Vec<AgentNo>),
    WholeRun,
}

/// A question.
#[derive(Debug, Clone)]
pub(crate) struct Confirm {
    title: String,
    about: About,
    choices: Vec<Choice>,
    chosen: usize,
}

impl Confirm {
    /// A question with its answers; `chosen` is the one that Enter takes at first.
    pub(crate) fn new(title: &str, lines: Vec<String>, choices: Vec<Choice>, chosen: usize) -> Self {
        Self { title: title.to_owned(), about: About::Said(lines), choices, chosen }
    }

    /// Asks before some agents are killed.
    pub(crate) fn kill(view: &View, run: &Run, agents: Vec<AgentNo>, by: &str) -> Wish {
        if let Some(refusal) = refusal(view, run) {
            return refusal;
        }
        let agents = living(run, agents);
        if agents.is_empty() {
            return Wish::Warn("nothing to kill: these have ended".to_owned());
        }
        let word = format!("kill {}", plural(agents.len() as u64, "agent"));
        let done = format!("killed {}", named(&agents));
        Self::kill_question(About::Agents(agents.clone()), word, Targets::some(run.id, agents), done, by)
    }

    /// Asks before a whole run is killed.
    pub(crate) fn kill_run(view: &View, run: &Run, by: &str) -> Wish {
        if let Some(refusal) = refusal(view, run) {
            return refusal;
        }
        let done = format!("killed {}", run.id);
        Self::kill_question(About::WholeRun, "kill the run".to_owned(), Targets::all(run.id), done, by)
    }

    fn kill_question(about: About, word: String, targets: Targets, done: String, by: &str) -> Wish {
        let ask = Ask::Submit { order: Box::new(order(by, Command::Kill(targets))), done };
        let choices = vec![
            Choice { word: "no".to_owned(), danger: false, ask: None },
            Choice { word, danger: true, ask: Some(ask) },
        ];
        Wish::Confirm(Box::new(Self { title: "kill?".to_owned(), about, choices, chosen: 0 }))
    }

    fn lines(&self, view: &View) -> Vec<String> {
        match (&self.about, view.run.as_deref()) {
            (About::Said(lines), _) => lines.clone(),
            (About::Agents(agents), Some(run)) => of_agents(run, agents),
            (About::WholeRun, Some(run)) => of_run(run),
            (_, None) => Vec::new(),
        }
    }

    /// Asks what becomes of live runs of this process when the console ends.
    pub(crate) fn quit(live: Vec<RunId>, by: &str) -> Self {
        let list: Vec<_> = live.iter().map(ToString::to_string).collect();
        let lines = vec![
            format!("{} of this console at work: {}", plural(live.len() as u64, "run"), list.join(", ")),
            "Without the console nothing works on. A suspended run can be continued".to_owned(),
            "later; calls under way are held at their bound as unconfirmed.".to_owned(),
        ];
        let choice = |word: &str, danger, ask| Choice { word: word.to_owned(), danger, ask };
        let kill = Ask::KillAndQuit { runs: live.clone(), by: by.to_owned() };
        let choices = vec![
            choice("stay", false, None),
            choice("suspend and quit", false, Some(Ask::Quit(Exit::Suspend(live)))),
            choice("kill and quit", true, Some(kill)),
        ];
        Self::new("quit?", lines, choices, 0)
    }

    /// The answer that is chosen.
    fn answer(&self) -> Wish {
        self.choices.get(self.chosen).and_then(|choice| choice.ask.clone()).map_or(Wish::Close, Wish::Ask)
    }

    fn buttons(&self, theme: &Theme) -> Line<'static> {
        let mut spans = Vec::new();
        for (index, choice) in self.choices.iter().enumerate() {
            let look = match (index == self.chosen, choice.danger) {
                (true, true) => Look::ButtonDanger,
                (true, false) => Look::ButtonChosen,
                (false, _) => Look::Button,
            };
            let (open, close) = if index == self.chosen { ("▸ ", " ◂") } else { ("  ", "  ") };
            spans.push(Span::styled(format!("{open}{}{close}", choice.word), theme.of(look)));
            spans.push(Span::raw("  "));
        }
        Line::from(spans)
    }
}

fn of_agents(run: &Run, asked: &[AgentNo]) -> Vec<String> {
    let agents = living(run, asked.to_vec());
    if agents.is_empty() {
        return vec![format!("{} of {}", named(asked), run.id), "ended meanwhile: nothing is left to kill.".to_owned()];
    }
    let tasks = agents.iter().filter_map(|no| run.agent(*no)).filter_map(|agent| run.task(agent.task));
    let calls: Vec<_> = tasks.filter_map(|task| task.call.as_ref()).collect();
    let held = calls.iter().map(|call| call.reserved).sum();
    vec![
        format!("{} of {}", named(&agents), run.id),
        under_way(calls.len() as u64, held),
        "Work so far is lost; a killed agent can't be resumed.".to_owned(),
    ]
}

fn of_run(run: &Run) -> Vec<String> {
    if run.state.is_final() {
        return vec![format!("the whole run {}", run.id), "ended meanwhile: nothing is left to kill.".to_owned()];
    }
    let open = u64::from(u32::try_from(run.tasks.len()).unwrap_or(u32::MAX).saturating_sub(run.tasks_ended()));
    let queued = run.tasks_in(TaskState::Queued) + run.tasks_in(TaskState::WaitsForMoney);
    vec![
        format!("the whole run {}: {}", run.id, plural(open, "agent")),
        under_way(u64::from(run.calls_under_way()), run.money.reserved),
        format!("{} never start. What is done already is kept.", plural(u64::from(queued), "queued task")),
    ]
}

fn under_way(calls: u64, held: Money) -> String {
    if calls == 0 {
        return "No call is under way; nothing is held.".to_owned();
    }
    format!(
        "{} under way, {} held: what the provider does not settle stays held as unconfirmed.",
        plural(calls, "call"),
        amount(held)
    )
}

impl Pane for Confirm {
    fn context(&self) -> Context {
        Context::Confirm
    }

    fn on(&mut self, action: Action, _view: &View) -> Option<Wish> {
        let last = self.choices.len().saturating_sub(1);
        match action {
            Action::ChooseNext => self.chosen = (self.chosen + 1).min(last),
            Action::ChoosePrevious => self.chosen = self.chosen.saturating_sub(1),
            Action::Back => return Some(Wish::Close),
            Action::Accept => return Some(self.answer()),
            _ => {}
        }
        None
    }

    fn draw(&self, view: &View, theme: &Theme, _focused: bool, area: Rect, buf: &mut Buffer) {
        let buttons = self.buttons(theme);
        let said = self.lines(view);
        let widest = said.iter().map(|line| width(line)).max().unwrap_or(0).max(buttons.width());
        let columns = (widest + 4).min(usize::from(area.width)).min(76);
        let lines: Vec<_> = said.iter().flat_map(|line| wrap(line, columns.saturating_sub(4))).collect();
        let title = Line::from(format!(" {} ", self.title));
        let inner = popup(title, (columns, lines.len() + 5), theme, area, buf);
        let size = usize::from(inner.width.saturating_sub(2));
        for (line, text) in (1_u16..).zip(&lines) {
            if line < inner.height {
                let look = if line == 1 { Look::Strong } else { Look::Text };
                let style: Style = theme.of(look);
                buf.set_stringn(inner.x + 1, inner.y + line, text, size, style);
            }
        }
        let y = (inner.y + cells(lines.len()) + 2).min(inner.bottom().saturating_sub(1));
        buf.set_line(inner.x + 1, y, &buttons, cells(size));
    }
}
