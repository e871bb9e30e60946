//! Files of expectations: text in, expectations out, every mistake with its place.
//!
//! ```toml
//! [nightly-backup]
//! cron     = "15 2 * * *"
//! zone     = "Europe/Riga"
//! grace    = "1h"
//! longest  = "2h"
//! shortest = "10s"
//! ```
//!
//! TOML, one table a job, by convention `heartbeat.toml`. Reading is strict: an unknown key, a value of
//! the wrong sort, a mistake in a schedule are errors that name line and column. All mistakes are told
//! at once, [`MOST_ERRORS`] at most. A file without a job is one: all may have been removed.

use std::collections::HashMap;

use toml::de::{DeTable, DeValue};

pub use crate::settings::{FileError, MOST_ERRORS, Source};

use super::expectation::{Expectation, Failures, Maintenance, Schedule};
use crate::calendar::{CalendarError, Cron, OnCalendar, Recurrence, Window, Zone};
use crate::record::{Status, Tags, check_name, nearest, show};
use crate::settings::{Entry, Mistake, Place, broken, entries, line_and_column, moved, unknown};
use crate::time::{Span, Timestamp};

/// The keys of a job.
pub const KEYS: [&str; 15] = [
    "every",
    "cron",
    "oncalendar",
    "zone",
    "grace",
    "longest",
    "shortest",
    "failures",
    "paused",
    "maintenance",
    "through",
    "tags",
    "playbook",
    "severity",
    "timed",
];

/// Reads the expectations of several files as one set, in the order of the files.
///
/// # Errors
/// Every mistake, by its place; [`MOST_ERRORS`] at most.
///
/// ```
/// use pipewatch::heartbeat::file::{Source, read};
/// let source = |text: &str| [Source { name: "heartbeat.toml".into(), text: text.into() }];
/// let jobs = read(&source("[backup]\ncron = '15 2 * * *'\nzone = 'Europe/Riga'\n")).unwrap();
/// assert_eq!(jobs[0].schedule.to_string(), "15 2 * * * Europe/Riga");
/// let errors = read(&source("[backup]\nevry = '1d'\n")).unwrap_err();
/// assert_eq!(errors[0].hint.as_deref(), Some("did you mean `every`?"));
/// ```
pub fn read(sources: &[Source]) -> Result<Vec<Expectation>, Vec<FileError>> {
    let (mut expectations, mut errors) = (Vec::new(), Vec::new());
    let mut names: HashMap<String, (usize, Place)> = HashMap::new();
    for (number, source) in sources.iter().enumerate() {
        let (found, mut wrong) = read_source(source);
        for (expectation, place) in found {
            match names.get(&expectation.name) {
                Some((first, at)) => wrong.push(twice(&sources[*first], *at, &expectation.name, place)),
                None => {
                    names.insert(expectation.name.clone(), (number, place));
                    expectations.push(expectation);
                }
            }
        }
        wrong.sort_by_key(|error| (error.start, error.end));
        wrong.truncate(MOST_ERRORS);
        errors.extend(wrong.into_iter().map(|error| FileError::new(&source.name, &source.text, error)));
    }
    errors.truncate(MOST_ERRORS);
    if errors.is_empty() { Ok(expectations) } else { Err(errors) }
}

fn twice(earlier: &Source, at: Place, name: &str, place: Place) -> Mistake {
    let (line, column) = line_and_column(&earlier.text, at.0);
    let at = format!("{}:{line}:{column}", show(earlier.name.as_bytes(), 200));
    let error = Mistake::new(format!("there are two jobs `{}`: the other one is at {at}", show(name.as_bytes(), 40)), place);
    error.hint("give one of them another name, or leave one out")
}

fn read_source(source: &Source) -> (Vec<(Expectation, Place)>, Vec<Mistake>) {
    let text = source.text.as_str();
    let (table, wrong) = DeTable::parse_recoverable(text);
    if !wrong.is_empty() {
        // What is no TOML is told alone: what was read around it may be torn.
        return (Vec::new(), wrong.iter().map(|error| broken(text, error)).collect());
    }
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for entry in entries(text, table.get_ref()) {
        match job(&entry) {
            Ok(expectation) => found.push((expectation, entry.key_place)),
            Err(wrong) => errors.extend(wrong),
        }
    }
    (found, errors)
}

/// What is typed of one job, before it is known what the keys are to one another.
#[derive(Default)]
struct Typed<'a> {
    schedule: Option<Entry<'a>>,
    zone: Option<Entry<'a>>,
    grace: Option<Span>,
}

/// Reads the table of one job.
fn job(entry: &Entry<'_>) -> Result<Expectation, Vec<Mistake>> {
    let DeValue::Table(_) = entry.value else {
        let error = Mistake::new(format!("`{}` stands outside of a job", entry.name()), entry.key_place);
        return Err(vec![error.hint("a job begins with its name in brackets, like `[nightly-backup]`")]);
    };
    let mut errors = Vec::new();
    if let Err(why) = check_name(entry.key) {
        errors.push(Mistake::new(format!("a job's name {why}"), entry.key_place));
    }
    let mut expectation = Expectation::new(entry.key, Schedule::Every(Span::from_secs(86_400)));
    let mut typed = Typed::default();
    let keys = entry.table("a table").map_err(|error| vec![error])?;
    // A maintenance goes by the job's zone, wherever that stands.
    typed.zone = keys.iter().find(|key| key.key == "zone").copied();
    for key in &keys {
        if let Err(wrong) = read_key(&mut expectation, &mut typed, key) {
            errors.extend(wrong);
        }
    }
    // A schedule that is misspelled is told as such, and not as missing.
    let misspelled = |key: &Entry<'_>| !KEYS.contains(&key.key) && matches!(nearest(key.key, KEYS), Some("every" | "cron" | "oncalendar"));
    match schedule(entry, &typed) {
        Err(_) if typed.schedule.is_none() && keys.iter().any(misspelled) => {}
        Ok(Some(found)) => {
            let usual = Expectation::new("", found.clone()).grace;
            expectation.schedule = found;
            expectation.grace = typed.grace.unwrap_or(usual);
        }
        Ok(None) => {}
        Err(error) => errors.push(error),
    }
    errors.extend(clashes(&expectation, &keys));
    if errors.is_empty() { Ok(expectation) } else { Err(errors) }
}

fn read_key<'a>(to: &mut Expectation, typed: &mut Typed<'a>, key: &Entry<'a>) -> Result<(), Vec<Mistake>> {
    let one = |error: Mistake| vec![error];
    match key.key {
        "every" | "cron" | "oncalendar" => match typed.schedule {
            Some(other) => return Err(vec![key.error(format!("`{}` and `{}` clash: a job has one schedule", other.key, key.key))]),
            None => typed.schedule = Some(*key),
        },
        "zone" => {}
        "grace" => typed.grace = Some(key.span().map_err(one)?),
        "longest" => to.longest = Some(positive(key).map_err(one)?),
        "shortest" => to.shortest = Some(key.span().map_err(one)?),
        "failures" => to.failures = failures(key).map_err(one)?,
        "paused" => to.paused = key.bool().map_err(one)?,
        "maintenance" => to.maintenance = maintenance(key, typed)?,
        "through" => to.through = Some(name(key).map_err(one)?),
        "tags" => to.tags = tags(key)?,
        "playbook" => to.playbook = Some(key.text("a link or a sentence").map_err(one)?.text),
        "severity" => to.severity = severity(key).map_err(one)?,
        "timed" => to.timed = timed(key).map_err(one)?,
        _ => return Err(vec![unknown(key, "a job", &KEYS)]),
    }
    Ok(())
}

fn positive(key: &Entry<'_>) -> Result<Span, Mistake> {
    let span = key.span()?;
    if span.is_zero() { Err(key.wrong("longer than nothing")) } else { Ok(span) }
}

fn name(key: &Entry<'_>) -> Result<String, Mistake> {
    let text = key.text("the name of a job")?.text;
    check_name(&text).map_err(|why| key.error(format!("a job's name {why}")))?;
    Ok(text)
}

fn timed(key: &Entry<'_>) -> Result<super::Timed, Mistake> {
    match key.text("every or newest")?.text.as_str() {
        "every" => Ok(super::Timed::Every),
        "newest" => Ok(super::Timed::Newest),
        _ => Err(key.wrong("\"every\" run, or the \"newest\" only")),
    }
}

fn severity(key: &Entry<'_>) -> Result<Status, Mistake> {
    let text = key.text("critical or warning")?.text;
    match Status::parse(&text) {
        Some(status @ (Status::Critical | Status::Warning)) => Ok(status),
        _ => {
            let error = key.wrong("critical or warning");
            Err(match nearest(&text, ["critical", "warning"]) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error,
            })
        }
    }
}

/// `3`, or `"3 of 5"`.
fn failures(key: &Entry<'_>) -> Result<Failures, Mistake> {
    let expected = "a number from 1 to 64, or two, like \"3 of 5\"";
    let parts: Option<(u32, u32)> = match key.value {
        DeValue::String(text) => parts_of(text),
        _ => key
            .number()
            .filter(|number| number.fract() == 0.0 && (1.0..=64.0).contains(number))
            .map(|number| (number as u32, number as u32)),
    };
    let (of_these, among) = parts.ok_or_else(|| key.wrong(expected))?;
    if of_these < 1 || among > 64 || of_these > among {
        return Err(key.wrong(expected));
    }
    Ok(Failures { of_these, among })
}

/// The numbers of `3` and of `3 of 5`.
fn parts_of(text: &str) -> Option<(u32, u32)> {
    let (of_these, among) = text.split_once(" of ").unwrap_or((text, text));
    Some((of_these.trim().parse().ok()?, among.trim().parse().ok()?))
}

impl Failures {
    /// Reads `3` and `3 of 5`.
    pub fn parse(text: &str) -> Option<Failures> {
        let (of_these, among) = parts_of(text)?;
        (of_these >= 1 && among <= 64 && of_these <= among).then_some(Failures { of_these, among })
    }
}

fn tags(key: &Entry<'_>) -> Result<Tags, Vec<Mistake>> {
    let (mut tags, mut errors) = (Tags::new(), Vec::new());
    for entry in key.table("a table of texts, like { team = \"db\" }").map_err(|error| vec![error])? {
        match entry.value {
            DeValue::String(text) => {
                tags.set(entry.key, &**text);
            }
            _ => errors.push(entry.wrong("a text")),
        }
    }
    if errors.is_empty() { Ok(tags) } else { Err(errors) }
}

/// A mistake in a schedule, at its place in the file.
fn at_place(key: &Entry<'_>, error: CalendarError) -> Mistake {
    let mistake = Mistake { message: error.message, start: error.place.0, end: error.place.1, hint: error.hint };
    match key.text("") {
        Ok(text) => moved(&text, mistake),
        Err(_) => Mistake { start: key.place.0, end: key.place.1, ..mistake },
    }
}

fn zone(key: Option<&Entry<'_>>) -> Result<Zone, Mistake> {
    let Some(key) = key else { return Ok(Zone::UTC) };
    let text = key.text("a time zone, like \"Europe/Riga\"")?.text;
    Zone::named(&text).map_err(|error| at_place(key, error))
}

fn schedule(job: &Entry<'_>, typed: &Typed<'_>) -> Result<Option<Schedule>, Mistake> {
    let Some(key) = typed.schedule else {
        let error = Mistake::new(format!("`{}` has no schedule", job.name()), job.key_place);
        return Err(error.hint("write every = \"1d\", cron = \"15 2 * * *\" or oncalendar = \"Mon..Fri 09:00\""));
    };
    if key.key == "every" {
        if let Some(zone) = &typed.zone {
            return Err(Mistake::new("`zone` is for cron and oncalendar: a period is equally long everywhere", zone.key_place));
        }
        return positive(&key).map(|period| Some(Schedule::Every(period)));
    }
    let zone = zone(typed.zone.as_ref())?;
    recurrence(&key, zone).map(|found| Some(if key.key == "cron" { Schedule::Cron(found) } else { Schedule::OnCalendar(found) }))
}

/// The schedule of `cron` or `oncalendar`.
fn recurrence(key: &Entry<'_>, zone: Zone) -> Result<Recurrence, Mistake> {
    if key.key == "cron" {
        let text = key.text("five fields, like \"15 2 * * *\"")?.text;
        return Cron::parse(&text).map(|cron| Recurrence::Cron(cron, zone)).map_err(|error| at_place(key, error));
    }
    let items: Vec<Entry<'_>> = match key.value {
        DeValue::Array(list) if !list.is_empty() => {
            list.iter().map(|item| Entry { value: item.get_ref(), place: (item.span().start, item.span().end), ..*key }).collect()
        }
        _ => vec![*key],
    };
    let event = |item: &Entry<'_>| {
        let text = item.text("a calendar event, like \"Mon..Fri 09:00\", or a list of them")?.text;
        OnCalendar::parse(&text).map_err(|error| at_place(item, error))
    };
    Ok(Recurrence::OnCalendar(items.iter().map(event).collect::<Result<_, _>>()?, zone))
}

fn maintenance(key: &Entry<'_>, typed: &Typed<'_>) -> Result<Vec<Maintenance>, Vec<Mistake>> {
    let expected = "a list of tables, like [{ cron = \"0 2 * * 0\", for = \"2h\" }]";
    let DeValue::Array(list) = key.value else { return Err(vec![key.wrong(expected)]) };
    let items = list.iter().map(|item| Entry { value: item.get_ref(), place: (item.span().start, item.span().end), ..*key });
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for item in items {
        match one_maintenance(&item, typed, expected) {
            Ok(one) => found.push(one),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

fn one_maintenance(item: &Entry<'_>, typed: &Typed<'_>, expected: &str) -> Result<Maintenance, Mistake> {
    let keys = item.table(expected)?;
    let known = ["from", "to", "cron", "oncalendar", "for", "zone"];
    if let Some(stray) = keys.iter().find(|key| !known.contains(&key.key)) {
        return Err(unknown(stray, "a maintenance", &known));
    }
    let get = |name: &str| keys.iter().find(|key| key.key == name);
    match (get("from"), get("to"), get("cron").or(get("oncalendar")), get("for")) {
        (Some(from), Some(to), None, None) => {
            let (from, until) = (instant(from)?, instant(to)?);
            if from >= until {
                return Err(to.error(format!("`to` {until} is not after `from` {from}")));
            }
            Ok(Maintenance::Once(from, until))
        }
        (None, None, Some(begin), Some(length)) => {
            let zone = zone(get("zone").or(typed.zone.as_ref()))?;
            Ok(Maintenance::Again(Window { begin: recurrence(begin, zone)?, length: positive(length)? }))
        }
        _ => Err(item.error("a maintenance has `from` and `to`, or a schedule (`cron`, `oncalendar`) and `for`")),
    }
}

fn instant(key: &Entry<'_>) -> Result<Timestamp, Mistake> {
    let text = match key.value {
        DeValue::Datetime(_) => key.file.get(key.place.0..key.place.1).unwrap_or_default().to_owned(),
        _ => key.text("an instant, like 2026-11-29T02:00:00Z")?.text,
    };
    Timestamp::parse(&text).map_err(|error| key.error(error.to_string()))
}

/// Where two keys contradict one another.
fn clashes(expectation: &Expectation, keys: &[Entry<'_>]) -> Vec<Mistake> {
    let mut errors = Vec::new();
    if let (Some(longest), Some(shortest)) = (expectation.longest, expectation.shortest)
        && shortest > longest
        && let Some(key) = keys.iter().find(|key| key.key == "shortest")
    {
        errors.push(key.error(format!("`shortest` {} is longer than `longest` {}", shortest.human(), longest.human())));
    }
    if let (Some(through), Some(key)) = (&expectation.through, keys.iter().find(|key| key.key == "through"))
        && *through == expectation.name
    {
        errors.push(key.error("a job can't go through itself"));
    }
    errors
}
