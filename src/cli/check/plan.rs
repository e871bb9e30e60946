//! What was typed for `check`, and what it means.

use clap::ArgMatches;

use super::rules::Typed;
use crate::cli::{Failure, Io};
use crate::time::Span;

/// How long records of an instant are waited for, when nothing else is said.
const LATE: Span = Span::from_millis(200);

/// What standard output is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    Records,
    Nagios,
}

/// What to do.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) rules: Typed,
    pub(super) paths: Vec<String>,
    pub(super) form: Output,
    pub(super) pass: bool,
    pub(super) exit_zero: bool,
    pub(super) human: bool,
    /// The folder that remembers between runs.
    pub(super) state: Option<String>,
    /// To judge as time passes, waiting for late records so long.
    pub(super) live: Option<Span>,
}

impl Plan {
    /// Reads what was typed; every mistake is found here.
    pub(super) fn new(matches: &ArgMatches, io: &mut Io) -> Result<Plan, Failure> {
        let mut paths: Vec<String> = matches.get_many::<String>("files").into_iter().flatten().cloned().collect();
        let rules = Typed::new(matches, &mut paths, io)?;
        let form = if matches.get_flag("nagios") { Output::Nagios } else { Output::Records };
        if form == Output::Nagios && matches.get_flag("pass") {
            return Err(Failure::usage("--nagios prints one line for a monitoring server, and --pass all records: choose one"));
        }
        let late = matches.get_one::<String>("late").map_or(Ok(LATE), |text| Span::parse(text));
        let late = late.map_err(|error| Failure::usage(format!("--late: {error}")))?;
        let live = matches.get_flag("live").then_some(late);
        if form == Output::Nagios && live.is_some() {
            return Err(Failure::usage("--nagios prints one line for a monitoring server, and --live goes on: choose one"));
        }
        let state = matches.get_one::<String>("state").cloned();
        if state.is_some() && paths.len() > 1 && paths.iter().any(|path| path == "-") {
            let hint = "files are read again by every run, standard input can't be: give one or the other";
            return Err(Failure::usage_hint("--state: files and standard input do not go together", hint));
        }
        Ok(Plan {
            rules,
            paths,
            form,
            pass: matches.get_flag("pass"),
            exit_zero: matches.get_flag("exit-zero"),
            human: matches.get_flag("human"),
            state,
            live,
        })
    }
}
