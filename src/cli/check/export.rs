//! `check export`: the checks of rule files as rules for other programs.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{TOOL, export_nagios, files};
use crate::cli::output::Output;
use crate::cli::{Code, Failure, Io, args};
use crate::record::show;
use crate::rule::prometheus::{Export, Refused, Target, export};
use crate::time::Span;

const EXAMPLES: &str = "\
Examples:
  check export prometheus -f check.toml >rules.yml
  check export prometheus -f rules/ --unit latency=ms --one-series >rules.yml
  check export prometheus -f check.toml --target victoriametrics | vmalert -rule=/dev/stdin -dryRun";

const NOTES: &str = "\
What can't be said there is refused by name, and then nothing is written, unless --partial is given.
What was assumed stands in the head of the file. Exit status: 0 all was said, 3 something was not.";

/// The arguments of `check export`.
pub(super) fn command() -> Command {
    Command::new("export")
        .about("Writes the checks of rule files as rules for other programs")
        .styles(args::styles())
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(prometheus())
        .subcommand(nagios())
}

fn prometheus() -> Command {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let flag = |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    Command::new("prometheus")
        .about("Writes alerting rules for Prometheus or VictoriaMetrics")
        .before_help(EXAMPLES)
        .after_help(NOTES)
        .styles(args::styles())
        .arg(files::option().required(true).help("Export the checks of a rule file, or of all `*.toml` in a folder; may be repeated"))
        .arg(target("Who evaluates them: prometheus (from 3.0 on), prometheus2 or victoriametrics [default: prometheus]"))
        .arg(
            value("unit", "METRIC=UNIT", "The unit of a metric, as in its records, `1` for none; may be repeated")
                .action(ArgAction::Append),
        )
        .arg(flag("one-series", "Promise that each group has one series of each metric"))
        .arg(value("look-back", "DURATION", "How far back to look for the newest sample, where a check looks without end"))
        .arg(flag("partial", "Write what can be said, although something can't be"))
}

fn nagios() -> Command {
    Command::new("nagios")
        .about("Writes command and service definitions for Nagios and Icinga")
        .before_help("Examples:\n  check export nagios -f check.toml --host web-1 /var/lib/pipewatch/history >web-1.cfg")
        .styles(args::styles())
        .arg(files::option().required(true).help("Export the checks of a rule file, or of all `*.toml` in a folder; may be repeated"))
        .args(export_nagios::options())
        .arg(
            Arg::new("inputs")
                .value_name("INPUT")
                .num_args(0..)
                .allow_hyphen_values(true)
                .trailing_var_arg(true)
                .help("What the commands are to read, as it would be typed: files, folders, options like `--since 2h`"),
        )
}

/// The option `--target`.
pub(super) fn target(help: &'static str) -> Arg {
    Arg::new("target").long("target").value_name("NAME").help(help)
}

/// What was typed for [`target`].
///
/// # Errors
/// When there is none of that name.
pub(super) fn target_of(matches: &ArgMatches) -> Result<Target, Failure> {
    let Some(text) = matches.get_one::<String>("target") else { return Ok(Target::default()) };
    Target::ALL.iter().find(|(name, _)| name == text).map(|(_, target)| *target).ok_or_else(|| {
        let names: Vec<&str> = Target::ALL.iter().map(|(name, _)| *name).collect();
        Failure::usage(format!("--target: expected {}, found `{}`", names.join(", "), show(text.as_bytes(), 40)))
    })
}

/// A length of time among the arguments.
///
/// # Errors
/// When it can't be read, or is none.
pub(super) fn span_of(matches: &ArgMatches, id: &str) -> Result<Option<Span>, Failure> {
    let Some(text) = matches.get_one::<String>(id) else { return Ok(None) };
    match Span::parse(text) {
        Ok(span) if !span.is_zero() => Ok(Some(span)),
        Ok(_) => Err(Failure::usage(format!("--{id}: must be longer than 0s"))),
        Err(error) => Err(Failure::usage(format!("--{id}: {error}"))),
    }
}

/// Tells what was refused, with what to do.
pub(super) fn tell(refused: &[Refused], name: &str, io: &mut Io) {
    for one in refused {
        io.tell(TOOL.name, format!("{name}{one}"));
        if let Some(hint) = &one.hint {
            io.tell("hint", hint);
        }
    }
}

/// Writes the rules to standard output.
pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    match matches.subcommand() {
        Some(("prometheus", matches)) => run_prometheus(matches, io),
        Some(("nagios", matches)) => {
            let rules = files::load(&files::paths(matches), io)?;
            let inputs: Vec<String> = matches.get_many::<String>("inputs").into_iter().flatten().cloned().collect();
            let text = export_nagios::nagios(&rules.checks, matches, &inputs)?;
            let mut out = Output::take(io, false);
            out.lines(text.as_bytes())?;
            out.flush()?;
            Ok(Code::OK)
        }
        _ => Err(Failure::usage("export: say for which program: check export prometheus -f check.toml")),
    }
}

fn run_prometheus(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let options = Export {
        target: target_of(matches)?,
        units: units(matches)?,
        one_series: matches.get_flag("one-series"),
        look_back: span_of(matches, "look-back")?,
    };
    let rules = files::load(&files::paths(matches), io)?;
    let exported = export(&rules.checks, &options);
    tell(&exported.refused, "", io);
    if exported.refused.is_empty() || matches.get_flag("partial") {
        let mut out = Output::take(io, false);
        out.lines(exported.text.as_bytes())?;
        out.flush()?;
    } else {
        io.tell(TOOL.name, "nothing was written, as not all can be said there; --partial writes the rest");
    }
    Ok(if exported.refused.is_empty() { Code::OK } else { Code::UNKNOWN })
}

fn units(matches: &ArgMatches) -> Result<BTreeMap<String, String>, Failure> {
    let typed = matches.get_many::<String>("unit").into_iter().flatten();
    typed
        .map(|text| {
            let (metric, unit) = text.rsplit_once('=').filter(|(metric, _)| !metric.is_empty()).ok_or_else(|| {
                Failure::usage_hint(
                    format!("--unit: expected METRIC=UNIT, found `{}`", show(text.as_bytes(), 60)),
                    "write it like --unit latency=ms",
                )
            })?;
            Ok((metric.to_owned(), unit.to_owned()))
        })
        .collect()
}
