//! Cron expressions, as Debian's cron runs them.
//!
//! ```text
//! minute hour day-of-month month day-of-week
//! 0-59   0-23 1-31 L LW    1-12  0-7 (0 and 7 are Sunday), 5#2 the second Friday, 5L the last
//! ```
//!
//! `*` is all, `a-b` a range, `a-b/n` and `*/n` every n-th, `a/n` every n-th from a on, `a,b` both;
//! months and weekdays also by three letters. `@hourly`, `@daily` and so on are such expressions.
//!
//! A day counts when both day fields fit where one of them begins with `*`; else when either does.
//!
//! | the clock is changed | minute or hour begins with `*` | both are fixed |
//! |---|---|---|
//! | forward | what is skipped is not run | what falls into it runs at once after the jump |
//! | back | runs in both repeated hours | runs once, in the first |
//!
//! Source: crontab(5) and cron(8) of Debian; for what they leave open, cronsim of PyPI, which
//! healthchecks uses.

use super::zone::instant;
use super::{CalendarError, Date, Wall, Zone};
use crate::record::show;
use crate::time::{Span, Timestamp};

/// How far ahead a match is looked for, in days: fifty years, as the longest gap between leap years on
/// one weekday is forty.
const HORIZON_DAYS: i64 = 50 * 366;

const MINUTE: Span = Span::from_secs(60);

/// A cron expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    last_day: bool,
    last_workday: bool,
    months: u64,
    weekdays: u64,
    /// `5#2` and `5L`: the weekday, and which one of the month; 0 is the last.
    nth_weekdays: Vec<(u32, u32)>,
    both_days: bool,
    /// Whether it follows the wall's clock through its changes.
    follows_clock: bool,
}

/// One of the five fields.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, names: &[] },
    Field { name: "hour", least: 0, most: 23, names: &[] },
    Field { name: "day of the month", least: 1, most: 31, names: &[] },
    Field {
        name: "month",
        least: 1,
        most: 12,
        names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    },
    Field { name: "day of the week", least: 0, most: 7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] },
];

/// Words for expressions.
const WORDS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// What one field says: the values it names, as bits, and what is no plain value.
#[derive(Default)]
struct Named {
    bits: u64,
    last: bool,
    last_workday: bool,
    nth: Vec<(u32, u32)>,
}

impl Cron {
    /// Reads an expression of five fields, or a word like `@daily`.
    ///
    /// # Errors
    /// What is wrong, and its place in the text; also when no day can ever fit, like a 30th of February.
    pub fn parse(text: &str) -> Result<Cron, CalendarError> {
        let trimmed = text.trim();
        if trimmed.starts_with('@') {
            return Cron::word(text, trimmed);
        }
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            let error = CalendarError::new(format!("a cron expression has 5 fields, found {}", fields.len()), (0, text.len()));
            return Err(error.hint("these are minute, hour, day of the month, month, day of the week: `15 2 * * *`"));
        };
        let at = |field: &str| field.as_ptr() as usize - text.as_ptr() as usize;
        let read = |number: usize, field: &str| FIELDS[number].read(field, at(field), number);
        let (minutes, hours) = (read(0, minute)?.bits, read(1, hour)?.bits);
        let (days, months, weekdays) = (read(2, day)?, read(3, month)?.bits, read(4, weekday)?);
        let star = |field: &str| field.starts_with('*');
        let cron = Cron {
            text: fields.join(" "),
            minutes,
            hours,
            days: days.bits,
            last_day: days.last,
            last_workday: days.last_workday,
            months,
            // Sunday is both 0 and 7.
            weekdays: (weekdays.bits | weekdays.bits >> 7) & 0x7f,
            nth_weekdays: weekdays.nth.into_iter().map(|(day, nth)| (day % 7, nth)).collect(),
            both_days: star(day) || star(weekday),
            follows_clock: star(minute) || star(hour),
        };
        let begin = Wall::of(Date { year: 2000, month: 1, day: 1 }, 0);
        if cron.next_wall(Wall(begin.0 - 60)).is_none() {
            let error = CalendarError::new("no day ever fits", (at(day), at(weekday) + weekday.len()));
            return Err(error.hint("the month may be too short for the day"));
        }
        Ok(cron)
    }

    fn word(text: &str, word: &str) -> Result<Cron, CalendarError> {
        let place = (0, text.len());
        if let Some((_, meaning)) = WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)) {
            return Cron::parse(meaning).map(|cron| Cron { text: word.to_ascii_lowercase(), ..cron });
        }
        let error = CalendarError::new(format!("`{}` is no word for a schedule", show(word.as_bytes(), 40)), place);
        Err(match crate::record::nearest(word, WORDS.iter().map(|(known, _)| *known)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None if word.eq_ignore_ascii_case("@reboot") => error.hint("a start of the machine comes at no time that can be expected"),
            None => error.hint(format!("these are: {}", WORDS.map(|(known, _)| known).join(", "))),
        })
    }

    /// Whether it follows the wall's clock through its changes, rather than running each time once.
    pub const fn follows_clock(&self) -> bool {
        self.follows_clock
    }

    /// The first instant at which it runs after another; `None` when it doesn't within fifty years.
    pub fn next_after(&self, after: Timestamp, zone: Zone) -> Option<Timestamp> {
        if self.follows_clock {
            return self.next_on_clock(after, zone);
        }
        let mut wall = zone.wall(after);
        loop {
            wall = self.next_wall(wall)?;
            // What is shown twice runs the first time only, which may have been before.
            let at = zone.instants(wall).first();
            if at > after {
                return Some(at);
            }
        }
    }

    /// The last instant at which it ran before another; `None` when it didn't within fifty years.
    pub fn previous_before(&self, before: Timestamp, zone: Zone) -> Option<Timestamp> {
        if self.follows_clock {
            return self.previous_on_clock(before, zone);
        }
        // The clock may have been ahead by what it was set back.
        let mut wall = Wall(zone.wall(before).0 + 3 * 3600);
        loop {
            wall = self.previous_wall(wall)?;
            let at = zone.instants(wall).first();
            if at < before {
                return Some(at);
            }
        }
    }

    /// The first minute of a wall's clock after another that fits.
    fn next_wall(&self, after: Wall) -> Option<Wall> {
        let first = Wall(after.0.div_euclid(60) * 60 + 60);
        for day in 0..HORIZON_DAYS {
            let midnight = first.midnight(day);
            if !self.fits_day(midnight.date()) {
                continue;
            }
            let begin = if day == 0 { first.second_of_day() / 60 } else { 0 };
            if let Some(minute) = self.minute_from(begin) {
                return Some(Wall(midnight.0 + minute * 60));
            }
        }
        None
    }

    /// The last minute of a wall's clock before another that fits.
    fn previous_wall(&self, before: Wall) -> Option<Wall> {
        let last = Wall((before.0 - 1).div_euclid(60) * 60);
        for day in 0..HORIZON_DAYS {
            let midnight = last.midnight(-day);
            if !self.fits_day(midnight.date()) {
                continue;
            }
            let end = if day == 0 { last.second_of_day() / 60 } else { 1439 };
            if let Some(minute) = self.minute_until(end) {
                return Some(Wall(midnight.0 + minute * 60));
            }
        }
        None
    }

    /// The first minute of the day from one on that fits.
    fn minute_from(&self, begin: i64) -> Option<i64> {
        let hour = begin / 60;
        let within = |hour: i64, from: i64| first_bit(self.minutes, from).map(|minute| hour * 60 + minute);
        if fits(self.hours, hour as u32)
            && let Some(found) = within(hour, begin % 60)
        {
            return Some(found);
        }
        within(first_bit(self.hours, hour + 1)?, 0)
    }

    /// The last minute of the day up to one that fits.
    fn minute_until(&self, end: i64) -> Option<i64> {
        let hour = end / 60;
        let within = |hour: i64, until: i64| last_bit(self.minutes, until).map(|minute| hour * 60 + minute);
        if fits(self.hours, hour as u32)
            && let Some(found) = within(hour, end % 60)
        {
            return Some(found);
        }
        within(last_bit(self.hours, hour - 1)?, 59)
    }

    /// As the clock shows it, instant by instant.
    fn next_on_clock(&self, after: Timestamp, zone: Zone) -> Option<Timestamp> {
        let mut at = instant(after.nanos().div_euclid(60_000_000_000) * 60 + 60);
        let end = at.plus(Span::from_secs(86_400).times(HORIZON_DAYS as u32));
        while at < end {
            let wall = zone.wall(at);
            let skip = self.skip(wall);
            if skip == 0 {
                return Some(at);
            }
            // Over a change of the clock it goes minute by minute.
            let far = at.plus(MINUTE.times(skip));
            at = if zone.offset(far) == zone.offset(at) { far } else { at.plus(MINUTE) };
        }
        None
    }

    /// How many minutes on the clock can be passed over for certain; 0 when it fits.
    fn skip(&self, wall: Wall) -> u32 {
        let minute = (wall.second_of_day() / 60) as u32;
        match () {
            () if !self.fits_day(wall.date()) => 1440 - minute,
            () if !fits(self.hours, minute / 60) => 60 - minute % 60,
            () if !fits(self.minutes, minute % 60) => 1,
            () => 0,
        }
    }

    fn previous_on_clock(&self, before: Timestamp, zone: Zone) -> Option<Timestamp> {
        let mut at = instant((before.nanos() - 1).div_euclid(60_000_000_000) * 60);
        let end = at.minus(Span::from_secs(86_400).times(HORIZON_DAYS as u32));
        while at > end {
            let wall = zone.wall(at);
            let minute = (wall.second_of_day() / 60) as u32;
            let back = match () {
                () if !self.fits_day(wall.date()) => minute + 1,
                () if !fits(self.hours, minute / 60) => minute % 60 + 1,
                () if !fits(self.minutes, minute % 60) => 1,
                () => return Some(at),
            };
            let far = at.minus(MINUTE.times(back));
            at = if zone.offset(far) == zone.offset(at) { far } else { at.minus(MINUTE) };
        }
        None
    }

    fn fits_day(&self, date: Date) -> bool {
        if !fits(self.months, date.month) {
            return false;
        }
        let (month, week) = (self.fits_month_day(date), self.fits_weekday(date));
        if self.both_days { month && week } else { month || week }
    }

    fn fits_month_day(&self, date: Date) -> bool {
        let last = date.month_length();
        let last_workday = || {
            let weekday = Date { day: last, ..date }.weekday();
            last - match weekday {
                0 => 2,
                6 => 1,
                _ => 0,
            }
        };
        fits(self.days, date.day) || (self.last_day && date.day == last) || (self.last_workday && date.day == last_workday())
    }

    fn fits_weekday(&self, date: Date) -> bool {
        let weekday = date.weekday();
        let nth = |(day, nth): &(u32, u32)| {
            *day == weekday && if *nth == 0 { date.day + 7 > date.month_length() } else { date.day.div_ceil(7) == *nth }
        };
        fits(self.weekdays, weekday) || self.nth_weekdays.iter().any(nth)
    }
}

impl std::fmt::Display for Cron {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Field {
    /// Reads a field that stands at a place of the text.
    fn read(&self, text: &str, at: usize, number: usize) -> Result<Named, CalendarError> {
        let mut named = Named::default();
        let mut place = at;
        for term in text.split(',') {
            self.term(term, place, number, &mut named)?;
            place += term.len() + 1;
        }
        Ok(named)
    }

    fn term(&self, term: &str, at: usize, number: usize, named: &mut Named) -> Result<(), CalendarError> {
        let upper = term.to_ascii_uppercase();
        if number == 2 && (upper == "L" || upper == "LW") {
            named.last |= upper == "L";
            named.last_workday |= upper == "LW";
            return Ok(());
        }
        if number == 4
            && let Some(day) = upper.strip_suffix('L')
            && !day.is_empty()
            && day.bytes().all(|b| b.is_ascii_digit())
        {
            named.nth.push((self.value(&term[..day.len()], at)?, 0));
            return Ok(());
        }
        if number == 4
            && let Some((day, nth)) = term.split_once('#')
        {
            let day_value = self.value(day, at)?;
            let nth_value = nth.parse::<u32>().ok().filter(|nth| (1..=5).contains(nth));
            let place = (at + day.len() + 1, at + term.len());
            let nth = nth_value.ok_or_else(|| {
                CalendarError::new(format!("`{}` is no number of a weekday in a month", show(nth.as_bytes(), 20)), place)
                    .hint("it is 1 to 5")
            })?;
            named.nth.push((day_value, nth));
            return Ok(());
        }
        named.bits |= self.range(term, at)?;
        Ok(())
    }

    /// `*`, `a`, `a-b`, each with `/n` or without, as bits.
    fn range(&self, term: &str, at: usize) -> Result<u64, CalendarError> {
        let (range, step) = match term.split_once('/') {
            None => (term, None),
            Some((range, text)) => {
                let place = (at + range.len() + 1, at + term.len());
                let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                let step = text.parse::<u32>().ok().filter(|step| *step > 0 && digits);
                let step = step.ok_or_else(|| {
                    CalendarError::new(format!("`{}` is no step; it is a number from 1 on", show(text.as_bytes(), 20)), place)
                })?;
                (range, Some(step))
            }
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.least, self.most),
            None => {
                let value = self.value(range, at)?;
                // A single value with a step goes on to the end.
                (value, if step.is_some() { self.most } else { value })
            }
            Some((first, last)) => (self.value(first, at)?, self.value(last, at + first.len() + 1)?),
        };
        if last < first {
            let error = CalendarError::new(format!("the range `{}` goes backwards", show(range.as_bytes(), 20)), (at, at + range.len()));
            return Err(error.hint(format!("write two: `{first}-{},{}-{last}`", self.most, self.least)));
        }
        Ok((first..=last).step_by(step.unwrap_or(1) as usize).fold(0, |bits, value| bits | 1 << value))
    }

    fn value(&self, text: &str, at: usize) -> Result<u32, CalendarError> {
        let upper = text.to_ascii_uppercase();
        if let Some(index) = self.names.iter().position(|name| *name == upper) {
            return Ok(index as u32 + self.least);
        }
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let value = text.parse::<u32>().ok().filter(|value| digits && (self.least..=self.most).contains(value));
        value.ok_or_else(|| {
            let what = if text.is_empty() { "nothing".to_owned() } else { format!("`{}`", show(text.as_bytes(), 20)) };
            let message = format!("{what} is no {}; it is {} to {}", self.name, self.least, self.most);
            let error = CalendarError::new(message, (at, at + text.len().max(1)));
            match crate::record::nearest(&upper, self.names.iter().copied()) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error,
            }
        })
    }
}

fn fits(bits: u64, value: u32) -> bool {
    bits >> value & 1 == 1
}

/// The least value from one on.
fn first_bit(bits: u64, from: i64) -> Option<i64> {
    let rest = if from > 63 { 0 } else { bits >> from };
    (rest != 0).then(|| from + i64::from(rest.trailing_zeros()))
}

/// The greatest value up to one.
fn last_bit(bits: u64, until: i64) -> Option<i64> {
    if until < 0 {
        return None;
    }
    let rest = bits << (63 - until);
    (rest != 0).then(|| until - i64::from(rest.leading_zeros()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn days_fit_both_or_either_field() {
        for (expression, after, next) in [
            ("0 0 13 * 5", "2026-11-01T00:00:00Z", "2026-11-06T00:00:00Z"),
            ("0 0 13 * *", "2026-11-01T00:00:00Z", "2026-11-13T00:00:00Z"),
            ("0 0 */2 * 5", "2026-11-01T00:00:00Z", "2026-11-13T00:00:00Z"),
            ("0 0 L * *", "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z"),
            ("0 0 LW * *", "2026-02-01T00:00:00Z", "2026-02-27T00:00:00Z"),
            ("0 0 * * 5#2", "2026-11-01T00:00:00Z", "2026-11-13T00:00:00Z"),
            ("0 0 * * 5L", "2026-11-01T00:00:00Z", "2026-11-27T00:00:00Z"),
            ("0 0 29 2 *", "2026-11-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("15/20 3 * * sun", "2026-11-22T03:15:00Z", "2026-11-22T03:35:00Z"),
            ("@weekly", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"),
            ("0 0 * * 7", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"),
            ("*/7 * * JAN-MAR mon", "2026-11-22T00:00:00Z", "2027-01-04T00:00:00Z"),
        ] {
            let cron = Cron::parse(expression).unwrap();
            assert_eq!(cron.next_after(at(after), Zone::UTC), Some(at(next)), "{expression}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, message, place) in [
            ("* * * *", "a cron expression has 5 fields, found 4", (0, 7)),
            ("60 * * * *", "`60` is no minute; it is 0 to 59", (0, 2)),
            ("0 5-2 * * *", "the range `5-2` goes backwards", (2, 5)),
            ("0 0 * * mno", "`mno` is no day of the week; it is 0 to 7", (8, 11)),
            ("0 0 * * 1#6", "`6` is no number of a weekday in a month", (10, 11)),
            ("0 0 1, * *", "nothing is no day of the month; it is 1 to 31", (6, 7)),
            ("*/0 * * * *", "`0` is no step; it is a number from 1 on", (2, 3)),
            ("0 0 30 2 *", "no day ever fits", (4, 10)),
            ("@dayly", "`@dayly` is no word for a schedule", (0, 6)),
            ("+1 * * * *", "`+1` is no minute; it is 0 to 59", (0, 2)),
        ] {
            let error = Cron::parse(text).unwrap_err();
            assert_eq!((error.message.as_str(), error.place), (message, place), "{text}");
        }
        assert_eq!(Cron::parse("0 0 * * mno").unwrap_err().hint.unwrap(), "did you mean `MON`?");
    }

    /// Whether a minute of the wall's clock fits, by the fields alone.
    fn plain(cron: &Cron, wall: Wall) -> bool {
        cron.skip(wall) == 0
    }

    fn expressions() -> impl Strategy<Value = String> {
        let field = |least: u32, most: u32| {
            prop_oneof![
                3 => Just("*".to_owned()),
                3 => (least..=most).prop_map(|value| value.to_string()),
                1 => (1u32..9).prop_map(|step| format!("*/{step}")),
                1 => (least..=most, least..=most).prop_map(|(one, other)| format!("{}-{}", one.min(other), one.max(other))),
                1 => (least..=most, least..=most).prop_map(|(one, other)| format!("{one},{other}")),
            ]
        };
        (field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 7))
            .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn next_and_previous_agree_and_none_lies_between(
            text in expressions(),
            zone in prop::sample::select(vec!["UTC", "Europe/Riga", "Australia/Lord_Howe", "America/New_York"]),
            start in 1_600_000_000i64..1_760_000_000,
        ) {
            let (cron, zone) = (Cron::parse(&text).unwrap(), Zone::named(zone).unwrap());
            let start = instant(start);
            let next = cron.next_after(start, zone).unwrap();
            prop_assert!(next > start);
            let previous = cron.previous_before(next, zone).unwrap();
            prop_assert!(previous <= start, "{previous} is between {start} and {next}");
            prop_assert_eq!(cron.next_after(previous, zone), Some(next));
            prop_assert_eq!(cron.previous_before(next.plus(Span::from_nanos(1)), zone), Some(next));
            if cron.follows_clock {
                // Minute by minute there is none between, for as long as can be looked through.
                let mut minute = instant(start.nanos().div_euclid(60_000_000_000) * 60 + 60);
                for _ in 0..3000 {
                    if minute >= next { break; }
                    prop_assert!(!plain(&cron, zone.wall(minute)), "{minute}");
                    minute = minute.plus(MINUTE);
                }
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9*/,#LWa-z@ -]{0,20}") {
            if let Ok(cron) = Cron::parse(&text) {
                cron.next_after(instant(1_700_000_000), Zone::UTC);
            }
        }
    }
}
