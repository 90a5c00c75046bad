//! What happens after a failure. Pure: no clock, and randomness is an input.

pub mod retry;
