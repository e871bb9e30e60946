//! `collect`: bring it in. Each source is a subcommand in a file of its own.

mod csv;
mod host;
mod lines;
mod log;
mod report;
mod statsd;

use super::args::{styles, tags_of_environment};
use super::{Code, Failure, Io, Tool};
use crate::record::SampleType;
use crate::source::when::TimeFormat;

/// The program.
pub const TOOL: Tool = Tool { name: "collect", command, run, usage_code: Code::USAGE };

const EXAMPLES: &str = "\
Examples:
  collect host | check 'cpu.used > 90% for 2m'
  collect host --every 10s --tag role=web | emit --to /var/log/metrics/
  collect statsd --flush 10s | emit --to /var/log/metrics/
  collect csv room.csv --tag sensor
  collect log access.log --follow --pattern ' (?<status>\\d{3}) ' --metric requests
  collect lines --format graphite dump.txt.gz

`collect SOURCE --help` has more of each source.";

fn command() -> clap::Command {
    clap::Command::new("collect")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Bring the world in: measure, read and listen, and write records to standard output")
        .before_help(EXAMPLES)
        .styles(styles())
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(host::command())
        .subcommand(statsd::command())
        .subcommand(csv::command())
        .subcommand(log::command())
        .subcommand(lines::command())
}

fn run(matches: &clap::ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    match matches.subcommand() {
        Some(("host", matches)) => host::run(matches, io),
        Some(("statsd", matches)) => statsd::run(matches, io),
        Some(("csv", matches)) => csv::run(matches, io),
        Some(("log", matches)) => log::run(matches, io),
        Some(("lines", matches)) => lines::run(matches, io),
        _ => Err(Failure::usage("which source? `collect --help` lists them")),
    }
}

/// The option `--tag`, for every source.
fn tag_option() -> clap::Arg {
    clap::Arg::new("tag")
        .long("tag")
        .value_name("KEY=VALUE")
        .action(clap::ArgAction::Append)
        .help("Add a tag to every record; may be repeated")
}

/// The tags of `--tag`, and those of the environment.
fn tags(matches: &clap::ArgMatches, io: &Io) -> Result<crate::record::Tags, Failure> {
    let mut tags = crate::record::Tags::new();
    for text in matches.get_many::<String>("tag").into_iter().flatten() {
        let shown = crate::record::show(text.as_bytes(), 80);
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                if tags.set(key, value).is_some() {
                    return Err(Failure::usage(format!("--tag: the tag `{}` is given twice", crate::record::show(key.as_bytes(), 80))));
                }
            }
            _ => return Err(Failure::usage_hint(format!("--tag: `{shown}` is no tag"), "write `--tag key=value`")),
        }
    }
    let mut all = tags_of_environment(io)?;
    for (key, value) in tags.iter() {
        all.set(key, value);
    }
    Ok(all)
}

/// The options of sources that read files: the files, and what becomes of lines that can't be used.
fn input_options() -> [clap::Arg; 3] {
    [
        clap::Arg::new("files").value_name("FILE").num_args(0..).help("Files to read, plain, gzip or zstd; `-` or none: standard input"),
        clap::Arg::new("rejects").long("rejects").value_name("FILE").help("Keep what can't be used in FILE, whole"),
        clap::Arg::new("strict").long("strict").action(clap::ArgAction::SetTrue).help("End at the first line that can't be used"),
    ]
}

/// The option `--time-format`.
fn time_format_option() -> clap::Arg {
    clap::Arg::new("time-format")
        .long("time-format")
        .value_name("FORMAT")
        .value_parser(TimeFormat::parse)
        .help("How times are written: rfc3339, s, ms, us, ns, or as `%d/%b/%Y:%H:%M:%S %z`; without offset: UTC")
}

/// The option `--type`.
fn type_option() -> clap::Arg {
    let parse = |text: &str| match SampleType::parse(text) {
        Some(kind) if kind != SampleType::Set => Ok(kind),
        _ => Err("must be gauge, counter or delta".to_owned()),
    };
    clap::Arg::new("type").long("type").value_name("TYPE").value_parser(parse).help("How values are to be read: gauge, counter or delta")
}
