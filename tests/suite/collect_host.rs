//! `collect host` as a program: against a fixed /proc, with signals and closed pipes.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::CommandCargoExt;

const PROC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/host_proc/proc");

fn collect(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("collect").unwrap();
    command.args(arguments).stdin(Stdio::null());
    command
}

fn out(arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = collect(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

/// Waits for the end, for ten seconds at most.
fn ended(child: &mut Child) -> std::process::ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_fixed_proc_at_a_fixed_time_gives_the_same_records() {
    let arguments = ["host", "--proc", PROC, "--count", "1", "--at", "2026-11-22T10:00:00Z", "--tag", "host=web-1", "--tag", "role=web"];
    let measured = || {
        let (text, errors, code) = out(&arguments);
        assert_eq!(code, Some(0), "{errors}");
        text.lines().filter(|line| !line.contains("\"collect.")).map(str::to_owned).collect::<Vec<_>>()
    };
    let lines = measured();
    assert_eq!(lines, measured());
    let wanted = [
        r#"{"ts":"2026-11-22T10:00:00Z","metric":"load.1","value":0.21,"unit":"{threads}","tags":{"host":"web-1","role":"web"}}"#,
        r#"{"ts":"2026-11-22T10:00:00Z","metric":"memory.total","value":3831959552,"unit":"By","tags":{"host":"web-1","role":"web"}}"#,
        r#"{"ts":"2026-11-22T10:00:00Z","metric":"tcp.retransmits","value":227,"type":"counter","unit":"{segments}","tags":{"host":"web-1","role":"web"}}"#,
        r#"{"ts":"2026-11-22T10:00:00Z","metric":"disk.reads","value":1775784,"type":"counter","unit":"{reads}","tags":{"device":"vda","host":"web-1","role":"web"}}"#,
        r#"{"ts":"2026-11-22T10:00:00Z","metric":"pressure.io.some","value":0,"unit":"1","tags":{"host":"web-1","role":"web"}}"#,
    ];
    for line in wanted {
        assert!(lines.iter().any(|found| found == line), "no {line}");
    }
}

#[test]
fn it_reports_on_itself() {
    let (text, _, _) = out(&["host", "--count", "1", "--tag", "host=a"]);
    for metric in ["collect.up", "collect.duration", "collect.lag", "collect.dropped"] {
        let line = text.lines().find(|line| line.contains(&format!("\"metric\":\"{metric}\""))).unwrap_or_else(|| panic!("no {metric}"));
        assert!(line.ends_with(r#""tags":{"host":"a","source":"host"}}"#), "{line}");
    }
    assert!(text.contains(r#""metric":"collect.up","value":1,"#));
}

#[test]
fn what_is_not_there_is_told_once_on_standard_error() {
    let (_, errors, _) = out(&["host", "--proc", PROC, "--count", "2", "--every", "20ms"]);
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.contains("proc/uptime` (no such file or directory)"), "{errors}");
}

#[test]
fn all_ticks_of_a_poll_share_one_instant_on_a_multiple_of_the_interval() {
    let (text, _, _) = out(&["host", "--count", "3", "--every", "100ms"]);
    let mut instants: Vec<&str> = text.lines().map(|line| line.split('"').nth(3).unwrap()).collect();
    instants.dedup();
    assert_eq!(instants.len(), 3, "{instants:?}");
    let whole_tenth = |instant: &str| instant.len() == 20 || (instant.ends_with("00Z") && instant.len() == 24);
    assert!(instants[1..].iter().all(|instant| whole_tenth(instant)), "{instants:?}");
}

#[test]
fn a_signal_ends_it_at_once() {
    let mut child = collect(&["host", "--every", "1h"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut String::new()).unwrap();
    let asked = Instant::now();
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    let status = ended(&mut child);
    assert_eq!(status.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(2));
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("}\n"), "the last record is whole");
}

#[test]
fn a_closed_output_ends_it_quietly() {
    let mut child = collect(&["host", "--every", "20ms"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(ended(&mut child).code(), Some(0));
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(errors, "");
}

#[test]
fn what_was_typed_wrong_is_told_with_code_64() {
    for (arguments, words) in [
        (["host", "--every", "5"].as_slice(), "it has no unit"),
        (&["host", "--every", "1ms"], "at least 10ms"),
        (&["host", "--count", "0"], "0 is not in 1.."),
        (&["host", "--tag", "role"], "`role` is no tag"),
        (&["host", "--tag", "a=1", "--tag", "a=2"], "given twice"),
        (&["hots"], "similar subcommand"),
    ] {
        let (text, errors, code) = out(arguments);
        assert_eq!((text.as_str(), code), ("", Some(64)), "{arguments:?}");
        assert!(errors.starts_with("collect: ") && errors.contains(words), "{errors}");
    }
}

#[test]
fn cores_and_the_largest_processes_are_told_when_asked_for() {
    let (text, _, _) = out(&["host", "--count", "1", "--per-core", "--top", "2"]);
    assert!(text.contains("\"metric\":\"core.used\"") && text.contains("\"core\":\"0\""), "{text}");
    let shown = text.lines().filter(|line| line.contains("\"metric\":\"process.memory\"")).count();
    assert!((2..=4).contains(&shown), "the two largest by memory, and two at most by processor: {shown}");
    let (text, _, _) = out(&["host", "--count", "1"]);
    assert!(!text.contains("\"core.") && !text.contains("\"process."), "{text}");
}

#[test]
fn a_poll_a_second_costs_less_than_half_a_percent_of_a_core_and_ten_megabytes() {
    const POLLS: u32 = 50;
    let mut child = collect(&["host", "--every", "20ms"]).stdout(Stdio::piped()).spawn().unwrap();
    let folder = format!("/proc/{}", child.id());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let used_ns = || -> u64 {
        let text = std::fs::read_to_string(format!("{folder}/schedstat")).unwrap();
        text.split(' ').next().unwrap().parse().unwrap()
    };
    // The first polls pay for the start.
    let mut polls = lines.by_ref().filter(|line| line.contains("\"metric\":\"collect.up\""));
    polls.nth(9);
    let before = used_ns();
    polls.nth(POLLS as usize - 1);
    let cost = Duration::from_nanos(used_ns() - before) / POLLS;
    let status = std::fs::read_to_string(format!("{folder}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(cost < Duration::from_millis(5), "a poll took {cost:?} of a processor");
    assert!(peak_kib < 10 << 10, "{peak_kib} KiB");
}
