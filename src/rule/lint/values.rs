//! Sets of numbers, as limits cut them out: what `x > 5`, `x in 3..7` and their opposites hold.
//!
//! A set is a list of stretches from one cut to another. A cut lies just before or just behind a
//! number, so that open and closed ends need no cases: `x > 5` goes from behind 5 to the end,
//! `x == 5` from before 5 to behind it.

use crate::rule::syntax::Compare;

/// A place between numbers: before (`false`) or behind (`true`) one.
type Cut = (f64, bool);

const BEGIN: Cut = (f64::NEG_INFINITY, false);
const END: Cut = (f64::INFINITY, true);

/// A set of numbers: stretches that ascend and do not touch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values(Vec<(Cut, Cut)>);

impl Values {
    /// The numbers that stand in a relation to a limit.
    pub(super) fn of(compare: Compare, limit: f64) -> Values {
        let (before, behind) = ((limit, false), (limit, true));
        match compare {
            Compare::Greater => Values(vec![(behind, END)]),
            Compare::GreaterOrEqual => Values(vec![(before, END)]),
            Compare::Less => Values(vec![(BEGIN, before)]),
            Compare::LessOrEqual => Values(vec![(BEGIN, behind)]),
            Compare::Equal => Values(vec![(before, behind)]),
            Compare::NotEqual => Values(vec![(BEGIN, before), (behind, END)]),
        }
    }

    /// The numbers from one to another, both included.
    pub(super) fn between(low: f64, high: f64) -> Values {
        Values(vec![((low, false), (high, true))])
    }

    /// The numbers that are not in the set.
    pub(super) fn others(&self) -> Values {
        let mut from = BEGIN;
        let mut others = Vec::new();
        for (start, end) in &self.0 {
            others.extend(before(from, *start).then_some((from, *start)));
            from = *end;
        }
        others.extend(before(from, END).then_some((from, END)));
        Values(others)
    }

    /// The numbers in both sets.
    pub(super) fn and(&self, other: &Values) -> Values {
        let pairs = self.0.iter().flat_map(|one| other.0.iter().map(move |two| (one, two)));
        let both = pairs.map(|(one, two)| {
            let start = if before(one.0, two.0) { two.0 } else { one.0 };
            let end = if before(one.1, two.1) { one.1 } else { two.1 };
            (start, end)
        });
        Values(both.filter(|(start, end)| before(*start, *end)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every number of the set is in the other one.
    pub(super) fn within(&self, other: &Values) -> bool {
        self.and(&other.others()).is_empty()
    }
}

fn before(one: Cut, other: Cut) -> bool {
    one.0 < other.0 || (one.0 == other.0 && !one.1 && other.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set() -> impl Strategy<Value = (Values, Vec<(Compare, f64)>)> {
        let part = (0usize..6, -3i32..4).prop_map(|(at, limit)| (Compare::ALL[at].1, f64::from(limit)));
        prop::collection::vec(part, 1..4).prop_map(|parts| {
            let all = Values(vec![(BEGIN, END)]);
            (parts.iter().fold(all, |set, (compare, limit)| set.and(&Values::of(*compare, *limit))), parts)
        })
    }

    /// Whether a number is in a set.
    fn holds(set: &Values, number: f64) -> bool {
        !set.and(&Values::of(Compare::Equal, number)).is_empty()
    }

    proptest! {
        #[test]
        fn sets_hold_what_the_comparisons_say((one, parts) in set(), (two, _) in set()) {
            let numbers = || (-10..=10).map(|half| f64::from(half) / 2.0);
            for number in numbers() {
                prop_assert_eq!(holds(&one, number), parts.iter().all(|(compare, limit)| compare.holds(number, *limit)));
                prop_assert_eq!(holds(&one.others(), number), !holds(&one, number));
            }
            // Limits are whole, so that halves tell whole stretches apart.
            prop_assert_eq!(one.within(&two), numbers().all(|number| !holds(&one, number) || holds(&two, number)));
            prop_assert_eq!(one.is_empty(), numbers().all(|number| !holds(&one, number)));
        }
    }
}
