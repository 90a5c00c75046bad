//! The one integration binary: each file here is a module of it, so that the crate is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that can't go on says so by failing, in its helpers too"
)]

mod aggregate;
mod anthropic;
mod architecture;
mod bad_answers;
mod cli;
mod console;
mod control;
mod decide;
mod docs;
mod examples;
mod golden;
mod openai;
mod openrouter;
mod process;
mod responses;
mod simulation;
mod store;
mod support;
