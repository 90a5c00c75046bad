//! One call: from the request to the outcome.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Response, Url};
use tokio::time::{Instant, timeout};

use super::answer::{Finish, Problem};
use super::body::{Handover, tracked};
use super::client::{read_at_most, reason};
use super::credentials::Credentials;
use super::decoder::Decoder;
use super::headers;
use super::json::error_body;
use super::protocol::{self, Protocol};
use super::status::{ServerError, failure_of_error, failure_of_status, sent_of_error, sent_of_status, web_page};
use crate::domain::report::{ErrorKind, Quota, Receipt, Sent};
use crate::domain::{Key, Usage};
use crate::provider::{CallContext, Failure, LiveSink, Outcome, Reply, Request};

/// How long the end of the body is waited for once the server said that nothing follows: usually
/// it is in the same packet, and a connection whose body ended can be used again.
const DRAIN: Duration = Duration::from_millis(50);
/// How long the body of an error is waited for.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of the body of an error is read, in bytes.
const ERROR_BODY: usize = 64 * 1024;
/// Text has about this many bytes per token: for estimates where a server counts nothing.
const BYTES_PER_TOKEN: u64 = 4;

/// What all calls of one provider share.
pub(super) struct Shared<P> {
    pub(super) client: Client,
    pub(super) protocol: P,
    pub(super) url: Url,
    /// The address as people may see it.
    pub(super) shown: String,
    /// Headers that every request carries, besides those of the plumbing.
    pub(super) headers: HeaderMap,
    pub(super) credentials: Credentials,
}

/// Makes the call.
pub(super) async fn call<P: Protocol>(shared: Arc<Shared<P>>, request: Request, context: CallContext) -> Outcome {
    let CallContext { cancel, mut live, hold: _ } = context;
    let body = match protocol::body(&shared.protocol, &request) {
        Ok(body) => body,
        Err(error) => {
            return Outcome::not_sent(Failure::new(ErrorKind::Invalid, format!("the request can't be sent: {error}")));
        }
    };
    let facts = Facts { body_bytes: body.len() as u64, max_tokens: u64::from(request.max_tokens) };
    let started = Instant::now();
    let (post, handover) = shared.post(body, request.key);
    // One future for the whole call: registering anew for each chunk would cost a lock each.
    let mut cancelled = pin!(cancel.cancelled());

    let response = tokio::select! {
        biased;
        () = &mut cancelled => return unanswered(&handover, cancelled_failure(String::new())),
        response = post.send() => response,
    };
    let response = match response {
        Ok(response) => response,
        Err(error) => return shared.unreachable(&handover, error),
    };
    let mut answer = Answer::<P>::new(&response, facts, started);
    let status = response.status();
    if status.is_success() {
        tokio::select! {
            biased;
            () = &mut cancelled => answer.cancelled(),
            result = answer.read(response, &mut *live) => match result {
                Ok(()) => answer.end(),
                Err(broken) => answer.broken(&shared.credentials, broken),
            },
        }
    } else {
        tokio::select! {
            biased;
            () = &mut cancelled => answer.cancelled(),
            failure = shared.refused(response) => answer.fail(failure, None, sent_of_status(status.as_u16())),
        }
    }
}

impl<P> Shared<P> {
    fn post(&self, body: bytes::Bytes, key: Key) -> (reqwest::RequestBuilder, Handover) {
        let length = body.len();
        let (body, handover) = tracked(body);
        let post = self
            .client
            .post(self.url.clone())
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream, application/json")
            .header(CONTENT_LENGTH, length)
            .header("idempotency-key", key.to_string());
        (self.credentials.apply(post).body(body), handover)
    }

    /// No response came.
    fn unreachable(&self, handover: &Handover, error: reqwest::Error) -> Outcome {
        let unconnected = error.is_connect();
        let reason = reason(error);
        let failure = if unconnected {
            Failure::new(ErrorKind::Connection, format!("can't connect to {}: {reason}", self.shown))
        } else {
            Failure::new(ErrorKind::Provider, format!("{} closed the connection: {reason}", self.shown))
        };
        unanswered(handover, failure.retryable())
    }

    /// The server answered, and not with success.
    async fn refused(&self, mut response: Response) -> Failure {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = timeout(ERROR_BODY_TIMEOUT, read_at_most(&mut response, ERROR_BODY)).await.unwrap_or_default();
        let mut error = explain(&body);
        if error.message.is_empty() && response.status().is_redirection() {
            let to = headers.get(reqwest::header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            error.message = format!("it redirects to {to}; is the base URL right?");
        }
        let should_retry = headers::should_retry(&headers);
        let failure = failure_of_status(status, &error, self.credentials.origin(), should_retry);
        let retry_after_ms = headers::retry_after_ms(&headers);
        // OpenRouter answers 402 with a time to wait where it is only too much at once.
        let retryable = failure.retryable || status == 402 && retry_after_ms.is_some();
        Failure { message: self.credentials.scrub(failure.message), retryable, retry_after_ms, ..failure }
    }
}

/// The error that a body tells of, in whichever form.
fn explain(body: &[u8]) -> ServerError {
    error_body(body).unwrap_or_else(|| {
        let text = String::from_utf8_lossy(body);
        let message = web_page(&text).unwrap_or_else(|| text.trim().to_owned());
        ServerError { message, ..ServerError::default() }
    })
}

/// The end of a call that got no response: only a body that no connection took is proof that
/// nothing was sent.
fn unanswered(handover: &Handover, failure: Failure) -> Outcome {
    let sent = if handover.revoke() { Sent::Nothing } else { Sent::Maybe };
    Outcome { sent, ..Outcome::not_sent(failure) }
}

fn cancelled_failure(partial: String) -> Failure {
    Failure { partial, ..Failure::new(ErrorKind::Cancelled, "the call was cancelled") }
}

/// What estimates rest on where the server counts nothing.
#[derive(Clone, Copy)]
struct Facts {
    body_bytes: u64,
    max_tokens: u64,
}

impl Facts {
    fn estimate(self, text: &str) -> Usage {
        Usage {
            input_tokens: self.body_bytes.div_ceil(BYTES_PER_TOKEN),
            output_tokens: (text.len() as u64).div_ceil(BYTES_PER_TOKEN).min(self.max_tokens),
            estimated: true,
            ..Usage::default()
        }
    }
}

/// Why reading an answer stopped early.
enum Broken {
    Connection(reqwest::Error),
    Answer(Problem),
}

/// An answer that is being read.
struct Answer<P: Protocol> {
    decoder: Decoder<P::Codec>,
    facts: Facts,
    started: Instant,
    first_output_ms: Option<u64>,
    request_id: Option<String>,
    quota: Quota,
}

impl<P: Protocol> Answer<P> {
    fn new(response: &Response, facts: Facts, started: Instant) -> Self {
        Self {
            decoder: Decoder::default(),
            facts,
            started,
            first_output_ms: None,
            request_id: headers::request_id(response.headers()),
            quota: P::quota(response.headers()),
        }
    }

    /// Reads to the end of the answer. The response is closed when this ends or is dropped.
    async fn read(&mut self, mut response: Response, live: &mut dyn LiveSink) -> Result<(), Broken> {
        let Self { decoder, started, first_output_ms, .. } = self;
        let mut on_text = |text: &str| {
            first_output_ms.get_or_insert_with(|| u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
            live.text(text);
        };
        while !decoder.is_done() {
            match response.chunk().await {
                Ok(Some(bytes)) => decoder.feed(&bytes, &mut on_text).map_err(Broken::Answer)?,
                Ok(None) => break,
                Err(error) => {
                    decoder.finish(&mut on_text).map_err(Broken::Answer)?;
                    return Err(Broken::Connection(error));
                }
            }
        }
        decoder.finish(&mut on_text).map_err(Broken::Answer)?;
        if decoder.is_done() {
            let rest = async { while let Ok(Some(_)) = response.chunk().await {} };
            // The answer is whole either way.
            timeout(DRAIN, rest).await.unwrap_or_default();
        }
        Ok(())
    }

    /// The body ended.
    fn end(self) -> Outcome {
        let decoded = self.decoder.decoded();
        let Some(finish) = decoded.finish else {
            let message = "the stream ended before the answer did";
            return self.cut(Failure::new(ErrorKind::Provider, message).retryable());
        };
        let usage = decoded.usage.unwrap_or_else(|| self.facts.estimate(&decoded.text));
        if finish == Finish::Filter {
            let why = decoded.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            let message = format!("the provider's content filter stopped the answer{why}");
            return self.fail(Failure::new(ErrorKind::Provider, message), Some(usage), Sent::Maybe);
        }
        self.outcome(Some(usage), Sent::Maybe, |text| Ok(Reply { text, truncated: finish == Finish::Length }))
    }

    /// The connection or the answer broke. An answer that had ended by then is whole.
    fn broken(self, credentials: &Credentials, broken: Broken) -> Outcome {
        match broken {
            Broken::Connection(_) if self.decoder.decoded().finish.is_some() => self.end(),
            Broken::Connection(error) => {
                let message = format!("the connection broke before the answer ended: {}", reason(error));
                self.cut(Failure::new(ErrorKind::Provider, message).retryable())
            }
            Broken::Answer(Problem::Server(error)) => self.given_up(credentials, &error),
            Broken::Answer(problem @ Problem::Malformed(_)) => {
                self.cut(Failure::new(ErrorKind::Provider, problem.to_string()).retryable())
            }
            // Another attempt would end alike.
            Broken::Answer(problem) => self.cut(Failure::new(ErrorKind::Provider, problem.to_string())),
        }
    }

    /// The server reports an error in place of an answer, or in the middle of one.
    fn given_up(self, credentials: &Credentials, error: &ServerError) -> Outcome {
        let decoded = self.decoder.decoded();
        // An ordinary chunk names the answer, also one that holds no text but reasoning: after it
        // the model has worked, whatever the error says.
        let untouched =
            decoded.text.is_empty() && decoded.usage.is_none() && decoded.id.is_none() && decoded.model.is_none();
        let sent = if untouched { sent_of_error(error) } else { Sent::Maybe };
        let failure = failure_of_error(error);
        let failure = Failure { message: credentials.scrub(failure.message), ..failure };
        Outcome { sent, ..self.cut(failure) }
    }

    fn cancelled(self) -> Outcome {
        // A cancel that comes after the end changes nothing but throws the answer away.
        if self.decoder.is_done() {
            return self.end();
        }
        self.cut(cancelled_failure(String::new()))
    }

    /// Ends early. Counts are only final once the answer has ended: before, some servers count
    /// along, and the provider goes on for a while.
    fn cut(self, failure: Failure) -> Outcome {
        let decoded = self.decoder.decoded();
        let usage = decoded.usage.filter(|_| decoded.finish.is_some());
        self.fail(failure, usage, Sent::Maybe)
    }

    fn fail(self, failure: Failure, usage: Option<Usage>, sent: Sent) -> Outcome {
        self.outcome(usage, sent, |partial| Err(Failure { partial, ..failure }))
    }

    fn outcome(
        self,
        usage: Option<Usage>,
        sent: Sent,
        result: impl FnOnce(String) -> Result<Reply, Failure>,
    ) -> Outcome {
        let decoded = self.decoder.into_decoded();
        Outcome {
            result: result(decoded.text),
            usage,
            cost: decoded.cost.filter(|_| decoded.finish.is_some()),
            sent,
            model: decoded.model,
            first_output_ms: self.first_output_ms,
            request_id: self.request_id.or(decoded.id),
            quota: self.quota,
            receipt: Receipt { stream_closed: true, ..Receipt::default() },
        }
    }
}
