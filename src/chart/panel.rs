//! What one picture shows: traces of one unit over a stretch of time, with limits and marks.

use super::axis::{Offset, round_range};
use super::{Cell, Trace};
use crate::record::Status;
use crate::time::{Span, Timestamp};

/// A value that should not be crossed.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// In the unit of the panel.
    pub value: f64,
    /// What it is called; safe to show.
    pub label: String,
}

/// What happened at an instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// What sort.
    pub kind: MarkKind,
    /// What it was, in a few words; safe to show.
    pub text: String,
}

/// What sort of thing a mark stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// Something was done or happened.
    Event,
    /// A check came to another conclusion.
    Verdict(Status),
    /// Somebody was told, or acknowledged.
    Notice,
}

impl MarkKind {
    /// The sign that it has in every picture, so that colour is not needed.
    pub const fn sign(self) -> char {
        match self {
            MarkKind::Event => '▲',
            MarkKind::Verdict(Status::Critical) => '!',
            MarkKind::Verdict(Status::Warning) => 'w',
            MarkKind::Verdict(Status::Unknown) => '?',
            MarkKind::Verdict(Status::Ok) => 'o',
            MarkKind::Notice => '@',
        }
    }
}

/// One picture.
#[derive(Clone)]
pub struct Panel<'a> {
    /// What is drawn; all of one unit.
    pub traces: Vec<&'a Trace>,
    /// The first instant shown.
    pub from: Timestamp,
    /// The instant after the last one shown.
    pub until: Timestamp,
    /// Values to compare with.
    pub limits: &'a [Limit],
    /// What happened, in the order of time.
    pub marks: &'a [Mark],
    /// How long before what is shown the traces of `ghosts` are drawn beneath it, if at all.
    pub compare: Option<Span>,
    /// What is compared with, trace by trace.
    pub ghosts: Vec<&'a Trace>,
    /// The reader's clock.
    pub offset: Offset<'a>,
}

impl<'a> Panel<'a> {
    /// A panel of these traces, without limits, marks and comparison.
    pub fn new(traces: Vec<&'a Trace>, from: Timestamp, until: Timestamp, offset: Offset<'a>) -> Panel<'a> {
        Panel { traces, from, until, limits: &[], marks: &[], compare: None, ghosts: Vec::new(), offset }
    }
}

impl Panel<'_> {
    /// The unit of everything drawn.
    pub fn unit(&self) -> Option<&str> {
        self.traces.first().and_then(|trace| trace.unit.as_deref())
    }

    /// The columns of every trace.
    pub fn columns(&self, count: usize) -> Vec<Vec<Option<Cell>>> {
        self.traces.iter().map(|trace| trace.columns(self.from, self.until, count)).collect()
    }

    /// The columns of what is compared with.
    pub fn ghost_columns(&self, count: usize) -> Vec<Vec<Option<Cell>>> {
        let Some(span) = self.compare else { return Vec::new() };
        self.ghosts.iter().map(|trace| trace.columns(self.from.minus(span), self.until.minus(span), count)).collect()
    }

    /// The range of values, widened to round ones; limits are within it.
    pub fn range(&self, columns: &[Vec<Option<Cell>>], ticks: usize) -> (f64, f64) {
        let cells = || columns.iter().flatten().flatten();
        let limits = || self.limits.iter().map(|limit| limit.value);
        let low = cells().map(|cell| cell.min).chain(limits()).fold(f64::INFINITY, f64::min);
        let high = cells().map(|cell| cell.max).chain(limits()).fold(f64::NEG_INFINITY, f64::max);
        if low > high { (0.0, 1.0) } else { round_range(low, high, ticks) }
    }

    /// The column of `count` that an instant falls into.
    pub fn column(&self, at: Timestamp, count: usize) -> Option<usize> {
        let length = self.until.since(self.from).nanos();
        if at < self.from || at >= self.until || length == 0 {
            return None;
        }
        Some((i128::from(at.since(self.from).nanos()) * count as i128 / i128::from(length)) as usize)
    }

    /// How many empty columns a line is drawn across: a sample that is missing is a gap, one that is
    /// just not due yet is none.
    pub fn bridge(&self, trace: &Trace, count: usize) -> usize {
        let column = self.until.since(self.from).nanos() / count.max(1) as i64;
        let reach = trace.period().nanos().max(column).saturating_mul(5) / 2;
        (reach / column.max(1)) as usize
    }

    /// The length of time shown.
    pub fn length(&self) -> Span {
        self.until.since(self.from)
    }
}
