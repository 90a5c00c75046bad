//! A command line per task.
