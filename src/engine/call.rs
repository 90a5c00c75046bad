//! One call: from an order to a report. Texts are resolved here, and sealed before they go back.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::main_loop::Reported;
use super::tails::{TailSink, Tails};
use super::texts::{TextError, Texts};
use super::transcript;
use crate::cost::PriceTable;
use crate::domain::effect::CallOrder;
use crate::domain::report::Quota;
use crate::domain::{Answer, CallEnd, CallError, ContentRef, ErrorKind, Receipt, Report, Sent};
use crate::guard::Gate;
use crate::provider::registry::Registry;
use crate::provider::{CallContext, Failure, Outcome, Request};
use crate::recovery::retry::mix;
use crate::store::{Sealed, Store};

/// Previews in events are at most this long, in characters.
const PREVIEW: usize = 120;
/// Messages of errors are at most this long, in characters.
const MESSAGE: usize = 400;

/// What calls need of the engine.
pub(super) struct Surroundings {
    pub(super) registry: Arc<Registry>,
    pub(super) store: Arc<dyn Store>,
    pub(super) texts: Texts,
    pub(super) prices: Arc<PriceTable>,
    pub(super) gate: Gate,
    pub(super) tails: Tails,
    pub(super) default_provider: Option<String>,
}

/// Makes a call and reports its end, whatever happens on the way.
pub(super) async fn make(
    around: Arc<Surroundings>,
    order: CallOrder,
    sink: TailSink,
    cancel: CancellationToken,
    mut hold: watch::Receiver<bool>,
) -> Reported {
    let began = Instant::now();
    if cancel.is_cancelled() {
        let failure = Failure::new(ErrorKind::Cancelled, "stopped before it began");
        return report(&around, &order, None, Outcome::not_sent(failure), began);
    }
    let request = match around.texts.request(&order, mix(order.spec.randomness ^ u64::from(order.task))).await {
        Ok(request) => request,
        Err(error) => return report(&around, &order, None, Outcome::not_sent(unsendable(&error)), began),
    };
    let provider = match around.registry.get(&order.spec.provider, order.spec.base_url.as_deref()) {
        Ok(provider) => provider,
        Err(error) => {
            let failure = Failure::new(ErrorKind::Auth, error.to_string());
            return report(&around, &order, None, Outcome::not_sent(failure), began);
        }
    };
    // A call that is held before it began does not begin.
    let stopped = tokio::select! {
        biased;
        () = cancel.cancelled() => true,
        _ = hold.wait_for(|held| !held) => false,
    };
    if stopped {
        let failure = Failure::new(ErrorKind::Cancelled, "stopped before it began");
        return report(&around, &order, None, Outcome::not_sent(failure), began);
    }
    let context = CallContext { cancel, hold, live: Box::new(sink) };
    let outcome = provider.call(request.clone(), context).await;
    report(&around, &order, Some(&request), outcome, began)
}

/// The report of a call whose provider never made one: nobody knows what it did.
pub(super) fn lost(order: &CallOrder, what: &str) -> Reported {
    let error = CallError {
        kind: ErrorKind::Provider,
        message: what.to_owned(),
        retryable: false,
        retry_after_ms: None,
        status: None,
        partial: None,
    };
    let end = CallEnd {
        result: Err(error),
        usage: None,
        cost: None,
        sent: Sent::Maybe,
        model: None,
        price: None,
        first_output_ms: None,
        duration_ms: 0,
        request_id: None,
        quota: Quota::default(),
        receipt: Receipt::default(),
    };
    let report = Report::CallEnded { run: order.run, task: order.task, call: order.call, end: Box::new(end) };
    Reported { report, contents: Vec::new() }
}

fn unsendable(error: &TextError) -> Failure {
    Failure::new(ErrorKind::Invalid, error.to_string())
}

fn report(
    around: &Surroundings,
    order: &CallOrder,
    request: Option<&Request>,
    outcome: Outcome,
    began: Instant,
) -> Reported {
    let mut contents = Vec::new();
    let result = match outcome.result {
        Ok(reply) => {
            let output = seal(around, &reply.text, &mut contents);
            let message = request
                .and_then(|request| transcript::seal(around.store.vault(), &request.messages, output, &mut contents));
            let preview = around.gate.line(&reply.text, PREVIEW);
            around.texts.remember(output, &reply.text);
            Ok(Answer { output, message, preview, truncated: reply.truncated })
        }
        Err(failure) => Err(CallError {
            kind: failure.kind,
            message: around.gate.line(&failure.message, MESSAGE),
            retryable: failure.retryable,
            retry_after_ms: failure.retry_after_ms,
            status: failure.status,
            partial: (!failure.partial.is_empty()).then(|| seal(around, &failure.partial, &mut contents)),
        }),
    };
    let answered = outcome.model.filter(|model| **model != *order.spec.model);
    let price = answered.as_deref().and_then(|model| around.prices.find(model));
    let end = CallEnd {
        result,
        usage: outcome.usage,
        cost: outcome.cost,
        sent: outcome.sent,
        model: answered.map(|model| around.gate.line(&model, PREVIEW)),
        price: price.filter(|_| order.spec.priced && !order.spec.price.is_free()),
        first_output_ms: outcome.first_output_ms,
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        request_id: outcome.request_id.map(|id| around.gate.line(&id, PREVIEW)),
        quota: outcome.quota,
        receipt: outcome.receipt,
    };
    let report = Report::CallEnded { run: order.run, task: order.task, call: order.call, end: Box::new(end) };
    Reported { report, contents }
}

fn seal(around: &Surroundings, text: &str, contents: &mut Vec<Sealed>) -> ContentRef {
    let sealed = around.store.vault().seal(text);
    let name = sealed.name;
    contents.push(sealed);
    name
}
