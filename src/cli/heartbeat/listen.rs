//! `heartbeat listen`: takes pings by HTTP, and shows and judges what they say.
//!
//! Speaks the ping and the management interface of healthchecks, and Uptime Kuma's push address. A ping is answered
//! when its beat stands in the history and is on the disk.

mod book;
mod bucket;
mod change;
mod check;
mod clerk;
mod desk;
mod follow;
mod keys;
mod manage;
mod pings;
mod say;
mod schedule;
mod shape;
mod start;
mod sweep;
mod views;

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};

use self::desk::Plan;
use self::keys::Keys;
use crate::cli::{Code, Failure, Io};
use crate::net::listener::{Limits, is_loopback};
use crate::record::show;
use crate::store::state::State;

const EXAMPLES: &str = "\
Examples:
  heartbeat listen                          takes pings at 127.0.0.1:8700; its page is http://127.0.0.1:8700/
  heartbeat listen --show-keys              the keys, for clients
  curl -m 10 http://127.0.0.1:8700/ping/PING_KEY/nightly-backup?create=1
  heartbeat listen | notify                 and people are told";

const NOTES: &str = "\
A ping is answered once its beat is on the disk, in DIR/beats. Jobs are made by a first ping with
`?create=1` or by the management interface (/api/v3). Bound to more than
this machine, the status page and /metrics ask for the read key: ?key=READ_KEY.";

/// The arguments.
pub(super) fn command() -> Command {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    Command::new("listen")
        .about("Take pings by HTTP, as healthchecks and Uptime Kuma do; say verdicts; show a status page")
        .before_help(EXAMPLES)
        .after_help(NOTES)
        .arg(value("bind", "ADDRESS", "Listen there; a bare port is one of 127.0.0.1").default_value("127.0.0.1:8700"))
        .arg(value("url", "URL", "What clients call this listener, where it stands behind a proxy: `https://beats.example`"))
        .arg(value("rate", "COUNT", "Take so many pings a second of each job, and twice as many at once").default_value("100"))
        .arg(value("jobs", "COUNT", "Let at most so many jobs be made").default_value("10000"))
        .arg(value("body", "BYTES", "Keep so much of a ping's body").default_value("10000"))
        .arg(value("connections", "COUNT", "Keep at most so many connections open").default_value("4096"))
        .arg(super::state_dir_option().alias("state"))
        .args(super::peer::options())
        .arg(Arg::new("no-verdicts").long("no-verdicts").action(ArgAction::SetTrue).help("Write no verdicts to standard output"))
        .arg(Arg::new("show-keys").long("show-keys").action(ArgAction::SetTrue).help("Print the keys, and end"))
}

/// Listens until asked to end.
///
/// # Errors
/// When the arguments make no sense, the state can't be used, or the address can't be bound.
pub(super) fn run(matches: &ArgMatches, folder: &Path, io: &mut Io) -> Result<Code, Failure> {
    let address = address(matches)?;
    let plan = plan(matches, folder, address)?;
    let connections = count(matches, "connections", 1_000_000)?;
    let mut state = State::open(folder).map_err(|error| keys::unkept(&error))?;
    let keys = Keys::of(&mut state)?;
    if matches.get_flag("show-keys") {
        return show_keys(&keys, io);
    }
    let limits = Limits { connections, ..Limits::default() };
    super::peer::begin("listener", folder, matches, io)?;
    start::run(plan, keys, state, (address, limits), !matches.get_flag("no-verdicts"), io)
}

/// Prints the keys for the owner of the state; who can read the state could read them anyway.
fn show_keys(keys: &Keys, io: &mut Io) -> Result<Code, Failure> {
    let text = format!("ping {}\nmanage {}\nread {}\n", keys.ping, keys.manage, keys.read);
    io.stdout.write_all(text.as_bytes()).and_then(|()| io.stdout.flush()).map_err(Failure::stdout)?;
    Ok(Code::OK)
}

fn plan(matches: &ArgMatches, folder: &Path, address: SocketAddr) -> Result<Plan, Failure> {
    let url = matches.get_one::<String>("url").map(|url| url.trim_end_matches('/').to_owned());
    if url.as_deref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
        return Err(Failure::usage("--url: must begin with `http://` or `https://`"));
    }
    Ok(Plan {
        beats: folder.join("beats"),
        checks: count(matches, "jobs", 10_000_000)?,
        rate: u32::try_from(count(matches, "rate", 1_000_000)?).unwrap_or(u32::MAX),
        body: count(matches, "body", 1 << 20)?,
        url,
        public: !is_loopback(address.ip()),
    })
}

/// A whole number from 1 to `most`.
fn count(matches: &ArgMatches, name: &str, most: usize) -> Result<usize, Failure> {
    let found = matches.get_one::<String>(name).map_or("", String::as_str);
    let wrong = || Failure::usage(format!("--{name}: `{}` is no whole number from 1 to {most}", show(found.as_bytes(), 40)));
    found.parse().ok().filter(|count| (1..=most).contains(count)).ok_or_else(wrong)
}

/// Reads `127.0.0.1:8700`, `[::1]:8700`, `localhost:8700`, or a bare port of 127.0.0.1.
fn address(matches: &ArgMatches) -> Result<SocketAddr, Failure> {
    let text = matches.get_one::<String>("bind").map_or("", String::as_str);
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let found = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    found.ok_or_else(|| {
        Failure::usage_hint(
            format!("--bind: `{}` is no address to listen on", show(text.as_bytes(), 80)),
            "write a port, or address and port as in `0.0.0.0:8700`",
        )
    })
}
