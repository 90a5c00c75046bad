//! What follows from the end of a call, and from time.

use flightdeck::domain::Limits;

use super::script::{Setup, check};

#[test]
fn an_answer_ends_its_task_and_the_next_starts() {
    check(
        Setup::of(2).parallel(1),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > end 0 ok 300
            0: call_finished settled 0.003, task_finished completed 0.003, working>terminated
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 1 1000 tokens
        > end 1 ok
            1: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            run_finished completed: 2 ok, 0 failed, 0 cancelled
        > money
            spent 0.004 unconfirmed 0 reserved 0
        ",
    );
}

#[test]
fn an_estimate_counts_as_spent_and_the_rest_stays_held() {
    check(
        Setup::of(2),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > end 0 estimated 300
            0: call_finished unconfirmed 0.003 held 0.007, task_finished completed 0.003, working>terminated
        > end 1 silent
            1: call_finished unconfirmed 0 held 0.01, task_finished completed 0, working>terminated
            run_finished completed: 2 ok, 0 failed, 0 cancelled
        > money
            spent 0.003 unconfirmed 0.017 reserved 0
        ",
    );
}

#[test]
fn an_error_that_may_pass_gives_the_slot_back_and_is_tried_again() {
    check(
        Setup::of(1).parallel(1),
        "
        > start
            run_started 1 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > end 0 rate_limited
            0: call_finished released 0, task_retrying after 1 of 3: rate_limited, working>idle
        > tasks
            running: queued slots=0
        > after 500ms
            0: task_started 2, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > end 0 ok
            0: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            run_finished completed: 1 ok, 0 failed, 0 cancelled
        ",
    );
}

#[test]
fn attempts_end() {
    check(
        Setup::of(1).retries(1),
        "
        > start
            run_started 1 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > end 0 provider
            0: call_finished unconfirmed 0 held 0.01, task_retrying after 1 of 2: provider, working>idle
        > after 1s
            0: task_started 2, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > end 0 provider
            0: call_finished unconfirmed 0 held 0.01, task_finished failed 0 provider, working>error
            run_finished failed: 0 ok, 1 failed, 0 cancelled
        > money
            spent 0 unconfirmed 0.02 reserved 0
        ",
    );
}

#[test]
fn an_error_that_cannot_pass_ends_its_task_alone() {
    check(
        Setup::of(2),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > end 0 invalid
            0: call_finished released 0, task_finished failed 0 invalid, working>error
        > end 1 ok
            1: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            run_finished failed: 1 ok, 1 failed, 0 cancelled
        ",
    );
}

#[test]
fn wrong_credentials_close_the_run() {
    check(
        Setup::of(3).parallel(2),
        "
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > end 0 auth
            0: call_finished released 0, task_finished failed 0 auth, working>error
            1: call_stopping unusable
            2: task_finished cancelled 0 cancelled, spawning>terminated
            ! stop 1 unusable
        > end 1 stopped
            1: call_finished unusable unconfirmed 0 held 0.01, task_finished cancelled 0 cancelled, working>terminated
            run_finished failed: 0 ok, 1 failed, 2 cancelled, stopped by auth
        ",
    );
}

#[test]
fn a_provider_that_nothing_ever_reached_closes_the_run() {
    check(
        Setup::of(3).parallel(2).retries(0),
        "
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > end 0 connection
            0: call_finished released 0, task_finished failed 0 connection, working>error
            1: call_stopping unusable
            2: task_finished cancelled 0 cancelled, spawning>terminated
            ! stop 1 unusable
        > end 1 unsent
            1: call_finished unusable released 0, task_finished cancelled 0 cancelled, working>terminated
            run_finished failed: 0 ok, 1 failed, 2 cancelled, stopped by connection
        ",
    );
}

#[test]
fn a_provider_that_was_reached_once_may_fail_to_connect() {
    check(
        Setup::of(3).parallel(1).retries(0),
        "
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > end 0 ok
            0: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 1 1000 tokens
        > end 1 connection
            1: call_finished released 0, task_finished failed 0 connection, working>error
            2: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 2 1000 tokens
        > end 2 ok
            2: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            run_finished failed: 2 ok, 1 failed, 0 cancelled
        ",
    );
}

#[test]
fn a_call_that_costs_more_than_its_bound_ends_admission() {
    check(
        Setup::of(3).parallel(2).budget("0.025"),
        "
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > end 0 ok 1500
            0: call_finished settled 0.015, bound_exceeded 0.015 over 0.01, task_finished completed 0.015, working>terminated
            2: task_finished cancelled 0 budget, spawning>terminated
        > end 1 ok
            1: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            run_finished cancelled: 2 ok, 0 failed, 1 cancelled, stopped by bound_exceeded
        ",
    );
}

#[test]
fn a_call_that_takes_too_long_is_stopped() {
    check(
        Setup::of(1),
        "
        > start
            run_started 1 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > after 29s
        > after 1s
            0: limit_reached max_agent_duration_s, call_stopping timeout
            ! stop 0 timeout
        > end 0 stopped
            0: call_finished timeout unconfirmed 0 held 0.01, task_finished failed 0 timeout, working>error
            run_finished failed: 0 ok, 1 failed, 0 cancelled
        ",
    );
}

#[test]
fn an_answer_that_comes_before_the_timeout_takes_effect_counts() {
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
        > end 0 ok
            0: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            run_finished completed: 1 ok, 0 failed, 0 cancelled
        ",
    );
}

#[test]
fn pauses_do_not_count_for_the_timeout() {
    check(
        Setup::of(1),
        "
        > start
            run_started 1 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > after 20s
        > pause 0
            operator_action pause 1 agents
            0: working>paused
            ! hold 0
        > after 20s
        > resume 0
            operator_action resume 1 agents
            0: paused>working
            ! release 0
        > after 9s
        > after 1s
            0: limit_reached max_agent_duration_s, call_stopping timeout
            ! stop 0 timeout
        > end 0 stopped
            0: call_finished timeout unconfirmed 0 held 0.01, task_finished failed 0 timeout, working>error
            run_finished failed: 0 ok, 1 failed, 0 cancelled
        ",
    );
}

#[test]
fn attempts_share_one_timeout() {
    check(
        Setup::of(1),
        "
        > start
            run_started 1 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > after 25s
        > end 0 rate_limited
            0: call_finished released 0, task_retrying after 1 of 3: rate_limited, working>idle
        > after 500ms
            0: task_started 2, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > after 5s
            0: limit_reached max_agent_duration_s, call_stopping timeout
            ! stop 0 timeout
        > end 0 stopped
            0: call_finished timeout unconfirmed 0 held 0.01, task_finished failed 0 timeout, working>error
            run_finished failed: 0 ok, 1 failed, 0 cancelled
        ",
    );
}

#[test]
fn a_run_whose_time_is_up_stops_what_is_under_way() {
    check(
        Setup::of(2)
            .parallel(1)
            .with(|spec| spec.limits = Limits { total_timeout_ms: Some(10_000), ..spec.limits.clone() }),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > after 10s
            limit_reached max_total_duration_s, stops the run
            0: call_stopping limit
            1: task_finished cancelled 0 cancelled, spawning>terminated
            ! stop 0 limit
        > end 0 stopped
            0: call_finished limit unconfirmed 0 held 0.01, task_finished cancelled 0 cancelled, working>terminated
            run_finished cancelled: 0 ok, 0 failed, 2 cancelled, stopped by max_total_duration_s
        ",
    );
}

#[test]
fn enough_successes_complete_a_run() {
    check(
        Setup::of(2).with(|spec| spec.limits.min_success = Some(1)),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > end 0 invalid
            0: call_finished released 0, task_finished failed 0 invalid, working>error
        > end 1 ok
            1: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            run_finished completed: 1 ok, 1 failed, 0 cancelled
        ",
    );
}

#[test]
fn a_failure_rate_is_met_at_its_edge() {
    let run = |rate: &str, end: &str| {
        let rate = Some(rate.parse().unwrap());
        let last = format!("run_finished {end}: 1 ok, 1 failed, 0 cancelled");
        let script = "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > end 0 invalid
            0: call_finished released 0, task_finished failed 0 invalid, working>error
        > end 1 ok
            1: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            LAST
        ";
        check(Setup::of(2).with(|spec| spec.limits.max_failure_rate = rate), &script.replace("LAST", &last));
    };
    run("0.5", "completed");
    run("0.499999", "failed");
}

#[test]
fn reports_that_come_too_late_are_nothing() {
    check(
        Setup::of(2),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > stray 0
        > stray 9
        > b stray 0
        > end 0 ok
            0: call_finished settled 0.001, task_finished completed 0.001, working>terminated
        > end 0 ok
        > end 0 provider
        > end 1 ok
            1: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            run_finished completed: 2 ok, 0 failed, 0 cancelled
        > end 1 ok
        ",
    );
}
