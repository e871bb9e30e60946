//! What was seen on the way to a truth, told with numbers and units; worked out only for those who ask.

use super::buffer::Buffer;
use super::check::Check;
use super::data::Data;
use super::forecast::Trend;
use super::meter::{Basis, Meter};
use super::reference::Compared;
use super::syntax::{Call, Compare, Function, Logic, Sum, SumKind, Test, TestKind, Times};
use super::truth::{Memory, Truth};
use super::units::{Origin, Quantity, arithmetic};
use super::want::Counted;
use crate::record::Tags;
use crate::time::{Span, Timestamp};

/// One function of one metric, as it was found.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) call: Call,
    pub(super) quantity: Option<Quantity>,
    pub(super) basis: Basis,
    /// Whether any series was ever seen.
    pub(super) known: bool,
    /// The relative error of a quantile from sketches.
    pub(super) error: Option<f64>,
    /// The line of a forecast.
    pub(super) trend: Option<Trend>,
    /// The series whose value it is, where one of several gives it.
    pub(super) holder: Option<String>,
    /// How many records were left out because they are made activity, or are not.
    pub(super) left_out: u64,
    /// Which of the two count.
    pub(super) counted: Counted,
}

/// One test, as it was found.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) test: Test,
    pub(super) truth: Truth,
    /// Whether an odd number of `not` stands above it.
    pub(super) negated: bool,
    /// Whether the truth of the whole rests on it: of an `or` that is true, what is true of it.
    pub(super) bears: bool,
    pub(super) left: Option<Quantity>,
    /// The limit, in the unit of `left`.
    pub(super) limit: Option<Quantity>,
    pub(super) terms: Vec<Term>,
    /// The samples held against those of a reference, and the ratio at which the limit lies.
    pub(super) compared: Option<(Compared, Option<f64>)>,
}

impl Seen {
    /// Whether the test, with what stands above it, speaks for the condition.
    pub(super) fn speaks_for(&self) -> Truth {
        if self.negated { self.truth.not() } else { self.truth }
    }
}

/// How long something was true, and how long it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pending {
    Held {
        held: Span,
        asked: Span,
        /// Whether it was unknown before.
        short_of_data: bool,
    },
    Counted {
        hits: u32,
        asked: Times,
    },
}

/// Everything seen on the way to a truth.
#[derive(Debug, Clone, Default)]
pub(super) struct Trace {
    pub(super) seen: Vec<Seen>,
    pub(super) pending: Option<Pending>,
    /// Whether an `or` is the outermost of it.
    pub(super) either: bool,
}

/// Where the numbers of a group come from, and how far they were told.
pub(super) struct Teller<'a> {
    pub(super) at: Timestamp,
    pub(super) check: &'a Check,
    /// The tags of the group.
    pub(super) tags: &'a Tags,
    pub(super) data: &'a Data,
    /// The meter of each call.
    pub(super) meters: Vec<&'a Meter>,
    pub(super) memories: &'a [Memory],
    pub(super) tests: &'a [Truth],
    pub(super) call: usize,
    pub(super) memory: usize,
    pub(super) test: usize,
}

impl Teller<'_> {
    /// What was seen of a condition; conditions are told in the order in which they were evaluated.
    pub(super) fn condition(&mut self, logic: &Logic) -> Trace {
        let mut trace = Trace { either: is_either(logic), ..Trace::default() };
        self.logic(logic, false, &mut trace);
        trace
    }

    /// Adds what was seen of a part; its truth by the tests of this instant, without what holds.
    fn logic(&mut self, logic: &Logic, negated: bool, trace: &mut Trace) -> Truth {
        match logic {
            Logic::And(parts) => self.parts(parts, negated, trace, Truth::False),
            Logic::Or(parts) => self.parts(parts, negated, trace, Truth::True),
            Logic::Not(part) => self.logic(part, !negated, trace).not(),
            Logic::For(part, asked) => {
                let memory = self.remembered();
                let truth = self.logic(part, negated, trace);
                if let Some(Memory::For { since: Some(since), from_unknown }) = memory
                    && self.at.since(since) < *asked
                {
                    let held = self.at.since(since);
                    trace.pending = Some(Pending::Held { held, asked: *asked, short_of_data: from_unknown });
                }
                truth
            }
            Logic::Times(part, asked) => {
                let memory = self.remembered();
                let truth = self.logic(part, negated, trace);
                if let Some(Memory::Times { hits, .. }) = memory
                    && hits != 0
                {
                    trace.pending = Some(Pending::Counted { hits: hits.count_ones(), asked: *asked });
                }
                truth
            }
            Logic::Test(test) => {
                let truth = self.tests.get(self.test).copied().unwrap_or(Truth::Unknown);
                self.test += 1;
                let (left, limit, terms, compared) = (None, None, Vec::new(), None);
                let seen = Seen { test: (**test).clone(), truth, negated, bears: true, left, limit, terms, compared };
                trace.seen.push(self.seen(seen));
                truth
            }
        }
    }

    /// The parts of an `or` or an `and`; where one of them settles it, nothing rests on the others.
    fn parts(&mut self, parts: &[Logic], negated: bool, trace: &mut Trace, settles: Truth) -> Truth {
        let mut all = Vec::new();
        for part in parts {
            let from = trace.seen.len();
            let truth = self.logic(part, negated, trace);
            all.push((truth, from..trace.seen.len()));
        }
        let joined = all
            .iter()
            .fold(settles.not(), |joined, (truth, _)| if settles == Truth::True { joined.or(*truth) } else { joined.and(*truth) });
        if joined == settles {
            for (_, places) in all.into_iter().filter(|(truth, _)| *truth != settles) {
                trace.seen[places].iter_mut().for_each(|seen| seen.bears = false);
            }
        }
        joined
    }

    fn remembered(&mut self) -> Option<Memory> {
        self.memory += 1;
        self.memories.get(self.memory - 1).copied()
    }

    fn seen(&mut self, mut seen: Seen) -> Seen {
        let first = self.call;
        match &seen.test.kind {
            TestKind::Compare { left, right, .. } => {
                let left = self.sum(left, &mut seen.terms);
                let right = self.sum(right, &mut seen.terms);
                if let (Some(a), Some(b)) = (&left, &right) {
                    // A number that was typed takes the other's unit.
                    let measured = a.origin == Origin::Measured || b.origin != Origin::Measured;
                    let value = if measured { b.in_unit_of(a).ok() } else { Some(b.value) };
                    let unit = a.unit.clone().or(b.unit.clone());
                    seen.limit = value.map(|value| Quantity { unit, origin: a.origin, value });
                }
                seen.left = left;
                seen.compared = self.compared(first, seen.limit.as_ref());
            }
            TestKind::In { value, .. } => seen.left = self.sum(value, &mut seen.terms),
            TestKind::Absent { selector, window } => {
                let term = self.term(&Call::age(selector));
                seen.left.clone_from(&term.quantity);
                seen.limit = window.map(|window| Quantity { value: window.secs_f64(), unit: Some("s".into()), origin: Origin::Duration });
                seen.terms.push(term);
            }
        }
        seen
    }

    /// The value of a sum, its terms added to `terms`.
    pub(super) fn sum(&mut self, sum: &Sum, terms: &mut Vec<Term>) -> Option<Quantity> {
        match &sum.kind {
            SumKind::Literal(literal) => Some(Quantity::typed(*literal)),
            SumKind::Negative(inner) => self.sum(inner, terms).map(|quantity| Quantity { value: -quantity.value, ..quantity }),
            SumKind::Call(call) => {
                let term = self.term(call);
                let quantity = term.quantity.clone();
                terms.push(term);
                quantity
            }
            SumKind::Binary(left, sign, right) => {
                let (left, right) = (self.sum(left, terms), self.sum(right, terms));
                // What is divided by zero is not known.
                arithmetic(left?, *sign, right?).ok().filter(|result| result.value.is_finite())
            }
        }
    }

    /// The samples of a comparison with one reference, held against one another; the calls from `first` on are its own.
    fn compared(&self, first: usize, limit: Option<&Quantity>) -> Option<(Compared, Option<f64>)> {
        let own = self.meters.get(first..self.call)?;
        let mut references = own.iter().filter(|meter| meter.call.function == Function::Reference);
        let (reference, None) = (references.next()?, references.next()) else { return None };
        let (function, _) = reference.call.of?;
        let now = own.iter().find(|meter| meter.call.function == function)?;
        let unit = |meter: &Meter, value: f64| Quantity::measured(value, meter.unit.clone());
        let factor = unit(reference, 1.0).in_unit_of(&unit(now, 1.0)).ok()?;
        let mut then = reference.values(self.data.buffers(), self.at)?;
        then.iter_mut().for_each(|value| *value *= factor);
        let compared = Compared::new(function, &now.values(self.data.buffers(), self.at)?, &then)?;
        let ratio = limit.zip(reference.value).map(|(limit, value)| limit.value / (value * factor));
        Some((compared, ratio.filter(|ratio| ratio.is_finite() && own.len() == 2)))
    }

    fn term(&mut self, call: &Call) -> Term {
        self.call += 1;
        let counted = Counted::of(&call.selector, self.check);
        let left_out = self.data.left_out(&call.selector, counted, self.tags);
        let (quantity, basis, known) = (None, Basis::default(), false);
        let mut term = Term { call: call.clone(), quantity, basis, known, error: None, trend: None, holder: None, left_out, counted };
        if let Some(meter) = self.meters.get(self.call - 1) {
            term.quantity = meter.value.map(|value| Quantity::measured(value, meter.unit.clone()));
            term.basis = meter.basis(self.data.buffers(), self.at);
            term.known = meter.has_series();
            term.error = meter.error;
            term.trend = meter.trend().cloned();
            term.holder = holder(meter, self.data.buffers(), self.at);
        }
        term
    }
}

/// The series whose value a meter gives, where that is the value of one among several.
fn holder(meter: &Meter, buffers: &[Buffer], at: Timestamp) -> Option<String> {
    let (call, value) = (&meter.call, meter.value?);
    let end = at.minus(call.ago.unwrap_or(Span::ZERO));
    let start = call.window.map_or(Timestamp::MIN, |window| end.minus(window));
    let has = |buffer: &Buffer| match call.function {
        Function::Last => buffer.newest_point(end).is_some_and(|point| point.value == value),
        Function::Min | Function::Max => buffer.between(buffer.behind(start), buffer.behind(end)).iter().any(|point| point.value == value),
        _ => false,
    };
    // Of one series alone it need not be said.
    meter.slots().nth(1)?;
    let mut all = meter.slots().map(|slot| &buffers[slot]).filter(|buffer| has(buffer));
    let series = &all.next()?.series;
    // Where several have it, none of them is the one.
    all.next().is_none().then(|| format!("{}{}", series.metric, series.tags))
}

/// Whether a condition is an `or`, whatever holds it.
fn is_either(logic: &Logic) -> bool {
    match logic {
        Logic::Or(_) => true,
        Logic::For(part, _) | Logic::Times(part, _) => is_either(part),
        // Not both is: one of them not.
        Logic::Not(part) => matches!(**part, Logic::And(_)),
        Logic::And(_) | Logic::Test(_) => false,
    }
}

/// The comparison that a test comes to, as seen from above its `not`s.
pub(super) fn comparison(seen: &Seen) -> Option<Compare> {
    match &seen.test.kind {
        TestKind::Compare { compare, .. } => Some(if seen.negated { compare.opposite() } else { *compare }),
        _ => None,
    }
}
