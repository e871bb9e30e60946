//! `collect lines` as a program.

use std::io::Write;
use std::process::{Command, Stdio};

use assert_cmd::cargo::CommandCargoExt;

/// Standard output, standard error and the exit code.
fn out(arguments: &[&str], input: &[u8]) -> (String, String, i32) {
    let mut command = Command::cargo_bin("collect").unwrap();
    command.arg("lines").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A tool that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

#[test]
fn statsd_lines_get_the_time_of_their_arrival() {
    let (text, errors, code) =
        out(&["--format", "statsd", "--at", "2026-01-02T03:04:05Z", "--tag", "env=ci"], b"builds:1|c|#env:prod\r\nqueue:7|g\n");
    assert_eq!((errors.as_str(), code), ("", 0));
    assert_eq!(
        text,
        "{\"ts\":\"2026-01-02T03:04:05Z\",\"metric\":\"builds\",\"value\":1,\"type\":\"delta\",\"tags\":{\"env\":\"prod\"}}\n\
         {\"ts\":\"2026-01-02T03:04:05Z\",\"metric\":\"queue\",\"value\":7,\"tags\":{\"env\":\"ci\"}}\n"
    );
}

#[test]
fn graphite_lines_carry_their_time_and_bad_ones_are_told() {
    let (text, errors, code) = out(&["--format", "graphite"], b"a.b 1.5 1418183276\nnonsense\n");
    assert_eq!(code, 65);
    assert_eq!(text, "{\"ts\":\"2014-12-10T03:47:56Z\",\"metric\":\"a.b\",\"value\":1.5}\n");
    assert!(errors.contains("collect: stdin:2:") && errors.contains("line skipped: nonsense"), "{errors}");
}

#[test]
fn an_unknown_format_is_told_with_the_nearest_one() {
    let (_, errors, code) = out(&["--format", "grafite"], b"");
    assert_eq!(code, 64);
    assert_eq!(errors, "collect: --format: unknown format `grafite`\nhint: did you mean `graphite`?\n");
}
