//! The week of a stream: how likely each part of it is to pass without an arrival, learned as it passes.
//!
//! The week is cut into slots of ten minutes (or longer ones, for slow streams), and each slot into grains,
//! which last about as long as the stream's mean gap. What is counted is the share of grains that stayed quiet,
//! not how many arrivals came: ten arrivals in one burst say no more about silence than one. From that share q
//! come the arrivals to be expected in a grain, `-ln q`: what a Poisson stream with as many quiet grains has.
//!
//! A slot's share is its own, joined by its neighbours (Gaussian weights, half an hour wide) and, while its own
//! weeks are few, by the same slot of other working days, or of the other day of the weekend. Older weeks fade.
//!
//! Always: what is expected changes only when it is worked out anew ([`Week::refresh`]), so that it can be told. A slot that was never seen expects nothing, and silence in it surprises nobody.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

const SECOND: i64 = 1_000_000_000;
/// Seconds of a day, and of a week.
pub(super) const DAY: i64 = 86_400;
pub(super) const WEEK: i64 = 7 * DAY;
/// Seconds from 1970-01-01, a Thursday, to the Monday after it.
const MONDAY: i64 = 4 * DAY;

/// How long a grain may be, in seconds: all divide the slots, and these the day.
const GRAINS: [i64; 18] = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];
/// The shortest slot: what happens at a time of day happens within ten minutes of it.
const SHORTEST_SLOT: i64 = 600;
/// The weight of a week that is sixteen weeks old is a half: a quarter of a year counts, the year before does not.
const FADING: f64 = 0.957_603_280_698_573_6;
/// The width of the weights of neighbours, in seconds.
const WIDTH: f64 = 1800.0;
/// How many slots of other days count as much as the slot's own: of the class, and for the class of the whole week.
const OF_CLASS: f64 = 30.0;
const OF_WEEK: f64 = 1.0;
/// So much of one quiet slot is always added, as nothing is certain.
const DOUBT: f64 = 0.5;
/// A grain is never expected to be quiet more seldom than one time in two hundred.
const SUREST: f64 = 0.005;
/// A grain that is off by more than this factor is chosen anew.
const REGRAIN: f64 = 3.0;
/// How often a slot counts as seen at most, once the grain is another.
const CARRIED: f64 = 4.0;
/// Working days of which so many were seen tell of those that were not.
const DAYS_SEEN: f64 = 1.5;

/// What was learned of a week, and what is expected of the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Week {
    /// Seconds of a grain, and of a slot.
    grain: i64,
    slot: i64,
    /// Of each slot from Monday on, the quiet share of its grains, and how often it was seen; both fading.
    quiet: Vec<f32>,
    seen: Vec<f32>,
    /// Of each slot, the arrivals that are expected in it.
    expected: Vec<f32>,
    /// The same, summed up from Monday on; made of `expected`.
    #[serde(skip)]
    sums: Vec<f64>,
}

/// The second since 1970 of an instant, rounded down.
pub(super) fn second(ts: Timestamp) -> i64 {
    ts.nanos().div_euclid(SECOND)
}

/// The instant of a second since 1970.
pub(super) fn instant(second: i64) -> Timestamp {
    Timestamp::from_nanos(second.saturating_mul(SECOND))
}

impl Week {
    /// A week of which nothing is known, for a stream whose gaps last `gap_s` seconds on average.
    pub(super) fn new(gap_s: f64) -> Week {
        let grain = Week::grain_of(gap_s);
        let slot = grain.max(SHORTEST_SLOT);
        let slots = (WEEK / slot) as usize;
        Week { grain, slot, quiet: vec![0.0; slots], seen: vec![0.0; slots], expected: vec![0.0; slots], sums: vec![0.0; slots + 1] }
    }

    /// The grain for a mean gap: the longest that is no longer.
    fn grain_of(gap_s: f64) -> i64 {
        GRAINS.iter().copied().rev().find(|grain| *grain as f64 <= gap_s).unwrap_or(GRAINS[0])
    }

    /// The week of a stream whose mean gap has become another; `None` while the grain still fits.
    ///
    /// What was expected goes on as if it had been seen a few times, so that it is soon outweighed.
    pub(super) fn adapted(&self, gap_s: f64) -> Option<Week> {
        let mut week = Week::new(gap_s);
        let ratio = week.grain as f64 / self.grain as f64;
        if (1.0 / REGRAIN..=REGRAIN).contains(&ratio) {
            return None;
        }
        for place in 0..week.quiet.len() {
            let from = (MONDAY + place as i64 * week.slot) as f64;
            let seen = f64::from(self.seen[self.place(from as i64)]).min(CARRIED);
            let in_grain = self.between(from, from + week.slot as f64) * week.grain as f64 / week.slot as f64;
            week.seen[place] = seen as f32;
            week.quiet[place] = (seen * (-in_grain).exp()) as f32;
        }
        week.refresh();
        Some(week)
    }

    /// Seconds of a slot, and of a grain.
    pub(super) const fn slot_s(&self) -> i64 {
        self.slot
    }

    pub(super) const fn grain_s(&self) -> i64 {
        self.grain
    }

    /// Makes ready what is not saved.
    pub(super) fn restore(&mut self) {
        self.sums = vec![0.0];
        let mut sum = 0.0;
        for expected in &self.expected {
            sum += f64::from(*expected);
            self.sums.push(sum);
        }
    }

    /// Which slot a second lies in.
    fn place(&self, second: i64) -> usize {
        ((second - MONDAY).rem_euclid(WEEK) / self.slot) as usize
    }

    /// Learns of the slot that holds a second, in how many of its grains something came.
    pub(super) fn learn(&mut self, second: i64, busy: u32) {
        let place = self.place(second);
        let quiet = 1.0 - f64::from(busy) * self.grain as f64 / self.slot as f64;
        self.quiet[place] = (f64::from(self.quiet[place]) * FADING + quiet.max(0.0)) as f32;
        self.seen[place] = (f64::from(self.seen[place]) * FADING + 1.0) as f32;
    }

    /// How many arrivals a number of busy grains stands for, where a slot expects some: what a Poisson stream has in
    /// grains that are not quiet.
    pub(super) fn arrivals(&self, second: i64, busy: u32) -> f64 {
        let in_grain = f64::from(self.expected[self.place(second)]) * self.grain as f64 / self.slot as f64;
        if in_grain < 1e-6 { f64::from(busy) } else { f64::from(busy) * in_grain / -(-in_grain).exp_m1() }
    }

    /// Whether the slot that holds a second is known.
    pub(super) fn knows(&self, second: i64) -> bool {
        self.expected[self.place(second)] > 0.0
    }

    /// Of which days of the week nothing is known, from Monday (0) on.
    pub(super) fn unknown(&self) -> impl Iterator<Item = usize> {
        let day = (DAY / self.slot) as usize;
        (0..7).filter(move |of| self.expected[of * day..(of + 1) * day].iter().all(|expected| *expected == 0.0))
    }

    /// How many arrivals are expected from one second to another.
    pub(super) fn between(&self, from_s: f64, to_s: f64) -> f64 {
        self.until(to_s) - self.until(from_s)
    }

    /// The arrivals expected since the Monday of 1970.
    fn until(&self, second: f64) -> f64 {
        let since = second - MONDAY as f64;
        let weeks = (since / WEEK as f64).floor();
        let slots = ((since - weeks * WEEK as f64) / self.slot as f64).max(0.0);
        let whole = (slots as usize).min(self.expected.len() - 1);
        let total = self.sums[self.expected.len()];
        weeks * total + self.sums[whole] + (slots - whole as f64) * f64::from(self.expected[whole])
    }

    /// When as many arrivals were to be expected since a second; `None` when it takes more than four weeks.
    pub(super) fn when(&self, from_s: f64, arrivals: f64) -> Option<f64> {
        let total = self.sums[self.expected.len()];
        if total <= 0.0 || arrivals > 4.0 * total {
            return None;
        }
        let goal = self.until(from_s) + arrivals;
        let mut weeks = (goal / total).floor();
        let mut rest = goal - weeks * total;
        if rest < 0.0 {
            (weeks, rest) = (weeks - 1.0, rest + total);
        }
        let slot = self.sums.partition_point(|sum| *sum < rest).clamp(1, self.expected.len()) - 1;
        let within = (rest - self.sums[slot]) / f64::from(self.expected[slot]).max(1e-12);
        Some(MONDAY as f64 + weeks * WEEK as f64 + (slot as f64 + within) * self.slot as f64)
    }

    /// Arrivals expected in an hour, at a second.
    pub(super) fn hourly(&self, second: i64) -> f64 {
        f64::from(self.expected[self.place(second)]) * 3600.0 / self.slot as f64
    }

    /// Works out anew what is expected.
    pub(super) fn refresh(&mut self) {
        let (day, slots) = ((DAY / self.slot) as usize, self.quiet.len());
        let kernel = self.kernel();
        let own: Vec<(f64, f64)> = (0..slots).map(|place| self.around(place, &kernel)).collect();
        let whole = own.iter().fold((0.0, 0.0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        if whole.1 <= 0.0 {
            return;
        }
        let usual = whole.0 / whole.1;
        for place in 0..slots {
            let working = place / day < 5;
            let days = if working { 0..5 } else { 5..7 };
            let class = days.clone().map(|of| own[of * day + place % day]).fold((0.0, 0.0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
            let seen: f64 = days.map(|of| f64::from(self.seen[of * day + place % day])).sum();
            let known = self.seen[place] > 0.0 || (working && seen >= DAYS_SEEN);
            let of_class = (class.0 + OF_WEEK * usual) / (class.1 + OF_WEEK);
            let share = (own[place].0 + OF_CLASS * of_class + DOUBT) / (own[place].1 + OF_CLASS + DOUBT);
            let in_grain = -share.clamp(SUREST, 1.0 - 1e-6).ln();
            self.expected[place] = if known { (in_grain * self.slot as f64 / self.grain as f64) as f32 } else { 0.0 };
        }
        self.restore();
    }

    /// The weights of a slot's neighbours, on each side, the slot itself first.
    fn kernel(&self) -> Vec<f64> {
        let width = WIDTH / self.slot as f64;
        let reach = (4.0 * width).ceil().min(self.quiet.len() as f64 / 2.0 - 1.0) as usize;
        (0..=reach).map(|far| (-0.5 * (far as f64 / width).powi(2)).exp()).collect()
    }

    /// The quiet share and how often it was seen, of a slot with its neighbours.
    fn around(&self, place: usize, kernel: &[f64]) -> (f64, f64) {
        let slots = self.quiet.len();
        let mut sum = (f64::from(self.quiet[place]), f64::from(self.seen[place]));
        for (far, weight) in kernel.iter().enumerate().skip(1) {
            for other in [(place + far) % slots, (place + slots - far) % slots] {
                sum.0 += weight * f64::from(self.quiet[other]);
                sum.1 += weight * f64::from(self.seen[other]);
            }
        }
        sum
    }
}
