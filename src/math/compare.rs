//! Two samples compared: whether one tends to be greater, and by what factor an aggregate differs.
//!
//! [`mann_whitney`] asks whether a value of the one is as often above a value of the other as below.
//! Its U counts the pairs in which it is above (a tie counts a half). For up to 20 values each, none equal,
//! p is exact: the numbers of orders that give each U are the coefficients of the product over i = 1..n of
//! (1 - q^(m+i)) / (1 - q^i). Else it is that of a normal distribution with mean nm/2 and variance
//! nm/12·((N + 1) - sum(t³ - t) / (N(N - 1))), N = n + m, t the sizes of groups of equal values; half
//! a step is taken off as U is a whole number.
//!
//! [`ratio_interval`] draws both samples anew a thousand times, with replacement, and takes the middle 95 %
//! of the ratios that come out. What is drawn for one spreads by a factor sqrt((n - 1) / n) too little,
//! which is made good. Of a sample of more than 1,000 values only 1,000 are drawn each time, so the
//! work is bounded; what they deviate is made smaller by sqrt(1,000 / n), as deviations shrink with
//! the root of the number of values. That holds for means and quantiles, not for min and max.
//!
//! Both take values as independent of one another. Values that hang together over time, as those of
//! neighbouring seconds do, tell less than their number says: p is too small, the interval too narrow.
//!
//! Always: the same samples give the same result; nothing depends on a clock or on chance.
//!
//! Sources: Mann, Whitney (1947), On a test of whether one of two random variables is stochastically larger
//! than the other, Ann. Math. Statist. 18(1); McGraw, Wong (1992), A common language effect size
//! statistic, Psychological Bulletin 111(2); Efron, Tibshirani (1993), An introduction to the bootstrap,
//! chapter 13; Bickel, Götze, van Zwet (1997), Resampling fewer than n observations, Statistica
//! Sinica 7; Hesterberg (2015), What teachers should know about the bootstrap, The American
//! Statistician 69(4), for the narrowness; Steele, Lea, Flood (2014), Fast splittable pseudorandom
//! number generators, OOPSLA, for SplitMix64; Abramowitz, Stegun (1964), 7.1.6 and 7.1.14.

use super::quantile::{quantile_sorted, sort_values};

/// Samples of up to so many values, none equal, have an exact p.
const EXACT: usize = 20;
/// How often samples are drawn anew.
const ROUNDS: usize = 1_000;
/// How many values are drawn of a sample at most.
const MOST_DRAWN: usize = 1_000;
/// Of fewer values, drawing them anew says too little on how they spread.
const LEAST_VALUES: usize = 8;
/// What lies below the middle 95 %.
const BELOW: f64 = 0.025;

/// What the test of Mann and Whitney finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankTest {
    /// In how many pairs the value of the first sample is the greater; a tie counts a half.
    pub u: f64,
    /// How probable a U at least so far from the middle is where the samples do not differ, 0 to 1.
    pub p: f64,
    /// How probable it is that a value of the first sample is above one of the second, plus half the
    /// probability that they are equal: 0.5 where they do not differ, 1 where all are above.
    pub superiority: f64,
    /// Whether `p` is exact, not by the normal distribution.
    pub exact: bool,
}

/// A ratio, and borders that hold the true one in about 95 of 100 cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatioInterval {
    /// The aggregate of the first sample divided by that of the second.
    pub ratio: f64,
    /// The lower border; never above `ratio`.
    pub low: f64,
    /// The upper border; never below `ratio`.
    pub high: f64,
}

/// Tests whether values of one sample tend to be greater than those of another, or smaller.
///
/// Shape: both ascend and are finite. Returns `None` when one is empty.
pub fn mann_whitney(one: &[f64], other: &[f64]) -> Option<RankTest> {
    let (n, m) = (one.len() as f64, other.len() as f64);
    if one.is_empty() || other.is_empty() {
        return None;
    }
    let Ranks { u, ties } = ranks(one, other);
    let exact = ties == 0.0 && one.len().max(other.len()) <= EXACT;
    let farther = u.max(n * m - u);
    let p = if exact {
        exact_tail(one.len(), other.len(), farther as usize)
    } else {
        let all = n + m;
        let variance = n * m / 12.0 * ((all + 1.0) - ties / (all * (all - 1.0)));
        // Where all values are equal there is no variance, and nothing to tell them apart.
        if variance > 0.0 { normal_tail((farther - n * m / 2.0 - 0.5) / variance.sqrt()) } else { 0.5 }
    };
    Some(RankTest { u, p: (2.0 * p).min(1.0), superiority: u / (n * m), exact })
}

/// Estimates the ratio of an aggregate of two samples, and how exactly it is known.
///
/// Shape: both samples ascend and are finite; `aggregate` is given ascending values, too: as many as
/// the sample has, or those drawn from it. Returns `None` when a sample has fewer than 8 values, when an
/// aggregate has no result, and where the second aggregate may as well be 0, so that the ratio has no border.
pub fn ratio_interval(one: &[f64], other: &[f64], aggregate: impl Fn(&[f64]) -> Option<f64>) -> Option<RatioInterval> {
    interval(one, other, &aggregate, MOST_DRAWN)
}

/// As [`ratio_interval`], drawing at most so many values of a sample.
fn interval(one: &[f64], other: &[f64], aggregate: &impl Fn(&[f64]) -> Option<f64>, most_drawn: usize) -> Option<RatioInterval> {
    if one.len().min(other.len()) < LEAST_VALUES {
        return None;
    }
    let mut random = SplitMix64(one.len() as u64 ^ (other.len() as u64).rotate_left(32));
    let (above, below) = (aggregate(one)?, aggregate(other)?);
    let mut anew = |sorted: &[f64], whole: f64| drawn_anew(sorted, most_drawn, whole, aggregate, &mut random);
    let (aboves, belows) = (anew(one, above)?, anew(other, below)?);
    let mut ratios: Vec<f64> = aboves.iter().zip(&belows).map(|(one, other)| ratio(*one, *other, below)).collect();
    sort_values(&mut ratios);
    let ratio = above / below;
    let (low, high) = (quantile_sorted(&ratios, BELOW)?.min(ratio), quantile_sorted(&ratios, 1.0 - BELOW)?.max(ratio));
    // Where too many of the second aggregate are 0 or beyond it, a border is infinite or no number.
    [ratio, low, high].into_iter().all(f64::is_finite).then_some(RatioInterval { ratio, low, high })
}

/// What the ranks of two samples among all values give.
struct Ranks {
    u: f64,
    /// The sum of t³ - t over groups of t equal values.
    ties: f64,
}

/// Goes through the values of both ascending samples together, one group of equal values at a time.
fn ranks(mut one: &[f64], mut other: &[f64]) -> Ranks {
    let (mut u, mut ties, mut below) = (0.0, 0.0, 0.0);
    while let Some(value) = least(one.first(), other.first()) {
        let (of_one, of_other) = (leading(one, value), leading(other, value));
        (one, other) = (&one[of_one..], &other[of_other..]);
        u += of_one as f64 * (below + of_other as f64 / 2.0);
        below += of_other as f64;
        let equal = (of_one + of_other) as f64;
        ties += equal * (equal * equal - 1.0);
    }
    Ranks { u, ties }
}

fn least(one: Option<&f64>, other: Option<&f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(*other)),
        (one, other) => one.or(other).copied(),
    }
}

/// How many values at the start are equal to `value`; 0 and -0 are.
fn leading(sorted: &[f64], value: f64) -> usize {
    sorted.iter().take_while(|other| **other == value).count()
}

/// The probability of a U of `least` or more, all orders of n and m values being as probable.
fn exact_tail(n: usize, m: usize, least: usize) -> f64 {
    let mut orders = vec![0.0; n * m + 1];
    orders[0] = 1.0;
    for i in 1..=n {
        // Whole numbers below 2^53 throughout: there are 1.4e11 orders of 20 and 20.
        for at in (m + i..orders.len()).rev() {
            orders[at] -= orders[at - (m + i)];
        }
        for at in i..orders.len() {
            orders[at] += orders[at - i];
        }
    }
    let all: f64 = orders.iter().sum();
    orders.iter().skip(least).sum::<f64>() / all
}

/// The probability that a normally distributed value is at least `z` deviations above its mean.
fn normal_tail(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let density = (-x * x).exp() / std::f64::consts::PI.sqrt();
    let tail = if x < 2.0 {
        // Series 7.1.6 of the inner part; its terms fall below all digits by the sixtieth.
        let terms = std::iter::successors(Some((x, 0.0)), |(term, at)| Some((term * x * x / (at + 1.5), at + 1.0)));
        0.5 - density * terms.take(60).map(|(term, _)| term).sum::<f64>()
    } else {
        // Continued fraction 7.1.14, from its sixtieth level up.
        0.5 * density / (1..=60).rev().fold(x, |rest, level| x + f64::from(level) / 2.0 / rest)
    };
    if z < 0.0 { 1.0 - tail } else { tail }
}

/// The aggregates of a sample drawn anew many times, spread as those of the whole sample are.
fn drawn_anew(
    sorted: &[f64],
    most_drawn: usize,
    whole: f64,
    aggregate: &impl Fn(&[f64]) -> Option<f64>,
    random: &mut SplitMix64,
) -> Option<Vec<f64>> {
    let count = sorted.len().min(most_drawn);
    let spread = (count as f64 / (sorted.len() - 1) as f64).sqrt();
    let mut numbers = Vec::new();
    let mut drawn = Vec::with_capacity(count);
    let round = |_| {
        drawn.clear();
        if count == sorted.len() {
            draw_all(sorted, random, &mut numbers, &mut drawn);
        } else {
            draw_some(sorted, count, random, &mut numbers, &mut drawn);
        }
        Some(whole + spread * (aggregate(&drawn)? - whole))
    };
    (0..ROUNDS).map(round).collect()
}

/// Draws as many values as there are, ascending, by counting how often each is drawn.
fn draw_all(sorted: &[f64], random: &mut SplitMix64, times: &mut Vec<usize>, drawn: &mut Vec<f64>) {
    times.clear();
    times.resize(sorted.len(), 0);
    for _ in sorted {
        times[random.below(sorted.len())] += 1;
    }
    for (value, times) in sorted.iter().zip(times) {
        drawn.resize(drawn.len() + *times, *value);
    }
}

/// Draws fewer values than there are, ascending, without going through all.
fn draw_some(sorted: &[f64], count: usize, random: &mut SplitMix64, places: &mut Vec<usize>, drawn: &mut Vec<f64>) {
    places.clear();
    places.extend((0..count).map(|_| random.below(sorted.len())));
    places.sort_unstable();
    drawn.extend(places.iter().map(|place| sorted[*place]));
}

/// The ratio of two drawn aggregates; infinite where the lower one is not on the same side of 0 as it should.
fn ratio(above: f64, below: f64, whole_below: f64) -> f64 {
    if below * whole_below.signum() > 0.0 { above / below } else { f64::INFINITY }
}

/// The generator of numbers that look random: SplitMix64.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A whole number below `limit`; all are as probable to within limit / 2^64.
    fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
