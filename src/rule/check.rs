//! A check: conditions with a status each, groups, and what no data means.

use super::range::Range;
use super::summary::Summary;
use super::syntax::Condition;
use crate::record::{Status, Synthetic, Tags, Verdict};
use crate::time::Span;

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
    /// What becomes of made activity.
    pub synthetic: Synthetic,
}

impl Check {
    /// How far apart evaluations are, when nothing else is said.
    pub const EVERY: Span = Span::from_secs(1);

    /// All that what it remembers depends on, as text: the same for rules that mean the same.
    pub fn meaning(&self) -> String {
        let levels = self.levels.iter().map(|level| format!("{}: {}", level.status.name(), level.condition));
        let clear = self.clear.iter().map(|clear| format!("clear: {clear}"));
        let mut parts: Vec<String> = levels.chain(clear).collect();
        parts.push(format!("every {} by {}", self.every, self.by.join(",")));
        if self.synthetic != Synthetic::Apart {
            parts.push(format!("synthetic {}", self.synthetic.name()));
        }
        parts.join("; ")
    }

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
            synthetic: Synthetic::Apart,
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
