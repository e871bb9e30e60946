//! A whole history in bounded memory: what each series came to in small cells of time.
//!
//! A cell is as long as a step of the ladder ([`LADDER`]), each of which holds the one before a whole number of
//! times. It begins with the finest; when more than [`MOST_CELLS`] are held, neighbours are drawn
//! together into the next coarser step. Time without samples takes no memory.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::record::{SampleType, Series, Tags};
use crate::time::{Span, Timestamp};

/// Lengths that cells may have, in seconds.
const LADDER: [u32; 12] = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 14_400, 43_200, 86_400];
/// How many cells are held at most; 40 bytes each.
const MOST_CELLS: usize = 4_000_000;
/// How many series are looked at; of more, the first are.
const MOST_SERIES: usize = 20_000;

/// What the points of a series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Sort {
    /// A value as it is now, or of one thing that happened.
    Gauge,
    /// A cumulative count.
    Counter,
    /// An increment, or one of several things counted by the samples themselves.
    Delta,
    /// An event or a beat: that it came is all.
    Occurrence,
}

/// One series in one stretch of time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    /// Which cell: time since 1970 divided by the step.
    pub(super) at: i64,
    /// The sum of the values; of a counter what it grew within the cell.
    pub(super) sum: f64,
    /// The first and the last value that came.
    first: f64,
    last: f64,
    pub(super) count: u32,
}

/// One series.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) series: Arc<Series>,
    pub(super) sort: Sort,
    pub(super) cells: Vec<Cell>,
}

/// The history of all series.
#[derive(Debug, Default)]
pub struct Gatherer {
    pub(super) tracks: Vec<Track>,
    index: HashMap<(Arc<Series>, bool), usize>,
    rung: usize,
    cells: usize,
    pub(super) records: u64,
    /// How many series there was no room for.
    pub(super) left_out: u64,
    pub(super) oldest: Option<Timestamp>,
    pub(super) newest: Option<Timestamp>,
}

impl Gatherer {
    /// Has seen nothing.
    pub fn new() -> Gatherer {
        Gatherer::default()
    }

    /// The place of a series; the same series has the same place. `None` when there are too many.
    pub fn place(&mut self, series: &Arc<Series>) -> Option<usize> {
        self.place_of(series, None)
    }

    fn place_of(&mut self, series: &Arc<Series>, occurrence: Option<Sort>) -> Option<usize> {
        let key = (Arc::clone(series), occurrence.is_some());
        if let Some(place) = self.index.get(&key) {
            return Some(*place);
        }
        if self.tracks.len() >= MOST_SERIES || series.kind == SampleType::Set {
            self.left_out += 1;
            return None;
        }
        let sort = occurrence.unwrap_or(match series.kind {
            SampleType::Counter => Sort::Counter,
            SampleType::Delta => Sort::Delta,
            SampleType::Gauge | SampleType::Set => Sort::Gauge,
        });
        self.tracks.push(Track { series: Arc::clone(series), sort, cells: Vec::new() });
        self.index.insert(key, self.tracks.len() - 1);
        Some(self.tracks.len() - 1)
    }

    /// Adds a value of the series at a place.
    pub fn add(&mut self, place: usize, ts: Timestamp, value: f64) {
        self.records += 1;
        self.oldest = Some(self.oldest.map_or(ts, |oldest| oldest.min(ts)));
        self.newest = Some(self.newest.map_or(ts, |newest| newest.max(ts)));
        let at = ts.nanos().div_euclid(self.step().nanos());
        let Track { sort, cells, .. } = &mut self.tracks[place];
        match cells.last_mut() {
            Some(cell) if cell.at == at => {
                cell.sum += match sort {
                    Sort::Counter => grown(cell.last, value),
                    _ => value,
                };
                cell.last = value;
                cell.count += 1;
            }
            _ => {
                let sum = if *sort == Sort::Counter { 0.0 } else { value };
                cells.push(Cell { at, sum, first: value, last: value, count: 1 });
                self.cells += 1;
            }
        }
        while self.cells > MOST_CELLS && self.rung + 1 < LADDER.len() {
            self.coarsen();
        }
    }

    /// Adds something that happened.
    pub fn occur(&mut self, name: &str, tags: &Tags, ts: Timestamp) {
        let series = Arc::new(Series { metric: name.to_owned(), tags: tags.clone(), ..Series::default() });
        if let Some(place) = self.place_of(&series, Some(Sort::Occurrence)) {
            self.add(place, ts, 1.0);
        }
    }

    /// How long a cell is.
    pub(super) fn step(&self) -> Span {
        Span::from_secs(LADDER[self.rung])
    }

    /// Puts the cells in order, each once, at a step of at least `least`.
    pub(super) fn settle(&mut self, least: Span) {
        self.merge(1);
        while self.step() < least && self.rung + 1 < LADDER.len() {
            self.coarsen();
        }
    }

    /// Ends the gathering: nothing is added, settled or drawn together afterwards.
    pub(super) fn close(&mut self) {
        // What counters grew between one cell and the next belongs to the later one.
        for track in self.tracks.iter_mut().filter(|track| track.sort == Sort::Counter) {
            let mut before: Option<f64> = None;
            for cell in &mut track.cells {
                cell.sum += before.map_or(0.0, |before| grown(before, cell.first));
                before = Some(cell.last);
            }
        }
    }

    fn coarsen(&mut self) {
        let factor = LADDER[self.rung + 1] / LADDER[self.rung];
        self.rung += 1;
        self.merge(i64::from(factor));
    }

    /// Draws `factor` neighbouring cells together.
    fn merge(&mut self, factor: i64) {
        self.cells = 0;
        for Track { cells, sort, .. } in &mut self.tracks {
            // Inputs may be named in any order; within a series time mostly ascends.
            if !cells.is_sorted_by_key(|cell| cell.at) {
                cells.sort_by_key(|cell| cell.at);
            }
            let mut kept: usize = 0;
            for at in 0..cells.len() {
                let mut cell = cells[at];
                cell.at = cell.at.div_euclid(factor);
                match kept.checked_sub(1).map(|last| &mut cells[last]).filter(|last| last.at == cell.at) {
                    Some(last) => {
                        let between = if *sort == Sort::Counter { grown(last.last, cell.first) } else { 0.0 };
                        last.sum += cell.sum + between;
                        (last.last, last.count) = (cell.last, last.count.saturating_add(cell.count));
                    }
                    None => {
                        cells[kept] = cell;
                        kept += 1;
                    }
                }
            }
            cells.truncate(kept);
            self.cells += kept;
        }
    }
}

/// What a counter grew from one value to the next; a fall is a new start.
fn grown(before: f64, now: f64) -> f64 {
    if now >= before { now - before } else { now }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(kind: SampleType, points: &[(u32, f64)]) -> Gatherer {
        let mut gatherer = Gatherer::new();
        let place = gatherer.place(&Arc::new(Series::new("m").kind(kind))).unwrap();
        points.iter().for_each(|(at, value)| gatherer.add(place, Timestamp::from_nanos(0).plus(Span::from_secs(*at)), *value));
        gatherer
    }

    fn sums(gatherer: &Gatherer) -> Vec<(i64, f64, u32)> {
        gatherer.tracks[0].cells.iter().map(|cell| (cell.at, cell.sum, cell.count)).collect()
    }

    #[test]
    fn a_counter_grows_across_cells_and_resets() {
        let mut gatherer = gathered(SampleType::Counter, &[(0, 5.0), (1, 8.0), (12, 10.0), (14, 1.0), (31, 4.0)]);
        gatherer.settle(Span::from_secs(10));
        gatherer.close();
        assert_eq!(sums(&gatherer), [(0, 3.0, 2), (1, 3.0, 2), (3, 3.0, 1)]);
    }

    #[test]
    fn the_order_of_the_inputs_makes_no_difference() {
        let points = [(0, 1.0), (3, 2.0), (61, 3.0), (62, 4.0), (200, 5.0)];
        let mut turned = points;
        turned.rotate_left(2);
        let [mut one, mut other] = [gathered(SampleType::Gauge, &points), gathered(SampleType::Gauge, &turned)];
        one.settle(Span::from_secs(60));
        other.settle(Span::from_secs(60));
        assert_eq!(sums(&one), sums(&other));
        assert_eq!(sums(&one), [(0, 3.0, 2), (1, 7.0, 2), (3, 5.0, 1)]);
    }
}
