//! What is kept of one series: its newest samples, ascending by time, and its windows.
//!
//! A sample has a place that it keeps while older ones are let go, so that terms can remember how
//! far they have read. A sample that comes late moves those behind it; the revision tells.

use std::sync::Arc;

use crate::record::{Series, SketchBins, Stats};
use crate::time::{Span, Timestamp};

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) ts: Timestamp,
    pub(super) value: f64,
    pub(super) weight: f64,
}

impl Point {
    /// By time; of equal times the lesser value first, so that the order of arrival does not show.
    fn order(&self, other: &Point) -> std::cmp::Ordering {
        self.ts.cmp(&other.ts).then(self.value.total_cmp(&other.value)).then(self.weight.total_cmp(&other.weight))
    }
}

/// One window that rollup made; its time is its end.
#[derive(Debug, Clone)]
pub(super) struct WindowPoint {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) length: Span,
    pub(super) stats: Stats,
    pub(super) sketch: Option<SketchBins>,
}

/// What the values of a series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Source {
    Samples,
    Windows,
    /// Events or beats of a name.
    Occurrences,
}

/// What is kept of one series.
#[derive(Debug, Clone)]
pub(super) struct Buffer {
    pub(super) series: Arc<Series>,
    pub(super) source: Source,
    /// Samples before this are not kept, but for the newest of them.
    from: Timestamp,
    /// How far behind the instant samples matter; `None`: always.
    pub(super) back: Option<Span>,
    points: Vec<Point>,
    /// The place of the first point.
    base: u64,
    /// The time of the earliest sample that came after a newer one, since the last sorting.
    late: Option<Timestamp>,
    pub(super) windows: Vec<WindowPoint>,
    windows_late: bool,
    /// The newest sample from before `from`.
    pub(super) before: Option<Point>,
    /// How many samples came after a newer one.
    pub(super) disordered: u64,
    /// Grows when samples came in between those that were read.
    pub(super) revision: u32,
}

impl Buffer {
    pub(super) fn new(series: Arc<Series>, source: Source, from: Timestamp, back: Option<Span>) -> Buffer {
        Buffer {
            series,
            source,
            from,
            back,
            points: Vec::new(),
            base: 0,
            late: None,
            windows: Vec::new(),
            windows_late: false,
            before: None,
            disordered: 0,
            revision: 0,
        }
    }

    /// How many samples and windows are held.
    pub(super) fn len(&self) -> usize {
        self.points.len() + self.windows.len()
    }

    /// Whether nothing has come yet.
    pub(super) fn is_empty(&self) -> bool {
        self.points.is_empty() && self.windows.is_empty() && self.before.is_none()
    }

    /// Adds a sample; whether one more is held.
    #[inline]
    pub(super) fn add(&mut self, point: Point) -> bool {
        if point.ts < self.from {
            if self.before.is_none_or(|before| before.order(&point).is_lt()) {
                self.before = Some(point);
                self.revision += 1;
            }
            return false;
        }
        if let Some(last) = self.points.last()
            && point.order(last).is_lt()
        {
            self.disordered += u64::from(point.ts < last.ts);
            self.late = Some(self.late.map_or(point.ts, |late| late.min(point.ts)));
        }
        self.points.push(point);
        true
    }

    /// Adds a window; whether one more is held.
    pub(super) fn add_window(&mut self, window: WindowPoint) -> bool {
        if window.end < self.from {
            let value = window.stats.last.or(window.stats.mean).unwrap_or(0.0);
            if self.before.is_none_or(|before| before.ts < window.end) {
                self.before = Some(Point { ts: window.end, value, weight: 1.0 });
            }
            return false;
        }
        if self.windows.last().is_some_and(|last| window.end < last.end) {
            self.disordered += 1;
            self.windows_late = true;
        }
        self.windows.push(window);
        true
    }

    /// Whether everything stands in the order of time.
    pub(super) fn is_settled(&self) -> bool {
        self.late.is_none() && !self.windows_late
    }

    /// Puts everything in the order of time.
    pub(super) fn settle(&mut self) {
        if self.windows_late {
            self.windows.sort_by_key(|window| window.end);
            self.windows_late = false;
        }
        let Some(late) = self.late.take() else { return };
        // What is older than the late one came in order, and stands before everything else.
        let from = self.points.iter().rposition(|point| point.ts < late).map_or(0, |at| at + 1);
        self.points[from..].sort_by(Point::order);
        self.revision += 1;
    }

    /// Lets go of what is too old to matter at an instant, once that is worth the work; how many there were.
    pub(super) fn forget(&mut self, at: Timestamp) -> usize {
        let Some(back) = self.back else { return 0 };
        let from = at.minus(back);
        let held = self.len();
        self.from = self.from.max(from);
        let old = self.points.partition_point(|point| point.ts < from);
        let aged = self.windows.partition_point(|window| window.end < from);
        let windowed = aged.checked_sub(1).map(|at| &self.windows[at]).map(|window| {
            let value = window.stats.last.or(window.stats.mean).unwrap_or(0.0);
            Point { ts: window.end, value, weight: 1.0 }
        });
        let newest = self.points[..old].last().copied().or(windowed);
        self.before = newest.or(self.before);
        self.points.drain(..old);
        self.windows.drain(..aged);
        self.base += old as u64;
        held - self.len()
    }

    /// The place of the first sample behind an instant.
    pub(super) fn behind(&self, ts: Timestamp) -> u64 {
        self.base + self.points.partition_point(|point| point.ts <= ts) as u64
    }

    /// The sample at a place, if it is still held.
    #[inline]
    pub(super) fn at(&self, place: u64) -> Option<&Point> {
        self.points.get(place.checked_sub(self.base)? as usize)
    }

    /// The samples from one place to another, as far as they are held.
    pub(super) fn between(&self, from: u64, to: u64) -> &[Point] {
        let place = |at: u64| (at.saturating_sub(self.base) as usize).min(self.points.len());
        let (from, to) = (place(from), place(to));
        &self.points[from.min(to)..to]
    }

    /// The windows that end in `(from, to]`.
    pub(super) fn windows_within(&self, from: Timestamp, to: Timestamp) -> &[WindowPoint] {
        let start = self.windows.partition_point(|window| window.end <= from);
        let end = self.windows.partition_point(|window| window.end <= to);
        &self.windows[start.min(end)..end]
    }

    /// The newest sample at an instant.
    pub(super) fn newest_point(&self, at: Timestamp) -> Option<&Point> {
        if let Some(last) = self.points.last().filter(|last| last.ts <= at) {
            return Some(last);
        }
        let place = self.points.partition_point(|point| point.ts <= at);
        place.checked_sub(1).map(|place| &self.points[place]).or(self.before.as_ref().filter(|before| before.ts <= at))
    }

    /// When the newest sample or window at an instant was.
    pub(super) fn newest(&self, at: Timestamp) -> Option<Timestamp> {
        let window = self.windows_within(Timestamp::MIN, at).last().map(|window| window.end);
        self.newest_point(at).map(|point| point.ts).max(window)
    }

    /// When the series began, as far as it is known.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        let all =
            [self.points.first().map(|point| point.ts), self.windows.first().map(|window| window.end), self.before.map(|before| before.ts)];
        all.into_iter().flatten().min()
    }
}
