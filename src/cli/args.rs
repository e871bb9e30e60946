//! Options that several tools share.

use super::{Clock, Failure, Io};
use crate::record::{Tags, show};
use crate::time::Timestamp;

/// The option `--at`, for every tool that judges or stamps.
pub fn at_option() -> clap::Arg {
    clap::Arg::new("at").long("at").value_name("TIME").help("The current time: `2026-11-22T19:45:03Z`, `10:01`, `10m` (ago)")
}

/// Fixes the clock where `--at` was given, to the tool or to its subcommand.
///
/// # Errors
/// [`Failure::Usage`] when the time can't be read.
pub(crate) fn at(matches: &clap::ArgMatches, io: &mut Io) -> Result<(), Failure> {
    if let Some((_, inner)) = matches.subcommand() {
        at(inner, io)?;
    }
    if let Ok(Some(text)) = matches.try_get_one::<String>("at") {
        let instant = Timestamp::parse_loose(text, io.now()).map_err(|error| Failure::usage(format!("--at: {error}")))?;
        io.clock = Clock::Fixed(instant);
    }
    Ok(())
}

/// The variable whose tags every record of `emit`, `collect` and `heartbeat beat` gets: `synthetic=true,queue=linux`.
pub(crate) const TAGS: &str = "PIPEWATCH_TAGS";

/// The tags that the environment gives, before those that are typed.
///
/// # Errors
/// [`Failure::Usage`] when they can't be read.
pub(crate) fn tags_of_environment(io: &Io) -> Result<Tags, Failure> {
    let text = io.env.get(TAGS).map_or("", String::as_str);
    let mut tags = Tags::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some((key, value)) if !key.is_empty() => drop(tags.set(key, value)),
            _ => {
                let message = format!("${TAGS}: `{}` is no tag", show(part.as_bytes(), 80));
                return Err(Failure::usage_hint(message, "write it as `key=value,other=value`"));
            }
        }
    }
    Ok(tags)
}

/// The styles of help: bold headings, no colour that a background could hide.
pub fn styles() -> clap::builder::Styles {
    use clap::builder::styling::{AnsiColor, Effects, Style};
    clap::builder::Styles::styled()
        .header(Style::new().effects(Effects::BOLD))
        .usage(Style::new().effects(Effects::BOLD))
        .literal(Style::new().effects(Effects::BOLD))
        .error(AnsiColor::Red.on_default().effects(Effects::BOLD))
        .placeholder(Style::new())
}
