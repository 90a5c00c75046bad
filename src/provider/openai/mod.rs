//! OpenAI Chat Completions, and every server that speaks it: a thin, lenient codec of our own.
//! Format: <https://platform.openai.com/docs/api-reference/chat>.

mod call;
mod codec;
mod definition;
mod request;
mod wire;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::http::{self, Address, Credentials};
use super::{CallContext, Descriptor, Outcome, Provider, Request};
use call::Shared;
pub(super) use definition::definition;
use request::MaxTokens;

/// Below the base URL.
const ENDPOINT: &str = "/chat/completions";

/// A server that speaks OpenAI's Chat Completions.
pub struct OpenAi {
    descriptor: Descriptor,
    shared: Arc<Shared>,
}

impl OpenAi {
    /// The server at `address`. All calls share one pool of connections.
    ///
    /// # Errors
    /// Where the machine can't make encrypted connections: no certificates of authorities.
    fn new(descriptor: Descriptor, address: &Address, credentials: Credentials) -> Result<Self, reqwest::Error> {
        let shared = Shared {
            client: http::client(address.is_encrypted())?,
            url: address.endpoint(ENDPOINT),
            host: address.host().to_owned(),
            shown: address.shown(),
            credentials,
        };
        Ok(Self { descriptor, shared: Arc::new(shared) })
    }
}

impl Provider for OpenAi {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn input_bound(&self, request: &Request) -> u32 {
        request::input_bound(request, MaxTokens::of(&self.shared.host, &request.model))
    }

    fn call(&self, request: Request, context: CallContext) -> BoxFuture<'static, Outcome> {
        Box::pin(call::call(Arc::clone(&self.shared), request, context))
    }
}
