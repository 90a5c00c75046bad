//! `demo`: the console on an offline run, in a home of its own that is gone afterwards.

use crate::cli::exit::{Complaint, Exit};
use crate::config::{Config, Home};
use crate::dispatch::{Request, RowFormat, RowsFrom};
use crate::domain::{Limits, Money};

use super::{App, operator};

const TEMPLATE: &str = "You are the {{role}} of {{service}}. {{job}} Report what you did and what is left.";
const ROWS: &str = include_str!("../../assets/demo.jsonl");
const CONFIG: &str = include_str!("../../assets/demo.toml");
/// Just too little for all of them: the last agents wait for money, and some are refused.
const BUDGET: Money = Money::from_nanos(55_000_000);

pub(super) async fn run() -> Result<Exit, Complaint> {
    super::needs_terminal()?;
    let place = tempfile::Builder::new().prefix("flightdeck-demo-").tempdir()?;
    let home = Home { data: place.path().to_owned(), config: place.path().to_owned() };
    let rows = place.path().join("rows.jsonl");
    std::fs::write(&rows, ROWS)?;
    std::fs::write(home.config_file(), CONFIG)?;
    let config = Config::load(&home.config_file(), true).map_err(Complaint::usage)?;
    let app = App::assemble(home, config)?.listen()?;
    let request = Request {
        by: operator(),
        rows: Some(RowsFrom { path: rows, name: "the demo's rows".to_owned(), format: RowFormat::Jsonl }),
        provider: Some("sim".to_owned()),
        seed: Some(7),
        limits: Limits {
            max_total_cost_usd: Some(BUDGET),
            max_parallel: 12,
            agent_timeout_ms: 120_000,
            ..Limits::default()
        },
        partial: true,
        use_cache: false,
        ..Request::new(TEMPLATE)
    };
    let dispatched = app.deck.handle().dispatch(request).await?;
    app.console_with(Some(dispatched.run), true).await
}
