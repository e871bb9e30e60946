//! What is wrong by what a history holds: names that are never seen, windows narrower than the
//! source's period, functions that its records can't answer.

use std::collections::BTreeSet;

use super::facts::{Came, Known, period, takes};
use super::{Facts, Part, Report, conditions, each_part};
use crate::record::{SampleType, nearest, show};
use crate::rule::Check;
use crate::rule::syntax::{Call, Compare, Function, How, Literal, Logic, Matcher, Place, Selector, SumKind, Test, TestKind, Times};
use crate::rule::units::Quantity;
use crate::time::Span;

/// Where something is told: the key, and the place in its condition.
type At = (&'static str, Option<Place>);

pub(super) fn lint(check: &Check, facts: &Facts, found: &mut Report) {
    for (key, condition) in conditions(check) {
        each_part(&condition.logic, &mut |part| match part {
            Part::Call(asked) => {
                let known = facts.select(&asked.selector);
                missing(&asked.selector, (key, Some(asked.selector.place)), facts, found);
                call(asked, &known, (key, Some(asked.place)), found);
            }
            Part::Absent(selector, window, place) => {
                missing(selector, (key, Some(selector.place)), facts, found);
                if let Some(window) = window {
                    narrow("`absent`'s limit", window, &facts.select(selector), (key, Some(place)), found);
                }
            }
            Part::Test(test) => limit(test, facts, (key, Some(test.place)), found),
            Part::Times(part, times) => counted(part, times, check.every, facts, (key, None), found),
            Part::For(_) => {}
        });
    }
    groups(check, facts, found);
}

/// A metric, a tag or a value that the history never has.
fn missing(selector: &Selector, at: At, facts: &Facts, found: &mut Report) {
    if facts.is_partial() || !facts.select(selector).is_empty() {
        return;
    }
    let name = show(selector.name.as_bytes(), 80);
    if facts.named(selector).next().is_none() {
        let names = facts.metrics();
        let message = format!(
            "`{name}` is never seen in the history, which has {} other {}",
            names.len(),
            if names.len() == 1 { "name" } else { "names" }
        );
        return found.tell(at, message, meant(&selector.name, names.iter().copied()));
    }
    let named = || facts.named(selector);
    for matcher in &selector.matchers {
        if !named().any(|known| takes(matcher)(&known)) {
            return unmatched(&name, matcher, named(), at, found);
        }
    }
    found.tell(at, format!("no series of `{name}` in the history has all of these tags at once"), None);
}

/// A matcher that takes no series of a name.
fn unmatched<'a>(name: &str, matcher: &Matcher, named: impl Iterator<Item = &'a Known>, at: At, found: &mut Report) {
    let values = Facts::values(named);
    let (tag, wanted) = (show(matcher.tag.as_bytes(), 80), show(matcher.value.as_bytes(), 80));
    let Some(seen) = values.get(matcher.tag.as_str()) else {
        let hint = meant(&matcher.tag, values.keys().copied()).or_else(|| some("its tags are", values.keys().copied()));
        return found.tell(at, format!("`{name}` never has the tag `{tag}` in the history"), hint);
    };
    let hint = some("seen are", seen.iter().copied());
    match matcher.how {
        How::Is => {
            let hint = meant(&matcher.value, seen.iter().copied()).or(hint);
            found.tell(at, format!("`{name}` never has `{tag}={wanted}` in the history"), hint);
        }
        How::Matches => found.tell(at, format!("no `{tag}` of `{name}` in the history matches `{wanted}`"), hint),
        How::IsNot | How::MatchesNot => found.tell(at, format!("`{name}` in the history never has another `{tag}` than `{wanted}`"), hint),
    }
}

/// What was probably meant.
fn meant<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    nearest(typed, names).map(|near| format!("did you mean `{}`?", show(near.as_bytes(), 80)))
}

/// The first of some names.
fn some<'a>(lead: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<String> = names.take(6).map(|name| format!("`{}`", show(name.as_bytes(), 40))).collect();
    let (first, more) = names.split_at(names.len().min(5));
    (!first.is_empty()).then(|| format!("{lead} {}{}", first.join(", "), if more.is_empty() { "" } else { ", …" }))
}

/// A function that the records can't answer, or not within its window.
fn call(call: &Call, known: &[&Known], at: At, found: &mut Report) {
    if known.is_empty() {
        return;
    }
    let name = call.function.name();
    let metric = show(call.selector.name.as_bytes(), 80);
    let all = |came: Came| known.iter().all(|known| known.came == came);
    let of_gauges = all(Came::Samples) && known.iter().all(|known| known.series.kind == SampleType::Gauge);
    match call.function {
        Function::Rate | Function::Increase if of_gauges => {
            let hint = "use `delta` for how far a gauge moved, or `count` for how often it was measured".to_owned();
            found.tell(at, format!("`{name}` of `{metric}` can't be told: its samples are of a gauge"), hint);
        }
        Function::Quantile(_) if all(Came::Windows) && known.iter().any(|known| known.without_sketch > 0) => {
            let message = format!("`{name}` of `{metric}` can't be told: the history has windows of it, and they carry no sketch");
            found.tell(at, message, "make them by `rollup --stats count,sketch`".to_owned());
        }
        _ => {}
    }
    let Some(window) = call.window else { return };
    let counters = all(Came::Samples) && known.iter().all(|known| known.series.kind == SampleType::Counter);
    if narrow("window", window, known, at, found) || !counters {
        return;
    }
    if let (Function::Rate | Function::Increase, Some(period)) = (call.function, period(known))
        && window.nanos() < period.nanos().saturating_mul(2) / 10 * 9
    {
        let period = tidy(period);
        let message =
            format!("window {window} often holds one sample of a source with a period of {period}, and `{name}` of a counter needs two");
        found.tell(at, message, format!("make it {} or more", period.times(4)));
    }
}

/// Whether a span is narrower than the period of its source, by more than a tenth; then it is told.
fn narrow(what: &str, span: Span, known: &[&Known], at: At, found: &mut Report) -> bool {
    let Some(period) = period(known) else { return false };
    let is_narrow = span.nanos() < period.nanos() / 10 * 9;
    if is_narrow {
        let period = tidy(period);
        found.tell(
            at,
            format!("{what} {span} is narrower than the source's period of {period}"),
            format!("make it {} or more", period.times(2)),
        );
    }
    is_narrow
}

/// A limit of an age below the source's period, or of another sort than the metric's unit.
fn limit(test: &Test, facts: &Facts, at: At, found: &mut Report) {
    let TestKind::Compare { left, compare, right } = &test.kind else { return };
    let (call, compare, limit) = match (&left.kind, &right.kind) {
        (SumKind::Call(call), SumKind::Literal(limit)) => (call, *compare, *limit),
        (SumKind::Literal(limit), SumKind::Call(call)) => (call, compare.turned(), *limit),
        _ => return,
    };
    let known = facts.select(&call.selector);
    if call.function == Function::Age {
        let (Literal::Duration(seconds) | Literal::Plain(seconds)) = limit else { return };
        if let (Compare::Greater | Compare::GreaterOrEqual, Some(limit)) = (compare, Span::from_secs_f64(seconds)) {
            narrow("the age's limit", limit, &known, at, found);
        }
        return;
    }
    if !keeps_unit(call.function) {
        return;
    }
    let units: BTreeSet<Option<&str>> = known.iter().map(|known| known.series.unit.as_deref()).collect();
    for unit in units {
        let measured = Quantity::measured(0.0, unit.map(str::to_owned));
        if let Err(why) = Quantity::typed(limit).in_unit_of(&measured) {
            found.tell(at, format!("`{}`: {why}", show(call.selector.name.as_bytes(), 80)), None);
        }
    }
}

/// Whether what a function gives has the unit of its metric.
fn keeps_unit(function: Function) -> bool {
    use Function::{Delta, First, Increase, Last, Max, Mean, Min, Quantile, Stddev, Sum};
    matches!(function, Last | First | Mean | Min | Max | Sum | Quantile(_) | Stddev | Increase | Delta)
}

/// A count of times that is over before the source has measured twice.
fn counted(part: &Logic, times: Times, step: Span, facts: &Facts, at: At, found: &mut Report) {
    let mut shortest: Option<Span> = None;
    let mut take = |selector: &Selector| {
        let period = period(&facts.select(selector));
        shortest = shortest.into_iter().chain(period).min();
    };
    each_part(part, &mut |part| match part {
        Part::Call(call) => take(&call.selector),
        Part::Absent(selector, ..) => take(selector),
        _ => {}
    });
    let spanned = step.times(times.of);
    let Some(period) = shortest.filter(|period| spanned.nanos() < period.nanos() / 10 * 9) else { return };
    let (Times { least, of }, period) = (times, tidy(period));
    let message = format!(
        "`{least} of {of} times` spans {spanned} at a step of {step}, narrower than the source's period of {period}: most of them see the same value"
    );
    found.tell(at, message, format!("set `every = \"{period}\"`"));
}

/// A tag to group by that no term has.
fn groups(check: &Check, facts: &Facts, found: &mut Report) {
    if facts.is_partial() {
        return;
    }
    let mut known: Vec<&Known> = Vec::new();
    for (_, condition) in conditions(check) {
        each_part(&condition.logic, &mut |part| match part {
            Part::Call(call) => known.extend(facts.select(&call.selector)),
            Part::Absent(selector, ..) => known.extend(facts.select(selector)),
            _ => {}
        });
    }
    if known.is_empty() {
        return;
    }
    let values = Facts::values(known.into_iter());
    for tag in check.by.iter().filter(|tag| !values.contains_key(tag.as_str())) {
        let hint = meant(tag, values.keys().copied()).or_else(|| some("the tags there are", values.keys().copied()));
        found.tell(("by", None), format!("no series of the conditions has the tag `{}` in the history", show(tag.as_bytes(), 80)), hint);
    }
}

/// Names that a check needs and nobody has. Without a history a name may be a heartbeat's, and is
/// told only when it is nearly that of a check.
pub(super) fn needs(check: &Check, checks: &[Check], facts: Option<&Facts>, found: &mut Report) {
    let is_check = |name: &str| checks.iter().any(|check| check.name == name);
    for name in check.needs.iter().filter(|name| !is_check(name)) {
        let shown = show(name.as_bytes(), 80);
        let checks = checks.iter().map(|check| check.name.as_str());
        match facts {
            None => {
                if let Some(hint) = meant(name, checks.filter(|known| *known != check.name)) {
                    found.tell(("needs", None), format!("`{shown}` is none of the checks"), hint);
                }
            }
            Some(facts) if facts.is_partial() || facts.names().any(|known| known == name) => {}
            Some(facts) => {
                let hint = meant(name, checks.chain(facts.names()));
                found.tell(("needs", None), format!("`{shown}` is none of the checks, and no beat or verdict in the history"), hint);
            }
        }
    }
}

/// A measured time without digits that say nothing.
fn tidy(span: Span) -> Span {
    let unit = match span.nanos() {
        60_000_000_000.. => 1_000_000_000,
        10_000_000_000.. => 100_000_000,
        1_000_000_000.. => 10_000_000,
        _ => 1_000_000,
    };
    let tidied = (span.nanos() + unit / 2) / unit * unit;
    if tidied == 0 { span } else { Span::from_nanos(tidied) }
}
