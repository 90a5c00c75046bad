//! The event log of the run: one line per event, following the newest.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Pane;
use crate::console::action::Action;
use crate::console::format::time_of_day;
use crate::console::keymap::Context;
use crate::console::log::Entry;
use crate::console::place::Place;
use crate::console::theme::{Look, Theme};
use crate::console::view::View;
use crate::console::widgets::frame::frame;
use crate::console::widgets::text::{fit, left};
use crate::console::wish::Wish;
use crate::domain::Severity;

/// The event log.
#[derive(Debug)]
pub(crate) struct Events {
    place: Place,
    /// The newest line that is shown stays the same while the operator reads: new lines push
    /// nothing away. It is the sequence number of the first line in sight.
    anchor: Option<u64>,
    verbose: bool,
}

impl Events {
    /// Following.
    pub(crate) fn new() -> Self {
        Self { place: Place::default(), anchor: None, verbose: false }
    }

    fn title(&self) -> String {
        let follow = if self.anchor.is_none() { "follow" } else { "held" };
        let verbose = if self.verbose { " ─ all" } else { "" };
        format!(" events ─ {follow}{verbose} ")
    }

    fn shown<'a>(&self, view: &'a View) -> impl Iterator<Item = &'a Entry> {
        let lines = view.log.lines(self.verbose);
        let range = self.place.shown(lines.len());
        lines.range(range)
    }

    /// Keeps the first line in sight where it is, or follows again at the end.
    fn hold(&mut self, view: &View) {
        let lines = view.log.lines(self.verbose);
        let at_end = self.place.top + self.place.page >= lines.len();
        self.anchor = lines.get(self.place.top).filter(|_| !at_end).map(|entry| entry.seq);
    }
}

impl Pane for Events {
    fn context(&self) -> Context {
        Context::Events
    }

    fn on(&mut self, action: Action, view: &View) -> Option<Wish> {
        let length = view.log.lines(self.verbose).len();
        if self.place.scrolled(action, length) {
            self.hold(view);
            return None;
        }
        match action {
            Action::Follow | Action::Back => self.anchor = None,
            Action::Verbose => self.verbose = !self.verbose,
            _ => {}
        }
        None
    }

    fn settle(&mut self, view: &View, area: Rect) {
        let lines = view.log.lines(self.verbose);
        self.place.page = usize::from(area.height.saturating_sub(2));
        let last = lines.len().saturating_sub(self.place.page);
        self.place.top = match self.anchor {
            Some(seq) => lines.partition_point(|entry| entry.seq < seq).min(last),
            None => last,
        };
    }

    fn draw(&self, view: &View, theme: &Theme, focused: bool, area: Rect, buf: &mut Buffer) {
        let inner = frame(Line::from(self.title()), focused, theme, area, buf);
        for (y, entry) in (inner.top()..inner.bottom()).zip(self.shown(view)) {
            buf.set_line(inner.x, y, &line(entry, view, theme, usize::from(inner.width)), inner.width);
        }
    }
}

fn line(entry: &Entry, view: &View, theme: &Theme, size: usize) -> Line<'static> {
    let look = look(entry.severity);
    let quiet = entry.severity <= Severity::Info;
    let text = if quiet { Look::Text } else { look };
    let time = time_of_day(entry.at, view.zone);
    // Milliseconds give way where there is little room.
    let time = if size < 70 { time.get(..8).unwrap_or(&time).to_owned() } else { time };
    let agent = entry.agent.map_or_else(|| "run".to_owned(), |no| format!("{no:03}"));
    let used = time.len() + 5 + agent.len().max(3) + 7;
    Line::from(vec![
        Span::styled(format!(" {time}  "), theme.of(Look::Dim)),
        Span::styled(left(entry.severity.word(), 5), theme.of(look)),
        Span::styled(format!("  {}  ", left(&agent, agent.len().max(3))), theme.of(Look::Dim)),
        Span::styled(fit(&entry.text, size.saturating_sub(used)).into_owned(), theme.of(text)),
    ])
}

/// How a severity looks.
pub(crate) const fn look(severity: Severity) -> Look {
    match severity {
        Severity::Debug => Look::Debug,
        Severity::Info => Look::Info,
        Severity::Warn => Look::Warn,
        Severity::Error => Look::Error,
    }
}
