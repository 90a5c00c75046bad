//! What text must pass. Pure: text in, clean text out.
//!
//! [`Gate`] is the one way by which text of models, tools, files and arguments leaves the engine.

mod gate;
mod known;
mod terminal;

pub use gate::{Gate, GateStream};
pub use known::KnownKeys;
pub use terminal::{clean as clean_for_terminal, escape_json};
