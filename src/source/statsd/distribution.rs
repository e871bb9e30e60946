//! The values of one timer or histogram between two flushes: exact ones, up to a bound, then a sketch.

use crate::math::{Sketch, quantile_weighted, quantiles};

/// The values that are kept exactly of one series.
const EXACT: usize = 8_192;

/// The values that are kept exactly of all series together: 32 MiB of them.
pub(super) const EXACT_IN_ALL: usize = 4 << 20;

/// Values with their weights, and their summary.
#[derive(Default)]
pub(super) struct Distribution {
    /// How many there were, by weight.
    pub(super) count: f64,
    /// Their sum, by weight.
    pub(super) sum: f64,
    /// The least.
    pub(super) min: f64,
    /// The greatest.
    pub(super) max: f64,
    values: Vec<f64>,
    /// The values' weights; empty as long as all of them are 1.
    weights: Vec<f64>,
    /// All values, once they are too many.
    sketch: Option<Box<Sketch>>,
}

impl Distribution {
    /// Takes in a value that stands for `weight` observations, and takes its place out of `room`,
    /// the number of values that may still be kept exactly.
    #[inline]
    pub(super) fn add(&mut self, value: f64, weight: f64, room: &mut usize) {
        if self.count == 0.0 {
            (self.min, self.max) = (value, value);
        }
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.count += weight;
        self.sum += value * weight;
        if weight == 1.0 && self.weights.is_empty() && self.values.len() < EXACT && *room > 0 && self.sketch.is_none() {
            self.values.push(value);
            *room -= 1;
        } else {
            self.keep(value, weight, room);
        }
    }

    /// Keeps a value that has a weight, or for which there is no room.
    fn keep(&mut self, value: f64, weight: f64, room: &mut usize) {
        if let Some(sketch) = &mut self.sketch {
            return sketch.add(value, weight);
        }
        if self.values.len() < EXACT && *room > 0 {
            self.weights.resize(self.values.len(), 1.0);
            self.values.push(value);
            self.weights.push(weight);
            *room -= 1;
            return;
        }
        let mut sketch = self.to_sketch();
        sketch.add(value, weight);
        self.sketch = Some(Box::new(sketch));
        *room += self.values.len();
        self.values = Vec::new();
        self.weights = Vec::new();
    }

    /// The whole distribution as a sketch.
    pub(super) fn to_sketch(&self) -> Sketch {
        if let Some(sketch) = &self.sketch {
            return (**sketch).clone();
        }
        let mut sketch = Sketch::default();
        let weights = self.weights.iter().copied().chain(std::iter::repeat(1.0));
        self.values.iter().zip(weights).for_each(|(value, weight)| sketch.add(*value, weight));
        sketch
    }

    /// The relative error of the quantiles, where they are not exact.
    pub(super) fn error(&self) -> Option<f64> {
        self.sketch.as_ref().map(|sketch| sketch.relative_error())
    }

    /// Estimates the values below which the given fractions, ascending, lie; a value counts by its weight.
    ///
    /// Reorders the values. Empty when there are none.
    pub(super) fn quantiles(&mut self, fractions: &[f64]) -> Vec<f64> {
        if let Some(sketch) = &self.sketch {
            return fractions.iter().filter_map(|fraction| sketch.quantile(*fraction)).collect();
        }
        if self.weights.is_empty() {
            return quantiles(&mut self.values, fractions).unwrap_or_default();
        }
        let mut pairs: Vec<(f64, f64)> = self.values.iter().copied().zip(self.weights.iter().copied()).collect();
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        fractions.iter().filter_map(|fraction| quantile_weighted(&pairs, *fraction)).collect()
    }

    /// Empties it; the room is kept for as many values as it held, but not for more.
    pub(super) fn clear(&mut self) {
        let mut values = std::mem::take(&mut self.values);
        let held = values.len();
        values.clear();
        values.shrink_to(held);
        *self = Distribution { values, ..Distribution::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: impl IntoIterator<Item = (f64, f64)>) -> Distribution {
        let (mut found, mut room) = (Distribution::default(), EXACT_IN_ALL);
        values.into_iter().for_each(|(value, weight)| found.add(value, weight, &mut room));
        found
    }

    #[test]
    fn quantiles_are_exact_and_interpolated() {
        let mut values = of((1..=100).rev().map(|i| (f64::from(i), 1.0)));
        assert_eq!(values.quantiles(&[0.0, 0.5, 0.95, 1.0]), [1.0, 50.5, 95.05, 100.0]);
        assert_eq!((values.count, values.sum, values.min, values.max, values.error()), (100.0, 5050.0, 1.0, 100.0, None));
        assert!(of([]).quantiles(&[0.5]).is_empty());
    }

    #[test]
    fn more_values_than_are_kept_become_a_sketch_and_say_so() {
        let mut values = of((1..=100_000).map(|i| (f64::from(i), 1.0)));
        let found = values.quantiles(&[0.5, 0.99]);
        assert!((found[0] / 50_000.5 - 1.0).abs() <= 0.01 && (found[1] / 99_000.0 - 1.0).abs() <= 0.01, "{found:?}");
        assert!((values.error().unwrap() - 0.01).abs() < 1e-9);
        assert_eq!((values.count, values.max, values.values.capacity()), (1e5, 1e5, 0));
    }

    #[test]
    fn a_series_without_room_becomes_a_sketch_and_gives_its_room_back() {
        let (mut values, mut room) = (Distribution::default(), 3);
        (0..4).for_each(|i| values.add(f64::from(i), 1.0, &mut room));
        assert_eq!((values.error().is_some(), values.count, room), (true, 4.0, 3));
    }

    #[test]
    fn what_was_is_gone_after_clearing() {
        let mut values = of([(5.0, 10.0), (7.0, 1.0)]);
        values.clear();
        values.add(1.0, 1.0, &mut 10);
        assert_eq!(values.quantiles(&[0.5, 0.99]), [1.0, 1.0]);
        assert_eq!((values.count, values.sum, values.min, values.max), (1.0, 1.0, 1.0, 1.0));
    }

    proptest! {
        #[test]
        fn a_weight_is_as_good_as_repeating(values in proptest::collection::vec((-1e3f64..1e3, 1u32..5), 1..40), fraction in 0.0f64..=1.0) {
            let mut weighted = of(values.iter().map(|(value, weight)| (*value, f64::from(*weight))));
            let mut repeated = of(values.iter().flat_map(|(value, weight)| vec![(*value, 1.0); *weight as usize]));
            let (a, b) = (weighted.quantiles(&[fraction])[0], repeated.quantiles(&[fraction])[0]);
            prop_assert!((a - b).abs() < 1e-6, "{} {}", a, b);
            prop_assert_eq!(weighted.count, repeated.count);
        }
    }
}
