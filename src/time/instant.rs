//! Instants: RFC 3339 and epoch numbers in, RFC 3339 in UTC out.
//!
//! The calendar is the proleptic Gregorian one. Days are counted by the method of Howard Hinnant,
//! "chrono-Compatible Low-Level Date Algorithms" (2021): years begin in March, so that the leap
//! day is the last of its year, and eras of 400 years (146,097 days) repeat exactly.

use super::{Span, TimeError};

/// An instant: whole nanoseconds since 1970-01-01T00:00:00Z, from the year 1677 to 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY_SECONDS: i64 = 86_400;

impl Timestamp {
    /// The earliest instant that can be told, in the year 1677.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// The latest instant that can be told, in the year 2262.
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// Makes an instant from nanoseconds since 1970 UTC.
    pub const fn from_nanos(nanos: i64) -> Timestamp {
        Timestamp(nanos)
    }

    /// Nanoseconds since 1970 UTC.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The instant `span` later, or the latest that can be told.
    pub const fn plus(self, span: Span) -> Timestamp {
        Timestamp(self.0.saturating_add(span.nanos()))
    }

    /// The instant `span` earlier, or the earliest that can be told.
    pub const fn minus(self, span: Span) -> Timestamp {
        Timestamp(self.0.saturating_sub(span.nanos()))
    }

    /// How long after `earlier` this is; zero when it is before.
    pub const fn since(self, earlier: Timestamp) -> Span {
        Span::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The start of the window of length `span` that holds this instant, counted from 1970 UTC.
    ///
    /// A zero `span` leaves the instant as it is.
    pub const fn floor_to(self, span: Span) -> Timestamp {
        if span.is_zero() {
            return self;
        }
        Timestamp(self.0.saturating_sub(self.0.rem_euclid(span.nanos())))
    }

    /// The UTC day as `YYYY-MM-DD`, as history files are named.
    pub fn day(self) -> String {
        let (year, month, day) = civil(self.0.div_euclid(SECOND).div_euclid(DAY_SECONDS));
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// Reads RFC 3339 with any offset, or an epoch number whose magnitude tells its unit.
    ///
    /// A text without an offset, or without a time of day, is taken as UTC only by
    /// [`Timestamp::parse_loose`]; here it is refused.
    ///
    /// # Errors
    /// When the text is neither, a field is out of its range (a 30th of February), or the instant
    /// lies outside the years 1677 to 2262.
    pub fn parse(text: &str) -> Result<Timestamp, TimeError> {
        let bytes = text.as_bytes();
        if looks_like_number(bytes) {
            return Timestamp::from_epoch_text(text);
        }
        parse_rfc3339(bytes).map_err(|why| TimeError(format!("`{}` is not a time: {why}", clip(text))))
    }

    /// Reads what a person types for `--at`, `--since` and `--until`: all of [`Timestamp::parse`],
    /// a day (`2026-11-22`), a day and time without offset (UTC), a time of day (`10:01`, of
    /// `now`'s UTC day), `now`, or a duration, which is so long before `now`.
    ///
    /// # Errors
    /// When the text is none of these.
    pub fn parse_loose(text: &str, now: Timestamp) -> Result<Timestamp, TimeError> {
        if text == "now" {
            return Ok(now);
        }
        if let Ok(span) = Span::parse(text.strip_suffix(" ago").unwrap_or(text)) {
            return Ok(now.minus(span));
        }
        let strict = match Timestamp::parse(text) {
            Ok(instant) => return Ok(instant),
            Err(error) => error,
        };
        let candidates = [
            format!("{text}T00:00:00Z"),
            format!("{text}Z"),
            format!("{text}:00Z"),
            format!("{}T{text}Z", now.day()),
            format!("{}T{text}:00Z", now.day()),
        ];
        candidates.iter().find_map(|candidate| parse_rfc3339(candidate.as_bytes()).ok()).ok_or_else(|| {
            TimeError(format!("{strict}; write `2026-11-22T19:45:03Z`, `2026-11-22`, `19:45`, or a duration ago such as `10m`"))
        })
    }

    /// Reads an epoch number: below 1e11 seconds, below 1e14 milliseconds, below 1e17
    /// microseconds, else nanoseconds. Decimal digits are exact to the nanosecond.
    ///
    /// # Errors
    /// When the text is not a number or the instant is out of range.
    pub fn from_epoch_text(text: &str) -> Result<Timestamp, TimeError> {
        let bad = || TimeError(format!("`{}` is not an epoch number", clip(text)));
        if text.bytes().any(|b| matches!(b, b'e' | b'E')) {
            let value: f64 = text.parse().map_err(|_| bad())?;
            return Timestamp::from_epoch_f64(value).ok_or_else(bad);
        }
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        let whole: i64 = whole.parse().map_err(|_| bad())?;
        let scale = epoch_scale(whole);
        let mut nanos = whole.checked_mul(scale).ok_or_else(bad)?;
        let mut place = scale;
        for digit in fraction.bytes() {
            place /= 10;
            nanos = nanos.checked_add(i64::from(digit - b'0') * place).ok_or_else(bad)?;
        }
        Ok(Timestamp(if negative { -nanos } else { nanos }))
    }

    /// The instant of an epoch number whose magnitude tells its unit, or `None` out of range.
    pub fn from_epoch_f64(value: f64) -> Option<Timestamp> {
        if !value.is_finite() || value.abs() >= 9.2e18 {
            return None;
        }
        let nanos = value * epoch_scale(value.abs() as i64) as f64;
        (nanos.abs() < 9.2e18).then_some(Timestamp(nanos.round() as i64))
    }

    /// Writes RFC 3339 in UTC with `Z` and as many of 0, 3, 6 or 9 fraction digits as are needed.
    pub fn write(self, out: &mut Vec<u8>) {
        let seconds = self.0.div_euclid(SECOND);
        let nanos = self.0.rem_euclid(SECOND) as u32;
        let (year, month, day) = civil(seconds.div_euclid(DAY_SECONDS));
        let of_day = seconds.rem_euclid(DAY_SECONDS) as u32;
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        let mut put = |at: usize, number: u32| {
            text[at] = b'0' + (number / 10 % 10) as u8;
            text[at + 1] = b'0' + (number % 10) as u8;
        };
        put(0, year as u32 / 100);
        put(2, year as u32 % 100);
        put(5, month);
        put(8, day);
        put(11, of_day / 3600);
        put(14, of_day / 60 % 60);
        put(17, of_day % 60);
        let digits = match nanos {
            0 => 0,
            n if n % 1_000_000 == 0 => 3,
            n if n % 1_000 == 0 => 6,
            _ => 9,
        };
        let mut rest = nanos;
        for place in (20..29).rev() {
            text[place] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let end = if digits == 0 { 19 } else { 20 + digits };
        out.extend_from_slice(&text[..end]);
        out.push(b'Z');
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = Vec::with_capacity(30);
        self.write(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl serde::Serialize for Timestamp {
    /// Writes the text of RFC 3339, as records do.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Timestamp::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl std::str::FromStr for Timestamp {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Timestamp, TimeError> {
        Timestamp::parse(text)
    }
}

/// Reads many RFC 3339 texts in a row, remembering the minute of the last one.
///
/// A stream's neighbours mostly share the minute; then only the seconds are read.
#[derive(Debug, Clone)]
pub struct TimestampCache {
    minute: [u8; 16],
    start: i64,
}

impl Default for TimestampCache {
    fn default() -> Self {
        TimestampCache { minute: *b"1970-01-01T00:00", start: 0 }
    }
}

impl TimestampCache {
    /// Reads `YYYY-MM-DDThh:mm:ss[.fraction]Z`; anything else goes the long way.
    ///
    /// # Errors
    /// As [`Timestamp::parse`].
    #[inline]
    pub fn parse(&mut self, text: &[u8]) -> Result<Timestamp, TimeError> {
        match self.fast(text) {
            Some(instant) => Ok(instant),
            None => self.slow(text),
        }
    }

    /// The instant of a text in the usual form whose minute is the remembered one.
    #[inline]
    fn fast(&self, text: &[u8]) -> Option<Timestamp> {
        let (minute, rest) = text.split_first_chunk::<16>()?;
        if *minute != self.minute {
            return None;
        }
        let [b':', tens, ones, tail @ .., b'Z'] = rest else { return None };
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        if tens > 5 || ones > 9 {
            return None;
        }
        let second = i64::from(tens) * 10 + i64::from(ones);
        let nanos = match tail {
            [] => 0,
            [b'.', digits @ ..] if !digits.is_empty() && digits.len() <= 9 => {
                let mut fraction = 0i64;
                for digit in digits {
                    let digit = digit.wrapping_sub(b'0');
                    if digit > 9 {
                        return None;
                    }
                    fraction = fraction * 10 + i64::from(digit);
                }
                fraction * PLACES[digits.len()]
            }
            _ => return None,
        };
        Some(Timestamp(self.start + second * SECOND + nanos))
    }

    #[cold]
    fn slow(&mut self, text: &[u8]) -> Result<Timestamp, TimeError> {
        let text = std::str::from_utf8(text).map_err(|_| TimeError("a time is plain text".into()))?;
        let instant = Timestamp::parse(text)?;
        // Only a text in the usual form, in UTC and without a leap second, teaches its minute.
        if let (Some(minute), true) = (text.as_bytes().first_chunk::<16>(), text.ends_with('Z'))
            && minute[10] == b'T'
            && !text[16..].starts_with(":60")
            && !looks_like_number(text.as_bytes())
        {
            let start = instant.0.div_euclid(MINUTE).checked_mul(MINUTE);
            if let Some(start) = start.filter(|start| start.checked_add(MINUTE).is_some()) {
                *self = TimestampCache { minute: *minute, start };
            }
        }
        Ok(instant)
    }
}

/// Nanoseconds of the last of so many fraction digits.
const PLACES: [i64; 10] = [0, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];

/// Nanoseconds of one unit of an epoch number of this magnitude.
fn epoch_scale(magnitude: i64) -> i64 {
    const LIMITS: [(i64, i64); 3] = [(100_000_000_000, SECOND), (100_000_000_000_000, 1_000_000), (100_000_000_000_000_000, 1_000)];
    LIMITS.iter().find(|(limit, _)| magnitude < *limit).map_or(1, |(_, scale)| *scale)
}

fn looks_like_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    !digits.is_empty() && digits.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+'))
}

/// Reads `YYYY-MM-DDThh:mm:ss[.digits](Z|±hh:mm)`; `t`, `z` and a space are taken as RFC 3339
/// (5.6) allows, and second 60 is the first instant of the next minute.
fn parse_rfc3339(text: &[u8]) -> Result<Timestamp, &'static str> {
    const FORM: &str = "expected a form like 2026-11-22T19:45:03.250Z";
    let number = |from: usize, len: usize| -> Result<i64, &'static str> {
        let digits = text.get(from..from + len).ok_or(FORM)?;
        digits.iter().try_fold(0i64, |sum, b| if b.is_ascii_digit() { Ok(sum * 10 + i64::from(b - b'0')) } else { Err(FORM) })
    };
    let is = |at: usize, set: &[u8]| text.get(at).is_some_and(|b| set.contains(b));
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    if !(is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":")) {
        return Err(FORM);
    }
    if !(1..=12).contains(&month) {
        return Err("the month must be 01 to 12");
    }
    if day < 1 || day > days_in_month(year, month) {
        return Err("there is no such day in that month");
    }
    if hour > 23 || minute > 59 || second > 60 {
        return Err("the time of day must be within 00:00:00 and 23:59:60");
    }
    let mut at = 19;
    let mut nanos = 0i64;
    if is(at, b".") {
        let from = at + 1;
        at = from;
        let mut place = SECOND;
        while is(at, b"0123456789") {
            place /= 10;
            nanos += i64::from(text[at] - b'0') * place;
            at += 1;
        }
        if at == from {
            return Err(FORM);
        }
    }
    let offset = match text.get(at..) {
        Some(b"Z" | b"z") => 0,
        Some([sign @ (b'+' | b'-'), rest @ ..]) if rest.len() == 5 && rest[2] == b':' => {
            let (hours, minutes) = (number(at + 1, 2)?, number(at + 4, 2)?);
            if hours > 23 || minutes > 59 {
                return Err("the offset must be within 00:00 and 23:59");
            }
            (hours * 3600 + minutes * 60) * if *sign == b'-' { -1 } else { 1 }
        }
        Some([]) => return Err("it has no offset; end it with `Z` for UTC or, say, `+01:00`"),
        _ => return Err(FORM),
    };
    let seconds = days_from_civil(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second - offset;
    // In 128 bits, as the product passes the 64-bit range at the borders where the sum does not.
    i64::try_from(i128::from(seconds) * i128::from(SECOND) + i128::from(nanos))
        .map(Timestamp)
        .map_err(|_| "it lies outside the years 1677 to 2262")
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the given date.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date `days` after 1970-01-01, as year, month and day.
fn civil(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Cuts a text for a message; control characters are shown escaped.
fn clip(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nanos(text: &str) -> i64 {
        Timestamp::parse(text).unwrap_or_else(|e| panic!("{text}: {e}")).nanos()
    }

    #[test]
    fn rfc3339_examples_are_read() {
        // The examples of RFC 3339, section 5.8, with their instants.
        let cases = [
            ("1985-04-12T23:20:50.52Z", 482_196_050_520_000_000),
            ("1996-12-19T16:39:57-08:00", 851_042_397_000_000_000),
            ("1996-12-20T00:39:57Z", 851_042_397_000_000_000),
            ("1990-12-31T23:59:60Z", 662_688_000_000_000_000),
            ("1990-12-31T15:59:60-08:00", 662_688_000_000_000_000),
            ("1937-01-01T12:00:27.87+00:20", -1_041_337_172_130_000_000),
            ("1970-01-01t00:00:00z", 0),
            ("1970-01-01 00:00:00.000000001Z", 1),
            ("2000-02-29T00:00:00Z", 951_782_400_000_000_000),
            ("2200-01-01T00:00:00Z", 7_258_118_400_000_000_000),
            ("1969-12-31T23:59:59.999Z", -1_000_000),
        ];
        for (text, expected) in cases {
            assert_eq!(nanos(text), expected, "{text}");
        }
    }

    #[test]
    fn the_magnitude_of_an_epoch_number_tells_its_unit() {
        let expected = 1_795_376_703_250_000_000;
        for text in ["1795376703.25", "1795376703250", "1795376703250000", "1795376703250000000", "1795376703250.0"] {
            assert_eq!(nanos(text), expected, "{text}");
        }
        assert_eq!(nanos("0"), 0);
        assert_eq!(nanos("-1"), -SECOND);
        assert_eq!(nanos("9223372036"), 9_223_372_036 * SECOND);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "x",
            "2026-11-22",
            "2026-11-22T19:45:03",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T19:45:03.Z",
            "2026-11-22T19:45Z",
            "2026-11-22T19:45:03+1:00",
            "2026-11-22T19:45:03+24:00",
            "1600-01-01T00:00:00Z",
            "2263-01-01T00:00:00Z",
            "1e30",
            "--1",
            "1.2.3",
            "2026-11-22T19:45:03ZZ",
            "1900-02-29T00:00:00Z",
            "2026-11-22T19:45:03Zé",
        ] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn as_many_digits_are_written_as_are_needed() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (250_000_000, "1970-01-01T00:00:00.250Z"),
            (1_000, "1970-01-01T00:00:00.000001Z"),
            (1, "1970-01-01T00:00:00.000000001Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
        ];
        for (instant, text) in cases {
            assert_eq!(Timestamp(instant).to_string(), text);
        }
    }

    #[test]
    fn a_person_may_leave_things_out() {
        let now = Timestamp::parse("2026-11-22T19:45:03Z").unwrap();
        let cases = [
            ("now", "2026-11-22T19:45:03Z"),
            ("10m", "2026-11-22T19:35:03Z"),
            ("10m ago", "2026-11-22T19:35:03Z"),
            ("2026-11-20", "2026-11-20T00:00:00Z"),
            ("2026-11-20T10:00", "2026-11-20T10:00:00Z"),
            ("2026-11-20 10:00:01", "2026-11-20T10:00:01Z"),
            ("10:01", "2026-11-22T10:01:00Z"),
            ("10:01:02", "2026-11-22T10:01:02Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(Timestamp::parse_loose(text, now).unwrap().to_string(), expected, "{text}");
        }
        assert!(Timestamp::parse_loose("yesterday", now).is_err());
    }

    #[test]
    fn windows_are_aligned_to_1970_before_it_too() {
        assert_eq!(Timestamp(-1).floor_to(Span::from_secs(10)), Timestamp(-10 * SECOND));
        assert_eq!(Timestamp(25 * SECOND).floor_to(Span::from_secs(10)), Timestamp(20 * SECOND));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(instant in any::<i64>()) {
            let instant = Timestamp(instant);
            let text = instant.to_string();
            prop_assert_eq!(Timestamp::parse(&text).unwrap(), instant);
            let mut cache = TimestampCache::default();
            prop_assert_eq!(cache.parse(text.as_bytes()).unwrap(), instant);
            prop_assert_eq!(cache.parse(text.as_bytes()).unwrap(), instant);
        }

        #[test]
        fn the_cache_agrees_with_the_long_way(a in 0i64..3_600_000_000_000, b in 0i64..3_600_000_000_000, tail in "[0-9:.ZT+-]{0,6}") {
            let mut cache = TimestampCache::default();
            for instant in [a, b] {
                let text = Timestamp(instant).to_string();
                prop_assert_eq!(cache.parse(text.as_bytes()).unwrap(), Timestamp(instant));
                let damaged = format!("{}{tail}", &text[..text.len() - 3]);
                prop_assert_eq!(cache.parse(damaged.as_bytes()).ok(), Timestamp::parse(&damaged).ok());
            }
        }
    }
}
