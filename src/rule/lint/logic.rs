//! What follows from the form of conditions alone: that one can never be true, always is, or
//! another one is true whenever it is.
//!
//! A condition is taken apart into alternatives, each a list of statements that must all be true:
//! a sum within a set of numbers, or something that is only itself. Only what is certain is said;
//! a condition of more than [`MOST`] alternatives is left alone.

use std::collections::BTreeMap;

use super::values::Values;
use crate::rule::syntax::{Call, Function, Literal, Logic, Place, Sum, SumKind, Test, TestKind};

/// The most alternatives that a condition is taken apart into.
const MOST: usize = 256;

/// What must be true in one alternative.
#[derive(Debug, Clone)]
pub(super) enum Statement {
    /// A sum is within a set of numbers.
    Within(Box<Within>),
    /// Anything else, by its text.
    Other(String),
}

/// A sum, by its text and the sort of its limit, is within a set of numbers.
#[derive(Debug, Clone)]
pub(super) struct Within {
    pub(super) sum: (String, &'static str),
    pub(super) values: Values,
    pub(super) place: Place,
    /// Whether the sum is a count or an age, which is never below 0.
    natural: bool,
}

/// Statements that must all be true.
pub(super) type All = Vec<Statement>;

/// How a `for` is seen: as what it holds, which it implies; or as something that is only itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Seen,
    Opaque,
}

/// The alternatives of a condition, or of its opposite; `None` when there are too many.
pub(super) fn alternatives(logic: &Logic, negated: bool, holds: Holds) -> Option<Vec<All>> {
    match (logic, negated) {
        (Logic::Not(part), _) => alternatives(part, !negated, holds),
        (Logic::Or(parts), false) | (Logic::And(parts), true) => {
            let mut any = Vec::new();
            for part in parts {
                any.extend(alternatives(part, negated, holds)?);
            }
            (any.len() <= MOST).then_some(any)
        }
        (Logic::And(parts), false) | (Logic::Or(parts), true) => {
            let mut all: Vec<All> = vec![Vec::new()];
            for part in parts {
                let next = alternatives(part, negated, holds)?;
                if all.len() * next.len() > MOST {
                    return None;
                }
                all = all.iter().flat_map(|one| next.iter().map(move |two| [one.as_slice(), two].concat())).collect();
            }
            Some(all)
        }
        (Logic::For(part, _) | Logic::Times(part, _), false) if holds == Holds::Seen => alternatives(part, false, holds),
        (Logic::For(..) | Logic::Times(..), _) => Some(vec![vec![other(&logic.to_string(), negated)]]),
        (Logic::Test(test), _) => Some(vec![vec![statement(test, negated)]]),
    }
}

fn other(text: &str, negated: bool) -> Statement {
    Statement::Other(if negated { format!("not ({text})") } else { text.to_owned() })
}

fn statement(test: &Test, negated: bool) -> Statement {
    let found = match &test.kind {
        TestKind::Compare { left, compare, right } => match (number(left), number(right)) {
            (None, Some((limit, sort))) => Some((left, sort, Values::of(*compare, limit))),
            (Some((limit, sort)), None) => Some((right, sort, Values::of(compare.turned(), limit))),
            _ => None,
        },
        TestKind::In { value, low, high, not } => {
            let ((low, sort), (high, _)) = (literal(*low), literal(*high));
            let values = Values::between(low, high);
            Some((value, sort, if *not { values.others() } else { values }))
        }
        TestKind::Absent { .. } => None,
    };
    let Some((sum, sort, values)) = found else { return other(&test.to_string(), negated) };
    let values = if negated { values.others() } else { values };
    Statement::Within(Box::new(Within { sum: (named(sum), sort), values, place: test.place, natural: is_natural(sum) }))
}

/// A number that was typed, and its sort: those of different sorts are not compared.
fn number(sum: &Sum) -> Option<(f64, &'static str)> {
    match &sum.kind {
        SumKind::Literal(value) => Some(literal(*value)),
        SumKind::Negative(inner) => match &inner.kind {
            SumKind::Literal(value) => Some(literal(*value)).map(|(value, sort)| (-value, sort)),
            _ => None,
        },
        _ => None,
    }
}

fn literal(literal: Literal) -> (f64, &'static str) {
    match literal {
        Literal::Plain(value) => (value, "plain"),
        Literal::Percent(value) => (value, "percent"),
        Literal::Duration(value) => (value, "duration"),
    }
}

/// A sum's text, in which a bare selector is the `last` that it means.
fn named(sum: &Sum) -> String {
    fn spelled(sum: &mut Sum) {
        match &mut sum.kind {
            SumKind::Literal(_) => {}
            SumKind::Call(call) => call.bare = false,
            SumKind::Negative(inner) => spelled(inner),
            SumKind::Binary(left, _, right) => {
                spelled(left);
                spelled(right);
            }
        }
    }
    let mut sum = sum.clone();
    spelled(&mut sum);
    sum.to_string()
}

fn is_natural(sum: &Sum) -> bool {
    let natural = [Function::Count, Function::Distinct, Function::Age, Function::Stddev];
    matches!(&sum.kind, SumKind::Call(Call { function, .. }) if natural.contains(function))
}

/// Why an alternative can't be true.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Conflict {
    /// Two statements exclude one another; of three that do so together, the first and the last.
    Two(Place, Place),
    /// A count or an age would have to be below 0.
    Below(Place),
}

/// Why the statements can't all be true, if that is so.
pub(super) fn conflict(all: &[Statement]) -> Option<Conflict> {
    let natural = Values::of(crate::rule::syntax::Compare::GreaterOrEqual, 0.0);
    let mut known: BTreeMap<&(String, &str), (Values, Place)> = BTreeMap::new();
    for statement in all {
        let Statement::Within(within) = statement else { continue };
        if within.natural && within.values.and(&natural).is_empty() {
            return Some(Conflict::Below(within.place));
        }
        let joint = match known.get(&within.sum) {
            Some((values, first)) => {
                let joint = values.and(&within.values);
                if joint.is_empty() {
                    return Some(Conflict::Two(*first, within.place));
                }
                (joint, *first)
            }
            None => (within.values.clone(), within.place),
        };
        known.insert(&within.sum, joint);
    }
    None
}

/// Whether a condition is true whenever it can be told.
pub(super) fn is_always(logic: &Logic) -> bool {
    let (inner, _) = held(logic);
    alternatives(inner, true, Holds::Opaque).is_some_and(|any| any.iter().all(|all| conflict(all).is_some()))
}

/// What an outermost `for` holds, and the `for` or count of times itself.
pub(super) fn held(logic: &Logic) -> (&Logic, Option<&Logic>) {
    match logic {
        Logic::For(inner, _) | Logic::Times(inner, _) => (inner, Some(logic)),
        other => (other, None),
    }
}

/// Whether `one` is certain to be true only where `other` is too.
pub(super) fn implies(one: &Logic, other: &Logic) -> bool {
    let ((one, one_held), (other, other_held)) = (held(one), held(other));
    let as_soon = match (one_held, other_held) {
        (_, None) => true,
        (Some(Logic::For(_, one)), Some(Logic::For(_, other))) => one >= other,
        (Some(Logic::Times(_, one)), Some(Logic::Times(_, other))) => one == other,
        _ => false,
    };
    let (Some(ones), Some(others)) = (alternatives(one, false, Holds::Seen), alternatives(other, false, Holds::Opaque)) else {
        return false;
    };
    as_soon && ones.iter().all(|one| others.iter().any(|other| all_implied(one, other)))
}

fn all_implied(one: &All, other: &All) -> bool {
    other.iter().all(|wanted| match wanted {
        Statement::Other(text) => one.iter().any(|known| matches!(known, Statement::Other(same) if same == text)),
        Statement::Within(wanted) => one
            .iter()
            .any(|known| matches!(known, Statement::Within(known) if known.sum == wanted.sum && known.values.within(&wanted.values))),
    })
}

/// Two statements about one sum, of which the second may be true where the first is, when that is
/// so for all that the second condition asks; `None` when it can't be told.
pub(super) fn overlap(level: &Logic, clear: &Logic) -> Option<(Place, Place)> {
    let levels = alternatives(held(level).0, false, Holds::Seen)?;
    let clears = alternatives(held(clear).0, false, Holds::Opaque)?;
    let pairs = levels.iter().flat_map(|level| clears.iter().map(move |clear| (level, clear)));
    pairs.filter(|(level, _)| conflict(level).is_none()).find_map(|(level, clear)| {
        let mut first = None;
        for wanted in clear {
            let Statement::Within(wanted) = wanted else { return None };
            let mut same = level.iter().filter_map(|known| match known {
                Statement::Within(known) if known.sum == wanted.sum => Some(known),
                _ => None,
            });
            let known = same.next()?;
            if same.next().is_some() || known.values.and(&wanted.values).is_empty() {
                return None;
            }
            first = first.or(Some((known.place, wanted.place)));
        }
        first
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::parse;

    fn never(text: &str) -> bool {
        let any = alternatives(&parse(text).unwrap().logic, false, Holds::Seen).unwrap();
        any.iter().all(|all| conflict(all).is_some())
    }

    #[test]
    fn what_excludes_itself_is_never_true() {
        for (text, expected) in [
            ("x > 5 and x < 3", true),
            ("x > 5 and x < 6", false),
            ("x > 5 and x <= 5", true),
            ("x >= 5 and x <= 5", false),
            ("x > 5 and last(x) < 3", true),
            ("x > 5 and y < 3", false),
            ("x > 5 and x{a=b} < 3", false),
            ("mean(x, 5m) > 5 and mean(x, 6m) < 3", false),
            ("mean(x, 5m) > 5 and mean(x, 5m, 1d ago) < 3", false),
            ("x in 5..7 and x > 9", true),
            ("x not in 5..7 and x == 6", true),
            ("x > 5 and not (x > 3)", true),
            ("x > 5 unless x > 3", true),
            ("(x > 5 for 5m) and x < 3", true),
            ("(x > 5 or y > 5) and x < 3", false),
            ("(x > 5 or x > 6) and x < 3 and y > 1", true),
            ("x > 90s and x < 5", false),
            ("x > 90s and x < 1m", true),
            ("x > 5 and 3 > x", true),
            ("x > -3 and x < -5", true),
            ("x == 5 and x != 5", true),
            ("count(x, 5m) < 0", true),
            ("x < 0", false),
            ("count(x, 5m) <= 0", false),
            ("x > 1 and x < 9 and x > 8 and x < 3", true),
        ] {
            assert_eq!(never(text), expected, "{text}");
        }
    }

    #[test]
    fn what_leaves_nothing_out_is_always_true() {
        for (text, expected) in [
            ("x > 5 or x < 10", true),
            ("x > 5 or x < 5", false),
            ("x > 5 or x <= 5", true),
            ("(x > 5 or x < 10) for 5m", true),
            ("count(x, 5m) >= 0", true),
            ("count(x, 5m) > 0", false),
            ("not (x > 5 and x < 3)", true),
            ("x > 5", false),
        ] {
            assert_eq!(is_always(&parse(text).unwrap().logic), expected, "{text}");
        }
    }

    #[test]
    fn one_condition_implies_another_when_it_is_certain() {
        for (one, other, expected) in [
            ("x > 2000", "x > 500", true),
            ("x > 500", "x > 2000", false),
            ("x > 500", "x > 500", true),
            ("x > 2000 and y > 1", "x > 500", true),
            ("x > 2000", "x > 500 and y > 1", false),
            ("x > 2000", "x > 500 or y > 1", true),
            ("x > 2000 or y > 2", "x > 500 or y > 1", true),
            ("x > 2000 for 5m", "x > 500 for 5m", true),
            ("x > 2000 for 5m", "x > 500 for 10m", false),
            ("x > 2000 for 10m", "x > 500", true),
            ("x > 2000", "x > 500 for 5m", false),
            ("absent(x, 5m)", "absent(x, 5m)", true),
            ("absent(x, 5m)", "absent(x, 6m)", false),
            ("x > 9 for 3 of 5 times", "x > 5 for 3 of 5 times", true),
            ("x > 9 for 3 of 5 times", "x > 5 for 4 of 5 times", false),
        ] {
            let (one_parsed, other_parsed) = (parse(one).unwrap(), parse(other).unwrap());
            assert_eq!(implies(&one_parsed.logic, &other_parsed.logic), expected, "{one} -> {other}");
        }
    }

    #[test]
    fn a_way_back_overlaps_when_all_it_asks_may_be_true_at_the_level() {
        for (level, clear, expected) in [
            ("x > 500", "x < 600", true),
            ("x > 500 for 5m", "x < 600", true),
            ("x > 500", "x < 400", false),
            ("x > 500", "x <= 500", false),
            ("x > 500 and y > 1", "x < 600", true),
            ("x > 500 and y > 1", "x < 600 and y < 1", false),
            ("x > 500", "x < 600 and y < 1", false),
            ("x > 500 or y > 1", "y < 2", true),
            ("x > 500", "y < 2", false),
        ] {
            let found = overlap(&parse(level).unwrap().logic, &parse(clear).unwrap().logic);
            assert_eq!(found.is_some(), expected, "{level} / {clear}");
        }
    }
}
