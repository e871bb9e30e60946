//! Which of two series moves first, and by how much.
//!
//! Series that hang together over time correlate at many lags by chance. So each is first made white: what an
//! autoregression of the first order foretells is taken off (Haugh 1976). Of white series the correlation r at each
//! lag has a deviation of nearly 1/sqrt(n), n the pairs there are; atanh(r)·sqrt(n - 3) is nearly normal
//! (Fisher). The greatest of all lags counts, and its p is multiplied by the number of lags (Bonferroni).
//!
//! Source: Haugh (1976), Checking the independence of two covariance-stationary time series, JASA 71(354).

use super::student::student_two_sided;

/// Of fewer pairs nothing is said.
const LEAST: usize = 30;

/// How one series follows another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lead {
    /// By how many places the first is ahead; negative: the second is.
    pub places: i64,
    /// The correlation at that lag.
    pub correlation: f64,
    /// How probable so great a correlation at any lag is where there is none.
    pub p: f64,
}

/// Finds the lag at which two series correlate most.
///
/// Shape: as many values in both, at equal distances of time; gaps are `None`. `most` places are looked at to either
/// side. `None` when too few pairs are there, or one never moves.
pub fn lead(one: &[Option<f64>], other: &[Option<f64>], most: usize) -> Option<Lead> {
    let (one, other) = (whitened(one)?, whitened(other)?);
    let most = most as i64;
    let mut best: Option<(i64, f64, usize)> = None;
    for places in -most..=most {
        let (early, late) = if places >= 0 { (&one, &other) } else { (&other, &one) };
        let shift = places.unsigned_abs() as usize;
        if shift >= late.len() {
            continue;
        }
        let (r, pairs) = correlation(early, &late[shift..]);
        if pairs >= LEAST && best.is_none_or(|(_, most, _)| r.abs() > most.abs()) {
            best = Some((places, r, pairs));
        }
    }
    let (places, correlation, pairs) = best?;
    let z = correlation.clamp(-0.999_999, 0.999_999).atanh() * (pairs as f64 - 3.0).sqrt();
    let p = (student_two_sided(z, 1e6) * (2 * most + 1) as f64).min(1.0);
    Some(Lead { places, correlation, p })
}

/// The correlation of those pairs of which both are there; and how many these are.
pub fn correlation(one: &[Option<f64>], other: &[Option<f64>]) -> (f64, usize) {
    let pairs = || one.iter().zip(other).filter_map(|(one, other)| Some(((*one)?, (*other)?)));
    let (count, x, y) = pairs().fold((0usize, 0.0, 0.0), |(count, x, y), (one, other)| (count + 1, x + one, y + other));
    let (x, y) = (x / count.max(1) as f64, y / count.max(1) as f64);
    let (xx, yy, xy) = pairs().fold((0.0, 0.0, 0.0), |(xx, yy, xy), (one, other)| {
        let (one, other) = (one - x, other - y);
        (xx + one * one, yy + other * other, xy + one * other)
    });
    let scale = (xx * yy).sqrt();
    (if scale > 0.0 { (xy / scale).clamp(-1.0, 1.0) } else { 0.0 }, count)
}

/// What an autoregression of the first order does not foretell; `None` of what never moves.
fn whitened(values: &[Option<f64>]) -> Option<Vec<Option<f64>>> {
    let (keep, pairs) = correlation(values, values.get(1..)?);
    let mut present = values.iter().flatten();
    let first = present.next()?;
    if pairs < LEAST || present.all(|value| value == first) {
        return None;
    }
    let mut white = vec![None];
    white.extend(values.windows(2).map(|pair| Some(pair[1]? - keep * pair[0]?)));
    Some(white)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64, count: usize, keep: f64) -> Vec<Option<f64>> {
        let (mut state, mut value) = (seed, 0.0);
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            value = keep * value + ((state >> 33) as f64 / (1u64 << 31) as f64 - 0.5);
            Some(value)
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn what_moves_first_is_found_through_autocorrelation() {
        let first = noise(1, 400, 0.9);
        let own = noise(2, 400, 0.9);
        let second: Vec<Option<f64>> = (0..400).map(|at: usize| Some(first[at.checked_sub(3)?]? + 0.5 * own[at]?)).collect();
        let found = lead(&first, &second, 10).unwrap();
        assert_eq!(found.places, 3);
        assert!(found.p < 1e-6);
        assert_eq!(lead(&second, &first, 10).unwrap().places, -3);
    }

    #[test]
    fn series_that_have_nothing_to_do_with_one_another_lead_as_rarely_as_stated() {
        let called =
            (0..200).filter(|seed| lead(&noise(2 * seed + 1, 200, 0.95), &noise(2 * seed + 2, 200, 0.95), 10).unwrap().p < 0.05).count();
        assert!(called <= 20, "{called} of 200 at p < 0.05");
    }

    #[test]
    fn nothing_is_said_of_what_never_moves() {
        assert_eq!(lead(&vec![Some(1.0); 100], &noise(1, 100, 0.0), 5), None);
        assert_eq!(lead(&noise(1, 20, 0.0), &noise(2, 20, 0.0), 5), None);
    }
}
