//! Tests of the decoder: the format's own examples, every mistake with its place, round trips.

use super::*;
use crate::ndjson::write;
use proptest::prelude::*;

/// The examples of the format's description, one of each kind.
const EXAMPLES: [&str; 7] = [
    r#"{"ts":"2026-11-22T19:45:03.250Z","metric":"build.duration","value":12.5,"unit":"s","tags":{"host":"web-1","queue":"linux"}}"#,
    r#"{"ts":"2026-11-22T19:45:03.250Z","metric":"requests","value":181233,"type":"counter","tags":{"host":"web-1"}}"#,
    r#"{"ts":"2026-11-22T19:45:00Z","metric":"build.duration","window":"10s","count":83,"sum":1041.2,"min":0.4,"max":61,"mean":12.545,"p50":9.1,"p95":40.2,"p99":58.8,"unit":"s","tags":{"queue":"linux"}}"#,
    r#"{"ts":"2026-11-22T19:44:10Z","event":"deploy","text":"api 4f2a1c to production","link":"https://ci.example/builds/812","tags":{"app":"api"}}"#,
    r#"{"ts":"2026-11-22T03:00:41Z","beat":"nightly-backup","state":"ok","duration":41.2,"exit":0}"#,
    r#"{"ts":"2026-11-22T19:46:00Z","check":"builds-stale","status":"critical","since":"2026-11-22T19:41:00Z","value":1860,"unit":"s","reason":"no build started for 31 min","evidence":[{"term":"age(x)"}],"playbook":"https://wiki.example/playbook#builds-stale"}"#,
    r#"{"ts":"2026-11-22T19:46:01Z","notice":"told","incident":"7K3F","check":"builds-stale","who":"mathias","via":"push","state":"delivered"}"#,
];

#[test]
fn the_formats_examples_are_read_and_written_back_unchanged() {
    for example in EXAMPLES {
        let record = decode(example.as_bytes()).unwrap_or_else(|error| panic!("{example}: {error}"));
        let mut out = Vec::new();
        write(&mut out, &record);
        assert_eq!(String::from_utf8(out).unwrap().trim_end(), example);
    }
}

#[test]
fn every_mistake_is_told_with_its_column() {
    let cases: &[(&str, usize, &str)] = &[
        ("", 1, "expected a record"),
        ("hello", 1, "expected a record, which begins with `{`, found `h`"),
        ("{}", 1, "must have a `ts`"),
        (r#"{"ts":"2026-11-22T19:45:03Z"}"#, 1, "named by `metric`"),
        (r#"{"ts":"2026-11-22T19:45:03Z","metric":"m"}"#, 1, "a `value` or a `window`"),
        (
            r#"{"ts":"2026-11-22T19:45:03Z","metric":"m","value":"n/a"}"#,
            51,
            "`value` must be a number (a string only with \"type\":\"set\"), found \"n/a\"",
        ),
        (r#"{"ts":"2026-11-22T19:45:03Z","metric":"m","value":null}"#, 51, "`value` must be a number, found null"),
        (r#"{"ts":"2026-11-22T19:45:03Z","metric":"m","value":NaN}"#, 51, "expected a value, found `N`"),
        (r#"{"ts":"2026-11-22T19:45:03Z","metric":"m","value":1e999}"#, 51, "range of a double"),
        (r#"{"ts":"2026-11-22T19:45:03Z","metric":"m","value":9007199254740993}"#, 51, "cannot hold exactly"),
        (r#"{"ts":"2026-11-22T19:45:03Z","metric":"","value":1}"#, 39, "`metric` must not be empty"),
        (r#"{"ts":"2026-11-22T19:45:03Z","metric":"a\u001b[2J","value":1}"#, 39, "control characters"),
        (r#"{"ts":"2026-11-22T19:45:03","metric":"m","value":1}"#, 7, "no offset"),
        (r#"{"ts":true,"metric":"m","value":1}"#, 7, "`ts` must be a time"),
        (r#"{"ts":1,"metric":"m","value":1,"type":"rate"}"#, 39, "gauge, counter, delta or set, found \"rate\""),
        (r#"{"ts":1,"metric":"m","value":1,"weight":0}"#, 41, "above 0"),
        (r#"{"ts":1,"metric":"m","value":1,"tags":{"a":{}}}"#, 44, "the tag `a` must be a string, found an object"),
        (r#"{"ts":1,"metric":"m","value":1,"tags":{"a":null}}"#, 44, "found null"),
        (r#"{"ts":1,"metric":"m","value":1,"tags":{"a":"1","a":"2"}}"#, 52, "comes twice"),
        (r#"{"ts":1,"metric":"m","value":1,"value":2}"#, 40, "the key `value` comes twice"),
        (r#"{"ts":1,"metric":"m","value":1} x"#, 33, "the line's end"),
        (r#"{"ts":1,"metric":"m","event":"e","value":1}"#, 1, "found `metric` and `event`"),
        (r#"{"ts":1,"metric":"m","window":"10"}"#, 31, "no unit"),
        (r#"{"ts":1,"metric":"m","window":"10s","sketch":{"gamma":1}}"#, 46, "`gamma` above 1"),
        (r#"{"ts":1,"metric":"m","window":"10s","sketch":{"gamma":1.02,"bins":[[2,1],[1,1]]}}"#, 46, "ascending"),
        (r#"{"ts":1,"check":"c","status":"bad"}"#, 30, "ok, warning, critical or unknown"),
        (r#"{"ts":1,"beat":"b","exit":1.5}"#, 27, "a whole number"),
    ];
    for (line, column, message) in cases {
        let error = decode(line.as_bytes()).expect_err(line);
        assert!(error.message.contains(message), "{line}\n  {}", error.message);
        assert_eq!(error.column, *column, "{line}: {}", error.message);
    }
    let error = decode(b"{\"ts\":1,\"metric\":\"\xff\",\"value\":1}").unwrap_err();
    assert_eq!((error.column, error.cause), (19, "not UTF-8"));
}

#[test]
fn what_may_vary_is_accepted() {
    let lines = [
        r#"{"value":12.5,"metric":"m","ts":1795376703}"#,
        r#" { "ts" : 1795376703.0 , "metric" : "m" , "value" : 1.25e1 } "#,
        r#"{"ts":"2026-11-22T20:45:03+01:00","metric":"m","value":12.5,"x_own":[1,{"a":null}],"tags":null}"#,
    ];
    for line in lines {
        let Record::Sample(sample) = decode(line.as_bytes()).unwrap() else { panic!("{line}") };
        assert_eq!((sample.ts.to_string().as_str(), sample.value), ("2026-11-22T19:45:03Z", Value::Number(12.5)), "{line}");
    }
    let Record::Sample(sample) = decode(br#"{"ts":1,"metric":"u","value":7,"type":"set","tags":{"n":1.50,"b":true}}"#).unwrap() else {
        panic!()
    };
    assert_eq!(sample.value, Value::Member("7".into()));
    assert_eq!(sample.series.tags.to_string(), "{b=true,n=1.50}");
}

#[test]
fn a_record_without_a_time_takes_the_arrivals() {
    let arrival = Timestamp::from_nanos(5);
    assert_eq!(decode_at(br#"{"metric":"m","value":1}"#, Some(arrival)).unwrap().ts(), arrival);
    assert_ne!(decode_at(br#"{"ts":1,"metric":"m","value":1}"#, Some(arrival)).unwrap().ts(), arrival);
}

prop_compose! {
    fn any_tags()(pairs in prop::collection::vec(("[^\\x00]{0,6}", "\\PC{0,6}|[\\x00-\\x1f\"\\\\]{0,3}"), 0..4)) -> Tags {
        pairs.into_iter().collect()
    }
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(|v| v + 0.0),
        (-1_000_000i64..1_000_000).prop_map(|v| v as f64 / 100.0)
    ]
}

fn any_record() -> impl Strategy<Value = Record> {
    let ts = any::<i64>().prop_map(Timestamp::from_nanos);
    let unit = prop::option::of("[a-z{}%]{1,5}");
    let kind = prop_oneof![Just(SampleType::Gauge), Just(SampleType::Counter), Just(SampleType::Delta)];
    let sample = (ts.clone(), "\\PC{1,20}", any_number(), kind, unit.clone(), any_tags(), 1u32..20).prop_map(
        |(ts, metric, value, kind, unit, tags, weight)| {
            Record::Sample(Sample {
                ts,
                series: Series { metric, kind, unit, tags },
                value: Value::Number(value),
                weight: f64::from(weight) / 2.0,
            })
        },
    );
    let window = (
        ts.clone(),
        "\\PC{1,20}",
        0i64..i64::MAX,
        any_number(),
        unit,
        any_tags(),
        prop::collection::btree_map(-1000..1000i32, 1u32..9, 0..6),
    )
        .prop_map(|(ts, metric, span, value, unit, tags, bins)| {
            let bins: Vec<(i32, f64)> = bins.into_iter().map(|(index, count)| (index, f64::from(count))).collect();
            let stats = Stats {
                count: Some(3.0),
                sum: Some(value),
                quantiles: vec![(Percentile::parse("99.9").unwrap(), value)],
                ..Stats::default()
            };
            let sketch = Some(SketchBins { gamma: 1.02, zero: 2.0, bins: bins.clone(), negative: bins });
            Record::Window(Window { ts, metric, window: Span::from_nanos(span), stats, error: Some(0.01), sketch, unit, tags })
        });
    let event = (ts.clone(), "\\PC{1,9}", prop::option::of("(?s).{0,20}"), any_tags())
        .prop_map(|(ts, event, text, tags)| Record::Event(Event { ts, event, text, link: None, tags }));
    let notice = (ts, "\\PC{1,9}", prop::option::of("(?s).{0,9}"))
        .prop_map(|(ts, notice, who)| Record::Notice(Notice { ts, notice, who, check: Some("c".into()), ..Notice::default() }));
    prop_oneof![sample, window, event, notice]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(record in any_record()) {
        let mut line = Vec::new();
        write(&mut line, &record);
        prop_assert_eq!(line.iter().filter(|b| **b == b'\n').count(), 1);
        prop_assert_eq!(decode(&line[..line.len() - 1]).unwrap(), record);
    }

    #[test]
    fn no_bytes_make_it_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&line);
    }

    #[test]
    fn no_damage_to_a_record_makes_it_panic(which in 0usize..7, at in 0usize..120, byte in any::<u8>()) {
        let mut line = EXAMPLES[which].as_bytes().to_vec();
        let at = at % line.len();
        line[at] = byte;
        let _ = decode(&line);
        let _ = decode(&line[..at]);
    }
}
