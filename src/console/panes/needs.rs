//! What needs the operator: limits that tripped, failures, money that is waited for, runs that
//! nobody is at work on. Facts only.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Pane;
use crate::console::action::Action;
use crate::console::format::plural;
use crate::console::keymap::{Context, KeyMap};
use crate::console::theme::{Look, Theme};
use crate::console::view::View;
use crate::console::widgets::frame::frame;
use crate::console::widgets::text::fit;
use crate::domain::state::Closing;
use crate::domain::{AgentState, Run, RunState, Severity, TaskState};

/// What needs the operator.
#[derive(Debug)]
pub(crate) struct Needs;

/// All of it, the most pressing first.
pub(crate) fn needs(view: &View) -> Vec<String> {
    let mut needs = view.run.as_deref().map(|run| of_run(run, &view.keys)).unwrap_or_default();
    let watched = view.run.as_ref().map(|run| run.id);
    let suspended = view.rows.iter().filter(|row| row.state == RunState::Suspended && Some(row.id) != watched).count();
    if suspended > 0 {
        let key = view.keys.key_of(Context::Agents, Action::Runs);
        needs.push(format!("{} suspended: {key} lists them", plural(suspended as u64, "run")));
    }
    needs
}

fn of_run(run: &Run, keys: &KeyMap) -> Vec<String> {
    let key = |action| keys.key_of(Context::Agents, action);
    let mut needs = Vec::new();
    if let Some(why) = run.closing.filter(|why| *why != Closing::Operator) {
        needs.push(format!("nothing more starts: {}", why.word()));
    } else if let Some(limit) = run.limit_hit.filter(|_| run.state.is_live()) {
        needs.push(format!("limit {limit} was reached"));
    }
    match run.state {
        RunState::Suspended => needs.push(format!("suspended: {} continues it", key(Action::ResumeAll))),
        RunState::Paused => needs.push(format!("the run is paused: {} resumes it", key(Action::ResumeAll))),
        _ => {}
    }
    // Calls at work give money back when they settle; without any, only the operator can help.
    let waiting = run.tasks_in(TaskState::WaitsForMoney);
    if waiting > 0 && run.agents_in(AgentState::Working) == 0 {
        needs.push(format!("{} for money", wait(waiting)));
    }
    let failed = run.tasks_in(TaskState::Failed);
    if failed > 0 {
        needs.push(format!("{failed} failed: {} shows only these", key(Action::Failures)));
    }
    needs
}

fn wait(number: u32) -> String {
    if number == 1 { "1 task waits".to_owned() } else { format!("{number} tasks wait") }
}

impl Pane for Needs {
    fn context(&self) -> Context {
        Context::Side
    }

    fn draw(&self, view: &View, theme: &Theme, focused: bool, area: Rect, buf: &mut Buffer) {
        let inner = frame(Line::from(" needs you "), focused, theme, area, buf);
        let size = usize::from(inner.width).saturating_sub(4);
        let needs = needs(view);
        let mut lines: Vec<Line<'_>> = needs.iter().map(|text| need(text, theme, size)).collect();
        if lines.is_empty() {
            lines.push(Line::styled("nothing", theme.of(Look::Dim)));
        } else {
            let troubles = view.log.troubles().filter(|entry| entry.severity == Severity::Error);
            lines.extend(
                troubles
                    .map(|entry| {
                        let who = entry.agent.map_or_else(|| "run".to_owned(), |no| format!("{no:03}"));
                        Line::styled(
                            fit(&format!("  {who} {}", entry.text), size + 2).into_owned(),
                            theme.of(Look::Dim),
                        )
                    })
                    .take(usize::from(inner.height)),
            );
        }
        for (y, line) in (inner.top()..inner.bottom()).zip(lines) {
            buf.set_line(inner.x + 1, y, &line, inner.width.saturating_sub(1));
        }
    }
}

fn need(text: &str, theme: &Theme, size: usize) -> Line<'static> {
    Line::from(vec![
        Span::styled("▲ ", theme.of(Look::Attention)),
        Span::styled(fit(text, size).into_owned(), theme.of(Look::Text)),
    ])
}
