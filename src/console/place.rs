//! A place in a list that is longer than the screen.

use super::action::Action;

/// A cursor and the first line that is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The line that the cursor is on.
    pub(crate) cursor: usize,
    /// The first line that is shown.
    pub(crate) top: usize,
    /// How many lines are shown.
    pub(crate) page: usize,
}

impl Place {
    /// Moves the cursor in a list of `length`; says whether the action is a movement.
    pub(crate) fn moved(&mut self, action: Action, length: usize) -> bool {
        let Some(to) = self.target(self.cursor, action, length) else { return false };
        self.cursor = to.min(length.saturating_sub(1));
        true
    }

    /// Scrolls a text of `length` lines that has no cursor; says whether the action is a movement.
    pub(crate) fn scrolled(&mut self, action: Action, length: usize) -> bool {
        let Some(to) = self.target(self.top, action, length) else { return false };
        self.top = to.min(length.saturating_sub(self.page));
        true
    }

    /// Takes note of how many lines are shown, and keeps the cursor among them.
    pub(crate) fn settle(&mut self, length: usize, page: usize) {
        self.page = page;
        self.cursor = self.cursor.min(length.saturating_sub(1));
        self.top = self.top.min(length.saturating_sub(page)).min(self.cursor);
        if self.cursor >= self.top + page {
            self.top = (self.cursor + 1).saturating_sub(page);
        }
    }

    /// The lines that are shown.
    pub(crate) fn shown(&self, length: usize) -> std::ops::Range<usize> {
        let top = self.top.min(length);
        top..(top + self.page).min(length)
    }

    fn target(&self, from: usize, action: Action, length: usize) -> Option<usize> {
        let page = self.page.saturating_sub(1).max(1);
        Some(match action {
            Action::Up => from.saturating_sub(1),
            Action::Down => from + 1,
            Action::PageUp => from.saturating_sub(page),
            Action::PageDown => from + page,
            Action::HalfUp => from.saturating_sub(page.div_ceil(2)),
            Action::HalfDown => from + page.div_ceil(2),
            Action::Top => 0,
            Action::Bottom => length,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_in_the_list_and_in_sight() {
        let mut place = Place::default();
        place.settle(100, 10);
        assert!(place.moved(Action::Bottom, 100));
        place.settle(100, 10);
        assert_eq!((place.cursor, place.top), (99, 90));
        place.moved(Action::PageUp, 100);
        place.settle(100, 10);
        assert_eq!((place.cursor, place.top), (90, 90));
        place.settle(3, 10);
        assert_eq!((place.cursor, place.top, place.shown(3)), (2, 0, 0..3));
        assert!(!place.moved(Action::Kill, 3));
        place.settle(0, 0);
        assert_eq!(place.shown(0), 0..0);
    }
}
