//! Processes: how many there are in which state, and the largest ones.
//!
//! Only a walk over all of `/proc/PID/stat` tells; it costs some microseconds a process. So the
//! walk is done at most so often that it takes 1/500 of the time, which is at every poll of a
//! second with a few hundred processes, and every few seconds with thousands.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use hashbrown::HashMap;
use rustix::fs::{Mode, OFlags, RawDir};

use super::metric::{Metric, Put, Row};
use super::text::{fields, mean, next_whole, whole};
use crate::record::Tags;
use crate::time::Span;

/// Time that must lie between two walks, in times of what one took.
const REST: u32 = 500;

/// Processes by state.
pub(super) static STATES: [Metric; 5] = [
    Metric::gauge("processes.total", "{processes}", "processes that exist"),
    Metric::gauge("processes.sleeping", "{processes}", "processes that wait for something to do, kernel threads included"),
    Metric::gauge("processes.waiting", "{processes}", "processes that can't be interrupted, mostly waiting for a disk"),
    Metric::gauge("processes.stopped", "{processes}", "processes that were stopped or are traced"),
    Metric::gauge("processes.zombies", "{processes}", "processes that ended and that nobody asked about"),
];

/// One process, with `--top`.
pub(super) static PROCESS: [Metric; 2] = [
    Metric::gauge("process.cpu", "1", "cores kept busy by the process in tags `process` and `pid`, with --top"),
    Metric::gauge("process.memory", "By", "memory the process holds, with --top"),
];

/// One process, as its `stat` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Process {
    pid: u64,
    name: Vec<u8>,
    state: u8,
    ticks: u64,
    started: u64,
    pages: u64,
}

/// The place of a process's fields: `pid (name) state ppid …`, where the name may hold anything.
fn split(stat: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let open = memchr::memchr(b'(', stat)?;
    let close = memchr::memrchr(b')', stat)?;
    Some((stat[..open].trim_ascii(), stat.get(open + 1..close)?, &stat[close + 1..]))
}

/// The state of a process, the letter after its name.
fn state(stat: &[u8]) -> Option<u8> {
    split(stat)?.2.trim_ascii_start().first().copied()
}

impl Process {
    /// Reads fields 1 to 24 of proc_pid_stat(5).
    fn read(stat: &[u8]) -> Option<Process> {
        let (pid, name, rest) = split(stat)?;
        // After the name: state is field 3, utime 14, stime 15, starttime 22, rss 24.
        let mut fields = fields(rest);
        let state = *fields.next()?.first()?;
        let mut fields = fields.skip(10);
        let ticks = next_whole(&mut fields)?.saturating_add(next_whole(&mut fields)?);
        let mut fields = fields.skip(6);
        let started = next_whole(&mut fields)?;
        let pages = fields.nth(1).and_then(whole)?;
        Some(Process { pid: whole(pid)?, name: name.to_vec(), state, ticks, started, pages })
    }
}

/// How many processes are in which state.
#[derive(Debug, Default, PartialEq, Eq)]
struct States {
    total: u32,
    sleeping: u32,
    waiting: u32,
    stopped: u32,
    zombies: u32,
}

impl States {
    fn count(&mut self, state: u8) {
        self.total += 1;
        match state {
            b'S' | b'I' | b'P' => self.sleeping += 1,
            b'D' => self.waiting += 1,
            b'T' | b't' => self.stopped += 1,
            b'Z' | b'X' | b'x' => self.zombies += 1,
            _ => {}
        }
    }
}

/// The walker over `/proc`.
pub(super) struct Processes {
    folder: OwnedFd,
    states: Row<5>,
    tags: Tags,
    top: usize,
    before: HashMap<(u64, u64), u64>,
    walked: Option<Span>,
    next: Span,
    rests: bool,
}

impl Processes {
    /// A walker that has not walked yet.
    ///
    /// # Errors
    /// When the folder can't be opened.
    pub(super) fn new(proc: &Path, tags: &Tags, top: usize) -> std::io::Result<Processes> {
        let folder = rustix::fs::open(proc, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Processes {
            folder,
            states: Row::new(&STATES, tags),
            tags: tags.clone(),
            top,
            before: HashMap::new(),
            walked: None,
            next: Span::ZERO,
            rests: false,
        })
    }

    /// Walks when it is time to.
    pub(super) fn poll(&mut self, clock: &dyn Fn() -> Span, buffer: &mut Vec<u8>, put: &mut Put) {
        let begun = clock();
        if begun < self.next {
            return;
        }
        let (states, found) = self.walk(buffer);
        // A folder without processes is no /proc of a running machine.
        if states.total > 0 {
            let counts = [states.total, states.sleeping, states.waiting, states.stopped, states.zombies];
            self.states.put(put, counts.map(|count| Some(f64::from(count))));
        }
        if self.top > 0 {
            self.put_top(found, begun, put);
        }
        // The very first walk is what the second one is compared with, so that one may follow at once.
        if std::mem::replace(&mut self.rests, true) {
            let cost = Span::from_nanos(clock().nanos() - begun.nanos());
            self.next = begun.plus(cost.times(REST));
        }
    }

    fn walk(&self, buffer: &mut Vec<u8>) -> (States, Vec<Process>) {
        let (mut states, mut found) = (States::default(), Vec::new());
        let mut names = [MaybeUninit::<u8>::uninit(); 8192];
        if rustix::fs::seek(&self.folder, rustix::fs::SeekFrom::Start(0)).is_err() {
            return (states, found);
        }
        let mut entries = RawDir::new(&self.folder, &mut names);
        while let Some(Ok(entry)) = entries.next() {
            let name = entry.file_name().to_bytes();
            if !name.first().is_some_and(u8::is_ascii_digit) {
                continue;
            }
            // A process may end between its name and its file.
            let Some(stat) = self.stat(name, buffer) else { continue };
            let Some(state) = state(stat) else { continue };
            states.count(state);
            if self.top > 0 {
                found.extend(Process::read(stat));
            }
        }
        (states, found)
    }

    fn stat<'b>(&self, pid: &[u8], buffer: &'b mut Vec<u8>) -> Option<&'b [u8]> {
        let mut path = [0u8; 32];
        let end = pid.len() + 5;
        path.get_mut(..pid.len())?.copy_from_slice(pid);
        path.get_mut(pid.len()..end)?.copy_from_slice(b"/stat");
        let file = rustix::fs::openat(&self.folder, &path[..end], OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        buffer.resize(buffer.len().max(4096), 0);
        let read = rustix::io::read(&file, buffer.as_mut_slice()).ok()?;
        Some(&buffer[..read])
    }

    /// Puts the processes that used most of the processors and of memory, each once.
    fn put_top(&mut self, found: Vec<Process>, at: Span, put: &mut Put) {
        let ticks_per_s = rustix::param::clock_ticks_per_second() as f64;
        let page_bytes = rustix::param::page_size() as f64;
        let elapsed_s = self.walked.map(|before| Span::from_nanos(at.nanos() - before.nanos()).secs_f64());
        self.walked = Some(at);
        let cores = |process: &Process| {
            let before = self.before.get(&(process.pid, process.started)).copied().unwrap_or(0);
            elapsed_s.and_then(|s| mean(process.ticks.saturating_sub(before) as f64 / ticks_per_s, s)).unwrap_or(0.0)
        };
        let mut ranked: Vec<(f64, &Process)> = found.iter().map(|process| (cores(process), process)).collect();
        let mut shown: Vec<(f64, &Process)> = Vec::with_capacity(2 * self.top);
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.pid.cmp(&b.1.pid)));
        shown.extend(ranked.iter().take(self.top).filter(|(cores, _)| *cores > 0.0));
        ranked.sort_by(|a, b| b.1.pages.cmp(&a.1.pages).then(a.1.pid.cmp(&b.1.pid)));
        for candidate in ranked.iter().take(self.top) {
            if !shown.iter().any(|(_, process)| process.pid == candidate.1.pid) {
                shown.push(*candidate);
            }
        }
        for (cores, process) in shown {
            let mut tags = self.tags.clone();
            tags.set("pid", process.pid.to_string());
            tags.set("process", String::from_utf8_lossy(&process.name));
            Row::new(&PROCESS, &tags).put(put, [elapsed_s.map(|_| cores), Some(process.pages as f64 * page_bytes)]);
        }
        self.before = found.iter().map(|process| ((process.pid, process.started), process.ticks)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_be_called_anything() {
        let stat = b"4711 (a ) R (b)) S 1 4711 4711 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 3 0 8812 1000000 2048 18446744073709551615";
        assert_eq!(
            Process::read(stat),
            Some(Process { pid: 4711, name: b"a ) R (b)".to_vec(), state: b'S', ticks: 300, started: 8812, pages: 2048 })
        );
        assert_eq!(state(stat), Some(b'S'));
        assert_eq!(Process::read(b"4711 (cut"), None);
    }

    #[test]
    fn a_walk_that_is_dear_is_done_less_often() {
        let time = std::cell::Cell::new(0i64);
        // Every look at the clock finds 10 ms gone, so a walk takes 10 ms and the next is due 5 s later.
        let clock = || {
            time.set(time.get() + 10_000_000);
            Span::from_nanos(time.get())
        };
        let mut processes = Processes::new(Path::new("/proc"), &Tags::new(), 0).unwrap();
        let mut walks = Vec::new();
        for second in 0..11 {
            time.set(second * 1_000_000_000);
            let mut met = false;
            processes.poll(&clock, &mut Vec::new(), &mut |series, _| met |= series.metric == "processes.total");
            if met {
                walks.push(second);
            }
        }
        assert_eq!(walks, [0, 1, 6]);
    }
}
