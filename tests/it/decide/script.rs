//! Tables of inputs and what follows from them, as text.
//!
//! A line that begins with `>` is an input; the lines below it are the events that must follow,
//! and with `!` the effects. Runs are `a`, `b`, …; a line that names none is about `a`.
//!
//! | input | means |
//! |---|---|
//! | `start`, `suspend`, `reopen` | that command |
//! | `add N` | N more tasks |
//! | `pause`, `resume`, `kill` | of the whole run, or of the agents that follow |
//! | `budget USD`, `parallel N` | the run's limits are changed |
//! | `end T HOW [TOKENS]` | the last call of task T ended, see [`Stage::end`] |
//! | `stray T` | a report about a call of task T that never was |
//! | `after DURATION` | time passes, and timers fire |
//! | `crash` | all is lost but the log, and time starts afresh |
//! | `money`, `tasks` | asks for the totals, the states of the tasks |

use std::collections::{BTreeMap, BTreeSet};

use flightdeck::domain::effect::Timer;
use flightdeck::domain::event::NewTask;
use flightdeck::domain::{
    CallEnd, Command, Effect, ErrorKind, Event, LimitsChange, Mono, Now, Report, RunId, RunSpec, RunState, Sent, State,
    Targets, TaskNo, Wall,
};
use flightdeck::engine::decide::Input;

use super::words;
use crate::support::log::{as_stored, fold};
use crate::support::runs::{self, answered, cut_short, failed, order};
use crate::support::turn::{self, Turn};

/// A run and its tasks.
pub(super) struct Setup {
    pub(super) spec: RunSpec,
    pub(super) tasks: Vec<NewTask>,
}

impl Setup {
    /// `count` tasks that differ.
    pub(super) fn of(count: u32) -> Self {
        Self { spec: runs::spec(), tasks: (0..count).map(runs::task).collect() }
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut RunSpec)) -> Self {
        change(&mut self.spec);
        self
    }

    pub(super) fn parallel(self, slots: u32) -> Self {
        self.with(|spec| spec.limits.max_parallel = slots)
    }

    pub(super) fn budget(self, dollars: &str) -> Self {
        self.with(|spec| spec.limits.max_total_cost_usd = Some(dollars.parse().expect("an amount")))
    }

    pub(super) fn retries(self, retries: u32) -> Self {
        self.with(|spec| spec.limits.retries = retries)
    }

    pub(super) fn task(mut self, no: usize, change: impl FnOnce(NewTask) -> NewTask) -> Self {
        let task = self.tasks[no].clone();
        self.tasks[no] = change(task);
        self
    }
}

/// Checks what follows from inputs to one run whose tasks are there.
pub(super) fn check(setup: Setup, script: &str) {
    check_all(vec![setup], script);
}

/// The same with several runs.
pub(super) fn check_all(setups: Vec<Setup>, script: &str) {
    let mut stage = Stage::new(setups);
    let wanted: Vec<&str> = script.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut got = Vec::new();
    for input in wanted.iter().filter_map(|line| line.strip_prefix("> ")) {
        got.push(format!("> {input}"));
        got.extend(stage.play(input));
    }
    let first = wanted.iter().zip(&got).position(|(wanted, got)| wanted != got);
    assert!(first.is_none() && wanted.len() == got.len(), "{}", difference(&wanted, &got));
    stage.check_log();
}

fn difference(wanted: &[&str], got: &[String]) -> String {
    let same = wanted.iter().zip(got).take_while(|(wanted, got)| wanted == got).count();
    let got: Vec<&str> = got.iter().map(String::as_str).collect();
    let rest = |lines: &[&str]| lines.get(same..).unwrap_or_default().join("\n    ");
    format!("line {} differs; from there on, wanted:\n    {}\ngot:\n    {}", same + 1, rest(wanted), rest(&got))
}

struct Stage {
    state: State,
    now: Now,
    log: Vec<Event>,
    timers: BTreeSet<(Mono, Timer)>,
    last_call: BTreeMap<(RunId, TaskNo), u64>,
}

impl Stage {
    fn new(setups: Vec<Setup>) -> Self {
        let mut stage = Self {
            state: State::default(),
            now: Now { wall: Wall(1_700_000_000_000), mono: Mono(0) },
            log: Vec::new(),
            timers: BTreeSet::new(),
            last_call: BTreeMap::new(),
        };
        for (id, setup) in (1..).map(RunId::from_random).zip(setups) {
            stage.ask(Command::Create { run: id, spec: Box::new(setup.spec) });
            if !setup.tasks.is_empty() {
                stage.ask(Command::Add { run: id, tasks: setup.tasks });
            }
        }
        stage
    }

    fn play(&mut self, line: &str) -> Vec<String> {
        let mut words: Vec<&str> = line.split(' ').collect();
        let run = match words.first() {
            Some(&"b") => RunId::from_random(2),
            _ => RunId::from_random(1),
        };
        if run != RunId::from_random(1) {
            words.remove(0);
        }
        let (input, rest) = words.split_first().expect("an input");
        let agents = || (!rest.is_empty()).then(|| rest.iter().map(|no| no.parse().expect("an agent")).collect());
        let targets = || Targets { run, agents: agents() };
        match *input {
            "create" => self.ask(Command::Create { run, spec: Box::new(runs::spec()) }),
            "add" => self.ask(Command::Add { run, tasks: (0..number(rest)).map(runs::task).collect() }),
            "start" => self.ask(Command::Start(run)),
            "suspend" => self.ask(Command::Suspend(run)),
            "reopen" => self.ask(Command::Reopen(run)),
            "pause" => self.ask(Command::Pause(targets())),
            "resume" => self.ask(Command::Resume(targets())),
            "kill" => self.ask(Command::Kill(targets())),
            "budget" => self.limit(run, LimitsChange { max_total_cost_usd: rest[0].parse().ok(), max_parallel: None }),
            "parallel" => self.limit(run, LimitsChange { max_total_cost_usd: None, max_parallel: Some(number(rest)) }),
            "end" => self.end(run, number(rest), &rest[1..]),
            "stray" => self.report(run, number(rest), 9999, answered(1)),
            "after" => self.after(rest[0]),
            "crash" => self.crash(),
            "money" => vec![words::money(&self.state.runs[&run].money)],
            "tasks" => vec![words::tasks(&self.state.runs[&run])],
            other => panic!("no input is called {other}"),
        }
    }

    fn limit(&mut self, run: RunId, change: LimitsChange) -> Vec<String> {
        self.ask(Command::Limit { run, change })
    }

    fn ask(&mut self, command: Command) -> Vec<String> {
        self.take(&Input::Asked(order(command)))
    }

    /// `ok`: an answer, and the tokens that it used (100). `estimated`: the same, and the provider
    /// did not say how many. `silent`: an answer whose usage nobody can know. `stopped`: it was
    /// ended early. `unsent`: the same before anything was sent. Else the kind of an error, which
    /// may pass unless it is `invalid`, `auth`.
    fn end(&mut self, run: RunId, no: TaskNo, how: &[&str]) -> Vec<String> {
        let tokens = how.get(1).map_or(100, |tokens| tokens.parse().expect("a number of tokens"));
        let end = match how[0] {
            "ok" => answered(tokens),
            "estimated" => {
                let mut end = answered(tokens);
                end.usage.as_mut().expect("it has usage").estimated = true;
                end
            }
            "silent" => CallEnd { usage: None, ..answered(0) },
            "stopped" => cut_short(Sent::Maybe),
            "unsent" => cut_short(Sent::Nothing),
            "rate_limited" => failed(ErrorKind::RateLimited, true, Sent::Refused),
            "provider" => failed(ErrorKind::Provider, true, Sent::Maybe),
            "connection" => failed(ErrorKind::Connection, true, Sent::Nothing),
            "invalid" => failed(ErrorKind::Invalid, false, Sent::Refused),
            "auth" => failed(ErrorKind::Auth, false, Sent::Refused),
            other => panic!("no call ends with {other}"),
        };
        let call = self.last_call[&(run, no)];
        self.report(run, no, call, end)
    }

    fn report(&mut self, run: RunId, task: TaskNo, call: u64, end: CallEnd) -> Vec<String> {
        self.take(&Input::Reported(Report::CallEnded { run, task, call, end: Box::new(end) }))
    }

    fn after(&mut self, duration: &str) -> Vec<String> {
        let ms: u64 = match duration.strip_suffix("ms") {
            Some(ms) => ms.parse().expect("milliseconds"),
            None => duration.trim_end_matches('s').parse::<u64>().expect("seconds") * 1000,
        };
        let (start, end) = (self.now, Mono(self.now.mono.0 + ms * 1000));
        let mut lines = Vec::new();
        while let Some((at, timer)) = self.timers.first().copied().filter(|(at, _)| *at <= end) {
            self.timers.remove(&(at, timer));
            self.go_to(start, at.max(self.now.mono));
            lines.extend(self.take(&Input::Woke(timer)));
        }
        self.go_to(start, end);
        lines
    }

    fn go_to(&mut self, start: Now, mono: Mono) {
        let passed = i64::try_from(mono.since(start.mono).as_millis()).expect("a short time");
        self.now = Now { wall: Wall(start.wall.0 + passed), mono };
    }

    fn crash(&mut self) -> Vec<String> {
        self.log = self.log.iter().map(as_stored).collect();
        self.state = fold(&self.log);
        self.timers.clear();
        self.now.mono = Mono(0);
        Vec::new()
    }

    fn take(&mut self, input: &Input) -> Vec<String> {
        match turn::take(&mut self.state, input, self.now) {
            Ok(Turn { events, effects, .. }) => {
                let mut lines = words::events(&events);
                lines.extend(effects.iter().filter_map(|effect| self.perform(effect)));
                self.log.extend(events);
                lines
            }
            Err(refusal) => vec![format!("refused: {refusal}")],
        }
    }

    fn perform(&mut self, effect: &Effect) -> Option<String> {
        match effect {
            Effect::Wake { at, timer } => drop(self.timers.insert((*at, *timer))),
            Effect::Call(order) => drop(self.last_call.insert((order.run, order.task), order.call)),
            _ => {}
        }
        words::effect(effect)
    }

    /// The log folds to the live state, and has no gap.
    fn check_log(&self) {
        assert_eq!(fold(&self.log), self.state);
        for run in self.state.runs.values().filter(|run| run.state != RunState::Created) {
            let seqs: Vec<u64> = self.log.iter().filter(|event| event.run == run.id).map(|event| event.seq).collect();
            assert_eq!(seqs, (1..=run.last_seq).collect::<Vec<_>>());
        }
    }
}

fn number(words: &[&str]) -> u32 {
    words[0].parse().expect("a number")
}
