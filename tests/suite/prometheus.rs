//! `check export prometheus` and `check import prometheus`, held against a real Prometheus.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use pipewatch::record::{SampleType, Series, Status, Tags};
use pipewatch::rule::prometheus::{Export, Import, Target, export, import};
use pipewatch::rule::{Check, Engine, Level, parse};
use pipewatch::time::{Span, Timestamp};

use crate::peers::{Server, escaped, find, free_port};
use crate::programs::project;

/// Random numbers that are the same in every run.
struct Random(u64);

impl Random {
    /// After Steele, Lea and Flood (2014), "Fast splittable pseudorandom number generators".
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// One series: its name, its tag `s`, and samples by milliseconds.
struct Made {
    metric: &'static str,
    number: usize,
    points: Vec<(i64, f64)>,
}

const BEGIN_MS: i64 = 1_699_200_000_000;

/// Counters with resets and gauges, at odd times, with gaps.
fn made(random: &mut Random) -> Vec<Made> {
    let mut all = Vec::new();
    for number in 0..1000 {
        let metric = if number % 2 == 0 { "c" } else { "g" };
        let (mut at, mut value) = (BEGIN_MS + random.below(60_000) as i64, random.unit() * 100.0);
        let interval = 5_000 + random.below(55_000);
        let mut points = Vec::new();
        while at < BEGIN_MS + 5_400_000 {
            points.push((at, value));
            value = match (metric, random.below(20)) {
                ("c", 0) => random.unit() * 5.0,
                ("c", _) => value + random.unit() * 10.0,
                _ => (random.unit() - 0.5) * 1000.0,
            };
            let gap = if random.below(25) == 0 { 600_000 } else { 0 };
            at += (interval / 2 + random.below(interval) + gap) as i64;
        }
        all.push(Made { metric, number, points });
    }
    all
}

fn open_metrics(all: &[Made]) -> String {
    let mut text = String::new();
    for metric in ["c", "g"] {
        for series in all.iter().filter(|series| series.metric == metric) {
            for (at, value) in &series.points {
                let _ = writeln!(text, "{metric}{{s=\"{}\"}} {value} {}.{:03}", series.number, at / 1000, at % 1000);
            }
        }
    }
    text + "# EOF\n"
}

/// A Prometheus over a folder of these samples.
fn serve(folder: &std::path::Path, text: &str, prometheus: &std::path::Path, promtool: &std::path::Path) -> Server {
    let (input, data, config) = (folder.join("in.om"), folder.join("data"), folder.join("prometheus.yml"));
    std::fs::write(&input, text).unwrap();
    std::fs::write(&config, "scrape_configs: []\n").unwrap();
    let status = Command::new(promtool).args(["tsdb", "create-blocks-from", "openmetrics"]).arg(&input).arg(&data).output().unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    let port = free_port();
    let child = Command::new(prometheus)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", data.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--storage.tsdb.retention.time=100y")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Server::ready(child, port, "/-/ready")
}

/// The value for each `s` that a query has at an instant.
fn asked(server: &Server, query: &str, at_ms: i64) -> BTreeMap<usize, f64> {
    let path = format!("/api/v1/query?query={}&time={}.{:03}", escaped(query), at_ms / 1000, at_ms % 1000);
    let answer: serde_json::Value = serde_json::from_str(&server.get(&path).unwrap()).unwrap();
    let result = answer["data"]["result"].as_array().unwrap();
    let number = |item: &serde_json::Value| item["metric"]["s"].as_str().unwrap().parse().unwrap();
    result.iter().map(|item| (number(item), item["value"][1].as_str().unwrap().parse().unwrap())).collect()
}

fn millis(at: i64) -> Timestamp {
    Timestamp::from_nanos(at * 1_000_000)
}

fn level(status: Status, condition: &str) -> Level {
    Level { status, condition: parse(condition).unwrap() }
}

fn series(metric: &str, tags: &[(&str, String)], kind: SampleType) -> Arc<Series> {
    let mut all = Tags::new();
    for (key, value) in tags {
        all.set(*key, value.clone());
    }
    Arc::new(Series { metric: metric.to_owned(), tags: all, kind, ..Series::default() })
}

/// The value for each `s` that sums of ours have at an instant, sum by sum.
fn reckoned(all: &[Made], sums: &[String], at_ms: i64) -> Vec<BTreeMap<usize, f64>> {
    let check = |sum: &String| {
        let mut check = Check::new(sum.clone(), vec![level(Status::Critical, &format!("{sum} > -1e300"))]);
        check.by = vec!["s".to_owned()];
        check
    };
    let mut engine = Engine::new(sums.iter().map(check).collect());
    engine.advance(millis(at_ms));
    for made in all {
        let kind = if made.metric == "c" { SampleType::Counter } else { SampleType::Gauge };
        let Some(slot) = engine.slot(&series(made.metric, &[("s", made.number.to_string())], kind)).unwrap() else { continue };
        for (at, value) in made.points.iter().filter(|(at, _)| *at <= at_ms) {
            engine.add(slot, millis(*at), *value, 1.0).unwrap();
        }
    }
    let mut values: BTreeMap<String, BTreeMap<usize, f64>> = BTreeMap::new();
    for judgement in engine.judge(millis(at_ms)).unwrap() {
        let verdict = judgement.verdict;
        if let (Some(value), Some(number)) = (verdict.value, verdict.tags.get("s")) {
            values.entry(verdict.check).or_default().insert(number.parse().unwrap(), value);
        }
    }
    sums.iter().map(|sum| values.remove(sum).unwrap_or_default()).collect()
}

/// What an increase of Prometheus 2.42 is multiplied by to be one of Prometheus from 2.52 on.
///
/// Both reach back by half an interval where the window's begin is 1.1 intervals away or more, and to
/// no earlier than where the counter would have been zero. The older one looks for zero first: where
/// that is nearer than the begin, and less than 1.1 intervals away, it reaches back to there, which
/// may be more than half an interval.
fn nearer_to_zero(points: &[(i64, f64)], ours: &str, at: i64) -> f64 {
    let (window, ago) = if ours.contains("17m") { (1_020_000, 600_000) } else { (300_000, 0) };
    let (start, end) = (at - ago - window, at - ago);
    let within: Vec<(i64, f64)> = points.iter().copied().filter(|(then, _)| (start..=end).contains(then)).collect();
    let ((first, begin), (last, _)) = (within[0], within[within.len() - 1]);
    let raw: f64 = within.windows(2).map(|pair| if pair[1].1 < pair[0].1 { pair[1].1 } else { pair[1].1 - pair[0].1 }).sum();
    let sampled = (last - first) as f64;
    let interval = sampled / (within.len() - 1) as f64;
    let (to_start, to_zero, to_end) = ((first - start) as f64, sampled * begin / raw, (end - last) as f64);
    let reach = |gap: f64| if gap >= interval * 1.1 { interval / 2.0 } else { gap };
    let older = sampled + reach(to_start.min(to_zero)) + reach(to_end);
    let newer = sampled + reach(to_start).min(to_zero) + reach(to_end);
    newer / older
}

#[test]
fn functions_over_a_thousand_random_series_equal_those_of_prometheus() {
    let test = "functions_over_a_thousand_random_series_equal_those_of_prometheus";
    let (Some(prometheus), Some(promtool)) = (find(test, "prometheus"), find(test, "promtool")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(7);
    let all = made(&mut random);
    let server = serve(folder.path(), &open_metrics(&all), &prometheus, &promtool);
    let n = |m: &str| format!("count_over_time({m}[5m])");
    let queries: Vec<(String, String)> = [("c", "rate"), ("c", "increase"), ("g", "delta")]
        .map(|(m, f)| (format!("{f}({m}, 5m)"), format!("{f}({m}[5m])")))
        .into_iter()
        .chain(["count", "sum", "min", "max", "last"].map(|f| (format!("{f}(g, 5m)"), format!("{f}_over_time(g[5m])"))))
        .chain([0.5, 0.95, 0.999].map(|q| (format!("p{}(g, 5m)", q * 100.0), format!("quantile_over_time({q}, g[5m])"))))
        .chain([
            ("mean(g, 5m)".to_owned(), "avg_over_time(g[5m])".to_owned()),
            ("stddev(g, 5m)".to_owned(), format!("stddev_over_time(g[5m]) * sqrt({} / ({} - 1 > 0))", n("g"), n("g"))),
            ("rate(c, 17m, 10m ago)".to_owned(), "rate(c[17m] offset 10m)".to_owned()),
        ])
        .collect();
    let sums: Vec<String> = queries.iter().map(|(ours, _)| ours.clone()).collect();
    let times: BTreeSet<i64> = all.iter().flat_map(|series| series.points.iter().map(|(at, _)| *at)).collect();
    let (mut compared, mut worst) = (0usize, 0f64);
    for _ in 0..8 {
        let at = BEGIN_MS + 1_200_000 + random.below(4_000_000) as i64;
        // On a border the two windows differ by intent.
        if [0, 300_000, 600_000, 1_620_000].iter().any(|back| times.contains(&(at - back))) {
            continue;
        }
        for ((ours, query), found) in queries.iter().zip(reckoned(&all, &sums, at)) {
            let theirs = asked(&server, query, at);
            assert_eq!(found.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{ours} at {at}");
            for (number, value) in &found {
                let mut other = theirs[number];
                if ours.starts_with("rate") || ours.starts_with("increase") {
                    other *= nearer_to_zero(&all[*number].points, ours, at);
                }
                let error = (value - other).abs() / other.abs().max(1e-3);
                assert!(error < 1e-9, "{ours} of series {number} at {at}: {value}, Prometheus says {other}");
                worst = worst.max(error);
                compared += 1;
            }
        }
    }
    assert!(compared > 20_000, "only {compared} values were compared");
    println!("{compared} values compared, the worst relative error {worst:e}");
}

/// The instants of a minute's grid at which each alert fires, by severity and group.
type Firing = BTreeMap<(i64, String, Status), BTreeSet<String>>;

const MINUTES: i64 = 240;

/// A series of a value a minute, some missing.
struct Minutes {
    metric: &'static str,
    queue: &'static str,
    kind: SampleType,
    values: Vec<Option<f64>>,
}

/// A series; a counter falls to `reset`.
fn minutes(random: &mut Random, metric: &'static str, queue: &'static str, reset: f64) -> Minutes {
    let kind = if metric == "c" { SampleType::Counter } else { SampleType::Gauge };
    let (mut value, mut speed, mut missing) = (5000.0, 5.0, 0);
    let mut values = Vec::new();
    for minute in 0..MINUTES {
        // Levels hold for a while, so that nothing flaps.
        speed = if random.below(25) == 0 { random.below(21) as f64 } else { speed };
        // A group is known from the first minute on: the engine is told of all samples beforehand.
        missing = if minute > 0 && random.below(60) == 0 { 3 + random.below(15) } else { missing };
        value = match kind {
            SampleType::Counter if random.below(40) == 0 => reset,
            SampleType::Counter => value + speed + random.below(3) as f64,
            _ => speed,
        };
        values.push((missing == 0).then_some(value));
        missing = missing.saturating_sub(1);
    }
    Minutes { metric, queue, kind, values }
}

/// Checks of every sort that can be exported, once a minute.
fn checks() -> Vec<Check> {
    let mut all = Vec::new();
    for (number, (condition, by)) in [
        ("sum(g, 5m) > 60", false),
        ("count(g, 10m) < 15", false),
        ("mean(g, 5m) > 10 for 5m", true),
        ("min(g, 5m) < 3 and max(g, 10m) > 10", false),
        ("max(g, 5m) > 15 or min(g, 5m) < 2 for 3m", true),
        ("p95(g, 10m) in 8..14", true),
        ("last(g, 5m) not in 4..16 for 2m", true),
        ("not (last(g, 5m) > 5)", true),
        ("increase(c, 10m) / count(c, 10m) > 8.03", true),
        ("rate(c, 10m) > 0.1513 for 4m", true),
        ("absent(g{queue=a}, 4m)", false),
        ("age(g) > 3m", true),
        ("age(g) >= 3m for 2m", true),
        ("age(g) < 2m and last(g, 2m) > 12", true),
        ("mean(g, 10m) > 1.5 * mean(g, 10m, 30m ago)", true),
        ("sum(g, 5m) > 20 unless last(h, 5m) > 10", true),
        ("absent(g, 3m) or last(g, 5m) == 0", true),
        ("stddev(g, 10m) > 2", true),
    ]
    .into_iter()
    .enumerate()
    {
        let mut check = Check::new(format!("check-{number}"), vec![level(Status::Critical, condition)]);
        check.by = if by { vec!["queue".to_owned()] } else { Vec::new() };
        check.every = Span::from_secs(60);
        all.push(check);
    }
    let mut two = Check::new("two", vec![level(Status::Critical, "last(g, 5m) > 15"), level(Status::Warning, "last(g, 5m) > 8 for 3m")]);
    (two.by, two.every) = (vec!["queue".to_owned()], Span::from_secs(60));
    let mut none = Check::new("none", vec![level(Status::Critical, "last(g{queue=a}, 3m) > 15")]);
    (none.no_data, none.every) = (Status::Critical, Span::from_secs(60));
    all.extend([two, none]);
    all
}

/// Each level as a check of its own: there the warning fires beside what is critical.
fn apart(checks: &[Check]) -> Vec<Check> {
    let one = |check: &Check, level: &Level| Check { levels: vec![level.clone()], ..check.clone() };
    checks.iter().flat_map(|check| check.levels.iter().map(move |level| one(check, level))).collect()
}

/// When the engine fires.
fn fires(checks: &[Check], all: &[Minutes]) -> Firing {
    let mut engine = Engine::new(checks.to_vec());
    engine.resume(Timestamp::from_nanos(-1));
    engine.advance(millis(MINUTES * 60_000));
    for made in all {
        let series = series(made.metric, &[("queue", made.queue.to_owned())], made.kind);
        let Some(slot) = engine.slot(&series).unwrap() else { continue };
        for (minute, value) in made.values.iter().enumerate() {
            if let Some(value) = value {
                engine.add(slot, millis(minute as i64 * 60_000), *value, 1.0).unwrap();
            }
        }
    }
    let mut firing = Firing::new();
    engine.run(Timestamp::from_nanos(0), millis(MINUTES * 60_000), &mut |engine, outcome| {
        if matches!(outcome.status, Status::Warning | Status::Critical) {
            let key = (outcome.at.nanos() / 60_000_000_000, engine.check(outcome.rule).name.clone(), outcome.status);
            let queue = engine.group(outcome.rule, outcome.group).get("queue").unwrap_or_default().to_owned();
            firing.entry(key).or_default().insert(queue);
        }
    });
    firing
}

/// A file for `promtool test rules` that expects these alerts, and no others.
fn unit_test(checks: &[Check], all: &[Minutes], firing: &Firing) -> String {
    let mut text = String::from("rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n");
    for made in all {
        let values: Vec<String> = made.values.iter().map(|value| value.map_or_else(|| "_".to_owned(), |value| value.to_string())).collect();
        let _ = writeln!(text, "  - series: '{}{{queue=\"{}\"}}'\n    values: '{}'", made.metric, made.queue, values.join(" "));
    }
    text.push_str("  alert_rule_test:\n");
    for minute in 0..MINUTES {
        for check in checks {
            let _ = writeln!(text, "  - eval_time: {minute}m\n    alertname: {}\n    exp_alerts:", check.name);
            let mut any = false;
            for status in [Status::Critical, Status::Warning] {
                for queue in firing.get(&(minute, check.name.clone(), status)).into_iter().flatten() {
                    any = true;
                    let queue = if queue.is_empty() { String::new() } else { format!(", queue: {queue}") };
                    let _ = writeln!(text, "    - exp_labels: {{severity: {}{queue}}}", status.name());
                }
            }
            if !any {
                text.truncate(text.len() - 1);
                text.push_str(" []\n");
            }
        }
    }
    text
}

#[test]
fn exported_rules_fire_at_the_same_instants_under_promtool() {
    let test = "exported_rules_fire_at_the_same_instants_under_promtool";
    let Some(promtool) = find(test, "promtool") else { return };
    let checks = checks();
    let options = Export {
        target: Target::Prometheus2,
        one_series: true,
        look_back: Some(Span::from_secs(86_400)),
        units: [("g".to_owned(), "1".to_owned()), ("c".to_owned(), "1".to_owned())].into(),
    };
    let exported = export(&checks, &options);
    assert_eq!(exported.refused, []);
    // What the annotations say is another matter than when they are sent.
    let annotation = |line: &&str| !line.starts_with("        annotations:") && !line.starts_with("          summary:");
    let rules = exported.text.lines().filter(annotation).collect::<Vec<_>>().join("\n");
    let mut fired: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..4 {
        let mut random = Random(seed);
        let series = [("g", "a"), ("g", "b"), ("g", "c"), ("c", "a"), ("c", "b"), ("h", "a"), ("h", "b")];
        // Resets stay far from zero, where Prometheus before 2.52 reaches too far back.
        let all: Vec<Minutes> = series.into_iter().map(|(metric, queue)| minutes(&mut random, metric, queue, 4000.0)).collect();
        let firing = fires(&apart(&checks), &all);
        for ((_, name, _), groups) in &firing {
            *fired.entry(name.clone()).or_default() += groups.len();
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rules.yml"), &rules).unwrap();
        std::fs::write(folder.path().join("test.yml"), unit_test(&checks, &all, &firing)).unwrap();
        let output = Command::new(&promtool).args(["test", "rules", "test.yml"]).current_dir(folder.path()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "seed {seed}: {}\n{rules}", told.chars().take(6000).collect::<String>());
    }
    let silent: Vec<&String> = checks.iter().map(|check| &check.name).filter(|name| !fired.contains_key(*name)).collect();
    assert!(silent.is_empty(), "never fired: {silent:?}");
    println!("{} checks fired at {} instants, all alike", checks.len(), fired.values().sum::<usize>());
}

#[test]
fn rule_files_of_promtool_are_imported_as_far_as_can_be() {
    let folder = project().join("tests/data/promtool");
    let options = Import { by: vec!["instance".into(), "job".into()], ..Import::default() };
    let mut found = Vec::new();
    for name in ["rules.yml", "rules_duplicates.yml", "rules_extrafields.yml", "at-modifier.yml", "negative-offset.yml"] {
        let imported = import(&std::fs::read_to_string(folder.join(name)).unwrap(), &options);
        let (read, all) = imported.alerts;
        found.push(format!("{name}: {read} of {all} alerts"));
        found.extend(imported.refused.iter().map(|refused| format!("  {refused}")));
        for line in imported.text.lines().filter_map(|line| line.strip_prefix("critical = ")) {
            assert!(parse(line.trim_matches(['"', '\''])).is_ok(), "{line}");
        }
    }
    let wanted = "\
rules.yml: 2 of 2 alerts
  19:17: `job:test:count_over_time1m` is a recording rule; a check reads what is recorded
  23:17: `fixed_data` is a recording rule; a check reads what is recorded
  27:17: `suquery_interval_test` is a recording rule; a check reads what is recorded
rules_duplicates.yml: 0 of 0 alerts
  6:17: `job:test:count_over_time1m` is a recording rule; a check reads what is recorded
  10:17: `fixed_data` is a recording rule; a check reads what is recorded
  14:17: `suquery_interval_test` is a recording rule; a check reads what is recorded
  18:17: `job:test:count_over_time1m` is a recording rule; a check reads what is recorded
  23:17: `job:test:count_over_time1m` is a recording rule; a check reads what is recorded
rules_extrafields.yml: 0 of 2 alerts
  7:5: the key `namespace` of a group can't be said here
  21:5: the key `ownership` of a group can't be said here
at-modifier.yml: 0 of 0 alerts
  6:17: `x` is a recording rule; a check reads what is recorded
negative-offset.yml: 0 of 0 alerts
  6:17: `x` is a recording rule; a check reads what is recorded";
    assert_eq!(found.join("\n"), wanted);
}

#[test]
fn unit_tests_of_promtool_come_out_alike() {
    let folder = tempfile::tempdir().unwrap();
    let check = |arguments: &[&str]| crate::programs::in_process(&pipewatch::cli::check::TOOL, arguments, "");
    let data = project().join("tests/data/promtool");
    let given = |name: &str| data.join(name).to_str().unwrap().to_owned();
    let kept = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let imported = |by: &str| check(&["import", "prometheus", "--partial", "--by", by, &given("rules.yml")]).1;
    kept("check.toml", &imported("instance,job"));
    let mut told = Vec::new();
    for name in ["unittest.yml", "failing.yml", "long-period.yml", "rules_run.yml", "start-time-test.yml"] {
        let (_, tests, err) = check(&["import", "prometheus", "--partial", &given(name)]);
        told.push(err.lines().last().unwrap().rsplit("promtool/").next().unwrap().to_owned());
        kept(name, &tests);
    }
    let wanted = [
        "unittest.yml: 4 of 26 expectations can be said here",
        "failing.yml: 3 of 4 expectations can be said here",
        "long-period.yml: 0 of 4 expectations can be said here",
        "rules_run.yml: 0 of 2 expectations can be said here",
        "start-time-test.yml: 0 of 9 expectations can be said here",
    ];
    assert_eq!(told, wanted);
    let run = |name: &str| check(&["test", folder.path().join(name).to_str().unwrap()]);
    let (code, _, err) = run("unittest.yml");
    assert_eq!((code, err.as_str()), (0, "check: 1 passed, 0 failed\n"));
    // Of the file that fails, every alert fails: one that no rule makes, and two that nobody expects.
    let (code, _, err) = run("failing.yml");
    assert_eq!(code, 3);
    assert!(err.contains("there is no check `Test` in the rules"), "{err}");
    // Its series has one label only, and a series without a label of `by` is no group here.
    kept("check.toml", &(imported("job") + "\n[Test]\ncritical = \"1 == 2\"\n"));
    let (code, out, err) = run("failing.yml");
    assert_eq!(code, 1, "{err}");
    assert!(err.ends_with("check: 0 passed, 2 failed\n"), "{err}");
    for alert in ["Test", "InstanceDown", "AlwaysFiring"] {
        assert!((out.clone() + &err).contains(alert), "{alert}: {out}{err}");
    }
    let test = "unit_tests_of_promtool_come_out_alike";
    let Some(promtool) = find(test, "promtool") else { return };
    let output = Command::new(promtool).args(["test", "rules", "failing.yml"]).current_dir(&data).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    for alert in ["Test, time: 0s", "InstanceDown, time: 5m", "AlwaysFiring, time: 5m"] {
        assert!(text.contains(&format!("alertname: {alert}")), "{text}");
    }
}

#[test]
fn the_program_takes_rules_there_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let check = |arguments: &[&str], stdin: &str| crate::programs::in_process(&pipewatch::cli::check::TOOL, arguments, stdin);
    let rules = file("check.toml", "[depth]\nby = [\"queue\"]\ncritical = \"sum(queue.depth, 5m) > 90s for 5m\"\nevery = \"30s\"\n");
    let (code, out, err) = check(&["export", "prometheus", "-f", &rules], "");
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(err.contains("check: depth: critical:24: the unit of `queue.depth` is not known, which `1m30s` needs\nhint: "), "{err}");
    assert!(err.contains("nothing was written"), "{err}");
    let (code, out, err) = check(&["export", "prometheus", "-f", &rules, "--unit", "queue.depth=ms"], "");
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("expr: 'sum by (queue) (sum_over_time(queue_depth{queue!=\"\"}[5m])) > 90000'"), "{out}");
    let (code, back, err) = check(&["import", "prometheus", "-"], &out);
    assert_eq!((code, err.as_str()), (0, "check: stdin: 1 of 1 alerts can be said here\n"));
    assert!(back.contains("[depth]\nby = [\"queue\"]\ncritical = \"sum(queue_depth, 5m) > 90000 for 5m\"\nevery = \"30s\"\n"), "{back}");
    // What was written is a file that `check` itself takes.
    let (code, _, err) = check(&["lint", "-f", &file("back.toml", &back)], "");
    assert!(code < 3, "{err}");
    let (code, out, err) =
        check(&["import", "prometheus", "-", "--partial"], "groups:\n- name: a\n  rules:\n  - alert: b\n    expr: up == 0\n");
    assert_eq!((code, out.as_str()), (3, "# Written by check import.\n"));
    assert!(err.contains("check: stdin:5:11: `up` fires for each series"), "{err}");
}

/// Where minute 0 of the made series stands for a store that keeps nothing of 1970.
const REPLAY_S: i64 = 1_699_200_000;

/// A VictoriaMetrics that holds these series.
fn store(folder: &std::path::Path, program: &std::path::Path, all: &[Minutes]) -> Server {
    let port = free_port();
    let child = Command::new(program)
        .arg(format!("-storageDataPath={}", folder.join("data").display()))
        .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
        .args(["-retentionPeriod=100y", "-search.latencyOffset=0s", "-search.disableCache"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server::ready(child, port, "/health");
    let mut text = String::new();
    for made in all {
        for (minute, value) in made.values.iter().enumerate().filter_map(|(minute, value)| Some((minute as i64, (*value)?))) {
            let _ = writeln!(text, "{}{{queue=\"{}\"}} {value} {}", made.metric, made.queue, (REPLAY_S + minute * 60) * 1000);
        }
    }
    server.post("/api/v1/import/prometheus", &text).unwrap();
    server.get("/internal/force_flush").unwrap();
    server
}

/// Has vmalert judge the stored hours again; the instants at which its alerts fired.
fn replayed(vmalert: &std::path::Path, rules: &std::path::Path, server: &Server) -> Firing {
    let url = format!("http://127.0.0.1:{}", server.port);
    let output = Command::new(vmalert)
        .arg(format!("-rule={}", rules.display()))
        .arg(format!("-datasource.url={url}"))
        .arg(format!("-remoteWrite.url={url}"))
        .arg(format!("-replay.timeFrom={}", Timestamp::from_nanos(REPLAY_S * 1_000_000_000)))
        .arg(format!("-replay.timeTo={}", Timestamp::from_nanos((REPLAY_S + MINUTES * 60) * 1_000_000_000)))
        .args(["-replay.disableProgressBar", "-replay.rulesDelay=0s", "-replay.maxDatapointsPerQuery=10000", "-datasource.queryStep=1m"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    server.get("/internal/force_flush").unwrap();
    let text = server.get(&format!("/api/v1/export?match[]={}", escaped("ALERTS{alertstate=\"firing\"}"))).unwrap();
    let mut firing = Firing::new();
    for line in text.lines() {
        let alert: serde_json::Value = serde_json::from_str(line).unwrap();
        let label = |name: &str| alert["metric"][name].as_str().unwrap_or_default().to_owned();
        let status = if label("severity") == "critical" { Status::Critical } else { Status::Warning };
        for at in alert["timestamps"].as_array().unwrap() {
            let minute = (at.as_i64().unwrap() / 1000 - REPLAY_S) / 60;
            // It has the selector's labels, which the export tells.
            let queue = if label("alertname") == "check-10" { String::new() } else { label("queue") };
            if minute < MINUTES {
                firing.entry((minute, label("alertname"), status)).or_default().insert(queue);
            }
        }
    }
    firing
}

#[test]
fn exported_rules_fire_at_the_same_instants_in_a_replay_of_vmalert() {
    let test = "exported_rules_fire_at_the_same_instants_in_a_replay_of_vmalert";
    let (Some(vmalert), Some(metrics)) = (find(test, "vmalert"), find(test, "victoria-metrics")) else { return };
    let checks: Vec<Check> = checks().into_iter().map(|check| Check { extrapolate: false, ..check }).collect();
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yml");
    std::fs::write(&rules, export(&checks, &of_one_series()).text).unwrap();
    let mut random = Random(11);
    let series = [("g", "a"), ("g", "b"), ("g", "c"), ("c", "a"), ("c", "b"), ("h", "a"), ("h", "b")];
    // Resets go far down: a fall by less than an eighth is none for VictoriaMetrics.
    let all: Vec<Minutes> = series.into_iter().map(|(metric, queue)| minutes(&mut random, metric, queue, 400.0)).collect();
    let ours = fires(&apart(&checks), &all);
    let theirs = replayed(&vmalert, &rules, &store(folder.path(), &metrics, &all));
    let apart = |one: &Firing, other: &Firing| {
        one.iter()
            .filter(|(key, groups)| other.get(key) != Some(groups))
            .map(|(key, groups)| format!("{key:?} {groups:?}"))
            .collect::<Vec<_>>()
    };
    assert_eq!((apart(&ours, &theirs), apart(&theirs, &ours)), (Vec::new(), Vec::new()));
    println!("{} checks, {} instants, all alike", checks.len(), ours.values().map(BTreeSet::len).sum::<usize>());
}

/// What is promised of the made series to VictoriaMetrics.
fn of_one_series() -> Export {
    Export {
        target: Target::VictoriaMetrics,
        one_series: true,
        look_back: Some(Span::from_secs(86_400)),
        units: [("g".to_owned(), "1".to_owned()), ("c".to_owned(), "1".to_owned())].into(),
    }
}

#[test]
fn exported_rules_are_taken_by_vmalert() {
    let test = "exported_rules_are_taken_by_vmalert";
    let Some(vmalert) = find(test, "vmalert") else { return };
    let checks: Vec<Check> = checks().into_iter().map(|check| Check { extrapolate: false, ..check }).collect();
    let exported = export(&checks, &of_one_series());
    assert_eq!(exported.refused, []);
    assert!(exported.text.contains("increase_prometheus(c{queue!=\"\"}[10m])"), "{}", exported.text);
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yml");
    std::fs::write(&rules, &exported.text).unwrap();
    let output = Command::new(vmalert).arg(format!("-rule={}", rules.display())).arg("-dryRun").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
