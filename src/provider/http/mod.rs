//! What providers over HTTP have in common: from a section of the configuration to a server that
//! can be called, the call itself with proof of what was sent, the lines of an event stream, what
//! a status and the headers mean. Nothing here knows a provider's vocabulary: that is its
//! [`Protocol`] and its [`Codec`].

mod address;
mod answer;
mod body;
mod call;
mod client;
mod credentials;
mod decoder;
mod definition;
mod headers;
mod json;
mod lines;
mod protocol;
mod service;
mod status;

pub(super) use address::Address;
pub(super) use answer::{Codec, Draft, Finish, Parsed, Problem, parse};
pub(super) use definition::definition;
pub(super) use headers::number;
pub(super) use json::{Count, First, Text, WireError};
pub(super) use protocol::{Protocol, Turn, Vendor, finite};
pub(super) use status::ServerError;

#[cfg(test)]
pub(super) mod tests;
