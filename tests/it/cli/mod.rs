//! The command line, from the outside: the real program as a user or a script runs it.

mod bad_home;
mod bad_input;
mod budget;
mod crash;
mod failures;
mod interrupt;
mod listings;
mod processes;
mod reuse;
mod rows;
mod run;
mod secrets;
