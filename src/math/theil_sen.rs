//! A straight line through points that a few wild ones do not turn.
//!
//! Its slope is the median of the slopes between all pairs of points with different x; up to 29 %
//! of the points (1 - sqrt(1/2)) may be anywhere at all. Its level is the median of what the slope
//! leaves of y. The level is kept at the median x, not at x = 0: of seconds since 1970 the latter
//! is far outside of the points, and would lose digits.
//!
//! The interval of the slope holds the true one in 95 of 100 cases where the errors are independent:
//! with n points and N slopes, Kendall's S has the variance V = (n(n-1)(2n+5) - T) / 18, where T
//! takes t(t-1)(2t+5) off for each group of t equal x or equal y, and the borders are the slopes at the
//! ranks (N ± 1.96·sqrt(V)) / 2. Errors that hang together over time make it too narrow.
//!
//! All pairs of more than 300 points would be much work. They are first drawn together: neighbours by x
//! in groups of an odd size, at least 3, of which each gives its median x and median y. Odd, as the
//! "median" of two is a mean, which one wild point turns: with 29 % wild points half of all pairs have
//! one, but only a fifth of all triples have two. Wild points on one side shift a group's median by up to
//! a good part of the group's spread; so that this be only noise, without the trend within the group, it
//! is done twice: the second time with what the slope of the first leaves of y.
//!
//! Sources: Theil (1950), A rank-invariant method of linear and polynomial regression analysis,
//! Proc. Kon. Ned. Akad. v. Wetensch. A53; Sen (1968), Estimates of the regression coefficient
//! based on Kendall's tau, JASA 63(324).

use super::quantile::{quantile_sorted, quantiles, sort_values};

/// So many points are taken in all pairs: 44,850 slopes.
const MOST: usize = 300;
/// The quantile of the normal distribution beyond which 2.5 % lie.
const Z95: f64 = 1.959_963_984_540_054;

/// A straight line, with an interval that holds the true slope in 95 of 100 cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    slope: f64,
    interval: (f64, f64),
    /// The x at which `level` is kept: the median of the points'.
    origin: f64,
    /// The y at `origin`.
    level: f64,
}

impl Line {
    /// How much y grows with each unit of x.
    pub const fn slope(&self) -> f64 {
        self.slope
    }

    /// The lower and upper border of the slope.
    pub const fn slope_interval(&self) -> (f64, f64) {
        self.interval
    }

    /// The y at an x.
    pub fn at(&self, x: f64) -> f64 {
        self.level + self.slope * (x - self.origin)
    }

    /// The x at which the line has the y of `limit`, be it before, among or after the points.
    ///
    /// Returns `None` when the line is level, or so nearly level that there is no such double.
    pub fn reaches(&self, limit: f64) -> Option<f64> {
        let x = self.origin + (limit - self.level) / self.slope;
        (self.slope != 0.0 && x.is_finite()).then_some(x)
    }
}

/// Lays a robust line through points (x, y), in any order.
///
/// Points that are not finite are left out. Returns `None` with fewer than three points, when all
/// have the same x, or when the line is beyond the range of doubles.
pub fn theil_sen(points: &[(f64, f64)]) -> Option<Line> {
    let mut points: Vec<(f64, f64)> = points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    if points.len() < 3 {
        return None;
    }
    points.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let xs: Vec<f64> = points.iter().map(|(x, _)| *x).collect();
    let origin = quantile_sorted(&xs, 0.5)?;
    let (mut slope, mut interval) = median_slope(&drawn_together(&points))?;
    if points.len() > MOST {
        let rest: Vec<(f64, f64)> = points.iter().map(|(x, y)| (*x, y - slope * (x - origin))).collect();
        let (more, (low, high)) = median_slope(&drawn_together(&rest))?;
        (slope, interval) = (slope + more, (slope + low, slope + high));
    }
    let mut levels: Vec<f64> = points.iter().map(|(x, y)| y - slope * (x - origin)).collect();
    let level = *quantiles(&mut levels, &[0.5])?.first()?;
    let finite = [slope, interval.0, interval.1, level].into_iter().all(f64::is_finite);
    finite.then_some(Line { slope, interval, origin, level })
}

/// The median of all slopes, and its interval.
fn median_slope(points: &[(f64, f64)]) -> Option<(f64, (f64, f64))> {
    let mut slopes = slopes(points);
    let slope = *quantiles(&mut slopes, &[0.5])?.first()?;
    Some((slope, interval(points, &mut slopes)?))
}

/// At most 300 points that stand for all: the points themselves, or medians of groups of neighbours.
fn drawn_together(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let count = points.len();
    if count <= MOST {
        return points.to_vec();
    }
    // The least odd size from 3 on with which there are no more than MOST groups.
    let size = count.div_ceil(MOST).max(3) | 1;
    let groups = count / size;
    let border = |group: usize| group * count / groups;
    (0..groups).filter_map(|group| median_point(&points[border(group)..border(group + 1)])).collect()
}

/// The median x and the median y of points that ascend by x.
fn median_point(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let (xs, mut ys): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    Some((quantile_sorted(&xs, 0.5)?, *quantiles(&mut ys, &[0.5])?.first()?))
}

/// The slopes between all pairs of points with different x.
fn slopes(points: &[(f64, f64)]) -> Vec<f64> {
    let mut slopes = Vec::with_capacity(points.len() * (points.len() - 1) / 2);
    for (at, (x, y)) in points.iter().enumerate() {
        let later = points[at + 1..].iter().filter(|other| other.0 > *x);
        slopes.extend(later.map(|other| (other.1 - y) / (other.0 - x)).filter(|slope| slope.is_finite()));
    }
    slopes
}

/// The borders of the slope.
fn interval(points: &[(f64, f64)], slopes: &mut [f64]) -> Option<(f64, f64)> {
    let count = points.len() as f64;
    let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let variance = (kendall(count) - ties(&mut xs) - ties(&mut ys)) / 18.0;
    let (number, reach) = (slopes.len() as f64, Z95 * variance.max(0.0).sqrt());
    let last = slopes.len().checked_sub(1)?;
    let lower = ((number - reach) / 2.0).round_ties_even() - 1.0;
    let upper = ((number + reach) / 2.0).round_ties_even();
    let mut at = |rank: f64| *slopes.select_nth_unstable_by((rank.max(0.0) as usize).min(last), f64::total_cmp).1;
    Some((at(lower), at(upper)))
}

/// The sum of t(t-1)(2t+5) over groups of t equal values.
fn ties(values: &mut [f64]) -> f64 {
    sort_values(values);
    values.chunk_by(|a, b| a == b).map(|equal| kendall(equal.len() as f64)).sum()
}

fn kendall(count: f64) -> f64 {
    count * (count - 1.0) * (2.0 * count + 5.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(one: f64, other: f64, within: f64) -> bool {
        (one - other).abs() <= within
    }

    /// Numbers from 0 to 1 that look random, always the same: the steps of SplitMix64.
    fn noise(at: u64) -> f64 {
        let mut bits = (at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / 2f64.powi(53)
    }

    /// The points (x, y) of a line with noise, for whole x.
    fn noisy(count: u64, slope: f64, spread: f64) -> Vec<(f64, f64)> {
        (0..count).map(|at| (at as f64, slope * at as f64 + spread * noise(at))).collect()
    }

    #[test]
    fn published_examples_are_met() {
        // (points, slope, lower, upper): the first is the example of Sen (1968); all as SciPy 1.17.1 `theilslopes` gives.
        type Case<'a> = (&'a [f64], &'a [f64], [f64; 3]);
        let cases: [Case<'_>; 3] = [
            (&[1.0, 2.0, 3.0, 4.0, 10.0, 12.0, 18.0], &[9.0, 15.0, 19.0, 20.0, 45.0, 55.0, 78.0], [4.0, 26.0 / 7.0, 35.0 / 8.0]),
            (
                &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
                &[3.1, 4.9, 7.2, 8.8, 11.1, 13.0, 14.7, 40.0, 19.2, 21.1],
                [2.0125, 1.933_333_333_333_333_3, 2.1],
            ),
            (&[1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0], &[2.0, 3.0, 3.0, 5.0, 6.0, 6.0, 9.0, 7.0], [2.0, 1.0, 3.0]),
        ];
        for (xs, ys, [slope, lower, upper]) in cases {
            let points: Vec<(f64, f64)> = xs.iter().copied().zip(ys.iter().copied()).collect();
            let line = theil_sen(&points).unwrap();
            let (low, high) = line.slope_interval();
            assert!(near(line.slope(), slope, 1e-12) && near(low, lower, 1e-12) && near(high, upper, 1e-12), "{line:?}");
        }
        // Each x five times, and values of which many are equal: both make the interval narrower.
        let equal_x: Vec<(f64, f64)> = (0..40).map(|at| ((at / 5) as f64, 5.0 * noise(at) + (at / 5) as f64)).collect();
        let equal_y: Vec<(f64, f64)> =
            (0..40).map(|at| (at as f64 + 0.001 * noise(at + 500), (3.0 * noise(at)).floor() + (at / 10) as f64)).collect();
        for (points, [slope, lower, upper]) in [
            (equal_x, [0.914_380_938_943_835_4, 0.680_126_923_627_513_8, 1.144_934_019_569_15]),
            (equal_y, [0.071_430_655_964_953_6, 0.041_666_174_248_031_596, 0.100_002_060_149_502_08]),
        ] {
            let line = theil_sen(&points).unwrap();
            let (low, high) = line.slope_interval();
            assert!(near(line.slope(), slope, 1e-12) && near(low, lower, 1e-12) && near(high, upper, 1e-12), "{line:?}");
        }
        let line = theil_sen(&noisy(300, 0.5, 10.0)).unwrap();
        assert!(near(line.slope(), 0.498_495_039_643_084_3, 1e-12), "{line:?}");
        assert!(
            near(line.slope_interval().0, 0.494_542_140_723_663_76, 1e-12) && near(line.slope_interval().1, 0.502_389_262_342_459_7, 1e-12)
        );
    }

    #[test]
    fn an_exact_line_is_found_far_from_zero_and_with_many_points() {
        for count in [3, 4, 299, 300, 301, 302, 899, 900, 5_000, 86_400] {
            // Seconds since 1970, and a disk that grows by 2 bytes a second.
            let points: Vec<(f64, f64)> = (0..count).map(|at| (1.8e9 + f64::from(at), 5e9 + 2.0 * f64::from(at))).collect();
            let line = theil_sen(&points).unwrap();
            assert_eq!((line.slope(), line.slope_interval()), (2.0, (2.0, 2.0)), "{count}");
            assert_eq!(line.at(1.8e9 + 1e6), 5e9 + 2e6);
            assert_eq!(line.reaches(6e9), Some(1.8e9 + 5e8));
            assert_eq!(line.reaches(4e9), Some(1.8e9 - 5e8));
        }
    }

    #[test]
    fn wild_points_up_to_29_percent_do_not_turn_it() {
        for count in [21, 100, 300, 301, 601, 1_000, 10_000] {
            let mut points = noisy(count, 3.0, 0.01);
            let mut wild = 0;
            // One in a row of about 3.5 points, spread by chance, all off to one side and steeply so.
            for (at, point) in points.iter_mut().enumerate() {
                if noise(at as u64 + 77_777) < 0.28 && (wild + 1) * 100 <= 29 * count {
                    wild += 1;
                    point.1 = 1e6 - 500.0 * point.0;
                }
            }
            assert!(wild * 100 >= 15 * count, "{wild} of {count} wild");
            let line = theil_sen(&points).unwrap();
            assert!(near(line.slope(), 3.0, 0.02), "{count} points, {wild} wild: {line:?}");
            assert!(near(line.at(0.0), 0.0, 0.1), "{count} points, {wild} wild: {line:?}");
        }
    }

    #[test]
    fn every_other_point_of_the_last_half_may_be_wild() {
        for count in [300, 400, 600, 1_000, 1_200] {
            let mut points = noisy(count, 3.0, 0.01);
            points.iter_mut().skip(count as usize * 54 / 100).step_by(2).for_each(|point| point.1 = 1e6 + 500.0 * point.0);
            let line = theil_sen(&points).unwrap();
            assert!(near(line.slope(), 3.0, 0.02), "{count} points: {line:?}");
        }
    }

    #[test]
    fn many_points_are_as_good_as_few() {
        let line = theil_sen(&noisy(86_400, 0.001, 20.0)).unwrap();
        let (low, high) = line.slope_interval();
        assert!(near(line.slope(), 0.001, 5e-6) && low < 0.001 && high > 0.001 && high - low < 2e-5, "{line:?}");
        assert!(near(line.at(43_200.0), 53.2, 0.3));
    }

    #[test]
    fn no_line_goes_through_too_little() {
        assert_eq!(theil_sen(&[]), None);
        assert_eq!(theil_sen(&[(1.0, 1.0), (2.0, 2.0)]), None);
        assert_eq!(theil_sen(&[(1.0, 1.0), (2.0, 2.0), (3.0, f64::NAN), (f64::INFINITY, 4.0)]), None);
        assert_eq!(theil_sen(&[(1.0, 1.0), (1.0, 2.0), (1.0, 5.0)]), None);
        assert_eq!(theil_sen(&[(1.0, 2.0); 1_000]), None);
        assert_eq!(theil_sen(&[(0.0, f64::MIN), (1.0, f64::MAX), (0.0, f64::MIN)]), None);
    }

    #[test]
    fn a_constant_is_level_and_reaches_nothing() {
        for count in [3, 1_000] {
            let line = theil_sen(&(0..count).map(|at| (f64::from(at), 7.0)).collect::<Vec<_>>()).unwrap();
            assert_eq!((line.slope(), line.slope_interval(), line.at(1e9)), (0.0, (0.0, 0.0), 7.0));
            assert_eq!((line.reaches(8.0), line.reaches(7.0)), (None, None));
        }
    }

    #[test]
    fn equal_x_give_no_slope_of_their_own() {
        // Two values at each instant, one wild.
        let points: Vec<(f64, f64)> =
            (0..20).flat_map(|at| [(f64::from(at), f64::from(at)), (f64::from(at), f64::from(at) + 1.0)]).collect();
        assert_eq!(theil_sen(&points).unwrap().slope(), 1.0);
    }

    #[test]
    fn the_interval_holds_the_true_slope_in_most_of_many_cases() {
        for (count, cases) in [(30, 400), (400, 100)] {
            let held = (0..cases).filter(|case| {
                // The sum of three has about the shape of a normal distribution.
                let noise = |at: u64| noise(at * 3 + case * 10_000) + noise(at * 3 + 1 + case * 10_000) + noise(at * 3 + 2 + case * 10_000);
                let points: Vec<(f64, f64)> = (0..count).map(|at| (at as f64, 0.1 * at as f64 + noise(at))).collect();
                let (low, high) = theil_sen(&points).unwrap().slope_interval();
                low <= 0.1 && 0.1 <= high
            });
            let share = held.count() as f64 / cases as f64;
            assert!((0.90..=0.99).contains(&share), "{share} of {count} points");
        }
    }

    fn points() -> impl Strategy<Value = Vec<(f64, f64)>> {
        prop::collection::vec(((-50i32..50).prop_map(f64::from), -1e3..1e3f64), 0..700)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_order_does_not_matter(mut points in points()) {
            let line = theil_sen(&points);
            points.reverse();
            prop_assert_eq!(theil_sen(&points), line);
        }

        #[test]
        fn it_is_finite_and_its_slope_is_within_its_interval(points in points()) {
            if let Some(line) = theil_sen(&points) {
                let (low, high) = line.slope_interval();
                prop_assert!(low <= line.slope() && line.slope() <= high && line.at(0.0).is_finite());
            }
        }

        #[test]
        fn it_moves_and_scales_with_the_points(points in points(), shift in -64i32..64, power in -8i32..8) {
            let (shift, scale) = (f64::from(shift), 2f64.powi(power));
            let moved: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x + shift, y * scale)).collect();
            if let (Some(line), Some(moved)) = (theil_sen(&points), theil_sen(&moved)) {
                prop_assert_eq!(moved.slope(), line.slope() * scale);
                prop_assert!(near(moved.at(shift), line.at(0.0) * scale, 1e-9 * scale * (1e3 + line.slope().abs() * 50.0)));
            }
        }
    }
}
