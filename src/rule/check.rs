//! A check: conditions with a status each, groups, and what no data means; judged at an instant.

use super::data::{Data, LOOK_BACK};
use super::error::RuleError;
use super::eval::{Evaluator, Group, Seen, Trace, Truth, each_selector};
use super::evidence::{entries, reason};
use super::instants::instants;
use super::range::Range;
use super::summary::Summary;
use super::syntax::{Compare, Condition, Logic, TestKind};
use crate::record::{Json, Status, Tags, Verdict};
use crate::time::{Span, Timestamp};

/// A condition, and what it means when it is true.
#[derive(Debug, Clone)]
pub struct Level {
    /// The status that a true condition gives.
    pub status: Status,
    /// The condition.
    pub condition: Condition,
}

/// What is to be judged.
#[derive(Debug, Clone)]
pub struct Check {
    /// The name of its verdicts.
    pub name: String,
    /// The conditions, the worst status first.
    pub levels: Vec<Level>,
    /// The tags of which every value has a verdict of its own.
    pub by: Vec<String>,
    /// What it means when a term has no data.
    pub no_data: Status,
    /// For how long there must be no data before that counts.
    pub no_data_for: Span,
    /// What must be true before a check that fires is ok again; without one, that no level is true.
    pub clear: Option<Condition>,
    /// How long it goes on firing after its condition was last true.
    pub keep_firing_for: Span,
    /// How long after its first sample a group is not judged yet.
    pub grace: Span,
    /// The checks and heartbeats that must be ok for this one to mean anything.
    pub needs: Vec<String>,
    /// What the verdict says first, with the values of sums in braces.
    pub summary: Option<Summary>,
    /// Where to read what to do.
    pub playbook: Option<String>,
    /// Tags that its verdicts carry beside those of their group.
    pub tags: Tags,
    /// How far apart the evaluations are; they stand at the multiples of it since 1970.
    pub every: Span,
    /// Whether increases are extended to a window's borders.
    pub extrapolate: bool,
}

impl Check {
    /// How far apart evaluations are, when nothing else is said.
    pub const EVERY: Span = Span::from_secs(1);

    /// A check without any of the keys that may be left out.
    pub fn new(name: impl Into<String>, levels: Vec<Level>) -> Check {
        Check {
            name: name.into(),
            levels,
            by: Vec::new(),
            no_data: Status::Unknown,
            no_data_for: Span::ZERO,
            clear: None,
            keep_firing_for: Span::ZERO,
            grace: Span::ZERO,
            needs: Vec::new(),
            summary: None,
            playbook: None,
            tags: Tags::new(),
            every: Check::EVERY,
            extrapolate: true,
        }
    }
}

/// A verdict, and what a person or a plugin is told beside it.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The record.
    pub verdict: Verdict,
    /// What the verdict's value was held against, in its unit, for performance data.
    pub limits: Vec<(Status, Range)>,
}

/// Judges every group of a check at the instant of the data.
///
/// # Errors
/// [`RuleError`] when a condition makes no sense for the data, and which level it is in.
pub fn judge(check: &Check, data: &Data) -> Result<Vec<Judgement>, (usize, RuleError)> {
    groups(check, data).iter().map(|group| judge_group(check, data, group)).collect()
}

/// The groups there are: every combination of the chosen tags' values; one, where there are none.
fn groups(check: &Check, data: &Data) -> Vec<Group> {
    if check.by.is_empty() {
        return vec![Group::default()];
    }
    let mut all: Vec<Tags> =
        data.all().iter().map(|kept| kept.series.tags.only(&check.by)).filter(|tags| tags.len() == check.by.len()).collect();
    all.sort();
    all.dedup();
    if all.is_empty() {
        return vec![Group::default()];
    }
    all.into_iter().map(|tags| Group { tags }).collect()
}

fn judge_group(check: &Check, data: &Data, group: &Group) -> Result<Judgement, (usize, RuleError)> {
    let evaluator = Evaluator { data, group, extrapolate: check.extrapolate };
    let at = data.at();
    let mut found: Option<(usize, Trace)> = None;
    let mut unknown: Option<(usize, Trace)> = None;
    let mut calm: Option<Trace> = None;
    let mut limits = Vec::new();
    for (place, level) in check.levels.iter().enumerate() {
        let mut trace = Trace::default();
        let truth = evaluator.truth(&level.condition.logic, at, &mut trace).map_err(|error| (place, error))?;
        limits.extend(trace.seen.first().and_then(range_of).map(|range| (level.status, range)));
        match truth {
            Truth::True if found.is_none() => found = Some((place, trace)),
            Truth::Unknown if unknown.is_none() => unknown = Some((place, trace)),
            Truth::False if calm.is_none() => calm = Some(trace),
            _ => {}
        }
    }
    let (status, level, trace) = match (found, unknown) {
        // A warning must not hide missing data that was said to be critical.
        (Some((place, _)), Some((_, trace))) if check.no_data == Status::Critical && check.levels[place].status == Status::Warning => {
            (check.no_data, None, trace)
        }
        (Some((place, trace)), _) => (check.levels[place].status, Some(&check.levels[place]), trace),
        (None, Some((_, trace))) => (check.no_data, None, trace),
        (None, None) => (Status::Ok, None, calm.unwrap_or_default()),
    };
    let since = level.map(|level| since(&evaluator, &level.condition.logic, at));
    let lead = trace.seen.iter().find(|seen| level.is_none() || seen.speaks_for() == Truth::True).and_then(|seen| seen.left.clone());
    let evidence = Json::of(&entries(&trace, data)).ok();
    let verdict = Verdict {
        ts: at,
        check: check.name.clone(),
        status,
        since,
        value: lead.as_ref().map(|quantity| quantity.value),
        unit: lead.and_then(|quantity| quantity.unit),
        reason: Some(reason(status, level, &trace, data, at, since)),
        evidence,
        playbook: check.playbook.clone(),
        tags: if check.by.is_empty() { joint_tags(check, data) } else { group.tags.clone() },
    };
    Ok(Judgement { verdict, limits })
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

/// The tags that all series asked for have alike.
fn joint_tags(check: &Check, data: &Data) -> Tags {
    let mut joint: Option<Tags> = None;
    for level in &check.levels {
        each_selector(&level.condition.logic, &mut |selector| {
            for kept in data.select(selector) {
                let tags = &kept.series.tags;
                joint = Some(match &joint {
                    None => tags.clone(),
                    Some(known) => known.iter().filter(|(key, value)| tags.get(key) == Some(*value)).collect(),
                });
            }
        });
    }
    joint.unwrap_or_default()
}

/// Since when a condition has been true without a break, looking back as far as data is kept; of
/// `c for 10m`, since when `c` was.
fn since(evaluator: &Evaluator<'_>, logic: &Logic, at: Timestamp) -> Timestamp {
    let (inner, held) = match logic {
        Logic::For(inner, span) => (&**inner, *span),
        other => (other, Span::ZERO),
    };
    let begin = evaluator.begin(inner).unwrap_or(at);
    let is_true = |then: Timestamp| matches!(evaluator.truth(inner, then, &mut Trace::default()), Ok(Truth::True));
    let back = at.minus(LOOK_BACK.plus(held)).max(begin.minus(Span::from_nanos(1)));
    // Whether it is true is known; since when is worth less work.
    let instants = instants(evaluator, inner, (back, at), (evaluator.most_instants() / 4).max(16));
    let mut since = at;
    for then in instants.into_iter().rev().skip(1) {
        if !is_true(then) {
            return border(then, since, &is_true);
        }
        since = then;
    }
    since
}

/// Where, to the millisecond, something became true between an instant when it was not and one when it was.
fn border(mut not: Timestamp, mut is: Timestamp, is_true: &dyn Fn(Timestamp) -> bool) -> Timestamp {
    let step = Span::from_millis(1);
    if is.since(not) <= Span::from_nanos(1) {
        // An age passes its limit a nanosecond after it has reached it: told as one instant.
        return not;
    }
    not = not.floor_to(step);
    while is.since(not) > step {
        let middle = not.plus(Span::from_nanos(is.since(not).nanos() / 2)).floor_to(step);
        if middle <= not {
            break;
        }
        if is_true(middle) { is = middle } else { not = middle }
    }
    is
}
