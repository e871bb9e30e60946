//! What the subcommands that beat have in common: options, names, tags, runs, and where beats go.

use std::fs::File;
use std::io::Read;

use clap::{Arg, ArgAction, ArgMatches};

use super::state_folder;
use crate::cli::args::tags_of_environment;
use crate::cli::beats::{Beats, Patience};
use crate::cli::{Failure, Io};
use crate::record::{Sample, Series, Tags, check_name, show};
use crate::time::{Span, Timestamp};
use crate::wire::ping;

/// Where beats go and how long listeners are tried.
pub(super) fn options() -> [Arg; 5] {
    let option = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    [
        option("tag", "KEY=VALUE", "Who or where; may be repeated").action(ArgAction::Append),
        option("to", "DEST", "A folder, a file, -, or a listener: http://HOST/ping/KEY/, file:PATH, env:NAME [default: $PIPEWATCH_BEAT_TO, or the state folder]")
            .action(ArgAction::Append)
            .allow_hyphen_values(true),
        super::state_dir_option(),
        option("wait", "SPAN", "How long to wait for a listener at the end [default: 2s]"),
        option("retry", "SPAN", "How long to go on trying in the background, 0s for not [default: 1h]"),
    ]
}

/// The places that the beats go to.
///
/// # Errors
/// [`Failure::Usage`] when an option makes no sense.
pub(super) fn beats(matches: &ArgMatches, io: &Io) -> Result<Beats, Failure> {
    let patience = Patience { wait: span(matches, "wait", Span::from_secs(2))?, retry: span(matches, "retry", Span::from_secs(3600))? };
    Beats::new(&texts(matches, "to"), &state_folder(matches, io), patience, io)
}

/// A length of time that was typed, or the usual one.
pub(super) fn span(matches: &ArgMatches, id: &str, usual: Span) -> Result<Span, Failure> {
    let typed = matches.get_one::<String>(id);
    typed.map_or(Ok(usual), |text| Span::parse(text).map_err(|error| Failure::usage(format!("--{id}: {error}"))))
}

/// The job's name. The names of its metrics must be valid as well.
pub(super) fn name(matches: &ArgMatches) -> Result<String, Failure> {
    let name = matches.get_one::<String>("name").cloned().unwrap_or_default();
    check_name(&name).and(check_name(&format!("{name}.memory"))).map_err(|why| Failure::usage(format!("the name {why}")))?;
    Ok(name)
}

/// The tags that were typed, and those of the environment.
pub(super) fn tags(matches: &ArgMatches, io: &Io) -> Result<Tags, Failure> {
    let mut tags = tags_of_environment(io)?;
    for text in texts(matches, "tag") {
        let (key, value) = pair(&text, "tag", "host=db-1")?;
        tags.set(key, value);
    }
    Ok(tags)
}

/// A key and a value with `=` between them.
pub(super) fn pair<'a>(text: &'a str, option: &str, example: &str) -> Result<(&'a str, &'a str), Failure> {
    text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| {
        let message = format!("--{option}: `{}` is no key and value", show(text.as_bytes(), 80));
        Failure::usage_hint(message, format!("write `--{option} {example}`"))
    })
}

/// A measurement of a job: `NAME.part`.
pub(super) fn sample(name: &str, part: &str, unit: Option<&str>, value: f64, tags: &Tags, ts: Timestamp) -> Sample {
    let mut series = Series::new(format!("{name}.{part}"));
    series.unit = unit.map(str::to_owned);
    series.tags = tags.clone();
    Sample::new(ts, series, value)
}

/// A name for a run that no other has: a random UUID; where the system gives no random bytes, one
/// made of the time and the process.
pub(super) fn new_run(now: Timestamp) -> String {
    let mut bytes = [0; 16];
    let random = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    let bits = match random {
        Ok(()) => u128::from_be_bytes(bytes),
        Err(_) => (u128::from(now.nanos().unsigned_abs()) << 64) | u128::from(std::process::id()),
    };
    ping::uuid(bits, 4)
}

pub(super) fn texts(matches: &ArgMatches, id: &str) -> Vec<String> {
    matches.get_many::<String>(id).into_iter().flatten().cloned().collect()
}
