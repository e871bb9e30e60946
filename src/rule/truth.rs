//! Truth of three values, and what of it must be remembered from one evaluation to the next.

use serde::{Deserialize, Serialize};

use super::syntax::{Logic, Times};
use crate::time::{Span, Timestamp};

/// A truth of three values, after Kleene: unknown is what may be either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    True,
    False,
    Unknown,
}

impl Truth {
    pub(super) fn of(value: bool) -> Truth {
        if value { Truth::True } else { Truth::False }
    }

    pub(super) fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::True, Truth::True) => Truth::True,
            _ => Truth::Unknown,
        }
    }

    pub(super) fn or(self, other: Truth) -> Truth {
        self.not().and(other.not()).not()
    }

    pub(super) fn not(self) -> Truth {
        match self {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

/// What one `for` or `M of N times` remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Memory {
    /// Since when it has been true, and whether it was unknown before.
    #[serde(rename = "for")]
    For { since: Option<Timestamp>, from_unknown: bool },
    /// The newest evaluations, the newest in the lowest bit: which were true, and which unknown.
    #[serde(rename = "times")]
    Times { hits: u64, unknown: u64, count: u32 },
}

impl Memory {
    /// The empty memories of a condition, in the order in which they are written.
    pub(super) fn all_of(logic: &Logic, memories: &mut Vec<Memory>) {
        match logic {
            Logic::And(parts) | Logic::Or(parts) => parts.iter().for_each(|part| Memory::all_of(part, memories)),
            Logic::Not(part) => Memory::all_of(part, memories),
            Logic::For(part, _) => {
                memories.push(Memory::For { since: None, from_unknown: true });
                Memory::all_of(part, memories);
            }
            Logic::Times(part, _) => {
                memories.push(Memory::Times { hits: 0, unknown: 0, count: 0 });
                Memory::all_of(part, memories);
            }
            Logic::Test(_) => {}
        }
    }

    /// Whether something was true at every evaluation for as long as `span`.
    ///
    /// With `for 2m`, evaluated once a minute:
    ///
    /// | now     | result                |
    /// |---------|-----------------------|
    /// | true    | false, pending for 0m |
    /// | true    | false, pending for 1m |
    /// | true    | true                  |
    /// | unknown | unknown               |
    /// | true    | false, pending for 0m |
    /// | false   | false                 |
    pub(super) fn held(&mut self, now: Truth, span: Span, at: Timestamp) -> Truth {
        let Memory::For { since, from_unknown } = self else { return now };
        if now != Truth::True {
            (*since, *from_unknown) = (None, now == Truth::Unknown);
            return now;
        }
        // A clock that was set back begins anew.
        *since = since.map(|since| since.min(at)).or(Some(at));
        let since = since.unwrap_or(at);
        Truth::of(at.since(since) >= span)
    }

    /// Whether something was true at enough of the last evaluations, this one among them.
    pub(super) fn counted(&mut self, now: Truth, times: Times) -> Truth {
        let Memory::Times { hits, unknown, count } = self else { return now };
        let mask = if times.of >= u64::BITS { u64::MAX } else { (1 << times.of) - 1 };
        *hits = (*hits << 1 | u64::from(now == Truth::True)) & mask;
        *unknown = (*unknown << 1 | u64::from(now == Truth::Unknown)) & mask;
        *count = (*count + 1).min(times.of);
        if hits.count_ones() >= times.least {
            Truth::True
        } else if now == Truth::Unknown && (*hits | *unknown).count_ones() >= times.least {
            Truth::Unknown
        } else {
            Truth::False
        }
    }

    /// Since when it has been true.
    pub(super) fn since(&self) -> Option<Timestamp> {
        match self {
            Memory::For { since, .. } => *since,
            Memory::Times { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{False, True, Unknown};
    use super::*;

    #[test]
    fn the_truth_tables_are_those_of_kleene() {
        let and = [
            (True, True, True),
            (True, False, False),
            (True, Unknown, Unknown),
            (False, False, False),
            (False, Unknown, False),
            (Unknown, Unknown, Unknown),
        ];
        let or = [
            (True, True, True),
            (True, False, True),
            (True, Unknown, True),
            (False, False, False),
            (False, Unknown, Unknown),
            (Unknown, Unknown, Unknown),
        ];
        for (a, b, result) in and {
            assert_eq!((a.and(b), b.and(a)), (result, result), "{a:?} and {b:?}");
        }
        for (a, b, result) in or {
            assert_eq!((a.or(b), b.or(a)), (result, result), "{a:?} or {b:?}");
        }
        assert_eq!((True.not(), False.not(), Unknown.not()), (False, True, Unknown));
    }

    #[test]
    fn what_holds_holds_from_the_first_evaluation_on() {
        let mut memory = Memory::For { since: None, from_unknown: true };
        let minute = |minute: u32| Timestamp::from_nanos(0).plus(Span::from_secs(60 * minute));
        let cases = [(True, False), (True, False), (True, True), (True, True), (Unknown, Unknown), (True, False), (False, False)];
        for (at, (now, expected)) in cases.into_iter().enumerate() {
            assert_eq!(memory.held(now, Span::from_secs(120), minute(at as u32)), expected, "at minute {at}");
        }
    }

    #[test]
    fn three_of_five_counts_the_last_five() {
        let mut memory = Memory::Times { hits: 0, unknown: 0, count: 0 };
        let times = Times { least: 3, of: 5 };
        let cases = [
            (True, False),
            (False, False),
            (True, False),
            (Unknown, Unknown),
            (True, True),
            (False, False),
            (Unknown, Unknown),
            (Unknown, Unknown),
            (False, False),
        ];
        for (at, (now, expected)) in cases.into_iter().enumerate() {
            assert_eq!(memory.counted(now, times), expected, "evaluation {at}");
        }
    }
}
