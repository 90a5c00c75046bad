//! flightdeck: a terminal console for people who run fleets of AI agents.
//!
//! Commands go in, events come out, and everything that anyone sees is folded from the events.
//! [`domain`] is the vocabulary; [`engine`] decides, makes durable and performs; [`console`] and
//! [`cli`] are what an operator holds; [`app`] puts them together. `ARCHITECTURE.md` has the
//! whole picture.

pub mod aggregate;
pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod console;
pub mod cost;
pub mod deck;
pub mod dispatch;
pub mod domain;
pub mod engine;
pub mod guard;
pub mod limits;
pub mod provider;
pub mod recovery;
pub mod store;
