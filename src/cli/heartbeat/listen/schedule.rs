//! When a check is due: by a period, a cron expression or systemd's OnCalendar.

use crate::calendar::{Cron, OnCalendar, Recurrence, Zone};
use crate::time::{Span, Timestamp};

/// A rhythm of pings.
#[derive(Debug, Clone)]
pub(super) enum Schedule {
    /// So long after the last one.
    Every(Span),
    /// At the instants of a calendar.
    At(Recurrence),
}

impl Schedule {
    /// A period.
    pub(super) const fn every(period: Span) -> Schedule {
        Schedule::Every(period)
    }

    /// Reads a schedule; `None` when it is empty or can't be read, or the zone is not known.
    ///
    /// Shape: one line of five fields is a cron expression, all else lines of OnCalendar.
    pub(super) fn of(text: &str, zone: &str) -> Option<Schedule> {
        let zone = Zone::named(zone).ok()?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
        lines.peek()?;
        if text.trim().lines().count() == 1 && text.split_whitespace().count() == 5 {
            return Some(Schedule::At(Recurrence::Cron(Cron::parse(text.trim()).ok()?, zone)));
        }
        let events: Option<Vec<OnCalendar>> = lines.map(|line| OnCalendar::parse(line).ok()).collect();
        Some(Schedule::At(Recurrence::OnCalendar(events?, zone)))
    }

    /// The next instant after another; `None` when there is none any more.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Schedule::Every(period) => Some(after.plus(*period)),
            Schedule::At(recurrence) => recurrence.next_after(after),
        }
    }
}

/// Whether a zone is known.
pub(super) fn is_zone(name: &str) -> bool {
    Zone::named(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::heartbeat::listen::check::Spec;
    use crate::heartbeat::pinged::{Pinged, Stored};

    #[test]
    fn states_by_schedule_are_those_of_the_published_cases() {
        // Schedule, zone, grace in seconds, last ping, at, state; the rows of healthchecks' own tests.
        let cases = [
            ("0 0 * * *", "UTC", 3600, "2000-01-01T00:00:00Z", "2000-01-01T23:59:00Z", "up"),
            ("0 0 * * *", "UTC", 3600, "2000-01-01T00:00:00Z", "2000-01-02T00:00:00Z", "grace"),
            ("0 0 * * *", "UTC", 3600, "2000-01-01T00:00:00Z", "2000-01-02T01:00:00Z", "down"),
            ("00:00", "UTC", 3600, "2000-01-01T00:00:00Z", "2000-01-01T23:59:00Z", "up"),
            ("00:00", "UTC", 3600, "2000-01-01T00:00:00Z", "2000-01-02T00:00:00Z", "grace"),
            ("00:00", "UTC", 3600, "2000-01-01T00:00:00Z", "2000-01-02T01:00:00Z", "down"),
            ("2019-01-01", "UTC", 3600, "2020-01-01T00:00:00Z", "2020-01-01T01:00:00Z", "up"),
            ("0 10 * * *", "Australia/Brisbane", 3600, "2000-01-01T00:00:00Z", "2000-01-01T23:59:00Z", "up"),
            ("0 10 * * *", "Australia/Brisbane", 3600, "2000-01-01T00:00:00Z", "2000-01-02T00:00:00Z", "grace"),
            ("0 10 * * *", "Australia/Brisbane", 3600, "2000-01-01T00:00:00Z", "2000-01-02T01:00:00Z", "down"),
            ("15 * * * *", "Europe/Riga", 300, "2023-10-29T00:55:00Z", "2023-10-29T01:05:00Z", "up"),
            ("", "UTC", 3600, "2000-01-01T00:00:00Z", "2000-01-02T00:30:00Z", "grace"),
            ("", "UTC", 3600, "2000-01-01T00:00:00Z", "2000-01-03T00:00:00Z", "down"),
        ];
        for (schedule, tz, grace, last, at, state) in cases {
            let rhythm = Spec { schedule: schedule.into(), tz: tz.into(), grace, ..Spec::default() }.rhythm();
            let instant = |text: &str| Timestamp::parse(text).unwrap();
            let mut pinged = Pinged { stored: Stored::Up, last_ping: Some(instant(last)), ..Pinged::default() };
            pinged.pass(instant(at), &rhythm);
            assert_eq!(pinged.shown(instant(at), &rhythm), state, "{schedule} {tz} {at}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in ["", "nonsense", "99 * * * *", "* * * *", "Mon..Fri 09:00\nnonsense"] {
            assert!(Schedule::of(text, "UTC").is_none(), "{text}");
        }
        assert!(Schedule::of("* * * * *", "Mars/Base").is_none());
        assert!(Schedule::of("Mon..Fri 09:00\nSat 10:00", "Europe/Riga").is_some());
    }
}
