//! This machine, from its `/proc`: [`Host`] polls all that [`metrics`] names.
//!
//! One file of /proc is one [`Subject`]: a parser with the memory of its last reading, which hands
//! out values by their series. Files stay open and are read again from their start into one
//! buffer, so that a poll costs some fifty system calls and no allocation.
//!
//! - Shares and means (`cpu.used`, `disk.latency`, `pressure.io.some`) are gauges over the time since
//!   the poll before, so the first poll has none; flows (`network.sent`) are counters since the start.
//! - A share is a ratio from 0 to 1, in unit `1`; `….used` always means such a share.
//! - What a machine does not have is left out, and [`Host::missing`] says so once.
//!
//! Holds no clock: what `poll` needs to know of time is an input.

mod disk;
mod memory;
mod metric;
mod network;
mod pressure;
mod processes;
mod space;
mod stat;
mod system;
mod text;

pub use metric::{Metric, Put};

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use crate::record::Tags;
use crate::time::Span;
use pressure::Resource;

/// Every metric of this source, in the order of its help.
pub fn metrics() -> impl Iterator<Item = &'static Metric> {
    let tables: [&'static [Metric]; 18] = [
        &stat::CPU,
        &stat::CORE,
        &system::LOAD,
        &pressure::CPU,
        &memory::MEMORY,
        &memory::MOVED,
        &pressure::MEMORY,
        &space::SPACE,
        &disk::DISK,
        &pressure::IO,
        &network::INTERFACE,
        &network::PROTOCOL,
        &network::TROUBLE,
        &network::SOCKET,
        &processes::STATES,
        &processes::PROCESS,
        &stat::KERNEL,
        &system::FILES,
    ];
    tables.into_iter().flatten().chain(&system::UPTIME)
}

/// What is learnt from one file of /proc.
trait Subject {
    /// Takes a reading of the file, which came `elapsed` after the one before, and puts its values.
    fn take(&mut self, text: &[u8], elapsed: Option<Span>, put: &mut Put);
}

/// What is to be polled.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that holds the kernel's files, mostly `/proc`.
    pub proc: PathBuf,
    /// Tags of every series.
    pub tags: Tags,
    /// Whether each core is told.
    pub per_core: bool,
    /// How many of the largest processes are told.
    pub top: usize,
}

/// A file that could not be read, and why.
#[derive(Debug)]
pub struct Missing {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

/// A file of /proc and what is learnt from it.
struct Watched {
    path: PathBuf,
    file: Option<File>,
    told: bool,
    read_at: Option<Span>,
    subject: Box<dyn Subject + Send>,
}

impl Watched {
    /// Reads the file from its start; it is opened on the first use and stays open.
    fn read<'b>(&mut self, buffer: &'b mut Vec<u8>) -> io::Result<&'b [u8]> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::open(&self.path)?),
        };
        let mut end = 0;
        loop {
            if buffer.len() < end + 4096 {
                buffer.resize(end + 16_384, 0);
            }
            match file.read_at(&mut buffer[end..], end as u64) {
                Ok(0) => return Ok(&buffer[..end]),
                Ok(read) => end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.file = None;
                    return Err(error);
                }
            }
        }
    }
}

/// The poller of one machine.
pub struct Host {
    watched: Vec<Watched>,
    processes: Option<processes::Processes>,
    buffer: Vec<u8>,
    missing: Vec<Missing>,
}

impl Host {
    /// A poller that has read nothing yet.
    pub fn new(options: &Options) -> Host {
        let tags = &options.tags;
        let watch = |path: &str, subject: Box<dyn Subject + Send>| Watched {
            path: options.proc.join(path),
            file: None,
            told: false,
            read_at: None,
            subject,
        };
        let pressure = |resource| Box::new(pressure::Pressure::new(tags, resource));
        let watched = vec![
            watch("stat", Box::new(stat::Stat::new(tags, options.per_core))),
            watch("loadavg", Box::new(system::Load::new(tags))),
            watch("pressure/cpu", pressure(Resource::Cpu)),
            watch("meminfo", Box::new(memory::Memory::new(tags))),
            watch("vmstat", Box::new(memory::Moved::new(tags))),
            watch("pressure/memory", pressure(Resource::Memory)),
            watch("self/mounts", Box::new(space::Space::new(tags))),
            watch("diskstats", Box::new(disk::Disks::new(tags))),
            watch("pressure/io", pressure(Resource::Io)),
            watch("net/dev", Box::new(network::Interfaces::new(tags))),
            watch("net/snmp", Box::new(network::Protocols::new(tags))),
            watch("net/netstat", Box::new(network::Trouble::new(tags))),
            watch("net/sockstat", Box::new(network::Sockets::new(tags))),
            watch("sys/fs/file-nr", Box::new(system::Files::new(tags))),
            watch("uptime", Box::new(system::Uptime::new(tags))),
        ];
        let mut missing = Vec::new();
        let processes = processes::Processes::new(&options.proc, tags, options.top);
        let processes = processes.map_err(|error| missing.push(Missing { path: options.proc.clone(), error })).ok();
        Host { watched, processes, buffer: Vec::new(), missing }
    }

    /// Reads everything once and puts the values.
    ///
    /// `clock` tells the time since some start, and never goes back.
    pub fn poll(&mut self, clock: &dyn Fn() -> Span, put: &mut Put) {
        for watched in &mut self.watched {
            let now = clock();
            match watched.read(&mut self.buffer) {
                Ok(text) => {
                    let elapsed = watched.read_at.replace(now).map(|before| Span::from_nanos(now.nanos() - before.nanos()));
                    watched.subject.take(text, elapsed, put);
                }
                Err(error) => {
                    watched.read_at = None;
                    if !std::mem::replace(&mut watched.told, true) {
                        self.missing.push(Missing { path: watched.path.clone(), error });
                    }
                }
            }
        }
        if let Some(processes) = &mut self.processes {
            processes.poll(clock, &mut self.buffer, put);
        }
    }

    /// The files that could not be read, each told once.
    pub fn missing(&mut self) -> Vec<Missing> {
        std::mem::take(&mut self.missing)
    }
}

/// The machine's name, as its kernel has it.
pub fn host_name(proc: &std::path::Path) -> Option<String> {
    let name = std::fs::read_to_string(proc.join("sys/kernel/hostname")).ok()?;
    Some(name.trim_end().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
