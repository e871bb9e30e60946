//! `heartbeat next`: when a schedule or a job comes next, and what a change of the clock does to it.

use std::io::Write;

use clap::{Arg, ArgMatches, Command};

use super::{TOOL, expectations, state_folder};
use crate::calendar::{CalendarError, Cron, Moved, OnCalendar, Recurrence, Zone};
use crate::cli::{Code, Failure, Inputs, Io, Output, args};
use crate::heartbeat::{Expectation, Schedule, Watch};
use crate::ndjson::decode;
use crate::record::{Record, nearest, show};
use crate::time::{Span, Timestamp};

const EXAMPLES: &str = "\
Examples:
  heartbeat next                                   when each job of heartbeat.toml is due
  heartbeat next nightly-backup -n 7 --format text
  heartbeat next --cron '30 2 * * *' --zone Europe/Berlin -n 3
  heartbeat next --oncalendar 'Mon..Fri 09:00' --at 2026-11-22T00:00:00Z
  heartbeat next --cron '0 3 * * 0' --zone Europe/Riga --at 2027-03-01 --format text";

const NOTES: &str = "\
Writes one instant a line; of all jobs with their names, those that are due first above. A job with a
period is due so long after its last beat in the state folder. --format text adds the day, the time in UTC, how long it is until then, and
what a change of the clock moves. Cron runs by the rules of Debian's, OnCalendar by those of systemd.
Exit status: 0 there is a next time; 1 there is none any more; 64 usage.";

/// The most instants that are written.
const MOST: u32 = 10_000;

pub(super) fn command() -> Command {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    Command::new("next")
        .about("Shows when a schedule comes next")
        .before_help(EXAMPLES)
        .after_help(NOTES)
        .styles(args::styles())
        .arg(Arg::new("name").value_name("NAME").help("A job of heartbeat.toml").conflicts_with_all(["cron", "oncalendar"]))
        .arg(expectations::option())
        .arg(expectations::state_option())
        .arg(value("cron", "EXPRESSION", "Five fields, as in a crontab, or a word like @daily"))
        .arg(value("oncalendar", "EVENT", "A calendar event, as in a systemd timer").conflicts_with("cron"))
        .arg(value("zone", "ZONE", "Whose clock it goes by, like Europe/Berlin [default: UTC]"))
        .arg(value("format", "FORMAT", "instants, or text for a person [default: instants]"))
        .arg(value("count", "N", "How many instants [default: 1]").short('n'))
        .arg(args::at_option())
}

pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let text = match matches.get_one::<String>("format").map(String::as_str) {
        None | Some("instants") => false,
        Some("text") => true,
        Some(other) => return Err(Failure::usage(format!("--format: `{}` is neither instants nor text", show(other.as_bytes(), 40)))),
    };
    let Some(recurrence) = recurrence(matches)? else { return jobs(matches, text, io) };
    let now = io.now();
    let mut out = Output::take(io, false);
    let mut at = now;
    for written in 0..count(matches)? {
        let Some(next) = recurrence.next_after(at) else {
            out.flush()?;
            io.tell("heartbeat", format!("`{}` does not come any more", show(recurrence.to_string().as_bytes(), 100)));
            return Ok(if written == 0 { Code::NEGATIVE } else { Code::OK });
        };
        at = next;
        out.append(|block| {
            // Writing into memory does not fail.
            let _ = writeln!(block, "{}", if text { described(&recurrence, next, now) } else { recurrence.zone().rfc3339(next) });
        })?;
    }
    out.flush()?;
    Ok(Code::OK)
}

fn count(matches: &ArgMatches) -> Result<u32, Failure> {
    let Some(text) = matches.get_one::<String>("count") else { return Ok(1) };
    let count = text.parse::<u32>().ok().filter(|count| (1..=MOST).contains(count));
    count.ok_or_else(|| Failure::usage(format!("-n: `{}` is not a number from 1 to {MOST}", show(text.as_bytes(), 40))))
}

/// The schedule that was typed; `None` where jobs are asked about.
fn recurrence(matches: &ArgMatches) -> Result<Option<Recurrence>, Failure> {
    let text = |id: &str| matches.get_one::<String>(id).map(String::as_str);
    let zone = match text("zone") {
        None => Zone::UTC,
        Some(name) => Zone::named(name).map_err(|error| wrong("--zone", name, error))?,
    };
    if let Some(expression) = text("cron") {
        return Cron::parse(expression).map(|cron| Some(Recurrence::Cron(cron, zone))).map_err(|error| wrong("--cron", expression, error));
    }
    if let Some(event) = text("oncalendar") {
        let event = OnCalendar::parse(event).map_err(|error| wrong("--oncalendar", event, error))?;
        let zone = event.zone().unwrap_or(zone);
        return Ok(Some(Recurrence::OnCalendar(vec![event], zone)));
    }
    if text("zone").is_some() {
        let hint = "say the schedule by --cron '15 2 * * *' or --oncalendar 'Mon..Fri 09:00'; a job's zone stands in its file";
        return Err(Failure::usage_hint("next: --zone is the clock of a schedule that is typed", hint));
    }
    Ok(None)
}

/// When jobs are due: the one that was named, or all of them.
fn jobs(matches: &ArgMatches, text: bool, io: &mut Io) -> Result<Code, Failure> {
    let mut expected = expectations::expectations(&expectations::paths(matches, io), io)?;
    let named = matches.get_one::<String>("name");
    if let Some(name) = named {
        let known: Vec<String> = expected.iter().map(|job| job.name.clone()).collect();
        expected.retain(|job| job.name == *name);
        if expected.is_empty() {
            let message = format!("no job is named `{}`", show(name.as_bytes(), 80));
            return Err(match nearest(name, known.iter().map(String::as_str)) {
                Some(near) => Failure::usage_hint(message, format!("did you mean `{near}`?")),
                None => Failure::usage(message),
            });
        }
    }
    let (now, count) = (io.now(), count(matches)?);
    let mut out = Output::take(io, false);
    let watch = seen(&expected, &state_folder(matches, io).join("beats"), &mut out, io)?;
    let mut rows = Vec::new();
    for job in &expected {
        let last = watch.job(&job.name).and_then(|job| job.due()).map(|due| due.at);
        rows.extend(dues(job, last, now, count).into_iter().map(|at| (at, job)));
    }
    rows.sort_by(|one, other| (one.0, &one.1.name).cmp(&(other.0, &other.1.name)));
    let width = rows.iter().map(|(_, job)| job.name.chars().count()).max().unwrap_or(0);
    for (at, job) in &rows {
        let instant = if text { told(job, *at, now) } else { job.schedule.zone().rfc3339(*at) };
        let name = show(job.name.as_bytes(), 100);
        out.append(|block| {
            // Writing into memory does not fail.
            let _ = match (named, text) {
                (Some(_), _) => writeln!(block, "{instant}"),
                (None, true) => writeln!(block, "{name:<width$}  {instant}"),
                (None, false) => writeln!(block, "{instant} {name}"),
            };
        })?;
    }
    out.flush()?;
    Ok(if rows.is_empty() { Code::NEGATIVE } else { Code::OK })
}

/// The jobs with what was seen of them up to now.
fn seen(expected: &[Expectation], beats: &std::path::Path, out: &mut Output, io: &mut Io) -> Result<Watch, Failure> {
    let mut watch = Watch::default();
    let now = io.now();
    expected.iter().for_each(|job| watch.expect(job.clone(), now));
    if beats.is_dir() {
        let mut inputs = Inputs::of_one(TOOL.name, &beats.to_string_lossy(), false)?;
        inputs.each(io, out, &mut |line, _| {
            if let Record::Beat(beat) = decode(line)?
                && beat.ts <= now
            {
                watch.observe(&beat);
            }
            Ok(())
        })?;
    }
    Ok(watch)
}

/// The next instants of a job; one that is overdue comes first.
fn dues(job: &Expectation, due: Option<Timestamp>, now: Timestamp, count: u32) -> Vec<Timestamp> {
    if job.paused {
        return Vec::new();
    }
    let mut dues: Vec<Timestamp> = due.into_iter().collect();
    while (dues.len() as u32) < count.max(1) {
        // A job of a period that never beat is due so long from now.
        let last = dues.last().copied().unwrap_or(now);
        match job.due_after(last) {
            Some(next) => dues.push(next.at),
            None => break,
        }
    }
    dues
}

/// An instant of a job for a person: when, why, and what a change of the clock moves.
fn told(job: &Expectation, at: Timestamp, now: Timestamp) -> String {
    let line = match &job.schedule {
        Schedule::Cron(recurrence) | Schedule::OnCalendar(recurrence) => described(recurrence, at, now),
        Schedule::Every(_) => clock(Zone::UTC, at, now),
    };
    format!("{line}  {}", show(job.schedule.to_string().as_bytes(), 200))
}

/// A mistake with its place underlined.
fn wrong(option: &str, text: &str, error: CalendarError) -> Failure {
    let (start, end) = error.place;
    let column = text.get(..start).map_or(0, |before| before.chars().count());
    let width = text.get(start..end).map_or(1, |found| found.chars().count()).max(1);
    let message =
        format!("{option}: {}\n  | {}\n  | {}{}", error.message, show(text.as_bytes(), 200), " ".repeat(column), "^".repeat(width));
    match error.hint {
        Some(hint) => Failure::usage_hint(message, hint),
        None => Failure::usage(message),
    }
}

/// One instant for a person.
fn described(recurrence: &Recurrence, at: Timestamp, now: Timestamp) -> String {
    let line = clock(recurrence.zone(), at, now);
    let moved = match recurrence.moved(at) {
        None => "",
        Some(Moved::AfterJump) => "  its time is skipped as the clock is set forward; runs at once after that",
        Some(Moved::FirstOfTwo) => "  comes twice as the clock is set back; runs the first time only",
        Some(Moved::Again { second: false }) => "  comes twice as the clock is set back; runs both times, this is the first",
        Some(Moved::Again { second: true }) => "  comes twice as the clock is set back; runs both times, this is the second",
    };
    format!("{line}{moved}")
}

/// An instant on a zone's clock and in UTC, and how far it is.
fn clock(zone: Zone, at: Timestamp, now: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let wall = zone.wall(at);
    let day = DAYS[wall.date().weekday() as usize];
    let utc = if zone == Zone::UTC { String::new() } else { format!("  {}", Zone::UTC.rfc3339(at)) };
    let far = if at > now || now.since(at) == Span::ZERO {
        format!("in {}", at.since(now).human())
    } else {
        format!("due for {}", now.since(at).human())
    };
    format!("{day} {wall} {:<5}{utc}  {far}", zone.abbreviation(at))
}

#[cfg(test)]
mod tests {
    use crate::cli::heartbeat::TOOL;
    use crate::cli::{Io, run};
    use crate::time::Timestamp;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Gathered(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Gathered {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn next(arguments: &[&str]) -> (u8, String) {
        let (out, err) = (Gathered::default(), Gathered::default());
        let now = Timestamp::parse("2026-11-22T20:00:00Z").unwrap();
        let mut io = Io::memory("", now, Box::new(out.clone()), Box::new(err.clone()));
        let arguments: Vec<std::ffi::OsString> = ["heartbeat", "next"].iter().chain(arguments).map(Into::into).collect();
        let code = run(&TOOL, &arguments, &mut io).number();
        let text = |gathered: &Gathered| String::from_utf8(gathered.0.lock().unwrap().clone()).unwrap();
        (code, text(&out) + &text(&err))
    }

    #[test]
    fn instants_are_written_one_a_line_on_the_zones_clock() {
        let found = next(&["--cron", "30 2 * * *", "--zone", "Europe/Berlin", "-n", "2"]);
        assert_eq!(found, (0, "2026-11-23T02:30:00+01:00\n2026-11-24T02:30:00+01:00\n".into()));
        assert_eq!(next(&["--oncalendar", "Mon..Fri 09:00"]), (0, "2026-11-23T09:00:00Z\n".into()));
    }

    #[test]
    fn a_change_of_the_clock_is_told() {
        let (_, text) = next(&["--cron", "15 3 * * *", "--zone", "Europe/Riga", "--at", "2027-03-27T22:00:00Z", "--format", "text"]);
        assert_eq!(
            text,
            "Sun 2027-03-28 04:00:00 EEST   2027-03-28T01:00:00Z  in 3 h  its time is skipped as the clock is set forward; runs at once after that\n"
        );
    }

    #[test]
    fn what_never_comes_again_is_a_negative_answer() {
        assert_eq!(next(&["--oncalendar", "2019-01-01"]), (1, "heartbeat: `2019-01-01` does not come any more\n".into()));
    }

    #[test]
    fn a_mistake_is_underlined() {
        let (code, text) = next(&["--cron", "0 0 * * mno"]);
        assert_eq!(code, 64);
        let wanted =
            "heartbeat: --cron: `mno` is no day of the week; it is 0 to 7\n  | 0 0 * * mno\n  |         ^^^\nhint: did you mean `MON`?\n";
        assert_eq!(text, wanted);
        assert!(next(&["--zone", "Europe/Riga"]).1.contains("hint: say the schedule by --cron"));
    }

    #[test]
    fn jobs_are_told_with_what_is_overdue_first() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().to_str().unwrap();
        let jobs = "[backup]\ncron = '15 2 * * *'\nzone = 'Europe/Riga'\n[hourly]\nevery = '1h'\n[off]\nevery = '1h'\npaused = true\n";
        std::fs::write(folder.path().join("heartbeat.toml"), jobs).unwrap();
        std::fs::create_dir(folder.path().join("beats")).unwrap();
        let beat = "{\"ts\":\"2026-11-22T18:30:00Z\",\"beat\":\"hourly\",\"state\":\"ok\"}\n";
        std::fs::write(folder.path().join("beats/2026-11-22.ndjson"), beat).unwrap();
        assert_eq!(next(&["--state-dir", state]), (0, "2026-11-22T19:30:00Z hourly\n2026-11-23T02:15:00+02:00 backup\n".into()));
        let (code, text) = next(&["--state-dir", state, "--format", "text"]);
        assert_eq!(code, 0);
        assert!(text.starts_with("hourly  Sun 2026-11-22 19:30:00 UTC    due for 30 min  every 1 h\n"), "{text}");
        assert!(
            text.contains("backup  Mon 2026-11-23 02:15:00 EET    2026-11-23T00:15:00Z  in 4 h 15 min  15 2 * * * Europe/Riga\n"),
            "{text}"
        );
        let found = next(&["backup", "--state-dir", state, "-n", "2"]);
        assert_eq!(found, (0, "2026-11-23T02:15:00+02:00\n2026-11-24T02:15:00+02:00\n".into()));
        assert!(next(&["bakup", "--state-dir", state]).1.contains("hint: did you mean `backup`?"));
    }
}
