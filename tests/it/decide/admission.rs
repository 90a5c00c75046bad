//! What may start: slots, the provider's own limit, money, and results that are there already.

use super::script::{Setup, check, check_all};
use crate::support::runs::{self, same_as};

#[test]
fn a_run_is_made_filled_and_started() {
    check(
        Setup::of(0),
        "
        > add 2
            tasks_created 2 from 0
        > add 1
            tasks_created 1 from 2
        > b create
            b run_created by ada
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            2: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
            ! call 2 1000 tokens
        ",
    );
}

#[test]
fn slots_are_filled_in_order_and_never_exceeded() {
    check(
        Setup::of(3).parallel(2),
        "
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > end 1 ok
            1: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            2: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 2 1000 tokens
        > tasks
            running: running completed running slots=2
        ",
    );
}

#[test]
fn stored_results_end_tasks_at_once() {
    check(
        Setup::of(3).task(0, runs::cached).task(2, runs::cached),
        "
        > start
            run_started 3 tasks, 2 cached
            0: task_finished completed 0 cached, spawning>terminated
            2: task_finished completed 0 cached, spawning>terminated
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 1 1000 tokens
        > end 1 ok
            1: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            run_finished completed: 3 ok, 0 failed, 0 cancelled
        ",
    );
}

#[test]
fn a_run_of_stored_results_only_ends_at_once() {
    check(
        Setup::of(1).task(0, runs::cached),
        "
        > start
            run_started 1 tasks, 1 cached
            0: task_finished completed 0 cached, spawning>terminated
            run_finished completed: 1 ok, 0 failed, 0 cancelled
        ",
    );
}

#[test]
fn tasks_with_the_same_key_share_one_answer() {
    check(
        Setup::of(3).task(1, |task| same_as(0, task)).task(2, |task| same_as(0, task)),
        "
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > end 0 ok
            0: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            1: task_finished completed 0 cached, spawning>terminated
            2: task_finished completed 0 cached, spawning>terminated
            run_finished completed: 3 ok, 0 failed, 0 cancelled
        > money
            spent 0.001 unconfirmed 0 reserved 0
        ",
    );
}

#[test]
fn when_the_first_of_a_key_fails_the_next_is_tried() {
    check(
        Setup::of(3).task(1, |task| same_as(0, task)).task(2, |task| same_as(0, task)),
        "
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > end 0 invalid
            0: call_finished released 0, task_finished failed 0 invalid, working>error
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 1 1000 tokens
        > end 1 ok
            1: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            2: task_finished completed 0 cached, spawning>terminated
            run_finished failed: 2 ok, 1 failed, 0 cancelled
        ",
    );
}

#[test]
fn a_stored_result_answers_those_who_share_it() {
    check(
        Setup::of(2).task(0, runs::cached).task(1, |task| same_as(0, task)),
        "
        > start
            run_started 2 tasks, 1 cached
            0: task_finished completed 0 cached, spawning>terminated
            1: task_finished completed 0 cached, spawning>terminated
            run_finished completed: 2 ok, 0 failed, 0 cancelled
        ",
    );
}

#[test]
fn a_provider_is_shared_by_runs() {
    let limited = || Setup::of(2).with(|spec| spec.provider_max_concurrent = Some(3));
    check_all(
        vec![limited(), limited()],
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > b start
            b run_started 2 tasks, 0 cached
            b 0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! b call 0 1000 tokens
        > end 0 ok
            0: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            b 1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! b call 1 1000 tokens
        > b end 0 ok
            b 0: call_finished settled 0.001, task_finished completed 0.001, working>terminated
        > b tasks
            running: completed running slots=1
        ",
    );
}

#[test]
fn a_slot_that_a_closing_run_gives_back_serves_another() {
    let limited = || Setup::of(1).with(|spec| spec.provider_max_concurrent = Some(1));
    check_all(
        vec![limited(), limited()],
        "
        > b start
            b run_started 1 tasks, 0 cached
            b 0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! b call 0 1000 tokens
        > start
            run_started 1 tasks, 0 cached
        > b pause 0
            b operator_action pause 1 agents
            b 0: working>paused
            ! b hold 0
        > b end 0 ok
            b 0: call_finished settled 0.001
        > b kill
            b operator_action kill 1 agents, whole run
            b 0: task_finished cancelled 0.001 killed, paused>terminated
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            b run_finished cancelled: 0 ok, 0 failed, 1 cancelled, stopped by operator
            ! call 0 1000 tokens
        ",
    );
}

#[test]
fn a_run_that_was_let_go_of_needs_no_slot_of_the_provider() {
    let limited = || Setup::of(1).with(|spec| spec.provider_max_concurrent = Some(1));
    check_all(
        vec![limited(), limited()],
        "
        > b start
            b run_started 1 tasks, 0 cached
            b 0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! b call 0 1000 tokens
        > start
            run_started 1 tasks, 0 cached
        > b pause 0
            b operator_action pause 1 agents
            b 0: working>paused
            ! b hold 0
        > b suspend
            b operator_action suspend 1 agents, whole run
            b 0: call_stopping interrupted
            ! b stop 0 interrupted
        > b end 0 ok
            b 0: call_finished settled 0.001
            b run_suspended
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        ",
    );
}

#[test]
fn only_the_first_waits_for_money_and_nobody_overtakes_it() {
    check(
        Setup::of(3).budget("0.015"),
        "
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_waits for money: 0.01 of 0.005
            ! call 0 1000 tokens
        > end 0 ok
            0: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            2: task_waits for money: 0.01 of 0.004
            ! call 1 1000 tokens
        > money
            spent 0.001 unconfirmed 0 reserved 0.01
        > end 1 ok 1000
            1: call_finished settled 0.01, task_finished completed 0.01, working>terminated
            limit_reached max_total_cost_usd
            2: task_finished cancelled 0 budget, spawning>terminated
            run_finished cancelled: 2 ok, 0 failed, 1 cancelled, stopped by max_total_cost_usd
        > money
            spent 0.011 unconfirmed 0 reserved 0
        ",
    );
}

#[test]
fn what_can_never_fit_is_refused() {
    check(
        Setup::of(2).budget("0.005"),
        "
        > start
            run_started 2 tasks, 0 cached
            limit_reached max_total_cost_usd
            0: task_finished cancelled 0 budget, spawning>terminated
            1: task_finished cancelled 0 budget, spawning>terminated
            run_finished cancelled: 0 ok, 0 failed, 2 cancelled, stopped by max_total_cost_usd
        > money
            spent 0 unconfirmed 0 reserved 0
        ",
    );
}

#[test]
fn a_default_of_tokens_is_lowered_to_what_is_affordable() {
    check(
        Setup::of(2).budget("0.012").with(|spec| spec.max_tokens_fixed = false),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_waits for money: 0.01 of 0.002
            ! call 0 1000 tokens
        > end 0 ok 1000
            0: call_finished settled 0.01, task_finished completed 0.01, working>terminated
            1: task_started 1, spawning>idle, call_started 0.002 lowered, idle>working
            ! call 1 200 tokens
        > end 1 ok 200
            1: call_finished settled 0.002, task_finished completed 0.002 truncated, working>terminated
            run_finished completed: 2 ok, 0 failed, 0 cancelled
        ",
    );
}

#[test]
fn what_is_lowered_stays_useful() {
    check(
        Setup::of(1).budget("0.0006").with(|spec| spec.max_tokens_fixed = false),
        "
        > start
            run_started 1 tasks, 0 cached
            limit_reached max_total_cost_usd
            0: task_finished cancelled 0 budget, spawning>terminated
            run_finished cancelled: 0 ok, 0 failed, 1 cancelled, stopped by max_total_cost_usd
        ",
    );
}

#[test]
fn tokens_that_the_user_gave_are_never_lowered() {
    check(
        Setup::of(2).budget("0.012"),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_waits for money: 0.01 of 0.002
            ! call 0 1000 tokens
        > end 0 ok 1000
            0: call_finished settled 0.01, task_finished completed 0.01, working>terminated
            limit_reached max_total_cost_usd
            1: task_finished cancelled 0 budget, spawning>terminated
            run_finished cancelled: 1 ok, 0 failed, 1 cancelled, stopped by max_total_cost_usd
        ",
    );
}

#[test]
fn what_costs_nothing_needs_no_money() {
    check(
        Setup::of(1).budget("0").with(|spec| spec.price = flightdeck::domain::ModelPrice::FREE),
        "
        > start
            run_started 1 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0, idle>working
            ! call 0 1000 tokens
        > end 0 ok
            0: call_finished settled 0, task_finished completed 0, working>terminated
            run_finished completed: 1 ok, 0 failed, 0 cancelled
        ",
    );
}
