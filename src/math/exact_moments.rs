//! Count, sum, mean and spread of values that come and go, without any trace of what has gone.
//!
//! Kept are three exact sums: of the weights, of weight·value and of weight·value². The spread is
//! that of [`Moments`](super::Moments), sqrt((Q - S²/n) / (n - 1)) with n, S and Q those sums. Here
//! n·Q - S² is worked out from the leading four doubles of each sum (212 bits) and rounded once,
//! so that the subtraction costs no digits, however far from zero the values lie.
//!
//! Values are kept in one of three classes by magnitude, in a unit of 2^-600, 1 or 2^600, as squares
//! of 1e300 overflow and squares of 1e-300 vanish. Almost always all are in the middle one; the
//! other two take memory only when they are met. Where classes are mixed, what the lesser ones add
//! to the spread is rounded.
//!
//! Always: all numbers depend only on which (value, weight) pairs are held, not on their order nor
//! on what was added and removed again, bit for bit. A weight of 3 counts as three equal values.
//! A result is finite or `None`.

use super::exact::{ExactSum, two_product};

/// 2^600, the ratio of the units of two classes.
const STEP: f64 = 4.149_515_568_880_993e180;
/// Values up to 2^400, 2.6e120, are of the middle class at most.
const MOST_MIDDLE: f64 = 2.582_249_878_086_909e120;
/// Values up to 2^-200, 6.2e-61, are of the small class, but for 0.
const MOST_SMALL: f64 = MOST_MIDDLE / STEP;
/// 2^64: with weights from 1 / this to this, all products are exact in all classes.
const MOST_WEIGHT: f64 = 18_446_744_073_709_551_616.0;
/// How many doubles of a sum the spread is worked out from.
const TERMS: usize = 4;

/// What is known of (value, weight) pairs, to which pairs are added and from which they are removed.
///
/// Removing what was not added gives numbers without meaning, or `None`; nothing else comes of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExactMoments {
    count: ExactSum,
    middle: Class,
    rare: Option<Box<Rare>>,
}

/// The sums of the values of one class, in its unit.
#[derive(Debug, Clone, Default, PartialEq)]
struct Class {
    /// How many pairs there are.
    pairs: u64,
    sum: ExactSum,
    squares: ExactSum,
}

/// The classes that are seldom met.
#[derive(Debug, Clone, Default, PartialEq)]
struct Rare {
    small: Class,
    great: Class,
}

/// Whether a pair comes or goes.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Add,
    Remove,
}

impl ExactMoments {
    /// Nothing counted yet.
    pub fn new() -> ExactMoments {
        ExactMoments::default()
    }

    /// Counts a value `weight` times.
    ///
    /// What is not finite, or has a weight outside of 2^-64 to 2^64 (5e-20 to 1.8e19), is not counted.
    #[inline]
    pub fn add(&mut self, value: f64, weight: f64) {
        self.step(value, weight, Step::Add);
    }

    /// Counts a value no more that was added with this weight.
    #[inline]
    pub fn remove(&mut self, value: f64, weight: f64) {
        self.step(value, weight, Step::Remove);
    }

    /// Adds all that another has counted.
    pub fn merge(&mut self, other: &ExactMoments) {
        self.count.merge(&other.count);
        self.middle.merge(&other.middle);
        if let Some(others) = &other.rare {
            let rare = self.rare.get_or_insert_default();
            rare.small.merge(&others.small);
            rare.great.merge(&others.great);
        }
    }

    /// Counts nothing any more; keeps memory.
    pub fn clear(&mut self) {
        self.count.clear();
        self.middle.clear();
        if let Some(rare) = &mut self.rare {
            rare.small.clear();
            rare.great.clear();
        }
    }

    /// How many values, by weight.
    pub fn count(&self) -> f64 {
        self.count.value()
    }

    /// The sum, weights counted; 0 when nothing was counted, `None` when it is beyond ±1.8e308.
    ///
    /// It is rounded once, unless values beyond 2.6e120 and values within 6.2e-61 come together.
    pub fn sum(&self) -> Option<f64> {
        let (sum, unit) = self.total();
        finite(sum.value() * unit)
    }

    /// The mean; `None` when nothing is counted. The mean of equal values is that value.
    pub fn mean(&self) -> Option<f64> {
        let count = self.count.value();
        if count <= 0.0 {
            return None;
        }
        let (mut rest, unit) = self.total();
        let mean = rest.value() / count;
        // What the quotient was rounded by shows in what is left when it is multiplied back.
        used(&self.count.terms()).for_each(|term| rest.add_product(-term, mean));
        finite((mean + rest.value() / count) * unit)
    }

    /// The standard deviation of the sample (divided by n - 1).
    ///
    /// Returns `None` when no more than one value is counted, or when it is beyond 1.8e308.
    pub fn stddev(&self) -> Option<f64> {
        let mut less_one = self.count.clone();
        less_one.subtract(1.0);
        let (count, less_one) = (self.count.value(), less_one.value());
        if less_one <= 0.0 {
            return None;
        }
        let (sum, unit) = self.total();
        let squares = self.total_squares();
        let top = squares.value();
        if top <= 0.0 || !top.is_finite() {
            return Some(0.0);
        }
        // By an even power of two to near 1, so that no product leaves the range of doubles.
        let root = power_of_two(exponent(top).div_euclid(2));
        let sums = sum.terms::<TERMS>().map(|term| term / root);
        let squares = squares.terms::<TERMS>().map(|term| term / root / root);
        let apart = difference(&squares, &self.count.terms::<TERMS>(), &sums);
        finite((apart.max(0.0) / count / less_one).sqrt() * root * unit)
    }

    #[inline]
    fn step(&mut self, value: f64, weight: f64, step: Step) {
        if !value.is_finite() || !(1.0 / MOST_WEIGHT..=MOST_WEIGHT).contains(&weight) {
            return;
        }
        let signed = if step == Step::Add { weight } else { -weight };
        self.count.add(signed);
        let magnitude = value.abs();
        if magnitude == 0.0 || (magnitude > MOST_SMALL && magnitude <= MOST_MIDDLE) {
            self.middle.step(value, signed, step);
        } else {
            self.step_rare(value, signed, step);
        }
    }

    #[cold]
    fn step_rare(&mut self, value: f64, signed: f64, step: Step) {
        let rare = self.rare.get_or_insert_default();
        if value.abs() > 1.0 {
            rare.great.step(value / STEP, signed, step);
        } else {
            rare.small.step(value * STEP, signed, step);
        }
    }

    /// The sum, and its unit: that of the greatest class in use.
    fn total(&self) -> (ExactSum, f64) {
        let mut sum = self.middle.sum.clone();
        let Some(rare) = &self.rare else { return (sum, 1.0) };
        let (small, great) = (&rare.small, &rare.great);
        if great.pairs == 0 && self.middle.pairs == 0 {
            return (small.sum.clone(), 1.0 / STEP);
        }
        sum.add(small.sum.value() / STEP);
        if great.pairs == 0 {
            return (sum, 1.0);
        }
        let mut total = great.sum.clone();
        total.merge_scaled(&sum, 1.0 / STEP);
        (total, STEP)
    }

    /// The sum of squares, in the square of the unit of [`ExactMoments::total`].
    fn total_squares(&self) -> ExactSum {
        let Some(rare) = &self.rare else { return self.middle.squares.clone() };
        let down = |squares: &ExactSum| squares.value() / STEP / STEP;
        let (greatest, less) = match (rare.great.pairs, self.middle.pairs) {
            (0, 0) => (&rare.small, 0.0),
            (0, _) => (&self.middle, down(&rare.small.squares)),
            _ => (&rare.great, down(&self.middle.squares)),
        };
        let mut squares = greatest.squares.clone();
        squares.add(less);
        squares
    }
}

impl Class {
    /// Adds a value, in the unit of the class; `signed` is its weight, negative when it goes.
    #[inline]
    fn step(&mut self, value: f64, signed: f64, step: Step) {
        self.pairs = if step == Step::Add { self.pairs + 1 } else { self.pairs.saturating_sub(1) };
        let (square, lost) = two_product(value, value);
        if signed.abs() == 1.0 {
            self.sum.add(value * signed);
            self.squares.add(square * signed);
            self.squares.add(lost * signed);
        } else {
            self.sum.add_product(value, signed);
            self.squares.add_product(square, signed);
            if lost != 0.0 {
                self.squares.add_product(lost, signed);
            }
        }
    }

    fn merge(&mut self, other: &Class) {
        self.pairs += other.pairs;
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
    }

    fn clear(&mut self) {
        self.pairs = 0;
        self.sum.clear();
        self.squares.clear();
    }
}

/// The sum of all products of `squares` and `count`, less the square of the sum of `sums`.
fn difference(squares: &[f64; TERMS], count: &[f64; TERMS], sums: &[f64; TERMS]) -> f64 {
    let mut difference = ExactSum::new();
    for one in used(squares) {
        used(count).for_each(|other| difference.add_product(one, other));
    }
    for one in used(sums) {
        used(sums).for_each(|other| difference.add_product(-one, other));
    }
    difference.value()
}

/// The terms that are not 0.
fn used(terms: &[f64; TERMS]) -> impl Iterator<Item = f64> + '_ {
    terms.iter().copied().filter(|term| *term != 0.0)
}

/// The exponent of the power of two at or below a positive value (of a denormal: -1023).
fn exponent(value: f64) -> i32 {
    ((value.to_bits() >> 52) & 0x7ff) as i32 - 1023
}

/// 2 to the power of an exponent within ±1022.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Moments;
    use proptest::prelude::*;

    fn moments(pairs: &[(f64, f64)]) -> ExactMoments {
        let mut moments = ExactMoments::new();
        pairs.iter().for_each(|(value, weight)| moments.add(*value, *weight));
        moments
    }

    fn unweighted(values: &[f64]) -> ExactMoments {
        moments(&values.iter().map(|value| (*value, 1.0)).collect::<Vec<_>>())
    }

    fn near(one: Option<f64>, other: Option<f64>, within: f64) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => (one - other).abs() <= within,
            (one, other) => one == other,
        }
    }

    /// All numbers, to the bit.
    fn bits(moments: &ExactMoments) -> (u64, [Option<u64>; 3]) {
        (moments.count().to_bits(), [moments.sum(), moments.mean(), moments.stddev()].map(|number| number.map(f64::to_bits)))
    }

    #[test]
    fn a_small_table_is_right() {
        let some = unweighted(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!((some.count(), some.sum(), some.mean()), (8.0, Some(40.0), Some(5.0)));
        assert_eq!(some.stddev(), Some((32.0f64 / 7.0).sqrt()));
        let none = ExactMoments::new();
        assert_eq!((none.count(), none.sum(), none.mean(), none.stddev()), (0.0, Some(0.0), None, None));
        assert_eq!((unweighted(&[3.0]).mean(), unweighted(&[3.0]).stddev()), (Some(3.0), None));
        assert_eq!(unweighted(&[0.0, 0.0]).stddev(), Some(0.0));
    }

    #[test]
    fn an_offset_does_not_eat_the_spread() {
        for offset in [1e9, 1e12, 1e15, -1e15] {
            let far = unweighted(&[offset + 4.0, offset + 7.0, offset + 13.0, offset + 16.0]);
            assert_eq!(far.stddev(), Some(30f64.sqrt()), "{offset}");
        }
        let next = 1e300f64.next_up();
        assert!(near(unweighted(&[1e300, next]).stddev(), Some((next - 1e300) / 2f64.sqrt()), 1e269));
    }

    #[test]
    fn values_of_all_magnitudes_have_their_mean_and_spread() {
        for unit in [1e-300, 1e-100, 1.0, 1e100, 1e300] {
            let some = unweighted(&[unit, 3.0 * unit]);
            assert!(near(some.sum(), Some(4.0 * unit), unit * 1e-15), "{unit}");
            assert!(near(some.mean(), Some(2.0 * unit), unit * 1e-15), "{unit}");
            assert!(near(some.stddev(), Some(2f64.sqrt() * unit), unit * 1e-15), "{unit}");
        }
        let over = unweighted(&[1.7e308, 1.7e308]);
        assert_eq!((over.sum(), over.mean(), over.stddev()), (None, Some(1.7e308), Some(0.0)));
        assert_eq!(unweighted(&[1e300, 1.0, -1e300]).sum(), Some(1.0));
        assert_eq!(unweighted(&[1e300, 1e-300, -1e300]).mean().map(|mean| mean.abs() < 1e-299), Some(true));
    }

    #[test]
    fn neighbouring_classes_are_put_together() {
        for (one, other) in [(MOST_SMALL / 1.5, MOST_SMALL * 1.5), (MOST_MIDDLE / 1.5, MOST_MIDDLE * 1.5)] {
            let some = unweighted(&[one, other]);
            assert!(near(some.sum(), Some(one + other), one * 1e-15), "{one}");
            assert!(near(some.mean(), Some((one + other) / 2.0), one * 1e-15), "{one}");
            assert!(near(some.stddev(), Some((other - one) / 2f64.sqrt()), one * 1e-15), "{one}");
        }
    }

    #[test]
    fn classes_that_were_left_do_not_matter_any_more() {
        let mut some = unweighted(&[1e300, 0.1, 1e-300, 0.3]);
        some.remove(1e300, 1.0);
        some.remove(1e-300, 1.0);
        assert_eq!(bits(&some), bits(&unweighted(&[0.1, 0.3])));
        some.remove(0.1, 1.0);
        some.remove(0.3, 1.0);
        assert_eq!(bits(&some), bits(&ExactMoments::new()));
    }

    #[test]
    fn what_is_no_number_is_not_counted() {
        let mut none = ExactMoments::new();
        for (value, weight) in [(f64::NAN, 1.0), (f64::INFINITY, 1.0), (1.0, 0.0), (1.0, -1.0), (1.0, f64::NAN), (1.0, 1e20)] {
            none.add(value, weight);
        }
        assert_eq!(none, ExactMoments::new());
    }

    #[test]
    fn removing_what_was_not_there_does_no_harm() {
        let mut wrong = unweighted(&[1.0]);
        wrong.remove(5.0, 3.0);
        assert_eq!((wrong.mean(), wrong.stddev()), (None, None));
    }

    fn pair() -> impl Strategy<Value = (f64, f64)> {
        let wide = (-1.0..1.0f64, -300i32..300).prop_map(|(mantissa, exponent)| mantissa * 10f64.powi(exponent));
        let value = prop_oneof![3 => -1e6..1e6f64, 1 => wide, 1 => Just(0.0), 1 => Just(1e300), 1 => Just(f64::MAX), 1 => Just(5e-324)];
        (value, prop_oneof![3 => Just(1.0), 1 => 0.001..1000.0f64, 1 => (1u32..6).prop_map(f64::from)])
    }

    fn plain() -> impl Strategy<Value = (f64, f64)> {
        (prop_oneof![-1e6..1e6f64, (0i32..1000).prop_map(|tenths| f64::from(tenths) * 0.1)], prop_oneof![Just(1.0), 0.5..20.0f64])
    }

    proptest! {
        #[test]
        fn a_sliding_window_equals_a_fresh_one(pairs in prop::collection::vec(pair(), 0..60), window in 1usize..15) {
            let mut sliding = ExactMoments::new();
            for at in 0..pairs.len() {
                sliding.add(pairs[at].0, pairs[at].1);
                if at >= window {
                    sliding.remove(pairs[at - window].0, pairs[at - window].1);
                }
                prop_assert_eq!(bits(&sliding), bits(&moments(&pairs[(at + 1).saturating_sub(window)..=at])));
            }
        }

        #[test]
        fn neither_order_nor_parts_matter(mut pairs in prop::collection::vec(pair(), 0..40), cut in any::<prop::sample::Index>()) {
            let whole = moments(&pairs);
            let (left, right) = pairs.split_at(cut.index(pairs.len() + 1));
            let mut merged = moments(left);
            merged.merge(&moments(right));
            prop_assert_eq!(bits(&merged), bits(&whole));
            pairs.reverse();
            prop_assert_eq!(bits(&moments(&pairs)), bits(&whole));
        }

        #[test]
        fn a_weight_counts_a_value_so_often(pairs in prop::collection::vec((-1e6..1e6f64, 1u32..6), 1..30)) {
            let weighted: Vec<(f64, f64)> = pairs.iter().map(|(value, weight)| (*value, f64::from(*weight))).collect();
            let repeated: Vec<f64> = pairs.iter().flat_map(|(value, weight)| vec![*value; *weight as usize]).collect();
            prop_assert_eq!(bits(&moments(&weighted)), bits(&unweighted(&repeated)));
        }

        #[test]
        fn the_numbers_are_those_of_moments(pairs in prop::collection::vec(plain(), 1..60)) {
            let exact = moments(&pairs);
            let mut other = Moments::new();
            pairs.iter().for_each(|(value, weight)| other.add(*value, *weight));
            let most = pairs.iter().map(|(value, _)| value.abs()).fold(0.0, f64::max);
            prop_assert!(near(Some(exact.count()), Some(other.count()), 1e-11));
            prop_assert!(near(exact.sum(), other.sum(), 1e-13 * most * other.count()));
            prop_assert!(near(exact.mean(), other.mean(), 1e-13 * most));
            // Of a count just above 1 the spread is divided by next to nothing.
            prop_assert!(other.count() < 1.01 || near(exact.stddev(), other.stddev(), 1e-11 * most));
        }

        #[test]
        fn the_mean_of_equal_values_is_that_value_and_they_have_no_spread((value, _) in pair(), count in 2usize..300) {
            let equal = unweighted(&vec![value; count]);
            prop_assert_eq!(equal.mean(), Some(value));
            prop_assert_eq!(equal.stddev(), Some(0.0));
        }
    }
}
