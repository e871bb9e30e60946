//! What is found, and what is left alone; each finding by its whole message.

use std::sync::Arc;

use super::*;
use crate::record::{SampleType, Series, SketchBins, Tags, Window};
use crate::rule::read;
use crate::time::Timestamp;

/// The findings about a file: `key: message` and what to do.
fn found(file: &str, facts: Option<&Facts>) -> Vec<String> {
    let checks = read("check.toml", file).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let told = |finding: Finding| {
        let hint = finding.hint.map_or(String::new(), |hint| format!(" | {hint}"));
        format!("{}: {}{hint}", finding.key, finding.message)
    };
    lint(&checks, facts).into_iter().map(told).collect()
}

/// A check of these keys.
fn check(keys: &str) -> String {
    format!("[a]\n{}", keys.replace("; ", "\n"))
}

fn assert_found(keys: &str, facts: Option<&Facts>, expected: &str) {
    assert_eq!(found(&check(keys), facts), [expected], "{keys}");
}

/// A history of 5 minutes: every 10 s `depth` (a gauge) and `requests` (a counter); builds as they
/// come; windows of `latency` with sketches and of `size` without.
fn history() -> Facts {
    let mut facts = Facts::default();
    let at = |second: u32| Timestamp::from_nanos(i64::from(second) * 1_000_000_000);
    for series in [
        Series::new("depth").tag("queue", "linux").unit("s"),
        Series::new("requests").kind(SampleType::Counter).tag("status", "200"),
        Series::new("requests").kind(SampleType::Counter).tag("status", "503").tag("host", "a"),
    ] {
        let slot = facts.slot(&Arc::new(series)).unwrap();
        (0..30).for_each(|n| facts.add(slot, at(n * 10)));
    }
    for second in [3, 7, 60, 61, 190, 240] {
        facts.add_occurrence("build", at(second), &Tags::new());
    }
    for minute in 0..5 {
        let window = |metric: &str, sketch| Window {
            ts: at(minute * 60),
            metric: metric.into(),
            window: Span::from_secs(60),
            sketch,
            ..Window::default()
        };
        facts.add_window(&window("latency", Some(SketchBins::default())));
        facts.add_window(&window("size", None));
    }
    facts.add_name("backup");
    facts
}

#[test]
fn what_can_never_fire_is_found() {
    for (keys, expected) in [
        ("warning = 'x > 5 and x < 3'", "warning: `x > 5` and `x < 3` can't both be true | so `warning` can never fire"),
        ("critical = 'x in 5..7 and x > 9 for 5m'", "critical: `x in 5..7` and `x > 9` can't both be true | so `critical` can never fire"),
        ("critical = 'x > 5 and x < 3 or y > 1'", "critical: `x > 5` and `x < 3` can't both be true | so this alternative never counts"),
        ("warning = 'x > 5'; clear = 'x < 3 and x > 4'", "clear: `x < 3` and `x > 4` can't both be true | so the check never clears by it"),
        (
            "warning = 'count(x, 5m) < 0'",
            "warning: `count(x, 5m) < 0` can't be true: a count or an age is never below 0 | so `warning` can never fire",
        ),
        (
            "warning = 'count(x{a=b}, 5m) / count(x, 5m) > 100%'",
            "warning: `count(x{a=b}, 5m) / count(x, 5m) > 100%` can't be true: a share of a whole is from 0% to 100% | so `warning` can never fire",
        ),
        (
            "warning = 'x > 2000'; critical = 'x > 500'",
            "warning: `warning` is never seen: whenever `x > 2000` is true, so is `critical`, `x > 500` | exchange the two limits, or leave one level out",
        ),
    ] {
        assert_found(keys, None, expected);
    }
}

#[test]
fn what_never_clears_is_found() {
    for (keys, expected) in [
        (
            "warning = 'x > 5 or x < 10'",
            "warning: `warning` is true whatever the values are, so it fires from the first sample on and never clears",
        ),
        (
            "warning = 'count(x, 5m) >= 0'",
            "warning: `warning` is true whatever the values are, so it fires from the first sample on and never clears",
        ),
        (
            "warning = 'x > 500 for 5m'; clear = 'x < 600'",
            "clear: `clear` overlaps `warning`: `x < 600` may be true while `x > 500` is | the limit of `clear` lies on the calm side: at or below that of `warning`",
        ),
        (
            "warning = '500 > x'; clear = 400",
            "clear: `clear` overlaps `warning`: `x >= 400` may be true while `500 > x` is | the limit of `clear` lies on the calm side: at or above that of `warning`",
        ),
        (
            "critical = 'absent(x, 5m)'; clear = 'absent(x, 5m)'",
            "clear: `clear` overlaps `critical`: `absent(x, 5m)` may be true while `absent(x, 5m)` is | the limit of `clear` lies on the calm side of the level's",
        ),
    ] {
        assert_found(keys, None, expected);
    }
}

#[test]
fn times_that_do_not_fit_the_step_are_found() {
    for (keys, expected) in [
        (
            "warning = 'x > 5 for 500ms'",
            "warning: `for 500ms` is shorter than the step of 1s between evaluations, so it holds nothing back | write `for 1s` or more",
        ),
        (
            "warning = 'x > 5 for 5s'; every = '10s'",
            "warning: `for 5s` is shorter than the step of 10s between evaluations, so it holds nothing back | write `for 10s` or more, or set `every = \"5s\"`",
        ),
        (
            "warning = 'x > 5 for 25s'; every = '10s'",
            "warning: `for 25s` is no multiple of the step of 10s between evaluations | write `for 30s`, as which it counts",
        ),
        (
            "warning = 'mean(x, 30s) > 5'; every = '1m'",
            "warning: window 30s is shorter than the step of 1m: what comes between two evaluations is never seen | make the window longer, or `every` shorter",
        ),
        (
            "warning = 'x > 5'; every = '1m'; keep_firing_for = '30s'",
            "keep_firing_for: `keep_firing_for` of 30s is shorter than the step of 1m between evaluations, so it changes nothing",
        ),
        (
            "warning = 'x > 5'; every = '1m'; no_data = 'critical for 10s'",
            "no_data: `no_data` of 10s is shorter than the step of 1m between evaluations, so it changes nothing",
        ),
    ] {
        assert_found(keys, None, expected);
    }
}

#[test]
fn what_the_history_never_has_is_found() {
    let facts = history();
    for (keys, expected) in [
        ("warning = 'deph > 5'", "warning: `deph` is never seen in the history, which has 5 other names | did you mean `depth`?"),
        ("warning = 'absent(bild, 1h)'", "warning: `bild` is never seen in the history, which has 5 other names | did you mean `build`?"),
        ("warning = 'depth{queu=linux} > 5'", "warning: `depth` never has the tag `queu` in the history | did you mean `queue`?"),
        ("warning = 'depth{os=linux} > 5'", "warning: `depth` never has the tag `os` in the history | its tags are `queue`"),
        ("warning = 'depth{queue=linx} > 5'", "warning: `depth` never has `queue=linx` in the history | did you mean `linux`?"),
        (
            "warning = 'increase(requests{status=~\"4..\"}, 1m) > 5'",
            "warning: no `status` of `requests` in the history matches `4..` | seen are `200`, `503`",
        ),
        (
            "warning = 'depth{queue!=linux} > 5'",
            "warning: `depth` in the history never has another `queue` than `linux` | seen are `linux`",
        ),
        (
            "warning = 'increase(requests{status=200,host=a}, 1m) > 5'",
            "warning: no series of `requests` in the history has all of these tags at once",
        ),
        (
            "warning = 'depth > 5'; by = 'que'",
            "by: no series of the conditions has the tag `que` in the history | the tags there are `queue`",
        ),
        (
            "warning = 'depth > 5'; needs = 'bakcup'",
            "needs: `bakcup` is none of the checks, and no beat or verdict in the history | did you mean `backup`?",
        ),
    ] {
        assert_found(keys, Some(&facts), expected);
    }
}

#[test]
fn what_the_records_cannot_answer_is_found() {
    let facts = history();
    for (keys, expected) in [
        (
            "warning = 'rate(depth, 1m) > 5'",
            "warning: `rate` of `depth` can't be told: its samples are of a gauge | use `delta` for how far a gauge moved, or `count` for how often it was measured",
        ),
        (
            "warning = 'p95(size, 5m) > 5'",
            "warning: `p95` of `size` can't be told: the history has windows of it, and they carry no sketch | make them by `rollup --stats count,sketch`",
        ),
        ("warning = 'mean(depth, 5s) > 5'", "warning: window 5s is narrower than the source's period of 10s | make it 20s or more"),
        ("warning = 'p95(latency, 30s) > 5'", "warning: window 30s is narrower than the source's period of 1m | make it 2m or more"),
        (
            "critical = 'absent(depth, 5s)'",
            "critical: `absent`'s limit 5s is narrower than the source's period of 10s | make it 20s or more",
        ),
        ("critical = 'age(depth) > 5s'", "critical: the age's limit 5s is narrower than the source's period of 10s | make it 20s or more"),
        ("critical = '5 <= age(depth)'", "critical: the age's limit 5s is narrower than the source's period of 10s | make it 20s or more"),
        (
            "warning = 'rate(requests, 15s) > 5'",
            "warning: window 15s often holds one sample of a source with a period of 10s, and `rate` of a counter needs two | make it 40s or more",
        ),
        (
            "warning = 'depth > 5s for 3 of 5 times'",
            "warning: `3 of 5 times` spans 5s at a step of 1s, narrower than the source's period of 10s: most of them see the same value | set `every = \"10s\"`",
        ),
        ("warning = 'depth > 5%'", "warning: `depth`: a percentage can't be compared with the unit `s`"),
    ] {
        assert_found(keys, Some(&facts), expected);
    }
}

#[test]
fn what_may_be_meant_is_left_alone() {
    let facts = history();
    for keys in [
        "warning = 'depth > 500s for 5m'; critical = 'depth > 2000s for 5m'; clear = 400; by = 'queue'; needs = 'backup'",
        "warning = 'mean(depth, 10s) > 5'; critical = 'p95(latency, 5m) > 5'",
        "warning = 'count(build, 1s) > 5'",
        "critical = 'age(build) > 1s and increase(requests{status=~\"5..\"}, 1m) / increase(requests, 1m) > 2%'",
        "critical = 'depth > 5 for 3 of 5 times'; every = '10s'",
        "warning = 'mean(depth, 1m) > 1.1 * mean(depth, 1m, 1m ago)'; clear = 'depth < 3'",
        "warning = 'depth > 5 or requests > 3'; critical = 'depth > 9'",
        "critical = 'requests{host=\"\"} > 5'",
        "warning = 'age(depth) < 5s'",
    ] {
        assert_eq!(found(&check(keys), Some(&facts)), [""; 0], "{keys}");
    }
    assert_eq!(found(&check("warning = 'deph > 5'; needs = 'a heartbeat'"), None), [""; 0]);
}

#[test]
fn an_objective_of_thirty_days_has_nothing_wrong() {
    let text = "[a.slo]\nobjective = '99.9%'\nperiod = '30d'\nbad = 'requests{status=~\"5..\"}'\ntotal = 'requests'\n";
    assert_eq!(found(text, Some(&history())), [""; 0]);
    // One name that is wrong stands in eight places of the conditions, and is told once.
    let wrong = text.replace("total = 'requests'", "total = 'reqests'");
    assert_eq!(found(&wrong, Some(&history())).len(), 1);
}

#[test]
fn a_name_like_a_checks_is_told_without_a_history() {
    let text = "[canary]\nwarning = 'x > 5'\n[b]\nwarning = 'x > 5'\nneeds = ['canry', 'canary']";
    assert_eq!(found(text, None), ["needs: `canry` is none of the checks | did you mean `canary`?"]);
}

#[test]
fn a_finding_has_its_place() {
    let checks = read("check.toml", "[a]\nwarning = 'x > 5'\n[b]\nwarning = 'y > 5 and y < 3'").unwrap();
    let findings = lint(&checks, None);
    assert_eq!((findings[0].check, findings[0].place), (1, Some((10, 15))));
}
