//! The instants at which the truth of a condition can change.
//!
//! A sample makes a difference when it comes into a window, at its own time (later by what an
//! `ago` puts the window back), when it falls out, a window's length later, and for an age when
//! the limit that the age is held against is passed. Between these instants a truth stays as it
//! is, save for what changes all the time: an extrapolated rate, and sums and products of ages.

use super::data::Kept;
use super::eval::Evaluator;
use super::syntax::{Call, Function, Literal, Logic, Selector, Sum, SumKind, TestKind};
use crate::time::{Span, Timestamp};

/// The shortest time there is: an age passes its limit so long after it has reached it.
const MOMENT: Span = Span::from_nanos(1);

/// The instants in (from, to] at which a truth can change, ascending, with the first instant behind
/// `from`, and `to`. Where there are more than `most`, an even choice of them.
pub(super) fn instants(evaluator: &Evaluator<'_>, logic: &Logic, (from, to): (Timestamp, Timestamp), most: usize) -> Vec<Timestamp> {
    let mut changes = Changes { evaluator, from, to, instants: vec![from.plus(MOMENT).min(to), to] };
    changes.logic(logic, &[Span::ZERO]);
    let mut instants = changes.instants;
    instants.sort_unstable();
    instants.dedup();
    let count = instants.len();
    if count > most && most > 1 {
        return (0..most).map(|at| instants[at * (count - 1) / (most - 1)]).collect();
    }
    instants
}

/// Gathers instants.
struct Changes<'a> {
    evaluator: &'a Evaluator<'a>,
    from: Timestamp,
    to: Timestamp,
    instants: Vec<Timestamp>,
}

impl Changes<'_> {
    /// Adds those of a part; each of them again after every one of `later`.
    fn logic(&mut self, logic: &Logic, later: &[Span]) {
        match logic {
            Logic::And(parts) | Logic::Or(parts) => parts.iter().for_each(|part| self.logic(part, later)),
            Logic::Not(part) | Logic::Times(part, _) => self.logic(part, later),
            Logic::For(part, span) => {
                let also: Vec<Span> = later.iter().flat_map(|by| [*by, by.plus(*span)]).collect();
                self.logic(part, &also);
            }
            Logic::Test(test) => match &test.kind {
                TestKind::Compare { left, right, .. } => {
                    let limit = typed_duration(left).or(typed_duration(right));
                    self.sum(left, later, limit);
                    self.sum(right, later, limit);
                }
                TestKind::In { value, low, high, .. } => {
                    for limit in [low, high] {
                        self.sum(value, later, duration(*limit));
                    }
                }
                TestKind::Absent { selector, window } => self.samples(selector, &after(*window, None), later),
            },
        }
    }

    fn sum(&mut self, sum: &Sum, later: &[Span], limit: Option<Span>) {
        match &sum.kind {
            SumKind::Literal(_) => {}
            SumKind::Call(call) => self.call(call, later, limit),
            SumKind::Negative(inner) => self.sum(inner, later, None),
            SumKind::Binary(left, _, right) => {
                self.sum(left, later, None);
                self.sum(right, later, None);
            }
        }
    }

    fn call(&mut self, call: &Call, later: &[Span], limit: Option<Span>) {
        let limit = limit.filter(|_| call.function == Function::Age);
        let ago = call.ago.unwrap_or(Span::ZERO);
        let moves: Vec<Span> = after(call.window, limit).into_iter().map(|by| by.plus(ago)).collect();
        self.samples(&call.selector, &moves, later);
    }

    /// Adds the times of a selector's samples and windows, moved on by each of `moves` and `later`.
    fn samples(&mut self, selector: &Selector, moves: &[Span], later: &[Span]) {
        let all: Vec<&Kept> = self.evaluator.selected(selector).collect();
        for by in later.iter().flat_map(|by| moves.iter().map(|more| by.plus(*more))) {
            let (from, to) = (self.from.minus(by), self.to.minus(by));
            for kept in &all {
                let times = kept.within(from, to).iter().map(|point| point.ts);
                let ends = kept.windows_within(from, to).iter().map(|window| window.end);
                let before = kept.before.iter().map(|point| point.ts).filter(|ts| *ts > from && *ts <= to);
                self.instants.extend(times.chain(ends).chain(before).map(|ts| ts.plus(by)));
            }
        }
    }
}

/// How long after its own time a sample makes a difference.
fn after(window: Option<Span>, limit: Option<Span>) -> Vec<Span> {
    let mut moves = vec![Span::ZERO];
    moves.extend(window);
    moves.extend(limit.into_iter().flat_map(|limit| [limit, limit.plus(MOMENT)]));
    moves
}

fn typed_duration(sum: &Sum) -> Option<Span> {
    match &sum.kind {
        SumKind::Literal(literal) => duration(*literal),
        _ => None,
    }
}

/// The duration that a typed limit of an age comes to; a plain number is seconds there.
fn duration(literal: Literal) -> Option<Span> {
    match literal {
        Literal::Duration(seconds) | Literal::Plain(seconds) => Span::from_secs_f64(seconds),
        Literal::Percent(_) => None,
    }
}
