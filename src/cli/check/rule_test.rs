//! `check test`: unit tests of rules, run and told.

use std::collections::BTreeMap;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{TOOL, files};
use crate::cli::{Code, Failure, Io, args};
use crate::record::show;
use crate::rule::testing::{Case, Coverage, Covered, Difference, TestFile, run as run_case};
use crate::rule::{Check, FileError, Rules, Source};

const EXAMPLES: &str = "\
Examples:
  check test check.test.toml              do the rules do what they should?
  check test rules/ --coverage            and which of them does no test see firing and clearing?";

const NOTES: &str = "\
A file of tests is named like `check.test.toml`; it names its rule files, gives series and says what the
checks should conclude, and when. Exit status: 0 all passed, 1 some failed, 3 a file is wrong.";

/// The arguments of `check test`.
pub(super) fn command() -> Command {
    let flag = |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    Command::new("test")
        .about("Runs unit tests of rule files")
        .before_help(EXAMPLES)
        .after_help(NOTES)
        .styles(args::styles())
        .arg(
            Arg::new("files")
                .value_name("FILE")
                .num_args(1..)
                .required(true)
                .help("Files of tests, or folders: of these all `*.test.toml` are run"),
        )
        .arg(flag("coverage", "Name the levels that no test saw firing, or clearing"))
        .arg(flag("fail-uncovered", "Fail when there is such a level; tells the coverage"))
}

/// What was found so far.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    /// Of each level, by its file, its place there, and its name: what was seen, and how it is told.
    levels: BTreeMap<(String, usize, usize, String), (Covered, FileError)>,
}

/// Runs the tests, and tells what failed on standard error.
pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let mut tally = Tally::default();
    let paths: Vec<String> = matches.get_many::<String>("files").into_iter().flatten().cloned().collect();
    for path in files::tests(&paths)? {
        run_file(&path, &mut tally, io)?;
    }
    io.tell(TOOL.name, format!("{} passed, {} failed", tally.passed, tally.failed));
    let strict = matches.get_flag("fail-uncovered");
    let covered = !(strict || matches.get_flag("coverage")) || tell_coverage(&tally, io);
    Ok(if tally.failed > 0 || (strict && !covered) { Code::NEGATIVE } else { Code::OK })
}

/// Runs the tests of one file.
fn run_file(path: &str, tally: &mut Tally, io: &mut Io) -> Result<(), Failure> {
    let text = files::read(path)?;
    let file = TestFile::read(Source { name: path.to_owned(), text }).map_err(|errors| files::tell(&errors, io))?;
    let beside = |rule: &String| Path::new(path).parent().unwrap_or(Path::new("")).join(rule).to_string_lossy().into_owned();
    let rules = files::load(&file.rules.iter().map(beside).collect::<Vec<_>>(), io)?;
    let strays = file.strays(&rules.checks);
    if !strays.is_empty() {
        return Err(files::tell(&strays, io));
    }
    let mut coverage = Coverage::new(&rules.checks);
    for case in &file.cases {
        let differences = run_case(&rules.checks, case, &mut coverage)
            .map_err(|why| Failure::Config(file.at(case.place, format!("{}: {why}", shown(case))).to_string(), None))?;
        for difference in &differences {
            tell(&file, case, difference, io);
        }
        if differences.is_empty() { tally.passed += 1 } else { tally.failed += 1 }
    }
    add(&rules, &coverage, tally);
    Ok(())
}

fn shown(case: &Case) -> String {
    show(case.name.as_bytes(), 200)
}

/// Tells what differs: at the expectation, and below it what led there.
fn tell(file: &TestFile, case: &Case, difference: &Difference, io: &mut Io) {
    let place = difference.expectation.and_then(|at| case.expectations.get(at)).map_or(case.place, |expectation| expectation.place);
    let mut text = file.at(place, format!("{}: {}", shown(case), difference.message)).to_string();
    for line in &difference.details {
        text.push_str("\n  ");
        text.push_str(line);
    }
    io.tell(TOOL.name, text);
}

/// Adds what the tests of one file saw of its rules to what others saw of them.
fn add(rules: &Rules, coverage: &Coverage, tally: &mut Tally) {
    for (check, level, seen) in coverage.levels() {
        let Check { name, levels, .. } = &rules.checks[check];
        let key = levels[level].status.name();
        let told = rules.at(check, key, None, "");
        let file = std::fs::canonicalize(&told.file).map_or_else(|_| told.file.clone(), |path| path.to_string_lossy().into_owned());
        let message = format!("{}: `{key}` was never seen", show(name.as_bytes(), 80));
        let known = tally.levels.entry((file, told.line, told.column, key.to_owned())).or_insert_with(|| {
            let told = FileError { message, ..told };
            (Covered::default(), told)
        });
        known.0.fired |= seen.fired;
        known.0.cleared |= seen.cleared;
    }
}

/// Tells which levels were not seen firing or clearing, and the share of those that were; whether all were.
fn tell_coverage(tally: &Tally, io: &mut Io) -> bool {
    for (covered, told) in tally.levels.values() {
        let what = match covered {
            Covered { fired: false, .. } => "firing",
            Covered { cleared: false, .. } => "clearing after it fired",
            Covered { .. } => continue,
        };
        io.tell(TOOL.name, FileError { message: format!("{} {what}", told.message), ..told.clone() });
    }
    let all = tally.levels.len();
    let count = |seen: fn(&Covered) -> bool| tally.levels.values().filter(|(covered, _)| seen(covered)).count();
    let (fired, cleared) = (count(|covered| covered.fired), count(|covered| covered.cleared));
    let percent = if all == 0 { 100 } else { 100 * (fired + cleared) / (2 * all) };
    io.tell(TOOL.name, format!("coverage {percent} %: of {all} levels {fired} were seen firing, {cleared} clearing"));
    fired + cleared == 2 * all
}
