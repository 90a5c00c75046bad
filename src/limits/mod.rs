//! May this start now? Pure: limits and what is used come in, a verdict comes out.

pub mod account;
