//! What a verdict rests on, as entries for a program; the sentence for a person is in `reason`.
//!
//! The keys are part of the record format and only grow; pipewatch-records(5) tells them:
//!
//! ```json
//! {"term":"last(queue.depth)","value":512,"op":">","limit":500,"holds":true,"samples":60,"series":1,"oldest":…,"newest":…}
//! {"last":"2026-11-22T03:00:00Z","until":"2026-11-22T03:20:00Z","status":"critical","times":3,"judged":"noise","real":1,"noise":2}
//! {"event":"deploy","ts":"2026-11-22T19:58:00Z","text":"api 4f2a"}
//! {"wrong_if":"more data is late: 12 of the samples came after newer ones"}
//! ```

use serde::Serialize;

use super::check::{Check, Level};
use super::data::{Data, Judged};
use super::forecast::doubts;
use super::hold::{Episode, Finding, Hold};
use super::reason::{crossing, samples};
use super::reference::ComparedEntry;
use super::syntax::{Compare, Function, Literal, SumKind, TestKind};
use super::trace::{Seen, Term, Trace, comparison};
use super::truth::Truth;
use super::units::Quantity;
use crate::record::Status;
use crate::time::Timestamp;

/// Below how many samples a number is called uncertain.
const FEW: f64 = 5.0;

/// A number as records write it: a whole one without a fraction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number(f64);

impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = self.0 as i64;
        if whole as f64 == self.0 && whole.unsigned_abs() < 1 << 53 {
            serializer.serialize_i64(whole)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

/// One entry of a verdict's evidence.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Entry {
    Term(Box<TermEntry>),
    Event {
        event: String,
        ts: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// When it last fired, how often it has, and what people judged that to be.
    Last {
        last: String,
        until: Option<String>,
        status: Status,
        times: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        judged: Option<&'static str>,
        #[serde(skip_serializing_if = "is_zero")]
        real: u32,
        #[serde(skip_serializing_if = "is_zero")]
        noise: u32,
    },
    Compared(Box<ComparedEntry>),
    WrongIf {
        wrong_if: String,
    },
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

fn is_none_left_out(count: &u64) -> bool {
    *count == 0
}

/// A term, or what several of them come to.
#[derive(Debug, Serialize)]
pub(super) struct TermEntry {
    term: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    op: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Number>,
    /// Of `in`, instead of a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    high: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<bool>,
    samples: Number,
    series: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_data: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Number>,
    /// The series whose value it is, where one of several gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    /// How many records were left out because they are made activity, or are not.
    #[serde(skip_serializing_if = "is_none_left_out")]
    left_out: u64,
    /// Of a forecast: when its line is at the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    crosses: Option<String>,
    /// Of a forecast: how much its line grows in a second, and the borders that hold this in 95 of 100 cases.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    slope: Option<SlopeEntry>,
}

/// How steep the line of a forecast is.
#[derive(Debug, Serialize)]
struct SlopeEntry {
    slope_per_s: f64,
    slope_per_s_low: f64,
    slope_per_s_high: f64,
}

/// All that a verdict may tell of.
pub(super) struct Told<'a> {
    pub(super) check: &'a Check,
    /// The level that fires.
    pub(super) level: Option<&'a Level>,
    pub(super) trace: &'a Trace,
    pub(super) data: &'a Data,
    pub(super) finding: &'a Finding,
    pub(super) hold: &'a Hold,
    /// What people made of the times before.
    pub(super) judged: Judged,
    pub(super) at: Timestamp,
}

/// All entries: every term, events of the hour before, and what would make the verdict wrong.
pub(super) fn entries(told: &Told<'_>) -> Vec<Entry> {
    let (trace, data) = (told.trace, told.data);
    let mut entries = Vec::new();
    for seen in &trace.seen {
        entries.extend(whole(seen).map(|entry| Entry::Term(Box::new(entry))));
        let alone = seen.terms.len() == 1 && is_plain(seen);
        entries.extend(seen.terms.iter().map(|term| Entry::Term(Box::new(term_entry(term, seen, alone, told.at)))));
        entries.extend(seen.compared.as_ref().map(|(compared, _)| Entry::Compared(Box::new(compared.entry(None)))));
    }
    if let Some(Episode { from, to, worst }) = told.hold.last {
        let Judged { last, real, noise } = told.judged;
        let (last, until) = (last.map(|real| if real { "real" } else { "noise" }), to.map(|to| to.to_string()));
        entries.push(Entry::Last { last: from.to_string(), until, status: worst, times: told.hold.times, judged: last, real, noise });
    }
    for event in data.events(told.at) {
        let text = event.text.as_deref().map(|text| text.chars().take(200).collect());
        entries.push(Entry::Event { event: event.event.clone(), ts: event.ts.to_string(), text });
    }
    entries.extend(wrong_if(trace, data).into_iter().map(|wrong_if| Entry::WrongIf { wrong_if }));
    entries
}

/// Whether a test holds one call against something, without arithmetic.
fn is_plain(seen: &Seen) -> bool {
    match &seen.test.kind {
        TestKind::Compare { left, .. } | TestKind::In { value: left, .. } => matches!(left.kind, SumKind::Call(_)),
        TestKind::Absent { .. } => true,
    }
}

/// What several terms come to, where a test holds that against its limit.
fn whole(seen: &Seen) -> Option<TermEntry> {
    let (TestKind::Compare { left, .. } | TestKind::In { value: left, .. }) = &seen.test.kind else { return None };
    if seen.terms.len() < 2 && is_plain(seen) {
        return None;
    }
    let text = left.to_string();
    let bare = if matches!(left.kind, SumKind::Binary(..)) { text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) } else { None };
    let least = seen.terms.iter().map(|term| term.basis.samples).reduce(f64::min).unwrap_or(0.0);
    let (low, high) = ends(seen);
    Some(TermEntry {
        term: bare.unwrap_or(&text).to_owned(),
        value: seen.left.as_ref().map(|left| Number(left.value)),
        unit: seen.left.as_ref().and_then(|left| left.unit.clone()),
        op: operator(seen),
        limit: seen.limit.as_ref().map(|limit| Number(limit.value)),
        low,
        high,
        holds: holds(seen),
        samples: Number(least),
        series: seen.terms.iter().map(|term| term.basis.series).sum(),
        oldest: seen.terms.iter().filter_map(|term| term.basis.oldest).min().map(|ts| ts.to_string()),
        newest: seen.terms.iter().filter_map(|term| term.basis.newest).max().map(|ts| ts.to_string()),
        no_data: seen.left.is_none().then_some(true),
        last_seen: None,
        error: None,
        of: None,
        left_out: 0,
        crosses: None,
        slope: None,
    })
}

fn holds(seen: &Seen) -> Option<bool> {
    match seen.speaks_for() {
        Truth::True => Some(true),
        Truth::False => Some(false),
        Truth::Unknown => None,
    }
}

fn operator(seen: &Seen) -> Option<&'static str> {
    match &seen.test.kind {
        TestKind::Compare { .. } => seen.limit.as_ref().and(comparison(seen)).map(Compare::sign),
        TestKind::In { not, .. } => Some(if *not == seen.negated { "in" } else { "not in" }),
        TestKind::Absent { .. } => None,
    }
}

/// The ends of a range, in the unit of the value.
fn ends(seen: &Seen) -> (Option<Number>, Option<Number>) {
    let (TestKind::In { low, high, .. }, Some(left)) = (&seen.test.kind, &seen.left) else { return (None, None) };
    let end = |literal: Literal| Quantity::typed(literal).in_unit_of(left).ok().map(Number);
    (end(*low), end(*high))
}

/// A term; the limit is told with it when the test is about it `alone`.
fn term_entry(term: &Term, seen: &Seen, alone: bool, at: Timestamp) -> TermEntry {
    let (low, high) = if alone { ends(seen) } else { (None, None) };
    let crosses = if alone { crossing(seen, term, at) } else { None };
    TermEntry {
        term: term.call.to_string(),
        value: term.quantity.as_ref().map(|quantity| Number(quantity.value)),
        unit: term.quantity.as_ref().and_then(|quantity| quantity.unit.clone()),
        op: if alone { operator(seen) } else { None },
        limit: seen.limit.as_ref().filter(|_| alone).map(|limit| Number(limit.value)),
        low,
        high,
        holds: if alone { holds(seen) } else { None },
        samples: Number(term.basis.samples),
        series: term.basis.series,
        oldest: term.basis.oldest.map(|ts| ts.to_string()),
        newest: term.basis.newest.map(|ts| ts.to_string()),
        no_data: term.quantity.is_none().then_some(true),
        last_seen: term.quantity.is_none().then(|| term.basis.last_seen.map(|ts| ts.to_string())).flatten(),
        error: term.error.map(|error| Number((error * 1e9).round() / 1e9)),
        of: term.holder.clone(),
        left_out: term.left_out,
        crosses: crosses.map(|span| at.plus(span).to_string()),
        slope: term.trend.as_ref().map(|trend| {
            let (slope_per_s, (slope_per_s_low, slope_per_s_high)) = trend.slope_per_s();
            SlopeEntry { slope_per_s, slope_per_s_low, slope_per_s_high }
        }),
    }
}

/// What would make the verdict wrong, in words.
pub(super) fn wrong_if(trace: &Trace, data: &Data) -> Vec<String> {
    let mut reasons = Vec::new();
    for seen in &trace.seen {
        if let (Some((compared, limit)), Some(term)) = (&seen.compared, seen.terms.first()) {
            reasons.extend(compared.doubts(&term.call.selector.to_string(), *limit));
        }
    }
    for term in trace.seen.iter().flat_map(|seen| &seen.terms) {
        let name = &term.call.selector;
        let counted =
            !matches!(term.call.function, Function::Age | Function::Last | Function::First | Function::Count | Function::Forecast);
        if counted && term.basis.samples > 0.0 && term.basis.samples < FEW {
            reasons.push(format!("{} of {name} rests on only {}", term.call.function.name(), samples(term.basis.samples)));
        }
        if let Some(trend) = &term.trend {
            reasons.extend(doubts(&term.call, trend, term.quantity.as_ref().and_then(|quantity| quantity.unit.as_deref())));
        }
        if term.basis.sampled {
            reasons.push(format!("{name} is a sampled stream: counts are estimates"));
        }
        if let Some(error) = term.error {
            reasons.push(format!("{} is from sketches, within {} % of the exact value", term.call, super::units::round(error * 100.0)));
        }
        if term.call.function == Function::Age && term.quantity.is_some() {
            reasons.push(format!("what sends {name} is down, or its data is late"));
        }
        if term.basis.series > 1 && matches!(term.call.function, Function::Last | Function::First) {
            reasons.push(format!(
                "{name} is {} series, of which the {} counts; keep them apart by --by",
                term.basis.series,
                if term.call.function == Function::Last { "newest" } else { "oldest" }
            ));
        }
    }
    let late: u64 = data.buffers().iter().map(|buffer| buffer.disordered).sum();
    if late > 0 {
        reasons.push(format!("more data is late: {late} of the samples came after newer ones"));
    }
    if data.future > 0 {
        reasons.push(format!("a clock is wrong: {} records are from after the instant judged", data.future));
    }
    reasons.dedup();
    reasons
}
