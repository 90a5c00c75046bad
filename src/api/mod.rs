//! Commands between the processes of one home.
//!
//! A run has one owner process. Each process that may own runs listens on a socket of its own in
//! the home ([`server`]); every other process sends its orders there ([`client`]), one line of
//! JSON each ([`protocol`]). Only processes of the same user are heard.

pub mod client;
mod place;
pub mod protocol;
pub mod server;

use tokio::net::UnixStream;

/// Whether the process at the other end runs as the same user as this one.
fn is_ours(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw())
}
