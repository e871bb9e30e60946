//! `check` as a user meets it: verdicts, exit codes, and what it says when a condition is wrong.

use std::process::Command;

use pipewatch::cli::check;
use pipewatch::rule::parse;
use pipewatch::time::Timestamp;
use proptest::prelude::*;

use crate::programs::in_process;

/// Runs `check` in process; gives code, standard output and standard error.
fn judge(arguments: &[&str], stdin: &str) -> (u8, String, String) {
    in_process(&check::TOOL, arguments, stdin)
}

/// A line `ago` seconds before 20:00; `rest` is what follows the time.
fn line(ago: i64, rest: &str) -> String {
    let ts = Timestamp::from_nanos(1_795_377_600_000_000_000 - ago * 1_000_000_000);
    format!("{{\"ts\":\"{ts}\",{rest}}}\n")
}

fn gauge(ago: i64, metric: &str, value: f64) -> String {
    line(ago, &format!("\"metric\":\"{metric}\",\"value\":{value}"))
}

/// A history of an hour: a queue, latencies of two queues, a counter, increments, an event.
fn history() -> String {
    let mut text = String::new();
    // One line of each metric every ten seconds.
    for step in (0..360).rev() {
        let ago = step * 10;
        text += &gauge(ago, "queue.depth", (step % 7) as f64);
        text += &line(
            ago,
            &format!(
                "\"metric\":\"latency\",\"value\":{},\"unit\":\"ms\",\"tags\":{{\"queue\":\"{}\"}}",
                100 + step % 10,
                ["linux", "mac"][step as usize % 2]
            ),
        );
        text += &line(ago, &format!("\"metric\":\"requests\",\"value\":{},\"type\":\"counter\"", 3600 - ago));
        text += &line(ago, "\"metric\":\"commits\",\"value\":2,\"type\":\"delta\",\"unit\":\"{commits}\"");
        if ago >= 1860 {
            text += &line(ago, "\"metric\":\"build.started\",\"value\":1,\"type\":\"delta\"");
        }
        text += &line(ago, "\"metric\":\"disk.used\",\"value\":91,\"unit\":\"%\"");
        text += &line(ago, "\"metric\":\"count\",\"value\":5");
    }
    text + &line(600, "\"event\":\"deploy\",\"text\":\"api 4f2a\"")
}

/// What a condition comes to over the history.
fn status(condition: &str) -> u8 {
    let (code, _, err) = judge(&[condition], &history());
    assert_eq!(err, "", "{condition}");
    code
}

#[test]
fn every_part_of_the_language_is_judged() {
    // 0 is false, 2 is true, 3 is unknown.
    let cases = [
        ("age(build.started) > 30m", 2),
        ("age(build.started) > 32m", 0),
        ("age(build.started) > 30m and rate(commits, 30m) > 0 and last(queue.depth) == 0", 2),
        ("count(queue.depth, 1m) == 6", 2),
        ("sum(commits, 1m) == 12", 2),
        ("mean(queue.depth, 70s) == 3", 2),
        ("min(queue.depth, 70s) == 0 and max(queue.depth, 70s) == 6", 2),
        ("median(queue.depth, 70s) == 3 and p50(queue.depth, 70s) == 3 and p100(queue.depth, 70s) == 6", 2),
        ("stddev(queue.depth, 70s) > 2.1 and stddev(queue.depth, 70s) < 2.2", 2),
        ("first(queue.depth, 50s) == 4 and last(queue.depth, 50s) == 0", 2),
        ("distinct(queue.depth, 1h) == 7", 2),
        ("rate(requests, 10m) > 0.99 and rate(requests, 10m) < 1.01", 2),
        ("increase(commits, 1m) == 12", 2),
        ("delta(queue.depth, 50s) < 0", 2),
        ("queue.depth == 0", 2),
        ("\"queue.depth\" == 0", 2),
        ("\"count\" == 5", 2),
        ("latency >= 100", 2),
        ("latency >= 100ms and latency < 0.2s", 2),
        ("latency{queue=mac} == 101", 2),
        ("latency{queue!=mac} == 100", 2),
        ("latency{queue=~\"l.*|x\"} == 100", 2),
        ("latency{queue=~\"l\"} == 100", 3),
        ("latency{queue!~\"l.*\"} == 101", 2),
        ("max(lat*, 1h) == 109", 2),
        ("disk.used > 90%", 2),
        ("disk.used > 90", 2),
        ("disk.used / 100 > 0.9", 2),
        ("increase(commits, 10m) / increase(commits, 10m) == 100%", 2),
        ("queue.depth in -1..1", 2),
        ("queue.depth not in 1..5", 2),
        ("absent(backup, 26h)", 2),
        ("absent(build.started, 10m)", 2),
        ("absent(build.started, 1h)", 0),
        ("absent(queue.depth)", 0),
        ("age(deploy) < 11m", 2),
        ("count(deploy, 1h) == 1", 2),
        ("not queue.depth == 0", 0),
        ("queue.depth == 0 unless disk.used > 90%", 0),
        ("queue.depth == 1 or disk.used > 90% and queue.depth == 0", 2),
        ("(queue.depth == 1 or disk.used > 90%) and queue.depth == 1", 0),
        ("missing > 1", 3),
        ("missing > 1 and queue.depth == 1", 0),
        ("missing > 1 or queue.depth == 0", 2),
        ("missing > 1 or queue.depth == 1", 3),
        ("not missing > 1", 3),
        ("1 + 2 * 3 == 7 and -(1) < 0 and 2 - 1 - 1 == 0", 2),
        ("queue.depth + 1 > 0", 2),
        ("max(queue.depth, 5m) < 7 for 10m", 2),
        ("queue.depth < 3 for 1m", 0),
        ("max(queue.depth, 5m) < 7 for 2h", 0),
        ("(max(queue.depth, 5m) < 7 for 5m) and disk.used > 90%", 2),
        ("mean(requests, 10m) > 1.1 * mean(requests, 10m, 30m ago)", 2),
        ("last(queue.depth) > 5k", 0),
        ("90By == 90 and 5GiB == 5Gi and 5GiBy == 5Gi", 2),
        ("1Ki == 1024 and 1Mi > 1M and 90s == 1m30s", 2),
        ("1 / (queue.depth) > 1", 3),
    ];
    for (condition, expected) in cases {
        assert_eq!(status(condition), expected, "{condition}");
    }
}

#[test]
fn a_verdict_says_why_in_words_and_in_evidence() {
    let (code, out, _) = judge(
        &[
            "--name",
            "builds-stale",
            "--playbook",
            "https://wiki.example/p",
            "age(build.started) > 30m and rate(commits, 30m) > 0 and last(queue.depth) == 0",
        ],
        &history(),
    );
    assert_eq!(code, 2);
    let verdict: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(verdict["check"], "builds-stale");
    assert_eq!(verdict["value"], 1860.0);
    assert_eq!(verdict["unit"], "s");
    assert_eq!(verdict["playbook"], "https://wiki.example/p");
    assert_eq!(
        verdict["reason"],
        "no build.started for 31 min (limit 30 min), while the rate of commits over 30 min is 0.2 commits/s, more than 0, and queue.depth is 0"
    );
    let evidence = verdict["evidence"].as_array().unwrap();
    assert_eq!(evidence[0]["term"], "age(build.started)");
    assert_eq!((&evidence[0]["limit"], &evidence[0]["op"], &evidence[0]["holds"]), (&1800.into(), &">".into(), &true.into()));
    assert_eq!(evidence[0]["newest"], "2026-11-22T19:29:00Z");
    assert!(evidence.iter().any(|entry| entry["event"] == "deploy" && entry["ts"] == "2026-11-22T19:50:00Z"), "{out}");
    assert!(evidence.iter().any(|entry| entry["wrong_if"] == "what sends build.started is down, or its data is late"), "{out}");
    pipewatch::ndjson::decode(out.trim_end().as_bytes()).unwrap();
}

#[test]
fn no_data_says_which_term_and_when_it_was_last_seen() {
    let reason = |condition: &str| {
        let (code, out, _) = judge(&[condition], &history());
        assert_eq!(code, 3, "{condition}");
        serde_json::from_str::<serde_json::Value>(&out).unwrap()["reason"].as_str().unwrap().to_owned()
    };
    assert_eq!(reason("queue.dept > 1"), "no data for queue.dept, never seen in the input; there is `queue.depth`");
    assert_eq!(
        reason("mean(build.started, 5m) > 1"),
        "no data for build.started in the last 5 min, last seen 31 min ago, at 2026-11-22T19:29:00Z"
    );
    assert_eq!(reason("rate(requests, 5s) > 1"), "too little data for rate(requests, 5s) (1 sample in the last 5 s), last seen 0 s ago");
    for (meaning, code) in [("ok", 0), ("warning", 1), ("critical", 2), ("unknown", 3)] {
        assert_eq!(judge(&["--no-data", meaning, "missing > 1"], &history()).0, code);
    }
}

#[test]
fn what_was_not_true_long_enough_is_pending() {
    let (code, out, _) = judge(&["max(queue.depth, 5m) < 7 for 2h"], &history());
    assert_eq!(code, 0);
    assert!(out.contains("true for 59 min of the 2 h asked for, there is no data from before"), "{out}");
}

#[test]
fn a_verdict_tells_since_when_to_the_millisecond() {
    let input: String = (0..60).map(|ago| gauge(ago * 60 + 7, "x", if ago < 20 { 9.0 } else { 1.0 })).collect();
    let (_, out, _) = judge(&["x > 5 for 10m"], &input);
    assert!(out.contains("\"since\":\"2026-11-22T19:40:53Z\""), "{out}");
}

#[test]
fn each_value_of_a_tag_has_its_verdict() {
    let (code, out, _) = judge(&["--by", "queue", "max(latency, 5m) > 108.5 and disk.used > 90%"], &history());
    assert_eq!(code, 2);
    let verdicts: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found: Vec<_> = verdicts.iter().map(|v| (v["tags"]["queue"].as_str().unwrap(), v["status"].as_str().unwrap())).collect();
    assert_eq!(found, [("linux", "ok"), ("mac", "critical")], "the disk, which has no queue, counts for both");
}

#[test]
fn the_worst_level_counts() {
    let run = |condition: &[&str]| judge(condition, &history()).0;
    assert_eq!(run(&["--warning", "disk.used > 80%", "--critical", "disk.used > 95%"]), 1);
    assert_eq!(run(&["--warning", "disk.used > 80%", "--critical", "disk.used > 90%"]), 2);
    assert_eq!(run(&["--warning", "disk.used > 95%"]), 0);
    assert_eq!(run(&["--exit-zero", "disk.used > 80%"]), 0);
}

#[test]
fn the_plugin_line_is_that_of_the_guideline() {
    let (code, out, _) =
        judge(&["--nagios", "--name", "disk", "--warning", "disk.used > 80%", "--critical", "disk.used > 95%"], &history());
    assert_eq!(code, 1);
    assert_eq!(out, "DISK WARNING - disk.used is 91 %, over the limit of 80 %; so for 59 min | 'disk'=91%;~:80;~:95\n");
}

#[test]
fn records_are_passed_on_when_asked() {
    let input = gauge(10, "queue.depth", 1.0) + &line(5, "\"event\":\"deploy\",\"x_own\": 1");
    let (_, out, _) = judge(&["--pass", "queue.depth > 0"], &input);
    assert!(out.starts_with(&input));
    assert_eq!(out.lines().count(), 3);
}

#[test]
fn windows_from_rollup_are_judged_where_that_is_right() {
    let window = |ago: i64, rest: &str| line(ago, &format!("\"metric\":\"latency\",\"window\":\"10s\",{rest},\"unit\":\"s\""));
    let input =
        window(30, "\"count\":4,\"sum\":8,\"min\":1,\"max\":3,\"sketch\":{\"gamma\":1.02,\"zero\":0,\"bins\":[[35,3]],\"negative\":[]}")
            + &window(
                20,
                "\"count\":1,\"sum\":12,\"min\":12,\"max\":12,\"sketch\":{\"gamma\":1.02,\"zero\":0,\"bins\":[[126,1]],\"negative\":[]}",
            );
    for (condition, expected) in [
        ("mean(latency, 1m) == 4s", 2),
        ("count(latency, 1m) == 5", 2),
        ("max(latency, 15s) == 12s", 2),
        ("max(latency, 1m) == 12", 2),
        ("p50(latency, 1m) < 2.1", 2),
        ("p99(latency, 1m) > 11.5", 2),
    ] {
        assert_eq!(judge(&[condition], &input).0, expected, "{condition}");
    }
    let plain = window(30, "\"count\":4,\"p95\":8");
    let (code, _, err) = judge(&["p95(latency, 1m) > 1"], &plain);
    assert_eq!(code, 3);
    assert!(err.contains("the windows read carry no `sketch`, which `p95` needs"), "{err}");
    assert!(err.contains("hint: make them by `rollup --stats count,sketch`"), "{err}");
}

#[test]
fn no_record_at_all_is_unknown_with_a_message() {
    let (code, out, err) = judge(&["x > 1"], "");
    assert_eq!((code, out.as_str(), err.as_str()), (3, "", "check: stdin: no record found\n"));
}

/// Every wrong condition with its whole message: `tests/data/conditions/wrong.txt` holds blocks of a
/// line `> condition` and the message below it. `UPDATE=1` writes what is said now.
#[test]
fn every_wrong_condition_is_told_with_its_place() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/conditions/wrong.txt");
    let cases = std::fs::read_to_string(path).unwrap();
    let conditions: Vec<&str> = cases.lines().filter_map(|line| line.strip_prefix("> ")).collect();
    assert!(conditions.len() >= 40);
    let mut now = String::new();
    for condition in conditions {
        let (code, out, err) = judge(&["--", condition], &history());
        assert_eq!((code, out.as_str()), (3, ""), "{condition}\n{err}");
        now += &format!("> {condition}\n{err}\n");
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    assert_eq!(now, std::fs::read_to_string(path).unwrap());
}

#[test]
fn what_comes_later_says_so() {
    for arguments in [&["x is unusual high"][..], &["rate(x, 1h) < 50% of usual"]] {
        let (code, out, err) = judge(arguments, &history());
        assert_eq!((code, out.as_str()), (3, ""), "{arguments:?}");
        assert!(err.contains("not yet part of this version"), "{err}");
    }
}

#[test]
fn a_dangerous_name_cannot_steer_the_terminal() {
    let input = line(10, "\"metric\":\"m\",\"value\":1,\"tags\":{\"host\":\"\\u001b[2Jx\"}");
    let (_, out, err) = judge(&["-H", "--by", "host", "m > 0"], &input);
    assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "{out}{err}");
}

#[test]
fn exit_codes_are_those_of_a_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("h.ndjson");
    std::fs::write(&path, history()).unwrap();
    for (condition, expected) in [("queue.depth > 5", 0), ("queue.depth == 0", 2), ("x > 1", 3), ("x >", 3)] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_check")).args(["--at", "2026-11-22T20:00:00Z", condition]).arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(expected), "{condition}");
    }
}

fn any_condition() -> impl Strategy<Value = String> {
    let number =
        prop_oneof![Just("5".to_owned()), Just("90s".to_owned()), Just("2%".to_owned()), Just("4Gi".to_owned()), Just("1.5e3".to_owned())];
    let call = prop_oneof![
        Just("m".to_owned()),
        Just("a.b-c{t=\"x\\\"y\",u=~\"5..\"}".to_owned()),
        Just("p99.9(m, 5m)".to_owned()),
        Just("rate(\"for\", 1h30m, 7d ago)".to_owned()),
        Just("age(x*)".to_owned())
    ];
    let sum = prop_oneof![number, call].prop_recursive(3, 12, 2, |inner| {
        (inner.clone(), prop_oneof![Just("+"), Just("-"), Just("*"), Just("/")], inner).prop_map(|(a, sign, b)| format!("({a} {sign} {b})"))
    });
    let test = prop_oneof![
        (sum.clone(), prop_oneof![Just(">"), Just("<="), Just("=="), Just("!=")], sum.clone())
            .prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        sum.prop_map(|a| format!("{a} not in -1..5")),
        Just("absent(x, 26h)".to_owned()),
    ];
    test.prop_recursive(3, 16, 2, |inner| {
        prop_oneof![
            (inner.clone(), prop_oneof![Just("and"), Just("or"), Just("unless")], inner.clone())
                .prop_map(|(a, word, b)| format!("({a}) {word} ({b})")),
            inner.clone().prop_map(|a| format!("not ({a})")),
            inner.prop_map(|a| format!("({a} for 10m)")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_shown_is_what_was_meant(text in any_condition()) {
        let first = parse(&text).unwrap_or_else(|error| panic!("{text}\n{}", error.render(&text)));
        let shown = first.to_string();
        let second = parse(&shown).unwrap_or_else(|error| panic!("{text}\n{shown}\n{}", error.render(&shown)));
        prop_assert_eq!(second.to_string(), shown);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}") {
        if let Err(error) = parse(&text) { let _ = error.render(&text); }
    }

    #[test]
    fn no_nearly_right_text_makes_it_panic(text in any_condition(), at in 0usize..80, with in "[ -~é]{0,2}") {
        let mut damaged: Vec<char> = text.chars().collect();
        let at = at % damaged.len();
        damaged.splice(at..at + 1, with.chars());
        let damaged: String = damaged.into_iter().collect();
        if let Err(error) = parse(&damaged) { let _ = error.render(&damaged); }
    }

    #[test]
    fn the_order_of_records_makes_no_difference(seed in any::<u64>(), condition in prop_oneof![
        Just("p95(latency, 10m) > 105 and rate(requests, 5m) > 0.9"), Just("last(queue.depth) == 0 for 5s"), Just("age(build.started) > 30m"), Just("mean(missing, 5m) > 1"),
    ]) {
        let text = history();
        let mut lines: Vec<&str> = text.lines().collect();
        let (code, out, _) = judge(&[condition], &text);
        let length = lines.len();
        for at in 0..length { lines.swap(at, (seed as usize).wrapping_mul(at * 2 + 9) % length); }
        let (other_code, other, _) = judge(&[condition], &(lines.join("\n") + "\n"));
        prop_assert_eq!(code, other_code);
        // That data came late is told, and is the only difference.
        let plain = |text: &str| text.split(",{\"wrong_if\"").next().unwrap().trim_end_matches("]}").to_owned();
        prop_assert_eq!(plain(out.trim_end()), plain(other.trim_end()));
    }

    #[test]
    fn not_not_is_nothing(condition in prop_oneof![Just("queue.depth == 0"), Just("missing > 1"), Just("disk.used > 95%")]) {
        prop_assert_eq!(status(condition), status(&format!("not not ({condition})")));
    }
}
