//! What was typed for `check`, and what it means.

use clap::ArgMatches;

use super::{mistake, ranges};
use crate::cli::{Failure, Io};
use crate::record::{Status, check_name, show};
use crate::rule::{Check, Level, parse};

/// What comes later, by its first word, with what to do until then.
const LATER: [&str; 8] = ["backtest", "suggest", "test", "export", "import", "lint", "explain", "compare"];

/// What standard output is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    Records,
    Nagios,
}

/// What to do.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) check: Check,
    pub(super) paths: Vec<String>,
    pub(super) form: Output,
    pub(super) pass: bool,
    pub(super) exit_zero: bool,
    pub(super) human: bool,
}

impl Plan {
    /// Reads what was typed; every mistake is found here.
    pub(super) fn new(matches: &ArgMatches, _io: &Io) -> Result<Plan, Failure> {
        let text = |id: &str| matches.get_one::<String>(id).map(String::as_str);
        not_yet(matches)?;
        let mut paths: Vec<String> = matches.get_many::<String>("files").into_iter().flatten().cloned().collect();
        let (mut warning, mut critical) = (text("warning").map(str::to_owned), text("critical").map(str::to_owned));
        ranges::to_conditions(&mut paths, [("warning", &mut warning), ("critical", &mut critical)])?;
        if warning.is_none() && critical.is_none() {
            if paths.is_empty() {
                let hint = "write one like check 'age(build.started) > 30m' HISTORY; see check --help";
                return Err(Failure::usage_hint("there is no condition to judge by", hint));
            }
            critical = Some(paths.remove(0));
        }
        let levels = [(Status::Critical, critical), (Status::Warning, warning)];
        let levels =
            levels.into_iter().filter_map(|(status, text)| text.map(|text| level(status, &text))).collect::<Result<Vec<_>, _>>()?;
        let name = text("name").unwrap_or("check");
        check_name(name).map_err(|error| Failure::usage(format!("--name: a name {error}")))?;
        let mut check = Check::new(name, levels);
        check.by = text("by").map(tags).unwrap_or_default();
        check.no_data = no_data(text("no-data"))?;
        check.playbook = text("playbook").map(str::to_owned);
        check.extrapolate = !matches.get_flag("no-extrapolation");
        let form = if matches.get_flag("nagios") { Output::Nagios } else { Output::Records };
        if form == Output::Nagios && matches.get_flag("pass") {
            return Err(Failure::usage("--nagios prints one line for a monitoring server, and --pass all records: choose one"));
        }
        Ok(Plan {
            check,
            paths,
            form,
            pass: matches.get_flag("pass"),
            exit_zero: matches.get_flag("exit-zero"),
            human: matches.get_flag("human"),
        })
    }
}

fn level(status: Status, text: &str) -> Result<Level, Failure> {
    if let Some(word) = LATER.into_iter().find(|word| *word == text.trim()) {
        let hint = "this version judges one condition: check 'CONDITION' FILE";
        return Err(Failure::usage_hint(format!("`check {word}` is not yet part of this version"), hint));
    }
    let condition = parse(text).map_err(|error| mistake(text, &error))?;
    Ok(Level { status, condition })
}

fn not_yet(matches: &ArgMatches) -> Result<(), Failure> {
    for (id, what) in
        [("file", "rule files (-f)"), ("state", "memory between runs (--state)"), ("reference", "a reference run (--reference)")]
    {
        if matches.get_one::<String>(id).is_some() {
            let hint = "this version judges one condition from the records alone: check 'CONDITION' FILE";
            return Err(Failure::usage_hint(format!("{what}: not yet part of this version"), hint));
        }
    }
    Ok(())
}

fn tags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
    tags.sort();
    tags.dedup();
    tags
}

fn no_data(text: Option<&str>) -> Result<Status, Failure> {
    let Some(text) = text else { return Ok(Status::Unknown) };
    let names = ["ok", "warning", "critical", "unknown"];
    Status::parse(text).ok_or_else(|| {
        let message = format!("--no-data: expected {}, found `{}`", names.join(", "), show(text.as_bytes(), 40));
        match crate::record::nearest(text, names) {
            Some(near) => Failure::usage_hint(message, format!("did you mean `{near}`?")),
            None => Failure::usage(message),
        }
    })
}
