//! Two stretches of time held against one another, over all metrics: which differ, and by how much.
//!
//! Every series that both have is compared by rank: whether its values lie higher or lower than they did, and whether
//! they spread wider or narrower ([`crate::math::shift()`]). Neighbouring samples tell nearly the same; so
//! both tests count only as many independent values as the samples are worth. p is that of the better one of
//! the two, doubled. Over all series it is corrected for the false discovery rate (Benjamini and
//! Hochberg): of those that are called different at `q = 0.05`, one in twenty is not, on average.
//!
//! What is sure may still be small. So a series is called different where `q` is within the rate that was asked for,
//! and the effect is at least as large as was asked for: the probability that a value of now is above one of
//! before, by the borders of Vargha and Delaney.
//!
//! Of counters the rates between neighbours are compared, of increments and events the sum in each of
//! [`PARTS`] equal parts of a stretch, zero where nothing came.
//!
//! Source: Vargha, Delaney (2000), A critique and improvement of the CL common language effect size statistic of
//! McGraw and Wong, J. Educ. Behav. Stat. 25(2).

mod series;
mod verdict;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::series::Samples;
use crate::math::{Shift, benjamini_hochberg, quantile_sorted, shift, sort_values, spread_shift};
use crate::record::{Series, Tags};
use crate::time::{Span, Timestamp};

/// In how many parts a stretch is cut to count what came.
pub const PARTS: usize = 60;
/// Samples of fewer than this on a side say nothing.
const LEAST: usize = 8;
/// How many samples are held at most, of both stretches.
const MOST: usize = 10_000_000;

/// How large an effect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// Hardly to be seen.
    Negligible,
    /// In 56 of 100 pairs the one is above the other.
    Small,
    /// In 64.
    Medium,
    /// In 71.
    Large,
}

impl Size {
    /// The size of a probability that the one is above the other.
    pub fn of(superiority: f64) -> Size {
        match (superiority - 0.5).abs() + 0.5 {
            far if far >= 0.71 => Size::Large,
            far if far >= 0.64 => Size::Medium,
            far if far >= 0.56 => Size::Small,
            _ => Size::Negligible,
        }
    }

    /// The size in a word.
    pub const fn name(self) -> &'static str {
        match self {
            Size::Negligible => "negligible",
            Size::Small => "small",
            Size::Medium => "medium",
            Size::Large => "large",
        }
    }

    /// Reads a word.
    pub fn parse(text: &str) -> Option<Size> {
        [Size::Negligible, Size::Small, Size::Medium, Size::Large].into_iter().find(|size| size.name() == text)
    }
}

/// In which sense two stretches differ most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// One lies higher.
    Level,
    /// One spreads wider.
    Spread,
}

/// A stretch of time, from its begin up to but without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The begin.
    pub from: Timestamp,
    /// The end.
    pub to: Timestamp,
}

impl Stretch {
    /// Whether an instant lies in it.
    pub fn holds(self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// How long it is.
    pub fn length(self) -> Span {
        self.to.since(self.from)
    }
}

/// Which of the two stretches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What is judged.
    Now,
    /// What it is held against.
    Before,
}

/// The samples of both stretches.
#[derive(Debug, Default)]
pub struct Windows {
    series: BTreeMap<(String, Tags), Both>,
    held: usize,
    /// How many samples there was no room for.
    pub left_out: u64,
    ends: [Option<(Timestamp, Timestamp)>; 2],
}

#[derive(Debug)]
struct Both {
    series: Arc<Series>,
    occurs: bool,
    now: Samples,
    before: Samples,
}

/// What the comparison of one series found.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Which series.
    pub series: Arc<Series>,
    /// Why nothing can be told, or what was found.
    pub outcome: Result<Difference, String>,
}

/// How a series differs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// In which sense most.
    pub sense: Sense,
    /// The test in that sense: superiority is of now.
    pub shift: Shift,
    /// p of both senses together.
    pub p: f64,
    /// p corrected for all series: the false discovery rate.
    pub q: f64,
    /// The medians: of now, and of before.
    pub medians: (f64, f64),
    /// The distances between the quartiles.
    pub spreads: (f64, f64),
    /// How many values were compared.
    pub values: (usize, usize),
}

impl Difference {
    /// How large the effect is.
    pub fn size(&self) -> Size {
        Size::of(self.shift.superiority)
    }

    /// Whether it is called one.
    pub fn is_real(&self, rate: f64, least: Size) -> bool {
        self.q <= rate && self.size() >= least && self.shift.superiority != 0.5
    }
}

impl Windows {
    /// Adds a sample to one side. `occurs`: it is an event or a beat, to be counted.
    pub fn add(&mut self, side: Side, series: &Arc<Series>, ts: Timestamp, value: f64, occurs: bool) {
        if self.held >= MOST {
            self.left_out += 1;
            return;
        }
        self.held += 1;
        let end = &mut self.ends[side as usize];
        *end = Some(end.map_or((ts, ts), |(first, last)| (first.min(ts), last.max(ts))));
        let key = (series.metric.clone(), series.tags.clone());
        let fresh = || Both { series: Arc::clone(series), occurs, now: Samples::default(), before: Samples::default() };
        let both = self.series.entry(key).or_insert_with(fresh);
        match side {
            Side::Now => both.now.add(ts, value),
            Side::Before => both.before.add(ts, value),
        }
    }

    /// How many samples are held.
    pub fn held(&self) -> usize {
        self.held
    }

    /// The first and the last sample of a side.
    pub fn seen(&self, side: Side) -> Option<Stretch> {
        self.ends[side as usize].map(|(from, last)| Stretch { from, to: last.plus(Span::from_nanos(1)) })
    }

    /// Compares every series; `now` and `before` are the stretches. Those that differ most stand first: by whether `rate`
    /// and `least` call them different, by the size of the effect, by p, by name.
    pub fn compare(mut self, now: Stretch, before: Stretch, rate: f64, least: Size) -> Vec<Compared> {
        let mut all: Vec<Compared> = self.series.values_mut().map(|both| both.compare(now, before)).collect();
        let p: Vec<f64> = all.iter().filter_map(|one| one.outcome.as_ref().ok().map(|difference| difference.p)).collect();
        let mut corrected = benjamini_hochberg(&p).into_iter();
        for difference in all.iter_mut().filter_map(|one| one.outcome.as_mut().ok()) {
            difference.q = corrected.next().unwrap_or(1.0);
        }
        let rank = |one: &Compared| match &one.outcome {
            Ok(difference) => (usize::from(!difference.is_real(rate, least)), -(difference.shift.superiority - 0.5).abs(), difference.p),
            Err(_) => (2, 0.0, 1.0),
        };
        all.sort_by(|one, other| {
            let (a, b) = (rank(one), rank(other));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.total_cmp(&b.2))
        });
        all
    }
}

impl Both {
    fn compare(&mut self, now: Stretch, before: Stretch) -> Compared {
        let series = Arc::clone(&self.series);
        let outcome = self.difference(now, before);
        Compared { series, outcome }
    }

    fn difference(&mut self, now: Stretch, before: Stretch) -> Result<Difference, String> {
        if self.now.is_empty() || self.before.is_empty() {
            let (here, there) = if self.now.is_empty() { ("before", "now") } else { ("now", "before") };
            return Err(format!("it is there {here}, and not {there}"));
        }
        let (one, other) = (self.now.values(&self.series, self.occurs, now), self.before.values(&self.series, self.occurs, before));
        if one.len().min(other.len()) < LEAST {
            return Err(format!("{} against {} samples are too few to tell: {LEAST} are needed", one.len(), other.len()));
        }
        let few =
            || "its values hang together over so long that the stretches are worth less than three of them: compare longer ones".to_owned();
        let level = shift(&one, &other).ok_or_else(few)?;
        let spread = spread_shift(&one, &other).filter(|_| level.p > 1e-12);
        let is_spread = spread.is_some_and(|spread| spread.p < level.p);
        let (sense, found) = if is_spread { (Sense::Spread, spread.unwrap_or(level)) } else { (Sense::Level, level) };
        let p = (2.0 * found.p).min(1.0);
        let quartiles = |values: &[f64]| {
            let mut sorted = values.to_vec();
            sort_values(&mut sorted);
            let at = |share| quantile_sorted(&sorted, share).unwrap_or(0.0);
            (at(0.5), at(0.75) - at(0.25))
        };
        let ((median, spread), (median_before, spread_before)) = (quartiles(&one), quartiles(&other));
        Ok(Difference {
            sense,
            shift: found,
            p,
            q: 1.0,
            medians: (median, median_before),
            spreads: (spread, spread_before),
            values: (one.len(), other.len()),
        })
    }
}

#[cfg(test)]
mod tests;
