//! What a clock and a calendar on the wall show, wherever the wall is.
//!
//! Days are counted by the method of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"
//! (2021): years begin in March, eras of 400 years have 146,097 days.

const DAY_S: i64 = 86_400;

/// A day of the proleptic Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// The year.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

impl Date {
    /// The day that so many days after 1970-01-01 is.
    pub const fn of_days(days: i64) -> Date {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = (of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
        let month = (if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 }) as u32;
        Date { year: year_of_era + era * 400 + if month <= 2 { 1 } else { 0 }, month, day }
    }

    /// Days since 1970-01-01; a day past the month's end counts into the next.
    pub const fn days(self) -> i64 {
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let shifted_month = (self.month as i64 + 9) % 12;
        let of_year = (153 * shifted_month + 2) / 5 + self.day as i64 - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// 0 is Sunday.
    pub const fn weekday(self) -> u32 {
        (self.days() + 4).rem_euclid(7) as u32
    }

    /// The last day of this month.
    pub const fn month_length(self) -> u32 {
        match self.month {
            2 if self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

/// A clock's second on a calendar's day: seconds since 1970-01-01 00:00:00 of that clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(pub i64);

impl Wall {
    /// The second of a day.
    pub const fn of(date: Date, second: i64) -> Wall {
        Wall(date.days() * DAY_S + second)
    }

    /// The day.
    pub const fn date(self) -> Date {
        Date::of_days(self.0.div_euclid(DAY_S))
    }

    /// The second of the day.
    pub const fn second_of_day(self) -> i64 {
        self.0.rem_euclid(DAY_S)
    }

    /// 0 to 23.
    pub const fn hour(self) -> u32 {
        (self.second_of_day() / 3600) as u32
    }

    /// 0 to 59.
    pub const fn minute(self) -> u32 {
        (self.second_of_day() / 60 % 60) as u32
    }

    /// Midnight at the begin of the day so many days later.
    pub const fn midnight(self, days: i64) -> Wall {
        Wall((self.0.div_euclid(DAY_S) + days) * DAY_S)
    }
}

impl std::fmt::Display for Wall {
    /// Writes `2026-11-22 19:45:03`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Date { year, month, day } = self.date();
        let second = self.second_of_day();
        write!(f, "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_the_same_both_ways() {
        for days in (-200_000..200_000).step_by(37) {
            assert_eq!(Date::of_days(days).days(), days);
        }
        let date = Date { year: 2024, month: 2, day: 29 };
        assert_eq!((date.days(), date.weekday(), date.month_length()), (19_782, 4, 29));
        assert_eq!(Date { year: 2100, month: 2, day: 1 }.month_length(), 28);
        assert_eq!(Wall::of(date, 3661).to_string(), "2024-02-29 01:01:01");
    }
}
