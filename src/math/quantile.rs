//! Exact quantiles, interpolated between neighbours.
//!
//! The quantile `q` of n ascending values stands at rank q·(n - 1), counted from 0; between two
//! ranks the value lies on the line between the neighbours. This is what NumPy, R's default and
//! SQL's `percentile_cont` compute.
//!
//! Source: Hyndman, Fan (1996), Sample quantiles in statistical packages, The American
//! Statistician 50(4), definition 7.

/// Sorts values ascending; -0 stands before 0.
pub fn sort_values(values: &mut [f64]) {
    values.sort_unstable_by(f64::total_cmp);
}

/// Estimates the value below which the fraction `q` of `sorted` lies.
///
/// Shape: `sorted` ascends and is finite; `q` is within 0 to 1. Units: those of `sorted`.
/// Returns `None` when `sorted` is empty or `q` is outside 0 to 1.
pub fn quantile_sorted(sorted: &[f64], q: f64) -> Option<f64> {
    let (below, part) = rank(sorted.len() as f64, q)?;
    let at = below as usize;
    let low = *sorted.get(at)?;
    let high = sorted.get(at + 1).copied().unwrap_or(low);
    Some(between(low, high, part))
}

/// Computes several quantiles of values in any order, without sorting all of them.
///
/// Shape: `values` is finite and is left in another order; `fractions` ascends, within 0 to 1.
/// One result a fraction. Returns `None` when `values` is empty or a fraction is out of range.
/// Costs time in proportion to the number of values, where sorting costs n·log n.
pub fn quantiles(values: &mut [f64], fractions: &[f64]) -> Option<Vec<f64>> {
    let count = values.len();
    let mut done = 0; // All of values[..done] is at its place or below it, so each search begins there.
    let mut results = Vec::with_capacity(fractions.len());
    for q in fractions {
        let (below, part) = rank(count as f64, *q)?;
        let at = (below as usize).min(count - 1);
        let start = if at < done { 0 } else { done };
        let (_, low, above) = values[start..].select_nth_unstable_by(at - start, f64::total_cmp);
        let low = *low;
        let high = if part > 0.0 { above.iter().copied().min_by(f64::total_cmp).unwrap_or(low) } else { low };
        results.push(between(low, high, part));
        done = at;
    }
    Some(results)
}

/// Computes a quantile of weighted values: a value of weight 3 counts as three equal values.
///
/// Shape: `sorted` holds (value, weight) ascending by value, each finite, weights above 0; `q` is
/// within 0 to 1. With whole weights it equals [`quantile_sorted`] over the values repeated.
/// Returns `None` when `sorted` is empty or `q` is outside 0 to 1.
pub fn quantile_weighted(sorted: &[(f64, f64)], q: f64) -> Option<f64> {
    let total = sorted.iter().map(|(_, weight)| weight).sum();
    weighted(sorted.iter().copied(), total, q)
}

/// As [`quantile_weighted`], over an ascending iterator whose weights sum to `total`.
pub(super) fn weighted(ascending: impl Iterator<Item = (f64, f64)>, total: f64, q: f64) -> Option<f64> {
    let (below, part) = rank(total, q)?;
    let mut seen = 0.0;
    let mut low = None;
    let mut last = None;
    for (value, weight) in ascending {
        seen += weight;
        last = Some(value);
        if low.is_none() && seen > below {
            low = Some(value);
        }
        if let Some(low) = low
            && (part == 0.0 || seen > below + 1.0)
        {
            return Some(between(low, value, part));
        }
    }
    // Rounding of a huge total, or a total below 1, can leave the rank at the very end.
    let last = last?;
    Some(between(low.unwrap_or(last), last, part))
}

/// The whole part and the fraction of the rank of `q` among `count` values.
pub(super) fn rank(count: f64, q: f64) -> Option<(f64, f64)> {
    if !(0.0..=1.0).contains(&q) || count <= 0.0 {
        return None;
    }
    let rank = q * (count - 1.0).max(0.0);
    Some((rank.floor(), rank.fract()))
}

/// The point at `part` (0 to 1) of the way from `low` to `high`; never outside of them.
pub(super) fn between(low: f64, high: f64, part: f64) -> f64 {
    // Both forms are exact at the ends; the second cannot overflow where high - low would.
    let point = if (high - low).is_finite() { low + (high - low) * part } else { low * (1.0 - part) + high * part };
    point.clamp(low.min(high), high.max(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_quantile_lies_between_its_neighbours() {
        // The values that NumPy's `quantile` gives.
        let cases: [(&[f64], f64, f64); 9] = [
            (&[1.0, 2.0, 3.0, 4.0], 0.5, 2.5),
            (&[1.0, 2.0, 3.0, 4.0], 0.25, 1.75),
            (&[1.0, 2.0, 3.0, 4.0], 0.0, 1.0),
            (&[1.0, 2.0, 3.0, 4.0], 1.0, 4.0),
            (&[7.0], 0.99, 7.0),
            (&[15.0, 20.0, 35.0, 40.0, 50.0], 0.4, 29.0),
            (&[-1e300, 1e300], 0.5, 0.0),
            (&[-f64::MAX, f64::MAX], 0.5, 0.0),
            (&[5e-324, 1e-323], 1.0, 1e-323),
        ];
        for (sorted, q, expected) in cases {
            assert_eq!(quantile_sorted(sorted, q), Some(expected), "{sorted:?} at {q}");
        }
        assert_eq!(quantile_sorted(&[], 0.5), None);
        assert_eq!(quantile_sorted(&[1.0], 1.1), None);
        assert_eq!(quantile_sorted(&[1.0], f64::NAN), None);
        assert_eq!(quantiles(&mut [], &[0.5]), None);
    }

    fn values() -> impl Strategy<Value = Vec<f64>> {
        let value = prop_oneof![-1e3..1e3f64, (-3i32..3).prop_map(f64::from), Just(1e300), Just(-1e300), Just(5e-324), Just(-0.0)];
        prop::collection::vec(value, 1..200)
    }

    proptest! {
        #[test]
        fn selecting_equals_sorting(mut values in values(), mut fractions in prop::collection::vec(0.0..=1.0f64, 0..6)) {
            sort_values(&mut fractions);
            let mut sorted = values.clone();
            sort_values(&mut sorted);
            let expected: Vec<f64> = fractions.iter().map(|q| quantile_sorted(&sorted, *q).unwrap()).collect();
            prop_assert_eq!(quantiles(&mut values, &fractions).unwrap(), expected);
            sort_values(&mut values);
            prop_assert_eq!(values, sorted);
        }

        #[test]
        fn a_weight_repeats_its_value(values in prop::collection::vec((-10.0..10.0f64, 1u32..5), 1..40), q in 0.0..=1.0f64) {
            let mut pairs: Vec<(f64, f64)> = values.iter().map(|(value, weight)| (*value, f64::from(*weight))).collect();
            pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
            let repeated: Vec<f64> = pairs.iter().flat_map(|(value, weight)| vec![*value; *weight as usize]).collect();
            prop_assert_eq!(quantile_weighted(&pairs, q), quantile_sorted(&repeated, q));
        }
    }
}
