//! What verdicts say: a table of checks, data and the sentences they come to.
//!
//! `tests/data/conditions/reasons.txt` holds one case after the other, apart by empty lines: the keys of a check
//! as a rule file has them, the data, and what is said at 20:00. `UPDATE=1 cargo test reasons` rewrites the last;
//! read the difference as the person who is woken by it.
//!
//! ```text
//! critical = "x > 5 for 1m"
//!   x{queue=mac} [ms] counter @30s 3 _ 6 7     values up to 20:00, every 10 s if nothing is said; `_` is none
//!   deploy at 19:50                            an event
//!   => critical: …
//! ```

use pipewatch::cli::check;
use pipewatch::time::{Span, Timestamp};
use proptest::prelude::*;

use crate::programs::{fresh, in_process, project};

const NOW: &str = "2026-11-22T20:00:00Z";

/// The records of one line of data.
fn records(line: &str) -> String {
    let mut words = line.split_whitespace();
    let name = words.next().unwrap();
    let (metric, tags) = name.split_once('{').unwrap_or((name, "}"));
    let tags: Vec<String> = tags
        .trim_end_matches('}')
        .split(',')
        .filter_map(|tag| tag.split_once('='))
        .map(|(key, value)| format!("\"{key}\":\"{value}\""))
        .collect();
    let (mut rest, mut every, mut values) = (format!(",\"tags\":{{{}}}", tags.join(",")), 10, Vec::new());
    while let Some(word) = words.next() {
        match word {
            "at" => {
                let ts = format!("2026-11-22T{}:00Z", words.next().unwrap());
                return format!("{{\"ts\":\"{ts}\",\"event\":\"{metric}\"{rest}}}\n");
            }
            "counter" | "delta" => rest += &format!(",\"type\":\"{word}\""),
            _ if word.starts_with('[') => rest += &format!(",\"unit\":\"{}\"", word.trim_matches(['[', ']'])),
            _ if word.starts_with('@') => every = Span::parse(&word[1..]).unwrap().nanos() / 1_000_000_000,
            // `6*30`: thirty times.
            _ => match word.split_once('*') {
                Some((value, times)) => values.extend(vec![value; times.parse().unwrap()]),
                None => values.push(word),
            },
        }
    }
    let now = Timestamp::parse(NOW).unwrap();
    let count = values.len();
    let mut text = String::new();
    for (at, value) in values.into_iter().enumerate().filter(|(_, value)| *value != "_") {
        let ts = now.minus(Span::from_secs(((count - 1 - at) as i64 * every) as u32));
        text += &format!("{{\"ts\":\"{ts}\",\"metric\":\"{metric}\",\"value\":{value}{rest}}}\n");
    }
    text
}

/// The verdicts of a check's keys over records.
fn verdicts(keys: &str, history: &str) -> Vec<serde_json::Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("check.toml");
    std::fs::write(&path, format!("[it]\n{keys}\n")).unwrap();
    let (_, out, err) = in_process(&check::TOOL, &["-f", path.to_str().unwrap()], history);
    assert_eq!(err, "", "{keys}");
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(verdict: &'a serde_json::Value, key: &str) -> &'a str {
    verdict[key].as_str().unwrap()
}

#[test]
fn reasons_read_as_a_colleague_would_say_them() {
    let path = project().join("tests/data/conditions/reasons.txt");
    let found = std::fs::read_to_string(&path).unwrap();
    let mut blocks = Vec::new();
    for block in found.trim_end().split("\n\n") {
        let kept: Vec<&str> = block.lines().filter(|line| !line.starts_with("  =>")).collect();
        let keys: Vec<&str> = kept.iter().copied().filter(|line| !line.starts_with([' ', '#'])).collect();
        let data: String = kept.iter().filter(|line| line.starts_with(' ')).map(|line| records(line)).collect();
        let mut text_of: String = kept.join("\n");
        if !keys.is_empty() {
            for verdict in verdicts(&keys.join("\n"), &data) {
                let tags = verdict["tags"].as_object().filter(|_| keys.iter().any(|key| key.starts_with("by")));
                let tags = tags.map_or(String::new(), |tags| format!(" {}", serde_json::to_string(tags).unwrap()));
                text_of += &format!("\n  => {}{tags}: {}", text(&verdict, "status"), text(&verdict, "reason"));
            }
        }
        blocks.push(text_of);
    }
    assert!(blocks.len() > 40, "the table has {} cases", blocks.len());
    fresh(&path, &(blocks.join("\n\n") + "\n")).unwrap();
}

/// A call of the language over `x` or `y`.
fn call() -> impl Strategy<Value = String> {
    let function = prop::sample::select(vec!["last", "mean", "sum", "min", "max", "p95", "count", "stddev", "delta", "distinct"]);
    let metric =
        prop::sample::select(vec!["x", "y", "a.metric/with.a:long-name_that.goes.on_and.on_until.nobody.can.read-it.any.more.at.all"]);
    (function, metric, 1u32..10).prop_map(|(function, metric, window)| format!("{function}({metric}, {window}m)"))
}

fn test() -> impl Strategy<Value = String> {
    let compare = prop::sample::select(vec![">", ">=", "<", "<=", "!=", "=="]);
    let limit = prop_oneof![(-20i32..20).prop_map(|limit| limit.to_string()), (0u32..900).prop_map(|limit| format!("{limit}%"))];
    prop_oneof![
        6 => (call(), compare.clone(), limit.clone()).prop_map(|(call, compare, limit)| format!("{call} {compare} {limit}")),
        1 => (call(), call(), compare.clone(), limit).prop_map(|(a, b, compare, limit)| format!("{a} / {b} {compare} {limit}")),
        1 => (call(), compare, call()).prop_map(|(a, compare, b)| format!("{a} {compare} {b}")),
        1 => (call(), -9i32..9).prop_map(|(call, low)| format!("{call} not in {low}..{}", low + 4)),
        1 => (1u32..600).prop_map(|limit| format!("age(y) > {limit}s")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    test().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" and "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" or "))),
            inner.clone().prop_map(|part| format!("not ({part})")),
            inner.prop_map(|part| format!("(({part}) for 10s)")),
        ]
    })
}

/// Every number that stands in an entry of the evidence, as a reason may write it.
fn written(entry: &serde_json::Value, key: &str) -> Vec<String> {
    let Some(value) = entry[key].as_f64() else { return Vec::new() };
    let four = |value: f64| {
        let digits = if value == 0.0 { 0 } else { (3 - value.abs().log10().floor() as i32).clamp(0, 12) };
        let text = format!("{value:.*}", digits as usize);
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    let age = Span::from_secs_f64(value.abs()).map_or(String::new(), |span| span.human());
    vec![four(value), four(value * 100.0), format!("{value:e}"), age]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_not_well_is_told_with_its_value_and_what_it_was_held_against(
        condition in condition(),
        x in prop::collection::vec(-12i32..12, 40),
        y in prop::collection::vec(0i32..900, 3..40),
    ) {
        let long = "a.metric/with.a:long-name_that.goes.on_and.on_until.nobody.can.read-it.any.more.at.all";
        let list = |values: &[i32]| values.iter().map(i32::to_string).collect::<Vec<_>>().join(" ");
        let data = records(&format!("x {}", list(&x))) + &records(&format!("y {} _ _", list(&y))) + &records(&format!("{long} {}", list(&x)));
        let all = verdicts(&format!("critical = '{condition}'"), &data);
        for verdict in all {
            let reason = text(&verdict, "reason");
            prop_assert!(reason.chars().count() <= 300, "{condition}: {reason}");
            prop_assert!(!reason.contains('`') || text(&verdict, "status") == "unknown", "{condition}: {reason}");
            if matches!(text(&verdict, "status"), "warning" | "critical") {
                let told = verdict["evidence"].as_array().unwrap().iter().any(|entry| {
                    let value = written(entry, "value").iter().any(|value| reason.contains(value.as_str()));
                    let limits = ["limit", "low"].iter().flat_map(|key| written(entry, key)).collect::<Vec<_>>();
                    // Under a `not`, what has not held for long enough speaks for it.
                    let holds = entry["holds"] == true || condition.contains(" for 10s");
                    value && holds && limits.iter().any(|limit| reason.contains(limit.as_str()))
                });
                prop_assert!(told, "{condition}: {reason}\n{verdict}");
            }
        }
    }
}
