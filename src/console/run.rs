//! The console's loop: keys, what the engine tells, answers, signals and time come to one place,
//! one after the other; then a frame is drawn, if there is something new to see.

use std::collections::BTreeMap;
use std::time::Duration;

use crossterm::event::{Event, EventStream, KeyEventKind};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::desk::Desk;
use super::perform::Performer;
use super::signals::{Asked, Signals};
use super::terminal::Screen;
use super::wish::{Answer, Ask};
use super::{Clock, ConsoleError, Exit};
use crate::domain::{AgentId, AgentNo, RunId};
use crate::engine::handle::{Handle, TailView};

/// Frames are at least this far apart, but for keys.
const FRAME: Duration = Duration::from_millis(33);
/// How many answers wait at most. When it is full, the tasks that watch and ask wait; the engine
/// never does, as it lets a watcher that lags begin anew with a snapshot.
const QUEUE: usize = 256;
/// How many answers are taken before a frame is thought of.
const AT_ONCE: usize = 512;

/// Why the loop came around.
enum Input {
    Terminal(Event),
    Answer(Answer),
    Signal(Asked),
    Time,
    Closed,
}

/// Runs the console to its end.
pub(super) async fn run(
    handle: Handle,
    mut desk: Desk,
    open: Option<RunId>,
    clock: Clock,
) -> Result<Exit, ConsoleError> {
    let (answers, mut answered) = mpsc::channel(QUEUE);
    let mut signals = Signals::new()?;
    let mut screen = Screen::enter()?;
    let mut events = EventStream::new();
    let mut console = Console { performer: Performer::new(handle.clone(), answers), handle, clock, exit: None };
    console.performer.list();
    let first = open.map(Ask::Open).into_iter().collect();
    if let Some(run) = open {
        desk.open(run);
    }
    console.begin(first, &mut desk, &mut screen)?;
    let mut drawn: Option<Instant> = None;
    let mut at_once = true;
    loop {
        let asks = desk.tick((console.clock)());
        console.begin(asks, &mut desk, &mut screen)?;
        console.listen(&mut desk);
        if let Some(exit) = console.exit.take() {
            return Ok(exit);
        }
        let next_frame = drawn.map_or_else(Instant::now, |drawn| drawn + FRAME);
        if desk.is_dirty() && (at_once || next_frame <= Instant::now()) {
            if screen.draw(|area, buf| desk.draw(area, buf)).is_err() {
                // The terminal is gone, and its signal may not have come yet.
                return Ok(Exit::Ended(desk.own_live()));
            }
            drawn = Some(Instant::now());
        }
        let wake = console.wake(&desk, next_frame);
        let input = tokio::select! {
            biased;
            event = events.next() => match event {
                Some(Ok(event)) => Input::Terminal(event),
                Some(Err(_)) | None => Input::Closed,
            },
            signal = signals.next() => Input::Signal(signal),
            Some(answer) = answered.recv() => Input::Answer(answer),
            () = until(wake) => Input::Time,
        };
        at_once = matches!(input, Input::Terminal(_) | Input::Signal(_));
        console.take(input, &mut desk, &mut screen)?;
        for _ in 0..AT_ONCE {
            let Ok(answer) = answered.try_recv() else { break };
            console.take(Input::Answer(answer), &mut desk, &mut screen)?;
        }
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// What the loop has at hand.
struct Console {
    handle: Handle,
    performer: Performer,
    clock: Clock,
    exit: Option<Exit>,
}

impl Console {
    fn take(&mut self, input: Input, desk: &mut Desk, screen: &mut Screen) -> Result<(), ConsoleError> {
        let asks = match input {
            Input::Terminal(event) => self.event(event, desk),
            Input::Answer(answer) => desk.take(answer),
            Input::Signal(Asked::End) | Input::Closed => vec![Ask::Quit(Exit::Ended(desk.own_live()))],
            Input::Signal(Asked::Stop) => vec![Ask::Suspend],
            Input::Signal(Asked::Continue) => {
                screen.resume()?;
                desk.touch();
                Vec::new()
            }
            Input::Time => Vec::new(),
        };
        self.begin(asks, desk, screen)
    }

    fn event(&self, event: Event, desk: &mut Desk) -> Vec<Ask> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                // Keys are judged by the time at which they come.
                let mut asks = desk.tick((self.clock)());
                asks.extend(desk.key(key));
                asks
            }
            Event::Paste(text) => {
                desk.paste(&text);
                Vec::new()
            }
            Event::Resize(..) => {
                desk.touch();
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn begin(&mut self, asks: Vec<Ask>, desk: &mut Desk, screen: &mut Screen) -> Result<(), ConsoleError> {
        for ask in asks {
            match ask {
                Ask::Quit(exit) => self.exit = Some(exit),
                Ask::Suspend => {
                    screen.suspend()?;
                    desk.touch();
                }
                Ask::Redraw => {
                    screen.forget()?;
                    desk.touch();
                }
                ask => self.performer.begin(ask),
            }
        }
        Ok(())
    }

    /// Looks at what the agents in sight are saying.
    fn listen(&self, desk: &mut Desk) {
        let Some((run, agents)) = desk.listens_to() else { return };
        let tail = |no: AgentNo| self.handle.tail(AgentId { run, no }).map(|tail| (no, tail));
        let tails: BTreeMap<AgentNo, TailView> = agents.into_iter().filter_map(tail).collect();
        desk.hear(tails);
    }

    /// When the loop comes around of itself; nothing: it sleeps until something comes.
    fn wake(&self, desk: &Desk, next_frame: Instant) -> Option<Instant> {
        let now = (self.clock)().mono;
        let own = desk.wake().map(|at| Instant::now() + at.since(now));
        let frame = desk.is_dirty().then_some(next_frame);
        own.into_iter().chain(frame).min()
    }
}
