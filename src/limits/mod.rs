//! May this start now? Pure: the state goes in, a verdict comes out.

pub mod account;
