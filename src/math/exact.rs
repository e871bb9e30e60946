//! A sum of doubles without any rounding, to which values are added and from which they are taken away.
//!
//! The sum is kept as partial sums whose bits do not overlap, ascending by magnitude: together they
//! are the sum, exactly. A value is added to each in turn by an addition that also gives what it
//! rounded away. Values of like magnitude take two or three partials, which lie in place; only
//! more than four of them take memory of their own.
//!
//! The sum 0.1 + 0.2 - 0.1, say, is kept as 0.2 and nothing else: no trace of 0.1 is left.
//!
//! Always: the value depends only on what is in the sum, not on the order, nor on what was added
//! and taken away again: it is the double nearest to the exact sum (ties to even), bit for bit. No
//! step overflows: whole multiples of 2^1022 are counted apart, so a sum beyond the range of
//! doubles may come back. Only its value is infinite while it is out there.
//!
//! Sources: Shewchuk (1997), Adaptive precision floating-point arithmetic and fast robust geometric
//! predicates, Discrete & Computational Geometry 18(3): two-sum (theorem 7), grow-expansion
//! (theorem 10), splitting (theorem 17) and two-product (theorem 18).

/// Partials that lie in place.
const IN_PLACE: usize = 4;
/// 2^1022. Partials stay below it, so that two of them and what is added never overflow.
const LARGE: f64 = 4.494_232_837_155_79e307;
/// 2^-64, by which a sum beyond `LARGE` is scaled down to be rounded.
const DOWN: f64 = 5.421_010_862_427_522e-20;
/// 2^27 + 1, which splits the 53 bits of a double into two halves.
const SPLIT: f64 = 134_217_729.0;

/// An exact sum of finite values; what is not finite is not added, nor taken away.
#[derive(Debug, Clone, Default)]
pub struct ExactSum {
    /// The partials, unless `spilled` holds them.
    near: [f64; IN_PLACE],
    /// How many of `near` are in use.
    used: usize,
    /// All partials, when they are more than `IN_PLACE`; else empty.
    spilled: Vec<f64>,
    /// How many times 2^1022 is to be added to the partials.
    large: i64,
}

impl ExactSum {
    /// Nothing added yet: the sum is 0.
    pub fn new() -> ExactSum {
        ExactSum::default()
    }

    /// Adds a value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        // Written so that NaN goes the other way, too.
        if value.abs() < LARGE {
            self.grow(value);
        } else if value.is_finite() {
            self.add_large(value);
        }
    }

    /// Takes a value away.
    #[inline]
    pub fn subtract(&mut self, value: f64) {
        self.add(-value);
    }

    /// Adds the product of two values, exactly: rounded, and what the rounding lost.
    ///
    /// It is exact when the product is within 2^-968 to 2^970 and the factors are within 2^±970.
    #[inline]
    pub fn add_product(&mut self, one: f64, other: f64) {
        let (product, lost) = two_product(one, other);
        self.add(product);
        self.add(lost);
    }

    /// Adds the square of a value, exactly, as [`ExactSum::add_product`] does.
    #[inline]
    pub fn add_square(&mut self, value: f64) {
        self.add_product(value, value);
    }

    /// Takes the square of a value away.
    #[inline]
    pub fn subtract_square(&mut self, value: f64) {
        let (product, lost) = two_product(value, value);
        self.add(-product);
        self.add(-lost);
    }

    /// Adds all that another sum holds.
    pub fn merge(&mut self, other: &ExactSum) {
        other.partials().iter().for_each(|part| self.grow(*part));
        self.large = self.large.saturating_add(other.large);
    }

    /// Adds another sum times a power of two, exactly unless parts of it vanish.
    pub(super) fn merge_scaled(&mut self, other: &ExactSum, power: f64) {
        other.with_large(power).into_iter().for_each(|part| self.add(part));
    }

    /// The sum as its leading doubles: the sum rounded, what is left rounded, and so on.
    ///
    /// Unlike the partials these depend on nothing but the sum. It must be below 1.8e308.
    pub(super) fn terms<const COUNT: usize>(&self) -> [f64; COUNT] {
        let mut rest = self.clone();
        std::array::from_fn(|_| {
            let term = rest.value();
            rest.subtract(term);
            term
        })
    }

    /// Takes away all that another sum holds.
    pub fn subtract_all(&mut self, other: &ExactSum) {
        other.partials().iter().for_each(|part| self.grow(-*part));
        self.large = self.large.saturating_sub(other.large);
    }

    /// Makes the sum 0; keeps memory.
    pub fn clear(&mut self) {
        self.used = 0;
        self.large = 0;
        self.spilled.clear();
    }

    /// Whether the sum is exactly 0.
    pub fn is_zero(&self) -> bool {
        // Partials alone are 0 only when there are none; with `large` they may cancel.
        if self.large == 0 { self.partials().is_empty() } else { self.value() == 0.0 }
    }

    /// The sum, rounded once; 0 (never -0) when it is 0, and infinite when it is beyond ±1.8e308.
    #[inline]
    pub fn value(&self) -> f64 {
        if self.large == 0 { rounded(self.partials()) } else { self.value_large() }
    }

    /// The partials, ascending by magnitude, without zeros.
    #[inline]
    fn partials(&self) -> &[f64] {
        if self.spilled.is_empty() { self.near.get(..self.used).unwrap_or_default() } else { &self.spilled }
    }

    /// Adds a value below `LARGE` to the partials.
    #[inline]
    fn grow(&mut self, value: f64) {
        if !self.spilled.is_empty() {
            return self.grow_spilled(value);
        }
        let (kept, top) = grown(&mut self.near[..self.used.min(IN_PLACE)], value);
        self.used = kept;
        if top.abs() < LARGE { self.push(top) } else { self.push_large(top) }
    }

    #[cold]
    fn grow_spilled(&mut self, value: f64) {
        let (kept, top) = grown(&mut self.spilled, value);
        self.spilled.truncate(kept);
        if kept < IN_PLACE {
            self.near[..kept].copy_from_slice(&self.spilled);
            self.used = kept;
            self.spilled.clear();
        }
        if top.abs() < LARGE { self.push(top) } else { self.push_large(top) }
    }

    /// Puts the greatest partial on top.
    #[inline]
    fn push(&mut self, top: f64) {
        if top == 0.0 {
            return;
        }
        if self.spilled.is_empty()
            && let Some(place) = self.near.get_mut(self.used)
        {
            *place = top;
            self.used += 1;
        } else {
            self.spill(top);
        }
    }

    #[cold]
    fn spill(&mut self, top: f64) {
        if self.spilled.is_empty() {
            self.spilled.extend_from_slice(&self.near);
            self.used = 0;
        }
        self.spilled.push(top);
    }

    /// Puts a partial from 2^1022 to 2^1024 on top: its multiples of 2^1022 are counted apart.
    ///
    /// Each subtraction is exact: its result has the lowest bit of `top` and no higher one.
    #[cold]
    fn push_large(&mut self, mut top: f64) {
        while top.abs() >= LARGE {
            self.large = self.large.saturating_add(if top > 0.0 { 1 } else { -1 });
            top -= LARGE.copysign(top);
        }
        self.push(top);
    }

    #[cold]
    fn add_large(&mut self, mut value: f64) {
        while value.abs() >= LARGE {
            self.large = self.large.saturating_add(if value > 0.0 { 1 } else { -1 });
            value -= LARGE.copysign(value);
        }
        self.grow(value);
    }

    /// The value of a sum that has multiples of 2^1022 apart.
    #[cold]
    fn value_large(&self) -> f64 {
        let scaled = rounded(&self.with_large(DOWN));
        // Where they cancel, little is left, and nothing need be scaled.
        if scaled.abs() >= LARGE * DOWN { scaled / DOWN } else { rounded(&self.with_large(1.0)) }
    }

    /// The partials times `scale`, with the multiples of 2^1022 among them.
    fn with_large(&self, scale: f64) -> Vec<f64> {
        // Of a partial that vanishes only the sign can matter.
        let scaled = |part: &f64| if part * scale == 0.0 { f64::from_bits(1).copysign(*part) } else { part * scale };
        let mut all: Vec<f64> = self.partials().iter().map(scaled).collect();
        // With more than 64 the value is infinite at any rate.
        for _ in 0..self.large.unsigned_abs().min(64) {
            let (kept, top) = grown(&mut all, (LARGE * scale).copysign(self.large as f64));
            all.truncate(kept);
            all.extend((top != 0.0).then_some(top));
        }
        all
    }
}

/// Two sums are equal when their exact values are.
impl PartialEq for ExactSum {
    fn eq(&self, other: &ExactSum) -> bool {
        let mut apart = self.clone();
        apart.subtract_all(other);
        apart.is_zero()
    }
}

impl Extend<f64> for ExactSum {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.add(value));
    }
}

impl FromIterator<f64> for ExactSum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> ExactSum {
        let mut sum = ExactSum::new();
        sum.extend(values);
        sum
    }
}

/// Adds a value to partials; gives how many of them stay, and the partial to put on top (may be 0).
#[inline]
fn grown(partials: &mut [f64], value: f64) -> (usize, f64) {
    let mut top = value;
    let mut kept = 0;
    for at in 0..partials.len() {
        let (sum, lost) = two_sum(top, partials[at]);
        // Without a branch: a zero is written over by the next.
        partials[kept] = lost;
        kept += usize::from(lost != 0.0);
        top = sum;
    }
    (kept, top)
}

/// The sum of ascending partials that do not overlap, rounded once.
#[inline]
fn rounded(partials: &[f64]) -> f64 {
    let mut below = partials.iter().rev();
    let mut sum = below.next().copied().unwrap_or(0.0);
    for part in below.by_ref() {
        let (higher, lost) = two_sum(sum, *part);
        sum = higher;
        if lost != 0.0 {
            return below.next().map_or(sum, |next| corrected(sum, lost, *next));
        }
    }
    sum
}

/// Corrects a sum that was rounded to even from half-way when what follows shows it was no half.
///
/// `lost` is what rounding lost and `next` what lies below it. When both point the same way and
/// `lost` is exactly half of the distance to the neighbour, the neighbour is nearer.
fn corrected(sum: f64, lost: f64, next: f64) -> f64 {
    let twice = lost * 2.0;
    let neighbour = sum + twice;
    let was_half = neighbour - sum == twice;
    if was_half && (lost > 0.0) == (next > 0.0) { neighbour } else { sum }
}

/// The rounded sum of two values, and what the rounding lost: together exactly the sum.
#[inline]
fn two_sum(one: f64, other: f64) -> (f64, f64) {
    let sum = one + other;
    let of_other = sum - one;
    let of_one = sum - of_other;
    (sum, (one - of_one) + (other - of_other))
}

/// The rounded product of two values, and what the rounding lost: together exactly the product.
///
/// By splitting, not by a fused multiply-add: where the processor is not known to have one, that
/// is a call, and a slow one with some C libraries.
#[inline]
pub(super) fn two_product(one: f64, other: f64) -> (f64, f64) {
    let product = one * other;
    let (one_high, one_low) = halves(one);
    let (other_high, other_low) = halves(other);
    let lost = one_low * other_low - (((product - one_high * other_high) - one_low * other_high) - one_high * other_low);
    (product, lost)
}

/// The upper 26 bits of a value, and the others.
#[inline]
fn halves(value: f64) -> (f64, f64) {
    let spread = SPLIT * value;
    let high = spread - (spread - value);
    (high, value - high)
}

#[cfg(test)]
#[path = "exact_tests.rs"]
mod tests;
