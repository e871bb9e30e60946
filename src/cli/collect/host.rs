//! `collect host`: this machine's own numbers, at whole multiples of the interval.

use std::path::PathBuf;
use std::time::Instant;

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, ArgMatches, value_parser};

use super::report::{Health, Report};
use crate::cli::args::{at, at_option};
use crate::cli::{Alive, Clock, Code, Failure, Io, Stop};
use crate::ndjson;
use crate::source::host::{self, Host, Options};
use crate::time::{Span, Timestamp};

/// How long after the start the first numbers come, so that shares have something to be shares of.
const SETTLE: Span = Span::from_millis(200);

const EXAMPLES: &str = "\
Examples:
  collect host                                       every second, until Ctrl-C
  collect host --count 1 | grep memory               the state right now
  collect host --every 10s | rollup --every 1m       means and extremes of a minute
  collect host | check 'disk.used > 90%' --by mount";

const MORE: &str = "\
The first numbers come after 0.2 s (shares are over the time since the reading before), the others at whole multiples \
of the interval. Records carry the tag `host`, unless `--tag host=NAME` gives another.

Shares (cpu.used, disk.used) are ratios: 0.9 is 90%. Flows (network.sent, disk.reads) are counters: `rollup` and \
`check` make rates of them.";

pub(super) fn command() -> clap::Command {
    clap::Command::new("host")
        .about("This machine: cpu, load, memory, swap, disks, network, pressure, processes, files")
        .before_help(EXAMPLES)
        .after_help(MORE)
        .arg(Arg::new("every").long("every").value_name("SPAN").default_value("1s").value_parser(every).help("How often to measure"))
        .arg(
            Arg::new("count")
                .long("count")
                .value_name("N")
                .value_parser(value_parser!(u64).range(1..))
                .help("End after so many measurements"),
        )
        .arg(super::tag_option())
        .arg(Arg::new("per-core").long("per-core").action(ArgAction::SetTrue).help("Tell each core, as core.used, core.user, …"))
        .arg(
            Arg::new("top")
                .long("top")
                .value_name("N")
                .value_parser(value_parser!(u16))
                .default_value("0")
                .hide_default_value(true)
                .help("Tell the N processes that use most of the processors, and of memory"),
        )
        .arg(
            Arg::new("proc")
                .long("proc")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .default_value("/proc")
                .help("Where the kernel's files are"),
        )
        .args(crate::cli::alive::options())
        .arg(Arg::new("metrics").long("metrics").action(ArgAction::SetTrue).help("List the metrics with their units and end"))
        .arg(at_option().value_parser(NonEmptyStringValueParser::new()))
}

/// Reads `--every`: at least 10 ms, so that measuring does not become the load.
fn every(text: &str) -> Result<Span, String> {
    let span = Span::parse(text).map_err(|error| error.to_string())?;
    if span < Span::from_millis(10) { Err("at least 10ms".into()) } else { Ok(span) }
}

/// What is to be done.
struct Plan {
    every: Span,
    count: u64,
    options: Options,
}

impl Plan {
    fn new(matches: &ArgMatches, io: &Io) -> Result<Plan, Failure> {
        let proc = matches.get_one::<PathBuf>("proc").cloned().unwrap_or_else(|| "/proc".into());
        let mut tags = super::tags(matches, io)?;
        if tags.get("host").is_none()
            && let Some(name) = host::host_name(&proc)
        {
            tags.set("host", name);
        }
        Ok(Plan {
            every: matches.get_one("every").copied().unwrap_or(Span::from_secs(1)),
            count: matches.get_one("count").copied().unwrap_or(u64::MAX),
            options: Options {
                proc,
                tags,
                per_core: matches.get_flag("per-core"),
                top: usize::from(matches.get_one::<u16>("top").copied().unwrap_or(0)),
            },
        })
    }
}

pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    if matches.get_flag("metrics") {
        return list(io);
    }
    at(matches, io)?;
    let plan = Plan::new(matches, io)?;
    Alive::begin("collect", "collector", matches, io)?;
    poll(&plan, io)
}

/// Lists the metrics for people.
fn list(io: &mut Io) -> Result<Code, Failure> {
    let mut text = String::new();
    for metric in host::metrics() {
        text.push_str(&format!("{:<26}{:<15}{:<9}{}\n", metric.name, metric.unit, metric.kind.name(), metric.what));
    }
    io.stdout.write_all(text.as_bytes()).and_then(|()| io.stdout.flush()).map_err(Failure::stdout)?;
    Ok(Code::OK)
}

/// Measures until it is enough or the tool is asked to end.
fn poll(plan: &Plan, io: &mut Io) -> Result<Code, Failure> {
    let start = Instant::now();
    let monotonic = || Span::from_nanos(i64::try_from(start.elapsed().as_nanos()).unwrap_or(i64::MAX));
    let mut host = Host::new(&plan.options);
    let report = Report::new("host", "{polls}", &plan.options.tags);
    host.poll(&monotonic, &mut |_, _| {});
    tell_missing(&mut host, io);

    let mut ticks = Ticks::new(plan.every, io);
    let mut out = Vec::new();
    let mut left = plan.count;
    while left > 0
        && let Some(tick) = ticks.wait(io)?
    {
        left -= 1;
        out.clear();
        let begun = monotonic();
        host.poll(&monotonic, &mut |series, value| ndjson::write_sample(&mut out, tick.ts, series, value));
        let duration = Span::from_nanos(monotonic().nanos() - begun.nanos());
        report.write(&mut out, tick.ts, &Health { up: true, duration, lag: Some(tick.lag), dropped: ticks.missed });
        io.stdout.write_all(&out).and_then(|()| io.stdout.flush()).map_err(Failure::stdout)?;
    }
    Ok(Code::OK)
}

fn tell_missing(host: &mut Host, io: &mut Io) {
    let missing: Vec<String> = host
        .missing()
        .iter()
        .map(|missing| format!("`{}` ({})", missing.path.display(), crate::cli::failure::system_words(&missing.error)))
        .collect();
    if !missing.is_empty() {
        io.tell("collect", format_args!("host: left out, as this machine does not tell: {}", missing.join(", ")));
    }
}

/// One moment to measure at.
struct Tick {
    ts: Timestamp,
    lag: Span,
}

/// The moments to measure at: one soon after the start, then whole multiples of the interval.
///
/// A moment that passed while the machine or the reader was held up is not made up for: the
/// latest one is told, and the others count as missed. With a fixed clock the moments are that
/// instant and so many intervals after it.
struct Ticks {
    every: Span,
    next: Timestamp,
    settled: bool,
    missed: u64,
    fixed: Option<(Timestamp, Instant)>,
}

impl Ticks {
    fn new(every: Span, io: &Io) -> Ticks {
        let now = io.now();
        let settle = SETTLE.min(every);
        let (next, fixed) = match io.clock {
            Clock::System => (Timestamp::from_nanos(now.plus(settle).nanos() / 1_000_000 * 1_000_000), None),
            // The first moment is the one that was given, though it comes after the settling time.
            Clock::Fixed(instant) => (instant, Some((instant, Instant::now() + settle.to_std()))),
        };
        Ticks { every, next, settled: false, missed: 0, fixed }
    }

    /// The time: the clock's, or as long after the given instant as this has run.
    fn now(&self, io: &Io) -> Timestamp {
        match self.fixed {
            None => io.now(),
            Some((instant, start)) => match Instant::now().checked_duration_since(start) {
                Some(since) => instant.plus(Span::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))),
                None => instant.minus(Span::from_nanos(i64::try_from((start - Instant::now()).as_nanos()).unwrap_or(0).max(1))),
            },
        }
    }

    /// Waits for the next moment, and beats meanwhile; `None` when the tool was asked to end.
    fn wait(&mut self, io: &mut Io) -> Result<Option<Tick>, Failure> {
        beat(io)?;
        let mut now = self.now(io);
        while now < self.next {
            let rest = self.next.since(now);
            // A clock that was set back must not hold the measurements until it has caught up.
            if rest > self.every && self.settled {
                self.next = self.after(now);
                continue;
            }
            pause(&io.stop, io.alive.rest().map_or(rest, |alive| rest.min(alive)));
            if io.stop.asked() {
                return Ok(None);
            }
            beat(io)?;
            now = self.now(io);
        }
        Ok((!io.stop.asked()).then(|| self.tick(now)))
    }

    /// The tick that is due at `now`, which is not before the next moment.
    fn tick(&mut self, now: Timestamp) -> Tick {
        let late = now.since(self.next);
        let missed = late.nanos() / self.every.nanos();
        let ts = if missed > 0 && self.settled { self.next.plus(Span::from_nanos(missed * self.every.nanos())) } else { self.next };
        if self.settled {
            self.missed += missed.unsigned_abs();
        }
        let first = !std::mem::replace(&mut self.settled, true);
        self.next = self.after(ts);
        // A moment right after the first would be a share of next to nothing.
        if first && self.next.since(ts) < SETTLE.min(self.every) {
            self.next = self.next.plus(self.every);
        }
        Tick { ts, lag: now.since(ts) }
    }

    /// The moment after `instant`.
    fn after(&self, instant: Timestamp) -> Timestamp {
        match self.fixed {
            None => instant.floor_to(self.every).plus(self.every),
            Some(_) => instant.plus(self.every),
        }
    }
}

/// Says that the loop turns; a beat that is due goes along with the records.
fn beat(io: &mut Io) -> Result<(), Failure> {
    let Some(beat) = io.alive.turn() else { return Ok(()) };
    io.stdout.write_all(&beat).and_then(|()| io.stdout.flush()).map_err(Failure::stdout)
}

/// Sleeps, or until a signal asks the tool to end.
fn pause(stop: &Stop, span: Span) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let timeout = Timespec { tv_sec: span.nanos() / 1_000_000_000, tv_nsec: span.nanos() % 1_000_000_000 };
    match stop.fd() {
        // An interruption by a signal ends the sleep early, and the caller looks at the clock again.
        Some(fd) => drop(poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout))),
        None => std::thread::sleep(span.to_std()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(text: &str) -> Timestamp {
        Timestamp::parse(&format!("2026-11-22T10:00:{text}Z")).unwrap()
    }

    fn ticks(next: &str) -> Ticks {
        Ticks { every: Span::from_secs(1), next: second(next), settled: false, missed: 0, fixed: None }
    }

    #[test]
    fn ticks_fall_on_whole_seconds_after_the_first() {
        let mut ticks = ticks("03.250");
        assert_eq!(ticks.tick(second("03.251")).ts, second("03.250"));
        let next = ticks.tick(second("04.002"));
        assert_eq!((next.ts, next.lag), (second("04"), Span::from_millis(2)));
        assert_eq!(ticks.next, second("05"));
        assert_eq!(ticks.missed, 0);
    }

    #[test]
    fn a_whole_second_right_after_the_first_tick_is_skipped() {
        let mut ticks = ticks("03.900");
        ticks.tick(second("03.900"));
        assert_eq!(ticks.next, second("05"));
    }

    #[test]
    fn a_late_tick_is_not_doubled_and_the_missed_ones_are_counted() {
        let mut ticks = ticks("03.250");
        ticks.tick(second("03.250"));
        let late = ticks.tick(second("07.400"));
        assert_eq!((late.ts, late.lag, ticks.missed), (second("07"), Span::from_millis(400), 3));
        assert_eq!(ticks.next, second("08"));
    }
}
