//! Lines to an engine: the records that its checks ask for, read once, each to its place.

use std::sync::Arc;

use super::memory::text_of;
use crate::cli::{Alive, Clock, Failure, Trouble};
use crate::ndjson::{Item, Samples};
use crate::record::{Notice, Record, Value};
use crate::rule::Engine;
use crate::store::read::Range;
use crate::store::state::Point;
use crate::time::Timestamp;

/// What remembers which series go where.
pub(super) struct Feed {
    samples: Samples,
    slots: Vec<Option<usize>>,
    range: Range,
    /// The times of the oldest and the newest record.
    pub(super) oldest: Timestamp,
    pub(super) newest: Timestamp,
    /// Whether what comes is to be kept, as it can't be read again; and what has come.
    keeps: bool,
    pub(super) kept: Vec<Point>,
    texts: Vec<String>,
    /// Whether to go on without what there is no room for, as a run that never ends must; and what was last so.
    goes_on: bool,
    /// Whether records other than samples move the horizon to the present.
    advances: bool,
    /// Told of the beats that arrive.
    alive: Alive,
    pub(super) no_room: Option<String>,
}

impl Feed {
    /// For records within a range of time.
    pub(super) fn new(range: Range) -> Feed {
        Feed {
            samples: Samples::new(),
            slots: Vec::new(),
            range,
            oldest: Timestamp::MAX,
            newest: Timestamp::MIN,
            keeps: false,
            kept: Vec::new(),
            texts: Vec::new(),
            goes_on: false,
            advances: true,
            alive: Alive::default(),
            no_room: None,
        }
    }

    /// Keeps what comes, for the state.
    pub(super) fn keep(mut self, keeps: bool) -> Feed {
        self.keeps = keeps;
        self
    }

    /// Tells of the beats that arrive, as this is the end of a pipe.
    pub(super) fn alive(mut self, alive: Alive) -> Feed {
        self.alive = alive;
        self
    }

    /// Goes on without what there is no room for. Where an instant was given in place of the clock, the records
    /// tell the time, and what comes before that instant is not old.
    pub(super) fn go_on(mut self, clock: Clock) -> Feed {
        self.goes_on = true;
        self.advances = matches!(clock, Clock::System);
        self
    }

    /// What to do when there is no room for a record: nothing else matters to a single answer, and a
    /// run that follows a stream must not end for it.
    fn no_room<T>(&mut self, result: Result<T, String>) -> Result<Option<T>, Failure> {
        match result {
            Ok(done) => Ok(Some(done)),
            Err(message) if self.goes_on => {
                self.no_room = Some(message);
                Ok(None)
            }
            Err(message) => Err(Failure::Data(message)),
        }
    }

    /// Gives the record of a line to the engine; its time.
    ///
    /// Before a record that is newer than the engine's horizon is given, `now` tells how far that may move.
    pub(super) fn line(&mut self, line: &[u8], engine: &mut Engine, now: &dyn Fn() -> Timestamp) -> Result<Timestamp, Trouble> {
        let ts = match self.samples.read(line)? {
            Item::Sample { series, ts, value, weight } => {
                while self.slots.len() <= series.0 as usize {
                    let next = Arc::clone(&self.samples.all()[self.slots.len()]);
                    let slot = self.no_room(engine.slot(&next))?.flatten();
                    self.slots.push(slot);
                    if self.keeps {
                        self.texts.push(text_of(&next));
                    }
                }
                if ts > engine.horizon() {
                    // A live input goes on while time passes: what arrives now is not from the future.
                    engine.advance(now());
                }
                if let Some(slot) = self.slots[series.0 as usize].filter(|_| self.range.holds(ts)) {
                    let room = self.no_room(engine.add(slot, ts, value, weight))?;
                    if self.keeps && room.is_some() && !engine.only_counts(slot) {
                        self.kept.push(Point { series: self.texts[series.0 as usize].clone(), ts, value, weight });
                    }
                }
                ts
            }
            Item::Other(record) => {
                let ts = record.ts();
                self.alive.arrived(&record);
                if self.range.holds(ts) {
                    if self.advances {
                        engine.advance(now());
                    }
                    if self.keeps {
                        self.kept.push(Point { series: String::from_utf8_lossy(line).trim().to_owned(), ts, value: 0.0, weight: 1.0 });
                    }
                    let added = add_record(engine, *record);
                    self.no_room(added)?;
                }
                ts
            }
        };
        if self.range.holds(ts) {
            self.newest = self.newest.max(ts);
            self.oldest = self.oldest.min(ts);
        }
        Ok(ts)
    }
}

/// Adds a record that is no plain sample.
///
/// # Errors
/// When there is no room for it: the words to say so.
pub(super) fn add_record(engine: &mut Engine, record: Record) -> Result<(), String> {
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
        Record::Notice(notice) => {
            judged(engine, &notice);
            Ok(())
        }
    }
}

/// Gives on what a person judged a check's firing to be.
fn judged(engine: &mut Engine, notice: &Notice) {
    let real = match notice.state.as_deref() {
        Some("real") => true,
        Some("noise") => false,
        _ => return,
    };
    if let (Some(check), "judged") = (&notice.check, notice.notice.as_str()) {
        engine.add_judgement(check, &notice.tags, notice.ts, real);
    }
}

/// A number that stands for a member of a set: of 53 bits of its hash, so that a double holds it.
fn number_of(member: &str) -> f64 {
    use std::hash::Hasher;
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(member.as_bytes());
    (hasher.finish() >> 11) as f64
}
