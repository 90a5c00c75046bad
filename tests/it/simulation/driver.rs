//! The driver: the loop's protocol in virtual time, with a disk that is late and forgets.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use flightdeck::domain::effect::Timer;
use flightdeck::domain::{
    AgentNo, Body, CallEnd, Command, Effect, Event, LimitsChange, Money, Mono, Now, Report, RunId, RunState, State,
    Targets, Wall,
};
use flightdeck::engine::decide::{self, Input};

use super::random::Random;
use super::runs::{Submission, submissions};
use super::witness::Witness;
use super::world::{Planned, World};
use crate::support::log::{as_stored, fold, from_line, to_line};
use crate::support::runs::{CallName, order};
use crate::support::turn;

/// After so many steps the faults stop.
const FAULTY: u32 = 150;
/// After so many, every run must have ended.
const MOST: u32 = 5000;

/// What happens at its time.
enum Item {
    Submit(RunId),
    Ends(CallName, u64),
    Reported(CallName, Box<CallEnd>),
    Timer(Timer),
    Written(usize),
    Operator,
    Crash,
    TakeUp(RunId),
}

pub(super) struct Driver {
    random: Random,
    now: Now,
    state: State,
    /// All that was decided; what is behind `durable` is lost in a crash.
    log: Vec<Event>,
    durable: usize,
    writing: bool,
    /// Effects that wait until the log is durable up to there.
    waiting: VecDeque<(usize, Effect)>,
    agenda: BTreeMap<(Mono, u64), Item>,
    planned: u64,
    submissions: BTreeMap<RunId, VecDeque<Submission>>,
    world: World,
    witness: Witness,
    /// How many of a thousand faults are crashes: with many of them, little else is met.
    crash_rate: u64,
    pub(super) crashes: u32,
    pub(super) lost_events: usize,
}

impl Driver {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let submissions: BTreeMap<_, _> = (1..)
            .map(RunId::from_random)
            .zip(submissions(&mut random).into_iter().map(|s| VecDeque::from([s])))
            .collect();
        let crash_rate = random.pick(&[0, 5, 20, 80]);
        let mut driver = Self {
            random,
            now: Now { wall: Wall(1_700_000_000_000), mono: Mono(0) },
            state: State::default(),
            log: Vec::new(),
            durable: 0,
            writing: false,
            waiting: VecDeque::new(),
            agenda: BTreeMap::new(),
            planned: 0,
            submissions,
            world: World::default(),
            witness: Witness::default(),
            crash_rate,
            crashes: 0,
            lost_events: 0,
        };
        for run in driver.submissions.keys().copied().collect::<Vec<_>>() {
            driver.plan_within(5000, Item::Submit(run));
        }
        driver.plan_faults();
        driver
    }

    pub(super) fn log(&self) -> &[Event] {
        &self.log
    }

    pub(super) fn play(&mut self) {
        for step in 0..MOST {
            if step == FAULTY {
                self.calm_down();
            }
            if step >= FAULTY && self.is_over() {
                return self.check_log();
            }
            let Some(((at, _), item)) = self.agenda.pop_first() else { continue };
            self.go_to(at);
            self.happen(item);
            self.flush();
            self.witness.check(&self.state, &self.world);
            self.check_nothing_is_forgotten();
        }
        panic!("some run never ends: {:?}", self.state);
    }

    fn happen(&mut self, item: Item) {
        match item {
            Item::Submit(run) => self.submit(run),
            Item::Ends(call, plan) => {
                if let Some(end) = self.world.end(call, plan) {
                    self.report(call, end);
                }
            }
            Item::Reported(call, end) => self.report(call, *end),
            Item::Timer(timer) => self.step(&Input::Woke(timer)),
            Item::Written(position) => self.written(position),
            Item::Operator => {
                self.operate();
                self.plan_faults();
            }
            Item::Crash => {
                self.crash();
                self.plan_faults();
            }
            Item::TakeUp(run) => self.take_up(run),
        }
    }

    fn step(&mut self, input: &Input) {
        // What makes no sense is refused, and that is all.
        let Ok(turn) = turn::take(&mut self.state, input, self.now) else { return };
        for event in turn.events {
            self.witness.see(&event);
            if matches!(event.body, Body::RunSuspended(_)) {
                self.plan_within(5000, Item::TakeUp(event.run));
            }
            self.log.push(event);
        }
        for effect in turn.effects {
            match effect {
                Effect::Wake { at, timer } => self.plan_at(at, Item::Timer(timer)),
                effect if effect.is_urgent() => self.perform(&effect),
                effect => self.waiting.push_back((self.log.len(), effect)),
            }
        }
    }

    fn perform(&mut self, effect: &Effect) {
        if let Some(Planned { call, plan, after }) = self.world.perform(&mut self.random, effect) {
            self.plan_at(self.now.mono.after(after), Item::Ends(call, plan));
        }
    }

    fn report(&mut self, (run, task, call): CallName, end: CallEnd) {
        if !self.world.calm && self.random.chance(20) {
            self.plan_within(20_000, Item::Reported((run, task, call), Box::new(end.clone())));
        }
        self.step(&Input::Reported(Report::CallEnded { run, task, call, end: Box::new(end) }));
    }

    /// Hands what waits to the disk, as the loop does after each input.
    fn flush(&mut self) {
        if self.writing {
            return;
        }
        let over = |state: RunState| state.is_final() || state == RunState::Suspended;
        self.state.runs.retain(|_, run| !over(run.state));
        if self.log.len() > self.durable {
            self.writing = true;
            let slow = if self.random.chance(50) { 3000 } else { 5 };
            self.plan_within(slow, Item::Written(self.log.len()));
        } else {
            self.release();
        }
    }

    fn written(&mut self, position: usize) {
        self.writing = false;
        self.durable = position;
        self.release();
    }

    fn release(&mut self) {
        while self.waiting.front().is_some_and(|(position, _)| *position <= self.durable) {
            if let Some((_, effect)) = self.waiting.pop_front() {
                self.perform(&effect);
            }
        }
    }

    fn submit(&mut self, run: RunId) {
        for Submission { spec, pieces } in self.submissions.remove(&run).into_iter().flatten() {
            self.ask(Command::Create { run, spec: Box::new(spec) });
            for tasks in pieces {
                self.ask(Command::Add { run, tasks });
                if self.random.chance(50) {
                    self.flush();
                }
            }
            if self.random.chance(950) {
                self.ask(Command::Start(run));
            } else {
                self.ask(Command::Kill(Targets::all(run)));
            }
        }
    }

    fn ask(&mut self, command: Command) {
        self.step(&Input::Asked(order(command)));
    }

    fn operate(&mut self) {
        let runs: Vec<RunId> = self.state.runs.keys().copied().collect();
        if runs.is_empty() {
            return;
        }
        let run = self.random.pick(&runs);
        let targets = if self.random.chance(300) { Targets::all(run) } else { Targets::some(run, self.agents(run)) };
        let command = match self.random.below(100) {
            0..45 => Command::Pause(targets),
            45..85 => Command::Resume(targets),
            85..90 => Command::Limit { run, change: self.change() },
            90..94 => Command::Kill(targets),
            94..98 => Command::Suspend(run),
            _ => Command::Start(run),
        };
        self.ask(command);
    }

    fn change(&mut self) -> LimitsChange {
        let budget = Money::from_nanos(self.random.below(300_000_000));
        LimitsChange {
            max_total_cost_usd: self.random.chance(500).then_some(budget),
            max_parallel: self.random.chance(500).then(|| self.random.between(1, 6)),
        }
    }

    fn agents(&mut self, run: RunId) -> Vec<AgentNo> {
        let count = self.state.runs.get(&run).map_or(0, |run| run.agents.len()) as u64;
        // Sometimes one that the run does not have.
        let mut agents = || u32::try_from(self.random.below(count + u64::from(count > 9))).unwrap_or(0);
        (0..3).map(|_| agents()).collect()
    }

    /// The process dies: what is not durable never was, and time starts afresh.
    fn crash(&mut self) {
        self.crashes += 1;
        self.lost_events += self.log.len() - self.durable;
        self.log.truncate(self.durable);
        self.log = self.log.iter().map(as_stored).collect();
        self.witness = Witness::default();
        self.log.iter().for_each(|event| self.witness.see(event));
        self.state = State::default();
        self.waiting.clear();
        self.writing = false;
        self.world.crash();
        self.agenda.retain(|_, item| matches!(item, Item::Submit(_)));
        let clock_set_back = self.random.chance(100);
        self.now.wall.0 += if clock_set_back { -60_000 } else { i64::from(self.random.between(0, 90_000)) };
        self.restart_clock();
        for run in fold(&self.log).runs.into_values().filter(|run| !run.state.is_final()) {
            self.plan_within(3000, Item::TakeUp(run.id));
        }
    }

    /// Monotonic time begins anew; what is still to come keeps its distance.
    fn restart_clock(&mut self) {
        let then = std::mem::replace(&mut self.now.mono, Mono(self.random.below(1_000_000)));
        for ((at, _), item) in std::mem::take(&mut self.agenda) {
            self.plan_at(self.now.mono.after(at.since(then)), item);
        }
    }

    /// A run without an engine gets one: it is folded from the log.
    fn take_up(&mut self, id: RunId) {
        let at_work = self.state.runs.get(&id).is_some_and(|run| run.state != RunState::Suspended);
        if at_work || self.witness.is_over(id) {
            return;
        }
        if self.log.len() > self.durable || self.state.runs.contains_key(&id) {
            return self.plan_within(100, Item::TakeUp(id));
        }
        for event in self.log.iter_mut().filter(|event| event.run == id) {
            *event = as_stored(event);
        }
        let Some(run) = fold(self.log.iter().filter(|event| event.run == id)).runs.remove(&id) else { return };
        let command =
            if run.state == RunState::Created { Command::Kill(Targets::all(id)) } else { Command::Reopen(id) };
        self.state.runs.insert(id, run);
        self.ask(command);
    }

    /// From here on nothing goes wrong, and nobody holds anything.
    fn calm_down(&mut self) {
        for Planned { call, plan, after } in self.world.calm_down() {
            self.plan_at(self.now.mono.after(after), Item::Ends(call, plan));
        }
        self.agenda.retain(|_, item| !matches!(item, Item::Operator | Item::Crash));
        for run in self.state.runs.keys().copied().collect::<Vec<_>>() {
            self.ask(Command::Resume(Targets::all(run)));
        }
        self.flush();
    }

    fn is_over(&self) -> bool {
        let ended = |event: &&Event| matches!(event.body, Body::RunCreated(_)) && !self.witness.is_over(event.run);
        self.submissions.is_empty() && self.log.len() == self.durable && !self.log.iter().any(|event| ended(&event))
    }

    /// What follows from the state was done, unless it is waited for.
    fn check_nothing_is_forgotten(&self) {
        let due = |((at, _), item): (&(Mono, u64), &Item)| *at <= self.now.mono && matches!(item, Item::Timer(_));
        if self.agenda.iter().any(due) {
            return;
        }
        let left = decide::follows(&self.state, &self.state.runs.keys().copied().collect(), self.now);
        assert_eq!(left, None, "forgotten");
    }

    /// The log alone tells everything.
    fn check_log(&self) {
        let folded = fold(&self.log);
        for (id, run) in &self.state.runs {
            assert_eq!(folded.runs.get(id), Some(run), "the log of {id} folds to something else");
        }
        let stored: Vec<Event> = self.log.iter().map(|event| from_line(&to_line(event))).collect();
        for (mut read, mut kept) in fold(&stored).runs.into_values().zip(folded.runs.into_values()) {
            for run in [&mut read, &mut kept] {
                // Only the monotonic clock is not stored.
                run.since = None;
                run.tasks.iter_mut().for_each(|task| task.active = Duration::ZERO);
            }
            assert_eq!(read, kept, "what was stored folds to something else");
        }
    }

    fn plan_faults(&mut self) {
        if self.world.calm {
            return;
        }
        let crash = self.random.chance(self.crash_rate);
        self.plan_within(4000, if crash { Item::Crash } else { Item::Operator });
    }

    fn plan_within(&mut self, ms: u64, item: Item) {
        let after = Duration::from_micros(self.random.below(ms * 1000));
        self.plan_at(self.now.mono.after(after), item);
    }

    fn plan_at(&mut self, at: Mono, item: Item) {
        self.planned += 1;
        self.agenda.insert((at, self.planned), item);
    }

    fn go_to(&mut self, at: Mono) {
        let passed = at.since(self.now.mono);
        self.now.mono = self.now.mono.max(at);
        self.now.wall.0 += i64::try_from(passed.as_millis()).unwrap_or(0);
    }
}
