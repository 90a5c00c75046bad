//! Random runs: small ones, so that their corners are met often.

use flightdeck::domain::event::NewTask;
use flightdeck::domain::{Limits, Money, RunSpec};

use super::random::Random;
use crate::support::runs;

/// A run to be, and its tasks in pieces.
pub(super) struct Submission {
    pub(super) spec: RunSpec,
    pub(super) pieces: Vec<Vec<NewTask>>,
}

/// Runs that share one provider.
pub(super) fn submissions(random: &mut Random) -> Vec<Submission> {
    let most = random.chance(500).then(|| random.between(1, 5));
    (0..random.between(1, 3)).map(|_| submission(random, most)).collect()
}

fn submission(random: &mut Random, provider_max_concurrent: Option<u32>) -> Submission {
    let count = random.between(1, 14);
    let mut tasks: Vec<NewTask> = Vec::new();
    for no in 0..count {
        let task = task(random, no, &tasks);
        tasks.push(task);
    }
    let cut = usize::try_from(random.below(u64::from(count))).unwrap_or(0);
    let rest = tasks.split_off(cut);
    let pieces = [tasks, rest].into_iter().filter(|piece| !piece.is_empty()).collect();
    let spec = RunSpec {
        max_tokens_fixed: random.chance(500),
        randomness: random.below(u64::MAX),
        provider_max_concurrent,
        limits: limits(random, count),
        ..runs::spec()
    };
    Submission { spec, pieces }
}

fn task(random: &mut Random, no: u32, earlier: &[NewTask]) -> NewTask {
    let mut task = runs::task(no);
    let leaders: Vec<u32> = (0..).zip(earlier).filter(|(_, task)| task.same_as.is_none()).map(|(no, _)| no).collect();
    if !leaders.is_empty() && random.chance(200) {
        task.same_as = Some(random.pick(&leaders));
    }
    if random.chance(70) { runs::cached(task) } else { task }
}

fn limits(random: &mut Random, tasks: u32) -> Limits {
    let cents = u64::from(random.between(0, 2 * tasks + 2));
    let budget = Money::from_nanos(cents * 10_000_000 + random.below(10_000_000));
    Limits {
        max_total_cost_usd: random.chance(700).then_some(budget),
        max_parallel: random.between(1, 5),
        agent_timeout_ms: u64::from(random.between(1, 30)) * 1000,
        total_timeout_ms: random.chance(200).then(|| u64::from(random.between(1, 120)) * 1000),
        retries: random.between(0, 3),
        min_success: random.chance(300).then(|| random.between(1, tasks)),
        ..Limits::default()
    }
}
