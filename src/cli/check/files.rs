//! Rule files as they are named: files, folders of them; read whole, and every mistake told.

use std::io::Read;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches};

use super::TOOL;
use crate::cli::{Failure, Io};
use crate::record::show;
use crate::rule::{FileError, MOST_ERRORS, Rules, Source};

/// The largest rule file, in bytes.
const FILE_BYTES: u64 = 1 << 20;

/// The option `-f`, which may be repeated.
pub(super) fn option() -> Arg {
    Arg::new("file")
        .long("file")
        .short('f')
        .value_name("FILE")
        .action(ArgAction::Append)
        .help("Judge by a rule file, or a folder of them; may be repeated")
}

/// What was typed for [`option`].
pub(super) fn paths(matches: &ArgMatches) -> Vec<String> {
    matches.get_many::<String>("file").into_iter().flatten().cloned().collect()
}

/// Reads rule files and folders of them as one set of checks.
///
/// # Errors
/// When one can't be read, or holds a mistake: all of these are told but the last, which is the failure.
pub(super) fn load(paths: &[String], io: &mut Io) -> Result<Rules, Failure> {
    let mut sources = Vec::new();
    for path in paths {
        if path == "-" {
            let hint = "write them to a file and name that";
            return Err(Failure::usage_hint("-f -: rule files are not read from standard input, which is for records", hint));
        }
        for path in expand(path, |name| !is_test(name), "rules", "check.toml")? {
            let text = read(&path)?;
            sources.push(Source { name: path, text });
        }
    }
    Rules::read(sources).map_err(|errors| tell(&errors, io))
}

/// Files of tests as they are named: files, and of folders those that are named like `check.test.toml`.
///
/// # Errors
/// When a folder can't be read, or holds none.
pub(super) fn tests(paths: &[String]) -> Result<Vec<String>, Failure> {
    let all: Vec<Vec<String>> =
        paths.iter().map(|path| expand(path, is_test, "files of tests", "check.test.toml")).collect::<Result<_, _>>()?;
    Ok(all.concat())
}

/// Whether a file's name is that of a file of tests.
fn is_test(name: &str) -> bool {
    name.ends_with(".test.toml")
}

/// Tells all mistakes but the last one, which is the failure.
pub(super) fn tell(errors: &[FileError], io: &mut Io) -> Failure {
    let Some((last, others)) = errors.split_last() else { return Failure::Config("the rule files can't be read".into(), None) };
    for error in others {
        io.tell(TOOL.name, told(error, ""));
    }
    if errors.len() >= MOST_ERRORS {
        io.tell(TOOL.name, format!("the first {MOST_ERRORS} mistakes are told, and this is the last of them"));
    }
    Failure::Config(last.to_string(), last.hint.clone())
}

/// A mistake or a finding with its remedy, and before the message whose it is.
pub(super) fn told(error: &FileError, whose: &str) -> String {
    let hint = error.hint.as_ref().map_or(String::new(), |hint| format!("\nhint: {hint}"));
    let message = format!("{whose}{}", error.message);
    format!("{}{hint}", FileError { message, ..error.clone() })
}

/// The file itself, or the `.toml` files of a folder that are wanted, by name.
fn expand(path: &str, wanted: fn(&str) -> bool, what: &str, example: &str) -> Result<Vec<String>, Failure> {
    if !Path::new(path).is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let shown = show(path.as_bytes(), 200);
    let failed = |error| Failure::io(format!("{shown}: cannot read"), error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let is_wanted = file.extension().is_some_and(|extension| extension == "toml")
            && file.file_name().is_some_and(|name| wanted(&name.to_string_lossy()));
        // A name that begins with a dot is hidden, as what an editor has open.
        let is_hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if is_wanted && !is_hidden && file.is_file() {
            files.extend(file.into_os_string().into_string().ok());
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Failure::Config(format!("{shown}: a folder of {what} holds files named like `{example}`, found none"), None));
    }
    Ok(files)
}

/// The text of a file that is not too large.
pub(super) fn read(path: &str) -> Result<String, Failure> {
    let shown = show(path.as_bytes(), 200);
    let failed = |error| Failure::io(format!("{shown}: cannot read"), error);
    let mut bytes = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(Failure::Config(format!("{shown}: a rule file may be {FILE_BYTES} bytes at most, and this one is larger"), None));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count() + 1;
        Failure::Config(format!("{shown}:{line}: is not text in UTF-8: byte {good} is wrong"), None)
    })
}
