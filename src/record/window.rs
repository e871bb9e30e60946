//! Windows: summaries of the samples of one metric and tag set over a span of time.

use super::Tags;
use crate::time::{Span, Timestamp};

/// A quantile's place in percent, kept as written: `p99.9` is 99,900 thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percentile(u32);

impl Percentile {
    /// Reads what follows the `p`: `50`, `99.9`, `99.999`; from 0 to 100 with three decimals at most.
    pub fn parse(text: &str) -> Option<Percentile> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || whole.len() > 3 || fraction.len() > 3 || !digits(whole) || !digits(fraction) || text.ends_with('.') {
            return None;
        }
        let thousandths = whole.parse::<u32>().ok()? * 1000 + format!("{fraction:0<3}").parse::<u32>().ok()?;
        (thousandths <= 100_000).then_some(Percentile(thousandths))
    }

    /// The fraction of values below, 0 to 1.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 100_000.0
    }
}

impl Percentile {
    /// Appends the name of the key: `p99.9`.
    pub fn write(self, out: &mut Vec<u8>) {
        out.push(b'p');
        out.extend_from_slice(itoa::Buffer::new().format(self.0 / 1000).as_bytes());
        let (mut rest, mut place) = (self.0 % 1000, 100);
        if rest > 0 {
            out.push(b'.');
        }
        while rest > 0 {
            out.push(b'0' + (rest / place) as u8);
            rest %= place;
            place /= 10;
        }
    }
}

impl std::fmt::Display for Percentile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut name = Vec::with_capacity(8);
        self.write(&mut name);
        f.write_str(&String::from_utf8_lossy(&name))
    }
}

/// A statistic that a window can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stat {
    /// How many observations, weights counted.
    Count,
    /// Their sum, weights counted.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The arithmetic mean.
    Mean,
    /// The first by time.
    First,
    /// The last by time.
    Last,
    /// The standard deviation of the sample (divided by n - 1).
    Stddev,
    /// Per second: of deltas their sum, of counters their increase, over the window's length.
    Rate,
    /// How many different members or values.
    Distinct,
    /// A quantile.
    Quantile(Percentile),
    /// The mergeable sketch of the distribution.
    Sketch,
}

impl Stat {
    /// Reads a statistic's name: `count`, `mean`, `p99.9`; `median` is `p50`.
    pub fn parse(text: &str) -> Option<Stat> {
        Some(match text {
            "count" => Stat::Count,
            "sum" => Stat::Sum,
            "min" => Stat::Min,
            "max" => Stat::Max,
            "mean" => Stat::Mean,
            "first" => Stat::First,
            "last" => Stat::Last,
            "stddev" => Stat::Stddev,
            "rate" => Stat::Rate,
            "distinct" => Stat::Distinct,
            "sketch" => Stat::Sketch,
            "median" => Stat::Quantile(Percentile(50_000)),
            _ => Stat::Quantile(Percentile::parse(text.strip_prefix('p')?)?),
        })
    }

    /// Every name but the quantiles', for help and for the nearest name in an error.
    pub const NAMES: [&'static str; 12] =
        ["count", "sum", "min", "max", "mean", "first", "last", "stddev", "rate", "distinct", "sketch", "median"];
}

/// The numbers of a window; `None` is not asked for, or not known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stats {
    /// How many observations, weights counted.
    pub count: Option<f64>,
    /// Their sum.
    pub sum: Option<f64>,
    /// The least.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
    /// The arithmetic mean.
    pub mean: Option<f64>,
    /// The first by time.
    pub first: Option<f64>,
    /// The last by time.
    pub last: Option<f64>,
    /// The sample standard deviation.
    pub stddev: Option<f64>,
    /// Per second.
    pub rate: Option<f64>,
    /// How many different ones.
    pub distinct: Option<f64>,
    /// Quantiles, ascending.
    pub quantiles: Vec<(Percentile, f64)>,
}

/// A distribution as records carry it: a DDSketch in plain JSON.
///
/// Bin `i` holds values in `(gamma^(i-1), gamma^i]`; source: Masson, Rim, Lee (2019), DDSketch,
/// VLDB 12(12), section 2.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SketchBins {
    /// The ratio of a bin's borders, above 1.
    pub gamma: f64,
    /// How many values are zero.
    pub zero: f64,
    /// Index and count of each bin of positive values, ascending by index.
    pub bins: Vec<(i32, f64)>,
    /// The same for the negated negative values.
    pub negative: Vec<(i32, f64)>,
}

/// A summary of the samples of one metric and one tag set in `[ts, ts + window)`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Window {
    /// The start of the window.
    pub ts: Timestamp,
    /// The metric's name.
    pub metric: String,
    /// The window's length.
    pub window: Span,
    /// Its numbers.
    pub stats: Stats,
    /// The relative error of its quantiles, where they are not exact: 0.01 is 1 %.
    pub error: Option<f64>,
    /// The distribution, for merging.
    pub sketch: Option<SketchBins>,
    /// The unit of the values.
    pub unit: Option<String>,
    /// Who and where.
    pub tags: Tags,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_keeps_its_name() {
        for text in ["50", "95", "99.9", "99.999", "0", "100"] {
            assert_eq!(Percentile::parse(text).unwrap().to_string(), format!("p{text}"));
        }
        for text in ["", "101", "99.9999", "-1", "9.", "1e1", "100.001"] {
            assert_eq!(Percentile::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_name_is_read() {
        for name in Stat::NAMES {
            assert!(Stat::parse(name).is_some(), "{name}");
        }
        assert_eq!(Stat::parse("p200"), None);
        assert_eq!(Stat::parse("avg"), None);
    }
}
