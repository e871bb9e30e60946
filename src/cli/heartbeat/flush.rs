//! `heartbeat flush`: sends what waits for listeners, once or for as long as it is told to.

use std::time::{Duration, Instant};

use clap::{Arg, ArgMatches, Command};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{sending, state_dir_option, state_folder};
use crate::cli::beats::{Listener, Tried};
use crate::cli::failure::system_words;
use crate::cli::{Code, Failure, Io, Stop};
use crate::net::http::Client;
use crate::time::Span;

/// How long one request may take: nobody waits for it here.
const REQUEST: Span = Span::from_secs(10);

/// The first pause before a further try; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause: so soon a listener that is back has what it missed.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

pub(super) fn command() -> Command {
    Command::new("flush")
        .about("Send the beats that wait for a listener")
        .override_usage("heartbeat flush [OPTIONS]")
        .before_help(
            "Examples:\n  heartbeat flush               once\n  heartbeat flush --for 1h      until nothing waits, an hour at most",
        )
        .help_template("{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}")
        .arg(Arg::new("for").long("for").value_name("SPAN").help("Go on trying until nothing waits, at most for SPAN"))
        .arg(state_dir_option())
        .after_help("Exit: 0 nothing waits any more, 69 a listener did not answer, 75 another process is sending.")
}

pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let state = state_folder(matches, io);
    let patience = sending::span(matches, "for", Span::ZERO)?;
    let (listeners, stop) = (Listener::known(&state, &io.env), &io.stop);
    let results: Vec<Result<Tried, String>> = std::thread::scope(|scope| {
        let tries: Vec<_> = listeners.iter().map(|listener| scope.spawn(move || flush(listener, patience, stop))).collect();
        tries.into_iter().map(|one| one.join().unwrap_or_else(|_| Err("the thread that sends ended".into()))).collect()
    });
    let mut code = Code::OK;
    for (listener, result) in listeners.iter().zip(results) {
        let one = tell(listener, result, io);
        code = if code == Code::OK { one } else { code };
    }
    Ok(code)
}

/// Tells what became of one listener's beats.
fn tell(listener: &Listener, result: Result<Tried, String>, io: &mut Io) -> Code {
    let name = &listener.name;
    let tried = match result {
        Ok(tried) => tried,
        Err(why) => {
            io.tell("heartbeat", format!("{name}: {why}"));
            return Code::IO;
        }
    };
    for refused in &tried.refused {
        io.tell("heartbeat", format!("{name}: refused {refused}"));
    }
    if tried.sent > 0 {
        io.tell("heartbeat", format!("{name}: {} sent", if tried.sent == 1 { "1 beat".into() } else { format!("{} beats", tried.sent) }));
    }
    match (&tried.failed, tried.busy) {
        (Some(why), _) => {
            let waiting = listener.spool().and_then(|spool| spool.waiting_lines()).unwrap_or(0);
            io.tell("heartbeat", format!("{name}: {why}; {waiting} waiting"));
            Code::REMOTE
        }
        (None, true) => {
            io.tell("heartbeat", format!("{name}: another process is sending"));
            Code::AGAIN
        }
        (None, false) => Code::OK,
    }
}

/// Tries one listener until nothing waits or patience ends.
fn flush(listener: &Listener, patience: Span, stop: &Stop) -> Result<Tried, String> {
    let end = Instant::now().checked_add(patience.to_std());
    // One process goes on trying, and what others push meanwhile is sent by it too.
    let lasting = if patience.is_zero() { None } else { listener.retrying().map_err(|error| system_words(&error))? };
    if !patience.is_zero() && lasting.is_none() {
        return Ok(Tried { busy: true, ..Tried::default() });
    }
    let client = Client::new(REQUEST);
    let (mut all, mut pause) = (Tried::default(), FIRST_PAUSE);
    while !listener.is_gone() {
        let tried = listener.send_waiting(&client).map_err(|error| error.to_string())?;
        all.sent += tried.sent;
        all.refused.extend(tried.refused);
        (all.failed, all.busy) = (tried.failed, tried.busy);
        let is_done = all.failed.is_none() && !all.busy;
        if is_done || end.is_none_or(|end| Instant::now() + pause >= end) {
            return Ok(all);
        }
        if is_stopped(stop, pause) {
            return Ok(all);
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(all)
}

/// Waits; says whether the tool was asked to end.
fn is_stopped(stop: &Stop, pause: Duration) -> bool {
    let limit = Timespec { tv_sec: i64::try_from(pause.as_secs()).unwrap_or(i64::MAX), tv_nsec: pause.subsec_nanos().into() };
    match stop.fd() {
        // An error is a signal, which is looked for below.
        Some(fd) => drop(poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&limit))),
        None => std::thread::sleep(pause),
    }
    stop.asked()
}
