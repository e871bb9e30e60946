//! `heartbeat generate`: activity made regularly, so that something always happens that can be seen at the far end.
//!
//! ```text
//! generate checkout-probe ──runs──▶ CMD ──▶ the system ──▶ far end: beat, event or sample `checkout`
//!        │                                                             │
//!        └─ beats checkout-probe: did CMD itself work?                 └─ expected through checkout-probe
//! ```
//!
//! It beats for itself only: whether the system works is told by what arrives at the far end, which
//! `through` of an expectation, or `needs` of a check, holds against the generator.
//!
//! What a command causes is marked by it: it finds `synthetic` in its environment, as tags for our own programs and as a
//! header for others.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::time::Instant;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::run::{Plan as Job, once};
use super::sending;
use crate::cli::args::TAGS;
use crate::cli::child::Blocked;
use crate::cli::{Code, Failure, Io};
use crate::record::SYNTHETIC;
use crate::time::Span;

/// How long a run may take, when nothing else is said and it does not come round sooner.
const LIMIT: Span = Span::from_secs(300);

pub(super) fn command() -> Command {
    let option = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let flag = |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    Command::new("generate")
        .about("Make activity regularly, mark it as made, and beat for whether making it worked")
        .override_usage("heartbeat generate NAME --every SPAN [OPTIONS] -- COMMAND [ARG]...")
        .before_help(
            "Examples:\n  heartbeat generate probe --every 10m --timeout 5m -- ./order-a-test-book\n  \
             heartbeat generate probe --every 1m --jitter 10s -- sh -c 'curl -fsS -H \"$PIPEWATCH_HEADER\" https://shop.example/ping'\n  \
             heartbeat generate probe --once -- ./order-a-test-book        from cron\n  \
             heartbeat expect probe --every 10m --through checkout         what tells the broken shop from the broken probe",
        )
        .help_template("{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}")
        .arg(Arg::new("name").value_name("NAME").required(true).help("The generator's name, by which it beats"))
        .arg(
            Arg::new("command")
                .value_name("COMMAND")
                .num_args(1..)
                .required(true)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .value_parser(clap::value_parser!(OsString))
                .help("The command that makes the activity, and its arguments"),
        )
        .arg(option("every", "SPAN", "How often"))
        .arg(option("jitter", "SPAN", "Begin each run up to SPAN later, at random"))
        .arg(option("timeout", "SPAN", "End a run after SPAN [default: 5m, or --every where that is less]"))
        .arg(flag("once", "Run once and exit with the command's status, for cron").conflicts_with_all(["every", "jitter"]))
        .arg(flag("quiet", "Print the command's output only when it fails"))
        .args(sending::options())
        .after_help(
            "The command finds PIPEWATCH_SYNTHETIC=1, PIPEWATCH_TAGS=synthetic=true, which emit, collect and\n\
             heartbeat beat put on their records, and PIPEWATCH_HEADER='Pipewatch-Synthetic: true' for curl -H.\n\
             What is marked is no part of business numbers: see pipewatch-conditions(7).",
        )
}

/// What is to be done.
struct Plan {
    job: Job,
    /// How often; `None`: once.
    every: Option<Span>,
    jitter: Span,
}

impl Plan {
    fn new(matches: &ArgMatches, io: &Io) -> Result<Plan, Failure> {
        let span = |id: &str| matches.contains_id(id).then(|| sending::span(matches, id, Span::ZERO)).transpose();
        let every = span("every")?;
        if every.is_none() && !matches.get_flag("once") {
            return Err(Failure::usage_hint("how often?", "give --every 10m, or --once where cron says when"));
        }
        if every.is_some_and(|every| every < Span::from_millis(100)) {
            return Err(Failure::usage("--every: must be 100ms at least"));
        }
        let jitter = span("jitter")?.unwrap_or(Span::ZERO);
        let limit = span("timeout")?.unwrap_or_else(|| every.map_or(LIMIT, |every| every.min(LIMIT)));
        if limit.is_zero() {
            return Err(Failure::usage("--timeout: must be above zero"));
        }
        for (option, span) in [("timeout", limit), ("jitter", jitter)] {
            if let Some(every) = every.filter(|every| span > *every) {
                return Err(Failure::usage(format!("--{option} {span} is longer than --every {every}: runs would overlap")));
            }
        }
        let job = Job {
            name: sending::name(matches)?,
            tags: sending::tags(matches, io)?,
            command: matches.get_many::<OsString>("command").into_iter().flatten().cloned().collect(),
            limit: Some(limit),
            lock: false,
            quiet: matches.get_flag("quiet"),
            variables: marks(io),
        };
        Ok(Plan { job, every, jitter })
    }
}

/// What marks all that the command causes as made.
fn marks(io: &Io) -> Vec<(&'static str, String)> {
    let own = io.env.get(TAGS).filter(|tags| !tags.is_empty()).map_or(String::new(), |tags| format!("{tags},"));
    vec![
        ("PIPEWATCH_SYNTHETIC", "1".into()),
        (TAGS, format!("{own}{SYNTHETIC}=true")),
        ("PIPEWATCH_HEADER", "Pipewatch-Synthetic: true".into()),
    ]
}

pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let plan = Plan::new(matches, io)?;
    let mut beats = sending::beats(matches, io)?;
    // Before any thread begins, so that none of them takes a signal that is the command's.
    let blocked = Blocked::new();
    let begun = Instant::now();
    let mut due = Span::ZERO;
    let code = loop {
        let run = sending::new_run(io.now());
        let (code, was_asked) = once(&plan.job, &run, blocked.as_ref(), &mut beats, io);
        let Some(every) = plan.every else { break code };
        let now = Span::from_nanos(i64::try_from(begun.elapsed().as_nanos()).unwrap_or(i64::MAX));
        due = next(due, every, now);
        let rest = Span::from_nanos((due.nanos() - now.nanos()).max(0)).plus(random(plan.jitter));
        let ends = match &blocked {
            Ok(blocked) if !was_asked => blocked.rest(rest.to_std()).map_err(|error| Failure::io("cannot wait", error))?,
            _ => true,
        };
        if ends {
            break Code::OK;
        }
    };
    beats.finish(io);
    Ok(code)
}

/// When the next run is due: those that would have begun while one was under way are not made up for.
fn next(due: Span, every: Span, now: Span) -> Span {
    let next = due.plus(every);
    if next >= now {
        next
    } else {
        next.plus(every.times(u32::try_from((now.nanos() - next.nanos()) / every.nanos() + 1).unwrap_or(u32::MAX)))
    }
}

/// A span from zero to `most`, at random; none where the system gives no random bytes.
fn random(most: Span) -> Span {
    let mut bytes = [0; 8];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    // 53 bits, as many as a double holds, make a share from 0 to 1.
    let share = read.map_or(0.0, |()| (u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64);
    Span::from_nanos((most.nanos() as f64 * share) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_stay_on_their_beat_and_what_was_missed_is_not_made_up_for() {
        let s = |seconds: u32| Span::from_secs(seconds);
        for (due, now, expected) in [(0, 3, 10), (0, 10, 10), (0, 11, 20), (10, 12, 20), (0, 35, 40), (0, 40, 50)] {
            assert_eq!(next(s(due), s(10), s(now)), s(expected), "{due} {now}");
        }
    }

    #[test]
    fn jitter_is_within_its_bound_and_differs() {
        let spans: Vec<Span> = (0..50).map(|_| random(Span::from_secs(10))).collect();
        assert!(spans.iter().all(|span| *span < Span::from_secs(10)));
        assert!(spans.iter().any(|span| *span != spans[0]));
        assert_eq!(random(Span::ZERO), Span::ZERO);
    }
}
