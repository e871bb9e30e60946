//! `heartbeat next`: when a schedule comes next, and what a change of the clock does to it.

use std::io::Write;

use clap::{Arg, ArgMatches, Command};

use crate::calendar::{CalendarError, Cron, Moved, OnCalendar, Recurrence, Zone};
use crate::cli::{Code, Failure, Io, Output, args};
use crate::record::show;
use crate::time::Timestamp;

const EXAMPLES: &str = "\
Examples:
  heartbeat next --cron '30 2 * * *' --zone Europe/Berlin -n 3
  heartbeat next --oncalendar 'Mon..Fri 09:00' --at 2026-11-22T00:00:00Z
  heartbeat next --cron '0 3 * * 0' --zone Europe/Riga --at 2027-03-01 --format text";

const NOTES: &str = "\
Writes one instant a line. --format text adds the day, the time in UTC, how long it is until then, and
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
        .arg(value("cron", "EXPRESSION", "Five fields, as in a crontab, or a word like @daily"))
        .arg(value("oncalendar", "EVENT", "A calendar event, as in a systemd timer").conflicts_with("cron"))
        .arg(value("zone", "ZONE", "Whose clock it goes by, like Europe/Berlin [default: UTC]"))
        .arg(value("format", "FORMAT", "instants, or text for a person [default: instants]"))
        .arg(value("count", "N", "How many instants [default: 1]").short('n'))
        .arg(args::at_option())
}

pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let recurrence = recurrence(matches)?;
    let text = match matches.get_one::<String>("format").map(String::as_str) {
        None | Some("instants") => false,
        Some("text") => true,
        Some(other) => return Err(Failure::usage(format!("--format: `{}` is neither instants nor text", show(other.as_bytes(), 40)))),
    };
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

/// The schedule that was typed.
fn recurrence(matches: &ArgMatches) -> Result<Recurrence, Failure> {
    let text = |id: &str| matches.get_one::<String>(id).map(String::as_str);
    let zone = match text("zone") {
        None => Zone::UTC,
        Some(name) => Zone::named(name).map_err(|error| wrong("--zone", name, error))?,
    };
    if let Some(expression) = text("cron") {
        return Cron::parse(expression).map(|cron| Recurrence::Cron(cron, zone)).map_err(|error| wrong("--cron", expression, error));
    }
    if let Some(event) = text("oncalendar") {
        let event = OnCalendar::parse(event).map_err(|error| wrong("--oncalendar", event, error))?;
        let zone = event.zone().unwrap_or(zone);
        return Ok(Recurrence::OnCalendar(vec![event], zone));
    }
    Err(Failure::usage_hint("next: which schedule?", "say it by --cron '15 2 * * *' or --oncalendar 'Mon..Fri 09:00'"))
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
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let zone = recurrence.zone();
    let wall = zone.wall(at);
    let day = DAYS[wall.date().weekday() as usize];
    let utc = if zone == Zone::UTC { String::new() } else { format!("  {}", Zone::UTC.rfc3339(at)) };
    let moved = match recurrence.moved(at) {
        None => "",
        Some(Moved::AfterJump) => "  its time is skipped as the clock is set forward; runs at once after that",
        Some(Moved::FirstOfTwo) => "  comes twice as the clock is set back; runs the first time only",
        Some(Moved::Again { second: false }) => "  comes twice as the clock is set back; runs both times, this is the first",
        Some(Moved::Again { second: true }) => "  comes twice as the clock is set back; runs both times, this is the second",
    };
    format!("{day} {wall} {:<5}{utc}  in {}{moved}", zone.abbreviation(at), at.since(now).human())
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
        assert!(next(&[]).1.contains("hint: say it by --cron"));
    }
}
