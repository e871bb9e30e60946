//! Made activity in `rollup` and `check`: business numbers are those of people, and what was left out is told.

use pipewatch::cli::{check, rollup};
use proptest::prelude::*;

use crate::programs::in_process;

/// A build of a queue, `ago` seconds before 20:00; made, where there is a value of the tag.
fn build(ago: u32, queue: &str, made: Option<&str>) -> String {
    let ts = format!("2026-11-22T19:{:02}:{:02}Z", 59 - ago / 60, 59 - ago % 60);
    let made = made.map_or(String::new(), |made| format!(r#","synthetic":{made}"#));
    format!(r#"{{"ts":"{ts}","metric":"builds","value":1,"type":"delta","tags":{{"queue":"{queue}"{made}}}}}"#) + "\n"
}

/// Ten builds of people and four made ones, of two queues, in one minute.
fn builds() -> String {
    let people = (0..10).map(|at| build(at * 5, ["linux", "mac"][at as usize % 2], None));
    let made = (0..4).map(|at| build(at * 5 + 2, "linux", Some(["true", "\"1\"", "\"true\"", "1"][at as usize])));
    people.chain(made).chain([build(1, "mac", Some("false"))]).collect()
}

fn rolled(arguments: &[&str], stdin: &str) -> (Vec<String>, String) {
    let all = [&["--every", "1m", "--stats", "count", "--late", "2m"], arguments].concat();
    let (code, out, err) = in_process(&rollup::TOOL, &all, stdin);
    assert_eq!(code, 0, "{err}");
    let row = |line: &str| {
        let of: serde_json::Value = serde_json::from_str(line).unwrap();
        format!("{} {}", of["count"], of.get("tags").map_or("{}".into(), ToString::to_string))
    };
    (out.lines().map(row).collect(), err)
}

fn judged(arguments: &[&str], stdin: &str) -> (u8, serde_json::Value) {
    let (code, out, err) = in_process(&check::TOOL, arguments, stdin);
    assert_eq!(err, "", "{arguments:?}");
    (code, serde_json::from_str(out.lines().next().unwrap()).unwrap())
}

#[test]
fn rollup_keeps_made_samples_in_windows_of_their_own() {
    let (rows, err) = rolled(&[], &builds());
    assert_eq!(rows, ["11 {}", r#"4 {"synthetic":"true"}"#]);
    assert_eq!(err, "");
    let (rows, _) = rolled(&["--by", "queue"], &builds());
    assert_eq!(rows, [r#"5 {"queue":"linux"}"#, r#"4 {"queue":"linux","synthetic":"true"}"#, r#"6 {"queue":"mac"}"#]);
}

#[test]
fn rollup_includes_leaves_out_or_takes_only_made_samples_when_told_so() {
    assert_eq!(rolled(&["--synthetic", "include"], &builds()), (vec!["15 {}".to_owned()], String::new()));
    let (rows, err) = rolled(&["--synthetic", "exclude"], &builds());
    assert_eq!(
        (rows.as_slice(), err.as_str()),
        (&["11 {}".to_owned()][..], "rollup: 4 records are in no window, by --synthetic exclude\n")
    );
    let (rows, err) = rolled(&["--synthetic", "only", "--by", "queue"], &builds());
    assert_eq!(
        (rows.as_slice(), err.as_str()),
        (&[r#"4 {"queue":"linux"}"#.to_owned()][..], "rollup: 11 records are in no window, by --synthetic only\n")
    );
}

#[test]
fn sessions_and_windows_of_windows_keep_made_samples_apart_too() {
    let (code, out, _) = in_process(&rollup::TOOL, &["--session", "10m", "--stats", "count", "--late", "2m"], &builds());
    assert_eq!((code, out.lines().count()), (0, 2), "{out}");
    assert!(out.contains(r#""count":11,"#) || out.contains(r#""count":11}"#), "{out}");
    let (_, windows, _) = in_process(&rollup::TOOL, &["--every", "10s", "--stats", "count", "--late", "2m"], &builds());
    let (rows, _) = rolled(&[], &windows);
    assert_eq!(rows, ["11 {}", r#"4 {"synthetic":"true"}"#]);
}

#[test]
fn check_counts_made_samples_only_where_they_are_asked_for() {
    for (condition, more, value) in [
        ("sum(builds, 1h) >= 0", &[][..], 11.0),
        ("sum(builds{queue=linux}, 1h) >= 0", &[], 5.0),
        ("sum(builds{synthetic=true}, 1h) >= 0", &[], 2.0),
        (r#"sum(builds{synthetic=~"true|1"}, 1h) >= 0"#, &[], 4.0),
        (r#"sum(builds{synthetic!=x}, 1h) >= 0"#, &[], 15.0),
        ("sum(builds, 1h) >= 0", &["--synthetic", "include"], 15.0),
        ("sum(builds, 1h) >= 0", &["--synthetic", "only"], 4.0),
        ("sum(builds, 1h) >= 0", &["--synthetic", "exclude"], 11.0),
    ] {
        let (_, verdict) = judged(&[&[condition], more].concat(), &builds());
        assert_eq!(verdict["value"].as_f64(), Some(value), "{condition} {more:?}");
    }
}

#[test]
fn check_tells_how_many_made_records_it_left_out() {
    let left_out = |arguments: &[&str]| judged(arguments, &builds()).1["evidence"][0]["left_out"].clone();
    assert_eq!(left_out(&["sum(builds, 1h) >= 0"]), 4);
    assert_eq!(left_out(&["sum(builds{queue=mac}, 1h) >= 0"]), serde_json::Value::Null);
    assert_eq!(left_out(&["sum(builds, 1h) >= 0", "--synthetic", "only"]), 11);
    assert_eq!(left_out(&["sum(builds, 1h) >= 0", "--synthetic", "include"]), serde_json::Value::Null);
    // A check beside it that asks for them does not hide what this one leaves out.
    assert_eq!(left_out(&["-c", "sum(builds, 1h) > sum(builds{synthetic=~\"true|1\"}, 1h) * 100"]), serde_json::Value::Null);
    let both = judged(&["-c", "sum(builds, 1h) < 5 and sum(builds{synthetic=~\"true|1\"}, 1h) < 2"], &builds()).1;
    assert_eq!((&both["evidence"][0]["left_out"], &both["evidence"][1]["left_out"]), (&4.into(), &serde_json::Value::Null), "{both}");
}

#[test]
fn groups_of_people_hold_no_made_samples_and_a_group_by_the_tag_does() {
    let (_, out, _) = in_process(&check::TOOL, &["sum(builds, 1h) >= 0", "--by", "queue"], &builds());
    let values: Vec<f64> =
        out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["value"].as_f64().unwrap()).collect();
    assert_eq!(values, [5.0, 6.0]);
    let (_, out, _) = in_process(&check::TOOL, &["sum(builds, 1h) >= 0", "--by", "synthetic"], &builds());
    assert_eq!(out.lines().count(), 3, "false, 1 and true are its values: {out}");
}

#[test]
fn where_all_activity_is_made_there_is_no_data_and_it_is_said_why() {
    let made: String =
        builds().lines().filter(|line| line.contains("\"true\"}") || line.contains(":true")).map(|line| format!("{line}\n")).collect();
    let (code, verdict) = judged(&["sum(builds, 1h) < 5"], &made);
    assert_eq!((code, verdict["reason"].as_str().unwrap()), (3, "no data for builds but 2 records left out as made activity"));
    let (code, verdict) = judged(&["absent(builds, 1h)"], &made);
    assert_eq!((code, verdict["status"].as_str()), (2, Some("critical")), "{verdict}");
}

#[test]
fn events_beats_and_windows_that_are_made_are_left_out_too() {
    let at = r#"{"ts":"2026-11-22T19:59:00Z","#;
    let made = r#""tags":{"synthetic":"true"}}"#;
    let input = format!(
        "{at}\"event\":\"build.started\",{made}\n{at}\"beat\":\"import\",{made}\n{at}\"metric\":\"builds\",\"window\":\"10s\",\"count\":3,\"sum\":3,{made}\n"
    );
    for condition in ["age(build.started) > 1h", "age(import) > 1h", "sum(builds, 1h) < 1"] {
        assert_eq!(judged(&[condition], &input).0, 3, "{condition}");
        assert_eq!(judged(&[condition, "--synthetic", "include"], &input).0, 0, "{condition}");
    }
}

#[test]
fn a_rule_file_says_what_becomes_of_made_activity() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("check.toml");
    let rule = |how: &str| std::fs::write(&file, format!("[few]\ncritical = \"sum(builds, 1h) >= 0\"\nsynthetic = \"{how}\"\n")).unwrap();
    let path = file.to_str().unwrap();
    rule("include");
    assert_eq!(judged(&["-f", path], &builds()).1["value"], 15);
    assert_eq!(judged(&["-f", path, "--synthetic", "only"], &builds()).1["value"], 4, "an option goes before the file");
    rule("inclde");
    let (code, _, err) = in_process(&check::TOOL, &["-f", path], "");
    assert_eq!(code, 3);
    assert!(err.contains(":3:13: expected apart, include, only, exclude, found `inclde`; did you mean `include`?"), "{err}");
}

proptest! {
    /// However much a generator does, what people see stays as it was.
    #[test]
    fn made_activity_changes_no_business_number(people in prop::collection::vec((0u32..3000, 0usize..2), 1..40), made in prop::collection::vec((0u32..3000, 0usize..2), 0..40)) {
        let lines = |all: &[(u32, usize)], made: Option<&str>| -> String { all.iter().map(|(ago, queue)| build(*ago, ["linux", "mac"][*queue], made)).collect() };
        let (alone, with) = (lines(&people, None), lines(&people, None) + &lines(&made, Some("true")));
        let values = |input: &str| -> Vec<serde_json::Value> {
            let (_, out, _) = in_process(&check::TOOL, &["sum(builds, 30m) > 5", "-w", "age(builds) > 10m", "--by", "queue"], input);
            out.lines().map(|line| serde_json::from_str(line).unwrap()).map(|of: serde_json::Value| serde_json::json!([of["status"], of["value"], of["tags"]])).collect()
        };
        prop_assert_eq!(values(&alone), values(&with));
        let business = |input: &str| -> Vec<String> {
            let (_, out, _) = in_process(&rollup::TOOL, &["--every", "10m", "--by", "queue", "--late", "1h"], input);
            out.lines().filter(|line| !line.contains("synthetic")).map(str::to_owned).collect()
        };
        prop_assert_eq!(business(&alone), business(&with));
    }
}
