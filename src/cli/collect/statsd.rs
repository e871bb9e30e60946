//! `collect statsd`: listen for StatsD over UDP, TCP or a Unix socket.

use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::cli::{Alive, Code, Failure, Io};
use crate::net::datagram::Socket;
use crate::net::lines::Server;
use crate::record::show;
use crate::source::statsd::{Ending, ListenError, Output, Plan, Sockets, listen};
use crate::time::Span;
use crate::wire::statsd::NameTags;

/// The buffer that is asked for, for each socket; the kernel holds twice as much.
const BUFFER: &str = "67108864";

/// A buffer below this is told: bursts of some milliseconds may be lost.
const SMALL_BUFFER_BYTES: usize = 1 << 20;

const MORE: &str = "\
Without --flush every metric becomes a sample at once. With it, each series gives one record for
each span: a window with sum and rate for counters, with percentiles for timers and histograms,
with the number of distinct members for sets, and the last value of a gauge.

Lines that can't be read are told and counted, never fatal; what the kernel drops is reported as
`collect.dropped`. Standard error says where it listens.";

const EXAMPLES: &str = "\
Examples:
  collect statsd --flush 10s | emit --to /var/log/metrics/
  collect statsd | check 'p95(page.load) > 500ms'
  collect statsd --udp 0.0.0.0:8125 --unix /run/statsd.sock --flush 10s";

/// The arguments.
pub(super) fn command() -> Command {
    Command::new("statsd")
        .about("Listen for StatsD, with DogStatsD's tags, events and times, over UDP, TCP or a Unix socket")
        .before_help(EXAMPLES)
        .after_help(MORE)
        .arg(option(
            "udp",
            "ADDRESS",
            "Listen for UDP there; a bare port is one of 127.0.0.1 [default: 8125, unless --tcp or --unix is given]",
        ))
        .arg(option("tcp", "ADDRESS", "Listen for lines over TCP there; at most 256 connections"))
        .arg(option("unix", "PATH", "Listen for datagrams at a Unix socket there"))
        .arg(option("flush", "DURATION", "Sum up, and write one record a series and span of so long: `10s`"))
        .arg(
            option("tags", "STYLE", "Also read tags inside names: influx (a,k=v), librato (a#k=v), signalfx (a[k=v]) or all")
                .default_value("dogstatsd"),
        )
        .arg(
            option("max-series", "COUNT", "Keep at most so many series apart; further ones are summed up in `collect.overflow`")
                .default_value("100000"),
        )
        .arg(option("buffer", "BYTES", "Ask the kernel for so large a buffer for each socket").default_value(BUFFER))
        .args(crate::cli::alive::options())
        .arg(flag("repeat-gauges", "With --flush, write gauges that were not set again, for an hour"))
        .arg(flag("sketch", "With --flush, let windows carry the sketch of their values, by which they can be merged"))
}

fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// Listens until asked to end.
///
/// # Errors
/// When the arguments make no sense, an address can't be bound, or reading or writing fails.
pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let plan = plan(matches)?;
    let sockets = Addresses::new(matches)?.bind(io)?;
    let (clock, stop) = (io.clock, io.stop.clone());
    Alive::begin("collect", "collector", matches, io)?;
    let (alive, beats, writing) = (io.alive.clone(), Mutex::new(Vec::new()), AtomicBool::new(false));
    // Asked each time that the receiving loop turns. While standard output is not read, nothing is told.
    let asked = || {
        if !writing.load(Ordering::Relaxed)
            && let Some(beat) = alive.turn()
        {
            *beats.lock().unwrap_or_else(PoisonError::into_inner) = beat;
        }
        stop.asked()
    };
    let ending = Ending { asked: &asked, fd: stop.fd() };
    let mut out = Streams { stdout: &mut *io.stdout, stderr: &mut *io.stderr, beats: &beats, writing: &writing };
    match listen(&plan, sockets, &|| clock.now(), ending, &mut out) {
        Ok(_) => Ok(Code::OK),
        Err(ListenError::Write(error)) => Err(Failure::stdout(error)),
        Err(ListenError::Receive(error)) => Err(Failure::io("statsd: cannot receive", error)),
    }
}

fn plan(matches: &ArgMatches) -> Result<Plan, Failure> {
    let flush = match matches.get_one::<String>("flush") {
        None => None,
        Some(text) => Some(Span::parse(text).map_err(|error| Failure::usage(format!("--flush: {error}")))?),
    };
    if flush.is_some_and(|flush| flush < Span::from_millis(100)) {
        return Err(Failure::usage("--flush: the span must be 100ms at least"));
    }
    for name in ["repeat-gauges", "sketch"] {
        if matches.get_flag(name) && flush.is_none() {
            return Err(Failure::usage_hint(format!("--{name} needs --flush"), "add `--flush 10s`"));
        }
    }
    let names = text(matches, "tags");
    Ok(Plan {
        flush,
        names: NameTags::parse(names).ok_or_else(|| {
            Failure::usage_hint(
                format!("--tags: unknown style `{}`", show(names.as_bytes(), 40)),
                format!("the styles are {}", NameTags::NAMES.join(", ")),
            )
        })?,
        max_series: count(matches, "max-series", 10_000_000)?,
        repeat_gauges: matches.get_flag("repeat-gauges"),
        sketches: matches.get_flag("sketch"),
    })
}

fn text<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}

/// A whole number from 1 to `most`.
fn count(matches: &ArgMatches, name: &str, most: usize) -> Result<usize, Failure> {
    let found = text(matches, name);
    found
        .parse()
        .ok()
        .filter(|count| (1..=most).contains(count))
        .ok_or_else(|| Failure::usage(format!("--{name}: `{}` is no whole number from 1 to {most}", show(found.as_bytes(), 40))))
}

/// Where to listen, as typed.
struct Addresses {
    udp: Vec<SocketAddr>,
    tcp: Option<SocketAddr>,
    unix: Option<PathBuf>,
    buffer_bytes: usize,
}

impl Addresses {
    fn new(matches: &ArgMatches) -> Result<Addresses, Failure> {
        let tcp = matches.get_one::<String>("tcp").map(|text| address("--tcp", text)).transpose()?;
        let unix = matches.get_one::<String>("unix").map(PathBuf::from);
        let udp = match matches.get_one::<String>("udp") {
            Some(text) => vec![address("--udp", text)?],
            None if tcp.is_some() || unix.is_some() => Vec::new(),
            None => vec![SocketAddr::from(([127, 0, 0, 1], 8125))],
        };
        Ok(Addresses { udp, tcp, unix, buffer_bytes: count(matches, "buffer", 1 << 30)? })
    }

    /// Binds all of them, and says so.
    fn bind(&self, io: &mut Io) -> Result<Sockets, Failure> {
        let mut sockets = Sockets::default();
        for address in &self.udp {
            let socket = Socket::udp(*address, self.buffer_bytes).map_err(|error| cannot_bind(&format!("udp {address}"), error))?;
            io.tell("collect", format!("statsd: listening on udp {}", socket.address().unwrap_or(*address)));
            tell_small(io, &socket);
            sockets.datagrams.push(socket);
        }
        if let Some(path) = &self.unix {
            let shown = show_path(path);
            let socket = Socket::unix(path, self.buffer_bytes).map_err(|error| cannot_bind(&format!("unix {shown}"), error))?;
            io.tell("collect", format!("statsd: listening on unix {shown}"));
            sockets.datagrams.push(socket);
        }
        if let Some(address) = self.tcp {
            let server = Server::listen(address).map_err(|error| cannot_bind(&format!("tcp {address}"), error))?;
            io.tell("collect", format!("statsd: listening on tcp {}", server.address().unwrap_or(address)));
            sockets.server = Some(server);
        }
        Ok(sockets)
    }
}

fn show_path(path: &Path) -> String {
    show(path.as_os_str().as_encoded_bytes(), 200)
}

fn cannot_bind(what: &str, error: io::Error) -> Failure {
    Failure::io(format!("statsd: {what}: cannot listen"), error)
}

fn tell_small(io: &mut Io, socket: &Socket) {
    let bytes = socket.buffer_bytes();
    if bytes < SMALL_BUFFER_BYTES {
        let message = format!("statsd: the kernel gave a buffer of {bytes} bytes only; bursts may be lost (and are counted)");
        io.tell("collect", format!("{message}\nhint: as root: sysctl net.core.rmem_max=33554432"));
    }
}

/// Reads `127.0.0.1:8125`, `[::1]:8125`, `localhost:8125`, or a bare port of 127.0.0.1.
fn address(option: &str, text: &str) -> Result<SocketAddr, Failure> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let found = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    found.ok_or_else(|| {
        Failure::usage_hint(
            format!("{option}: `{}` is no address to listen on", show(text.as_bytes(), 80)),
            "write a port, or address and port as in `0.0.0.0:8125`",
        )
    })
}

/// The streams that the listener writes to.
struct Streams<'a> {
    stdout: &'a mut (dyn Write + Send),
    stderr: &'a mut (dyn Write + Send),
    /// The program's own beat, which goes with the next records.
    beats: &'a Mutex<Vec<u8>>,
    /// Whether a write is under way.
    writing: &'a AtomicBool,
}

impl Output for Streams<'_> {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let beat = std::mem::take(&mut *self.beats.lock().unwrap_or_else(PoisonError::into_inner));
        self.writing.store(true, Ordering::Relaxed);
        let written = self.stdout.write_all(&beat).and_then(|()| self.stdout.write_all(lines)).and_then(|()| self.stdout.flush());
        self.writing.store(false, Ordering::Relaxed);
        written
    }

    fn tell(&mut self, message: &str) {
        // When standard error is closed nobody can be told, and the work matters more.
        let _ = writeln!(self.stderr, "collect: {message}");
    }
}
