//! A server that can be called.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::header::HeaderMap;

use super::address::Address;
use super::call::{self, Shared};
use super::client::client;
use super::credentials::Credentials;
use super::protocol::{self, Protocol};
use crate::provider::{CallContext, Descriptor, Outcome, Provider, Request};

/// A server that speaks `P`.
pub(super) struct Service<P> {
    descriptor: Descriptor,
    shared: Arc<Shared<P>>,
}

impl<P: Protocol> Service<P> {
    /// The server at `address`. All calls share one pool of connections.
    ///
    /// # Errors
    /// Where the machine can't make encrypted connections: no certificates of authorities.
    pub(super) fn new(
        descriptor: Descriptor,
        address: &Address,
        credentials: Credentials,
        headers: HeaderMap,
    ) -> Result<Self, reqwest::Error> {
        let shared = Shared {
            client: client(address.is_encrypted())?,
            protocol: P::at(address),
            url: P::url(address),
            shown: address.shown(),
            headers,
            credentials,
        };
        Ok(Self { descriptor, shared: Arc::new(shared) })
    }
}

impl<P: Protocol> Provider for Service<P> {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn input_bound(&self, request: &Request) -> u32 {
        protocol::input_bound(&self.shared.protocol, request)
    }

    fn call(&self, request: Request, context: CallContext) -> BoxFuture<'static, Outcome> {
        Box::pin(call::call(Arc::clone(&self.shared), request, context))
    }
}
