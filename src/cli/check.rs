//! `check`: records to verdicts.

mod backtest;
mod feed;
mod files;
mod lint;
mod plan;
mod plugin;
mod ranges;
mod rules;

use clap::{Arg, ArgAction, ArgMatches, Command};

use self::feed::Feed;
use self::plan::{Output as Form, Plan};
use super::{Code, Failure, Inputs, Io, Output, Tool, args, input};
use crate::ndjson::write;
use crate::record::{Record, Status, show};
use crate::rule::{Engine, Judgement};

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
        .args(rules::options())
        .arg(flag("nagios", "Print the line of a monitoring plugin instead of records"))
        .arg(flag("pass", "Pass the records read on, before the verdicts"))
        .arg(flag("exit-zero", "Exit 0 whatever was found, for pipes under `pipefail`"))
        .arg(flag("human", "Explain the verdicts in plain words on standard error").short('H'))
        .arg(files::option())
        .arg(value("state", "DIR", "Memory comes in a later version").hide(true))
        .arg(value("reference", "FILE", "References come in a later version").hide(true))
        .arg(args::at_option());
    input::options(command).subcommand(lint::command()).subcommand(backtest::command())
}

fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    match matches.subcommand() {
        Some(("lint", matches)) => lint::run(matches, io),
        Some(("backtest", matches)) => backtest::run(matches, io),
        _ => judge(matches, io),
    }
}

/// Judges records: the work of `check` without a subcommand.
fn judge(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let plan = Plan::new(matches, io)?;
    let mut inputs = Inputs::of_paths(TOOL.name, plan.paths.clone(), matches, io)?;
    let mut out = Output::take(io, false);
    let mut engine = read(&plan, &mut inputs, &mut out, io)?;
    let at = engine.horizon();
    let first = engine.first(at);
    engine.run(first, at, &mut |_, _| {});
    let judgements = engine.judge(at).map_err(|senseless| plan.rules.wrong(&senseless))?;
    for judgement in &judgements {
        match plan.form {
            Form::Records => out.append(|block| write(block, &Record::Verdict(judgement.verdict.clone())))?,
            Form::Nagios => {}
        }
    }
    if plan.form == Form::Nagios {
        out.lines(plugin::lines(&plan.rules.name, &judgements).as_bytes())?;
    }
    out.flush()?;
    if plan.human || (io.stdout_is_terminal && plan.form == Form::Records) {
        explain(&judgements, io);
    }
    let worst = judgements.iter().map(|judgement| judgement.verdict.status).max_by_key(|status| status.rank()).unwrap_or(Status::Unknown);
    Ok(if plan.exit_zero { Code::OK } else { Code::of(worst.code()) })
}

/// Reads what the conditions need of the inputs.
fn read(plan: &Plan, inputs: &mut Inputs, out: &mut Output, io: &mut Io) -> Result<Engine, Failure> {
    let clock = io.clock;
    let mut engine = Engine::new(plan.rules.checks.clone());
    engine.advance(clock.now());
    let mut feed = Feed::new(inputs.range);
    inputs.each(io, out, &mut |line, out| {
        if plan.pass {
            // A line that is no record is not passed on.
            crate::ndjson::decode(line)?;
            out.line(line)?;
        }
        feed.line(line, &mut engine, &|| clock.now()).map(|_| ())
    })?;
    engine.advance(clock.now());
    Ok(engine)
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
