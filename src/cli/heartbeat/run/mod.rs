//! `heartbeat run`: a job, watched. Its start, its end, how it ended, how long it took, what it said last.
//!
//! Here are the arguments and the order of things; what is kept of the job's output is in
//! [`output`], the lock that keeps a second run away in [`lock`].
//!
//! Always: the job's exit status comes out, whatever becomes of the beats. The beat of the start is
//! written before the job begins, so that a run that is killed leaves a start without an end.

mod lock;
mod output;

use std::ffi::OsString;
use std::time::Instant;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::beat::last_bytes;
use super::{sending, state_folder};
use crate::cli::beats::Beats;
use crate::cli::child::{self, Behind, Blocked, Ended, Job};
use crate::cli::failure::system_words;
use crate::cli::{Code, Failure, Io};
use crate::record::{Beat, Sample, Tags, show};
use crate::time::Span;
use output::Output;

/// The exit status of a job that was ended at its limit, as timeout(1) has it.
const TIMED_OUT: u8 = 124;

pub(super) fn command() -> Command {
    let option = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let flag = |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    Command::new("run")
        .about("Run a job and beat for it: its start, its end, exit status, duration, peak memory, last lines")
        .override_usage("heartbeat run NAME [OPTIONS] -- COMMAND [ARG]...")
        .before_help(
            "Examples:\n  heartbeat run nightly-backup -- /usr/local/bin/backup --all\n  \
             heartbeat run mirror --lock --timeout 2h --quiet -- sh -c 'cd /srv && ./mirror'    as cron users want it\n  \
             heartbeat run import --to file:/etc/pipewatch/listener -- ./import                 to a listener by HTTP",
        )
        .help_template("{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}")
        .arg(Arg::new("name").value_name("NAME").required(true).help("The job's name"))
        .arg(
            Arg::new("command")
                .value_name("COMMAND")
                .num_args(1..)
                .required(true)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .value_parser(clap::value_parser!(OsString))
                .help("The command and its arguments"),
        )
        .arg(option("timeout", "SPAN", "End the job after SPAN (SIGTERM, ten seconds later SIGKILL), and exit with 124"))
        .arg(flag("lock", "Do not start while a run of that name is under way: exit with 75"))
        .arg(flag("quiet", "Print the job's output only when it fails"))
        .args(sending::options())
        .arg(crate::cli::args::at_option())
        .after_help(
            "The job keeps its input, output, signals and exit status: 128+N when signal N ended it, 127 when it\n\
             is not found, 126 when it can't be run. Its last 10,000 bytes of output go along as the beat's\n\
             message. It finds its name and its run in PIPEWATCH_BEAT and PIPEWATCH_RUN. What can't be\n\
             written or sent is told, and changes nothing of that.",
        )
}

/// What was typed.
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) tags: Tags,
    pub(super) command: Vec<OsString>,
    pub(super) limit: Option<Span>,
    pub(super) lock: bool,
    pub(super) quiet: bool,
    /// What the command finds in its environment beside its name and its run.
    pub(super) variables: Vec<(&'static str, String)>,
}

impl Plan {
    fn new(matches: &ArgMatches, io: &Io) -> Result<Plan, Failure> {
        let limit = matches.contains_id("timeout").then(|| sending::span(matches, "timeout", Span::ZERO)).transpose()?;
        if limit.is_some_and(|limit| limit.is_zero()) {
            return Err(Failure::usage("--timeout: must be above zero"));
        }
        Ok(Plan {
            name: sending::name(matches)?,
            tags: sending::tags(matches, io)?,
            command: matches.get_many::<OsString>("command").into_iter().flatten().cloned().collect(),
            limit,
            lock: matches.get_flag("lock"),
            quiet: matches.get_flag("quiet"),
            variables: Vec::new(),
        })
    }

    fn beat(&self, state: &str, run: &str, io: &Io) -> Beat {
        Beat {
            ts: io.now(),
            beat: self.name.clone(),
            state: Some(state.into()),
            duration: None,
            exit: None,
            run: Some(run.to_owned()),
            message: None,
            tags: self.tags.clone(),
        }
    }
}

pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let plan = Plan::new(matches, io)?;
    let mut beats = sending::beats(matches, io)?;
    // Before any thread begins, so that none of them takes a signal that is the job's.
    let blocked = Blocked::new();
    let run = sending::new_run(io.now());
    let _lock = if plan.lock {
        match lock::take(&state_folder(matches, io), &plan.name, io.now()) {
            Ok(lock::Taken::Free(lock)) => Some(lock),
            Ok(lock::Taken::Held(holder)) => return Ok(refuse(&plan, &holder, beats, &run, io)),
            Err((path, error)) => {
                io.tell("heartbeat", format!("{path}: cannot lock: {}; {} is run without", system_words(&error), shown(&plan.name)));
                None
            }
        }
    } else {
        None
    };
    let (code, _) = once(&plan, &run, blocked.as_ref(), &mut beats, io);
    beats.finish(io);
    Ok(code)
}

/// Runs the job once, from the beat of its start to that of its end; its code, and whether a signal asked it to end.
pub(super) fn once(plan: &Plan, run: &str, blocked: Result<&Blocked, &std::io::Error>, beats: &mut Beats, io: &mut Io) -> (Code, bool) {
    beats.give(&plan.beat("start", run, io), &[], io);
    let begun = Instant::now();
    let mut output = Output::new(plan.quiet, io);
    let ended = match blocked {
        Ok(blocked) => execute(plan, run, &mut output, blocked),
        Err(error) => Err(error.kind().into()),
    };
    let duration = begun.elapsed();
    let code = conclude(plan, run, &ended, duration.as_secs_f64(), output, beats, io);
    (code, ended.is_ok_and(|ended| ended.was_asked))
}

/// Tells that another run is under way, and that this one was not started.
fn refuse(plan: &Plan, holder: &str, mut beats: Beats, run: &str, io: &mut Io) -> Code {
    let why = format!("not started: already running{holder}");
    io.tell("heartbeat", format!("{}: {why}", shown(&plan.name)));
    let mut beat = plan.beat("log", run, io);
    beat.message = Some(why);
    beats.give(&beat, &[], io);
    beats.finish(io);
    Code::AGAIN
}

fn execute(plan: &Plan, run: &str, output: &mut Output, blocked: &Blocked) -> std::io::Result<Ended> {
    let mut job = Job::new(&plan.command);
    job.variable("PIPEWATCH_BEAT", &plan.name);
    job.variable("PIPEWATCH_RUN", run);
    for (name, value) in &plan.variables {
        job.variable(name, value);
    }
    job.own_group();
    if let Some(limit) = plan.limit {
        job.limit(limit);
    }
    job.listen(Box::new(|stream, bytes| output.take(stream, bytes)), if plan.quiet { Behind::Dropped } else { Behind::Passed });
    job.run_with(blocked)
}

/// Tells how the job ended, to a person where that is due, and as a beat.
fn conclude(plan: &Plan, run: &str, ended: &std::io::Result<Ended>, seconds: f64, output: Output, beats: &mut Beats, io: &mut Io) -> Code {
    let said = output.finish(!matches!(ended, Ok(Ended { status: 0, timed_out: false, .. })), io);
    let mut message = last_bytes(&said);
    let status = match ended {
        Ok(ended) if ended.timed_out => {
            let why = format!("ended after {} (--timeout)", plan.limit.unwrap_or_default());
            io.tell("heartbeat", format!("{}: {why}", shown(&plan.name)));
            add_line(&mut message, &format!("heartbeat: {why}"));
            TIMED_OUT
        }
        Ok(ended) => {
            if plan.quiet && ended.status != 0 {
                let took = Span::from_secs_f64(seconds).unwrap_or_default().human();
                io.tell("heartbeat", format!("{}: failed with exit status {} after {took}", shown(&plan.name), ended.status));
            }
            ended.status
        }
        Err(error) => {
            let command = plan.command.first().map_or(String::new(), |command| show(command.as_encoded_bytes(), 200));
            let why = format!("{command}: cannot run: {}", system_words(error));
            io.tell("heartbeat", &why);
            add_line(&mut message, &why);
            child::status_of(error)
        }
    };
    let mut beat = plan.beat(if status == 0 { "ok" } else { "fail" }, run, io);
    beat.exit = Some(status.into());
    beat.message = (!message.is_empty()).then_some(message);
    let mut samples: Vec<Sample> = Vec::new();
    if let Ok(ended) = ended {
        // Whole microseconds: what is finer is the machine's, not the job's.
        beat.duration = Some((seconds * 1e6).round() / 1e6);
        samples.push(sending::sample(&plan.name, "memory", Some("By"), ended.peak_bytes as f64, &plan.tags, beat.ts));
    }
    beats.give(&beat, &samples, io);
    Code::of(status)
}

fn add_line(message: &mut String, line: &str) {
    if !message.is_empty() {
        message.push('\n');
    }
    message.push_str(line);
}

fn shown(name: &str) -> String {
    show(name.as_bytes(), 80)
}
