//! What a filter of PromQL leaves, as a condition of our language.
//!
//! Here `not` of something unknown is unknown, and there `unless` passes what has no counterpart; so
//! what a test needs is kept beside it, to be asked for by `absent`.

use super::write::{Rank, Text};
use crate::rule::RuleError;
use crate::rule::syntax::{Compare, Place};
use crate::time::Span;

/// What must have data: a selector within a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) selector: String,
    pub(super) window: Span,
}

/// A condition.
#[derive(Debug, Clone)]
pub(super) enum Filter {
    /// `left sign right`; without data for each of `needs` it is unknown.
    Test {
        left: Text,
        compare: Compare,
        right: Text,
        needs: Vec<Need>,
        plain: bool,
    },
    Absent(Need),
    Present(Need),
    And(Vec<Filter>),
    Or(Vec<Filter>),
}

impl Filter {
    pub(super) fn and(self, other: Filter) -> Filter {
        let parts = |filter: Filter| match filter {
            // A range is one test, however it was written.
            Filter::And(parts) if range(&parts).is_none() => parts,
            one => vec![one],
        };
        Filter::And(parts(self).into_iter().chain(parts(other)).collect())
    }

    pub(super) fn or(self, other: Filter) -> Filter {
        let parts = |filter: Filter| match filter {
            Filter::Or(parts) => parts,
            one => vec![one],
        };
        Filter::Or(parts(self).into_iter().chain(parts(other)).collect())
    }

    /// Where this one leaves nothing, be it false or without data.
    pub(super) fn unless(self, place: Place) -> Result<Filter, RuleError> {
        let all = |parts: Vec<Filter>| parts.into_iter().map(|part| part.unless(place)).collect::<Result<Vec<_>, _>>();
        Ok(match self {
            Filter::And(parts) => Filter::Or(all(parts)?),
            Filter::Or(parts) => Filter::And(all(parts)?),
            Filter::Absent(need) => Filter::Present(need),
            Filter::Present(need) => Filter::Absent(need),
            Filter::Test { left, compare, right, needs, plain } => {
                if !plain {
                    let error =
                        RuleError::new("`unless` also fires where the other side has no data, which can't be asked for here", place);
                    return Err(error.hint("turn the comparison around and write `and`"));
                }
                let absent: Vec<Filter> = needs.iter().cloned().map(Filter::Absent).collect();
                let test = Filter::Test { left, compare: compare.opposite(), right, needs, plain };
                absent.into_iter().fold(test, Filter::or)
            }
        })
    }

    /// The condition in our language.
    pub(super) fn text(&self) -> Text {
        let joined = |parts: &[Filter], sign: &str, rank: Rank| {
            let texts: Vec<Text> = parts.iter().map(Filter::text).collect();
            let written: Vec<String> = texts.iter().map(|text| text.at(if rank == Rank::Or { Rank::And } else { Rank::Compare })).collect();
            Text { text: written.join(&format!(" {sign} ")), rank }
        };
        match self {
            Filter::Test { left, compare, right, .. } => {
                Text { text: format!("{} {} {}", left.at(Rank::Add), compare.sign(), right.at(Rank::Add)), rank: Rank::Compare }
            }
            Filter::Absent(need) => Text { text: format!("absent({}, {})", need.selector, need.window), rank: Rank::Compare },
            Filter::Present(need) => Text { text: format!("not absent({}, {})", need.selector, need.window), rank: Rank::Compare },
            Filter::And(parts) => match range(parts) {
                Some(text) => Text { text, rank: Rank::Compare },
                None => joined(parts, "and", Rank::And),
            },
            Filter::Or(parts) => joined(parts, "or", Rank::Or),
        }
    }

    /// The sum that the alert's value is.
    pub(super) fn value(&self) -> Option<String> {
        match self {
            Filter::Test { left, .. } => Some(left.text.clone()),
            Filter::And(parts) => parts.first().and_then(Filter::value),
            _ => None,
        }
    }
}

/// `x in 20..25`, where two comparisons say that.
fn range(parts: &[Filter]) -> Option<String> {
    let [
        Filter::Test { left, compare: Compare::GreaterOrEqual, right: low, .. },
        Filter::Test { left: same, compare: Compare::LessOrEqual, right: high, .. },
    ] = parts
    else {
        return None;
    };
    let limit = |text: &Text| text.text.parse::<f64>().ok();
    (left == same && limit(low)? <= limit(high)?).then(|| format!("{} in {}..{}", left.at(Rank::Add), low.text, high.text))
}
