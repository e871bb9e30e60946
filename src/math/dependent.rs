//! Two stretches of series compared where neighbouring values hang together: whether one lies higher, or spreads wider.
//!
//! [`shift`] ranks the values of both stretches together and compares the mean ranks. The variance of a mean rank
//! is not that of independent values: with autocorrelations ρ(k) it is γ(0)·τ/n, τ = 1 + 2·Σ ρ(k), as
//! though there were only n/τ values. The sum is ended as Geyer ends it: ρ(2k) + ρ(2k+1) of a chain is
//! positive and falls, so it goes on while the pairs of the estimate do. An estimate around a mean that was itself
//! estimated is too low by the variance of that mean, γ(0)·τ/n; that is added again, twice over. The
//! difference of the mean ranks is held against Student's t, degrees of freedom by Welch from the n/τ of both.
//!
//! Where the whole stretch is shorter than about three times τ nothing can be told, and nothing is.
//!
//! [`spread_shift`] does so with the distances from the middle of each stretch: it tells apart what lies equally
//! high but spreads wider.
//!
//! Always: values that do not differ are called different at p < 0.05 in about 5 of 100 cases, be they
//! independent or an autoregression up to 0.9 with some fifteen times τ of values (a test holds this; with ten
//! times τ p < 0.01 comes in about 3 of 100). A trend
//! or a season within a stretch makes the test careful, not bold, as it counts as autocorrelation.
//!
//! Sources: Geyer (1992), Practical Markov chain Monte Carlo, Statistical Science 7(4), section 3.3; Welch
//! (1947), Biometrika 34; Conover, Iman (1981), Rank transformations as a bridge, The American
//! Statistician 35(3); Vargha, Delaney (2000), A critique of the CL common language effect size, J. Educ.
//! Behav. Stat. 25(2).

use super::quantile::{quantile_sorted, sort_values};
use super::student::{student_border, student_two_sided};

/// More values than these are drawn together first: means of equally many neighbours.
const MOST: usize = 4096;
/// As many independent values a stretch must be worth at least.
const LEAST: f64 = 3.0;

/// How two stretches differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// How probable a difference at least so large is where there is none, 0 to 1.
    pub p: f64,
    /// How probable it is that a value of the first is above one of the second, a tie counting a half: 0.5
    /// where they do not differ.
    pub superiority: f64,
    /// The borders that hold the true superiority in about 95 of 100 cases.
    pub interval: (f64, f64),
    /// As how many independent values the first and the second count.
    pub effective: (f64, f64),
}

/// Compares how high two stretches lie.
///
/// Shape: finite values in the order of time. `None` when a stretch is worth fewer than three independent values.
pub fn shift(one: &[f64], other: &[f64]) -> Option<Shift> {
    let (ranks, split) = pooled_ranks(one, other);
    let all = ranks.len() as f64;
    let (first, second) = (MeanRank::new(&ranks[..split])?, MeanRank::new(&ranks[split..])?);
    let superiority = (first.mean - second.mean) / all + 0.5;
    let variance = first.variance + second.variance;
    let effective = (first.effective, second.effective);
    if variance <= 0.0 {
        // Both are constants. A value that changed once may have done so between any two samples.
        let p = if first.mean == second.mean { 1.0 } else { 1.0 / (all - 1.0) };
        return Some(Shift { p, superiority, interval: (superiority, superiority), effective });
    }
    let share = |of: &MeanRank| of.variance * of.variance / (of.effective - 1.0);
    let freedom = (variance * variance / (share(&first) + share(&second))).max(1.0);
    let deviation = variance.sqrt();
    let p = student_two_sided((first.mean - second.mean) / deviation, freedom);
    let reach = student_border(0.05, freedom) * deviation / all;
    let interval = ((superiority - reach).max(0.0), (superiority + reach).min(1.0));
    Some(Shift { p, superiority, interval, effective })
}

/// Compares how wide two stretches spread around the middle of each.
///
/// Shape and result as of [`shift`], for the distances from the median.
pub fn spread_shift(one: &[f64], other: &[f64]) -> Option<Shift> {
    let distances = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sort_values(&mut sorted);
        let middle = quantile_sorted(&sorted, 0.5)?;
        Some(values.iter().map(|value| (value - middle).abs()).collect::<Vec<_>>())
    };
    shift(&distances(one)?, &distances(other)?)
}

/// The ranks of all values among both, from 1, equal ones sharing theirs; and how many are of the first.
fn pooled_ranks(one: &[f64], other: &[f64]) -> (Vec<f64>, usize) {
    let values: Vec<f64> = one.iter().chain(other).copied().collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut at = 0;
    while at < order.len() {
        let equal = order[at..].iter().take_while(|place| values[**place] == values[order[at]]).count();
        let rank = at as f64 + (equal as f64 + 1.0) / 2.0;
        order[at..at + equal].iter().for_each(|place| ranks[*place] = rank);
        at += equal;
    }
    (ranks, one.len())
}

/// The mean of a stretch of ranks, and how exactly it is known.
struct MeanRank {
    mean: f64,
    variance: f64,
    effective: f64,
}

impl MeanRank {
    fn new(ranks: &[f64]) -> Option<MeanRank> {
        let group = ranks.len().div_ceil(MOST).max(1);
        let means: Vec<f64> = ranks.chunks_exact(group).map(|chunk| chunk.iter().sum::<f64>() / group as f64).collect();
        let count = means.len() as f64;
        if count < LEAST {
            return None;
        }
        let mean = ranks.iter().sum::<f64>() / ranks.len() as f64;
        let centre = means.iter().sum::<f64>() / count;
        let off: Vec<f64> = means.iter().map(|mean| mean - centre).collect();
        let power = off.iter().map(|value| value * value).sum::<f64>() / count;
        if power <= 0.0 {
            return Some(MeanRank { mean, variance: 0.0, effective: count });
        }
        let time = correlation_time(&off, power);
        let effective = count / time;
        let variance = power * (1.0 + 1.0 / effective) / effective;
        // With chunks the values within one are counted as one; the mean is that of all the same.
        (effective >= LEAST).then_some(MeanRank { mean, variance, effective })
    }
}

/// τ of values around 0 whose mean square is `power`: over how many values one tells what the next will be.
fn correlation_time(off: &[f64], power: f64) -> f64 {
    let count = off.len() as f64;
    let seen = |lag: usize| off.iter().zip(&off[lag..]).map(|(one, other)| one * other).sum::<f64>() / count / power;
    let mut seen_so_far: Vec<f64> = vec![1.0];
    let mut time = 1.0;
    // What the estimated mean has taken off is known only with τ, and so is found in turns.
    for _ in 0..3 {
        let missing = time / count;
        let mut lag = 0;
        let (mut sum, mut least) = (0.0, f64::INFINITY);
        while 2 * lag + 1 < off.len() / 2 {
            while seen_so_far.len() < 2 * lag + 2 {
                seen_so_far.push(seen(seen_so_far.len()));
            }
            let pair = (seen_so_far[2 * lag] + seen_so_far[2 * lag + 1] + 2.0 * missing) / (1.0 + missing);
            if pair <= 2.0 * missing.max(0.5 / count) {
                break;
            }
            least = pair.min(least);
            sum += least;
            lag += 1;
        }
        time = (2.0 * sum - 1.0).max(1.0);
    }
    time
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random: SplitMix64, twelve added up for one that is nearly normal.
    struct Chance(u64);

    impl Chance {
        fn share(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        }

        fn series(&mut self, count: usize, keep: f64) -> Vec<f64> {
            let mut value = 0.0;
            let mut next = || {
                value = keep * value + (1.0 - keep * keep).sqrt() * ((0..12).map(|_| self.share()).sum::<f64>() - 6.0);
                value
            };
            for _ in 0..200 {
                next();
            }
            (0..count).map(|_| next()).collect()
        }
    }

    #[test]
    fn what_does_not_differ_is_called_different_as_often_as_stated() {
        let mut chance = Chance(1);
        for (keep, count) in [(0.0, 12), (0.0, 100), (0.8, 200), (0.9, 300)] {
            for test in [shift, spread_shift] {
                let rounds = 400;
                let mut called = |at: f64| {
                    (0..rounds)
                        .filter(|_| test(&chance.series(count, keep), &chance.series(count, keep)).is_some_and(|found| found.p < at))
                        .count() as f64
                        / f64::from(rounds)
                };
                let (five, one) = (called(0.05), called(0.01));
                assert!((0.005..0.09).contains(&five), "{five} of p < 0.05 with {keep}, {count} values");
                assert!(one < 0.035, "{one} of p < 0.01 with {keep}, {count} values");
            }
        }
    }
}
