//! The samples of one series in one stretch, and the values that are compared of them.

use super::{PARTS, Stretch};
use crate::record::{SampleType, Series};
use crate::time::Timestamp;

/// Samples as they came.
#[derive(Debug, Default)]
pub(super) struct Samples(Vec<(Timestamp, f64)>);

impl Samples {
    pub(super) fn add(&mut self, ts: Timestamp, value: f64) {
        self.0.push((ts, value));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values to compare, in the order of time: of a gauge its own, of a counter the rates a second between neighbours,
    /// of what is counted the sum in each part of the stretch, a second.
    pub(super) fn values(&mut self, series: &Series, occurs: bool, stretch: Stretch) -> Vec<f64> {
        self.0.sort_by_key(|(ts, _)| *ts);
        match series.kind {
            SampleType::Counter => self.0.windows(2).filter_map(rate).collect(),
            SampleType::Delta => self.sums(stretch),
            SampleType::Gauge | SampleType::Set if occurs => self.sums(stretch),
            SampleType::Gauge | SampleType::Set => self.0.iter().map(|(_, value)| *value).collect(),
        }
    }

    fn sums(&self, stretch: Stretch) -> Vec<f64> {
        let part = stretch.length().secs_f64() / PARTS as f64;
        let mut sums = vec![0.0; PARTS];
        for (ts, value) in &self.0 {
            let at = (ts.since(stretch.from).secs_f64() / part) as usize;
            sums[at.min(PARTS - 1)] += value / part;
        }
        sums
    }
}

/// The rate a second from one sample of a counter to the next; a fall is a new start.
fn rate(pair: &[(Timestamp, f64)]) -> Option<f64> {
    let [(before, low), (at, high)] = pair else { return None };
    let seconds = at.since(*before).secs_f64();
    let grown = if high >= low { high - low } else { *high };
    (seconds > 0.0).then(|| grown / seconds)
}
