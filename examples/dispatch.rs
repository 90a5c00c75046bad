//! A dispatch as a library call, against the simulator: nothing leaves the machine.
//!
//! `cargo run --example dispatch`
#![allow(clippy::print_stdout, reason = "an example prints")]

use flightdeck::deck::Deck;
use flightdeck::dispatch::Request;
use flightdeck::domain::Limits;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let home = tempfile::tempdir()?;
    let deck = Deck::open(home.path())?;
    let rows = ["quicksort", "merge sort", "heap sort"].map(|algorithm| json!({ "algorithm": algorithm }));
    let request = Request {
        provider: Some("sim".into()),
        limits: Limits { max_total_cost_usd: Some("0.05".parse()?), max_parallel: 3, ..Limits::default() },
        ..Request::new("Explain {{algorithm}} in two sentences.")
    };
    for result in deck.dispatch(request, &rows).await? {
        let output = result.output.unwrap_or_default();
        println!(
            "{} {} ${} {}",
            result.task,
            result.success,
            result.cost_usd,
            output.lines().next().unwrap_or_default()
        );
    }
    deck.close().await;
    Ok(())
}
