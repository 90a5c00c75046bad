//! The composition root: what is started, in which order, and stopped.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser};

use crate::cli::exit::{Complaint, Exit};
use crate::cli::{
    Cli, Command, ResumeArgs, agents, events, kill, limit, logs, pause, resume, run, runs, show, status, tasks,
};
use crate::config::{Config, Home};
use crate::console;
use crate::deck::Deck;
use crate::domain::{Limits, RunId};
use crate::engine::handle::Handle;
use crate::store::vault::KeyOrigin;

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
    if complaint.is_silent() {
        return ExitCode::from(complaint.exit as u8);
    }
    let text = crate::guard::clean_for_terminal(&complaint.to_string()).into_owned();
    // Nothing can be told where standard error is gone.
    let _ = writeln!(std::io::stderr(), "error: {text}");
    ExitCode::from(complaint.exit as u8)
}

async fn execute(cli: Cli) -> Result<Exit, Complaint> {
    let Some(command) = cli.command else {
        if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
            return App::open(cli.home.as_deref(), cli.config.as_deref())?.console(None).await;
        }
        write!(std::io::stderr(), "{}", Cli::command().render_help())?;
        return Ok(Exit::Usage);
    };
    if matches!(command, Command::Demo) {
        return demo::run().await;
    }
    let app = App::open(cli.home.as_deref(), cli.config.as_deref())?;
    match command {
        Command::Run(args) if args.console => app.run_in_console(&args).await,
        Command::Run(args) => app.run(&args).await,
        Command::Estimate(args) => app.run(&run::args::RunArgs { dry_run: true, ..*args }).await,
        Command::ResumeRun(args) => app.resume(&args).await,
        Command::Demo => Ok(Exit::Met),
        Command::Pause(args) => app.ordered(async |handle, by| pause::pause(handle, &args, by).await).await,
        Command::Resume(args) => app.ordered(async |handle, by| resume::resume(handle, &args, by).await).await,
        Command::Kill(args) => app.ordered(async |handle, by| kill::kill(handle, &args, by).await).await,
        Command::Limit(args) => app.ordered(async |handle, by| limit::limit(handle, &args, by).await).await,
        Command::Status(args) => app.listed(async |handle| status::status(handle, &args).await).await,
        Command::Watch => app.listed(async |handle| status::watch(handle).await).await,
        Command::Logs(args) => app.listed(async |handle| logs::logs(handle, &args).await).await,
        Command::Runs(args) => app.listed(async |handle| runs::list(handle, &args).await).await,
        Command::Agents(args) => app.listed(async |handle| agents::list(handle, &args).await).await,
        Command::Tasks(args) => app.listed(async |handle| tasks::list(handle, &args).await).await,
        Command::Events(args) => app.listed(async |handle| events::list(handle, &args).await).await,
        Command::Show(args) => app.listed(async |handle| show::show(handle, &args).await).await,
    }
}

/// What a command works with.
struct App {
    deck: Deck,
}

impl App {
    fn open(home: Option<&Path>, config: Option<&Path>) -> Result<Self, Complaint> {
        let home = Home::find(home).map_err(Complaint::usage)?;
        let file = config.map_or_else(|| home.config_file(), Path::to_owned);
        let config = Config::load(&file, config.is_some()).map_err(Complaint::usage)?;
        let app = Self::assemble(home, config)?;
        let KeyOrigin::File { path, created } = app.deck.key();
        if *created {
            let path = path.display();
            let note =
                format!("note: this home's content is encrypted with the key in {path}: keep it with the database");
            // Nothing can be told where standard error is gone.
            let _ = writeln!(std::io::stderr(), "{note}");
        }
        Ok(app)
    }

    fn assemble(home: Home, config: Config) -> Result<Self, Complaint> {
        raise_file_limit();
        let program = std::env::current_exe()
            .map_err(|error| Complaint::usage(format!("this program can't be found on disk: {error}")))?;
        Ok(Self { deck: Deck::assemble(home, config, program).map_err(Complaint::usage)? })
    }

    fn defaults(&self) -> Limits {
        self.deck.config().limits.defaults()
    }

    /// Lets other processes of the home command the runs of this one. Where that is not possible,
    /// the runs are no worse for it.
    fn listen(mut self) -> Result<Self, Complaint> {
        if let Err(error) = self.deck.listen() {
            writeln!(std::io::stderr(), "note: other processes can't command the runs of this one: {error}")?;
        }
        Ok(self)
    }

    async fn run(self, args: &run::args::RunArgs) -> Result<Exit, Complaint> {
        let defaults = self.defaults();
        self.listen()?.until_signalled(async |handle| run::run(handle, args, &operator(), &defaults).await).await
    }

    async fn resume(self, args: &ResumeArgs) -> Result<Exit, Complaint> {
        self.listen()?
            .until_signalled(async |handle| {
                let id = crate::cli::listing::find_run(handle, &args.run).await?;
                run::resume(handle, id, &operator(), args).await
            })
            .await
    }

    async fn run_in_console(self, args: &run::args::RunArgs) -> Result<Exit, Complaint> {
        needs_terminal()?;
        let defaults = self.defaults();
        let app = self.listen()?;
        match run::begin(app.deck.handle(), args, &operator(), &defaults).await? {
            Some(dispatched) => app.console_with(Some(dispatched.run), false).await,
            None => Ok(Exit::Met),
        }
    }

    async fn console(self, run: Option<RunId>) -> Result<Exit, Complaint> {
        self.listen()?.console_with(run, false).await
    }

    async fn console_with(self, run: Option<RunId>, demo: bool) -> Result<Exit, Complaint> {
        needs_terminal()?;
        let clock = self.deck.handle().clock();
        let options = console::Options {
            run,
            theme: self.deck.config().console.theme.clone(),
            demo,
            defaults: console::Defaults {
                provider: self.deck.config().default_provider.clone(),
                model: None,
                limits: self.defaults(),
            },
            home_label: self.deck.home().data.display().to_string(),
            config_dir: Some(self.deck.home().config.clone()),
            by: operator(),
            clock: Arc::new(move || clock.now()),
        };
        let ended = console::run(self.deck.handle().clone(), options).await;
        // Runs that are still at work are suspended: they can be gone on with later.
        self.deck.close().await;
        farewell(&ended.map_err(Complaint::usage)?)?;
        Ok(Exit::Met)
    }

    /// Runs a command that only reads.
    async fn listed(self, command: impl AsyncFnOnce(&Handle) -> Result<(), Complaint>) -> Result<Exit, Complaint> {
        let listed = command(self.deck.handle()).await;
        self.deck.close().await;
        listed.map(|()| Exit::Met)
    }

    /// Runs a command that tells agents what to do.
    async fn ordered(
        self,
        command: impl AsyncFnOnce(&Handle, &str) -> Result<Exit, Complaint>,
    ) -> Result<Exit, Complaint> {
        let done = command(self.deck.handle(), &operator()).await;
        self.deck.close().await;
        done
    }

    /// Runs a command that is at work on runs. The first signal lets go of them; what was done is
    /// kept. The second ends the process at once.
    async fn until_signalled(
        self,
        command: impl AsyncFnOnce(&Handle) -> Result<Exit, Complaint>,
    ) -> Result<Exit, Complaint> {
        signals::let_go_on_signal(self.deck.handle().clone())?;
        let ended = command(self.deck.handle()).await;
        self.deck.close().await;
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

/// The console needs a terminal, and nothing may be sent before that is known.
fn needs_terminal() -> Result<(), Complaint> {
    if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Complaint::usage("the console needs a terminal").hint("`flightdeck run` works without one"))
}

/// Who asks, for the log.
fn operator() -> String {
    std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "operator".to_owned())
}

/// Each agent on an HTTP provider needs a socket: the soft limit of 1024 on many systems would
/// end a large dispatch with errors that nobody understands.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // It stays as it was where the system refuses.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
