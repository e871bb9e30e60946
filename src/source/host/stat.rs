//! `/proc/stat`: where the processors' time went, and the kernel's counts.
//!
//! A line is `cpu0 user nice system idle iowait irq softirq steal guest guest_nice`, in ticks of
//! 1/100 s since the start; `user` holds `guest`, `nice` holds `guest_nice`, so these two don't
//! count to the whole (proc_stat(5)). Ratios are over the time since the last poll; `iowait` and
//! `idle` may fall on real machines, which counts as no growth.

use super::Subject;
use super::metric::{Metric, Put, Row, Things};
use super::text::{fields, lines, next_whole, ratio, value};
use crate::record::Tags;
use crate::time::Span;

/// The machine's processors taken together, and one core.
pub(super) static CPU: [Metric; 11] = [
    Metric::gauge("cpu.used", "1", "share of the processors' time that was not idle or waiting"),
    Metric::gauge("cpu.user", "1", "share spent in programs, guests included"),
    Metric::gauge("cpu.nice", "1", "share spent in programs of low priority"),
    Metric::gauge("cpu.system", "1", "share spent in the kernel"),
    Metric::gauge("cpu.iowait", "1", "share idle while a disk was waited for"),
    Metric::gauge("cpu.irq", "1", "share spent on interrupts"),
    Metric::gauge("cpu.softirq", "1", "share spent on deferred interrupt work"),
    Metric::gauge("cpu.steal", "1", "share the hypervisor gave to others"),
    Metric::gauge("cpu.guest", "1", "share spent running guests"),
    Metric::gauge("cpu.idle", "1", "share idle"),
    Metric::gauge("cpu.count", "{cores}", "cores that are online"),
];

/// One core, with `--per-core`.
pub(super) static CORE: [Metric; 5] = [
    Metric::gauge("core.used", "1", "as cpu.used, of the core in tag `core`"),
    Metric::gauge("core.user", "1", "as cpu.user, of one core"),
    Metric::gauge("core.system", "1", "as cpu.system, of one core"),
    Metric::gauge("core.iowait", "1", "as cpu.iowait, of one core"),
    Metric::gauge("core.steal", "1", "as cpu.steal, of one core"),
];

/// The kernel's counts.
pub(super) static KERNEL: [Metric; 5] = [
    Metric::counter("system.context_switches", "{switches}", "changes from one thread to another"),
    Metric::counter("system.interrupts", "{interrupts}", "interrupts served"),
    Metric::counter("system.forks", "{forks}", "processes and threads started"),
    Metric::gauge("processes.running", "{threads}", "threads that run or could run"),
    Metric::gauge("processes.blocked", "{threads}", "threads that wait for a disk"),
];

/// Where one processor's time went since the start, in ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ticks {
    user: u64,
    nice: u64,
    system: u64,
    idle: u64,
    iowait: u64,
    irq: u64,
    softirq: u64,
    steal: u64,
    guest: u64,
}

impl Ticks {
    /// Reads the fields after the name; what an old kernel does not have is zero.
    fn read<'a>(mut fields: impl Iterator<Item = &'a [u8]>) -> Ticks {
        let mut next = || next_whole(&mut fields).unwrap_or(0);
        Ticks {
            user: next(),
            nice: next(),
            system: next(),
            idle: next(),
            iowait: next(),
            irq: next(),
            softirq: next(),
            steal: next(),
            guest: next().saturating_add(next()),
        }
    }

    /// What each part grew by.
    fn since(&self, before: &Ticks) -> Ticks {
        Ticks {
            user: self.user.saturating_sub(before.user),
            nice: self.nice.saturating_sub(before.nice),
            system: self.system.saturating_sub(before.system),
            idle: self.idle.saturating_sub(before.idle),
            iowait: self.iowait.saturating_sub(before.iowait),
            irq: self.irq.saturating_sub(before.irq),
            softirq: self.softirq.saturating_sub(before.softirq),
            steal: self.steal.saturating_sub(before.steal),
            guest: self.guest.saturating_sub(before.guest),
        }
    }

    fn used(&self) -> u64 {
        [self.user, self.nice, self.system, self.irq, self.softirq, self.steal].into_iter().fold(0, u64::saturating_add)
    }

    /// The share of one part in the whole; `None` when no time has passed.
    fn share(&self, part: u64) -> Option<f64> {
        let whole = self.used().saturating_add(self.idle).saturating_add(self.iowait);
        ratio(part as f64, whole as f64)
    }
}

/// What a poll finds in `/proc/stat`, beside the cores.
#[derive(Debug, Default, PartialEq)]
struct Kernel {
    context_switches: Option<u64>,
    interrupts: Option<u64>,
    forks: Option<u64>,
    running: Option<u64>,
    blocked: Option<u64>,
}

/// The reader of `/proc/stat`.
pub(super) struct Stat {
    cpu: Row<11>,
    kernel: Row<5>,
    cores: Option<Things<Ticks, 5>>,
    before: Option<Ticks>,
}

impl Stat {
    /// A reader that has read nothing yet.
    pub(super) fn new(tags: &Tags, per_core: bool) -> Stat {
        Stat {
            cpu: Row::new(&CPU, tags),
            kernel: Row::new(&KERNEL, tags),
            cores: per_core.then(|| Things::new(&CORE, tags, "core")),
            before: None,
        }
    }

    fn put_cpu(&mut self, ticks: Ticks, cores: u32, put: &mut Put) {
        let grown = self.before.replace(ticks).map(|before| ticks.since(&before));
        let share = |part: fn(&Ticks) -> u64| grown.and_then(|grown| grown.share(part(&grown)));
        self.cpu.put(
            put,
            [
                share(Ticks::used),
                share(|ticks| ticks.user),
                share(|ticks| ticks.nice),
                share(|ticks| ticks.system),
                share(|ticks| ticks.iowait),
                share(|ticks| ticks.irq),
                share(|ticks| ticks.softirq),
                share(|ticks| ticks.steal),
                share(|ticks| ticks.guest),
                share(|ticks| ticks.idle),
                Some(f64::from(cores)),
            ],
        );
    }
}

fn put_core(cores: &mut Things<Ticks, 5>, name: &[u8], ticks: Ticks, put: &mut Put) {
    let (row, before) = cores.take(name, ticks);
    let Some(grown) = before.map(|before| ticks.since(&before)) else { return };
    let share = |part| grown.share(part);
    row.put(put, [share(grown.used()), share(grown.user), share(grown.system), share(grown.iowait), share(grown.steal)]);
}

impl Subject for Stat {
    fn take(&mut self, text: &[u8], _elapsed: Option<Span>, put: &mut Put) {
        let (mut all, mut cores, mut kernel) = (None, 0, Kernel::default());
        for line in lines(text) {
            let mut fields = fields(line);
            match fields.next() {
                Some(b"cpu") => all = Some(Ticks::read(fields)),
                Some(b"ctxt") => kernel.context_switches = next_whole(&mut fields),
                Some(b"intr") => kernel.interrupts = next_whole(&mut fields),
                Some(b"processes") => kernel.forks = next_whole(&mut fields),
                Some(b"procs_running") => kernel.running = next_whole(&mut fields),
                Some(b"procs_blocked") => kernel.blocked = next_whole(&mut fields),
                Some([b'c', b'p', b'u', name @ ..]) => {
                    cores += 1;
                    if let Some(things) = &mut self.cores {
                        put_core(things, name, Ticks::read(fields), put);
                    }
                }
                _ => {}
            }
        }
        if let Some(things) = &mut self.cores {
            things.forget_unseen();
        }
        if let Some(ticks) = all {
            self.put_cpu(ticks, cores, put);
        }
        let Kernel { context_switches, interrupts, forks, running, blocked } = kernel;
        self.kernel.put(put, [context_switches, interrupts, forks, running, blocked].map(value));
    }
}
