//! The parsers against a fixed /proc, of which node_exporter's reading is known, and against this machine.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::*;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/host_proc")
}

fn options(proc: PathBuf) -> Options {
    Options { proc, tags: Tags::new(), per_core: true, top: 3 }
}

/// All values of the `polls`-th poll, by `metric{tags}`; polls are one second apart.
fn polled(options: &Options, polls: i64) -> BTreeMap<String, f64> {
    let mut host = Host::new(options);
    let mut values = BTreeMap::new();
    for poll in 0..polls {
        values.clear();
        host.poll(&|| Span::from_nanos(poll * 1_000_000_000), &mut |series, value| {
            assert!(value.is_finite(), "{series}");
            assert_eq!(values.insert(series.to_string(), value), None, "{series} came twice");
        });
    }
    values
}

/// node_exporter's reading, by `name{label="…"}`.
fn expected() -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(fixture().join("expected.prom")).unwrap();
    let pair = |line: &str| line.rsplit_once(' ').map(|(name, value)| (name.to_owned(), value.parse().unwrap()));
    text.lines().filter_map(pair).collect()
}

#[track_caller]
fn same(ours: Option<&f64>, theirs: Option<&f64>, name: &str) {
    let (ours, theirs) = (*ours.unwrap_or_else(|| panic!("we lack {name}")), *theirs.unwrap_or_else(|| panic!("they lack {name}")));
    assert!((ours - theirs).abs() <= theirs.abs() * 1e-9, "{name}: {ours} is not {theirs}");
}

#[test]
fn what_node_exporter_reads_too_is_the_same() {
    let (ours, theirs) = (polled(&options(fixture().join("proc")), 1), expected());
    let names = [
        ("load.1", "load1"),
        ("load.5", "load5"),
        ("load.15", "load15"),
        ("memory.total", "memory_MemTotal_bytes"),
        ("memory.free", "memory_MemFree_bytes"),
        ("memory.buffers", "memory_Buffers_bytes"),
        ("memory.cached", "memory_Cached_bytes"),
        ("memory.slab", "memory_Slab_bytes"),
        ("memory.shared", "memory_Shmem_bytes"),
        ("memory.dirty", "memory_Dirty_bytes"),
        ("memory.committed", "memory_Committed_AS_bytes"),
        ("swap.total", "memory_SwapTotal_bytes"),
        ("swap.free", "memory_SwapFree_bytes"),
        ("swap.cached", "memory_SwapCached_bytes"),
        ("memory.major_faults", "vmstat_pgmajfault"),
        ("files.open", "filefd_allocated"),
        ("files.limit", "filefd_maximum"),
        ("system.context_switches", "context_switches_total"),
        ("system.interrupts", "intr_total"),
        ("system.forks", "forks_total"),
        ("processes.running", "procs_running"),
        ("processes.blocked", "procs_blocked"),
        ("tcp.connections", "netstat_Tcp_CurrEstab"),
        ("tcp.opened", "netstat_Tcp_ActiveOpens"),
        ("tcp.accepted", "netstat_Tcp_PassiveOpens"),
        ("tcp.resets", "netstat_Tcp_OutRsts"),
        ("tcp.received", "netstat_Tcp_InSegs"),
        ("tcp.sent", "netstat_Tcp_OutSegs"),
        ("tcp.retransmits", "netstat_Tcp_RetransSegs"),
        ("tcp.errors", "netstat_Tcp_InErrs"),
        ("tcp.listen.drops", "netstat_TcpExt_ListenDrops"),
        ("tcp.listen.overflows", "netstat_TcpExt_ListenOverflows"),
        ("tcp.timeouts", "netstat_TcpExt_TCPTimeouts"),
        ("udp.received", "netstat_Udp_InDatagrams"),
        ("udp.sent", "netstat_Udp_OutDatagrams"),
        ("udp.errors", "netstat_Udp_InErrors"),
        ("udp.overflows", "netstat_Udp_RcvbufErrors"),
        ("sockets.used", "sockstat_sockets_used"),
        ("sockets.tcp", "sockstat_TCP_inuse"),
        ("sockets.udp", "sockstat_UDP_inuse"),
        ("sockets.tcp.waiting", "sockstat_TCP_tw"),
        ("sockets.tcp.orphaned", "sockstat_TCP_orphan"),
    ];
    for (our, their) in names {
        same(ours.get(our), theirs.get(&format!("node_{their}")), our);
    }
    let pages = rustix::param::page_size() as f64;
    for (our, their) in [("swap.in", "node_vmstat_pswpin"), ("swap.out", "node_vmstat_pswpout")] {
        same(ours.get(our), theirs.get(their).map(|count| count * pages).as_ref(), our);
    }
}

#[test]
fn disks_are_read_as_node_exporter_reads_them() {
    let (ours, theirs) = (polled(&options(fixture().join("proc")), 1), expected());
    let names = [
        ("disk.reads", "reads_completed_total"),
        ("disk.writes", "writes_completed_total"),
        ("disk.read", "read_bytes_total"),
        ("disk.written", "written_bytes_total"),
        ("disk.in_flight", "io_now"),
    ];
    let devices = ["sda", "dm-0", "dm-3", "mmcblk0", "vda", "nvme0n1"];
    for device in devices {
        for (our, their) in names {
            let their = format!("node_disk_{their}{{device=\"{device}\"}}");
            same(ours.get(&format!("{our}{{device={device}}}")), theirs.get(&their), &their);
        }
    }
    for left_out in ["sda1", "nvme0n1p2", "mmcblk0p1", "fd0", "ram0", "loop0", "sr0"] {
        assert!(!ours.contains_key(&format!("disk.reads{{device={left_out}}}")), "{left_out}");
    }
}

/// A copy of the fixture in which files can be changed.
fn changed(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn shares_of_the_processors_are_those_since_the_last_poll() {
    let folder = changed(&[("stat", "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 100 0 100 800 0 0 0 0 0 0\n")]);
    let mut host = Host::new(&options(folder.path().to_owned()));
    let time = Cell::new(0);
    let mut poll = || {
        let mut values = BTreeMap::new();
        time.set(time.get() + 1_000_000_000);
        host.poll(&|| Span::from_nanos(time.get()), &mut |series, value| {
            values.insert(series.to_string(), value);
        });
        values
    };
    assert_eq!(poll(), BTreeMap::from([("cpu.count".to_owned(), 1.0)]), "no share can be told from one reading");
    // The file is read again from the same open handle, so it is rewritten in place.
    std::fs::write(folder.path().join("stat"), "cpu  130 5 110 840 10 0 0 5 8 0\ncpu0 130 5 110 840 10 0 0 5 8 0\n").unwrap();
    let values = poll();
    let share = |name: &str| values[name];
    assert_eq!(
        ["cpu.user", "cpu.nice", "cpu.system", "cpu.idle", "cpu.iowait", "cpu.steal", "cpu.guest", "cpu.used"].map(share),
        [0.3, 0.05, 0.1, 0.4, 0.1, 0.05, 0.08, 0.5]
    );
    assert_eq!(share("core.used{core=0}"), 0.5);
    assert!(!poll().contains_key("cpu.used"), "when no tick has passed there is no share");
}

#[test]
fn every_metric_that_is_put_is_in_the_table_with_its_unit_and_type() {
    let mut known: BTreeMap<&str, &Metric> = BTreeMap::new();
    for metric in metrics() {
        assert!(known.insert(metric.name, metric).is_none(), "{} is there twice", metric.name);
        assert!(crate::record::check_name(metric.name).is_ok() && !metric.unit.is_empty() && !metric.what.is_empty());
    }
    let mut met = BTreeSet::new();
    let mut host = Host::new(&options(PathBuf::from("/proc")));
    for poll in 0..2 {
        host.poll(&|| Span::from_nanos(poll * 1_000_000_000), &mut |series, _| {
            let metric = known.get(series.metric.as_str()).unwrap_or_else(|| panic!("{series} is not in the table"));
            assert_eq!((series.unit.as_deref(), series.kind), (Some(metric.unit), metric.kind), "{series}");
            met.insert(metric.name);
        });
    }
    for name in ["load.1", "memory.used", "system.uptime", "processes.total"] {
        assert!(met.contains(name), "this machine tells no {name}");
    }
}

#[test]
fn this_machine_is_told_as_its_own_files_have_it() {
    let ours = polled(&Options { proc: "/proc".into(), tags: Tags::new(), per_core: false, top: 0 }, 1);
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    let kib = |name: &str| -> f64 {
        let line = meminfo.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    assert_eq!(ours["memory.total"], kib("MemTotal:") * 1024.0);
    assert!((ours["memory.available"] / (kib("MemAvailable:") * 1024.0) - 1.0).abs() < 0.25);
    let cores = std::thread::available_parallelism().unwrap().get();
    assert!(ours["cpu.count"] >= cores as f64);
    let space = rustix::fs::statvfs("/").unwrap();
    let root = ours.iter().find(|(name, _)| name.starts_with("disk.total{") && name.ends_with(",mount=/}"));
    if let Some((_, total)) = root {
        assert_eq!(*total, (space.f_blocks * space.f_frsize) as f64);
    }
}

#[test]
fn what_is_not_there_is_left_out_and_told_once() {
    let folder = changed(&[("loadavg", "0.21 0.37 0.39 1/719 19737\n")]);
    let mut host = Host::new(&options(folder.path().to_owned()));
    let mut names = Vec::new();
    host.poll(&|| Span::ZERO, &mut |series, _| names.push(series.metric.clone()));
    assert_eq!(names, ["load.1", "load.5", "load.15", "processes.threads"]);
    assert_eq!(host.missing().len(), 14);
    host.poll(&|| Span::ZERO, &mut |_, _| {});
    assert!(host.missing().is_empty());
}

#[test]
fn files_of_nonsense_are_no_values_and_no_crash() {
    let nonsense = "cpu cpu cpu\nTcp: a b\nTcp: \n 8 0 sda x y\neth0: 1 2 3\nsome total=x\n\0\u{ff}: ( ) -1\n";
    let paths = ["stat", "loadavg", "meminfo", "vmstat", "diskstats", "net/dev", "net/snmp", "net/netstat", "net/sockstat"];
    let more = ["sys/fs/file-nr", "uptime", "self/mounts", "pressure/cpu", "pressure/io", "pressure/memory"];
    let files: Vec<(&str, &str)> = paths.iter().chain(&more).map(|path| (*path, nonsense)).collect();
    let folder = changed(&files);
    let values = polled(&options(folder.path().to_owned()), 3);
    assert_eq!(values.keys().collect::<Vec<_>>(), ["cpu.count"], "the header of the processors alone can be read");
}

/// The files of the fixture.
const FILES: [&str; 13] = [
    "stat",
    "loadavg",
    "meminfo",
    "vmstat",
    "diskstats",
    "net/snmp",
    "net/netstat",
    "net/sockstat",
    "net/dev",
    "sys/fs/file-nr",
    "pressure/cpu",
    "pressure/io",
    "pressure/memory",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn damaged_files_give_finite_numbers_and_no_crash(damage in proptest::collection::vec((0usize..4000, "[0-9a-z :\n\\-]{1,24}"), 1..12)) {
        let folder = tempfile::tempdir().unwrap();
        let mut host = None;
        // Twice, so that differences are damaged too.
        for poll in 0..2 {
            for path in FILES {
                let mut text = std::fs::read(fixture().join("proc").join(path)).unwrap_or_else(|_| b"eth0: 1 2 3 4 5 6 7 8 9 10 11 12\n".to_vec());
                for (at, bytes) in damage.iter().skip(poll) {
                    let at = at % text.len();
                    text.splice(at..(at + bytes.len() / 2).min(text.len()), bytes.bytes());
                }
                let path = folder.path().join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            let host = host.get_or_insert_with(|| Host::new(&options(folder.path().to_owned())));
            host.poll(&|| Span::from_secs(poll as u32), &mut |series, value| assert!(value.is_finite(), "{series}"));
        }
    }
}
