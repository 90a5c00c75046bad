//! Small runs whose money is easy to reckon: only output costs, and a call's bound is one cent.

use flightdeck::domain::effect::CallOrder;
use flightdeck::domain::event::{Cached, NewTask};
use flightdeck::domain::report::Quota;
use flightdeck::domain::{
    Answer, CallEnd, CallError, Command, ContentRef, ErrorKind, Key, Limits, ModelPrice, Order, Price, ProviderKind,
    Receipt, RunId, RunSpec, Sent, Usage,
};

/// Ten dollars per million tokens of output, so that 100 tokens are a tenth of a cent.
pub(crate) const PRICE: ModelPrice = ModelPrice { output: Price::from_nanos(10_000_000_000), ..ModelPrice::FREE };
/// The bound of a call with this many tokens is one cent.
pub(crate) const MAX_TOKENS: u32 = 1000;

pub(crate) fn spec() -> RunSpec {
    RunSpec {
        title: "say {{word}}".to_owned(),
        template: Some(ContentRef([1; 16])),
        system: None,
        command: None,
        agent: "default".into(),
        provider: "sim".into(),
        kind: ProviderKind::Sim,
        base_url: None,
        simulated: true,
        model: "small".into(),
        priced: true,
        price: PRICE,
        max_tokens: MAX_TOKENS,
        max_tokens_fixed: true,
        temperature: None,
        seed: None,
        randomness: 7,
        provider_max_concurrent: None,
        reusable: true,
        partial: false,
        limits: Limits::default(),
    }
}

pub(crate) fn task(no: u32) -> NewTask {
    NewTask {
        key: Key(u64::from(no) + 1),
        args: ContentRef([2; 16]),
        input_bound: 100,
        replica: 0,
        payload: None,
        same_as: None,
        cached: None,
    }
}

/// The same task as an earlier one.
pub(crate) fn same_as(leader: u32, task: NewTask) -> NewTask {
    NewTask { same_as: Some(leader), ..task }
}

pub(crate) fn cached(mut task: NewTask) -> NewTask {
    let stored = Cached {
        run: RunId::from_random(99),
        task: 4,
        output: ContentRef([3; 16]),
        preview: "said before".to_owned(),
        usage: usage(50),
        model: "small".to_owned(),
        truncated: false,
    };
    task.cached = Some(Box::new(stored));
    task
}

pub(crate) fn usage(output_tokens: u64) -> Usage {
    Usage { output_tokens, ..Usage::default() }
}

pub(crate) fn order(command: Command) -> Order {
    Order { by: "ada".to_owned(), reason: None, command }
}

/// A call that ended well and used `tokens` of output.
pub(crate) fn answered(tokens: u64) -> CallEnd {
    let answer = Answer { output: ContentRef([4; 16]), message: None, preview: "said".to_owned(), truncated: false };
    CallEnd { result: Ok(answer), usage: Some(usage(tokens)), ..ended(Sent::Maybe) }
}

/// A call that failed.
pub(crate) fn failed(kind: ErrorKind, retryable: bool, sent: Sent) -> CallEnd {
    let error = CallError {
        kind,
        message: format!("{} happened", kind.word()),
        retryable,
        retry_after_ms: None,
        status: None,
        partial: None,
    };
    CallEnd { result: Err(error), ..ended(sent) }
}

/// A call that was ended early, with all of it closed.
pub(crate) fn cut_short(sent: Sent) -> CallEnd {
    CallEnd {
        receipt: Receipt { stream_closed: true, tree_gone: None, processes_killed: None },
        ..failed(ErrorKind::Cancelled, false, sent)
    }
}

fn ended(sent: Sent) -> CallEnd {
    CallEnd {
        result: Err(CallError {
            kind: ErrorKind::Provider,
            message: String::new(),
            retryable: false,
            retry_after_ms: None,
            status: None,
            partial: None,
        }),
        usage: None,
        cost: None,
        sent,
        model: None,
        price: None,
        first_output_ms: Some(3),
        duration_ms: 1000,
        request_id: None,
        quota: Quota::default(),
        receipt: Receipt::default(),
    }
}

/// The name of a call in the world: no two of one run are alike.
pub(crate) type CallName = (RunId, u32, u64);

pub(crate) fn name(order: &CallOrder) -> CallName {
    (order.run, order.task, order.call)
}
