//! What became of a group in the past: the times that it fired, and the points that led here.

use crate::record::Status;
use crate::rule::engine::Outcome;
use crate::time::{Span, Timestamp};

/// How many times as far ahead as the points reach back their line is followed.
const AHEAD: u32 = 4;

/// One time that it fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The first evaluation that fired.
    pub from: Timestamp,
    /// The first that was ok again; `None` while it goes on.
    pub to: Option<Timestamp>,
    /// The worst status of it.
    pub worst: Status,
}

/// The past of one group, gathered from the outcomes of evaluations.
#[derive(Debug, Clone)]
pub struct Past {
    /// The instant that is explained.
    at: Timestamp,
    /// How far back points are kept.
    span: Span,
    /// The first evaluation.
    pub(super) first: Option<Timestamp>,
    pub(super) times: Vec<Times>,
    /// What was found on the left of every comparison.
    points: Vec<(Timestamp, Vec<Option<f64>>)>,
}

impl Past {
    /// Nothing yet, to be explained at an instant by the points of some time before.
    pub fn new(at: Timestamp, span: Span) -> Past {
        Past { at, span, first: None, times: Vec::new(), points: Vec::new() }
    }

    /// Takes in one evaluation; they come in the order of time. `lefts` gives what was found on the left
    /// of every comparison, and is asked only for what is kept.
    pub fn note(&mut self, outcome: &Outcome, lefts: impl FnOnce() -> Vec<Option<f64>>) {
        self.first = self.first.or(Some(outcome.at));
        if outcome.at > self.at.minus(self.span) {
            self.points.push((outcome.at, lefts()));
        }
        let open = self.times.last_mut().filter(|times| times.to.is_none());
        match (outcome.status, open) {
            (Status::Ok, Some(open)) => open.to = Some(outcome.at),
            (Status::Warning | Status::Critical, Some(open)) if outcome.status.rank() > open.worst.rank() => open.worst = outcome.status,
            (Status::Warning | Status::Critical, None) => {
                self.times.push(Times { from: outcome.at, to: None, worst: outcome.status });
            }
            // What is not known has not ended.
            _ => {}
        }
    }

    /// The times that are over.
    pub(super) fn ended(&self) -> impl DoubleEndedIterator<Item = &Times> {
        self.times.iter().filter(|times| times.to.is_some())
    }

    /// The points of one comparison.
    pub(super) fn points(&self, test: usize) -> impl Iterator<Item = (Timestamp, f64)> {
        self.points.iter().filter_map(move |(ts, lefts)| Some((*ts, (*lefts.get(test)?)?)))
    }

    /// Whether it fires now.
    pub(super) fn goes_on(&self) -> bool {
        self.times.last().is_some_and(|times| times.to.is_none())
    }

    /// The points of one comparison in so many columns of equal time, of each the greatest (or least); `None` where there is none.
    pub(super) fn columns(&self, test: usize, count: usize, greatest: bool) -> Vec<Option<f64>> {
        let mut columns: Vec<Option<f64>> = vec![None; count];
        let from = self.at.minus(self.span).nanos();
        for (ts, value) in self.points(test) {
            let place = ((ts.nanos() - from) as i128 * count as i128 / i128::from(self.span.nanos().max(1))) as usize;
            let column = &mut columns[place.min(count - 1)];
            let better = |known: f64| if greatest { known.max(value) } else { known.min(value) };
            *column = Some(column.map_or(value, better));
        }
        columns
    }

    /// How much of the past the points show.
    pub(super) fn span(&self) -> Span {
        self.span
    }

    /// How long until a line through the points is at a limit; `None` when the points are no line, or
    /// when that is much further away than the points reach back.
    ///
    /// The line is that of least squares; points are called a line when it explains half of their variance.
    pub(super) fn reaches(&self, test: usize, limit: f64) -> Option<Span> {
        let points: Vec<(Timestamp, f64)> = self.points(test).collect();
        let count = points.len() as f64;
        if count < 20.0 {
            return None;
        }
        let seconds = |ts: Timestamp| (ts.nanos() - self.at.nanos()) as f64 / 1e9;
        let (mean_t, mean_v) =
            (points.iter().map(|(ts, _)| seconds(*ts)).sum::<f64>() / count, points.iter().map(|(_, value)| value).sum::<f64>() / count);
        let sum = |of: &dyn Fn(f64, f64) -> f64| points.iter().map(|(ts, value)| of(seconds(*ts) - mean_t, value - mean_v)).sum::<f64>();
        let (tt, tv, vv) = (sum(&|t, _| t * t), sum(&|t, v| t * v), sum(&|_, v| v * v));
        let slope = tv / tt;
        if !slope.is_finite() || slope == 0.0 || tv * tv / (tt * vv) < 0.5 {
            return None;
        }
        let now = mean_v - slope * mean_t;
        Span::from_secs_f64((limit - now) / slope).filter(|span| !span.is_zero() && *span <= self.span.times(AHEAD))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: u32) -> Timestamp {
        Timestamp::from_nanos(0).plus(Span::from_secs(second))
    }

    fn past(values: &[f64], statuses: &[Status]) -> Past {
        let mut past = Past::new(second(values.len() as u32), Span::from_secs(values.len() as u32));
        for (at, value) in values.iter().enumerate() {
            let status = statuses.get(at).copied().unwrap_or(Status::Ok);
            let outcome = Outcome { rule: 0, group: 0, at: second(at as u32 + 1), status, before: None, value: None, level: None };
            past.note(&outcome, || vec![None, Some(*value)]);
        }
        past
    }

    #[test]
    fn it_fires_from_the_first_bad_status_to_the_next_ok_and_unknown_ends_nothing() {
        use Status::{Critical, Ok, Unknown, Warning};
        let past = past(&[0.0; 8], &[Ok, Warning, Critical, Unknown, Warning, Ok, Unknown, Warning]);
        let times = |from, to: Option<u32>, worst| Times { from: second(from), to: to.map(second), worst };
        assert_eq!(past.times, [times(2, Some(6), Critical), times(8, None, Warning)]);
        assert_eq!(past.ended().count(), 1);
    }

    #[test]
    fn a_line_is_followed_as_far_as_it_is_long_and_noise_is_no_line() {
        let line: Vec<f64> = (0..60).map(f64::from).collect();
        assert_eq!(past(&line, &[]).reaches(1, 89.0), Some(Span::from_secs(30)));
        assert_eq!(past(&line, &[]).reaches(1, 1000.0), None, "too far");
        assert_eq!(past(&line, &[]).reaches(1, 10.0), None, "it was there before");
        let noise: Vec<f64> = (0..60).map(|at| f64::from(at * 7 % 13)).collect();
        assert_eq!(past(&noise, &[]).reaches(1, 20.0), None);
    }

    #[test]
    fn columns_keep_the_extreme_and_leave_gaps() {
        let past = past(&[1.0, 9.0, 2.0, 3.0], &[]);
        assert_eq!(past.columns(1, 2, true), [Some(1.0), Some(9.0)]);
        assert_eq!(past.columns(1, 2, false), [Some(1.0), Some(2.0)]);
        assert_eq!(past.columns(1, 8, true).iter().flatten().count(), 4);
        assert_eq!(past.columns(0, 8, true), [None; 8], "another comparison");
    }
}
