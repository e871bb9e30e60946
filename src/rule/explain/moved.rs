//! What else moved just before: series whose last ten minutes left the range of the hour before them.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::record::{SampleType, Series, Tags};
use crate::rule::units::Origin;
use crate::rule::units::human;
use crate::time::{Span, Timestamp};

/// How long the last part is, and how long the one before it.
const NEW: Span = Span::from_secs(600);
const OLD: Span = Span::from_secs(3600);

/// How many series are watched, and how many samples of each.
const SERIES: usize = 5_000;
const SAMPLES: usize = 10_000;

/// How many samples each part needs.
const LEAST: (usize, usize) = (10, 3);

/// How many are told.
const TOLD: usize = 5;

/// The series that were read, as far as they are watched.
#[derive(Debug, Default)]
pub struct Surroundings {
    index: HashMap<Arc<Series>, usize>,
    all: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    series: Arc<Series>,
    points: VecDeque<(Timestamp, f64)>,
}

/// A series that moved.
#[derive(Debug, PartialEq)]
pub(super) struct Moved {
    pub(super) metric: String,
    pub(super) text: String,
    /// How far it left its range, in widths of it.
    far: f64,
}

impl Surroundings {
    /// Where the samples of a series go; `None` when enough are watched.
    pub fn slot(&mut self, series: &Arc<Series>) -> Option<usize> {
        if let Some(slot) = self.index.get(series) {
            return Some(*slot);
        }
        if self.all.len() >= SERIES {
            return None;
        }
        self.index.insert(Arc::clone(series), self.all.len());
        self.all.push(Watched { series: Arc::clone(series), points: VecDeque::new() });
        Some(self.all.len() - 1)
    }

    /// Adds a sample.
    pub fn add(&mut self, slot: usize, ts: Timestamp, value: f64) {
        let points = &mut self.all[slot].points;
        points.push_back((ts, value));
        let from = ts.minus(NEW.plus(OLD));
        while points.len() > SAMPLES || points.front().is_some_and(|(oldest, _)| *oldest < from) {
            points.pop_front();
        }
    }

    /// The series that moved most before an instant, those first that left their range by most.
    pub(super) fn moved(&self, at: Timestamp) -> Vec<Moved> {
        let mut all: Vec<Moved> = self.all.iter().filter_map(|watched| watched.moved(at)).collect();
        all.sort_by(|a, b| b.far.total_cmp(&a.far).then_with(|| a.metric.cmp(&b.metric)));
        all
    }

    /// The sources with these tags that say of themselves that they are down: `collect.up` is 0.
    pub(super) fn down(&self, tags: &Tags, at: Timestamp) -> Vec<String> {
        let joins = |other: &Tags| tags.iter().all(|(key, value)| other.get(key).is_none_or(|of| of == value));
        let sources = self.all.iter().filter(|watched| watched.series.metric == "collect.up" && joins(&watched.series.tags));
        let down = sources.filter(|watched| {
            let newest = watched.points.iter().filter(|(ts, _)| *ts <= at).max_by_key(|(ts, _)| *ts);
            newest.is_some_and(|(_, value)| *value == 0.0)
        });
        down.map(|watched| format!("collect.up{} is 0: what measures says of itself that it is down", watched.series.tags)).collect()
    }
}

impl Moved {
    /// The few that are told, without those that `own` takes.
    pub(super) fn told(all: Vec<Moved>, own: impl Fn(&str) -> bool) -> Vec<String> {
        all.into_iter().filter(|moved| !own(&moved.metric)).take(TOLD).map(|moved| moved.text).collect()
    }
}

impl Watched {
    fn moved(&self, at: Timestamp) -> Option<Moved> {
        let series = &self.series;
        if matches!(series.kind, SampleType::Set) || series.metric == "collect.up" {
            return None;
        }
        let border = at.minus(NEW);
        let mut points: Vec<(Timestamp, f64)> =
            self.points.iter().filter(|(ts, _)| *ts <= at && *ts > border.minus(OLD)).copied().collect();
        points.sort_by_key(|(ts, _)| *ts);
        if series.kind == SampleType::Counter {
            // A counter always rises; what it rose by from sample to sample is what can move.
            points = points.windows(2).filter(|pair| pair[1].1 >= pair[0].1).map(|pair| (pair[1].0, pair[1].1 - pair[0].1)).collect();
        }
        let split = points.partition_point(|(ts, _)| *ts <= border);
        let values = |points: &[(Timestamp, f64)]| points.iter().map(|(_, value)| *value).collect::<Vec<f64>>();
        let (old, mut new) = (values(&points[..split]), values(&points[split..]));
        if old.len() < LEAST.0 || new.len() < LEAST.1 {
            return None;
        }
        new.sort_by(f64::total_cmp);
        let median = new[new.len() / 2];
        let (low, high) = old.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
        let left = (median - high).max(low - median);
        if left <= 0.0 {
            return None;
        }
        let width = (high - low).max(high.abs().max(low.abs()) * 0.01).max(f64::MIN_POSITIVE);
        let text = |value: f64| human(value, series.unit.as_deref(), Origin::Measured);
        let how = if median > high { "rose to" } else { "fell to" };
        let each = if series.kind == SampleType::Counter { " a sample" } else { "" };
        let before = if low == high { text(low) } else { format!("{} to {}", text(low), text(high)) };
        let text = format!("{}{} {how} {}{each} (median of 10 min; {before} in the hour before)", series.metric, series.tags, text(median));
        Some(Moved { metric: series.metric.clone(), text, far: left / width })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(values: impl Fn(u32) -> f64, kind: SampleType) -> Vec<String> {
        let mut around = Surroundings::default();
        let series = Arc::new(Series { metric: "x".into(), kind, ..Series::default() });
        let slot = around.slot(&series).unwrap();
        for minute in 0..70 {
            around.add(slot, Timestamp::from_nanos(0).plus(Span::from_secs(60 * (minute + 1))), values(minute));
        }
        Moved::told(around.moved(Timestamp::from_nanos(0).plus(Span::from_secs(70 * 60))), |_| false)
    }

    #[test]
    fn what_left_its_range_is_told_and_what_stayed_is_not() {
        let jump = |minute: u32| if minute < 60 { f64::from(minute % 3) } else { 9.0 };
        assert_eq!(told(jump, SampleType::Gauge), ["x rose to 9 (median of 10 min; 0 to 2 in the hour before)"]);
        assert!(told(|minute| f64::from(minute % 3), SampleType::Gauge).is_empty());
        let spike = |minute: u32| if minute == 65 { 99.0 } else { 1.0 };
        assert!(told(spike, SampleType::Gauge).is_empty(), "one value is no move");
    }

    #[test]
    fn of_a_counter_the_steps_are_compared() {
        assert!(told(|minute| f64::from(minute * 5), SampleType::Counter).is_empty());
        let faster = |minute: u32| if minute < 60 { f64::from(minute) } else { 60.0 + f64::from(minute - 59) * 8.0 };
        assert_eq!(told(faster, SampleType::Counter), ["x rose to 8 a sample (median of 10 min; 1 in the hour before)"]);
    }
}
