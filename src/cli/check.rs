//! `check`: records to verdicts.

#[cfg_attr(not(test), expect(dead_code, reason = "called by the subcommand `export`, which is built beside it"))]
mod export_nagios;
mod plan;
mod plugin;
mod ranges;

use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, Command};

use self::plan::{Output as Form, Plan};
use super::{Code, Failure, Inputs, Io, Output, Tool, Trouble, args, input};
use crate::ndjson::{Item, Samples, write};
use crate::record::{Record, Status, Value, show};
use crate::rule::{Data, Judgement, Needs, RuleError, judge};

/// The program `check`.
pub const TOOL: Tool = Tool { name: "check", command, run, usage_code: Code::UNKNOWN };

const EXAMPLES: &str = "\
Examples:
  check 'age(build.started) > 30m' HISTORY            has no build been started for half an hour?
  collect host --count 5 | check 'last(memory.used) > 90%'
  check --warning 'p95(latency, 5m) > 90ms' --critical 'p95(latency, 5m) > 1s' HISTORY
  check --by queue 'last(queue.depth) > 500 for 5m' --since 1h HISTORY
  check --nagios 'absent(backup.finished, 26h)' HISTORY    as a monitoring plugin
  check --nagios -w 10:20 -c ~:30 'last(temperature)' HISTORY    with the ranges of a monitoring plugin";

const NOTES: &str = "\
Exit status: 0 ok, 1 warning, 2 critical, 3 unknown, and for every failure of its own.
The language of conditions is in pipewatch-conditions(7).";

fn command() -> Command {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let flag = |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    let command = Command::new("check")
        .about("Judges records by a condition, and says why")
        .before_help(EXAMPLES)
        .after_help(NOTES)
        .override_usage(
            "check [OPTIONS] CONDITION [FILE]…\n       check [OPTIONS] --warning CONDITION --critical CONDITION [FILE]…\n       check [OPTIONS] --warning RANGE --critical RANGE VALUE [FILE]…",
        )
        .version(env!("CARGO_PKG_VERSION"))
        .styles(args::styles())
        .arg(value("warning", "CONDITION|RANGE", "Warn when this is true, or when VALUE is outside of this range").short('w'))
        .arg(
            value(
                "critical",
                "CONDITION|RANGE",
                "Call it critical when this is true, or when VALUE is outside of this range; so is a CONDITION without an option",
            )
            .short('c'),
        )
        .arg(value("name", "NAME", "The name of the check in its verdicts [default: check]"))
        .arg(value("by", "TAG,…", "One verdict for each value of these tags"))
        .arg(value("no-data", "STATUS", "What it means when there is no data: ok, warning, critical or unknown [default: unknown]"))
        .arg(value("playbook", "URL", "Where to read what to do; goes into the verdicts"))
        .arg(flag("no-extrapolation", "Do not extend the increase of a counter to its window's borders"))
        .arg(flag("nagios", "Print the line of a monitoring plugin instead of records"))
        .arg(flag("pass", "Pass the records read on, before the verdicts"))
        .arg(flag("exit-zero", "Exit 0 whatever was found, for pipes under `pipefail`"))
        .arg(flag("human", "Explain the verdicts in plain words on standard error").short('H'))
        .arg(value("file", "FILE", "Rule files come in a later version").short('f').hide(true))
        .arg(value("state", "DIR", "Memory comes in a later version").hide(true))
        .arg(value("reference", "FILE", "References come in a later version").hide(true))
        .arg(args::at_option());
    input::options(command)
}

fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let plan = Plan::new(matches, io)?;
    let mut inputs = Inputs::of_paths(TOOL.name, plan.paths.clone(), matches, io)?;
    let mut out = Output::take(io, false);
    let data = read(&plan, &mut inputs, &mut out, io)?;
    let judgements = judge(&plan.check, &data).map_err(|(level, error)| wrong(&plan.check.levels[level].condition, &error))?;
    for judgement in &judgements {
        match plan.form {
            Form::Records => out.append(|block| write(block, &Record::Verdict(judgement.verdict.clone())))?,
            Form::Nagios => {}
        }
    }
    if plan.form == Form::Nagios {
        out.lines(plugin::lines(&plan.check.name, &judgements).as_bytes())?;
    }
    out.flush()?;
    if plan.human || (io.stdout_is_terminal && plan.form == Form::Records) {
        explain(&judgements, io);
    }
    let worst =
        judgements.iter().map(|judgement| judgement.verdict.status).max_by_key(|status| plugin::rank(*status)).unwrap_or(Status::Unknown);
    Ok(if plan.exit_zero { Code::OK } else { Code::of(worst.code()) })
}

/// A condition's mistake as a failure: the place underlined, and what to do.
fn wrong(condition: &crate::rule::Condition, error: &RuleError) -> Failure {
    mistake(condition.text(), error)
}

pub(super) fn mistake(text: &str, error: &RuleError) -> Failure {
    Failure::Usage(format!("condition:{}", error.render(text)), error.hint.clone())
}

/// Reads what the conditions need of the inputs.
fn read(plan: &Plan, inputs: &mut Inputs, out: &mut Output, io: &mut Io) -> Result<Data, Failure> {
    let needs = Needs::of(plan.check.levels.iter().map(|level| &level.condition));
    let clock = io.clock;
    let mut data = Data::new(needs, clock.now());
    let mut samples = Samples::new();
    let mut slots: Vec<Option<usize>> = Vec::new();
    let range = inputs.range;
    inputs.each(io, out, &mut |line, out| {
        if plan.pass {
            // A line that is no record is not passed on.
            crate::ndjson::decode(line)?;
            out.line(line)?;
        }
        match samples.read(line)? {
            Item::Sample { series, ts, value, weight } => {
                while slots.len() <= series.0 as usize {
                    let next = &samples.all()[slots.len()];
                    slots.push(data.slot(next).map_err(Failure::Data)?);
                }
                if ts > data.at() {
                    // A live input goes on while time passes: what arrives now is not from the future.
                    data.advance(clock.now());
                }
                if let Some(slot) = slots[series.0 as usize].filter(|_| range.holds(ts)) {
                    data.add(slot, ts, value, weight).map_err(Failure::Data)?;
                }
            }
            Item::Other(record) if range.holds(record.ts()) => {
                data.advance(clock.now());
                other(&mut data, *record)?;
            }
            Item::Other(_) => {}
        }
        Ok(())
    })?;
    data.advance(clock.now());
    data.seal();
    Ok(data)
}

/// Adds a record that is no plain sample.
fn other(data: &mut Data, record: Record) -> Result<(), Trouble> {
    let added = match record {
        Record::Sample(sample) => {
            let slot = data.slot(&Arc::new(sample.series)).map_err(Failure::Data)?;
            let value = match sample.value {
                Value::Number(value) => value,
                Value::Member(member) => number_of(&member),
            };
            match slot {
                Some(slot) => data.add(slot, sample.ts, value, sample.weight),
                None => Ok(()),
            }
        }
        Record::Window(window) => data.add_window(&window),
        Record::Event(event) => {
            data.add_event(&event);
            data.add_occurrence(&event.event, event.ts, &event.tags)
        }
        Record::Beat(beat) => data.add_occurrence(&beat.beat, beat.ts, &beat.tags),
        Record::Verdict(_) | Record::Notice(_) => Ok(()),
    };
    added.map_err(|message| Trouble::End(Failure::Data(message)))
}

/// A number that stands for a member of a set: of 53 bits of its hash, so that a double holds it.
fn number_of(member: &str) -> f64 {
    use std::hash::Hasher;
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(member.as_bytes());
    (hasher.finish() >> 11) as f64
}

/// Tells the verdicts in plain words.
fn explain(judgements: &[Judgement], io: &mut Io) {
    for Judgement { verdict, .. } in judgements {
        let colour = match (io.colour_stderr(), verdict.status) {
            (false, _) => ("", ""),
            (true, Status::Ok) => ("\u{1b}[32m", "\u{1b}[0m"),
            (true, Status::Warning) => ("\u{1b}[33m", "\u{1b}[0m"),
            (true, _) => ("\u{1b}[1;31m", "\u{1b}[0m"),
        };
        let name = show(verdict.check.as_bytes(), 80);
        let reason = show(verdict.reason.as_deref().unwrap_or_default().as_bytes(), 2000);
        let status = verdict.status.name();
        io.tell(TOOL.name, format!("{name}{} is {}{status}{}: {reason}", verdict.tags, colour.0, colour.1));
        if let Some(playbook) = &verdict.playbook {
            io.tell(TOOL.name, format!("what to do: {}", show(playbook.as_bytes(), 400)));
        }
    }
}
