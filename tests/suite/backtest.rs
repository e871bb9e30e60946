//! `check backtest`: what checks would have done over a history.

use std::fmt::Write;

use pipewatch::cli::check::TOOL;
use pipewatch::time::{Span, Timestamp};
use proptest::prelude::*;

use crate::programs::in_process;

/// A folder with files of these names and texts.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Runs `check backtest` with `DIR` in the arguments replaced by the folder; nothing may be told on standard error.
fn backtest(folder: &tempfile::TempDir, arguments: &[&str]) -> String {
    let (code, out, err) = backtest_told(folder, arguments);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    out
}

fn backtest_told(folder: &tempfile::TempDir, arguments: &[&str]) -> (u8, String, String) {
    let path = folder.path().to_str().unwrap();
    let arguments: Vec<String> =
        std::iter::once("backtest".to_owned()).chain(arguments.iter().map(|argument| argument.replace("DIR", path))).collect();
    let (code, out, err) = in_process(&TOOL, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), "");
    (code, out, err.replace(&format!("{path}/"), ""))
}

/// One sample a minute from 2026-11-02 at 00:00 on.
fn minutes(values: impl IntoIterator<Item = f64>) -> String {
    let start = Timestamp::parse("2026-11-02T00:00:00Z").unwrap();
    let mut text = String::new();
    for (minute, value) in values.into_iter().enumerate() {
        let ts = start.plus(Span::from_secs(60 * minute as u32));
        writeln!(text, "{{\"ts\":\"{ts}\",\"metric\":\"depth\",\"value\":{value},\"unit\":\"ms\",\"tags\":{{\"queue\":\"a\"}}}}").unwrap();
    }
    text
}

/// Quiet but for three times: 00:10 to 00:22 (up to 90), 00:25 to 00:27, and from 09:50 to the end at 10:00.
fn three_alerts() -> String {
    minutes((0..=600).map(|minute| match minute {
        15 => 90.0,
        10..22 | 25..27 | 590.. => 60.0,
        _ => 5.0,
    }))
}

#[test]
fn a_history_made_by_hand_adds_up() {
    let folder = folder(&[("h.ndjson", &three_alerts())]);
    let text = backtest(&folder, &["--every", "1m", "--by", "queue", "last(depth) > 50ms", "DIR/h.ndjson"]);
    let expected = "\
2026-11-02 00:00:00 to 2026-11-02 10:00:00 (10 h), 601 records

check        alerts  a week  alerting  longest  flaps  short  night  unknown
check             3    50.4       24m      12m      1      1      2        -
  {queue=a}       3    50.4       24m      12m      1      1      2        -

check
  begin                end                  length  status    worst  group
  2026-11-02 00:10:00  2026-11-02 00:22:00     12m  critical  90 ms  {queue=a}
  2026-11-02 00:25:00  2026-11-02 00:27:00      2m  critical  60 ms  {queue=a}
  2026-11-02 09:50:00  still firing            10m  critical  60 ms  {queue=a}
";
    assert_eq!(text, expected);
    let zone = backtest(&folder, &["--every", "1m", "--zone", "-03:00", "--alerts", "1", "last(depth) > 50ms", "DIR/h.ndjson"]);
    assert!(
        zone.contains("\n  2026-11-01 21:10:00  2026-11-01 21:22:00     12m  critical  90 ms\n  … and 2 more; --alerts 0 lists all\n"),
        "{zone}"
    );
    assert!(zone.contains("1      1      1        -\n"), "{zone}");
}

#[test]
fn since_leaves_out_alerts_but_not_what_conditions_look_back_at() {
    let folder = folder(&[("h.ndjson", &three_alerts())]);
    let arguments = ["--every", "1m", "--since", "2026-11-02T00:26:00Z", "max(depth, 5m) > 50ms", "DIR/h.ndjson"];
    let text = backtest(&folder, &arguments);
    assert!(text.contains("\n  2026-11-02 00:10:00  2026-11-02 00:31:00     21m"), "an alert that goes on is told whole: {text}");
    assert!(text.contains("check       2    35.1       15m      21m"), "only time behind --since counts: {text}");
}

#[test]
fn worst_is_on_the_side_of_the_limit() {
    let folder = folder(&[("h.ndjson", &minutes([90.0, 40.0, 20.0, 30.0, 90.0]))]);
    let text = backtest(&folder, &["--every", "1m", "last(depth) < 50ms", "DIR/h.ndjson"]);
    assert!(text.contains("3m  critical  20 ms\n"), "{text}");
}

#[test]
fn what_is_unknown_does_not_end_an_alert_and_is_counted() {
    let text = three_alerts();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.drain(12..16);
    let folder = folder(&[("h.ndjson", &(lines.join("\n") + "\n"))]);
    let text = backtest(&folder, &["--every", "1m", "last(depth, 2m) > 50ms", "DIR/h.ndjson"]);
    assert!(text.contains("  3    50.4       24m      12m      1      1      2       3m\n"), "{text}");
}

#[test]
fn files_may_come_in_any_order_and_folders_beside_them() {
    let text = three_alerts();
    let lines: Vec<&str> = text.lines().collect();
    let (early, late) = lines.split_at(300);
    // Every third line stands in a file of its own, which reaches over the whole time.
    let third: Vec<&str> = lines.iter().step_by(3).copied().collect();
    let rest = |part: &[&str]| part.iter().filter(|line| !third.contains(line)).map(|line| format!("{line}\n")).collect::<String>();
    let third = third.iter().map(|line| format!("{line}\n")).collect::<String>();
    let folder = folder(&[("whole", &text), ("early", &rest(early)), ("late", &rest(late)), ("third", &third)]);
    std::fs::create_dir(folder.path().join("days")).unwrap();
    std::fs::write(folder.path().join("days/2026-11-02.ndjson"), &third).unwrap();
    let run =
        |files: &[&str]| backtest(&folder, &[&["--every", "1m", "--format", "ndjson", "mean(depth, 5m) > 50ms for 2m"], files].concat());
    let whole = run(&["DIR/whole"]);
    assert_eq!(whole.lines().filter(|line| line.contains("\"status\"")).count(), 4, "{whole}");
    for files in [["DIR/early", "DIR/late", "DIR/third"], ["DIR/late", "DIR/third", "DIR/early"], ["DIR/late", "DIR/days", "DIR/early"]] {
        assert_eq!(run(&files), whole, "{files:?}");
    }
}

#[test]
fn what_comes_later_than_allowed_is_told() {
    let text = three_alerts();
    let mut lines: Vec<&str> = text.lines().collect();
    let moved = lines.remove(100);
    lines.insert(110, moved);
    let folder = folder(&[("h.ndjson", &(lines.join("\n") + "\n"))]);
    let (code, _, err) = backtest_told(&folder, &["--every", "1m", "last(depth) > 50ms", "DIR/h.ndjson"]);
    let told = "check: h.ndjson: 1 record stands more than 1m behind newer ones, by 10 min at most; what was judged before they came stays as it is
check: hint: --late 10m waits for all of them\n";
    assert_eq!((code, err.as_str()), (0, told));
    backtest(&folder, &["--every", "1m", "--late", "10m", "last(depth) > 50ms", "DIR/h.ndjson"]);
}

#[test]
fn records_are_verdicts_at_every_change_and_an_event_for_each_check() {
    let folder = folder(&[("h.ndjson", &three_alerts())]);
    let out = backtest(&folder, &["--every", "1m", "--format", "ndjson", "last(depth) > 50ms", "DIR/h.ndjson"]);
    let statuses: Vec<&str> = out.lines().filter_map(|line| line.split("\"status\":\"").nth(1)?.split('"').next()).collect();
    assert_eq!(statuses, ["ok", "critical", "ok", "critical", "ok", "critical"]);
    assert!(out.starts_with("{\"ts\":\"2026-11-02T00:00:00Z\",\"check\":\"check\",\"status\":\"ok\""), "{out}");
    let last = out.lines().last().unwrap();
    let expected = "{\"ts\":\"2026-11-02T10:00:00Z\",\"event\":\"backtest\",\"text\":\"3 alerts, 24 min of alerting\",\"backtest\":{\"alerting_s\":1440.0,\"alerts\":3,\"critical\":3,\"firing\":true,\"flaps\":1,\"longest_s\":720.0,\"night\":2,\"per_week\":50.4,\"short\":1,\"unknown_s\":0.0},\"tags\":{\"check\":\"check\"}}";
    assert_eq!(last, expected);
    for line in out.lines() {
        pipewatch::ndjson::decode(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn incidents_and_judgements_are_held_against_the_alerts() {
    let notice = |ts: &str, state: &str| {
        format!("{{\"ts\":\"2026-11-02T{ts}Z\",\"notice\":\"judged\",\"check\":\"check\",\"who\":\"ada\",\"state\":\"{state}\"}}\n")
    };
    let judged = notice("00:20:00", "real") + &notice("00:26:00", "noise") + &notice("05:00:00", "missed");
    let labels = "from,to,check\n2026-11-02T00:05:00Z,2026-11-02T00:20:00Z\n2026-11-02T04:00:00Z,2026-11-02T04:10:00Z,check\n2026-11-02T05:00:00Z,2026-11-02T05:10:00Z,other\n";
    let folder = folder(&[("h.ndjson", &three_alerts()), ("judged.ndjson", &judged), ("labels.csv", labels)]);
    let text =
        backtest(&folder, &["--every", "1m", "--labels", "DIR/labels.csv", "last(depth) > 50ms", "DIR/h.ndjson", "DIR/judged.ndjson"]);
    let expected = "\
  judged: 1 real and 1 noise raised, 0 real and 0 noise not raised, 0 of 1 missed ones raised; precision 50 %, recall 50 %
  incidents: 1 of 2 found, 5m after the begin in the middle; 2 false alarms; precision 33 %, recall 50 %
  missed: 2026-11-02 04:00:00 to 2026-11-02 04:10:00
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_sweep_shows_the_trade_and_proposes() {
    let folder = folder(&[("h.ndjson", &three_alerts())]);
    let text = backtest(&folder, &["--every", "1m", "--sweep", "last(depth) > 50ms", "DIR/h.ndjson"]);
    let expected = "\
2026-11-02 00:00:00 to 2026-11-02 10:00:00 (10 h), 601 records

check: last(depth) > 50ms
  alerts a week
    for        0s     1m     2m     5m    10m   15m   30m
    > 5ms    50.4   50.4   33.6   33.6   33.6   0.0   0.0
    > 50ms  [50.4]  50.4   33.6   33.6   33.6   0.0   0.0
    > 60ms   16.8    0.0    0.0    0.0    0.0   0.0   0.0
    > 80ms   16.8    0.0    0.0    0.0    0.0   0.0   0.0
    > 89ms   16.8    0.0    0.0    0.0    0.0   0.0   0.0
  minutes alerting a week
    for       0s    1m    2m    5m   10m   15m   30m
    > 5ms    403   353   302   202    34     0     0
    > 50ms  [403]  353   302   202    34     0     0
    > 60ms    17     0     0     0     0     0     0
    > 80ms    17     0     0     0     0     0     0
    > 89ms    17     0     0     0     0     0     0
  proposed: nothing: no alert lasted 15m or longer, and without incidents (--labels) it can't be told what matters
";
    assert_eq!(text, expected);
    std::fs::write(
        folder.path().join("labels.csv"),
        "2026-11-02T00:10:00Z,2026-11-02T00:20:00Z\n2026-11-02T09:50:00Z,2026-11-02T10:00:00Z\n",
    )
    .unwrap();
    let text = backtest(&folder, &["--every", "1m", "--sweep", "--labels", "DIR/labels.csv", "last(depth) > 50ms", "DIR/h.ndjson"]);
    let proposed = "  proposed: last(depth) > 50ms for 2m: precision 100 % instead of 67 %, recall 100 % instead of 100 %, 33.6 alerts a week instead of 50.4, 2m after the begin in the middle\n";
    assert!(text.ends_with(proposed), "{text}");
    let out = backtest(&folder, &["--every", "1m", "--sweep", "--format", "ndjson", "last(depth) > 50ms", "DIR/h.ndjson"]);
    assert_eq!(out.lines().count(), 35);
    assert!(out.lines().all(|line| pipewatch::ndjson::decode(line.as_bytes()).is_ok()), "{out}");
}

#[test]
fn what_a_sweep_shows_is_what_the_variant_does() {
    let folder = folder(&[("h.ndjson", &three_alerts())]);
    let swept = backtest(&folder, &["--every", "1m", "--sweep", "last(depth) > 50ms for 5m", "DIR/h.ndjson"]);
    let row: Vec<&str> = swept.lines().find(|line| line.contains('[')).unwrap().split_whitespace().collect();
    assert_eq!(row[..6], [">", "50ms", "50.4", "50.4", "33.6", "[33.6]"], "{swept}");
    let alone = backtest(&folder, &["--every", "1m", "last(depth) > 50ms for 2m", "DIR/h.ndjson"]);
    assert!(alone.contains("check       2    33.6 "), "{alone}");
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let folder = folder(&[("h.ndjson", &three_alerts()), ("labels.csv", "from,to\n2026-11-02T00:10:00Z\n"), ("none", "")]);
    let cases: [(&[&str], &str); 9] = [
        (
            &["last(depth) > 5ms", "--zone", "CET", "DIR/h.ndjson"],
            "check: --zone: `CET` is no distance from UTC\nhint: write it as `+02:00`, or UTC\n",
        ),
        (
            &["last(depth) > 5ms", "--every", "0s", "DIR/h.ndjson"],
            "check: --every: evaluations can't be no time apart; write a duration like `10s`\n",
        ),
        (
            &["last(depth) > 5ms", "--labels", "DIR/labels.csv", "DIR/h.ndjson"],
            "check: labels.csv:2: expected FROM,TO or FROM,TO,CHECK, found 1 cells\n",
        ),
        (
            &["last(depth) > 5ms", "--sweep"],
            "check: --sweep reads the history twice, and standard input can be read only once\nhint: write it to a file first: check backtest --sweep -f check.toml FILE\n",
        ),
        (&["last(depth) > 5ms", "--sweep=chek", "DIR/h.ndjson"], "check: --sweep: there is no check `chek`\nhint: did you mean `check`?\n"),
        (
            &["last(depth) > 5ms and age(depth) > 1m", "--sweep", "DIR/h.ndjson"],
            "check: --sweep: check can't be varied: it has more than one test, and which limit is meant is not clear\n",
        ),
        (
            &["last(depth) > 2 * last(other)", "--sweep", "DIR/h.ndjson"],
            "check: --sweep: check can't be varied: its limit is worked out from others, and none that was typed\n",
        ),
        (&["last(depth) > 5ms", "DIR/none"], "check: none: no record found\n"),
        (
            &["last(depth) > 5ms", "--since", "2026-11-20T00:00:00Z", "DIR/h.ndjson"],
            "check: no record lies in the range of time that was asked for\n",
        ),
    ];
    for (arguments, told) in cases {
        let (code, _, err) = backtest_told(&folder, arguments);
        assert_eq!((code, err.as_str()), (3, told), "{arguments:?}");
    }
    let (code, _, err) = backtest_told(&folder, &["last(depth) > 5%", "DIR/h.ndjson"]);
    assert_eq!(code, 3, "{err}");
}

/// What one-shot runs of `check --at` say at every step, as `time status` lines.
fn one_by_one(text: &str, condition: &str, instants: &[Timestamp]) -> Vec<String> {
    let at = |ts: &Timestamp| {
        let (_, out, err) = in_process(&TOOL, &["--at", &ts.to_string(), "--exit-zero", condition], text);
        // Before the first record there is nothing to judge.
        assert!(!out.is_empty(), "{err}");
        let status = out.split("\"status\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        format!("{ts} {status}")
    };
    instants.iter().map(at).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn at_every_instant_a_backtest_says_what_check_says(
        gaps in prop::collection::vec(1u32..9, 4..24),
        values in prop::collection::vec(0u32..10, 24),
        swap in 0usize..20,
        which in 0usize..6,
    ) {
        let start = Timestamp::parse("2026-11-02T00:00:00Z").unwrap();
        let mut ts = start;
        let mut lines = Vec::new();
        for (gap, value) in gaps.iter().zip(&values) {
            lines.push(format!("{{\"ts\":\"{ts}\",\"metric\":\"x\",\"value\":{value}}}"));
            ts = ts.plus(Span::from_secs(*gap));
        }
        let newest = ts.minus(Span::from_secs(*gaps.last().unwrap()));
        if swap + 1 < lines.len() {
            lines.swap(swap, swap + 1);
        }
        let conditions =
            ["last(x) > 5", "mean(x, 10s) > 5 for 6s", "age(x) > 4s", "absent(x, 5s)", "p95(x, 12s) > 7 for 4s", "not max(x, 6s) < 5"];
        let text = lines.join("\n") + "\n";
        let folder = folder(&[("h", &text)]);
        let out = backtest(&folder, &["--format", "ndjson", conditions[which], "DIR/h"]);
        let changes: Vec<(Timestamp, String)> = out
            .lines()
            .filter(|line| line.contains("\"status\""))
            .map(|line| {
                let part = |key: &str| line.split(key).nth(1).unwrap().split('"').next().unwrap().to_owned();
                (Timestamp::parse(&part("\"ts\":\"")).unwrap(), part("\"status\":\""))
            })
            .collect();
        let instants: Vec<Timestamp> =
            (0..).map(|second| start.plus(Span::from_secs(second))).take_while(|ts| *ts <= newest).collect();
        let replayed: Vec<String> = instants
            .iter()
            .map(|ts| format!("{ts} {}", changes.iter().rev().find(|(since, _)| since <= ts).unwrap().1))
            .collect();
        prop_assert_eq!(replayed, one_by_one(&text, conditions[which], &instants));
    }
}
