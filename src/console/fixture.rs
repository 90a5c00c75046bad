//! Runs made from events, for tests: the same events that an engine would tell.

use std::sync::Arc;

use chrono::{Offset, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Defaults;
use super::desk::{Desk, Parts};
use super::keymap::KeyMap;
use super::panes::prompt::Prompt;
use super::theme::{Depth, Theme, load};
use super::view::View;
use crate::domain::event::*;
use crate::domain::report::{Answer, CallError, Quota, Receipt, Sent};
use crate::domain::*;
use crate::engine::handle::{TailView, Update};
use crate::guard::{Gate, KnownKeys};
use crate::provider::Descriptor;
use crate::store::{Owner, RunRow};

/// When the run starts: 2026-11-21T12:02:29Z.
pub(crate) const START: i64 = 1_795_262_549_000;

pub(crate) fn theme() -> Theme {
    load("dark", None, Depth::True).expect("the shipped theme reads")
}

/// A content's name for a test.
pub(crate) fn content(number: u64) -> ContentRef {
    format!("{number:032x}").parse().expect("is a name")
}

pub(crate) fn money(text: &str) -> Money {
    text.parse().expect("is an amount")
}

/// Builds the log of a run.
pub(crate) struct Builder {
    pub(crate) id: RunId,
    pub(crate) events: Vec<Event>,
    at: i64,
    totals: Totals,
}

/// A run of `agents` on the simulator with a budget of five dollars.
pub(crate) fn run(agents: u32) -> Builder {
    run_on(agents, ProviderKind::Sim, "sim", "sim-small")
}

pub(crate) fn run_on(agents: u32, kind: ProviderKind, provider: &str, model: &str) -> Builder {
    let id = RunId::from_random(0x07_1234_5678);
    let limits = Limits { max_total_cost_usd: Some(money("5")), max_parallel: 24, ..Limits::default() };
    let spec = RunSpec {
        title: "Sort with {{algorithm}} and report comparisons".into(),
        template: Some(content(900_000)),
        system: None,
        command: None,
        agent: "default".into(),
        provider: provider.into(),
        kind,
        base_url: None,
        simulated: kind == crate::domain::ProviderKind::Sim,
        priced: true,
        model: model.into(),
        price: ModelPrice {
            input: "0.25".parse().expect("price"),
            output: "1.25".parse().expect("price"),
            ..ModelPrice::FREE
        },
        max_tokens: 4096,
        max_tokens_fixed: false,
        temperature: None,
        seed: None,
        randomness: 1,
        provider_max_concurrent: None,
        reusable: true,
        partial: false,
        limits,
    };
    let totals = Totals { budget: Some(money("5")), ..Totals::default() };
    let mut builder = Builder { id, events: Vec::new(), at: START, totals };
    builder.push(None, Body::RunCreated(RunCreated { by: "ada".into(), spec: Arc::new(spec) }));
    let task = |no: u32| NewTask {
        key: Key(u64::from(no)),
        args: content(u64::from(no)),
        input_bound: 100,
        replica: 0,
        payload: None,
        same_as: None,
        cached: None,
    };
    builder.push(None, Body::TasksCreated(TasksCreated { first: 0, tasks: (0..agents).map(task).collect() }));
    builder
}

impl Builder {
    fn push(&mut self, agent: Option<AgentNo>, body: Body) -> &mut Self {
        let seq = self.events.len() as u64 + 1;
        let money = matches!(body, Body::CallStarted(_) | Body::CallFinished(_)).then_some(self.totals);
        let mono = Mono(u64::try_from(self.at).expect("positive") * 1_000);
        self.events.push(Event { run: self.id, seq, at: Wall(self.at), mono, agent, task: agent, money, body });
        self
    }

    /// Another budget than five dollars, from the beginning.
    pub(crate) fn budget(&mut self, budget: Money) -> &mut Self {
        self.totals.budget = Some(budget);
        self
    }

    /// Money stays held of a call whose end nobody saw.
    pub(crate) fn hold_unconfirmed(&mut self, amount: Money) -> &mut Self {
        self.totals.unconfirmed += amount;
        self.call_ended(0, "0", None)
    }

    /// Time passes.
    pub(crate) fn later(&mut self, millis: i64) -> &mut Self {
        self.at += millis;
        self
    }

    pub(crate) fn start(&mut self) -> &mut Self {
        let tasks = u32::try_from(self.fold().tasks.len()).expect("few");
        self.push(None, Body::RunStarted(RunStarted { tasks, cached: 0 }))
    }

    fn moved(&mut self, agent: AgentNo, from: AgentState, to: AgentState) -> &mut Self {
        let moved = AgentMove { from, to };
        self.push(Some(agent), Body::AgentState(AgentStateChanged { moved, reason: None, receipt: None }))
    }

    /// Its call is under way.
    pub(crate) fn work(&mut self, agent: AgentNo, attempt: u32) -> &mut Self {
        self.push(Some(agent), Body::TaskStarted(TaskStarted { attempt, key: Key(u64::from(agent)) }));
        if attempt == 1 {
            self.moved(agent, AgentState::Spawning, AgentState::Idle);
        }
        self.totals.reserved += money("0.04");
        let started = CallStarted {
            attempt,
            provider: "sim".into(),
            model: "sim-small".into(),
            bound_usd: money("0.04"),
            max_tokens: 4096,
            lowered: false,
        };
        self.push(Some(agent), Body::CallStarted(started));
        self.moved(agent, AgentState::Idle, AgentState::Working)
    }

    fn call_ended(&mut self, agent: AgentNo, cost: &str, error: Option<CallError>) -> &mut Self {
        self.totals.reserved = self.totals.reserved.less(money("0.04"));
        self.totals.spent += money(cost);
        let usage = Usage { input_tokens: 412, output_tokens: 96, ..Usage::default() };
        let finished = CallFinished {
            call: 0,
            answer: error.is_none().then(|| Answer {
                output: content(1_000 + u64::from(agent)),
                message: None,
                preview: "done".into(),
                truncated: false,
            }),
            error,
            stopped: None,
            usage: Some(usage),
            cost_usd: money(cost),
            held_usd: Money::ZERO,
            settlement: Settlement::Settled,
            sent: Sent::Maybe,
            model: None,
            first_output_ms: Some(310),
            duration_ms: 2_300,
            request_id: None,
            quota: Quota { requests_remaining: Some(4_812), requests_limit: Some(5_000), ..Quota::default() },
            receipt: Receipt::default(),
        };
        self.push(Some(agent), Body::CallFinished(Box::new(finished)))
    }

    fn ended(&mut self, agent: AgentNo, state: TaskState, error: Option<TaskError>, cost: &str) -> &mut Self {
        let finished = TaskFinished {
            state,
            success: error.is_none(),
            error,
            output: Some(content(1_000 + u64::from(agent))),
            preview: format!("Merge sort made {} comparisons for 1,000 numbers", 8_700 + agent),
            duration_ms: 2_300,
            attempts: 1,
            cost_usd: money(cost),
            usage: Usage { input_tokens: 412, output_tokens: 96, ..Usage::default() },
            provider: "sim".into(),
            model: "sim-small".into(),
            key: Key(u64::from(agent)),
            cached: false,
            truncated: false,
        };
        self.push(Some(agent), Body::TaskFinished(Box::new(finished)))
    }

    pub(crate) fn finish(&mut self, agent: AgentNo, cost: &str) -> &mut Self {
        self.call_ended(agent, cost, None).ended(agent, TaskState::Completed, None, cost);
        self.moved(agent, AgentState::Working, AgentState::Idle);
        self.moved(agent, AgentState::Idle, AgentState::Terminated)
    }

    pub(crate) fn fail(&mut self, agent: AgentNo, message: &str) -> &mut Self {
        let call = CallError {
            kind: ErrorKind::Provider,
            message: message.into(),
            retryable: false,
            retry_after_ms: None,
            status: Some(500),
            partial: None,
        };
        self.call_ended(agent, "0.0008", Some(call));
        let error = TaskError { kind: ErrorKind::Provider, message: message.into(), retryable: false };
        self.ended(agent, TaskState::Failed, Some(error), "0.0008");
        self.moved(agent, AgentState::Working, AgentState::Error)
    }

    pub(crate) fn retry(&mut self, agent: AgentNo, wait_ms: u64) -> &mut Self {
        let call = CallError {
            kind: ErrorKind::RateLimited,
            message: "the provider answered 429".into(),
            retryable: true,
            retry_after_ms: Some(wait_ms),
            status: Some(429),
            partial: None,
        };
        self.call_ended(agent, "0", Some(call));
        let error =
            TaskError { kind: ErrorKind::RateLimited, message: "the provider answered 429".into(), retryable: true };
        self.push(Some(agent), Body::TaskRetrying(TaskRetrying { attempt: 1, of: 3, wait_ms, error }));
        self.moved(agent, AgentState::Working, AgentState::Idle)
    }

    pub(crate) fn pause(&mut self, agent: AgentNo) -> &mut Self {
        let action =
            OperatorAction { action: "pause".into(), by: "ada".into(), reason: None, agents: 1, whole_run: false };
        self.push(Some(agent), Body::OperatorAction(action));
        self.moved(agent, AgentState::Working, AgentState::Paused)
    }

    pub(crate) fn wait(&mut self, agent: AgentNo) -> &mut Self {
        let waits = TaskWaits { waits_for: "money".into(), needs_usd: money("0.04"), free_usd: money("0.01") };
        self.push(Some(agent), Body::TaskWaits(waits))
    }

    pub(crate) fn suspend(&mut self) -> &mut Self {
        self.push(None, Body::RunSuspended(Why { reason: "its process ended".into() }))
    }

    pub(crate) fn fold(&self) -> Run {
        let (first, rest) = self.events.split_first().expect("has a beginning");
        let mut run = Run::first(first).expect("begins");
        for event in rest {
            run.apply(event).expect("follows");
        }
        run
    }

    /// When the last event was.
    pub(crate) fn now(&self) -> Now {
        Now { wall: Wall(self.at), mono: Mono(u64::try_from(self.at).expect("positive") * 1_000) }
    }
}

/// A run in the middle of its life: 22 done, 3 failed, 12 at work, 3 paused, one to be retried.
pub(crate) fn busy(agents: u32) -> Builder {
    busy_on(run(agents))
}

pub(crate) fn busy_on(mut run: Builder) -> Builder {
    run.start();
    for agent in 0..22 {
        run.later(400).work(agent, 1);
    }
    for agent in 0..22 {
        run.later(1_700).finish(agent, "0.0412");
    }
    for agent in 22..41 {
        run.later(300).work(agent, 1);
    }
    for agent in [24, 27, 31] {
        run.later(500).fail(agent, "the server answered 500: upstream is overloaded, try again later");
    }
    run.later(200).retry(26, 4_000);
    for agent in [28, 30, 33] {
        run.later(350).pause(agent);
    }
    run.later(100).wait(41);
    run.later(600);
    run
}

/// A home with the run, one of another process, a suspended one and one that has ended.
pub(crate) fn rows(own: &Builder) -> Vec<RunRow> {
    let run = own.fold();
    let row = |id: RunId, state: RunState, title: &str| RunRow {
        id,
        state,
        by: "ada".into(),
        title: title.into(),
        provider: "local".into(),
        model: "gpt-4o-mini".into(),
        simulated: id == own.id,
        reusable: true,
        created: Wall(START),
        started: Some(Wall(START)),
        ended: state.is_final().then_some(Wall(START + 102_000)),
        tasks: 100,
        succeeded: 22,
        failed: 3,
        cancelled: 0,
        money: run.money,
        usage: run.usage,
        stopped_by: None,
        owner: state.is_live().then(|| Owner { pid: 4711, started: 1, boot: "b".into() }),
    };
    vec![
        row(own.id, RunState::Running, &run.spec.title),
        row(RunId::from_random(77), RunState::Running, "Summarise {{file}} in two lines, in plain words"),
        row(RunId::from_random(78), RunState::Suspended, "Translate {{text}} into {{language}}"),
        row(RunId::from_random(79), RunState::Failed, "Check {{url}}"),
    ]
}

/// What agents at work are saying.
pub(crate) fn tails(agents: impl IntoIterator<Item = AgentNo>) -> std::collections::BTreeMap<AgentNo, TailView> {
    let tail = |no: AgentNo| TailView {
        text: format!("Let me count.\n\nPass {no}: compared 412 pairs, swapped 17; the left half is sorted"),
        aside: if no == 28 { 1_204 } else { 0 },
        per_second: 60.0 + f32::from(u16::try_from(no).expect("few")),
    };
    agents.into_iter().map(|no| (no, tail(no))).collect()
}

/// A console that knows two providers, at a moment.
pub(crate) fn desk() -> Desk {
    let map = KeyMap::standard().expect("the shipped key map reads");
    let known = KnownKeys::new([("OPENAI_API_KEY", "sk-0123456789abcdef")]);
    let mut view = View::new(Gate::new(known), map, "~/.local/share/flightdeck".into(), Utc.fix(), false);
    view.providers = vec![descriptor("sim", true, false), descriptor("process", false, true)];
    view.now = Now { wall: Wall(START), mono: Mono(START as u64 * 1_000) };
    Desk::new(Parts {
        view,
        theme: theme(),
        theme_dir: None,
        depth: Depth::True,
        prompt: Prompt::new("ada".into(), &Defaults::default()),
        by: "ada".into(),
    })
}

fn descriptor(name: &str, simulated: bool, runs_command: bool) -> Descriptor {
    Descriptor {
        name: name.into(),
        kind: if simulated { ProviderKind::Sim } else { ProviderKind::Process },
        endpoint: None,
        default_model: simulated.then(|| "sim-small".into()),
        bills_tokens: simulated,
        tells_cost: false,
        takes_seed: true,
        runs_command,
        pause_stops: false,
        simulated,
        max_concurrent: None,
    }
}

/// The same with a run open, as if it had been watched from its start.
pub(crate) fn watching(builder: &Builder) -> Desk {
    let mut desk = desk();
    desk.open(builder.id);
    let begin = builder.events.iter().position(|event| matches!(event.body, Body::RunStarted(_))).expect("started");
    let (before, after) = builder.events.split_at(begin);
    let snapshot = Builder { id: builder.id, events: before.to_vec(), at: 0, totals: Totals::default() }.fold();
    desk.take(super::wish::Answer::Update(builder.id, Update::Snapshot(Box::new(snapshot))));
    desk.take(super::wish::Answer::Update(builder.id, Update::Events(after.into())));
    desk.view.own.insert(builder.id);
    desk.tick(builder.now());
    desk
}

/// What a frame of a size says, line by line.
pub(crate) fn frame(desk: &mut Desk, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    desk.draw(area, &mut buf);
    if desk.view.is_busy() {
        desk.hear(tails(22..41));
        buf.reset();
        desk.draw(area, &mut buf);
    }
    text(&buf)
}

/// The characters of a buffer.
pub(crate) fn text(buf: &Buffer) -> String {
    let area = buf.area;
    let line = |y: u16| {
        let mut line = String::new();
        let mut skip = 0;
        for x in area.left()..area.right() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buf[(x, y)].symbol();
            skip = super::widgets::text::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        line.trim_end().to_owned()
    };
    (area.top()..area.bottom()).map(line).collect::<Vec<_>>().join("\n")
}
