//! `check` where it is easily wrong: short dips, overlapping windows, groups, sides exchanged.

use pipewatch::cli::check;
use pipewatch::time::{Span, Timestamp};

use crate::programs::in_process;

fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T20:00:00Z").unwrap()
}

/// Runs `check` in process; gives code, standard output and standard error.
fn judge(arguments: &[&str], stdin: &str) -> (u8, String, String) {
    in_process(&check::TOOL, arguments, stdin)
}

/// A record so many milliseconds before the instant.
fn record(ago_ms: u32, rest: &str) -> String {
    format!("{{\"ts\":\"{}\",{rest}}}\n", now().minus(Span::from_millis(ago_ms)))
}

fn gauge(ago_ms: u32, value: f64) -> String {
    record(ago_ms, &format!("\"metric\":\"x\",\"value\":{value}"))
}

#[test]
fn a_dip_of_a_second_ends_what_was_true_for_hours() {
    // A sample every ten seconds over three hours; one dip of a second, an hour and a bit ago.
    let steady: String = (0..1080).map(|at| gauge(at * 10_000, 9.0)).collect();
    assert_eq!(judge(&["x > 5 for 2h"], &steady).0, 2);
    let dip = gauge(3_723_500, 1.0) + &gauge(3_722_500, 9.0);
    let (code, out, _) = judge(&["x > 5 for 2h"], &(steady + &dip));
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("true for 1 h 2 min of the 2 h asked for"), "{out}");
}

#[test]
fn a_sample_that_falls_out_of_the_window_ends_what_was_true() {
    // The window holds a 9 from 90 s ago until 30 s ago, then nothing over 5: `max` was true then.
    let input = gauge(200_000, 1.0) + &gauge(90_000, 9.0) + &gauge(85_000, 1.0) + &gauge(25_000, 9.0);
    assert_eq!(judge(&["max(x, 1m) > 5 for 20s"], &input).0, 2);
    assert_eq!(judge(&["max(x, 1m) > 5 for 24s"], &input).0, 2);
    // Between 30 s and 25 s ago the window held only the 1.
    assert_eq!(judge(&["max(x, 1m) > 5 for 26s"], &input).0, 0);
}

#[test]
fn an_age_passes_its_limit_at_an_instant_of_its_own() {
    let input = gauge(600_000, 1.0) + &gauge(120_000, 1.0);
    assert_eq!(judge(&["age(x) > 1m for 59s"], &input).0, 2);
    assert_eq!(judge(&["age(x) > 1m for 61s"], &input).0, 0);
    assert_eq!(judge(&["1m < age(x) for 59s"], &input).0, 2);
}

#[test]
fn a_verdict_tells_since_the_first_evaluation_behind_the_last_break() {
    let since = |condition: &str, input: &str| {
        let (code, out, _) = judge(&[condition], input);
        assert_eq!(code, 2, "{out}");
        out.split("\"since\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let steady: String = (0..360).map(|at| gauge(at * 10_000, 9.0)).collect();
    assert_eq!(since("x > 5", &(steady + &gauge(723_500, 1.0) + &gauge(722_500, 9.0))), "2026-11-22T19:47:58Z");
    assert_eq!(since("age(x) > 1m", &(gauge(600_000, 1.0) + &gauge(120_000, 1.0))), "2026-11-22T19:59:01Z");
}

#[test]
fn overlapping_windows_are_counted_once() {
    let window = |ago_ms: u32, length: &str, count: u32| {
        record(ago_ms, &format!("\"metric\":\"w\",\"window\":\"{length}\",\"count\":{count},\"sum\":{count}"))
    };
    // Ten a minute, as sliding windows, and once more as windows of five minutes.
    let mut input = String::new();
    for at in 1..=20 {
        input += &window(30_000 * (at + 1), "1m", 10);
    }
    input += &window(300_000, "5m", 50);
    for condition in ["count(w, 5m) == 50", "sum(w, 2m) == 20", "count(w, 1m) == 10"] {
        let (code, out, _) = judge(&[condition], &input);
        assert_eq!(code, 2, "{condition}: {out}");
    }
}

#[test]
fn a_comparison_reads_the_same_from_either_side() {
    let input = gauge(1000, 7.0);
    for (one, other) in [("x > 5", "5 < x"), ("x >= 8", "8 <= x"), ("x == 7", "7 == x"), ("x != 7", "7 != x")] {
        assert_eq!(judge(&[one], &input), judge(&[other], &input), "{one} and {other}");
    }
}

#[test]
fn a_series_without_the_tag_is_not_mixed_into_the_groups() {
    let sample = |metric: &str, value: u32, tags: &str| record(1000, &format!("\"metric\":\"{metric}\",\"value\":{value}{tags}"));
    let input = sample("cpu", 1, ",\"tags\":{\"host\":\"a\"}")
        + &sample("cpu", 2, ",\"tags\":{\"host\":\"b\"}")
        + &sample("cpu", 90, "")
        + &sample("limit", 1, "");
    let (_, out, _) = judge(&["--by", "host", "max(cpu, 1m) > limit"], &input);
    let found: Vec<(&str, bool)> =
        out.lines().map(|line| (if line.contains("\"host\":\"a\"") { "a" } else { "b" }, line.contains("\"critical\""))).collect();
    assert_eq!(found, [("a", false), ("b", true)], "the total counts for no host, the limit for both");
}

#[test]
fn a_warning_does_not_hide_that_missing_data_is_critical() {
    let arguments = ["--warning", "x > 5", "--critical", "y > 5", "--no-data"];
    let with = |meaning| judge(&[&arguments[..], &[meaning]].concat(), &gauge(1000, 7.0)).0;
    assert_eq!((with("critical"), with("ok"), with("warning")), (2, 1, 1));
}

#[test]
fn a_regular_expression_stands_by_itself() {
    let (code, _, err) = judge(&["x{a=~\"b)|(c\"} > 1"], &gauge(1000, 7.0));
    assert_eq!(code, 3);
    assert!(err.contains("is not a regular expression"), "{err}");
}

#[test]
fn no_data_is_not_zero_even_for_a_count() {
    let old = gauge(600_000, 7.0);
    assert_eq!(judge(&["count(x, 5m) == 0"], &old).0, 3);
    assert_eq!(judge(&["count(x, 11m) == 1"], &old).0, 2);
    let empty = record(60_000, "\"metric\":\"w\",\"window\":\"10s\",\"count\":0");
    assert_eq!(judge(&["count(w, 5m) == 0"], &empty).0, 2, "a window that counted none is data");
}

#[test]
fn evidence_writes_whole_numbers_as_records_do() {
    let (_, out, _) = judge(&["x > 5"], &gauge(1000, 7.0));
    assert!(out.contains("\"value\":7,\"op\":\">\",\"limit\":5,\"holds\":true,\"samples\":1,"), "{out}");
}

#[test]
fn a_star_in_quotes_is_a_star() {
    let input = record(10, "\"metric\":\"a*c\",\"value\":9") + &record(5, "\"metric\":\"abc\",\"value\":1");
    assert_eq!(judge(&["\"a*c\" == 9"], &input).0, 2);
    assert_eq!(judge(&["count(a*c, 1m) == 2"], &input).0, 2);
}

#[test]
fn a_live_input_is_held_only_as_far_as_it_matters() {
    use pipewatch::rule::{Check, Engine, Level, parse};
    let condition = parse("mean(x, 1m) > 5").unwrap();
    let start = now();
    let mut data = Engine::new(vec![Check::new("x", vec![Level { status: pipewatch::record::Status::Critical, condition }])]);
    let series = std::sync::Arc::new(pipewatch::record::Series::new("x"));
    let slot = data.slot(&series).unwrap().unwrap();
    // A week, a sample a second: an hour and a minute of it matter.
    for second in 0..7 * 86_400u32 {
        let ts = start.plus(Span::from_secs(second));
        data.advance(ts);
        data.add(slot, ts, 9.0, 1.0).unwrap();
    }
    assert!(data.held() < 4 * 3660, "{}", data.held());
}

#[test]
fn the_limits_told_are_those_of_the_value_told() {
    let input = gauge(1000, 7.0) + &record(500, "\"metric\":\"y\",\"value\":3");
    let (_, out, _) = judge(&["--nagios", "-w", "y > 100 or x > 5", "-c", "y > 200 and x > 9"], &input);
    assert!(out.contains("'check'=7;~:5;~:9"), "{out}");
}

#[test]
fn a_warning_that_is_pending_is_told_before_a_critical_level_that_is_far() {
    let input = gauge(60_000, 1.0) + &gauge(4_000, 7.0);
    let (_, out, _) = judge(&["-w", "x > 5 for 10s", "-c", "x > 50"], &input);
    assert!(out.contains("over the limit of 5; true for 4 s of the 10 s asked for"), "{out}");
}
