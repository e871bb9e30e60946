//! `reference(...)` and `--reference` as a user meets them: a run against a kept one, in CI and at the roaster.

use std::fmt::Write;
use std::path::PathBuf;

use pipewatch::cli::check;
use pipewatch::time::{Span, Timestamp};

use crate::programs::in_process;

/// A folder with files of records.
struct Kept(tempfile::TempDir);

impl Kept {
    fn new(reference: &str) -> Kept {
        let kept = Kept(tempfile::tempdir().unwrap());
        std::fs::write(kept.path("main.ndjson"), reference).unwrap();
        kept
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `check --reference main.ndjson` in process; gives code, standard output and standard error.
    fn judge(&self, arguments: &[&str], stdin: &str) -> (u8, String, String) {
        let reference = self.path("main.ndjson");
        let all: Vec<&str> = ["--reference", reference.to_str().unwrap()].into_iter().chain(arguments.iter().copied()).collect();
        in_process(&check::TOOL, &all, stdin)
    }
}

/// So many builds, a second apart up to `ago` seconds before now; of about 100 units times `factor`.
fn builds(count: u32, factor: f64, ago: u32, rest: &str) -> String {
    let now = Timestamp::parse("2026-11-22T20:00:00Z").unwrap();
    let mut text = String::new();
    for at in (0..count).rev() {
        let ts = now.minus(Span::from_secs(ago + at));
        // From 92 to 108, in an order that looks random; the same number of all.
        let value = factor * (100.0 + f64::from((at * 7919 + ago) % 97 % 17) - 8.0);
        writeln!(text, "{{\"ts\":\"{ts}\",\"metric\":\"build.duration\",\"value\":{value:e}{rest}}}").unwrap();
    }
    text
}

fn main_run() -> String {
    builds(180, 1.0, 90_000, ",\"unit\":\"s\"")
}

fn verdicts(out: &str) -> Vec<serde_json::Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_slower_run_is_told_with_the_test_and_the_effect() {
    let kept = Kept::new(&main_run());
    let condition = "p95(build.duration) > 1.05 * reference(build.duration)";
    let (code, out, err) = kept.judge(&[condition], &builds(200, 1.1, 0, ",\"unit\":\"s\""));
    assert_eq!((code, err.as_str()), (2, ""), "{out}");
    let verdict = &verdicts(&out)[0];
    let reason = verdict["reason"].as_str().unwrap();
    let expected = "p95 of build.duration is 117.8 s, 1.1 times the reference (107 s), over the limit of 1.05 times (112.4 s); p95 is 9 % to 11 % above the reference, 200 against 180 samples";
    assert!(reason.starts_with(expected), "{reason}");
    assert!(reason.contains(" % above the reference, 200 against 180 samples, p < 0.0001 by Mann-Whitney"), "{reason}");
    let test = verdict["evidence"].as_array().unwrap().iter().find(|entry| entry["test"] == "mann-whitney").unwrap();
    assert_eq!((&test["of"], &test["samples"], &test["reference_samples"]), (&"p95".into(), &200.into(), &180.into()));
    let number = |key: &str| test[key].as_f64().unwrap();
    assert!((number("ratio") - 1.1).abs() < 1e-9 && number("ratio_low") <= 1.1 && number("ratio_high") >= 1.1, "{out}");
    assert!(number("p") < 1e-4 && number("superiority") > 0.8, "{out}");
    assert!(!out.contains("wrong_if"), "{out}");
}

#[test]
fn the_reference_is_taken_by_the_function_and_unit_of_the_other_side() {
    let kept = Kept::new(&main_run());
    let run = builds(200, 1000.0, 0, ",\"unit\":\"ms\"");
    // (condition, code): the same as the reference, in milliseconds.
    for (condition, code) in [
        ("p95(build.duration) > 1.01 * reference(build.duration)", 0),
        ("median(build.duration) > 0.99 * reference(build.duration)", 2),
        ("0.99 * reference(build.duration) < mean(build.duration, 1h)", 2),
        ("max(build.duration) == reference(build.duration)", 2),
        ("count(build.duration) - 20 == reference(build.duration)", 2),
        ("count(build.duration, 1m) == reference(build.duration)", 2),
        ("count(build.duration, 1m) == 2 * reference(build.duration, 30s)", 2),
        ("mean(build.duration) / reference(build.duration) > 1%", 2),
    ] {
        let (found, out, err) = kept.judge(&[condition], &run);
        if condition.ends_with("> 1%") {
            assert_eq!(found, 3, "{out}");
            assert!(err.contains("`reference` takes the function of the other side"), "{err}");
            continue;
        }
        assert_eq!((found, err.as_str()), (code, ""), "{condition}: {out}");
    }
}

#[test]
fn each_group_has_the_reference_of_its_tags() {
    let tagged = |factor: f64, host: &str, ago: u32| builds(50, factor, ago, &format!(",\"tags\":{{\"host\":\"{host}\"}}"));
    let kept = Kept::new(&(tagged(1.0, "a", 9_000) + &tagged(2.0, "b", 9_000)));
    let run = tagged(1.5, "a", 0) + &tagged(1.5, "b", 0) + &tagged(1.5, "c", 0);
    let (code, out, _) = kept.judge(&["--by", "host", "mean(build.duration) > 1.2 * reference(build.duration)"], &run);
    assert_eq!(code, 2);
    let found: Vec<_> = verdicts(&out).iter().map(|verdict| verdict["status"].as_str().unwrap().to_owned()).collect();
    assert_eq!(found, ["critical", "ok", "unknown"], "{out}");
    assert!(out.contains("no data for build.duration in the reference"), "{out}");
}

#[test]
fn what_makes_no_sense_is_told() {
    let kept = Kept::new(&main_run());
    let run = builds(200, 1.0, 0, "");
    for (arguments, message) in [
        (&["reference(build.duration) > 5"][..], "`reference` takes the function of the other side of its comparison, which has none"),
        (&["reference(build.duration) in 1..2"], "`reference` stands only in a comparison"),
        (&["age(build.duration) > reference(build.duration)"], "`age` has no reference"),
        (&["mean(a) + max(b) > reference(c)"], "which has several"),
        (&["mean(build.duration) > 5"], "--reference: no condition asks for `reference(…)`"),
        (&["--tolerance", "5%", "mean(x) > reference(x)"], "--tolerance is for comparing whole runs"),
        (&["--tolerance", "5"], "--tolerance: expected a share below 1, like `10%` or `0.1`, found `5`"),
        (&["--by", "host"], "--by belongs to a condition, and there is none"),
        (&["missing.ndjson"], "missing.ndjson: cannot read: no such file"),
        (&["mean(build.duration) > reference(build.duration)"], "can't be compared with"),
    ] {
        let (code, out, err) = kept.judge(arguments, &run);
        assert_eq!((code, out.as_str()), (3, ""), "{arguments:?}");
        assert!(err.contains(message), "{arguments:?}: {err}");
    }
    let (code, _, err) = in_process(&check::TOOL, &["mean(x) > 1.1 * reference(x)"], &run);
    assert_eq!(code, 3);
    assert!(err.contains("condition:1:17: `reference` reads a history that was not named"), "{err}");
    assert!(err.contains("hint: name it by --reference FILE, a file or a history folder"), "{err}");
}

#[test]
fn a_run_equal_to_its_reference_is_ok() {
    let kept = Kept::new(&main_run());
    let (code, out, err) = kept.judge(&[], &main_run());
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let verdict = &verdicts(&out)[0];
    assert_eq!((&verdict["check"], &verdict["tags"]["metric"]), (&"reference".into(), &"build.duration".into()));
    assert!(verdict["reason"].as_str().unwrap().contains("not surely beyond the tolerance of 10 %"), "{out}");
}

#[test]
fn what_is_slower_is_found_with_many_samples_and_not_claimed_with_few() {
    let kept = Kept::new(&main_run());
    let status = |count: u32, factor: f64| kept.judge(&["--tolerance", "5%"], &builds(count, factor, 0, ",\"unit\":\"s\""));
    let (code, out, _) = status(200, 1.1);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("200 against 180 samples, p < 0.0001 by Mann-Whitney: beyond the tolerance of 5 %; p95 is "), "{out}");
    let (code, out, _) = status(10, 1.07);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("the comparison of build.duration rests on only 10 against 180 samples"), "{out}");
    let (code, out, _) = status(5, 1.1);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("5 against 180 samples are too few to tell: 8 are needed"), "{out}");
    assert_eq!(status(200, 0.9).0, 1, "faster is a difference, too");
}

#[test]
fn every_series_of_the_reference_has_its_verdict() {
    let many = |factor: f64, ago: u32| -> String {
        (0..30).map(|host| builds(40, factor, ago, &format!(",\"tags\":{{\"host\":\"h{host}\"}}"))).collect()
    };
    let kept = Kept::new(&many(1.0, 90_000));
    let (code, out, err) = kept.judge(&[], &(many(1.0, 0) + &builds(40, 1.0, 0, ",\"tags\":{\"host\":\"new\"}")));
    assert_eq!((code, out.lines().count()), (0, 30), "{out}");
    assert!(out.contains("by Holm for 30 metrics"), "{out}");
    assert_eq!(err, "check: not in the reference, so not compared: `build.duration{host=new}`\n");
    let (code, out, _) = kept.judge(&[], &builds(40, 1.0, 0, ",\"tags\":{\"host\":\"h0\"}"));
    assert_eq!(code, 3);
    assert!(out.contains("build.duration: it is in the reference, and not in the run"), "{out}");
    assert_eq!(kept.judge(&["--no-data", "ok"], &builds(40, 1.0, 0, ",\"tags\":{\"host\":\"h0\"}")).0, 0);
}

#[test]
fn other_units_an_empty_reference_and_zeros_are_no_surprise() {
    let (code, out, _) = Kept::new(&main_run()).judge(&[], &builds(200, 1.0, 0, ",\"unit\":\"By\""));
    assert_eq!(code, 3);
    assert!(out.contains("build.duration: it is a gauge in `By`, and in the reference a gauge in `s`"), "{out}");
    let (code, out, err) = Kept::new("").judge(&[], &main_run());
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(err.contains("main.ndjson: no record found"), "{err}");
    let event = "{\"ts\":\"2026-11-22T19:00:00Z\",\"event\":\"deploy\"}\n";
    let (code, _, err) = Kept::new(event).judge(&[], &main_run());
    assert_eq!(code, 3);
    assert!(err.contains("no samples to compare with"), "{err}");
    let kept = Kept::new(&builds(100, 0.0, 90_000, ""));
    assert_eq!(kept.judge(&[], &builds(100, 0.0, 0, "")).0, 0);
    assert_eq!(kept.judge(&[], &builds(100, 1.0, 0, "")).0, 1, "from nothing to something");
    let huge = Kept::new(&builds(100, 1e300, 90_000, ""));
    let (code, out, err) = huge.judge(&[], &builds(100, 1.5e300, 0, ""));
    assert_eq!(code, 1, "{out}{err}");
    assert_eq!(huge.judge(&["mean(build.duration) > reference(build.duration)"], &builds(100, 1.5e300, 0, "")).0, 2);
}

#[test]
fn a_plugin_and_a_file_of_checks_take_a_reference_too() {
    let kept = Kept::new(&main_run());
    let rules = kept.path("check.toml");
    std::fs::write(&rules, "[slow]\nwarning = \"mean(build.duration) > 1.05 * reference(build.duration)\"\n").unwrap();
    let run = builds(200, 1.1, 0, ",\"unit\":\"s\"");
    let (code, out, err) = kept.judge(&["-f", rules.to_str().unwrap()], &run);
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    let (code, out, _) = kept.judge(&["--nagios"], &run);
    assert!(code <= 1 && out.starts_with("REFERENCE "), "{out}");
}

#[test]
fn where_no_reference_can_be_named_it_is_refused() {
    for tool in ["backtest", "explain"] {
        let (code, _, err) =
            crate::programs::in_process(&pipewatch::cli::check::TOOL, &[tool, "p95(x) > 1.1 * reference(x)", "h.ndjson"], "");
        assert_eq!(code, 3, "{tool}");
        assert!(err.contains("`reference` reads a history that was not named") && err.contains("check --reference FILE"), "{err}");
    }
}
