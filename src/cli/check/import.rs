//! `check import`: the rules of other programs as a file of checks.

use std::io::Read;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{TOOL, export};
use crate::cli::output::Output;
use crate::cli::{Code, Failure, Io, args};
use crate::record::show;
use crate::rule::prometheus::{Import, Refused, are_tests, import, import_unit_tests};

/// The largest file of rules, in bytes.
const FILE_BYTES: u64 = 16 << 20;

const EXAMPLES: &str = "\
Examples:
  check import prometheus rules.yml >check.toml
  check import prometheus --by instance,job rules.yml >check.toml    where rules fire for each series
  check import prometheus --rules check.toml tests.yml >check.test.toml    what their unit tests expect";

const NOTES: &str = "\
What can't be said here is refused by name, and then nothing is written, unless --partial is given.
What differs is told above each check. Exit status: 0 all was said, 3 something was not.";

/// The arguments of `check import`.
pub(super) fn command() -> Command {
    Command::new("import")
        .about("Reads the rules of other programs as checks")
        .styles(args::styles())
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(prometheus())
}

fn prometheus() -> Command {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let flag = |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    Command::new("prometheus")
        .about("Reads alerting rules of Prometheus or VictoriaMetrics")
        .before_help(EXAMPLES)
        .after_help(NOTES)
        .styles(args::styles())
        .arg(export::target("Who evaluated them: prometheus (from 3.0 on), prometheus2 or victoriametrics [default: prometheus]"))
        .arg(value("by", "LABEL,…", "The labels that tell the series of a metric apart, for rules that fire for each"))
        .arg(flag("one-series", "Promise that each group has one series of each metric"))
        .arg(value("look-back", "DURATION", "For how long the newest sample of a series counts there [default: 5m]"))
        .arg(value("every", "DURATION", "How far apart evaluations are in a group that does not say it [default: 1m]"))
        .arg(value("rules", "FILE", "Of a file of unit tests: the checks they are for [default: check.toml]"))
        .arg(flag("partial", "Write what can be said, although something can't be"))
        .arg(Arg::new("file").value_name("FILE").help("The file of rules, or of their unit tests; `-`: standard input").required(true))
}

/// Writes the checks to standard output.
pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let Some(("prometheus", matches)) = matches.subcommand() else {
        return Err(Failure::usage("import: say of which program: check import prometheus rules.yml"));
    };
    let usual = Import::default();
    let options = Import {
        target: export::target_of(matches)?,
        by: labels(matches.get_one::<String>("by").map_or("", String::as_str)),
        one_series: matches.get_flag("one-series"),
        look_back: export::span_of(matches, "look-back")?.unwrap_or(usual.look_back),
        every: export::span_of(matches, "every")?.unwrap_or(usual.every),
    };
    let path = matches.get_one::<String>("file").map_or("-", String::as_str);
    let name = if path == "-" { "stdin".to_owned() } else { show(path.as_bytes(), 200) };
    let text = read(path, &name, io)?;
    let (text, refused, (read, all), what) = if are_tests(&text) {
        let rules = matches.get_one::<String>("rules").map_or("check.toml", String::as_str);
        let found = import_unit_tests(&text, rules);
        (found.text, found.refused, found.expectations, "expectations")
    } else {
        let found = import(&text, &options);
        (found.text, found.refused, found.alerts, "alerts")
    };
    let code = write(&text, &refused, &name, matches.get_flag("partial"), io)?;
    io.tell(TOOL.name, format!("{name}: {read} of {all} {what} can be said here"));
    Ok(code)
}

/// Writes what can be said, unless something can't be and nobody asked for the rest.
fn write(text: &str, refused: &[Refused], name: &str, partial: bool, io: &mut Io) -> Result<Code, Failure> {
    export::tell(refused, &format!("{name}:"), io);
    if refused.is_empty() || partial {
        let mut out = Output::take(io, false);
        out.lines(text.as_bytes())?;
        out.flush()?;
    } else {
        io.tell(TOOL.name, "nothing was written, as not all can be said here; --partial writes the rest");
    }
    Ok(if refused.is_empty() { Code::OK } else { Code::UNKNOWN })
}

fn labels(text: &str) -> Vec<String> {
    let mut labels: Vec<String> = text.split(',').map(str::trim).filter(|label| !label.is_empty()).map(str::to_owned).collect();
    labels.sort();
    labels.dedup();
    labels
}

fn read(path: &str, name: &str, io: &mut Io) -> Result<String, Failure> {
    let failed = |error| Failure::io(format!("{name}: cannot read"), error);
    let mut bytes = Vec::new();
    match path {
        "-" => (&mut io.stdin).take(FILE_BYTES + 1).read_to_end(&mut bytes),
        _ => std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES + 1).read_to_end(&mut bytes)),
    }
    .map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(Failure::Config(format!("{name}: a file of rules may be {FILE_BYTES} bytes at most, and this one is larger"), None));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count() + 1;
        Failure::Config(format!("{name}:{line}: is not text in UTF-8: byte {good} is wrong"), None)
    })
}
