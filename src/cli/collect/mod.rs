//! `collect`: bring it in. Each source is a subcommand in a file of its own.

mod statsd;

use super::args::styles;
use super::{Code, Failure, Io, Tool};

/// The program.
pub const TOOL: Tool = Tool { name: "collect", command, run, usage_code: Code::USAGE };

fn command() -> clap::Command {
    clap::Command::new("collect")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Bring the world in: measure, read and listen, and write records to standard output")
        .styles(styles())
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(statsd::command())
}

fn run(matches: &clap::ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    match matches.subcommand() {
        Some(("statsd", matches)) => statsd::run(matches, io),
        _ => Err(Failure::usage("which source? `collect --help` lists them")),
    }
}
