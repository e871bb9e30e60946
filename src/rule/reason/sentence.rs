//! One test as a part of a sentence: `p95 of x over 5 min is 104 s, over the limit of 90 s`.

use crate::rule::forecast::{hours, when};
use crate::rule::syntax::{Arithmetic, Call, Compare, Function, Literal, Selector, Sum, SumKind, TestKind};
use crate::rule::trace::{Seen, Term, comparison};
use crate::rule::truth::Truth;
use crate::rule::units::{Origin, Quantity, human, round};
use crate::time::{Span, Timestamp};

/// How many characters of a selector stand in a sentence.
const NAME: usize = 60;

/// One test in words, whether it speaks for or against.
pub(in crate::rule) fn sentence(seen: &Seen, at: Timestamp) -> String {
    match (&seen.test.kind, seen.terms.as_slice()) {
        (TestKind::Absent { selector, window }, [term]) => absent(&short(selector), *window, seen, term),
        (TestKind::Compare { .. }, [term]) if term.call.function == Function::Age && seen.limit.is_some() => aged(seen, term),
        (TestKind::In { low, high, not, .. }, _) => {
            let inside = (seen.truth == Truth::True) != *not;
            let percent = matches!(low, Literal::Percent(_));
            let relation = if inside { "within" } else { "outside of" };
            format!("{} is {}, {relation} {}..{}", what(seen), value_text(seen, percent), end_text(*low), end_text(*high))
        }
        _ => compared(seen, at),
    }
}

fn end_text(literal: Literal) -> String {
    let Quantity { value, unit, origin } = Quantity::typed(literal);
    human(value, unit.as_deref(), origin)
}

fn absent(name: &str, window: Option<Span>, seen: &Seen, term: &Term) -> String {
    match (term.basis.last_seen, window) {
        (None, None) => format!("{name} was never seen"),
        (None, Some(window)) => format!("{name} was never seen (limit {})", window.human()),
        (Some(_), None) => format!("{name} was seen {} ago", age_text(term)),
        (Some(_), Some(window)) if seen.truth == Truth::True => format!("no {name} for {} (limit {})", age_text(term), window.human()),
        (Some(_), Some(window)) => format!("the last {name} was {} ago (limit {})", age_text(term), window.human()),
    }
}

/// An age as what it means: that nothing came, or when something last did.
fn aged(seen: &Seen, term: &Term) -> String {
    let name = short(&term.call.selector);
    let limit = seen.limit.as_ref().map_or(0.0, |limit| limit.value);
    let limit = Span::from_secs_f64(limit).map_or_else(|| format!("{} s", round(limit)), Span::human);
    match comparison(seen) {
        Some(Compare::Greater | Compare::GreaterOrEqual) if seen.speaks_for() == Truth::True => {
            format!("no {name} for {} (limit {limit})", age_text(term))
        }
        _ => format!("the last {name} was {} ago (limit {limit})", age_text(term)),
    }
}

fn age_text(term: &Term) -> String {
    aged_text(term.quantity.as_ref().map_or(0.0, |quantity| quantity.value))
}

/// Seconds as a length of time.
pub(in crate::rule) fn aged_text(seconds: f64) -> String {
    Span::from_secs_f64(seconds).unwrap_or(Span::ZERO).human()
}

/// A comparison: what was measured, and how it stands to what it was held against.
fn compared(seen: &Seen, at: Timestamp) -> String {
    let Some((value, shown)) = both(seen) else { return format!("{} is {}", what(seen), value_text(seen, false)) };
    let (Some(limit), Some(compare)) = (&seen.limit, comparison(seen)) else { return String::new() };
    if let Some(text) = beside_the_past(seen, compare, &value, &shown) {
        return text;
    }
    if let Some(text) = foretold(seen, compare, &value, &shown, at) {
        return text;
    }
    let fires = seen.speaks_for() == Truth::True;
    let left = seen.left.as_ref().map_or(0.0, |left| left.value);
    // Where both read alike, only the word tells which is more.
    let just = if value == shown && left != limit.value { "just " } else { "" };
    let limit_text = match &seen.test.kind {
        TestKind::Compare { right, .. } if !right.is_typed() => format!("{}, which is {shown}", bare(right)),
        _ if limit.value == 0.0 => "0".into(),
        _ => format!("the limit of {shown}"),
    };
    let relation = relation(compare, fires, left == limit.value, limit.value == 0.0);
    let whole = format!("{} is {value}{}", what(seen), parts(seen));
    match compare {
        Compare::Equal | Compare::NotEqual if (compare == Compare::Equal) == fires => match &seen.test.kind {
            TestKind::Compare { right, .. } if !right.is_typed() => format!("{whole}, as is {}", bare(right)),
            _ => whole,
        },
        Compare::Equal | Compare::NotEqual => match &seen.test.kind {
            TestKind::Compare { right, .. } if !right.is_typed() => format!("{whole}, not that of {limit_text}"),
            _ => format!("{whole}, {}not {shown}", if just.is_empty() { "" } else { "quite " }),
        },
        // That 0 is at 0 needs no word.
        _ if relation == "at" && limit_text == "0" => whole,
        _ => format!("{whole}, {just}{relation} {limit_text}"),
    }
}

/// The value and its limit, in a unit that suits both as the limit was typed: percent, or seconds.
pub(in crate::rule) fn both(seen: &Seen) -> Option<(String, String)> {
    let (left, limit) = (seen.left.as_ref()?, seen.limit.as_ref()?);
    let unit = limit.unit.as_deref().or(left.unit.as_deref());
    let percent = is_percent(seen);
    if let (TestKind::Compare { right: Sum { kind: SumKind::Literal(Literal::Duration(seconds)), .. }, .. }, true) =
        (&seen.test.kind, limit.value != 0.0)
        && *seconds >= 1.0
    {
        let text = |value: f64| format!("{} s", round(value * seconds / limit.value));
        return Some((text(left.value), text(limit.value)));
    }
    Some((value_text(seen, percent), shown(limit.value, unit, percent)))
}

/// How a value stands to its limit, in words.
fn relation(compare: Compare, fires: bool, equal: bool, zero: bool) -> &'static str {
    match (compare, fires) {
        (Compare::GreaterOrEqual | Compare::LessOrEqual, true) if equal => "at",
        (Compare::Greater, true) if zero => "more than",
        (Compare::Greater, false) if zero => "not more than",
        (Compare::LessOrEqual, false) if zero => "more than",
        (Compare::GreaterOrEqual, false) if zero => "under",
        (Compare::Greater | Compare::GreaterOrEqual, true) => "over",
        (Compare::Less | Compare::LessOrEqual, true) => "under",
        (Compare::Greater | Compare::GreaterOrEqual, false) => "within",
        (Compare::Less, false) => "not under",
        (Compare::LessOrEqual, false) => "still over",
        (Compare::Equal | Compare::NotEqual, _) => "",
    }
}

/// Held against its own past or reference: `p95 of x over 1 h is 130 ms, 1.3 times that of 7 d ago (100 ms), …`.
fn beside_the_past(seen: &Seen, compare: Compare, value: &str, limit: &str) -> Option<String> {
    let TestKind::Compare { left: Sum { kind: SumKind::Call(own), .. }, right, .. } = &seen.test.kind else { return None };
    let (factor, other) = match &right.kind {
        SumKind::Call(call) => (None, call),
        SumKind::Binary(a, Arithmetic::Times, b) => match (&a.kind, &b.kind) {
            (SumKind::Literal(factor), SumKind::Call(call)) | (SumKind::Call(call), SumKind::Literal(factor)) => (Some(*factor), call),
            _ => return None,
        },
        _ => return None,
    };
    let then = match (other.function, other.ago) {
        (Function::Reference, _) => "the reference".to_owned(),
        (function, Some(ago)) if function == own.function && other.window == own.window && own.ago.is_none() => {
            format!("that of {} ago", ago.human())
        }
        _ => return None,
    };
    if !own.selector.is_like(&other.selector) {
        return None;
    }
    let before = seen.terms.iter().find(|term| term.call == *other)?.quantity.as_ref()?;
    let times = seen.left.as_ref()?.value / before.value;
    if !times.is_finite() || matches!(compare, Compare::Equal | Compare::NotEqual) {
        return None;
    }
    let fires = seen.speaks_for() == Truth::True;
    let relation = relation(compare, fires, false, false);
    let was = shown(before.value, before.unit.as_deref(), false);
    let held = match factor {
        Some(factor) => {
            let factor = match factor {
                Literal::Percent(percent) => percent / 100.0,
                Literal::Plain(factor) | Literal::Duration(factor) => factor,
            };
            format!("{relation} the limit of {} times ({limit})", round(factor))
        }
        None => format!("{relation} it"),
    };
    Some(format!("{} is {value}, {} times {then} ({was}), {held}", what(seen), round(times)))
}

/// Held against what a line leads to: `disk.used is heading for 97 % in 24 h, over the limit of 95 %; it reaches 95 % in about 13 h, by …`.
fn foretold(seen: &Seen, compare: Compare, value: &str, limit: &str, at: Timestamp) -> Option<String> {
    let [term] = seen.terms.as_slice() else { return None };
    let ahead = term.call.ahead.filter(|_| term.call.function == Function::Forecast)?;
    let relation = relation(compare, seen.speaks_for() == Truth::True, false, false);
    let ago = term.call.ago.map_or(String::new(), |ago| format!(", seen from {} ago", ago.human()));
    let (name, ahead) = (short(&term.call.selector), hours(ahead));
    let text = format!("{name} is heading for {value} in {ahead}{ago}, {relation} the limit of {limit}");
    Some(match crossing(seen, term, at) {
        Some(Span::ZERO) => format!("{text}; it is there already"),
        Some(span) => format!("{text}; it reaches {limit} in {}", when(at, span)),
        None => text,
    })
}

/// How long until the line of a forecast is at its limit; `None` when it never is, or was before.
pub(in crate::rule) fn crossing(seen: &Seen, term: &Term, at: Timestamp) -> Option<Span> {
    let (trend, limit) = (term.trend.as_ref()?, seen.limit.as_ref()?);
    let compare = comparison(seen)?;
    if term.call.ago.is_some() || matches!(compare, Compare::Equal | Compare::NotEqual) {
        return None;
    }
    if compare.holds(trend.at(at)?, limit.value) {
        return Some(Span::ZERO);
    }
    Some(trend.reaches(limit.value, at)?.since(at)).filter(|span| !span.is_zero())
}

/// Whether the limit was typed as percent, and the value is a share that can be told so.
pub(in crate::rule) fn is_percent(seen: &Seen) -> bool {
    let TestKind::Compare { right, .. } = &seen.test.kind else { return false };
    let typed = match &right.kind {
        SumKind::Literal(literal) => matches!(literal, Literal::Percent(_)),
        SumKind::Negative(inner) => matches!(&inner.kind, SumKind::Literal(Literal::Percent(_))),
        _ => false,
    };
    typed && seen.left.as_ref().is_some_and(|left| left.unit.as_deref().is_none_or(|unit| unit == "1" || unit.starts_with('{')))
}

fn value_text(seen: &Seen, percent: bool) -> String {
    let percent = percent && seen.left.as_ref().is_some_and(|left| left.unit.is_none());
    seen.left.as_ref().map_or_else(|| "not known".into(), |left| shown(left.value, left.unit.as_deref(), percent))
}

/// A number as it stands in a sentence: a share as percent, `{builds}/s` as `builds/s`.
pub(in crate::rule) fn shown(value: f64, unit: Option<&str>, percent: bool) -> String {
    if percent {
        return format!("{} %", round(value * 100.0));
    }
    match unit {
        Some("1/s") => format!("{} per s", round(value)),
        Some(unit) if unit.starts_with('{') => human(value, Some(&unit.replace(['{', '}'], "")), Origin::Measured),
        unit => human(value, unit, Origin::Measured),
    }
}

/// What was measured, in words.
pub(in crate::rule) fn what(seen: &Seen) -> String {
    let held = |term: &Term| term.holder.as_ref().map_or(String::new(), |holder| format!(" (that of {})", cut(holder, NAME)));
    let sum = match &seen.test.kind {
        TestKind::Compare { left, .. } => left,
        TestKind::In { value, .. } => value,
        TestKind::Absent { selector, .. } => return short(selector),
    };
    match (&sum.kind, seen.terms.first()) {
        (SumKind::Call(call), Some(term)) => call_text(call) + &held(term),
        _ => bare(sum),
    }
}

/// The numbers that a sum was worked out of: ` (32 / 1000)`.
fn parts(seen: &Seen) -> String {
    let TestKind::Compare { left, .. } = &seen.test.kind else { return String::new() };
    let SumKind::Binary(a, sign, b) = &left.kind else { return String::new() };
    let (SumKind::Call(_), SumKind::Call(_), [one, other, ..]) = (&a.kind, &b.kind, seen.terms.as_slice()) else { return String::new() };
    let text = |term: &Term| term.quantity.as_ref().map(|quantity| shown(quantity.value, quantity.unit.as_deref(), false));
    match (text(one), text(other)) {
        (Some(one), Some(other)) => format!(" ({one} {} {other})", sign.sign()),
        _ => String::new(),
    }
}

/// A sum in words: of two calls alike, what they have in common is said once.
pub(in crate::rule) fn bare(sum: &Sum) -> String {
    let text = match &sum.kind {
        SumKind::Call(call) => call_text(call),
        SumKind::Binary(a, sign, b) => match (&a.kind, &b.kind) {
            (SumKind::Call(a), SumKind::Call(b)) if (a.function, a.window, a.ago) == (b.function, b.window, b.ago) => {
                let both = format!("{} {} {}", short(&a.selector), sign.sign(), short(&b.selector));
                return around(a, &both);
            }
            _ => sum.to_string(),
        },
        _ => sum.to_string(),
    };
    let text = if matches!(sum.kind, SumKind::Binary(..)) {
        text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(&text)
    } else {
        &text
    };
    cut(text, 2 * NAME)
}

/// A call in words: `p95 of x over 5 min`.
pub(in crate::rule) fn call_text(call: &Call) -> String {
    around(call, &short(&call.selector))
}

fn around(call: &Call, name: &str) -> String {
    let ago = call.ago.map_or(String::new(), |ago| format!(", {} ago", ago.human()));
    let over = call.window.map_or(String::new(), |window| format!(" over {}", window.human()));
    let function = match call.function {
        Function::Last if call.window.is_none() => return format!("{name}{ago}"),
        Function::Min => return format!("the lowest {name}{over}{ago}"),
        Function::Max => return format!("the highest {name}{over}{ago}"),
        Function::First => return format!("the first {name}{over}{ago}"),
        Function::Last => return format!("the last {name}{over}{ago}"),
        Function::Count => "the count".into(),
        Function::Forecast => "the forecast".into(),
        Function::Reference => "the reference".into(),
        Function::Rate => "the rate".into(),
        Function::Increase => "the increase".into(),
        Function::Delta => "the change".into(),
        Function::Stddev => "the standard deviation".into(),
        Function::Mean | Function::Sum => format!("the {}", call.function.name()),
        Function::Distinct => "the number of different values".into(),
        Function::Quantile(percentile) if percentile.fraction() == 0.5 => "the median".into(),
        Function::Quantile(_) | Function::Age => call.function.name(),
    };
    format!("{function} of {name}{over}{ago}")
}

/// A selector, cut where it is long.
pub(in crate::rule) fn short(selector: &Selector) -> String {
    cut(&selector.to_string(), NAME)
}

/// A text with its middle left out where it is long: its end tells series apart as well as its beginning.
fn cut(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let end = most / 3;
    text.chars().take(most - end - 1).chain(['…']).chain(text.chars().skip(count - end)).collect()
}

/// So many samples, in words.
pub(in crate::rule) fn samples(count: f64) -> String {
    if count == 1.0 { "1 sample".into() } else { format!("{} samples", round(count)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::buffer::Point;
    use crate::rule::forecast::trend;
    use crate::rule::meter::Basis;
    use crate::rule::parse;
    use crate::rule::syntax::Logic;

    /// A forecast of a disk that is at `now` percent and grows by so many percent an hour.
    fn foretold(condition: &str, now: f64, per_h: f64) -> String {
        let Logic::Test(test) = parse(condition).unwrap().logic else { panic!("{condition}") };
        let TestKind::Compare { left: Sum { kind: SumKind::Call(call), .. }, compare, .. } = &test.kind else { panic!("{condition}") };
        let at = Timestamp::from_nanos(1_795_377_600_000_000_000);
        let point = |hour: u32| Point { ts: at.minus(Span::from_secs(hour * 3600)), value: now - per_h * f64::from(hour), weight: 1.0 };
        let trend = trend(&(0..12).rev().map(point).collect::<Vec<_>>(), at).unwrap();
        let percent = |value: f64| Some(Quantity::measured(value, Some("%".into())));
        let left = percent(trend.at(at.plus(call.ahead.unwrap())).unwrap());
        let truth = Truth::of(compare.holds(left.as_ref().unwrap().value, 95.0));
        let (call, basis) = (call.clone(), Basis::default());
        let term = Term {
            call,
            quantity: left.clone(),
            basis,
            known: true,
            error: None,
            trend: Some(trend),
            holder: None,
            left_out: 0,
            counted: crate::rule::want::Counted::Both,
        };
        let (limit, terms) = (percent(95.0), vec![term]);
        sentence(&Seen { test: *test, truth, negated: false, bears: true, left, limit, terms, compared: None }, at)
    }

    #[test]
    fn a_forecast_tells_when_it_gets_to_its_limit() {
        let (more, less) = ("forecast(disk.used, 6h, in 24h) > 95%", "forecast(disk.used, 6h, in 24h) < 95%");
        for (condition, now, per_h, expected) in [
            (more, 82.0, 1.0, "106 % in 24 h, over the limit of 95 %; it reaches 95 % in about 13 h, by 2026-11-23T09:00Z"),
            (more, 82.0, 0.1, "84.4 % in 24 h, within the limit of 95 %; it reaches 95 % in about 5 d, by 2026-11-28T06:00Z"),
            (more, 96.0, 0.1, "98.4 % in 24 h, over the limit of 95 %; it is there already"),
            (more, 82.0, -1.0, "58 % in 24 h, within the limit of 95 %"),
            (more, 82.0, 0.0, "82 % in 24 h, within the limit of 95 %"),
            (more, 82.0, 1e-6, "82 % in 24 h, within the limit of 95 %"),
            (less, 97.0, -1.0, "73 % in 24 h, under the limit of 95 %; it reaches 95 % in about 2 h, by 2026-11-22T22:00Z"),
            (more, 94.0, 60.0, "1534 % in 24 h, over the limit of 95 %; it reaches 95 % in about 60 s, by 2026-11-22T20:01Z"),
        ] {
            assert_eq!(foretold(condition, now, per_h), format!("disk.used is heading for {expected}"));
        }
    }

    #[test]
    fn a_long_name_keeps_its_beginning_and_its_end() {
        assert_eq!(cut("short", 9), "short");
        assert_eq!(cut("abcdefghijklmnop", 9), "abcde…nop");
    }
}
