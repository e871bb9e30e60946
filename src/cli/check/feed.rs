//! Lines to an engine: the records that its checks ask for, read once, each to its place.

use std::sync::Arc;

use super::super::{Failure, Trouble};
use crate::ndjson::{Item, Samples};
use crate::record::{Record, Value};
use crate::rule::Engine;
use crate::store::read::Range;
use crate::time::Timestamp;

/// What remembers which series go where.
pub(super) struct Feed {
    samples: Samples,
    slots: Vec<Option<usize>>,
    range: Range,
    /// The time of the newest record.
    pub(super) newest: Timestamp,
}

impl Feed {
    /// For records within a range of time.
    pub(super) fn new(range: Range) -> Feed {
        Feed { samples: Samples::new(), slots: Vec::new(), range, newest: Timestamp::MIN }
    }

    /// Gives the record of a line to the engine; its time.
    ///
    /// Before a record that is newer than the engine's horizon is given, `now` tells how far that may move.
    pub(super) fn line(&mut self, line: &[u8], engine: &mut Engine, now: &dyn Fn() -> Timestamp) -> Result<Timestamp, Trouble> {
        let ts = match self.samples.read(line)? {
            Item::Sample { series, ts, value, weight } => {
                while self.slots.len() <= series.0 as usize {
                    let next = &self.samples.all()[self.slots.len()];
                    self.slots.push(engine.slot(next).map_err(Failure::Data)?);
                }
                if ts > engine.horizon() {
                    // A live input goes on while time passes: what arrives now is not from the future.
                    engine.advance(now());
                }
                if let Some(slot) = self.slots[series.0 as usize].filter(|_| self.range.holds(ts)) {
                    engine.add(slot, ts, value, weight).map_err(Failure::Data)?;
                }
                ts
            }
            Item::Other(record) => {
                let ts = record.ts();
                if self.range.holds(ts) {
                    engine.advance(now());
                    other(engine, *record).map_err(Failure::Data)?;
                }
                ts
            }
        };
        if self.range.holds(ts) {
            self.newest = self.newest.max(ts);
        }
        Ok(ts)
    }
}

/// Adds a record that is no plain sample.
///
/// # Errors
/// When more matters than the engine keeps: the words to say so.
pub(super) fn other(engine: &mut Engine, record: Record) -> Result<(), String> {
    match record {
        Record::Sample(sample) => {
            let slot = engine.slot(&Arc::new(sample.series))?;
            let value = match sample.value {
                Value::Number(value) => value,
                Value::Member(member) => number_of(&member),
            };
            match slot {
                Some(slot) => engine.add(slot, sample.ts, value, sample.weight),
                None => Ok(()),
            }
        }
        Record::Window(window) => engine.add_window(&window),
        Record::Event(event) => engine.add_event(&event),
        Record::Beat(beat) => engine.add_beat(&beat),
        Record::Verdict(verdict) => {
            engine.add_verdict(&verdict.check, &verdict.tags, verdict.ts, verdict.status);
            Ok(())
        }
        Record::Notice(_) => Ok(()),
    }
}

/// A number that stands for a member of a set: of 53 bits of its hash, so that a double holds it.
fn number_of(member: &str) -> f64 {
    use std::hash::Hasher;
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(member.as_bytes());
    (hasher.finish() >> 11) as f64
}
