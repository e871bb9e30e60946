//! Which series the conditions ask for, and how far back each is looked at.

use regex::Regex;

use super::check::Check;
use super::literal::pattern;
use super::syntax::{Call, Function, How, Logic, Selector, Sum, SumKind, TestKind};
use crate::record::{SYNTHETIC, Series, Synthetic, Tags};
use crate::time::Span;

/// Which series count, beside what a selector says: made activity, other, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Counted {
    Both,
    Made,
    NotMade,
}

impl Counted {
    /// What counts for a selector in a check: made activity must be asked for, by the check or by its tag.
    pub(super) fn of(selector: &Selector, check: &Check) -> Counted {
        let named = || check.by.iter().any(|tag| tag == SYNTHETIC) || selector.matchers.iter().any(|matcher| matcher.tag == SYNTHETIC);
        match check.synthetic {
            Synthetic::Include => Counted::Both,
            Synthetic::Only => Counted::Made,
            Synthetic::Apart if named() => Counted::Both,
            Synthetic::Apart | Synthetic::Exclude => Counted::NotMade,
        }
    }

    fn takes(self, tags: &Tags) -> bool {
        match self {
            Counted::Both => true,
            Counted::Made => tags.is_synthetic(),
            Counted::NotMade => !tags.is_synthetic(),
        }
    }
}

/// A selector, ready to be asked whether it means a series.
#[derive(Debug, Clone)]
pub(super) struct Want {
    pub(super) selector: Selector,
    pub(super) counted: Counted,
    name: Option<Regex>,
    patterns: Vec<Option<Regex>>,
    /// How far back samples matter; `None` for all there are.
    pub(super) back: Option<Span>,
}

impl Want {
    fn new(selector: &Selector, counted: Counted, back: Option<Span>) -> Want {
        let glob = selector.glob.then(|| regex::escape(&selector.name).replace("\\*", ".*"));
        let patterns = selector.matchers.iter().map(|matcher| match matcher.how {
            How::Matches | How::MatchesNot => pattern(&matcher.value).ok(),
            How::Is | How::IsNot => None,
        });
        let name = glob.and_then(|glob| pattern(&glob).ok());
        Want { selector: selector.clone(), counted, name, patterns: patterns.collect(), back }
    }

    /// Whether a series is meant.
    pub(super) fn takes(&self, series: &Series) -> bool {
        self.names(series) && self.counted.takes(&series.tags)
    }

    /// Whether a series would be meant, were it not made activity, or not made.
    pub(super) fn leaves_out(&self, series: &Series) -> bool {
        self.names(series) && !self.counted.takes(&series.tags)
    }

    fn names(&self, series: &Series) -> bool {
        self.takes_name(&series.metric) && self.takes_tags(&series.tags)
    }

    fn takes_name(&self, name: &str) -> bool {
        match &self.name {
            Some(glob) => glob.is_match(name),
            None => self.selector.name == name,
        }
    }

    fn takes_tags(&self, tags: &Tags) -> bool {
        self.selector.matchers.iter().zip(&self.patterns).all(|(matcher, pattern)| {
            // A tag that is not there is an empty one, as in Prometheus.
            let value = tags.get(&matcher.tag).unwrap_or_default();
            match matcher.how {
                How::Is => value == matcher.value,
                How::IsNot => value != matcher.value,
                How::Matches => pattern.as_ref().is_some_and(|pattern| pattern.is_match(value)),
                How::MatchesNot => pattern.as_ref().is_some_and(|pattern| !pattern.is_match(value)),
            }
        })
    }
}

/// All that is asked for, each selector once.
#[derive(Debug, Clone, Default)]
pub(super) struct Wants(pub(super) Vec<Want>);

impl Wants {
    /// Adds what a call needs; the place of its selector.
    pub(super) fn add(&mut self, call: &Call, counted: Counted) -> usize {
        let back = reach(call);
        if let Some(at) = self.position(&call.selector, counted) {
            let known = &mut self.0[at].back;
            *known = known.zip(back).map(|(a, b)| a.max(b));
            return at;
        }
        self.0.push(Want::new(&call.selector, counted, back));
        self.0.len() - 1
    }

    /// The place of a selector.
    pub(super) fn position(&self, selector: &Selector, counted: Counted) -> Option<usize> {
        self.0.iter().position(|want| want.counted == counted && want.selector.is_like(selector))
    }

    /// The furthest reach of all; to look at everything is further than any.
    pub(super) fn furthest(&self) -> Option<Span> {
        self.0.iter().map(|want| want.back).reduce(|a, b| a.zip(b).map(|(a, b)| a.max(b))).unwrap_or(Some(Span::ZERO))
    }
}

/// How far behind the instant a call looks; `None` for as far as there is data.
fn reach(call: &Call) -> Option<Span> {
    let ago = call.ago.unwrap_or(Span::ZERO);
    match (call.window, call.function) {
        (Some(window), Function::Forecast) => Some(window.plus(super::forecast::step(window)).plus(ago)),
        (Some(window), _) => Some(window.plus(ago)),
        // The newest sample is kept however old it is; the reference is another history.
        (None, Function::Age | Function::Last | Function::Reference) => Some(ago),
        (None, _) => None,
    }
}

/// Calls back for every call of a condition, in the order in which they are written; an `absent` asks for an age.
pub(super) fn each_call(logic: &Logic, each: &mut dyn FnMut(&Call)) {
    match logic {
        Logic::And(parts) | Logic::Or(parts) => parts.iter().for_each(|part| each_call(part, each)),
        Logic::Not(part) | Logic::For(part, _) | Logic::Times(part, _) => each_call(part, each),
        Logic::Test(test) => match &test.kind {
            TestKind::Compare { left, right, .. } => {
                each_call_of_sum(left, each);
                each_call_of_sum(right, each);
            }
            TestKind::In { value, .. } => each_call_of_sum(value, each),
            TestKind::Absent { selector, .. } => each(&Call::age(selector)),
        },
    }
}

/// Calls back for every call of a sum, in the order in which they are written.
pub(super) fn each_call_of_sum(sum: &Sum, each: &mut dyn FnMut(&Call)) {
    match &sum.kind {
        SumKind::Literal(_) => {}
        SumKind::Call(call) => each(call),
        SumKind::Negative(inner) => each_call_of_sum(inner, each),
        SumKind::Binary(left, _, right) => {
            each_call_of_sum(left, each);
            each_call_of_sum(right, each);
        }
    }
}
