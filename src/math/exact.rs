//! A sum of doubles without any rounding, to which values are added and from which they are taken away.
//!
//! The sum is kept as four doubles that together are the sum, exactly. A value is added to the
//! first by an addition that also gives what it rounded away; that is added to the second, and so
//! on. The four have no order and may overlap; they are made to ascend without overlap when the
//! value is asked for. Only where the last addition leaves something, too, more than four
//! partial sums are kept, without overlap, in memory of their own.
//!
//! The sum 0.1 + 0.2 - 0.1, say, has the value 0.2: no trace of 0.1 is left.
//!
//! Always: the value depends only on what is in the sum, not on the order, nor on what was added
//! and taken away again: it is the double nearest to the exact sum (ties to even), bit for bit. No
//! step overflows: whole multiples of 2^1022 are counted apart, so a sum beyond the range of
//! doubles may come back. Only its value is infinite while it is out there.
//!
//! Sources: Shewchuk (1997), Adaptive precision floating-point arithmetic and fast robust geometric
//! predicates, Discrete & Computational Geometry 18(3): two-sum (theorem 7), grow-expansion
//! (theorem 10), splitting (theorem 17) and two-product (theorem 18).

/// Partials that lie in place. For values of like magnitude, two to three are in use.
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
    /// The partials, unless `spilled` holds them; else zeros.
    near: [f64; IN_PLACE],
    /// The partials when they are more than `IN_PLACE`, ascending and without overlap; else empty.
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
            self.add_below_large(value);
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
        other.parts().iter().for_each(|part| self.add(*part));
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
        other.parts().iter().for_each(|part| self.subtract(*part));
        self.large = self.large.saturating_sub(other.large);
    }

    /// Makes the sum 0; keeps memory.
    pub fn clear(&mut self) {
        self.near = [0.0; IN_PLACE];
        self.spilled.clear();
        self.large = 0;
    }

    /// Whether the sum is exactly 0.
    pub fn is_zero(&self) -> bool {
        // The sum of doubles that is not 0 is no smaller than the smallest double.
        self.value() == 0.0
    }

    /// The sum, rounded once; 0 (never -0) when it is 0, and infinite when it is beyond ±1.8e308.
    pub fn value(&self) -> f64 {
        if self.large != 0 {
            return self.value_large();
        }
        if !self.spilled.is_empty() {
            return rounded(&self.spilled);
        }
        let (apart, used) = self.near_apart();
        rounded(&apart[..used])
    }

    /// The partials in use, in any order.
    #[inline]
    fn parts(&self) -> &[f64] {
        if self.spilled.is_empty() { &self.near } else { &self.spilled }
    }

    #[inline]
    fn add_below_large(&mut self, value: f64) {
        if !self.spilled.is_empty() {
            return self.add_spilled(value);
        }
        let mut lost = value;
        for part in &mut self.near {
            (*part, lost) = two_sum(*part, lost);
        }
        if lost != 0.0 || self.near[0].abs() >= LARGE {
            self.add_spilled(lost);
        }
    }

    /// The partials in place, ascending without overlap, and how many those are.
    #[inline]
    fn near_apart(&self) -> ([f64; IN_PLACE], usize) {
        let mut apart = [0.0; IN_PLACE];
        let mut used = 0;
        for part in self.near.iter().rev() {
            let (kept, top) = grown(&mut apart[..used], *part);
            used = kept;
            if top != 0.0 {
                apart[used] = top;
                used += 1;
            }
        }
        (apart, used)
    }

    /// The partials, ascending without overlap.
    fn apart(&self) -> Vec<f64> {
        if !self.spilled.is_empty() {
            return self.spilled.clone();
        }
        let (apart, used) = self.near_apart();
        apart[..used].to_vec()
    }

    /// Adds a value where the partials in place do not suffice, or grow large.
    #[cold]
    fn add_spilled(&mut self, value: f64) {
        if self.spilled.is_empty() {
            self.spilled = self.apart();
            self.near = [0.0; IN_PLACE];
        }
        grow(&mut self.spilled, value);
        self.part_large();
        if self.spilled.len() <= IN_PLACE {
            self.near.iter_mut().zip(self.spilled.drain(..).rev()).for_each(|(place, part)| *place = part);
        }
    }

    /// Takes multiples of 2^1022 off the greatest partial. Each subtraction is exact: what it
    /// leaves has the lowest bit of that partial and no higher one.
    fn part_large(&mut self) {
        let Some(top) = self.spilled.last_mut() else { return };
        while top.abs() >= LARGE {
            self.large = self.large.saturating_add(if *top > 0.0 { 1 } else { -1 });
            *top -= LARGE.copysign(*top);
        }
        if *top == 0.0 {
            self.spilled.pop();
        }
    }

    #[cold]
    fn add_large(&mut self, mut value: f64) {
        while value.abs() >= LARGE {
            self.large = self.large.saturating_add(if value > 0.0 { 1 } else { -1 });
            value -= LARGE.copysign(value);
        }
        self.add_below_large(value);
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
        let mut all = Vec::new();
        self.apart().iter().for_each(|part| grow(&mut all, scaled(part)));
        // With more than 64 the value is infinite at any rate.
        (0..self.large.unsigned_abs().min(64)).for_each(|_| grow(&mut all, (LARGE * scale).copysign(self.large as f64)));
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

/// Adds a value to ascending partials that do not overlap, and leaves them so.
fn grow(partials: &mut Vec<f64>, value: f64) {
    let (kept, top) = grown(partials, value);
    partials.truncate(kept);
    partials.extend((top != 0.0).then_some(top));
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
