//! Why a verdict is what it is, in a sentence that a phone can show.
//!
//! ```text
//! what holds it there; what was measured against which limit, and what else was so; for how long
//! not clear until queue.depth is 400 or less; queue.depth is 450, within the limit of 500; so for 12 min
//! ```
//!
//! Always: a warning or critical reason tells what was measured and what it was held against, and is
//! not longer than [`LONGEST`] characters. Names stand as they are in the rules, cut in their middle where
//! they are long; whoever shows the sentence on a terminal makes it safe.

mod sentence;
mod until;

pub(super) use self::sentence::{aged_text, both, call_text, crossing, is_percent, samples, sentence, short, shown, what};

use super::data::Data;
use super::evidence::Told;
use super::hold::Because;
use super::syntax::{Function, Times};
use super::trace::{Pending, Seen, Trace};
use super::truth::Truth;
use super::want::Counted;
use crate::record::{Status, nearest, show};
use crate::time::{Span, Timestamp};

/// How many characters a reason has at most.
pub(super) const LONGEST: usize = 300;

/// How many characters of it the tests may take, so that there is room for what is told beside them.
const ROOM: usize = 200;

/// Why the verdict is what it is.
pub(super) fn reason(told: &Told<'_>) -> String {
    let Told { level, trace, finding, at, .. } = *told;
    let mut text = because(told).join("; ");
    if finding.status == Status::Unknown || (trace.seen.iter().any(|seen| seen.truth == Truth::Unknown) && level.is_none()) {
        let missing = missing(trace, told.data, at);
        if !missing.is_empty() {
            join(&mut text, "; ", &several(&missing, " and ", "terms"));
            return clip(text);
        }
    }
    let (speaking, firing) = speaking(trace, level.is_some());
    let sentences: Vec<String> = speaking.iter().map(|seen| told_of(seen, at)).collect();
    let first = if firing && !trace.either { ", while " } else { ", and " };
    join(&mut text, "; ", &several(&sentences, first, "tests"));
    match trace.pending {
        // What is not over for long enough yet, under a `not`.
        Some(Pending::Held { held, asked, .. }) if level.is_some() => {
            text.push_str(&format!(", for {} of {} so far", held.human(), asked.human()));
        }
        Some(Pending::Held { held, asked, short_of_data }) => {
            let why = if short_of_data { "there is no data from before" } else { "so it is pending" };
            text.push_str(&format!("; true for {} of the {} asked for, {why}", held.human(), asked.human()));
        }
        Some(Pending::Counted { hits, asked: Times { least, of } }) if hits < least => {
            text.push_str(&format!("; true {hits} of the last {of} times, asked for {least}, so it is pending"));
        }
        Some(Pending::Counted { hits, asked }) if level.is_some() => {
            text.push_str(&format!("; true {hits} of the last {} times", asked.of))
        }
        _ => {}
    }
    if let (Some(since), true) = (finding.began.filter(|since| at.since(*since) > Span::ZERO), level.is_some() && firing)
        && !matches!(trace.pending, Some(Pending::Held { .. }))
    {
        text.push_str(&format!("; so for {}", at.since(since).human()));
    }
    clip(text)
}

/// A test in words, and where it holds a run against a reference, how far apart the two are.
fn told_of(seen: &Seen, at: Timestamp) -> String {
    let compared = seen.compared.as_ref().map_or(String::new(), |(compared, _)| format!("; {}", compared.sentence()));
    format!("{}{compared}", sentence(seen, at))
}

/// The tests that made the truth what it is, and whether they speak for it.
pub(super) fn speaking(trace: &Trace, fires: bool) -> (Vec<&Seen>, bool) {
    let of = |truth: Truth| trace.seen.iter().filter(move |seen| seen.bears && seen.speaks_for() == truth).collect::<Vec<_>>();
    let (for_it, against) = (of(Truth::True), of(Truth::False));
    if fires && !for_it.is_empty() {
        return (for_it, true);
    }
    // What keeps it from firing; without one, all that was seen.
    let all = || trace.seen.iter().collect();
    (if against.is_empty() { all() } else { against }, false)
}

fn join(text: &mut String, joint: &str, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push_str(joint);
    }
    text.push_str(more);
}

/// Several parts as one, as many as there is room for: `a, while b and c, and 2 more tests`.
fn several(parts: &[String], first: &str, called: &str) -> String {
    let mut text = String::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 && text.chars().count() + part.chars().count() > ROOM {
            let more = parts.len() - at;
            let called = if more == 1 { called.trim_end_matches('s') } else { called };
            text.push_str(&format!(", and {more} more {called}"));
            break;
        }
        join(&mut text, if at == 1 { first } else { ", and " }, part);
    }
    text
}

/// A reason that is too long all the same, cut.
fn clip(text: String) -> String {
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// What makes the status another one than the conditions alone would.
pub(super) fn because(told: &Told<'_>) -> Vec<String> {
    let Told { check, at, .. } = *told;
    let tell = |because: &Because| match because {
        Because::NoDataYet { since } => {
            format!("no data for {} of the {} that count", at.since(*since).human(), check.no_data_for.human())
        }
        Because::NotClear => match &check.clear {
            Some(clear) => format!("not clear until {}", until::until(&clear.logic)),
            None => "not clear yet".into(),
        },
        Because::Kept { until } => format!("kept firing for another {}", until.since(at).human()),
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

/// Which terms had no data, and what is known of them.
pub(super) fn missing(trace: &Trace, data: &Data, at: Timestamp) -> Vec<String> {
    let unknown = trace.seen.iter().filter(|seen| seen.truth == Truth::Unknown);
    let mut all = Vec::new();
    for term in unknown.flat_map(|seen| &seen.terms).filter(|term| term.quantity.is_none()) {
        let name = short(&term.call.selector);
        let window = term.call.window.map_or(String::new(), |window| format!(" in the last {}", window.human()));
        let text = match term.basis.last_seen {
            Some(last) if term.basis.samples > 0.0 => {
                let (samples, ago) = (samples(term.basis.samples), at.since(last).human());
                format!("too little data for {} ({samples}{window}), last seen {ago} ago", term.call)
            }
            Some(last) => format!("no data for {name}{window}, last seen {} ago, at {last}", at.since(last).human()),
            None if term.call.function == Function::Reference => format!("no data for {name} in the reference"),
            None if term.left_out > 0 => {
                let (count, not) = (term.left_out, if term.counted == Counted::Made { "not " } else { "" });
                let records = if count == 1 { "record" } else { "records" };
                format!("no data for {name} but {count} {records} left out as {not}made activity")
            }
            None if term.known => {
                let ago = term.call.ago.map_or(String::new(), |ago| format!(", {} ago", ago.human()));
                format!("no data for {name}{window}{ago}: it begins later")
            }
            None => {
                let known = data.names().filter(|known| *known != term.call.selector.name);
                match nearest(&term.call.selector.name, known) {
                    Some(near) => format!("no data for {name}, never seen in the input; there is `{}`", show(near.as_bytes(), 80)),
                    None => format!("no data for {name}, never seen in the input"),
                }
            }
        };
        if !all.contains(&text) {
            all.push(text);
        }
    }
    if all.is_empty() && trace.seen.iter().any(|seen| seen.truth == Truth::Unknown && seen.terms.iter().all(|term| term.quantity.is_some()))
    {
        let of = trace.seen.iter().find(|seen| seen.truth == Truth::Unknown);
        all.extend(of.map(|seen| format!("{} is no number: it divides by 0", what(seen))));
    }
    all
}
