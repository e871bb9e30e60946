//! Outcomes of evaluations, gathered into the alerts of each group of each check.

use crate::record::{Status, Tags};
use crate::rule::engine::{Engine, Outcome};
use crate::rule::syntax::{Compare, Logic, TestKind};
use crate::time::{Span, Timestamp};

/// One time that a group of a check fired.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alert {
    /// The first evaluation that was warning or critical.
    pub begin: Timestamp,
    /// The first one after it that was ok; `None` when the history ended before.
    pub end: Option<Timestamp>,
    /// The worst status it had.
    pub status: Status,
    /// The worst value it had: by the side on which the condition's limit lies.
    pub value: Option<f64>,
}

impl Alert {
    /// How long it lasted, until `until` when it did not end.
    pub fn length(&self, until: Timestamp) -> Span {
        self.end.unwrap_or(until).since(self.begin)
    }

    /// Whether it fired at any instant from `from` up to `to`.
    pub fn touches(&self, from: Timestamp, to: Timestamp) -> bool {
        self.begin <= to && self.end.is_none_or(|end| end > from)
    }
}

/// What happened to one group of a check.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// The group.
    pub tags: Tags,
    /// The unit of the alerts' values, once somebody has told it.
    pub unit: Option<String>,
    /// Its alerts, in the order of time.
    pub alerts: Vec<Alert>,
    /// For how long its status was unknown.
    pub unknown: Span,
    pub(super) status: Option<Status>,
    /// Since when the status is so.
    pub(super) since: Timestamp,
    /// Whether the last alert goes on.
    pub(super) fires: bool,
}

/// Which of two values is the worse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worse {
    Higher,
    Lower,
    /// Neither: the first one is told.
    First,
}

/// The groups of one check.
#[derive(Debug)]
struct Page {
    worse: Worse,
    courses: Vec<Course>,
    /// Which course each group of the engine is.
    places: Vec<usize>,
}

/// The alerts of all checks.
#[derive(Debug)]
pub struct Ledger {
    from: Timestamp,
    pages: Vec<Page>,
}

impl Ledger {
    /// An empty ledger for the checks of an engine; what ended before `from` is left out.
    pub fn new(engine: &Engine, from: Timestamp) -> Ledger {
        let worse = |rule: usize| engine.check(rule).levels.first().map_or(Worse::First, |level| worse(&level.condition.logic, false));
        let page = |rule| Page { worse: worse(rule), courses: Vec::new(), places: Vec::new() };
        Ledger { from, pages: (0..engine.checks().count()).map(page).collect() }
    }

    /// Says from when on alerts and unknown time count, when that was not known before.
    pub fn begin(&mut self, from: Timestamp) {
        self.from = from;
    }

    /// Takes in one outcome; whether the status is another one than before.
    #[inline]
    pub fn note(&mut self, engine: &Engine, outcome: &Outcome) -> bool {
        let page = &mut self.pages[outcome.rule];
        if outcome.before.is_none() {
            page.open(engine.group(outcome.rule, outcome.group), outcome.group);
        }
        let course = &mut page.courses[page.places[outcome.group]];
        if course.status == Some(outcome.status) {
            if course.fires {
                course.see(page.worse, outcome);
            }
            return false;
        }
        course.turn(page.worse, outcome, self.from);
        true
    }

    /// The group that an outcome is of.
    pub fn course(&mut self, outcome: &Outcome) -> &mut Course {
        let page = &mut self.pages[outcome.rule];
        &mut page.courses[page.places[outcome.group]]
    }

    /// Says that the history ends; gives the groups of each check, ordered by their tags.
    pub fn close(self, until: Timestamp) -> Vec<Vec<Course>> {
        let from = self.from;
        let close = |page: Page| {
            let mut courses = page.courses;
            courses.iter_mut().for_each(|course| course.close(from, until));
            // A group of nothing is only there while nothing was seen.
            if courses.len() > 1 {
                courses.retain(|course| !course.tags.is_empty());
            }
            courses.sort_by(|a, b| a.tags.cmp(&b.tags));
            courses
        };
        self.pages.into_iter().map(close).collect()
    }
}

impl Page {
    /// Finds the course of a group that is evaluated for the first time.
    fn open(&mut self, tags: &Tags, group: usize) {
        if self.places.len() <= group {
            self.places.resize(group + 1, 0);
        }
        self.places[group] = self.courses.len();
        self.courses.push(Course { tags: tags.clone(), ..Course::default() });
    }
}

impl Course {
    /// Goes over to another status.
    fn turn(&mut self, worse: Worse, outcome: &Outcome, from: Timestamp) {
        self.leave(outcome.at, from);
        (self.status, self.since) = (Some(outcome.status), outcome.at);
        match outcome.status {
            Status::Warning | Status::Critical if self.fires => self.see(worse, outcome),
            Status::Warning | Status::Critical => {
                self.fires = true;
                self.alerts.push(Alert { begin: outcome.at, end: None, status: outcome.status, value: outcome.value });
            }
            Status::Ok if self.fires => {
                self.fires = false;
                if let Some(alert) = self.alerts.last_mut() {
                    alert.end = Some(outcome.at);
                }
                if outcome.at <= from {
                    self.alerts.pop();
                }
            }
            Status::Ok | Status::Unknown => {}
        }
    }

    /// Takes in one more evaluation of an alert that goes on.
    fn see(&mut self, worse: Worse, outcome: &Outcome) {
        let Some(alert) = self.alerts.last_mut() else { return };
        if !matches!(outcome.status, Status::Warning | Status::Critical) {
            return;
        }
        if outcome.status.rank() > alert.status.rank() {
            alert.status = outcome.status;
        }
        let is_worse = |value: f64, than: f64| match worse {
            Worse::Higher => value > than,
            Worse::Lower => value < than,
            Worse::First => false,
        };
        if let Some(value) = outcome.value.filter(|value| alert.value.is_none_or(|than| is_worse(*value, than))) {
            alert.value = Some(value);
        }
    }

    /// Counts the time of the status that ends.
    fn leave(&mut self, at: Timestamp, from: Timestamp) {
        if self.status == Some(Status::Unknown) {
            self.unknown = self.unknown.plus(at.since(self.since.max(from)));
        }
    }

    fn close(&mut self, from: Timestamp, until: Timestamp) {
        self.leave(until, from);
        self.status = None;
    }
}

/// On which side of its limit the first comparison of a condition is true.
fn worse(logic: &Logic, negated: bool) -> Worse {
    match logic {
        Logic::And(parts) | Logic::Or(parts) => parts.first().map_or(Worse::First, |part| worse(part, negated)),
        Logic::Not(part) => worse(part, !negated),
        Logic::For(part, _) | Logic::Times(part, _) => worse(part, negated),
        Logic::Test(test) => match &test.kind {
            TestKind::Compare { compare, .. } => match if negated { compare.opposite() } else { *compare } {
                Compare::Greater | Compare::GreaterOrEqual => Worse::Higher,
                Compare::Less | Compare::LessOrEqual => Worse::Lower,
                Compare::Equal | Compare::NotEqual => Worse::First,
            },
            TestKind::Absent { .. } => Worse::Higher,
            TestKind::In { .. } => Worse::First,
        },
    }
}
