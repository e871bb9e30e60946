//! `forecast(m, window, in d)` as a user meets it: disks that fill, empty, breathe with the day, or are many.

use pipewatch::cli::check;
use pipewatch::time::{Span, Timestamp};

use crate::programs::in_process;

/// Runs `check` in process; gives code, standard output and standard error.
fn judge(arguments: &[&str], stdin: &str) -> (u8, String, String) {
    in_process(&check::TOOL, arguments, stdin)
}

/// The disk of a host over so many hours, a sample every `minutes`; `used` is told the hours before now.
fn disk(host: &str, hours: u32, minutes: u32, used: impl Fn(f64) -> f64) -> String {
    let now = Timestamp::parse("2026-11-22T20:00:00Z").unwrap();
    let line = |step: u32| {
        let (ts, value) = (now.minus(Span::from_secs(step * minutes * 60)), used(f64::from(step * minutes) / 60.0));
        format!(
            "{{\"ts\":\"{ts}\",\"metric\":\"disk.used\",\"value\":{value},\"unit\":\"%\",\"tags\":{{\"host\":\"{host}\",\"mount\":\"/\"}}}}\n"
        )
    };
    (0..=hours * 60 / minutes).rev().map(line).collect()
}

fn verdict(out: &str) -> serde_json::Value {
    serde_json::from_str(out.trim_end()).unwrap_or_else(|error| panic!("{error}: {out}"))
}

#[test]
fn a_disk_that_fills_is_told_with_the_time_that_is_left() {
    let (code, out, err) = judge(&["forecast(disk.used, 6h, in 24h) > 95%"], &disk("a", 7, 1, |ago| 49.0 - 2.0 * ago));
    assert_eq!((code, err.as_str()), (2, ""), "{out}");
    let verdict = verdict(&out);
    assert_eq!(
        verdict["reason"],
        "disk.used is heading for 97 % in 24 h, over the limit of 95 %; it reaches 95 % in about 23 h, by 2026-11-23T19:00Z; so for 59 min"
    );
    let term = &verdict["evidence"][0];
    assert_eq!((&term["value"], &term["limit"], &term["unit"]), (&97.into(), &95.into(), &"%".into()));
    assert_eq!(term["crosses"], "2026-11-23T19:00:00Z");
    for key in ["slope_per_s", "slope_per_s_low", "slope_per_s_high"] {
        assert!((term[key].as_f64().unwrap() - 2.0 / 3600.0).abs() < 1e-9, "{key}: {out}");
    }
    assert!(!out.contains("wrong_if"), "{out}");
}

#[test]
fn wild_samples_do_not_turn_it() {
    let used = |ago: f64| if (ago * 60.0).round() % 5.0 == 0.0 { 3.0 } else { 49.0 - 2.0 * ago };
    let (code, out, _) = judge(&["forecast(disk.used, 6h, in 24h) > 95%"], &disk("a", 7, 1, used));
    assert_eq!(code, 2, "{out}");
    assert!(out.contains("it reaches 95 % in about 2"), "{out}");
}

#[test]
fn a_day_is_no_trend_but_what_is_left_of_it_is() {
    // Up and down by 20 % with the day.
    let day = |ago: f64| 60.0 - 20.0 * (ago / 24.0 * std::f64::consts::TAU).cos();
    let ask = |used: &dyn Fn(f64) -> f64| judge(&["forecast(disk.used, 7d, in 7d) > 95%"], &disk("a", 170, 15, used));
    let (code, out, _) = ask(&day);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("within the limit of 95 %"), "{out}");
    // The same, and 3 % more every day.
    let (code, out, _) = ask(&|ago| day(ago) + 20.0 - ago / 8.0);
    assert_eq!(code, 2, "{out}");
    assert!(out.contains("; it reaches 95 % in about 5 d, by 2026-11-"), "{out}");
}

#[test]
fn a_disk_that_empties_is_told_downwards_and_calms_upwards() {
    let falling = disk("a", 7, 1, |ago| 20.0 + 0.5 * ago);
    let (code, out, _) = judge(&["forecast(disk.used, 6h, in 24h) > 95%"], &falling);
    assert_eq!(code, 0);
    assert_eq!(verdict(&out)["reason"], "disk.used is heading for 8 % in 24 h, within the limit of 95 %");
    let (code, out, _) = judge(&["forecast(disk.used, 6h, in 24h) < 10%"], &falling);
    assert_eq!(code, 2);
    assert!(out.contains("heading for 8 % in 24 h, under the limit of 10 %; it reaches 10 % in about 20 h, by 2026-11-23T16:00Z"), "{out}");
}

#[test]
fn what_is_uncertain_says_so() {
    let (_, out, _) = judge(&["forecast(disk.used, 6h, in 24h) > 95%"], &disk("a", 1, 15, |ago| 90.0 - ago));
    assert!(out.contains("{\"wrong_if\":\"the trend of disk.used rests on only "), "{out}");
    assert!(out.contains("and the forecast looks 24 h ahead\"}"), "{out}");
    let noise = |ago: f64| 50.0 + (ago * 60.0 * 7919.0) % 31.0;
    let (code, out, _) = judge(&["forecast(disk.used, 6h, in 24h) > 95%"], &disk("a", 7, 1, noise));
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("{\"wrong_if\":\"disk.used may have no trend: it changes by -"), "{out}");
}

#[test]
fn too_little_data_is_unknown() {
    let (code, out, _) = judge(&["forecast(disk.used, 6h, in 24h) > 95%"], &disk("a", 1, 60, |_| 90.0));
    assert_eq!(code, 3);
    assert!(out.contains("too little data for forecast(disk.used, 6h, in 1d) (2 samples in the last 6 h)"), "{out}");
    let (code, out, _) = judge(&["forecast(disk.free, 6h, in 24h) > 95%"], &disk("a", 1, 60, |_| 90.0));
    assert_eq!(code, 3);
    assert!(out.contains("no data for disk.free, never seen in the input; there is `disk.used`"), "{out}");
}

#[test]
fn several_hosts_are_kept_apart_or_refused() {
    let input = disk("a", 7, 1, |ago| 49.0 - 2.0 * ago) + &disk("b", 7, 1, |_| 40.0);
    let (code, out, err) = judge(&["forecast(disk.used, 6h, in 24h) > 95%"], &input);
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(err.contains("`disk.used` is 2 series, and a line through the samples of all of them is that of none"), "{err}");
    assert!(err.contains("hint: judge each by itself with --by host, or choose one by its tags"), "{err}");
    let (code, out, _) = judge(&["--by", "host", "forecast(disk.used, 6h, in 24h) > 95%"], &input);
    assert_eq!(code, 2);
    let statuses: Vec<_> = out.lines().map(|line| verdict(line)["status"].as_str().unwrap().to_owned()).collect();
    assert_eq!(statuses, ["critical", "ok"]);
    assert_eq!(judge(&["forecast(disk.used{host=b}, 6h, in 24h) > 95%"], &input).0, 0);
}

#[test]
fn windows_of_rollup_lead_to_the_same() {
    let samples = disk("a", 7, 1, |ago| 49.0 - 2.0 * ago);
    let (_, windows, err) = in_process(&pipewatch::cli::rollup::TOOL, &["--every", "10m", "--stats", "count,mean"], &samples);
    assert_eq!(err, "");
    let value = |input: &str| {
        let (code, out, _) = judge(&["forecast(disk.used, 6h, in 24h) > 95%"], input);
        assert_eq!(code, 2, "{out}");
        verdict(&out)["value"].as_f64().unwrap()
    };
    let apart = value(&samples) - value(&windows);
    // A window's mean stands in the middle of it: of ten samples at its minutes 0 to 9, half a minute too late.
    assert!((apart - 2.0 / 120.0).abs() < 1e-6, "{apart}");
}
