//! Schedules, held against the programs that people know them from.

use std::io::Write;
use std::process::{Command, Stdio};

use pipewatch::calendar::{Cron, OnCalendar, Zone};
use pipewatch::time::{Span, Timestamp};

use crate::peers::find;
use crate::programs::{project, skip};

/// Random numbers that are the same in every run: after Steele, Lea and Flood (2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len() as u64) as usize]
    }
}

#[test]
fn every_known_case_of_a_clock_change_comes_out() {
    let text = std::fs::read_to_string(project().join("tests/data/cron/dst_europe_riga.tsv")).unwrap();
    let zone = Zone::named("Europe/Riga").unwrap();
    let mut cases = 0;
    for line in text.lines().filter(|line| line.starts_with("test_")) {
        let [name, expression, start, expected] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let cron = Cron::parse(expression).unwrap();
        let start = Zone::UTC.wall(Timestamp::parse(&format!("{start}Z")).unwrap());
        let mut at = zone.instants(start).first();
        for expected in expected.split(' ') {
            at = cron.next_after(at, zone).unwrap();
            assert_eq!(zone.rfc3339(at), expected, "{name}: {expression}");
            cases += 1;
        }
    }
    assert!(cases >= 60, "only {cases} instants");
}

/// Zones of many sorts of change: in both hemispheres, at odd times, for a month of fasting.
///
/// Not among them are those where cronsim goes astray: a change by half an hour (Lord Howe), after which
/// it begins an hour in its middle, and one at midnight. Property tests hold for these.
const ZONES: [&str; 12] = [
    "Europe/Riga",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "Australia/Sydney",
    "Asia/Jerusalem",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "Asia/Kolkata",
];

/// A field of a cron expression.
fn field(random: &mut Random, low: u64, high: u64) -> String {
    let value = |random: &mut Random| random.within(low, high);
    // A range of one value with a step is taken there for a value that goes on to the end.
    let range = |random: &mut Random| {
        let first = random.within(low, high - 1);
        format!("{first}-{}", random.within(first + 1, high))
    };
    match random.below(10) {
        0..=3 => "*".to_owned(),
        4..=5 => value(random).to_string(),
        6 => format!("*/{}", random.within(1, 12)),
        7 => range(random),
        8 => format!("{},{}", value(random), range(random)),
        _ => format!("{}/{}", range(random), random.within(1, 5)),
    }
}

fn expression(random: &mut Random) -> String {
    let day = match random.below(12) {
        0 => "L".to_owned(),
        1 => "LW".to_owned(),
        _ => field(random, 1, 28),
    };
    let weekday = match random.below(10) {
        0 => format!("{}#{}", random.within(0, 6), random.within(1, 5)),
        1 => format!("{}L", random.within(0, 6)),
        2 => random.of(&["MON-FRI", "sat,sun", "Tue"]).to_owned(),
        _ => field(random, 0, 7),
    };
    format!("{} {} {day} {} {weekday}", field(random, 0, 59), field(random, 0, 23), field(random, 1, 12))
}

/// Reads `expression TAB zone TAB start`, writes five runs each, in seconds since 1970.
const CRONSIM: &str = "
import sys
from datetime import datetime, timezone
from zoneinfo import ZoneInfo
from cronsim import CronSim
for line in sys.stdin:
    expression, zone, start = line.rstrip('\\n').split('\\t')
    begin = datetime.fromtimestamp(int(start), ZoneInfo(zone))
    found = []
    for at in CronSim(expression, begin):
        found.append(str(int(at.timestamp())))
        if len(found) == 5:
            break
    print(' '.join(found))
";

/// A Python that has a package, from the environment that scripts/test makes.
fn python(test: &str, package: &str) -> Option<std::path::PathBuf> {
    let python = project().join("target/peers/venv/bin/python");
    let has = Command::new(&python)
        .args(["-c", &format!("import {package}")])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !has {
        skip(test, &format!("{package} of PyPI is not installed in target/peers/venv"));
    }
    has.then_some(python)
}

/// What a program answers to this input.
fn answered(mut command: Command, input: String) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn ten_thousand_expressions_run_as_cronsim_says() {
    let Some(python) = python("ten_thousand_expressions_run_as_cronsim_says", "cronsim") else { return };
    let mut random = Random(5);
    let mut asked = Vec::new();
    while asked.len() < 10_000 {
        let (text, zone) = (expression(&mut random), random.of(&ZONES));
        // From 2016 to 2025, mostly not long before a change of the clock.
        let month = random.of(&["03-08", "03-25", "10-25", "10-30", "11-01", "04-01", "09-24", "01-01", "07-01"]);
        let day = Timestamp::parse(&format!("{}-{month}T00:00:00Z", random.within(2016, 2025))).unwrap();
        let start = day.plus(Span::from_secs(random.below(345_600) as u32));
        let (clock, cron) = (Zone::named(zone).unwrap(), Cron::parse(&text));
        // In an hour that is shown twice cronsim goes back to its first time.
        let ambiguous = matches!(clock.instants(clock.wall(start)), pipewatch::calendar::Placed::Twice(..));
        if !ambiguous && let Ok(cron) = cron {
            asked.push((text, zone, start, clock, cron));
        }
    }
    let input: String =
        asked.iter().map(|(text, zone, start, ..)| format!("{text}\t{zone}\t{}\n", start.nanos() / 1_000_000_000)).collect();
    let mut command = Command::new(python);
    command.args(["-c", CRONSIM]);
    let answer = answered(command, input);
    let mut compared = 0;
    for (line, (text, zone, start, clock, cron)) in answer.lines().zip(&asked) {
        let mut at = *start;
        for expected in line.split_ascii_whitespace() {
            at = cron.next_after(at, *clock).unwrap();
            assert_eq!(
                (at.nanos() / 1_000_000_000).to_string(),
                expected,
                "`{text}` in {zone} from {start}: ours is {}",
                clock.rfc3339(at)
            );
            compared += 1;
        }
    }
    println!("{compared} runs of {} expressions compared", asked.len());
    assert!(compared > 45_000, "only {compared}");
}

/// A field of a calendar event.
fn component(random: &mut Random, low: u64, high: u64) -> String {
    let value = |random: &mut Random| format!("{:02}", random.within(low, high));
    match random.below(10) {
        0..=3 => "*".to_owned(),
        4..=5 => value(random),
        6 => format!("{}/{}", random.within(low, low + 3), random.within(1, 4)),
        7 => {
            // A range of one value is refused there for seconds, and taken for all else.
            let first = random.within(low, high - 1);
            format!("{first}..{}", random.within(first + 1, high))
        }
        8 => format!("{},{}", value(random), value(random)),
        _ => {
            let first = random.within(low, high - 2);
            format!("{first}..{}/{}", random.within(first + 1, high), random.within(1, 3))
        }
    }
}

fn event(random: &mut Random) -> String {
    let days = random.of(&["", "", "", "Mon ", "Mon..Fri ", "Sat,Sun ", "Tue,Thu..Sat ", "wednesday "]);
    let date = match random.below(8) {
        0..=2 => String::new(),
        3 => format!("*-*-{} ", component(random, 1, 31)),
        4 => format!("{}-{} ", component(random, 1, 12), component(random, 1, 31)),
        5 => format!("*-{}~{} ", component(random, 1, 12), random.within(1, 28)),
        6 => format!("*-*~{:02}/{} ", random.within(3, 28), random.within(1, 2)),
        _ => format!("{}-{}-{} ", random.of(&["*", "2024", "2023..2030/2", "24"]), component(random, 1, 12), component(random, 1, 31)),
    };
    let time = match random.below(6) {
        0 => String::new(),
        1 => format!("{}:{}", component(random, 0, 23), component(random, 0, 59)),
        2 => format!(
            "{}:{}:{}",
            component(random, 0, 23),
            component(random, 0, 59),
            random.of(&["*", "0/15", "30.5", "5..40/7", "0.25/2.5"])
        ),
        _ => format!("{}:{}:{}", component(random, 0, 23), component(random, 0, 59), component(random, 0, 59)),
    };
    let zone = random.of(&["", "", " UTC", " Europe/Riga", " Australia/Sydney", " Asia/Kolkata"]);
    let text = format!("{days}{date}{time}").trim_end().to_owned() + zone;
    if text.trim().is_empty() || text.starts_with(' ') { "hourly".to_owned() } else { text }
}

#[test]
fn calendar_events_come_as_systemd_says() {
    let test = "calendar_events_come_as_systemd_says";
    let Some(systemd) = find(test, "systemd-analyze") else { return };
    let mut random = Random(9);
    let (mut compared, mut refused) = (0, 0);
    for _ in 0..500 {
        let text = event(&mut random);
        let base = Timestamp::parse(&format!(
            "{}-{:02}-{:02}T{:02}:07:00Z",
            random.within(2020, 2026),
            random.within(1, 12),
            random.within(1, 28),
            random.within(0, 23)
        ))
        .unwrap();
        let output = Command::new(&systemd)
            .args(["calendar", "--iterations=4", &format!("--base-time={} UTC", &base.to_string()[..19].replace('T', " ")), &text])
            .env("TZ", "UTC")
            .output()
            .unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let ours = OnCalendar::parse(&text);
        assert_eq!(ours.is_ok(), output.status.success(), "`{text}`: {ours:?}\n{}", String::from_utf8_lossy(&output.stderr));
        let Ok(ours) = ours else {
            refused += 1;
            continue;
        };
        let mut at = base;
        let instants = told.lines().filter(|line| line.contains("Next elapse:") || line.contains("Iter. #"));
        for line in instants {
            let stamp = line.split_once(": ").unwrap().1;
            if stamp == "never" {
                assert_eq!(ours.next_after(at, Zone::UTC), None, "`{text}` after {at}");
                break;
            }
            // `Sun 2021-10-31 13:00:00 UTC`, without the parts of a second.
            let expected = format!("{}T{}", &stamp[4..14], &stamp[15..23]);
            at = ours.next_after(at, Zone::UTC).unwrap_or_else(|| panic!("`{text}` after {at}: never, systemd says {stamp}"));
            assert_eq!(&at.to_string()[..19], expected, "`{text}` from {base}");
            compared += 1;
        }
    }
    println!("{compared} instants compared, {refused} events refused by both");
    assert!(compared > 1500, "only {compared}");
}
