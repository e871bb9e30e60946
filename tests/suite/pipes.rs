//! Several programs in one pipe, as people use them.

use crate::programs::run;

/// Runs a pipe in a folder of its own.
fn pipe(script: &str) -> (String, String, i32) {
    run(tempfile::tempdir().unwrap().path(), script)
}

#[test]
fn what_arrives_while_check_waits_is_judged() {
    // The sample is stamped after `check` has begun to read.
    let (out, err, code) = pipe("(sleep 0.3; emit a 1) | check 'last(a) == 1 and age(a) < 1m'");
    assert_eq!(code, 2, "{out}{err}");
    let (out, _, code) = pipe("(sleep 0.3; emit event deploy; emit a 1) | check 'age(deploy) < 1m'");
    assert_eq!(code, 2, "{out}");
}

#[test]
fn a_fixed_instant_does_not_move_while_check_waits() {
    let (out, err, code) = pipe("emit a 1 --at 2026-11-22T19:45:03Z | check --at 2026-11-22T19:45:02Z 'last(a) == 1'");
    assert_eq!(code, 3, "{out}{err}");
}

#[test]
fn this_machine_is_measured_rolled_up_and_judged_in_one_line() {
    let script = "collect host --every 100ms --count 5 | rollup --every 100ms --by '*' --stats count,mean,max | check 'memory.used > 200%'";
    let (out, err, code) = pipe(script);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("\"status\":\"ok\""), "{out}");
}

#[test]
fn timed_commands_reach_a_verdict_over_statsd_and_a_history() {
    let script = "
        collect statsd --udp 127.0.0.1:0 2>told >>in.ndjson & statsd=$!
        tries=0
        until grep -q listening told || [ $tries = 200 ]; do sleep 0.05; tries=$((tries + 1)); done
        port=$(sed -n 's/.*127.0.0.1:\\([0-9]*\\).*/\\1/p' told)
        emit time job --tag what=nap --to dogstatsd://127.0.0.1:$port -- sleep 0.05
        tries=0
        until grep -q job.duration in.ndjson || [ $tries = 200 ]; do sleep 0.05; tries=$((tries + 1)); done
        kill $statsd; wait
        emit --to history/ in.ndjson
        check --by what 'max(job.duration) > 20ms and last(job.exit) == 0' history/";
    let (out, err, code) = pipe(script);
    assert_eq!(code, 2, "{out}{err}");
    assert!(out.contains("\"tags\":{\"what\":\"nap\"}"), "{out}");
}
