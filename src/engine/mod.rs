//! The engine: one loop, one writer, a total order per run. Commands go in, events come out.
//!
//! [`decide`] is pure and says what follows from what; the loop applies it in memory and hands
//! it to the store; `perform` is the one gate by which the world is acted upon; [`handle`] is the
//! one way in.

mod call;
pub mod clock;
pub mod decide;
mod follow;
pub mod handle;
mod intake;
mod main_loop;
mod pending;
mod perform;
mod results;
mod route;
mod tails;
mod texts;
mod transcript;
mod watcher;
mod writer;

use std::collections::BinaryHeap;
use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;

use self::call::Surroundings;
use self::clock::Clock;
use self::handle::{Handle, Inner, Remote};
use self::main_loop::{Health, MainLoop};
use self::pending::Pending;
use self::perform::Perform;
use self::tails::Tails;
use self::texts::Texts;
use self::writer::Writer;
use crate::cost::PriceTable;
use crate::domain::State;
use crate::guard::Gate;
use crate::provider::registry::Registry;
use crate::store::{Owner, Store};

/// Commands that wait for the loop. A sender waits when it is full; the loop takes them first.
const ASKS: usize = 1024;
/// Calls that ended and wait for the loop. When it is full, they wait in their own tasks.
const REPORTS: usize = 4096;
/// Batches of events that a slow reader may be behind. Then it starts afresh from a snapshot.
const FEED: usize = 1024;

/// What an engine is made of.
pub struct Parts {
    /// Where events and content are kept.
    pub store: Arc<dyn Store>,
    /// What agents run on.
    pub registry: Arc<Registry>,
    /// What models cost.
    pub prices: Arc<PriceTable>,
    /// What texts pass on their way out.
    pub gate: Gate,
    /// This process.
    pub owner: Owner,
    /// The way to other processes of the home; nothing: their runs can't be commanded from here.
    pub remote: Option<Arc<dyn Remote>>,
    /// The provider of a dispatch that names none.
    pub default_provider: Option<String>,
    /// Draws 64 random bits: ids and seeds.
    pub random: fn() -> u64,
}

/// A running engine.
pub struct Engine {
    /// The way in.
    pub handle: Handle,
    task: JoinHandle<()>,
}

impl Engine {
    /// Starts an engine on the current tokio runtime.
    ///
    /// # Errors
    /// Where the store's thread can't be started.
    pub fn start(parts: Parts) -> std::io::Result<Self> {
        let (asks_in, asks) = mpsc::channel(ASKS);
        let (reports_in, reports) = mpsc::channel(REPORTS);
        let (written_in, written) = mpsc::channel(4);
        let (feed, _) = broadcast::channel(FEED);
        let (health_in, health) = watch::channel(Health::default());
        let clock = Clock::start();
        let around = Arc::new(Surroundings {
            texts: Texts::new(Arc::clone(&parts.store)),
            registry: parts.registry,
            prices: parts.prices,
            gate: parts.gate,
            tails: Tails::default(),
            store: Arc::clone(&parts.store),
            default_provider: parts.default_provider,
        });
        let main_loop = MainLoop {
            clock,
            state: State::default(),
            asks,
            reports,
            written,
            writer: Writer::start(parts.store, written_in)?,
            perform: Perform::new(Arc::clone(&around), reports_in),
            feed: feed.clone(),
            health: health_in,
            owner: parts.owner.clone(),
            pending: Pending::default(),
            writing: None,
            timers: BinaryHeap::new(),
            stopping: false,
            deaf: false,
        };
        let inner = Inner {
            asks: asks_in,
            feed,
            around,
            owner: parts.owner,
            clock,
            remote: parts.remote,
            health,
            changes: parking_lot::Mutex::new(None),
            random: parts.random,
            begun: false.into(),
        };
        Ok(Self { handle: Handle::new(inner), task: tokio::spawn(main_loop.run()) })
    }

    /// Lets go of all runs and waits until that is durable and nothing goes on.
    pub async fn stop(self) {
        self.handle.stop().await;
        // A panic of the loop was reported by its hook.
        let _ = self.task.await;
    }
}
