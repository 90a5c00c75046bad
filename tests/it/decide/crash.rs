//! Going on with a run that lost its engine.

use flightdeck::domain::Limits;

use super::script::{Setup, check};
use crate::support::runs::same_as;

#[test]
fn what_was_under_way_is_charged_at_its_bound_and_tried_again() {
    check(
        Setup::of(3).parallel(2),
        "
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > end 0 ok
            0: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            2: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 2 1000 tokens
        > crash
        > reopen
            1: call_finished interrupted unconfirmed 0 held 0.01, task_interrupted, working>idle
            2: call_finished interrupted unconfirmed 0 held 0.01, task_interrupted, working>idle
            run_suspended
            run_resumed
            1: task_started 2, call_started 0.01, idle>working
            2: task_started 2, call_started 0.01, idle>working
            ! call 1 1000 tokens
            ! call 2 1000 tokens
        > money
            spent 0.001 unconfirmed 0.02 reserved 0.02
        > end 1 ok
            1: call_finished settled 0.001, task_finished completed 0.001, working>terminated
        > end 2 ok
            2: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            run_finished completed: 3 ok, 0 failed, 0 cancelled
        ",
    );
}

#[test]
fn what_was_held_takes_effect() {
    check(
        Setup::of(2),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > pause
            operator_action pause 2 agents, whole run
            run_paused
            0: working>paused
            1: working>paused
            ! hold 0
            ! hold 1
        > end 0 ok
            0: call_finished settled 0.001
        > crash
        > reopen
            0: paused>working, task_finished completed 0.001, working>terminated
            1: call_finished interrupted unconfirmed 0 held 0.01, task_interrupted, paused>idle
            run_suspended
            run_resumed
            1: task_started 2, call_started 0.01, idle>working
            ! call 1 1000 tokens
        ",
    );
}

#[test]
fn what_was_held_answers_those_who_share_it() {
    check(
        Setup::of(2).task(1, |task| same_as(0, task)),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > pause 0 1
            operator_action pause 2 agents
            0: working>paused
            1: spawning>paused
            ! hold 0
        > end 0 ok
            0: call_finished settled 0.001
        > crash
        > reopen
            0: paused>working, task_finished completed 0.001, working>terminated
            1: task_finished completed 0 cached, paused>terminated
            run_suspended
            run_resumed
            run_finished completed: 2 ok, 0 failed, 0 cancelled
        ",
    );
}

#[test]
fn what_was_paused_goes_on() {
    check(
        Setup::of(3).parallel(1),
        "
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > pause 1 0
            operator_action pause 2 agents
            0: working>paused
            1: spawning>paused
            ! hold 0
        > crash
        > reopen
            0: call_finished interrupted unconfirmed 0 held 0.01, task_interrupted, paused>idle
            1: paused>spawning
            run_suspended
            run_resumed
            0: task_started 2, call_started 0.01, idle>working
            ! call 0 1000 tokens
        ",
    );
}

#[test]
fn a_suspended_run_goes_on() {
    check(
        Setup::of(2).parallel(1),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > suspend
            operator_action suspend 1 agents, whole run
            0: call_stopping interrupted
            ! stop 0 interrupted
        > end 0 stopped
            0: call_finished interrupted unconfirmed 0 held 0.01, task_interrupted, working>idle
            run_suspended
        > crash
        > reopen
            run_resumed
            0: task_started 2, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > end 0 ok
            0: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 1 1000 tokens
        > end 1 ok
            1: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            run_finished completed: 2 ok, 0 failed, 0 cancelled
        ",
    );
}

#[test]
fn a_retry_does_not_wait_for_a_clock_that_is_gone() {
    check(
        Setup::of(3),
        "
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            2: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
            ! call 2 1000 tokens
        > end 0 rate_limited
            0: call_finished released 0, task_retrying after 1 of 3: rate_limited, working>idle
        > pause 1
            operator_action pause 1 agents
            1: working>paused
            ! hold 1
        > end 2 rate_limited
            2: call_finished released 0, task_retrying after 1 of 3: rate_limited, working>idle
        > pause 2
            operator_action pause 1 agents
            2: idle>paused
        > crash
        > reopen
            1: call_finished interrupted unconfirmed 0 held 0.01, task_interrupted, paused>idle
            2: paused>idle
            run_suspended
            run_resumed
            0: task_started 2, call_started 0.01, idle>working
            1: task_started 2, call_started 0.01, idle>working
            2: task_started 2, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
            ! call 2 1000 tokens
        > end 0 ok
            0: call_finished settled 0.001, task_finished completed 0.001, working>terminated
        ",
    );
}

#[test]
fn a_killed_agent_stays_killed() {
    check(
        Setup::of(2),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > kill 0
            operator_action kill 1 agents
            0: call_stopping killed
            ! stop 0 killed
        > crash
        > reopen
            0: call_finished killed unconfirmed 0 held 0.01, task_finished cancelled 0 killed, working>terminated
            1: call_finished interrupted unconfirmed 0 held 0.01, task_interrupted, working>idle
            run_suspended
            run_resumed
            1: task_started 2, call_started 0.01, idle>working
            ! call 1 1000 tokens
        > money
            spent 0 unconfirmed 0.02 reserved 0.01
        ",
    );
}

#[test]
fn a_call_whose_time_was_up_has_failed() {
    check(
        Setup::of(1),
        "
        > start
            run_started 1 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > after 30s
            0: limit_reached max_agent_duration_s, call_stopping timeout
            ! stop 0 timeout
        > crash
        > reopen
            0: call_finished timeout unconfirmed 0 held 0.01, task_finished failed 0 timeout, working>error
            run_suspended
            run_resumed
            run_finished failed: 0 ok, 1 failed, 0 cancelled
        ",
    );
}

#[test]
fn a_run_that_was_closing_goes_on_closing() {
    check(
        Setup::of(2).parallel(1),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > kill
            operator_action kill 2 agents, whole run
            0: call_stopping killed
            1: task_finished cancelled 0 killed, spawning>terminated
            ! stop 0 killed
        > crash
        > reopen
            0: call_finished killed unconfirmed 0 held 0.01, task_finished cancelled 0 killed, working>terminated
            run_suspended
            run_resumed
            run_finished cancelled: 0 ok, 0 failed, 2 cancelled, stopped by operator
        ",
    );
}

#[test]
fn the_run_s_time_starts_afresh() {
    check(
        Setup::of(1).with(|spec| spec.limits = Limits { total_timeout_ms: Some(10_000), ..spec.limits.clone() }),
        "
        > start
            run_started 1 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > after 9s
        > crash
        > reopen
            0: call_finished interrupted unconfirmed 0 held 0.01, task_interrupted, working>idle
            run_suspended
            run_resumed
            0: task_started 2, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > after 9s
        > after 1s
            limit_reached max_total_duration_s, stops the run
            0: call_stopping limit
            ! stop 0 limit
        ",
    );
}
