//! Rule files as they are typed: `-f FILE`, several of them, or a folder of `.toml` files.

use std::fs;
use std::io::Read;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches};

use super::super::Failure;
use crate::record::show;
use crate::rule::{FileError, Rules, Source};

/// The longest rule file that is read.
const FILE_BYTES: u64 = 1 << 20;

/// The option `-f`.
pub(super) fn option() -> Arg {
    Arg::new("rules")
        .long("file")
        .short('f')
        .value_name("FILE")
        .action(ArgAction::Append)
        .help("Judge by the checks of a rule file, or of all .toml files of a folder; may be repeated")
}

/// Whether rule files were given.
pub(super) fn given(matches: &ArgMatches) -> bool {
    matches.contains_id("rules")
}

/// Reads the rule files that were typed.
///
/// # Errors
/// [`Failure::Config`] with every mistake in them, or [`Failure::Io`].
pub(super) fn load(matches: &ArgMatches) -> Result<Rules, Failure> {
    let mut sources = Vec::new();
    for path in matches.get_many::<String>("rules").into_iter().flatten() {
        if path == "-" {
            let hint = "write them to a file, or give one condition as an argument: check 'CONDITION'";
            return Err(Failure::usage_hint("-f: rules are not read from standard input, where the records are", hint));
        }
        for file in expand(path)? {
            sources.push(source(&file)?);
        }
    }
    if sources.is_empty() {
        return Err(Failure::usage_hint("there is no rule file", "name one by -f check.toml"));
    }
    let rules = Rules::read(sources).map_err(|errors| wrong(&errors))?;
    if rules.checks.is_empty() {
        let names: Vec<String> = matches.get_many::<String>("rules").into_iter().flatten().map(|path| show(path.as_bytes(), 200)).collect();
        return Err(Failure::Config(format!("{}: there is no check", names.join(", ")), Some("a check is a table: [name]".into())));
    }
    Ok(rules)
}

/// All mistakes as one failure, each with its own hint.
pub(super) fn wrong(errors: &[FileError]) -> Failure {
    let mut text = String::new();
    for (at, error) in errors.iter().enumerate() {
        let last = at + 1 == errors.len();
        text.push_str(&error.to_string());
        match &error.hint {
            Some(hint) if !last => text.push_str(&format!("\nhint: {hint}\ncheck: ")),
            None if !last => text.push_str("\ncheck: "),
            _ => {}
        }
    }
    Failure::Config(text, errors.last().and_then(|error| error.hint.clone()))
}

/// A file, or the rule files of a folder in the order of their names.
fn expand(path: &str) -> Result<Vec<String>, Failure> {
    let failed = |error| Failure::io(format!("{}: cannot read", show(path.as_bytes(), 200)), error);
    if !Path::new(path).is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|extension| extension == "toml") && file.is_file() {
            files.push(file.to_string_lossy().into_owned());
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Failure::Config(format!("{}: there is no .toml file in this folder", show(path.as_bytes(), 200)), None));
    }
    Ok(files)
}

fn source(path: &str) -> Result<Source, Failure> {
    let failed = |error| Failure::io(format!("{}: cannot read", show(path.as_bytes(), 200)), error);
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(failed)?.take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(Failure::Config(format!("{}: a rule file has 1 MiB at most", show(path.as_bytes(), 200)), None));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source { name: path.to_owned(), text }),
        Err(error) => {
            let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            Err(Failure::Config(format!("{}:{line}: a rule file is UTF-8 text", show(path.as_bytes(), 200)), None))
        }
    }
}
