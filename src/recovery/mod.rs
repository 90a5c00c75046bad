//! What to do about failures and about what a crash left behind. Pure.

pub mod retry;
