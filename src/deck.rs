//! The library: an engine of one's own, in a few lines.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use flightdeck::deck::Deck;
//! use flightdeck::dispatch::Request;
//!
//! let deck = Deck::open(std::path::Path::new("/tmp/deck"))?;
//! let request = Request { provider: Some("sim".into()), ..Request::new("Sum up {{text}}") };
//! let rows = [serde_json::json!({"text": "one"}), serde_json::json!({"text": "two"})];
//! for result in deck.dispatch(request, &rows).await? {
//!     println!("{}: {:?}", result.task, result.output);
//! }
//! deck.close().await;
//! # Ok(())
//! # }
//! ```

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::ExposeSecret;
use serde::Serialize;

use crate::api::client::Client;
use crate::api::server::Server;
use crate::config::{Config, ConfigError, Home};
use crate::cost::{PriceError, PriceTable};
use crate::dispatch::{Request, RowFormat, RowsFrom};
use crate::engine::handle::{Handle, HandleError, TaskResult};
use crate::engine::{Engine, Parts};
use crate::guard::{Gate, KnownKeys};
use crate::provider::registry::{Registry, RegistryError};
use crate::store::sqlite::SqliteStore;
use crate::store::vault::KeyOrigin;
use crate::store::{Owner, Store, StoreError};

/// Why an engine can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum DeckError {
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A price can't be used.
    #[error(transparent)]
    Price(#[from] PriceError),
    /// A provider can't be used.
    #[error(transparent)]
    Provider(#[from] RegistryError),
    /// The home can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system does not do as asked.
    #[error("the system: {0}")]
    System(#[from] std::io::Error),
}

/// Why a dispatch has no results.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// It was refused, or could not be followed.
    #[error(transparent)]
    Engine(#[from] HandleError),
    /// The rows can't be passed on.
    #[error("the rows: {0}")]
    Rows(#[from] std::io::Error),
}

/// An engine with its home and configuration.
pub struct Deck {
    home: Home,
    config: Config,
    key: KeyOrigin,
    engine: Engine,
    server: Option<Server>,
}

impl Deck {
    /// Opens a home that keeps everything in one directory, with its `config.toml`. Must be
    /// called on a tokio runtime.
    pub fn open(home: &Path) -> Result<Self, DeckError> {
        let home = Home::find(Some(home))?;
        let config = Config::load(&home.config_file(), false)?;
        Self::assemble(home, config, std::env::current_exe()?)
    }

    /// The same with a configuration at hand. `supervisor` is the flightdeck program, which
    /// process agents run under.
    pub fn assemble(home: Home, config: Config, supervisor: PathBuf) -> Result<Self, DeckError> {
        let mut prices = PriceTable::builtin()?;
        prices.overlay(&config.prices)?;
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let registry = Registry::new(&config.providers, &environment, supervisor)?;
        let store = SqliteStore::open(&home.data)?;
        let key = store.key_origin().clone();
        let secrets = registry.secrets();
        let known = KnownKeys::new(secrets.iter().map(|(label, value)| (label.as_str(), value.expose_secret())));
        let store: Arc<dyn Store> = Arc::new(store);
        let engine = Engine::start(Parts {
            store,
            registry: Arc::new(registry),
            prices: Arc::new(prices),
            gate: Gate::new(known),
            owner: Owner::current(),
            remote: Some(Arc::new(Client::new(&home.data))),
            random,
            default_provider: config.default_provider.clone(),
        })?;
        Ok(Self { home, config, key, engine, server: None })
    }

    /// Lets other processes of the home command the runs of this one, until it is closed.
    pub fn listen(&mut self) -> std::io::Result<()> {
        self.server = Some(Server::start(&self.home.data, self.handle().clone())?);
        Ok(())
    }

    /// The way into the engine.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.engine.handle
    }

    /// Where its files are.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where the key of its content is.
    #[must_use]
    pub fn key(&self) -> &KeyOrigin {
        &self.key
    }

    /// Dispatches `request` over `rows`, each a JSON object, and waits for the results, in the
    /// order of their ends. A task that fails is a result; it never stops the others.
    pub async fn dispatch<R: Serialize>(&self, request: Request, rows: &[R]) -> Result<Vec<TaskResult>, DispatchError> {
        let spool = spool(rows)?;
        let rows = (!rows.is_empty()).then(|| RowsFrom {
            path: spool.path().to_owned(),
            name: "the rows".to_owned(),
            format: RowFormat::Jsonl,
        });
        let request = Request { rows: rows.or_else(|| request.rows.clone()), ..request };
        let dispatched = self.handle().dispatch(request).await?;
        let mut watch = self.handle().watch(dispatched.run).await?;
        while watch.next().await.is_some() {}
        Ok(self.handle().results(dispatched.run).await?)
    }

    /// Lets go of all runs and waits until that is durable and nothing goes on.
    pub async fn close(self) {
        self.engine.stop().await;
        if let Some(server) = self.server {
            server.close().await;
        }
    }
}

fn spool<R: Serialize>(rows: &[R]) -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new()?;
    for row in rows {
        serde_json::to_writer(&mut file, row)?;
        writeln!(file)?;
    }
    file.flush()?;
    Ok(file)
}

/// 64 random bits from the system.
fn random() -> u64 {
    let mut bytes = [0_u8; 8];
    // Only a system without randomness fails here; the store then refuses the repeated id.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
