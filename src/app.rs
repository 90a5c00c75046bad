//! The composition root: what is started, in which order, and stopped.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser};
use secrecy::ExposeSecret;

use crate::cli::exit::{Complaint, Exit};
use crate::cli::{Cli, Command, ResumeArgs, agents, events, run, runs, show, tasks};
use crate::config::{Config, Home};
use crate::console;
use crate::cost::PriceTable;
use crate::domain::RunId;
use crate::engine::handle::Handle;
use crate::engine::{Engine, Parts};
use crate::guard::{Gate, KnownKeys};
use crate::provider::registry::Registry;
use crate::store::sqlite::SqliteStore;
use crate::store::vault::KeyOrigin;
use crate::store::{Owner, Store};

mod demo;
mod signals;

/// Runs the program; everything that it started has ended when this returns.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing can be told where the terminal is gone.
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()) * Exit::Usage as u8);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&Complaint::usage(format!("the system gives no threads: {error}"))),
    };
    match runtime.block_on(execute(cli)) {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(complaint) => complain(&complaint),
    }
}

fn complain(complaint: &Complaint) -> ExitCode {
    let text = crate::guard::clean_for_terminal(&complaint.to_string()).into_owned();
    // Nothing can be told where standard error is gone.
    let _ = writeln!(std::io::stderr(), "error: {text}");
    ExitCode::from(complaint.exit as u8)
}

async fn execute(cli: Cli) -> Result<Exit, Complaint> {
    let Some(command) = cli.command else {
        if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
            return App::open(&cli.home, &cli.config)?.console(None).await;
        }
        write!(std::io::stderr(), "{}", Cli::command().render_help())?;
        return Ok(Exit::Usage);
    };
    if matches!(command, Command::Demo) {
        return demo::run().await;
    }
    let app = App::open(&cli.home, &cli.config)?;
    match command {
        Command::Run(args) if args.console => app.run_in_console(&args).await,
        Command::Run(args) => app.run(&args).await,
        Command::Estimate(args) => app.run(&run::args::RunArgs { dry_run: true, ..*args }).await,
        Command::ResumeRun(args) => app.resume(&args).await,
        Command::Demo => Ok(Exit::Met),
        Command::Runs(args) => app.listed(async |handle| runs::list(handle, &args).await).await,
        Command::Agents(args) => app.listed(async |handle| agents::list(handle, &args).await).await,
        Command::Tasks(args) => app.listed(async |handle| tasks::list(handle, &args).await).await,
        Command::Events(args) => app.listed(async |handle| events::list(handle, &args).await).await,
        Command::Show(args) => app.listed(async |handle| show::show(handle, &args).await).await,
    }
}

/// What a command works with.
struct App {
    home: Home,
    config: Config,
    engine: Engine,
}

impl App {
    fn open(home: &Option<std::path::PathBuf>, config: &Option<std::path::PathBuf>) -> Result<Self, Complaint> {
        let home = Home::find(home.as_deref()).map_err(Complaint::usage)?;
        let file = config.clone().unwrap_or_else(|| home.config_file());
        let config = Config::load(&file, config.is_some()).map_err(Complaint::usage)?;
        Self::assemble(home, config)
    }

    fn assemble(home: Home, config: Config) -> Result<Self, Complaint> {
        raise_file_limit();
        let mut prices = PriceTable::builtin().map_err(Complaint::usage)?;
        prices.overlay(&config.prices).map_err(Complaint::usage)?;
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let binary = std::env::current_exe()
            .map_err(|error| Complaint::usage(format!("this program can't be found on disk: {error}")))?;
        let registry =
            Registry::new(&config.providers, &environment, binary).map_err(Complaint::usage)?;
        let store = SqliteStore::open(&home.data).map_err(Complaint::usage)?;
        let KeyOrigin::File { path, created } = store.key_origin();
        if *created {
            // Nothing can be told where standard error is gone.
            let _ = writeln!(
                std::io::stderr(),
                "note: the content of this home is encrypted with the key in {}: keep it with the database",
                path.display()
            );
        }
        let secrets = registry.secrets();
        let known = KnownKeys::new(secrets.iter().map(|(label, value)| (label.as_str(), value.expose_secret())));
        let owner = Owner::current();
        let store: Arc<dyn Store> = Arc::new(store);
        let parts = Parts {
            store,
            registry: Arc::new(registry),
            prices: Arc::new(prices),
            gate: Gate::new(known),
            owner,
            random,
            default_provider: config.default_provider.clone(),
        };
        let engine = Engine::start(parts)
            .map_err(|error| Complaint::usage(format!("the system gives no threads: {error}")))?;
        Ok(Self { home, config, engine })
    }

    async fn run(self, args: &run::args::RunArgs) -> Result<Exit, Complaint> {
        let defaults = self.config.limits.defaults();
        self.until_signalled(async |handle| run::run(handle, args, &operator(), &defaults).await).await
    }

    async fn resume(self, args: &ResumeArgs) -> Result<Exit, Complaint> {
        self.until_signalled(async |handle| {
            let id = crate::cli::listing::find_run(handle, &args.run).await?;
            run::resume(handle, id, &operator(), args.out.as_deref(), args.summary.as_deref()).await
        })
        .await
    }

    async fn run_in_console(self, args: &run::args::RunArgs) -> Result<Exit, Complaint> {
        let defaults = self.config.limits.defaults();
        match run::begin(&self.engine.handle, args, &operator(), &defaults).await? {
            Some(dispatched) => self.console(Some(dispatched.run)).await,
            None => Ok(Exit::Met),
        }
    }

    async fn console(self, run: Option<RunId>) -> Result<Exit, Complaint> {
        self.console_with(run, false).await
    }

    async fn console_with(self, run: Option<RunId>, demo: bool) -> Result<Exit, Complaint> {
        if !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
            return Err(Complaint::usage("the console needs a terminal").hint("`flightdeck run` works without one"));
        }
        let clock = self.engine.handle.clock();
        let options = console::Options {
            run,
            theme: self.config.console.theme.clone(),
            demo,
            defaults: console::Defaults {
                provider: self.config.default_provider.clone(),
                model: None,
                limits: self.config.limits.defaults(),
            },
            home_label: self.home.data.display().to_string(),
            config_dir: Some(self.home.config.clone()),
            by: operator(),
            clock: Arc::new(move || clock.now()),
        };
        let ended = console::run(self.engine.handle.clone(), options).await;
        // Runs that are still at work are suspended: they can be gone on with later.
        self.engine.stop().await;
        farewell(&ended.map_err(Complaint::usage)?)?;
        Ok(Exit::Met)
    }

    /// Runs a command that only reads.
    async fn listed(self, command: impl AsyncFnOnce(&Handle) -> Result<(), Complaint>) -> Result<Exit, Complaint> {
        let listed = command(&self.engine.handle).await;
        self.engine.stop().await;
        listed.map(|()| Exit::Met)
    }

    /// Runs a command that is at work on runs. The first signal lets go of them; what was done is
    /// kept. The second ends the process at once.
    async fn until_signalled(
        self,
        command: impl AsyncFnOnce(&Handle) -> Result<Exit, Complaint>,
    ) -> Result<Exit, Complaint> {
        signals::let_go_on_signal(self.engine.handle.clone())?;
        let ended = command(&self.engine.handle).await;
        self.engine.stop().await;
        ended
    }
}

/// Says what became of the runs that were at work.
fn farewell(exit: &console::Exit) -> std::io::Result<()> {
    let (console::Exit::Suspend(runs) | console::Exit::Ended(runs)) = exit else { return Ok(()) };
    for run in runs {
        writeln!(std::io::stderr(), "run {run} is suspended: go on with `flightdeck resume-run {run}`")?;
    }
    Ok(())
}

/// Who asks, for the log.
fn operator() -> String {
    std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "operator".to_owned())
}

/// 64 random bits from the system.
fn random() -> u64 {
    let mut bytes = [0_u8; 8];
    // Only a system without randomness fails here; the store then refuses the repeated id.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Each agent on an HTTP provider needs a socket: the soft limit of 1024 on many systems would
/// end a large dispatch with errors that nobody understands.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // It stays as it was where the system refuses.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
