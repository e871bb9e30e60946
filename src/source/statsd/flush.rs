//! From a table to records: what the writing thread does while the next table fills.

use std::collections::HashMap;

use super::aggregate::{Counter, Data, Slot};
use super::counts::Counts;
use super::distribution::{Distribution, EXACT_IN_ALL};
use super::series::Known;
use crate::ndjson;
use crate::record::{Percentile, Record, Sample, Series, SketchBins, Stats, Tags, Window};
use crate::time::{Span, Timestamp};
use crate::wire::statsd::Kind;

/// What a table of one flush is for.
pub(super) struct Table {
    /// The series and what came of them.
    pub(super) known: Known<Slot>,
    /// How many values may still be kept exactly.
    pub(super) room: usize,
}

impl Table {
    pub(super) fn new(most: usize) -> Table {
        Table { known: Known::new(most), room: EXACT_IN_ALL }
    }

    /// Empties the table and forgets the series that are idle.
    pub(super) fn begin_again(&mut self) {
        self.known.retain(Slot::begin_again);
        self.room = EXACT_IN_ALL;
    }
}

/// A span of time whose table is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flush {
    /// The start of the window, aligned.
    pub(super) start: Timestamp,
    /// Its end, aligned: later than one window only when the writer was late.
    pub(super) end: Timestamp,
    /// When it was flushed; before the end only when the listener ended.
    pub(super) now: Timestamp,
    /// What came meanwhile.
    pub(super) counts: Counts,
}

/// The last value of each gauge, and the choices of how tables are written.
pub(super) struct Writer {
    gauges: HashMap<Series, Remembered>,
    most: usize,
    repeat_gauges: bool,
    sketches: bool,
    percentiles: Vec<Percentile>,
}

/// A gauge between two flushes.
struct Remembered {
    value: f64,
    set_at: Timestamp,
}

/// A gauge that was not set for so long is forgotten.
const GAUGE_KEPT: Span = Span::from_secs(3600);

impl Writer {
    pub(super) fn new(most: usize, repeat_gauges: bool, sketches: bool) -> Writer {
        let percentiles = ["50", "95", "99"].into_iter().filter_map(Percentile::parse).collect();
        Writer { gauges: HashMap::new(), most, repeat_gauges, sketches, percentiles }
    }

    /// Gives the records of a table as whole lines, ascending by series; `give` gets them a block at a time.
    pub(super) fn write(
        &mut self,
        table: &mut Table,
        flush: &Flush,
        give: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        /// The size of a block.
        const BLOCK: usize = 64 * 1024;
        let mut out = Vec::with_capacity(BLOCK + 4096);
        let at = flush.now.min(flush.end);
        for (kind, series, slot) in table.known.sorted() {
            if slot.touched {
                ndjson::write(&mut out, &self.record(kind, series, slot, flush, at));
                if out.len() >= BLOCK {
                    give(&out)?;
                    out.clear();
                }
            }
        }
        self.forget(at);
        if self.repeat_gauges {
            self.repeat(at, &mut out);
        }
        if out.is_empty() { Ok(()) } else { give(&out) }
    }

    fn record(&mut self, kind: Kind, series: &Series, slot: &mut Slot, flush: &Flush, at: Timestamp) -> Record {
        let length = flush.end.since(flush.start);
        let stats = match &mut slot.data {
            Data::Gauge(gauge) => {
                let value = gauge.after(self.gauges.get(series).map(|gauge| gauge.value)).clamp(f64::MIN, f64::MAX);
                self.remember(series, Remembered { value, set_at: at });
                return Record::Sample(Sample::new(at, series.clone(), value));
            }
            Data::Counter(counter) => counter_stats(counter, length),
            Data::Members(members) => Stats { distinct: Some(members.distinct()), ..Stats::default() },
            Data::Distribution(values) => self.distribution_stats(values),
        };
        let (mut error, mut sketch) = (None, None);
        if let Data::Distribution(values) = &slot.data {
            error = values.error();
            sketch = self.sketches.then(|| bins(values));
        }
        debug_assert!(kind != Kind::Gauge);
        let (metric, unit, tags) = (series.metric.clone(), series.unit.clone(), series.tags.clone());
        Record::Window(Window { ts: flush.start, metric, window: length, stats, error, sketch, unit, tags })
    }

    fn distribution_stats(&self, values: &mut Distribution) -> Stats {
        let found = values.quantiles(&self.percentiles.iter().map(|percentile| percentile.fraction()).collect::<Vec<_>>());
        Stats {
            count: finite(values.count),
            sum: finite(values.sum),
            min: Some(values.min),
            max: Some(values.max),
            mean: finite(values.sum / values.count),
            quantiles: self.percentiles.iter().copied().zip(found).collect(),
            ..Stats::default()
        }
    }

    /// Remembers a gauge, where there is room.
    fn remember(&mut self, series: &Series, gauge: Remembered) {
        if let Some(known) = self.gauges.get_mut(series) {
            *known = gauge;
        } else if self.gauges.len() < self.most {
            self.gauges.insert(series.clone(), gauge);
        }
    }

    fn forget(&mut self, now: Timestamp) {
        self.gauges.retain(|_, gauge| now.since(gauge.set_at) < GAUGE_KEPT);
    }

    /// Writes the gauges that were not set in this window, as StatsD itself sends them again.
    fn repeat(&self, at: Timestamp, out: &mut Vec<u8>) {
        let mut kept: Vec<_> = self.gauges.iter().filter(|(_, gauge)| gauge.set_at != at).collect();
        kept.sort_by_key(|(series, _)| *series);
        for (series, gauge) in kept {
            ndjson::write_sample(out, at, series, gauge.value);
        }
    }
}

fn counter_stats(counter: &Counter, length: Span) -> Stats {
    Stats { count: finite(counter.count), sum: finite(counter.sum), rate: finite(counter.sum / length.secs_f64()), ..Stats::default() }
}

fn bins(values: &Distribution) -> SketchBins {
    let sketch = values.to_sketch();
    SketchBins { gamma: sketch.gamma(), zero: sketch.zero(), bins: sketch.bins(), negative: sketch.negative() }
}

/// Nothing for what is beyond the numbers that a record may hold.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// The series that takes in what no room is for.
pub(super) fn overflow(kind: Kind) -> Series {
    let (name, sample_type, unit) = match kind {
        Kind::Counter => ("counter", crate::record::SampleType::Delta, None),
        Kind::Timer => ("timer", crate::record::SampleType::Gauge, Some("ms".to_owned())),
        Kind::Histogram => ("histogram", crate::record::SampleType::Gauge, None),
        Kind::Gauge => ("gauge", crate::record::SampleType::Gauge, None),
        Kind::Set => ("set", crate::record::SampleType::Set, None),
    };
    let tags: Tags = [("source", "statsd"), ("type", name)].into_iter().collect();
    Series { metric: "collect.overflow".into(), kind: sample_type, unit, tags }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::statsd::{Metric, NameTags};

    const SECOND: i64 = 1_000_000_000;

    fn table(lines: &str) -> Table {
        let mut table = Table::new(100);
        add(&mut table, lines);
        table
    }

    fn add(table: &mut Table, lines: &str) {
        for line in lines.split_whitespace() {
            let metric = Metric::scan(line.as_bytes()).unwrap();
            let super::super::series::Place::At(place) = table.known.find(&metric, NameTags::Kept, Slot::new).unwrap() else { panic!() };
            let Table { known, room } = table;
            metric.readings(|reading| known.at(place).unwrap().add(reading, metric.weight, room));
        }
    }

    fn written(writer: &mut Writer, table: &mut Table, start: i64, end: i64) -> String {
        let flush = Flush {
            start: Timestamp::from_nanos(start * SECOND),
            end: Timestamp::from_nanos(end * SECOND),
            now: Timestamp::from_nanos(end * SECOND),
            counts: Counts::default(),
        };
        let mut out = Vec::new();
        writer
            .write(table, &flush, &mut |block| {
                out.extend_from_slice(block);
                Ok(())
            })
            .unwrap();
        table.begin_again();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_type_has_its_record() {
        let lines = "c:1|c c:2|c|@0.5|#x:y c:4|c t:10|ms t:20:30|ms g:5|g g:-2|g u:joe|s u:ann|s u:joe|s h:7|h|@0.1";
        assert_eq!(
            written(&mut Writer::new(100, false, false), &mut table(lines), 10, 20),
            r#"{"ts":"1970-01-01T00:00:10Z","metric":"c","window":"10s","count":2,"sum":5,"rate":0.5}
{"ts":"1970-01-01T00:00:10Z","metric":"c","window":"10s","count":2,"sum":4,"rate":0.4,"tags":{"x":"y"}}
{"ts":"1970-01-01T00:00:20Z","metric":"g","value":3}
{"ts":"1970-01-01T00:00:10Z","metric":"h","window":"10s","count":10,"sum":70,"min":7,"max":7,"mean":7,"p50":7,"p95":7,"p99":7}
{"ts":"1970-01-01T00:00:10Z","metric":"t","window":"10s","count":3,"sum":60,"min":10,"max":30,"mean":20,"p50":20,"p95":29,"p99":29.8,"unit":"ms"}
{"ts":"1970-01-01T00:00:10Z","metric":"u","window":"10s","distinct":2}
"#
        );
    }

    #[test]
    fn a_gauge_keeps_its_value_for_changes_and_is_repeated_only_when_told() {
        for (repeat, expected) in [(false, ""), (true, "{\"ts\":\"1970-01-01T00:00:20Z\",\"metric\":\"g\",\"value\":5}\n")] {
            let mut writer = Writer::new(100, repeat, false);
            let mut table = table("g:5|g");
            written(&mut writer, &mut table, 0, 10);
            assert_eq!(written(&mut writer, &mut table, 10, 20), expected);
            add(&mut table, "g:+1|g");
            assert!(written(&mut writer, &mut table, 20, 30).contains("\"value\":6"));
            written(&mut writer, &mut table, 4000, 4010);
            add(&mut table, "g:+1|g");
            assert!(written(&mut writer, &mut table, 4010, 4020).contains("\"value\":1"), "forgotten after an hour");
        }
    }

    #[test]
    fn a_sketch_is_carried_when_asked_for() {
        let text = written(&mut Writer::new(100, false, true), &mut table("t:0:5:-5|ms"), 0, 10);
        assert!(text.contains("\"zero\":1,\"bins\":[[81,1]],\"negative\":[[81,1]]}"), "{text}");
    }

    #[test]
    fn what_is_beyond_all_numbers_is_left_out() {
        let text = written(&mut Writer::new(100, false, false), &mut table("t:1e308:1e308|ms g:1e308|g g:+1e308|g"), 0, 10);
        assert!(!text.contains("null") && text.contains("\"count\":2,\"min\":1e+308"), "{text}");
    }
}
