//! One frame.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Desk;
use crate::console::keymap::Context;
use crate::console::layout::{PaneId, Places};
use crate::console::panes::{footer, header, money, prompt, quota};
use crate::console::theme::Look;

impl Desk {
    /// Draws everything that is in sight; nothing is waited for.
    pub(crate) fn draw(&mut self, screen: Rect, buf: &mut Buffer) {
        self.dirty = false;
        buf.set_style(screen, self.theme.of(Look::Screen));
        let writing = self.focus == PaneId::Prompt;
        let lines = if writing { prompt::height(&self.prompt, screen) } else { 1 };
        let Some(places) = Places::of(screen, self.focus, self.zoom, lines, self.view.run.is_some()) else {
            header::too_small(&self.theme, screen, buf);
            return;
        };
        self.settle(&places, screen);
        self.draw_panes(&places, buf);
        self.draw_lines(&places, writing, buf);
        if let Some((top, below)) = self.overlays.split_last() {
            let body = Rect { height: screen.height - 1, ..screen };
            // What is below steps back, so that what is on top stands out.
            let below_header = Rect { y: body.y + 1, height: body.height - 1, ..body };
            buf.set_style(below_header, self.theme.of(Look::Dim));
            for overlay in below {
                overlay.pane().draw(&self.view, &self.theme, false, body, buf);
            }
            top.pane().draw(&self.view, &self.theme, true, body, buf);
        }
    }

    fn settle(&mut self, places: &Places, screen: Rect) {
        for (id, area) in &places.panes {
            let (pane, view) = self.pane_and_view(*id);
            pane.settle(view, *area);
        }
        let body = Rect { height: screen.height - 1, ..screen };
        for overlay in &mut self.overlays {
            overlay.pane_mut().settle(&self.view, body);
        }
    }

    fn draw_panes(&self, places: &Places, buf: &mut Buffer) {
        for (id, area) in &places.panes {
            let focused = self.overlays.is_empty() && *id == self.focus;
            self.pane(*id).draw(&self.view, &self.theme, focused, *area, buf);
        }
    }

    fn draw_lines(&self, places: &Places, writing: bool, buf: &mut Buffer) {
        let (view, theme) = (&self.view, &self.theme);
        header::draw(view, theme, places.header, buf);
        if let Some(strip) = places.strip {
            money::compact(view, theme, Rect { height: 1, ..strip }, buf);
            quota::compact(view, theme, Rect { y: strip.y + 1, height: 1, ..strip }, buf);
        }
        if writing {
            let focused = self.overlays.is_empty();
            self.pane(PaneId::Prompt).draw(view, theme, focused, places.prompt, buf);
        } else {
            prompt::compact(&self.prompt, view, theme, places.prompt, buf);
        }
        let context = match self.context() {
            Context::Agents if view.run.is_none() => Context::Global,
            context => context,
        };
        footer::draw(&view.keys, context, self.notice.as_ref(), theme, places.footer, buf);
    }
}
