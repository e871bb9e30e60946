//! From the truths of a check's levels to its status: what is remembered between evaluations.
//!
//! ```text
//! truths ─▶ raw: level, ok or unknown ─▶ no data long enough? ─▶ firing until clear, and as long
//!           as it is to be kept ─▶ flapping? ─▶ new? ─▶ a need not met? ─▶ status
//! ```
//!
//! Always: the status at an instant follows from the truths at that instant and at the evaluations
//! before it, never from a clock or from how the evaluations were cut into runs.

use serde::{Deserialize, Serialize};

use super::check::Check;
use super::truth::{Memory, Truth};
use crate::record::Status;
use crate::time::Timestamp;

/// How many results flapping is seen in.
const RESULTS: u32 = 21;

/// The share of changes at which flapping starts, and that below which it stops.
const FLAPPING: (f64, f64) = (0.50, 0.25);

/// What one group of a check remembers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Hold {
    /// Those of `for` and `M of N times`, level by level, then those of `clear`.
    pub(super) memories: Vec<Memory>,
    /// Since when each level has been true.
    levels: Vec<Option<Timestamp>>,
    /// The level that fires, and when it was last true.
    firing: Option<(usize, Timestamp)>,
    /// Since when what fires has been true.
    began: Option<Timestamp>,
    /// Since when there has been no data.
    unknown: Option<Timestamp>,
    /// The newest results, two bits each, the newest lowest.
    results: u64,
    count: u32,
    flapping: bool,
    /// The first sample of the group.
    pub(super) first_seen: Option<Timestamp>,
    /// The status at the last evaluation.
    pub(super) status: Option<Status>,
    /// Since when it is so.
    pub(super) since: Timestamp,
    /// What is not over yet.
    episode: Option<Episode>,
    /// When it last fired.
    pub(super) last: Option<Episode>,
    /// How often it has fired and ended.
    pub(super) times: u32,
}

/// One time that a check fired.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Episode {
    pub(super) from: Timestamp,
    pub(super) to: Option<Timestamp>,
    pub(super) worst: Status,
}

/// What an evaluation came to, before anything was remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Raw {
    /// This level is true, and none that is worse.
    Level(usize),
    /// No level is true, and this one is unknown; or it could be worse than what is true.
    Unknown(usize),
    Calm,
}

/// What makes the status another one than the conditions alone would.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Because {
    /// No data yet for as long as `no_data` asks.
    NoDataYet { since: Timestamp },
    /// The condition is false, and `clear` is not true.
    NotClear,
    /// The condition is false, and it is kept firing until then.
    Kept { until: Timestamp },
    /// It changed so often, by weight.
    Flapping { share: f64 },
    /// Its first sample came then.
    New { first_seen: Timestamp },
    /// This check or heartbeat is not ok, or is not known.
    Needs { name: String, status: Option<Status> },
}

/// What an evaluation came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub(super) raw: Raw,
    pub(super) status: Status,
    /// The level that fires.
    pub(super) level: Option<usize>,
    /// Since when what fires has been true.
    pub(super) began: Option<Timestamp>,
    pub(super) because: Vec<Because>,
}

/// The truths of an evaluation.
pub(super) struct Truths<'a> {
    /// Of each level, the worst first; and since when its condition has been true, where it is one
    /// that holds.
    pub(super) levels: &'a [(Truth, Option<Timestamp>)],
    pub(super) clear: Option<Truth>,
    /// A need that is not met.
    pub(super) unmet: Option<Because>,
}

impl Hold {
    pub(super) fn new(check: &Check) -> Hold {
        let mut memories = Vec::new();
        for condition in check.levels.iter().map(|level| &level.condition).chain(check.clear.as_ref()) {
            Memory::all_of(&condition.logic, &mut memories);
        }
        Hold { memories, levels: vec![None; check.levels.len()], ..Hold::default() }
    }

    /// Whether it can be that of a check.
    pub(super) fn fits(&self, check: &Check) -> bool {
        let fresh = Hold::new(check);
        let kind = std::mem::discriminant::<Memory>;
        self.levels.len() == fresh.levels.len() && self.memories.iter().map(kind).eq(fresh.memories.iter().map(kind))
    }

    /// Goes on by one evaluation.
    pub(super) fn step(&mut self, check: &Check, truths: &Truths<'_>, at: Timestamp) -> Finding {
        for (since, (truth, _)) in self.levels.iter_mut().zip(truths.levels) {
            *since = if *truth == Truth::True { since.or(Some(at)) } else { None };
        }
        let raw = raw(check, truths.levels);
        self.unknown = if matches!(raw, Raw::Unknown(_)) { self.unknown.or(Some(at)) } else { None };
        let mut because = Vec::new();
        let level = self.fire(check, truths, raw, at, &mut because);
        if let Raw::Level(level) = raw {
            self.began = truths.levels[level].1.or(self.levels[level]);
        } else if level.is_none() {
            self.began = None;
        }
        let mut status = match (raw, level) {
            (Raw::Unknown(_), _) if self.no_data(check, at, &mut because) => check.no_data,
            (_, Some(level)) => check.levels[level].status,
            (_, None) => Status::Ok,
        };
        status = self.flap(status, &mut because);
        if let Some(first_seen) = self.first_seen.filter(|first| at.since(*first) < check.grace)
            && status != Status::Ok
        {
            because.push(Because::New { first_seen });
            status = Status::Ok;
        }
        if let Some(unmet) = &truths.unmet {
            because.push(unmet.clone());
            status = Status::Unknown;
        }
        self.remember(status, at);
        Finding { raw, status, level, began: self.began, because }
    }

    /// Notes the status, and what began or ended with it.
    fn remember(&mut self, status: Status, at: Timestamp) {
        if self.status == Some(status) {
            return;
        }
        let fires = matches!(status, Status::Warning | Status::Critical);
        match &mut self.episode {
            Some(episode) if fires => episode.worst = if status.rank() > episode.worst.rank() { status } else { episode.worst },
            None if fires => self.episode = Some(Episode { from: at, to: None, worst: status }),
            // What is not known has not ended.
            Some(_) if status == Status::Ok => {
                self.last = self.episode.take().map(|episode| Episode { to: Some(at), ..episode });
                self.times += 1;
            }
            _ => {}
        }
        (self.status, self.since) = (Some(status), at);
    }

    /// Which level fires now: the one that is true, or the one that is not over yet.
    fn fire(&mut self, check: &Check, truths: &Truths<'_>, raw: Raw, at: Timestamp, because: &mut Vec<Because>) -> Option<usize> {
        let kept = |last_true: Timestamp| last_true.plus(check.keep_firing_for);
        match (raw, self.firing) {
            // What is worse goes on firing as long as it is to be kept.
            (Raw::Level(now), Some((firing, last_true))) if firing < now && at < kept(last_true) => {
                because.push(Because::Kept { until: kept(last_true) });
            }
            (Raw::Level(now), _) => self.firing = Some((now, at)),
            (Raw::Calm, Some((_, last_true))) if at < kept(last_true) => because.push(Because::Kept { until: kept(last_true) }),
            (Raw::Calm, Some(_)) if truths.clear.is_some_and(|clear| clear != Truth::True) => because.push(Because::NotClear),
            (Raw::Calm, _) => self.firing = None,
            (Raw::Unknown(_), _) => {}
        }
        self.firing.map(|(level, _)| level)
    }

    /// Whether there has been no data for as long as that must be.
    fn no_data(&mut self, check: &Check, at: Timestamp, because: &mut Vec<Because>) -> bool {
        let since = self.unknown.unwrap_or(at);
        let enough = at.since(since) >= check.no_data_for;
        if !enough {
            because.push(Because::NoDataYet { since });
        }
        enough
    }

    /// Notes a result; while they flap, the status is the worst of them.
    ///
    /// The share of changes among the last 21 results counts each change by its age, from 0.8 for the
    /// oldest to 1.2 for the newest. Source: Nagios Core documentation, Detection and Handling of
    /// State Flapping.
    fn flap(&mut self, status: Status, because: &mut Vec<Because>) -> Status {
        let mask = (1 << (2 * RESULTS)) - 1;
        self.results = (self.results << 2 | u64::from(status.code())) & mask;
        self.count = (self.count + 1).min(RESULTS);
        // Mostly nothing changes, and then there is nothing to add up.
        let steady = u64::from(status.code()) * (mask / 3);
        if !self.flapping && (self.results == steady || self.count < RESULTS) {
            return status;
        }
        let result = |age: u32| self.results >> (2 * age) & 3;
        let changes = RESULTS - 1;
        let weight = |age: u32| 1.2 - 0.4 * f64::from(age) / f64::from(changes - 1);
        let share = (0..changes).filter(|age| result(*age) != result(age + 1)).map(weight).sum::<f64>() / f64::from(changes);
        self.flapping = share >= if self.flapping { FLAPPING.1 } else { FLAPPING.0 };
        if !self.flapping {
            return status;
        }
        because.push(Because::Flapping { share });
        let all = [Status::Ok, Status::Warning, Status::Critical, Status::Unknown];
        let worst = (0..RESULTS).filter_map(|age| all.get(result(age) as usize)).max_by_key(|status| status.rank());
        worst.copied().unwrap_or(status)
    }
}

/// What the truths of the levels come to.
fn raw(check: &Check, levels: &[(Truth, Option<Timestamp>)]) -> Raw {
    let first = |truth: Truth| levels.iter().position(|(of, _)| *of == truth);
    match (first(Truth::True), first(Truth::Unknown)) {
        // A warning must not hide missing data that was said to be critical.
        (Some(level), Some(unknown)) if check.no_data == Status::Critical && check.levels[level].status == Status::Warning => {
            Raw::Unknown(unknown)
        }
        (Some(level), _) => Raw::Level(level),
        (None, Some(unknown)) => Raw::Unknown(unknown),
        (None, None) => Raw::Calm,
    }
}
