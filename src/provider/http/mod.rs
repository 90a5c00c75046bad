//! What providers over HTTP have in common: the client, proof of what was sent, the headers that
//! tell of limits, what a status means, and the lines of an event stream. Nothing here knows a
//! provider's vocabulary.

mod address;
mod body;
mod client;
mod credentials;
mod headers;
mod lines;
mod status;

pub(crate) use address::{Address, AddressError};
pub(crate) use body::{Handover, tracked};
pub(crate) use client::{client, read_at_most, reason};
pub(crate) use credentials::Credentials;
pub(crate) use headers::{quota, request_id, retry_after_ms, should_retry};
pub(crate) use lines::{LineTooLong, Lines};
pub(crate) use status::{ServerError, failure_of_error, failure_of_status, sent_of_status, web_page};
