//! `heartbeat`: absence, made activity, and who watches the watchers.
//!
//! Here are the subcommands together; each is a file.

mod adopt;
mod beat;
mod expect;
mod expectations;
mod flush;
mod generate;
mod listen;
mod next;
mod peer;
mod run;
mod sending;
mod watch;

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};

use super::{Code, Failure, Io, Tool, args};

/// The tool.
pub const TOOL: Tool = Tool { name: "heartbeat", command, run, usage_code: Code::USAGE };

const EXAMPLES: &str = "\
Examples:
  heartbeat run nightly-backup -- /usr/local/bin/backup --all    a job: its start, end, status, duration
  heartbeat beat nightly-backup                                  a sign of life
  heartbeat expect nightly-backup --cron '15 2 * * *' --zone Europe/Riga    when it is expected
  heartbeat watch                                                who is late, failed, hung or was never seen
  heartbeat adopt /etc/crontab                                   a crontab with its jobs wrapped";

fn command() -> Command {
    Command::new("heartbeat")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Expect signs of life, and tell when they are missing")
        .styles(args::styles())
        .before_help(EXAMPLES)
        .help_template("{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}")
        .subcommand_required(true)
        .subcommands([beat::command(), run::command(), expect::command(), watch::command(), next::command()])
        .subcommands([generate::command(), listen::command(), flush::command(), adopt::command()])
        .disable_help_subcommand(true)
}

fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    match matches.subcommand() {
        Some(("beat", inner)) => beat::run(inner, io),
        Some(("run", inner)) => run::run(inner, io),
        Some(("generate", inner)) => generate::run(inner, io),
        Some(("adopt", inner)) => adopt::run(inner, io),
        Some(("next", inner)) => next::run(inner, io),
        Some(("flush", inner)) => flush::run(inner, io),
        Some(("listen", inner)) => listen::run(inner, &state_folder(inner, io), io),
        Some(("expect", inner)) => expect::run(inner, io),
        Some(("watch", inner)) => watch::run(inner, io),
        _ => Err(Failure::usage("a subcommand is needed")),
    }
}

/// The option that names the state folder.
fn state_dir_option() -> Arg {
    Arg::new("state-dir").long("state-dir").value_name("DIR").help("The state folder [default: $PIPEWATCH_STATE, or the usual one]")
}

/// The state folder: as typed, by the environment, or the usual one.
fn state_folder(matches: &ArgMatches, io: &Io) -> PathBuf {
    let typed = matches.get_one::<String>("state-dir").map(PathBuf::from);
    let set = io.env.get("PIPEWATCH_STATE").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    typed.or(set).unwrap_or_else(|| io.state.clone())
}
