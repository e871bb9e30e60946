//! Count, sum, extremes, mean and spread, in constant memory and mergeable.
//!
//! The sum is compensated (the low-order parts that each addition loses are kept and added at the
//! end), so that it depends on the order by rounding of the result only. The spread is kept as
//! the sum of squared distances from the running mean, which does not cancel as a sum of squares does.
//!
//! Sums are kept in a unit, 2^-600, 1 or 2^600, that follows the greatest magnitude seen: squares
//! of 1e300 do not overflow, squares of 1e-300 do not vanish, and a sum that passes the range of
//! doubles on its way may come back. Only a result outside of that range is `None`.
//!
//! Always: count, min and max of merged parts equal those of the whole exactly (weights that are
//! whole numbers to 2^53); sum, mean and spread to rounding.
//!
//! Sources: Neumaier (1974), Rundungsfehleranalyse einiger Verfahren zur Summation endlicher
//! Summen, ZAMM 54, section 2, method IV; Chan, Golub, LeVeque (1983), Algorithms for computing
//! the sample variance, The American Statistician 37(3).

/// Numbers up to 2^400 units are kept in a unit; greater ones move on to the next.
const MOST_UNITS: f64 = 2.582_249_878_086_909e120;
/// 2^600, the ratio of two units.
const STEP: f64 = 4.149_515_568_880_993e180;

/// What is known of many values, each counted with a weight.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    count: f64,
    min: f64,
    max: f64,
    scale: Scale,
    /// In units of `scale`.
    sum: Sum,
    /// In units of `scale`.
    mean: f64,
    /// The sum of squared distances from the mean, in squared units of `scale`.
    squares: f64,
}

impl Moments {
    /// Nothing counted yet.
    pub fn new() -> Moments {
        Moments::default()
    }

    /// The moments behind the numbers of a summary, for merging it with others.
    ///
    /// Without a `stddev` the spread counts as none. Returns `None` when the numbers can't be
    /// those of any values: no count, something not finite, min above max, a mean outside of them.
    pub fn from_summary(count: f64, mean: f64, min: f64, max: f64, stddev: Option<f64>) -> Option<Moments> {
        let stddev = stddev.unwrap_or(0.0);
        let finite = [count, mean, min, max, stddev].into_iter().all(f64::is_finite);
        if !finite || count <= 0.0 || min > max || stddev < 0.0 {
            return None;
        }
        // A mean of rounded numbers may stand a hair outside of the extremes.
        let slack = (max.abs().max(min.abs())) * 1e-9;
        if mean < min - slack || mean > max + slack {
            return None;
        }
        let scale = Scale::of(min.abs().max(max.abs()));
        let (mean, stddev) = (scale.units(mean), scale.units(stddev));
        let sum = Sum { sum: mean * count, lost: 0.0 };
        Some(Moments { count, min, max, scale, sum, mean, squares: stddev * stddev * (count - 1.0).max(0.0) })
    }

    /// Counts a value `weight` times; what is not finite, or weighs nothing, is not counted.
    #[inline]
    pub fn add(&mut self, value: f64, weight: f64) {
        if !value.is_finite() || !weight.is_finite() || weight <= 0.0 {
            return;
        }
        if self.count == 0.0 {
            (self.min, self.max) = (value, value);
        } else {
            self.min = if value < self.min { value } else { self.min };
            self.max = if value > self.max { value } else { self.max };
        }
        self.rescale(Scale::of(value.abs()));
        let value = self.scale.units(value);
        self.sum.add(value * weight);
        self.count += weight;
        let before = value - self.mean;
        self.mean += before * (weight / self.count);
        self.squares += weight * before * (value - self.mean);
    }

    /// Adds all that another has counted.
    pub fn merge(&mut self, other: &Moments) {
        if other.count == 0.0 {
            return;
        }
        if self.count == 0.0 {
            *self = *other;
            return;
        }
        let mut other = *other;
        self.rescale(other.scale);
        other.rescale(self.scale);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum.add(other.sum.sum);
        self.sum.add(other.sum.lost);
        let count = self.count + other.count;
        let apart = other.mean - self.mean;
        self.mean += apart * (other.count / count);
        self.squares += other.squares + apart * apart * (self.count / count) * other.count;
        self.count = count;
    }

    /// How many values, by weight.
    pub const fn count(&self) -> f64 {
        self.count
    }

    /// The sum, weights counted; 0 when nothing was counted, `None` when it is beyond ±1.8e308.
    pub fn sum(&self) -> Option<f64> {
        finite(self.scale.value(self.sum.total()))
    }

    /// The least value; `None` when nothing was counted.
    pub fn min(&self) -> Option<f64> {
        (self.count > 0.0).then_some(self.min)
    }

    /// The greatest value; `None` when nothing was counted.
    pub fn max(&self) -> Option<f64> {
        (self.count > 0.0).then_some(self.max)
    }

    /// The mean, within the extremes; `None` when nothing was counted.
    pub fn mean(&self) -> Option<f64> {
        // From the compensated sum: it is the more exact one, and the mean of equal values is that value.
        (self.count > 0.0).then(|| self.scale.value(self.sum.total() / self.count).clamp(self.min, self.max))
    }

    /// The standard deviation of the sample (divided by n - 1).
    ///
    /// Returns `None` when no more than one value was counted, or when it is beyond 1.8e308.
    pub fn stddev(&self) -> Option<f64> {
        if self.count <= 1.0 {
            return None;
        }
        finite(self.scale.value((self.squares.max(0.0) / (self.count - 1.0)).sqrt()))
    }

    /// Moves to a greater unit; to a lesser one never.
    #[inline]
    fn rescale(&mut self, scale: Scale) {
        while self.scale < scale {
            self.scale = self.scale.next();
            self.sum = Sum { sum: self.sum.sum / STEP, lost: self.sum.lost / STEP };
            self.mean /= STEP;
            self.squares = self.squares / STEP / STEP;
        }
    }
}

/// The unit that sums are kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Scale {
    /// 2^-600, for magnitudes up to 2^-200 (6.2e-61).
    #[default]
    Small,
    /// 1, for magnitudes up to 2^400 (2.6e120).
    One,
    /// 2^600, for all others.
    Great,
}

impl Scale {
    #[inline]
    fn of(magnitude: f64) -> Scale {
        match magnitude {
            m if m > MOST_UNITS => Scale::Great,
            m if m > MOST_UNITS / STEP => Scale::One,
            _ => Scale::Small,
        }
    }

    const fn next(self) -> Scale {
        match self {
            Scale::Small => Scale::One,
            Scale::One | Scale::Great => Scale::Great,
        }
    }

    #[inline]
    fn units(self, value: f64) -> f64 {
        match self {
            Scale::Small => value * STEP,
            Scale::One => value,
            Scale::Great => value / STEP,
        }
    }

    fn value(self, units: f64) -> f64 {
        match self {
            Scale::Small => units / STEP,
            Scale::One => units,
            Scale::Great => units * STEP,
        }
    }
}

/// A compensated sum: what was added, and what rounding lost.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    #[inline]
    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() { (self.sum - sum) + value } else { (value - sum) + self.sum };
        self.sum = sum;
    }

    fn total(&self) -> f64 {
        self.sum + self.lost
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moments(values: &[f64]) -> Moments {
        let mut moments = Moments::new();
        values.iter().for_each(|value| moments.add(*value, 1.0));
        moments
    }

    fn joined(mut one: Moments, other: &Moments) -> Moments {
        one.merge(other);
        one
    }

    fn near(one: Option<f64>, other: Option<f64>, within: f64) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => (one - other).abs() <= within,
            (one, other) => one == other,
        }
    }

    #[test]
    fn a_small_table_is_right() {
        let some = moments(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!((some.count(), some.sum(), some.min(), some.max(), some.mean()), (8.0, Some(40.0), Some(2.0), Some(9.0), Some(5.0)));
        assert!(near(some.stddev(), Some((32.0f64 / 7.0).sqrt()), 1e-15));
        let none = Moments::new();
        assert_eq!(
            (none.count(), none.sum(), none.min(), none.max(), none.mean(), none.stddev()),
            (0.0, Some(0.0), None, None, None, None)
        );
        assert_eq!(moments(&[3.0]).stddev(), None);
    }

    #[test]
    fn the_sum_keeps_what_a_plain_one_loses() {
        assert_eq!(moments(&[1.0, 1e100, 1.0, -1e100]).sum(), Some(2.0));
        assert_eq!(moments(&[0.1; 10]).sum(), Some(1.0));
        assert_eq!(moments(&[0.1; 10]).mean(), Some(0.1));
    }

    #[test]
    fn great_values_overflow_only_where_the_result_does() {
        let pair = moments(&[1e300, -1e300]);
        assert_eq!((pair.sum(), pair.mean()), (Some(0.0), Some(0.0)));
        assert!(near(pair.stddev(), Some(2f64.sqrt() * 1e300), 1e285));
        assert_eq!(moments(&[1.7e308, 1.7e308, -1.7e308]).sum(), Some(1.7e308));
        let over = moments(&[1.7e308, 1.7e308]);
        assert_eq!((over.sum(), over.mean(), over.stddev()), (None, Some(1.7e308), Some(0.0)));
        assert_eq!(moments(&[f64::MAX, f64::MIN]).mean(), Some(0.0));
    }

    #[test]
    fn tiny_values_do_not_vanish() {
        let tiny = moments(&[1e-300, 3e-300]);
        assert!(near(tiny.stddev(), Some(2f64.sqrt() * 1e-300), 1e-314));
        assert_eq!(moments(&[5e-324, 5e-324]).sum(), Some(1e-323));
        assert_eq!(moments(&[1e300, 1.0, -1e300]).sum(), Some(1.0));
    }

    #[test]
    fn an_offset_does_not_eat_the_spread() {
        let far = moments(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert!(near(far.stddev(), Some(30f64.sqrt()), 1e-12));
    }

    #[test]
    fn what_is_no_number_is_not_counted() {
        let mut none = Moments::new();
        for (value, weight) in [(f64::NAN, 1.0), (f64::INFINITY, 1.0), (1.0, 0.0), (1.0, -1.0), (1.0, f64::NAN)] {
            none.add(value, weight);
        }
        assert_eq!(none, Moments::new());
    }

    #[test]
    fn a_summary_that_no_values_have_is_refused() {
        assert!(Moments::from_summary(0.0, 1.0, 1.0, 1.0, None).is_none());
        assert!(Moments::from_summary(2.0, 5.0, 1.0, 3.0, None).is_none());
        assert!(Moments::from_summary(2.0, 2.0, 3.0, 1.0, None).is_none());
        assert!(Moments::from_summary(2.0, f64::NAN, 1.0, 3.0, None).is_none());
        assert!(Moments::from_summary(2.0, 2.0, 1.0, 3.0, Some(-1.0)).is_none());
    }

    fn values() -> impl Strategy<Value = Vec<f64>> {
        let wide = (-1.0..1.0f64, -300i32..300).prop_map(|(mantissa, exponent)| mantissa * 10f64.powi(exponent));
        let value = prop_oneof![3 => -1e6..1e6f64, 1 => wide, 1 => Just(0.0), 1 => Just(1e300), 1 => Just(-1e300)];
        prop::collection::vec(value, 0..100)
    }

    /// Compares exactly what is promised exactly, and the rest within `tolerance` of the greatest magnitude.
    fn alike(one: &Moments, other: &Moments, tolerance: f64) -> bool {
        let most = one.max().map_or(0.0, |max| max.abs().max(one.min().map_or(0.0, f64::abs)));
        one.count() == other.count()
            && one.min() == other.min()
            && one.max() == other.max()
            && near(one.sum(), other.sum(), most * tolerance * (1.0 + one.count()))
            && near(one.mean(), other.mean(), most * tolerance)
            && near(one.stddev(), other.stddev(), most * tolerance.sqrt())
    }

    proptest! {
        #[test]
        fn merging_commutes_and_associates(a in values(), b in values(), c in values()) {
            let (a, b, c) = (moments(&a), moments(&b), moments(&c));
            prop_assert!(alike(&joined(a, &b), &joined(b, &a), 1e-14));
            prop_assert!(alike(&joined(joined(a, &b), &c), &joined(a, &joined(b, &c)), 1e-14));
        }

        #[test]
        fn any_split_equals_the_whole(values in values(), cut in any::<prop::sample::Index>()) {
            let (left, right) = values.split_at(cut.index(values.len() + 1));
            prop_assert!(alike(&joined(moments(left), &moments(right)), &moments(&values), 1e-14));
        }

        #[test]
        fn a_weight_counts_a_value_so_often(values in prop::collection::vec((-1e6..1e6f64, 1u32..6), 1..50)) {
            let mut weighted = Moments::new();
            let mut repeated = Moments::new();
            for (value, weight) in values {
                weighted.add(value, f64::from(weight));
                (0..weight).for_each(|_| repeated.add(value, 1.0));
            }
            prop_assert!(alike(&weighted, &repeated, 1e-13));
        }

        #[test]
        fn the_spread_is_that_of_two_passes(values in prop::collection::vec(-1e6..1e6f64, 2..100), offset in -1e9..1e9f64) {
            let values: Vec<f64> = values.iter().map(|value| value + offset).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            let expected = (squares / (values.len() - 1) as f64).sqrt();
            prop_assert!(near(moments(&values).stddev(), Some(expected), expected * 1e-9 + 1e-6));
        }

        #[test]
        fn a_summary_stands_for_its_values(a in prop::collection::vec(-1e3..1e3f64, 2..50), b in prop::collection::vec(-1e3..1e3f64, 2..50)) {
            let (one, other) = (moments(&a), moments(&b));
            let again = |m: &Moments| Moments::from_summary(m.count(), m.mean()?, m.min()?, m.max()?, m.stddev());
            let merged = joined(again(&one).unwrap(), &again(&other).unwrap());
            prop_assert!(alike(&merged, &joined(one, &other), 1e-13));
        }
    }
}
