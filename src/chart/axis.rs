//! Axes: round values and instants to mark, and how they are written.
//!
//! Round values are 1, 2 or 5 times a power of ten apart (Heckbert 1990, "Nice numbers for graph
//! labels", Graphics Gems). Instants are whole seconds, minutes, hours or days of the reader's clock.

use crate::record::time_unit;
use crate::time::{Span, Timestamp};

/// Seconds that the reader's clock is ahead of UTC at an instant.
pub type Offset<'a> = &'a dyn Fn(Timestamp) -> i64;

/// Values to mark between two others, about so many of them, ascending.
///
/// Shape: `low` and `high` are finite; equal ones give that value alone.
pub fn ticks(low: f64, high: f64, about: usize) -> Vec<f64> {
    if high <= low {
        return vec![low];
    }
    let step = round_step((high - low) / about.max(1) as f64);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last.min(first + 100)).map(|index| index as f64 * step).collect()
}

/// The round step that is not smaller than a length.
fn round_step(length: f64) -> f64 {
    let power = 10f64.powf(length.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= length * 0.999_999).unwrap_or(power * 10.0)
}

/// Widens a range of values to round ones, so that nothing lies on the border; a flat one gets room.
pub fn round_range(low: f64, high: f64, about: usize) -> (f64, f64) {
    let (low, high) = if high > low { (low, high) } else { (low - low.abs().max(1.0) * 0.5, high + high.abs().max(1.0) * 0.5) };
    let step = round_step((high - low) / about.max(1) as f64);
    // What is never negative begins at zero, when zero is near.
    let low = if low >= 0.0 && low < (high - low) * 1.5 { 0.0 } else { low };
    ((low / step).floor() * step, (high / step).ceil() * step)
}

/// A value with its unit, in at most seven characters or so: `12.5 s`, `3.2 GiB`, `250k`, `95 %`.
pub fn value(value: f64, unit: Option<&str>) -> String {
    let unit = unit.unwrap_or("1");
    let (unit, rate) = unit.strip_suffix("/s").map_or((unit, ""), |unit| (unit, "/s"));
    if let Some(one) = time_unit(unit) {
        return seconds(value * one.secs_f64()) + rate;
    }
    match unit {
        "By" => scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB"]) + rate,
        "%" => format!("{} %{rate}", short(value)),
        "1" | "" => scaled(value, 1000.0, &["", "k", "M", "G", "T"]).replace(' ', "") + rate,
        other => {
            let number = scaled(value, 1000.0, &["", "k", "M", "G", "T"]).replace(' ', "");
            let named = other.trim_start_matches('{').trim_end_matches('}');
            if named.is_empty() { number + rate } else { format!("{number} {named}{rate}") }
        }
    }
}

/// A number of seconds as a person says it.
fn seconds(value: f64) -> String {
    let (size, sign) = (value.abs(), if value < 0.0 { "-" } else { "" });
    let (number, unit) = match size {
        0.0 => return "0 s".to_owned(),
        _ if size >= 172_800.0 => (size / 86_400.0, "d"),
        _ if size >= 7200.0 => (size / 3600.0, "h"),
        _ if size >= 120.0 => (size / 60.0, "min"),
        _ if size >= 1.0 => (size, "s"),
        _ if size >= 1e-3 => (size * 1e3, "ms"),
        _ if size >= 1e-6 => (size * 1e6, "us"),
        _ => (size * 1e9, "ns"),
    };
    format!("{sign}{} {unit}", short(number))
}

fn scaled(value: f64, base: f64, units: &[&str]) -> String {
    let mut size = value;
    let mut at = 0;
    while size.abs() >= base * 0.9995 && at + 1 < units.len() {
        size /= base;
        at += 1;
    }
    format!("{} {}", short(size), units[at]).trim_end().to_owned()
}

/// Three significant digits at least, without zeros that say nothing.
fn short(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e15).contains(&size) {
        return format!("{value:.2e}");
    }
    let digits = match size {
        _ if size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 || size == 0.0 => 2,
        _ => (1 - size.log10().floor() as i32).clamp(2, 6) as usize,
    };
    let text = format!("{value:.digits$}");
    if !text.contains('.') {
        return text;
    }
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Distances of marks in time, in seconds.
const STEPS: [i64; 22] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_419_200];

/// Instants to mark, at most so many, with what stands below them on the reader's clock.
///
/// The first mark, and the first after midnight, say the day as well where there is more than one.
pub fn instants(from: Timestamp, until: Timestamp, most: usize, offset: Offset<'_>) -> Vec<(Timestamp, String)> {
    let length = until.since(from).nanos() / 1_000_000_000;
    let fits = |step: &&i64| length / **step <= most.max(1) as i64;
    let step = STEPS.iter().find(fits).copied().unwrap_or(STEPS[STEPS.len() - 1]);
    let mut marks = Vec::new();
    let first = local(from, offset).div_euclid(step) * step;
    let mut day = None;
    for count in 0..=(length / step + 2) {
        let clock = first + count * step;
        let Some(at) = utc(clock, offset).filter(|at| *at >= from && *at < until) else { continue };
        let text = written(clock, step, day);
        day = Some(clock.div_euclid(86_400));
        marks.push((at, text));
        if marks.len() > most + 2 {
            break;
        }
    }
    if local(from, offset).div_euclid(86_400) == local(until.minus(Span::from_nanos(1)), offset).div_euclid(86_400) && step < 86_400 {
        marks.iter_mut().for_each(|(_, text)| *text = text.rsplit(' ').next().unwrap_or_default().to_owned());
    }
    marks
}

/// Seconds since 1970 of the reader's clock.
fn local(at: Timestamp, offset: Offset<'_>) -> i64 {
    at.nanos().div_euclid(1_000_000_000) + offset(at)
}

/// The instant at which the reader's clock shows this; the earlier one where it is shown twice.
fn utc(clock: i64, offset: Offset<'_>) -> Option<Timestamp> {
    let guess = |seconds: i64| Some(Timestamp::from_nanos(seconds.checked_mul(1_000_000_000)?));
    let day_before = guess(clock - 86_400)?;
    let early = guess(clock - offset(day_before))?;
    let late = guess(clock - offset(early))?;
    [early, late].into_iter().find(|at| local(*at, offset) == clock)
}

/// What stands below a mark: `10:05`, `Nov 22 10:05`, `Nov 22`.
fn written(clock: i64, step: i64, day_before: Option<i64>) -> String {
    let stamp = Timestamp::from_nanos(clock.saturating_mul(1_000_000_000)).to_string();
    let (day, time) = (day_name(&stamp), if step < 60 { &stamp[11..19] } else { &stamp[11..16] });
    match day_before {
        _ if step >= 86_400 => day,
        Some(before) if before == clock.div_euclid(86_400) => time.to_owned(),
        _ => format!("{day} {time}"),
    }
}

fn day_name(stamp: &str) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = stamp[5..7].parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1))).unwrap_or(&"");
    format!("{month} {}", stamp[8..10].trim_start_matches('0'))
}

/// An instant on the reader's clock: `Nov 22 10:05:30`.
pub fn clock(at: Timestamp, offset: Offset<'_>) -> String {
    let stamp = Timestamp::from_nanos(local(at, offset).saturating_mul(1_000_000_000)).to_string();
    format!("{} {}", day_name(&stamp), &stamp[11..19])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round() {
        assert_eq!(ticks(0.0, 97.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0]);
        assert_eq!(ticks(-1.2, 1.1, 4), [-1.0, 0.0, 1.0]);
        assert_eq!(ticks(5.0, 5.0, 4), [5.0]);
        assert_eq!(round_range(3.0, 97.0, 5), (0.0, 100.0));
        assert_eq!(round_range(990.0, 1010.0, 4), (990.0, 1010.0));
        assert_eq!(round_range(0.0, 0.0, 4), (-0.5, 0.5));
    }

    #[test]
    fn values_are_written_with_their_unit_in_few_characters() {
        for (given, unit, written) in [
            (12.5, Some("s"), "12.5 s"),
            (0.0042, Some("s"), "4.2 ms"),
            (90_000.0, Some("ms"), "90 s"),
            (7200.0, Some("s"), "2 h"),
            (3_435_973_837.0, Some("By"), "3.2 GiB"),
            (1_048_576.0, Some("By/s"), "1 MiB/s"),
            (250_000.0, None, "250k"),
            (95.0, Some("%"), "95 %"),
            (3.0, Some("{builds}"), "3 builds"),
            (0.0, Some("s"), "0 s"),
            (-0.5, None, "-0.5"),
            (1e-9, None, "1.00e-9"),
            (999_999.0, None, "1M"),
        ] {
            assert_eq!(value(given, unit), written);
        }
    }

    #[test]
    fn instants_are_round_on_the_readers_clock() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let texts = |from: &str, until: &str, offset: i64| -> Vec<String> {
            instants(at(from), at(until), 5, &|_| offset).into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(texts("2026-11-22T10:00:00Z", "2026-11-22T10:10:00Z", 0), ["10:00", "10:02", "10:04", "10:06", "10:08"]);
        assert_eq!(
            texts("2026-11-22T10:00:00Z", "2026-11-22T10:00:10Z", 3600),
            ["11:00:00", "11:00:02", "11:00:04", "11:00:06", "11:00:08"]
        );
        assert_eq!(texts("2026-11-22T18:00:00Z", "2026-11-23T18:00:00Z", 0), ["Nov 22 18:00", "Nov 23 00:00", "06:00", "12:00"]);
        assert_eq!(texts("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", 0), ["Nov 5", "Nov 12", "Nov 19", "Nov 26"]);
    }

    #[test]
    fn an_hour_that_the_clock_skips_has_no_mark() {
        // Europe/Riga, 2021-03-28: 03:00 does not come.
        let offset = |at: Timestamp| if at < Timestamp::parse("2021-03-28T01:00:00Z").unwrap() { 7200 } else { 10_800 };
        let from = Timestamp::parse("2021-03-27T23:00:00Z").unwrap();
        let marks = instants(from, from.plus(Span::from_secs(14_400)), 5, &offset);
        let texts: Vec<&str> = marks.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["01:00", "02:00", "04:00", "05:00"]);
    }
}
