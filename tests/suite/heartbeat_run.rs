//! `heartbeat run` and `heartbeat beat`: the job's streams, signals and status pass through, and its
//! beats are kept; with real processes.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use pipewatch::cli::heartbeat::TOOL;
use pipewatch::ndjson::decode;
use pipewatch::record::{Beat, Record};
use rustix::process::{Pid, Signal, kill_process};

use crate::peers::find;
use crate::programs::{in_process, run};

const HEARTBEAT: &str = env!("CARGO_BIN_EXE_heartbeat");

/// `heartbeat run job`, with its state in `folder`, in a session of its own: no terminal is near.
fn job(folder: &Path, options: &[&str], command: &[&str]) -> Command {
    let mut job = Command::new("setsid");
    job.arg(HEARTBEAT).args(["run", "job", "--state-dir"]).arg(folder.join("state")).args(options).arg("--").args(command);
    job.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    job.env_remove("PIPEWATCH_STATE").env_remove("PIPEWATCH_BEAT_TO");
    job
}

fn sh(folder: &Path, options: &[&str], script: &str) -> Output {
    job(folder, options, &["sh", "-c", script]).output().unwrap()
}

/// All records of the state folder, in their order.
fn records(folder: &Path) -> Vec<Record> {
    let Ok(days) = std::fs::read_dir(folder.join("state/beats")) else { return Vec::new() };
    let mut days: Vec<_> = days.map(|day| day.unwrap().path()).collect();
    days.sort();
    let text: String = days.iter().map(|day| std::fs::read_to_string(day).unwrap()).collect();
    text.lines().map(|line| decode(line.as_bytes()).unwrap()).collect()
}

fn beats(folder: &Path) -> Vec<Beat> {
    records(folder).into_iter().filter_map(|record| if let Record::Beat(beat) = record { Some(beat) } else { None }).collect()
}

/// The last beat, and that it is the end of the run that the one before began.
fn end(folder: &Path) -> Beat {
    let beats = beats(folder);
    let [.., start, end] = beats.as_slice() else { panic!("two beats at least, found {beats:?}") };
    assert_eq!((start.state.as_deref(), &start.run), (Some("start"), &end.run));
    assert!(start.ts <= end.ts && start.beat == "job" && end.beat == "job");
    end.clone()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Reads a line of a child's standard output.
fn line(out: &mut impl BufRead) -> String {
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// Waits until something holds, without a limit but the test's own patience.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = std::time::Instant::now();
    while !holds() {
        assert!(begin.elapsed().as_secs() < 30, "{what} never came");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn streams_and_status_pass_through_and_the_run_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut child =
        job(folder.path(), &["--tag", "host=a"], &["sh", "-c", "cat; echo err >&2; exit 3"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"in\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((text(&output.stdout), text(&output.stderr), output.status.code()), ("in\n", "err\n", Some(3)));
    let end = end(folder.path());
    assert_eq!((end.state.as_deref(), end.exit), (Some("fail"), Some(3)));
    let message = end.message.unwrap();
    assert!(message == "in\nerr" || message == "err\nin", "{message}");
    assert!(end.duration.is_some_and(|seconds| seconds > 0.0 && seconds < 30.0));
    let Record::Sample(memory) = records(folder.path()).pop().unwrap() else { panic!("the last record is a sample") };
    assert_eq!((memory.series.metric.as_str(), memory.series.unit.as_deref()), ("job.memory", Some("By")));
    assert!(records(folder.path()).iter().all(|record| record.tags().get("host") == Some("a")));
}

#[test]
fn each_line_comes_out_as_it_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let mut child =
        job(folder.path(), &[], &["sh", "-c", "echo one; read x; echo two; read x; echo $x"]).stdin(Stdio::piped()).spawn().unwrap();
    let (mut to, mut out) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    assert_eq!(line(&mut out), "one");
    to.write_all(b"x\n").unwrap();
    assert_eq!(line(&mut out), "two");
    to.write_all(b"three\n").unwrap();
    assert_eq!(line(&mut out), "three");
    assert!(child.wait().unwrap().success());
}

#[test]
fn where_both_streams_are_one_their_order_stays() {
    let folder = tempfile::tempdir().unwrap();
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let script = "for n in 1 2 3 4 5 6 7 8 9; do echo out$n; echo err$n >&2; done";
    job(folder.path(), &[], &["sh", "-c", script]).stdout(log.try_clone().unwrap()).stderr(log).status().unwrap();
    let expected: String = (1..=9).map(|n| format!("out{n}\nerr{n}\n")).collect();
    assert_eq!(std::fs::read_to_string(folder.path().join("log")).unwrap(), expected);
    assert_eq!(end(folder.path()).message.as_deref(), Some(expected.trim_end()));
}

#[test]
fn every_exit_status_comes_out_and_is_kept() {
    for (script, status) in [("exit 0", 0), ("exit 255", 255), ("kill -9 $$", 137), ("kill -TERM $$", 143), ("exec /no/such", 127)] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(sh(folder.path(), &[], script).status.code(), Some(status), "{script}");
        let end = end(folder.path());
        assert_eq!((end.exit, end.state.as_deref()), (Some(status.into()), Some(if status == 0 { "ok" } else { "fail" })));
    }
}

#[test]
fn what_cannot_be_started_has_the_shells_status_and_a_beat_that_says_why() {
    for (command, status, why) in [("/no/such", 127, "no such file or directory"), ("/dev/null", 126, "permission denied")] {
        let folder = tempfile::tempdir().unwrap();
        let output = job(folder.path(), &[], &[command]).output().unwrap();
        let told = format!("{command}: cannot run: {why}");
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(status), format!("heartbeat: {told}\n").as_str()));
        let end = end(folder.path());
        assert_eq!((end.exit, end.state.as_deref(), end.message), (Some(status.into()), Some("fail"), Some(told)));
    }
}

#[test]
fn the_last_ten_thousand_bytes_go_along() {
    let folder = tempfile::tempdir().unwrap();
    let output = sh(folder.path(), &[], "seq 100000");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 100_000);
    let message = end(folder.path()).message.unwrap();
    assert!(message.ends_with("99999\n100000") && (9_990..=10_000).contains(&message.len()), "{}", message.len());
}

#[test]
fn a_signal_goes_to_all_processes_of_the_job_and_the_end_is_still_kept() {
    let folder = tempfile::tempdir().unwrap();
    // The shell and what it started each tell that they were asked to end.
    let script = "trap 'wait; echo outer; exit 7' TERM; \
                  sh -c 'trap \"echo inner; exit 0\" TERM; echo ready; while [ -d state ]; do sleep 0.05; done' & \
                  while [ -d state ]; do sleep 0.05; done";
    let mut child = job(folder.path(), &[], &["sh", "-c", script]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(line(&mut out), "ready");
    signal(&child, Signal::TERM);
    assert_eq!((line(&mut out), line(&mut out)), ("inner".into(), "outer".into()));
    assert_eq!(child.wait().unwrap().code(), Some(7));
    assert_eq!(end(folder.path()).exit, Some(7));
}

#[test]
fn on_a_terminal_ctrl_c_reaches_the_job_once() {
    if find("on_a_terminal_ctrl_c_reaches_the_job_once", "script").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // A file, as quotes within quotes would hide what is run.
    let inner = "n=0\ntrap 'n=$((n+1)); echo got $n' INT\necho ready\nwhile [ -d state ] && [ ! -e go ]; do sleep 0.05; done\nexit 5\n";
    std::fs::write(folder.path().join("job"), inner).unwrap();
    let command = format!("exec {HEARTBEAT} run job --state-dir state -- sh job");
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = script.env("SHELL", "/bin/sh").spawn().unwrap();
    let (mut to, mut out) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    assert_eq!(line(&mut out), "ready");
    to.write_all(b"\x03").unwrap();
    let got = line(&mut out);
    assert!(got.ends_with("got 1"), "{got}");
    std::fs::write(folder.path().join("go"), "").unwrap();
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!((rest.as_str(), child.wait().unwrap().code()), ("", Some(5)));
    assert_eq!(end(folder.path()).exit, Some(5));
}

#[test]
fn further_signals_reach_the_job() {
    for (name, number) in
        [("INT", Signal::INT), ("HUP", Signal::HUP), ("USR1", Signal::USR1), ("USR2", Signal::USR2), ("QUIT", Signal::QUIT)]
    {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("trap 'echo {name}; exit 0' {name}; echo ready; while [ -d state ]; do sleep 0.05; done");
        let mut child = job(folder.path(), &[], &["sh", "-c", &script]).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        assert_eq!(line(&mut out), "ready");
        signal(&child, number);
        assert_eq!((line(&mut out).as_str(), child.wait().unwrap().code()), (name, Some(0)));
    }
}

#[test]
fn a_job_at_its_limit_is_ended_with_all_its_processes() {
    let folder = tempfile::tempdir().unwrap();
    let output = sh(folder.path(), &["--timeout", "300ms"], "echo begun; sleep 600 & echo $! > pid; wait");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(124), "begun\n"));
    assert_eq!(text(&output.stderr), "heartbeat: job: ended after 300ms (--timeout)\n");
    let end = end(folder.path());
    assert_eq!((end.state.as_deref(), end.exit), (Some("fail"), Some(124)));
    assert_eq!(end.message.as_deref(), Some("begun\nheartbeat: ended after 300ms (--timeout)"));
    let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
    until("the end of what the job had started", || {
        // Whom nobody waits for stays as a zombie where the first process of a container takes no care.
        std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).map_or(true, |stat| stat.contains(") Z "))
    });
}

#[test]
fn a_job_that_will_not_end_is_killed_ten_seconds_later() {
    let folder = tempfile::tempdir().unwrap();
    let begin = std::time::Instant::now();
    let output = sh(folder.path(), &["--timeout", "200ms"], "trap '' TERM; while [ -d state ]; do sleep 0.2; done");
    assert_eq!(output.status.code(), Some(124));
    assert!((10.0..30.0).contains(&begin.elapsed().as_secs_f64()), "{:?}", begin.elapsed());
}

#[test]
fn quiet_prints_only_when_the_job_fails() {
    let folder = tempfile::tempdir().unwrap();
    let output = sh(folder.path(), &["--quiet"], "echo out; echo err >&2");
    assert_eq!((text(&output.stdout), text(&output.stderr), output.status.code()), ("", "", Some(0)));
    assert!(end(folder.path()).message.is_some(), "the beat has the last lines all the same");
    let output = sh(folder.path(), &["--quiet"], "echo out; echo err >&2; exit 4");
    assert_eq!((text(&output.stdout), output.status.code()), ("out\n", Some(4)));
    assert!(text(&output.stderr).starts_with("err\nheartbeat: job: failed with exit status 4 after "), "{}", text(&output.stderr));
}

#[test]
fn what_a_job_leaves_behind_neither_keeps_it_nor_loses_its_output() {
    for (options, late) in [(&[][..], "late\n"), (&["--quiet"], "")] {
        let folder = tempfile::tempdir().unwrap();
        let script = "(while [ -d state ] && [ ! -e go ]; do sleep 0.02; done; echo late; echo done > wrote) & echo now";
        let mut child = job(folder.path(), options, &["sh", "-c", script]).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        // It ends while the other goes on, which waits for us.
        assert!(child.wait().unwrap().success());
        assert_eq!(end(folder.path()).message.as_deref(), Some("now"));
        std::fs::write(folder.path().join("go"), "").unwrap();
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, if options.is_empty() { format!("now\n{late}") } else { late.into() });
        until("the end of the other", || folder.path().join("wrote").exists());
    }
}

#[test]
fn a_reader_that_leaves_is_the_jobs_to_see() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("{{ {HEARTBEAT} run job --state-dir state -- yes; echo $? > status; }} | head -n 1");
    let (out, told, _) = run(folder.path(), &script);
    assert_eq!((out.as_str(), told.as_str()), ("y\n", ""));
    assert_eq!(std::fs::read_to_string(folder.path().join("status")).unwrap(), "141\n");
    assert_eq!(end(folder.path()).exit, Some(141));
}

#[test]
fn where_beats_cannot_be_written_the_job_runs_and_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("state"), "a file, where a folder should be").unwrap();
    let output = sh(folder.path(), &["--lock"], "echo out; exit 5");
    assert_eq!((text(&output.stdout), output.status.code()), ("out\n", Some(5)));
    let told = text(&output.stderr);
    assert!(told.contains("cannot lock: not a directory; job is run without"), "{told}");
    assert!(told.contains("state/beats: cannot make the folder: not a directory"), "{told}");
    // A full disk.
    let output = sh(folder.path(), &["--to", "/dev/full"], "echo out; exit 5");
    assert_eq!((text(&output.stdout), output.status.code()), ("out\n", Some(5)));
    assert!(text(&output.stderr).contains("/dev/full: cannot write: no space left on device"), "{}", text(&output.stderr));
}

#[test]
fn a_disk_that_is_full_for_the_output_is_told_and_the_status_stays() {
    let folder = tempfile::tempdir().unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = job(folder.path(), &[], &["sh", "-c", "echo out; exit 6"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert_eq!(text(&output.stderr), "heartbeat: the job's output: cannot write: no space left on device\n");
    assert_eq!(end(folder.path()).message.as_deref(), Some("out"));
}

#[test]
fn a_second_run_is_kept_away_by_the_lock_and_tells_that() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = job(folder.path(), &["--lock"], &["sh", "-c", "echo ready; read x"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(first.stdout.take().unwrap());
    assert_eq!(line(&mut out), "ready");
    let second = sh(folder.path(), &["--lock"], "echo never");
    assert_eq!((text(&second.stdout), second.status.code()), ("", Some(75)));
    let told = text(&second.stderr);
    assert!(told.starts_with(&format!("heartbeat: job: not started: already running (process {} since 20", first.id())), "{told}");
    let log = beats(folder.path()).pop().unwrap();
    assert_eq!(log.state.as_deref(), Some("log"));
    assert!(log.message.unwrap().starts_with("not started: already running"));
    // Other jobs, and runs without the lock, are not kept away.
    assert!(sh(folder.path(), &[], "true").status.success());
    drop(first.stdin.take());
    first.wait().unwrap();
    assert!(sh(folder.path(), &["--lock"], "true").status.success());
}

#[test]
fn a_process_that_a_job_leaves_behind_does_not_hold_its_lock() {
    let folder = tempfile::tempdir().unwrap();
    let script = "while [ -d state ] && [ ! -e go ]; do sleep 0.02; done > /dev/null 2>&1 &";
    assert!(sh(folder.path(), &["--lock"], script).status.success());
    assert!(sh(folder.path(), &["--lock"], "true").status.success());
    std::fs::write(folder.path().join("go"), "").unwrap();
}

#[test]
fn a_run_that_is_killed_leaves_a_start_without_an_end_and_frees_its_lock() {
    let folder = tempfile::tempdir().unwrap();
    let mut child =
        job(folder.path(), &["--lock"], &["sh", "-c", "echo $$; while [ -d state ] && [ ! -e go ]; do sleep 0.02; done"]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    line(&mut out);
    signal(&child, Signal::KILL);
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    let left = beats(folder.path());
    assert_eq!((left.len(), left[0].state.as_deref(), left[0].run.is_some()), (1, Some("start"), true));
    assert!(sh(folder.path(), &["--lock"], "true").status.success());
    std::fs::write(folder.path().join("go"), "").unwrap();
}

#[test]
fn runs_at_the_same_time_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let children: Vec<Child> =
        (0..5).map(|n| job(folder.path(), &[], &["sh", "-c", &format!("sleep 0.0{n}; exit {n}")]).spawn().unwrap()).collect();
    for (n, child) in children.into_iter().enumerate() {
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(n as i32));
    }
    let beats = beats(folder.path());
    let starts: std::collections::BTreeSet<_> = beats.iter().filter(|beat| beat.exit.is_none()).map(|beat| beat.run.clone()).collect();
    let ends: std::collections::BTreeSet<_> = beats.iter().filter(|beat| beat.exit.is_some()).map(|beat| beat.run.clone()).collect();
    assert_eq!((beats.len(), starts.len(), &ends), (10, 5, &starts));
}

#[test]
fn a_job_knows_its_name_and_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("{HEARTBEAT} beat $PIPEWATCH_BEAT --state-dir state --state log --run $PIPEWATCH_RUN --message half");
    assert!(sh(folder.path(), &[], &script).status.success());
    let beats = beats(folder.path());
    assert_eq!(beats.iter().map(|beat| beat.state.as_deref().unwrap()).collect::<Vec<_>>(), ["start", "log", "ok"]);
    assert!(beats.iter().all(|beat| beat.run == beats[0].run && beat.beat == "job"));
}

#[test]
fn a_mistake_in_the_options_is_found_before_the_job_runs() {
    let folder = tempfile::tempdir().unwrap();
    for (options, told) in [
        (&["--timeout", "5"][..], "--timeout: "),
        (&["--timeout", "0s"], "--timeout: must be above zero"),
        (&["--to", "ftp://x"], "--to: `ftp://x` is no place for beats"),
        (&["--tag", "x"], "--tag: `x` is no key and value"),
    ] {
        let output = sh(folder.path(), options, "touch ran");
        assert_eq!(output.status.code(), Some(64), "{options:?}");
        assert!(text(&output.stderr).starts_with(&format!("heartbeat: {told}")), "{}", text(&output.stderr));
    }
    assert!(!folder.path().join("ran").exists());
}

#[test]
fn a_mistake_in_the_environment_does_not_keep_the_job_from_running() {
    let folder = tempfile::tempdir().unwrap();
    let output = job(folder.path(), &[], &["sh", "-c", "exit 3"]).env("PIPEWATCH_BEAT_TO", "ftp://x").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(text(&output.stderr), "heartbeat: $PIPEWATCH_BEAT_TO: `ftp://x` is no place for beats\n");
    assert_eq!(end(folder.path()).exit, Some(3));
}

/// Runs `heartbeat` in process with its state in a folder of its own; gives code, output, errors, and the state's records.
fn beat(arguments: &[&str], stdin: &str) -> (u8, String, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap().to_owned();
    let arguments: Vec<&str> = ["beat"].iter().chain(arguments).copied().chain(["--state-dir", &state]).collect();
    let (code, out, told) = in_process(&TOOL, &arguments, stdin);
    (code, out, told, std::fs::read_to_string(folder.path().join("beats/2026-11-22.ndjson")).unwrap_or_default())
}

#[test]
fn a_beat_is_a_record_in_the_state_folder_or_on_the_pipe() {
    let ts = "{\"ts\":\"2026-11-22T20:00:00Z\",\"beat\":\"a\"";
    for (arguments, record) in [
        (&["a"][..], format!("{ts},\"state\":\"ok\"}}\n")),
        (&["a", "--state", "start", "--run", "r1"], format!("{ts},\"state\":\"start\",\"run\":\"r1\"}}\n")),
        (&["a", "--exit", "0"], format!("{ts},\"state\":\"ok\",\"exit\":0}}\n")),
        (&["a", "--exit", "3", "--tag", "host=b"], format!("{ts},\"state\":\"fail\",\"exit\":3,\"tags\":{{\"host\":\"b\"}}}}\n")),
        (&["a", "--state", "log", "--message", "-x"], format!("{ts},\"state\":\"log\",\"message\":\"-x\"}}\n")),
        (&["a", "--message", "-"], format!("{ts},\"state\":\"ok\",\"message\":\"two\\nlines\"}}\n")),
        (
            &["a", "--metric", "rows=12", "--metric", "rate=0.5"],
            format!(
                "{ts},\"state\":\"ok\"}}\n{{\"ts\":\"2026-11-22T20:00:00Z\",\"metric\":\"a.rows\",\"value\":12}}\n\
                 {{\"ts\":\"2026-11-22T20:00:00Z\",\"metric\":\"a.rate\",\"value\":0.5}}\n"
            ),
        ),
    ] {
        let (code, out, told, kept) = beat(arguments, "two\nlines\n");
        assert_eq!((code, out.as_str(), told.as_str(), kept.as_str()), (0, "", "", record.as_str()), "{arguments:?}");
        let piped: Vec<&str> = arguments.iter().copied().chain(["--to", "-"]).collect();
        let (code, out, told, kept) = beat(&piped, "two\nlines\n");
        assert_eq!((code, out.as_str(), told.as_str(), kept.as_str()), (0, record.as_str(), "", ""), "{piped:?}");
    }
}

#[test]
fn what_makes_no_sense_is_no_beat() {
    for (arguments, told) in [
        (&[""][..], "the name must not be empty"),
        (&["a", "--exit", "256"], "--exit: `256` is no exit status, which is 0 to 255"),
        (&["a", "--state", "ok", "--exit", "1"], "--state ok and an exit status above 0 clash"),
        (&["a", "--state", "start", "--exit", "1"], "--exit: a job that has only begun"),
        (&["a", "--metric", "rows"], "--metric: `rows` is no key and value"),
        (&["a", "--metric", "rows=NaN"], "--metric: `NaN` is not a number"),
        (&["a", "--run", ""], "--run: the run's id must not be empty"),
    ] {
        let (code, _, err, kept) = beat(arguments, "");
        assert_eq!((code, kept.as_str()), (64, ""), "{arguments:?}");
        assert!(err.starts_with(&format!("heartbeat: {told}")), "{err}");
    }
}

#[test]
fn a_beat_that_is_lost_is_told_and_breaks_a_script_only_where_that_is_wanted() {
    let lost = ["a", "--to", "/dev/null/x"];
    let (code, _, told, _) = beat(&lost, "");
    assert_eq!((code, told.as_str()), (0, "heartbeat: /dev/null/x: cannot open: not a directory\n"));
    let (code, ..) = beat(&[&lost[..], &["--strict"]].concat(), "");
    assert_eq!(code, 74);
}
