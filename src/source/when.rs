//! Times as other programs write them, in files that are not ours.

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{Datelike, NaiveTime};

use crate::record::show;
use crate::time::{Span, Timestamp};

/// How times are written in an input.
#[derive(Debug, Clone, PartialEq)]
pub enum TimeFormat {
    /// RFC 3339 with or without an offset (none is UTC), a day, or an epoch number whose size tells its unit.
    Usual,
    /// A number of so long units since 1970 UTC.
    Epoch(Span),
    /// A pattern as strftime(3) has it.
    Pattern(Vec<Item<'static>>),
}

/// The names of the formats that are no patterns.
const NAMES: [(&str, TimeFormat); 5] = [
    ("rfc3339", TimeFormat::Usual),
    ("s", TimeFormat::Epoch(Span::from_secs(1))),
    ("ms", TimeFormat::Epoch(Span::from_millis(1))),
    ("us", TimeFormat::Epoch(Span::from_nanos(1_000))),
    ("ns", TimeFormat::Epoch(Span::from_nanos(1))),
];

impl TimeFormat {
    /// Reads `rfc3339`, a unit of an epoch number (`s`, `ms`, `us`, `ns`), or a pattern with `%`.
    ///
    /// # Errors
    /// A sentence when it is none of these.
    pub fn parse(text: &str) -> Result<TimeFormat, String> {
        if let Some((_, format)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(format.clone());
        }
        let shown = show(text.as_bytes(), 80);
        if !text.contains('%') {
            return Err(format!("`{shown}` is neither `rfc3339`, `s`, `ms`, `us`, `ns` nor a pattern like `%Y-%m-%d %H:%M:%S`"));
        }
        match StrftimeItems::new(text).parse_to_owned() {
            Ok(items) => Ok(TimeFormat::Pattern(items)),
            Err(_) => Err(format!("`{shown}` holds a letter after `%` that means nothing")),
        }
    }

    /// Reads a time. A pattern without a year takes the latest one that is not after `now`, give
    /// or take a day.
    ///
    /// # Errors
    /// A sentence that shows the text.
    pub fn read(&self, text: &str, now: Timestamp) -> Result<Timestamp, String> {
        let text = text.trim();
        match self {
            TimeFormat::Usual => usual(text),
            TimeFormat::Epoch(unit) => epoch(text, *unit),
            TimeFormat::Pattern(items) => pattern(text, items, now),
        }
        .ok_or_else(|| format!("must be a time, found \"{}\"", show(text.as_bytes(), 40)))
    }
}

/// RFC 3339, or the same without offset or without time of day, or an epoch number.
fn usual(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let dashed = bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    let has_offset = bytes.get(16..).is_some_and(|rest| rest.iter().any(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-')));
    match bytes.len() {
        10 if dashed => Timestamp::parse(&format!("{text}T00:00:00Z")).ok(),
        16 if dashed => Timestamp::parse(&format!("{text}:00Z")).ok(),
        _ if dashed && !has_offset => Timestamp::parse(&format!("{text}Z")).ok(),
        _ => Timestamp::parse(text).ok(),
    }
}

/// A number of units since 1970; whole digits are exact.
fn epoch(text: &str, unit: Span) -> Option<Timestamp> {
    if let Ok(whole) = text.parse::<i64>() {
        return whole.checked_mul(unit.nanos()).map(Timestamp::from_nanos);
    }
    let (whole, fraction) = text.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole.strip_prefix('-').unwrap_or(whole)) || !digits(fraction) {
        return None;
    }
    let nanos = whole.parse::<i64>().ok()?.checked_mul(unit.nanos())?;
    let part = format!("0.{fraction}").parse::<f64>().ok()? * unit.nanos() as f64;
    let part = part.round() as i64;
    nanos.checked_add(if whole.starts_with('-') { -part } else { part }).map(Timestamp::from_nanos)
}

fn pattern(text: &str, items: &[Item<'static>], now: Timestamp) -> Option<Timestamp> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, items.iter()).ok()?;
    let yearless = parsed.year().is_none() && parsed.year_mod_100().is_none() && parsed.isoyear().is_none() && parsed.timestamp().is_none();
    if !yearless {
        return instant(&parsed);
    }
    let this_year = i64::from(chrono::DateTime::from_timestamp_nanos(now.nanos()).year());
    let latest = now.plus(Span::from_secs(86_400));
    // The year after, too: an hour into the new year a clock that is ahead may already be there.
    [this_year + 1, this_year, this_year - 1, this_year - 2, this_year - 3, this_year - 4].into_iter().find_map(|year| {
        let mut dated = parsed.clone();
        dated.set_year(year).ok()?;
        instant(&dated).filter(|instant| *instant <= latest)
    })
}

/// The instant of the parts; midnight where there is no time of day, UTC where there is no offset.
fn instant(parsed: &Parsed) -> Option<Timestamp> {
    let offset_s = parsed.offset().unwrap_or(0);
    let moment = match parsed.to_naive_datetime_with_offset(offset_s) {
        Ok(moment) => moment,
        Err(_) if parsed.hour_mod_12().is_none() && parsed.minute().is_none() => parsed.to_naive_date().ok()?.and_time(NaiveTime::MIN),
        Err(_) => return None,
    };
    let nanos = moment.and_utc().timestamp_nanos_opt()?;
    nanos.checked_sub(i64::from(offset_s) * 1_000_000_000).map(Timestamp::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Result<String, String> {
        let now = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
        TimeFormat::parse(format)?.read(text, now).map(|instant| instant.to_string())
    }

    #[test]
    fn times_are_read_in_every_format() {
        let cases = [
            ("rfc3339", "2026-11-22T19:45:03.25+01:00", "2026-11-22T18:45:03.250Z"),
            ("rfc3339", "2014-02-14 14:30:00", "2014-02-14T14:30:00Z"),
            ("rfc3339", "2014-02-14 14:30:00.5", "2014-02-14T14:30:00.500Z"),
            ("rfc3339", "2014-02-14 14:30", "2014-02-14T14:30:00Z"),
            ("rfc3339", " 2014-02-14 ", "2014-02-14T00:00:00Z"),
            ("rfc3339", "1418183276", "2014-12-10T03:47:56Z"),
            ("s", "1418183276.25", "2014-12-10T03:47:56.250Z"),
            ("s", "-1.5", "1969-12-31T23:59:58.500Z"),
            ("s", "100000000000", "5138-11-16T09:46:40Z"),
            ("ms", "1418183276250", "2014-12-10T03:47:56.250Z"),
            ("ns", "1418183276000000001", "2014-12-10T03:47:56.000000001Z"),
            ("%d/%b/%Y:%H:%M:%S %z", "10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36Z"),
            ("%Y-%m-%d %H:%M:%S", "2014-02-14 14:30:00", "2014-02-14T14:30:00Z"),
            ("%Y-%m-%d %H:%M:%S%.f", "2014-02-14 14:30:00.125", "2014-02-14T14:30:00.125Z"),
            ("%d.%m.%Y", "14.02.2014", "2014-02-14T00:00:00Z"),
            ("%m/%d/%Y %I:%M %p", "02/14/2014 02:30 PM", "2014-02-14T14:30:00Z"),
            ("%s", "1418183276", "2014-12-10T03:47:56Z"),
        ];
        for (format, text, expected) in cases {
            if expected.starts_with("5138") {
                assert!(read(format, text).is_err(), "beyond what can be told");
            } else {
                assert_eq!(read(format, text).as_deref(), Ok(expected), "{format} {text}");
            }
        }
    }

    #[test]
    fn a_time_without_a_year_is_of_the_last_twelve_months() {
        // Now is 2026-03-01.
        assert_eq!(read("%b %d %H:%M:%S", "Feb 28 10:00:00").unwrap(), "2026-02-28T10:00:00Z");
        assert_eq!(read("%b %d %H:%M:%S", "Dec 31 23:59:59").unwrap(), "2025-12-31T23:59:59Z");
        assert_eq!(read("%b %e %H:%M:%S", "Mar  2 09:00:00").unwrap(), "2026-03-02T09:00:00Z", "a clock may be a little ahead");
        assert_eq!(read("%b %d %H:%M:%S", "Feb 29 10:00:00").unwrap(), "2024-02-29T10:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_shown() {
        assert_eq!(read("rfc3339", "soon\u{1b}"), Err("must be a time, found \"soon\\u{1b}\"".into()));
        for (format, text) in
            [("rfc3339", ""), ("rfc3339", "2014-02-30 10:00:00"), ("s", "1e9"), ("s", "1."), ("%Y", "2014"), ("%H:%M", "10:00")]
        {
            assert!(read(format, text).is_err(), "{format} {text}");
        }
    }

    #[test]
    fn a_format_that_means_nothing_is_refused() {
        assert!(TimeFormat::parse("iso").unwrap_err().contains("neither"));
        assert!(TimeFormat::parse("%Y-%Q").is_err());
    }
}
