//! `rollup`: samples to windows.

mod plan;
mod run;
mod stage;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{Alive, Code, Failure, Io, Tool, alive, args, input};

/// The program `rollup`.
pub const TOOL: Tool = Tool { name: "rollup", command, run, usage_code: Code::USAGE };

const ABOUT: &str = "Makes windows of samples: how many, how large, how spread, over each stretch of time";

const EXAMPLES: &str = "\
Examples:
  collect host | rollup --every 10s --by '*'         every series by itself, ten seconds each
  rollup --every 1m --by queue --stats count,p95 FILE
  rollup --every 1m --slide 10s FILE                  a minute, anew every ten seconds
  rollup --session 30m --by user FILE                 what follows within half an hour
  rollup --stats sketch,count A | rollup --every 1h   windows of windows
  rollup --merge web-1.ndjson web-2.ndjson            the parts of many machines as one";

const NOTES: &str = "\
Windows are aligned to 1970 UTC and closed by the records' own time, not by the clock. Counters
become increments: of a counter, sum is what it grew by. Events, beats and verdicts pass through.
Exit status: 0 done; 64 usage; 65 some input was no record; 74 reading or writing failed.";

fn command() -> Command {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let command = Command::new("rollup")
        .about(ABOUT)
        .before_help(EXAMPLES)
        .after_help(NOTES)
        .version(env!("CARGO_PKG_VERSION"))
        .styles(args::styles())
        .arg(value("every", "SPAN", "The length of a window [default: 10s]"))
        .arg(value("slide", "SPAN", "Start a window every SPAN, so that windows overlap"))
        .arg(value("session", "GAP", "Windows of what follows one another within GAP").conflicts_with_all(["every", "slide", "fill"]))
        .arg(value("by", "TAG,…", "Keep groups apart by these tags; `*` for every tag [default: by metric alone]"))
        .arg(value("stats", "STAT,…", "The numbers wanted [default: count,sum,min,max,mean,p50,p95,p99]"))
        .arg(value("late", "SPAN", "Wait so long for records that come late [default: 2s]"))
        .arg(value("ahead", "SPAN", "Leave out records further than SPAN in the future [default: 1d]"))
        .arg(value("fill", "HOW", "What stands for a known group's empty windows: null, zero or last"))
        .arg(
            Arg::new("merge")
                .long("merge")
                .action(ArgAction::SetTrue)
                .help("Merge windows of equal time, metric and tags; --every is theirs"),
        )
        .arg(value("synthetic", "HOW", "Made activity: apart (windows of its own), include, only or exclude [default: apart]").hide(true))
        .arg(value("error", "RATIO", "The relative error of sketches [default: 1%]"))
        .arg(value("max-series", "N", "How many groups to keep apart; further ones share one [default: 100000]"))
        .arg(Arg::new("line-buffered").long("line-buffered").action(ArgAction::SetTrue).help("Write every line at once"))
        .args(alive::options())
        .arg(args::at_option());
    input::options(command)
}

fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let plan = plan::Work::new(matches)?;
    Alive::begin(TOOL.name, "rollup", matches, io)?;
    let inputs = super::Inputs::new(TOOL.name, matches, io)?;
    run::run(plan, inputs, matches.get_flag("line-buffered"), io)
}
