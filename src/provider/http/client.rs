//! The HTTP client.

use std::error::Error;
use std::time::Duration;

use reqwest::{Client, Response, redirect};

/// A server that doesn't accept within this time can't be reached. Everything after is the
/// engine's to time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// As many connections as streams are usual at once, so that the next wave needs no handshakes.
const MAX_IDLE_CONNECTIONS: usize = 2048;
/// Shorter than what servers and load balancers usually allow (60 s and more): a connection that
/// was closed at the other end costs an attempt.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// A client for one provider. HTTP/1.1 only: a server caps the streams of one HTTP/2 connection
/// (usually at 100), and closing a connection of its own is what proves that a call ended.
/// Redirects are not followed: they would turn a POST into a GET and carry the key elsewhere.
///
/// # Errors
/// Where no certificates of authorities are found on the machine; `encrypted = false` needs none.
pub(crate) fn client(encrypted: bool) -> Result<Client, reqwest::Error> {
    let mut builder = Client::builder()
        .user_agent(concat!("flightdeck/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(redirect::Policy::none())
        .tcp_nodelay(true)
        .http1_only();
    if !encrypted {
        builder = builder.tls_certs_only([]);
    }
    builder.build()
}

/// Why a request failed: the innermost cause says it best. The URL is left out, its query may
/// hold a key.
pub(crate) fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    explained(cause.to_string())
}

/// `rustls` names the first byte of a TLS record that is none.
fn explained(cause: String) -> String {
    if cause.contains("InvalidContentType") {
        return "it does not speak TLS (does the base URL begin with https:// in place of http://?)".to_owned();
    }
    cause
}

/// The beginning of a body, at most `max` bytes of it; what came before a connection broke counts.
pub(crate) async fn read_at_most(response: &mut Response, max: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < max {
        let Ok(Some(chunk)) = response.chunk().await else { break };
        let room = max - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
    }
    body
}
