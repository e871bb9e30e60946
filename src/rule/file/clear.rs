//! A limit of its own for the way back: `clear = 400` under `warning = "x > 500 for 5m"` is `x <= 400`.

use crate::rule::syntax::{Condition, Logic, Place, Sum, SumKind, Test, TestKind};

/// The text of the condition that holds when `condition`, with its only limit replaced by `limit`,
/// does not; the limit takes the unit of the one that it replaces.
///
/// A `for` is left out: what ended it is one value on the other side. `3 of 5 times` stays, as it is
/// about several.
///
/// # Errors
/// Why there is none: the condition must be one comparison with one number that was typed.
pub(super) fn clear(condition: &Condition, limit: f64) -> Result<String, String> {
    let text = condition.text();
    let (mut logic, mut negated, mut times) = (&condition.logic, true, None);
    let test: &Test = loop {
        logic = match logic {
            Logic::For(part, _) if times.is_none() => part,
            Logic::Not(part) if times.is_none() => {
                negated = !negated;
                part
            }
            Logic::Times(part, counted) if times.is_none() => {
                times = Some(*counted);
                part
            }
            Logic::Test(test) => break test,
            _ => return Err(several(logic)),
        };
    };
    let TestKind::Compare { left, compare, right } = &test.kind else {
        return Err("it has no comparison with a limit".into());
    };
    let slice = |place: Place| text.get(place.0..place.1).unwrap_or_default();
    let (value, compare, typed) = match (typed(left), typed(right)) {
        (None, Some(typed)) => (left, *compare, typed),
        (Some(typed), None) => (right, compare.turned(), typed),
        (None, None) => return Err("its limit is no number that was typed".into()),
        (Some(_), Some(_)) => return Err("it compares two numbers that were typed".into()),
    };
    let limit = format!("{limit}{}", unit(slice(typed))?);
    Ok(match times {
        Some(times) => {
            let not = if negated { "not " } else { "" };
            format!("{not}({} {} {limit} for {} of {} times)", slice(value.place), compare.sign(), times.least, times.of)
        }
        None => {
            let compare = if negated { compare.opposite() } else { compare };
            format!("{} {} {limit}", slice(value.place), compare.sign())
        }
    })
}

/// Why a condition that is more than one test can't be turned round by a number.
fn several(logic: &Logic) -> String {
    fn limits(logic: &Logic) -> usize {
        match logic {
            Logic::And(parts) | Logic::Or(parts) => parts.iter().map(limits).sum(),
            Logic::Not(part) | Logic::For(part, _) | Logic::Times(part, _) => limits(part),
            Logic::Test(_) => 1,
        }
    }
    match limits(logic) {
        1 => "its `for` and its count of times stand within one another".into(),
        several => format!("it has {several} comparisons"),
    }
}

/// The place of a number that was typed, its sign included.
fn typed(sum: &Sum) -> Option<Place> {
    match &sum.kind {
        SumKind::Literal(_) => Some(sum.place),
        SumKind::Negative(inner) => matches!(inner.kind, SumKind::Literal(_)).then_some(sum.place),
        _ => None,
    }
}

/// The unit of a number that was typed: `ms` of `-90ms`, nothing of `5e3`.
fn unit(text: &str) -> Result<&str, String> {
    let number = text.trim_start_matches(['-', ' ', '(']).trim_end_matches([')', ' ']);
    if number.parse::<f64>().is_ok() {
        return Ok("");
    }
    let unit = number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if unit.chars().any(|c| c.is_ascii_digit()) { Err(format!("its limit `{number}` has more than one unit")) } else { Ok(unit) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::parse;

    #[test]
    fn a_number_is_the_limit_of_the_way_back() {
        for (condition, limit, expected) in [
            ("x > 500", 400.0, "x <= 400"),
            ("last(x{a=\"b\"}) >= 500 for 5m", 400.0, "last(x{a=\"b\"}) < 400"),
            ("(x > 500 for 5m) for 1m", 400.0, "x <= 400"),
            ("500 < x", 400.0, "x <= 400"),
            ("not (x < 10)", 12.0, "x < 12"),
            ("p95(x, 5m) > 90s", 60.0, "p95(x, 5m) <= 60s"),
            ("x < -10.5%", -5.0, "x >= -5%"),
            ("x > 4GiB", 3.5, "x <= 3.5GiB"),
            ("x > 5e3", 4000.0, "x <= 4000"),
            ("a / b > 2%", 1.0, "a / b <= 1%"),
            ("x > 5 for 3 of 5 times", 4.0, "not (x > 4 for 3 of 5 times)"),
            ("not (x > 5 for 3 of 5 times)", 4.0, "(x > 4 for 3 of 5 times)"),
        ] {
            let text = clear(&parse(condition).unwrap(), limit).unwrap();
            assert_eq!(text, expected, "{condition}");
            parse(&text).unwrap();
        }
    }

    #[test]
    fn where_there_is_not_one_limit_it_is_told() {
        for (condition, expected) in [
            ("x > 5 and y > 3", "it has 2 comparisons"),
            ("x > y", "its limit is no number that was typed"),
            ("x > 2 * 3", "its limit is no number that was typed"),
            ("5 > 3", "it compares two numbers that were typed"),
            ("absent(x, 5m)", "it has no comparison with a limit"),
            ("x in 3..5", "it has no comparison with a limit"),
            ("x > 2h30m", "its limit `2h30m` has more than one unit"),
        ] {
            assert_eq!(clear(&parse(condition).unwrap(), 4.0), Err(expected.to_owned()), "{condition}");
        }
    }
}
