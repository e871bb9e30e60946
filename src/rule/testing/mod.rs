//! Unit tests of checks: series made up, the checks run over them, what they say held against what was expected.
//!
//! ```text
//! test file ──read──▶ TestFile { Case … } ─┐
//!                      rule files ─▶ checks ─▶ run ─▶ Differences, Coverage
//! ```
//!
//! A [`Case`] may as well be built in memory, by whoever reads tests in another language:
//!
//! ```
//! use pipewatch::record::{Status, Tags};
//! use pipewatch::rule::testing::{Case, Coverage, Expectation, Line, What, run};
//! use pipewatch::rule::{read, series, values};
//! use pipewatch::time::Span;
//!
//! let checks = read("check.toml", "[queue]\nwarning = 'last(queue.depth) > 500 for 5m'\nevery = '1m'").unwrap();
//! let mut case = Case::new("a full queue is a warning after five minutes");
//! let minute = Span::from_secs(60);
//! case.lines.push(Line::new(series("queue.depth").unwrap(), case.start, minute, values("100 600x20").unwrap()));
//! let expect = |minutes, status| Expectation::at("queue", Tags::new(), case.start.plus(minute.times(minutes)), What::is(status));
//! case.expectations = vec![expect(5, Status::Ok), expect(6, Status::Warning)];
//! let mut coverage = Coverage::new(&checks);
//! assert_eq!(run(&checks, &case, &mut coverage).unwrap(), []);
//! ```
//!
//! Always: records reach the engine in the order of time, each before the first evaluation at or
//! after its instant, as in a live stream; so a series is not known before it began. Every check is
//! evaluated at the multiples of its own `every`; an instant between two is judged as if one were there.
//!
//! No file is opened here.

mod coverage;
mod difference;
mod entry;
mod expect;
mod file;
mod run;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use coverage::{Coverage, Covered};
pub use difference::Difference;
pub use expect::{Bounds, Expectation, What, When, Wording};
pub use file::{MOST_TEST_ERRORS, TestFile};
pub use run::{MOST_EVALUATIONS, run};

use super::notation::Given;
use crate::record::{Beat, Event, Series};
use crate::time::{Span, Timestamp};

/// When a test begins, unless it says otherwise: 2026-01-05T00:00:00Z, a Monday.
pub const START: Timestamp = Timestamp::from_nanos(1_767_571_200_000_000_000);

/// How far apart the values of a series are, unless the test says otherwise.
pub const INTERVAL: Span = Span::from_secs(60);

/// One test: what is given, and what is expected of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// What should be true, in a sentence.
    pub name: String,
    /// Where it stands in its file; `(0, 0)` when it has none.
    pub place: (usize, usize),
    /// The first instant at which checks are evaluated.
    pub start: Timestamp,
    /// Samples, series by series.
    pub lines: Vec<Line>,
    /// Events, in any order.
    pub events: Vec<Event>,
    /// Beats, in any order.
    pub beats: Vec<Beat>,
    /// What the checks should say.
    pub expectations: Vec<Expectation>,
}

impl Case {
    /// A test that begins at [`START`], and in which nothing is given and nothing expected.
    pub fn new(name: impl Into<String>) -> Case {
        Case {
            name: name.into(),
            place: (0, 0),
            start: START,
            lines: Vec::new(),
            events: Vec::new(),
            beats: Vec::new(),
            expectations: Vec::new(),
        }
    }

    /// The last instant that anything is said about.
    pub fn end(&self) -> Timestamp {
        let lines = self.lines.iter().map(Line::end);
        let events = self.events.iter().map(|event| event.ts);
        let beats = self.beats.iter().map(|beat| beat.ts);
        let asked = self.expectations.iter().filter_map(|expectation| expectation.when.end());
        lines.chain(events).chain(beats).chain(asked).fold(self.start, Timestamp::max)
    }
}

/// A series and its samples.
#[derive(Debug, Clone)]
pub struct Line {
    /// The series, with its type and unit.
    pub series: Arc<Series>,
    /// When the first of the values came.
    pub from: Timestamp,
    /// How far apart they are.
    pub interval: Span,
    /// What came, one an interval.
    pub values: Vec<Given>,
}

impl Line {
    /// A series whose first value came at an instant.
    pub fn new(series: Series, from: Timestamp, interval: Span, values: Vec<Given>) -> Line {
        Line { series: Arc::new(series), from, interval, values }
    }

    /// The samples, in the order of time.
    pub(super) fn samples(&self) -> impl DoubleEndedIterator<Item = (Timestamp, f64)> + Clone {
        let sample = |(at, given): (usize, &Given)| match given {
            Given::Value(value) => Some((self.instant(at), *value)),
            Given::Missing | Given::Stale => None,
        };
        self.values.iter().enumerate().filter_map(sample)
    }

    /// When the last of its values came, or could have come.
    fn end(&self) -> Timestamp {
        self.instant(self.values.len().saturating_sub(1))
    }

    fn instant(&self, at: usize) -> Timestamp {
        self.from.plus(self.interval.times(u32::try_from(at).unwrap_or(u32::MAX)))
    }
}
