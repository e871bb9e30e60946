//! Files of checks: text in, checks out, every mistake with its place.
//!
//! ```toml
//! [queue-depth]
//! by       = ["queue"]
//! warning  = "last(queue.depth) > 500 for 5m"
//! critical = "last(queue.depth) > 2000 for 5m"
//! clear    = 400
//! ```
//!
//! TOML, one table a check. Reading is strict: an unknown key, a value of the wrong sort, a mistake
//! in a condition are errors that name the line and the column of the very place, within strings
//! too. All mistakes are told at once, [`MOST_ERRORS`] at most. No file is opened here.
//!
//! Always: the names of the checks of one [`Rules`] differ, the checks stand in the order of the
//! files, each has at least one level, and none needs itself, directly or through others.

mod check;
mod clear;
mod order;
mod slo;
#[cfg(test)]
mod tests;
pub(super) mod value;

use std::collections::HashMap;

use toml::de::DeTable;

pub use crate::settings::{FileError, MOST_ERRORS, Source};
pub use order::order;

use self::check::Found;
use self::value::{Entry, entries};
use super::syntax::Place;
use super::{Check, RuleError};
use crate::record::show;
pub(super) use crate::settings::broken;
use crate::settings::{Text, line_and_column};

/// The checks of one or several files, and where each of their keys stands.
#[derive(Debug, Default)]
pub struct Rules {
    /// The checks, in the order of the files and in it.
    pub checks: Vec<Check>,
    origins: Vec<Origin>,
    sources: Vec<Source>,
}

/// Where a check came from.
#[derive(Debug)]
struct Origin {
    source: usize,
    name_place: Place,
    keys: HashMap<String, (Place, Place)>,
    left_out: Vec<String>,
}

/// Reads the checks of one file.
///
/// # Errors
/// Every mistake, by its place; [`MOST_ERRORS`] at most.
///
/// ```
/// let checks = pipewatch::rule::read("check.toml", "[disk]\nwarning = 'disk.used > 90%'\nclear = 85\n").unwrap();
/// assert_eq!(checks[0].clear.as_ref().unwrap().text(), "disk.used <= 85%");
/// let errors = pipewatch::rule::read("check.toml", "[disk]\nwarning = 'disk.used > 90%'\ncleer = 85\n").unwrap_err();
/// assert_eq!(errors[0].to_string(), "check.toml:3:1: unknown key `cleer`\n  | cleer = 85\n  | ^^^^^");
/// assert_eq!(errors[0].hint.as_deref(), Some("did you mean `clear`?"));
/// ```
pub fn read(name: &str, text: &str) -> Result<Vec<Check>, Vec<FileError>> {
    Rules::read(vec![Source { name: name.to_owned(), text: text.to_owned() }]).map(|rules| rules.checks)
}

impl Rules {
    /// Reads the checks of several files as one set.
    ///
    /// # Errors
    /// Every mistake in the order of the files; [`MOST_ERRORS`] at most.
    pub fn read(sources: Vec<Source>) -> Result<Rules, Vec<FileError>> {
        let mut rules = Rules::default();
        let mut errors = Vec::new();
        let mut names: HashMap<String, usize> = HashMap::new();
        for (at, source) in sources.iter().enumerate() {
            let (found, mut wrong) = read_source(source);
            for found in found {
                if let Some(first) = names.get(&found.check.name) {
                    wrong.push(twice(&sources, at, &rules.origins[*first], &found));
                    continue;
                }
                names.insert(found.check.name.clone(), rules.checks.len());
                let Found { check, name_place, keys, left_out } = found;
                rules.checks.push(check);
                rules.origins.push(Origin { source: at, name_place, keys, left_out });
            }
            wrong.sort_by_key(|error| (error.start, error.end));
            // To find the line of a place takes time, and a file may be wrong all over.
            wrong.truncate(MOST_ERRORS);
            errors.extend(wrong.into_iter().map(|error| FileError::new(&source.name, &source.text, error)));
        }
        rules.sources = sources;
        // Of checks that could not be read it is not known what they need.
        if errors.is_empty() {
            errors = rules.circles();
        }
        errors.truncate(MOST_ERRORS);
        if errors.is_empty() { Ok(rules) } else { Err(errors) }
    }

    /// The mistakes of checks that need one another in a circle, each told at its first check.
    fn circles(&self) -> Vec<FileError> {
        let told = |circle: Vec<usize>| {
            let first = circle[0];
            let names = circle.iter().chain([&first]).map(|at| format!("`{}`", show(self.checks[*at].name.as_bytes(), 40)));
            let message = format!("checks need one another in a circle: {}", names.collect::<Vec<_>>().join(" needs "));
            let error = RuleError::new(message, self.place(first, "needs", None)).hint("leave out one of these needs");
            self.error(first, error)
        };
        order::circles(&self.checks, MOST_ERRORS).into_iter().map(told).collect()
    }

    /// A mistake or a finding about a check's key, with its place in the file; `place` is a stretch
    /// of the text that the key has, or none for all of it.
    ///
    /// A key that the check does not have is told at the check's `slo` or its name.
    pub fn at(&self, check: usize, key: &str, place: Option<Place>, message: impl Into<String>) -> FileError {
        self.error(check, RuleError::new(message, self.place(check, key, place)))
    }

    /// Of a check's objective, the rows that were left out, and why.
    pub fn left_out(&self, check: usize) -> &[String] {
        self.origins.get(check).map_or(&[], |origin| &origin.left_out)
    }

    fn error(&self, check: usize, error: RuleError) -> FileError {
        let source = self.origins.get(check).and_then(|origin| self.sources.get(origin.source));
        let (name, text) = source.map_or(("", ""), |source| (&source.name, &source.text));
        FileError::new(name, text, error)
    }

    /// Where a stretch of a key's value stands in its file.
    fn place(&self, check: usize, key: &str, place: Option<Place>) -> Place {
        let Some(origin) = self.origins.get(check) else { return (0, 0) };
        let Some((key_place, value)) = origin.keys.get(key) else {
            return origin.keys.get("slo").map_or(origin.name_place, |(key, _)| *key);
        };
        // The value of `[name.slo]` is the whole header.
        let Some(place) = place else { return if key == "slo" { *key_place } else { *value } };
        let text = self.sources.get(origin.source).map_or("", |source| &source.text);
        let decoded = self.text(check, key).unwrap_or_default();
        if decoded.is_empty() { *key_place } else { Text::new(text, *value, decoded).place(place) }
    }

    /// The text that a key has, where it is a condition or a summary.
    fn text(&self, check: usize, key: &str) -> Option<&str> {
        let check = self.checks.get(check)?;
        match key {
            "clear" => check.clear.as_ref().map(|condition| condition.text()),
            "summary" => check.summary.as_ref().map(|summary| summary.text()),
            _ => check.levels.iter().find(|level| level.status.name() == key).map(|level| level.condition.text()),
        }
    }
}

/// The mistake when a check's name is taken by an earlier file.
fn twice(sources: &[Source], source: usize, first: &Origin, found: &Found) -> RuleError {
    let earlier = &sources[first.source];
    let (line, column) = line_and_column(&earlier.text, first.name_place.0);
    let place = format!("{}:{line}:{column}", show(earlier.name.as_bytes(), 200));
    let name = show(found.check.name.as_bytes(), 40);
    let error = RuleError::new(format!("there are two checks `{name}`: the other one is at {place}"), found.name_place);
    let same = earlier.name == sources[source].name;
    error.hint(if same { "the file is named twice" } else { "give one of them another name" })
}

/// The checks of a file, and the mistakes of those that are none.
fn read_source(source: &Source) -> (Vec<Found>, Vec<RuleError>) {
    let text = source.text.as_str();
    let (table, wrong) = DeTable::parse_recoverable(text);
    if !wrong.is_empty() {
        // What is no TOML is told alone: what was read around it may be torn.
        return (Vec::new(), wrong.iter().map(|error| broken(text, error)).collect());
    }
    let entries: Vec<Entry<'_>> = entries(text, table.get_ref());
    if entries.is_empty() {
        let error = RuleError::new("there is no check in this file", (0, 0));
        return (Vec::new(), vec![error.hint("a check begins with its name in brackets, like `[queue-depth]`")]);
    }
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for entry in &entries {
        match check::read(entry) {
            Ok(check) => found.push(check),
            Err(wrong) => errors.extend(wrong),
        }
    }
    (found, errors)
}
