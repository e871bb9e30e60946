//! `check`: records to verdicts.

mod backtest;
mod compare;
mod explain;
mod export;
mod export_nagios;
mod feed;
mod files;
mod import;
mod lint;
mod live;
mod memory;
mod plan;
mod plugin;
mod ranges;
mod reference;
mod rule_test;
mod rules;
mod suggest;

use std::io::Write;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};

use self::feed::Feed;
use self::live::{Live, Waiter};
use self::memory::Memory;
use self::plan::{Output as Form, Plan};
use super::{Alive, Code, Failure, Inputs, Io, Output, Tool, alive, args, input};
use crate::ndjson::write;
use crate::record::{Record, Status, show};
use crate::rule::{Engine, Judgement};
use crate::time::Span;

/// The program `check`.
pub const TOOL: Tool = Tool { name: "check", command, run, usage_code: Code::UNKNOWN };

const EXAMPLES: &str = "\
Examples:
  check 'age(build.started) > 30m' HISTORY            has no build been started for half an hour?
  collect host | check --live -H -f check.toml        rules of a file, as time passes
  check -f check.toml --state DIR HISTORY             from cron; --nagios: as a monitoring plugin";

const NOTES: &str = "Exit status: 0 ok, 1 warning, 2 critical, 3 unknown or failed. More: `man pipewatch-conditions`.";

fn command() -> Command {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let flag = |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    let command = Command::new("check")
        .about("Judges records by a condition, and says why")
        .before_help(EXAMPLES)
        .after_help(NOTES)
        .override_usage(
            "check [OPTIONS] CONDITION|-f RULES|--reference FILE [FILE]…\n       check [OPTIONS] --warning RANGE --critical RANGE VALUE [FILE]…",
        )
        .version(env!("CARGO_PKG_VERSION"))
        .styles(args::styles())
        // Help fits a screen, and `--help` of each command says the same.
        .disable_help_subcommand(true)
        .args(rules::options())
        .arg(flag("nagios", "Print the line of a monitoring plugin instead of records"))
        .arg(flag("pass", "Pass the records read on, before the verdicts"))
        .arg(flag("exit-zero", "Exit 0 whatever was found, for pipes under `pipefail`"))
        .arg(flag("human", "Explain the verdicts in plain words on standard error").short('H'))
        .arg(files::option())
        .args(reference::options())
        .arg(value("state", "DIR", "Remember in DIR what holds, and go on from there (for cron)"))
        .arg(flag("live", "Judge as time passes; write a verdict when one changes"))
        .arg(value("late", "DURATION", "With --live: wait so long for late records [default: 200ms]").requires("live"))
        .args(alive::options().map(|option| option.requires("live")))
        .arg(args::at_option());
    let command = input::options(command).subcommand(lint::command()).subcommand(rule_test::command());
    let command = command.subcommand(explain::command()).subcommand(backtest::command());
    let command = command.subcommand(suggest::command()).subcommand(compare::command());
    command.subcommand(export::command()).subcommand(import::command())
}

fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    match matches.subcommand() {
        Some(("lint", matches)) => lint::run(matches, io),
        Some(("backtest", matches)) => backtest::run(matches, io),
        Some(("compare", matches)) => compare::run(matches, io),
        Some(("suggest", matches)) => suggest::run(matches, io),
        Some(("test", matches)) => rule_test::run(matches, io),
        Some(("export", matches)) => export::run(matches, io),
        Some(("import", matches)) => import::run(matches, io),
        Some(("explain", matches)) => explain::run(matches, io),
        _ => judge(matches, io),
    }
}

/// Judges records: the work of `check` without a subcommand.
fn judge(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    if let Some(comparison) = reference::Comparison::new(matches)? {
        return comparison.run(matches, io);
    }
    let plan = Plan::new(matches, io)?;
    let mut inputs = Inputs::of_paths(TOOL.name, plan.paths.clone(), matches, io)?;
    let mut engine = Engine::new(plan.rules.checks.clone());
    reference::refer(&mut engine, &plan.rules, matches, io)?;
    let open = |folder: &String| Memory::open(Path::new(folder), &plan.rules, &mut engine, io);
    let memory = plan.state.as_ref().map(open).transpose()?;
    let feed = Feed::new(inputs.range).keep(memory.is_some() && !inputs.are_files());
    let judgements = if let Some(late) = plan.live {
        Alive::begin(TOOL.name, "checker", matches, io)?;
        let feed = feed.alive(io.alive.clone());
        let waiter = Waiter::new(io);
        let out = Output::take(io, false);
        let mut live = Live::new(&plan.rules, engine, feed, out, io, late).pass(plan.pass).human(plan.human).memory(memory).waiter(waiter);
        inputs.each(io, &mut live, &mut |line, live| live.line(line))?;
        live.end()?
    } else {
        once(&plan, &mut inputs, engine, feed, memory, io)?
    };
    let worst = judgements.iter().map(|judgement| judgement.verdict.status).max_by_key(|status| status.rank()).unwrap_or(Status::Unknown);
    Ok(if plan.exit_zero { Code::OK } else { Code::of(worst.code()) })
}

/// Reads all there is, and judges the instant at its end.
fn once(
    plan: &Plan,
    inputs: &mut Inputs,
    mut engine: Engine,
    mut feed: Feed,
    mut memory: Option<Memory>,
    io: &mut Io,
) -> Result<Vec<Judgement>, Failure> {
    let mut out = Output::take(io, false);
    let clock = io.clock;
    engine.advance(clock.now());
    inputs.each(io, &mut out, &mut |line, out| {
        if plan.pass {
            // A line that is no record is not passed on.
            crate::ndjson::decode(line)?;
            out.line(line)?;
        }
        feed.line(line, &mut engine, &|| clock.now()).map(|_| ())
    })?;
    engine.advance(clock.now());
    let at = engine.horizon();
    let mut first = engine.first(at);
    if engine.at().is_none() {
        // Before the first record there is nothing to judge.
        first = first.max(feed.oldest).min(at);
        engine.resume(first.minus(Span::from_nanos(1)));
    }
    engine.run(first, at, &mut |_, _| {});
    let judgements = engine.judge(at).map_err(|senseless| plan.rules.wrong(&senseless))?;
    bring_out(plan.form, &plan.rules.name, &judgements, &mut out)?;
    // After the verdicts were written: a crash here repeats them, the other order would lose one.
    if let Some(memory) = &mut memory {
        memory.points.append(&mut feed.kept);
        memory.commit(&engine)?;
    }
    if plan.human || (io.stdout_is_terminal && plan.form == Form::Records) {
        let colour = io.colour_stderr();
        judgements.iter().for_each(|judgement| say(judgement, colour, &mut io.stderr));
    }
    Ok(judgements)
}

/// Writes verdicts as they are wished, and flushes.
fn bring_out(form: Form, name: &str, judgements: &[Judgement], out: &mut Output) -> Result<(), Failure> {
    match form {
        Form::Records => {
            for judgement in judgements {
                out.append(|block| write(block, &Record::Verdict(judgement.verdict.clone())))?;
            }
        }
        Form::Nagios => out.lines(plugin::lines(name, judgements).as_bytes())?,
    }
    out.flush()
}

/// Tells a verdict in plain words.
fn say(Judgement { verdict, .. }: &Judgement, colour: bool, voice: &mut dyn Write) {
    let (on, off) = match (colour, verdict.status) {
        (false, _) => ("", ""),
        (true, Status::Ok) => ("\u{1b}[32m", "\u{1b}[0m"),
        (true, Status::Warning) => ("\u{1b}[33m", "\u{1b}[0m"),
        (true, _) => ("\u{1b}[1;31m", "\u{1b}[0m"),
    };
    let name = show(verdict.check.as_bytes(), 80);
    let reason = show(verdict.reason.as_deref().unwrap_or_default().as_bytes(), 2000);
    let status = verdict.status.name();
    // When standard error is closed nobody can be told, and the work matters more.
    let _ = writeln!(voice, "{}: {name}{} is {on}{status}{off}: {reason}", TOOL.name, verdict.tags);
    if let Some(playbook) = &verdict.playbook {
        let _ = writeln!(voice, "{}: what to do: {}", TOOL.name, show(playbook.as_bytes(), 400));
    }
}
