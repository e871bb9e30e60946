//! What a source says of itself: whether it works, how long it takes, how late it is, what it lost.

use crate::ndjson;
use crate::record::{SampleType, Series, Tags};
use crate::time::{Span, Timestamp};

/// The series in which a source reports on itself; all carry its name in tag `source`.
pub(super) struct Report {
    up: Series,
    duration: Series,
    lag: Series,
    dropped: Series,
}

/// How a source fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Health {
    /// Whether the source could be read.
    pub(super) up: bool,
    /// How long the last poll took.
    pub(super) duration: Span,
    /// How much later than due it was, where something is due.
    pub(super) lag: Option<Span>,
    /// What was lost since the start.
    pub(super) dropped: u64,
}

impl Report {
    /// The series of a source; `dropped` is the unit of what it may lose.
    pub(super) fn new(source: &str, dropped: &str, tags: &Tags) -> Report {
        let mut tags = tags.clone();
        tags.set("source", source);
        let series = |metric: &str, unit: &str| Series { tags: tags.clone(), ..Series::new(metric).unit(unit) };
        Report {
            up: series("collect.up", "1"),
            duration: series("collect.duration", "s"),
            lag: series("collect.lag", "s"),
            dropped: series("collect.dropped", dropped).kind(SampleType::Counter),
        }
    }

    /// Appends the report as lines.
    pub(super) fn write(&self, out: &mut Vec<u8>, ts: Timestamp, health: &Health) {
        ndjson::write_sample(out, ts, &self.up, f64::from(u8::from(health.up)));
        ndjson::write_sample(out, ts, &self.duration, health.duration.secs_f64());
        if let Some(lag) = health.lag {
            ndjson::write_sample(out, ts, &self.lag, lag.secs_f64());
        }
        ndjson::write_sample(out, ts, &self.dropped, health.dropped as f64);
    }
}
