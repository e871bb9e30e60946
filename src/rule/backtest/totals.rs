//! What the alerts of a check come to, for those who would have been woken by them.

use super::ledger::Course;
use crate::time::{Span, Timestamp};

/// Alerts shorter than this are told apart; and one that comes back within it is a flap.
pub const SHORT: Span = Span::from_secs(300);

/// The hours of the night: from 22:00 to 07:00.
const NIGHT: (i64, i64) = (22, 7);

const HOUR: i64 = 3_600_000_000_000;
const WEEK: f64 = 604_800.0;

/// A place's fixed distance from UTC, in nanoseconds; east of Greenwich is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Zone(i64);

impl Zone {
    /// Reads `UTC`, `Z`, `+02:00` or `-0330`; `None` when it is none of these.
    pub fn parse(text: &str) -> Option<Zone> {
        if matches!(text, "UTC" | "Z" | "utc" | "z") {
            return Some(Zone(0));
        }
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = match rest.split_once(':') {
            Some(parts) => parts,
            None if rest.len() == 4 => rest.split_at_checked(2)?,
            None => (rest, "0"),
        };
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        (hours <= 14 && minutes < 60).then_some(Zone(sign * (hours * HOUR + minutes * HOUR / 60)))
    }

    /// Whether people here sleep at an instant.
    pub fn is_night(self, at: Timestamp) -> bool {
        let hour = (at.nanos().saturating_add(self.0)).div_euclid(HOUR).rem_euclid(24);
        hour >= NIGHT.0 || hour < NIGHT.1
    }

    /// An instant as the clocks here show it, for a person: `2026-11-02 03:14:00`.
    pub fn clock(self, at: Timestamp) -> String {
        let local = Timestamp::from_nanos(at.nanos().saturating_add(self.0)).to_string();
        local.get(..19).unwrap_or(&local).replacen('T', " ", 1)
    }
}

/// What the alerts of one check or group come to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Totals {
    /// How many there were.
    pub alerts: usize,
    /// How many there were in a week, on average.
    pub per_week: f64,
    /// For how long anything fired, added up over the groups.
    pub alerting: Span,
    /// The longest one.
    pub longest: Span,
    /// How many came back within [`SHORT`] of the one before.
    pub flaps: usize,
    /// How many were over within [`SHORT`].
    pub short: usize,
    /// How many began at night.
    pub night: usize,
    /// For how long the status was unknown, added up over the groups.
    pub unknown: Span,
}

impl Totals {
    /// Adds up the groups of a check over a stretch of time.
    pub fn of(courses: &[Course], from: Timestamp, until: Timestamp, zone: Zone) -> Totals {
        let mut totals = Totals::default();
        for course in courses {
            totals.unknown = totals.unknown.plus(course.unknown);
            let mut before: Option<Timestamp> = None;
            for alert in &course.alerts {
                let within = alert.end.unwrap_or(until).since(alert.begin.max(from));
                totals.alerts += 1;
                totals.alerting = totals.alerting.plus(within);
                totals.longest = totals.longest.max(alert.length(until));
                totals.flaps += usize::from(before.is_some_and(|end| alert.begin.since(end) <= SHORT));
                totals.short += usize::from(alert.end.is_some() && alert.length(until) < SHORT);
                totals.night += usize::from(zone.is_night(alert.begin));
                before = alert.end;
            }
        }
        totals.per_week = per_week(totals.alerts as f64, from, until);
        totals
    }
}

/// How much of something there was in a week, on average; at least one hour is taken for the whole.
pub(super) fn per_week(count: f64, from: Timestamp, until: Timestamp) -> f64 {
    count * WEEK / until.since(from).secs_f64().max(3600.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Status, Tags};
    use crate::rule::backtest::Alert;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_zone_is_a_distance_from_utc() {
        let cases = [
            ("UTC", Some(0)),
            ("+02:00", Some(2 * HOUR)),
            ("-0330", Some(-7 * HOUR / 2)),
            ("+5", Some(5 * HOUR)),
            ("CET", None),
            ("+2:99", None),
            ("", None),
            ("+é:00", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Zone::parse(text).map(|zone| zone.0), expected, "{text}");
        }
    }

    #[test]
    fn night_is_from_ten_to_seven_where_people_are() {
        let cases = [("21:59:59", false), ("22:00:00", true), ("06:59:59", true), ("07:00:00", false)];
        for (time, expected) in cases {
            assert_eq!(Zone(0).is_night(at(&format!("2026-11-02T{time}Z"))), expected, "{time}");
        }
        assert!(Zone(2 * HOUR).is_night(at("2026-11-02T20:30:00Z")));
        assert_eq!(Zone(2 * HOUR).clock(at("2026-11-02T23:30:00.5Z")), "2026-11-03 01:30:00");
    }

    #[test]
    fn totals_add_up_what_fired() {
        let alert = |begin: &str, end: Option<&str>| Alert { begin: at(begin), end: end.map(at), status: Status::Critical, value: None };
        let alerts = vec![
            alert("2026-11-02T03:00:00Z", Some("2026-11-02T03:10:00Z")),
            alert("2026-11-02T03:15:00Z", Some("2026-11-02T03:16:00Z")),
            alert("2026-11-02T12:00:00Z", None),
        ];
        let course = Course { alerts, tags: Tags::new(), unknown: Span::from_secs(60), ..Course::default() };
        let totals = Totals::of(&[course], at("2026-11-01T00:00:00Z"), at("2026-11-02T12:30:00Z"), Zone(0));
        assert_eq!((totals.alerts, totals.flaps, totals.short, totals.night), (3, 1, 1, 2));
        assert_eq!((totals.alerting, totals.longest), (Span::from_secs(41 * 60), Span::from_secs(30 * 60)));
        assert_eq!(totals.unknown, Span::from_secs(60));
        assert!((totals.per_week - 3.0 * 7.0 / 1.520_833_333).abs() < 1e-6, "{}", totals.per_week);
    }
}
