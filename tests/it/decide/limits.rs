//! What operators change of a run's limits.

use super::script::{Setup, check};

#[test]
fn more_or_fewer_at_once() {
    check(
        Setup::of(3).parallel(1),
        "
        > parallel 2
            refused: run r-00000001 is created: it cannot be given other limits
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > parallel 2
            operator_action limit 0 agents, whole run
            limits_changed budget none, 2 at once
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 1 1000 tokens
        > parallel 1
            operator_action limit 0 agents, whole run
            limits_changed budget none, 1 at once
        > parallel 1
            refused: nothing to change: these are its limits already
        > end 0 ok
            0: call_finished settled 0.001, task_finished completed 0.001, working>terminated
        > end 1 ok
            1: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            2: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 2 1000 tokens
        ",
    );
}

#[test]
fn a_raised_budget_lets_go_on_what_waits_and_a_lowered_one_admits_nothing() {
    check(
        Setup::of(4).parallel(4).budget("0.015"),
        "
        > start
            run_started 4 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_waits for money: 0.01 of 0.005
            ! call 0 1000 tokens
        > budget 0.03
            operator_action limit 0 agents, whole run
            limits_changed budget 0.03, 4 at once
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            2: task_started 1, spawning>idle, call_started 0.01, idle>working
            3: task_waits for money: 0.01 of 0
            ! call 1 1000 tokens
            ! call 2 1000 tokens
        > budget 0.012
            operator_action limit 0 agents, whole run
            limits_changed budget 0.012, 4 at once
        > end 0 ok
            0: call_finished settled 0.001, task_finished completed 0.001, working>terminated
        > end 1 ok
            1: call_finished settled 0.001, task_finished completed 0.001, working>terminated
        > crash
        > budget 1
            operator_action limit 0 agents, whole run
            limits_changed budget 1, 4 at once
            3: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 3 1000 tokens
        ",
    );
}

#[test]
fn what_can_never_fit_any_more_is_refused() {
    check(
        Setup::of(2).parallel(1).budget("1"),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > budget 0.0105
            operator_action limit 0 agents, whole run
            limits_changed budget 0.0105, 1 at once
        > end 0 ok
            0: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            limit_reached max_total_cost_usd
            1: task_finished cancelled 0 budget, spawning>terminated
            run_finished cancelled: 1 ok, 0 failed, 1 cancelled, stopped by max_total_cost_usd
        ",
    );
}

#[test]
fn what_has_no_price_has_no_budget() {
    check(
        Setup::of(1).with(|spec| spec.priced = false),
        "
        > start
            run_started 1 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > budget 1
            refused: model `small` has no price, so that what run r-00000001 costs is not counted: it can have no budget
        ",
    );
}
