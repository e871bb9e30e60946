//! From samples and windows to one number.
//!
//! The increase of a counter is worked out as Prometheus documents it for `rate` and `increase`:
//! falls are resets; then, as the first and last sample rarely stand at the window's borders, the
//! result is extended to them, but by no more than half an interval where a border is further from
//! its sample than 1.1 intervals, and never to below zero.

use super::buffer::{Point, WindowPoint};
use super::syntax::Function;
use crate::math::{Moments, Sketch};
use crate::time::{Span, Timestamp};

/// Why there is no number, where it is the question that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) hint: String,
}

/// A number, and how exact it is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Aggregate {
    pub(super) value: Option<f64>,
    /// The relative error of a quantile from sketches.
    pub(super) error: Option<f64>,
}

impl From<Option<f64>> for Aggregate {
    fn from(value: Option<f64>) -> Aggregate {
        Aggregate { value, error: None }
    }
}

/// The first and the last sample of a window `(start, end]`, and how many there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) first: Point,
    pub(super) last: Point,
    pub(super) count: usize,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

/// The increase of one counter over a window; `falls` is the sum of the values that it fell from.
///
/// `None` with fewer than two samples, as nothing is known of what was before the first.
pub(super) fn increase(ends: &Ends, falls: f64, extrapolate: bool) -> Option<f64> {
    extend(ends, ends.last.value - ends.first.value + falls, Some(ends.first.value), extrapolate)
}

/// The change of one gauge over a window, extended to its borders.
pub(super) fn change(ends: &Ends, extrapolate: bool) -> Option<f64> {
    extend(ends, ends.last.value - ends.first.value, None, extrapolate)
}

/// Extends a change between the first and the last sample to the window's borders; `above_zero` is
/// the first value of a counter, which was never below zero.
fn extend(ends: &Ends, raw: f64, above_zero: Option<f64>, extrapolate: bool) -> Option<f64> {
    let sampled = ends.last.ts.since(ends.first.ts).secs_f64();
    if ends.count < 2 || sampled == 0.0 {
        return None;
    }
    if !extrapolate {
        return Some(raw);
    }
    let interval = sampled / (ends.count - 1) as f64;
    let reach = |gap: f64| if gap >= interval * 1.1 { interval / 2.0 } else { gap };
    let mut to_start = reach(ends.first.ts.since(ends.start).secs_f64());
    if let Some(value) = above_zero.filter(|value| *value >= 0.0 && raw > 0.0) {
        to_start = to_start.min(sampled * (value / raw));
    }
    let to_end = reach(ends.end.since(ends.last.ts).secs_f64());
    Some(raw * (sampled + to_start + to_end) / sampled)
}

/// Leaves out windows that overlap a newer one of their series: sliding windows, and those of several
/// lengths, tell the same samples more than once. Of windows with one end the shortest stays.
pub(super) fn apart(windows: &[WindowPoint]) -> Vec<&WindowPoint> {
    let mut newest_first: Vec<&WindowPoint> = windows.iter().collect();
    newest_first.sort_by(|a, b| b.end.cmp(&a.end).then(b.start.cmp(&a.start)));
    let mut border = Timestamp::MAX;
    newest_first.retain(|window| {
        let apart = window.end <= border;
        border = if apart { window.start } else { border };
        apart
    });
    newest_first
}

/// Aggregates windows that rollup made, where that can be done rightly.
///
/// # Errors
/// [`Refusal`] where the windows do not carry what is needed.
pub(super) fn of_windows(function: Function, windows: &[&WindowPoint], window: Option<Span>) -> Result<Aggregate, Refusal> {
    let refuse = |what: &str, remedy: &str| {
        Err(Refusal {
            message: format!("the windows read carry no {what}, which `{}` needs", function.name()),
            hint: format!("make them by `rollup --stats {remedy}`"),
        })
    };
    if windows.is_empty() {
        return Ok(Aggregate { value: (function == Function::Count).then_some(0.0), error: None });
    }
    let filled = || windows.iter().filter(|window| window.stats.count != Some(0.0));
    let sum_of = |number: fn(&WindowPoint) -> Option<f64>| filled().map(|window| number(window)).sum::<Option<f64>>();
    let fold = |number: fn(&WindowPoint) -> Option<f64>, pick: fn(f64, f64) -> f64| {
        let all: Option<Vec<f64>> = filled().map(|window| number(window)).collect();
        all.map(|all| all.into_iter().reduce(pick))
    };
    let result = match function {
        Function::Count => windows.iter().map(|window| window.stats.count).sum(),
        Function::Sum => sum_of(total),
        Function::Mean => match (sum_of(total), sum_of(|window| window.stats.count)) {
            (Some(sum), Some(count)) if count > 0.0 => Some(sum / count),
            (Some(_), Some(_)) => return Ok(Aggregate::default()),
            // The mean of a single window is its own.
            _ if windows.len() == 1 => windows[0].stats.mean,
            _ => None,
        },
        Function::Min => return fold(|window| window.stats.min, f64::min).map_or_else(|| refuse("`min`", "min"), |value| Ok(value.into())),
        Function::Max => return fold(|window| window.stats.max, f64::max).map_or_else(|| refuse("`max`", "max"), |value| Ok(value.into())),
        Function::First => filled().min_by_key(|window| window.end).and_then(|window| window.stats.first),
        Function::Last => filled().max_by_key(|window| window.end).and_then(|window| window.stats.last.or(window.stats.mean)),
        Function::Rate | Function::Increase | Function::Delta => {
            let increase = sum_of(|window| window.stats.rate.map(|rate| rate * window.length.secs_f64()));
            match (function, window) {
                (Function::Rate, Some(window)) => increase.map(|increase| increase / window.secs_f64()),
                _ => increase,
            }
        }
        Function::Quantile(percentile) => {
            return sketched(filled().copied(), percentile.fraction()).map_or_else(|| refuse("`sketch`", "count,sketch"), Ok);
        }
        Function::Stddev if windows.len() == 1 => windows[0].stats.stddev,
        Function::Distinct if windows.len() == 1 => windows[0].stats.distinct,
        Function::Stddev => spread(filled().copied()),
        Function::Distinct => {
            let message = "counts of distinct members can't be added up over windows".to_owned();
            return Err(Refusal { message, hint: "make one window of the whole span, or read the samples".into() });
        }
        Function::Age | Function::Forecast | Function::Reference => None,
    };
    match result {
        Some(value) => Ok(Some(value).into()),
        None => match function {
            Function::Rate | Function::Increase | Function::Delta => {
                refuse("`rate` (they are of a gauge, or it was not asked for)", "count,sum,rate")
            }
            Function::First | Function::Last => refuse("`first` or `last`", "first,last"),
            Function::Stddev => refuse("`stddev`, `mean` and `count`", "count,mean,stddev"),
            _ => refuse("`count` and `sum`", "count,sum"),
        },
    }
}

fn total(window: &WindowPoint) -> Option<f64> {
    let stats = &window.stats;
    stats.sum.or_else(|| Some(stats.mean? * stats.count?))
}

fn spread<'a>(windows: impl Iterator<Item = &'a WindowPoint>) -> Option<f64> {
    let mut all = Moments::new();
    for window in windows {
        let stats = &window.stats;
        let (count, mean) = (stats.count?, stats.mean.or_else(|| Some(stats.sum? / stats.count?))?);
        let stddev = stats.stddev.or((count <= 1.0).then_some(0.0))?;
        all.merge(&Moments::from_summary(count, mean, stats.min.unwrap_or(mean), stats.max.unwrap_or(mean), Some(stddev))?);
    }
    all.stddev()
}

/// The quantile of merged sketches; `None` when a window has none.
fn sketched<'a>(windows: impl Iterator<Item = &'a WindowPoint>, q: f64) -> Option<Aggregate> {
    let mut all: Option<Sketch> = None;
    for window in windows {
        let bins = window.sketch.as_ref()?;
        let sketch = Sketch::from_parts(bins.gamma, bins.zero, &bins.bins, &bins.negative).ok()?;
        match &mut all {
            Some(all) => all.merge(&sketch).ok()?,
            none => *none = Some(sketch),
        }
    }
    let error = all.as_ref().map(Sketch::relative_error);
    Some(Aggregate { value: all.and_then(|all| all.quantile(q)), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_nanos((seconds * 1e9) as i64)
    }

    fn ends(pairs: &[(f64, f64)]) -> Option<Ends> {
        let point = |(seconds, value): &(f64, f64)| Point { ts: at(*seconds), value: *value, weight: 1.0 };
        let (first, last) = (point(pairs.first()?), point(pairs.last()?));
        Some(Ends { first, last, count: pairs.len(), start: at(0.0), end: at(60.0) })
    }

    fn increased(pairs: &[(f64, f64)], extrapolate: bool) -> Option<f64> {
        let falls = pairs.windows(2).filter(|pair| pair[1].1 < pair[0].1).map(|pair| pair[0].1).sum();
        increase(&ends(pairs)?, falls, extrapolate)
    }

    #[test]
    fn an_increase_is_extended_to_the_borders_as_documented() {
        // Worked by hand after the rules in the module's head; the window is (0, 60].
        type Case<'a> = (&'a [(f64, f64)], Option<f64>);
        let cases: [Case<'_>; 7] = [
            // Every 10 s from 5 to 55: both borders are half an interval away, 50 s become 60.
            (&[(5.0, 100.0), (15.0, 110.0), (25.0, 120.0), (35.0, 130.0), (45.0, 140.0), (55.0, 150.0)], Some(60.0)),
            // Far from both borders: by half an interval each.
            (&[(25.0, 100.0), (35.0, 110.0)], Some(20.0)),
            // A counter that began at 1 can't have been below zero: 1 of 10 in 10 s is 1 s, and 5 s at the end.
            (&[(25.0, 1.0), (35.0, 11.0)], Some(16.0)),
            // A reset: 10 to 20, then from 0 to 5.
            (&[(0.0, 10.0), (30.0, 20.0), (60.0, 5.0)], Some(15.0)),
            (&[(30.0, 5.0)], None),
            (&[], None),
            (&[(0.0, 7.0), (60.0, 7.0)], Some(0.0)),
        ];
        for (pairs, expected) in cases {
            assert_eq!(increased(pairs, true), expected, "{pairs:?}");
        }
        assert_eq!(increased(&[(25.0, 100.0), (35.0, 110.0)], false), Some(10.0));
        assert_eq!(ends(&[(0.0, 10.0), (60.0, 4.0)]).and_then(|ends| change(&ends, true)), Some(-6.0));
    }
}
