//! Numbers with units: what may be compared with what, and how it is converted.
//!
//! A metric's unit is as UCUM writes it. Time converts to time, bytes to bytes, `%` to `1`; all
//! other units are alike only when they are the same. A bare number takes the unit it meets.

use super::syntax::{Arithmetic, Function, Literal};
use crate::record::time_unit;

/// Where a number came from, which tells how free it is to take a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Typed, without a unit.
    Plain,
    /// Typed with `%`; the value is the number before it.
    Percent,
    /// Typed as a duration, in seconds.
    Duration,
    /// Measured, or worked out of what was.
    Measured,
}

/// A number and its unit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quantity {
    pub(super) value: f64,
    pub(super) unit: Option<String>,
    pub(super) origin: Origin,
}

impl Quantity {
    pub(super) fn measured(value: f64, unit: Option<String>) -> Quantity {
        Quantity { value, unit: unit.filter(|unit| unit != "1"), origin: Origin::Measured }
    }

    pub(super) fn typed(literal: Literal) -> Quantity {
        let (value, unit, origin) = match literal {
            Literal::Plain(value) => (value, None, Origin::Plain),
            Literal::Percent(value) => (value, None, Origin::Percent),
            Literal::Duration(seconds) => (seconds, Some("s".to_owned()), Origin::Duration),
        };
        Quantity { value, unit, origin }
    }

    /// The value of this one in the unit of `other`, or why there is none.
    pub(super) fn in_unit_of(&self, other: &Quantity) -> Result<f64, String> {
        if self.origin == Origin::Plain {
            return Ok(self.value);
        }
        if self.origin == Origin::Percent {
            return match scale(other.unit.as_deref()) {
                Some(("ratio", one)) => Ok(self.value / 100.0 / one),
                _ => Err(mismatch(self, other)),
            };
        }
        if matches!(other.origin, Origin::Plain) {
            return Ok(self.value);
        }
        if self.unit == other.unit {
            return Ok(self.value);
        }
        match (scale(self.unit.as_deref()), scale(other.unit.as_deref())) {
            (Some((family, ours)), Some((same, theirs))) if family == same => Ok(self.value * ours / theirs),
            _ => Err(mismatch(self, other)),
        }
    }

    /// What the number is called in a message: `seconds (s)`, `a number without unit`.
    fn called(&self) -> String {
        match (self.origin, &self.unit) {
            (Origin::Duration, _) => "a duration".into(),
            (Origin::Percent, _) => "a percentage".into(),
            (_, Some(unit)) => format!("the unit `{}`", crate::record::show(unit.as_bytes(), 20)),
            (_, None) => "a number without unit".into(),
        }
    }

    /// The number for a person: `12.5 s`, `104 s`, `3`, `95 %`.
    pub(super) fn human(&self) -> String {
        human(self.value, self.unit.as_deref(), self.origin)
    }
}

/// A number with its unit for a person, at most four digits that matter.
pub(super) fn human(value: f64, unit: Option<&str>, origin: Origin) -> String {
    let number = round(value);
    match (origin, unit) {
        (Origin::Percent, _) => format!("{number} %"),
        (Origin::Duration, _) => crate::time::Span::from_secs_f64(value).map_or(number, crate::time::Span::human),
        (_, Some("By")) if value.abs() >= 1024.0 => bytes(value),
        (_, Some(unit)) => format!("{number} {}", crate::record::show(unit.as_bytes(), 20)),
        (_, None) => number,
    }
}

fn bytes(value: f64) -> String {
    let (mut value, mut unit) = (value, "By");
    for next in ["KiBy", "MiBy", "GiBy", "TiBy"] {
        if value.abs() < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    format!("{} {unit}", round(value))
}

/// Four digits that matter, but never fewer than a whole number has.
pub(super) fn round(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 12);
    let text = format!("{value:.*}", digits as usize);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "0" || text == "-0" { format!("{value:e}") } else { text.to_owned() }
}

fn mismatch(one: &Quantity, other: &Quantity) -> String {
    format!("{} can't be compared with {}", one.called(), other.called())
}

/// The unit of a function's result.
pub(super) fn result_unit(function: Function, unit: Option<String>) -> Option<String> {
    match function {
        Function::Count | Function::Distinct => None,
        Function::Age => Some("s".to_owned()),
        Function::Rate => Some(unit.filter(|unit| unit != "1").map_or_else(|| "1/s".to_owned(), |unit| format!("{unit}/s"))),
        _ => unit,
    }
}

/// What to do when two numbers can't be compared.
pub(super) fn unit_hint(measured: &Quantity, typed: &Quantity) -> String {
    match (&measured.unit, typed.origin) {
        (None, Origin::Duration) => "the metric has no unit: emit it with `--unit s`, or compare it with a bare number".into(),
        (Some(unit), Origin::Duration) => format!("the metric's unit is `{unit}`: compare it with a bare number of these"),
        (Some(unit), Origin::Percent) => format!("the metric's unit is `{unit}`, which is no share: compare it with a bare number"),
        _ => "compare what has the same unit".into(),
    }
}

/// The unit of a quantity, unless it is only an annotation: `{builds}` is a bare number in UCUM.
fn dimension(quantity: &Quantity) -> Option<&str> {
    quantity.unit.as_deref().filter(|unit| !unit.starts_with('{') || !unit.ends_with('}'))
}

/// Adds, takes away, multiplies or divides, with the units.
///
/// # Errors
/// When the units don't go together: the words to say so.
pub(super) fn arithmetic(left: Quantity, sign: Arithmetic, right: Quantity) -> Result<Quantity, String> {
    let plain = |quantity: &Quantity| quantity.origin == Origin::Plain || quantity.origin == Origin::Percent;
    let number = |quantity: &Quantity| if quantity.origin == Origin::Percent { quantity.value / 100.0 } else { quantity.value };
    let origin = if plain(&left) && plain(&right) { Origin::Plain } else { Origin::Measured };
    match sign {
        Arithmetic::Plus | Arithmetic::Minus => {
            // The measured side tells the unit.
            let of_right = left.origin != Origin::Measured && right.origin == Origin::Measured;
            let (a, b, unit) = if of_right {
                (left.in_unit_of(&right)?, right.value, right.unit.clone())
            } else {
                (left.value, right.in_unit_of(&left)?, left.unit.clone())
            };
            let value = if sign == Arithmetic::Plus { a + b } else { a - b };
            let origin = if left.origin == right.origin { left.origin } else { origin };
            Ok(Quantity { value, unit, origin })
        }
        Arithmetic::Times => {
            let unit = match (dimension(&left), dimension(&right)) {
                (Some(a), Some(b)) => Some(format!("{a}.{b}")),
                (a, b) => a.or(b).map(str::to_owned),
            };
            Ok(Quantity { value: number(&left) * number(&right), unit, origin })
        }
        Arithmetic::Over => {
            if let (true, Ok(divisor)) = (!plain(&right) && !plain(&left), right.in_unit_of(&left)) {
                return Ok(Quantity { value: left.value / divisor, unit: None, origin });
            }
            let unit = match (dimension(&left), dimension(&right)) {
                (Some(a), Some(b)) => Some(format!("{a}/{b}")),
                (None, Some(b)) => Some(format!("1/{b}")),
                (a, None) => a.map(str::to_owned),
            };
            Ok(Quantity { value: number(&left) / number(&right), unit, origin })
        }
    }
}

/// The family of a unit, and how many of the family's base unit it is.
fn scale(unit: Option<&str>) -> Option<(&'static str, f64)> {
    let Some(unit) = unit else { return Some(("ratio", 1.0)) };
    if let Some(span) = time_unit(unit) {
        return Some(("time", span.nanos() as f64));
    }
    let bytes = [
        ("By", 1.0),
        ("kBy", 1e3),
        ("MBy", 1e6),
        ("GBy", 1e9),
        ("TBy", 1e12),
        ("KiBy", 1024.0),
        ("MiBy", 1_048_576.0),
        ("GiBy", 1_073_741_824.0),
        ("TiBy", 1_099_511_627_776.0),
    ];
    match unit {
        // UCUM's annotations say what is counted; they are no unit.
        _ if unit.starts_with('{') && unit.ends_with('}') => Some(("ratio", 1.0)),
        "1" => Some(("ratio", 1.0)),
        "%" => Some(("ratio", 0.01)),
        _ => bytes.iter().find(|(name, _)| *name == unit).map(|(_, size)| ("bytes", *size)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_converts_and_what_is_not_is_refused() {
        let metric = |value: f64, unit: &str| Quantity::measured(value, (!unit.is_empty()).then(|| unit.to_owned()));
        let cases = [
            (Quantity::typed(Literal::Duration(90.0)), metric(0.0, "ms"), Some(90_000.0)),
            (Quantity::typed(Literal::Percent(95.0)), metric(0.0, "%"), Some(95.0)),
            (Quantity::typed(Literal::Percent(95.0)), metric(0.0, ""), Some(0.95)),
            (Quantity::typed(Literal::Percent(95.0)), metric(0.0, "1"), Some(0.95)),
            (Quantity::typed(Literal::Plain(5.0)), metric(0.0, "By"), Some(5.0)),
            (metric(2.0, "KiBy"), metric(0.0, "By"), Some(2048.0)),
            (metric(50.0, "%"), metric(0.0, ""), Some(0.5)),
            (metric(1.0, "s"), metric(0.0, "By"), None),
            (Quantity::typed(Literal::Duration(90.0)), metric(0.0, ""), None),
            (Quantity::typed(Literal::Duration(90.0)), metric(0.0, "By"), None),
            (metric(1.0, "{builds}"), metric(0.0, "{builds}"), Some(1.0)),
            (metric(1.0, "{builds}"), metric(0.0, ""), Some(1.0)),
            (metric(1.0, "{builds}"), metric(0.0, "s"), None),
        ];
        for (from, to, expected) in cases {
            assert_eq!(from.in_unit_of(&to).ok(), expected, "{from:?} {to:?}");
        }
    }

    #[test]
    fn people_read_four_digits() {
        for (value, text) in [
            (104.0, "104"),
            (12.345678, "12.35"),
            (0.000123456, "0.0001235"),
            (181_233.0, "181233"),
            (0.1, "0.1"),
            (0.0, "0"),
            (1e-15, "1e-15"),
        ] {
            assert_eq!(round(value), text);
        }
        assert_eq!(human(5.0 * 1024.0 * 1024.0, Some("By"), Origin::Measured), "5 MiBy");
        assert_eq!(human(1860.0, Some("s"), Origin::Duration), "31 min");
    }
}
