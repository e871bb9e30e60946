//! How many pings `heartbeat listen` takes, how long each waits until it is on the disk, and whether one is ever lost.
//!
//! ```text
//! cargo bench --bench listen_load                                   # the bar: 20,000 a second from 1,000 clients
//! cargo bench --bench listen_load -- --rate 5000 --clients 200 --secs 5
//! cargo bench --bench listen_load -- --most                         # as many as it takes
//! cargo bench --bench listen_load -- --unknown 100000               # keys that nobody has
//! cargo bench --bench listen_load -- --kill 50                      # killed that often under load; nothing answered is lost
//! ```
//!
//! Server and clients share the machine. Every client keeps one connection open and has a beat of its own: it sends at
//! its instants, and a reply's latency counts from the instant at which its ping was due, so a server that stalls is
//! not spared. With `--most` each client sends again when it was answered. Exit status 1 when a bar is not met.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::collections::HashSet;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use pipewatch::store::state::{Kept, State};
use rustix::event::epoll;

/// The bar of latency: 99 of 100 within.
const P99: Duration = Duration::from_millis(50);

struct Load {
    /// Pings a second over all clients; `None` for as many as are answered.
    rate: Option<f64>,
    clients: usize,
    length: Duration,
}

struct Client {
    stream: TcpStream,
    code: String,
    /// When the ping under way was due; `None` when none is.
    due: Option<Instant>,
    /// When the next is.
    next: Instant,
    /// Instants that passed while it was waiting.
    late: std::collections::VecDeque<Instant>,
    got: Vec<u8>,
    run: u64,
}

#[derive(Default)]
struct Outcome {
    latencies: Vec<Duration>,
    answered: Vec<u64>,
    errors: usize,
    wall: Duration,
}

/// A listener, killed when dropped.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(state: &Path) -> Server {
        use std::io::BufRead;
        let mut child = Command::new(env!("CARGO_BIN_EXE_heartbeat"))
            .args(["listen", "--no-verdicts", "--rate", "1000000", "--bind", "127.0.0.1:0", "--state-dir"])
            .arg(state)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit("http://").next().unwrap().trim_end_matches('/').parse().unwrap_or_else(|_| panic!("{line}"));
        Server { child, address }
    }

    /// Processor time so far, and resident memory in MiB.
    fn cost(&self) -> (Duration, f64) {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<u64> = stat.rsplit(')').next().unwrap().split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
        (Duration::from_millis((fields[11] + fields[12]) * 10), fields[21] as f64 * 4096.0 / 1048576.0)
    }
}

fn code(n: usize) -> String {
    format!("00000000-0000-4000-8000-{n:012x}")
}

/// Makes the checks that the clients ping.
fn prepare(state: &Path, clients: usize) {
    let kept = (0..clients).map(|n| Kept { code: code(n), spec: format!(r#"{{"beat":"job-{n}","name":"job-{n}","slug":"job-{n}"}}"#) });
    State::open(state).unwrap().listen_keep(&kept.collect::<Vec<_>>()).unwrap();
}

fn run(address: SocketAddr, load: &Load, first_run: u64, stop: &dyn Fn(Duration) -> bool) -> Outcome {
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let begin = Instant::now() + Duration::from_millis(200);
    let gap = load.rate.map(|rate| Duration::from_secs_f64(load.clients as f64 / rate));
    let mut clients: Vec<Client> = (0..load.clients)
        .map(|n| {
            let stream = TcpStream::connect(address).unwrap();
            stream.set_nodelay(true).unwrap();
            stream.set_nonblocking(true).unwrap();
            epoll::add(&poll, stream.as_fd(), epoll::EventData::new_u64(n as u64), epoll::EventFlags::IN).unwrap();
            let next = begin + gap.map_or(Duration::ZERO, |gap| gap.mul_f64(n as f64 / load.clients as f64));
            Client { stream, code: code(n), due: None, next, late: Default::default(), got: Vec::new(), run: 0 }
        })
        .collect();
    let mut outcome = Outcome::default();
    let mut runs = first_run;
    let mut events = Vec::with_capacity(1024);
    // Which clients are to send, in the order of their instants: all have the same gap, so it stays sorted.
    let mut queue: std::collections::VecDeque<usize> = (0..load.clients).collect();
    let end = begin + load.length;
    let mut open = load.clients;
    loop {
        let now = Instant::now();
        if open == 0 || stop(now.saturating_duration_since(begin)) || (now >= end && clients.iter().all(|client| client.due.is_none())) {
            break;
        }
        while now < end
            && let Some(n) = queue.front().copied().filter(|n| clients[*n].next <= now)
        {
            queue.pop_front();
            let client = &mut clients[n];
            if client.due.is_some() {
                // Still waiting: it sends when it was answered, though due now.
                client.late.push_back(client.next);
            } else {
                runs += 1;
                client.send(runs, client.next);
            }
            if let Some(gap) = gap {
                client.next += gap;
                queue.push_back(n);
            }
        }
        let wait = rustix::event::Timespec { tv_sec: 0, tv_nsec: 500_000 };
        events.clear();
        let _ = epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), Some(&wait));
        for event in &events {
            let n = event.data.u64() as usize;
            match clients[n].receive(&mut outcome) {
                Received::Open => {}
                Received::Answered => {
                    let client = &mut clients[n];
                    if let Some(due) = client.late.pop_front() {
                        runs += 1;
                        client.send(runs, due);
                    } else if gap.is_none() {
                        client.next = Instant::now();
                        queue.push_back(n);
                    }
                }
                Received::Closed => {
                    open -= 1;
                    let _ = epoll::delete(&poll, clients[n].stream.as_fd());
                    clients[n].due = None;
                    clients[n].late.clear();
                    queue.retain(|other| *other != n);
                }
            }
        }
    }
    outcome.wall = begin.elapsed();
    outcome
}

enum Received {
    Open,
    Answered,
    Closed,
}

impl Client {
    fn send(&mut self, run: u64, due: Instant) {
        self.due = Some(due);
        self.run = run;
        let request = format!(
            "GET /ping/{}?rid=00000000-0000-4000-9000-{run:012x} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n",
            self.code
        );
        // A request is far smaller than the socket's buffer, so it is taken whole; a closed one is seen when it is read.
        let _ = self.stream.write(request.as_bytes());
    }

    fn receive(&mut self, outcome: &mut Outcome) -> Received {
        let mut block = [0; 2048];
        match self.stream.read(&mut block) {
            Ok(0) => return Received::Closed,
            Ok(bytes) => self.got.extend_from_slice(&block[..bytes]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Received::Open,
            Err(_) => return Received::Closed,
        }
        if !self.got.ends_with(b"\r\n\r\nOK") {
            if self.got.windows(4).any(|four| four == b"\r\n\r\n") && !self.got.starts_with(b"HTTP/1.1 200") {
                outcome.errors += 1;
                self.got.clear();
                self.due = None;
                return Received::Answered;
            }
            return Received::Open;
        }
        self.got.clear();
        if let Some(due) = self.due.take() {
            outcome.latencies.push(due.elapsed());
            outcome.answered.push(self.run);
        }
        Received::Answered
    }
}

fn print(load: &Load, outcome: &mut Outcome, cpu: Duration, memory: f64, groups: u64) -> bool {
    outcome.latencies.sort();
    let at = |part: f64| outcome.latencies.get((outcome.latencies.len() as f64 * part) as usize).copied().unwrap_or_default();
    let count = outcome.latencies.len();
    let rate = count as f64 / outcome.wall.as_secs_f64();
    let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
    println!(
        "{} clients, {}: {count} answered in {:.1} s = {rate:.0}/s, {} refused; p50 {:.1} ms, p90 {:.1}, p99 {:.1}, p99.9 {:.1}, most {:.1}; \
         server: CPU {:.2} s = {:.1} us a ping, {memory:.0} MiB; {groups} syncs, {:.0} pings each",
        load.clients,
        load.rate.map_or("as fast as they are answered".into(), |rate| format!("{rate:.0}/s asked")),
        outcome.wall.as_secs_f64(),
        outcome.errors,
        ms(at(0.5)),
        ms(at(0.9)),
        ms(at(0.99)),
        ms(at(0.999)),
        ms(outcome.latencies.last().copied().unwrap_or_default()),
        cpu.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / count.max(1) as f64,
        count as f64 / groups.max(1) as f64,
    );
    let met = at(0.99) < P99 && outcome.errors == 0 && load.rate.is_none_or(|wanted| rate >= wanted * 0.98);
    println!("bar: p99 < {} ms at the rate asked: {}", P99.as_millis(), if met { "met" } else { "NOT MET" });
    met
}

/// The number of syncs so far.
fn groups(address: SocketAddr) -> u64 {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text.lines().find_map(|line| line.strip_prefix("pipewatch_listen_groups_total ")).unwrap().parse().unwrap()
}

fn measure(load: &Load, folder: &Path) -> bool {
    prepare(folder, load.clients);
    let server = Server::start(folder);
    let warm = Load { rate: load.rate.map(|rate| rate / 4.0), clients: load.clients, length: Duration::from_secs(1) };
    run(server.address, &warm, 1 << 40, &|_| false);
    let (before, groups_before) = (server.cost().0, groups(server.address));
    let mut outcome = run(server.address, load, 0, &|_| false);
    let (after, memory) = server.cost();
    let groups = groups(server.address) - groups_before;
    print(load, &mut outcome, after - before, memory, groups)
}

/// Kills the listener under load again and again, and looks for each answered ping in the history.
fn kill(load: &Load, rounds: u32, folder: &Path) -> bool {
    prepare(folder, load.clients);
    let mut answered: HashSet<u64> = HashSet::new();
    for round in 0..rounds {
        let mut server = Server::start(folder);
        let pid = rustix::process::Pid::from_child(&server.child);
        let after = Duration::from_millis(150 + u64::from(round) * 37 % 400);
        let killed = std::cell::Cell::new(false);
        let outcome = run(server.address, load, u64::from(round + 1) << 24, &|passed| {
            if passed >= after && !killed.replace(true) {
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            }
            false
        });
        let _ = server.child.wait();
        answered.extend(outcome.answered);
    }
    let mut found = HashSet::new();
    for entry in std::fs::read_dir(folder.join("beats")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "ndjson") {
            let text = std::fs::read_to_string(path).unwrap();
            found.extend(
                text.lines().filter_map(|line| line.split("-9000-").nth(1)).filter_map(|rest| u64::from_str_radix(&rest[..12], 16).ok()),
            );
        }
    }
    let lost = answered.difference(&found).count();
    println!(
        "killed {rounds} times under load: {} pings answered OK, {lost} of them missing: {}",
        answered.len(),
        if lost == 0 { "met" } else { "NOT MET" }
    );
    lost == 0 && !answered.is_empty()
}

/// Asks for keys that nobody has, a hundred to a write, and looks at the memory and at how a good ping fares meanwhile.
fn unknown(count: usize, folder: &Path) -> bool {
    prepare(folder, 1);
    let server = Server::start(folder);
    let good = Load { rate: Some(100.0), clients: 1, length: Duration::from_secs(1) };
    run(server.address, &good, 1 << 40, &|_| false);
    let before = server.cost().1;
    let address = server.address;
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let done = std::sync::Arc::clone(&over);
    let begin = Instant::now();
    let mean = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut part = vec![0; 1 << 16];
        for block in 0..count.div_ceil(100) {
            let asked: String = (0..100)
                .map(|n| format!("GET /ping/10000000-0000-4000-8000-{:012x} HTTP/1.1\r\nHost: x\r\n\r\n", block * 100 + n))
                .collect();
            stream.write_all(asked.as_bytes()).unwrap();
            let mut found = 0;
            while found < 100 {
                let bytes = stream.read(&mut part).unwrap();
                assert!(bytes > 0, "closed");
                // A reply ends in `not found`; one that is cut between two reads is found by its last letters.
                found += part[..bytes].windows(2).filter(|two| two == b"nd").count();
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let load = Load { rate: Some(100.0), clients: 1, length: Duration::from_secs(120) };
    let mut outcome = run(server.address, &load, 0, &|_| over.load(std::sync::atomic::Ordering::Relaxed));
    let took = begin.elapsed();
    mean.join().unwrap();
    outcome.latencies.sort();
    let worst = outcome.latencies.last().copied().unwrap_or_default();
    let grown = server.cost().1 - before;
    let met = grown < 10.0 && worst < Duration::from_secs(1);
    println!(
        "{count} unknown keys in {:.1} s: grown by {grown:.1} MiB, a good ping meanwhile took {:.0} ms at most: {}",
        took.as_secs_f64(),
        worst.as_secs_f64() * 1000.0,
        if met { "met" } else { "NOT MET" }
    );
    met
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1)?.parse::<f64>().ok());
    let most = arguments.iter().any(|argument| argument == "--most");
    let load = Load {
        rate: (!most).then(|| number("--rate").unwrap_or(20_000.0)),
        clients: number("--clients").unwrap_or(1000.0) as usize,
        length: Duration::from_secs_f64(number("--secs").unwrap_or(10.0).clamp(0.5, 120.0)),
    };
    let folder = match arguments.iter().position(|argument| argument == "--folder").and_then(|at| arguments.get(at + 1)) {
        Some(folder) => tempfile::tempdir_in(folder).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let met = match (number("--kill"), number("--unknown")) {
        (Some(rounds), _) => kill(&load, rounds as u32, folder.path()),
        (_, Some(count)) => unknown(count as usize, folder.path()),
        _ => measure(&load, folder.path()),
    };
    if met { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
