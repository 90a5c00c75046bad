//! What may start now: slots, money and the provider's own limit, in the order of the queue.

use std::sync::Arc;

use super::{Decision, Draft};
use crate::domain::effect::{CallOrder, Timer};
use crate::domain::event::{Body, CallStarted, LimitReached, TaskStarted, TaskWaits};
use crate::domain::{
    AgentState, Effect, ErrorKind, LimitName, Money, Now, Run, State, Task, TaskError, TaskNo, TaskState,
};
use crate::limits::account::{self, Verdict};

/// How many tasks one decision deals with at most, so that no input waits long for its turn.
const AT_ONCE: usize = 128;
/// A default `max_tokens` is not lowered below this: a shorter answer is of no use to anyone.
const LEAST_USEFUL_TOKENS: u64 = 64;

/// Starts what fits. The head of the queue is never overtaken by a smaller task: it would starve.
pub(super) fn admit(state: &State, run: &Run, now: Now) -> Decision {
    let mut draft = Draft::of(run, now);
    let mut slots = free_slots(state, run);
    let mut refused = run.refused > 0;
    for no in run.startable(now.mono).take(AT_ONCE) {
        if slots == 0 {
            break;
        }
        let Some(task) = run.task(no) else { continue };
        match plan(run, task, &draft) {
            Plan::Start { max_tokens, bound } => {
                start(&mut draft, run, no, task, max_tokens, bound);
                slots -= 1;
            }
            Plan::Wait { needs, free } => {
                if task.state != TaskState::WaitsForMoney {
                    let waits = TaskWaits { waits_for: "money".to_owned(), needs_usd: needs, free_usd: free };
                    draft.task_event(no, task.agent, Body::TaskWaits(waits));
                }
                break;
            }
            Plan::Refuse { needs, most } => {
                refuse(&mut draft, run, no, task, needs, most, !refused);
                refused = true;
            }
        }
    }
    draft.decision
}

fn free_slots(state: &State, run: &Run) -> u32 {
    let own = run.limits.max_parallel.saturating_sub(run.slots);
    let Some(most) = run.spec.provider_max_concurrent else { return own };
    // A run that was let go of has no calls: its slots are for the held results that it keeps.
    let same = |other: &&Run| other.state.is_live() && other.spec.provider == run.spec.provider;
    let used: u32 = state.runs.values().filter(same).map(|other| other.slots).sum();
    own.min(most.saturating_sub(used))
}

enum Plan {
    Start { max_tokens: u32, bound: Money },
    Wait { needs: Money, free: Money },
    Refuse { needs: Money, most: Money },
}

fn plan(run: &Run, task: &Task, draft: &Draft) -> Plan {
    let spec = &run.spec;
    let bound = spec.price.bound(u64::from(task.input_bound), u64::from(spec.max_tokens));
    let verdict = account::reserve(&draft.totals, bound);
    if verdict == Verdict::Granted {
        return Plan::Start { max_tokens: spec.max_tokens, bound };
    }
    let others_may_settle = draft.totals.reserved > Money::ZERO;
    match verdict {
        Verdict::Waits { free } => Plan::Wait { needs: bound, free },
        Verdict::Never { most } if !spec.max_tokens_fixed && others_may_settle => {
            Plan::Wait { needs: bound, free: most }
        }
        Verdict::Never { most } if !spec.max_tokens_fixed => {
            lowered(run, task, most).unwrap_or(Plan::Refuse { needs: bound, most })
        }
        Verdict::Never { most } => Plan::Refuse { needs: bound, most },
        Verdict::Granted => Plan::Start { max_tokens: spec.max_tokens, bound },
    }
}

/// The call with as many tokens as are affordable, where that is still of use.
fn lowered(run: &Run, task: &Task, most: Money) -> Option<Plan> {
    let input = u64::from(task.input_bound);
    let tokens = run.spec.price.affordable_output(input, most)?;
    let max_tokens = u32::try_from(tokens).unwrap_or(u32::MAX).min(run.spec.max_tokens);
    (u64::from(max_tokens) >= LEAST_USEFUL_TOKENS)
        .then(|| Plan::Start { max_tokens, bound: run.spec.price.bound(input, u64::from(max_tokens)) })
}

fn start(draft: &mut Draft, run: &Run, no: TaskNo, task: &Task, max_tokens: u32, bound: Money) {
    let (agent, attempt) = (task.agent, task.attempts + 1);
    draft.task_event(no, agent, Body::TaskStarted(TaskStarted { attempt, key: task.key }));
    let from = run.agent(agent).map_or(AgentState::Idle, |agent| agent.state);
    draft.move_agent(no, agent, from, AgentState::Idle);
    draft.totals.reserved += bound;
    let started = CallStarted {
        attempt,
        provider: run.spec.provider.clone(),
        model: run.spec.model.clone(),
        bound_usd: bound,
        max_tokens,
        lowered: max_tokens < run.spec.max_tokens,
    };
    let call = draft.money_event(no, agent, Body::CallStarted(started));
    draft.move_agent(no, agent, AgentState::Idle, AgentState::Working);
    draft.effect(Effect::Call(CallOrder {
        run: run.id,
        task: no,
        agent,
        call,
        attempt,
        spec: Arc::clone(&run.spec),
        args: task.args,
        replica: task.replica,
        key: task.key,
        max_tokens,
    }));
    let left = run.limits.agent_timeout().saturating_sub(task.active);
    draft.effect(Effect::Wake { at: draft.now.mono.after(left), timer: Timer::Call { run: run.id, task: no, call } });
}

fn refuse(draft: &mut Draft, run: &Run, no: TaskNo, task: &Task, needs: Money, most: Money, first: bool) {
    let message = format!(
        "a call of task {no} may cost ${needs}, and ${most} of the budget of ${} can still be used",
        run.money.budget.unwrap_or_default()
    );
    if first {
        let reached = LimitReached { limit: LimitName::MaxTotalCostUsd, message: message.clone(), stops_run: false };
        draft.run_money_event(Body::LimitReached(reached));
    }
    let error = TaskError { kind: ErrorKind::Budget, message, retryable: false };
    super::call::end_waiting(draft, run, no, task, error);
}
