//! Calendar events as systemd's timers have them: `Mon..Fri *-*-* 09:00:00 Europe/Riga`.
//!
//! ```text
//! [weekdays] [[year-]month-day] [hour:minute[:second]] [zone]
//!
//! Mon,Wed..Fri    days of the week
//! *-*-01,15       `*` any; lists by commas; ranges `1..5`; steps `0/15`, `8..18/2`
//! *-02~03         counted from the end of the month: the third last day
//! *:0/10:30.5     seconds may have a fraction, to the microsecond
//! daily           minutely hourly daily weekly monthly quarterly semiannually yearly
//! @1735689600     one instant, in seconds since 1970
//! ```
//!
//! What is left out is `*-*-*`, and `00:00:00`. A time that the clock jumps over does not come, and
//! one that it shows twice comes the first time only. Years are 1970 to 2199.
//!
//! Source: systemd.time(7), "Calendar events"; where it is silent, what `systemd-analyze calendar` of
//! version 252 does.

use super::zone::Placed;
use super::{CalendarError, Date, Wall, Zone};
use crate::record::{nearest, show};
use crate::time::{Span, Timestamp};

const SECOND_US: i64 = 1_000_000;
const DAY_US: i64 = 86_400 * SECOND_US;
const YEARS: (i64, i64) = (1970, 2199);

/// The most values, ranges and steps of one field.
const MOST_COMPONENTS: usize = 240;

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Words for events.
const WORDS: [(&str, &str); 10] = [
    ("minutely", "*-*-* *:*:00"),
    ("hourly", "*-*-* *:00:00"),
    ("daily", "*-*-* 00:00:00"),
    ("weekly", "Mon *-*-* 00:00:00"),
    ("monthly", "*-*-01 00:00:00"),
    ("quarterly", "*-01,04,07,10-01 00:00:00"),
    ("semiannually", "*-01,07-01 00:00:00"),
    ("semi-annually", "*-01,07-01 00:00:00"),
    ("yearly", "*-01-01 00:00:00"),
    ("annually", "*-01-01 00:00:00"),
];

/// Calendar events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnCalendar {
    text: String,
    /// Bit 0 is Monday.
    weekdays: u8,
    years: Values,
    months: Values,
    days: Values,
    /// Whether days are counted from the end of the month.
    from_end: bool,
    hours: Values,
    minutes: Values,
    microseconds: Values,
    zone: Option<Zone>,
}

/// The values of a field; none: any.
type Values = Vec<Component>;

/// A value, a range or a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Component {
    start: i64,
    /// `None`: to the end.
    stop: Option<i64>,
    /// 0: the start alone.
    step: i64,
}

impl Component {
    const fn once(value: i64) -> Component {
        Component { start: value, stop: None, step: 0 }
    }

    /// The least value from one on.
    fn least(self, from: i64) -> Option<i64> {
        if self.start >= from {
            return Some(self.start);
        }
        if self.step == 0 {
            return None;
        }
        let steps = (from - self.start + self.step - 1) / self.step;
        let value = self.start + steps * self.step;
        self.stop.is_none_or(|stop| value <= stop).then_some(value)
    }
}

/// The least value of a field from one on, up to its greatest.
fn least(values: &Values, from: i64, most: i64) -> Option<i64> {
    let found = if values.is_empty() { Some(from) } else { values.iter().filter_map(|component| component.least(from)).min() };
    found.filter(|value| *value <= most)
}

impl OnCalendar {
    /// Reads an event.
    ///
    /// # Errors
    /// What is wrong, and its place in the text.
    pub fn parse(text: &str) -> Result<OnCalendar, CalendarError> {
        let (events, zone) = split_zone(text);
        let word = |(known, _): &&(&str, &str)| events.eq_ignore_ascii_case(known);
        if let Some((_, meaning)) = WORDS.iter().find(word) {
            return Reader { all: meaning, at: 0 }.event(zone, text.trim());
        }
        if events.is_empty() {
            return Err(
                CalendarError::new("expected a calendar event, found nothing", (0, text.len())).hint("write one like `Mon..Fri 09:00`")
            );
        }
        Reader { all: events, at: 0 }.event(zone, text.trim()).map_err(|error| {
            let near = nearest(&events.to_ascii_lowercase(), WORDS.iter().map(|(known, _)| *known));
            let is_word = events.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
            match near.filter(|_| is_word && error.hint.is_none()) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error,
            }
        })
    }

    /// The zone it names itself, which stands above any other.
    pub const fn zone(&self) -> Option<Zone> {
        self.zone
    }

    /// The first instant after another; `None` when there is none up to the year 2199.
    pub fn next_after(&self, after: Timestamp, zone: Zone) -> Option<Timestamp> {
        let zone = self.zone.unwrap_or(zone);
        let mut wall = micros(zone, after) + 1;
        loop {
            wall = self.next_wall(wall)?;
            let placed = zone.instants(Wall(wall.div_euclid(SECOND_US)));
            let at = match placed {
                Placed::Once(at) | Placed::Twice(at, _) => Some(at),
                Placed::Skipped(_) => None,
            };
            let at = at.map(|at| at.plus(Span::from_nanos(wall.rem_euclid(SECOND_US) * 1000))).filter(|at| *at > after);
            if at.is_some() {
                return at;
            }
            wall += 1;
        }
    }

    /// The last instant before another; `None` when there was none since 1970.
    ///
    /// Found by going back in longer and longer steps, and then forward: the days between are looked at
    /// twice at most.
    pub fn previous_before(&self, before: Timestamp, zone: Zone) -> Option<Timestamp> {
        let begin = Timestamp::from_nanos(-86_400_000_000_000 * 2);
        let mut back = Span::from_secs(60);
        let mut end = before;
        loop {
            let from = before.minus(back).max(begin);
            let mut found = None;
            let mut at = from.minus(Span::from_nanos(1));
            // Within a minute there are at most 60 million; the stretch is halved instead of walked.
            while let Some(next) = self.next_after(at, zone).filter(|next| *next < end) {
                found = Some(next);
                let middle = next.plus(Span::from_nanos(end.since(next).nanos() / 2));
                at = match self.next_after(middle.minus(Span::from_nanos(1)), zone).filter(|later| *later < end) {
                    Some(later) => {
                        found = Some(later);
                        later
                    }
                    None => next,
                };
            }
            if found.is_some() || from == begin {
                return found;
            }
            end = from;
            back = back.times(8);
        }
    }

    /// The first microsecond of a wall's clock from one on that fits.
    fn next_wall(&self, from: i64) -> Option<i64> {
        let (first_day, time) = (from.div_euclid(DAY_US), from.rem_euclid(DAY_US));
        let mut day = self.next_day(first_day)?;
        if day == first_day {
            match self.next_time(time) {
                Some(time) => return Some(day * DAY_US + time),
                None => day = self.next_day(first_day + 1)?,
            }
        }
        Some(day * DAY_US + self.next_time(0)?)
    }

    /// The first day from one on that fits.
    fn next_day(&self, from: i64) -> Option<i64> {
        let mut date = Date::of_days(from.max(0));
        loop {
            let year = least(&self.years, date.year, YEARS.1)?;
            if year != date.year {
                date = Date { year, month: 1, day: 1 };
            }
            let Some(month) = least(&self.months, i64::from(date.month), 12) else {
                date = Date { year: date.year + 1, month: 1, day: 1 };
                continue;
            };
            if month != i64::from(date.month) {
                date = Date { month: month as u32, day: 1, ..date };
            }
            match self.day_of_month(date) {
                Some(day) => {
                    let found = Date { day, ..date };
                    // Bit 0 is Monday; a date's weekday 0 is Sunday.
                    if self.weekdays >> ((found.weekday() + 6) % 7) & 1 == 1 {
                        return Some(found.days());
                    }
                    date = Date::of_days(found.days() + 1);
                }
                None if date.month == 12 => date = Date { year: date.year + 1, month: 1, day: 1 },
                None => date = Date { month: date.month + 1, day: 1, ..date },
            }
        }
    }

    /// The first day of a date's month from it on that fits.
    fn day_of_month(&self, date: Date) -> Option<u32> {
        let length = i64::from(date.month_length());
        if !self.from_end {
            return least(&self.days, i64::from(date.day), length).map(|day| day as u32);
        }
        // What is counted from the end is turned round: the third last day of 30 is the 28th.
        let turned = |value: i64| (value >= 1 && value <= length).then(|| length + 1 - value);
        let found = self.days.iter().filter_map(|component| {
            let (mut start, mut stop) = (turned(component.start)?, component.stop.and_then(turned));
            if let Some(other) = stop {
                (start, stop) = (start.min(other), Some(start.max(other)));
            }
            Component { start, stop, ..*component }.least(i64::from(date.day))
        });
        found.min().filter(|day| *day <= length).map(|day| day as u32)
    }

    /// The first microsecond of a day from one on that fits.
    fn next_time(&self, from: i64) -> Option<i64> {
        let (mut hour, mut minute, mut second) = (from / (3600 * SECOND_US), from / (60 * SECOND_US) % 60, from % (60 * SECOND_US));
        loop {
            let found = least(&self.hours, hour, 23)?;
            if found != hour {
                (hour, minute, second) = (found, 0, 0);
            }
            let Some(found) = least(&self.minutes, minute, 59) else {
                (hour, minute, second) = (hour + 1, 0, 0);
                continue;
            };
            if found != minute {
                (minute, second) = (found, 0);
            }
            match least(&self.microseconds, second, 60 * SECOND_US - 1) {
                Some(second) => return Some((hour * 60 + minute) * 60 * SECOND_US + second),
                None => (minute, second) = (minute + 1, 0),
            }
        }
    }
}

impl std::fmt::Display for OnCalendar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Microseconds since 1970 of a zone's clock.
fn micros(zone: Zone, at: Timestamp) -> i64 {
    zone.wall(at).0 * SECOND_US + at.nanos().rem_euclid(1_000_000_000) / 1000
}

/// Splits the zone off the end of a text, if there is one.
fn split_zone(text: &str) -> (&str, Option<Zone>) {
    let text = text.trim_end();
    let Some((events, last)) = text.rsplit_once(' ') else { return (text, None) };
    if last.eq_ignore_ascii_case("utc") {
        return (events.trim_end(), Some(Zone::UTC));
    }
    let looks = last.bytes().next().is_some_and(|b| b.is_ascii_alphabetic()) && !last.contains(':');
    match Zone::named(last) {
        Ok(zone) if looks => (events.trim_end(), Some(zone)),
        _ => (text, None),
    }
}

/// Reads an event from left to right.
struct Reader<'a> {
    all: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.all.get(self.at..).unwrap_or_default()
    }

    fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    fn skip_spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches(' ').len();
    }

    /// What was expected here, and what was found.
    fn wrong(&self, expected: &str) -> CalendarError {
        let found: String = self.rest().chars().take_while(|c| *c != ' ').take(20).collect();
        let length = found.len().max(1);
        let found = if found.is_empty() { "the end".to_owned() } else { format!("`{}`", show(found.as_bytes(), 20)) };
        CalendarError::new(format!("expected {expected}, found {found}"), (self.at, self.at + length))
    }

    fn event(mut self, zone: Option<Zone>, text: &str) -> Result<OnCalendar, CalendarError> {
        let any = Values::new;
        let midnight = || vec![Component::once(0)];
        let mut event = OnCalendar {
            text: text.to_owned(),
            weekdays: 0x7f,
            years: any(),
            months: any(),
            days: any(),
            from_end: false,
            hours: midnight(),
            minutes: midnight(),
            microseconds: midnight(),
            zone,
        };
        if self.take("@") {
            return self.epoch(event);
        }
        let weekdays = self.weekdays()?;
        event.weekdays = if weekdays == 0 { 0x7f } else { weekdays };
        self.date(&mut event)?;
        self.time(&mut event)?;
        Ok(event)
    }

    /// One instant, in seconds since 1970.
    fn epoch(mut self, mut event: OnCalendar) -> Result<OnCalendar, CalendarError> {
        let seconds = self.number(false)?;
        if !self.rest().is_empty() {
            return Err(self.wrong("the end after the seconds since 1970"));
        }
        let wall = Wall(seconds);
        let Date { year, month, day } = wall.date();
        (event.years, event.months, event.days) =
            (vec![Component::once(year)], vec![Component::once(month.into())], vec![Component::once(day.into())]);
        (event.hours, event.minutes) = (vec![Component::once(wall.hour().into())], vec![Component::once(wall.minute().into())]);
        event.microseconds = vec![Component::once(wall.0.rem_euclid(60) * SECOND_US)];
        event.zone = Some(Zone::UTC);
        Ok(event)
    }

    /// Days of the week, bit 0 for Monday; none when the text does not begin with one.
    fn weekdays(&mut self) -> Result<u8, CalendarError> {
        let (mut bits, mut open) = (0u8, None);
        loop {
            let Some(day) = self.weekday() else {
                return if bits == 0 { Ok(0) } else { Err(self.wrong("a day of the week")) };
            };
            if open.is_some_and(|first| first > day) {
                return Err(self.wrong("a range of days that goes forward").hint("the week begins with Mon; write two: `Sat,Sun,Mon`"));
            }
            (open.unwrap_or(day)..=day).for_each(|day| bits |= 1 << day);
            match self.next() {
                None => return Ok(bits),
                Some(' ') => {
                    self.skip_spaces();
                    return Ok(bits);
                }
                _ if open.is_none() && (self.take("..") || self.take("-")) => open = Some(day),
                _ if self.take(",") => open = None,
                _ => return Err(self.wrong("`,`, `..` or a space after a day of the week")),
            }
            if matches!(self.next(), None | Some(' ')) {
                if open.is_some() {
                    return Err(self.wrong("the last day of the range"));
                }
                self.skip_spaces();
                return Ok(bits);
            }
        }
    }

    fn weekday(&mut self) -> Option<usize> {
        let rest = self.rest();
        let begins = |name: &str| rest.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
        let (day, length) = WEEKDAYS.iter().enumerate().find_map(|(day, name)| {
            let length = if begins(name) { name.len() } else { 3 };
            begins(&name[..length]).then_some((day, length))
        })?;
        self.at += length;
        Some(day)
    }

    fn date(&mut self, event: &mut OnCalendar) -> Result<(), CalendarError> {
        if self.rest().is_empty() {
            return Ok(());
        }
        let (begin, first_at) = (self.at, self.at);
        let first = self.chain(false)?;
        if matches!(self.next(), None | Some(':')) {
            // This was a time.
            self.at = begin;
            return Ok(());
        }
        event.from_end = self.separator()?;
        let second_at = self.at;
        let second = self.chain(false)?;
        let (year, month, day) = if matches!(self.next(), None | Some(' ')) {
            (None, (first, first_at), (second, second_at))
        } else {
            if event.from_end {
                return Err(self.wrong("a space or the end after the day"));
            }
            event.from_end = self.separator()?;
            let third_at = self.at;
            (Some((first, first_at)), (second, second_at), (self.chain(false)?, third_at))
        };
        if !matches!(self.next(), None | Some(' ')) {
            return Err(self.wrong("a space or the end after the day"));
        }
        if let Some((years, at)) = year {
            event.years = valid(years.into_iter().map(century).collect(), YEARS, "a year", at)?;
        }
        event.months = valid(month.0, (1, 12), "a month", month.1)?;
        let most = if event.from_end { 28 } else { 31 };
        event.days = valid(day.0, (1, most), "a day", day.1)?;
        if event.from_end && event.days.is_empty() {
            // Any day from the end is any day.
            event.from_end = false;
        }
        self.skip_spaces();
        Ok(())
    }

    /// `-`, or `~` for days from the end; whether it was that.
    fn separator(&mut self) -> Result<bool, CalendarError> {
        if self.take("~") {
            return Ok(true);
        }
        if self.take("-") { Ok(false) } else { Err(self.wrong("`-` or `:`")) }
    }

    fn time(&mut self, event: &mut OnCalendar) -> Result<(), CalendarError> {
        if self.rest().is_empty() {
            return Ok(());
        }
        let at = self.at;
        event.hours = valid(self.chain(false)?, (0, 23), "an hour", at)?;
        if !self.take(":") {
            return Err(self.wrong("`:` between hours and minutes"));
        }
        let at = self.at;
        event.minutes = valid(self.chain(false)?, (0, 59), "a minute", at)?;
        if self.take(":") {
            let at = self.at;
            event.microseconds = valid(self.chain(true)?, (0, 60 * SECOND_US - 1), "a second", at)?;
        }
        if self.rest().is_empty() { Ok(()) } else { Err(self.wrong("the end or a time zone")) }
    }

    /// A list of values, ranges and steps; `*` for any.
    fn chain(&mut self, seconds: bool) -> Result<Values, CalendarError> {
        if self.take("*") {
            return Ok(if seconds { vec![Component { start: 0, stop: None, step: SECOND_US }] } else { Values::new() });
        }
        let mut values = Values::new();
        loop {
            let at = self.at;
            let start = self.number(seconds)?;
            let mut component = Component::once(start);
            if self.take("..") {
                component.stop = Some(self.number(seconds)?);
                component.step = if seconds { SECOND_US } else { 1 };
            }
            if self.take("/") {
                component.step = self.number(seconds)?;
                if component.step == 0 {
                    return Err(CalendarError::new("a step is never 0", (at, self.at)));
                }
            }
            values.push(reduced(component));
            if values.len() > MOST_COMPONENTS {
                return Err(CalendarError::new(format!("a field has at most {MOST_COMPONENTS} values"), (at, self.at)));
            }
            match self.next() {
                Some(',') => self.at += 1,
                None | Some(' ' | '-' | '~' | ':') => return Ok(values),
                _ => return Err(self.wrong("`,`, `..`, `/` or the end of a field")),
            }
        }
    }

    /// A whole number, or of seconds one with a fraction, as microseconds.
    fn number(&mut self, seconds: bool) -> Result<i64, CalendarError> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let length = digits(self.rest());
        let value = self.rest()[..length].parse::<i64>().ok().filter(|value| *value < 1 << 40);
        let mut value = value.ok_or_else(|| self.wrong("a number or `*`"))?;
        self.at += length;
        if !seconds {
            return Ok(value);
        }
        value *= SECOND_US;
        let fraction = self.rest().strip_prefix('.').map(|rest| &rest[..digits(rest)]).unwrap_or_default();
        if !fraction.is_empty() {
            // Beyond the microsecond it is rounded.
            let padded = format!("{fraction:0<7}");
            let (kept, next) = (padded[..6].parse::<i64>().unwrap_or(0), padded.as_bytes()[6]);
            value += kept + i64::from(next >= b'5');
            self.at += 1 + fraction.len();
        }
        Ok(value)
    }
}

/// A year of two digits is one of 1970 to 2069.
fn century(component: Component) -> Component {
    let full = |year: i64| match year {
        0..=69 => year + 2000,
        70..=99 => year + 1900,
        _ => year,
    };
    Component { start: full(component.start), stop: component.stop.map(full), ..component }
}

/// A range without what its step never reaches; one that is a single value is that.
fn reduced(component: Component) -> Component {
    let Component { start, stop, step } = component;
    let Some(stop) = stop else { return component };
    let stop = if stop > start && step > 0 { stop - (stop - start) % step } else { stop };
    if start == stop || (stop > start && step > 0 && start + step > stop) {
        return Component::once(start);
    }
    Component { start, stop: Some(stop), step }
}

/// Checks that a field's values lie within its limits.
fn valid(values: Values, (low, high): (i64, i64), what: &str, at: usize) -> Result<Values, CalendarError> {
    let scale = if high > 100_000 { SECOND_US } else { 1 };
    for component in &values {
        let Component { start, stop, step } = *component;
        let outside = |value: i64| value < low || value > high;
        if outside(start) || stop.is_some_and(outside) {
            let value = if outside(start) { start } else { stop.unwrap_or(start) };
            let message = format!("{} is not {what}; it is {low} to {}", value / scale, high / scale);
            return Err(CalendarError::new(message, (at, at + 1)));
        }
        if stop.is_some_and(|stop| start + step > stop) {
            return Err(CalendarError::new("the range goes backwards", (at, at + 1)));
        }
        if stop.is_none() && step > 0 && start + step > high {
            return Err(CalendarError::new(format!("the step {} is never taken", step / scale), (at, at + 1)));
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn events_come_when_they_should() {
        for (text, after, next) in [
            ("Mon..Fri 09:00", "2026-11-20T09:00:00Z", "2026-11-23T09:00:00Z"),
            ("*-02~03", "2026-11-20T09:00:00Z", "2027-02-26T00:00:00Z"),
            ("Mon *-05~07/1", "2026-01-01T00:00:00Z", "2026-05-25T00:00:00Z"),
            ("*:0/15", "2026-11-20T09:14:59.5Z", "2026-11-20T09:15:00Z"),
            ("*:*:0.5/1.25", "2026-11-20T09:00:00.6Z", "2026-11-20T09:00:01.75Z"),
            ("quarterly", "2026-11-20T09:00:00Z", "2027-01-01T00:00:00Z"),
            ("12-24 18:30", "2026-11-20T09:00:00Z", "2026-12-24T18:30:00Z"),
            ("@1795000000", "2026-11-10T09:00:00Z", "2026-11-18T11:06:40Z"),
            ("daily Europe/Riga", "2026-11-20T09:00:00Z", "2026-11-20T22:00:00Z"),
            ("10..12,8:0,30", "2026-11-20T08:30:00Z", "2026-11-20T10:00:00Z"),
        ] {
            assert_eq!(OnCalendar::parse(text).unwrap().next_after(at(after), Zone::UTC), Some(at(next)), "{text}");
        }
        assert_eq!(OnCalendar::parse("2019-01-01").unwrap().next_after(at("2020-01-01T00:00:00Z"), Zone::UTC), None);
        assert_eq!(OnCalendar::parse("*-02-30").unwrap().next_after(at("2020-01-01T00:00:00Z"), Zone::UTC), None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, message, place) in [
            ("25:00", "25 is not an hour; it is 0 to 23", (0, 1)),
            ("Sat..Mon 10:00", "expected a range of days that goes forward, found the end", (8, 9)),
            ("*:*/5", "expected the end or a time zone, found `/5`", (3, 5)),
            ("1..5", "expected `-` or `:`, found the end", (4, 5)),
            ("*-13-01", "13 is not a month; it is 1 to 12", (2, 3)),
            ("", "expected a calendar event, found nothing", (0, 0)),
        ] {
            let error = OnCalendar::parse(text).unwrap_err();
            assert!(error.message.contains(message) || error.place == place, "{text}: {error:?}");
        }
        assert_eq!(OnCalendar::parse("dayly").unwrap_err().hint.unwrap(), "did you mean `daily`?");
    }

    #[test]
    fn the_previous_event_is_the_one_before() {
        for (text, before, previous) in [
            ("Mon..Fri 09:00", "2026-11-23T09:00:00Z", Some("2026-11-20T09:00:00Z")),
            ("minutely", "2026-11-23T09:00:00.5Z", Some("2026-11-23T09:00:00Z")),
            ("*-02-29", "2026-11-23T09:00:00Z", Some("2024-02-29T00:00:00Z")),
            ("2030-01-01", "2026-11-23T09:00:00Z", None),
        ] {
            assert_eq!(OnCalendar::parse(text).unwrap().previous_before(at(before), Zone::UTC), previous.map(at), "{text}");
        }
    }
}
