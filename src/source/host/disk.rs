//! `/proc/diskstats`: what the disks did and how long it took.
//!
//! A line is `major minor name reads merged sectors ms writes merged sectors ms in-flight busy-ms
//! weighted-ms …` since the start, a sector being 512 bytes whatever the disk's own is (kernel
//! documentation, admin-guide/iostats). Latency is the time of the requests that ended divided by
//! their number, as `iostat` has it in `await`; the queue is the weighted time divided by the time
//! that passed, the mean number of requests under way.
//!
//! Whole disks only: a partition's io is in its disk's too. Left out are ram disks, loops and
//! drives that never did any io.

use super::Subject;
use super::metric::{Metric, Put, Things};
use super::text::{fields, grown, lines, mean, next_whole, ratio};
use crate::record::Tags;
use crate::time::Span;

const SECTOR_BYTES: f64 = 512.0;

/// One disk, in tag `device`.
pub(super) static DISK: [Metric; 11] = [
    Metric::counter("disk.reads", "{reads}", "reads that were done, of the disk in tag `device`"),
    Metric::counter("disk.writes", "{writes}", "writes that were done"),
    Metric::counter("disk.read", "By", "bytes read"),
    Metric::counter("disk.written", "By", "bytes written"),
    Metric::gauge("disk.latency", "ms", "mean time of a read or write, waiting included; left out when there was none"),
    Metric::gauge("disk.read.latency", "ms", "mean time of a read"),
    Metric::gauge("disk.write.latency", "ms", "mean time of a write"),
    Metric::gauge("disk.queue", "{requests}", "mean number of requests under way"),
    Metric::gauge("disk.busy", "1", "share of the time in which the disk did something"),
    Metric::gauge("disk.in_flight", "{requests}", "requests under way now"),
    Metric::counter("disk.merged", "{requests}", "requests that were joined to others"),
];

/// What one disk did since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Done {
    reads: u64,
    reads_merged: u64,
    sectors_read: u64,
    read_ms: u64,
    writes: u64,
    writes_merged: u64,
    sectors_written: u64,
    write_ms: u64,
    in_flight: u64,
    busy_ms: u64,
    weighted_ms: u64,
}

impl Done {
    /// Reads the fields after the name.
    fn read<'a>(mut fields: impl Iterator<Item = &'a [u8]>) -> Option<Done> {
        let mut next = || next_whole(&mut fields);
        Some(Done {
            reads: next()?,
            reads_merged: next()?,
            sectors_read: next()?,
            read_ms: next()?,
            writes: next()?,
            writes_merged: next()?,
            sectors_written: next()?,
            write_ms: next()?,
            in_flight: next()?,
            busy_ms: next()?,
            weighted_ms: next()?,
        })
    }

    /// Whether the disk ever did anything.
    fn any(&self) -> bool {
        self.reads > 0 || self.writes > 0
    }

    /// The values in the order of [`DISK`], given the reading before and the time since.
    fn values(&self, before: Option<Done>, elapsed: Option<Span>) -> [Option<f64>; 11] {
        let since = before.and_then(|before| Grown::new(self, &before));
        let elapsed_ms = elapsed.map(|span| span.secs_f64() * 1e3);
        [
            Some(self.reads as f64),
            Some(self.writes as f64),
            Some(self.sectors_read as f64 * SECTOR_BYTES),
            Some(self.sectors_written as f64 * SECTOR_BYTES),
            since.and_then(|since| mean(since.read_ms + since.write_ms, since.reads + since.writes)),
            since.and_then(|since| mean(since.read_ms, since.reads)),
            since.and_then(|since| mean(since.write_ms, since.writes)),
            since.zip(elapsed_ms).and_then(|(since, ms)| mean(since.weighted_ms, ms)),
            since.zip(elapsed_ms).and_then(|(since, ms)| ratio(since.busy_ms, ms)),
            Some(self.in_flight as f64),
            Some(self.reads_merged.saturating_add(self.writes_merged) as f64),
        ]
    }
}

/// What one disk did since the last poll.
#[derive(Debug, Clone, Copy)]
struct Grown {
    reads: f64,
    read_ms: f64,
    writes: f64,
    write_ms: f64,
    busy_ms: f64,
    weighted_ms: f64,
}

impl Grown {
    /// `None` when a count fell: then it is another disk by the same name.
    fn new(now: &Done, before: &Done) -> Option<Grown> {
        Some(Grown {
            reads: grown(now.reads, before.reads)?,
            read_ms: wrapped(now.read_ms, before.read_ms)?,
            writes: grown(now.writes, before.writes)?,
            write_ms: wrapped(now.write_ms, before.write_ms)?,
            busy_ms: wrapped(now.busy_ms, before.busy_ms)?,
            weighted_ms: wrapped(now.weighted_ms, before.weighted_ms)?,
        })
    }
}

/// How much a count of milliseconds grew. The kernel keeps them in 32 bits, so they begin anew
/// after 49.7 days of work; a fall from near the end is taken as that.
fn wrapped(now: u64, before: u64) -> Option<f64> {
    const WHOLE: u64 = 1 << 32;
    match now.checked_sub(before) {
        Some(growth) => Some(growth as f64),
        None if before < WHOLE && before > WHOLE / 4 * 3 => Some((WHOLE - before + now) as f64),
        None => None,
    }
}

/// Whether a device is left out whatever it does.
fn is_pretended(name: &[u8]) -> bool {
    [b"ram".as_slice(), b"zram", b"loop", b"fd", b"sr"]
        .iter()
        .any(|prefix| name.strip_prefix(*prefix).is_some_and(|rest| rest.iter().all(u8::is_ascii_digit)))
}

/// Whether `name` is a partition of `disk`: `sda1` of `sda`, `nvme0n1p2` of `nvme0n1`.
fn is_partition(name: &[u8], disk: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(disk) else { return false };
    let number = match disk.last() {
        Some(last) if last.is_ascii_digit() => rest.strip_prefix(b"p").unwrap_or_default(),
        _ => rest,
    };
    !number.is_empty() && number.iter().all(u8::is_ascii_digit)
}

/// The reader of `/proc/diskstats`.
pub(super) struct Disks(Things<Done, 11>);

impl Disks {
    /// A reader that has read nothing yet.
    pub(super) fn new(tags: &Tags) -> Disks {
        Disks(Things::new(&DISK, tags, "device"))
    }
}

impl Subject for Disks {
    fn take(&mut self, text: &[u8], elapsed: Option<Span>, put: &mut Put) {
        let mut disk: &[u8] = b"";
        for line in lines(text) {
            let mut fields = fields(line).skip(2);
            let Some(name) = fields.next() else { continue };
            // The kernel lists the partitions of a disk right after it.
            if is_pretended(name) || (!disk.is_empty() && is_partition(name, disk)) {
                continue;
            }
            disk = name;
            let Some(done) = Done::read(fields).filter(Done::any) else { continue };
            let (row, before) = self.0.take(name, done);
            row.put(put, done.values(before, elapsed));
        }
        self.0.forget_unseen();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_is_time_over_requests() {
        let before = Done { reads: 100, read_ms: 1000, writes: 10, write_ms: 500, busy_ms: 900, weighted_ms: 1500, ..Done::default() };
        let now = Done { reads: 104, read_ms: 1010, writes: 11, write_ms: 520, busy_ms: 925, weighted_ms: 1550, ..before };
        let values = now.values(Some(before), Some(Span::from_millis(100)));
        assert_eq!(values[4..9], [Some(6.0), Some(2.5), Some(20.0), Some(0.5), Some(0.25)]);
        let still = now.values(Some(now), Some(Span::from_millis(100)));
        assert_eq!(still[4..9], [None, None, None, Some(0.0), Some(0.0)], "no request has no latency");
        assert_eq!(now.values(None, None)[4..9], [None; 5]);
    }

    #[test]
    fn a_partition_is_known_by_its_disk() {
        for (name, disk, expected) in [
            ("sda1", "sda", true),
            ("sdaa", "sda", false),
            ("nvme0n1p2", "nvme0n1", true),
            ("nvme0n12", "nvme0n1", false),
            ("mmcblk0p1", "mmcblk0", true),
            ("dm-10", "dm-1", false),
            ("md127", "md12", false),
        ] {
            assert_eq!(is_partition(name.as_bytes(), disk.as_bytes()), expected, "{name} of {disk}");
        }
    }

    #[test]
    fn milliseconds_that_overflowed_go_on() {
        assert_eq!(wrapped(5, u64::from(u32::MAX) - 4), Some(10.0));
        assert_eq!(wrapped(5, 1000), None);
        assert_eq!(wrapped(1000, 5), Some(995.0));
    }
}
