//! Zones: which instant a wall's clock means, and what it shows at an instant.
//!
//! The rules are those of the time zone database (RFC 6557), as chrono-tz carries them.

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::{CalendarError, Wall};
use crate::record::{nearest, show};
use crate::time::Timestamp;

/// The clock of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

/// The instants at which a clock shows something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// Once, as nearly always.
    Once(Timestamp),
    /// Twice: the clock was set back.
    Twice(Timestamp, Timestamp),
    /// Never: the clock jumped over it at this instant.
    Skipped(Timestamp),
}

impl Placed {
    /// The first instant; of what was jumped over, that of the jump.
    pub const fn first(self) -> Timestamp {
        match self {
            Placed::Once(at) | Placed::Twice(at, _) | Placed::Skipped(at) => at,
        }
    }
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Zone = Zone(Tz::UTC);

    /// The zone of a name like `Europe/Riga`.
    ///
    /// # Errors
    /// When the database has no such zone; the nearest name is suggested.
    pub fn named(name: &str) -> Result<Zone, CalendarError> {
        let plain = name.strip_prefix(':').unwrap_or(name);
        if let Ok(zone) = plain.parse::<Tz>() {
            return Ok(Zone(zone));
        }
        let error = CalendarError::new(format!("no time zone is named `{}`", show(name.as_bytes(), 60)), (0, name.len()));
        let names = || chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        let same = names().find(|known| known.eq_ignore_ascii_case(plain) || known.rsplit('/').next() == Some(plain));
        Err(match same.or_else(|| nearest(plain, names())) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("zones are named by region and city, like `Europe/Berlin`"),
        })
    }

    /// The zone's name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Seconds that the clock is ahead of UTC at an instant.
    pub fn offset(self, at: Timestamp) -> i64 {
        let seconds = at.nanos().div_euclid(1_000_000_000);
        match DateTime::from_timestamp(seconds, 0) {
            Some(utc) => i64::from(self.0.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc()),
            None => 0,
        }
    }

    /// What the clock shows at an instant; parts of a second are left out.
    pub fn wall(self, at: Timestamp) -> Wall {
        Wall(at.nanos().div_euclid(1_000_000_000) + self.offset(at))
    }

    /// The instants at which the clock shows something; beyond what can be told, the nearest.
    pub fn instants(self, wall: Wall) -> Placed {
        let Some(naive) = DateTime::from_timestamp(wall.0, 0).map(|time| time.naive_utc()) else {
            return Placed::Once(instant(wall.0));
        };
        match self.0.offset_from_local_datetime(&naive) {
            chrono::MappedLocalTime::Single(offset) => Placed::Once(instant(wall.0 - i64::from(offset.fix().local_minus_utc()))),
            chrono::MappedLocalTime::Ambiguous(one, other) => {
                let (one, other) = [one, other].map(|offset| instant(wall.0 - i64::from(offset.fix().local_minus_utc()))).into();
                Placed::Twice(std::cmp::min(one, other), std::cmp::max(one, other))
            }
            chrono::MappedLocalTime::None => Placed::Skipped(self.jump(wall, naive)),
        }
    }

    /// The instant at which the clock jumped over what it never showed.
    fn jump(self, wall: Wall, _: NaiveDateTime) -> Timestamp {
        // A day before, the offset is that from before the jump; a jump is by less than a day.
        let before = self.offset(instant(wall.0 - 86_400 - self.offset(instant(wall.0))));
        let (mut low, mut high) = (wall.0 - 86_400 - before, wall.0 - before);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.offset(instant(middle)) == before { low = middle } else { high = middle }
        }
        instant(high)
    }

    /// An instant as this zone's clock has it: `2026-11-22T21:45:03+02:00`, with `Z` for UTC.
    pub fn rfc3339(self, at: Timestamp) -> String {
        let offset = self.offset(at);
        let wall = self.wall(at).to_string().replace(' ', "T");
        let fraction = at.nanos().rem_euclid(1_000_000_000);
        let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:09}").trim_end_matches('0').to_owned() };
        if offset == 0 && self == Zone::UTC {
            return format!("{wall}{fraction}Z");
        }
        let (sign, size) = (if offset < 0 { '-' } else { '+' }, offset.abs());
        format!("{wall}{fraction}{sign}{:02}:{:02}", size / 3600, size / 60 % 60)
    }

    /// What the clock is called at an instant: `EET`, `+03`.
    pub fn abbreviation(self, at: Timestamp) -> String {
        let seconds = at.nanos().div_euclid(1_000_000_000);
        DateTime::from_timestamp(seconds, 0).map_or_else(String::new, |utc| self.0.offset_from_utc_datetime(&utc.naive_utc()).to_string())
    }
}

/// The instant so many seconds after 1970 UTC, or the nearest that can be told.
pub(super) fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_nanos(seconds.saturating_mul(1_000_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn wall(text: &str) -> Wall {
        Zone::UTC.wall(at(&format!("{text}Z")))
    }

    #[test]
    fn a_clock_shows_an_hour_twice_or_never() {
        let riga = Zone::named("Europe/Riga").unwrap();
        assert_eq!(riga.instants(wall("2021-06-01T12:00:00")), Placed::Once(at("2021-06-01T09:00:00Z")));
        assert_eq!(riga.instants(wall("2021-10-31T03:30:00")), Placed::Twice(at("2021-10-31T00:30:00Z"), at("2021-10-31T01:30:00Z")));
        for text in ["2021-03-28T03:00:00", "2021-03-28T03:59:59"] {
            assert_eq!(riga.instants(wall(text)), Placed::Skipped(at("2021-03-28T01:00:00Z")));
        }
        assert_eq!(riga.rfc3339(at("2021-10-31T00:30:00.5Z")), "2021-10-31T03:30:00.5+03:00");
        assert_eq!(riga.abbreviation(at("2021-01-31T00:30:00Z")), "EET");
        let howe = Zone::named("Australia/Lord_Howe").unwrap();
        assert_eq!(howe.instants(wall("2024-10-06T02:10:00")), Placed::Skipped(at("2024-10-05T15:30:00Z")));
    }

    #[test]
    fn a_name_that_is_none_is_told_with_the_nearest() {
        for (name, near) in [("Europe/Berln", "Europe/Berlin"), ("europe/riga", "Europe/Riga"), ("Auckland", "Pacific/Auckland")] {
            let error = Zone::named(name).unwrap_err();
            assert_eq!(error.hint.unwrap(), format!("did you mean `{near}`?"));
        }
    }
}
