//! The files of expectations, as `watch` and `expect` read them.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches};

use super::{TOOL, state_dir_option, state_folder};
use crate::cli::{Failure, Io};
use crate::heartbeat::Expectation;
use crate::heartbeat::file::{FileError, MOST_ERRORS, Source, read};
use crate::record::show;

/// The name of the file in the state folder.
pub(super) const FILE: &str = "heartbeat.toml";

/// The option that names the files.
pub(super) fn option() -> Arg {
    let help = "The expectations; may be repeated [default: heartbeat.toml in the state folder]";
    Arg::new("file").short('f').long("file").value_name("FILE").action(ArgAction::Append).help(help)
}

/// The option of the state folder, which may be called `--state` where no beat has a state.
pub(super) fn state_option() -> Arg {
    state_dir_option().alias("state")
}

/// The files that were named, or the usual one.
pub(super) fn paths(matches: &ArgMatches, io: &Io) -> Vec<PathBuf> {
    let typed: Vec<PathBuf> = matches.get_many::<String>("file").into_iter().flatten().map(PathBuf::from).collect();
    if typed.is_empty() { vec![state_folder(matches, io).join(FILE)] } else { typed }
}

/// Reads the files.
///
/// # Errors
/// [`Failure::Config`] with the last mistake; those before it are told.
pub(super) fn expectations(paths: &[PathBuf], io: &mut Io) -> Result<Vec<Expectation>, Failure> {
    let sources = paths.iter().map(|path| source(path)).collect::<Result<Vec<_>, _>>()?;
    read(&sources).map_err(|errors| tell(&errors, io))
}

/// The text of a file.
pub(super) fn source(path: &Path) -> Result<Source, Failure> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Source { name, text }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("{}: there are no expectations: no such file", show(name.as_bytes(), 200));
            Err(Failure::Config(message, Some("`heartbeat expect NAME --every 1d` writes one".into())))
        }
        Err(error) => Err(Failure::io(format!("{}: cannot read", show(name.as_bytes(), 200)), error)),
    }
}

/// Tells all mistakes but the last one, which is the failure.
pub(super) fn tell(errors: &[FileError], io: &mut Io) -> Failure {
    let Some((last, others)) = errors.split_last() else { return Failure::Config("the expectations can't be read".into(), None) };
    for error in others {
        let hint = error.hint.as_ref().map_or(String::new(), |hint| format!("\nhint: {hint}"));
        io.tell(TOOL.name, format!("{error}{hint}"));
    }
    if errors.len() >= MOST_ERRORS {
        io.tell(TOOL.name, format!("the first {MOST_ERRORS} mistakes are told, and this is the last of them"));
    }
    Failure::Config(last.to_string(), last.hint.clone())
}
