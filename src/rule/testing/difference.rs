//! How a test that failed is told: what was expected, what was found, and what led there.

use super::{Case, Line};
use crate::record::{Status, Tags, show};
use crate::rule::syntax::Logic;
use crate::rule::want::{Counted, Wants, each_call};
use crate::rule::{Check, Judgement};
use crate::time::Timestamp;

/// How many values of a series are shown.
const VALUES: usize = 5;

/// How many series are shown.
const SERIES: usize = 6;

/// What was found where something else was expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The place of the expectation in the test's own list; `None` when no check could be judged.
    pub expectation: Option<usize>,
    /// When.
    pub at: Timestamp,
    /// Of which check and group, when, what was expected, and what was found: one line.
    pub message: String,
    /// The reason of the verdict, and the values that led there: whole lines.
    pub details: Vec<String>,
}

/// An instant as a person reads it: so long after the test's start, and the time.
pub(super) fn told(case: &Case, at: Timestamp) -> String {
    if at < case.start { format!("{at}") } else { format!("{} ({at})", at.since(case.start)) }
}

/// The status and the reason of a verdict, and the values it rests on.
pub(super) fn details(check: &Check, case: &Case, judgement: &Judgement) -> Vec<String> {
    let verdict = &judgement.verdict;
    let reason = show(verdict.reason.as_deref().unwrap_or_default().as_bytes(), 1000);
    let value = verdict.value.map_or(String::new(), |value| {
        let unit = verdict.unit.as_ref().map_or(String::new(), |unit| format!(" {}", show(unit.as_bytes(), 40)));
        format!(", value {value}{unit}")
    });
    let mut lines = vec![format!("{}{value}: {reason}", verdict.status.name())];
    lines.extend(values(check, case, &verdict.tags, verdict.ts));
    lines
}

/// The newest values of the series that a check asks for, one series a line.
fn values(check: &Check, case: &Case, tags: &Tags, at: Timestamp) -> Vec<String> {
    let mut wants = Wants::default();
    let conditions = check.levels.iter().map(|level| &level.condition).chain(check.clear.as_ref());
    conditions.for_each(|condition| note(check, &condition.logic, &mut wants));
    let of_group = |series: &Tags| check.by.iter().all(|key| series.get(key).is_none_or(|value| tags.get(key) == Some(value)));
    let asked: Vec<&Line> =
        case.lines.iter().filter(|line| of_group(&line.series.tags) && wants.0.iter().any(|want| want.takes(&line.series))).collect();
    let mut lines: Vec<String> = asked.iter().take(SERIES).map(|line| newest(line, case, at)).collect();
    if asked.len() > SERIES {
        lines.push(format!("and {} more series", asked.len() - SERIES));
    }
    lines
}

fn note(check: &Check, logic: &Logic, wants: &mut Wants) {
    each_call(logic, &mut |call| {
        wants.add(call, Counted::of(&call.selector, check));
    });
}

/// `queue.depth{queue=linux}: … 400 at 3m, 500 at 4m`.
fn newest(line: &Line, case: &Case, at: Timestamp) -> String {
    let mut newest: Vec<(Timestamp, f64)> = line.samples().rev().skip_while(|(ts, _)| *ts > at).take(VALUES + 1).collect();
    let more = if newest.len() > VALUES { "… " } else { "" };
    newest.truncate(VALUES);
    if newest.is_empty() {
        return format!("{}: nothing yet", line.series);
    }
    let said: Vec<String> = newest.iter().rev().map(|(ts, value)| format!("{value} at {}", ts.since(case.start))).collect();
    format!("{}: {more}{}", line.series, said.join(", "))
}

/// Groups in words: their tags, or that there is none.
pub(super) fn groups<'a>(groups: impl Iterator<Item = &'a Tags>) -> String {
    let said: Vec<String> = groups.map(|tags| if tags.is_empty() { "one without tags".into() } else { tags.to_string() }).collect();
    if said.is_empty() { "none".into() } else { said.join(", ") }
}

/// Whether a status is one that someone is told of.
pub(super) fn fires(status: Status) -> bool {
    matches!(status, Status::Warning | Status::Critical)
}
