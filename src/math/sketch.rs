//! A mergeable sketch of a distribution: quantiles with a relative error of at most `alpha`.
//!
//! Values fall into bins whose borders grow by gamma = (1 + alpha) / (1 - alpha); value x > 0 has
//! index ceil(ln x / ln gamma) and is estimated as 2·gamma^index / (gamma + 1). Merging adds the
//! counts of equal bins; as bins are never collapsed, any order of merges gives the same sketch
//! (whole weights are exact to 2^53). Zero has its own bin; negative values a mirrored set.
//!
//! With alpha = 0.01, value 12.5 has index ceil(2.5257 / 0.0200007) = 127 and is estimated as
//! 12.55, 0.4 % off. All doubles have a place: 5e-324 has index -37,220 and the greatest 35,488,
//! so the whole range takes 72,709 bins, and values within a factor of 1,000 take 346. Below
//! 2.2e-308 (denormals) doubles stand wider apart than alpha; there the error is at most half of
//! the gap between neighbours more.
//!
//! Bins lie in pages of 32, kept sorted and made when first touched: an estimate's usual
//! neighbour is in the same page, and far outliers cost a page, not the range between.
//!
//! Source: Masson, Rim, Lee (2019), DDSketch, VLDB 12(12), section 2.

use super::quantile::weighted;

/// Bins a page, a power of two.
const PAGE: i32 = 32;

/// The least and the greatest relative error that a sketch may have. The least keeps the index of
/// every double within 32 bits; beyond the greatest an estimate says little.
const ERRORS: std::ops::RangeInclusive<f64> = 1e-6..=0.5;

/// Why a sketch can't be made or merged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SketchError {
    /// The relative error was not within 0.000001 to 0.5.
    RelativeError(f64),
    /// The gamma was not within what those errors give, 1.000002 to 3.
    Gamma(f64),
    /// Two sketches have bins of different widths; their gammas.
    Different(f64, f64),
    /// A count was negative or not finite.
    Count(f64),
}

impl std::fmt::Display for SketchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SketchError::RelativeError(found) => write!(f, "the relative error must be from 0.000001 to 0.5, found {found}"),
            SketchError::Gamma(found) => write!(f, "`gamma` must be from 1.000002 to 3, found {found}"),
            SketchError::Different(one, other) => write!(f, "sketches of gamma {one} and {other} have different bins and can't be merged"),
            SketchError::Count(found) => write!(f, "a count must not be negative, found {found}"),
        }
    }
}

impl std::error::Error for SketchError {}

/// A distribution of finite values, each counted with a weight.
#[derive(Debug, Clone)]
pub struct Sketch {
    gamma: f64,
    ln_gamma: f64,
    per_ln: f64,
    zero: f64,
    positive: Bins,
    negative: Bins,
}

impl Default for Sketch {
    /// An empty sketch with a relative error of 1 %.
    fn default() -> Sketch {
        Sketch::of_gamma(1.01 / 0.99)
    }
}

impl Sketch {
    /// An empty sketch whose quantiles will be within `relative_error` (0.01 is 1 %).
    ///
    /// # Errors
    /// [`SketchError::RelativeError`] when it is not within 0.000001 to 0.5.
    pub fn new(relative_error: f64) -> Result<Sketch, SketchError> {
        if !ERRORS.contains(&relative_error) {
            return Err(SketchError::RelativeError(relative_error));
        }
        Ok(Sketch::of_gamma((1.0 + relative_error) / (1.0 - relative_error)))
    }

    fn of_gamma(gamma: f64) -> Sketch {
        let ln_gamma = gamma.ln();
        Sketch { gamma, ln_gamma, per_ln: 1.0 / ln_gamma, zero: 0.0, positive: Bins::default(), negative: Bins::default() }
    }

    /// A sketch from what [`Sketch::gamma`], [`Sketch::zero`], [`Sketch::bins`] and
    /// [`Sketch::negative`] gave; bins in any order, repeated ones are added up.
    ///
    /// # Errors
    /// [`SketchError::Gamma`] when gamma is no sketch's, [`SketchError::Count`] when a count is
    /// negative or not finite.
    pub fn from_parts(gamma: f64, zero: f64, bins: &[(i32, f64)], negative: &[(i32, f64)]) -> Result<Sketch, SketchError> {
        // A hair wider than the errors' range, as gamma is their rounded image.
        if !(1.000_001_999..=3.000_001).contains(&gamma) {
            return Err(SketchError::Gamma(gamma));
        }
        let mut counts = bins.iter().chain(negative).map(|(_, count)| *count).chain([zero]);
        if let Some(count) = counts.find(|count| !count.is_finite() || *count < 0.0) {
            return Err(SketchError::Count(count));
        }
        let mut sketch = Sketch::of_gamma(gamma);
        sketch.zero = zero;
        for (index, count) in bins {
            sketch.positive.add(*index, *count);
        }
        for (index, count) in negative {
            sketch.negative.add(*index, *count);
        }
        Ok(sketch)
    }

    /// Counts a value `weight` times; what is not finite, or weighs nothing, is not counted.
    #[inline]
    pub fn add(&mut self, value: f64, weight: f64) {
        if !value.is_finite() || !weight.is_finite() || weight <= 0.0 {
            return;
        }
        if value > 0.0 {
            self.positive.add(self.index(value), weight);
        } else if value < 0.0 {
            self.negative.add(self.index(-value), weight);
        } else {
            self.zero += weight;
        }
    }

    /// Adds all that another sketch has counted.
    ///
    /// # Errors
    /// [`SketchError::Different`] when its bins have another width; then nothing is changed.
    pub fn merge(&mut self, other: &Sketch) -> Result<(), SketchError> {
        if self.gamma != other.gamma {
            return Err(SketchError::Different(self.gamma, other.gamma));
        }
        self.zero += other.zero;
        self.positive.merge(&other.positive);
        self.negative.merge(&other.negative);
        Ok(())
    }

    /// Estimates the quantile `q`, at the rank where [`super::quantile_sorted`] stands.
    ///
    /// The result is within the relative error of the exact quantile when the two values around
    /// the rank have one sign, and within that error of the larger of them otherwise.
    /// Returns `None` when nothing was counted or `q` is outside 0 to 1.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let below = self.negative.iter_down().map(|(index, count)| (-self.estimate(index), count));
        let zero = (self.zero > 0.0).then_some((0.0, self.zero));
        let above = self.positive.iter().map(|(index, count)| (self.estimate(index), count));
        weighted(below.chain(zero).chain(above), self.count(), q)
    }

    /// How many values were counted, by weight.
    pub fn count(&self) -> f64 {
        let sum = |bins: &Bins| bins.iter().map(|(_, count)| count).sum::<f64>();
        self.zero + sum(&self.positive) + sum(&self.negative)
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.zero == 0.0 && self.positive.pages.is_empty() && self.negative.pages.is_empty()
    }

    /// The relative error of its quantiles: 0.01 is 1 %.
    pub fn relative_error(&self) -> f64 {
        (self.gamma - 1.0) / (self.gamma + 1.0)
    }

    /// The ratio of a bin's borders.
    pub const fn gamma(&self) -> f64 {
        self.gamma
    }

    /// How many values are zero.
    pub const fn zero(&self) -> f64 {
        self.zero
    }

    /// Index and count of each bin of positive values that holds something, ascending by index.
    pub fn bins(&self) -> Vec<(i32, f64)> {
        self.positive.iter().collect()
    }

    /// The same for the negated negative values.
    pub fn negative(&self) -> Vec<(i32, f64)> {
        self.negative.iter().collect()
    }

    #[inline]
    fn index(&self, magnitude: f64) -> i32 {
        (magnitude.ln() * self.per_ln).ceil() as i32
    }

    /// The value in the bin whose relative distance to both borders is the same.
    fn estimate(&self, index: i32) -> f64 {
        // One exponential of the sum, as gamma^index alone can be beyond the greatest double.
        let estimate = (f64::from(index) * self.ln_gamma + (2.0 / (self.gamma + 1.0)).ln()).exp();
        estimate.clamp(f64::from_bits(1), f64::MAX)
    }
}

impl PartialEq for Sketch {
    /// Whether both count the same in the same bins.
    fn eq(&self, other: &Sketch) -> bool {
        self.gamma == other.gamma
            && self.zero == other.zero
            && self.positive.iter().eq(other.positive.iter())
            && self.negative.iter().eq(other.negative.iter())
    }
}

/// Counts by index, in pages sorted by their number (index / PAGE, rounded down).
#[derive(Debug, Clone, Default)]
struct Bins {
    pages: Vec<(i32, Box<[f64; PAGE as usize]>)>,
    recent: usize,
}

impl Bins {
    #[inline]
    fn add(&mut self, index: i32, count: f64) {
        if count > 0.0 {
            self.page(index.div_euclid(PAGE))[index.rem_euclid(PAGE) as usize] += count;
        }
    }

    #[inline]
    fn page(&mut self, number: i32) -> &mut [f64; PAGE as usize] {
        if self.pages.get(self.recent).is_none_or(|(known, _)| *known != number) {
            self.recent = self.find(number);
        }
        &mut self.pages[self.recent].1
    }

    #[cold]
    fn find(&mut self, number: i32) -> usize {
        match self.pages.binary_search_by_key(&number, |(known, _)| *known) {
            Ok(at) => at,
            Err(at) => {
                self.pages.insert(at, (number, Box::new([0.0; PAGE as usize])));
                at
            }
        }
    }

    fn merge(&mut self, other: &Bins) {
        for (number, counts) in &other.pages {
            for (mine, count) in self.page(*number).iter_mut().zip(counts.iter()) {
                *mine += count;
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = (i32, f64)> {
        self.pages.iter().flat_map(|(number, counts)| page_bins(*number, counts)).filter(|(_, count)| *count > 0.0)
    }

    fn iter_down(&self) -> impl Iterator<Item = (i32, f64)> {
        self.pages.iter().rev().flat_map(|(number, counts)| page_bins(*number, counts).rev()).filter(|(_, count)| *count > 0.0)
    }
}

fn page_bins(number: i32, counts: &[f64; PAGE as usize]) -> impl DoubleEndedIterator<Item = (i32, f64)> {
    (0..PAGE).map(move |at| (number * PAGE + at, counts[at as usize]))
}

#[cfg(test)]
mod tests {
    use super::super::{quantile_sorted, sort_values};
    use super::*;
    use proptest::prelude::*;

    fn sketch(values: &[f64]) -> Sketch {
        let mut sketch = Sketch::default();
        values.iter().for_each(|value| sketch.add(*value, 1.0));
        sketch
    }

    fn joined(mut one: Sketch, other: &Sketch) -> Sketch {
        one.merge(other).unwrap();
        one
    }

    /// How far the estimate may be from the exact quantile; a hair more than alpha for rounding.
    fn allowed(sorted: &[f64], q: f64, alpha: f64) -> f64 {
        let at = (q * (sorted.len() - 1) as f64) as usize;
        let around = sorted[at].abs().max(sorted.get(at + 1).map_or(0.0, |value| value.abs()));
        let exact = quantile_sorted(sorted, q).unwrap().abs();
        let one_sign = sorted.get(at + 1).is_none_or(|next| next.signum() == sorted[at].signum());
        (if one_sign { exact } else { around }) * alpha * (1.0 + 1e-9) + 5e-324
    }

    #[test]
    fn every_double_has_a_place_within_the_error() {
        for alpha in [0.000_001, 0.01, 0.5] {
            for value in [f64::MAX, 1e300, 1.0, 12.5, 0.999, 1e-300, f64::MIN_POSITIVE, 1e-310, 5e-324] {
                for value in [value, -value] {
                    let mut one = Sketch::new(alpha).unwrap();
                    one.add(value, 1.0);
                    let estimate = one.quantile(0.5).unwrap();
                    let error = (estimate - value).abs();
                    assert!(error <= value.abs() * alpha * (1.0 + 1e-6) + 5e-324, "{value} is estimated as {estimate} with {alpha}");
                }
            }
        }
    }

    #[test]
    fn the_example_of_the_head_holds() {
        assert_eq!(sketch(&[12.5]).bins(), [(127, 1.0)]);
        assert!((sketch(&[12.5]).quantile(0.5).unwrap() - 12.55).abs() < 0.005);
        assert_eq!(sketch(&[5e-324]).bins(), [(-37_220, 1.0)]);
        assert_eq!(sketch(&[f64::MAX]).bins(), [(35_488, 1.0)]);
    }

    #[test]
    fn zeros_and_signs_are_kept_apart() {
        let mixed = sketch(&[-5.0, -5.0, 0.0, -0.0, 5.0]);
        assert_eq!((mixed.zero(), mixed.count()), (2.0, 5.0));
        assert_eq!(mixed.quantile(0.5), Some(0.0));
        assert!((mixed.quantile(0.0).unwrap() + 5.0).abs() <= 0.05);
        assert!((mixed.quantile(1.0).unwrap() - 5.0).abs() <= 0.05);
    }

    #[test]
    fn what_is_no_number_is_not_counted() {
        let mut none = Sketch::default();
        for (value, weight) in [(f64::NAN, 1.0), (f64::INFINITY, 1.0), (1.0, 0.0), (1.0, -1.0), (1.0, f64::NAN)] {
            none.add(value, weight);
        }
        assert!(none.is_empty());
        assert_eq!(none.quantile(0.5), None);
        assert_eq!(sketch(&[1.0]).quantile(1.5), None);
    }

    #[test]
    fn sketches_of_different_bins_are_not_merged() {
        let mut fine = Sketch::new(0.001).unwrap();
        fine.add(1.0, 1.0);
        let before = fine.clone();
        assert!(matches!(fine.merge(&sketch(&[1.0])), Err(SketchError::Different(..))));
        assert_eq!(fine, before);
        assert!(Sketch::new(0.0).is_err() && Sketch::new(0.6).is_err() && Sketch::new(f64::NAN).is_err());
        assert!(Sketch::from_parts(1.0, 0.0, &[], &[]).is_err());
        assert!(Sketch::from_parts(1.02, 0.0, &[(1, -1.0)], &[]).is_err());
        assert!(Sketch::from_parts(1.02, f64::NAN, &[], &[]).is_err());
    }

    #[test]
    fn a_foreign_index_gives_a_finite_estimate() {
        for index in [i32::MIN, i32::MAX] {
            let odd = Sketch::from_parts(1.02, 0.0, &[(index, 1.0)], &[]).unwrap();
            assert!(odd.quantile(0.5).unwrap().is_finite());
            assert_eq!(odd.bins(), [(index, 1.0)]);
        }
    }

    #[test]
    fn memory_grows_with_the_pages_touched_and_not_with_the_range() {
        let mut wide = Sketch::default();
        for _ in 0..1000 {
            [1e-300, 1.0, 1e300].into_iter().for_each(|value| wide.add(value, 1.0));
        }
        assert_eq!(wide.positive.pages.len(), 3);
    }

    fn adversarial() -> impl Strategy<Value = Vec<f64>> {
        let wide = (-1.0..1.0f64, -300i32..300).prop_map(|(mantissa, exponent)| mantissa * 10f64.powi(exponent));
        let value = prop_oneof![
            3 => wide,
            3 => 0.001..1000.0f64,
            1 => (-2i32..3).prop_map(f64::from),
            1 => prop::sample::select(vec![0.0, -0.0, 5e-324, -1e-310, 1e300, -1e300, f64::MAX, f64::MIN]),
        ];
        prop::collection::vec(value, 1..200)
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_the_error_of_the_exact_one(mut values in adversarial(), q in 0.0..=1.0f64) {
            let estimate = sketch(&values).quantile(q).unwrap();
            sort_values(&mut values);
            let exact = quantile_sorted(&values, q).unwrap();
            prop_assert!((estimate - exact).abs() <= allowed(&values, q, 0.01), "{estimate} for {exact} at {q}");
        }

        #[test]
        fn merging_commutes_and_associates(a in adversarial(), b in adversarial(), c in adversarial()) {
            let (a, b, c) = (sketch(&a), sketch(&b), sketch(&c));
            prop_assert_eq!(joined(a.clone(), &b), joined(b.clone(), &a));
            prop_assert_eq!(joined(joined(a.clone(), &b), &c), joined(a, &joined(b, &c)));
        }

        #[test]
        fn any_split_equals_the_whole(values in adversarial(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5)) {
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(values.len())).collect();
            places.sort_unstable();
            let mut merged = Sketch::default();
            let mut from = 0;
            for to in places.into_iter().chain([values.len()]) {
                merged.merge(&sketch(&values[from..to])).unwrap();
                from = to;
            }
            prop_assert_eq!(merged, sketch(&values));
        }

        #[test]
        fn a_weight_counts_a_value_so_often(values in prop::collection::vec((-10.0..10.0f64, 1u32..6), 1..50), q in 0.0..=1.0f64) {
            let mut weighted = Sketch::default();
            let mut repeated = Sketch::default();
            for (value, weight) in values {
                weighted.add(value, f64::from(weight));
                (0..weight).for_each(|_| repeated.add(value, 1.0));
            }
            prop_assert_eq!(weighted.quantile(q), repeated.quantile(q));
            prop_assert_eq!(weighted, repeated);
        }

        #[test]
        fn the_parts_make_the_sketch_again(values in adversarial()) {
            let whole = sketch(&values);
            prop_assert_eq!(Sketch::from_parts(whole.gamma(), whole.zero(), &whole.bins(), &whole.negative()).unwrap(), whole);
        }
    }
}
