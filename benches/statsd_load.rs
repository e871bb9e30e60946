//! How many metrics `collect statsd` takes, and what one costs, beside a bare receiver in the same run.
//!
//! ```text
//! cargo bench --bench statsd_load                                    # the two loads of the bar
//! cargo bench --bench statsd_load -- --rate 100000 --per 5 --secs 5  # one of your own
//! ```
//!
//! The receiver has the first processor and the sender the last, both on loopback. The bare receiver
//! takes batches, splits `name:value|type` and sums by name: about the least that a server must do.
//! The processor time is that of the whole process, from start to end, as the kernel counts it.
//! Exit status 1 when a load was lost or cost more than its bar.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use pipewatch::net::datagram::{Batch, Socket};

/// The buffer of both receivers.
const BUFFER_BYTES: usize = 32 << 20;

/// Different metrics in a load.
const NAMES: u64 = 1000;

/// What is sent, and the bar that it is held to.
struct Load {
    datagrams_per_s: f64,
    metrics_per_datagram: u32,
    seconds: f64,
    most_us_per_metric: Option<f64>,
}

/// What a receiver got and what it cost.
struct Outcome {
    sent: u64,
    sent_in: Duration,
    lost: u64,
    us_per_metric: f64,
    /// Whether the sums are those that were sent.
    right: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.first().is_some_and(|argument| argument == "bare") {
        bare_receiver();
        return ExitCode::SUCCESS;
    }
    let number = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1)?.parse::<f64>().ok());
    let seconds = number("--secs").unwrap_or(10.0).clamp(0.1, 60.0);
    let loads = match number("--rate") {
        Some(datagrams_per_s) => {
            vec![Load { datagrams_per_s, metrics_per_datagram: number("--per").unwrap_or(1.0) as u32, seconds, most_us_per_metric: None }]
        }
        None => vec![
            Load { datagrams_per_s: 250_000.0, metrics_per_datagram: 1, seconds, most_us_per_metric: Some(2.0) },
            Load { datagrams_per_s: 80_000.0, metrics_per_datagram: 20, seconds, most_us_per_metric: Some(0.25) },
        ],
    };
    println!("{:<26} {:<12} {:>12} {:>12} {:>10} {:>12}", "load", "receiver", "sent", "metrics/s", "lost", "us/metric");
    let mut good = true;
    for load in &loads {
        for (name, run) in [("bare", run_bare as fn(&Load) -> Outcome), ("collect", run_collect)] {
            let outcome = run(load);
            let label = format!("{:.0}/s of {} metrics", load.datagrams_per_s, load.metrics_per_datagram);
            let per_s = outcome.sent as f64 * f64::from(load.metrics_per_datagram) / outcome.sent_in.as_secs_f64();
            println!("{label:<26} {name:<12} {:>12} {per_s:>12.0} {:>10} {:>12.3}", outcome.sent, outcome.lost, outcome.us_per_metric);
            let verdict = judge(load, &outcome);
            if name == "collect" {
                println!("  {}", verdict.as_ref().map_or_else(String::as_str, |()| "bar met"));
                good &= verdict.is_ok();
            }
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Holds what came of a load to its bar.
fn judge(load: &Load, outcome: &Outcome) -> Result<(), String> {
    let pace = outcome.sent as f64 / outcome.sent_in.as_secs_f64() / load.datagrams_per_s;
    match load.most_us_per_metric {
        _ if outcome.lost > 0 => Err(format!("BAR MISSED: {} datagrams lost", outcome.lost)),
        _ if !outcome.right => Err("BAR MISSED: the sums are not those that were sent".into()),
        Some(most) if outcome.us_per_metric > most => Err(format!("BAR MISSED: {most} us a metric at most")),
        _ if pace < 0.98 => Err(format!("NOT JUDGED: the sender reached {:.0} % of its pace; the machine is busy", pace * 100.0)),
        _ => Ok(()),
    }
}

fn run_bare(load: &Load) -> Outcome {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let (child, text, sent, sent_in, cpu) = run(command.arg("bare").stdout(Stdio::piped()), load, "port ");
    assert!(child.success());
    let found: Vec<u64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
    outcome(load, sent, sent_in, cpu, found[0], found[1])
}

fn run_collect(load: &Load) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_collect"));
    command.args(["statsd", "--udp", "127.0.0.1:0", "--flush", "10s", "--buffer", &BUFFER_BYTES.to_string()]);
    command.stdout(std::fs::File::create(&path).unwrap()).stderr(Stdio::piped());
    let (status, _, sent, sent_in, cpu) = run(&mut command, load, "collect: statsd: listening on udp 127.0.0.1:");
    assert!(status.success());
    let (mut datagrams, mut sum) = (0, 0.0);
    for line in std::fs::read_to_string(&path).unwrap().lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        if record["metric"] == "collect.received" && record["tags"]["of"] == "datagrams" {
            datagrams += record["value"].as_u64().unwrap();
        }
        sum += record["sum"].as_f64().unwrap_or(0.0);
    }
    outcome(load, sent, sent_in, cpu, datagrams, sum as u64)
}

/// What came of `received` datagrams whose metrics, each of value 1, add up to `sum`.
fn outcome(load: &Load, sent: u64, sent_in: Duration, cpu: Duration, received: u64, sum: u64) -> Outcome {
    let metrics = received * u64::from(load.metrics_per_datagram);
    Outcome { sent, sent_in, lost: sent - received, us_per_metric: cpu.as_secs_f64() * 1e6 / metrics as f64, right: sum == metrics }
}

/// Starts a receiver, which tells its port after `port_after`, sends it a load, ends it, and returns
/// its status, the rest of what it said, the datagrams sent, in which time, and its processor time.
fn run(command: &mut Command, load: &Load, port_after: &str) -> (std::process::ExitStatus, String, u64, Duration, Duration) {
    let before = children_cpu();
    // A child has the processor that its parent had when it began.
    pin(0);
    let mut child: Child = command.spawn().unwrap();
    pin(processors() - 1);
    let told: Box<dyn Read> = match (child.stdout.take(), child.stderr.take()) {
        (Some(stdout), _) => Box::new(stdout),
        (None, stderr) => Box::new(stderr.unwrap()),
    };
    let mut told = BufReader::new(told);
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    let port: u16 =
        line.strip_prefix(port_after).and_then(|port| port.trim().parse().ok()).unwrap_or_else(|| panic!("no port in {line:?}"));
    let (sent, sent_in) = send(load, SocketAddr::from(([127, 0, 0, 1], port)));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    let status = child.wait().unwrap();
    (status, rest, sent, sent_in, children_cpu() - before)
}

/// Sends datagrams of counters at the load's pace; returns how many, in which time.
fn send(load: &Load, to: SocketAddr) -> (u64, Duration) {
    /// So many go out by one call.
    const BATCH: usize = 32;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(to).unwrap();
    let datagrams = datagrams(load.metrics_per_datagram);
    let begin = Instant::now();
    let (mut sent, mut next) = (0u64, 0);
    loop {
        let elapsed = begin.elapsed();
        if elapsed.as_secs_f64() >= load.seconds {
            return (sent, elapsed);
        }
        let due = (elapsed.as_secs_f64() * load.datagrams_per_s) as u64 - sent.min((elapsed.as_secs_f64() * load.datagrams_per_s) as u64);
        if due < BATCH as u64 {
            std::thread::sleep(Duration::from_micros(50));
            continue;
        }
        if next + BATCH > datagrams.len() {
            next = 0;
        }
        sent += send_batch(&socket, &datagrams[next..next + BATCH]);
        next += BATCH;
    }
}

/// Sends datagrams by one call; returns how many went out.
fn send_batch(socket: &UdpSocket, datagrams: &[Vec<u8>]) -> u64 {
    let mut slices: Vec<libc::iovec> =
        datagrams.iter().map(|datagram| libc::iovec { iov_base: datagram.as_ptr().cast_mut().cast(), iov_len: datagram.len() }).collect();
    let mut headers: Vec<libc::mmsghdr> = slices
        .iter_mut()
        .map(|slice| {
            // SAFETY: plain numbers and pointers, for which zero is a valid value.
            let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
            header.msg_hdr.msg_iov = slice;
            header.msg_hdr.msg_iovlen = 1;
            header
        })
        .collect();
    // SAFETY: the headers point to slices, and those to datagrams, which all live until the call is over; sending only reads them.
    let count = unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), headers.len() as libc::c_uint, 0) };
    u64::try_from(count).unwrap_or(0)
}

/// Some thousand datagrams of counters, over and over the same names in a mixed order.
fn datagrams(metrics: u32) -> Vec<Vec<u8>> {
    let mut state = 1u64;
    let mut name = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % NAMES
    };
    let line = |name: u64| format!("shop.web{}.page{name}.{}:1|c", name % 10, ["requests", "errors", "cache.hit"][name as usize % 3]);
    (0..8192).map(|_| (0..metrics).map(|_| line(name())).collect::<Vec<_>>().join("\n").into_bytes()).collect()
}

/// Receives until asked to end, and writes how many datagrams came and the sum of their metrics.
fn bare_receiver() {
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, std::sync::Arc::clone(&stop)).unwrap();
    let socket = Socket::udp(SocketAddr::from(([127, 0, 0, 1], 0)), BUFFER_BYTES).unwrap();
    println!("port {}", socket.address().unwrap().port());
    let (mut batch, mut sums, mut count) = (Batch::new(), HashMap::<Vec<u8>, f64, hashbrown::DefaultHashBuilder>::default(), 0u64);
    loop {
        let ended = stop.load(std::sync::atomic::Ordering::Relaxed);
        if batch.receive(&socket).unwrap() == 0 {
            if ended {
                break;
            }
            let mut files = [rustix::event::PollFd::new(&socket, rustix::event::PollFlags::IN)];
            // A signal ends the wait with an error, and the next round sees it.
            let _ = rustix::event::poll(&mut files, None);
        }
        for datagram in batch.datagrams().flatten() {
            count += 1;
            datagram.split(|byte| *byte == b'\n').for_each(|line| add(&mut sums, line));
        }
    }
    println!("{count} {}", sums.values().sum::<f64>());
}

fn add(sums: &mut HashMap<Vec<u8>, f64, hashbrown::DefaultHashBuilder>, line: &[u8]) {
    let Some(colon) = memchr::memchr(b':', line) else { return };
    let digits = line[colon + 1..].iter().take_while(|byte| byte.is_ascii_digit());
    let value = digits.fold(0.0, |value, digit| value * 10.0 + f64::from(digit - b'0'));
    match sums.get_mut(&line[..colon]) {
        Some(sum) => *sum += value,
        None => drop(sums.insert(line[..colon].to_vec(), value)),
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).max(1)
}

/// Lets this thread, and what it starts from now on, run on one processor only.
fn pin(processor: usize) {
    // SAFETY: a set of processors is plain bits, for which zero is valid; the kernel only reads it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processor, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &raw const set);
    }
}

/// The processor time of all children that have ended.
fn children_cpu() -> Duration {
    // SAFETY: plain numbers, which the kernel fills.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    let time = |time: libc::timeval| Duration::from_micros(time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64);
    time(usage.ru_utime) + time(usage.ru_stime)
}
