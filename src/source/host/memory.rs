//! Memory and swap: `/proc/meminfo` for levels, `/proc/vmstat` for what moved.

use super::Subject;
use super::metric::{Metric, Put, Row};
use super::text::{fields, lines, next_whole, ratio, value};
use crate::record::Tags;
use crate::time::Span;

/// Levels of memory and swap.
pub(super) static MEMORY: [Metric; 14] = [
    Metric::gauge("memory.used", "1", "share of memory that is not available"),
    Metric::gauge("memory.total", "By", "memory in all"),
    Metric::gauge("memory.available", "By", "memory that programs can still get without swapping"),
    Metric::gauge("memory.free", "By", "memory that nothing uses, not even as a cache"),
    Metric::gauge("memory.buffers", "By", "memory that buffers block devices"),
    Metric::gauge("memory.cached", "By", "memory that caches files"),
    Metric::gauge("memory.slab", "By", "memory of the kernel's own objects"),
    Metric::gauge("memory.shared", "By", "memory shared between programs, tmpfs included"),
    Metric::gauge("memory.dirty", "By", "memory that waits to be written to a disk"),
    Metric::gauge("memory.committed", "By", "memory that was promised to programs"),
    Metric::gauge("swap.used", "1", "share of swap in use; left out without swap"),
    Metric::gauge("swap.total", "By", "swap in all"),
    Metric::gauge("swap.free", "By", "swap that is free"),
    Metric::gauge("swap.cached", "By", "swap that is in memory too"),
];

/// What moved between memory and disks.
pub(super) static MOVED: [Metric; 4] = [
    Metric::counter("swap.in", "By", "read back from swap"),
    Metric::counter("swap.out", "By", "written to swap"),
    Metric::counter("memory.major_faults", "{faults}", "times a program waited for a page from a disk"),
    Metric::counter("memory.oom_kills", "{kills}", "processes killed because memory ran out"),
];

/// The fields of `/proc/meminfo` that are used, in bytes.
#[derive(Debug, Default)]
struct Meminfo {
    total: Option<f64>,
    available: Option<f64>,
    free: Option<f64>,
    buffers: Option<f64>,
    cached: Option<f64>,
    reclaimable: Option<f64>,
    slab: Option<f64>,
    shared: Option<f64>,
    dirty: Option<f64>,
    committed: Option<f64>,
    swap_total: Option<f64>,
    swap_free: Option<f64>,
    swap_cached: Option<f64>,
}

impl Meminfo {
    fn read(text: &[u8]) -> Meminfo {
        let mut found = Meminfo::default();
        for line in lines(text) {
            let mut fields = fields(line);
            let slot = match fields.next() {
                Some(b"MemTotal:") => &mut found.total,
                Some(b"MemAvailable:") => &mut found.available,
                Some(b"MemFree:") => &mut found.free,
                Some(b"Buffers:") => &mut found.buffers,
                Some(b"Cached:") => &mut found.cached,
                Some(b"SReclaimable:") => &mut found.reclaimable,
                Some(b"Slab:") => &mut found.slab,
                Some(b"Shmem:") => &mut found.shared,
                Some(b"Dirty:") => &mut found.dirty,
                Some(b"Committed_AS:") => &mut found.committed,
                Some(b"SwapTotal:") => &mut found.swap_total,
                Some(b"SwapFree:") => &mut found.swap_free,
                Some(b"SwapCached:") => &mut found.swap_cached,
                _ => continue,
            };
            *slot = next_whole(&mut fields).map(|kib| kib as f64 * 1024.0);
        }
        found
    }

    /// What programs can still get. Kernels before 3.14 do not say; there it is free memory and
    /// the caches that can be given up, without shared memory, which counts as cached but can't.
    fn available(&self) -> Option<f64> {
        self.available.or_else(|| {
            let caches = self.buffers? + self.cached? + self.reclaimable.unwrap_or(0.0) - self.shared.unwrap_or(0.0);
            Some(self.free? + caches.max(0.0))
        })
    }
}

/// The share of `whole` that is not `free`.
fn used(whole: Option<f64>, free: Option<f64>) -> Option<f64> {
    let (whole, free) = (whole?, free?);
    ratio(whole - free, whole)
}

/// The reader of `/proc/meminfo`.
pub(super) struct Memory(Row<14>);

impl Memory {
    /// A reader whose series carry these tags.
    pub(super) fn new(tags: &Tags) -> Memory {
        Memory(Row::new(&MEMORY, tags))
    }
}

impl Subject for Memory {
    fn take(&mut self, text: &[u8], _elapsed: Option<Span>, put: &mut Put) {
        let found = Meminfo::read(text);
        let available = found.available();
        self.0.put(
            put,
            [
                used(found.total, available),
                found.total,
                available,
                found.free,
                found.buffers,
                found.cached,
                found.slab,
                found.shared,
                found.dirty,
                found.committed,
                used(found.swap_total, found.swap_free),
                found.swap_total,
                found.swap_free,
                found.swap_cached,
            ],
        );
    }
}

/// The reader of `/proc/vmstat`.
pub(super) struct Moved(Row<4>);

impl Moved {
    /// A reader whose series carry these tags.
    pub(super) fn new(tags: &Tags) -> Moved {
        Moved(Row::new(&MOVED, tags))
    }
}

impl Subject for Moved {
    fn take(&mut self, text: &[u8], _elapsed: Option<Span>, put: &mut Put) {
        let (mut swap_in, mut swap_out, mut faults, mut kills) = (None, None, None, None);
        for line in lines(text) {
            let mut fields = fields(line);
            let slot = match fields.next() {
                Some(b"pswpin") => &mut swap_in,
                Some(b"pswpout") => &mut swap_out,
                Some(b"pgmajfault") => &mut faults,
                Some(b"oom_kill") => &mut kills,
                _ => continue,
            };
            *slot = value(next_whole(&mut fields));
        }
        let page_bytes = rustix::param::page_size() as f64;
        let bytes = |pages: Option<f64>| pages.map(|pages| pages * page_bytes);
        self.0.put(put, [bytes(swap_in), bytes(swap_out), faults, kills]);
    }
}
