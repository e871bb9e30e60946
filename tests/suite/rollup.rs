//! `rollup` as a user meets it: in process, and as a program in a pipe.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use pipewatch::cli::rollup;
use pipewatch::time::Timestamp;
use proptest::prelude::*;

use crate::programs::in_process;

/// Runs `rollup` in process; gives code, standard output and standard error.
fn rollup(arguments: &[&str], stdin: &str) -> (u8, String, String) {
    in_process(&rollup::TOOL, arguments, stdin)
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rollup"))
}

fn sample(seconds: f64, metric: &str, value: f64) -> String {
    let ts = Timestamp::from_nanos(1_795_376_700_000_000_000 + (seconds * 1e9) as i64);
    format!(
        "{{\"ts\":\"{ts}\",\"metric\":\"{metric}\",\"value\":{value},\"unit\":\"s\",\"tags\":{{\"host\":\"a\",\"queue\":\"linux\"}}}}\n"
    )
}

#[test]
fn a_minute_of_samples_becomes_six_windows() {
    let input: String = (0..60).map(|n| sample(f64::from(n), "build.duration", f64::from(n))).collect();
    let (code, out, err) = rollup(&["--every", "10s", "--by", "queue", "--stats", "count,mean,p50"], &input);
    assert_eq!((code, err.as_str()), (0, ""));
    let first = out.lines().next().unwrap();
    assert_eq!(
        first,
        r#"{"ts":"2026-11-22T19:45:00Z","metric":"build.duration","window":"10s","count":10,"mean":4.5,"p50":4.5,"unit":"s","tags":{"queue":"linux"}}"#
    );
    assert_eq!(out.lines().count(), 6);
}

#[test]
fn other_records_pass_through_in_their_place() {
    let event = "{\"ts\":\"2026-11-22T19:45:20Z\",\"event\":\"deploy\",\"x_mine\":[1, 2]}\n";
    let input = [sample(1.0, "m", 1.0), sample(15.0, "m", 1.0), event.into(), sample(40.0, "m", 1.0)].concat();
    let (_, out, _) = rollup(&["--stats", "count", "--late", "0s"], &input);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[1], event.trim_end(), "after the window that was due before it, unchanged");
}

#[test]
fn bad_lines_are_told_and_the_rest_is_done() {
    let input = [sample(1.0, "m", 1.0), "garbage \u{1b}[2J\n".into(), sample(2.0, "m", 3.0)].concat();
    let (code, out, err) = rollup(&["--stats", "count,sum"], &input);
    assert_eq!(code, 65);
    assert!(out.contains("\"count\":2,\"sum\":4"));
    assert!(err.starts_with("rollup: stdin:2:1: not JSON: expected a record"), "{err}");
    assert!(err.contains("line skipped: garbage \\u{1b}[2J\n"), "{err}");
    assert!(err.contains("rollup: stdin: 1 of 3 lines skipped, first at 2\n"), "{err}");
}

#[test]
fn many_bad_lines_of_one_cause_are_counted() {
    let input = sample(1.0, "m", 1.0) + &"x\n".repeat(100);
    let (code, _, err) = rollup(&[], &input);
    assert_eq!((code, err.matches("line skipped").count()), (65, 10));
    assert!(err.contains("90 more lines skipped for the same cause: not JSON"), "{err}");
    let (code, out, err) = rollup(&["--strict"], &input);
    assert_eq!((code, out.as_str()), (65, ""));
    assert_eq!(err.lines().count(), 1);
}

#[test]
fn rejected_lines_are_kept_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rejects");
    let input = sample(1.0, "m", 1.0) + "first bad\n{\"ts\":1}\n";
    rollup(&["--rejects", path.to_str().unwrap()], &input);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "first bad\n{\"ts\":1}\n");
}

#[test]
fn no_record_at_all_is_an_error() {
    let (code, _, err) = rollup(&[], "");
    assert_eq!((code, err.as_str()), (65, "rollup: stdin: no record found\n"));
    let (code, _, err) = rollup(&["missing.ndjson"], "");
    assert_eq!((code, err.as_str()), (74, "rollup: missing.ndjson: cannot read: no such file or directory\n"));
}

#[test]
fn what_makes_no_sense_is_refused_with_both_numbers() {
    let cases = [
        (
            vec!["--every", "10"],
            "rollup: --every: `10` is not a duration: it has no unit; the units are ms, s, m, h, d and w, like `10s` or `2h30m`\n",
        ),
        (
            vec!["--every", "10s", "--slide", "3s"],
            "rollup: --slide 3s does not divide --every 10s\nhint: choose a --slide that fits a whole number of times into --every\n",
        ),
        (
            vec!["--stats", "coutn"],
            "rollup: --stats: `coutn` is no statistic\nhint: did you mean `count`? There are count, sum, min, max, mean, first, last, stddev, rate, distinct, sketch, median and pNN\n",
        ),
        (vec!["--fill", "x"], "rollup: --fill: expected null, zero or last, found `x`\n"),
        (vec!["--error", "90%"], "rollup: --error: the relative error must be from 0.000001 to 0.5, found 0.9\n"),
        (
            vec!["--since", "10m", "--until", "20m"],
            "rollup: --since 2026-11-22T19:50:00Z is not before --until 2026-11-22T19:40:00Z: nothing lies between\n",
        ),
    ];
    for (arguments, expected) in cases {
        let (code, out, err) = rollup(&arguments, "");
        assert_eq!((code, out.as_str(), err.as_str()), (64, "", expected), "{arguments:?}");
    }
}

#[test]
fn late_and_future_records_are_told() {
    let future = "{\"ts\":\"2200-01-01T00:00:00Z\",\"metric\":\"m\",\"value\":1}\n";
    let input = [sample(100.0, "m", 1.0), sample(1.0, "m", 1.0), future.into(), sample(101.0, "m", 1.0)].concat();
    let (code, out, err) = rollup(&["--stats", "count"], &input);
    assert_eq!(code, 0);
    assert!(out.contains("\"count\":2"), "{out}");
    assert!(err.contains("1 record came too late and are in no window") || err.contains("1 record came too late"), "{err}");
    assert!(err.contains("1 record more than --ahead 1d in the future"), "{err}");
}

#[test]
fn rollups_of_rollups_and_of_parts_equal_that_of_the_whole() {
    let all: Vec<String> = (0..600).map(|n| sample(f64::from(n) / 10.0, "m", f64::from(n * 37 % 101) + 0.5)).collect();
    let stats = ["--stats", "count,sum,min,max,sketch,p95", "--by", "queue"];
    let (_, whole, _) = rollup(&[&["--every", "1m"], &stats[..]].concat(), &all.concat());
    let (_, small, _) = rollup(&[&["--every", "5s"], &stats[..]].concat(), &all.concat());
    let (_, again, _) = rollup(&[&["--every", "1m"], &stats[..]].concat(), &small);
    let part = |from: usize| -> String {
        rollup(&[&["--every", "1m"], &stats[..]].concat(), &all.iter().skip(from).step_by(3).cloned().collect::<String>()).1
    };
    let (_, merged, _) = rollup(&[&["--merge"], &stats[..]].concat(), &[part(0), part(1), part(2)].concat());
    let head = |text: &str| text.split(",\"p95\"").next().unwrap().to_owned();
    assert!(head(&whole).contains("\"count\":600"));
    assert_eq!(head(&again), head(&whole));
    assert_eq!(head(&merged), head(&whole));
    let p95 = |text: &str| -> f64 { text.split("\"p95\":").nth(1).unwrap().split(',').next().unwrap().parse().unwrap() };
    assert!((p95(&merged) / p95(&whole) - 1.0).abs() <= 0.0101);
    assert!(merged.contains("\"error\":0.01") && !whole.contains("\"error\""), "what is not exact says so");
}

#[test]
fn a_day_is_a_day_of_utc_whatever_the_clocks_on_the_wall_do() {
    // The epoch's first day, a leap day, both changes of summer time in Europe, and the year 2200.
    let days = ["1970-01-01", "2024-02-29", "2026-03-29", "2026-10-25", "2200-12-31"];
    let line = |ts: String| format!("{{\"ts\":\"{ts}\",\"metric\":\"m\",\"value\":1e300}}\n");
    let input: String =
        days.iter().flat_map(|day| ["T00:00:00Z", "T23:59:59.999999999Z"].map(|time| line(format!("{day}{time}")))).collect();
    let (code, out, err) = rollup(&["--every", "1d", "--stats", "count,mean", "--ahead", "100000d"], &input);
    assert_eq!((code, err.as_str()), (0, ""));
    let expected: String = days
        .iter()
        .map(|day| format!("{{\"ts\":\"{day}T00:00:00Z\",\"metric\":\"m\",\"window\":\"1d\",\"count\":2,\"mean\":1e+300}}\n"))
        .collect();
    assert_eq!(out, expected);
}

#[test]
fn a_line_is_out_as_soon_as_its_window_is_due() {
    let mut child =
        program().args(["--every", "1s", "--late", "0s", "--stats", "count"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for n in 0..3u32 {
        stdin.write_all(sample(f64::from(n) + 0.5, "m", 1.0).as_bytes()).unwrap();
        if n > 0 {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            assert!(line.contains("\"count\":1"), "{line}");
        }
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_signal_ends_it_after_what_was_read_is_written() {
    let mut child = program().args(["--stats", "count"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // The event comes out at once, which shows that both lines were read.
    // What follows is but the beginning of a line.
    stdin.write_all((sample(0.5, "m", 1.0) + "{\"ts\":1,\"event\":\"e\"}\n{\"ts\":").as_bytes()).unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let id = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("\"count\":1"), "{rest}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let mut child = program()
        .args(["--every", "1ms", "--late", "0s"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    drop(child.stdout.take());
    for n in 0..100_000 {
        if stdin.write_all(sample(f64::from(n) / 100.0, "m", 1.0).as_bytes()).is_err() {
            break;
        }
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn a_full_disk_is_told() {
    let output =
        program().stdin(Stdio::piped()).stdout(std::fs::File::create("/dev/full").unwrap()).stderr(Stdio::piped()).spawn().and_then(
            |mut child| {
                child.stdin.take().unwrap().write_all(sample(1.0, "m", 1.0).as_bytes())?;
                child.wait_with_output()
            },
        );
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(74));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "rollup: standard output: cannot write: no space left on device\n");
}

#[test]
fn files_on_all_cores_give_what_one_pipe_gives() {
    let folder = tempfile::tempdir().unwrap();
    let mut input = String::new();
    for n in 0..40_000u32 {
        input.push_str(&sample(f64::from(n) / 50.0 - f64::from(n % 7) / 10.0, ["a", "b", "c"][n as usize % 3], f64::from(n % 97)));
        if n % 5000 == 77 {
            input.push_str("bad line\n");
        }
        if n % 3000 == 5 {
            input.push_str("{\"ts\":\"2026-11-22T19:45:00Z\",\"event\":\"e\"}\n");
        }
    }
    let plain = folder.path().join("plain.ndjson");
    std::fs::write(&plain, &input).unwrap();
    let packed = folder.path().join("packed");
    std::fs::write(&packed, zstd::stream::encode_all(input.as_bytes(), 1).unwrap()).unwrap();
    let (code, expected, told) = rollup(&["--every", "1s", "--by", "*"], &input);
    assert_eq!(code, 65);
    for path in [&plain, &packed] {
        let output = program().args(["--every", "1s", "--by", "*", "--at", "2026-11-22T20:00:00Z"]).arg(path).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
        assert_eq!(String::from_utf8(output.stderr).unwrap(), told.replace("stdin", path.to_str().unwrap()));
        assert_eq!(output.status.code(), Some(65));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_same_input_gives_the_same_output_however_it_is_cut(order in prop::collection::vec(0u32..400, 1..80), pieces in prop::collection::vec(1usize..300, 1..20)) {
        let input: String = order.iter().map(|n| sample(f64::from(*n) / 10.0, "m", f64::from(*n))).collect();
        let (_, whole, _) = rollup(&["--late", "10s"], &input);
        let mut child = program().args(["--late", "10s", "--at", "2026-11-22T20:00:00Z"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut rest = input.as_bytes();
        for piece in pieces.iter().cycle() {
            if rest.is_empty() { break; }
            let (now, later) = rest.split_at((*piece).min(rest.len()));
            stdin.write_all(now).unwrap();
            rest = later;
        }
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), whole);
    }
}
