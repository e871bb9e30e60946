//! A distribution over time, kept small: for each cell of time, how many values fell into each bin.
//!
//! The border of bin `i` is `GROWTH^i`, so that a value is known to within 5 %; zero has a bin of its
//! own, negative values mirrored ones. Values beyond 1e-12 and 1e15 count as these. Cells of time are
//! joined by twos as those of a trace are.

use std::collections::BTreeMap;

use crate::time::Timestamp;

/// The ratio of a bin's borders.
const GROWTH: f64 = 1.1;
const MOST_CELLS: usize = 512;

/// How many values fell into which bins, over time.
#[derive(Debug, Clone)]
pub struct Spread {
    width_ns: i64,
    cells: BTreeMap<i64, BTreeMap<i32, f64>>,
}

impl Default for Spread {
    fn default() -> Spread {
        Spread { width_ns: 1_000_000, cells: BTreeMap::new() }
    }
}

impl Spread {
    /// Counts a value `weight` times.
    pub fn add(&mut self, ts: Timestamp, value: f64, weight: f64) {
        let cell = self.cells.entry(ts.nanos().div_euclid(self.width_ns)).or_default();
        *cell.entry(bin(value)).or_default() += weight;
        while self.cells.len() > MOST_CELLS {
            self.width_ns *= 2;
            for (index, cell) in std::mem::take(&mut self.cells) {
                let joined = self.cells.entry(index.div_euclid(2)).or_default();
                cell.into_iter().for_each(|(bin, count)| *joined.entry(bin).or_default() += count);
            }
        }
    }

    /// Forgets what ended before an instant.
    pub fn forget(&mut self, before: Timestamp) {
        self.cells = self.cells.split_off(&before.nanos().div_euclid(self.width_ns));
    }

    /// The least and the greatest value, to within a bin.
    pub fn range(&self) -> Option<(f64, f64)> {
        let bins = || self.cells.values().flat_map(BTreeMap::keys);
        Some((middle(*bins().min()?), middle(*bins().max()?)))
    }

    /// Counts by column of time and row of value, the lowest values in row 0; rows are as wide as each
    /// other, or grow by a ratio where the values span a factor of 50 and are all above zero.
    pub fn grid(&self, from: Timestamp, until: Timestamp, columns: usize, rows: usize) -> Grid {
        let (low, high) = self.range().unwrap_or((0.0, 1.0));
        let ratio = low > 0.0 && high > low * 50.0;
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, high + 0.5) };
        let mut counts = vec![vec![0.0; rows]; columns];
        let length = until.since(from).nanos();
        for (index, cell) in self.cells.range(from.nanos().div_euclid(self.width_ns)..) {
            let at = index.saturating_mul(self.width_ns).max(from.nanos()).saturating_sub(from.nanos());
            let column = (i128::from(at) * columns as i128 / i128::from(length.max(1))) as usize;
            let Some(held) = counts.get_mut(column) else { break };
            for (bin, count) in cell {
                let value = middle(*bin);
                let place = if ratio { (value / low).ln() / (high / low).ln() } else { (value - low) / (high - low) };
                held[((place * rows as f64) as usize).min(rows - 1)] += count;
            }
        }
        Grid { counts, low, high, ratio }
    }
}

/// Counts by column and row.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// `counts[column][row]`.
    pub counts: Vec<Vec<f64>>,
    /// The value at the bottom.
    pub low: f64,
    /// The value at the top.
    pub high: f64,
    /// Whether rows grow by a ratio.
    pub ratio: bool,
}

impl Grid {
    /// The value at a share of the height, 0 at the bottom to 1 at the top.
    pub fn value(&self, share: f64) -> f64 {
        if self.ratio { self.low * (self.high / self.low).powf(share) } else { self.low + (self.high - self.low) * share }
    }

    /// The greatest count of all.
    pub fn most(&self) -> f64 {
        self.counts.iter().flatten().copied().fold(0.0, f64::max)
    }
}

fn bin(value: f64) -> i32 {
    if value == 0.0 {
        return 0;
    }
    // Shifted so that every bin of a positive value has a positive number.
    let size = value.abs().clamp(1e-12, 1e15);
    let index = (size.ln() / GROWTH.ln()).floor() as i32 + 1000;
    if value > 0.0 { index } else { -index }
}

fn middle(bin: i32) -> f64 {
    match bin {
        0 => 0.0,
        1.. => GROWTH.powf(f64::from(bin - 1000) + 0.5),
        _ => -GROWTH.powf(f64::from(-bin - 1000) + 0.5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once_and_to_within_a_bin() {
        let mut spread = Spread::default();
        for second in 0..5000i64 {
            spread.add(Timestamp::from_nanos(second * 1_000_000_000), (second % 100) as f64 + 1.0, 2.0);
        }
        let grid = spread.grid(Timestamp::from_nanos(0), Timestamp::from_nanos(5_000_000_000_000), 10, 8);
        assert_eq!(grid.counts.iter().flatten().sum::<f64>(), 10_000.0);
        assert!(grid.ratio && (grid.low - 1.0).abs() < 0.06 && (grid.high - 100.0).abs() < 6.0, "{grid:?}");
        assert!(spread.cells.len() <= MOST_CELLS);
    }

    #[test]
    fn bins_keep_sign_zero_and_size() {
        for value in [0.0, 1.0, -1.0, 123.4, -0.004, 9e9] {
            let found = middle(bin(value));
            assert!((found - value).abs() <= value.abs() * 0.05, "{value}: {found}");
        }
        assert!(bin(-5.0) < bin(-1.0) && bin(-1.0) < bin(0.0) && bin(0.0) < bin(1e-9) && bin(1e-9) < bin(4.0));
        assert_eq!(bin(1e300), bin(1e15));
    }
}
