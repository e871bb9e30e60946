//! One series, kept small enough to be drawn: cells of time with their extremes.
//!
//! A trace begins with cells of a millisecond. When there are more than [`MOST_CELLS`] of them, pairs
//! are joined, and cells are twice as long from then on; so memory is bounded however long the series,
//! and no extreme is ever lost: a spike of one second in a month is as high as it was.
//!
//! ```text
//! samples   3 9 1 | 4 | 7 7
//! cells     min 1 max 9, first 3 last 1, 3 samples | 4 | 7
//! ```

use std::collections::BTreeMap;

use crate::time::{Span, Timestamp};

/// The most cells of a trace, about 300 KiB of them.
pub const MOST_CELLS: usize = 4096;

/// The samples of one stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The first by time.
    pub first: f64,
    /// The last by time.
    pub last: f64,
    /// Their sum.
    pub sum: f64,
    /// How many.
    pub count: f64,
}

impl Cell {
    fn new(value: f64) -> Cell {
        Cell { min: value, max: value, first: value, last: value, sum: value, count: 1.0 }
    }

    /// Joins what came later.
    fn join(&mut self, later: &Cell) {
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.last = later.last;
        self.sum += later.sum;
        self.count += later.count;
    }

    /// The arithmetic mean.
    pub fn mean(&self) -> f64 {
        self.sum / self.count
    }
}

/// How the values of a series become something to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reading {
    /// As they are.
    #[default]
    Level,
    /// Increments: a column shows their sum per second.
    Flow,
    /// A count since some start: each sample shows its increase per second; a fall is a reset.
    Counter,
}

/// One series to draw.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Its name with its tags, safe to show.
    pub label: String,
    /// The unit of what is drawn, as UCUM writes it.
    pub unit: Option<String>,
    reading: Reading,
    width_ns: i64,
    cells: BTreeMap<i64, Cell>,
    newest: Option<(Timestamp, f64)>,
    counted: Option<(Timestamp, f64)>,
}

impl Trace {
    /// A series without samples.
    pub fn new(label: impl Into<String>, unit: Option<String>, reading: Reading) -> Trace {
        let unit = match (reading, unit) {
            (Reading::Level, unit) => unit,
            (_, Some(unit)) if unit != "1" => Some(format!("{unit}/s")),
            _ => Some("/s".to_owned()),
        };
        let (cells, newest, counted) = (BTreeMap::new(), None, None);
        Trace { label: label.into(), unit, reading, width_ns: 1_000_000, cells, newest, counted }
    }

    /// Adds a sample; one that is not later than the last of a counter is left out.
    pub fn add(&mut self, ts: Timestamp, value: f64) {
        let Some(value) = self.read(ts, value) else { return };
        self.add_cell(ts, Cell::new(value));
    }

    /// Adds a summary of `count` samples from the extremes and the mean.
    pub fn add_summary(&mut self, ts: Timestamp, value: f64, min: f64, max: f64) {
        self.add_cell(ts, Cell { min: min.min(value), max: max.max(value), ..Cell::new(value) });
    }

    fn read(&mut self, ts: Timestamp, value: f64) -> Option<f64> {
        if self.reading != Reading::Counter {
            return Some(value);
        }
        let before = self.counted;
        if before.is_some_and(|(then, _)| ts <= then) {
            return None;
        }
        self.counted = Some((ts, value));
        let (then, was) = before?;
        let grown = if value < was { value } else { value - was };
        Some(grown / ts.since(then).secs_f64())
    }

    fn add_cell(&mut self, ts: Timestamp, cell: Cell) {
        if self.newest.is_none_or(|(newest, _)| ts >= newest) {
            self.newest = Some((ts, cell.last));
        }
        self.cells.entry(ts.nanos().div_euclid(self.width_ns)).and_modify(|held| held.join(&cell)).or_insert(cell);
        while self.cells.len() > MOST_CELLS {
            self.widen();
        }
    }

    /// Joins pairs of cells.
    fn widen(&mut self) {
        self.width_ns *= 2;
        for (index, cell) in std::mem::take(&mut self.cells) {
            self.cells.entry(index.div_euclid(2)).and_modify(|held| held.join(&cell)).or_insert(cell);
        }
    }

    /// Forgets what ended before an instant.
    pub fn forget(&mut self, before: Timestamp) {
        self.cells = self.cells.split_off(&before.nanos().div_euclid(self.width_ns));
    }

    /// The newest sample, as it is drawn.
    pub const fn newest(&self) -> Option<(Timestamp, f64)> {
        self.newest
    }

    /// The instants of the first cell's begin and of the newest sample.
    pub fn extent(&self) -> Option<(Timestamp, Timestamp)> {
        let (first, _) = self.cells.first_key_value()?;
        Some((Timestamp::from_nanos(first.saturating_mul(self.width_ns)), self.newest?.0))
    }

    /// The greatest value within a stretch of time, and the begin of its cell.
    pub fn highest(&self, from: Timestamp, until: Timestamp) -> Option<(Timestamp, f64)> {
        let cells = self.cells.range(from.nanos().div_euclid(self.width_ns)..until.nanos().div_euclid(self.width_ns).saturating_add(1));
        let (index, cell) = cells.reduce(|best, found| if found.1.max > best.1.max { found } else { best })?;
        Some((Timestamp::from_nanos(index.saturating_mul(self.width_ns)).max(from), cell.max))
    }

    /// How far apart its cells usually are: the median.
    pub fn period(&self) -> Span {
        let mut gaps: Vec<i64> = self.cells.keys().zip(self.cells.keys().skip(1)).map(|(one, other)| other - one).collect();
        let middle = gaps.len() / 2;
        if gaps.is_empty() {
            return Span::ZERO;
        }
        let (_, median, _) = gaps.select_nth_unstable(middle);
        Span::from_nanos(median.saturating_mul(self.width_ns))
    }

    /// What each of `count` equal columns of a stretch of time holds.
    ///
    /// Increments come out per second: a column's sum over its length.
    pub fn columns(&self, from: Timestamp, until: Timestamp, count: usize) -> Vec<Option<Cell>> {
        let mut columns: Vec<Option<Cell>> = vec![None; count];
        let length = until.since(from).nanos();
        if length == 0 || count == 0 {
            return columns;
        }
        let start = from.nanos().div_euclid(self.width_ns);
        for (index, cell) in self.cells.range(start..) {
            let at = i128::from(index.saturating_mul(self.width_ns).max(from.nanos())) - i128::from(from.nanos());
            let column = (at * count as i128 / i128::from(length)) as usize;
            let Some(held) = columns.get_mut(column) else { break };
            match held {
                Some(held) => held.join(cell),
                None => *held = Some(*cell),
            }
        }
        if self.reading == Reading::Flow {
            let seconds = length as f64 / 1e9 / count as f64;
            for held in columns.iter_mut().flatten() {
                let rate = held.sum / seconds;
                *held = Cell { min: rate, max: rate, first: rate, last: rate, sum: rate * held.count, count: held.count };
            }
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_spike_of_a_second_in_a_month_is_as_high_as_it_was() {
        let mut trace = Trace::new("x", None, Reading::Level);
        for second in 0..2_592_000 / 20 {
            trace.add(at(second * 20), if second == 70_000 { 99.0 } else { 1.0 });
        }
        assert!(trace.cells.len() <= MOST_CELLS);
        let columns = trace.columns(at(0), at(2_592_000), 80);
        assert_eq!(columns.iter().flatten().filter(|cell| cell.max == 99.0).count(), 1);
        assert_eq!(columns[43].map(|cell| (cell.min, cell.max)), Some((1.0, 99.0)));
    }

    #[test]
    fn a_counter_shows_its_increase_per_second_and_a_fall_is_a_reset() {
        let mut trace = Trace::new("x", None, Reading::Counter);
        for (second, value) in [(0, 100.0), (10, 120.0), (20, 5.0), (20, 7.0), (30, 5.0)] {
            trace.add(at(second), value);
        }
        let lasts: Vec<Option<f64>> = trace.columns(at(0), at(40), 4).iter().map(|cell| cell.map(|cell| cell.last)).collect();
        assert_eq!(lasts, [None, Some(2.0), Some(0.5), Some(0.0)]);
        assert_eq!(trace.unit.as_deref(), Some("/s"));
    }

    #[test]
    fn increments_are_drawn_per_second_however_wide_a_column_is() {
        let mut trace = Trace::new("x", Some("By".into()), Reading::Flow);
        (0..60).for_each(|second| trace.add(at(second), 5.0));
        for columns in [1, 6, 60] {
            assert!(trace.columns(at(0), at(60), columns).iter().all(|cell| cell.unwrap().last == 5.0));
        }
        assert_eq!(trace.unit.as_deref(), Some("By/s"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn extremes_and_counts_do_not_depend_on_how_cells_were_joined(values in prop::collection::vec((0i64..100_000_000, -1e6f64..1e6), 1..9000)) {
            let mut values = values;
            values.sort_by_key(|(ms, _)| *ms);
            let mut trace = Trace::new("x", None, Reading::Level);
            values.iter().for_each(|(ms, value)| trace.add(Timestamp::from_nanos(ms * 1_000_000), *value));
            prop_assert!(trace.cells.len() <= MOST_CELLS);
            let all = trace.columns(at(0), at(100_000), 1)[0].unwrap();
            let least = values.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
            let most = values.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
            prop_assert_eq!((all.min, all.max, all.count), (least, most, values.len() as f64));
            prop_assert_eq!((all.first, all.last), (values[0].1, values[values.len() - 1].1));
        }
    }
}
