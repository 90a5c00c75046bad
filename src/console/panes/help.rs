//! The help: every key that works where the operator is, made from the key map.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Pane;
use crate::console::action::Action;
use crate::console::keymap::{Context, KeyMap};
use crate::console::place::Place;
use crate::console::theme::{Look, Theme};
use crate::console::view::View;
use crate::console::widgets::frame::{centered, popup};
use crate::console::widgets::text::{left, width, wrap};
use crate::console::wish::Wish;

/// The order in which the rest of the keys is shown.
const REST: &[Context] = &[
    Context::Agents,
    Context::Events,
    Context::Prompt,
    Context::Field,
    Context::Choice,
    Context::Runs,
    Context::Detail,
    Context::Confirm,
    Context::Filter,
    Context::List,
    Context::Global,
];

/// What the help says, before it is fitted to a width.
#[derive(Debug)]
enum Entry {
    Heading(&'static str),
    Key(String, String),
    Space,
}

/// The widest that it becomes.
const WIDEST: usize = 96;

/// The help.
#[derive(Debug)]
pub(crate) struct Help {
    place: Place,
    entries: Vec<Entry>,
    /// Cells of the keys, the widest with what is around them.
    column: usize,
    lines: Vec<Entry>,
}

impl Help {
    /// For a context: what works there first, then everything else.
    pub(crate) fn new(keys: &KeyMap, context: Context) -> Self {
        let rest = REST.iter().filter(|other| !context.chain().contains(other));
        let mut entries = Vec::new();
        for context in context.chain().iter().chain(rest) {
            let lines: Vec<_> = keys.of(*context).map(|b| Entry::Key(b.keys_shown(), b.description.clone())).collect();
            if !lines.is_empty() {
                entries.push(Entry::Heading(context.heading()));
                entries.extend(lines);
                entries.push(Entry::Space);
            }
        }
        entries.pop();
        let widths = entries.iter().map(|entry| if let Entry::Key(keys, _) = entry { width(keys) } else { 0 });
        let column = widths.max().unwrap_or(0) + 2;
        Self { place: Place::default(), entries, column, lines: Vec::new() }
    }

    /// Descriptions that are too long for the screen go on in the next line.
    fn fit(&mut self, size: usize) {
        let room = size.saturating_sub(self.column + 2).max(1);
        self.lines.clear();
        for entry in &self.entries {
            match entry {
                Entry::Heading(text) => self.lines.push(Entry::Heading(text)),
                Entry::Space => self.lines.push(Entry::Space),
                Entry::Key(keys, text) => {
                    let mut keys = Some(keys.clone());
                    let lines = wrap(text, room).into_iter();
                    self.lines.extend(lines.map(|line| Entry::Key(keys.take().unwrap_or_default(), line)));
                }
            }
        }
    }

    fn size(&self, area: Rect) -> (usize, usize) {
        (WIDEST, (self.lines.len() + 2).min(usize::from(area.height.saturating_sub(2))))
    }
}

impl Pane for Help {
    fn context(&self) -> Context {
        Context::Help
    }

    fn on(&mut self, action: Action, _view: &View) -> Option<Wish> {
        let scrolled = self.place.scrolled(action, self.lines.len());
        (!scrolled && action == Action::Back).then_some(Wish::Close)
    }

    fn settle(&mut self, _view: &View, area: Rect) {
        let inner = centered((WIDEST, usize::from(area.height)), area).width.saturating_sub(4);
        self.fit(usize::from(inner));
        self.place.page = usize::from(centered(self.size(area), area).height.saturating_sub(2));
        self.place.top = self.place.top.min(self.lines.len().saturating_sub(self.place.page));
    }

    fn draw(&self, _view: &View, theme: &Theme, _focused: bool, area: Rect, buf: &mut Buffer) {
        let more = self.lines.len() > self.place.top + self.place.page;
        let title = if more { " keys ─ ↓ more " } else { " keys " };
        let inner = popup(Line::from(title), self.size(area), theme, area, buf);
        for (y, entry) in (inner.top()..inner.bottom()).zip(self.lines.iter().skip(self.place.top)) {
            let line = match entry {
                Entry::Heading(text) => Line::styled(*text, theme.of(Look::TitleFocused)),
                Entry::Space => Line::default(),
                Entry::Key(keys, text) => Line::from(vec![
                    Span::styled(format!("  {}", left(keys, self.column)), theme.of(Look::Key)),
                    Span::styled(text.clone(), theme.of(Look::Text)),
                ]),
            };
            buf.set_line(inner.x + 1, y, &line, inner.width.saturating_sub(2));
        }
    }
}
