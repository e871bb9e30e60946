//! What is kept of a series between two flushes. Each is emptied, not dropped, so that its memory serves again.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashSet};

use super::distribution::Distribution;
use crate::wire::statsd::{Kind, Reading};

/// What is kept of a series.
pub(super) struct Slot {
    /// What came since the last flush.
    pub(super) data: Data,
    /// Whether anything came since the last flush.
    pub(super) touched: bool,
    /// How many flushes in a row nothing came.
    pub(super) idle: u8,
}

/// The sum of what came, by type.
pub(super) enum Data {
    Counter(Counter),
    Distribution(Distribution),
    Gauge(Gauge),
    Members(Members),
}

impl Slot {
    pub(super) fn new(kind: Kind) -> Slot {
        let data = match kind {
            Kind::Counter => Data::Counter(Counter::default()),
            Kind::Timer | Kind::Histogram => Data::Distribution(Distribution::default()),
            Kind::Gauge => Data::Gauge(Gauge::default()),
            Kind::Set => Data::Members(Members::default()),
        };
        Slot { data, touched: false, idle: 0 }
    }

    /// Takes in one value of a metric; `room` is that of [`Distribution::add`].
    #[inline]
    pub(super) fn add(&mut self, reading: Reading<'_>, weight: f64, room: &mut usize) {
        self.touched = true;
        match (&mut self.data, reading) {
            (Data::Counter(counter), Reading::Number(value)) => counter.add(value, weight),
            (Data::Distribution(values), Reading::Number(value)) => values.add(value, weight, room),
            (Data::Gauge(gauge), Reading::Number(value)) => *gauge = Gauge { set: Some(value), change: 0.0 },
            (Data::Gauge(gauge), Reading::Change(change)) => gauge.change += change,
            (Data::Members(members), Reading::Member(member)) => members.add(member),
            // A place is found by its type too, so that no reading comes to another type's.
            _ => {}
        }
    }

    /// Empties what was written, and says whether the series is still alive.
    pub(super) fn begin_again(&mut self) -> bool {
        /// A series is forgotten when so many flushes of its table brought nothing; there are two tables in turn.
        const IDLE: u8 = 3;
        self.idle = if self.touched { 0 } else { self.idle.saturating_add(1) };
        self.touched = false;
        match &mut self.data {
            Data::Counter(counter) => *counter = Counter::default(),
            Data::Distribution(values) => values.clear(),
            Data::Gauge(gauge) => *gauge = Gauge::default(),
            Data::Members(members) => members.clear(),
        }
        self.idle < IDLE
    }
}

/// Increments, added up.
#[derive(Default)]
pub(super) struct Counter {
    /// How many there were, by weight.
    pub(super) count: f64,
    /// Their sum, by weight.
    pub(super) sum: f64,
}

impl Counter {
    #[inline]
    fn add(&mut self, value: f64, weight: f64) {
        self.count += weight;
        self.sum += value * weight;
    }
}

/// What became of a gauge: its last value, if one was set, and the changes since.
///
/// That is enough to know its value from the value before, without knowing that one here.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Gauge {
    set: Option<f64>,
    change: f64,
}

impl Gauge {
    /// The value now, from the one at the flush before; a gauge that was never set begins at 0.
    pub(super) fn after(&self, before: Option<f64>) -> f64 {
        self.set.or(before).unwrap_or(0.0) + self.change
    }
}

/// Distinct members, counted: exactly up to [`Members::EXACT`], then by a sample of them.
///
/// Kept are hashes. When there are too many, only those whose last bit is zero stay, and so on for a
/// further bit each time; each that stays then stands for twice as many. The error is about
/// 1.2 / sqrt(EXACT), 1 %. Source: Flajolet (1990), On adaptive sampling, Computing 43, 391-400.
#[derive(Default)]
pub(super) struct Members {
    hasher: DefaultHashBuilder,
    kept: HashSet<u64, DefaultHashBuilder>,
    /// How many of the last bits of each kept hash are zero.
    depth: u32,
}

impl Members {
    const EXACT: usize = 16_384;

    fn add(&mut self, member: &[u8]) {
        let hash = self.hasher.hash_one(member);
        if hash.trailing_zeros() >= self.depth {
            self.kept.insert(hash);
            while self.kept.len() > Members::EXACT {
                self.depth += 1;
                let depth = self.depth;
                self.kept.retain(|hash| hash.trailing_zeros() >= depth);
            }
        }
    }

    /// How many distinct members there were.
    pub(super) fn distinct(&self) -> f64 {
        self.kept.len() as f64 * 2f64.powi(self.depth as i32)
    }

    fn clear(&mut self) {
        self.kept.clear();
        self.depth = 0;
        self.kept.shrink_to(Members::EXACT / 16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_keeps_the_last_value_and_the_changes_since() {
        let after = |readings: &[Reading<'_>], before| {
            let mut slot = Slot::new(Kind::Gauge);
            readings.iter().for_each(|reading| slot.add(*reading, 1.0, &mut 0));
            let Data::Gauge(gauge) = slot.data else { panic!() };
            gauge.after(before)
        };
        use Reading::{Change, Number};
        assert_eq!(after(&[Number(5.0), Change(-2.0)], Some(100.0)), 3.0);
        assert_eq!(after(&[Change(3.0), Change(-1.0)], Some(100.0)), 102.0);
        assert_eq!(after(&[Change(3.0), Number(7.0)], Some(100.0)), 7.0);
        assert_eq!(after(&[Change(-3.0)], None), -3.0);
    }

    #[test]
    fn distinct_members_are_counted_exactly_and_then_within_three_percent() {
        let mut members = Members::default();
        for i in 0..10_000u32 {
            members.add(format!("user{}", i % 5_000).as_bytes());
        }
        assert_eq!(members.distinct(), 5_000.0);
        for i in 0..500_000u32 {
            members.add(format!("user{i}").as_bytes());
        }
        assert!((members.distinct() / 500_000.0 - 1.0).abs() < 0.03, "{}", members.distinct());
        assert!(members.kept.len() <= Members::EXACT);
        members.clear();
        assert_eq!(members.distinct(), 0.0);
    }

    #[test]
    fn a_series_is_forgotten_after_idle_flushes_only() {
        let mut slot = Slot::new(Kind::Counter);
        slot.add(Reading::Number(1.0), 10.0, &mut 0);
        assert!(slot.begin_again() && slot.begin_again() && slot.begin_again());
        slot.add(Reading::Number(1.0), 10.0, &mut 0);
        assert!(slot.begin_again() && slot.begin_again() && slot.begin_again() && !slot.begin_again());
    }
}
