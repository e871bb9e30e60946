use super::*;
use crate::record::{Event, Tags};
use proptest::prelude::*;
use serde_json::Value as Json;

const NOW: Timestamp = Timestamp::from_nanos(1_795_376_703_000_000_000);

fn records(line: &[u8], names: NameTags) -> Result<Vec<Record>, DecodeError> {
    let mut found = Vec::new();
    let result = decode_line(line, NOW, names, &mut |record| found.push(record));
    assert!(result.is_ok() || found.is_empty(), "a refused line gave {found:?}");
    result.map(|()| found)
}

fn samples(line: &[u8], names: NameTags) -> Result<Vec<Sample>, DecodeError> {
    let sample = |record| match record {
        Record::Sample(sample) => sample,
        other => panic!("{other:?}"),
    };
    Ok(records(line, names)?.into_iter().map(sample).collect())
}

fn text<'a>(case: &'a Json, name: &str) -> Option<&'a str> {
    case.get(name).and_then(Json::as_str)
}

fn cases(file: &'static str) -> impl Iterator<Item = Json> {
    file.lines().map(|line| serde_json::from_str(line).unwrap())
}

/// The tags of `["foo:bar","baz"]`, as they are here: a tag without a value is `true`.
fn flat_tags(list: Option<&Json>) -> Tags {
    let list = list.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    list.map(|tag| tag.split_once(':').unwrap_or((tag, "true"))).collect()
}

#[test]
fn lines_are_read_as_gostatsd_reads_them() {
    for case in cases(include_str!("../../../tests/data/statsd/gostatsd_lexer.ndjson")) {
        let line = text(&case, "in").unwrap();
        let Some(expected) = case.get("out") else {
            assert!(records(line.as_bytes(), NameTags::Kept).is_err(), "{line}");
            continue;
        };
        if expected.get("event").is_some() {
            assert_eq!(records(line.as_bytes(), NameTags::Kept).unwrap(), [gostatsd_event(expected)], "{line}");
            continue;
        }
        let found = samples(line.as_bytes(), NameTags::Kept).unwrap_or_else(|error| panic!("{line}: {error}"));
        // Mapped by design: names are kept as they came, `smp gge` and not `smp_gge`.
        let name = line.split(':').next().unwrap();
        let kind = match text(expected, "type").unwrap() {
            "counter" => SampleType::Delta,
            "set" => SampleType::Set,
            _ => SampleType::Gauge,
        };
        let values: Vec<Value> = match text(expected, "string") {
            Some(member) => vec![Value::Member(member.into())],
            None => expected["values"].as_array().unwrap().iter().map(|v| Value::Number(v.as_f64().unwrap())).collect(),
        };
        assert_eq!(found.iter().map(|sample| sample.value.clone()).collect::<Vec<_>>(), values, "{line}");
        for sample in found {
            assert_eq!((sample.series.metric.as_str(), sample.series.kind, sample.ts), (name, kind, NOW), "{line}");
            assert_eq!(sample.weight, 1.0 / expected["rate"].as_f64().unwrap(), "{line}");
            assert_eq!(sample.series.tags, flat_tags(expected.get("tags")), "{line}");
        }
    }
}

fn gostatsd_event(expected: &Json) -> Record {
    let mut tags = flat_tags(expected.get("Tags"));
    let names = [("Source", "host"), ("AggregationKey", "aggregation_key")];
    for (field, tag) in names {
        text(expected, field).map(|value| tags.set(tag, value));
    }
    // Words of ours are those on the line, `low`, not gostatsd's `PriLow`.
    text(expected, "Priority").map(|value| tags.set("priority", value.trim_start_matches("Pri").to_lowercase()));
    text(expected, "AlertType").map(|value| tags.set("alert_type", value.trim_start_matches("Alert").to_lowercase()));
    let ts = expected.get("DateHappened").and_then(Json::as_i64).map_or(NOW, |s| Timestamp::from_nanos(s * 1_000_000_000));
    Record::Event(Event {
        ts,
        event: text(expected, "Title").unwrap().into(),
        text: text(expected, "Text").map(Into::into),
        link: None,
        tags,
    })
}

#[test]
fn lines_are_read_as_the_statsd_exporter_reads_them() {
    for case in cases(include_str!("../../../tests/data/statsd/statsd_exporter_lines.ndjson")) {
        // The one line in base 64 is one with a tag that is no UTF-8.
        let line = text(&case, "in").map_or(&b"foo:100|c|@0.1|#tag:\xc3\x28invalid"[..], str::as_bytes);
        let shown = String::from_utf8_lossy(line).into_owned();
        let expected = case["events"].as_array().unwrap();
        if exporter_differs(&shown) {
            continue;
        }
        let Ok(found) = samples(line, NameTags::All) else {
            assert!(expected.is_empty(), "{shown} was refused");
            continue;
        };
        assert!(!expected.is_empty(), "{shown} was read");
        let mut found: Vec<_> = found.iter().flat_map(exporter_events).collect();
        let mut expected: Vec<_> = expected.iter().map(exporter_event).collect();
        found.sort_by(|a, b| a.1.total_cmp(&b.1));
        expected.sort_by(|a, b| a.1.total_cmp(&b.1));
        assert_eq!(found, expected, "{shown}");
    }
}

/// Where this format's reading is another by design.
fn exporter_differs(line: &str) -> bool {
    // A rate that is none refuses the line, as the count would be wrong by an unknown factor.
    let bad_rate = line.contains("|@bar") || line.ends_with("|@0");
    // Several values are read with any tags and with every way of tagging switched on.
    let packed = line.starts_with("foo.[tag1=bar,tag2=baz]test:0.5:") || line.starts_with("foo.test:0.5:");
    bad_rate || packed
}

/// The name, value and tags of what the exporter gives.
type Observed = (String, f64, Tags);

/// A case's event, without the exporter's container id, which is ignored here.
fn exporter_event(event: &Json) -> Observed {
    let tags = event["labels"].as_object().unwrap().iter().filter(|(key, _)| *key != "container_id");
    (
        event["name"].as_str().unwrap().into(),
        event["value"].as_f64().unwrap(),
        tags.map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect(),
    )
}

/// A sample as the exporter would have it: timers in seconds, counters multiplied by the weight, timers
/// and histograms repeated, names and keys of letters, digits and `_`, tags without a value left out.
fn exporter_events(sample: &Sample) -> Vec<Observed> {
    let Value::Number(value) = sample.value else { panic!("{sample:?}") };
    let value = if sample.series.unit.as_deref() == Some("ms") { value / 1000.0 } else { value };
    let key = |key: &str| {
        let key = key.replace('.', "_");
        if key.starts_with(|c: char| c.is_ascii_digit()) { format!("_{key}") } else { key }
    };
    let tags: Tags = sample.series.tags.iter().filter(|(_, value)| *value != "true").map(|(k, v)| (key(k), v)).collect();
    let (value, times) = match (sample.series.kind, sample.series.metric.as_str()) {
        (SampleType::Delta, _) => (value * sample.weight, 1),
        // The one gauge with a rate: there the exporter ignores it.
        (_, "foo") if value == 3.0 => (value, 1),
        _ => (value, sample.weight as usize),
    };
    vec![(sample.series.metric.clone(), value, tags); times]
}

#[test]
fn a_sign_makes_a_gauge_relative() {
    let kinds =
        |line: &str| samples(line.as_bytes(), NameTags::Kept).unwrap().into_iter().map(|s| (s.series.kind, s.value)).collect::<Vec<_>>();
    assert_eq!(kinds("a:5|g"), [(SampleType::Gauge, Value::Number(5.0))]);
    assert_eq!(kinds("a:+5|g"), [(SampleType::Delta, Value::Number(5.0))]);
    assert_eq!(kinds("a:-5|g"), [(SampleType::Delta, Value::Number(-5.0))]);
    assert_eq!(kinds("a:-5|c"), [(SampleType::Delta, Value::Number(-5.0))]);
}

#[test]
fn a_service_check_is_a_verdict() {
    let line = b"_sc|redis.can_connect|2|d:1656581400|h:web-1|#env:dev|m:timed out | after 10s";
    let [Record::Verdict(verdict)] = &records(line, NameTags::Kept).unwrap()[..] else { panic!() };
    assert_eq!((verdict.check.as_str(), verdict.status), ("redis.can_connect", crate::record::Status::Critical));
    assert_eq!(verdict.reason.as_deref(), Some("timed out | after 10s"));
    assert_eq!(verdict.tags.to_string(), "{env=dev,host=web-1}");
    assert_eq!(verdict.ts, Timestamp::from_nanos(1_656_581_400_000_000_000));
    for bad in ["_sc|a", "_sc|a|4", "_sc||0", "_sc|a|x|m:y"] {
        assert!(records(bad.as_bytes(), NameTags::Kept).is_err(), "{bad}");
    }
}

#[test]
fn the_senders_own_tags_go_before_an_events_fields() {
    let [Record::Event(event)] = &records(b"_e{6,0}:deploy||h:a|#host:b", NameTags::Kept).unwrap()[..] else { panic!() };
    assert_eq!((event.text.as_deref(), event.tags.get("host")), (None, Some("b")));
}

#[test]
fn names_keep_their_tags_unless_told() {
    let name = |line: &str, names| samples(line.as_bytes(), names).unwrap().remove(0).series.to_string();
    assert_eq!(name("foo,k=v:1|c", NameTags::Kept), "foo,k=v");
    assert_eq!(name("foo,k=v:1|c", NameTags::Influx), "foo{k=v}");
    assert_eq!(name("foo#k=v:1|c", NameTags::Influx), "foo#k=v");
    assert_eq!(name("foo#k=v:1|c", NameTags::Librato), "foo{k=v}");
    assert_eq!(name("foo[k=v]:1|c", NameTags::SignalFx), "foo{k=v}");
    for known in NameTags::NAMES {
        assert!(NameTags::parse(known).is_some(), "{known}");
    }
}

#[test]
fn what_is_wrong_has_its_column() {
    let many = format!("a:1|c|#{}", (0..300).map(|i| format!("k{i},")).collect::<String>());
    let cases: [(&[u8], usize); 13] = [
        (b"abc", 4),
        (b":1|c", 1),
        (b"a:1", 4),
        (b"a:1|q", 5),
        (b"a:1|", 5),
        (b"a:x|c", 3),
        (b"a:1:x|c", 5),
        (b"a:|c", 3),
        (b"a:inf|g", 3),
        (b"a:1|c|#x|@2", 11),
        (b"a\x1b[2J:1|c", 1),
        (b"a\xff:1|c", 2),
        (many.as_bytes(), 1),
    ];
    for (line, column) in cases {
        assert_eq!(records(line, NameTags::All).unwrap_err().column, column, "{}", String::from_utf8_lossy(line));
    }
    assert!(records(format!("{}:1|c", "n".repeat(256)).as_bytes(), NameTags::Kept).is_err());
}

/// Samples that the DogStatsD dialect can say in full.
fn sayable() -> impl Strategy<Value = Sample> {
    let tags = proptest::collection::btree_map("[a-z_.]{1,6}", "[!-{]{0,8}", 0..4);
    ("[a-zA-Z/._-]{1,20}", tags, 0usize..4, -1e9f64..1e9, "[a-z{}#@]{1,9}", prop_oneof![Just(1.0), Just(10.0), Just(2.0)]).prop_map(
        |(metric, tags, kind, number, member, weight)| {
            let tags: Tags = tags.into_iter().map(|(k, v)| (k, v.replace(',', ";"))).collect();
            let kind = [SampleType::Gauge, SampleType::Delta, SampleType::Set, SampleType::Gauge][kind];
            let series = Series { metric, kind, unit: (kind == SampleType::Gauge).then(|| "ms".into()), tags };
            match kind {
                SampleType::Set => Sample { value: Value::Member(member), ..Sample::new(NOW, series, 0.0) },
                _ => Sample { weight, ..Sample::new(NOW, series, number) },
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(sample in sayable()) {
        let mut line = Vec::new();
        encode(&mut line, &sample, Dialect::DOGSTATSD.with_timers());
        prop_assert_eq!(samples(line.strip_suffix(b"\n").unwrap(), NameTags::Kept).unwrap(), [sample]);
    }

    #[test]
    fn no_sample_can_forge_a_line(metric in ".{1,40}", key in ".{0,10}", value in ".{0,10}", number in any::<f64>()) {
        prop_assume!(number.is_finite());
        let series = Series::new(metric).tag(key, value).kind(SampleType::Delta);
        for dialect in [Dialect::STATSD, Dialect::DOGSTATSD] {
            let mut line = Vec::new();
            encode(&mut line, &Sample::new(NOW, series.clone(), number), dialect);
            prop_assert_eq!(line.iter().filter(|b| **b == b'\n').count(), 1);
            let found = Metric::scan(line.strip_suffix(b"\n").unwrap()).unwrap();
            prop_assert_eq!(found.single(), Some(Reading::Number(number)));
        }
    }

    #[test]
    fn no_line_is_fatal(line in proptest::collection::vec(prop_oneof![any::<u8>(), proptest::sample::select(&b":|@#,c[]=_e{1}sgT"[..])], 0..60)) {
        for names in [NameTags::Kept, NameTags::All] {
            let _ = records(&line, names);
        }
    }
}
