//! What is to be said of a silence at an instant: the answer, when it becomes surprising, and what could be found.

use super::past::Gap;
use super::week::{WEEK, Week, instant, second};
use super::{PATIENCE, Silence, seconds};
use crate::time::{Span, Timestamp};

/// In a silence in which no more arrivals than this were expected nothing is out of the ordinary.
const ORDINARY: f64 = 1.0;
/// Silence takes long at an hour when it takes so many times as long as at the best hour of the week.
const SLOW: f64 = 2.0;
/// So many of the longest silences are told.
const TOLD: usize = 3;
/// How finely the power of an hour, and the best hour of the week, are looked for: in parts of an hour, in hours.
const PARTS: i64 = 6;
const HOURS: i64 = 168;

/// The answer to whether a silence is unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Too little was seen of this hour of the week, or at all.
    Learning,
    /// A silence of this length is ordinary here.
    Expected,
    /// It is longer than ordinary, but at this hour that tells nothing yet.
    CannotTell,
    /// It is longer than the budget of false alarms leaves to chance.
    Surprising,
}

/// A silence of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastSilence {
    /// The arrival before.
    pub from: Timestamp,
    /// How long it lasted.
    pub lasted: Span,
}

/// All that is to be said of the silence at an instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// The answer.
    pub answer: Answer,
    /// How many arrivals were expected since the newest.
    pub missed: f64,
    /// Beyond how many silence is surprising.
    pub limit: Option<f64>,
    /// Arrivals (bursts count once) that are expected in an hour, now.
    pub hourly: f64,
    /// When the silence becomes surprising, or became so.
    pub becomes: Option<Timestamp>,
    /// Which share of outages of [`Silence::meant`] that begin around now would be found before they end.
    pub power: Option<f64>,
    /// How long the outages are that the power is of.
    pub meant: Span,
    /// The longest silences at this time of day, the longest first.
    pub longest: Vec<PastSilence>,
    /// How long the stream has been watched.
    pub learned: Span,
    /// Of which days of the week nothing is known yet, from Monday (0) on.
    pub unknown: Vec<usize>,
}

/// The shortest silence that is surprising at any hour of the week, in seconds.
pub(super) fn quickest(week: &Week, limit: f64) -> Option<f64> {
    (0..HOURS).map(|hour| (hour * 3600) as f64).filter_map(|from| Some(week.when(from, limit)? - from)).reduce(f64::min)
}

impl Silence {
    /// What is to be said at an instant; leaves no trace.
    pub fn look(&self, now: Timestamp) -> Option<Outlook> {
        let newest = self.newest?;
        Some(self.outlook(newest, now))
    }

    fn outlook(&self, newest: Timestamp, now: Timestamp) -> Outlook {
        let missed = self.missed(newest, now);
        let becomes = self.becomes(newest);
        let known = self.week.as_ref().is_some_and(|week| week.knows(second(now)));
        let slow = becomes.is_none_or(|then| then.since(newest) > self.meant());
        let answer = match self.limit() {
            None => Answer::Learning,
            Some(limit) if missed > limit => Answer::Surprising,
            Some(_) if !known => Answer::Learning,
            Some(_) if missed > ORDINARY && slow => Answer::CannotTell,
            Some(_) => Answer::Expected,
        };
        let longest = self.past.longest_near(second(now), TOLD).into_iter().map(PastSilence::from).collect();
        Outlook {
            answer,
            missed,
            limit: self.limit(),
            hourly: self.week.as_ref().map_or(0.0, |week| week.hourly(second(now)) * self.factor()),
            becomes,
            power: self.power(now),
            meant: self.meant(),
            longest,
            learned: self.first.map_or(Span::ZERO, |first| now.since(first)),
            unknown: self.week.as_ref().map_or_else(Vec::new, |week| week.unknown().collect()),
        }
    }

    /// The outages that are meant to be found: of four hours; or, of a stream that is slower, of twice the silence
    /// that is surprising at its best hour.
    pub fn meant(&self) -> Span {
        let slow = self.quickest.and_then(|seconds| Span::from_secs_f64(SLOW * f64::from(seconds)));
        slow.unwrap_or(Span::ZERO).max(PATIENCE)
    }

    /// When a silence since an instant becomes surprising; `None` when it takes more than four weeks.
    fn becomes(&self, newest: Timestamp) -> Option<Timestamp> {
        let then = self.week.as_ref()?.when(seconds(newest), self.limit()? / self.factor())?;
        Some(Timestamp::from_nanos((then * 1e9).ceil() as i64))
    }

    /// Which share of outages that begin within half an hour of an instant are found before they end.
    ///
    /// An outage that begins at s and lasts D is found when the silence at its end is beyond the limit. Of that, the
    /// arrivals expected from s to s + D come by themselves; what is lacking must have been missed before s already.
    /// Before a time that has nothing to do with the stream, x arrivals or more are missed with probability e^-x.
    fn power(&self, now: Timestamp) -> Option<f64> {
        let (limit, week) = (self.limit()?, self.week.as_ref()?);
        let found = |part: i64| {
            let from = seconds(now) + (part as f64 / PARTS as f64 - 0.5) * 3600.0;
            let lacking = limit - week.between(from, from + self.meant().secs_f64()) * self.factor();
            (-lacking.max(0.0)).exp()
        };
        Some((0..=PARTS).map(found).sum::<f64>() / (PARTS + 1) as f64)
    }
}

impl From<Gap> for PastSilence {
    fn from(gap: Gap) -> PastSilence {
        let from = instant(gap.from);
        PastSilence { from, lasted: instant(gap.to).since(from) }
    }
}

/// A week is of so many hours.
const _: () = assert!(HOURS * 3600 == WEEK);
