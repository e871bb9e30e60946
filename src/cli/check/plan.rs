//! What was typed for `check`, and what it means.

use clap::ArgMatches;

use super::rules::Typed;
use crate::cli::{Failure, Io};

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
        Ok(Plan {
            rules,
            paths,
            form,
            pass: matches.get_flag("pass"),
            exit_zero: matches.get_flag("exit-zero"),
            human: matches.get_flag("human"),
        })
    }
}
