//! `reference(...)`: what a condition's aggregate came to in a history that is kept to compare with.
//!
//! Holds which aggregate is meant ([`resolve`]), the history ([`History`]), how two samples are told
//! apart ([`Compared`]), and the comparison of two whole runs ([`Runs`]). The history is read once, before
//! anything is judged, so a reference is a constant.
//!
//! `p95(x, 5m) > 1.1 * reference(x)` takes p95 of the whole reference history: the function of the other
//! side. What grows with the length of the window (count, sum, increase, delta, distinct) takes the
//! window of the other side, too, at the reference's end; a window of its own goes before both.

mod compare;
mod runs;

pub(super) use compare::{Compared, ComparedEntry};
pub use runs::{Compare, Runs, Tolerance};

use super::buffer::Buffer;
use super::data::Data;
use super::error::RuleError;
use super::syntax::{Call, Function, Logic, Sum, SumKind};
use super::want::{Wants, each_call, each_call_of_sum};
use crate::time::{Span, Timestamp};

/// The reference's samples.
pub(super) struct History {
    data: Data,
    /// Which buffers each selector of the references takes.
    pub(super) takers: Vec<Vec<usize>>,
    /// The newest of all.
    pub(super) end: Timestamp,
    oldest: Timestamp,
}

impl History {
    /// Puts in order what was read.
    pub(super) fn new(mut data: Data) -> History {
        data.settle();
        let all = data.buffers();
        let end = all.iter().filter_map(|buffer| buffer.newest(Timestamp::MAX)).max().unwrap_or(Timestamp::MIN);
        let oldest = all.iter().filter_map(Buffer::oldest).min().unwrap_or(end);
        let taken = |want: &super::want::Want| (0..all.len()).filter(|slot| want.takes(&all[*slot].series)).collect();
        let takers = data.wants.0.iter().map(taken).collect();
        History { takers, data, end, oldest }
    }

    pub(super) fn buffers(&self) -> &[Buffer] {
        self.data.buffers()
    }

    /// The call to be made over this history in place of a reference.
    pub(super) fn call(&self, reference: &Call) -> Option<Call> {
        let (function, window) = reference.of?;
        // A rate is over some time: over all there is.
        let whole = (function == Function::Rate).then(|| self.end.since(self.oldest).plus(Span::from_nanos(1)));
        Some(Call { function, window: reference.window.or(window).or(whole), of: None, bare: false, ..reference.clone() })
    }
}

/// What the references of conditions ask for: all of it, as a reference has an end of its own.
pub(super) fn wants(wants: &Wants) -> Wants {
    let mut wants = wants.clone();
    wants.0.iter_mut().for_each(|want| want.back = None);
    wants
}

/// Gives every reference of a comparison the function of the other side.
///
/// # Errors
/// [`RuleError`] when the other side measures nothing that a reference can be of, or several things.
pub(super) fn resolve(left: &mut Sum, right: &mut Sum) -> Result<(), RuleError> {
    let calls = |sum: &Sum| {
        let mut calls = Vec::new();
        each_call_of_sum(sum, &mut |call| calls.push(call.clone()));
        calls
    };
    let (of_left, of_right) = (calls(left), calls(right));
    give(left, &of_right)?;
    give(right, &of_left)
}

fn give(sum: &mut Sum, others: &[Call]) -> Result<(), RuleError> {
    match &mut sum.kind {
        SumKind::Literal(_) => Ok(()),
        SumKind::Negative(inner) => give(inner, others),
        SumKind::Binary(left, _, right) => {
            give(left, others)?;
            give(right, others)
        }
        SumKind::Call(call) if call.function == Function::Reference => {
            call.of = Some(measured(call, others)?);
            Ok(())
        }
        SumKind::Call(_) => Ok(()),
    }
}

fn measured(reference: &Call, others: &[Call]) -> Result<(Function, Option<Span>), RuleError> {
    let hint = format!("write like `p95({0}) > 1.1 * reference({0})`", reference.selector);
    let wrong = |message: String| RuleError::new(message, reference.place).hint(hint.clone());
    let others: Vec<&Call> = others.iter().filter(|call| call.function != Function::Reference).collect();
    let alike = others.iter().find(|call| call.selector.is_like(&reference.selector));
    let Some(other) = alike.or(others.first()) else {
        return Err(wrong("`reference` takes the function of the other side of its comparison, which has none".into()));
    };
    if alike.is_none() && others.iter().any(|call| call.function != other.function) {
        return Err(wrong("`reference` takes the function of the other side of its comparison, which has several".into()));
    }
    if matches!(other.function, Function::Age | Function::Forecast) {
        return Err(wrong(format!("`{}` has no reference: it depends on the instant", other.function.name())));
    }
    let grows = matches!(other.function, Function::Count | Function::Sum | Function::Increase | Function::Delta | Function::Distinct);
    Ok((other.function, other.window.filter(|_| grows)))
}

/// Refuses references that stand in no comparison.
///
/// # Errors
/// [`RuleError`] with the place of the first.
pub(super) fn all_resolved(logic: &Logic) -> Result<(), RuleError> {
    let mut first = None;
    each_call(logic, &mut |call| first = first.take().or_else(|| lost(call)));
    first.map_or(Ok(()), Err)
}

/// A reference that has no other side, as a mistake.
pub(super) fn lost(call: &Call) -> Option<RuleError> {
    (call.function == Function::Reference && call.of.is_none()).then(|| {
        let error = RuleError::new("`reference` stands only in a comparison", call.place);
        error.hint(format!("write like `p95({0}) > 1.1 * reference({0})`", call.selector))
    })
}
