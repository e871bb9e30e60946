//! `collect log` as a program: files as they are, files as they grow, kills between.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use assert_cmd::cargo::CommandCargoExt;

fn collect(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("collect").unwrap();
    command.arg("log").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Standard output, standard error and the exit code.
fn out(arguments: &[&str], input: &[u8]) -> (String, String, i32) {
    let mut child = collect(arguments).spawn().unwrap();
    // A tool that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

const LINES: &[u8] = b"2026-01-02T10:00:00Z 0.25 a\nsomething else\n2026-01-02T10:00:01Z 0.5 b\n";
const PATTERN: &str = r"^(?<ts>\S+) (?<value>[0-9.]+) (?<host>\w+)";

#[test]
fn lines_become_records_and_those_that_do_not_match_are_counted() {
    let (text, errors, code) = out(&["--pattern", PATTERN, "--metric", "took", "--unit", "s"], LINES);
    assert_eq!(
        text,
        "{\"ts\":\"2026-01-02T10:00:00Z\",\"metric\":\"took\",\"value\":0.25,\"unit\":\"s\",\"tags\":{\"host\":\"a\"}}\n\
         {\"ts\":\"2026-01-02T10:00:01Z\",\"metric\":\"took\",\"value\":0.5,\"unit\":\"s\",\"tags\":{\"host\":\"b\"}}\n"
    );
    assert_eq!(errors, "collect: 1 of 3 lines do not match the pattern; `--unmatched warn` shows some\n");
    assert_eq!(code, 0);
    let (_, errors, code) = out(&["--pattern", PATTERN, "--metric", "took", "--unmatched", "ignore"], LINES);
    assert_eq!((errors.as_str(), code), ("", 0));
    let (_, errors, code) = out(&["--pattern", PATTERN, "--metric", "took", "--unmatched", "warn"], LINES);
    assert!(errors.contains("stdin:2:1: the line does not match the pattern; line skipped: something else"), "{errors}");
    assert_eq!(code, 65);
}

#[test]
fn what_does_not_fit_is_told_with_a_way_out() {
    for (arguments, code, words) in [
        (["--pattern", "("].as_slice(), 64, "--pattern: regex parse error"),
        (&["--pattern", "(?<value>.)"], 64, "needs a metric's name\nhint: give one with --metric"),
        (&["--pattern", "(?<size>.)", "--value", "siez"], 64, "no group `siez`\nhint: did you mean `size`?"),
        (&["--pattern", "a", "--follow"], 64, "--follow needs files"),
        (&["--pattern", "a", "--from", "start"], 64, "--follow"),
        (&["--pattern", "never"], 65, "no line matches the pattern"),
        (&["--pattern", "a", "/nowhere.log"], 74, "/nowhere.log: cannot read: no such file or directory"),
    ] {
        let (text, errors, found) = out(arguments, LINES);
        assert_eq!((text.as_str(), found), ("", code), "{errors}");
        assert!(errors.contains(words), "{errors}");
    }
}

/// A program that follows one file, and the values it wrote.
struct Follower {
    child: Child,
    values: Receiver<String>,
}

impl Follower {
    fn start(folder: &Path, more: &[&str]) -> Follower {
        let (log, state) = (folder.join("app.log"), folder.join("state"));
        let mut arguments = vec!["--pattern", "^n(?<value>[0-9]+)$", "--metric", "n", "--follow"];
        arguments.extend(["--state", state.to_str().unwrap(), log.to_str().unwrap()]);
        arguments.extend(more);
        let mut child = collect(&arguments).stderr(Stdio::null()).spawn().unwrap();
        let values = values(child.stdout.take().unwrap());
        let follower = Follower { child, values };
        // It follows once its place is there.
        let begun = Instant::now();
        let kept = || fs::read_dir(folder.join("state/collect-log")).is_ok_and(|found| found.flatten().any(is_place));
        while !kept() {
            assert!(begun.elapsed() < Duration::from_secs(10), "it does not begin");
            std::thread::sleep(Duration::from_millis(2));
        }
        follower
    }

    /// The next value, which must come soon.
    fn next(&self) -> String {
        self.values.recv_timeout(Duration::from_secs(10)).expect("the next record")
    }

    fn end(mut self) -> Vec<String> {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        self.values.iter().collect()
    }

    fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.values.iter().collect()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_place(entry: fs::DirEntry) -> bool {
    entry.path().extension().is_some_and(|extension| extension == "json")
}

/// The values of a stream's records of `n`, as they come.
fn values(stream: ChildStdout) -> Receiver<String> {
    let (give, take) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("\"metric\":\"n\",\"value\":") {
                let value = rest.split(['}', ',']).next().unwrap_or_default().to_owned();
                if give.send(value).is_err() {
                    return;
                }
            }
        }
    });
    take
}

fn append(path: &Path, text: &str) {
    File::options().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn scene() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("app.log");
    (folder, log)
}

#[test]
fn a_growing_file_is_followed_through_rotation_within_milliseconds() {
    let (folder, log) = scene();
    append(&log, "n1\n");
    let follower = Follower::start(folder.path(), &["--from", "start"]);
    assert_eq!(follower.next(), "1");
    let mut took: Vec<Duration> = (2..12)
        .map(|number: u32| {
            let begun = Instant::now();
            append(&log, &format!("n{number}\n"));
            assert_eq!(follower.next(), number.to_string());
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    // The usual one, as the machine that runs the tests may be busy.
    assert!(took[took.len() / 2] < Duration::from_millis(20), "{took:?}");
    fs::rename(&log, folder.path().join("app.log.1")).unwrap();
    append(&log, "n12\n");
    assert_eq!(follower.next(), "12");
    // Copied and truncated.
    File::create(&log).unwrap();
    append(&log, "n13\n");
    assert_eq!(follower.next(), "13");
    fs::remove_file(&log).unwrap();
    append(&log, "n14\nn1");
    assert_eq!(follower.next(), "14");
    append(&log, "5\n");
    assert_eq!(follower.next(), "15");
    assert!(follower.end().is_empty());
}

#[test]
fn an_end_and_a_new_start_repeat_nothing_and_lose_nothing() {
    let (folder, log) = scene();
    append(&log, "n0\n");
    let follower = Follower::start(folder.path(), &[]);
    append(&log, "n1\nn");
    assert_eq!(follower.next(), "1");
    assert!(follower.end().is_empty());
    append(&log, "2\nn3\n");
    fs::rename(&log, folder.path().join("app.log.1")).unwrap();
    append(&log, "n4\n");
    let follower = Follower::start(folder.path(), &[]);
    let next: Vec<String> = (0..3).map(|_| follower.next()).collect();
    assert_eq!(next, ["2", "3", "4"]);
    assert!(follower.end().is_empty());
}

#[test]
fn a_kill_at_any_moment_loses_no_line() {
    let (folder, log) = scene();
    append(&log, "");
    let (mut seen, mut written) = (std::collections::BTreeSet::new(), 0u32);
    for round in 0..8u32 {
        let follower = Follower::start(folder.path(), &[]);
        for _ in 0..200 {
            written += 1;
            append(&log, &format!("n{written}\n"));
            if written % 90 == 0 {
                fs::rename(&log, folder.path().join(format!("app.log.{written}"))).unwrap();
                append(&log, "");
            }
        }
        // Somewhere within: after some of the lines of this round were seen.
        for _ in 0..round * 20 {
            seen.insert(follower.next());
        }
        seen.extend(follower.kill());
        // One rotation while nobody follows.
        written += 1;
        append(&log, &format!("n{written}\n"));
    }
    let follower = Follower::start(folder.path(), &[]);
    written += 1;
    append(&log, &format!("n{written}\n"));
    while seen.insert(follower.next()) || !seen.contains(&written.to_string()) {
        if seen.contains(&written.to_string()) {
            break;
        }
    }
    seen.extend(follower.end());
    let lost: Vec<u32> = (1..=written).filter(|number| !seen.contains(&number.to_string())).collect();
    assert!(lost.is_empty(), "lost {lost:?}");
}

#[test]
fn two_that_follow_one_file_are_told() {
    let (folder, log) = scene();
    append(&log, "n1\n");
    let follower = Follower::start(folder.path(), &[]);
    let state = folder.path().join("state");
    let arguments = ["--pattern", "a", "--follow", "--state", state.to_str().unwrap(), log.to_str().unwrap()];
    let (_, errors, code) = out(&arguments, b"");
    assert_eq!(code, 75);
    assert!(errors.contains("another process follows it"), "{errors}");
    drop(follower);
}

#[test]
fn a_follower_reports_on_itself_at_its_end() {
    let (folder, log) = scene();
    append(&log, "");
    let mut child = {
        let state = folder.path().join("state");
        let arguments = ["--pattern", "x", "--follow", "--from", "start", "--state", state.to_str().unwrap(), log.to_str().unwrap()];
        collect(&arguments).spawn().unwrap()
    };
    append(&log, "x\n");
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    for metric in ["collect.up", "collect.duration", "collect.dropped"] {
        assert!(rest.contains(&format!("\"metric\":\"{metric}\"")), "{rest}");
    }
    assert!(rest.contains("\"tags\":{\"source\":\"log\"}"), "{rest}");
}
