//! Two machines that expect each other: `--peer`, for the subcommands that go on running.
//!
//! ```text
//! machine a: listen --heartbeat a --peer http://b/ping/KEY/  ──▶ machine b expects `a`
//! machine b: listen --heartbeat b --peer http://a/ping/KEY/  ──▶ machine a expects `b`
//! ```
//!
//! Each beats at home and at the other one. So whoever falls silent, a process, its machine or the line between them, is
//! missed by somebody who does not depend on it.

use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches};

use crate::cli::alive::{self, Alive, LIMIT};
use crate::cli::failure::system_words;
use crate::cli::{Failure, Io};
use crate::net::http::Client;

/// The options of a program that goes on running, and that other machines may expect.
pub(super) fn options() -> Vec<Arg> {
    let peer = Arg::new("peer")
        .long("peer")
        .value_name("URL")
        .action(ArgAction::Append)
        .requires("heartbeat")
        .help("Beat at another machine's listener too: http://HOST/ping/KEY/, file:PATH, env:NAME; may be repeated");
    alive::options().map(|option| option.hide(false)).into_iter().chain([peer]).collect()
}

/// Begins to beat as was typed.
///
/// # Errors
/// When an option makes no sense.
pub(super) fn begin(link: &str, state: &Path, matches: &ArgMatches, io: &mut Io) -> Result<(), Failure> {
    Alive::begin_by(post, state, ("heartbeat", link), matches, io)
}

/// Sends also with TLS.
fn post(address: &str, header: (&str, &str)) -> Result<u16, String> {
    let answer = Client::new(LIMIT).post(address, &[header], b"");
    answer.map(|answer| answer.status).map_err(|error| match error.system() {
        Some(system) => format!("{error}: {}", system_words(system)),
        None => error.to_string(),
    })
}
