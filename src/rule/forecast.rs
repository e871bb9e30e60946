//! Where a straight line through the recent samples leads: `forecast(disk.used, 6h, in 24h)`.

use super::buffer::Point;
use crate::time::{Span, Timestamp};

/// A line through samples.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trend {
    /// The instant that `level` is of.
    pub(super) from: Timestamp,
    pub(super) level: f64,
    pub(super) slope_per_s: f64,
}

impl Trend {
    /// What the line comes to at an instant.
    pub(super) fn at(&self, at: Timestamp) -> f64 {
        self.level + self.slope_per_s * (at.nanos() - self.from.nanos()) as f64 / 1e9
    }
}

/// How far apart the instants are at which a forecast is worked out anew: it moves slowly.
pub(super) fn step(window: Span) -> Span {
    Span::from_nanos((window.nanos() / 360).max(1))
}

/// The line through some samples.
pub(super) fn trend(_points: &[Point], _end: Timestamp) -> Option<Trend> {
    None
}
