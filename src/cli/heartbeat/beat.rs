//! `heartbeat beat`: one sign of life, from a job that tells itself how it fares.

use std::io::Read;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::sending;
use crate::cli::{Code, Failure, Io};
use crate::record::{Beat, Sample, Tags, check_name, show};

/// How much of a message is kept, in bytes: the end of it.
pub(super) const MESSAGE_BYTES: usize = 10_000;

pub(super) fn command() -> Command {
    let option = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    Command::new("beat")
        .about("Give a sign of life: that a job has begun, is done, or has failed")
        .override_usage("heartbeat beat NAME [OPTIONS]")
        .before_help(
            "Examples:\n  heartbeat beat nightly-backup                                  it is done, and well\n  \
             heartbeat beat nightly-backup --state start                    it has begun\n  \
             ./backup; heartbeat beat nightly-backup --exit $?              0 is ok, all else a failure\n  \
             df -h | heartbeat beat disk --state log --message -            a note that changes nothing\n  \
             heartbeat beat nightly-backup --to file:/etc/pipewatch/listener   to a listener by HTTP",
        )
        .help_template("{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}")
        .arg(Arg::new("name").value_name("NAME").required(true).help("The job's name"))
        .arg(
            option("state", "STATE", "What happened: ok (the default), start, fail, log")
                .value_parser(PossibleValuesParser::new(["ok", "start", "fail", "log"]))
                .hide_possible_values(true),
        )
        .arg(option("exit", "N", "The job's exit status: 0 to 255; above 0 is a failure"))
        .arg(option("run", "ID", "Which run this is, where several may overlap; a UUID is best"))
        .arg(option("message", "TEXT", "What the job said; - reads it from standard input").allow_hyphen_values(true))
        .arg(option("metric", "KEY=N", "A number of this run, kept as NAME.KEY; may be repeated").action(ArgAction::Append))
        .args(sending::options())
        .arg(crate::cli::args::at_option())
        .arg(Arg::new("strict").long("strict").action(ArgAction::SetTrue).help("Exit with 69 or 74 when the beat is lost"))
        .after_help(
            "A beat never breaks the script it stands in: where it can't be written or sent, that is told, and\n\
             the exit status is 0 all the same. What a listener does not take waits in the state folder, and is\n\
             sent in its order, with its own time, by a process left behind, the next beat, or `heartbeat flush`.",
        )
}

pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let (mut beat, samples) = plan(matches, io)?;
    let mut beats = sending::beats(matches, io)?;
    if matches.get_one::<String>("message").is_some_and(|text| text == "-") {
        beat.message = Some(last_bytes_of_input(io)?);
    }
    beats.give(&beat, &samples, io);
    let code = beats.finish(io);
    Ok(if matches.get_flag("strict") { code } else { Code::OK })
}

/// The beat that was typed, and its numbers.
fn plan(matches: &ArgMatches, io: &Io) -> Result<(Beat, Vec<Sample>), Failure> {
    let text = |id: &str| matches.get_one::<String>(id).cloned();
    let (name, tags, ts) = (sending::name(matches)?, sending::tags(matches, io)?, io.now());
    let exit = text("exit").map(|text| exit(&text)).transpose()?;
    let state = match (text("state"), exit) {
        (Some(state), Some(_)) if state == "start" => {
            return Err(Failure::usage("--exit: a job that has only begun has no exit status yet"));
        }
        (Some(state), Some(1..)) if state == "ok" => return Err(Failure::usage("--state ok and an exit status above 0 clash: choose one")),
        (Some(state), _) => state,
        (None, Some(1..)) => "fail".into(),
        (None, _) => "ok".into(),
    };
    let samples = sending::texts(matches, "metric").iter().map(|text| metric(text, &name, &tags, ts)).collect::<Result<_, _>>()?;
    let message = text("message").map(|text| last_bytes(text.as_bytes()));
    Ok((Beat { ts, beat: name, state: Some(state), duration: None, exit, run: run_id(matches)?, message, tags }, samples))
}

fn run_id(matches: &ArgMatches) -> Result<Option<String>, Failure> {
    let Some(run) = matches.get_one::<String>("run") else { return Ok(None) };
    check_name(run).map_err(|why| Failure::usage(format!("--run: the run's id {why}")))?;
    Ok(Some(run.clone()))
}

fn exit(text: &str) -> Result<i64, Failure> {
    let status: Result<u8, _> = text.parse();
    status
        .map(i64::from)
        .map_err(|_| Failure::usage(format!("--exit: `{}` is no exit status, which is 0 to 255", show(text.as_bytes(), 80))))
}

fn metric(text: &str, name: &str, tags: &Tags, ts: crate::time::Timestamp) -> Result<Sample, Failure> {
    let (key, value) = sending::pair(text, "metric", "rows=1200")?;
    check_name(&format!("{name}.{key}")).map_err(|why| Failure::usage(format!("--metric: the metric's name {why}")))?;
    let found: Option<f64> = value.parse().ok().filter(|value: &f64| value.is_finite());
    let value = found.ok_or_else(|| Failure::usage(format!("--metric: `{}` is not a number", show(value.as_bytes(), 80))))?;
    Ok(sending::sample(name, key, None, value, tags, ts))
}

/// The end of standard input; it is read to its end, and only so much is held.
fn last_bytes_of_input(io: &mut Io) -> Result<String, Failure> {
    let mut last = Vec::new();
    let mut block = vec![0; 64 << 10];
    loop {
        match io.stdin.read(&mut block) {
            Ok(0) => return Ok(last_bytes(&last)),
            Ok(read) => keep_last(&mut last, &block[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::io("standard input: cannot read", error)),
        }
    }
}

/// Adds bytes to what is kept of the end.
pub(super) fn keep_last(last: &mut Vec<u8>, bytes: &[u8]) {
    last.extend_from_slice(&bytes[bytes.len().saturating_sub(MESSAGE_BYTES)..]);
    if last.len() > 4 * MESSAGE_BYTES {
        last.drain(..last.len() - MESSAGE_BYTES);
    }
}

/// The last bytes as text, without a character cut in two at their beginning, and without the last newline.
pub(super) fn last_bytes(bytes: &[u8]) -> String {
    let mut from = bytes.len().saturating_sub(MESSAGE_BYTES);
    while from > 0 && bytes.get(from).is_some_and(|byte| byte & 0xc0 == 0x80) {
        from += 1;
    }
    let text = String::from_utf8_lossy(&bytes[from..]);
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_kept_from_its_end_whole_character_by_character() {
        let mut last = Vec::new();
        for _ in 0..10 {
            keep_last(&mut last, "é".repeat(3000).as_bytes());
            keep_last(&mut last, b"x");
            assert!(last.len() <= 5 * MESSAGE_BYTES);
        }
        let text = last_bytes(&last);
        assert!(text.len() <= MESSAGE_BYTES && text.len() > MESSAGE_BYTES - 4, "{}", text.len());
        assert!(text.ends_with("éx") && !text.contains('\u{fffd}'));
        assert_eq!(last_bytes(b"a\nb\n"), "a\nb");
        assert_eq!(last_bytes(b"\xff"), "\u{fffd}");
    }
}
