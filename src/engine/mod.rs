//! The engine: one loop, one writer, a total order per run.

pub mod handle;
