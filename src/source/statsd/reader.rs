//! Datagrams to tables or to lines of records: all that the receiving thread does with bytes.

use super::aggregate::Slot;
use super::counts::Counts;
use super::flush::{Table, overflow};
use super::series::{Known, Place};
use super::told::Rejected;
use crate::ndjson;
use crate::record::{Record, Sample, Series, Value};
use crate::time::Timestamp;
use crate::wire::DecodeError;
use crate::wire::statsd::{Kind, Metric, NameTags, Reading, decode_event};

/// What is done with a metric.
pub(super) enum Mode {
    /// Each becomes a record at once.
    Raw(Known<RawSlot>),
    /// They are summed up until the next flush.
    Summed(Box<Table>),
}

/// What is remembered of a series whose samples go out at once.
#[derive(Default)]
pub(super) struct RawSlot {
    /// The value of a gauge, for changes of it.
    gauge: f64,
    /// Whether it came since room was last made.
    used: bool,
}

/// Reads datagrams and lines.
pub(super) struct Reader {
    names: NameTags,
    pub(super) mode: Mode,
    /// Lines of records that go out as they are.
    pub(super) block: Vec<u8>,
    /// How many records `block` holds.
    pub(super) block_records: u64,
    pub(super) counts: Counts,
    pub(super) rejected: Rejected,
    /// What is to be told to a person.
    pub(super) to_tell: Vec<String>,
    most: usize,
    full_told: bool,
    room_made: bool,
}

impl Reader {
    pub(super) fn new(names: NameTags, most: usize, summed: bool) -> Reader {
        let mode = if summed { Mode::Summed(Box::new(Table::new(most))) } else { Mode::Raw(Known::new(most)) };
        Reader {
            names,
            mode,
            block: Vec::new(),
            block_records: 0,
            counts: Counts::default(),
            rejected: Rejected::default(),
            to_tell: Vec::new(),
            most,
            full_told: false,
            room_made: false,
        }
    }

    /// Reads every line of a datagram.
    pub(super) fn datagram(&mut self, datagram: Option<&[u8]>, now: Timestamp) {
        self.counts.datagrams += 1;
        let Some(mut rest) = datagram else {
            return self.reject(b"", DecodeError::at(0, "a datagram was longer than 65536 bytes"));
        };
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.line(&rest[..end], now);
            rest = &rest[end + 1..];
        }
        self.line(rest, now);
    }

    /// Reads one line, without its newline; an empty one is nothing.
    #[inline]
    pub(super) fn line(&mut self, line: &[u8], now: Timestamp) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return;
        }
        self.counts.lines += 1;
        if let Err(error) = self.try_line(line, now) {
            self.reject(line, error);
        }
    }

    /// Counts a line that can't be read, and remembers what to tell of it.
    #[cold]
    pub(super) fn reject(&mut self, line: &[u8], error: DecodeError) {
        self.counts.rejected += 1;
        self.to_tell.extend(self.rejected.count(line, error));
    }

    #[inline]
    fn try_line(&mut self, line: &[u8], now: Timestamp) -> Result<(), DecodeError> {
        if line[0] == b'_'
            && let Some(record) = decode_event(line, now)
        {
            self.pass(&record?);
            return Ok(());
        }
        let metric = Metric::scan(line)?;
        match metric.single() {
            Some(reading) => self.take(&metric, Some(reading), now),
            None => {
                metric.check_values()?;
                self.take(&metric, None, now)
            }
        }
    }

    /// Takes in the one value of a metric, or all of its values, which were checked.
    #[inline]
    fn take(&mut self, metric: &Metric<'_>, single: Option<Reading<'_>>, now: Timestamp) -> Result<(), DecodeError> {
        match &mut self.mode {
            // Who says when means that instant and not this window; such samples go out as they are.
            Mode::Summed(_) if metric.ts.is_some() => self.pass_metric(metric, now),
            Mode::Raw(_) => self.take_raw(metric, now),
            Mode::Summed(table) => {
                let place = match table.known.find(metric, self.names, Slot::new)? {
                    Place::At(place) => place,
                    Place::Full => self.overflowing(metric.kind),
                };
                let Mode::Summed(table) = &mut self.mode else { return Ok(()) };
                let Table { known, room } = &mut **table;
                let Some(slot) = known.at(place) else { return Ok(()) };
                match single {
                    Some(reading) => slot.add(reading, metric.weight, room),
                    None => metric.readings(|reading| slot.add(reading, metric.weight, room)),
                }
                Ok(())
            }
        }
    }

    /// The place of the series that takes in what there is no room for.
    #[cold]
    fn overflowing(&mut self, kind: Kind) -> u32 {
        self.tell_full("further ones are summed up in `collect.overflow`");
        let Mode::Summed(table) = &mut self.mode else { return 0 };
        table.known.find_series(kind, overflow(kind), Slot::new)
    }

    fn tell_full(&mut self, remedy: &str) {
        if !std::mem::replace(&mut self.full_told, true) {
            self.to_tell.push(format!("statsd: more than {} series; {remedy}\nhint: --max-series makes room for more", self.most));
        }
    }

    fn take_raw(&mut self, metric: &Metric<'_>, now: Timestamp) -> Result<(), DecodeError> {
        let Mode::Raw(known) = &mut self.mode else { return Ok(()) };
        let mut place = known.find(metric, self.names, |_| RawSlot::default())?;
        if place == Place::Full && !std::mem::replace(&mut self.room_made, true) {
            known.retain(|slot| std::mem::take(&mut slot.used));
            place = known.find(metric, self.names, |_| RawSlot::default())?;
        }
        let Place::At(place) = place else {
            self.tell_full("gauges of further ones are not remembered, and changes of them are written as deltas");
            return self.pass_metric(metric, now);
        };
        let Some((series, slot)) = known.both(place) else { return Ok(()) };
        slot.used = true;
        let (block, records) = (&mut self.block, &mut self.block_records);
        let ts = metric.ts.unwrap_or(now);
        metric.readings(|reading| {
            *records += 1;
            match reading {
                Reading::Number(value) => {
                    slot.gauge = value;
                    write_weighted(block, ts, series, value, metric.weight);
                }
                Reading::Change(change) => {
                    slot.gauge = (slot.gauge + change).clamp(f64::MIN, f64::MAX);
                    ndjson::write_sample(block, ts, series, slot.gauge);
                }
                Reading::Member(member) => {
                    let value = Value::Member(String::from_utf8_lossy(member).into_owned());
                    write_owned(block, series, |series| Sample { ts, series, value, weight: 1.0 });
                }
            }
        });
        Ok(())
    }

    /// Writes a metric's samples without a place for its series.
    fn pass_metric(&mut self, metric: &Metric<'_>, now: Timestamp) -> Result<(), DecodeError> {
        let series = metric.series(self.names)?;
        let (block, records) = (&mut self.block, &mut self.block_records);
        metric.readings(|reading| {
            let sample = crate::wire::statsd::sample(&series, metric.ts.unwrap_or(now), reading, metric.weight);
            ndjson::write(block, &Record::Sample(sample));
            *records += 1;
        });
        Ok(())
    }

    fn pass(&mut self, record: &Record) {
        ndjson::write(&mut self.block, record);
        self.block_records += 1;
    }

    /// Allows to make room once more, as time has gone by.
    pub(super) fn begin_again(&mut self) {
        self.room_made = false;
    }
}

fn write_weighted(out: &mut Vec<u8>, ts: Timestamp, series: &mut Series, value: f64, weight: f64) {
    if weight == 1.0 {
        ndjson::write_sample(out, ts, series, value);
    } else {
        write_owned(out, series, |series| Sample { weight, ..Sample::new(ts, series, value) });
    }
}

/// Writes a sample that borrows its series for the time of writing.
fn write_owned(out: &mut Vec<u8>, series: &mut Series, sample: impl FnOnce(Series) -> Sample) {
    let record = Record::Sample(sample(std::mem::take(series)));
    ndjson::write(out, &record);
    if let Record::Sample(sample) = record {
        *series = sample.series;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(lines: &str, most: usize) -> (String, Reader) {
        let mut reader = Reader::new(NameTags::Kept, most, false);
        reader.datagram(Some(lines.as_bytes()), Timestamp::default());
        (String::from_utf8(std::mem::take(&mut reader.block)).unwrap(), reader)
    }

    /// The text after the time, which is that of arrival.
    fn bodies(text: &str) -> Vec<&str> {
        text.lines().map(|line| line.strip_prefix("{\"ts\":\"1970-01-01T00:00:00Z\",").unwrap()).collect()
    }

    #[test]
    fn raw_samples_come_as_they_came_but_gauges_with_their_value() {
        let (text, reader) = raw("c:2|c|@0.1\r\nt:1:2|ms|#a:b\n\ng:5|g\ng:-7|g\nu:joe|s\nbad\n_e{1,1}:a|b\n", 100);
        assert_eq!(
            bodies(&text),
            [
                r#""metric":"c","value":2,"type":"delta","weight":10}"#,
                r#""metric":"t","value":1,"unit":"ms","tags":{"a":"b"}}"#,
                r#""metric":"t","value":2,"unit":"ms","tags":{"a":"b"}}"#,
                r#""metric":"g","value":5}"#,
                r#""metric":"g","value":-2}"#,
                r#""metric":"u","value":"joe","type":"set"}"#,
                r#""event":"a","text":"b"}"#,
            ]
        );
        assert_eq!((reader.block_records, reader.counts.lines, reader.counts.rejected, reader.counts.datagrams), (7, 7, 1, 1));
        assert_eq!(reader.to_tell.len(), 1);
    }

    #[test]
    fn a_full_memory_of_gauges_makes_room_by_forgetting_the_unused() {
        let (_, mut reader) = raw("a:1|g\nb:1|g", 2);
        reader.datagram(Some(b"c:1|g\nc:+1|g"), Timestamp::default());
        assert_eq!(bodies(std::str::from_utf8(&reader.block).unwrap())[1], r#""metric":"c","value":1,"type":"delta"}"#);
        assert!(reader.to_tell[0].contains("more than 2 series"));
        reader.begin_again();
        reader.block.clear();
        reader.datagram(Some(b"c:1|g\nc:+1|g"), Timestamp::default());
        assert_eq!(bodies(std::str::from_utf8(&reader.block).unwrap())[1], r#""metric":"c","value":2}"#);
    }

    #[test]
    fn samples_with_a_time_of_their_own_are_not_summed_up() {
        let mut reader = Reader::new(NameTags::Kept, 10, true);
        reader.datagram(Some(b"a:1|c\na:2|c|T1656581400"), Timestamp::default());
        assert_eq!(
            std::str::from_utf8(&reader.block).unwrap(),
            "{\"ts\":\"2022-06-30T09:30:00Z\",\"metric\":\"a\",\"value\":2,\"type\":\"delta\"}\n"
        );
    }

    #[test]
    fn series_without_room_are_summed_up_by_type_and_told_once() {
        let mut reader = Reader::new(NameTags::Kept, 2, true);
        reader.datagram(Some(b"a:1|c\nb:1|c\nc:1|c\nd:5|c\ne:5|ms\na:1|c\nf:1:x|c"), Timestamp::default());
        let Mode::Summed(table) = &mut reader.mode else { panic!() };
        let found: Vec<_> = table.known.sorted().map(|(_, series, _)| series.to_string()).collect();
        assert_eq!(found, ["a", "b", "collect.overflow{source=statsd,type=timer}", "collect.overflow{source=statsd,type=counter}"]);
        assert_eq!(reader.to_tell.len(), 2, "{:?}", reader.to_tell);
    }

    #[test]
    fn a_million_names_take_bounded_room() {
        let mut reader = Reader::new(NameTags::Kept, 1000, true);
        for i in 0..1_000_000 {
            reader.line(format!("name.{i}:1|c").as_bytes(), Timestamp::default());
        }
        let Mode::Summed(table) = &mut reader.mode else { panic!() };
        assert_eq!(table.known.len(), 1001);
    }
}
