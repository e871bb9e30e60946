//! All series side by side: one row each, one column for each cell of time in which anything was measured.
//!
//! A row has what is usual for the hour taken off ([`Row::strange`]), in units of its own spread; so rows of any
//! unit can be held against one another. What is usual is a median: of the same hour of the week (two weeks or more of
//! history), of the day (three days or more), or of all; the hours beside it count too. A season is taken off
//! only where that leaves less spread than there was.

use super::gather::{Gatherer, Sort};
use super::known::{self, Sign};
use super::words;
use crate::math::{quantile_sorted, sort_values};
use crate::record::Series;
use crate::time::{Span, Timestamp};

/// How many values all rows together have at most.
const MOST_VALUES: usize = 10_000_000;
/// How many columns there are at most.
const MOST_COLUMNS: usize = 65_536;
const HOUR: i64 = 3_600_000_000_000;
const DAY: i64 = 24 * HOUR;
/// A value so many spreads from what is usual deviates.
const FAR: f64 = 4.0;
/// Or beyond this share of all its own, whichever is farther.
const OFTEN: f64 = 0.9;

/// One series over the columns.
pub(super) struct Row {
    pub(super) series: std::sync::Arc<Series>,
    pub(super) sort: Sort,
    pub(super) sign: Sign,
    pub(super) words: Vec<String>,
    pub(super) entity: usize,
    /// The mean of a gauge, the rate a second of what counts.
    pub(super) values: Vec<Option<f32>>,
    /// How far from what is usual, in spreads.
    pub(super) strange: Vec<Option<f32>>,
    /// From which strangeness on it deviates.
    pub(super) border: f32,
    /// The value in the middle, and how far from it all but one in two hundred lie.
    pub(super) middle: f64,
    pub(super) reach: f64,
    /// Whether it never moves.
    pub(super) constant: bool,
    /// How many samples it had, and how many seconds lie between two of them in the middle.
    pub(super) samples: u64,
    pub(super) interval: f64,
}

impl Row {
    /// Whether it deviates in a column.
    pub(super) fn deviates(&self, column: usize) -> bool {
        self.strange[column].is_some_and(|strange| strange.abs() > self.border)
    }

    /// The values there are, in the order of time.
    pub(super) fn present(&self) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().flatten().map(|value| f64::from(*value))
    }
}

/// All series.
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    /// The start of each column.
    pub(super) times: Vec<Timestamp>,
    pub(super) step: Span,
    /// The names of what the series are of.
    pub(super) entities: Vec<String>,
}

impl Table {
    /// Lays the gathered cells side by side.
    pub(super) fn new(mut gatherer: Gatherer) -> Table {
        let least = usual_interval(&mut gatherer);
        gatherer.settle(least);
        let mut columns = columns(&gatherer);
        let most = MOST_COLUMNS.min(MOST_VALUES / gatherer.tracks.len().max(1)).max(500);
        while columns.len() > most {
            let step = gatherer.step();
            gatherer.settle(step.plus(Span::from_nanos(1)));
            if gatherer.step() == step {
                break;
            }
            columns = self::columns(&gatherer);
        }
        gatherer.close();
        let step = gatherer.step();
        let times: Vec<Timestamp> = columns.iter().map(|at| Timestamp::from_nanos(at.saturating_mul(step.nanos()))).collect();
        let mut entities: Vec<String> = Vec::new();
        let rows = gatherer.tracks.into_iter().map(|track| {
            let name = words::entity(&track.series);
            let entity = entities.iter().position(|known| *known == name).unwrap_or_else(|| {
                entities.push(name);
                entities.len() - 1
            });
            let words = words::words_of(&track.series);
            let sign = known::sign(&words, track.series.unit.as_deref(), track.sort != Sort::Gauge);
            let samples: u64 = track.cells.iter().map(|cell| u64::from(cell.count)).sum();
            let covered = track.cells.len() as f64 * step.secs_f64();
            let mut values = vec![None; columns.len()];
            if matches!(track.sort, Sort::Delta | Sort::Occurrence) {
                values.fill(Some(0.0));
            }
            for cell in &track.cells {
                if let Ok(column) = columns.binary_search(&cell.at) {
                    let by = if track.sort == Sort::Gauge { f64::from(cell.count) } else { step.secs_f64() };
                    values[column] = Some((cell.sum / by) as f32);
                }
            }
            let (strange, constant) = strangeness(&values, &times);
            let border = border(&strange);
            let (middle, reach) = reach(&values);
            let (series, sort) = (track.series, track.sort);
            Row {
                series,
                sort,
                sign,
                words,
                entity,
                values,
                strange,
                border,
                middle,
                reach,
                constant,
                samples,
                interval: covered / samples.max(1) as f64,
            }
        });
        let rows = rows.collect();
        Table { rows, times, step, entities }
    }

    /// How long all columns are together: time without any sample is left out.
    pub(super) fn covered(&self) -> Span {
        Span::from_nanos(self.step.nanos().saturating_mul(self.times.len() as i64))
    }

    /// Whether a column follows the one before it without a gap.
    pub(super) fn follows(&self, column: usize) -> bool {
        column > 0 && self.times[column].since(self.times[column - 1]) == self.step
    }

    /// How many columns a stretch of time is, at least one.
    pub(super) fn columns_of(&self, span: Span) -> usize {
        (span.nanos() / self.step.nanos()).max(1) as usize
    }
}

/// The time between neighbouring cells that most series have, so that a cell is no shorter.
fn usual_interval(gatherer: &mut Gatherer) -> Span {
    gatherer.settle(Span::ZERO);
    let step = gatherer.step();
    let gauges = gatherer.tracks.iter().filter(|track| matches!(track.sort, Sort::Gauge | Sort::Counter));
    let mut gaps: Vec<f64> = gauges
        .filter_map(|track| {
            let mut gaps: Vec<f64> = track.cells.windows(2).map(|pair| (pair[1].at - pair[0].at) as f64).collect();
            sort_values(&mut gaps);
            quantile_sorted(&gaps, 0.5)
        })
        .collect();
    sort_values(&mut gaps);
    // A quarter of the series at least is there in nearly every cell; the others come when they do.
    Span::from_nanos((quantile_sorted(&gaps, 0.25).unwrap_or(1.0) * step.nanos() as f64) as i64)
}

fn columns(gatherer: &Gatherer) -> Vec<i64> {
    let mut columns: Vec<i64> = gatherer.tracks.iter().flat_map(|track| track.cells.iter().map(|cell| cell.at)).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// How far each value is from what is usual; and whether all are the same.
fn strangeness(values: &[Option<f32>], times: &[Timestamp]) -> (Vec<Option<f32>>, bool) {
    let present: Vec<f64> = values.iter().flatten().map(|value| f64::from(*value)).collect();
    let none = vec![None; values.len()];
    let (Some(least), Some(most)) = (present.iter().copied().reduce(f64::min), present.iter().copied().reduce(f64::max)) else {
        return (none, true);
    };
    if least == most {
        return (none, true);
    }
    let scaled = scale(values, least, &present);
    let (plain, spread) = without(&scaled, &vec![0; values.len()], 1);
    let days = times.last().zip(times.first()).map_or(0, |(last, first)| last.since(*first).nanos() / DAY);
    let slots = if days >= 14 { 168 } else { 24 };
    if days >= 3 && present.len() >= 3 * slots {
        let slot = |time: &Timestamp| (time.nanos().div_euclid(HOUR)).rem_euclid(slots as i64) as usize;
        let (seasonal, rest) = without(&scaled, &times.iter().map(slot).collect::<Vec<_>>(), slots);
        if rest > 0.0 && rest < 0.9 * spread {
            return (divided(&seasonal, rest), false);
        }
    }
    (divided(&plain, spread), false)
}

/// What never falls below 0 and reaches far up is taken by its logarithm.
fn scale(values: &[Option<f32>], least: f64, present: &[f64]) -> Vec<Option<f64>> {
    let mut sorted = present.to_vec();
    sort_values(&mut sorted);
    let at = |share| quantile_sorted(&sorted, share).unwrap_or(0.0);
    let is_wide = least >= 0.0 && at(0.5) > 0.0 && at(0.99) > 3.0 * at(0.5);
    let floor = at(0.5) / 10.0;
    let take = |value: f32| if is_wide { (f64::from(value) + floor).ln() } else { f64::from(value) };
    values.iter().map(|value| value.map(take)).collect()
}

/// Takes the median of its slot and the ones beside it off each value; and the spread of what is left.
fn without(values: &[Option<f64>], slots: &[usize], count: usize) -> (Vec<Option<f64>>, f64) {
    let mut of_slot: Vec<Vec<f64>> = vec![Vec::new(); count];
    for (value, slot) in values.iter().zip(slots) {
        of_slot[*slot].extend(*value);
    }
    let median = |slot: usize| {
        let beside: &[usize] = if count > 2 { &[count - 1, 0, 1] } else { &[0] };
        let mut near: Vec<f64> = beside.iter().flat_map(|by| of_slot[(slot + by) % count].iter().copied()).collect();
        sort_values(&mut near);
        quantile_sorted(&near, 0.5).unwrap_or(0.0)
    };
    let medians: Vec<f64> = (0..count).map(median).collect();
    let left: Vec<Option<f64>> = values.iter().zip(slots).map(|(value, slot)| value.map(|value| value - medians[*slot])).collect();
    let mut distances: Vec<f64> = left.iter().flatten().map(|value| value.abs()).collect();
    sort_values(&mut distances);
    let middle = 1.4826 * quantile_sorted(&distances, 0.5).unwrap_or(0.0);
    let mean = distances.iter().sum::<f64>() / distances.len().max(1) as f64 * 1.2533;
    // Where more than half are equal the median says nothing.
    (left, if middle > 1e-3 * mean { middle } else { mean })
}

fn divided(values: &[Option<f64>], spread: f64) -> Vec<Option<f32>> {
    values.iter().map(|value| value.map(|value| (value / spread.max(f64::MIN_POSITIVE)) as f32)).collect()
}

/// The median, and the distance from it that all but one in two hundred keep.
fn reach(values: &[Option<f32>]) -> (f64, f64) {
    let mut sorted: Vec<f64> = values.iter().flatten().map(|value| f64::from(*value)).collect();
    sort_values(&mut sorted);
    let middle = quantile_sorted(&sorted, 0.5).unwrap_or(0.0);
    let mut distances: Vec<f64> = sorted.iter().map(|value| (value - middle).abs()).collect();
    sort_values(&mut distances);
    (middle, quantile_sorted(&distances, 0.995).unwrap_or(0.0))
}

fn border(strange: &[Option<f32>]) -> f32 {
    let mut sizes: Vec<f64> = strange.iter().flatten().map(|value| f64::from(value.abs())).collect();
    sort_values(&mut sizes);
    quantile_sorted(&sizes, OFTEN).unwrap_or(0.0).max(FAR) as f32
}
