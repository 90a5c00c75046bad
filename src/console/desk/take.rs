//! What comes back from the world outside.

use std::time::Duration;

use super::Desk;
use crate::console::Exit;
use crate::console::format::plural;
use crate::console::overlay::Overlay;
use crate::console::wish::{Answer, Ask};
use crate::domain::{ContentRef, Event, RunId};
use crate::engine::handle::{Ack, Dispatched, HandleError, Update};
use crate::store::rows::RunRow;

/// A run whose events don't fit is not watched anew sooner than this.
const PATIENCE: Duration = Duration::from_secs(5);

impl Desk {
    /// Takes an answer.
    pub(crate) fn take(&mut self, answer: Answer) -> Vec<Ask> {
        match answer {
            Answer::Update(run, update) => return self.update(run, update),
            Answer::Older(run, events) => self.older(run, &events),
            Answer::Listed(rows, own) => return self.list(rows, own),
            Answer::Submitted { done, reopens, result } => return self.submitted(&done, reopens, result),
            Answer::Dispatched(result) => return self.dispatched(result),
            Answer::Estimated { revision, result } => {
                let result = result.map_err(|error| error.to_string());
                let wish = self.prompt.estimated(revision, result, &self.view);
                self.dirty = true;
                return wish.map(|wish| self.grant(wish)).unwrap_or_default();
            }
            Answer::NotWatched(run, error) => {
                self.view.opening = self.view.opening.filter(|opening| *opening != run);
                self.say(&format!("{run}: {error}"), true);
            }
            Answer::Text(name, result) => self.text(name, &result),
            Answer::Failed(problem) => self.say(&problem, true),
            Answer::Killed(runs) => return vec![Ask::Quit(Exit::Killed(runs))],
        }
        Vec::new()
    }

    fn update(&mut self, run: RunId, update: Update) -> Vec<Ask> {
        let watched = self.view.run.as_ref().map(|known| known.id);
        let wanted = self.view.opening.or(watched);
        if wanted != Some(run) {
            return Vec::new();
        }
        self.dirty = true;
        match update {
            Update::Snapshot(snapshot) => {
                self.agents.reset(&snapshot);
                self.view.replace(snapshot);
            }
            Update::Events(events) => {
                if let Err(error) = self.view.apply(&events) {
                    return self.watch_anew(run, &error.to_string());
                }
                self.agents.changed();
            }
        }
        Vec::new()
    }

    /// Events that do not fit what is known: a new snapshot makes it right.
    fn watch_anew(&mut self, run: RunId, problem: &str) -> Vec<Ask> {
        let now = self.view.now.mono;
        if self.rewatched.is_some_and(|last| now.since(last) < PATIENCE) {
            self.say(&format!("what is shown is not up to date: {problem}"), true);
            return Vec::new();
        }
        self.rewatched = Some(now);
        vec![Ask::Open(run)]
    }

    fn older(&mut self, run: RunId, events: &[Event]) {
        if self.view.run.as_ref().is_some_and(|known| known.id == run) {
            self.view.older(events);
            self.dirty = true;
        }
    }

    /// Takes the list of runs; at first, where nothing is open, the newest that is live is opened.
    fn list(&mut self, rows: Vec<RunRow>, own: Vec<RunId>) -> Vec<Ask> {
        if rows != self.view.rows {
            self.dirty = true;
            self.agents.changed();
        }
        self.view.own.extend(own);
        self.view.list(rows);
        let first = !std::mem::replace(&mut self.listed, true);
        let nothing = self.view.run.is_none() && self.view.opening.is_none();
        let newest = self.view.rows.iter().find(|row| row.state.is_live()).map(|row| row.id);
        match newest.filter(|_| first && nothing) {
            Some(run) => {
                self.view.opening = Some(run);
                vec![Ask::Open(run)]
            }
            None => Vec::new(),
        }
    }

    fn submitted(&mut self, done: &str, reopens: Option<RunId>, result: Result<Ack, HandleError>) -> Vec<Ask> {
        if let Err(error) = result {
            self.say(&error.to_string(), true);
            return Vec::new();
        }
        let Some(run) = reopens else {
            self.say(done, false);
            return Vec::new();
        };
        self.view.own.insert(run);
        self.open(run);
        self.say(done, false);
        vec![Ask::Open(run)]
    }

    fn dispatched(&mut self, result: Result<Dispatched, HandleError>) -> Vec<Ask> {
        match result {
            Ok(dispatched) => {
                let cached = match dispatched.cached {
                    0 => String::new(),
                    cached => format!(", {cached} answered by stored results"),
                };
                let tasks = plural(u64::from(dispatched.tasks), "task");
                self.prompt.sent();
                self.view.own.insert(dispatched.run);
                self.open(dispatched.run);
                self.say(&format!("{} started: {tasks}{cached}", dispatched.run), false);
                vec![Ask::Open(dispatched.run)]
            }
            Err(error) => {
                self.say(&error.to_string(), true);
                Vec::new()
            }
        }
    }

    fn text(&mut self, name: ContentRef, result: &Result<Option<String>, HandleError>) {
        for overlay in &mut self.overlays {
            if let Overlay::Detail(detail) = overlay {
                detail.take(name, result.clone().map_err(|error| error.to_string()));
                self.dirty = true;
            }
        }
    }
}
