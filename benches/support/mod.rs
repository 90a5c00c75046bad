//! What the stream benchmark is made of.

pub(crate) mod client;
pub(crate) mod contestant;
pub(crate) mod measure;
pub(crate) mod report;
pub(crate) mod server;
