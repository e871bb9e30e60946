//! Alerts held against what people know: incidents, and judgements of alerts.
//!
//! An alert and an incident belong together when they overlap, and neither speaks of another check
//! or another group. Precision is the share of alerts that meant something, recall the share of
//! incidents that were told.

use super::ledger::{Alert, Course};
use crate::record::{Notice, Tags};
use crate::time::{Span, Timestamp};

/// How long after an alert people may judge it.
const JUDGED_WITHIN: Span = Span::from_secs(24 * 3600);

/// How long before somebody says that an alert was missed it may have come all the same.
const MISSED_WITHIN: Span = Span::from_secs(3600);

/// A stretch of time in which something was known to be wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// The check that ought to tell it; `None`: every one.
    pub check: Option<String>,
    /// The group it is about; tags that a group does not have don't matter.
    pub tags: Tags,
}

impl Incident {
    /// Whether it is about a check.
    pub fn is_of(&self, check: &str) -> bool {
        self.check.as_deref().is_none_or(|name| name == check)
    }
}

/// How well the alerts of a check tell incidents.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Score {
    /// How many alerts overlap an incident.
    pub real: usize,
    /// How many don't.
    pub false_alarms: usize,
    /// How many incidents were told.
    pub found: usize,
    /// Which were not.
    pub missed: Vec<Incident>,
    /// How long after an incident's begin its first alert began, for each that was told, ascending.
    pub delays: Vec<Span>,
}

impl Score {
    /// The share of alerts that told an incident; `None` without alerts.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.real, self.real + self.false_alarms)
    }

    /// The share of incidents that were told; `None` without incidents.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.found, self.found + self.missed.len())
    }

    /// The delay in the middle.
    pub fn delay(&self) -> Option<Span> {
        self.delays.get(self.delays.len() / 2).copied()
    }

    /// The harmonic mean of precision and recall; 0 where either is none.
    pub fn f1(&self) -> f64 {
        let (precision, recall) = (self.precision().unwrap_or(0.0), self.recall().unwrap_or(0.0));
        if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
    }
}

fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Whether two tag sets contradict each other.
fn joins(one: &Tags, other: &Tags) -> bool {
    one.iter().all(|(key, value)| other.get(key).is_none_or(|own| own == value))
}

/// Holds the groups of a check against incidents, which must be about it.
pub fn score(courses: &[Course], incidents: &[&Incident]) -> Score {
    let mut score = Score::default();
    for course in courses {
        let own: Vec<&&Incident> = incidents.iter().filter(|incident| joins(&incident.tags, &course.tags)).collect();
        let real = course.alerts.iter().filter(|alert| own.iter().any(|incident| alert.touches(incident.from, incident.to))).count();
        score.real += real;
        score.false_alarms += course.alerts.len() - real;
    }
    for incident in incidents {
        let first = courses
            .iter()
            .filter(|course| joins(&incident.tags, &course.tags))
            .filter_map(|course| course.alerts.iter().find(|alert| alert.touches(incident.from, incident.to)))
            .map(|alert| alert.begin)
            .min();
        match first {
            Some(begin) => {
                score.found += 1;
                score.delays.push(begin.since(incident.from));
            }
            None => score.missed.push((*incident).clone()),
        }
    }
    score.delays.sort();
    score
}

/// What somebody said of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opinion {
    /// It was right to tell.
    Real,
    /// It was not worth telling.
    Noise,
    /// Nothing was told, and something should have been.
    Missed,
}

/// A judgement: the notice `judged` with the state `real`, `noise` or `missed`.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// When it was given.
    pub ts: Timestamp,
    /// The check.
    pub check: String,
    /// The group, as far as it was named.
    pub tags: Tags,
    /// What was said.
    pub opinion: Opinion,
}

impl Judgement {
    /// Reads a notice; `None` when it is about something else.
    pub fn of(notice: &Notice) -> Option<Judgement> {
        let opinion = match (notice.notice.as_str(), notice.state.as_deref()?) {
            ("judged", "real") => Opinion::Real,
            ("judged", "noise") => Opinion::Noise,
            ("judged", "missed") => Opinion::Missed,
            _ => return None,
        };
        Some(Judgement { ts: notice.ts, check: notice.check.clone()?, tags: notice.tags.clone(), opinion })
    }
}

/// What judgements say about the alerts that a check would have raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Judged real, and raised.
    pub real: usize,
    /// Judged real, and not raised.
    pub real_lost: usize,
    /// Judged noise, and raised.
    pub noise: usize,
    /// Judged noise, and not raised.
    pub noise_gone: usize,
    /// Said to be missed, and not raised.
    pub missed: usize,
    /// Said to be missed, and raised.
    pub missed_found: usize,
}

impl Tally {
    /// The share of the judged alerts that were worth it; `None` without any.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.real + self.missed_found, self.real + self.missed_found + self.noise)
    }

    /// The share of what was worth telling that was told; `None` without any.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.real + self.missed_found, self.real + self.missed_found + self.real_lost + self.missed)
    }
}

/// Counts what judgements, which must be about the check, say of its groups' alerts.
///
/// A judgement speaks of what fired in the day before it was given; one of a miss, of what should
/// have fired in the hour before.
pub fn judged(courses: &[Course], judgements: &[&Judgement]) -> Tally {
    let mut tally = Tally::default();
    for judgement in judgements {
        let within = if judgement.opinion == Opinion::Missed { MISSED_WITHIN } else { JUDGED_WITHIN };
        let touches = |alert: &Alert| alert.touches(judgement.ts.minus(within), judgement.ts);
        let raised = courses.iter().any(|course| joins(&judgement.tags, &course.tags) && course.alerts.iter().any(touches));
        let count = match (judgement.opinion, raised) {
            (Opinion::Real, true) => &mut tally.real,
            (Opinion::Real, false) => &mut tally.real_lost,
            (Opinion::Noise, true) => &mut tally.noise,
            (Opinion::Noise, false) => &mut tally.noise_gone,
            (Opinion::Missed, false) => &mut tally.missed,
            (Opinion::Missed, true) => &mut tally.missed_found,
        };
        *count += 1;
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Status;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_nanos(minute * 60_000_000_000)
    }

    fn course(tags: &[(&str, &str)], alerts: &[(i64, i64)]) -> Course {
        let alert =
            |(begin, end): &(i64, i64)| Alert { begin: minute(*begin), end: Some(minute(*end)), status: Status::Critical, value: None };
        Course { tags: tags.iter().copied().collect(), alerts: alerts.iter().map(alert).collect(), ..Course::default() }
    }

    fn incident(from: i64, to: i64, tags: &[(&str, &str)]) -> Incident {
        Incident { from: minute(from), to: minute(to), check: None, tags: tags.iter().copied().collect() }
    }

    #[test]
    fn alerts_tell_the_incidents_they_overlap() {
        let courses = [course(&[("host", "a")], &[(12, 20), (50, 55)]), course(&[("host", "b")], &[(14, 15)])];
        let all = [incident(10, 30, &[]), incident(40, 45, &[]), incident(52, 60, &[("host", "b")])];
        let score = score(&courses, &all.iter().collect::<Vec<_>>());
        assert_eq!((score.real, score.false_alarms, score.found), (2, 1, 1));
        assert_eq!(score.missed, [all[1].clone(), all[2].clone()]);
        assert_eq!(score.delay(), Some(Span::from_secs(120)));
        assert_eq!((score.precision(), score.recall()), (Some(2.0 / 3.0), Some(1.0 / 3.0)));
    }

    #[test]
    fn a_judgement_speaks_of_the_day_before_it() {
        let courses = [course(&[("host", "a")], &[(100, 110)])];
        let judgement = |at: i64, opinion, host: &str| Judgement {
            ts: minute(at),
            check: "c".into(),
            tags: [("host", host)].into_iter().collect(),
            opinion,
        };
        let all = [
            judgement(200, Opinion::Real, "a"),
            judgement(200, Opinion::Real, "b"),
            judgement(105, Opinion::Noise, "a"),
            judgement(110 + 24 * 60, Opinion::Noise, "a"),
            judgement(169, Opinion::Missed, "a"),
            judgement(170, Opinion::Missed, "a"),
        ];
        let tally = judged(&courses, &all.iter().collect::<Vec<_>>());
        assert_eq!(tally, Tally { real: 1, real_lost: 1, noise: 1, noise_gone: 1, missed: 1, missed_found: 1 });
        assert_eq!((tally.precision(), tally.recall()), (Some(2.0 / 3.0), Some(0.5)));
    }
}
