//! A request body that proves whether it was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bytes::Bytes;
use futures_util::{future, stream};

const WAITS: u8 = 0;
const TAKEN: u8 = 1;
const REVOKED: u8 = 2;

/// Tells whether a connection took the body. A provider cannot work on a request whose body it
/// never got: a body that was revoked in time is proof that nothing can be billed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Handover(Arc<AtomicU8>);

/// The body was revoked before a connection took it.
#[derive(Debug, thiserror::Error)]
#[error("the request was called back before it was sent")]
struct Revoked;

impl Handover {
    /// Calls the body back. True if no connection took it: from now on none ever will.
    pub(crate) fn revoke(&self) -> bool {
        match self.0.compare_exchange(WAITS, REVOKED, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(state) => state == REVOKED,
        }
    }

    fn take(&self, bytes: Bytes) -> Result<Bytes, Revoked> {
        match self.0.compare_exchange(WAITS, TAKEN, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(bytes),
            Err(_) => Err(Revoked),
        }
    }
}

/// A body of these bytes, and what tells whether it was taken. Its length is unknown to the
/// client: the request must carry a `Content-Length`, or it is sent in chunks.
pub(crate) fn tracked(bytes: Bytes) -> (reqwest::Body, Handover) {
    let handover = Handover::default();
    let taker = handover.clone();
    let body = stream::once(future::lazy(move |_| taker.take(bytes)));
    (reqwest::Body::wrap_stream(body), handover)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_either_taken_or_revoked() {
        let taken = Handover::default();
        assert!(taken.take(Bytes::from_static(b"x")).is_ok());
        assert!(!taken.revoke());

        let revoked = Handover::default();
        assert!(revoked.revoke() && revoked.revoke());
        assert!(revoked.take(Bytes::from_static(b"x")).is_err());
    }
}
