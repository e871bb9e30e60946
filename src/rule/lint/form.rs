//! What is wrong by the form of the conditions alone.

use super::logic::{Conflict, Holds, alternatives, conflict, held, implies, is_always, overlap};
use super::values::Values;
use super::{Part, Report, conditions, each_part, key_of, never, slice};
use crate::rule::syntax::{Arithmetic, Call, Compare, Function, Literal, Logic, Sum, SumKind, Test, TestKind};
use crate::rule::{Check, Condition};

pub(super) fn lint(check: &Check, found: &mut Report) {
    for (key, condition) in conditions(check) {
        conflicts(key, condition, found);
        if is_always(&condition.logic) {
            let what =
                if key == "clear" { "so nothing is held back by it" } else { "so it fires from the first sample on and never clears" };
            found.tell((key, None), format!("`{key}` is true whatever the values are, {what}"), None);
        }
        each_part(&condition.logic, &mut |part| {
            if let Part::Test(test) = part {
                share(key, condition, test, found);
            }
        });
    }
    covered(check, found);
    way_back(check, found);
}

/// Statements that exclude one another.
fn conflicts(key: &'static str, condition: &Condition, found: &mut Report) {
    let Some(any) = alternatives(&condition.logic, false, Holds::Seen) else { return };
    let conflicts: Vec<Conflict> = any.iter().filter_map(|all| conflict(all)).collect();
    let hint = if conflicts.len() == any.len() { never(key) } else { "so this alternative never counts".to_owned() };
    for conflict in conflicts {
        match conflict {
            Conflict::Two(one, other) => {
                let message = format!("`{}` and `{}` can't both be true", slice(condition, one), slice(condition, other));
                found.tell((key, Some(other)), message, hint.clone());
            }
            Conflict::Below(place) => {
                let message = format!("`{}` can't be true: a count or an age is never below 0", slice(condition, place));
                found.tell((key, Some(place)), message, hint.clone());
            }
        }
    }
}

/// A share of a whole, which is never above 100 %, held against a limit beyond that.
fn share(key: &'static str, condition: &Condition, test: &Test, found: &mut Report) {
    let TestKind::Compare { left, compare, right } = &test.kind else { return };
    let (share, compare, limit) = match (&left.kind, &right.kind) {
        (SumKind::Binary(..), SumKind::Literal(limit)) => (left, *compare, *limit),
        (SumKind::Literal(limit), SumKind::Binary(..)) => (right, compare.turned(), *limit),
        _ => return,
    };
    let (limit, whole) = match limit {
        Literal::Percent(limit) => (limit, 100.0),
        Literal::Plain(limit) => (limit, 1.0),
        Literal::Duration(_) => return,
    };
    if is_share(share) && Values::of(compare, limit).and(&Values::between(0.0, whole)).is_empty() {
        let message = format!("`{}` can't be true: a share of a whole is from 0% to 100%", slice(condition, test.place));
        found.tell((key, Some(test.place)), message, never(key));
    }
}

/// Whether a sum is certainly a part of a count over the whole of it.
fn is_share(sum: &Sum) -> bool {
    let SumKind::Binary(part, Arithmetic::Over, whole) = &sum.kind else { return false };
    let (SumKind::Call(part), SumKind::Call(whole)) = (&part.kind, &whole.kind) else { return false };
    let same = |one: &Call, other: &Call| {
        one.function == other.function
            && one.window == other.window
            && one.ago == other.ago
            && one.selector.name == other.selector.name
            && one.selector.glob == other.selector.glob
    };
    // Sums and increases may be of what is negative; counts are not.
    part.function == Function::Count
        && same(part, whole)
        && whole.selector.matchers.iter().all(|matcher| part.selector.matchers.contains(matcher))
}

/// A less severe level that is hidden by a more severe one, as that is true whenever it is.
fn covered(check: &Check, found: &mut Report) {
    for (at, severe) in check.levels.iter().enumerate() {
        for mild in &check.levels[at + 1..] {
            if severe.status == mild.status || !implies(&mild.condition.logic, &severe.condition.logic) {
                continue;
            }
            let (mild_key, severe_key) = (key_of(mild.status), key_of(severe.status));
            let shown = |condition: &Condition| slice(condition, (0, condition.text().len()));
            let message = format!(
                "`{mild_key}` is never seen: whenever `{}` is true, so is `{severe_key}`, `{}`",
                shown(&mild.condition),
                shown(&severe.condition)
            );
            found.tell((mild_key, None), message, "exchange the two limits, or leave one level out".to_owned());
        }
    }
}

/// A way back that is open while a level is still true.
fn way_back(check: &Check, found: &mut Report) {
    let Some(clear) = &check.clear else { return };
    for level in &check.levels {
        if implies(&level.condition.logic, &clear.logic) || overlap(&level.condition.logic, &clear.logic).is_some() {
            let both = overlap(&level.condition.logic, &clear.logic);
            let (level_text, clear_text) = match both {
                Some((one, other)) => (slice(&level.condition, one), slice(clear, other)),
                None => (slice(&level.condition, (0, level.condition.text().len())), slice(clear, (0, clear.text().len()))),
            };
            let message = format!("`clear` overlaps `{}`: `{clear_text}` may be true while `{level_text}` is", key_of(level.status));
            let hint = match calm_side(&level.condition.logic) {
                Some(compare) => format!("the limit of `clear` lies on the calm side: {} that of `{}`", compare, key_of(level.status)),
                None => "the limit of `clear` lies on the calm side of the level's".to_owned(),
            };
            found.tell(("clear", both.map(|(_, place)| place)), message, hint);
            return;
        }
    }
}

/// On which side of a condition's limit the calm values lie, where it is one comparison.
fn calm_side(logic: &Logic) -> Option<&'static str> {
    let Logic::Test(test) = held(logic).0 else { return None };
    let TestKind::Compare { right, compare, .. } = &test.kind else { return None };
    let compare = if matches!(right.kind, SumKind::Literal(_) | SumKind::Negative(_)) { *compare } else { compare.turned() };
    match compare {
        Compare::Greater | Compare::GreaterOrEqual => Some("at or below"),
        Compare::Less | Compare::LessOrEqual => Some("at or above"),
        Compare::Equal | Compare::NotEqual => None,
    }
}
