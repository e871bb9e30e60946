//! The long silences that there were, and the limit beyond which one is surprising.
//!
//! Holds the longest of the last half year, in a table that never grows beyond [`MOST`]: each with its begin, its
//! end, and its length in arrivals that were expected meanwhile. Those make the tail ([`GapTail`]) from which the
//! limit for a budget of false alarms follows, and they are what a verdict shows as "the longest at this hour".

use serde::{Deserialize, Serialize};

use super::week::{DAY, WEEK};
use crate::math::GapTail;

/// So many silences are kept.
const MOST: usize = 320;
/// After half a year a silence is forgotten.
const OLDEST: i64 = 26 * WEEK;
/// The weight of a silence that is so many weeks old is a half.
const HALF: f64 = 8.0;
/// One outage is not to make the tail longer by more than this: so many times the limit of its day.
const WILDEST: f64 = 1.5;
/// A silence is of an hour when it lasted some time within an hour of it, on any day.
const NEAR: i64 = 3600;

/// A silence that ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Gap {
    /// The second of the arrival before, and of the one that ended it.
    pub(super) from: i64,
    pub(super) to: i64,
    /// How many arrivals were expected meanwhile.
    pub(super) missed: f32,
}

impl Gap {
    pub(super) const fn seconds(self) -> i64 {
        self.to - self.from
    }

    /// Whether it lasted some time within an hour of a time of day.
    fn is_near(self, second: i64) -> bool {
        let day = (second - self.from + NEAR).rem_euclid(DAY);
        day <= self.seconds() + 2 * NEAR
    }
}

/// The longest silences of late.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Past {
    gaps: Vec<Gap>,
}

impl Past {
    /// Remembers a silence, if it is one of the longest; of an outage only so much as tells that it was one.
    pub(super) fn add(&mut self, mut gap: Gap, limit: Option<f64>) {
        if let Some(limit) = limit {
            gap.missed = gap.missed.min((WILDEST * limit) as f32);
        }
        if self.gaps.len() >= MOST {
            let shortest = self.gaps.iter().enumerate().min_by(|(_, a), (_, b)| a.missed.total_cmp(&b.missed));
            match shortest.filter(|(_, shortest)| shortest.missed < gap.missed).map(|(at, _)| at) {
                Some(at) => self.gaps.remove(at),
                None => return,
            };
        }
        self.gaps.push(gap);
    }

    /// Forgets what is older than half a year.
    pub(super) fn forget(&mut self, now: i64) {
        self.gaps.retain(|gap| now - gap.to < OLDEST);
    }

    /// The limit for a budget of false alarms a week, from the silences since the first arrival.
    pub(super) fn limit(&self, first: i64, now: i64, alarms_per_week: f64) -> Option<f64> {
        let age = |second: i64| (now - second).max(0) as f64 / WEEK as f64;
        let mut gaps: Vec<(f64, f64)> = self.gaps.iter().map(|gap| (f64::from(gap.missed), (-age(gap.to) / HALF).exp2())).collect();
        // The weeks there were, weighted as the silences in them are.
        let weeks = HALF / std::f64::consts::LN_2 * (1.0 - (-age(first).min(age(now - OLDEST)) / HALF).exp2());
        Some(GapTail::fit(&mut gaps, weeks, alarms_per_week)?.level(alarms_per_week))
    }

    /// The longest silences around a time of day, the longest first.
    pub(super) fn longest_near(&self, second: i64, most: usize) -> Vec<Gap> {
        let mut near: Vec<Gap> = self.gaps.iter().copied().filter(|gap| gap.is_near(second)).collect();
        near.sort_by_key(|gap| (std::cmp::Reverse(gap.seconds()), gap.from));
        near.truncate(most);
        near
    }
}
