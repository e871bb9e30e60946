//! Threshold ranges of monitoring plugins: `10`, `10:`, `~:10`, `10:20`, `@10:20`.
//!
//! A range names the values that are fine; outside of it is an alert, and with `@` inside of it.
//! Both ends belong to it. An end left out is infinity, a start left out is zero, and `~` is minus
//! infinity. So each range is a condition of the language on some value, and the other way round:
//!
//! | range    | alerts when          | condition          |
//! |----------|----------------------|--------------------|
//! | `10`     | below 0 or above 10  | `x not in 0..10`   |
//! | `10:`    | below 10             | `x < 10`           |
//! | `~:10`   | above 10             | `x > 10`           |
//! | `10:20`  | below 10 or above 20 | `x not in 10..20`  |
//! | `@10:20` | from 10 to 20        | `x in 10..20`      |
//! | `@10:`   | 10 or above          | `x >= 10`          |
//! | `@~:10`  | 10 or below          | `x <= 10`          |
//! | `5:5`    | other than 5         | `x != 5`           |
//! | `~:`     | never                | `x != x`           |
//!
//! What holds: [`Range::parse`] reads back what [`Range`]'s `Display` wrote, and a range, its
//! condition and that condition's range alert for the same values.
//!
//! Source: Monitoring Plugins Development Guidelines, section 2.5, and
//! `definitions/01.range_expressions.md` of the later monitoring-plugin-guidelines. What these
//! leave open: an exponent is read (`1e3`); another base, infinity and NaN are refused; a `%` after
//! a number, also doubled as configuration files escape it, makes the ends percent as it does in a
//! condition.

use std::fmt;

use super::RuleError;
use super::parse::parse_sum;
use super::syntax::{Compare, Literal, Place, SumKind, Test, TestKind};
use super::units::Quantity;
use crate::record::show;

/// Which values raise an alert; see the module for its forms.
///
/// `low` is at most `high`; an open end is infinite. No end is NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    low: f64,
    high: f64,
    /// Whether the inside alerts, not the outside.
    inside: bool,
    /// Whether the ends are percent.
    percent: bool,
}

impl Range {
    /// Reads a range as the guideline writes it.
    ///
    /// # Errors
    /// [`RuleError`] with the place of the first character that is wrong, and what was expected there.
    pub fn parse(text: &str) -> Result<Range, RuleError> {
        let (inside, body) = text.strip_prefix('@').map_or((false, text), |rest| (true, rest));
        let from = text.len() - body.len();
        if body.is_empty() {
            let what = if inside { "the range ends after `@`" } else { "the range is empty" };
            return Err(RuleError::new(format!("{what}: expected a number"), (from, from)).hint(FORMS));
        }
        let Some(colon) = body.find(':') else {
            let (high, percent) = number_at(body, from, "expected a number, or two with `:` between them")?;
            let hint = format!("`{0}` means `0:{0}`; below {0} alerts `{0}:`, above it `~:{0}`", Number(high));
            return Range { low: 0.0, high, inside, percent }.ascending((from, text.len()), hint);
        };
        let (start, end) = (&body[..colon], &body[colon + 1..]);
        if start.is_empty() && end.is_empty() {
            let error = RuleError::new("a range needs a start or an end", (from, text.len()));
            return Err(error.hint("`~:` never alerts, `0:` alerts below zero"));
        }
        let (low, one) = match start {
            "" => (0.0, false),
            "~" => (f64::NEG_INFINITY, false),
            start => number_at(start, from, "expected a number or `~` before the `:`")?,
        };
        let (high, other) = match end {
            "" => (f64::INFINITY, false),
            end => number_at(end, from + colon + 1, "expected a number or the end after the `:`")?,
        };
        let hint = format!("write `{}:{}`", Number(high), Number(low));
        Range { low, high, inside, percent: one || other }.ascending((from, text.len()), hint)
    }

    /// The range, if its start is not above its end.
    fn ascending(self, place: Place, hint: String) -> Result<Range, RuleError> {
        if self.low <= self.high {
            return Ok(self);
        }
        let message = format!("the start {} is above the end {}", Number(self.low), Number(self.high));
        Err(RuleError::new(message, place).hint(hint))
    }

    /// Whether a value raises an alert.
    ///
    /// Units: those of the ends; the value of a range in percent is in percent.
    pub fn alerts(&self, value: f64) -> bool {
        (self.low <= value && value <= self.high) == self.inside
    }

    /// Writes the condition that is true when the value of `value`, a sum, raises an alert.
    ///
    /// A value that is not known makes the condition unknown, also where the range alerts never or always.
    pub fn condition(&self, value: &str) -> String {
        let number = |end: f64| format!("{}{}", Number(end), if self.percent { "%" } else { "" });
        let (low, high) = (number(self.low), number(self.high));
        let value = value.trim();
        match (self.low.is_finite(), self.high.is_finite(), self.inside) {
            (false, false, false) => format!("{value} != {value}"),
            (false, false, true) => format!("{value} == {value}"),
            (false, true, false) => format!("{value} > {high}"),
            (false, true, true) => format!("{value} <= {high}"),
            (true, false, false) => format!("{value} < {low}"),
            (true, false, true) => format!("{value} >= {low}"),
            (true, true, false) if self.low == self.high => format!("{value} != {low}"),
            (true, true, true) if self.low == self.high => format!("{value} == {low}"),
            (true, true, false) => format!("{value} not in {low}..{high}"),
            (true, true, true) => format!("{value} in {low}..{high}"),
        }
    }

    /// The range that alerts when the comparison of a value with `limit` is true.
    ///
    /// Units: those of `limit`, which is finite.
    pub(super) fn of_compare(compare: Compare, limit: f64) -> Range {
        let (low, high, inside) = match compare {
            Compare::Greater => (f64::NEG_INFINITY, limit, false),
            Compare::GreaterOrEqual => (limit, f64::INFINITY, true),
            Compare::Less => (limit, f64::INFINITY, false),
            Compare::LessOrEqual => (f64::NEG_INFINITY, limit, true),
            Compare::Equal => (limit, limit, true),
            Compare::NotEqual => (limit, limit, false),
        };
        Range::within(low, high, inside)
    }

    /// The range that alerts when `value in low..high` is true, or with `not` when it is false.
    pub(super) fn of_ends(low: f64, high: f64, not: bool) -> Range {
        Range::within(low, high, !not)
    }

    /// The range that alerts for the values of which a test is true, in the unit of `measured`, the
    /// value found; `None` where the test holds two measured values against each other, or where
    /// its limit has no meaning in that unit.
    pub(super) fn of_test(test: &Test, measured: &Quantity) -> Option<Range> {
        let limit = |literal: Literal| Quantity::typed(literal).in_unit_of(measured).ok();
        match &test.kind {
            TestKind::Compare { left, compare, right } => match (&left.kind, &right.kind) {
                (SumKind::Literal(_), SumKind::Literal(_)) => None,
                (_, SumKind::Literal(literal)) => Some(Range::of_compare(*compare, limit(*literal)?)),
                (SumKind::Literal(literal), _) => Some(Range::of_compare(compare.turned(), limit(*literal)?)),
                (_, SumKind::Negative(inner)) => match inner.kind {
                    SumKind::Literal(literal) => Some(Range::of_compare(*compare, -limit(literal)?)),
                    _ => None,
                },
                _ => None,
            },
            TestKind::In { low, high, not, .. } => Some(Range::of_ends(limit(*low)?, limit(*high)?, *not)),
            TestKind::Absent { .. } => None,
        }
    }

    /// The range that alerts where this one does not.
    pub(super) fn negated(self) -> Range {
        Range { inside: !self.inside, ..self }
    }

    /// A number as ranges and performance data write it: decimal, without an exponent.
    pub fn number(value: f64) -> impl fmt::Display {
        Number(value)
    }

    /// The range with its ends in another unit.
    ///
    /// Shape: `convert` ascends.
    pub fn converted(&self, convert: impl Fn(f64) -> f64) -> Range {
        Range { low: convert(self.low), high: convert(self.high), ..*self }
    }

    fn within(low: f64, high: f64, inside: bool) -> Range {
        // Minus zero is zero, and would be written with its sign.
        Range { low: low + 0.0, high: high + 0.0, inside, percent: false }
    }
}

/// Whether a text is a value that ranges can be held against: a sum of the language, no condition.
pub fn is_value(text: &str) -> bool {
    parse_sum(text, (0, text.len())).is_ok()
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.inside {
            f.write_str("@")?;
        }
        let sign = if self.percent { "%" } else { "" };
        if self.low == f64::NEG_INFINITY {
            f.write_str("~:")?;
        } else if self.low != 0.0 || self.high == f64::INFINITY {
            write!(f, "{}{sign}:", Number(self.low))?;
        }
        if self.high == f64::INFINITY { Ok(()) } else { write!(f, "{}{sign}", Number(self.high)) }
    }
}

const FORMS: &str = "ranges are like `10` (alerts outside of 0 to 10), `10:` (below 10), `~:10` (above 10), `10:20`, `@10:20` (inside)";

/// A number as the guideline allows it: digits, a point and a minus, no exponent.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 + 0.0)
    }
}

/// Reads a decimal number that stands at byte `at` of the range, and whether it is percent.
fn number_at(text: &str, at: usize, expected: &str) -> Result<(f64, bool), RuleError> {
    let bare = text.strip_suffix("%%").or_else(|| text.strip_suffix('%'));
    let percent = bare.is_some_and(|bare| bare.ends_with(|c: char| c.is_ascii_digit() || c == '.'));
    let text = bare.filter(|_| percent).unwrap_or(text);
    let good = well_formed(text);
    if good < text.len() || text.is_empty() || text == "-" {
        let wrong = text[good..].chars().next();
        let place = (at + good, at + good + wrong.map_or(0, char::len_utf8));
        let found = wrong.map_or("the end".to_owned(), |c| format!("`{}`", show(c.to_string().as_bytes(), 4)));
        return Err(RuleError::new(format!("{expected}, found {found}"), place).hint(remedy(&text[good..])));
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok((value + 0.0, percent)),
        Ok(_) => Err(RuleError::new("the number is beyond the range of a double", (at, at + text.len()))),
        Err(_) => Err(RuleError::new(format!("{expected}, found `{}`", show(text.as_bytes(), 40)), (at, at + text.len())).hint(FORMS)),
    }
}

/// How many bytes at the beginning of a text are the beginning of a decimal number.
fn well_formed(text: &str) -> usize {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut at = usize::from(text.starts_with('-'));
    let whole = digits(&text[at..]);
    at += whole;
    let mut fraction = 0;
    if text[at..].starts_with('.') {
        fraction = digits(&text[at + 1..]);
        at += usize::from(whole + fraction > 0) + fraction;
    }
    if whole + fraction > 0 && text[at..].starts_with(['e', 'E']) {
        let sign = usize::from(text[at + 1..].starts_with(['+', '-']));
        let exponent = digits(&text[at + 1 + sign..]);
        at += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    at
}

/// What to do about what stands where a number should.
fn remedy(wrong: &str) -> &'static str {
    if wrong.starts_with('~') {
        "`~` stands only before the `:`; an end that is left out is infinity already"
    } else if wrong.starts_with(|c: char| c.is_ascii_alphabetic()) {
        "a range has no units: its numbers are in the value's own; with a unit write a condition, like 'age(x) > 30m'"
    } else {
        FORMS
    }
}

#[cfg(test)]
#[path = "range_tests.rs"]
mod tests;
