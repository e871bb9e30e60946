//! A verdict out of what was found for a group: the record, and what a plugin is told beside it.

use super::buffer::Buffer;
use super::check::{Check, Judgement, Level};
use super::data::Data;
use super::evidence::{Told, entries};
use super::group::Group;
use super::hold::{Finding, Hold, Raw};
use super::meter::Meter;
use super::range::Range;
use super::reason::reason;
use super::summary::Piece;
use super::syntax::{Compare, Function, Sum, SumKind, TestKind};
use super::trace::{Seen, Teller, Trace};
use super::truth::Truth;
use crate::record::{Json, Status, Tags, Verdict};
use crate::time::{Span, Timestamp};

/// What a judgement is made of.
pub(super) struct Case<'a> {
    pub(super) check: &'a Check,
    pub(super) group: &'a Group,
    pub(super) meters: &'a [Meter],
    pub(super) data: &'a Data,
    pub(super) finding: &'a Finding,
    /// What is remembered after the evaluation.
    pub(super) hold: &'a Hold,
    /// The truth of every test.
    pub(super) tests: &'a [Truth],
    pub(super) at: Timestamp,
}

impl Case<'_> {
    /// What tells of the conditions, one after the other.
    pub(super) fn teller(&self) -> Teller<'_> {
        Teller {
            at: self.at,
            check: self.check,
            tags: &self.group.tags,
            data: self.data,
            meters: self.group.meters.iter().map(|meter| &self.meters[*meter]).collect(),
            memories: &self.hold.memories,
            tests: self.tests,
            call: 0,
            memory: 0,
            test: 0,
        }
    }

    /// Which level is told of: the one that fires or is unknown, or else the worst.
    pub(super) fn told_level(&self) -> usize {
        match (self.finding.level, self.finding.raw) {
            (_, Raw::Unknown(level)) | (None, Raw::Level(level)) | (Some(level), _) => level,
            (None, Raw::Calm) => 0,
        }
    }

    /// The level that fires.
    pub(super) fn firing(&self) -> Option<&Level> {
        let fires = matches!(self.finding.status, Status::Warning | Status::Critical);
        let level = self.finding.level.filter(|_| fires && !matches!(self.finding.raw, Raw::Unknown(_)));
        level.map(|level| &self.check.levels[level])
    }

    /// The verdict, and what else is told.
    pub(super) fn judgement(&self) -> Judgement {
        let Case { check, finding, at, .. } = *self;
        let mut teller = self.teller();
        let mut traces: Vec<Trace> = check.levels.iter().map(|level| teller.condition(&level.condition.logic)).collect();
        if let Some(clear) = &check.clear {
            teller.condition(&clear.logic);
        }
        let mut told = self.told_level();
        if finding.raw == Raw::Calm && finding.level.is_none() {
            // What is on its way is told before what is far from it.
            told = traces.iter().position(|trace| trace.pending.is_some()).unwrap_or(told);
        }
        let level = self.firing();
        let lead = traces.get(told).and_then(|trace| lead(trace, level.is_some()));
        let limits = limits(check, &traces, lead);
        let lead = lead.and_then(|seen| seen.left.clone());
        let trace = if told < traces.len() { traces.swap_remove(told) } else { Trace::default() };
        let summary = level.and(check.summary.as_ref()).map(|summary| {
            let said = summary.pieces.iter().map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Value(sum) => said(&mut teller, sum),
            });
            said.collect::<String>()
        });
        let since = level.and(finding.began);
        let judged = self.data.judged(&check.name, &self.group.tags, self.hold.last.as_ref(), at);
        let told = Told { check, level, trace: &trace, data: self.data, finding, hold: self.hold, judged, at };
        let reason = reason(&told);
        let verdict = Verdict {
            ts: at,
            check: check.name.clone(),
            status: finding.status,
            since,
            value: lead.as_ref().map(|quantity| quantity.value),
            unit: lead.and_then(|quantity| quantity.unit),
            reason: Some(summary.map_or_else(|| reason.clone(), |summary| format!("{summary}: {reason}"))),
            evidence: Json::of(&entries(&told)).ok(),
            playbook: check.playbook.clone(),
            tags: self.tags(),
        };
        Judgement { verdict, limits }
    }

    /// The tags of the group, or those that all series asked for have alike; and those of the check.
    fn tags(&self) -> Tags {
        let mut tags = if self.check.by.is_empty() { self.joint_tags() } else { self.group.tags.clone() };
        for (key, value) in self.check.tags.iter() {
            tags.set(key, value);
        }
        tags
    }

    fn joint_tags(&self) -> Tags {
        let buffers: &[Buffer] = self.data.buffers();
        let mut joint: Option<Tags> = None;
        for slot in self.group.meters.iter().flat_map(|meter| self.meters[*meter].slots()) {
            let tags = &buffers[slot].series.tags;
            joint = Some(match &joint {
                None => tags.clone(),
                Some(known) => known.iter().filter(|(key, value)| tags.get(key) == Some(*value)).collect(),
            });
        }
        joint.unwrap_or_default()
    }
}

/// The test whose value a verdict carries: the first that speaks for what fires, or else the first of all.
fn lead(trace: &Trace, fires: bool) -> Option<&Seen> {
    trace.seen.iter().find(|seen| !fires || seen.speaks_for() == Truth::True).or(trace.seen.first())
}

/// What each level holds the value of the lead against; nothing where it asks for another one.
fn limits(check: &Check, traces: &[Trace], lead: Option<&Seen>) -> Vec<(Status, Range)> {
    let measured = |seen: &Seen| match &seen.test.kind {
        TestKind::Compare { left, .. } => left.to_string(),
        TestKind::In { value, .. } => value.to_string(),
        TestKind::Absent { selector, .. } => format!("age({selector})"),
    };
    let Some(asked) = lead.map(measured) else { return Vec::new() };
    let of = |trace: &Trace| trace.seen.iter().find(|seen| measured(seen) == asked).and_then(range_of);
    check.levels.iter().zip(traces).filter_map(|(level, trace)| Some((level.status, of(trace)?))).collect()
}

/// The values that raise an alert by a test as it was found.
fn range_of(seen: &Seen) -> Option<Range> {
    let range = match (&seen.test.kind, &seen.limit) {
        (TestKind::Compare { compare, .. }, Some(limit)) => Range::of_compare(*compare, limit.value),
        (TestKind::Absent { .. }, Some(limit)) => Range::of_compare(Compare::GreaterOrEqual, limit.value),
        _ => Range::of_test(&seen.test, seen.left.as_ref()?)?,
    };
    Some(if seen.negated { range.negated() } else { range })
}

/// A value in a summary, as a person reads it.
fn said(teller: &mut Teller<'_>, sum: &Sum) -> String {
    let value = teller.sum(sum, &mut Vec::new());
    match (&sum.kind, value) {
        (_, None) => "no data".into(),
        (SumKind::Call(call), Some(age)) if call.function == Function::Age => Span::from_secs_f64(age.value).unwrap_or(Span::ZERO).human(),
        (_, Some(quantity)) => quantity.human(),
    }
}
