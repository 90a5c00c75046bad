//! In which order agents stand, and which are shown. With neither filter nor sorting there is no
//! list at all; otherwise it is made anew a few times a second at most, never in a frame.

use std::cmp::Reverse;
use std::time::Duration;

use crate::console::format::kind;
use crate::console::status::Status;
use crate::domain::{AgentNo, Mono, Run};

/// Lists are not made anew sooner than this after the last time.
const PAUSE: Duration = Duration::from_millis(200);

/// What the lines are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    /// By number.
    #[default]
    Number,
    /// What needs attention first, then what is at work, then the rest.
    State,
    /// The dearest first.
    Cost,
    /// The slowest first.
    Time,
}

impl Sort {
    /// Its word in the title.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::State => "state",
            Self::Cost => "cost",
            Self::Time => "time",
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::Number => Self::State,
            Self::State => Self::Cost,
            Self::Cost => Self::Time,
            Self::Time => Self::Number,
        }
    }
}

/// The order of the lines.
#[derive(Debug, Default)]
pub(super) struct Order {
    sort: Sort,
    /// Nothing: all agents, by number.
    list: Option<Vec<AgentNo>>,
    total: usize,
    retries: u64,
    /// The first agent at work; where none is, the first that has not ended.
    front: usize,
    stale: bool,
    built: Option<Mono>,
}

impl Order {
    /// Something has changed.
    pub(super) fn stale(&mut self) {
        self.stale = true;
    }

    /// When the list should be made anew.
    pub(super) fn due(&self) -> Option<Mono> {
        self.stale.then(|| self.built.map_or(Mono(0), |built| built.after(PAUSE)))
    }

    /// Makes the list anew where it is time.
    pub(super) fn refresh(&mut self, run: &Run, filter: &str, now: Mono) -> bool {
        let due = self.due().is_some_and(|due| due <= now);
        if due {
            self.rebuild(run, filter, now);
        }
        due
    }

    /// Makes the list anew.
    pub(super) fn rebuild(&mut self, run: &Run, filter: &str, now: Mono) {
        (self.stale, self.built) = (false, Some(now));
        self.total = run.agents.len();
        self.retries = run.tasks.iter().map(|task| u64::from(task.attempts.saturating_sub(1))).sum();
        self.front = front(run).unwrap_or(self.total.saturating_sub(1));
        let filter = filter.trim().to_lowercase();
        if filter.is_empty() && self.sort == Sort::Number {
            self.list = None;
            return;
        }
        let mut list: Vec<AgentNo> = (0..).zip(&run.agents).map(|(no, _)| no).collect();
        if !filter.is_empty() {
            list.retain(|no| matches(run, *no, &filter));
        }
        self.arrange(run, &mut list);
        self.list = Some(list);
    }

    fn arrange(&self, run: &Run, list: &mut [AgentNo]) {
        let task = |no: &AgentNo| run.agent(*no).and_then(|agent| run.task(agent.task));
        match self.sort {
            Sort::Number => {}
            Sort::State => list.sort_by_key(|no| status(run, *no).map(rank)),
            Sort::Cost => list.sort_by_key(|no| Reverse(task(no).map(|task| task.cost))),
            Sort::Time => list.sort_by_key(|no| Reverse(task(no).map(|task| task.active))),
        }
    }

    /// The next way to sort; the list has to be made anew then.
    pub(super) fn next_sort(&mut self) {
        self.sort = self.sort.next();
    }

    /// How the lines are sorted.
    pub(super) fn sort(&self) -> Sort {
        self.sort
    }

    /// How many attempts were made beyond the first ones, when the list was made.
    pub(super) fn retries(&self) -> u64 {
        self.retries
    }

    /// Takes note of how many agents there are.
    pub(super) fn cover(&mut self, run: &Run) {
        self.total = run.agents.len();
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.list.as_ref().map_or(self.total, Vec::len)
    }

    /// The agent on a line.
    pub(super) fn agent(&self, row: usize) -> Option<AgentNo> {
        match &self.list {
            Some(list) => list.get(row).copied(),
            None => AgentNo::try_from(row).ok().filter(|_| row < self.total),
        }
    }

    /// All agents that are shown.
    pub(super) fn all(&self) -> impl Iterator<Item = AgentNo> + '_ {
        (0..self.len()).filter_map(|row| self.agent(row))
    }

    /// The line of an agent.
    pub(super) fn row_of(&self, agent: AgentNo) -> Option<usize> {
        match &self.list {
            Some(list) => list.iter().position(|no| *no == agent),
            None => Some(agent as usize).filter(|row| *row < self.total),
        }
    }

    /// The line that is followed: the first agent at work; with a filter or another order, the first.
    pub(super) fn followed(&self) -> usize {
        if self.list.is_some() { 0 } else { self.front }
    }
}

fn front(run: &Run) -> Option<usize> {
    let first = |wanted: fn(Status) -> bool| {
        let mut all = run.agents.iter().map(|agent| run.task(agent.task).map(|task| Status::of(run, agent, task)));
        all.position(|status| status.is_some_and(wanted))
    };
    let at_work = first(|status| matches!(status, Status::Working | Status::Starting));
    at_work.or_else(|| first(|status| !status.is_over()))
}

fn status(run: &Run, no: AgentNo) -> Option<Status> {
    let agent = run.agent(no)?;
    Some(Status::of(run, agent, run.task(agent.task)?))
}

/// What needs attention or is at work stands above what waits and what has ended.
const fn rank(status: Status) -> u8 {
    match status {
        Status::Stopping => 0,
        Status::Working | Status::Starting => 1,
        Status::Paused => 2,
        Status::Retrying | Status::Lost => 3,
        Status::WaitsForMoney => 4,
        Status::Failed => 5,
        Status::Queued => 6,
        Status::Killed | Status::Refused | Status::Cancelled => 7,
        Status::Done => 8,
    }
}

fn matches(run: &Run, no: AgentNo, filter: &str) -> bool {
    let Some(agent) = run.agent(no) else { return false };
    let Some(task) = run.task(agent.task) else { return false };
    let said = |text: &str| text.to_lowercase().contains(filter);
    Status::of(run, agent, task).word().starts_with(filter)
        || format!("{no:03}").contains(filter)
        || task.error.as_ref().is_some_and(|error| said(&kind(error.kind)) || said(&error.message))
}
