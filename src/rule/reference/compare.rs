//! Two samples held against one another, in words and numbers.

use serde::Serialize;

use super::super::syntax::Function;
use crate::math::{RankTest, RatioInterval, mann_whitney, quantile_sorted, ratio_interval};

/// Of fewer samples on a side a comparison is called uncertain.
const FEW: usize = 20;

/// What the comparison of an aggregate with that of a reference found.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rule) struct Compared {
    pub(in crate::rule) function: Function,
    pub(in crate::rule) test: RankTest,
    /// The ratio of the aggregates; none of few samples, or where the reference may as well be 0.
    pub(in crate::rule) ratio: Option<RatioInterval>,
    /// How many samples: of now, and of the reference.
    pub(in crate::rule) samples: (usize, usize),
}

/// The numbers of a comparison, as evidence.
#[derive(Debug, Serialize)]
pub(in crate::rule) struct ComparedEntry {
    test: &'static str,
    of: String,
    p: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    p_holm: Option<f64>,
    /// How probable it is that a sample of now is above one of the reference.
    superiority: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio_low: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio_high: Option<f64>,
    samples: usize,
    reference_samples: usize,
}

impl Compared {
    /// Compares samples of now with those of a reference.
    ///
    /// Shape: both ascend and have one unit. `None` when one is empty, or the function is of no distribution.
    pub(in crate::rule) fn new(function: Function, now: &[f64], reference: &[f64]) -> Option<Compared> {
        let ratio = match function {
            Function::Quantile(percentile) => ratio_interval(now, reference, |values| quantile_sorted(values, percentile.fraction())),
            Function::Mean => ratio_interval(now, reference, mean),
            Function::Min | Function::Max | Function::Stddev => None,
            _ => return None,
        };
        let ratio = ratio.filter(|ratio| ratio.ratio > 0.0);
        Some(Compared { function, test: mann_whitney(now, reference)?, ratio, samples: (now.len(), reference.len()) })
    }

    /// `p95 is 8 % to 14 % above the reference, 200 against 180 samples, p = 0.0003 by Mann-Whitney`.
    pub(in crate::rule) fn sentence(&self) -> String {
        let (now, then) = self.samples;
        format!("{}, {now} against {then} samples, {} by Mann-Whitney", self.difference(), p_text(self.test.p))
    }

    /// How far apart the aggregates are: `p95 is 8 % to 14 % above the reference`.
    pub(in crate::rule) fn difference(&self) -> String {
        let name = self.function.name();
        match (self.ratio, self.function) {
            (Some(ratio), _) => format!("{name} is {}", apart(ratio.low, ratio.high)),
            (None, Function::Quantile(_) | Function::Mean) if self.samples.0.min(self.samples.1) < 8 => {
                format!("too few samples to tell how far {name} is from the reference")
            }
            (None, _) => {
                let percent = percent(self.test.superiority);
                format!("in {percent} % of all pairs the value of now is above that of the reference")
            }
        }
    }

    /// What would make the comparison wrong; `limit` is what the ratio was held against.
    pub(in crate::rule) fn doubts(&self, metric: &str, limit: Option<f64>) -> Vec<String> {
        let (now, then) = self.samples;
        let mut doubts = Vec::new();
        if now.min(then) < FEW {
            doubts.push(format!("the comparison of {metric} rests on only {now} against {then} samples"));
        }
        if let (Some(ratio), Some(limit)) = (self.ratio, limit)
            && ratio.low <= limit
            && limit <= ratio.high
        {
            let (low, high, limit) = (number(ratio.low), number(ratio.high), number(limit));
            doubts.push(format!(
                "{metric} may be on either side of its limit: {} is {low} to {high} times the reference, which holds {limit}",
                self.function.name()
            ));
        }
        doubts
    }

    /// The numbers.
    pub(in crate::rule) fn entry(&self, p_holm: Option<f64>) -> ComparedEntry {
        ComparedEntry {
            test: "mann-whitney",
            of: self.function.name(),
            p: self.test.p,
            p_holm,
            superiority: self.test.superiority,
            ratio: self.ratio.map(|ratio| ratio.ratio),
            ratio_low: self.ratio.map(|ratio| ratio.low),
            ratio_high: self.ratio.map(|ratio| ratio.high),
            samples: self.samples.0,
            reference_samples: self.samples.1,
        }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    Some(mean).filter(|mean| mean.is_finite())
}

/// The borders of a ratio in words.
fn apart(low: f64, high: f64) -> String {
    match (low, high) {
        (1.0, 1.0) => "that of the reference".into(),
        _ if low >= 3.0 => format!("{} to {} times the reference", number(low), number(high)),
        _ if low >= 1.0 => format!("{} % to {} % above the reference", percent(low - 1.0), percent(high - 1.0)),
        _ if high <= 1.0 => format!("{} % to {} % below the reference", percent(1.0 - high), percent(1.0 - low)),
        _ => format!("between {} % below and {} % above the reference", percent(1.0 - low), percent(high - 1.0)),
    }
}

/// A share as a percentage, two digits that matter.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent.abs() >= 9.95 { format!("{percent:.0}") } else { format!("{percent:.1}").trim_end_matches(".0").to_owned() }
}

fn number(ratio: f64) -> String {
    super::super::units::round((ratio * 1000.0).round() / 1000.0)
}

/// A probability in words.
pub(super) fn p_text(p: f64) -> String {
    match p {
        p if p < 0.0001 => "p < 0.0001".into(),
        p if p < 0.001 => format!("p = {p:.4}"),
        p if p < 0.01 => format!("p = {p:.3}"),
        p => format!("p = {p:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_told_as_a_person_says_them() {
        let cases = [
            ((1.08, 1.14), "8 % to 14 % above the reference"),
            ((0.86, 0.92), "8 % to 14 % below the reference"),
            ((0.97, 1.083), "between 3 % below and 8.3 % above the reference"),
            ((1.0, 1.0), "that of the reference"),
            ((3.0, 4.25), "3 to 4.25 times the reference"),
        ];
        for ((low, high), expected) in cases {
            assert_eq!(apart(low, high), expected);
        }
        for (p, expected) in [(0.0, "p < 0.0001"), (0.00034, "p = 0.0003"), (0.0049, "p = 0.005"), (0.5, "p = 0.50")] {
            assert_eq!(p_text(p), expected);
        }
    }
}
