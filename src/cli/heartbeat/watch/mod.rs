//! `heartbeat watch`: verdicts on every job that is expected, once or as time passes.
//!
//! Read, step, write and flush the verdicts, then commit what is remembered: a kill in between tells
//! a verdict again, and loses none.

mod follow;
mod live;
mod memory;

use std::io::Write;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};

use self::live::Live;
use self::memory::Memory;
use super::{TOOL, expectations, state_folder};
use crate::cli::{Clock, Code, Failure, Inputs, Io, Output, Trouble, args, input};
use crate::heartbeat::Watch;
use crate::ndjson::{decode, write};
use crate::record::{Beat, Record, Status, Verdict, show};
use crate::store::read::{Range, days};
use crate::time::{Span, Timestamp};

/// How far back the history is read again: what waited for its listener comes late.
const REREAD: Span = Span::from_secs(86_400);

/// Where the beats are in the state folder.
const BEATS: &str = "beats";

pub(super) fn command() -> Command {
    let flag = |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    let command = Command::new("watch")
        .about("Tell which jobs are late, failed, hung, too short, too long or were never seen")
        .override_usage("heartbeat watch [OPTIONS] [FILE]…")
        .before_help(
            "Examples:\n  heartbeat watch                       every job's verdict, from cron; 0 is ok\n  \
             heartbeat watch --live -H             as time passes, in plain words, too\n  \
             heartbeat watch -f jobs.toml beats/ --at 2026-11-22T03:30:00Z    as it was then",
        )
        .help_template("{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}")
        .arg(expectations::option())
        .arg(expectations::state_option())
        .arg(flag("live", "Watch as time passes; write a verdict when one changes"))
        .arg(flag("exit-zero", "Exit 0 whatever was found, for pipes under `pipefail`"))
        .arg(flag("human", "Tell the verdicts in plain words on standard error").short('H'))
        .args(super::peer::options())
        .arg(args::at_option());
    input::options(command).after_help(
        "Without FILE the beats in the state folder are read, and what was seen is remembered there.\n\
         Exit status: 0 ok, 1 warning, 2 critical, 3 unknown; 64 and above when watching itself failed.",
    )
}

/// What was typed.
pub(super) struct Plan {
    files: Vec<PathBuf>,
    beats: PathBuf,
    /// Whether the state folder's own history is read.
    own: bool,
    inputs: Vec<String>,
    folder: Option<PathBuf>,
    live: bool,
    exit_zero: bool,
    human: bool,
}

impl Plan {
    fn new(matches: &ArgMatches, io: &Io) -> Plan {
        let inputs: Vec<String> = matches.get_many::<String>("files").into_iter().flatten().cloned().collect();
        let folder = state_folder(matches, io);
        let own = inputs.is_empty();
        let keep = own || matches.contains_id("state-dir");
        let flag = |name: &str| matches.get_flag(name);
        Plan {
            files: expectations::paths(matches, io),
            beats: folder.join(BEATS),
            own,
            inputs,
            folder: keep.then_some(folder),
            live: flag("live"),
            exit_zero: flag("exit-zero"),
            human: flag("human"),
        }
    }
}

pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let plan = Plan::new(matches, io);
    let expected = expectations::expectations(&plan.files, io)?;
    let mut memory = plan.folder.as_ref().map(|folder| Memory::open(folder, &plan.files, io)).transpose()?;
    let now = io.now();
    let saved = memory.as_mut().map(Memory::take).unwrap_or_default();
    let watch = Watch::restore(expected, saved, now);
    let inputs = inputs(&plan, memory.as_ref(), matches, io)?;
    super::peer::begin("watcher", &state_folder(matches, io), matches, io)?;
    let worst = if plan.live { Live::new(&plan, watch, memory, io).run(inputs, io)? } else { once(&plan, watch, memory, inputs, io)? };
    Ok(if plan.exit_zero { Code::OK } else { Code::of(worst.code()) })
}

/// What is read: the files named, or the own history from where it was left; `None` when there is none yet.
fn inputs(plan: &Plan, memory: Option<&Memory>, matches: &ArgMatches, io: &Io) -> Result<Option<Inputs>, Failure> {
    if !plan.own {
        return Inputs::of_paths(TOOL.name, plan.inputs.clone(), matches, io).map(Some);
    }
    let has_days = plan.beats.is_dir() && days(&plan.beats, &Range::default()).is_ok_and(|days| !days.is_empty());
    if !has_days {
        return Ok(None);
    }
    let mut inputs = Inputs::of_paths(TOOL.name, vec![plan.beats.to_string_lossy().into_owned()], matches, io)?;
    if inputs.range.since.is_none() {
        inputs.range.since = Some(memory.and_then(|memory| memory.at()).map_or(Timestamp::MIN, |at| at.minus(REREAD)));
    }
    Ok(Some(inputs))
}

/// A beat of a line; `None` for records of other kinds, which say nothing here.
///
/// # Errors
/// When the line is no record.
fn beat_of(line: &[u8]) -> Result<Option<Beat>, Trouble> {
    Ok(match decode(line)? {
        Record::Beat(beat) => Some(beat),
        _ => None,
    })
}

/// Reads all there is and judges the instant of the look.
fn once(plan: &Plan, mut watch: Watch, mut memory: Option<Memory>, inputs: Option<Inputs>, io: &mut Io) -> Result<Status, Failure> {
    let mut out = Output::take(io, false);
    let (clock, now) = (io.clock, io.now());
    if let Some(memory) = &memory {
        memory.absences(now, None).into_iter().for_each(|away| watch.away(away));
    }
    let mut oldest = now;
    if let Some(mut inputs) = inputs {
        let range = inputs.range;
        inputs.each(io, &mut out, &mut |line, _| {
            let Some(beat) = beat_of(line)? else { return Ok(()) };
            // Of an instant that was named, what came later is not known yet.
            if range.holds(beat.ts) && (matches!(clock, Clock::System) || beat.ts <= now) {
                oldest = oldest.min(beat.ts);
                watch.observe(&beat);
            }
            Ok(())
        })?;
    }
    if memory.is_none() {
        watch.known_from(oldest);
    }
    watch.bound(now);
    let verdicts = watch.judge(now);
    for verdict in &verdicts {
        out.append(|block| write(block, &Record::Verdict(verdict.clone())))?;
    }
    out.flush()?;
    if let Some(memory) = &mut memory {
        memory.commit(&watch, now, &Default::default())?;
    }
    if plan.human || io.stdout_is_terminal {
        let colour = io.colour_stderr();
        verdicts.iter().for_each(|verdict| say(verdict, colour, &mut io.stderr));
    }
    // A look from cron that came to its end is a sign of life, too.
    io.alive.turn();
    tell_strangers(&watch, plan.own, io);
    let worst = verdicts.iter().map(|verdict| verdict.status).max_by_key(|status| status.rank());
    Ok(worst.unwrap_or(Status::Ok))
}

/// Tells a verdict in plain words.
fn say(verdict: &Verdict, colour: bool, voice: &mut dyn Write) {
    let (on, off) = match (colour, verdict.status) {
        (false, _) => ("", ""),
        (true, Status::Ok) => ("\u{1b}[32m", "\u{1b}[0m"),
        (true, Status::Warning) => ("\u{1b}[33m", "\u{1b}[0m"),
        (true, _) => ("\u{1b}[1;31m", "\u{1b}[0m"),
    };
    let name = show(verdict.check.as_bytes(), 80);
    let reason = show(verdict.reason.as_deref().unwrap_or_default().as_bytes(), 2000);
    // When standard error is closed nobody can be told, and the work matters more.
    let _ = writeln!(voice, "{}: {name} is {on}{}{off}: {reason}", TOOL.name, verdict.status.name());
    if let Some(playbook) = &verdict.playbook {
        let _ = writeln!(voice, "{}: what to do: {}", TOOL.name, show(playbook.as_bytes(), 400));
    }
}

/// Tells of beats that nobody expects, and of those that came too late.
fn tell_strangers(watch: &Watch, is_own: bool, io: &mut Io) {
    let (strangers, more) = watch.strangers();
    if !strangers.is_empty() {
        let names: Vec<String> = strangers.keys().take(5).map(|name| format!("`{}`", show(name.as_bytes(), 40))).collect();
        let rest = match (strangers.len().saturating_sub(5), more) {
            (0, 0) => String::new(),
            (others, 0) => format!(" and {others} more"),
            (others, _) => format!(" and more than {others} more"),
        };
        io.tell(TOOL.name, format!("nobody expects the beats of {}{rest}\nhint: `heartbeat expect NAME --every 1d`", names.join(", ")));
    }
    if watch.too_old() > 0 && !is_own {
        io.tell(TOOL.name, format!("{} beats are older than all that is remembered, and were left out", watch.too_old()));
    }
}
