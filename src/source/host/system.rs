//! The machine as such: its load, how long it has been up, and how many files are open.

use super::Subject;
use super::metric::{Metric, Put, Row};
use super::text::{decimal, fields, next_whole, ratio, whole};
use crate::record::Tags;
use crate::time::Span;

/// Since when the machine runs.
pub(super) static UPTIME: [Metric; 1] = [Metric::gauge("system.uptime", "s", "time since the machine started")];

/// File handles.
pub(super) static FILES: [Metric; 3] = [
    Metric::gauge("files.used", "1", "share of the file handles that the kernel allows"),
    Metric::gauge("files.open", "{files}", "file handles in use"),
    Metric::gauge("files.limit", "{files}", "file handles that the kernel allows"),
];

/// The reader of `/proc/uptime`: `812.41 1523.17`.
pub(super) struct Uptime(Row<1>);

impl Uptime {
    /// A reader whose series carry these tags.
    pub(super) fn new(tags: &Tags) -> Uptime {
        Uptime(Row::new(&UPTIME, tags))
    }
}

impl Subject for Uptime {
    fn take(&mut self, text: &[u8], _elapsed: Option<Span>, put: &mut Put) {
        self.0.put(put, [fields(text).next().and_then(decimal)]);
    }
}

/// The reader of `/proc/sys/fs/file-nr`: `allocated free limit`.
pub(super) struct Files(Row<3>);

impl Files {
    /// A reader whose series carry these tags.
    pub(super) fn new(tags: &Tags) -> Files {
        Files(Row::new(&FILES, tags))
    }
}

impl Subject for Files {
    fn take(&mut self, text: &[u8], _elapsed: Option<Span>, put: &mut Put) {
        let mut fields = fields(text.trim_ascii_end());
        let mut next = || next_whole(&mut fields);
        let (Some(allocated), Some(free), Some(limit)) = (next(), next(), next()) else { return };
        let open = allocated.saturating_sub(free) as f64;
        self.0.put(put, [ratio(open, limit as f64), Some(open), Some(limit as f64)]);
    }
}

/// Load: how many threads ran or waited for a disk, on average.
pub(super) static LOAD: [Metric; 4] = [
    Metric::gauge("load.1", "{threads}", "threads running or waiting for a disk, mean of about one minute"),
    Metric::gauge("load.5", "{threads}", "the same over about five minutes"),
    Metric::gauge("load.15", "{threads}", "the same over about fifteen minutes"),
    Metric::gauge("processes.threads", "{threads}", "threads that exist"),
];

/// The reader of `/proc/loadavg`: `0.21 0.37 0.39 1/719 19737`.
pub(super) struct Load(Row<4>);

impl Load {
    /// A reader whose series carry these tags.
    pub(super) fn new(tags: &Tags) -> Load {
        Load(Row::new(&LOAD, tags))
    }
}

impl Subject for Load {
    fn take(&mut self, text: &[u8], _elapsed: Option<Span>, put: &mut Put) {
        let mut fields = fields(text);
        let mut mean = || fields.next().and_then(decimal);
        let (one, five, fifteen) = (mean(), mean(), mean());
        let threads = fields.next().and_then(|field| field.split(|byte| *byte == b'/').nth(1)).and_then(whole);
        self.0.put(put, [one, five, fifteen, threads.map(|count| count as f64)]);
    }
}
