//! What is expected of a job: when its beats come, how long its runs take, and what is put up with.

use crate::calendar::{Recurrence, Window, Zone};
use crate::record::{Status, Tags};
use crate::time::{Span, Timestamp};

/// The grace where none is told: an hour, or the period where that is shorter.
pub const GRACE: Span = Span::from_secs(3600);

/// When a job beats.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// So long after its last beat.
    Every(Span),
    /// At instants of a schedule of five fields, in its zone.
    Cron(Recurrence),
    /// At systemd's calendar events, in their zone.
    OnCalendar(Recurrence),
}

impl Schedule {
    /// When a beat is due that follows one at `last`; `None` when the schedule is exhausted.
    pub fn next_after(&self, last: Timestamp) -> Option<Timestamp> {
        match self {
            Schedule::Every(period) => Some(last.plus(*period)),
            Schedule::Cron(recurrence) | Schedule::OnCalendar(recurrence) => recurrence.next_after(last),
        }
    }

    /// The zone of its clock; UTC where it goes by none.
    pub const fn zone(&self) -> Zone {
        match self {
            Schedule::Every(_) => Zone::UTC,
            Schedule::Cron(recurrence) | Schedule::OnCalendar(recurrence) => recurrence.zone(),
        }
    }
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let zoned = |f: &mut std::fmt::Formatter<'_>, recurrence: &Recurrence| write!(f, "{recurrence} {}", recurrence.zone().name());
        match self {
            Schedule::Every(period) => write!(f, "every {}", period.human()),
            Schedule::Cron(recurrence) | Schedule::OnCalendar(recurrence) => zoned(f, recurrence),
        }
    }
}

/// How many failures it takes until a job counts as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// So many of them…
    pub of_these: u32,
    /// …among so many runs; equal to `of_these` for failures in a row. 64 at most.
    pub among: u32,
}

impl Failures {
    /// The first failure counts.
    pub const FIRST: Failures = Failures { of_these: 1, among: 1 };
}

/// A stretch of time in which nothing is expected.
#[derive(Debug, Clone, PartialEq)]
pub enum Maintenance {
    /// Once: from an instant to before another.
    Once(Timestamp, Timestamp),
    /// Again and again.
    Again(Window),
}

impl Maintenance {
    /// When the stretch ends that an instant lies in.
    pub fn end(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Maintenance::Once(from, to) => (*from <= at && at < *to).then_some(*to),
            Maintenance::Again(window) => window.around(at).map(|(_, end)| end),
        }
    }

    /// The next instant at which a stretch begins or ends.
    pub fn next_border(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Maintenance::Once(from, to) => [*from, *to].into_iter().find(|border| *border > after),
            Maintenance::Again(window) => window.next_border(after),
        }
    }
}

/// Which of several runs at once are timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timed {
    /// Every one, by its id.
    #[default]
    Every,
    /// The one begun last, and any failure ends it: as healthchecks has it.
    Newest,
}

/// What is expected of one job.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// The job's name.
    pub name: String,
    /// When it beats.
    pub schedule: Schedule,
    /// How much later a beat may be, and how long a run may stay open where `longest` is not told.
    pub grace: Span,
    /// How long a run may take.
    pub longest: Option<Span>,
    /// How long a run that did its work takes at least.
    pub shortest: Option<Span>,
    /// How many failures it takes.
    pub failures: Failures,
    /// Whether nothing is expected for now.
    pub paused: bool,
    /// When nothing is expected.
    pub maintenance: Vec<Maintenance>,
    /// The path that this job's activity goes through: the name of the job at its far end.
    pub through: Option<String>,
    /// What its verdicts carry.
    pub tags: Tags,
    /// Where to read what to do.
    pub playbook: Option<String>,
    /// How bad it is when it is late, has failed or hangs.
    pub severity: Status,
    /// Which of several runs at once are timed.
    pub timed: Timed,
}

impl Expectation {
    /// What is expected by a schedule alone: its usual grace, the first failure counts, critical.
    pub fn new(name: impl Into<String>, schedule: Schedule) -> Expectation {
        let grace = match schedule {
            Schedule::Every(period) => period.min(GRACE),
            Schedule::Cron(_) | Schedule::OnCalendar(_) => GRACE,
        };
        Expectation {
            name: name.into(),
            schedule,
            grace,
            longest: None,
            shortest: None,
            failures: Failures::FIRST,
            paused: false,
            maintenance: Vec::new(),
            through: None,
            tags: Tags::new(),
            playbook: None,
            severity: Status::Critical,
            timed: Timed::Every,
        }
    }

    /// How long a run may stay open until it hangs.
    pub fn hung_after(&self) -> Span {
        self.longest.unwrap_or(self.grace)
    }

    /// When the maintenance ends that an instant lies in, all that touch one another taken together.
    pub fn maintained_until(&self, at: Timestamp) -> Option<Timestamp> {
        let mut until = None;
        // Each turn goes forward; a job that is maintained for ever is left at some end.
        for _ in 0..100 {
            let from = until.unwrap_or(at);
            match self.maintenance.iter().filter_map(|maintenance| maintenance.end(from)).max() {
                Some(end) if end > from => until = Some(end),
                _ => break,
            }
        }
        until
    }

    /// When a beat is due that follows one at `last`, and the instant from which it is late.
    ///
    /// What would be due in a maintenance is due at its end, or by the schedule after it; a grace that
    /// would end in one ends with it.
    pub fn due_after(&self, last: Timestamp) -> Option<Due> {
        let mut due = self.schedule.next_after(last)?;
        for _ in 0..100 {
            let Some(end) = self.maintained_until(due) else { break };
            due = match &self.schedule {
                Schedule::Every(_) => end,
                schedule => schedule.next_after(end.minus(Span::from_nanos(1)))?,
            };
        }
        Some(Due { at: due, deadline: self.excused(due.plus(self.grace)) })
    }

    /// An instant, or the end of the maintenance that it lies in.
    pub fn excused(&self, at: Timestamp) -> Timestamp {
        self.maintained_until(at).unwrap_or(at)
    }
}

/// When the next beat is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Due {
    /// When it is due.
    pub at: Timestamp,
    /// From when on it is late: due and grace.
    pub deadline: Timestamp,
}
