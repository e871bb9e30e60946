//! Ranges: every case collected from the guideline and from two implementations, and the laws.

use proptest::prelude::*;

use super::*;
use crate::rule::parse;
use crate::rule::syntax::Logic;

const CASES: &str = include_str!("../../tests/data/nagios/ranges.tsv");
const DISPUTED: &str = include_str!("../../tests/data/nagios/ranges_disputed.tsv");

fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().filter(|line| !line.starts_with('#')).skip(1).map(|line| line.split('\t').collect())
}

fn range(text: &str) -> Range {
    Range::parse(text).unwrap_or_else(|error| panic!("{}", error.render(text)))
}

/// `-inf..5.5` as two numbers.
fn bounds(text: &str) -> (f64, f64) {
    let (low, high) = text.split_once("..").unwrap();
    (low.parse().unwrap(), high.parse().unwrap())
}

#[test]
fn every_case_collected_holds() {
    let mut counts = [0; 4];
    for row in rows(CASES) {
        let [kind, text, value, expected, source] = row[..] else { panic!("{row:?}") };
        match kind {
            // The guideline's rule 7 refuses what this library alone reads as `0:`.
            "bounds" if text.is_empty() && source.contains("nagiosplugin") => assert!(Range::parse(text).is_err()),
            "parse" => {
                counts[0] += 1;
                assert_eq!(Range::parse(text).is_ok(), expected == "valid", "{row:?}");
            }
            "range" => {
                counts[1] += 1;
                assert_eq!(range(text).alerts(value.parse().unwrap()), expected == "alert", "{row:?}");
            }
            "bounds" => {
                counts[2] += 1;
                let found = range(text);
                assert_eq!(((found.low, found.high), found.inside), (bounds(value), expected == "inside"), "{row:?}");
            }
            "status" => {
                counts[3] += 1;
                let (warning, critical) = text.strip_prefix("w=").and_then(|text| text.split_once(" c=")).unwrap();
                let value: f64 = value.parse().unwrap();
                let status = match (range(critical).alerts(value), range(warning).alerts(value)) {
                    (true, _) => "CRITICAL",
                    (false, true) => "WARNING",
                    (false, false) => "OK",
                };
                assert_eq!(status, expected, "{row:?}");
            }
            _ => panic!("an unknown kind: {row:?}"),
        }
    }
    assert_eq!(counts, [8, 37, 10, 8], "all of the table was tried");
}

#[test]
fn where_parsers_differ_the_guideline_is_followed() {
    let mut count = 0;
    for row in rows(DISPUTED) {
        let [text, value, _, _, guideline] = row[..] else { panic!("{row:?}") };
        count += 1;
        let value: f64 = value.parse().unwrap();
        let found = Range::parse(text);
        match guideline.split(|c: char| !c.is_alphabetic()).next().unwrap() {
            "alert" => assert!(found.unwrap().alerts(value), "{row:?}"),
            "ok" => assert!(!found.unwrap().alerts(value), "{row:?}"),
            "invalid" => assert!(found.is_err(), "{row:?}"),
            "valid" => assert!(!found.unwrap().alerts(value), "{row:?}"),
            // An exponent is a number; another base, infinity and NaN are none.
            "silent" if text == "1e3" => assert!(found.unwrap().alerts(value), "{row:?}"),
            "silent" => assert!(found.is_err(), "{row:?}"),
            _ => panic!("an unknown answer: {row:?}"),
        }
    }
    assert_eq!(count, 17);
}

#[test]
fn a_mistake_shows_its_place_and_what_was_expected() {
    let cases = [
        ("", 0, 0, "the range is empty: expected a number"),
        ("@", 1, 1, "the range ends after `@`: expected a number"),
        (":", 0, 1, "a range needs a start or an end"),
        ("@:", 1, 2, "a range needs a start or an end"),
        ("abc", 0, 1, "expected a number, or two with `:` between them, found `a`"),
        ("~", 0, 1, "expected a number, or two with `:` between them, found `~`"),
        ("10:~", 3, 4, "expected a number or the end after the `:`, found `~`"),
        ("~:~", 2, 3, "expected a number or the end after the `:`, found `~`"),
        ("10:20:30", 5, 6, "expected a number or the end after the `:`, found `:`"),
        ("1x:20", 1, 2, "expected a number or `~` before the `:`, found `x`"),
        ("@~1:20", 1, 2, "expected a number or `~` before the `:`, found `~`"),
        ("10 :20", 2, 3, "expected a number or `~` before the `:`, found ` `"),
        ("10:-", 4, 4, "expected a number or the end after the `:`, found the end"),
        ("0x10", 1, 2, "expected a number, or two with `:` between them, found `x`"),
        ("inf", 0, 1, "expected a number, or two with `:` between them, found `i`"),
        ("5é", 1, 3, "expected a number, or two with `:` between them, found `é`"),
        ("1e", 1, 2, "expected a number, or two with `:` between them, found `e`"),
        (".", 0, 1, "expected a number, or two with `:` between them, found `.`"),
        ("%", 0, 1, "expected a number, or two with `:` between them, found `%`"),
        ("1e999", 0, 5, "the number is beyond the range of a double"),
        ("4:3", 0, 3, "the start 4 is above the end 3"),
        ("-5", 0, 2, "the start 0 is above the end -5"),
    ];
    for (text, start, end, message) in cases {
        let error = Range::parse(text).unwrap_err();
        assert_eq!((error.start, error.end, error.message.as_str()), (start, end, message), "{text:?}");
        assert!(error.hint.is_some() || text == "1e999", "{text:?} has a remedy");
    }
    assert_eq!(Range::parse("90s").unwrap_err().render("90s").lines().last(), Some("  |   ^"));
}

#[test]
fn a_range_is_written_in_its_shortest_form() {
    let cases = [
        ("10", "10"),
        ("0:10", "10"),
        (":5.75", "5.75"),
        ("0:", "0:"),
        ("-0:", "0:"),
        ("~:-95.99", "~:-95.99"),
        ("@0:6", "@6"),
        ("@10:20", "@10:20"),
        ("~:", "~:"),
        ("1e3:", "1000:"),
        ("1:12%%", "1%:12%"),
        ("10%:", "10%:"),
        ("80%", "80%"),
        ("5.:6", "5:6"),
    ];
    for (text, shortest) in cases {
        assert_eq!(range(text).to_string(), shortest, "{text:?}");
        assert_eq!(range(shortest), range(text));
    }
}

#[test]
fn a_range_is_a_condition_on_a_value() {
    let cases = [
        ("10", "last(q) not in 0..10"),
        ("10:", "last(q) < 10"),
        ("~:10", "last(q) > 10"),
        ("10:20", "last(q) not in 10..20"),
        ("@10:20", "last(q) in 10..20"),
        ("@10:", "last(q) >= 10"),
        ("@~:10", "last(q) <= 10"),
        ("@5:5", "last(q) == 5"),
        ("5:5", "last(q) != 5"),
        ("0", "last(q) != 0"),
        ("-2.5:-1.5", "last(q) not in -2.5..-1.5"),
        ("80%", "last(q) not in 0%..80%"),
        ("~:", "last(q) != last(q)"),
        ("@~:", "last(q) == last(q)"),
    ];
    for (text, condition) in cases {
        assert_eq!(range(text).condition(" last(q) "), condition);
        assert!(parse(condition).is_ok(), "{condition}");
    }
}

/// The range of the one test that a condition is, against a value in `unit`.
fn range_of(condition: &str, unit: Option<&str>) -> Option<Range> {
    let Logic::Test(test) = parse(condition).unwrap().logic else { panic!("{condition} is one test") };
    Range::of_test(&test, &Quantity::measured(1.0, unit.map(str::to_owned)))
}

#[test]
fn a_test_is_a_range_in_the_unit_of_its_value() {
    let cases = [
        ("x > 30", None, Some("~:30")),
        ("x >= 30", None, Some("@30:")),
        ("x < 10", None, Some("10:")),
        ("x <= 10", None, Some("@~:10")),
        ("x > -3", None, Some("~:-3")),
        ("30 < x", None, Some("~:30")),
        ("x not in 10..20", None, Some("10:20")),
        ("x in 10..20", None, Some("@10:20")),
        ("x == 4", None, Some("@4:4")),
        ("x != 4", None, Some("4:4")),
        ("x > 90s", Some("ms"), Some("~:90000")),
        ("x > 80%", Some("%"), Some("~:80")),
        ("x > 80%", None, Some("~:0.8")),
        ("x not in 1m..2m", Some("s"), Some("60:120")),
        ("x > 90s", Some("By"), None),
        ("x > y", None, None),
        ("x > 2 * y", None, None),
        ("absent(x, 5m)", None, None),
    ];
    for (condition, unit, expected) in cases {
        let found = range_of(condition, unit).map(|range| range.to_string());
        assert_eq!(found.as_deref(), expected, "{condition} in {unit:?}");
    }
}

#[test]
fn a_sum_is_a_value_and_a_condition_is_none() {
    for text in ["last(queue.depth)", "a + b / 2", "age(build.started)", "queue.depth", "(x)"] {
        assert!(is_value(text), "{text}");
    }
    for text in ["x > 5", "", "last(x) for 5m", "absent(x)", "10:20", "x y", "./file name", "not x"] {
        assert!(!is_value(text), "{text}");
    }
}

fn ends() -> impl Strategy<Value = (f64, f64)> {
    let number = || prop_oneof![-50i32..50].prop_map(|tenths| f64::from(tenths) / 10.0);
    let any = prop_oneof![number().boxed(), any::<f64>().prop_filter("finite", |value| value.is_finite()).boxed()].boxed();
    let low = prop_oneof![4 => any.clone(), 1 => Just(f64::NEG_INFINITY).boxed()];
    let high = prop_oneof![4 => any, 1 => Just(f64::INFINITY).boxed()];
    (low, high).prop_map(|(a, b)| if a <= b { (a, b) } else { (b, a) })
}

proptest! {
    #[test]
    fn what_was_written_is_read_back((low, high) in ends(), inside: bool, percent: bool) {
        let open = low.is_infinite() && high.is_infinite();
        let range = Range { percent: percent && !open, ..Range::within(low, high, inside) };
        prop_assert_eq!(Range::parse(&range.to_string()), Ok(range));
    }

    #[test]
    fn a_range_and_the_range_of_its_condition_are_the_same((low, high) in ends(), inside: bool, value in -60i32..60) {
        let range = Range::within(low, high, inside);
        let condition = range.condition("x");
        prop_assert!(parse(&condition).is_ok(), "{}", condition);
        match range_of(&condition, None) {
            Some(found) => {
                prop_assert_eq!(found, range, "{}", condition);
                prop_assert_eq!(found.alerts(f64::from(value) / 10.0), range.alerts(f64::from(value) / 10.0));
            }
            None => prop_assert!(low.is_infinite() && high.is_infinite(), "{}", condition),
        }
    }

    #[test]
    fn a_comparison_is_true_where_its_range_alerts(limit in -50i32..50, value in -60i32..60) {
        let (limit, value) = (f64::from(limit) / 10.0, f64::from(value) / 10.0);
        for (_, compare) in Compare::ALL {
            prop_assert_eq!(Range::of_compare(compare, limit).alerts(value), compare.holds(value, limit), "{:?}", compare);
        }
    }

    #[test]
    fn no_text_makes_the_parser_fail(text in ".{0,12}|[@~:0-9.e%-]{0,12}") {
        if let Err(error) = Range::parse(&text) {
            prop_assert!(error.start <= error.end && error.end <= text.len());
            prop_assert!(text.is_char_boundary(error.start) && text.is_char_boundary(error.end));
        }
    }
}
