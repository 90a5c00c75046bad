//! What follows from what: tables of inputs and events for `engine::decide`.

mod admission;
mod crash;
mod limits;
mod operator;
mod outcomes;
mod script;
mod words;
