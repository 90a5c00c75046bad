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
use crate::console::widgets::text::{left, width};
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

/// One line of it.
#[derive(Debug)]
enum Entry {
    Heading(&'static str),
    Key(String, String),
    Space,
}

/// The help.
#[derive(Debug)]
pub(crate) struct Help {
    place: Place,
    entries: Vec<Entry>,
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
        Self { place: Place::default(), entries }
    }

    fn size(&self, area: Rect) -> (usize, usize) {
        (82, (self.entries.len() + 2).min(usize::from(area.height.saturating_sub(2))))
    }
}

impl Pane for Help {
    fn context(&self) -> Context {
        Context::Help
    }

    fn on(&mut self, action: Action, _view: &View) -> Option<Wish> {
        let scrolled = self.place.scrolled(action, self.entries.len());
        (!scrolled && action == Action::Back).then_some(Wish::Close)
    }

    fn settle(&mut self, _view: &View, area: Rect) {
        let inner = centered(self.size(area), area).height.saturating_sub(2);
        self.place.page = usize::from(inner);
    }

    fn draw(&self, _view: &View, theme: &Theme, _focused: bool, area: Rect, buf: &mut Buffer) {
        let inner = popup(Line::from(" keys "), self.size(area), theme, area, buf);
        let keys = self.entries.iter().map(|entry| match entry {
            Entry::Key(keys, _) => width(keys),
            _ => 0,
        });
        let column = keys.max().unwrap_or(0) + 2;
        for (y, entry) in (inner.top()..inner.bottom()).zip(self.entries.iter().skip(self.place.top)) {
            let line = match entry {
                Entry::Heading(text) => Line::styled(*text, theme.of(Look::TitleFocused)),
                Entry::Space => Line::default(),
                Entry::Key(keys, text) => Line::from(vec![
                    Span::styled(format!("  {}", left(keys, column)), theme.of(Look::Key)),
                    Span::styled(text.clone(), theme.of(Look::Text)),
                ]),
            };
            buf.set_line(inner.x + 1, y, &line, inner.width.saturating_sub(2));
        }
    }
}
