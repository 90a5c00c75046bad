//! What operators ask for.

use super::script::{Setup, check};
use crate::support::runs::same_as;

#[test]
fn kill_one_of_each() {
    check(
        Setup::of(4).parallel(2),
        "
        > start
            run_started 4 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > kill 3
            operator_action kill 1 agents
            3: task_finished cancelled 0 killed, spawning>terminated
        > kill 0
            operator_action kill 1 agents
            0: call_stopping killed
            ! stop 0 killed
        > kill 0
            operator_action kill 1 agents
        > end 0 stopped
            0: call_finished killed unconfirmed 0 held 0.01, task_finished cancelled 0 killed, working>terminated
            2: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 2 1000 tokens
        > kill 0
            refused: nothing to kill: these agents have ended
        ",
    );
}

#[test]
fn a_killed_agent_stays_killed_though_its_answer_came() {
    check(
        Setup::of(1),
        "
        > start
            run_started 1 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > kill 0
            operator_action kill 1 agents
            0: call_stopping killed
            ! stop 0 killed
        > end 0 ok
            0: call_finished killed settled 0.001, task_finished cancelled 0.001 killed, working>terminated
            run_finished cancelled: 0 ok, 0 failed, 1 cancelled
        > money
            spent 0.001 unconfirmed 0 reserved 0
        ",
    );
}

#[test]
fn kill_a_paused_agent_with_a_held_result() {
    check(
        Setup::of(1),
        "
        > start
            run_started 1 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > pause 0
            operator_action pause 1 agents
            0: working>paused
            ! hold 0
        > end 0 ok
            0: call_finished settled 0.001
        > money
            spent 0.001 unconfirmed 0 reserved 0
        > tasks
            running: running slots=1
        > kill 0
            operator_action kill 1 agents
            0: task_finished cancelled 0.001 killed, paused>terminated
            run_finished cancelled: 0 ok, 0 failed, 1 cancelled
        ",
    );
}

#[test]
fn kill_all() {
    check(
        Setup::of(3).parallel(2),
        "
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > kill
            operator_action kill 3 agents, whole run
            0: call_stopping killed
            1: call_stopping killed
            2: task_finished cancelled 0 killed, spawning>terminated
            ! stop 0 killed
            ! stop 1 killed
        > end 0 stopped
            0: call_finished killed unconfirmed 0 held 0.01, task_finished cancelled 0 killed, working>terminated
        > end 1 ok
            1: call_finished killed settled 0.001, task_finished cancelled 0.001 killed, working>terminated
            run_finished cancelled: 0 ok, 0 failed, 3 cancelled, stopped by operator
        ",
    );
}

#[test]
fn kill_before_the_start_gives_the_run_up() {
    check(
        Setup::of(1),
        "
        > kill 0
            refused: nothing to kill: the run has not started: kill all of it, or wait
        > kill
            operator_action kill 1 agents, whole run
            0: task_finished cancelled 0 cancelled, spawning>terminated
            run_finished cancelled: 0 ok, 0 failed, 1 cancelled
        ",
    );
}

#[test]
fn pause_and_resume_one() {
    check(
        Setup::of(3).parallel(1),
        "
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > pause 0 1
            operator_action pause 2 agents
            0: working>paused
            1: spawning>paused
            ! hold 0
        > pause 1
            refused: nothing to pause: these agents are paused already, or have ended
        > end 0 ok 300
            0: call_finished settled 0.003
        > money
            spent 0.003 unconfirmed 0 reserved 0
        > tasks
            running: running queued queued slots=1
        > resume 1
            operator_action resume 1 agents
            1: paused>spawning
        > resume 0
            operator_action resume 1 agents
            0: paused>working, task_finished completed 0.003, working>terminated
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 1 1000 tokens
        > resume 0
            refused: nothing to resume: none of these agents is paused
        ",
    );
}

#[test]
fn a_held_answer_is_shared_on_resume() {
    check(
        Setup::of(3).task(2, |task| same_as(1, task)),
        "
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > pause 1 2
            operator_action pause 2 agents
            1: working>paused
            2: spawning>paused
            ! hold 1
        > end 1 ok
            1: call_finished settled 0.001
        > resume 1 2
            operator_action resume 2 agents
            1: paused>working, task_finished completed 0.001, working>terminated
            2: task_finished completed 0 cached, paused>terminated
        ",
    );
}

#[test]
fn a_held_failure_takes_effect_on_resume() {
    check(
        Setup::of(1),
        "
        > start
            run_started 1 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > pause 0
            operator_action pause 1 agents
            0: working>paused
            ! hold 0
        > end 0 rate_limited
            0: call_finished released 0
        > resume 0
            operator_action resume 1 agents
            0: paused>working, task_retrying after 1 of 3: rate_limited, working>idle
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
fn a_paused_retry_waits_for_its_agent() {
    check(
        Setup::of(1),
        "
        > start
            run_started 1 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > end 0 rate_limited
            0: call_finished released 0, task_retrying after 1 of 3: rate_limited, working>idle
        > pause 0
            operator_action pause 1 agents
            0: idle>paused
        > after 5s
        > resume 0
            operator_action resume 1 agents
            0: paused>idle, task_started 2, call_started 0.01, idle>working
            ! call 0 1000 tokens
        ",
    );
}

#[test]
fn pause_and_resume_all() {
    check(
        Setup::of(2).parallel(1),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > pause
            operator_action pause 1 agents, whole run
            run_paused
            0: working>paused
            ! hold 0
        > pause
            refused: nothing to pause: these agents are paused already, or have ended
        > end 0 ok
            0: call_finished settled 0.001
        > tasks
            paused: running queued slots=1
        > resume
            operator_action resume 1 agents, whole run
            run_resumed
            0: paused>working, task_finished completed 0.001, working>terminated
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 1 1000 tokens
        > resume
            refused: nothing to resume: none of these agents is paused
        ",
    );
}

#[test]
fn suspend_interrupts_and_requeues() {
    check(
        Setup::of(3).parallel(2),
        "
        > start
            run_started 3 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > suspend
            operator_action suspend 2 agents, whole run
            0: call_stopping interrupted
            1: call_stopping interrupted
            ! stop 0 interrupted
            ! stop 1 interrupted
        > end 0 stopped
            0: call_finished interrupted unconfirmed 0 held 0.01, task_interrupted, working>idle
        > end 1 ok
            1: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            run_suspended
        > tasks
            suspended: queued completed queued slots=0
        > money
            spent 0.001 unconfirmed 0.01 reserved 0
        ",
    );
}

#[test]
fn a_kill_counts_while_the_run_is_let_go_of() {
    check(
        Setup::of(2),
        "
        > start
            run_started 2 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            1: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
            ! call 1 1000 tokens
        > suspend
            operator_action suspend 2 agents, whole run
            0: call_stopping interrupted
            1: call_stopping interrupted
            ! stop 0 interrupted
            ! stop 1 interrupted
        > kill 0
            operator_action kill 1 agents
            0: call_stopping killed
            ! stop 0 killed
        > end 0 stopped
            0: call_finished killed unconfirmed 0 held 0.01, task_finished cancelled 0 killed, working>terminated
        > end 1 stopped
            1: call_finished interrupted unconfirmed 0 held 0.01, task_interrupted, working>idle
            run_suspended
        ",
    );
}

#[test]
fn killing_all_while_the_run_is_let_go_of_ends_it() {
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
        > kill
            operator_action kill 2 agents, whole run
            0: call_stopping killed
            1: task_finished cancelled 0 killed, spawning>terminated
            ! stop 0 killed
        > end 0 stopped
            0: call_finished killed unconfirmed 0 held 0.01, task_finished cancelled 0 killed, working>terminated
            run_finished cancelled: 0 ok, 0 failed, 2 cancelled, stopped by operator
        ",
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    check(
        Setup::of(1),
        "
        > create
            refused: run r-00000001 exists already
        > b start
            refused: run r-00000002 is not at work in this process
        > reopen
            refused: run r-00000001 is created: it cannot be taken up again
        > pause
            refused: run r-00000001 is created: it cannot be paused
        > resume
            refused: run r-00000001 is created: it cannot be resumed
        > suspend
            refused: run r-00000001 is created: it cannot be suspended
        > start
            run_started 1 tasks, 0 cached
            0: task_started 1, spawning>idle, call_started 0.01, idle>working
            ! call 0 1000 tokens
        > start
            refused: run r-00000001 is running: it cannot be started
        > add 1
            refused: run r-00000001 is running: it cannot be added to
        > resume
            refused: nothing to resume: none of these agents is paused
        > pause 7
            refused: run r-00000001 has no agent 7: its agents are 0 to 0
        > kill 0 7
            refused: run r-00000001 has no agent 7: its agents are 0 to 0
        > end 0 ok
            0: call_finished settled 0.001, task_finished completed 0.001, working>terminated
            run_finished completed: 1 ok, 0 failed, 0 cancelled
        > kill
            refused: run r-00000001 is completed: it cannot be killed
        > reopen
            refused: run r-00000001 is completed: it cannot be taken up again
        ",
    );
}
