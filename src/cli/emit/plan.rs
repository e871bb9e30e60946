//! What was typed, made into what is to be done; every mistake is found here.

use std::ffi::OsString;
use std::path::Path;

use clap::ArgMatches;

use crate::cli::args::tags_of_environment;
use crate::cli::{Failure, Inputs, Io};
use crate::record::{Event, Record, Sample, SampleType, Series, Tags, Value, check_name, show};
use crate::sink::Destination;
use crate::store::append::Durability;

/// What is to be done, and where the records go.
pub(super) struct Plan {
    pub(super) work: Work,
    pub(super) destinations: Vec<Destination>,
    pub(super) durability: Durability,
    pub(super) verbose: bool,
}

/// What is to be done.
pub(super) enum Work {
    /// Emit this record.
    One(Box<Record>),
    /// Forward the records of these inputs.
    Forward(Inputs),
    /// Run a command.
    Time(Timing),
}

/// A command whose cost is emitted.
pub(super) struct Timing {
    pub(super) name: String,
    pub(super) tags: Tags,
    pub(super) command: Vec<OsString>,
}

/// The options that say what a sample is.
const SAMPLE_OPTIONS: [&str; 4] = ["metric", "unit", "type", "weight"];

/// The options that say how input is read.
const INPUT_OPTIONS: [&str; 5] = ["since", "until", "rejects", "strict", "heartbeat"];

impl Plan {
    pub(super) fn new(matches: &ArgMatches, io: &Io) -> Result<Plan, Failure> {
        let inner = matches.subcommand();
        let options = inner.map_or(matches, |(_, inner)| inner);
        let work = match inner {
            None => plain(matches, io)?,
            Some((name, inner)) => {
                if let Some(before) = texts(matches, "first").first() {
                    return Err(Failure::usage(format!("`{}` stands before `{name}`, which comes first", shown(before))));
                }
                refuse(matches, &SAMPLE_OPTIONS, &format!("of a sample, not of `emit {name}`"))?;
                refuse(matches, &INPUT_OPTIONS, &format!("for forwarding, not for `emit {name}`"))?;
                if name == "event" { event(inner, io)? } else { timing(inner, io)? }
            }
        };
        let durability = options.get_one::<String>("sync").and_then(|text| Durability::parse(text)).unwrap_or_default();
        Ok(Plan { work, destinations: destinations(options, io)?, durability, verbose: options.get_flag("verbose") })
    }
}

/// A sample or inputs, by what the arguments look like.
fn plain(matches: &ArgMatches, io: &Io) -> Result<Work, Failure> {
    let arguments = ["first", "second", "more"].map(|id| texts(matches, id)).concat();
    if let Some(unknown) = arguments.iter().find(|text| text.starts_with('-') && *text != "-" && looks_no_number(text)) {
        return Err(unknown_option(unknown));
    }
    let metric = matches.get_one::<String>("metric");
    let is_input = |path: &&String| *path == "-" || Path::new(path).exists();
    let sets = matches.get_one::<String>("type").is_some_and(|kind| kind == "set");
    let (metric, value) = match (metric, arguments.as_slice()) {
        (Some(metric), [value]) => (metric, value),
        (Some(_), []) => return Err(Failure::usage_hint("--metric: a sample needs a value", "write `emit --metric NAME VALUE`")),
        (None, [metric, value]) if sets || value.parse::<f64>().is_ok() || !arguments.iter().all(|path| is_input(&path)) => (metric, value),
        (None, paths) => return forward(paths, matches, io),
        (Some(_), [_, extra, ..]) => {
            return Err(Failure::usage(format!("`{}` follows the value; with --metric there is one argument", shown(extra))));
        }
    };
    refuse(matches, &INPUT_OPTIONS, "for forwarding, not for a sample")?;
    sample(metric, value, matches, io)
}

fn forward(paths: &[String], matches: &ArgMatches, io: &Io) -> Result<Work, Failure> {
    refuse(matches, &SAMPLE_OPTIONS, "of a sample; what is forwarded stays as it is")?;
    refuse(matches, &["tag"], "of a sample; what is forwarded stays as it is")?;
    if let Some(missing) = paths.iter().find(|path| *path != "-" && !Path::new(path).exists()) {
        let missing = shown(missing);
        return Err(match paths {
            [_] => Failure::usage_hint(format!("`{missing}`: no such file"), format!("a sample needs a value: `emit {missing} 12.5`")),
            [_, value, extra, ..] if value.parse::<f64>().is_ok() => {
                Failure::usage_hint(format!("`{}` follows the value", shown(extra)), "tags are written `--tag queue=linux`")
            }
            _ => Failure::usage_hint(
                format!("`{missing}`: no such file"),
                "the forms are `emit METRIC VALUE`, `emit event`, `emit time`, `emit FILE...`",
            ),
        });
    }
    Ok(Work::Forward(Inputs::of_paths("emit", paths.to_vec(), matches, io)?))
}

fn sample(metric: &str, value: &str, matches: &ArgMatches, io: &Io) -> Result<Work, Failure> {
    check_name(metric).map_err(|why| Failure::usage(format!("the metric's name {why}")))?;
    let kind = matches.get_one::<String>("type").and_then(|kind| SampleType::parse(kind)).unwrap_or_default();
    let value = if kind == SampleType::Set { Value::Member(value.to_owned()) } else { Value::Number(number("value", value)?) };
    let weight = match matches.get_one::<String>("weight") {
        None => 1.0,
        Some(text) => number("--weight", text)?,
    };
    if weight <= 0.0 {
        return Err(Failure::usage(format!("--weight: must be above zero, found {weight}")));
    }
    let unit = matches.get_one::<String>("unit").cloned();
    let series = Series { metric: metric.to_owned(), kind, unit, tags: tags(matches, io)? };
    Ok(Work::One(Box::new(Record::Sample(Sample { ts: io.now(), series, value, weight }))))
}

fn event(matches: &ArgMatches, io: &Io) -> Result<Work, Failure> {
    let text = |id: &str| matches.get_one::<String>(id).cloned();
    let event = text("name").unwrap_or_default();
    check_name(&event).map_err(|why| Failure::usage(format!("the event's name {why}")))?;
    Ok(Work::One(Box::new(Record::Event(Event { ts: io.now(), event, text: text("text"), link: text("link"), tags: tags(matches, io)? }))))
}

fn timing(matches: &ArgMatches, io: &Io) -> Result<Work, Failure> {
    let name = matches.get_one::<String>("name").cloned().unwrap_or_default();
    // The longest of the three names must be one.
    check_name(&format!("{name}.duration")).and(check_name(&name)).map_err(|why| Failure::usage(format!("the name {why}")))?;
    let command = matches.get_many::<OsString>("command").into_iter().flatten().cloned().collect();
    Ok(Work::Time(Timing { name, tags: tags(matches, io)?, command }))
}

/// Whether a text that begins with `-` is meant as an option.
fn looks_no_number(text: &str) -> bool {
    text.parse::<f64>().is_err() && !text[1..].starts_with(|c: char| c.is_ascii_digit())
}

/// What the parser would have said to an option, had a value not been allowed to begin with `-`.
fn unknown_option(text: &str) -> Failure {
    let strict = super::command().mut_args(|arg| arg.allow_hyphen_values(false));
    match strict.try_get_matches_from(["emit", text]) {
        Err(error) => Failure::usage(error.to_string().trim_start_matches("error: ").trim_end()),
        Ok(_) => Failure::usage(format!("`{}` stands where a value should", shown(text))),
    }
}

/// Reads a number as records can hold it.
fn number(what: &str, text: &str) -> Result<f64, Failure> {
    let found = shown(text);
    let value = match text.parse::<f64>() {
        Ok(value) => value,
        Err(_) => {
            let message = format!("{what}: `{found}` is not a number");
            let digits = text.trim_end_matches(|c: char| c.is_alphabetic() || c == '%');
            let unit = &text[digits.len()..];
            return Err(match digits.parse::<f64>() {
                Ok(_) if !unit.is_empty() => Failure::usage_hint(message, format!("write `{} --unit {}`", shown(digits), shown(unit))),
                _ => Failure::usage(message),
            });
        }
    };
    if !value.is_finite() {
        let hint = "a value that is not known is best not emitted";
        return Err(Failure::usage_hint(format!("{what}: `{found}` is no finite number, and records hold none but those"), hint));
    }
    let digits = text.trim_start_matches(['+', '-']);
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole && value.abs() >= 9_007_199_254_740_992.0 && digits.parse::<u128>().ok() != Some(value.abs() as u128) {
        let message = format!("{what}: `{found}` is an integer that a double can't hold exactly (beyond 2^53)");
        return Err(Failure::usage_hint(message, format!("where rounding is meant, write `{value:e}`")));
    }
    Ok(value)
}

fn tags(matches: &ArgMatches, io: &Io) -> Result<Tags, Failure> {
    let mut tags = tags_of_environment(io)?;
    for text in texts(matches, "tag") {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => drop(tags.set(key, value)),
            _ => return Err(Failure::usage_hint(format!("--tag: `{}` is no key and value", shown(&text)), "write `--tag queue=linux`")),
        }
    }
    Ok(tags)
}

/// Where to; standard output last, so that a line seen there is written everywhere else.
fn destinations(matches: &ArgMatches, io: &Io) -> Result<Vec<Destination>, Failure> {
    let mut typed = texts(matches, "to");
    let mut option = "--to";
    if typed.is_empty() {
        let usual = io.env.get("PIPEWATCH_TO").filter(|text| !text.is_empty());
        option = if usual.is_some() { "$PIPEWATCH_TO" } else { option };
        typed.push(usual.map_or("-", String::as_str).to_owned());
    }
    let mut destinations = Vec::new();
    for text in typed {
        let destination =
            Destination::parse(&text).map_err(|error| Failure::usage_hint(format!("{option}: {}", error.message), error.hint))?;
        if !destinations.contains(&destination) {
            destinations.push(destination);
        }
    }
    destinations.sort_by_key(|destination| *destination == Destination::Stdout);
    Ok(destinations)
}

/// Refuses options that have no meaning here.
fn refuse(matches: &ArgMatches, options: &[&str], why: &str) -> Result<(), Failure> {
    let typed = |id: &&&str| matches.value_source(id) == Some(clap::parser::ValueSource::CommandLine);
    match options.iter().find(typed) {
        Some(option) => Err(Failure::usage(format!("--{option} is {why}"))),
        None => Ok(()),
    }
}

fn texts(matches: &ArgMatches, id: &str) -> Vec<String> {
    matches.get_many::<String>(id).into_iter().flatten().cloned().collect()
}

fn shown(text: &str) -> String {
    show(text.as_bytes(), 80)
}
