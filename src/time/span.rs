//! Lengths of time: `250ms`, `10s`, `2h30m`, `7d`.

use super::TimeError;

/// A length of time in whole nanoseconds, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

/// The units that may be written, largest first, with their length in nanoseconds.
const UNITS: [(&str, i64); 8] = [
    ("w", 604_800_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// The longest length that can be told, about 292 years.
    pub const MAX: Span = Span(i64::MAX);

    /// Makes a length from nanoseconds; a negative number becomes zero.
    pub const fn from_nanos(nanos: i64) -> Span {
        Span(if nanos < 0 { 0 } else { nanos })
    }

    /// Makes a length from milliseconds.
    pub const fn from_millis(millis: u32) -> Span {
        Span(millis as i64 * 1_000_000)
    }

    /// Makes a length from whole seconds.
    pub const fn from_secs(seconds: u32) -> Span {
        Span(seconds as i64 * 1_000_000_000)
    }

    /// Makes a length from seconds with a fraction.
    ///
    /// Returns `None` for a negative, infinite or too large number.
    pub fn from_secs_f64(seconds: f64) -> Option<Span> {
        let nanos = (seconds * 1e9).round();
        (nanos >= 0.0 && nanos < i64::MAX as f64).then_some(Span(nanos as i64))
    }

    /// The length in nanoseconds.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The length in seconds, rounded to the nearest double.
    pub fn secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum of two lengths; stays at [`Span::MAX`] when it would be longer.
    pub const fn plus(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }

    /// The length `count` times over; stays at [`Span::MAX`] when it would be longer.
    pub const fn times(self, count: u32) -> Span {
        Span(self.0.saturating_mul(count as i64))
    }

    /// The length as the standard library has it, for timeouts.
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.0 as u64)
    }

    /// Reads `250ms`, `10s`, `2h30m`, `1.5h`, `7d`, `4w`.
    ///
    /// # Errors
    /// When a unit is missing or unknown, a part comes twice or out of order, or the sum is over
    /// 292 years; the message names the units.
    pub fn parse(text: &str) -> Result<Span, TimeError> {
        let mut rest = text;
        let mut total: i64 = 0;
        let mut smallest = usize::MAX;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, after) = rest.split_at(digits);
            let letters = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
            let (unit, next) = after.split_at(letters);
            let part = part_nanos(text, number, unit)?;
            let (index, nanos) = part;
            if smallest != usize::MAX && index <= smallest {
                return Err(TimeError(format!(
                    "`{}` is not a duration: the parts go from the largest unit to the smallest, each once, like `2h30m`",
                    clip(text)
                )));
            }
            smallest = index;
            total = total.checked_add(nanos).ok_or_else(|| too_long(text))?;
            rest = next;
        }
        if smallest == usize::MAX {
            return Err(TimeError("an empty text is not a duration; write a number and a unit, like `10s`".into()));
        }
        Ok(Span(total))
    }

    /// Says the length as a person would: the two largest parts, `31 min`, `2 h 5 min`, `12.5 s`.
    pub fn human(self) -> String {
        let nanos = self.0;
        let seconds = nanos / 1_000_000_000;
        let two = |large: i64, large_unit: &str, small: i64, small_unit: &str| {
            if small == 0 { format!("{large} {large_unit}") } else { format!("{large} {large_unit} {small} {small_unit}") }
        };
        match seconds {
            86_400.. => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
            3_600.. => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
            600.. => format!("{} min", seconds / 60),
            60.. => two(seconds / 60, "min", seconds % 60, "s"),
            1.. => format!("{} s", (nanos / 10_000_000) as f64 / 100.0),
            _ if nanos == 0 => "0 s".to_owned(),
            _ if nanos >= 1_000_000 => format!("{} ms", (nanos / 10_000) as f64 / 100.0),
            _ => format!("{} us", nanos as f64 / 1000.0),
        }
    }
}

/// The index in [`UNITS`] and the nanoseconds of one part, `2.5` and `h`.
fn part_nanos(text: &str, number: &str, unit: &str) -> Result<(usize, i64), TimeError> {
    let bad = |why: &str| {
        TimeError(format!("`{}` is not a duration: {why}; the units are ms, s, m, h, d and w, like `10s` or `2h30m`", clip(text)))
    };
    if number.is_empty() {
        return Err(bad("it must begin with a number"));
    }
    if unit.is_empty() {
        return Err(bad("it has no unit"));
    }
    let unit = if unit == "µs" { "us" } else { unit };
    let Some(index) = UNITS.iter().position(|(name, _)| *name == unit) else {
        return Err(bad(&format!("`{}` is no unit", clip(unit))));
    };
    let scale = UNITS[index].1;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || (fraction.is_empty() && number.contains('.')) {
        return Err(bad(&format!("`{}` is not a number", clip(number))));
    }
    let whole: i64 = whole.parse().map_err(|_| too_long(text))?;
    let mut nanos = whole.checked_mul(scale).ok_or_else(|| too_long(text))?;
    let mut place = scale;
    for digit in fraction.bytes() {
        place /= 10;
        nanos = nanos.checked_add(i64::from(digit - b'0') * place).ok_or_else(|| too_long(text))?;
    }
    Ok((index, nanos))
}

fn too_long(text: &str) -> TimeError {
    TimeError(format!("`{}` is too long a duration (292 years at most)", clip(text)))
}

/// Cuts a text for a message: control characters are shown escaped, and 40 characters are enough.
fn clip(text: &str) -> String {
    let mut out: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        out.push('…');
    }
    out
}

impl std::fmt::Display for Span {
    /// Writes the canonical form: days and smaller units, none of them zero; `0s` for nothing.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, nanos) in &UNITS[1..] {
            if rest >= *nanos {
                write!(f, "{}{unit}", rest / nanos)?;
                rest %= nanos;
            }
        }
        Ok(())
    }
}

impl std::str::FromStr for Span {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Span, TimeError> {
        Span::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_form_is_read() {
        let cases = [
            ("250ms", 250_000_000),
            ("10s", 10_000_000_000),
            ("5m", 300_000_000_000),
            ("2h30m", 9_000_000_000_000),
            ("7d", 604_800_000_000_000),
            ("4w", 2_419_200_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("0s", 0),
            ("1s500ms", 1_500_000_000),
            ("3us", 3_000),
            ("3µs", 3_000),
            ("7ns", 7),
        ];
        for (text, nanos) in cases {
            assert_eq!(Span::parse(text), Ok(Span(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_the_units_named() {
        for text in ["10", "", "s", "10 s", "-5s", "1e3s", "5m5m", "5s2h", "1.s", ".5s", "1..5s", "5x", "10S", "١s"] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
        assert!(Span::parse("10").unwrap_err().0.contains("ms, s, m, h, d and w"));
        assert!(Span::parse("999999w").is_err());
        assert!(Span::parse("99999999999999999999s").is_err());
    }

    #[test]
    fn the_written_form_is_canonical() {
        for (text, canonical) in [("90s", "1m30s"), ("7d", "7d"), ("4w", "28d"), ("3600s", "1h"), ("0ms", "0s"), ("1500us", "1ms500us")] {
            assert_eq!(Span::parse(text).unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn people_read_two_parts() {
        for (text, human) in [
            ("31m", "31 min"),
            ("2h5m", "2 h 5 min"),
            ("12s500ms", "12.5 s"),
            ("26h", "1 d 2 h"),
            ("90s", "1 min 30 s"),
            ("3ms", "3 ms"),
            ("0s", "0 s"),
        ] {
            assert_eq!(Span::parse(text).unwrap().human(), human);
        }
    }
}
