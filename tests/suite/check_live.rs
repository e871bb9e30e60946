//! `check --live` and `check --state`, as processes: time that passes, runs at once, clocks that jump.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::programs::in_process;
use pipewatch::cli::check::TOOL;

/// A run of `check` that ends when the test does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(arguments: &[&str]) -> Running {
    let command = Command::new(env!("CARGO_BIN_EXE_check"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    Running(command.unwrap())
}

/// A record of now, by the system's clock.
fn now(name: &str, value: f64) -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("{{\"ts\":{},\"metric\":\"{name}\",\"value\":{value}}}\n", since.as_nanos())
}

#[test]
fn absence_is_seen_while_nothing_comes() {
    let mut run = start(&["--live", "--late", "10ms", "age(x) > 2s"]);
    let mut input = run.0.stdin.take().unwrap();
    input.write_all(now("x", 1.0).as_bytes()).unwrap();
    let mut lines = BufReader::new(run.0.stdout.take().unwrap()).lines();
    let statuses: Vec<String> = std::iter::from_fn(|| lines.next()).take(2).map(|line| line.unwrap()).collect();
    // Standard input is still open: only the time has passed.
    assert!(statuses[0].contains("\"status\":\"ok\"") && statuses[1].contains("\"status\":\"critical\""), "{statuses:?}");
    input.write_all(now("x", 2.0).as_bytes()).unwrap();
    assert!(lines.next().unwrap().unwrap().contains("\"status\":\"ok\""));
    drop(input);
    assert_eq!(run.0.wait().unwrap().code(), Some(0));
}

#[test]
fn a_change_is_out_within_a_second_of_its_record() {
    let mut run = start(&["--live", "--late", "0ms", "last(x) > 5"]);
    let mut input = run.0.stdin.take().unwrap();
    let mut lines = BufReader::new(run.0.stdout.take().unwrap()).lines();
    for (value, status) in [(1.0, "ok"), (9.0, "critical"), (2.0, "ok")] {
        input.write_all(now("x", value).as_bytes()).unwrap();
        let line = lines.next().unwrap().unwrap();
        assert!(line.contains(&format!("\"status\":\"{status}\"")), "{line}");
    }
}

#[test]
fn a_late_record_counts_from_the_next_evaluation_on_and_is_told() {
    let at = |second: u32, value: u32| format!("{{\"ts\":\"2026-11-22T19:00:{second:02}Z\",\"metric\":\"x\",\"value\":{value}}}\n");
    let input = at(1, 1) + &at(5, 1) + &at(3, 50) + &at(8, 1);
    let (_, out, _) = in_process(&TOOL, &["--live", "--late", "0s", "max(x, 10s) > 5", "--at", "2026-11-22T19:00:20Z"], &input);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("{\"ts\":\"2026-11-22T19:00:01Z\"") && lines[0].contains("\"ok\""), "{out}");
    // What was judged without it is not taken back: it was right for what was known.
    assert!(lines[1].starts_with("{\"ts\":\"2026-11-22T19:00:05Z\"") && lines[1].contains("\"critical\""), "{out}");
    assert!(lines[1].contains("more data is late: 1 of the samples came after newer ones"), "{out}");
    assert!(lines[2].starts_with("{\"ts\":\"2026-11-22T19:00:13Z\"") && lines[2].contains("\"ok\""), "{out}");
    // Waited for, it is in its place.
    let (_, out, _) = in_process(&TOOL, &["--live", "--late", "3s", "max(x, 10s) > 5", "--at", "2026-11-22T19:00:20Z"], &input);
    assert!(out.lines().nth(1).unwrap().starts_with("{\"ts\":\"2026-11-22T19:00:03Z\""), "{out}");
}

fn line(second: u32, value: u32) -> String {
    format!("{{\"ts\":\"2026-11-22T19:{:02}:{:02}Z\",\"metric\":\"x\",\"value\":{value}}}\n", second / 60, second % 60)
}

fn state(folder: &Path, at: &str, input: &str) -> (u8, String, String) {
    in_process(&TOOL, &["--state", folder.to_str().unwrap(), "last(x) > 5 for 10s", "--at", at], input)
}

#[test]
fn a_clock_set_back_is_told_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert_eq!(state(path, "2026-11-22T19:01:00Z", &line(30, 9)).0, 2);
    let (code, out, err) = state(path, "2026-11-22T18:30:00Z", &line(0, 1));
    assert_eq!(code, 3, "{out}");
    assert!(err.contains("the state is of 2026-11-22T19:00:59Z, 30 min later than the instant judged: it is left as it is"), "{err}");
    let (code, out, _) = state(path, "2026-11-22T19:02:00Z", &line(110, 9));
    assert_eq!(code, 2);
    assert!(out.contains("\"since\":\"2026-11-22T19:00:30Z\""), "{out}");
}

#[test]
fn another_rule_begins_anew_and_other_rules_keep_what_they_know() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("check.toml");
    let path = rules.to_str().unwrap();
    let (state, records) = (folder.path().join("state"), line(0, 9));
    let run = |rules: &str, at: &str, input: &str| {
        std::fs::write(path, rules).unwrap();
        in_process(&TOOL, &["-f", path, "--state", state.to_str().unwrap(), "--at", at], input)
    };
    let two = "[a]\nwarning = 'last(x) > 5 for 20s'\n[b]\nwarning = 'last(x) > 5 for 20s'\n";
    let (_, out, _) = run(two, "2026-11-22T19:00:10Z", &records);
    assert_eq!(out.matches("asked for").count(), 2, "{out}");
    let changed = two.replacen("> 5 for 20s", "> 6 for 20s", 1);
    let (code, out, err) = run(&changed, "2026-11-22T19:00:25Z", &line(25, 9));
    assert!(err.contains("the rule `a` is another one than before: it begins anew") && !err.contains("`b`"), "{err}");
    assert_eq!(code, 1, "{out}");
    assert!(out.lines().next().unwrap().contains("\"ok\"") && out.lines().nth(1).unwrap().contains("\"warning\""), "{out}");
}

#[test]
fn two_at_once_lose_nothing_and_say_the_same_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("h.ndjson");
    let records: String = (0..60).map(|second| line(second, if second > 20 { 9 } else { 1 })).collect();
    std::fs::write(&history, &records).unwrap();
    let path = folder.path().join("state");
    let run = |at: &str| {
        let arguments = ["--state", path.to_str().unwrap(), "last(x) > 5 for 30s", "--at", at, history.to_str().unwrap()];
        Running(Command::new(env!("CARGO_BIN_EXE_check")).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
    };
    for at in ["2026-11-22T19:00:15Z", "2026-11-22T19:00:40Z", "2026-11-22T19:00:55Z"] {
        let mut runs: Vec<Running> = (0..4).map(|_| run(at)).collect();
        let codes: Vec<_> = runs.iter_mut().map(|run| run.0.wait().unwrap().code()).collect();
        assert!(codes.iter().all(|code| *code == codes[0] && *code != Some(3)), "{at}: {codes:?}");
    }
    let arguments = ["--state", path.to_str().unwrap(), "last(x) > 5 for 30s", "--at", "2026-11-22T19:00:58Z", history.to_str().unwrap()];
    let (code, out, err) = in_process(&TOOL, &arguments, "");
    assert_eq!((code, err.as_str()), (2, ""));
    assert!(out.contains("\"since\":\"2026-11-22T19:00:21Z\""), "{out}");
}

#[test]
fn files_and_standard_input_do_not_share_a_state() {
    let (code, _, err) = in_process(&TOOL, &["--state", "s", "x > 1", "h.ndjson", "-"], "");
    assert_eq!(code, 3);
    assert!(err.contains("files are read again by every run, standard input can't be"), "{err}");
}

#[test]
fn days_of_summer_time_are_as_long_as_they_are() {
    // The clocks of Berlin were set back on 2026-10-25 at 03:00: instants are counted, not wall clocks.
    let input = "{\"ts\":\"2026-10-25T02:30:00+02:00\",\"metric\":\"x\",\"value\":1}\n{\"ts\":\"2026-10-25T02:30:00+01:00\",\"metric\":\"x\",\"value\":9}\n";
    let (code, out, _) = in_process(&TOOL, &["delta(x, 61m) >= 7.9", "--no-extrapolation", "--at", "2026-10-25T02:30:00+01:00"], input);
    assert_eq!(code, 2, "{out}");
    assert!(out.contains("\"oldest\":\"2026-10-25T00:30:00Z\",\"newest\":\"2026-10-25T01:30:00Z\""), "{out}");
}

#[test]
fn too_many_series_do_not_end_a_run_that_follows_a_stream() {
    let mut input = line(0, 9);
    for host in 0..200_100 {
        input.push_str(&format!("{{\"ts\":\"2026-11-22T19:00:01Z\",\"metric\":\"y\",\"value\":1,\"tags\":{{\"h\":\"{host}\"}}}}\n"));
    }
    let at = ["--at", "2026-11-22T19:00:05Z"];
    let (code, out, _) = in_process(&TOOL, &[&["--live", "last(x) > 5 and count(y, 1m) > 3"][..], &at].concat(), &input);
    assert_eq!((code, out.lines().count()), (2, 2), "{out}");
    // A single answer about a part of what was asked would be a wrong one.
    let (code, _, err) = in_process(&TOOL, &[&["last(x) > 5 and count(y, 1m) > 3"][..], &at].concat(), &input);
    assert_eq!(code, 3);
    assert!(err.contains("more than 200000 series match"), "{err}");
}

#[test]
fn a_night_of_beats_and_events_is_followed_as_it_was() {
    // Twelve hours before the instant that is given, an event and a beat each ten minutes.
    let line = |minute: usize, rest: &str| format!("{{\"ts\":\"2026-11-22T{:02}:{:02}:00Z\",{rest}}}\n", minute / 60, minute % 60);
    let night: String = (0..72).map(|at| line(at * 10, "\"event\":\"done\"") + &line(at * 10, "\"beat\":\"probe\"")).collect();
    for name in ["done", "probe"] {
        let (_, out, err) = in_process(&TOOL, &["--live", "--at", "2026-11-22T23:00:00Z", &format!("age({name}) > 15m")], &night);
        let of = |line: &str| line.split("\"status\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert_eq!((out.lines().map(of).collect::<Vec<_>>(), err.as_str()), (vec!["ok".to_owned(), "critical".to_owned()], ""), "{name}");
    }
}
