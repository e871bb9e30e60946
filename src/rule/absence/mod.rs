//! How surprising it is that nothing came: the judge of `age(x) is unusual`.
//!
//! ```text
//! arrivals ─▶ Week: what is expected at this hour of the week ─▶ arrivals missed since the newest
//!                                                                     │ beyond the limit: surprising
//! silences ─▶ Past: the longest there were ─▶ tail ─▶ limit ──────────┘
//! ```
//!
//! Silence is measured in the arrivals that were expected meanwhile: by the hour of the week ([`week`]), and by
//! how the last days went ([`Pace`]). How many of those are too many is not taken from a textbook but from the
//! stream's own silences ([`past`]): the limit is what longer silences exceed no more often than the budget of
//! false alarms allows.
//!
//! There are three answers, and a fourth while it learns. *Expected*: a silence of this length is ordinary.
//! *Surprising*: it is beyond the limit. *Cannot tell*: it is no ordinary one any more, but at this hour so little
//! comes that an outage would not be found within [`PATIENCE`] either; the verdict says when it will be surprising,
//! and until then only made activity can tell.
//!
//! What is expected, and the limit, are worked out anew when something comes for the first time on a day. So nothing
//! changes while a silence lasts, and it is surprising just when it was said that it would be; what is learned of a
//! day that was never seen before has no part in the silence in which it was seen.
//!
//! Always: causal (what comes after the instant has no part in it), in bounded memory (less than 32 KiB a
//! stream), with one set of constants for all streams; arrivals are to be told in the order of time, and those that
//! are older than the newest are left out. What is saved and restored goes on as if nothing had been.

mod outlook;
mod past;
mod week;

use serde::{Deserialize, Serialize};

pub use self::outlook::{Answer, Outlook, PastSilence};
use self::past::{Gap, Past};
use self::week::{DAY, WEEK, Week, second};
use crate::time::{Span, Timestamp};

/// An outage that takes longer than this to be found is as good as not found: the longest of the outages meant.
pub const PATIENCE: Span = Span::from_secs(4 * 3600);

/// So many arrivals are seen before the grain of the week is chosen.
const OPENING: usize = 32;
/// How long a mean gap is remembered, in days.
const GAP_DAYS: f64 = 14.0;
/// After how many seconds the pace of a stream is half forgotten, and against how many expected arrivals it is weighed.
const PACE_HALF: f64 = 3.0 * DAY as f64;
const PACE_WEIGHT: f64 = 30.0;
/// How many expected arrivals stand against a stream that was surprisingly silent and came back.
const RETURN_WEIGHT: f64 = 10.0;
/// A stream is back at its pace when it is up to this share of it, or after a day.
const RETURNED: f64 = 0.9;
/// A silence in which fewer arrivals were expected is not worth remembering.
const SHORTEST: f64 = 0.5;
/// Silences are judged after so many days.
const LEAST: i64 = 3 * DAY;
/// Time in which nothing came is learned from no further back than this.
const LONGEST: i64 = 53 * WEEK;

/// What was learned of when something comes, and of the silences between.
///
/// All numbers that are saved are of single precision: read back from text, a double may be off by its last digit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// The budget: false alarms a week.
    budget: f32,
    first: Option<Timestamp>,
    newest: Option<Timestamp>,
    /// The first arrivals, until there are enough to choose a grain.
    opening: Vec<Timestamp>,
    week: Option<Week>,
    /// The begin, in seconds, of the slot that is passing; how many of its grains something came in, and the last.
    slot: i64,
    busy: u32,
    grain: i64,
    /// Arrivals a day, of late.
    daily: f32,
    today: u32,
    /// Whether a day has ended since it was last worked out what is expected.
    stale: bool,
    pace: Pace,
    /// The pace when the newest arrival came: a silence is no reason to expect less.
    factor: f32,
    returning: Option<Returning>,
    past: Past,
    /// Beyond how many missed arrivals silence is surprising; as of the first arrival of the day.
    limit: Option<f32>,
    /// The shortest silence, in seconds, that is surprising at any time of the week.
    quickest: Option<f32>,
}

/// Arrivals that came against those that were expected, of late.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Pace {
    came: f32,
    expected: f32,
}

impl Pace {
    /// Takes in a stretch of time.
    fn pass(&mut self, came: f64, expected: f64, seconds: f64) {
        let fade = (-seconds / PACE_HALF).exp2();
        self.came = (f64::from(self.came) * fade + came) as f32;
        self.expected = (f64::from(self.expected) * fade + expected) as f32;
    }

    /// How many times as much comes as is expected.
    fn factor(self) -> f64 {
        (PACE_WEIGHT + f64::from(self.came)) / (PACE_WEIGHT + f64::from(self.expected))
    }
}

/// A stream that came back from a surprising silence: for a while less is expected of it, so that a holiday makes
/// one alarm and not ten.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Returning {
    until: i64,
    came: f32,
    expected: f32,
}

impl Returning {
    /// The mean of what is to be expected, after a gamma prior of mean 1.
    fn factor(self) -> f64 {
        ((RETURN_WEIGHT + f64::from(self.came)) / (RETURN_WEIGHT + f64::from(self.expected))).min(1.0)
    }
}

impl Silence {
    /// A stream of which nothing is known, with a budget of false alarms a week.
    pub fn new(alarms_per_week: f64) -> Silence {
        Silence {
            budget: alarms_per_week as f32,
            first: None,
            newest: None,
            opening: Vec::new(),
            week: None,
            slot: i64::MIN,
            busy: 0,
            grain: i64::MIN,
            daily: 0.0,
            today: 0,
            stale: false,
            pace: Pace::default(),
            factor: 1.0,
            returning: None,
            past: Past::default(),
            limit: None,
            quickest: None,
        }
    }

    /// Makes ready what was restored from a saved state.
    pub fn restored(mut self) -> Silence {
        if let Some(week) = &mut self.week {
            week.restore();
        }
        self
    }

    /// Learns that something came.
    pub fn arrive(&mut self, ts: Timestamp) {
        if self.newest.is_some_and(|newest| ts <= newest) {
            return;
        }
        self.first.get_or_insert(ts);
        if self.week.is_none() {
            self.newest = Some(ts);
            self.opening.push(ts);
            self.open(ts);
            return;
        }
        self.pass(ts);
        self.take(ts);
    }

    /// Chooses the grain, once enough is known for it, and goes through the first arrivals again.
    fn open(&mut self, now: Timestamp) {
        let (Some(first), Some(newest)) = (self.first, self.newest) else { return };
        let elapsed = now.since(first).secs_f64();
        if self.opening.len() < OPENING || elapsed <= 0.0 {
            return;
        }
        let week = Week::new(newest.since(first).secs_f64() / (self.opening.len() - 1) as f64);
        self.slot = second(first).div_euclid(week.slot_s()) * week.slot_s();
        self.week = Some(week);
        self.newest = None;
        for ts in std::mem::take(&mut self.opening) {
            self.pass(ts);
            self.take(ts);
        }
    }

    /// Takes in an arrival, all time before having passed.
    fn take(&mut self, ts: Timestamp) {
        if self.week.is_none() {
            return;
        }
        let now = second(ts);
        if let Some(newest) = self.newest {
            let missed = self.missed(newest, ts);
            let surprising = self.limit().is_some_and(|limit| missed > limit);
            if missed > SHORTEST {
                self.past.add(Gap { from: second(newest), to: now, missed: missed as f32 }, self.limit());
            }
            if surprising {
                let before = self.returning.map_or((0.0, 0.0), |back| (back.came, back.expected));
                let (came, expected) = (before.0 + 1.0, before.1 + missed as f32 / self.factor);
                self.returning = Some(Returning { until: now + DAY, came, expected });
            }
        }
        if self.stale {
            self.refresh();
        }
        let grain = now.div_euclid(self.week.as_ref().map_or(1, Week::grain_s));
        if grain != self.grain {
            (self.busy, self.grain) = (self.busy + 1, grain);
        }
        self.today += 1;
        self.newest = Some(ts);
        self.returning = self.returning.filter(|back| now < back.until && back.factor() < RETURNED);
        self.factor = (self.pace.factor() * self.returning.map_or(1.0, Returning::factor)) as f32;
    }

    /// Learns that time has passed up to an instant, and all that came by then was told.
    pub fn pass(&mut self, now: Timestamp) {
        let now = second(now);
        let Some(week) = &self.week else { return };
        let slot = week.slot_s();
        if now - self.slot > LONGEST {
            (self.slot, self.busy) = ((now - LONGEST).div_euclid(slot) * slot, 0);
        }
        while self.slot + self.week.as_ref().map_or(slot, Week::slot_s) <= now {
            self.pass_slot();
        }
    }

    /// Learns of one slot that is over.
    fn pass_slot(&mut self) {
        let Some(week) = &mut self.week else { return };
        let (slot, length) = (self.slot, week.slot_s());
        let expected = week.between(slot as f64, (slot + length) as f64);
        let came = week.arrivals(slot, self.busy);
        if week.knows(slot) {
            self.pace.pass(came, expected, length as f64);
        }
        if let Some(back) = &mut self.returning {
            (back.came, back.expected) = (back.came + came as f32, back.expected + expected as f32);
        }
        week.learn(slot, self.busy);
        (self.busy, self.slot) = (0, slot + length);
        if self.slot.rem_euclid(DAY) == 0 {
            self.midnight();
        }
    }

    /// Counts a day that is over.
    fn midnight(&mut self) {
        let Some(first) = self.first else { return };
        let days = (self.slot - second(first)) as f64 / DAY as f64;
        self.daily += (self.today as f32 - self.daily) / days.clamp(1.0, GAP_DAYS) as f32;
        (self.today, self.stale) = (0, true);
    }

    /// Works out anew what is expected, and the limit.
    fn refresh(&mut self) {
        let (Some(week), Some(first)) = (&mut self.week, self.first) else { return };
        let (now, learned) = (self.slot, self.slot - second(first));
        week.refresh();
        let gap = DAY as f64 / f64::from(self.daily.max(1e-3));
        if learned as f64 > GAP_DAYS * DAY as f64
            && let Some(adapted) = week.adapted(gap)
        {
            self.slot = now.div_euclid(adapted.slot_s()) * adapted.slot_s();
            self.grain = i64::MIN;
            *week = adapted;
        }
        self.past.forget(now);
        let limit = self.past.limit(second(first), now, f64::from(self.budget)).filter(|_| learned >= LEAST);
        self.quickest = limit.and_then(|limit| outlook::quickest(week, limit)).map(|seconds| seconds as f32);
        self.limit = limit.map(|limit| limit as f32);
        self.stale = false;
    }

    fn limit(&self) -> Option<f64> {
        self.limit.map(f64::from)
    }

    fn factor(&self) -> f64 {
        f64::from(self.factor)
    }

    /// How many arrivals were expected since the newest.
    fn missed(&self, newest: Timestamp, now: Timestamp) -> f64 {
        self.week.as_ref().map_or(0.0, |week| week.between(seconds(newest), seconds(now)) * self.factor())
    }
}

/// Seconds since 1970, with what is less than one.
fn seconds(ts: Timestamp) -> f64 {
    ts.nanos() as f64 / 1e9
}

#[cfg(test)]
mod tests;
