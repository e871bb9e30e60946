//! `emit time`: the command's streams, signals and status pass through, and what it took is emitted.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

const SH: [&str; 2] = ["sh", "-c"];

fn spawn(to: &str, script: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_emit"))
        .args(["time", "job", "--to", to, "--tag", "host=a", "--"])
        .args(SH)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The value of a metric among the records.
fn value(records: &str, metric: &str) -> Option<f64> {
    let line = records.lines().find(|line| line.contains(&format!("\"metric\":\"{metric}\"")))?;
    let rest = line.split("\"value\":").nth(1)?;
    rest[..rest.find([',', '}'])?].parse().ok()
}

#[test]
fn streams_and_status_pass_through_and_three_samples_are_emitted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f");
    let mut child = spawn(file.to_str().unwrap(), "cat; echo err >&2; exit 3");
    child.stdin.take().unwrap().write_all(b"in\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice(), output.status.code()), (&b"in\n"[..], &b"err\n"[..], Some(3)));
    let records = std::fs::read_to_string(&file).unwrap();
    assert_eq!(value(&records, "job.exit"), Some(3.0));
    assert!(value(&records, "job.duration").unwrap() > 0.0 && value(&records, "job.memory").unwrap() > 100_000.0, "{records}");
    assert!(records.lines().all(|line| line.ends_with("\"tags\":{\"host\":\"a\"}}")), "{records}");
}

#[test]
fn without_a_destination_the_records_come_behind_the_output() {
    let output = Command::new(env!("CARGO_BIN_EXE_emit"))
        .args(["time", "job", "--at", "2026-11-22T10:00:00Z", "sh", "-c", "echo one; echo two"])
        .env_remove("PIPEWATCH_TO")
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.starts_with("one\ntwo\n{\"ts\":\"2026-11-22T10:00:00Z\",\"metric\":\"job.duration\","), "{out}");
    assert_eq!(out.lines().count(), 5);
}

#[test]
fn the_peak_is_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f");
    // tail keeps as much as it may have to print.
    let mut child = spawn(file.to_str().unwrap(), "head -c 60000000 /dev/zero | tail -c 60000000 >/dev/null");
    assert!(child.wait().unwrap().success());
    let peak = value(&std::fs::read_to_string(&file).unwrap(), "job.memory").unwrap();
    assert!((60e6..120e6).contains(&peak), "{peak}");
}

#[test]
fn what_ended_by_a_signal_has_128_and_its_number() {
    for (script, status) in [("kill -9 $$", 137), ("kill -TERM $$; echo alive", 143), ("kill -INT $$; echo alive", 130)] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        let output = spawn(file.to_str().unwrap(), script).wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(status), 0), "{script}");
        assert_eq!(value(&std::fs::read_to_string(&file).unwrap(), "job.exit"), Some(f64::from(status)));
    }
}

#[test]
fn what_cannot_be_started_has_the_shells_status() {
    for (command, status) in [("/no/such/command", 127), ("/dev/null", 126)] {
        let output = Command::new(env!("CARGO_BIN_EXE_emit")).args(["time", "job", "--to", "-", "--", command]).output().unwrap();
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(status));
        assert!(err.starts_with(&format!("emit: {command}: cannot run: ")), "{err}");
        assert_eq!((value(&out, "job.exit"), out.lines().count()), (Some(f64::from(status)), 1));
    }
}

#[test]
fn a_signal_is_handed_on_and_the_records_are_still_written() {
    for (signal, name) in [(Signal::TERM, "TERM"), (Signal::INT, "INT"), (Signal::HUP, "HUP"), (Signal::USR1, "USR1")] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        let script = format!("trap 'echo got; exit 7' {name}; echo ready; while :; do sleep 0.01; done");
        let mut child = spawn(file.to_str().unwrap(), &script);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        kill_process(Pid::from_child(&child), signal).unwrap();
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!((rest.as_str(), child.wait().unwrap().code()), ("got\n", Some(7)), "{name}");
        assert_eq!(value(&std::fs::read_to_string(&file).unwrap(), "job.exit"), Some(7.0));
    }
}

#[test]
fn a_record_that_cannot_be_brought_out_changes_nothing_for_the_command() {
    let output = spawn("/no-such-folder/f", "echo out; exit 4").wait_with_output().unwrap();
    assert_eq!((output.stdout.as_slice(), output.status.code()), (&b"out\n"[..], Some(4)));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "emit: /no-such-folder/f: cannot open: no such file or directory\n");
}

#[test]
fn a_mistake_in_the_options_is_found_before_the_command_runs() {
    let output = spawn("statds://h", "echo ran").wait_with_output().unwrap();
    assert_eq!((output.stdout.len(), output.status.code()), (0, Some(64)));
}
