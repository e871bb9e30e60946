//! Made activity: a generator marks what it causes and beats for itself; its failure is told from the system's.

use std::process::Stdio;
use std::time::{Duration, Instant};

use pipewatch::cli::{check, heartbeat, rollup};

use crate::heartbeat_made::{beats, count, start, until};
use crate::programs::{in_process, run};

#[test]
fn what_a_generator_causes_is_marked_and_it_beats_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let script = "heartbeat generate probe --once --state-dir $XDG_STATE_HOME/pipewatch -- sh -c '
        echo \"$PIPEWATCH_SYNTHETIC|$PIPEWATCH_TAGS|$PIPEWATCH_HEADER\"
        emit order.placed 1 --type delta --at 2026-11-22T03:00:00Z
        heartbeat beat checkout --to - --at 2026-11-22T03:00:00Z'";
    let (out, err, code) = run(folder.path(), &script.replace("$XDG_STATE_HOME", folder.path().to_str().unwrap()));
    assert_eq!((err.as_str(), code), ("", 0));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "1|synthetic=true|Pipewatch-Synthetic: true");
    assert_eq!(lines[1], r#"{"ts":"2026-11-22T03:00:00Z","metric":"order.placed","value":1,"type":"delta","tags":{"synthetic":"true"}}"#);
    assert_eq!(lines[2], r#"{"ts":"2026-11-22T03:00:00Z","beat":"checkout","state":"ok","tags":{"synthetic":"true"}}"#);
    let own: Vec<_> = beats(folder.path()).into_iter().filter(|beat| beat["beat"] == "probe").collect();
    let states: Vec<&str> = own.iter().map(|beat| beat["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["start", "ok"]);
    assert_eq!((&own[0]["run"], own[1]["exit"].as_i64()), (&own[1]["run"], Some(0)));
    assert!(own.iter().all(|beat| beat.get("tags").is_none()), "its own beats are not made activity");
}

#[test]
fn tags_that_were_there_before_stay_and_the_status_of_one_run_comes_out() {
    let folder = tempfile::tempdir().unwrap();
    let (out, _, code) = run(folder.path(), "PIPEWATCH_TAGS=site=a heartbeat generate p --once -- sh -c 'echo $PIPEWATCH_TAGS; exit 7'");
    assert_eq!((out.as_str(), code), ("site=a,synthetic=true\n", 7));
    let (_, err, code) = run(folder.path(), "heartbeat generate p --once --timeout 200ms -- sleep 9");
    assert_eq!((code, err.as_str()), (124, "heartbeat: p: ended after 200ms (--timeout)\n"));
    let text = std::fs::read_to_string(folder.path().join(format!("state/pipewatch/beats/{}.ndjson", today(folder.path())))).unwrap();
    let exits: Vec<&str> = text.lines().filter(|line| line.contains(r#""state":"fail""#)).collect();
    assert!(exits.len() == 2 && exits[0].contains(r#""exit":7"#) && exits[1].contains(r#""exit":124"#), "{text}");
}

/// The newest day that beats were written on.
fn today(folder: &std::path::Path) -> String {
    let days = std::fs::read_dir(folder.join("state/pipewatch/beats")).unwrap();
    days.map(|day| day.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".ndjson").map(str::to_owned))
        .max()
        .unwrap()
}

#[test]
fn a_generator_runs_on_its_beat_until_it_is_asked_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["generate", "probe", "--every", "200ms", "--jitter", "50ms", "--", "true"];
    let mut generator = start(folder.path(), "heartbeat", &arguments, Stdio::null(), &[]);
    until("it has run five times", || count(folder.path(), "probe") >= 10);
    generator.signal("-TERM");
    assert_eq!(generator.0.wait().unwrap().code(), Some(0));
    let starts: Vec<i64> = beats(folder.path()).iter().filter(|beat| beat["state"] == "start").map(nanos).collect();
    let gaps: Vec<i64> = starts.windows(2).map(|pair| (pair[1] - pair[0]) / 1_000_000).collect();
    assert!(gaps.iter().all(|gap| *gap >= 140), "{gaps:?} ms");
}

fn nanos(beat: &serde_json::Value) -> i64 {
    pipewatch::time::Timestamp::parse(beat["ts"].as_str().unwrap()).unwrap().nanos()
}

#[test]
fn a_generator_that_is_asked_to_end_during_a_run_ends_the_run_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut generator = start(folder.path(), "heartbeat", &["generate", "probe", "--every", "1m", "--", "sleep", "50"], Stdio::null(), &[]);
    until("it has begun", || count(folder.path(), "probe") == 1);
    let begun = Instant::now();
    generator.signal("-TERM");
    until("it has ended", || generator.0.try_wait().unwrap().is_some());
    assert_eq!(generator.0.wait().unwrap().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(10));
    let last = beats(folder.path()).into_iter().rfind(|record| record["beat"] == "probe").unwrap();
    assert_eq!((&last["state"], &last["exit"]), (&"fail".into(), &143.into()));
}

#[test]
fn what_is_typed_wrong_is_told_with_both_numbers() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, told) in [
        ("--every 1m --timeout 2m", "heartbeat: --timeout 2m is longer than --every 1m: runs would overlap\n"),
        ("--every 1m --jitter 2m", "heartbeat: --jitter 2m is longer than --every 1m: runs would overlap\n"),
        ("", "heartbeat: how often?\nhint: give --every 10m, or --once where cron says when\n"),
        ("--once --timeout 0s", "heartbeat: --timeout: must be above zero\n"),
        ("--every 1ms", "heartbeat: --every: must be 100ms at least\n"),
    ] {
        let (_, err, code) = run(folder.path(), &format!("heartbeat generate p {arguments} -- true"));
        assert_eq!((err.as_str(), code), (told, 64), "{arguments}");
    }
}

/// A night from Saturday 22:00 to Sunday 06:00 UTC: an order of the generator each ten minutes, and, while the shop
/// is well, the shop's word that it was done; some orders of people. Times are seconds since 22:00.
fn night(generator_until: u32, shop_until: u32) -> String {
    let ts =
        |second: u32| pipewatch::time::Timestamp::parse("2026-11-21T22:00:00Z").unwrap().plus(pipewatch::time::Span::from_secs(second));
    let mut lines = Vec::new();
    for begin in (0..8 * 3600).step_by(600) {
        if begin < generator_until {
            lines.push((begin + 2, r#""beat":"probe","state":"ok","duration":2"#.to_owned()));
            if begin < shop_until {
                lines.push((begin + 5, r#""event":"order.done","tags":{"synthetic":"true"}"#.to_owned()));
                lines.push((begin + 5, r#""metric":"orders","value":1,"type":"delta","tags":{"synthetic":"true"}"#.to_owned()));
            }
        } else if begin < generator_until + 600 {
            // What `heartbeat watch` says of a generator that is late.
            lines.push((begin + 302, r#""check":"probe","status":"critical","reason":"late""#.to_owned()));
        }
        if begin % 3600 == 1800 && begin < shop_until {
            lines.push((begin + 60, r#""metric":"orders","value":1,"type":"delta""#.to_owned()));
        }
    }
    lines.sort();
    lines.iter().map(|(second, rest)| format!("{{\"ts\":\"{}\",{rest}}}\n", ts(*second))).collect()
}

const RULE: &str = "[checkout]\ncritical = \"age(order.done{synthetic=true}) > 15m\"\nneeds = [\"probe\"]\n";

/// Every change of status of the check, live over the night: hour and minute, status, reason.
fn told(input: &str) -> Vec<(String, String, String)> {
    told_by(RULE, input).into_iter().map(|(_, ts, status, reason)| (ts, status, reason)).collect()
}

/// As [`told`], by any rules; the name of the check first.
fn told_by(rules: &str, input: &str) -> Vec<(String, String, String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("check.toml");
    std::fs::write(&file, rules).unwrap();
    let (_, out, err) = in_process(&check::TOOL, &["--live", "-f", file.to_str().unwrap(), "--at", "2026-11-22T06:00:00Z"], input);
    assert_eq!(err, "");
    let read = |line: &str| {
        let verdict: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| verdict[key].as_str().unwrap_or_default().to_owned();
        (text("check"), text("ts")[11..16].to_owned(), text("status"), text("reason"))
    };
    out.lines().map(read).collect()
}

#[test]
fn a_system_that_breaks_at_three_on_sunday_is_found_within_two_intervals() {
    // 03:00 is five hours after 22:00.
    let told = told(&night(u32::MAX, 5 * 3600));
    let after: Vec<_> = told.iter().filter(|(ts, status, _)| ts.as_str() >= "02" && ts.as_str() < "22" && status != "ok").collect();
    assert_eq!(after.len(), 1, "{told:?}");
    let (ts, status, _) = after[0];
    // The last order was done at 02:50:05, and one is found missing 15 minutes later; two intervals end at 03:20.
    assert_eq!((ts.as_str(), status.as_str()), ("03:05", "critical"), "{told:?}");
}

#[test]
fn a_generator_that_is_killed_is_told_and_pages_nobody() {
    let told = told(&night(5 * 3600, u32::MAX));
    let after: Vec<_> = told.iter().filter(|(ts, status, _)| ts.as_str() < "22" && status != "ok").collect();
    assert_eq!(after.len(), 1, "{told:?}");
    assert_eq!((after[0].1.as_str(), after[0].2.contains("it needs `probe`, which is critical")), ("unknown", true), "{told:?}");
    assert!(told.iter().all(|(_, status, _)| status != "critical"), "{told:?}");
}

#[test]
fn one_rule_file_tells_the_two_apart_without_any_other_program() {
    let rules = format!("[probe]\nwarning = \"age(probe) > 15m\"\n\n{RULE}");
    // What is said between 02:00 and 06:00, and is not ok.
    let later = |input: &str| -> Vec<String> {
        let input: String = input.lines().filter(|line| !line.contains("\"check\"")).map(|line| format!("{line}\n")).collect();
        let of = told_by(&rules, &input).into_iter().filter(|(_, ts, status, _)| ts.as_str() < "22" && status != "ok");
        of.map(|(check, ts, status, _)| format!("{ts} {check} {status}")).collect()
    };
    assert_eq!(later(&night(5 * 3600, u32::MAX)), ["03:05 probe warning", "03:05 checkout unknown"], "the generator was killed");
    assert_eq!(later(&night(u32::MAX, 5 * 3600)), ["03:05 checkout critical"], "the system broke");
}

/// What `heartbeat watch` says at an instant of a path and its generator, of which both beat each ten minutes.
fn watched(beats: &str, at: &str) -> Vec<(String, String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let (file, input) = (folder.path().join("heartbeat.toml"), folder.path().join("beats.ndjson"));
    std::fs::write(
        &file,
        "[probe]\nevery = \"10m\"\ngrace = \"5m\"\nthrough = \"checkout\"\n[checkout]\nevery = \"10m\"\ngrace = \"5m\"\n",
    )
    .unwrap();
    std::fs::write(&input, beats).unwrap();
    let state = folder.path().join("state");
    let arguments = ["watch", "-f", file.to_str().unwrap(), "--state-dir", state.to_str().unwrap(), "--at", at, input.to_str().unwrap()];
    let (_, out, err) = in_process(&heartbeat::TOOL, &arguments, "");
    let read = |line: &str| {
        let verdict: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| verdict[key].as_str().unwrap_or_default().to_owned();
        (text("check"), text("status"), text("reason"))
    };
    assert!(!out.is_empty(), "{err}");
    out.lines().map(read).collect()
}

#[test]
fn watch_tells_the_broken_path_from_the_broken_generator() {
    let night = |generator_until: u32, shop_until: u32| -> String {
        let mut lines = String::new();
        for minute in (0..360).step_by(10) {
            let ts = |second: u32| format!("2026-11-22T{:02}:{:02}:{second:02}Z", minute / 60, minute % 60);
            if minute < generator_until {
                lines += &format!("{{\"ts\":\"{}\",\"beat\":\"probe\",\"duration\":2}}\n", ts(2));
                if minute < shop_until {
                    lines += &format!("{{\"ts\":\"{}\",\"beat\":\"checkout\",\"tags\":{{\"synthetic\":\"true\"}}}}\n", ts(5));
                }
            }
        }
        lines
    };
    let status = |beats: &str, at: &str, name: &str| watched(beats, at).into_iter().find(|(check, ..)| check == name).unwrap();
    let broken = night(u32::MAX, 180);
    assert_eq!(status(&broken, "2026-11-22T03:04:00Z", "checkout").1, "ok");
    let (_, is, reason) = status(&broken, "2026-11-22T03:05:10Z", "checkout");
    assert_eq!(
        (is.as_str(), reason.contains("generator `probe` worked at 2026-11-22T03:00:02Z, and nothing of that came out within 5 min")),
        ("critical", true),
        "{reason}"
    );
    assert_eq!(status(&broken, "2026-11-22T03:06:00Z", "probe").1, "ok");
    let killed = night(180, u32::MAX);
    for at in ["2026-11-22T03:05:10Z", "2026-11-22T03:30:00Z", "2026-11-22T05:30:00Z"] {
        let all = watched(&killed, at);
        assert!(all.iter().all(|(_, is, _)| is != "critical"), "{at}: {all:?}");
    }
    let (_, is, reason) = status(&killed, "2026-11-22T03:30:00Z", "checkout");
    assert_eq!(
        (is.as_str(), reason.contains("cannot tell: its generator `probe` is late since 2026-11-22T03:05:02Z")),
        ("unknown", true),
        "{reason}"
    );
    assert_eq!(status(&killed, "2026-11-22T03:30:00Z", "probe").1, "warning", "told, and no more");
}

#[test]
fn business_counts_are_those_of_people_whatever_the_generator_does() {
    let counts = |input: &str| {
        let (_, out, err) = in_process(&rollup::TOOL, &["--every", "8h", "--stats", "sum", "--late", "1h"], input);
        assert_eq!(err, "");
        let people: Vec<String> =
            out.lines().filter(|line| line.contains("orders") && !line.contains("synthetic")).map(str::to_owned).collect();
        let (_, verdict, _) = in_process(&check::TOOL, &["sum(orders, 1d) > 1000", "--at", "2026-11-22T06:00:00Z"], input);
        let verdict: serde_json::Value = serde_json::from_str(verdict.lines().next().unwrap()).unwrap();
        (people, verdict["value"].as_f64())
    };
    let without = night(0, u32::MAX);
    assert_eq!(counts(&night(u32::MAX, u32::MAX)), counts(&without));
    assert_eq!(counts(&without).1, Some(8.0));
}
