//! What can never fire, never clear, or does not do what it says: found before it matters.
//!
//! Some of it follows from the conditions alone ([`form`]), some from how often they are judged
//! ([`steps`]), and some only from a history ([`seen`]), of which [`Facts`] are gathered.
//!
//! Always: a finding is certain for the history it was held against. What may be meant so is left
//! alone: a linter that is wrong is not read again.

mod facts;
mod form;
mod logic;
mod seen;
mod steps;
#[cfg(test)]
mod tests;
mod values;

pub use facts::Facts;

use super::syntax::{Call, Logic, Place, Selector, Sum, SumKind, Test, TestKind, Times};
use super::{Check, Condition};
use crate::record::Status;
use crate::time::Span;

/// Something wrong with a check that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check, by its place among those given.
    pub check: usize,
    /// The key that it is about: `critical`, `by`.
    pub key: &'static str,
    /// The bytes of the key's condition that it is about, where it is about a part.
    pub place: Option<(usize, usize)>,
    /// What is wrong, with the numbers that clash.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Looks for what is wrong with checks, and where there are facts, with what they say about them.
///
/// The findings come in the order of the checks; of a check, each thing is said once.
pub fn lint(checks: &[Check], facts: Option<&Facts>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for (at, check) in checks.iter().enumerate() {
        let mut found = Report { check: at, findings: Vec::new() };
        form::lint(check, &mut found);
        steps::lint(check, &mut found);
        if let Some(facts) = facts {
            seen::lint(check, facts, &mut found);
        }
        seen::needs(check, checks, facts, &mut found);
        for finding in found.findings {
            let mut of_this = findings.iter().rev().take_while(|known| known.check == at);
            if !of_this.any(|known| known.message == finding.message) {
                findings.push(finding);
            }
        }
    }
    findings
}

/// Gathers what is found about one check.
struct Report {
    check: usize,
    findings: Vec<Finding>,
}

impl Report {
    fn tell(&mut self, (key, place): (&'static str, Option<Place>), message: impl Into<String>, hint: impl Into<Option<String>>) {
        self.findings.push(Finding { check: self.check, key, place, message: message.into(), hint: hint.into() });
    }
}

/// The conditions of a check, each with its key.
fn conditions(check: &Check) -> impl Iterator<Item = (&'static str, &Condition)> {
    let levels = check.levels.iter().map(|level| (level.status.name(), &level.condition));
    levels.chain(check.clear.iter().map(|condition| ("clear", condition)))
}

/// A part of a condition that can be wrong by itself.
enum Part<'a> {
    Test(&'a Test),
    Call(&'a Call),
    Absent(&'a Selector, Option<Span>, Place),
    For(Span),
    Times(&'a Logic, Times),
}

/// Calls back for every part of a condition, from the outside in.
fn each_part<'a>(logic: &'a Logic, each: &mut dyn FnMut(Part<'a>)) {
    match logic {
        Logic::And(parts) | Logic::Or(parts) => parts.iter().for_each(|part| each_part(part, each)),
        Logic::Not(part) => each_part(part, each),
        Logic::For(part, span) => {
            each(Part::For(*span));
            each_part(part, each);
        }
        Logic::Times(part, times) => {
            each(Part::Times(part, *times));
            each_part(part, each);
        }
        Logic::Test(test) => {
            each(Part::Test(test));
            match &test.kind {
                TestKind::Compare { left, right, .. } => {
                    each_call(left, each);
                    each_call(right, each);
                }
                TestKind::In { value, .. } => each_call(value, each),
                TestKind::Absent { selector, window } => each(Part::Absent(selector, *window, test.place)),
            }
        }
    }
}

fn each_call<'a>(sum: &'a Sum, each: &mut dyn FnMut(Part<'a>)) {
    match &sum.kind {
        SumKind::Literal(_) => {}
        SumKind::Call(call) => each(Part::Call(call)),
        SumKind::Negative(inner) => each_call(inner, each),
        SumKind::Binary(left, _, right) => {
            each_call(left, each);
            each_call(right, each);
        }
    }
}

/// What it means that a condition of this key is never true.
fn never(key: &str) -> String {
    if key == "clear" { "so the check never clears by it".into() } else { format!("so `{key}` can never fire") }
}

/// The stretch of a condition's text.
fn slice(condition: &Condition, place: Place) -> String {
    crate::record::show(condition.text().get(place.0..place.1).unwrap_or_default().as_bytes(), 80)
}

/// The key of a level.
fn key_of(status: Status) -> &'static str {
    status.name()
}
