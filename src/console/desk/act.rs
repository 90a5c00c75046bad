//! What actions do: those for the console itself here, the rest go to the pane that takes keys.

use super::Desk;
use crate::console::Exit;
use crate::console::action::Action;
use crate::console::confirm::Confirm;
use crate::console::layout::PaneId;
use crate::console::overlay::Overlay;
use crate::console::panes::detail::Detail;
use crate::console::panes::help::Help;
use crate::console::panes::runs::Runs;
use crate::console::theme::{SHIPPED, load};
use crate::console::wish::{Ask, Wish};
use crate::domain::RunId;

impl Desk {
    /// Does what an action says.
    pub(super) fn act(&mut self, action: Action) -> Vec<Ask> {
        match action {
            Action::Suspend => return vec![Ask::Suspend],
            Action::Redraw => return vec![Ask::Redraw],
            Action::Quit => return self.quit(false),
            Action::Interrupt => return self.quit(true),
            Action::Help => self.overlays.push(Overlay::Help(Help::new(&self.view.keys, self.context()))),
            Action::Theme => self.next_theme(),
            Action::Runs => {
                let watched = self.view.run.as_ref().map(|run| run.id);
                self.overlays.push(Overlay::Runs(Runs::new(self.by.clone(), watched)));
            }
            _ if !self.overlays.is_empty() => return self.hand_over(action),
            Action::NextPane => self.focus = self.focus.beside(true),
            Action::PreviousPane => self.focus = self.focus.beside(false),
            Action::Prompt => {
                self.focus = PaneId::Prompt;
                self.prompt.entered(&self.view);
            }
            Action::Events => self.focus = PaneId::Events,
            Action::Zoom => self.zoom = !self.zoom,
            _ => return self.hand_over(action),
        }
        Vec::new()
    }

    fn hand_over(&mut self, action: Action) -> Vec<Ask> {
        let (pane, view) = self.top();
        let wish = pane.on(action, view);
        if action == Action::Back && self.overlays.is_empty() && self.focus != PaneId::Prompt {
            self.zoom = false;
            self.focus = PaneId::Agents;
        }
        wish.map(|wish| self.grant(wish)).unwrap_or_default()
    }

    /// Does what a pane wants, or asks the world for it.
    pub(super) fn grant(&mut self, wish: Wish) -> Vec<Ask> {
        match wish {
            Wish::Ask(ask) => return self.ask(ask),
            Wish::Confirm(confirm) => self.overlays.push(Overlay::Confirm(confirm)),
            Wish::Detail(agent) => {
                self.overlays.push(Overlay::Detail(Box::new(Detail::new(self.by.clone(), agent))));
                return self.missing_texts();
            }
            Wish::Close => {
                self.overlays.pop();
            }
            Wish::Leave => self.focus = PaneId::Agents,
            Wish::Warn(text) => self.say(&text, true),
        }
        Vec::new()
    }

    fn ask(&mut self, ask: Ask) -> Vec<Ask> {
        if matches!(self.overlays.last(), Some(Overlay::Confirm(_))) {
            self.overlays.pop();
        }
        match &ask {
            Ask::Open(run) => self.open(*run),
            Ask::KillAndQuit { runs, .. } => {
                let text = format!("killing {} …", runs.len());
                self.say(&text, false);
            }
            _ => {}
        }
        vec![ask]
    }

    /// Makes room for another run.
    pub(crate) fn open(&mut self, run: RunId) {
        self.overlays.clear();
        self.focus = PaneId::Agents;
        if self.view.run.as_ref().is_none_or(|known| known.id != run) {
            self.view.opening = Some(run);
        }
    }

    /// The texts that the open details still need.
    pub(super) fn missing_texts(&mut self) -> Vec<Ask> {
        let Some(run) = self.view.run.as_deref() else { return Vec::new() };
        let details = self.overlays.iter_mut().filter_map(|overlay| match overlay {
            Overlay::Detail(detail) => Some(detail),
            _ => None,
        });
        details.flat_map(|detail| detail.wanted(run)).collect()
    }

    fn quit(&mut self, interrupt: bool) -> Vec<Ask> {
        let live = self.own_live();
        if live.is_empty() {
            return vec![Ask::Quit(Exit::Quit)];
        }
        if interrupt && self.interrupted {
            return vec![Ask::Quit(Exit::Suspend(live))];
        }
        self.interrupted = interrupt;
        if !matches!(self.overlays.last(), Some(Overlay::Confirm(_))) {
            self.overlays.push(Overlay::Confirm(Box::new(Confirm::quit(live, &self.by))));
        }
        if interrupt {
            self.say("ctrl-c again quits at once and leaves live runs suspended", true);
        }
        Vec::new()
    }

    /// The live runs of this process.
    pub(crate) fn own_live(&self) -> Vec<RunId> {
        let watched = self.view.run.as_deref().map(|run| (run.id, run.state));
        let listed = self.view.rows.iter().map(|row| (row.id, row.state));
        let listed = listed.filter(|(id, _)| watched.is_none_or(|(watched, _)| watched != *id));
        let live =
            watched.into_iter().chain(listed).filter(|(_, state)| !state.is_final() && state.word() != "suspended");
        live.map(|(id, _)| id).filter(|id| self.view.own.contains(id)).collect()
    }

    fn next_theme(&mut self) {
        let at = SHIPPED.iter().position(|(name, _)| *name == self.theme.name());
        let to = at.map_or(0, |at| (at + 1) % SHIPPED.len());
        let Some((name, _)) = SHIPPED.get(to) else { return };
        match load(name, self.theme_dir.as_deref(), self.depth) {
            Ok(theme) => {
                self.theme = theme;
                self.say(&format!("theme {name}"), false);
            }
            Err(error) => self.say(&error.to_string(), true),
        }
    }
}
