//! SQLite: one file in the home.
