//! `heartbeat expect`: writes what is expected of a job into `heartbeat.toml`, or lists who is expected.
//!
//! The file is people's as well: comments, order and spelling of what is not changed stay. It is
//! replaced as a whole or not at all, and never by one that could not be read again.

use std::fs::{File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};
use toml_edit::{DocumentMut, Item, Table, value};

use super::{TOOL, expectations, state_folder};
use crate::cli::{Code, Failure, Io, Output};
use crate::heartbeat::file::{Source, read};
use crate::heartbeat::{Failures, Watch};
use crate::ndjson::decode;
use crate::record::{Record, check_name, nearest, show};
use crate::store::read::{Range, days, open};
use crate::time::{Span, Timestamp};

/// The options that are durations, each a key of the same name.
const SPANS: [&str; 4] = ["every", "grace", "longest", "shortest"];

/// The options that are texts.
const TEXTS: [&str; 5] = ["cron", "zone", "through", "playbook", "severity"];

pub(super) fn command() -> Command {
    let option = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let flag = |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    Command::new("expect")
        .about("Expect a job: when it beats, and how long it takes; or list who is expected")
        .override_usage("heartbeat expect [NAME] [OPTIONS]")
        .before_help(
            "Examples:\n  heartbeat expect nightly-backup --every 1d --grace 1h\n  \
             heartbeat expect report --cron '15 2 * * 1-5' --zone Europe/Riga --longest 2h\n  \
             heartbeat expect sync --oncalendar 'Mon..Fri 09:00' --failures '3 of 5'\n  \
             heartbeat expect report --pause       until --resume\n  \
             heartbeat expect                      all of them, and how they stand",
        )
        .help_template("{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}")
        .arg(Arg::new("name").value_name("NAME").help("The job's name"))
        .arg(option("every", "SPAN", "It beats so long after its last beat"))
        .arg(option("cron", "EXPR", "It beats by a cron expression"))
        .arg(option("oncalendar", "EVENT", "It beats by systemd's calendar events; may be repeated").action(ArgAction::Append))
        .arg(option("zone", "ZONE", "The time zone of the schedule [default: UTC]"))
        .arg(option("grace", "SPAN", "How much later it may be"))
        .arg(option("longest", "SPAN", "How long a run may take"))
        .arg(option("shortest", "SPAN", "How long a run that did its work takes at least"))
        .arg(option("failures", "N", "How many failures it takes: 3 in a row, or `3 of 5`"))
        .arg(option("through", "JOB", "The job at the far end of what this one makes its activity for"))
        .arg(option("severity", "STATUS", "How bad it is: critical or warning"))
        .arg(option("playbook", "LINK", "Where to read what to do"))
        .arg(flag("pause", "Expect nothing for now").conflicts_with("resume"))
        .arg(flag("resume", "Expect it again"))
        .arg(flag("remove", "Expect it no more"))
        .arg(expectations::option())
        .arg(expectations::state_option())
        .arg(crate::cli::args::at_option())
}

pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let paths = expectations::paths(matches, io);
    let Some(name) = matches.get_one::<String>("name") else {
        if let Some(stray) = typed(matches) {
            return Err(Failure::usage(format!("--{stray} is of a job: name it")));
        }
        return list(&paths, matches, io);
    };
    check_name(name).map_err(|why| Failure::usage(format!("the name {why}")))?;
    let [path] = paths.as_slice() else { return Err(Failure::usage("a job is expected in one file: name one by -f")) };
    let before = match expectations::source(path) {
        Ok(source) => source,
        Err(Failure::Config(..)) => Source { name: path.display().to_string(), text: String::new() },
        Err(failure) => return Err(failure),
    };
    let after = edit(&before, name, matches, io)?;
    let expected = read(std::slice::from_ref(&after)).map_err(|errors| expectations::tell(&errors, io))?;
    if after.text != before.text {
        replace(path, &after.text)?;
    }
    match expected.iter().find(|one| one.name == *name) {
        Some(one) if one.paused => io.tell(TOOL.name, format!("`{}` is paused", show(name.as_bytes(), 80))),
        Some(one) => {
            let told = format!("`{}` is expected {}, with a grace of {}", show(name.as_bytes(), 80), one.schedule, one.grace.human());
            io.tell(TOOL.name, told);
        }
        None => io.tell(TOOL.name, format!("`{}` is expected no more", show(name.as_bytes(), 80))),
    }
    Ok(Code::OK)
}

/// The first option of a job that was typed.
fn typed(matches: &ArgMatches) -> Option<&'static str> {
    let mut options = SPANS.into_iter().chain(TEXTS).chain(["oncalendar", "failures"]);
    let flags = ["pause", "resume", "remove"].into_iter().find(|flag| matches.get_flag(flag));
    options.find(|id| matches.contains_id(id)).or(flags)
}

/// The file's text with what was typed of a job.
fn edit(source: &Source, name: &str, matches: &ArgMatches, io: &mut Io) -> Result<Source, Failure> {
    // What can't be read is told by the reader, which knows the places.
    let known = read(std::slice::from_ref(source)).map_err(|errors| expectations::tell(&errors, io))?;
    let broken = |error: toml_edit::TomlError| Failure::Config(format!("{}: {}", show(source.name.as_bytes(), 200), error.message()), None);
    let mut document: DocumentMut = source.text.parse().map_err(broken)?;
    let is_new = document.get(name).is_none();
    let changes_only = !["every", "cron", "oncalendar"].iter().any(|id| matches.contains_id(id));
    if is_new && (changes_only || matches.get_flag("remove")) {
        let message = format!("`{}` is not expected yet", show(name.as_bytes(), 80));
        return Err(match nearest(name, known.iter().map(|one| one.name.as_str())) {
            Some(near) => Failure::usage_hint(message, format!("did you mean `{near}`? A new job needs --every, --cron or --oncalendar")),
            None => Failure::usage_hint(message, "a new job needs --every, --cron or --oncalendar"),
        });
    }
    if matches.get_flag("remove") {
        document.remove(name);
        return Ok(Source { text: document.to_string(), ..source.clone() });
    }
    if is_new {
        let mut table = Table::new();
        if !document.is_empty() {
            table.decor_mut().set_prefix("\n");
        }
        document.insert(name, Item::Table(table));
    }
    let table = document.get_mut(name).and_then(Item::as_table_like_mut);
    let table = table.ok_or_else(|| Failure::Config(format!("`{}` is no job there", show(name.as_bytes(), 80)), None))?;
    set(table, matches)?;
    Ok(Source { text: document.to_string(), ..source.clone() })
}

/// Sets the keys that were typed; a schedule replaces the one before.
fn set(table: &mut dyn toml_edit::TableLike, matches: &ArgMatches) -> Result<(), Failure> {
    let schedules = ["every", "cron", "oncalendar"];
    let given: Vec<&str> = schedules.into_iter().filter(|id| matches.contains_id(id)).collect();
    if let [one, other, ..] = given.as_slice() {
        return Err(Failure::usage(format!("--{one} and --{other} clash: a job has one schedule")));
    }
    if let [given] = given.as_slice() {
        schedules.iter().filter(|id| *id != given).for_each(|id| {
            table.remove(id);
        });
        if *given == "every" {
            table.remove("zone");
        }
    }
    for id in SPANS.into_iter().chain(TEXTS) {
        let Some(text) = matches.get_one::<String>(id) else { continue };
        if SPANS.contains(&id) {
            Span::parse(text).map_err(|error| Failure::usage(format!("--{id}: {error}")))?;
        }
        put(table, id, value(text.as_str()));
    }
    let events: Vec<&String> = matches.get_many("oncalendar").into_iter().flatten().collect();
    match events.as_slice() {
        [] => {}
        [one] => put(table, "oncalendar", value(one.as_str())),
        many => put(table, "oncalendar", value(many.iter().map(|event| event.as_str()).collect::<toml_edit::Array>())),
    }
    if let Some(text) = matches.get_one::<String>("failures") {
        let failures = Failures::parse(text);
        let failures = failures.ok_or_else(|| Failure::usage("--failures: write a number from 1 to 64, or two, like `3 of 5`"))?;
        let in_row = failures.of_these == failures.among;
        put(table, "failures", if in_row { value(i64::from(failures.among)) } else { value(text.as_str()) });
    }
    if matches.get_flag("pause") {
        put(table, "paused", value(true));
    }
    if matches.get_flag("resume") {
        table.remove("paused");
    }
    Ok(())
}

/// Sets a key and keeps what stands beside its value.
fn put(table: &mut dyn toml_edit::TableLike, key: &str, mut item: Item) {
    if let (Some(old), Some(new)) = (table.get(key).and_then(Item::as_value), item.as_value_mut()) {
        *new.decor_mut() = old.decor().clone();
    }
    table.insert(key, item);
}

/// Replaces a file as a whole; its permissions stay.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    // A link stays one: what it leads to is replaced.
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let cannot = |error| Failure::io(format!("{}: cannot write", show(path.display().to_string().as_bytes(), 200)), error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(cannot)?;
    let name = path.file_name().map_or_else(|| expectations::FILE.into(), |name| name.to_string_lossy().into_owned());
    let made = folder.join(format!(".{name}.{}", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&made)?;
        let mode = path.metadata().map_or(0o644, |found| found.permissions().mode());
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&made, path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error| {
        let _ = std::fs::remove_file(&made);
        cannot(error)
    })
}

/// Lists who is expected, when next, and how they stand.
fn list(paths: &[std::path::PathBuf], matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let expected = expectations::expectations(paths, io)?;
    let now = io.now();
    let mut watch = Watch::restore(expected, Default::default(), now);
    let beats = state_folder(matches, io).join("beats");
    read_beats(&beats, now, &mut watch)?;
    let rows: Vec<[String; 4]> = watch.jobs().iter().map(|job| row(job, now)).collect();
    let mut out = Output::take(io, false);
    let heading = ["job", "state", "due", "expected"].map(str::to_owned);
    let width = |at: usize| rows.iter().chain([&heading]).map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    for [name, state, due, schedule] in std::iter::once(&heading).chain(&rows) {
        let line = format!("{name:0$}  {state:1$}  {due:2$}  {schedule}\n", widths[0], widths[1], widths[2]);
        out.lines(line.as_bytes())?;
    }
    out.flush()?;
    Ok(Code::OK)
}

fn row(job: &crate::heartbeat::Job, now: Timestamp) -> [String; 4] {
    let standing = job.state(now);
    let started = if standing.started.is_empty() { "" } else { ", started" };
    let state = match standing.state {
        crate::heartbeat::State::Down { why, .. } => format!("down ({}){started}", why.name()),
        state => format!("{}{started}", state.name()),
    };
    let due = job.due().map_or("-".to_owned(), |due| due.at.to_string());
    let schedule = format!("{}, grace {}", job.expectation().schedule, job.expectation().grace.human());
    [show(job.expectation().name.as_bytes(), 60), state, due, schedule]
}

/// Takes in the history of beats up to an instant, where there is one.
fn read_beats(folder: &Path, now: Timestamp, watch: &mut Watch) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Ok(());
    }
    let cannot = |error| Failure::io(format!("{}: cannot read", show(folder.display().to_string().as_bytes(), 200)), error);
    for day in days(folder, &Range::default()).map_err(cannot)? {
        let mut text = Vec::new();
        let mut stream = open(&day, &Range::default()).map_err(cannot)?;
        std::io::Read::read_to_end(&mut stream, &mut text).map_err(cannot)?;
        for line in text.split(|byte| *byte == b'\n') {
            if let Ok(Record::Beat(beat)) = decode(line)
                && beat.ts <= now
            {
                watch.observe(&beat);
            }
        }
    }
    Ok(())
}
