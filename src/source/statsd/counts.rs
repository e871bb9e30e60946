//! What the listener tells of itself: how much came, how much was lost, and where.

use crate::ndjson;
use crate::record::{SampleType, Series};
use crate::time::{Span, Timestamp};

/// How much came and was lost since the last report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Datagrams received.
    pub datagrams: u64,
    /// Lines received, good or not.
    pub lines: u64,
    /// Lines that could not be read.
    pub rejected: u64,
    /// Datagrams that the kernel dropped because the receiver was too slow.
    pub dropped_by_kernel: u64,
    /// Records that were dropped because standard output was not read.
    pub dropped_at_output: u64,
}

impl Counts {
    /// Adds the counts of a further span of time.
    pub fn add(&mut self, other: Counts) {
        self.datagrams += other.datagrams;
        self.lines += other.lines;
        self.rejected += other.rejected;
        self.dropped_by_kernel += other.dropped_by_kernel;
        self.dropped_at_output += other.dropped_at_output;
    }

    /// Appends the reports as samples tagged `source=statsd`; `lag` says how late the windows before it come.
    pub(super) fn write(&self, out: &mut Vec<u8>, ts: Timestamp, lag: Option<Span>) {
        let series = |metric: &str| Series::new(metric).tag("source", "statsd");
        ndjson::write_sample(out, ts, &series("collect.up"), 1.0);
        let mut count = |metric: &str, of: Option<&str>, unit: &str, value: u64| {
            let series = series(metric).kind(SampleType::Delta).unit(unit);
            let series = of.map_or(series.clone(), |of| series.tag("of", of));
            ndjson::write_sample(out, ts, &series, value as f64);
        };
        count("collect.received", Some("datagrams"), "{datagrams}", self.datagrams);
        count("collect.received", Some("lines"), "{lines}", self.lines);
        count("collect.rejected", None, "{lines}", self.rejected);
        count("collect.dropped", Some("datagrams"), "{datagrams}", self.dropped_by_kernel);
        count("collect.dropped", Some("records"), "{records}", self.dropped_at_output);
        if let Some(lag) = lag {
            ndjson::write_sample(out, ts, &series("collect.lag").unit("s"), lag.secs_f64());
        }
    }
}
