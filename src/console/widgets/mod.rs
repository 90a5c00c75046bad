//! Plain values and a theme in, cells out. Widgets know nothing of runs or agents.

pub(crate) mod bar;
pub(crate) mod frame;
pub(crate) mod input;
pub(crate) mod segments;
pub(crate) mod spark;
pub(crate) mod text;
