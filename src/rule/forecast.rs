//! Where a straight line through the recent samples leads: `forecast(disk.used, 6h, in 24h)`.
//!
//! The line is that of Theil and Sen, which a few wild samples do not turn, nor the ups and downs of
//! a day where the window holds whole days. It is of one series: a line through the samples of several disks is the line of
//! none of them, so they are kept apart by `by`, or the question is refused. Series that follow one
//! another, as when a tag changes with a version, are one.

use super::aggregate::Refusal;
use super::buffer::Point;
use super::syntax::Call;
use super::units::round;
use crate::math::{Line, theil_sen};
use crate::record::{Series, Tags};
use crate::time::{Span, Timestamp};

/// A line through fewer samples is called uncertain.
const FEW: usize = 10;

/// A line that is followed further than so many times the span of its samples is called uncertain.
const FAR: f64 = 10.0;

/// What is reached later than in ten years is not told, in seconds.
const LATEST_S: f64 = 10.0 * 365.25 * 86_400.0;

/// A line through samples; its x is in seconds from `end`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trend {
    line: Line,
    /// The end of the window.
    end: Timestamp,
    samples: usize,
    /// From the first sample to the last.
    span: Span,
}

impl Trend {
    /// What the line comes to at an instant.
    pub(super) fn at(&self, at: Timestamp) -> Option<f64> {
        Some(self.line.at(seconds(self.end, at))).filter(|value| value.is_finite())
    }

    /// How much it grows in a second, and the borders of the interval that holds this in 95 of 100 cases.
    pub(super) fn slope_per_s(&self) -> (f64, (f64, f64)) {
        (self.line.slope(), self.line.slope_interval())
    }

    /// When the line, followed on from an instant, reaches a limit that it is not at yet.
    pub(super) fn reaches(&self, limit: f64, from: Timestamp) -> Option<Timestamp> {
        let ahead_s = self.line.reaches(limit)? - seconds(self.end, from);
        let ahead = Span::from_secs_f64(ahead_s).filter(|_| ahead_s > 0.0 && ahead_s <= LATEST_S)?;
        Some(from.plus(ahead))
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    (to.nanos() as f64 - from.nanos() as f64) / 1e9
}

/// How far apart the instants are at which a forecast is worked out anew: it moves slowly.
pub(super) fn step(window: Span) -> Span {
    Span::from_nanos((window.nanos() / 360).max(1))
}

/// The line through some samples, with x from the end of their window; `None` with fewer than three.
pub(super) fn trend(points: &[Point], end: Timestamp) -> Option<Trend> {
    let pairs: Vec<(f64, f64)> = points.iter().map(|point| (seconds(end, point.ts), point.value)).collect();
    let times = || points.iter().map(|point| point.ts);
    let span = times().max()?.since(times().min()?);
    Some(Trend { line: theil_sen(&pairs)?, end, samples: points.len(), span })
}

/// Refuses the samples of several series, unless one began when the one before had ended.
///
/// Shape: the samples of each series ascend, and none is empty.
pub(super) fn of_one(call: &Call, mut all: Vec<(&Series, Vec<Point>)>) -> Result<Vec<Point>, Refusal> {
    all.sort_by_key(|(_, points)| points.first().map(|point| point.ts));
    let runs = |one: &[Point], next: &[Point]| one.last().zip(next.first()).is_some_and(|(last, first)| last.ts >= first.ts);
    let same = |one: &Series, other: &Series| one.metric == other.metric && one.tags == other.tags;
    let beside = all.windows(2).any(|pair| !same(pair[0].0, pair[1].0) && runs(&pair[0].1, &pair[1].1));
    if !beside {
        return Ok(all.into_iter().flat_map(|(_, points)| points).collect());
    }
    let mut series: Vec<&Series> = all.iter().map(|(series, _)| *series).collect();
    series.sort();
    series.dedup_by(|one, other| same(one, other));
    let message = format!("`{}` is {} series, and a line through the samples of all of them is that of none", call.selector, series.len());
    Err(Refusal { message, hint: remedy(&series) })
}

/// How several series are kept apart: by the tags in which they differ.
fn remedy(series: &[&Series]) -> String {
    let mut keys: Vec<&str> = series.iter().flat_map(|series| series.tags.iter().map(|(key, _)| key)).collect();
    keys.sort_unstable();
    keys.dedup();
    let value = |tags: &Tags, key: &str| tags.get(key).map(str::to_owned);
    keys.retain(|key| series.iter().any(|one| value(&one.tags, key) != value(&series[0].tags, key)));
    if keys.is_empty() {
        return "name one metric, without `*`".into();
    }
    format!("judge each by itself with --by {}, or choose one by its tags", keys.join(","))
}

/// When something is reached, in words: `about 19 h, by 2026-11-23T15:00Z`.
pub(super) fn when(at: Timestamp, span: Span) -> String {
    let instant = at.plus(span).floor_to(Span::from_secs(if span > Span::from_secs(120) { 60 } else { 1 }));
    format!("about {}, by {}", about(span), instant.to_string().replace(":00Z", "Z"))
}

/// What would make a forecast wrong.
pub(super) fn doubts(call: &Call, trend: &Trend, unit: Option<&str>) -> Vec<String> {
    let name = &call.selector;
    let ahead = call.ahead.unwrap_or(Span::ZERO);
    let mut doubts = Vec::new();
    if trend.samples < FEW {
        doubts.push(format!("the trend of {name} rests on only {} samples", trend.samples));
    }
    if ahead.secs_f64() > FAR * trend.span.secs_f64() {
        doubts.push(format!("the samples of {name} span {}, and the forecast looks {} ahead", trend.span.human(), hours(ahead)));
    }
    let (_, (low, high)) = trend.slope_per_s();
    if low <= 0.0 && high >= 0.0 && low < high {
        let (seconds, word) = pace(ahead);
        let unit = unit.map_or(String::new(), |unit| format!(" {}", crate::record::show(unit.as_bytes(), 20)));
        let (low, high) = (round(low * seconds), round(high * seconds));
        doubts.push(format!("{name} may have no trend: it changes by {low} to {high}{unit} {word}"));
    }
    doubts
}

/// The length in which a change is told, in seconds: one that is short beside how far is looked ahead.
fn pace(ahead: Span) -> (f64, &'static str) {
    match ahead.secs_f64() {
        ahead if ahead >= 43_200.0 => (86_400.0, "a day"),
        ahead if ahead >= 1_800.0 => (3_600.0, "an hour"),
        _ => (60.0, "a minute"),
    }
}

/// A length of time for a person; up to two days by its hours, as one asks for the next 24.
pub(super) fn hours(span: Span) -> String {
    let hours = span.secs_f64() / 3_600.0;
    if (24.0..=48.0).contains(&hours) && hours.fract() == 0.0 { format!("{hours} h") } else { span.human() }
}

/// A length of time by its largest unit alone.
fn about(span: Span) -> String {
    let seconds = span.secs_f64();
    let units = [(86_400.0, "d"), (3_600.0, "h"), (60.0, "min")];
    let unit = units.into_iter().find(|(size, _)| seconds >= 2.0 * size);
    unit.map_or_else(|| format!("{} s", seconds.round()), |(size, name)| format!("{} {name}", (seconds / size).round()))
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse_sum;
    use super::super::syntax::SumKind;
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos((1_795_377_600 + seconds) * 1_000_000_000)
    }

    /// Samples every minute up to now: 50 and so much more an hour.
    fn points(count: i64, an_hour: f64) -> Vec<Point> {
        let point = |minute: i64| Point { ts: at(-60 * minute), value: 50.0 - an_hour * minute as f64 / 60.0, weight: 1.0 };
        (0..count).rev().map(point).collect()
    }

    fn call(text: &str) -> Call {
        match parse_sum(text, (0, text.len())).unwrap().kind {
            SumKind::Call(call) => call,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn series_side_by_side_are_refused_and_one_after_the_other_are_not() {
        let series = |mount: &str| Series::new("disk.used").tag("host", "a").tag("mount", mount);
        let (root, home) = (series("/"), series("/home"));
        let (early, late) = (points(20, 1.0)[..10].to_vec(), points(10, 1.0));
        let call = call("forecast(disk.used, 6h, in 24h)");
        assert_eq!(of_one(&call, vec![(&home, late.clone()), (&root, early.clone())]).map(|points| points.len()), Ok(20));
        assert_eq!(of_one(&call, vec![(&root, late.clone()), (&root, late.clone())]).map(|points| points.len()), Ok(20));
        let refusal = of_one(&call, vec![(&root, points(20, 1.0)), (&home, late)]).unwrap_err();
        assert_eq!(refusal.message, "`disk.used` is 2 series, and a line through the samples of all of them is that of none");
        assert_eq!(refusal.hint, "judge each by itself with --by mount, or choose one by its tags");
    }

    #[test]
    fn what_is_uncertain_is_said() {
        let call = call("forecast(x, 6h, in 24h)");
        assert_eq!(doubts(&call, &trend(&points(360, 1.0), at(0)).unwrap(), None), Vec::<String>::new());
        let few = trend(&points(4, 1.0), at(0)).unwrap();
        assert_eq!(
            doubts(&call, &few, None),
            ["the trend of x rests on only 4 samples", "the samples of x span 3 min, and the forecast looks 24 h ahead"]
        );
        let mut wild = points(360, 0.0);
        wild.iter_mut().enumerate().for_each(|(at, point)| point.value += f64::from(at as u32 * 7919 % 101));
        let told = doubts(&call, &trend(&wild, at(0)).unwrap(), Some("%"));
        assert!(
            told.len() == 1 && told[0].starts_with("x may have no trend: it changes by -") && told[0].ends_with(" % a day"),
            "{told:?}"
        );
    }

    #[test]
    fn too_few_samples_have_no_line() {
        assert_eq!(trend(&points(2, 1.0), at(0)), None);
        assert_eq!(trend(&[], at(0)), None);
        let same = vec![points(1, 1.0)[0]; 10];
        assert_eq!(trend(&same, at(0)), None);
    }
}
