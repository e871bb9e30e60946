//! `check lint`: rule files that can be read, and what is wrong with them all the same.

use clap::{ArgMatches, Command};

use super::{TOOL, files};
use crate::cli::output::Output;
use crate::cli::{Code, Failure, Inputs, Io, args, input};
use crate::ndjson::{Item, Samples};
use crate::record::{Record, show};
use crate::rule::{Facts, FileError, Rules, lint};

const EXAMPLES: &str = "\
Examples:
  check lint -f check.toml                what follows from the rules alone
  check lint -f rules/ HISTORY            and what does not fit what was measured";

const NOTES: &str = "\
Finds what can never fire or never clear, and what does not do what it says. Exit status: 0 nothing
found, 1 something was; 3 the rules are wrong, or the history can't be read.";

/// The arguments of `check lint`.
pub(super) fn command() -> Command {
    let command = Command::new("lint")
        .about("Finds what can never fire or never clear in rule files")
        .before_help(EXAMPLES)
        .after_help(NOTES)
        .styles(args::styles())
        .arg(files::option().required(true))
        .arg(args::at_option());
    input::options(command).mut_arg("files", |files| {
        files.value_name("HISTORY").help("Files or history folders to hold the rules against; `-`: standard input")
    })
}

/// Looks for what is wrong, and tells it on standard error.
pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let rules = files::load(&files::paths(matches), io)?;
    // Without a history nothing is waited for on standard input.
    let facts = matches.get_many::<String>("files").map(|_| gather(matches, io)).transpose()?;
    let findings = lint(&rules.checks, facts.as_ref());
    for check in 0..rules.checks.len() {
        for left_out in rules.left_out(check) {
            let note = rules.at(check, "slo", None, left_out);
            tell(&rules, check, FileError { shown: String::new(), ..note }, io);
        }
        for finding in findings.iter().filter(|finding| finding.check == check) {
            let error = rules.at(check, finding.key, finding.place, &finding.message);
            tell(&rules, check, FileError { hint: finding.hint.clone(), ..error }, io);
        }
    }
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let found = if findings.is_empty() { "nothing found".into() } else { count(findings.len(), "finding") };
    io.tell(TOOL.name, format!("{}: {found}", count(rules.checks.len(), "check")));
    Ok(if findings.is_empty() { Code::OK } else { Code::NEGATIVE })
}

fn tell(rules: &Rules, check: usize, error: FileError, io: &mut Io) {
    let name = show(rules.checks[check].name.as_bytes(), 80);
    io.tell(TOOL.name, files::told(&error, &format!("{name}: ")));
}

/// What the history holds, in one pass over it.
fn gather(matches: &ArgMatches, io: &mut Io) -> Result<Facts, Failure> {
    let mut inputs = Inputs::new(TOOL.name, matches, io)?;
    let mut out = Output::take(io, false);
    let (mut facts, mut samples) = (Facts::default(), Samples::new());
    let mut slots: Vec<Option<usize>> = Vec::new();
    let range = inputs.range;
    inputs.each(io, &mut out, &mut |line, _| {
        match samples.read(line)? {
            Item::Sample { series, ts, .. } => {
                while slots.len() <= series.0 as usize {
                    slots.push(facts.slot(&samples.all()[slots.len()]));
                }
                if let Some(slot) = slots[series.0 as usize].filter(|_| range.holds(ts)) {
                    facts.add(slot, ts);
                }
            }
            Item::Other(record) if range.holds(record.ts()) => other(&mut facts, *record),
            Item::Other(_) => {}
        }
        Ok(())
    })?;
    Ok(facts)
}

/// Counts a record that is no plain sample.
fn other(facts: &mut Facts, record: Record) {
    match record {
        Record::Sample(sample) => {
            if let Some(slot) = facts.slot(&std::sync::Arc::new(sample.series)) {
                facts.add(slot, sample.ts);
            }
        }
        Record::Window(window) => facts.add_window(&window),
        Record::Event(event) => facts.add_occurrence(&event.event, event.ts, &event.tags),
        Record::Beat(beat) => {
            facts.add_occurrence(&beat.beat, beat.ts, &beat.tags);
            facts.add_name(&beat.beat);
        }
        Record::Verdict(verdict) => facts.add_name(&verdict.check),
        Record::Notice(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Tool;
    use crate::time::Timestamp;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Gathered(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Gathered {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Runs `check lint` by itself on rule files of these texts, in a folder; gives its code and
    /// what it told, the folder's name left out.
    fn lint_of(texts: &[&str], arguments: &[&str], stdin: &str) -> (u8, String) {
        let folder = tempfile::tempdir().unwrap();
        for (at, text) in texts.iter().enumerate() {
            std::fs::write(folder.path().join(format!("{at}.toml")), text).unwrap();
        }
        let tool = Tool { name: "check", command, run, usage_code: Code::UNKNOWN };
        let err = Gathered::default();
        let now = Timestamp::parse("2026-11-22T20:00:00Z").unwrap();
        let mut io = Io::memory(stdin, now, Box::new(std::io::sink()), Box::new(err.clone()));
        let path = folder.path().to_str().unwrap();
        let arguments: Vec<std::ffi::OsString> =
            std::iter::once("lint").chain(arguments.iter().copied()).map(|argument| argument.replace("DIR", path).into()).collect();
        let code = crate::cli::run(&tool, &arguments, &mut io).number();
        let told = String::from_utf8(err.0.lock().unwrap().clone()).unwrap();
        (code, told.replace(&format!("{path}/"), "").replace(path, "DIR"))
    }

    #[test]
    fn rules_without_a_finding_are_well() {
        let told = lint_of(&["[a]\nwarning = 'x > 5'"], &["-f", "DIR"], "");
        assert_eq!(told, (0, "check: 1 check: nothing found\n".into()));
    }

    #[test]
    fn a_finding_is_told_at_its_place() {
        let rules = "[a]\nwarning = 'x > 5'\n\n[b]\ncritical = \"\"\"\ny > 5\n  and y < 3\"\"\"\n";
        let expected = "check: 0.toml:7:7: b: `y > 5` and `y < 3` can't both be true\n  |   and y < 3\"\"\"\n  |       ^^^^^\nhint: so `critical` can never fire\ncheck: 2 checks: 1 finding\n";
        assert_eq!(lint_of(&[rules], &["-f", "DIR/0.toml"], ""), (1, expected.into()));
    }

    #[test]
    fn rules_are_held_against_a_history() {
        let sample = |second: u32| format!("{{\"ts\":\"2026-11-22T19:00:{second:02}Z\",\"metric\":\"queue.depth\",\"value\":1}}\n");
        let beat = "{\"ts\":\"2026-11-22T19:00:00Z\",\"beat\":\"canary\"}\n";
        let history: String = (0..6).map(|n| sample(n * 10)).chain([beat.to_owned()]).collect();
        let rules = "[a]\nwarning = 'mean(queue.depth, 5s) > 5'\nneeds = 'canary'\n[b]\ncritical = 'queue.dpth > 5'\n";
        let (code, told) = lint_of(&[rules], &["-f", "DIR", "-"], &history);
        assert_eq!(code, 1, "{told}");
        assert!(told.contains("0.toml:2:12: a: window 5s is narrower than the source's period of 10s\n"), "{told}");
        assert!(told.contains("0.toml:5:13: b: `queue.dpth` is never seen in the history, which has 2 other names\n"), "{told}");
        assert!(told.contains("hint: did you mean `queue.depth`?\ncheck: 2 checks: 2 findings\n"), "{told}");
    }

    #[test]
    fn a_row_of_an_objective_that_is_left_out_is_no_finding() {
        let rules = "[a.slo]\nobjective = '99.9%'\nperiod = '7d'\nbad = 'e'\ntotal = 't'\n";
        let (code, told) = lint_of(&[rules], &["-f", "DIR"], "");
        assert_eq!(code, 0);
        assert!(told.starts_with("check: 0.toml:1:4: a: the row 3d/6h of the objective is left out: the period 7d is too short"), "{told}");
    }

    #[test]
    fn wrong_rules_are_told_all_at_once() {
        let (code, told) = lint_of(&["[a]\nwarning = 'x >'\n", "[b]\nwarnin = 'x > 5'"], &["-f", "DIR"], "");
        assert_eq!(code, 3);
        let places: Vec<&str> = told.lines().filter(|line| line.starts_with("check: ")).collect();
        assert_eq!(
            places,
            ["check: 0.toml:2:15: expected a metric, a function or a number, found the end", "check: 1.toml:2:1: unknown key `warnin`"]
        );
        assert!(told.ends_with("hint: did you mean `warning`?\n"), "{told}");
    }

    #[test]
    fn what_is_no_rule_file_is_refused() {
        for (arguments, expected) in [
            (
                &["-f", "-"][..],
                "check: -f -: rule files are not read from standard input, which is for records\nhint: write them to a file and name that\n",
            ),
            (&["-f", "DIR/none.toml"], "check: none.toml: cannot read: no such file or directory\n"),
            (&["-f", "DIR"], "check: DIR: a folder of rules holds files named like `check.toml`, found none\n"),
        ] {
            assert_eq!(lint_of(&[], arguments, ""), (3, expected.into()));
        }
        let long = format!("[a]\nwarning = 'x > 5'\n#{}", "x".repeat(1 << 20));
        assert_eq!(
            lint_of(&[&long], &["-f", "DIR"], "").1,
            "check: 0.toml: a rule file may be 1048576 bytes at most, and this one is larger\n"
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_told_with_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, b"[a]\nwarning = '\xff'\n").unwrap();
        let told = lint_of(&[], &["-f", path.to_str().unwrap()], "").1;
        assert!(told.ends_with("a.toml:2: is not text in UTF-8: byte 15 is wrong\n"), "{told}");
    }
}
