//! A verdict explained for a person: everything that speaks for it and against it.
//!
//! ```text
//! Engine ──explain──▶ Explanation ─┐
//!        ──outcomes─▶ Past ────────┼─▶ Story ──page──▶ text
//! records ──────────▶ Surroundings ┘
//! ```
//!
//! Always: what is told is of the instant explained or from before it.

mod moved;
mod page;
mod past;

pub use self::moved::Surroundings;
pub use self::page::{Look, Story, page};
pub use self::past::{Past, Times};

use super::check::{Check, Judgement};
use super::evidence::wrong_if;
use super::judgement::Case;
use super::reason::{aged_text, both, call_text, crossing, is_percent, missing, samples, sentence, shown, speaking, what};
use super::syntax::{Compare, Function, TestKind};
use super::trace::{Seen, Term, Trace, comparison};
use super::truth::Truth;
use super::want::each_call;
use crate::record::Status;
use crate::time::{Span, Timestamp};

/// How near to its limit a value is called near: a share of the limit.
const NEAR: f64 = 0.05;

/// How long the curve is at least.
const CURVE: Span = Span::from_secs(3600);

/// What one group of a check comes to, and why.
#[derive(Debug)]
pub struct Explanation {
    /// The verdict.
    pub judgement: Judgement,
    /// The condition that is told of, as it was written.
    condition: String,
    /// Each test that counted, and what its terms rest on.
    seen: Vec<(String, Vec<String>)>,
    /// What the curve shows, and the limit of it, in words and as a number.
    curve: Option<Curve>,
    /// What would have to change for another verdict.
    distance: Vec<String>,
    /// The other conditions of the check that are not true.
    not_so: Vec<String>,
    missing: Vec<String>,
    events: Vec<(Timestamp, String)>,
    judged: Vec<(Timestamp, bool)>,
    wrong_if: Vec<String>,
    /// The names of metrics that the check itself asks for.
    own: Vec<String>,
}

/// What the curve is of.
#[derive(Debug)]
struct Curve {
    /// Which of the comparisons of all levels.
    test: usize,
    what: String,
    now: Option<f64>,
    percent: bool,
    unit: Option<String>,
    limit: Option<(f64, String)>,
    /// Whether it fires above its limit; nothing, where neither side is the bad one.
    above: Option<bool>,
    /// Whether a line through it means something: an age is none.
    plain: bool,
}

/// How much of the past a check's curve shows: an hour, or three of its windows.
pub fn span_of(check: &Check) -> Span {
    let mut longest = CURVE;
    for level in &check.levels {
        each_call(&level.condition.logic, &mut |call| longest = longest.max(call.window.map_or(CURVE, |window| window.times(3))));
    }
    longest
}

impl Case<'_> {
    /// Everything that speaks for the verdict and against it.
    pub(super) fn explanation(&self) -> Explanation {
        let Case { check, data, at, .. } = *self;
        let mut teller = self.teller();
        let traces: Vec<Trace> = check.levels.iter().map(|level| teller.condition(&level.condition.logic)).collect();
        let told = self.told_level();
        let empty = Trace::default();
        let trace = traces.get(told).unwrap_or(&empty);
        let fires = self.firing().is_some();
        let (counted, _) = speaking(trace, fires);
        let mut own = Vec::new();
        for level in &check.levels {
            each_call(&level.condition.logic, &mut |call| own.push(call.selector.name.clone()));
        }
        let mut wrong_if = wrong_if(trace, data);
        wrong_if.extend(counted.iter().filter_map(|seen| near(seen)));
        let ok = self.finding.status == Status::Ok;
        let judgement = self.judgement();
        Explanation {
            // Of a condition over several lines, one line.
            condition: check
                .levels
                .get(told)
                .map_or(String::new(), |level| level.condition.text().split_whitespace().collect::<Vec<_>>().join(" ")),
            seen: trace.seen.iter().map(|seen| (sentence(seen, at), seen.terms.iter().map(|term| basis(term, seen)).collect())).collect(),
            curve: counted.first().map(|seen| {
                let before: usize = traces[..told.min(traces.len())].iter().map(|trace| trace.seen.len()).sum();
                let place = trace.seen.iter().position(|other| std::ptr::eq(other, *seen)).unwrap_or(0);
                curve(seen, before + place)
            }),
            distance: if ok { distances(check, &traces, at) } else { Vec::new() },
            not_so: not_so(check, &traces, told, at),
            missing: missing(trace, data, at),
            events: data.events(at).map(|event| (event.ts, told_event(event))).collect(),
            judged: data.judgements(&check.name, &self.group.tags, at).collect(),
            wrong_if,
            own,
            judgement,
        }
    }
}

fn told_event(event: &crate::record::Event) -> String {
    let text = event.text.as_deref().map_or(String::new(), |text| format!(": {text}"));
    format!("{}{}{text}", event.event, event.tags)
}

/// What a term rests on: `60 samples from 19:00:10 to 20:00:00`.
fn basis(term: &Term, seen: &Seen) -> String {
    let alone = seen.terms.len() == 1;
    let value = match (&term.quantity, alone) {
        (Some(quantity), false) => format!("{} is {}: ", call_text(&term.call), shown(quantity.value, quantity.unit.as_deref(), false)),
        (None, false) => format!("{} is not known: ", call_text(&term.call)),
        (_, true) => far(seen).map_or(String::new(), |far| format!("{far}; ")),
    };
    let series = if term.basis.series > 1 { format!(" of {} series", term.basis.series) } else { String::new() };
    let when = match (term.basis.oldest, term.basis.newest) {
        (Some(oldest), Some(newest)) if oldest == newest => format!(", of {oldest}"),
        (Some(oldest), Some(newest)) => format!(", from {oldest} to {newest}"),
        _ => String::new(),
    };
    // The last value is that of the newest sample, however many came before.
    if let (Function::Last | Function::Age, None, Some(newest)) = (term.call.function, term.call.window, term.basis.last_seen) {
        let of = if term.basis.samples > 1.0 { format!("the newest of {}", samples(term.basis.samples)) } else { samples(1.0) };
        return format!("{value}{of}{series}, of {newest}");
    }
    let rests = if term.basis.samples == 0.0 { "no sample".to_owned() } else { samples(term.basis.samples) };
    format!("{value}{rests}{series}{when}")
}

/// How far a value is from its limit: `12 over it, 2.4 %`.
fn far(seen: &Seen) -> Option<String> {
    // From 0 a value is as far as it is.
    let (gap, share) = gap(seen).filter(|(_, share)| share.is_some())?;
    let side = match seen.left.as_ref()?.value.partial_cmp(&seen.limit.as_ref()?.value)? {
        std::cmp::Ordering::Greater => "over it",
        std::cmp::Ordering::Less => "under it",
        std::cmp::Ordering::Equal => return Some("just at its limit".into()),
    };
    Some(format!("{gap} {side}{}", share.map_or(String::new(), |share| format!(", {share}"))))
}

/// The difference of a value and its limit, and its share of the limit, in words.
fn gap(seen: &Seen) -> Option<(String, Option<String>)> {
    let (left, limit) = (seen.left.as_ref()?, seen.limit.as_ref()?);
    let difference = (left.value - limit.value).abs();
    let share = (limit.value != 0.0).then(|| format!("{} %", super::units::round((difference / limit.value).abs() * 100.0)));
    let aged = seen.terms.len() == 1 && seen.terms[0].call.function == Function::Age || matches!(seen.test.kind, TestKind::Absent { .. });
    let text = if aged {
        Span::from_secs_f64(difference)?.human()
    } else {
        let mut apart = seen.clone();
        if let Some(left) = &mut apart.left {
            left.value = difference;
        }
        both(&apart)?.0
    };
    Some((text, share))
}

/// Where little would change the verdict, how little.
fn near(seen: &Seen) -> Option<String> {
    let (left, limit) = (seen.left.as_ref()?.value, seen.limit.as_ref()?.value);
    let near =
        limit != 0.0 && ((left - limit) / limit).abs() < NEAR && !matches!(comparison(seen), Some(Compare::Equal | Compare::NotEqual));
    let (gap, _) = gap(seen).filter(|_| near)?;
    Some(format!("{} is near its limit: {gap} would change it", what(seen)))
}

/// What would have to happen for a check that is ok to fire.
fn distance(seen: &Seen, at: Timestamp) -> Option<String> {
    if seen.speaks_for() != Truth::False {
        return None;
    }
    let (gap, share) = gap(seen)?;
    let share = share.map_or(String::new(), |share| format!(" ({share} of the limit)"));
    let aged =
        matches!(seen.test.kind, TestKind::Absent { .. }) || seen.terms.first().is_some_and(|term| term.call.function == Function::Age);
    let rises = match &seen.test.kind {
        TestKind::Absent { .. } => true,
        _ => matches!(comparison(seen)?, Compare::Greater | Compare::GreaterOrEqual),
    };
    if let Some(term) = seen.terms.first().filter(|_| aged && rises) {
        return Some(format!("it fires in {gap} when no {} comes until then", super::reason::short(&term.call.selector)));
    }
    if let [term] = seen.terms.as_slice()
        && let Some(span) = crossing(seen, term, at).filter(|span| !span.is_zero())
    {
        return Some(format!("the line of the forecast is at the limit in {}", span.human()));
    }
    match comparison(seen)? {
        Compare::Greater | Compare::GreaterOrEqual => Some(format!("{} would have to rise by {gap}{share}", what(seen))),
        Compare::Less | Compare::LessOrEqual => Some(format!("{} would have to fall by {gap}{share}", what(seen))),
        Compare::Equal | Compare::NotEqual => None,
    }
}

/// Of every level what would have to happen for it to be true.
fn distances(check: &Check, traces: &[Trace], at: Timestamp) -> Vec<String> {
    let mut all = Vec::new();
    for (level, trace) in check.levels.iter().zip(traces) {
        let (counted, _) = speaking(trace, false);
        let named = if check.levels.len() > 1 { format!("{}: ", level.status.name()) } else { String::new() };
        all.extend(counted.iter().filter_map(|seen| distance(seen, at)).map(|distance| format!("{named}{distance}")));
    }
    all
}

/// The other levels that are not true, and why.
fn not_so(check: &Check, traces: &[Trace], told: usize, at: Timestamp) -> Vec<String> {
    let mut all = Vec::new();
    for (_, (level, trace)) in check.levels.iter().zip(traces).enumerate().filter(|(place, _)| *place != told) {
        let against = trace.seen.iter().filter(|seen| seen.speaks_for() == Truth::False);
        all.extend(against.map(|seen| format!("{}: {}", level.status.name(), sentence(seen, at))));
    }
    all.dedup();
    all
}

fn curve(seen: &Seen, test: usize) -> Curve {
    let above = match (&seen.test.kind, comparison(seen)) {
        (TestKind::Absent { .. }, _) | (_, Some(Compare::Greater | Compare::GreaterOrEqual)) => Some(true),
        (_, Some(Compare::Less | Compare::LessOrEqual)) => Some(false),
        _ => None,
    };
    let age = seen.terms.first().filter(|term| term.call.function == Function::Age);
    let limit = match (&seen.limit, age) {
        (Some(limit), Some(_)) => Some((limit.value, aged_text(limit.value))),
        (Some(limit), None) => both(seen).map(|(_, text)| (limit.value, text)),
        (None, _) => None,
    };
    let what = age.map_or_else(|| what(seen), |term| format!("the age of {}", super::reason::short(&term.call.selector)));
    let now = seen.left.as_ref().map(|left| left.value);
    let percent = is_percent(seen);
    Curve { test, now, percent, what, unit: seen.left.as_ref().and_then(|left| left.unit.clone()), limit, above, plain: age.is_none() }
}

impl Explanation {
    /// Whether a metric is one that the check asks for itself.
    pub fn asks_for(&self, metric: &str) -> bool {
        self.own.iter().any(|own| own == metric || (own.contains('*') && glob(own, metric)))
    }
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = pattern.rsplit('*').next() else { return false };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(last)
}
