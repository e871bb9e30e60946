//! Samples to StatsD lines.

use crate::record::{Sample, SampleType, Value, time_unit};
use crate::wire::{number, safe};

/// Where the tags of a sample go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagStyle {
    /// Into the name, as `.key.value` for each tag, ascending by key: the original StatsD knows no
    /// tags, and dropping them would mix the series of different hosts.
    InName,
    /// Behind the value, as DogStatsD has it: `|#key:value,key:value`.
    Dog,
}

/// How a gauge whose unit is one of time is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durations {
    /// As a gauge, in its own unit.
    AsGauges,
    /// As a timer (`ms`), converted to milliseconds: each sample then counts in the receiver's percentiles.
    AsTimers,
}

/// The StatsD that the receiver understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Where tags go.
    pub tags: TagStyle,
    /// How durations are sent.
    pub durations: Durations,
}

impl Dialect {
    /// The original: tags in the name, durations as gauges.
    pub const STATSD: Dialect = Dialect { tags: TagStyle::InName, durations: Durations::AsGauges };
    /// With DogStatsD's tags; durations as gauges.
    pub const DOGSTATSD: Dialect = Dialect { tags: TagStyle::Dog, durations: Durations::AsGauges };

    /// The same dialect with durations sent as timers.
    pub const fn with_timers(self) -> Dialect {
        Dialect { durations: Durations::AsTimers, ..self }
    }
}

/// Appends a sample as one line, or two for a negative gauge, each ended by a newline.
///
/// | sample                           | line                                                  |
/// |----------------------------------|-------------------------------------------------------|
/// | gauge 5                          | `name:5\|g`                                           |
/// | gauge -5                         | `name:0\|g` and `name:-5\|g`: a sign alone is relative |
/// | delta 3                          | `name:3\|c`                                           |
/// | counter 181233                   | `name:181233\|g`: `c` would add it up again           |
/// | set `joe`                        | `name:joe\|s`                                         |
/// | gauge 1.5 with unit `s`, as timer | `name:1500\|ms`                                      |
/// | delta 3 with weight 10           | `name:3\|c\|@0.1`                                     |
///
/// A weight below 1 has no sample rate: a delta is then multiplied by it, other types lose it.
/// Units other than of time, and the time, are not sent: StatsD has no place for them.
/// In names and tags, what would end them (`:` `|` `@`, white space and control characters, in
/// tags also `,` and `#`) becomes `_`.
pub fn encode(out: &mut Vec<u8>, sample: &Sample, dialect: Dialect) {
    let (kind, scale) = line_type(sample, dialect);
    let value = match &sample.value {
        Value::Number(value) if kind == "c" && sample.weight < 1.0 => Value::Number(value * sample.weight),
        Value::Number(value) => Value::Number(value * scale),
        member => member.clone(),
    };
    if kind == "g" && matches!(value, Value::Number(value) if value < 0.0) {
        line(out, sample, &Value::Number(0.0), kind, dialect);
    }
    line(out, sample, &value, kind, dialect);
}

/// The type letter of a sample, and what its value is to be multiplied by.
fn line_type(sample: &Sample, dialect: Dialect) -> (&'static str, f64) {
    if matches!(sample.value, Value::Member(_)) {
        return ("s", 1.0);
    }
    match sample.series.kind {
        SampleType::Delta => ("c", 1.0),
        SampleType::Gauge if dialect.durations == Durations::AsTimers => match sample.series.unit.as_deref() {
            Some("ms") => ("ms", 1.0),
            unit => unit.and_then(time_unit).map_or(("g", 1.0), |span| ("ms", span.nanos() as f64 / 1e6)),
        },
        SampleType::Set => ("s", 1.0),
        SampleType::Gauge | SampleType::Counter => ("g", 1.0),
    }
}

fn line(out: &mut Vec<u8>, sample: &Sample, value: &Value, kind: &str, dialect: Dialect) {
    let tags = &sample.series.tags;
    safe(out, &sample.series.metric, b":|@");
    if dialect.tags == TagStyle::InName {
        for (key, value) in tags.iter() {
            out.push(b'.');
            safe(out, key, b":|@.");
            out.push(b'.');
            safe(out, value, b":|@.");
        }
    }
    out.push(b':');
    match value {
        Value::Number(value) => number::write(out, *value),
        Value::Member(member) => safe(out, member, b":|"),
    }
    out.push(b'|');
    out.extend_from_slice(kind.as_bytes());
    if sample.weight > 1.0 && kind != "s" {
        out.extend_from_slice(b"|@");
        number::write(out, 1.0 / sample.weight);
    }
    if dialect.tags == TagStyle::Dog {
        for (at, (key, value)) in tags.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"|#" } else { b"," });
            safe(out, key, b":|@,#");
            out.push(b':');
            safe(out, value, b"|,");
        }
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Series;
    use crate::time::Timestamp;

    fn text(series: Series, value: f64, weight: f64, dialect: Dialect) -> String {
        let mut out = Vec::new();
        encode(&mut out, &Sample { weight, ..Sample::new(Timestamp::default(), series, value) }, dialect);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_type_has_its_line() {
        let gauge = || Series::new("a.b");
        let cases = [
            (gauge(), 5.0, 1.0, "a.b:5|g\n"),
            (gauge(), -5.0, 1.0, "a.b:0|g\na.b:-5|g\n"),
            (gauge(), -0.0, 1.0, "a.b:0|g\n"),
            (gauge().kind(SampleType::Delta), 3.0, 1.0, "a.b:3|c\n"),
            (gauge().kind(SampleType::Delta), -3.0, 1.0, "a.b:-3|c\n"),
            (gauge().kind(SampleType::Delta), 3.0, 10.0, "a.b:3|c|@0.1\n"),
            (gauge().kind(SampleType::Delta), 3.0, 0.5, "a.b:1.5|c\n"),
            (gauge().kind(SampleType::Counter), 181_233.0, 1.0, "a.b:181233|g\n"),
        ];
        for (series, value, weight, expected) in cases {
            assert_eq!(text(series, value, weight, Dialect::STATSD), expected);
        }
    }

    #[test]
    fn durations_become_timers_when_told() {
        let series = |unit: &str| Series::new("d").unit(unit);
        assert_eq!(text(series("s"), 1.5, 1.0, Dialect::STATSD), "d:1.5|g\n");
        assert_eq!(text(series("s"), 1.5, 1.0, Dialect::STATSD.with_timers()), "d:1500|ms\n");
        assert_eq!(text(series("ms"), 320.1, 2.0, Dialect::STATSD.with_timers()), "d:320.1|ms|@0.5\n");
        assert_eq!(text(series("us"), 1500.0, 1.0, Dialect::STATSD.with_timers()), "d:1.5|ms\n");
        assert_eq!(text(series("s"), 1e308, 1.0, Dialect::STATSD.with_timers()), format!("d:{:?}|ms\n", f64::MAX).replace('e', "e+"));
        assert_eq!(text(series("By"), 1.0, 1.0, Dialect::STATSD.with_timers()), "d:1|g\n");
    }

    #[test]
    fn tags_stand_in_the_name_or_behind_the_value() {
        let series = || Series::new("d").tag("queue", "a b.c,d").tag("host", "web:1");
        assert_eq!(text(series(), 1.0, 1.0, Dialect::STATSD), "d.host.web_1.queue.a_b_c,d:1|g\n");
        assert_eq!(text(series(), 1.0, 1.0, Dialect::DOGSTATSD), "d:1|g|#host:web:1,queue:a_b.c_d\n");
    }

    #[test]
    fn a_hostile_name_stays_within_its_line() {
        assert_eq!(text(Series::new("a:1|c\nb@\u{85}é"), 1.0, 1.0, Dialect::STATSD), "a_1_c_b__é:1|g\n");
        let mut out = Vec::new();
        let member = Value::Member("x|y\nz:1".into());
        encode(
            &mut out,
            &Sample { value: member, ..Sample::new(Timestamp::default(), Series::new("u").kind(SampleType::Set), 0.0) },
            Dialect::DOGSTATSD,
        );
        assert_eq!(out, b"u:x_y_z_1|s\n");
    }
}
