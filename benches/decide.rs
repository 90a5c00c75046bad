//! The core alone: inputs per second of `decide`, what follows, and `apply`, on one core.
//!
//! ```text
//! cargo bench --bench decide -- [--agents 10000] [--parallel 1000] [--rounds 20]
//! cargo bench --bench decide -- --once N      N inputs and nothing else, for
//!     valgrind --tool=callgrind: what N inputs take more than none, divided by N
//! ```
//!
//! One run with a budget; of 100 calls, 90 end with an answer, 8 fail for now and are tried again,
//! 2 fail for good, and after each hundred an agent is paused and resumed. Making the inputs is
//! not counted; dropping what was decided is.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser;

use flightdeck::domain::effect::{CallOrder, Timer};
use flightdeck::domain::event::NewTask;
use flightdeck::domain::report::Quota;
use flightdeck::domain::{
    Answer, CallEnd, CallError, Command, ContentRef, Effect, ErrorKind, Key, Limits, ModelPrice, Money, Mono, Now,
    Order, Price, ProviderKind, Receipt, Report, RunId, RunSpec, Sent, State, Targets, TaskNo, Usage, Wall,
};
use flightdeck::engine::decide::{self, Decision, Input};

/// Inputs that are made, and then decided on, at a time.
const BATCH: usize = 256;
/// What is aimed at.
const AIM: f64 = 300_000.0;

/// What the benchmark can be told.
#[derive(Debug, Parser)]
#[command(about = "inputs per second of decide and apply")]
struct Options {
    /// How many agents the run has.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    agents: u32,
    /// How many of them have a call under way at once.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    parallel: u32,
    /// How many runs are played.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// So many inputs, once, without a clock.
    #[arg(long)]
    once: Option<u64>,
    /// Given by `cargo bench`; means nothing here.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    if let Some(inputs) = options.once {
        let mut play = Play::new(&options)?;
        play.inputs_until(inputs)?;
        println!("{} inputs, {} events", play.inputs, play.events);
        return Ok(());
    }
    let mut rates: Vec<(f64, f64)> = Vec::new();
    for _ in 0..options.rounds {
        let mut play = Play::new(&options)?;
        play.inputs_until(u64::MAX)?;
        rates.push((rate(play.inputs, play.took), rate(play.events, play.took)));
    }
    rates.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (inputs, events) = rates.get(rates.len() / 2).copied().context("at least one round")?;
    let (slowest, fastest) = rates.first().zip(rates.last()).context("at least one round")?;
    println!("{} agents, {} calls at once, {} rounds", options.agents, options.parallel, options.rounds);
    println!("inputs/s  {inputs:>10.0}   (slowest {:.0}, fastest {:.0}; aim {AIM:.0})", slowest.0, fastest.0);
    println!("events/s  {events:>10.0}   ({:.1} events per input)", events / inputs);
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "a rate needs no sixteenth digit")]
fn rate(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// A run in play.
struct Play {
    state: State,
    now: Now,
    run: RunId,
    /// Calls under way, in the order in which they began.
    calls: VecDeque<(TaskNo, u64)>,
    timers: VecDeque<Timer>,
    inputs: u64,
    events: u64,
    took: Duration,
}

impl Play {
    fn new(options: &Options) -> Result<Self> {
        let mut play = Self {
            state: State::default(),
            now: Now { wall: Wall(1_700_000_000_000), mono: Mono(0) },
            run: RunId::from_random(1),
            calls: VecDeque::new(),
            timers: VecDeque::new(),
            inputs: 0,
            events: 0,
            took: Duration::ZERO,
        };
        let run = play.run;
        play.ask(Command::Create { run, spec: Box::new(spec(options)) })?;
        play.ask(Command::Add { run, tasks: (0..options.agents).map(task).collect() })?;
        play.ask(Command::Start(run))?;
        play.events = 0;
        Ok(play)
    }

    fn inputs_until(&mut self, most: u64) -> Result<()> {
        while self.inputs < most && !(self.calls.is_empty() && self.timers.is_empty()) {
            let left = usize::try_from(most - self.inputs).unwrap_or(usize::MAX);
            let batch = self.batch(BATCH.min(left));
            self.now.mono.0 += 1_000_000;
            self.now.wall.0 += 1000;
            self.inputs += batch.len() as u64;
            let began = Instant::now();
            for input in &batch {
                self.step(input)?;
            }
            self.took += began.elapsed();
        }
        Ok(())
    }

    /// The next inputs: ends of the oldest calls, timers that are due, and an operator's.
    fn batch(&mut self, count: usize) -> Vec<Input> {
        let mut batch = Vec::with_capacity(count);
        while batch.len() < count {
            if let Some(timer) = self.timers.pop_front() {
                batch.push(Input::Woke(timer));
            } else if let Some((task, call)) = self.calls.pop_front() {
                let no = self.inputs + batch.len() as u64;
                let end = Box::new(end(no));
                batch.push(Input::Reported(Report::CallEnded { run: self.run, task, call, end }));
                if let Some((other, _)) = self.calls.front().filter(|_| no % 100 == 99) {
                    let targets = || Targets::some(self.run, vec![*other]);
                    batch.push(Input::Asked(order(Command::Pause(targets()))));
                    batch.push(Input::Asked(order(Command::Resume(targets()))));
                }
            } else {
                break;
            }
        }
        batch
    }

    fn ask(&mut self, command: Command) -> Result<()> {
        self.step(&Input::Asked(order(command)))
    }

    /// One turn of the loop.
    fn step(&mut self, input: &Input) -> Result<()> {
        let decision = decide::decide(&self.state, input, self.now)?;
        let concerned = decide::concerned(&self.state, input, &decision);
        self.carry_out(decision)?;
        while let Some(decision) = decide::follows(&self.state, &concerned, self.now) {
            self.carry_out(decision)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, decision: Decision) -> Result<()> {
        self.events += decision.events.len() as u64;
        for event in &decision.events {
            self.state.apply(event)?;
        }
        for effect in decision.effects {
            match effect {
                Effect::Call(CallOrder { task, call, .. }) => self.calls.push_back((task, call)),
                Effect::Wake { timer: timer @ Timer::Retry { .. }, .. } => self.timers.push_back(timer),
                _ => {}
            }
        }
        Ok(())
    }
}

fn order(command: Command) -> Order {
    Order { by: "bench".to_owned(), reason: None, command }
}

fn spec(options: &Options) -> RunSpec {
    RunSpec {
        title: "say {{word}}".to_owned(),
        template: Some(ContentRef([1; 16])),
        system: None,
        command: None,
        agent: "default".into(),
        provider: "sim".into(),
        kind: ProviderKind::Sim,
        base_url: None,
        simulated: true,
        model: "small".into(),
        priced: true,
        price: ModelPrice {
            input: Price::from_nanos(250_000_000),
            output: Price::from_nanos(1_250_000_000),
            ..ModelPrice::FREE
        },
        max_tokens: 4096,
        max_tokens_fixed: false,
        temperature: None,
        seed: None,
        randomness: 7,
        provider_max_concurrent: Some(options.parallel),
        reusable: true,
        partial: false,
        limits: Limits {
            max_total_cost_usd: Some(Money::MAX),
            max_parallel: options.parallel,
            max_total_agents: options.agents,
            ..Limits::default()
        },
    }
}

fn task(no: TaskNo) -> NewTask {
    NewTask {
        key: Key(u64::from(no)),
        args: ContentRef([2; 16]),
        input_bound: 400,
        replica: 0,
        payload: None,
        same_as: None,
        cached: None,
    }
}

/// How a call ends: 90 of 100 well, 8 for now not, 2 not at all.
fn end(no: u64) -> CallEnd {
    let (result, usage, sent) = match no % 100 {
        chance if chance % 50 == 7 => (Err(error(ErrorKind::Invalid, false)), None, Sent::Refused),
        chance if chance % 12 == 5 => (Err(error(ErrorKind::RateLimited, true)), None, Sent::Refused),
        _ => (Ok(answer()), Some(usage(no)), Sent::Maybe),
    };
    CallEnd {
        result,
        usage,
        cost: None,
        sent,
        model: None,
        price: None,
        first_output_ms: Some(310),
        duration_ms: 900,
        request_id: Some("req-0123456789abcdef".to_owned()),
        quota: Quota { requests_remaining: Some(99), requests_limit: Some(100), ..Quota::default() },
        receipt: Receipt { stream_closed: true, ..Receipt::default() },
    }
}

fn answer() -> Answer {
    let preview = "A first line of an answer, as it stands in the list of results and in the log.".to_owned();
    Answer { output: ContentRef([4; 16]), message: Some(ContentRef([5; 16])), preview, truncated: false }
}

fn usage(no: u64) -> Usage {
    Usage { input_tokens: 90, output_tokens: 40 + no % 200, ..Usage::default() }
}

fn error(kind: ErrorKind, retryable: bool) -> CallError {
    let message = "the provider said that this cannot be done at the moment".to_owned();
    CallError { kind, message, retryable, retry_after_ms: Some(0), status: Some(429), partial: None }
}
