//! Files of tests: text in, tests out, every mistake with its place.
//!
//! ```toml
//! rules    = "check.toml"              # beside this file; or a list
//! interval = "1m"                      # between two values of a series; this if left out
//! start    = "2026-01-05T00:00:00Z"    # where every test begins: a Monday; this if left out
//!
//! [[test]]
//! name = "a queue that stays full is a warning after five minutes"
//! events = [{ at = "3m", event = "deploy", text = "api 4f2a1c" }]
//!
//! [test.series]
//! 'queue.depth{queue="linux"}' = "0+100x4 600x10 300x5"
//! 'queue.depth{queue="mac"}' = "5 3x20"
//! 'requests' = { values = "0+60x19", type = "counter" }
//!
//! [test.expect]
//! 'queue-depth{queue="linux"}' = [
//!   { at = "9m", status = "ok" },
//!   { at = "10m", status = "warning", reason = "over the limit", since = "5m", value = 600 },
//!   { from = "16m", status = "ok" },
//! ]
//! 'queue-depth{queue="mac"}' = "ok"
//! ```
//!
//! `at`, `from`, `to` and `since` are so long after the test's start, or instants. Reading is as
//! strict as that of rule files, by the same code.

use toml::de::{DeTable, DeValue};

use super::entry::{Happening, expect, instant, known};
use super::{Case, Expectation, INTERVAL, Line, START};
use crate::record::{SampleType, nearest, show};
use crate::rule::file::broken;
use crate::rule::file::value::{Entry, entries, moved, unknown};
use crate::rule::{Check, FileError, RuleError, Source, notation};
use crate::settings::Text;
use crate::time::{Span, Timestamp};

/// The most mistakes that are told at once.
pub const MOST_TEST_ERRORS: usize = 20;

const KEYS: [&str; 4] = ["rules", "interval", "start", "test"];
const TEST_KEYS: [&str; 7] = ["name", "interval", "start", "series", "events", "beats", "expect"];
const SERIES_KEYS: [&str; 5] = ["values", "interval", "from", "unit", "type"];

/// The tests of one file.
#[derive(Debug)]
pub struct TestFile {
    source: Source,
    /// The rule files that are tested, as they are named there.
    pub rules: Vec<String>,
    /// The tests, in the order of the file.
    pub cases: Vec<Case>,
}

impl TestFile {
    /// Reads the tests of a file.
    ///
    /// # Errors
    /// Every mistake by its place; [`MOST_TEST_ERRORS`] at most.
    pub fn read(source: Source) -> Result<TestFile, Vec<FileError>> {
        let (table, wrong) = DeTable::parse_recoverable(&source.text);
        let mut reader = Reader { rules: Vec::new(), interval: INTERVAL, start: START, cases: Vec::new(), errors: Vec::new() };
        if wrong.is_empty() {
            reader.file(&entries(&source.text, table.get_ref()));
        } else {
            // What is no TOML is told alone: what was read around it may be torn.
            reader.errors = wrong.iter().map(|error| broken(&source.text, error)).collect();
        }
        let Reader { rules, cases, mut errors, .. } = reader;
        drop(table);
        if errors.is_empty() {
            return Ok(TestFile { source, rules, cases });
        }
        errors.sort_by_key(|error| (error.start, error.end));
        errors.truncate(MOST_TEST_ERRORS);
        Err(errors.into_iter().map(|error| FileError::new(&source.name, &source.text, error)).collect())
    }

    /// What its tests expect of checks that there are not, or of groups that can't be.
    pub fn strays(&self, checks: &[Check]) -> Vec<FileError> {
        let all = self.cases.iter().flat_map(|case| &case.expectations);
        let errors = all.filter_map(|expectation| stray(expectation, checks));
        errors.take(MOST_TEST_ERRORS).map(|error| FileError::new(&self.source.name, &self.source.text, error)).collect()
    }

    /// Something to be told at a place of the file.
    pub fn at(&self, place: (usize, usize), message: impl Into<String>) -> FileError {
        FileError::new(&self.source.name, &self.source.text, RuleError::new(message, place))
    }
}

/// What is wrong with whom an expectation speaks of.
fn stray(expectation: &Expectation, checks: &[Check]) -> Option<RuleError> {
    let name = show(expectation.check.as_bytes(), 80);
    let Some(check) = checks.iter().find(|check| check.name == expectation.check) else {
        let error = RuleError::new(format!("there is no check `{name}` in the rules"), expectation.place);
        let names = || checks.iter().map(|check| check.name.as_str());
        return Some(match nearest(&expectation.check, names()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("the checks are {}", show(names().collect::<Vec<_>>().join(", ").as_bytes(), 400))),
        });
    };
    let keys = || check.by.iter().map(String::as_str).chain(check.tags.iter().map(|(key, _)| key));
    let (key, _) = expectation.tags.iter().find(|(key, _)| !keys().any(|known| known == *key))?;
    let key = show(key.as_bytes(), 80);
    let error = RuleError::new(format!("the verdicts of `{name}` have no tag `{key}`"), expectation.place);
    Some(match (nearest(&key, keys()), check.by.is_empty()) {
        (Some(near), _) => error.hint(format!("did you mean `{near}`?")),
        (None, true) => error.hint(format!("`by = [\"{key}\"]` in the check keeps groups apart")),
        (None, false) => error.hint(format!("it keeps apart by {}", check.by.join(", "))),
    })
}

struct Reader {
    rules: Vec<String>,
    interval: Span,
    start: Timestamp,
    cases: Vec<Case>,
    errors: Vec<RuleError>,
}

impl Reader {
    fn file(&mut self, all: &[Entry<'_>]) {
        let find = |key: &str| all.iter().find(|entry| entry.key == key);
        // A key that is misspelled is told as such, and not as missing.
        let slip = |key: &str| all.iter().any(|entry| nearest(entry.key, KEYS) == Some(key));
        // Those that the tests go by come first.
        if let Some(interval) = find("interval").and_then(|entry| self.take(positive(entry))) {
            self.interval = interval;
        }
        if let Some(start) = find("start").and_then(|entry| self.take(instant(entry, None))) {
            self.start = start;
        }
        match find("rules") {
            Some(entry) => match entry.names("a rule file or a list of them, like \"check.toml\"") {
                Ok(rules) => self.rules = rules,
                Err(errors) => self.errors.extend(errors),
            },
            None if slip("rules") => {}
            None => {
                let error = RuleError::new("the file does not say which rules it tests", (0, 0));
                self.errors.push(error.hint("write `rules = \"check.toml\"` above the tests; it is looked for beside this file"));
            }
        }
        match find("test") {
            Some(entry) => self.tests(entry),
            None if slip("test") => {}
            None => {
                let error = RuleError::new("there is no test in this file", (0, 0));
                self.errors.push(error.hint("a test begins with `[[test]]` and a `name`"));
            }
        }
        let stray = all.iter().filter(|entry| !KEYS.contains(&entry.key));
        self.errors.extend(stray.map(|entry| unknown(entry, "a file of tests", &KEYS)));
    }

    /// A value, or nothing and a mistake more.
    fn take<T>(&mut self, found: Result<T, RuleError>) -> Option<T> {
        found.map_err(|error| self.errors.push(error)).ok()
    }

    fn tests(&mut self, entry: &Entry<'_>) {
        let DeValue::Array(list) = entry.value else {
            let error = RuleError::new("`test` is one table, and tests are a list", entry.key_place);
            self.errors.push(error.hint("write `[[test]]` with two pairs of brackets"));
            return;
        };
        for item in list.iter() {
            let item = Entry { value: item.get_ref(), place: (item.span().start, item.span().end), ..*entry };
            if let Some(entries) = self.take(item.table("a table: `[[test]]`")) {
                self.test(&item, &entries);
            }
        }
    }

    fn test(&mut self, test: &Entry<'_>, entries: &[Entry<'_>]) {
        let find = |key: &str| entries.iter().find(|entry| entry.key == key);
        let mut case = Case { place: test.place, start: self.start, ..Case::new("") };
        match find("name") {
            Some(entry) => {
                if let Some(name) = self.take(entry.text("a sentence that should be true")) {
                    if self.cases.iter().any(|known| known.name == name.text) {
                        self.errors.push(entry.error("there are two tests with this name").hint("say in the name how they differ"));
                    }
                    (case.name, case.place) = (name.text, entry.place);
                }
            }
            None => {
                let error = RuleError::new("the test has no `name`", test.place);
                self.errors.push(error.hint("say in a sentence what should be true: `name = \"a full queue is a warning\"`"));
            }
        }
        let interval = find("interval").and_then(|entry| self.take(positive(entry))).unwrap_or(self.interval);
        if let Some(start) = find("start").and_then(|entry| self.take(instant(entry, None))) {
            case.start = start;
        }
        for entry in entries {
            match entry.key {
                "name" | "interval" | "start" => {}
                "series" => self.series(entry, interval, &mut case),
                "events" => self.happenings(entry, &mut |happening| case.events.extend(happening.events()), case.start),
                "beats" => self.happenings(entry, &mut |happening| case.beats.extend(happening.beats()), case.start),
                "expect" => expect(entry, &mut case, &mut self.errors),
                _ => self.errors.push(unknown(entry, "a test", &TEST_KEYS)),
            }
        }
        if find("expect").is_none() {
            let error = RuleError::new("the test expects nothing", case.place);
            self.errors.push(error.hint("write `[test.expect]` and below it `NAME = { at = \"5m\", status = \"ok\" }`"));
        }
        self.cases.push(case);
    }

    fn series(&mut self, entry: &Entry<'_>, interval: Span, case: &mut Case) {
        let Some(all) = self.take(entry.table("a table of series: `[test.series]`")) else { return };
        for entry in &all {
            let Some(mut series) = self.take(keyed(entry)) else { continue };
            let mut line = Line::new(series.clone(), case.start, interval, Vec::new());
            match entry.value {
                DeValue::Table(_) => {
                    let Some(parts) = self.take(entry.table("a table")) else { continue };
                    if let Some(error) = dotted(entry) {
                        self.errors.push(error);
                        continue;
                    }
                    for part in &parts {
                        let done = match part.key {
                            "values" => values(part).map(|values| line.values = values),
                            "interval" => positive(part).map(|interval| line.interval = interval),
                            "from" => instant(part, Some(case.start)).map(|from| line.from = from),
                            "unit" => part.text("a unit, like \"s\" or \"By\"").map(|unit| series.unit = Some(unit.text)),
                            "type" => kind(part).map(|kind| series.kind = kind),
                            _ => Err(unknown(part, "a series", &SERIES_KEYS)),
                        };
                        self.errors.extend(done.err());
                    }
                    if !parts.iter().any(|part| part.key == "values") {
                        self.errors.push(RuleError::new("the series has no `values`", entry.key_place));
                    }
                }
                _ => line.values = self.take(values(entry)).unwrap_or_default(),
            }
            if case.lines.iter().any(|known| known.series.metric == series.metric && known.series.tags == series.tags) {
                self.errors.push(RuleError::new(format!("the series `{series}` comes twice"), entry.key_place));
            }
            line.series = std::sync::Arc::new(series);
            case.lines.push(line);
        }
    }

    fn happenings(&mut self, entry: &Entry<'_>, each: &mut dyn FnMut(Happening), start: Timestamp) {
        let what = if entry.key == "events" { "event" } else { "beat" };
        for item in items(entry) {
            let expected = format!("tables in a list, like [{{ at = \"3m\", {what} = \"…\" }}]");
            let Some(parts) = self.take(item.table(&expected)) else { continue };
            match Happening::read(&item, &parts, what, start) {
                Ok(happening) => each(happening),
                Err(errors) => self.errors.extend(errors),
            }
        }
    }
}

/// The items of a list, or the value itself where it is none.
pub(super) fn items<'a>(entry: &Entry<'a>) -> Vec<Entry<'a>> {
    match entry.value {
        DeValue::Array(list) => {
            list.iter().map(|item| Entry { value: item.get_ref(), place: (item.span().start, item.span().end), ..*entry }).collect()
        }
        _ => vec![*entry],
    }
}

/// The name and the tags that a key is.
pub(super) fn keyed(entry: &Entry<'_>) -> Result<crate::record::Series, RuleError> {
    let text = Text::new(entry.file, entry.key_place, entry.key);
    notation::series(entry.key).map_err(|error| moved(&text, error))
}

/// The mistake of a name whose dots were read as tables within tables.
pub(super) fn dotted(entry: &Entry<'_>) -> Option<RuleError> {
    let behind = entry.file.get(entry.key_place.1..)?.trim_start().strip_prefix('.')?;
    let end = behind.find(['=', ']', '\n', ' ']).unwrap_or(behind.len());
    let name = show(format!("{}.{}", entry.key, behind[..end].trim()).as_bytes(), 80);
    let error = RuleError::new(format!("`{name}` without quotes is a table within a table"), entry.key_place);
    Some(error.hint(format!("a name with a dot stands in quotes: `'{name}'`")))
}

fn values(entry: &Entry<'_>) -> Result<Vec<notation::Given>, RuleError> {
    let expected = "values in quotes, like \"0+10x5 _ 50\"";
    if entry.number().is_some() {
        return Err(entry.wrong(expected));
    }
    let text = entry.text(expected)?;
    notation::values(&text.text).map_err(|error| moved(&text, error))
}

fn kind(entry: &Entry<'_>) -> Result<SampleType, RuleError> {
    let text = entry.text("gauge, counter or delta")?;
    match SampleType::parse(&text.text) {
        Some(kind) if kind != SampleType::Set => Ok(kind),
        _ => Err(known(entry, &text.text, &["gauge", "counter", "delta"])),
    }
}

fn positive(entry: &Entry<'_>) -> Result<Span, RuleError> {
    let span = entry.span()?;
    if span.is_zero() { Err(entry.wrong("longer than nothing, like \"1m\"")) } else { Ok(span) }
}
