//! The agent grid: one line per agent. Only the lines in sight are built, however many there are.

mod order;
mod row;
mod title;

use std::collections::BTreeSet;
use std::ops::Range;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::order::{Order, Sort};
use super::Pane;
use crate::console::action::Action;
use crate::console::confirm::Confirm;
use crate::console::empty;
use crate::console::keymap::Context;
use crate::console::orders;
use crate::console::place::Place;
use crate::console::theme::{Look, Theme};
use crate::console::view::View;
use crate::console::widgets::frame::frame;
use crate::console::widgets::input::Input;
use crate::console::wish::Wish;
use crate::domain::{AgentNo, Mono, Run, RunId};

#[cfg(test)]
pub(crate) use self::row::ROWS_BUILT;

/// The text by which [`Action::Failures`] filters.
const FAILED: &str = "failed";

/// The agent grid.
pub(crate) struct Agents {
    by: String,
    run: Option<RunId>,
    order: Order,
    place: Place,
    /// The agent under the cursor: the cursor stays on it when lines move.
    picked: AgentNo,
    /// Whether the cursor rides on the first agent at work.
    follow: bool,
    marks: BTreeSet<AgentNo>,
    filter: Input,
    writing: bool,
}

impl Agents {
    /// Empty; `by` signs its orders.
    pub(crate) fn new(by: String) -> Self {
        Self {
            by,
            run: None,
            order: Order::default(),
            place: Place::default(),
            picked: 0,
            follow: true,
            marks: BTreeSet::new(),
            filter: Input::default(),
            writing: false,
        }
    }

    /// Another run, or the same anew: what was chosen in another is forgotten.
    pub(crate) fn reset(&mut self, run: &Run) {
        if self.run != Some(run.id) {
            *self = Self { run: Some(run.id), ..Self::new(std::mem::take(&mut self.by)) };
        }
        self.order.stale();
    }

    /// Takes note that something has changed.
    pub(crate) fn changed(&mut self) {
        self.order.stale();
    }

    /// When the order should be made anew.
    pub(crate) fn wake(&self) -> Option<Mono> {
        self.order.due()
    }

    /// Makes the order anew where it is time; says whether it did.
    pub(crate) fn tick(&mut self, view: &View) -> bool {
        let Some(run) = view.run.as_deref() else { return false };
        self.order.refresh(run, self.filter.text(), view.now.mono)
    }

    /// The agents in sight.
    pub(crate) fn in_sight(&self) -> impl Iterator<Item = AgentNo> + '_ {
        self.rows().filter_map(|row| self.order.agent(row))
    }

    /// How many attempts were made beyond the first ones.
    pub(crate) fn retries(&self) -> u64 {
        self.order.retries()
    }

    fn rows(&self) -> Range<usize> {
        self.place.shown(self.order.len())
    }

    fn rebuild(&mut self, view: &View) {
        if let Some(run) = view.run.as_deref() {
            self.order.rebuild(run, self.filter.text(), view.now.mono);
            self.place.cursor = self.order.row_of(self.picked).unwrap_or(0);
            self.pick();
        }
    }

    fn pick(&mut self) {
        if let Some(agent) = self.order.agent(self.place.cursor) {
            self.picked = agent;
        }
    }

    fn mark(&mut self) {
        if !self.marks.remove(&self.picked) {
            self.marks.insert(self.picked);
        }
        self.place.moved(Action::Down, self.order.len());
        self.pick();
    }

    /// Marks all agents that the filter shows, or inverts where some are marked.
    fn mark_all(&mut self) {
        let inverted = self.order.all().filter(|agent| !self.marks.contains(agent)).collect();
        self.marks = inverted;
    }

    /// The marked agents, or the one under the cursor.
    fn targets(&self, run: &Run) -> Vec<AgentNo> {
        if !self.marks.is_empty() {
            return self.marks.iter().copied().collect();
        }
        run.agent(self.picked).map(|_| self.picked).into_iter().collect()
    }

    fn set_filter(&mut self, text: &str, view: &View) {
        self.filter.set(text);
        self.follow = text.is_empty() && self.follow;
        self.rebuild(view);
    }

    fn back(&mut self, view: &View) {
        if self.writing || !self.filter.text().is_empty() {
            self.writing = false;
            self.set_filter("", view);
        } else {
            self.marks.clear();
        }
    }

    fn command(&mut self, action: Action, view: &View, run: &Run) -> Option<Wish> {
        // What is acted on must not move away from under the cursor.
        self.follow = false;
        let targets = self.targets(run);
        Some(match action {
            Action::Pause => orders::pause(view, run, targets, &self.by),
            Action::Resume => orders::resume(view, run, targets, &self.by),
            Action::Kill => Confirm::kill(view, run, targets, &self.by),
            Action::PauseAll => orders::pause_run(view, run, &self.by),
            Action::ResumeAll => orders::resume_run(view, run, &self.by),
            Action::KillAll => Confirm::kill_run(view, run, &self.by),
            Action::Open => Wish::Detail(self.picked),
            _ => return None,
        })
    }
}

impl Pane for Agents {
    fn context(&self) -> Context {
        if self.writing { Context::Filter } else { Context::Agents }
    }

    fn on(&mut self, action: Action, view: &View) -> Option<Wish> {
        let run = view.run.as_deref()?;
        if self.place.moved(action, self.order.len()) {
            self.follow = false;
            self.pick();
            return None;
        }
        match action {
            Action::Mark => {
                self.follow = false;
                self.mark();
            }
            Action::MarkAll => self.mark_all(),
            Action::Filter => self.writing = true,
            Action::Accept => self.writing = false,
            Action::Back => self.back(view),
            Action::Failures => {
                let text = if self.filter.text() == FAILED { "" } else { FAILED };
                self.set_filter(text, view);
            }
            Action::Follow => self.follow = true,
            Action::Sort => {
                self.order.next_sort();
                // What the order puts first is what it was asked for, also when that changes.
                self.follow = true;
                self.rebuild(view);
            }
            _ => return self.command(action, view, run),
        }
        None
    }

    fn key(&mut self, key: KeyEvent, view: &View) {
        if self.filter.key(key) {
            self.rebuild(view);
        }
    }

    fn paste(&mut self, text: &str, view: &View) {
        if self.writing {
            self.filter.insert(text);
            self.rebuild(view);
        }
    }

    fn settle(&mut self, view: &View, area: Rect) {
        let Some(run) = view.run.as_deref() else { return };
        self.order.cover(run);
        let page = usize::from(area.height).saturating_sub(3);
        let lines = self.order.len();
        let row = if self.follow { Some(self.order.followed()) } else { self.order.row_of(self.picked) };
        self.place.cursor = row.unwrap_or(self.place.cursor);
        if self.follow {
            // Two that have ended stay in sight above the first that has not.
            self.place.top = self.place.cursor.saturating_sub(2);
        }
        self.place.settle(lines, page);
        self.pick();
    }

    fn draw(&self, view: &View, theme: &Theme, focused: bool, area: Rect, buf: &mut Buffer) {
        let Some(run) = view.run.as_deref() else {
            let inner = frame(title::plain(), focused, theme, area, buf);
            return empty::draw(view, theme, inner, buf);
        };
        let title = self.title(run, theme, focused, usize::from(area.width));
        let inner = frame(title, focused, theme, area, buf);
        let columns = row::Columns::of(run, usize::from(inner.width));
        buf.set_line(inner.x, inner.y, &columns.heading(theme), inner.width);
        for (line, row) in (1..inner.height).zip(self.rows()) {
            let Some(no) = self.order.agent(row) else { continue };
            let marked = self.marks.contains(&no);
            let y = inner.y + line;
            if row == self.place.cursor {
                let look = theme.of(if focused { Look::Selection } else { Look::Screen });
                buf.set_style(Rect { y, height: 1, ..inner }, look);
            }
            let mark = row::Marks { cursor: row == self.place.cursor, marked };
            buf.set_line(inner.x, y, &columns.row(view, run, no, mark, theme), inner.width);
        }
        if self.order.len() == 0 {
            let words = format!("nothing matches `{}`", self.filter.text());
            buf.set_stringn(inner.x + 2, inner.y + 1, words, usize::from(inner.width), theme.of(Look::Dim));
        }
    }
}
