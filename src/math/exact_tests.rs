use super::*;
use proptest::prelude::*;

/// A sum of doubles as one whole number of units of 2^-1074, in two's complement: slow and plain.
#[derive(Clone, PartialEq)]
struct Whole {
    limbs: [u64; Whole::LIMBS],
}

impl Whole {
    /// 2,098 bits for any double, and 78 for sums of them.
    const LIMBS: usize = 34;

    fn new() -> Whole {
        Whole { limbs: [0; Whole::LIMBS] }
    }

    fn add(&mut self, value: f64) {
        let bits = value.to_bits();
        let (exponent, fraction) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
        let (mantissa, shift) = if exponent == 0 { (fraction, 0) } else { (fraction | 1 << 52, exponent - 1) };
        let wide = u128::from(mantissa) << (shift % 64);
        let mut term = Whole::new();
        let limb = (shift / 64) as usize;
        (term.limbs[limb], term.limbs[limb + 1]) = (wide as u64, (wide >> 64) as u64);
        self.add_whole(&if value < 0.0 { term.negated() } else { term });
    }

    fn add_whole(&mut self, other: &Whole) {
        let mut carry = 0;
        for (limb, other) in self.limbs.iter_mut().zip(other.limbs) {
            let sum = u128::from(*limb) + u128::from(other) + carry;
            (*limb, carry) = (sum as u64, sum >> 64);
        }
    }

    fn negated(&self) -> Whole {
        let mut negated = Whole { limbs: self.limbs.map(|limb| !limb) };
        let mut one = Whole::new();
        one.limbs[0] = 1;
        negated.add_whole(&one);
        negated
    }

    fn bit(&self, at: usize) -> bool {
        self.limbs[at / 64] >> (at % 64) & 1 == 1
    }

    fn value(&self) -> f64 {
        if self.bit(Whole::LIMBS * 64 - 1) {
            return -self.negated().value();
        }
        let Some(top) = (0..Whole::LIMBS * 64).rev().find(|at| self.bit(*at)) else { return 0.0 };
        let low = top.saturating_sub(52);
        let mut mantissa = (low..=top).rev().fold(0u64, |mantissa, at| mantissa << 1 | u64::from(self.bit(at)));
        let half = low > 0 && self.bit(low - 1);
        let beyond_half = low > 1 && (0..low - 1).any(|at| self.bit(at));
        mantissa += u64::from(half && (beyond_half || mantissa & 1 == 1));
        match top {
            0..52 => f64::from_bits(mantissa),
            // A mantissa that grew to 2^53 goes on into the exponent, which is what it should do; and from MAX to infinity.
            52..2098 => f64::from_bits(((low as u64) << 52) + mantissa),
            _ => f64::INFINITY,
        }
    }
}

fn whole(values: &[f64]) -> f64 {
    let mut whole = Whole::new();
    values.iter().for_each(|value| whole.add(*value));
    whole.value()
}

fn exact(values: &[f64]) -> ExactSum {
    values.iter().copied().collect()
}

#[test]
fn the_sum_is_rounded_once() {
    let cases: [(&[f64], f64); 15] = [
        (&[], 0.0),
        (&[-0.0], 0.0),
        (&[0.1; 10], 1.0),
        (&[1.0, 1e100, 1.0, -1e100], 2.0),
        (&[1e16, 1.0, 1e-16], 1.000_000_000_000_000_2e16), // Just above a half.
        (&[1e16, 1.0, -1e-16], 1e16),                      // Just below it.
        (&[1e16, 1.0], 1e16),                              // A half goes to even.
        (&[1e16 - 2.0, 1.0, 1e-16], 1e16),
        (&[-1e16, -1.0, -1e-16], -1.000_000_000_000_000_2e16),
        (&[1.0, -f64::EPSILON / 4.0, -1e-30], 1.0 - f64::EPSILON / 2.0), // A half below a power of two.
        (&[1.0, -f64::EPSILON / 4.0, 1e-30], 1.0),
        (&[5e-324, 5e-324, -1e-323], 0.0),
        (&[f64::MAX, f64::MAX], f64::INFINITY),
        (&[f64::MAX, f64::MAX, f64::MAX, -f64::MAX, -f64::MAX], f64::MAX),
        (&[f64::MIN, f64::MIN, f64::MAX, f64::MAX, 5e-324], 5e-324),
    ];
    for (values, expected) in cases {
        assert_eq!(whole(values).to_bits(), expected.to_bits(), "the reference, of {values:?}");
        assert_eq!(exact(values).value().to_bits(), expected.to_bits(), "{values:?}");
    }
}

#[test]
fn the_greatest_double_rounds_as_any_other() {
    let half = 2f64.powi(970);
    for (values, expected) in [
        (vec![f64::MAX, half], f64::INFINITY),
        (vec![f64::MAX, half, -5e-324], f64::MAX),
        (vec![f64::MIN, -half, 5e-324], f64::MIN),
        (vec![f64::MAX; 1000], f64::INFINITY),
        (vec![LARGE, -5e-324], LARGE),
        (vec![LARGE, LARGE, -LARGE, -2f64.powi(969), -2f64.powi(968)], LARGE - 2f64.powi(970)),
    ] {
        assert_eq!(whole(&values), expected);
        assert_eq!(exact(&values).value(), expected);
    }
}

#[test]
fn what_is_not_finite_is_not_added() {
    let mut sum = exact(&[1.5, f64::NAN, f64::INFINITY]);
    sum.subtract(f64::INFINITY);
    assert_eq!(sum.value(), 1.5);
}

#[test]
fn a_cleared_sum_is_a_new_one() {
    let mut sum = exact(&[1e300, 1e200, 1e100, 1.0, 1e-100, 1e-200, f64::MAX, f64::MAX]);
    assert!(!sum.is_zero());
    sum.clear();
    assert!(sum.is_zero() && sum == ExactSum::new());
    sum.add(0.1);
    assert_eq!(sum.value(), 0.1);
}

#[test]
fn values_of_like_size_need_no_memory_of_their_own() {
    let mut sum = ExactSum::new();
    for second in 0..86_400 {
        sum.add(f64::from(second) * 0.001 + 17.3);
        assert!(sum.spilled.capacity() == 0);
    }
}

#[test]
fn a_square_is_added_with_what_rounding_loses() {
    // (2^27 + 1)^2 = 2^54 + 2^28 + 1, of which the last 1 is lost in a double.
    let mut sum = ExactSum::new();
    sum.add_square(134_217_729.0);
    sum.subtract(2f64.powi(54));
    sum.subtract(2f64.powi(28));
    assert_eq!(sum.value(), 1.0);
    sum.add_square(1e-3);
    sum.subtract_square(134_217_729.0);
    sum.add(2f64.powi(54) + 2f64.powi(28));
    sum.subtract_square(1e-3);
    assert!(sum.is_zero());
}

/// The greatest power of two that divides a value.
fn lowest_bit(value: f64) -> f64 {
    let (value, bits) = (value.abs(), value.abs().to_bits());
    let is_power = bits & ((1 << 52) - 1) == 0;
    if is_power { value } else { value - f64::from_bits(bits & (bits - 1)) }
}

fn value() -> impl Strategy<Value = f64> {
    let any = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |value| value.is_finite());
    let near = (-60i32..60, -8i32..8).prop_map(|(exponent, whole)| f64::from(whole) * 2f64.powi(exponent));
    let like = (0i32..100_000).prop_map(|tenths| f64::from(tenths) * 0.1);
    let edge = prop::sample::select(vec![f64::MAX, f64::MIN, LARGE, -LARGE, 5e-324, -0.0, 2f64.powi(970), 1e16, 1.0, -1.0]);
    prop_oneof![2 => any, 4 => near, 2 => like, 2 => edge]
}

fn values(most: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(value(), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_sum_is_that_of_whole_numbers(values in values(60)) {
        prop_assert_eq!(exact(&values).value().to_bits(), whole(&values).to_bits());
    }

    #[test]
    fn the_order_does_not_matter(values in values(60), seed in any::<u64>()) {
        let mut shuffled = values.clone();
        shuffled.sort_by_key(|value| (value.to_bits() ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        prop_assert_eq!(exact(&values).value().to_bits(), exact(&shuffled).value().to_bits());
        prop_assert!(exact(&values) == exact(&shuffled));
    }

    #[test]
    fn what_was_taken_away_leaves_no_trace(values in values(60), window in 1usize..20) {
        let mut sliding = ExactSum::new();
        for at in 0..values.len() {
            sliding.add(values[at]);
            if at >= window {
                sliding.subtract(values[at - window]);
            }
            let fresh = exact(&values[(at + 1).saturating_sub(window)..=at]);
            prop_assert_eq!(sliding.value().to_bits(), fresh.value().to_bits());
        }
    }

    #[test]
    fn merged_parts_are_the_whole_and_can_be_parted_again(one in values(30), other in values(30)) {
        let mut sum = exact(&one);
        sum.merge(&exact(&other));
        prop_assert_eq!(sum.value().to_bits(), exact(&[one.clone(), other.clone()].concat()).value().to_bits());
        sum.subtract_all(&exact(&one));
        prop_assert_eq!(sum.value().to_bits(), exact(&other).value().to_bits());
    }

    #[test]
    fn partials_ascend_and_do_not_overlap(values in values(60)) {
        let sum = exact(&values);
        for pair in sum.apart().windows(2) {
            prop_assert!(pair[0] != 0.0 && pair[0].abs() < lowest_bit(pair[1]), "{:e} {:e}", pair[0], pair[1]);
        }
        prop_assert!(sum.parts().iter().all(|part| part.abs() < LARGE));
        prop_assert!(sum.spilled.is_empty() || sum.spilled.len() > IN_PLACE);
    }

    #[test]
    fn a_product_in_range_is_exact(one in -1e100..1e100f64, other in -1e100..1e100f64, small in -100i32..0) {
        let one = one * 2f64.powi(small);
        let (product, lost) = two_product(one, other);
        prop_assert_eq!((product, lost), (one * other, one.mul_add(other, -product)));
    }
}
