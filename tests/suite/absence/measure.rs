//! How good a judge of silence is on a real stream: false alarms, outages found, and how late.
//!
//! The judge follows the stream from its begin. In the last sixteen weeks it is asked at every arrival whether the
//! silence that just ended was surprising (a false alarm), and outages of four hours are put in at random times:
//! arrivals within one are left out, and the judge, as it was at its begin, is asked every minute.

use pipewatch::rule::absence::{Answer, Silence};
use pipewatch::time::{Span, Timestamp};

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;
/// How many weeks are evaluated, and how many outages of how many minutes are put in.
const WEEKS: i64 = 16;
const OUTAGES: u64 = 240;
const MINUTES: u32 = 240;

/// What can judge a silence.
pub(super) enum Judge {
    /// The learned one, with its budget of false alarms a week.
    Learned(Box<Silence>),
    /// A fixed number of minutes.
    Fixed(u32),
}

impl Judge {
    pub(super) fn learned(alarms_per_week: f64) -> Judge {
        Judge::Learned(Box::new(Silence::new(alarms_per_week)))
    }

    fn arrive(&mut self, ts: Timestamp) {
        if let Judge::Learned(silence) = self {
            silence.arrive(ts);
        }
    }

    fn answer(&self, newest: Timestamp, now: Timestamp) -> Answer {
        match self {
            Judge::Learned(silence) => silence.look(now).map_or(Answer::Learning, |look| look.answer),
            Judge::Fixed(minutes) if now.since(newest) > Span::from_secs(60 * minutes) => Answer::Surprising,
            Judge::Fixed(_) => Answer::Expected,
        }
    }

    /// The share of outages around an instant that the judge says it would find.
    fn power(&self, now: Timestamp) -> Option<f64> {
        match self {
            Judge::Learned(silence) => silence.look(now)?.power,
            Judge::Fixed(_) => None,
        }
    }
}

/// What became of the outages of working days, or of weekends.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) outages: usize,
    /// The minutes after which each was found, ascending.
    pub(super) delays: Vec<u32>,
    /// In how many of those that were not found the judge said that it cannot tell.
    pub(super) told: usize,
    /// The sum of the shares that it said it would find.
    power: Option<f64>,
}

impl Found {
    /// Per cent of the outages that were found.
    pub(super) fn percent(&self) -> f64 {
        100.0 * self.delays.len() as f64 / self.outages as f64
    }

    /// Per cent of the outages that the judge said it would find.
    pub(super) fn power(&self) -> Option<f64> {
        Some(100.0 * self.power? / self.outages as f64)
    }

    /// Minutes after which half of those found were.
    pub(super) fn median(&self) -> Option<u32> {
        self.delays.get(self.delays.len() / 2).copied()
    }

    /// Per cent of those not found of which it was told that they cannot be.
    pub(super) fn told(&self) -> f64 {
        100.0 * self.told as f64 / (self.outages - self.delays.len()).max(1) as f64
    }
}

#[derive(Debug, Default)]
pub(super) struct Score {
    pub(super) alarms_per_week: f64,
    pub(super) weekday: Found,
    pub(super) weekend: Found,
}

fn second(ts: Timestamp) -> i64 {
    ts.nanos().div_euclid(1_000_000_000)
}

fn instant(second: i64) -> Timestamp {
    Timestamp::from_nanos(second * 1_000_000_000)
}

/// The instants of a file: seconds since 1970, one a line.
pub(super) fn instants(text: &str) -> Vec<Timestamp> {
    text.lines().filter_map(|line| line.trim().parse().ok()).map(instant).collect()
}

/// The begins of the outages, ascending; the same in every run (SplitMix64).
pub(super) fn outages(seed: u64, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let span = (second(to) - second(from) - i64::from(MINUTES) * 60) as u64;
    let begin = |count: u64| {
        let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15u64.wrapping_mul(count + 1));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        instant(second(from) + ((z ^ (z >> 31)) % span) as i64)
    };
    let mut all: Vec<Timestamp> = (0..OUTAGES).map(begin).collect();
    all.sort();
    all
}

/// Follows a stream with a judge.
pub(super) fn score(mut judge: Judge, stream: &[Timestamp], seed: u64) -> Score {
    let (Some(last), mut score) = (stream.last().copied(), Score::default()) else { return Score::default() };
    let from = instant(second(last) - WEEKS * WEEK);
    let mut outages = outages(seed, from, last).into_iter().peekable();
    let mut newest = None;
    for ts in stream {
        while let (Some(begin), Some(newest)) = (outages.next_if(|begin| begin < ts), newest) {
            let weekend = (second(begin) - 4 * DAY).rem_euclid(WEEK) >= 5 * DAY;
            let found = if weekend { &mut score.weekend } else { &mut score.weekday };
            outage(&judge, newest, begin, found);
        }
        if let Some(newest) = newest.filter(|_| *ts > from) {
            let alarm = judge.answer(newest, *ts) == Answer::Surprising;
            score.alarms_per_week += if alarm { 1.0 / WEEKS as f64 } else { 0.0 };
        }
        judge.arrive(*ts);
        newest = Some(*ts);
    }
    score.weekday.delays.sort_unstable();
    score.weekend.delays.sort_unstable();
    score
}

/// Lets one outage pass.
fn outage(judge: &Judge, newest: Timestamp, begin: Timestamp, found: &mut Found) {
    found.outages += 1;
    if let Some(power) = judge.power(begin) {
        found.power = Some(found.power.unwrap_or(0.0) + power);
    }
    let mut told = false;
    for minute in 0..MINUTES {
        match judge.answer(newest, begin.plus(Span::from_secs(60 * minute))) {
            Answer::Surprising => return found.delays.push(minute),
            answer => told |= answer == Answer::CannotTell,
        }
    }
    found.told += usize::from(told);
}
