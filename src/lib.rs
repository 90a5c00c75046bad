//! flightdeck: a terminal console for people who run fleets of AI agents.

pub mod console;
pub mod cost;
pub mod dispatch;
pub mod domain;
pub mod engine;
pub mod guard;
pub mod provider;
pub mod store;
