//! Expressions of PromQL and what they are here, side by side; and there and back again.

use proptest::prelude::*;

use super::*;
use crate::record::Status;
use crate::rule::{Check, Level, parse};

fn file(expression: &str) -> String {
    format!("groups:\n- name: g\n  rules:\n  - alert: a\n    expr: |\n      {expression}\n    for: 5m\n    labels: {{severity: page}}\n")
}

fn options(by: &[&str]) -> Import {
    Import { by: by.iter().map(|label| (*label).to_owned()).collect(), ..Import::default() }
}

/// The condition without its `for`, or what is refused first.
fn condition(expression: &str, options: &Import) -> Result<String, String> {
    let imported = import(&file(expression), options);
    match imported.refused.first() {
        Some(refused) => Err(refused.to_string()),
        None => {
            let line = imported.text.lines().find_map(|line| line.strip_prefix("critical = ")).unwrap();
            let text = line[1..line.len() - 1].replace("\\\"", "\"");
            Ok(text.strip_suffix(" for 5m").unwrap().to_owned())
        }
    }
}

#[test]
fn expressions_have_their_conditions() {
    let one = Import { one_series: true, ..options(&[]) };
    for (expression, options, written) in [
        ("up == 0", options(&["instance", "job"]), "last(up, 5m) == 0"),
        ("sum by (q) (rate(x{a=\"b\",c!~\"d.*\"}[5m])) > 1.5", options(&[]), r#"rate(x{a="b",c!~"d.*"}, 5m) > 1.5"#),
        ("sum(rate(e[5m])) / sum(rate(r[5m])) > 0.02", options(&[]), "rate(e, 5m) / rate(r, 5m) > 0.02"),
        ("sum(sum_over_time(x[1h])) / sum(count_over_time(x[1h])) > 5", options(&[]), "mean(x, 1h) > 5"),
        ("(max(max_over_time(x[5m])) >= 20) <= 25", options(&[]), "max(x, 5m) in 20..25"),
        ("absent(x{job=\"a\"})", options(&[]), r#"absent(x{job="a"}, 5m)"#),
        ("max(absent_over_time(x[26h]))", options(&[]), "absent(x, 1d2h)"),
        ("sum(count_over_time(x[5m]))", options(&[]), "not absent(x, 5m)"),
        ("max(x) > 5 and min(y offset 1w) < 3", one.clone(), "last(x, 5m) > 5 and last(y, 5m, 7d ago) < 3"),
        ("max(quantile_over_time(0.95, x[5m])) > 5", one.clone(), "p95(x, 5m) > 5"),
        (
            "sum(sum_over_time(x[5m])) > 1 unless sum(sum_over_time(y[5m])) > 1",
            options(&[]),
            "sum(x, 5m) > 1 and (sum(y, 5m) <= 1 or absent(y, 5m))",
        ),
        (
            "sum(sum_over_time(x[5m])) > 1 unless (sum(sum_over_time(y[5m])) > 1 or absent(z))",
            options(&[]),
            "sum(x, 5m) > 1 and (sum(y, 5m) <= 1 or absent(y, 5m)) and not absent(z, 5m)",
        ),
        ("1", options(&[]), "1 == 1"),
        ("sum without (instance) (rate(x[5m])) > 0", options(&["instance", "job"]), "rate(x, 5m) > 0"),
        ("sum(rate(median[5m])) > 0", options(&[]), "rate(\"median\", 5m) > 0"),
    ] {
        assert_eq!(condition(expression, &options).as_deref(), Ok(written), "{expression}");
        assert!(parse(written).is_ok());
    }
}

#[test]
fn what_cannot_be_said_is_refused_with_its_place() {
    for (expression, message) in [
        ("up == 0", "6:7: `up` fires for each series"),
        ("max(max_over_time(x[5m])) > 1 and max(x) > 5", "6:41: `max` over several series"),
        ("sum(irate(x[5m])) > 1", "6:11: the function `irate`"),
        ("histogram_quantile(0.9, x) > 1", "the function `histogram_quantile`"),
        ("count_over_time(up[5m:]) > 1", "6:23: a subquery"),
        ("sum(avg(sum_over_time(x[5m]))) > 1", "`sum` over several series"),
        ("topk(5, x) > 1", "`topk` can't be said here"),
        ("sum(rate(x[5m])) > bool 1", "`bool` makes numbers of truths"),
        ("sum by (a) (rate(x[5m])) > on (a) group_left sum by (b) (rate(x[5m]))", "`group_left`"),
        ("sum by (a) (rate(x[5m])) > sum by (b) (rate(x[5m]))", "told apart by (a) and (b)"),
        ("sum by (a) (rate(x[5m])) > 1 and sum(rate(x[5m])) > 1", "told apart by (a) and ()"),
        ("sum(rate(x[5m])) > 1 unless sum(rate(y[5m])) > 1", "`unless` also fires where the other side has no data"),
        ("sum without (a) (rate(x[5m])) > 1", "`without` keeps labels that are not named"),
        ("sum(rate(x[5m])) % 2 > 1", "the operator `%`"),
        ("sum(rate(x[5m])) ^ 2 > 1", "the operator `^`"),
        ("time() > 1", "the function `time`"),
        ("sum(rate(x[5m])) >", "6:25: expected a metric"),
        ("stddev_over_time(x[5m]) > 1", "`stddev_over_time`"),
        ("sum(rate(x[5m]))", "that there is a number at all"),
        ("sum(rate(x[5m])) / 0 > 1", "divided by zero"),
    ] {
        let found = condition(expression, &options(&[])).unwrap_err();
        assert!(found.contains(message), "{expression}: {found}");
    }
}

#[test]
fn files_are_read_strictly() {
    for (text, message) in [
        ("groups:\n- name: g\n  rules:\n  - record: x\n    expr: 1\n", "4:13: `x` is a recording rule"),
        ("groups:\n- name: g\n  limt: 5\n", "3:3: the key `limt` of a group can't be said here"),
        ("groups:\n- name: g\n  rules:\n  - alert: x\n    expr: 1\n    fro: 5m\n", "6:5: the key `fro` of a rule"),
        ("groups: 5\n", "1:9: expected a list, found a text"),
        ("[]\n", "1:1: a file of rules is a mapping, found a list"),
        ("groups:\n- name: g\n  interval: 5x\n  rules: []\n", "3:13: "),
        ("groups:\n- name: g\n  rules:\n  - alert: x\n", "4:5: a rule has the keys `alert` and `expr`"),
    ] {
        let imported = import(text, &options(&[]));
        assert!(imported.refused[0].to_string().contains(message), "{text}: {:?}", imported.refused);
        assert_eq!(imported.alerts.0, 0);
    }
}

#[test]
fn a_rule_becomes_a_check() {
    let text = r#"groups:
- name: alerts
  interval: 30s
  labels: {team: a}
  rules:
  - alert: "It's down"
    expr: up == 0
    for: 5m
    keep_firing_for: 10m
    labels: {severity: warning, site: "x"}
    annotations:
      summary: "Instance {{ $labels.instance }} at {{ $value | humanize }} {down}"
      description: more
      runbook_url: "https://wiki/{{ \"{{\" }}x"
  - alert: "It's down"
    expr: up == 0
    for: 1h
    keep_firing_for: 10m
    labels: {severity: page, site: "x"}
    annotations: {runbook_url: "https://wiki/{{ \"{{\" }}x"}
"#;
    let imported = import(text, &options(&["instance"]));
    assert_eq!(imported.refused, []);
    assert_eq!(imported.alerts, (2, 2));
    let wanted = r#"["It's down"]
by = ["instance"]
critical = "last(up, 5m) == 0 for 1h"
warning = "last(up, 5m) == 0 for 5m"
keep_firing_for = "10m30s"
every = "30s"
summary = "Instance `instance` at {last(up, 5m)} {{down}}"
playbook = "https://wiki/{{x"
tags = { site = "x", team = "a" }
"#;
    assert!(imported.text.ends_with(wanted), "{}", imported.text);
}

/// Conditions of the exportable part, without what has more than one way to be said.
fn conditions() -> impl Strategy<Value = String> {
    let metric = prop::sample::select(vec!["x", "y{a=\"b\"}", "z{c=~\"d.*\",e!=\"f\"}"]);
    let window = prop::sample::select(vec!["5m", "1h30m", "7d"]);
    let ago = prop::sample::select(vec!["", ", 7d ago"]);
    let function =
        prop::sample::select(vec!["count", "sum", "mean", "min", "max", "p95", "p99.9", "stddev", "last", "rate", "increase", "delta"]);
    let call = (function, metric.clone(), window.clone(), ago).prop_map(|(f, m, w, ago)| format!("{f}({m}, {w}{ago})"));
    let limit = prop::sample::select(vec!["0", "-2.5", "1000000", "0.001"]);
    let sum = prop_oneof![
        3 => call.clone(),
        1 => (call.clone(), call.clone(), prop::sample::select(vec!["*", "/"])).prop_map(|(a, b, sign)| {
            // A sum over its count is read back as the mean that it is.
            let mean = sign == "/" && a.strip_prefix("sum").is_some_and(|a| b.strip_prefix("count") == Some(a));
            format!("{a} {} {b}", if mean { "*" } else { sign })
        }),
        1 => call.prop_map(|a| format!("2 * ({a} - 1)")),
    ];
    let sign = prop::sample::select(vec![">", ">=", "<", "<=", "==", "!="]);
    let test = prop_oneof![
        4 => (sum.clone(), sign, limit).prop_map(|(a, sign, limit)| format!("{a} {sign} {limit}")),
        1 => sum.prop_map(|a| format!("{a} in 20..25")),
        1 => (metric, window).prop_map(|(m, w)| format!("not absent({m}, {w})")),
    ];
    let both = (test.clone(), test.clone(), test.clone()).prop_flat_map(|(a, b, c)| {
        prop::sample::select(vec![format!("{a} and {b}"), format!("{a} or {b} and {c}"), format!("({a} or {b}) and {c}"), a])
    });
    (both, prop::sample::select(vec!["", " for 10m"])).prop_map(|(condition, held)| condition + held)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_check_is_the_same_after_there_and_back(text in conditions(), grouped in any::<bool>(), target in 0usize..2) {
        let level = Level { status: Status::Critical, condition: parse(&text).unwrap() };
        let by = if grouped { vec!["queue".to_owned()] } else { Vec::new() };
        let check = Check { by: by.clone(), ..Check::new("c", vec![level]) };
        let target = Target::ALL[target].1;
        let units = ["x", "y", "z"].map(|metric| (metric.to_owned(), String::new())).into();
        let exported = export(&[check], &Export { target, one_series: true, units, ..Export::default() });
        prop_assert_eq!(exported.refused, vec![]);
        let imported = import(&exported.text, &Import { target, one_series: true, by, ..Import::default() });
        prop_assert_eq!(imported.refused, vec![], "{}", exported.text);
        let line = imported.text.lines().find_map(|line| line.strip_prefix("critical = ")).unwrap();
        let back = parse(line[1..line.len() - 1].replace("\\\"", "\"").as_str()).unwrap();
        prop_assert_eq!(parse(&text).unwrap().to_string(), back.to_string(), "{}", exported.text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,80}", expression in "[a-z0-9(){}\\[\\],.+*/<>=!\"'` :@-]{0,60}") {
        import(&text, &options(&[]));
        import(&file(&expression), &options(&["a"]));
        let _ = promql::parse(&expression);
    }
}
