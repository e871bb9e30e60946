//! A metric's line as slices: found without allocation, checked only where it is new.

use super::tags::{self, NameTags};
use crate::record::{SampleType, Series, check_name};
use crate::time::Timestamp;
use crate::wire::{DecodeError, number};

/// What the letter of a metric says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `c`: add this.
    Counter,
    /// `ms`: it took so many milliseconds.
    Timer,
    /// `h` or `d`: a value whose distribution matters.
    Histogram,
    /// `g`: it is so now.
    Gauge,
    /// `s`: count the distinct ones.
    Set,
}

/// One value of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading<'a> {
    /// A number.
    Number(f64),
    /// A gauge with a sign: how much it changed.
    Change(f64),
    /// A member of a set, as it came.
    Member(&'a [u8]),
}

/// A metric's line, cut into its fields.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric<'a> {
    /// The name as it came, perhaps with tags in it; not yet checked.
    pub name: &'a [u8],
    /// What the letter says.
    pub kind: Kind,
    /// The value, or several with colons between; not yet checked.
    pub values: &'a [u8],
    /// How many observations each value stands for: 1 / rate.
    pub weight: f64,
    /// The tags as they came, without their `#`; not yet checked.
    pub tags: &'a [u8],
    /// When, where the sender says.
    pub ts: Option<Timestamp>,
}

impl<'a> Metric<'a> {
    /// Finds the fields of a line (without its newline).
    ///
    /// # Errors
    /// When a field that must be there is not, the type is unknown, or the rate is none. Values,
    /// name and tags are checked by [`Metric::check_values`] and [`Metric::series`].
    #[inline]
    pub fn scan(line: &'a [u8]) -> Result<Metric<'a>, DecodeError> {
        let Some(colon) = memchr::memchr(b':', line) else { return Err(DecodeError::at(line.len(), "no `:` after the name")) };
        if colon == 0 {
            return Err(DecodeError::at(0, "no name before `:`"));
        }
        let after = &line[colon + 1..];
        let Some(bar) = memchr::memchr(b'|', after) else { return Err(DecodeError::at(line.len(), "no `|` after the value")) };
        let fields = &after[bar + 1..];
        let letters = memchr::memchr(b'|', fields).unwrap_or(fields.len());
        let kind = match &fields[..letters] {
            b"c" => Kind::Counter,
            b"ms" => Kind::Timer,
            b"g" => Kind::Gauge,
            b"s" => Kind::Set,
            b"h" | b"d" => Kind::Histogram,
            _ => return Err(DecodeError::at(colon + bar + 2, "the type must be c, ms, h, d, g or s")),
        };
        let mut metric = Metric { name: &line[..colon], kind, values: &after[..bar], weight: 1.0, tags: b"", ts: None };
        if letters < fields.len() {
            metric.extensions(&fields[letters + 1..]).map_err(|error| error.later(line.len() - fields.len() + letters + 1))?;
        }
        Ok(metric)
    }

    /// Reads what follows the type: rate, tags and time, in any order.
    fn extensions(&mut self, fields: &'a [u8]) -> Result<(), DecodeError> {
        let mut at = 0;
        for field in fields.split(|byte| *byte == b'|') {
            match field {
                [b'@', rate @ ..] => {
                    let rate = number::parse(rate).filter(|rate| *rate > 0.0 && *rate <= 1.0);
                    let weight = 1.0 / rate.ok_or(DecodeError::at(at + 1, "the rate must be above 0 and at most 1"))?;
                    self.weight = if weight.is_finite() { weight } else { f64::MAX };
                }
                [b'#', tags @ ..] => self.tags = tags,
                [b'T', seconds @ ..] => self.ts = seconds_of(seconds),
                _ => {}
            }
            at += field.len() + 1;
        }
        Ok(())
    }

    /// Checks that every value can be read.
    ///
    /// # Errors
    /// When one is no finite number, or a set's member is no UTF-8.
    #[inline]
    pub fn check_values(&self) -> Result<(), DecodeError> {
        let bad = |at: usize, what| Err(DecodeError::at(self.name.len() + 1 + at, what));
        if self.kind == Kind::Set {
            return match std::str::from_utf8(self.values) {
                Ok("") => bad(0, "no value"),
                Ok(_) => Ok(()),
                Err(error) => bad(error.valid_up_to(), "not UTF-8"),
            };
        }
        let mut at = 0;
        for value in pieces(self.values) {
            if number::parse(value).is_none() {
                return bad(at, if value.is_empty() { "no value" } else { "the value must be a finite number" });
            }
            at += value.len() + 1;
        }
        Ok(())
    }

    /// Gives each value in turn; one that can't be read is left out.
    #[inline]
    pub fn readings(&self, mut give: impl FnMut(Reading<'a>)) {
        if self.kind == Kind::Set {
            return give(Reading::Member(self.values));
        }
        for value in pieces(self.values) {
            match number::parse(value) {
                Some(change) if self.kind == Kind::Gauge && matches!(value[0], b'+' | b'-') => give(Reading::Change(change)),
                Some(value) => give(Reading::Number(value)),
                None => {}
            }
        }
    }

    /// The one number of a metric that has exactly one: what most lines are.
    #[inline]
    pub fn single(&self) -> Option<Reading<'a>> {
        if self.kind == Kind::Set {
            return None;
        }
        let value = number::parse(self.values)?;
        Some(if self.kind == Kind::Gauge && matches!(self.values[0], b'+' | b'-') {
            Reading::Change(value)
        } else {
            Reading::Number(value)
        })
    }

    /// The series that the metric belongs to.
    ///
    /// # Errors
    /// When the name or a tag can't stand in a record.
    pub fn series(&self, names: NameTags) -> Result<Series, DecodeError> {
        let name = std::str::from_utf8(self.name).map_err(|error| DecodeError::at(error.valid_up_to(), "not UTF-8"))?;
        if let Some(bar) = name.find('|') {
            return Err(DecodeError::at(bar, "a name must not hold `|`"));
        }
        let (name, mut tags) = tags::from_name(name, names)?;
        check_name(&name).map_err(|error| DecodeError::of_name(&error))?;
        if !tags.is_empty() && !self.tags.is_empty() {
            return Err(DecodeError::at(0, "tags both in the name and behind the value"));
        }
        tags::add_dog(&mut tags, self.tags)?;
        let kind = match self.kind {
            Kind::Counter => SampleType::Delta,
            Kind::Set => SampleType::Set,
            Kind::Timer | Kind::Histogram | Kind::Gauge => SampleType::Gauge,
        };
        let unit = (self.kind == Kind::Timer).then(|| "ms".to_owned());
        Ok(Series { metric: name.into_owned(), kind, unit, tags })
    }
}

/// The values between the colons; one that is empty at the end does not count.
fn pieces(values: &[u8]) -> impl Iterator<Item = &[u8]> {
    let values = match values {
        [first @ .., b':'] if !first.is_empty() => first,
        _ => values,
    };
    values.split(|byte| *byte == b':')
}

/// The instant of whole seconds since 1970.
pub(super) fn seconds_of(text: &[u8]) -> Option<Timestamp> {
    let seconds: i64 = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
    seconds.checked_mul(1_000_000_000).map(Timestamp::from_nanos)
}
