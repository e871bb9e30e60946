//! `check suggest`: which metrics matter, and which limits.

use std::fmt::Write;
use std::path::Path;

use pipewatch::cli::check::TOOL;
use pipewatch::ndjson::write;
use pipewatch::record::{Record, Sample, Series};
use pipewatch::time::{Span, Timestamp};

use crate::programs::{in_process, project};

#[path = "../../examples/ci-service/history.rs"]
mod history;

use history::{Plan, generate, incidents};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn suggest(arguments: &[&str]) -> (u8, String, String) {
    let arguments: Vec<&str> = std::iter::once("suggest").chain(arguments.iter().copied()).collect();
    in_process(&TOOL, &arguments, "")
}

/// Ranks by place: the rank, the standing and the metric with the tags of each line.
fn ranking(path: &Path, more: &[&str]) -> Vec<(usize, String, serde_json::Value)> {
    let mut arguments = vec!["--format", "ndjson"];
    arguments.extend(more);
    arguments.push(path.to_str().unwrap());
    let (code, out, told) = suggest(&arguments);
    assert_eq!(code, 0, "{told}");
    let line = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        pipewatch::ndjson::decode(line.as_bytes()).unwrap();
        let rank = record["suggest"]["rank"].as_u64().unwrap() as usize;
        (rank, record["suggest"]["standing"].as_str().unwrap().to_owned(), record["tags"].clone())
    };
    out.lines().map(line).collect()
}

/// The part of PetShop in tests/data as records, with series planted that must never rank.
fn petshop(path: &Path) -> usize {
    let file = project().join("tests/data/petshop/metrics.csv");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(file).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.unwrap()).collect();
    let mut out = Vec::new();
    let mut chance = 1u64;
    let mut noise = || {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) as f64 / (1u64 << 31) as f64
    };
    for row in &rows[3..] {
        let ts = Timestamp::from_epoch_text(&row[0]).unwrap();
        let mut put = |series: Series, value: f64| write(&mut out, &Record::Sample(Sample::new(ts, series, value)));
        for column in 1..row.len() {
            let Ok(value) = row[column].parse::<f64>() else { continue };
            let [service, metric, statistic] = [0, 1, 2].map(|heading: usize| &rows[heading][column]);
            put(Series::new(metric).tag("service", service).tag("statistic", statistic), value);
            if (service, metric, statistic) == ("PetSite", "latency", "Average") {
                put(Series::new("planted.copy").tag("service", "PetSite"), value);
                put(Series::new("planted.scaled"), 7.0 + 1000.0 * value);
            }
        }
        put(Series::new("planted.constant"), 4.0);
        put(Series::new("planted.noise.latency"), 0.1 + noise());
        put(Series::new("planted.noise"), noise() + noise());
    }
    std::fs::write(path, out).unwrap();
    rows[0].len() - 1
}

#[test]
fn what_users_felt_ranks_first_and_what_is_planted_does_not_rank() {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("petshop.ndjson");
    let series = petshop(&path);
    let ranking = ranking(&path, &[]);
    assert_eq!(ranking.len(), series + 5);
    let best = ranking
        .iter()
        .find(|(_, _, tags)| tags["service"] == "PetSite" && (tags["metric"] == "latency" || tags["metric"] == "availability"))
        .unwrap();
    assert!(best.0 <= series / 20, "PetSite has rank {} of {series}", best.0);
    let planted: Vec<_> = ranking.iter().filter(|(_, _, tags)| tags["metric"].as_str().unwrap().starts_with("planted")).collect();
    assert_eq!(planted.len(), 5);
    for (rank, standing, tags) in planted {
        assert!(*rank > 10 && standing != "ranked", "{tags} has rank {rank}: {standing}");
    }
}

/// Four weeks of the CI service in a file, its gauges every five minutes.
fn ci(work: &Path) -> (Plan, String) {
    let plan = Plan { weeks: 4, every: Span::from_secs(300), seed: 1, start: at("2026-10-05T00:00:00Z") };
    let mut lines = Vec::new();
    generate(&plan, &mut |record| write(&mut lines, &record));
    let path = work.join("ci.ndjson");
    std::fs::write(&path, lines).unwrap();
    (plan, path.to_str().unwrap().to_owned())
}

/// The first alert of each incident, and how many alerts belong to none.
fn judged(rules: &str, history: &str, plan: &Plan) -> (Vec<Option<Timestamp>>, usize) {
    let (code, out, told) = in_process(&TOOL, &["backtest", "-f", rules, "--late", "10m", "--format", "ndjson", history], "");
    assert_eq!(code, 0, "{told}");
    let mut open = std::collections::BTreeMap::new();
    let mut alerts: Vec<(Timestamp, Timestamp)> = Vec::new();
    for line in out.lines() {
        let Record::Verdict(verdict) = pipewatch::ndjson::decode(line.as_bytes()).unwrap() else { continue };
        let key = (verdict.check.clone(), verdict.tags.clone());
        match verdict.status.code() {
            1 | 2 => drop(open.entry(key).or_insert(verdict.ts)),
            0 => alerts.extend(open.remove(&key).map(|begin| (begin, verdict.ts))),
            _ => {}
        }
    }
    alerts.extend(open.into_values().map(|begin| (begin, Timestamp::MAX)));
    let belongs = |(begin, end): &(Timestamp, Timestamp), incident: &history::Incident| *begin <= incident.over && *end >= incident.from;
    let of = incidents(plan);
    let first = of.iter().map(|incident| alerts.iter().filter(|alert| belongs(alert, incident)).map(|alert| alert.0).min()).collect();
    let others = alerts.iter().filter(|alert| !of.iter().any(|incident| belongs(alert, incident))).count();
    (first, others)
}

#[test]
fn what_is_proposed_for_the_ci_service_finds_its_incidents_no_later_than_rules_written_by_hand() {
    let work = tempfile::tempdir().unwrap();
    let (plan, history) = ci(work.path());
    let rules = work.path().join("proposed.toml");
    let rules = rules.to_str().unwrap();
    let (code, out, told) = suggest(&["-o", rules, "--top", "1", &history]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("checks proposed"), "{told}");
    let soul = out.lines().nth(1).unwrap();
    assert!(
        ["build.wait", "build.duration", "build.failed", "http.latency", "http.errors"].iter().any(|felt| soul.contains(felt)),
        "{soul}"
    );

    let by_hand = project().join("examples/ci-service/check.toml");
    let (ours, others) = judged(rules, &history, &plan);
    let (theirs, _) = judged(by_hand.to_str().unwrap(), &history, &plan);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert!(ours.is_some() && theirs.is_some() && ours <= theirs, "{ours:?}, by hand {theirs:?}");
    }
    assert!(others <= 4, "{others} false alarms in four weeks");

    let text = std::fs::read_to_string(rules).unwrap();
    for part in [
        "what you should watch",
        "what you could watch",
        "what is not worth a check",
        "Never moved: ",
        "broker.queues",
        "Repeat another: ",
        "false alerts a week",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let (code, _, told) = in_process(&TOOL, &["lint", "-f", rules], "");
    assert_eq!(code, 0, "{told}");
}

/// A quarter of an hour of a host.
fn host() -> String {
    let mut text = String::new();
    let start = at("2026-11-22T19:00:00Z");
    for second in 0..900u32 {
        let ts = start.plus(Span::from_secs(second));
        let busy = 0.2 + 0.1 * f64::from(second % 7) / 7.0;
        for (metric, value, tags) in [
            ("cpu.used", busy, ""),
            ("disk.used", 0.4, ",\"mount\":\"/\""),
            ("memory.used", 0.5 + busy / 100.0, ""),
            ("collect.up", 1.0, ""),
        ] {
            let unit = if metric == "collect.up" { "" } else { ",\"unit\":\"1\"" };
            writeln!(text, "{{\"ts\":\"{ts}\",\"metric\":\"{metric}\",\"value\":{value}{unit},\"tags\":{{\"host\":\"vm\"{tags}}}}}")
                .unwrap();
        }
    }
    text
}

#[test]
fn a_short_history_is_called_so_and_gets_the_limits_that_everybody_should_have() {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("h.ndjson");
    std::fs::write(&path, host()).unwrap();
    let (code, out, told) = suggest(&[path.to_str().unwrap()]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("too short for limits of its own"), "{told}");
    assert!(out.contains("CAUTION"), "{out}");
    let checks = pipewatch::rule::read("check.toml", &out).unwrap();
    let names: Vec<&str> = checks.iter().map(|check| check.name.as_str()).collect();
    for name in ["disk-used-full", "disk-used-fills", "cpu-used", "memory-used", "collect-up"] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    assert!(out.contains("USE (Gregg 2013)"), "{out}");
}

#[test]
fn the_same_records_give_the_same_file_however_they_are_cut() {
    let work = tempfile::tempdir().unwrap();
    let text = host();
    let (one, other, whole) = (work.path().join("a"), work.path().join("b"), work.path().join("c"));
    let middle = text[..text.len() / 2].rfind('\n').unwrap() + 1;
    std::fs::write(&one, &text[..middle]).unwrap();
    std::fs::write(&other, &text[middle..]).unwrap();
    std::fs::write(&whole, &text).unwrap();
    let (_, first, _) = suggest(&[other.to_str().unwrap(), one.to_str().unwrap()]);
    let (_, second, _) = suggest(&[whole.to_str().unwrap()]);
    assert_eq!(first, second);
    assert!(first.contains("[cpu-used]"));
}

#[test]
fn what_cannot_be_done_is_told_with_a_way_out() {
    let cases: [(&[&str], &str); 4] = [
        (&[], "standard input can be read only once"),
        (&["--budget", "often", "x"], "write it like `1 per week`"),
        (&["no-such-file"], "no-such-file"),
        (&["--labels", "no-such-labels", "x"], "--labels no-such-labels: cannot read"),
    ];
    for (arguments, expected) in cases {
        let (code, out, told) = suggest(arguments);
        assert_eq!((code, out.as_str()), (3, ""), "{arguments:?}");
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn names_from_outside_cannot_break_out_of_the_file() {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("h.ndjson");
    let mut lines = Vec::new();
    let start = at("2026-11-01T00:00:00Z");
    for minute in 0..5000u32 {
        let series = Series::new("it's \"odd\"] = 1 # latency").unit("ms").tag("a]\"'", "b\\ \"'");
        let value = 10.0 + f64::from(minute % 13) + if minute / 60 == 40 { 500.0 } else { 0.0 };
        write(&mut lines, &Record::Sample(Sample::new(start.plus(Span::from_secs(60 * minute)), series, value)));
    }
    std::fs::write(&path, lines).unwrap();
    let (code, out, told) = suggest(&[path.to_str().unwrap()]);
    assert_eq!(code, 0, "{told}");
    let checks = pipewatch::rule::read("check.toml", &out).unwrap_or_else(|errors| panic!("{errors:?}\n{out}"));
    assert_eq!(checks.len(), 1, "{out}");
}
