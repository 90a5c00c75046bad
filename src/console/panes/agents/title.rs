//! The line above the grid: how many agents are in which state, what is marked, and the filter.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Agents, Sort};
use crate::console::status::Status;
use crate::console::theme::{Look, Theme};
use crate::console::widgets::segments::{Segment, join};
use crate::domain::{AgentState, Run, RunState, TaskState};

/// The title where there is no run.
pub(super) fn plain() -> Line<'static> {
    Line::from(" agents ")
}

impl Agents {
    /// The title for `width` cells of frame.
    pub(super) fn title(&self, run: &Run, theme: &Theme, focused: bool, width: usize) -> Line<'static> {
        let own = theme.of(if focused { Look::TitleFocused } else { Look::Title });
        let mut segments = vec![Segment::new(format!("agents ─ {}", run.agents.len()), own, 0)];
        segments.extend(self.chosen(theme));
        segments.extend(counts(run, theme));
        let mut line = join(segments, 2, width.saturating_sub(4));
        line.spans.insert(0, Span::raw(" "));
        line.push_span(Span::raw(" "));
        line
    }

    /// What the operator chose: filter, marks, order.
    fn chosen(&self, theme: &Theme) -> Vec<Segment> {
        let mut chosen = Vec::new();
        if self.writing {
            let mut spans = vec![Span::styled("/", theme.of(Look::Key))];
            spans.extend(self.filter.line(16, true, Look::FieldFocused, theme).spans);
            chosen.push(Segment::of(spans, 0));
        } else if !self.filter.text().is_empty() {
            let words = format!("/{} ({})", self.filter.text(), self.order.len());
            chosen.push(Segment::new(words, theme.of(Look::Attention), 1));
        }
        if !self.marks.is_empty() {
            chosen.push(Segment::new(format!("◆ {} marked", self.marks.len()), theme.of(Look::Mark), 1));
        }
        if self.order.sort() != Sort::Number {
            chosen.push(Segment::new(format!("by {}", self.order.sort().word()), theme.of(Look::Dim), 1));
        }
        chosen
    }
}

/// Facts of the run: how many agents or tasks are in a state. Nothing is shown of nobody.
fn counts(run: &Run, theme: &Theme) -> Vec<Segment> {
    let at_work = if run.state == RunState::Suspended { Status::Lost } else { Status::Working };
    let counts = [
        (at_work, run.agents_in(AgentState::Working), 2),
        (Status::Paused, run.agents_in(AgentState::Paused), 3),
        (Status::WaitsForMoney, run.tasks_in(TaskState::WaitsForMoney), 3),
        (Status::Queued, run.tasks_in(TaskState::Queued), 5),
        (Status::Done, run.tasks_in(TaskState::Completed), 4),
        (Status::Failed, run.tasks_in(TaskState::Failed), 2),
        (Status::Cancelled, run.tasks_in(TaskState::Cancelled), 5),
    ];
    let some = counts.into_iter().filter(|(_, count, _)| *count > 0);
    some.map(|(status, count, rank)| {
        let look: Style = theme.of(status.look());
        Segment::new(format!("{} {count} {}", status.symbol(), status.word()), look, rank)
    })
    .collect()
}
