//! What comes again and again: a schedule in its zone, and windows of time that it begins.

use super::{Cron, OnCalendar, Placed, Zone};
use crate::time::{Span, Timestamp};

/// A schedule in its zone.
#[derive(Debug, Clone, PartialEq)]
pub enum Recurrence {
    /// By a cron expression.
    Cron(Cron, Zone),
    /// By calendar events, whichever comes first.
    OnCalendar(Vec<OnCalendar>, Zone),
}

/// What a change of the clock did to an instant of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// The clock jumped over its time; it runs at once after the jump.
    AfterJump,
    /// The clock shows its time twice; it runs the first time only.
    FirstOfTwo,
    /// The clock shows its time twice, and it runs both times: this is the first or the second.
    Again {
        /// Whether this is the second time.
        second: bool,
    },
}

impl Recurrence {
    /// The zone of its clock.
    pub const fn zone(&self) -> Zone {
        match self {
            Recurrence::Cron(_, zone) | Recurrence::OnCalendar(_, zone) => *zone,
        }
    }

    /// The first instant after another; `None` when there is none any more.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Recurrence::Cron(cron, zone) => cron.next_after(after, *zone),
            Recurrence::OnCalendar(events, zone) => events.iter().filter_map(|event| event.next_after(after, *zone)).min(),
        }
    }

    /// The last instant before another; `None` when there was none.
    pub fn previous_before(&self, before: Timestamp) -> Option<Timestamp> {
        match self {
            Recurrence::Cron(cron, zone) => cron.previous_before(before, *zone),
            Recurrence::OnCalendar(events, zone) => events.iter().filter_map(|event| event.previous_before(before, *zone)).max(),
        }
    }

    /// What a change of the clock did to one of its instants, if anything.
    pub fn moved(&self, at: Timestamp) -> Option<Moved> {
        let zone = self.zone();
        let follows = match self {
            Recurrence::Cron(cron, _) => cron.follows_clock(),
            Recurrence::OnCalendar(..) => false,
        };
        match zone.instants(zone.wall(at)) {
            Placed::Twice(first, second) if follows => {
                // Both only where the other one is on the schedule, too.
                let other = if at == first { second } else { first };
                let runs = self.next_after(other.minus(Span::from_nanos(1))) == Some(other);
                runs.then_some(Moved::Again { second: at == second })
            }
            Placed::Twice(first, _) if at == first => Some(Moved::FirstOfTwo),
            Placed::Once(_) if !follows && matches!(self, Recurrence::Cron(..)) && self.jumped_to(at) => Some(Moved::AfterJump),
            _ => None,
        }
    }

    /// Whether the clock jumped to here, and what is on the schedule lies in what it jumped over.
    fn jumped_to(&self, at: Timestamp) -> bool {
        let Recurrence::Cron(cron, zone) = self else { return false };
        let before = at.minus(Span::from_secs(1));
        if zone.offset(before) >= zone.offset(at) {
            return false;
        }
        // On a clock that never jumps, its own minute is not on the schedule, or an earlier one is, too.
        let wall = zone.wall(at);
        let plain = super::zone::instant(wall.0);
        let previous = cron.previous_before(plain.plus(Span::from_nanos(1)), Zone::UTC);
        previous.is_some_and(|previous| previous != plain)
    }
}

impl std::fmt::Display for Recurrence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Recurrence::Cron(cron, _) => write!(f, "{cron}"),
            Recurrence::OnCalendar(events, _) => {
                let texts: Vec<String> = events.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join("; "))
            }
        }
    }
}

/// Stretches of time that begin on a schedule and are equally long.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// When they begin.
    pub begin: Recurrence,
    /// How long each is.
    pub length: Span,
}

impl Window {
    /// The stretch that an instant lies in: its begin and the instant after its end.
    pub fn around(&self, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let begin = self.begin.previous_before(at.plus(Span::from_nanos(1)))?;
        let end = begin.plus(self.length);
        (at < end).then_some((begin, end))
    }

    /// The next instant at which a stretch begins or ends.
    pub fn next_border(&self, after: Timestamp) -> Option<Timestamp> {
        let begin = self.begin.next_after(after);
        let end = self.around(after).map(|(_, end)| end);
        match (begin, end) {
            (Some(begin), Some(end)) => Some(begin.min(end)),
            (begin, end) => begin.or(end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_window_lasts_from_its_begin_to_before_its_end() {
        let window = Window { begin: Recurrence::Cron(Cron::parse("0 2 * * 0").unwrap(), Zone::UTC), length: Span::from_secs(7200) };
        assert_eq!(window.around(at("2026-11-22T01:59:59Z")), None);
        assert_eq!(window.around(at("2026-11-22T02:00:00Z")), Some((at("2026-11-22T02:00:00Z"), at("2026-11-22T04:00:00Z"))));
        assert_eq!(window.around(at("2026-11-22T04:00:00Z")), None);
        assert_eq!(window.next_border(at("2026-11-22T02:00:00Z")), Some(at("2026-11-22T04:00:00Z")));
        assert_eq!(window.next_border(at("2026-11-22T04:00:00Z")), Some(at("2026-11-29T02:00:00Z")));
    }

    #[test]
    fn what_a_change_of_the_clock_moves_is_told() {
        let riga = Zone::named("Europe/Riga").unwrap();
        let moved = |expression: &str, instant: &str| Recurrence::Cron(Cron::parse(expression).unwrap(), riga).moved(at(instant));
        assert_eq!(moved("15 3 * * *", "2021-03-28T01:00:00Z"), Some(Moved::AfterJump));
        assert_eq!(moved("0 4 * * *", "2021-03-28T01:00:00Z"), None);
        assert_eq!(moved("15 3 * * *", "2021-10-31T00:15:00Z"), Some(Moved::FirstOfTwo));
        assert_eq!(moved("15 * * * *", "2021-10-31T00:15:00Z"), Some(Moved::Again { second: false }));
        assert_eq!(moved("15 * * * *", "2021-10-31T01:15:00Z"), Some(Moved::Again { second: true }));
        assert_eq!(moved("15 3 * * *", "2021-06-01T00:15:00Z"), None);
    }
}
