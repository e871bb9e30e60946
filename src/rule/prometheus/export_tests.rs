//! Conditions and what they are in PromQL, side by side.

use super::*;
use crate::record::Status;
use crate::rule::{Check, Level, Summary, parse};

fn check(condition: &str, by: &[&str]) -> Check {
    let level = Level { status: Status::Critical, condition: parse(condition).unwrap() };
    Check { by: by.iter().map(|tag| (*tag).to_owned()).collect(), ..Check::new("c", vec![level]) }
}

fn options() -> Export {
    Export { one_series: true, units: [("latency".to_owned(), "ms".to_owned())].into(), ..Export::default() }
}

/// The expression of the only alert, or the first thing refused.
fn expression(check: &Check, options: &Export) -> Result<String, String> {
    let exported = export(std::slice::from_ref(check), options);
    match exported.refused.first() {
        Some(refused) => Err(refused.to_string()),
        None => {
            let line = exported.text.lines().find_map(|line| line.trim().strip_prefix("expr: ")).unwrap();
            Ok(line.trim_matches('\'').replace("''", "'"))
        }
    }
}

#[test]
fn conditions_have_their_expressions() {
    for (condition, by, written) in [
        ("count(x, 5m) > 5", &[][..], "sum(count_over_time(x[5m])) > 5"),
        ("sum(a.b{q=~\"5..\"}, 1h) < 2.5k", &["host"][..], r#"sum by (host) (sum_over_time(a_b{host!="",q=~"5.."}[1h])) < 2500"#),
        ("rate(x, 5m) == 0", &[], "sum(rate(x[5m])) == 0"),
        ("increase(a, 5m) / increase(b, 5m) > 2%", &[], "sum(increase(a[5m])) / (sum(increase(b[5m])) != 0) > 0.02"),
        ("p95(latency, 5m) > 90s", &[], "max(quantile_over_time(0.95, latency[5m])) > 90000"),
        ("stddev(x, 5m) > 1", &[], "max(stddev_over_time(x[5m]) * sqrt(count_over_time(x[5m]) / ((count_over_time(x[5m]) - 1) > 0))) > 1"),
        ("max(x, 5m, 7d ago) != -1", &[], "max(max_over_time(x[5m] offset 7d)) != -1"),
        ("not (min(x, 5m) > 1 and max(x, 5m) < 5)", &[], "min(min_over_time(x[5m])) <= 1 or max(max_over_time(x[5m])) >= 5"),
        ("last(x, 5m) in 20..25", &[], "(max(last_over_time(x[5m])) >= 20) <= 25"),
        ("last(x, 5m) not in 20..25", &[], "max(last_over_time(x[5m])) < 20 or max(last_over_time(x[5m])) > 25"),
        ("absent(x{a=b}, 26h)", &[], r#"max(absent_over_time(x{a="b"}[1d2h]))"#),
        ("not absent(x, 26h)", &["q"], r#"sum by (q) (count_over_time(x{q!=""}[1d2h]))"#),
        ("age(x) < 30m", &[], "sum(count_over_time(x[30m]))"),
        ("age(x) <= 30m", &[], "sum(count_over_time(x[30m1ms]))"),
        ("sum(x, 5m) > 1 unless sum(y, 5m) > 1", &[], "sum(sum_over_time(x[5m])) > 1 and sum(sum_over_time(y[5m])) <= 1"),
        (
            "(sum(x, 5m) > 1 or sum(y, 5m) > 1) and sum(z, 5m) > 1",
            &[],
            "(sum(sum_over_time(x[5m])) > 1 or sum(sum_over_time(y[5m])) > 1) and sum(sum_over_time(z[5m])) > 1",
        ),
        ("-sum(x, 5m) + 1 > 2 * (sum(y, 5m) - 3)", &[], "-sum(sum_over_time(x[5m])) + 1 > 2 * (sum(sum_over_time(y[5m])) - 3)"),
        ("mean(latency, 5m) > 1s for 10m", &["q"], r#"max by (q) (avg_over_time(latency{q!=""}[5m])) > 1000"#),
    ] {
        assert_eq!(expression(&check(condition, by), &options()).as_deref(), Ok(written), "{condition}");
    }
}

#[test]
fn borders_are_those_of_the_target() {
    let of = |condition: &str, target, extrapolate| {
        let check = Check { extrapolate, ..check(condition, &[]) };
        expression(&check, &Export { target, look_back: Some(Span::from_secs(86_400)), ..options() })
    };
    use Target::{Prometheus, Prometheus2, VictoriaMetrics};
    for (condition, target, extrapolate, written) in [
        ("count(x, 5m) > 5", Prometheus, true, "sum(count_over_time(x[5m])) > 5"),
        ("count(x, 5m) > 5", Prometheus2, true, "sum(count_over_time(x[4m59s999ms])) > 5"),
        ("count(x, 5m) > 5", VictoriaMetrics, true, "sum(count_over_time(x[5m])) > 5"),
        ("rate(x, 5m) > 5", VictoriaMetrics, false, "sum(increase_prometheus(x[5m])) / 300 > 5"),
        ("age(x) > 30m", Prometheus, true, "sum(count_over_time(x[1d])) unless sum(count_over_time(x[30m1ms]))"),
        ("age(x) > 30m", Prometheus2, true, "sum(count_over_time(x[23h59m59s999ms])) unless sum(count_over_time(x[30m]))"),
        ("age(x) >= 30m", Prometheus2, true, "sum(count_over_time(x[23h59m59s999ms])) unless sum(count_over_time(x[29m59s999ms]))"),
        ("x > 5", Prometheus, true, "max(last_over_time(x[1d])) > 5"),
    ] {
        assert_eq!(of(condition, target, extrapolate).as_deref(), Ok(written), "{condition} {target:?}");
    }
    assert!(of("rate(x, 5m) > 5", VictoriaMetrics, true).unwrap_err().contains("does not extend"));
    assert!(of("rate(x, 5m) > 5", Prometheus, false).unwrap_err().contains("always extends"));
}

#[test]
fn what_cannot_be_said_is_refused_by_name() {
    for (condition, by, message) in [
        ("x > 5", &[][..], "c: critical:1: `x`: `last` of the samples of several series together has no counterpart there"),
        ("p95(x, 5m) > 5", &[], "`p95` of the samples of several series together"),
        ("forecast(x, 6h, in 24h) > 5", &[], "`predict_linear` there is another estimate"),
        ("distinct(x, 5m) > 5", &[], "no such function"),
        ("sum(x, 5m) > 90s", &[], "c: critical:14: the unit of `x` is not known, which `1m30s` needs"),
        ("age(x) > 30m", &[], "how long an age is can't be known there"),
        ("absent(x, 5m)", &["q"], "which groups there are can't be known there"),
        ("sum(x, 5m) > 5 for 3 of 5 times", &[], "`3 of 5 times` can't be said there"),
        ("(sum(x, 5m) > 5 for 5m) and sum(y, 5m) > 1", &[], "`for 5m` within a condition"),
        ("sum(a*, 5m) > 5", &[], "a `*` in a name"),
        ("sum(x{a=~\"[a&&b]\"}, 5m) > 5", &[], "`&&` in a regular expression"),
        ("sum(x, 5us) > 5", &[], "finer than the milliseconds"),
        ("sum(a.b, 5m) > sum(a_b, 5m)", &[], "would both be `a_b` there"),
        ("sum(x) > 5", &[], "without a window"),
        ("sum(x{severity=a}, 5m) > 5", &[], "a meaning of its own"),
        ("first(x, 5m) > 0", &[], "no such function"),
        ("1 > 0", &[], "nothing that is measured"),
    ] {
        let found = expression(&check(condition, by), &Export::default()).unwrap_err();
        assert!(found.contains(message), "{condition}: {found}");
    }
}

#[test]
fn keys_are_carried_or_refused() {
    let mut one = check("sum(x, 5m) > 5 for 10m", &["queue"]);
    one.summary = Some(Summary::parse("{{sum}} is {sum(x, 5m)} of {sum(y{a=\"50%\"}, 5m)}, last {age(x)} ago").unwrap());
    one.playbook = Some("https://wiki/x".into());
    one.tags.set("team", "build");
    one.keep_firing_for = Span::from_secs(300);
    one.levels.push(Level { status: Status::Warning, condition: parse("sum(x, 5m) > 1").unwrap() });
    let exported = export(&[one.clone()], &Export::default());
    assert_eq!(exported.refused, []);
    let wanted = r#"groups:
  - name: every-1s
    interval: 1s
    rules:
      - alert: c
        expr: 'sum by (queue) (sum_over_time(x{queue!=""}[5m])) > 5'
        for: 10m
        keep_firing_for: 4m59s
        labels:
          severity: critical
          team: build
        annotations:
          summary: '{sum} is {{ $value | humanize }} of {{ with printf "sum by (queue) (sum_over_time(y{queue=%q,a=\"50%%\"}[5m]))" $labels.queue | query }}{{ . | first | value | humanize }}{{ end }}, last `age(x)` ago'
          runbook_url: 'https://wiki/x'
"#;
    assert!(exported.text.contains(wanted), "{}", exported.text);
    assert!(exported.notes.iter().any(|note| note.contains("a warning also fires")));
    assert!(exported.notes.iter().any(|note| note.contains("`age(x)` as it is written")));
    one.clear = Some(parse("x < 1").unwrap());
    one.needs.push("canary".into());
    one.grace = Span::from_secs(1);
    one.no_data = Status::Critical;
    one.tags.set("queue", "a");
    one.no_data_for = Span::from_secs(600);
    let places: Vec<String> = export(&[one], &Export::default()).refused.into_iter().map(|refused| refused.place).collect();
    assert_eq!(places, ["c: clear", "c: grace", "c: needs", "c: no_data_for", "c: tags", "c: no_data"]);
}

#[test]
fn no_data_fires_where_a_condition_is_neither_true_nor_false() {
    let mut one = check("sum(x, 5m) > 5", &[]);
    one.no_data = Status::Warning;
    let exported = export(&[one.clone()], &Export::default());
    let missing = "vector(1) unless (sum(sum_over_time(x[5m])) > 5 or sum(sum_over_time(x[5m])) <= 5)";
    let wanted = format!("        expr: '{missing}'\n        labels:\n          severity: warning\n");
    assert!(exported.text.contains(&wanted), "{}", exported.text);
    one.no_data = Status::Critical;
    let exported = export(&[one], &Export::default());
    let wanted = format!("        expr: 'sum(sum_over_time(x[5m])) > 5 or {missing}'\n");
    assert!(exported.text.contains(&wanted), "{}", exported.text);
}
