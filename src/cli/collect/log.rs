//! `collect log`: lines of text by a regular expression; files as they are or as they grow.

mod follow;

use clap::{Arg, ArgAction, ArgMatches};

use crate::cli::args::{at, at_option};
use crate::cli::{Alive, Code, Failure, Inputs, Io, Output, Trouble};
use crate::ndjson::LineError;
use crate::record::nearest;
use crate::record::{SampleType, show};
use crate::source::log::{Options, Pattern, PatternError};
use crate::source::when::TimeFormat;
use crate::time::Timestamp;

const EXAMPLES: &str = "\
Examples:
  collect log app.log --pattern '^(?<ts>\\S+) (?<level>\\w+)' --metric app.lines
  collect log access.log --follow --metric request.duration --unit s \\
    --pattern '\\[(?<ts>[^]]+)\\] \"\\w+ \\S+ \\S+\" (?<status>\\d+) \\d+ (?<value>[\\d.]+)' \\
    --time-format '%d/%b/%Y:%H:%M:%S %z'
  journalctl -fu app | collect log --pattern 'Deployed (?<version>\\S+)' --event deploy";

const MORE: &str = "\
Groups: `ts` or `time` is the time (without one: now), `value` and those of --value are values, others are tags. \
A line without a value counts as 1, as a delta of the metric `log.lines` or --metric.

With --follow the place in each file is remembered in the state folder, once its records are out: a crash repeats \
lines and loses none. Two that follow one file need two folders.";

pub(super) fn command() -> clap::Command {
    let option = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let flag = |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    clap::Command::new("log")
        .about("Lines of text by a regular expression, of files that may grow and rotate")
        .before_help(EXAMPLES)
        .after_help(MORE)
        .arg(option("pattern", "REGEX", "What lines look like, with named groups").required(true).allow_hyphen_values(true))
        .arg(option("metric", "NAME", "The metric's name; with several values, what their names begin with"))
        .arg(option("value", "GROUP", "A group that is a value, beside `value`; may be repeated").action(ArgAction::Append))
        .arg(
            option("event", "NAME", "Make events of lines; groups `text` and `link`, else the line is the text")
                .conflicts_with_all(["metric", "value", "unit", "type"]),
        )
        .arg(option("unit", "UNIT", "The values' unit"))
        .arg(super::type_option())
        .arg(super::time_format_option())
        .arg(super::tag_option())
        .arg(
            option("unmatched", "HOW", "Lines that don't match: `count` them at the end, `warn` of each, or `ignore` them")
                .value_parser(["count", "warn", "ignore"])
                .hide_possible_values(true)
                .default_value("count"),
        )
        .arg(flag("follow", "Go on with what is appended, through rotation, until Ctrl-C"))
        .arg(
            option("from", "WHERE", "With --follow, where to begin in a file that is new to it: `start` or `end`")
                .value_parser(["start", "end"])
                .hide_possible_values(true)
                .default_value("end")
                .requires("follow"),
        )
        .args(crate::cli::alive::options().map(|option| option.requires("follow")))
        .arg(option("state", "DIR", "With --follow, the folder that keeps the places").requires("follow"))
        .args(super::input_options())
        .arg(at_option())
}

/// What is done about a line that does not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unmatched {
    Count,
    Warn,
    Ignore,
}

/// The lines of all inputs on their way to records.
struct Work {
    pattern: Pattern,
    unmatched: Unmatched,
    matched: u64,
    missed: u64,
}

impl Work {
    fn new(matches: &ArgMatches, io: &Io) -> Result<Work, Failure> {
        let one = |id: &str| matches.get_one::<String>(id).cloned();
        let options = Options {
            pattern: one("pattern").unwrap_or_default(),
            values: matches.get_many::<String>("value").into_iter().flatten().cloned().collect(),
            metric: one("metric"),
            event: one("event"),
            unit: one("unit"),
            kind: matches.get_one("type").copied().unwrap_or(SampleType::Gauge),
            time_format: matches.get_one("time-format").cloned().unwrap_or(TimeFormat::Usual),
            tags: super::tags(matches, io)?,
        };
        let unmatched = match one("unmatched").as_deref() {
            Some("warn") => Unmatched::Warn,
            Some("ignore") => Unmatched::Ignore,
            _ => Unmatched::Count,
        };
        Ok(Work { pattern: Pattern::new(&options).map_err(misfit)?, unmatched, matched: 0, missed: 0 })
    }

    /// Takes one line that arrived at `now`; adds its records to `out`.
    fn line(&mut self, line: &[u8], now: Timestamp, out: &mut Output) -> Result<(), Trouble> {
        let mut matched = Ok(false);
        out.append(|block| matched = self.pattern.read(line, now, block))?;
        if matched? {
            self.matched += 1;
            return Ok(());
        }
        self.missed += 1;
        match self.unmatched {
            Unmatched::Warn => Err(LineError::new("no match", 1, "the line does not match the pattern").into()),
            Unmatched::Count | Unmatched::Ignore => Ok(()),
        }
    }

    /// Tells how many lines did not match.
    fn close(&self, io: &mut Io) {
        if self.missed > 0 && self.unmatched == Unmatched::Count {
            let all = self.matched + self.missed;
            io.tell("collect", format_args!("{} of {all} lines do not match the pattern; `--unmatched warn` shows some", self.missed));
        }
    }
}

pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    at(matches, io)?;
    let work = Work::new(matches, io)?;
    if matches.get_flag("follow") {
        let plan = follow::Plan::new(matches, io)?;
        Alive::begin("collect", "collector", matches, io)?;
        return follow::run(work, &plan, io);
    }
    read(work, Inputs::new("collect", matches, io)?, io)
}

/// Reads inputs to their ends.
fn read(mut work: Work, mut inputs: Inputs, io: &mut Io) -> Result<Code, Failure> {
    let mut out = Output::take(io, false);
    let clock = io.clock;
    inputs.each(io, &mut out, &mut |line, out| work.line(line, clock.now(), out))?;
    out.flush()?;
    work.close(io);
    if work.matched == 0 && inputs.rejects.count() == 0 {
        return Err(Failure::Data("no line matches the pattern".into()));
    }
    Ok(inputs.rejects.code())
}

/// What was typed does not fit the pattern.
fn misfit(why: PatternError) -> Failure {
    match why {
        PatternError::Regex(text) => Failure::usage(format!("--pattern: {}", text.trim_end())),
        PatternError::Unknown(wanted, groups) => {
            let wanted = show(wanted.as_bytes(), 80);
            let hint = match nearest(&wanted, groups.iter().map(String::as_str)) {
                Some(name) => format!("did you mean `{name}`?"),
                None if groups.is_empty() => "name a group: `(?<value>[0-9.]+)`".to_owned(),
                None => format!("the groups are `{}`", groups.join("`, `")),
            };
            Failure::usage_hint(format!("--value: the pattern has no group `{wanted}`"), hint)
        }
        PatternError::Nameless => Failure::usage_hint("the group `value` needs a metric's name", "give one with --metric"),
        PatternError::Name(name, why) => Failure::usage(format!("`{}` can't be a name: it {why}", show(name.as_bytes(), 80))),
    }
}
