//! Tests of tests: what passes, what differs, what is covered.

use proptest::prelude::*;

use super::*;
use crate::rule::{Check, Source, read};

/// The tests of a file over some rules: what differs, and the coverage.
fn differences(rules: &str, tests: &str) -> (Vec<String>, Coverage) {
    let checks = read("check.toml", rules).unwrap();
    let file = file(&format!("rules = 'check.toml'\n[[test]]\nname = 'it'\n{tests}"));
    assert_eq!(file.strays(&checks), []);
    let mut coverage = Coverage::new(&checks);
    let found = file.cases.iter().flat_map(|case| run(&checks, case, &mut coverage).unwrap());
    (found.map(|difference| difference.message).collect(), coverage)
}

fn file(text: &str) -> TestFile {
    TestFile::read(Source { name: "check.test.toml".into(), text: text.into() }).unwrap()
}

fn seen(coverage: &Coverage) -> Vec<(bool, bool)> {
    coverage.levels().map(|(_, _, covered)| (covered.fired, covered.cleared)).collect()
}

const QUEUE: &str = "[queue]\nby = 'queue'\nwarning = 'last(depth) > 5 for 2m'\ncritical = 'last(depth) > 20'\nevery = '1m'\n";

#[test]
fn what_is_expected_is_held_against_the_verdict() {
    let series = "[test.series]\n'depth{queue=\"a\"}' = '0 9x9 0'\n'depth{queue=\"b\"}' = '0x10'\n[test.expect]\n";
    let cases = [
        ("'queue{queue=\"a\"}' = { at = '3m', status = 'warning' }", None),
        (
            "'queue{queue=\"a\"}' = { at = '2m', status = 'warning' }",
            Some("queue{queue=a} at 2m (2026-01-05T00:02:00Z): expected warning, found ok"),
        ),
        ("'queue{queue=\"a\"}' = { at = '150s', status = 'ok' }", None),
        ("queue = { at = '3m', status = 'warning' }", Some("queue{queue=b} at 3m (2026-01-05T00:03:00Z): expected warning, found ok")),
        ("queue = { at = '3m', firing = [{ queue = 'a' }] }", None),
        ("queue = { at = '3m', firing = [] }", Some("queue at 3m (2026-01-05T00:03:00Z): expected firing none, found {queue=a}")),
        (
            "queue = { at = '1m', firing = [{ queue = 'a' }] }",
            Some("queue at 1m (2026-01-05T00:01:00Z): expected firing {queue=a}, found none"),
        ),
        ("'queue{queue=\"a\"}' = { at = '3m', status = 'warning', since = '1m', value = 9, reason = 'over' }", None),
        (
            "'queue{queue=\"a\"}' = { at = '3m', status = 'warning', since = '2m' }",
            Some("queue{queue=a} at 3m (2026-01-05T00:03:00Z): expected since 2m (2026-01-05T00:02:00Z), found 1m (2026-01-05T00:01:00Z)"),
        ),
        ("'queue{queue=\"a\"}' = { at = '3m', status = 'warning', value = '8..9' }", None),
        (
            "'queue{queue=\"a\"}' = { at = '3m', status = 'warning', value = '8..8.9' }",
            Some("queue{queue=a} at 3m (2026-01-05T00:03:00Z): expected the value 8..8.9, found 9"),
        ),
        (
            "'queue{queue=\"a\"}' = { at = '3m', status = 'warning', reason = 'under' }",
            Some("queue{queue=a} at 3m (2026-01-05T00:03:00Z): expected a reason with \"under\", found another one"),
        ),
        ("'queue{queue=\"a\"}' = { at = '3m', status = 'warning', reason = '/limit of [0-9]+/' }", None),
        ("'queue{queue=\"b\"}' = 'ok'", None),
        ("queue = 'ok'", Some("queue{queue=a} at 3m (2026-01-05T00:03:00Z): expected ok, found warning")),
        ("queue = { never = 'critical' }", None),
        ("queue = { never = 'warning', to = '2m' }", None),
        ("queue = { never = 'warning', to = '3m' }", Some("queue{queue=a} at 3m (2026-01-05T00:03:00Z): expected never warning, found it")),
        ("'queue{queue=\"a\"}' = { from = '3m', to = '10m', status = 'warning' }", None),
        (
            "'queue{queue=\"a\"}' = { from = '3m', status = 'warning' }",
            Some("queue{queue=a} at 11m (2026-01-05T00:11:00Z): expected warning, found ok"),
        ),
        ("'queue{queue=\"c\"}' = 'ok'", Some("queue{queue=c}: was not evaluated from 0s (2026-01-05T00:00:00Z)")),
        (
            "'queue{queue=\"c\"}' = { at = '3m', status = 'ok' }",
            Some("queue{queue=c} at 3m (2026-01-05T00:03:00Z): there is no such group, but {queue=a}, {queue=b}"),
        ),
    ];
    for (expect, expected) in cases {
        let (found, _) = differences(QUEUE, &format!("{series}{expect}"));
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{expect}");
    }
}

#[test]
fn a_series_is_not_known_before_it_began() {
    let tests = "[test.series]\n'depth{queue=\"a\"}' = '0x9'\n'depth{queue=\"b\"}' = '_x5 9x9'\n[test.expect]\n'queue{queue=\"b\"}' = ";
    let (found, _) = differences(QUEUE, &format!("{tests}{{ at = '4m', status = 'unknown' }}"));
    assert_eq!(found, ["queue{queue=b} at 4m (2026-01-05T00:04:00Z): there is no such group, but {queue=a}"]);
    let (found, _) = differences(QUEUE, &format!("{tests}{{ at = '5m', status = 'ok' }}"));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_level_is_covered_when_it_fired_and_cleared_in_one_test() {
    let cases = [
        ("0x9", [(false, false), (false, false)]),
        ("9x9", [(false, false), (true, false)]),
        ("9x9 0", [(false, false), (true, true)]),
        ("30x9", [(true, false), (false, false)]),
        // From critical down to a warning is that critical is over, and the way up is not that the warning is.
        ("30x3 9x9", [(true, true), (true, false)]),
        ("9x5 30", [(true, false), (true, false)]),
        ("9x5 30 0", [(true, true), (true, true)]),
    ];
    for (values, expected) in cases {
        let tests = format!("[test.series]\n'depth{{queue=\"a\"}}' = '{values}'\n[test.expect]\nqueue = {{ never = 'unknown' }}");
        let (found, coverage) = differences(QUEUE, &tests);
        assert_eq!((found, seen(&coverage)), (vec![], expected.to_vec()), "{values}");
    }
}

#[test]
fn missing_data_that_is_critical_is_no_level_that_fired() {
    let rules = "[queue]\ncritical = 'mean(depth, 2m) > 5'\nno_data = 'critical'\nevery = '1m'";
    let (found, coverage) =
        differences(rules, "series = { depth = '1x3 _x10' }\n[test.expect]\nqueue = { at = '10m', status = 'critical' }");
    assert_eq!((found, seen(&coverage)), (vec![], vec![(false, false)]));
}

#[test]
fn events_and_beats_come_at_their_time() {
    let rules = "[builds]\nwarning = 'age(build) > 10m'\nneeds = 'canary'\nevery = '1m'";
    let tests = "events = [{ at = '0m', every = '5m', to = '20m', event = 'build' }]\n\
        beats = [{ at = '0m', beat = 'canary' }, { at = '40m', beat = 'canary', state = 'fail' }]\n[test.expect]\n\
        builds = [{ to = '30m', status = 'ok' }, { from = '31m', to = '39m', status = 'warning' }, { from = '40m', to = '50m', status = 'unknown' }]";
    assert_eq!(differences(rules, tests).0, Vec::<String>::new());
}

#[test]
fn what_makes_no_sense_for_the_series_is_told() {
    let rules = "[queue]\nwarning = 'rate(depth, 5m) > 1'\nevery = '1m'";
    let (found, _) = differences(rules, "series = { depth = '1x9' }\n[test.expect]\nqueue = { at = '5m', status = 'ok' }");
    assert_eq!(
        found,
        ["`warning` of queue makes no sense for what is given: `depth` is a gauge, and `rate` is of counters and increments"]
    );
}

#[test]
fn a_test_has_as_many_evaluations_as_can_be_made_in_a_while() {
    let checks = read("check.toml", "[a]\nwarning = 'x > 1'").unwrap();
    let mut case = Case::new("long");
    case.expectations =
        vec![Expectation::at("a", crate::record::Tags::new(), START.plus(Span::from_secs(86_400 * 365)), What::Firing(vec![]))];
    let why = run(&checks, &case, &mut Coverage::new(&checks)).unwrap_err();
    assert!(why.starts_with("the test is 365 d long and takes 31536000 evaluations, more than 20000000: make it shorter"), "{why}");
    case.expectations[0].check = "b".into();
    assert_eq!(run(&checks, &case, &mut Coverage::new(&checks)).unwrap_err(), "there is no check `b`; did you mean `a`?");
}

#[test]
fn the_head_s_example_is_right() {
    let head = include_str!("file.rs");
    let text: String = head
        .lines()
        .skip_while(|line| *line != "//! ```toml")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .fold(String::new(), |text, line| text + line.trim_start_matches("//!") + "\n");
    let file = file(&text);
    let by = "by = 'queue'\nevery = '1m'\n";
    let checks: Vec<Check> = read("check.toml", &format!("[queue-depth]\n{by}warning = 'last(queue.depth) > 500 for 5m'")).unwrap();
    let found = run(&checks, &file.cases[0], &mut Coverage::new(&checks)).unwrap();
    assert_eq!(found, []);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_at_a_place_within_it(
        text in "(rules = 'a'\n|\\[\\[test\\]\\]\n|name = 'x'\n|\\[test.(series|expect)\\]\n|a = |'1x3'|\"ok\"|\\{ at = '5m' |, status = 'ok'|\\}|x.y = |5|\n|\\PC){0,14}"
    ) {
        if let Err(errors) = TestFile::read(Source { name: "t".into(), text: text.clone() }) {
            prop_assert!(!errors.is_empty() && errors.len() <= MOST_TEST_ERRORS);
            for error in errors {
                prop_assert!(error.line <= text.matches('\n').count() + 1);
                prop_assert!(!error.to_string().chars().any(|c| c.is_control() && c != '\n'));
            }
        }
    }
}
