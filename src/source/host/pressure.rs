//! Pressure stall information: the share of time in which work waited for a resource.
//!
//! `/proc/pressure/RESOURCE` has a line `some avg10=… avg60=… avg300=… total=MICROSECONDS` (some
//! thread waited) and mostly `full …` (all that were not idle did). The ratios are taken from the
//! totals over the time since the last poll, so they answer faster than the kernel's averages.
//! Source: kernel documentation, accounting/psi.

use super::Subject;
use super::metric::{Metric, Put, Row};
use super::text::{fields, grown, lines, ratio, whole};
use crate::record::Tags;
use crate::time::Span;

/// A resource that may be short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    Cpu,
    Memory,
    Io,
}

/// Waiting for a processor.
pub(super) static CPU: [Metric; 2] = [
    Metric::gauge("pressure.cpu.some", "1", "share of the time in which some thread waited for a processor"),
    Metric::gauge("pressure.cpu.full", "1", "share in which all did; above 0 only within a control group"),
];

/// Waiting for memory.
pub(super) static MEMORY: [Metric; 2] = [
    Metric::gauge("pressure.memory.some", "1", "share of the time in which some thread waited for memory"),
    Metric::gauge("pressure.memory.full", "1", "share in which all threads that had work waited for memory"),
];

/// Waiting for disks.
pub(super) static IO: [Metric; 2] = [
    Metric::gauge("pressure.io.some", "1", "share of the time in which some thread waited for a disk"),
    Metric::gauge("pressure.io.full", "1", "share in which all threads that had work waited for a disk"),
];

/// The reader of one file of `/proc/pressure`.
pub(super) struct Pressure {
    row: Row<2>,
    before: [Option<u64>; 2],
}

impl Pressure {
    /// A reader that has read nothing yet.
    pub(super) fn new(tags: &Tags, resource: Resource) -> Pressure {
        let table = match resource {
            Resource::Cpu => &CPU,
            Resource::Memory => &MEMORY,
            Resource::Io => &IO,
        };
        Pressure { row: Row::new(table, tags), before: [None; 2] }
    }
}

/// The total of a line, in microseconds.
fn total_us(line: &[u8]) -> Option<u64> {
    fields(line).find_map(|field| field.strip_prefix(b"total=")).and_then(whole)
}

impl Subject for Pressure {
    fn take(&mut self, text: &[u8], elapsed: Option<Span>, put: &mut Put) {
        let mut totals = [None; 2];
        for line in lines(text) {
            match line {
                [b's', b'o', b'm', b'e', b' ', ..] => totals[0] = total_us(line),
                [b'f', b'u', b'l', b'l', b' ', ..] => totals[1] = total_us(line),
                _ => {}
            }
        }
        let share = |at: usize| {
            let waited_us = grown(totals[at]?, self.before[at]?)?;
            ratio(waited_us, elapsed?.secs_f64() * 1e6)
        };
        self.row.put(put, [share(0), share(1)]);
        self.before = totals;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_is_the_share_of_time_that_was_waited() {
        let mut pressure = Pressure::new(&Tags::new(), Resource::Io);
        let mut seen = Vec::new();
        pressure.take(b"some avg10=0.18 total=1000000\nfull avg10=0.0 total=500\n", None, &mut |_, _| panic!("no share yet"));
        let second = b"some avg10=0.18 total=1250000\nfull avg10=0.0 total=500\n";
        pressure.take(second, Some(Span::from_secs(1)), &mut |series, value| seen.push((series.metric.clone(), value)));
        assert_eq!(seen, [("pressure.io.some".to_owned(), 0.25), ("pressure.io.full".to_owned(), 0.0)]);
    }
}
