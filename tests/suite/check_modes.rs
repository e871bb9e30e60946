//! One rule, three ways to run it: once over the history, from cron with a state, and live. They
//! say the same, wherever the runs are cut.

use pipewatch::cli::check::TOOL;
use pipewatch::time::{Span, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;

use crate::programs::in_process;

/// Statuses by check and tags.
type Statuses = BTreeMap<String, String>;

fn instant(ms: u32) -> Timestamp {
    Timestamp::parse("2026-11-22T19:00:00Z").unwrap().plus(Span::from_millis(ms))
}

/// The verdicts of some lines, each with its time, its check and tags, and its status.
fn verdicts(out: &str, by: bool) -> Vec<(Timestamp, String, String)> {
    let read = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| value[key].as_str().unwrap().to_owned();
        // Without `by` the tags are those that all series have alike, and tell no groups apart.
        let tags = value["tags"].as_object().filter(|_| by && text("check") == "first").cloned();
        (Timestamp::parse(&text("ts")).unwrap(), format!("{} {tags:?}", text("check")), text("status"))
    };
    out.lines().map(read).collect()
}

fn last(rules: &str, out: &str, until: Timestamp) -> Statuses {
    let by = rules.contains("by = ");
    let mut all: Statuses =
        verdicts(out, by).into_iter().filter(|(ts, ..)| *ts <= until).map(|(_, check, status)| (check, status)).collect();
    // What was told of nothing is taken back once there are groups.
    if by && all.keys().any(|check| check.starts_with("first Some")) {
        assert!(all.remove("first None").is_none_or(|status| status == "ok"), "{out}");
    }
    all
}

/// A record of a small world: two hosts' gauges, a counter, an event.
fn record() -> impl Strategy<Value = (u32, String)> {
    let value = prop_oneof![Just(1), Just(4), Just(6), Just(9)];
    (0u32..90_000, 0u8..5, value).prop_map(|(ms, kind, value)| {
        let ms = if ms % 3 == 0 { ms / 1000 * 1000 } else { ms };
        let ts = instant(ms);
        let body = match kind {
            0 | 1 => format!("\"metric\":\"x\",\"value\":{value},\"tags\":{{\"h\":\"a\"}}"),
            2 => format!("\"metric\":\"x\",\"value\":{value},\"tags\":{{\"h\":\"b\"}}"),
            3 => format!("\"metric\":\"c\",\"value\":{},\"type\":\"counter\"", ms / 100 % 700),
            _ => "\"event\":\"deploy\"".to_owned(),
        };
        (ms, format!("{{\"ts\":\"{ts}\",{body}}}\n"))
    })
}

fn rules() -> impl Strategy<Value = String> {
    let condition = prop_oneof![
        Just("last(x) > 5"),
        Just("mean(x, 10s) > 4"),
        Just("p90(x, 15s) >= 6"),
        Just("rate(c, 20s) > 3"),
        Just("age(x) > 8s"),
        Just("absent(deploy, 20s) and max(x, 30s) > 5"),
        Just("x > 5 or stddev(x, 20s) > 2"),
        Just("count(x, 10s) < 2"),
    ];
    let held = prop_oneof![Just(""), Just(" for 4s"), Just(" for 2 of 4 times"), Just(" for 9s")];
    let key = prop_oneof![
        Just(""),
        Just("clear = \"max(x, 5s) < 5\"\n"),
        Just("keep_firing_for = \"7s\"\n"),
        Just("grace = \"6s\"\n"),
        Just("no_data = \"critical for 5s\"\n"),
        Just("every = \"3s\"\n"),
    ];
    let by = prop_oneof![Just(""), Just("by = \"h\"\n")];
    (condition.clone(), held.clone(), condition, held, key, by).prop_map(|(one, hold, other, other_hold, key, by)| {
        format!("[first]\nwarning = '{one}{hold}'\n{key}{by}[second]\ncritical = '{other}{other_hold}'\nneeds = 'first'\n[third]\nwarning = '{other}'\ncritical = '({one}{hold}) and {other}'\n")
    })
}

/// Runs `check` on some records at an instant.
fn check(rules: &str, options: &[&str], at: Timestamp, records: &str) -> String {
    let at = at.to_string();
    let arguments: Vec<&str> = ["-f", rules, "--at", &at].into_iter().chain(options.iter().copied()).collect();
    let (code, out, err) = in_process(&TOOL, &arguments, records);
    assert!(code <= 3 && !out.is_empty() && err.is_empty(), "{code} {err}");
    out
}

fn until(records: &[(u32, String)], ms: u32) -> String {
    records.iter().filter(|(then, _)| *then <= ms).map(|(_, line)| line.as_str()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn once_and_live_and_from_a_state_say_the_same(mut records in prop::collection::vec(record(), 12..40), rules in rules(), shuffled in any::<bool>()) {
        records.sort();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("check.toml");
        std::fs::write(&path, &rules).unwrap();
        let path = path.to_str().unwrap();
        let instants: Vec<u32> = (1..=10).map(|at| at * 9_000).collect();
        let all: String = records.iter().map(|(_, line)| line.as_str()).collect();
        let live = check(path, &["--live", "--late", "0ms"], instant(90_000), &all);
        // From the first record on, as a run without records judges nothing.
        for ms in instants.into_iter().filter(|ms| *ms > records[0].0 + 1000) {
            let at = instant(ms);
            let mut lines: Vec<&str> = all.lines().collect();
            if shuffled { lines.reverse(); }
            let once = check(path, &[], at, &(lines.join("\n") + "\n"));
            prop_assert_eq!(last(&rules, &once, at), last(&rules, &live, at), "live at {}\n{}\n{}\n{}", at, rules, once, live);
        }
    }

    #[test]
    fn a_restart_between_any_two_records_changes_nothing(mut records in prop::collection::vec(record(), 8..24), rules in rules()) {
        records.sort();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("check.toml");
        std::fs::write(&path, &rules).unwrap();
        let (path, state) = (path.to_str().unwrap(), folder.path().join("state"));
        for (at, (ms, line)) in records.iter().enumerate() {
            let ts = instant(*ms);
            let held = check(path, &["--state", state.to_str().unwrap()], ts, line);
            let once = check(path, &[], ts, &records[..=at].iter().map(|(_, line)| line.as_str()).collect::<String>());
            prop_assert_eq!(last(&rules, &held, ts), last(&rules, &once, ts), "at {}\n{}\n{}\n{}", ts, rules, held, once);
        }
    }

    #[test]
    fn a_history_that_is_read_again_by_every_run_changes_nothing(mut records in prop::collection::vec(record(), 8..24), rules in rules()) {
        records.sort();
        let folder = tempfile::tempdir().unwrap();
        let (path, history, state) = (folder.path().join("check.toml"), folder.path().join("h.ndjson"), folder.path().join("state"));
        std::fs::write(&path, &rules).unwrap();
        let path = path.to_str().unwrap();
        for ms in [21_000, 40_500, 40_500, 61_000, 90_000] {
            let lines = until(&records, ms);
            if lines.is_empty() { continue; }
            std::fs::write(&history, &lines).unwrap();
            let held = check(path, &["--state", state.to_str().unwrap(), history.to_str().unwrap()], instant(ms), "");
            let once = check(path, &[], instant(ms), &lines);
            prop_assert_eq!(last(&rules, &held, instant(ms)), last(&rules, &once, instant(ms)), "at {}\n{}\n{}\n{}", instant(ms), rules, held, once);
        }
    }
}
