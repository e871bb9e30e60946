//! `collect lines`: text in another program's format, one record or several a line.

use clap::{Arg, ArgMatches};

use crate::cli::args::{at, at_option};
use crate::cli::{Code, Failure, Inputs, Io, Output, Trouble};
use crate::ndjson::{LineError, write};
use crate::record::nearest;
use crate::record::{Record, Tags, show};
use crate::wire::{self, Format};

const EXAMPLES: &str = "\
Examples:
  collect lines --format graphite dump.txt.gz
  nc -luk 8125 | collect lines --format statsd";

pub(super) fn command() -> clap::Command {
    let formats: Vec<String> = wire::FORMATS.iter().map(|format| format!("  {:<10}{}", format.name, format.about)).collect();
    clap::Command::new("lines")
        .about("Lines in another program's format, such as StatsD's or Graphite's")
        .before_help(EXAMPLES)
        .after_help(format!("Formats:\n{}\n\nA line that does not say when it was gets the time of its arrival.", formats.join("\n")))
        .arg(Arg::new("format").long("format").value_name("NAME").required(true).help("The format of the lines, see below"))
        .arg(super::tag_option())
        .args(super::input_options())
        .arg(at_option())
}

/// The format by its name.
fn format(name: &str) -> Result<&'static Format, Failure> {
    wire::find(name).ok_or_else(|| {
        let names = || wire::FORMATS.iter().map(|format| format.name);
        let hint = match nearest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the formats are `{}`", names().collect::<Vec<_>>().join("`, `")),
        };
        Failure::usage_hint(format!("--format: unknown format `{}`", show(name.as_bytes(), 80)), hint)
    })
}

pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    at(matches, io)?;
    let format = format(matches.get_one::<String>("format").map_or("", String::as_str))?;
    let tags = super::tags(matches, io)?;
    let mut inputs = Inputs::new("collect", matches, io)?;
    let mut out = Output::take(io, false);
    let clock = io.clock;
    inputs.each(io, &mut out, &mut |line, out| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut decoded = Ok(());
        out.append(|block| {
            decoded = (format.decode_line)(line, clock.now(), &mut |record| write(block, &tagged(record, &tags)));
        })?;
        decoded.map_err(|error| Trouble::Line(LineError::new(error.what, error.column, error.what)))
    })?;
    out.flush()?;
    Ok(inputs.rejects.code())
}

/// The record with the tags that were typed; a tag of its own is kept.
fn tagged(mut record: Record, tags: &Tags) -> Record {
    let own = match &mut record {
        Record::Sample(record) => &mut record.series.tags,
        Record::Window(record) => &mut record.tags,
        Record::Event(record) => &mut record.tags,
        Record::Beat(record) => &mut record.tags,
        Record::Verdict(record) => &mut record.tags,
        Record::Notice(record) => &mut record.tags,
    };
    for (key, value) in tags.iter() {
        if own.get(key).is_none() {
            own.set(key, value);
        }
    }
    record
}
