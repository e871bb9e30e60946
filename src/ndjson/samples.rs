//! The hot path: samples of known series without allocation.
//!
//! A stream repeats itself: only the time and the value differ from one line of a series to the
//! next. So what stands around them is looked up as raw bytes:
//!
//! ```text
//! {"ts":"2026-11-22T19:00:00.277Z","metric":"disk.free","value":64.6,"tags":{"host":"web-2"}}
//!        └ read, its minute kept ┘          └─ key ──┘          └┬─┘└──────── key ──────────┘
//!                                                             read
//! ```
//!
//! What stands before the value and what stands behind it are known apart: twenty metrics on a
//! hundred hosts are 120 short texts, which a cache holds, and 2,000 pairs of numbers.
//!
//! A pair that is not known goes through [`decode()`], which checks everything; it is then learned.
//! So a known pair has been checked as a whole line, and the tables
//! only ever make faster what `decode` would have said too. They are bounded by [`SERIES`],
//! [`TEXTS`] and [`TEXT_BYTES`]: past them lines are still read, the slow way.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use hashbrown::{HashMap, HashTable};

use super::{LineError, decode::decode_at, number};
use crate::record::{Record, Sample, Series, Value};
use crate::time::{Timestamp, TimestampCache};

/// How many series are known at most.
const SERIES: usize = 1 << 17;

/// How many texts are known at most on either side of the value, and how many bytes they may take.
const TEXTS: usize = 1 << 17;
const TEXT_BYTES: usize = 32 << 20;

/// How many pairs of texts are known at most; a series may be spelled in several ways.
const PAIRS: usize = 1 << 18;

/// A series known to one [`Samples`]; numbered from 0 as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId(pub u32);

/// What a line held.
#[derive(Debug, PartialEq)]
pub enum Item {
    /// A sample with a number, of a known series.
    Sample {
        /// Its series; see [`Samples::series`].
        series: SeriesId,
        /// When.
        ts: Timestamp,
        /// What was measured.
        value: f64,
        /// How many observations it stands for.
        weight: f64,
    },
    /// Any other record: other kinds, members of sets, and samples past the bound of series.
    Other(Box<Record>),
}

/// Texts, each with a number.
#[derive(Default)]
struct Texts {
    hasher: DefaultHashBuilder,
    bytes: Vec<u8>,
    places: Vec<(u32, u32)>,
    table: HashTable<u32>,
}

impl Texts {
    #[inline]
    fn find(&self, text: &[u8]) -> Option<u32> {
        self.find_hash(self.hash(text), text)
    }

    #[inline]
    fn find_hash(&self, hash: u64, text: &[u8]) -> Option<u32> {
        self.table.find(hash, |at| self.text(*at) == text).copied()
    }

    #[inline]
    fn text(&self, at: u32) -> &[u8] {
        let (start, end) = self.places[at as usize];
        &self.bytes[start as usize..end as usize]
    }

    #[inline]
    fn hash(&self, text: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(text);
        hasher.finish()
    }

    /// The number of a text, which is learned when it is new; `None` when there are too many.
    fn learn(&mut self, text: &[u8]) -> Option<u32> {
        let hash = self.hash(text);
        if let Some(at) = self.find_hash(hash, text) {
            return Some(at);
        }
        if self.places.len() >= TEXTS || self.bytes.len() + text.len() > TEXT_BYTES {
            return None;
        }
        let at = self.places.len() as u32;
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(text);
        self.places.push((start, self.bytes.len() as u32));
        let (hasher, places, bytes) = (&self.hasher, &self.places, &self.bytes);
        self.table.insert_unique(hash, at, |at| {
            let (start, end) = places[*at as usize];
            let mut hasher = hasher.build_hasher();
            hasher.write(&bytes[start as usize..end as usize]);
            hasher.finish()
        });
        Some(at)
    }
}

/// Reads lines, knowing the series it has seen.
#[derive(Default)]
pub struct Samples {
    times: TimestampCache,
    metrics: Texts,
    tails: Texts,
    /// The weight that each tail tells.
    weights: Vec<f64>,
    pairs: HashMap<(u32, u32), SeriesId>,
    known: HashMap<Arc<Series>, SeriesId>,
    series: Vec<Arc<Series>>,
    arrival: Option<Timestamp>,
}

/// The parts of a line in the usual form.
struct Parts<'a> {
    ts: &'a [u8],
    metric: &'a [u8],
    value: f64,
    tail: &'a [u8],
}

impl Samples {
    /// Knows nothing yet.
    pub fn new() -> Samples {
        Samples::default()
    }

    /// Gives records without `ts` this time from now on, instead of refusing them.
    pub fn stamp(&mut self, arrival: Timestamp) {
        self.arrival = Some(arrival);
    }

    /// The series of an id that this reader gave.
    pub fn series(&self, id: SeriesId) -> Option<&Arc<Series>> {
        self.series.get(id.0 as usize)
    }

    /// All series that are known, by id.
    pub fn all(&self) -> &[Arc<Series>] {
        &self.series
    }

    /// Reads one line, without its newline.
    ///
    /// # Errors
    /// As [`decode()`](super::decode()).
    #[inline]
    pub fn read(&mut self, line: &[u8]) -> Result<Item, LineError> {
        if let Some(parts) = parts(line)
            && let Ok(ts) = self.times.parse(parts.ts)
            && let Some(metric) = self.metrics.find(parts.metric)
            && let Some(tail) = self.tails.find(parts.tail)
            && let Some(series) = self.pairs.get(&(metric, tail))
        {
            return Ok(Item::Sample { series: *series, ts, value: parts.value, weight: self.weights[tail as usize] });
        }
        self.read_new(line)
    }

    /// Reads a line the long way and learns its spelling.
    #[cold]
    fn read_new(&mut self, line: &[u8]) -> Result<Item, LineError> {
        let record = decode_at(line, self.arrival)?;
        let Record::Sample(Sample { ts, series, value: Value::Number(value), weight }) = record else {
            return Ok(Item::Other(Box::new(record)));
        };
        let id = match self.known.get(&series) {
            Some(id) => *id,
            None if self.series.len() < SERIES => {
                let id = SeriesId(self.series.len() as u32);
                let series = Arc::new(series);
                self.series.push(Arc::clone(&series));
                self.known.insert(series, id);
                id
            }
            None => return Ok(Item::Other(Box::new(Record::Sample(Sample { ts, series, value: Value::Number(value), weight })))),
        };
        self.learn(line, id, weight);
        Ok(Item::Sample { series: id, ts, value, weight })
    }

    fn learn(&mut self, line: &[u8], series: SeriesId, weight: f64) {
        let Some(parts) = parts(line) else { return };
        // Where the usual form is found in a valid line, its quotes are those that end the name: behind
        // an escaped one the line would not be JSON.
        let known_time = self.times.parse(parts.ts).is_ok();
        if !known_time || self.pairs.len() >= PAIRS {
            return;
        }
        let (Some(metric), Some(tail)) = (self.metrics.learn(parts.metric), self.tails.learn(parts.tail)) else { return };
        if self.weights.len() <= tail as usize {
            self.weights.resize(tail as usize + 1, weight);
        }
        self.pairs.insert((metric, tail), series);
    }
}

/// Takes a line in the usual form apart, without checking what is in the parts.
#[inline]
fn parts(line: &[u8]) -> Option<Parts<'_>> {
    let rest = line.strip_prefix(b"{\"ts\":\"")?;
    // The usual lengths of a time: with milliseconds, and without a fraction.
    let length = match (rest.get(24), rest.get(20)) {
        (Some(b'"'), _) => 24,
        (_, Some(b'"')) => 20,
        _ => memchr::memchr(b'"', &rest[..rest.len().min(40)])?,
    };
    let (ts, rest) = rest.split_at(length);
    let rest = rest.strip_prefix(b"\",\"metric\":\"")?;
    let (metric, rest) = rest.split_at(memchr::memchr(b'"', rest)?);
    let rest = rest.strip_prefix(b"\",\"value\":")?;
    let (value, length) = number::short(rest)?;
    let tail = &rest[length..];
    // The value ends here, or it was no number.
    matches!(tail.first(), Some(b',' | b'}')).then_some(Parts { ts, metric, value, tail })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ndjson::decode;
    use proptest::prelude::*;

    /// What the reader says, as the plain decoder would say it.
    fn read(samples: &mut Samples, line: &[u8]) -> Result<Record, LineError> {
        samples.read(line).map(|item| match item {
            Item::Sample { series, ts, value, weight } => {
                Record::Sample(Sample { ts, series: (**samples.series(series).unwrap()).clone(), value: Value::Number(value), weight })
            }
            Item::Other(record) => *record,
        })
    }

    #[test]
    fn spellings_of_one_series_share_its_id() {
        let mut samples = Samples::new();
        let lines = [
            r#"{"ts":"2026-11-22T19:00:00.277Z","metric":"m","value":64.6,"tags":{"a":"1","b":"2"}}"#,
            r#"{"ts":"2026-11-22T19:00:01Z","metric":"m","value":1,"tags":{"b":"2","a":"1"}}"#,
            r#"{"metric":"m","value":1,"tags":{"b":"2","a":"1"},"ts":5}"#,
            r#"{"ts":"2026-11-22T19:00:01Z","metric":"m","value":1,"tags":{"b":"2","a":1}}"#,
        ];
        for line in lines {
            for _ in 0..2 {
                assert!(matches!(samples.read(line.as_bytes()), Ok(Item::Sample { series: SeriesId(0), .. })), "{line}");
            }
        }
        assert_eq!(samples.all().len(), 1);
    }

    #[test]
    fn a_known_key_does_not_hide_a_mistake() {
        let mut samples = Samples::new();
        let good = r#"{"ts":"2026-11-22T19:00:00Z","metric":"m","value":1,"tags":{"a":"1"}}"#;
        assert!(samples.read(good.as_bytes()).is_ok());
        for (from, to) in
            [("19:00:00", "19:00:61"), (":1,", ":01,"), (":1,", ":1.,"), (":1,", ":-,"), (":1,", ":1 2,"), ("19:00:00", "19:00:0x")]
        {
            let bad = good.replace(from, to);
            assert!(samples.read(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn it_says_what_the_plain_decoder_says(lines in prop::collection::vec((0u32..3, "[0-9.eE-]{1,6}", "(|,\"unit\":\"s\"|,\"weight\":2|,\"type\":\"counter\"|,\"value\":1|,\"tags\":\\{\"a\":\"[xy]\"\\}|,\"x\":\"\\\\u0041\")", "m|n|m\\\\\"|\\\\u006d"), 1..30)) {
            let mut samples = Samples::new();
            for (second, value, tail, metric) in lines {
                let line = format!("{{\"ts\":\"2026-11-22T19:00:0{second}.250Z\",\"metric\":\"{metric}\",\"value\":{value}{tail}}}");
                prop_assert_eq!(read(&mut samples, line.as_bytes()), decode(line.as_bytes()), "{}", line);
            }
        }
    }
}
