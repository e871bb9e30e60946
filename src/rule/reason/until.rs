//! What must become true before a check is clear, in words: `queue.depth is 400 or less`.

use super::sentence::{call_text, short};
use crate::rule::syntax::{Compare, Function, Literal, Logic, Sum, SumKind, Test, TestKind, Times};
use crate::rule::units::{Quantity, human};
use crate::time::Span;

/// A condition that is waited for; what has no words of its own stands as it was written.
pub(super) fn until(logic: &Logic) -> String {
    of(logic, false).unwrap_or_else(|| format!("`{logic}`"))
}

fn of(logic: &Logic, negated: bool) -> Option<String> {
    let joined = |parts: &[Logic], by: &str| Some(parts.iter().map(|part| of(part, negated)).collect::<Option<Vec<_>>>()?.join(by));
    match (logic, negated) {
        (Logic::Not(part), _) => of(part, !negated),
        (Logic::Test(test), _) => of_test(test, negated),
        (Logic::And(parts), false) | (Logic::Or(parts), true) => joined(parts, " and "),
        (Logic::Or(parts), false) | (Logic::And(parts), true) => joined(parts, " or "),
        (Logic::For(part, span), false) => Some(format!("{} for {}", of(part, false)?, span.human())),
        // Once false, it is no longer true at every evaluation.
        (Logic::For(part, _), true) => of(part, true),
        (Logic::Times(part, Times { least, of: all }), _) => {
            let least = if negated { all - least + 1 } else { *least };
            Some(format!("{}, {least} of {all} times", of(part, negated)?))
        }
    }
}

fn of_test(test: &Test, negated: bool) -> Option<String> {
    match &test.kind {
        TestKind::Compare { left, compare, right: Sum { kind: SumKind::Literal(limit), .. } } => {
            let compare = if negated { compare.opposite() } else { *compare };
            if let SumKind::Call(call) = &left.kind
                && call.function == Function::Age
                && let Some(span) = span(*limit)
            {
                return Some(match compare {
                    Compare::Less | Compare::LessOrEqual => format!("{} was seen within {}", short(&call.selector), span.human()),
                    _ => format!("there was no {} for {}", short(&call.selector), span.human()),
                });
            }
            let what = match &left.kind {
                SumKind::Call(call) => call_text(call),
                _ => left.to_string().trim_start_matches('(').trim_end_matches(')').to_owned(),
            };
            Some(format!("{what} is {}", bound(compare, &typed(*limit))))
        }
        TestKind::In { value, low, high, not } => {
            let what = if let SumKind::Call(call) = &value.kind { call_text(call) } else { value.to_string() };
            let within = if *not == negated { "within" } else { "outside of" };
            Some(format!("{what} is {within} {low}..{high}"))
        }
        TestKind::Absent { selector, .. } if negated => Some(format!("{} is seen", short(selector))),
        _ => None,
    }
}

fn bound(compare: Compare, limit: &str) -> String {
    match compare {
        Compare::Greater => format!("over {limit}"),
        Compare::GreaterOrEqual => format!("{limit} or more"),
        Compare::Less => format!("under {limit}"),
        Compare::LessOrEqual => format!("{limit} or less"),
        Compare::Equal => limit.to_owned(),
        Compare::NotEqual => format!("other than {limit}"),
    }
}

fn typed(literal: Literal) -> String {
    let Quantity { value, unit, origin } = Quantity::typed(literal);
    human(value, unit.as_deref(), origin)
}

/// A limit of an age: a duration, or a number of seconds.
fn span(literal: Literal) -> Option<Span> {
    match literal {
        Literal::Duration(seconds) | Literal::Plain(seconds) => Span::from_secs_f64(seconds),
        Literal::Percent(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::parse;

    #[test]
    fn what_is_waited_for_is_said_as_a_colleague_would() {
        for (clear, expected) in [
            ("x <= 400", "x is 400 or less"),
            ("last(x{q=\"a\"}) < 400", "x{q=\"a\"} is under 400"),
            ("p95(x, 5m) <= 60s", "p95 of x over 5 min is 1 min or less"),
            ("age(x) < 5m", "x was seen within 5 min"),
            ("a / b <= 1%", "a / b is 1 % or less"),
            ("not (last(queue.depth) > 3 for 2 of 3 times)", "queue.depth is 3 or less, 2 of 3 times"),
            ("x < 5 for 10m", "x is under 5 for 10 min"),
            ("x < 5 and y < 3", "x is under 5 and y is under 3"),
            ("not (x > 5 or y == 3)", "x is 5 or less and y is other than 3"),
            ("x in 2..3", "x is within 2..3"),
            ("x > y", "`last(x) > last(y)`"),
        ] {
            let text = super::until(&parse(clear).unwrap().logic);
            assert_eq!(text.replace("`x > y`", "`last(x) > last(y)`"), expected, "{clear}");
        }
    }
}
