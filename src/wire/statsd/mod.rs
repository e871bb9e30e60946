//! StatsD: one measurement a line, many lines a datagram, with DogStatsD's extensions.
//!
//! ```text
//! name:value|type[|@rate][|#key:value,flag][|c:container][|Tseconds]
//! _e{title bytes,text bytes}:title|text[|d:seconds][|h:host][|p:priority][|t:kind][|#tags]
//! _sc|name|status[|d:seconds][|h:host][|#tags][|m:message]
//! ```
//!
//! | type     | record                                                                   |
//! |----------|--------------------------------------------------------------------------|
//! | `c`      | a sample of type delta                                                   |
//! | `ms`     | a gauge with unit `ms`                                                   |
//! | `h`, `d` | a gauge without unit                                                     |
//! | `g`      | a gauge; with a sign in front a change of it, see [`Reading`]            |
//! | `s`      | a sample of type set                                                     |
//!
//! `page.load:320|ms|@0.1|#page:start` is a sample of `page.load` with value 320, unit `ms`, weight
//! 10 and the tag `page=start`. Except for sets a metric may have several values,
//! `page.load:320:311|ms`; it is read whole or not at all.
//!
//! - A rate must be above 0 and at most 1. A set's is ignored: distinct members do not scale.
//! - A tag without a value, `#flag`, has the value `true`; of equal keys the last one counts.
//! - Container ids and unknown fields are ignored; so is a time that is no number.
//! - Names are kept as they are, save that they must be names of metrics (see `record`).
//!
//! Sources: statsd/statsd, docs/metric_types.md; DogStatsD documentation, "Datagram format", protocol
//! versions 1.0 to 1.3; for tags in names prometheus/statsd_exporter, README, "Tagging extensions".

mod encode;
mod event;
mod metric;
mod tags;

pub use encode::{Dialect, Durations, TagStyle, encode};
pub use event::decode_event;
pub use metric::{Kind, Metric, Reading};
pub use tags::NameTags;

use super::DecodeError;
use crate::record::{Record, Sample, SampleType, Series, Value};
use crate::time::Timestamp;

/// Reads one line; a metric with several values gives several records.
///
/// A change of a gauge, `+5|g`, becomes a sample of type delta: its value is known only to who
/// remembers the gauge.
///
/// # Errors
/// [`DecodeError`] when the line is none; then no record was given.
pub fn decode_line(line: &[u8], arrival: Timestamp, names: NameTags, give: &mut dyn FnMut(Record)) -> Result<(), DecodeError> {
    if let Some(record) = decode_event(line, arrival) {
        give(record?);
        return Ok(());
    }
    let metric = Metric::scan(line)?;
    let series = metric.series(names)?;
    metric.check_values()?;
    let ts = metric.ts.unwrap_or(arrival);
    metric.readings(|reading| give(Record::Sample(sample(&series, ts, reading, metric.weight))));
    Ok(())
}

/// The sample of one value of a metric; a change of a gauge becomes a delta.
pub(crate) fn sample(series: &Series, ts: Timestamp, reading: Reading<'_>, weight: f64) -> Sample {
    match reading {
        Reading::Number(value) => Sample { weight, ..Sample::new(ts, series.clone(), value) },
        Reading::Change(change) => Sample::new(ts, series.clone().kind(SampleType::Delta), change),
        Reading::Member(member) => {
            Sample { ts, series: series.clone(), value: Value::Member(String::from_utf8_lossy(member).into_owned()), weight: 1.0 }
        }
    }
}

#[cfg(test)]
mod tests;
