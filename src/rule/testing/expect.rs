//! What a test expects: of which check and group, when, and what.

use regex::{Regex, RegexBuilder};

use crate::record::{Status, Tags};
use crate::rule::Judgement;
use crate::time::Timestamp;

/// What is expected of one check.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The check's name.
    pub check: String,
    /// Which of its groups: those whose tags, or whose check's own, include these.
    pub tags: Tags,
    /// When.
    pub when: When,
    /// What.
    pub what: What,
    /// Where it stands in its file; `(0, 0)` when it has none.
    pub place: (usize, usize),
}

impl Expectation {
    /// Expects something at one instant.
    pub fn at(check: impl Into<String>, tags: Tags, at: Timestamp, what: What) -> Expectation {
        Expectation { check: check.into(), tags, when: When::At(at), what, place: (0, 0) }
    }

    /// Whether a group is meant, by the tags that its verdicts carry.
    pub(super) fn means(&self, tags: &Tags) -> bool {
        includes(tags, &self.tags)
    }
}

/// Whether tags include all those of a group that is named.
pub(super) fn includes(tags: &Tags, named: &Tags) -> bool {
    named.iter().all(|(key, value)| tags.get(key) == Some(value))
}

/// When something is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At one instant.
    At(Timestamp),
    /// At every evaluation from one instant to another, both included; without an end, to that of the test.
    Within(Timestamp, Option<Timestamp>),
}

impl When {
    /// The last instant it speaks of, where it names one.
    pub(super) fn end(self) -> Option<Timestamp> {
        match self {
            When::At(at) => Some(at),
            When::Within(from, to) => Some(to.unwrap_or(from)),
        }
    }

    /// Whether it speaks of every evaluation in a stretch of time that holds this one.
    pub(super) fn holds(self, at: Timestamp) -> bool {
        matches!(self, When::Within(from, to) if from <= at && to.is_none_or(|to| at <= to))
    }
}

/// What is expected of every group that is meant; that there is one is expected, too.
#[derive(Debug, Clone)]
pub enum What {
    /// That its status is this one, and what the verdict says beside it; within a stretch of time
    /// only the status is looked at.
    Is {
        /// The status.
        status: Status,
        /// What the reason says.
        reason: Option<Wording>,
        /// Since when it is so.
        since: Option<Timestamp>,
        /// What the value is.
        value: Option<Bounds>,
    },
    /// That its status is another one.
    Never(Status),
    /// That at an instant just the groups whose tags include one of these are warning or critical,
    /// each of these there, and none else; an empty list expects no group at all.
    Firing(Vec<Tags>),
}

impl What {
    /// Expects a status, whatever the verdict says beside it.
    pub fn is(status: Status) -> What {
        What::Is { status, reason: None, since: None, value: None }
    }

    /// What it asks of a status alone, in words; `None` when that is as it should be.
    pub(super) fn miss(&self, found: Status) -> Option<String> {
        match self {
            What::Is { status, .. } if *status != found => Some(format!("expected {}, found {}", status.name(), found.name())),
            What::Never(status) if *status == found => Some(format!("expected never {}, found it", status.name())),
            _ => None,
        }
    }

    /// What is otherwise in a verdict than expected, in words.
    pub(super) fn misses(&self, judgement: &Judgement, told: impl Fn(Timestamp) -> String) -> Vec<String> {
        let verdict = &judgement.verdict;
        let mut misses: Vec<String> = self.miss(verdict.status).into_iter().collect();
        let What::Is { reason, since, value, .. } = self else { return misses };
        if let Some(wording) = reason
            && !wording.fits(verdict.reason.as_deref().unwrap_or_default())
        {
            misses.push(format!("expected a reason {wording}, found another one"));
        }
        if let Some(since) = since
            && verdict.since != Some(*since)
        {
            let found = verdict.since.map_or("no such instant".into(), &told);
            misses.push(format!("expected since {}, found {found}", told(*since)));
        }
        if let Some(bounds) = value
            && !verdict.value.is_some_and(|value| bounds.hold(value))
        {
            let found = verdict.value.map_or("none".into(), |value| value.to_string());
            misses.push(format!("expected the value {bounds}, found {found}"));
        }
        misses
    }
}

/// What a reason must say.
#[derive(Debug, Clone)]
pub enum Wording {
    /// These words, anywhere in it.
    Part(String),
    /// Something that a regular expression finds anywhere in it.
    Pattern(Regex),
}

impl Wording {
    /// Words, or a regular expression between two slashes.
    ///
    /// # Errors
    /// Why it is no regular expression.
    pub fn new(text: &str) -> Result<Wording, String> {
        let Some(pattern) = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) else {
            return Ok(Wording::Part(text.to_owned()));
        };
        let built = RegexBuilder::new(pattern).size_limit(1 << 20).build();
        built.map(Wording::Pattern).map_err(|error| {
            let why = error.to_string();
            why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        })
    }

    fn fits(&self, reason: &str) -> bool {
        match self {
            Wording::Part(part) => reason.contains(part),
            Wording::Pattern(pattern) => pattern.is_match(reason),
        }
    }
}

impl std::fmt::Display for Wording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Wording::Part(part) => write!(f, "with \"{}\"", crate::record::show(part.as_bytes(), 200)),
            Wording::Pattern(pattern) => write!(f, "like /{}/", crate::record::show(pattern.as_str().as_bytes(), 200)),
        }
    }
}

/// Between which numbers a value must be, both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The least.
    pub low: f64,
    /// The most.
    pub high: f64,
}

impl Bounds {
    /// Just this number.
    pub const fn exactly(value: f64) -> Bounds {
        Bounds { low: value, high: value }
    }

    /// A thousand millionth either way is allowed for, as sums of doubles differ so.
    fn hold(self, value: f64) -> bool {
        let slack = 1e-9 * self.low.abs().max(self.high.abs());
        self.low - slack <= value && value <= self.high + slack
    }
}

impl std::fmt::Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.low == self.high { write!(f, "{}", self.low) } else { write!(f, "{}..{}", self.low, self.high) }
    }
}
