//! `emit`: says something. One sample, one event, what a command took; or forwards records.
//!
//! Here are the arguments; what they mean is in [`plan`], the destinations together in [`outlet`].

mod forward;
mod outlet;
mod plan;
mod time;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{Alive, Code, Failure, Io, Tool, alive, args, input};
use crate::ndjson;
use crate::record::Record;
use crate::store::append::Durability;
use outlet::Outlet;
use plan::{Plan, Work};

/// The tool.
pub const TOOL: Tool = Tool { name: "emit", command, run, usage_code: Code::USAGE };

const EXAMPLES: &str = "\
Examples:
  emit build.duration 12.5 --unit s --tag queue=linux          one sample
  emit event deploy \"api 4f2a1c\" --tag app=api                 something happened
  emit time nightly.import -- ./import --all                   what a command took
  emit temperature -5 --to statsd://localhost --to log.ndjson  to a server and a file
  collect host | emit --to /var/lib/history/                   into a history, a file a day
  emit /var/lib/history --since 1h --to graphite://graphite    forward a part of it";

fn command() -> Command {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let [since, until] = input::range_options();
    let first = Arg::new("first")
        .index(1)
        .allow_hyphen_values(true)
        .value_name("METRIC | FILE")
        .help("What was measured; or what to forward (nothing: standard input)");
    let second = Arg::new("second")
        .index(2)
        .value_name("VALUE | FILE")
        .allow_hyphen_values(true)
        .help("The value, which may be negative; or a further file");
    let more = Arg::new("more").index(3).num_args(0..).hide(true);
    Command::new("emit")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Say something: one sample, one event, what a command took; or forward records")
        .styles(args::styles())
        .before_help(EXAMPLES)
        .help_template("{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}")
        .override_usage("emit METRIC VALUE [OPTIONS]\n       emit event NAME [TEXT] [OPTIONS]\n       emit time NAME [OPTIONS] -- COMMAND [ARG]...\n       emit [FILE]... [OPTIONS]")
        .args([first, second, more])
        .arg(value("metric", "NAME", "The metric's name, where it would be taken for a command: `--metric time 3`"))
        .arg(value("unit", "UNIT", "Its unit: s, ms, By, 1, %, {builds}"))
        .arg(
            value("type", "TYPE", "How to read the value: gauge (the default), counter, delta, or set, whose value is a text")
                .value_parser(PossibleValuesParser::new(["gauge", "counter", "delta", "set"]))
                .hide_possible_values(true),
        )
        .arg(value("weight", "N", "How many observations the sample stands for [default: 1]"))
        .arg(value("tag", "KEY=VALUE", "Who or where; may be repeated").action(ArgAction::Append).global(true))
        .arg(args::at_option().visible_alias("ts").global(true))
        .arg(
            value("to", "DEST", "A file, a history folder, statsd://HOST, dogstatsd://, graphite://, graphite+udp://, or -; may be repeated [default: $PIPEWATCH_TO, or -]")
                .action(ArgAction::Append)
                .allow_hyphen_values(true)
                .global(true),
        )
        .arg(
            value("sync", "WHEN", "When files are forced to the disk: always (each block), 1s (the default), never")
                .value_parser(PossibleValuesParser::new(Durability::NAMES))
                .hide_possible_values(true)
                .global(true),
        )
        .args([since, until])
        .args(alive::options())
        .arg(value("rejects", "FILE", "Keep lines that are no records in FILE, whole"))
        .arg(Arg::new("strict").long("strict").action(ArgAction::SetTrue).help("End at the first line that is no record"))
        .arg(Arg::new("verbose").long("verbose").short('v').action(ArgAction::SetTrue).global(true).help("Say at the end what UDP lost and what had no place"))
        .after_help(
            "Beside files, - comes last: a line comes out of it only when every file has it (with --sync always: on the disk).\n\
             UDP never fails: what it loses is only counted. Exit: 0 done, 64 usage, 65 bad lines, 69 server silent, 74 not written.",
        )
        .subcommand(event_command())
        .subcommand(time_command())
        .disable_help_subcommand(true)
}

fn event_command() -> Command {
    Command::new("event")
        .about("Say that something happened or was changed: a deploy, a restart, a note")
        .override_usage("emit event NAME [TEXT] [OPTIONS]")
        .before_help("Example:\n  emit event deploy \"api 4f2a1c to production\" --tag app=api --link https://ci.example/812")
        .help_template("{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}")
        .arg(Arg::new("name").value_name("NAME").required(true).help("What sort of thing, in a word: deploy"))
        .arg(Arg::new("text").value_name("TEXT").help("What happened, for a person"))
        .arg(Arg::new("link").long("link").value_name("URL").help("Where to read more"))
}

fn time_command() -> Command {
    Command::new("time")
        .about("Run a command and emit NAME.duration (s), NAME.exit (its status) and NAME.memory (its peak, By)")
        .override_usage("emit time NAME [OPTIONS] -- COMMAND [ARG]...")
        .before_help("Example:\n  emit time nightly.import --tag host=db-1 --to /var/lib/history/ -- ./import --all")
        .after_help(
            "The command keeps its input, output and signals, and emit ends with its exit status: 128+N when\n\
             signal N ended it, 127 when it is not found, 126 when it can't be run. The records come behind its\n\
             output, stamped with the time of its end. A record that can't be brought out is told, and changes\n\
             nothing of that. The peak is that of its largest process.",
        )
        .help_template("{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}")
        .arg(Arg::new("name").value_name("NAME").required(true).help("What the metrics' names begin with"))
        .arg(
            Arg::new("command")
                .value_name("COMMAND")
                .num_args(1..)
                .required(true)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .value_parser(clap::value_parser!(std::ffi::OsString))
                .help("The command and its arguments"),
        )
}

fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    // Beyond a limit on file sizes, the system would end the process before the write could fail.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
    let Plan { work, destinations, durability, verbose } = Plan::new(matches, io)?;
    match work {
        Work::One(record) => {
            let mut outlet = Outlet::open(&destinations, durability, verbose, io)?;
            one(&record, &mut outlet)
        }
        Work::Forward(inputs) => {
            let outlet = Outlet::open(&destinations, durability, verbose, io)?;
            Alive::begin(TOOL.name, "sender", matches, io)?;
            forward::run(inputs, outlet, io)
        }
        Work::Time(timing) => time::run(&timing, &|io: &mut Io| Outlet::open(&destinations, durability, verbose, io), io),
    }
}

/// Emits one record; what fails is the tool's failure.
fn one(record: &Record, outlet: &mut Outlet) -> Result<Code, Failure> {
    emit(record, outlet)?;
    outlet.finish()
}

/// Gives one record to the destinations.
fn emit(record: &Record, outlet: &mut Outlet) -> Result<(), Failure> {
    let mut line = Vec::new();
    ndjson::write(&mut line, record);
    let sample = if let Record::Sample(sample) = record { Some(sample) } else { None };
    outlet.take(&crate::sink::Outgoing { line: &line, ts: record.ts(), sample })
}
