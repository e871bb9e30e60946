//! What a verdict rests on: sentences for a person, entries for a program.

use serde::Serialize;

use super::check::{Check, Level};
use super::data::Data;
use super::forecast::{Heading, doubts};
use super::hold::{Because, Episode, Finding, Hold};
use super::reference::ComparedEntry;
use super::syntax::{Compare, Function, SumKind, TestKind, Times};
use super::trace::{Pending, Seen, Term, Trace, comparison};
use super::truth::Truth;
use super::units::{Origin, Quantity, human};
use crate::record::nearest;
use crate::record::{Status, show};
use crate::time::{Span, Timestamp};

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
    Last {
        last: String,
        until: Option<String>,
        status: Status,
        times: u32,
    },
    Compared(Box<ComparedEntry>),
    WrongIf {
        wrong_if: String,
    },
}

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
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    trend: Option<TrendEntry>,
}

/// How a forecast goes on: by how much in a second, between which borders, and when it reaches the limit.
#[derive(Debug, Serialize)]
struct TrendEntry {
    slope_per_s: f64,
    slope_per_s_low: f64,
    slope_per_s_high: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reaches: Option<String>,
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
    pub(super) at: Timestamp,
}

/// All entries: every term, events of the hour before, and what would make the verdict wrong.
pub(super) fn entries(told: &Told<'_>) -> Vec<Entry> {
    let (trace, data) = (told.trace, told.data);
    let mut entries = Vec::new();
    for seen in &trace.seen {
        let compared = matches!(&seen.test.kind, TestKind::Compare { .. } | TestKind::Absent { .. });
        for (at, term) in seen.terms.iter().enumerate() {
            // The limit belongs to a comparison of one term; one of several stands in the reason.
            let limit = (compared && seen.terms.len() == 1 && at == 0).then_some(seen.limit.as_ref()).flatten();
            entries.push(Entry::Term(Box::new(term_entry(term, seen, limit, told.at))));
        }
        entries.extend(seen.compared.as_ref().map(|(compared, _)| Entry::Compared(Box::new(compared.entry(None)))));
    }
    if let Some(Episode { from, to, worst }) = told.hold.last {
        let until = to.map(|to| to.to_string());
        entries.push(Entry::Last { last: from.to_string(), until, status: worst, times: told.hold.times });
    }
    for event in data.events(told.at) {
        let text = event.text.as_deref().map(|text| text.chars().take(200).collect());
        entries.push(Entry::Event { event: event.event.clone(), ts: event.ts.to_string(), text });
    }
    entries.extend(wrong_if(trace, data).into_iter().map(|wrong_if| Entry::WrongIf { wrong_if }));
    entries
}

fn term_entry(term: &Term, seen: &Seen, limit: Option<&Quantity>, at: Timestamp) -> TermEntry {
    TermEntry {
        term: term.call.to_string(),
        value: term.quantity.as_ref().map(|quantity| Number(quantity.value)),
        unit: term.quantity.as_ref().and_then(|quantity| quantity.unit.clone()),
        op: limit.and(comparison(seen)).map(Compare::sign),
        limit: limit.map(|limit| Number(limit.value)),
        holds: match seen.speaks_for() {
            Truth::True => Some(true),
            Truth::False => Some(false),
            Truth::Unknown => None,
        },
        samples: Number(term.basis.samples),
        series: term.basis.series,
        oldest: term.basis.oldest.map(|ts| ts.to_string()),
        newest: term.basis.newest.map(|ts| ts.to_string()),
        no_data: term.quantity.is_none().then_some(true),
        last_seen: term.quantity.is_none().then(|| term.basis.last_seen.map(|ts| ts.to_string())).flatten(),
        error: term.error.map(|error| Number((error * 1e9).round() / 1e9)),
        trend: term.trend.as_ref().map(|trend| {
            let (slope_per_s, (slope_per_s_low, slope_per_s_high)) = trend.slope_per_s();
            let reaches = heading(seen, at).and_then(|heading| heading.reaches()).map(|when| when.floor_to(Span::from_secs(1)).to_string());
            TrendEntry { slope_per_s, slope_per_s_low, slope_per_s_high, reaches }
        }),
    }
}

/// Where a forecast leads, when it alone is held against a limit.
fn heading(seen: &Seen, at: Timestamp) -> Option<Heading<'_>> {
    let TestKind::Compare { left, .. } = &seen.test.kind else { return None };
    let (term, limit) = (seen.terms.first()?, seen.limit.as_ref()?);
    let (trend, quantity) = (term.trend.as_ref()?, term.quantity.as_ref()?);
    let compare = comparison(seen).filter(|_| matches!(&left.kind, SumKind::Call(_)))?;
    let unit = quantity.unit.as_deref();
    Some(Heading { call: &term.call, trend, unit, value: quantity.value, limit: limit.value, compare, at })
}

fn wrong_if(trace: &Trace, data: &Data) -> Vec<String> {
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

/// Why the verdict is what it is, in a sentence.
pub(super) fn reason(told: &Told<'_>) -> String {
    let Told { level, trace, finding, at, .. } = *told;
    let firing = level.is_some();
    let mut text = because(told).join("; ");
    if finding.status == Status::Unknown || (trace.seen.iter().any(|seen| seen.truth == Truth::Unknown) && !firing) {
        let missing = missing(trace, told.data, at);
        if !missing.is_empty() {
            join(&mut text, "; ", &missing.join("; "));
            return text;
        }
    }
    let for_it: Vec<&Seen> = trace.seen.iter().filter(|seen| seen.speaks_for() == Truth::True).collect();
    // What keeps it from firing; without one, all that was seen.
    let against: Vec<&Seen> = trace.seen.iter().filter(|seen| seen.speaks_for() == Truth::False).collect();
    let firing = firing && !for_it.is_empty();
    let speaking = match (firing, against.is_empty()) {
        (true, _) => for_it,
        (false, false) => against,
        (false, true) => trace.seen.iter().collect(),
    };
    let mut seen = String::new();
    for seen_now in speaking {
        let compared = seen_now.compared.as_ref().map_or(String::new(), |(compared, _)| format!("; {}", compared.sentence()));
        let sentence = format!("{}{compared}", sentence(seen_now, at));
        let joint = if firing && !seen.contains(", while ") { ", while " } else { " and " };
        join(&mut seen, joint, &sentence);
    }
    join(&mut text, "; ", &seen);
    match trace.pending {
        Some(Pending::Held { held, asked, short_of_data }) => {
            let why = if short_of_data { "there is no data from before" } else { "so it is pending" };
            text.push_str(&format!("; true for {} of the {} asked for, {why}", held.human(), asked.human()));
        }
        Some(Pending::Counted { hits, asked: Times { least, of } }) => {
            text.push_str(&format!("; true {hits} of the last {of} times, asked for {least}, so it is pending"));
        }
        None => {
            if let Some(since) = finding.began.filter(|since| firing && at.since(*since) > Span::ZERO) {
                text.push_str(&format!("; so for {}", at.since(since).human()));
            }
        }
    }
    text
}

fn join(text: &mut String, joint: &str, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push_str(joint);
    }
    text.push_str(more);
}

/// What makes the status another one than the conditions alone would.
fn because(told: &Told<'_>) -> Vec<String> {
    let Told { check, at, .. } = *told;
    let tell = |because: &Because| match because {
        Because::NoDataYet { since } => {
            format!("no data for {} of the {} that count", at.since(*since).human(), check.no_data_for.human())
        }
        Because::NotClear => {
            let clear = check.clear.as_ref().map_or(String::new(), |clear| clear.to_string());
            format!("not clear yet, which asks for `{clear}`")
        }
        Because::Kept { until } => format!("kept firing until {until}"),
        Because::Flapping { share } => {
            format!("flapping: of the last 21 results {:.0} % changed, so the worst of them stands", share * 100.0)
        }
        Because::New { first_seen } => {
            let seen = at.since(*first_seen).human();
            format!("new: first seen {seen} ago, judged after {}", check.grace.human())
        }
        Because::Needs { name, status } => {
            let name = show(name.as_bytes(), 80);
            match status {
                Some(status) => format!("it needs `{name}`, which is {}", status.name()),
                None => format!("it needs `{name}`, of which nothing is known"),
            }
        }
    };
    told.finding.because.iter().map(tell).collect()
}

/// So many samples, in words.
fn samples(count: f64) -> String {
    if count == 1.0 { "1 sample".into() } else { format!("{} samples", super::units::round(count)) }
}

/// Which terms had no data, and what is known of them.
fn missing(trace: &Trace, data: &Data, at: Timestamp) -> Vec<String> {
    let mut all = Vec::new();
    for term in
        trace.seen.iter().filter(|seen| seen.truth == Truth::Unknown).flat_map(|seen| &seen.terms).filter(|term| term.quantity.is_none())
    {
        let name = &term.call.selector;
        let window = term.call.window.map_or(String::new(), |window| format!(" in the last {}", window.human()));
        let text = match term.basis.last_seen {
            Some(last) if term.basis.samples > 0.0 => {
                format!(
                    "too little data for {} ({}{window}), last seen {} ago",
                    term.call,
                    samples(term.basis.samples),
                    at.since(last).human()
                )
            }
            Some(last) => format!("no data for {name}{window}, last seen {} ago, at {last}", at.since(last).human()),
            None if term.call.function == Function::Reference => format!("no data for {name} in the reference"),
            None if term.known => {
                let ago = term.call.ago.map_or(String::new(), |ago| format!(", {} ago", ago.human()));
                format!("no data for {name}{window}{ago}: it begins later")
            }
            None => match nearest(&name.name, data.names().filter(|known| *known != name.name)) {
                Some(near) => format!("no data for {name}, never seen in the input; there is `{}`", show(near.as_bytes(), 80)),
                None => format!("no data for {name}, never seen in the input"),
            },
        };
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all
}

/// One test as a part of a sentence: `p95 of x over 5 min is 104 s, over the limit of 90 s`.
fn sentence(seen: &Seen, at: Timestamp) -> String {
    let limit = seen.limit.as_ref().map(|limit| limit_text(seen, limit));
    let fires = seen.speaks_for() == Truth::True;
    match (&seen.test.kind, seen.terms.as_slice()) {
        (TestKind::Absent { selector, window }, [term]) => match (term.basis.last_seen, window) {
            (None, _) => format!("{selector} was never seen"),
            (Some(_), None) => format!("{selector} was seen {} ago", age_text(term)),
            (Some(_), Some(window)) if seen.truth == Truth::True => {
                format!("no {selector} for {} (limit {})", age_text(term), window.human())
            }
            (Some(_), Some(window)) => format!("the last {selector} was {} ago (limit {})", age_text(term), window.human()),
        },
        (TestKind::Compare { .. }, [term]) if term.call.function == Function::Age => {
            let limit = limit.unwrap_or_default();
            match comparison(seen) {
                Some(Compare::Greater | Compare::GreaterOrEqual) if fires => {
                    format!("no {} for {} (limit {limit})", term.call.selector, age_text(term))
                }
                _ => format!("the last {} was {} ago (limit {limit})", term.call.selector, age_text(term)),
            }
        }
        (TestKind::In { low, high, .. }, _) => {
            let value = seen.left.as_ref().map(Quantity::human).unwrap_or_default();
            let inside = (seen.truth == Truth::True) != matches!(&seen.test.kind, TestKind::In { not: true, .. });
            format!("{} is {value}, {} {low}..{high}", what(seen), if inside { "within" } else { "outside of" })
        }
        _ => {
            if let (Some(heading), Some(compare)) = (heading(seen, at), comparison(seen)) {
                return heading.sentence(relation(compare, fires));
            }
            let value = seen.left.as_ref().map(Quantity::human).unwrap_or_default();
            let relation = comparison(seen).map(|compare| relation(compare, fires)).unwrap_or_default();
            match limit {
                // Beside a plain nothing, its unit and the word limit say nothing.
                Some(_) if seen.limit.as_ref().is_some_and(|limit| limit.value == 0.0) => match comparison(seen) {
                    Some(Compare::Greater) if fires => format!("{} is {value}", what(seen)),
                    Some(Compare::Equal) if fires => format!("{} is 0", what(seen)),
                    Some(compare) => format!("{} is {value}, asked for {} 0", what(seen), compare.sign()),
                    None => format!("{} is {value}", what(seen)),
                },
                Some(limit) => format!("{} is {value}{relation}{limit}", what(seen)),
                None => format!("{} is {value}", what(seen)),
            }
        }
    }
}

/// How a value stands to its limit, in words.
fn relation(compare: Compare, fires: bool) -> &'static str {
    match (compare, fires) {
        (Compare::Greater, true) => ", over the limit of ",
        (Compare::GreaterOrEqual, true) => ", at or over the limit of ",
        (Compare::Less, true) => ", under the limit of ",
        (Compare::LessOrEqual, true) => ", at or under the limit of ",
        (Compare::Equal, true) => ", equal to ",
        (Compare::NotEqual, true) => ", not equal to ",
        (Compare::Greater | Compare::GreaterOrEqual, false) => ", within the limit of ",
        (Compare::Less | Compare::LessOrEqual, false) => ", not under ",
        (Compare::Equal, false) => ", not equal to ",
        (Compare::NotEqual, false) => ", equal to ",
    }
}

fn limit_text(seen: &Seen, limit: &Quantity) -> String {
    let measured = seen.left.as_ref();
    let unit = limit.unit.as_deref().or(measured.and_then(|left| left.unit.as_deref()));
    match unit {
        Some("s") if measured.is_some() && seen.terms.len() == 1 && seen.terms[0].call.function == Function::Age => {
            Span::from_secs_f64(limit.value).map_or_else(|| human(limit.value, unit, Origin::Measured), Span::human)
        }
        _ => human(limit.value, unit, Origin::Measured),
    }
}

fn age_text(term: &Term) -> String {
    let seconds = term.quantity.as_ref().map_or(0.0, |quantity| quantity.value);
    Span::from_secs_f64(seconds).unwrap_or(Span::ZERO).human()
}

/// What was measured, in words: `p95 of x over 5 min`.
fn what(seen: &Seen) -> String {
    match (&seen.test.kind, seen.terms.as_slice()) {
        (TestKind::Compare { left, .. }, [term, ..]) if matches!(&left.kind, SumKind::Call(_)) => term_text(term),
        (TestKind::In { .. }, [term]) => term_text(term),
        (TestKind::Compare { left, .. }, _) => bare(&left.to_string()),
        (TestKind::In { value, .. }, _) => bare(&value.to_string()),
        (TestKind::Absent { selector, .. }, _) => format!("{selector}"),
    }
}

/// A sum's text without the parentheses around the whole of it.
fn bare(text: &str) -> String {
    text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text).to_owned()
}

fn term_text(term: &Term) -> String {
    let call = &term.call;
    let ago = call.ago.map_or(String::new(), |ago| format!(", {} ago", ago.human()));
    let over = call.window.map_or(String::new(), |window| format!(" over {}", window.human()));
    let function = match call.function {
        Function::Last if call.window.is_none() => return format!("{}{ago}", call.selector),
        Function::Count => "the count".into(),
        Function::Forecast => "the forecast".into(),
        Function::Reference => "the reference".into(),
        Function::Rate => "the rate".into(),
        Function::Increase => "the increase".into(),
        Function::Delta => "the change".into(),
        Function::Min => "the least".into(),
        Function::Max => "the most".into(),
        Function::Mean | Function::Sum | Function::First | Function::Last | Function::Stddev => format!("the {}", call.function.name()),
        Function::Distinct => "the number of different values".into(),
        Function::Quantile(_) | Function::Age => call.function.name(),
    };
    format!("{function} of {}{over}{ago}", call.selector)
}
