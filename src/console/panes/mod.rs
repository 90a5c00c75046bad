//! The panes: one file each. A pane knows its own cursor and reads the [`View`]; what it wants done
//! it says as a [`Wish`].

pub(crate) mod agents;
pub(crate) mod detail;
pub(crate) mod events;
pub(crate) mod footer;
pub(crate) mod header;
pub(crate) mod help;
pub(crate) mod money;
pub(crate) mod needs;
pub(crate) mod prompt;
pub(crate) mod quota;
pub(crate) mod runs;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::action::Action;
use super::keymap::Context;
use super::theme::Theme;
use super::view::View;
use super::wish::Wish;

/// A part of the screen.
pub(crate) trait Pane {
    /// Which keys have a meaning here.
    fn context(&self) -> Context;

    /// Takes an action that is for this pane.
    fn on(&mut self, _action: Action, _view: &View) -> Option<Wish> {
        None
    }

    /// Takes a key that the key map has no meaning for, where text is written.
    fn key(&mut self, _key: KeyEvent, _view: &View) {}

    /// Takes text that was pasted, clean.
    fn paste(&mut self, _text: &str, _view: &View) {}

    /// Learns its place before a frame, to keep its cursor in sight.
    fn settle(&mut self, _view: &View, _area: Rect) {}

    /// Draws itself: reads only, waits for nothing.
    fn draw(&self, view: &View, theme: &Theme, focused: bool, area: Rect, buf: &mut Buffer);
}
