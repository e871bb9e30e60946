//! How long the longest gaps get: the tail of the gaps of one stream, from the gaps themselves.
//!
//! Gaps are measured in operational time, that is in arrivals that were expected meanwhile. Were the
//! stream a Poisson process of just that rate, one gap in e^u would be longer than u; real streams come
//! in bursts and have dull days, and are off by a factor of forty and more. So the tail is taken from the
//! longest gaps that there were (peaks over a threshold): beyond the m-th longest, u0, gaps are
//! exponential with the mean of what the longer ones have beyond it,
//!
//! ```text
//! rate of gaps longer than u  =  R0 · exp(-(u - u0) / scale)        for u >= u0
//! ```
//!
//! R0 being m over the time in which they came. The exponential is the generalised Pareto distribution of
//! shape 0; a fitted shape is more noise than help with the few dozen peaks that there are.
//!
//! Sources: Brown et al. (2002), The time-rescaling theorem, Neural Computation 14(2); Pickands (1975),
//! Statistical inference using extreme order statistics, Annals of Statistics 3(1).

/// So many gaps are looked at for each that may be exceeded: near enough to the level asked for, and still enough.
const PEAKS_PER_ALARM: f64 = 4.0;

/// So many at least, where there are as many.
const FEWEST_PEAKS: usize = 32;

/// How many parts in the number of peaks the scale is widened by.
const DOUBT: f64 = 4.0;

/// With fewer gaps there is no tail to speak of.
const FEWEST: usize = 16;

/// The tail of a stream's gaps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GapTail {
    from: f64,
    scale: f64,
    rate: f64,
}

impl GapTail {
    /// Fits the tail around the level that is exceeded at `rate`.
    ///
    /// Shape: each gap with its weight, 0 to 1, in any order; they must hold the longest gaps there were, not all.
    /// Units: `exposure` is the time in which they came, weighted alike; `rate` is of the same unit of time.
    /// Few peaks know little, so the scale is widened by four parts in their number; and it is never below 1, as no
    /// stream is surer than a Poisson stream whose rate is known.
    /// Returns `None` when there are too few gaps, or no time.
    pub fn fit(gaps: &mut [(f64, f64)], exposure: f64, rate: f64) -> Option<GapTail> {
        if gaps.len() < FEWEST || exposure <= 0.0 {
            return None;
        }
        gaps.sort_by(|a, b| b.0.total_cmp(&a.0));
        let wanted = PEAKS_PER_ALARM * rate * exposure;
        let (mut peaks, mut weight) = (0, 0.0);
        while peaks + 1 < gaps.len() && (peaks < FEWEST_PEAKS || weight < wanted) {
            weight += gaps[peaks].1;
            peaks += 1;
        }
        let from = gaps[peaks].0;
        let excess: f64 = gaps[..peaks].iter().map(|(gap, weight)| (gap - from) * weight).sum();
        let mean = if weight > 0.0 { excess / weight } else { 0.0 };
        let scale = (mean * (1.0 + DOUBT / peaks as f64)).max(1.0);
        Some(GapTail { from, scale, rate: weight / exposure })
    }

    /// The gap that is exceeded at a rate.
    pub fn level(&self, rate: f64) -> f64 {
        // Below the threshold nothing is known, and no gap there is out of the ordinary.
        self.from + self.scale * (self.rate / rate).ln().max(0.0)
    }

    /// At which rate a gap is exceeded; no more than that of the threshold.
    pub fn rate_beyond(&self, gap: f64) -> f64 {
        self.rate * (-(gap - self.from).max(0.0) / self.scale).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exponential gaps of a mean, by the inverse of their distribution at evenly spread ranks.
    fn exponential(count: usize, mean: f64) -> Vec<(f64, f64)> {
        (0..count).map(|rank| (-mean * ((rank as f64 + 0.5) / count as f64).ln(), 1.0)).collect()
    }

    #[test]
    fn the_level_of_exponential_gaps_is_exceeded_as_often_as_asked() {
        for mean in [1.0, 2.5] {
            // A thousand gaps a week for sixteen weeks; the level that two a week exceed is mean · ln 500.
            let tail = GapTail::fit(&mut exponential(16_000, mean), 16.0, 2.0).unwrap();
            let level = tail.level(2.0);
            assert!((level / (mean * 500f64.ln()) - 1.0).abs() < 0.05, "{level}");
            assert!((tail.rate_beyond(level) / 2.0 - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn gaps_that_are_longer_by_a_half_have_a_level_longer_by_a_half() {
        let level = |mean| GapTail::fit(&mut exponential(4000, mean), 8.0, 1.0).unwrap().level(1.0);
        assert!((level(3.0) / level(2.0) - 1.5).abs() < 1e-9);
    }

    #[test]
    fn gaps_that_are_all_alike_leave_the_doubt_of_a_poisson_stream() {
        let tail = GapTail::fit(&mut vec![(5.0, 1.0); 700], 7.0, 1.0).unwrap();
        assert!(tail.level(1.0) > 5.0 + 1.0, "{tail:?}");
    }

    #[test]
    fn fewer_gaps_give_a_later_level() {
        let level = |count: usize| GapTail::fit(&mut exponential(count, 2.0), count as f64 / 500.0, 2.0).unwrap().level(2.0);
        assert!(level(20) > level(8000) + 0.2, "{} {}", level(20), level(8000));
    }

    #[test]
    fn too_few_gaps_have_no_tail() {
        assert_eq!(GapTail::fit(&mut exponential(FEWEST - 1, 1.0), 1.0, 1.0), None);
        assert_eq!(GapTail::fit(&mut exponential(100, 1.0), 0.0, 1.0), None);
    }
}
