//! The whole console without a terminal, an engine or a clock: keys and answers go in, what it asks
//! of the world comes out, and a frame can be drawn at any time. So it can be tested as a value.

mod act;
mod draw;
mod take;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::KeyEvent;

use super::action::Action;
use super::keymap::Context;
use super::layout::PaneId;
use super::notice::Notice;
use super::overlay::Overlay;
use super::panes::Pane;
use super::panes::agents::Agents;
use super::panes::events::Events;
use super::panes::money::Money;
use super::panes::needs::Needs;
use super::panes::prompt::Prompt;
use super::panes::quota::Quota;
use super::stroke::Stroke;
use super::theme::{Depth, Theme};
use super::view::View;
use super::wish::Ask;
use crate::domain::{AgentNo, Mono, Now, RunId};
use crate::engine::handle::TailView;
use crate::guard::clean_for_terminal;

/// How often live text is looked at while somebody says something.
const LIVE: Duration = Duration::from_millis(125);
/// How often the clock of a live run moves.
const CLOCK: Duration = Duration::from_secs(1);

/// All that the console is.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Desk {
    pub(super) view: View,
    theme: Theme,
    theme_dir: Option<PathBuf>,
    depth: Depth,
    by: String,
    focus: PaneId,
    zoom: bool,
    agents: Agents,
    events: Events,
    money: Money,
    quota: Quota,
    needs: Needs,
    prompt: Prompt,
    overlays: Vec<Overlay>,
    notice: Option<Notice>,
    /// Whether the operator asked once already to be let out.
    interrupted: bool,
    /// Whether runs were listed already.
    listed: bool,
    /// When a run was last watched anew because its events did not fit.
    rewatched: Option<Mono>,
    live_at: Mono,
    clock_at: Mono,
    dirty: bool,
}

/// What a desk is made of.
pub(crate) struct Parts {
    /// What is known.
    pub(crate) view: View,
    /// The theme.
    pub(crate) theme: Theme,
    /// Where a user's own themes are.
    pub(crate) theme_dir: Option<PathBuf>,
    /// How many colours there are.
    pub(crate) depth: Depth,
    /// The prompt.
    pub(crate) prompt: Prompt,
    /// Who signs orders.
    pub(crate) by: String,
}

impl Desk {
    /// With nothing open.
    pub(crate) fn new(parts: Parts) -> Self {
        let mut prompt = parts.prompt;
        prompt.offer(&parts.view);
        Self {
            view: parts.view,
            theme: parts.theme,
            theme_dir: parts.theme_dir,
            depth: parts.depth,
            agents: Agents::new(parts.by.clone()),
            by: parts.by,
            focus: PaneId::Agents,
            zoom: false,
            events: Events::new(),
            money: Money,
            quota: Quota::default(),
            needs: Needs,
            prompt,
            overlays: Vec::new(),
            notice: None,
            interrupted: false,
            listed: false,
            rewatched: None,
            live_at: Mono(0),
            clock_at: Mono(0),
            dirty: true,
        }
    }

    /// Whether a frame would show something new.
    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// The next frame has to show everything anew.
    pub(crate) fn touch(&mut self) {
        self.dirty = true;
    }

    /// Which keys have a meaning now.
    pub(super) fn context(&self) -> Context {
        match self.overlays.last() {
            Some(top) => top.pane().context(),
            None => self.focused().context(),
        }
    }

    /// Takes a key.
    pub(crate) fn key(&mut self, key: KeyEvent) -> Vec<Ask> {
        self.dirty = true;
        let action = self.view.keys.action(self.context(), Stroke::from(key));
        if action != Some(Action::Interrupt) {
            self.interrupted = false;
        }
        // What was said has been read by whoever goes on.
        self.notice = None;
        if let Some(action) = action {
            return self.act(action);
        }
        let (pane, view) = self.top();
        pane.key(key, view);
        Vec::new()
    }

    /// Takes text that was pasted. What a terminal would act upon is taken out of it, as it will be
    /// shown while it is edited.
    pub(crate) fn paste(&mut self, text: &str) {
        self.dirty = true;
        let clean = clean_for_terminal(text).into_owned();
        let (pane, view) = self.top();
        pane.paste(&clean, view);
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Now) -> Vec<Ask> {
        self.view.now = now;
        if self.notice.as_ref().is_some_and(|notice| notice.until <= now.mono) {
            self.notice = None;
            self.dirty = true;
        }
        if self.view.is_live() && self.clock_at <= now.mono {
            self.clock_at = now.mono.after(CLOCK);
            self.dirty = true;
        }
        if self.agents.tick(&self.view) {
            self.quota.retries = self.agents.retries();
            self.dirty = true;
        }
        let (changed, ask) = self.prompt.tick(&self.view);
        self.dirty |= changed;
        ask.into_iter().chain(self.missing_texts()).collect()
    }

    /// When it has something to do of itself; nothing: it sleeps until something comes.
    pub(crate) fn wake(&self) -> Option<Mono> {
        let live = self.view.is_busy().then_some(self.live_at);
        let clock = self.view.is_live().then_some(self.clock_at);
        let notice = self.notice.as_ref().map(|notice| notice.until);
        let order = self.agents.wake().filter(|_| self.view.run.is_some());
        [live, clock, notice, order, self.prompt.wake()].into_iter().flatten().min()
    }

    /// The agents whose live text is in sight, where it is time to look.
    pub(crate) fn listens_to(&mut self) -> Option<(RunId, Vec<AgentNo>)> {
        if !self.view.is_busy() || self.live_at > self.view.now.mono {
            return None;
        }
        self.live_at = self.view.now.mono.after(LIVE);
        let run = self.view.run.as_ref()?.id;
        let opened = self.overlays.iter().find_map(|overlay| match overlay {
            Overlay::Detail(detail) => Some(detail.agent()),
            _ => None,
        });
        Some((run, self.agents.in_sight().chain(opened).collect()))
    }

    /// Takes what they say.
    pub(crate) fn hear(&mut self, tails: BTreeMap<AgentNo, TailView>) {
        if tails != self.view.tails {
            self.view.tails = tails;
            self.dirty = true;
        }
    }

    fn say(&mut self, text: &str, wrong: bool) {
        let text = self.view.gate.line(text, 400);
        self.notice = Some(Notice::new(text, wrong, self.view.now.mono));
        self.dirty = true;
    }

    fn pane_and_view(&mut self, id: PaneId) -> (&mut dyn Pane, &View) {
        let pane: &mut dyn Pane = match id {
            PaneId::Agents => &mut self.agents,
            PaneId::Events => &mut self.events,
            PaneId::Money => &mut self.money,
            PaneId::Quota => &mut self.quota,
            PaneId::Needs => &mut self.needs,
            PaneId::Prompt => &mut self.prompt,
        };
        (pane, &self.view)
    }

    fn pane(&self, id: PaneId) -> &dyn Pane {
        match id {
            PaneId::Agents => &self.agents,
            PaneId::Events => &self.events,
            PaneId::Money => &self.money,
            PaneId::Quota => &self.quota,
            PaneId::Needs => &self.needs,
            PaneId::Prompt => &self.prompt,
        }
    }

    fn focused(&self) -> &dyn Pane {
        self.pane(self.focus)
    }

    /// Who takes keys.
    fn top(&mut self) -> (&mut dyn Pane, &View) {
        if self.overlays.is_empty() {
            return self.pane_and_view(self.focus);
        }
        match self.overlays.last_mut() {
            Some(top) => (top.pane_mut(), &self.view),
            None => (&mut self.agents, &self.view),
        }
    }
}
