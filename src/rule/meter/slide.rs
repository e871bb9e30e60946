//! What a meter keeps of the samples in its window, as they come and go.

use std::collections::VecDeque;

use hashbrown::HashMap;

use super::super::buffer::{Buffer, Point};
use super::super::syntax::Function;
use crate::math::{ExactMoments, ExactSum, Ordered};
use crate::record::SampleType;

/// How far one series has been read: the samples of `lo..hi` are in the window.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) buffer: usize,
    pub(super) lo: u64,
    pub(super) hi: u64,
    pub(super) revision: u32,
    /// Of a counter: the values that it fell from. Of increments: their sum.
    pub(super) sum: ExactSum,
    /// Places of samples that are the greatest (or least) of all behind them.
    pub(super) peaks: VecDeque<u64>,
}

/// What is kept of the samples in the window.
#[derive(Debug)]
pub(super) enum Slide {
    /// Nothing: the ends of the window tell all.
    Ends,
    Sums {
        weight: ExactSum,
        sum: ExactSum,
    },
    Spread(ExactMoments),
    Ranks {
        values: Ordered,
        /// How many samples stand for more or less than one.
        weighted: usize,
    },
    Peaks,
    Distinct(HashMap<u64, u32>),
    Increase,
}

impl Slide {
    pub(super) fn of(function: Function) -> Slide {
        match function {
            Function::Count | Function::Sum | Function::Mean => Slide::Sums { weight: ExactSum::new(), sum: ExactSum::new() },
            Function::Stddev => Slide::Spread(ExactMoments::new()),
            Function::Quantile(_) => Slide::Ranks { values: Ordered::new(), weighted: 0 },
            Function::Min | Function::Max => Slide::Peaks,
            Function::Distinct => Slide::Distinct(HashMap::new()),
            Function::Rate | Function::Increase | Function::Delta => Slide::Increase,
            Function::First | Function::Last | Function::Age | Function::Forecast | Function::Reference => Slide::Ends,
        }
    }

    pub(super) fn enter(&mut self, point: &Point) {
        match self {
            Slide::Sums { weight, sum } => {
                weight.add(point.weight);
                sum.add(point.value * point.weight);
            }
            Slide::Spread(moments) => moments.add(point.value, point.weight),
            Slide::Ranks { values, weighted } => {
                values.insert(point.value);
                *weighted += usize::from(point.weight != 1.0);
            }
            Slide::Distinct(counts) => *counts.entry(point.value.to_bits()).or_insert(0) += 1,
            Slide::Ends | Slide::Peaks | Slide::Increase => {}
        }
    }

    pub(super) fn leave(&mut self, point: &Point) {
        match self {
            Slide::Sums { weight, sum } => {
                weight.subtract(point.weight);
                sum.subtract(point.value * point.weight);
            }
            Slide::Spread(moments) => moments.remove(point.value, point.weight),
            Slide::Ranks { values, weighted } => {
                values.remove(point.value);
                *weighted -= usize::from(point.weight != 1.0);
            }
            Slide::Distinct(counts) => {
                if let Some(count) = counts.get_mut(&point.value.to_bits()) {
                    *count -= 1;
                    if *count == 0 {
                        counts.remove(&point.value.to_bits());
                    }
                }
            }
            Slide::Ends | Slide::Peaks | Slide::Increase => {}
        }
    }
}

impl Member {
    /// Notes a sample that comes in, at `hi`.
    pub(super) fn enter(&mut self, buffer: &Buffer, point: &Point, slide: &Slide, function: Function) {
        match slide {
            Slide::Peaks => {
                let covers =
                    |older: &Point| if function == Function::Min { point.value <= older.value } else { point.value >= older.value };
                while self.peaks.back().and_then(|place| buffer.at(*place)).is_some_and(covers) {
                    self.peaks.pop_back();
                }
                self.peaks.push_back(self.hi);
            }
            Slide::Increase if buffer.series.kind == SampleType::Delta => self.sum.add(point.value * point.weight),
            Slide::Increase if self.lo < self.hi => {
                let fell = buffer.at(self.hi - 1).filter(|before| point.value < before.value);
                if let Some(before) = fell {
                    self.sum.add(before.value);
                }
            }
            _ => {}
        }
    }

    /// Notes that the oldest sample, at `lo`, goes.
    pub(super) fn leave(&mut self, buffer: &Buffer, point: &Point, slide: &Slide) {
        match slide {
            Slide::Peaks if self.peaks.front() == Some(&self.lo) => {
                self.peaks.pop_front();
            }
            Slide::Increase if buffer.series.kind == SampleType::Delta => self.sum.subtract(point.value * point.weight),
            Slide::Increase if self.lo + 1 < self.hi && buffer.at(self.lo + 1).is_some_and(|next| next.value < point.value) => {
                self.sum.subtract(point.value);
            }
            _ => {}
        }
    }
}

/// The mean of an exact sum, rounded once: the mean of equal values is that value.
pub(super) fn mean(sum: &ExactSum, count: f64) -> Option<f64> {
    let guess = sum.value() / count;
    let whole = guess * count;
    let mut rest = sum.clone();
    rest.subtract(whole);
    rest.subtract(guess.mul_add(count, -whole));
    Some(guess + rest.value() / count).filter(|mean| mean.is_finite())
}
