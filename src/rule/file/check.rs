//! One table of a file to one check: every key, and what the keys must be to one another.

use std::collections::HashMap;

use super::clear::clear;
use super::slo::Slo;
use super::value::{Entry, Judged, unknown};
use crate::record::{Status, Synthetic, Tags, check_name, nearest, show};
use crate::rule::syntax::Place;
use crate::rule::{Check, Condition, Level, RuleError, parse};
use crate::time::Span;

/// The keys of a check.
const KEYS: [&str; 16] = [
    "warning",
    "critical",
    "clear",
    "by",
    "no_data",
    "keep_firing_for",
    "grace",
    "needs",
    "summary",
    "playbook",
    "tags",
    "every",
    "extrapolate",
    "synthetic",
    "baseline",
    "slo",
];

/// A check, and where it and its keys stand in the file.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) check: Check,
    pub(super) name_place: Place,
    /// Of each key its own place and that of its value.
    pub(super) keys: HashMap<String, (Place, Place)>,
    /// The rows of its objective that were left out, and why.
    pub(super) left_out: Vec<String>,
}

/// Reads the table of one check.
pub(super) fn read(entry: &Entry<'_>) -> Result<Found, Vec<RuleError>> {
    let toml::de::DeValue::Table(_) = entry.value else { return Err(vec![stray(entry)]) };
    let mut reader = Reader { entry: *entry, check: Check::new(entry.key, Vec::new()), errors: Vec::new(), clear: None, slo: None };
    if let Err(why) = check_name(entry.key) {
        reader.errors.push(RuleError::new(format!("a check's name {why}"), entry.key_place));
    }
    let entries = entry.table("a table").map_err(|error| vec![error])?;
    for entry in &entries {
        reader.key(entry);
    }
    let left_out = reader.levels(&entries);
    reader.clear();
    reader.tags_of_groups(&entries);
    let keys = entries.iter().map(|entry| (entry.key.to_owned(), (entry.key_place, entry.place))).collect();
    let Reader { mut check, errors, .. } = reader;
    // The worst status first, as they are judged.
    check.levels.sort_by_key(|level| std::cmp::Reverse(level.status));
    if errors.is_empty() { Ok(Found { check, name_place: entry.key_place, keys, left_out }) } else { Err(errors) }
}

/// What stands where only the tables of checks do.
fn stray(entry: &Entry<'_>) -> RuleError {
    let name = entry.name();
    if matches!(entry.value, toml::de::DeValue::Array(_)) && !KEYS.contains(&entry.key) {
        let error = RuleError::new(format!("the check `{name}` is a list, where one table is expected"), entry.key_place);
        return error.hint(format!("write `[{name}]` with one pair of brackets"));
    }
    let error = RuleError::new(format!("`{name}` stands outside of a check"), entry.key_place);
    error.hint("a check begins with its name in brackets, like `[queue-depth]`, and its keys follow")
}

struct Reader<'a> {
    entry: Entry<'a>,
    check: Check,
    errors: Vec<RuleError>,
    /// The limit of the way back, where it is a number, and its place.
    clear: Option<(f64, Place)>,
    slo: Option<Slo>,
}

impl<'a> Reader<'a> {
    fn key(&mut self, entry: &Entry<'a>) {
        let check = &mut self.check;
        let done = match entry.key {
            "warning" => entry.condition().map(|condition| check.levels.push(Level { status: Status::Warning, condition })),
            "critical" => entry.condition().map(|condition| check.levels.push(Level { status: Status::Critical, condition })),
            "clear" => match entry.number() {
                Some(limit) => {
                    self.clear = Some((limit, entry.place));
                    Ok(())
                }
                None => clear_condition(entry).map(|condition| check.clear = Some(condition)),
            },
            "no_data" => entry.no_data().map(|(status, span)| (check.no_data, check.no_data_for) = (status, span)),
            "no_data_for" => {
                let error = RuleError::new("unknown key `no_data_for`", entry.key_place);
                Err(error.hint("how long stands beside the status: `no_data = \"critical for 10m\"`"))
            }
            "keep_firing_for" => entry.span().map(|span| check.keep_firing_for = span),
            "grace" => entry.span().map(|span| check.grace = span),
            "every" => every(entry).map(|span| check.every = span),
            "extrapolate" => entry.bool().map(|value| check.extrapolate = value),
            "synthetic" => synthetic(entry).map(|synthetic| check.synthetic = synthetic),
            "summary" => entry.summary().map(|summary| check.summary = Some(summary)),
            "playbook" => entry.text("a text, like \"https://wiki.example/playbook\"").map(|text| check.playbook = Some(text.text)),
            "by" | "needs" | "tags" | "baseline" | "slo" => return self.composed(entry),
            _ => Err(self.unknown(entry)),
        };
        self.errors.extend(done.err());
    }

    /// A key that is none: a slip, or the second part of a name with a dot.
    fn unknown(&self, entry: &Entry<'a>) -> RuleError {
        let error = unknown(entry, "a check", &KEYS);
        match entry.value {
            toml::de::DeValue::Table(_) => {
                let name = format!("{}.{}", self.entry.name(), entry.name());
                RuleError { hint: None, ..error }.hint(format!("a check's name with a dot stands in quotes: `[\"{name}\"]`"))
            }
            _ => error,
        }
    }

    /// The keys whose values have parts, each of which may be wrong.
    fn composed(&mut self, entry: &Entry<'a>) {
        let check = &mut self.check;
        let done = match entry.key {
            "by" => entry.names("a tag or a list of tags, like [\"queue\"]").map(|mut tags| {
                // As with `--by`, so that the same check has the same groups.
                tags.sort();
                check.by = tags;
            }),
            "needs" => needs(entry, &check.name).map(|names| check.needs = names),
            "tags" => tags(entry).map(|tags| check.tags = tags),
            "slo" => Slo::read(entry).map(|slo| self.slo = Some(slo)),
            _ => Err(baseline(entry)),
        };
        self.errors.extend(done.err().into_iter().flatten());
    }

    /// Sees to it that there is a condition to judge by; of an objective, the rows left out.
    fn levels(&mut self, entries: &[Entry<'a>]) -> Vec<String> {
        let find = |key: &str| entries.iter().find(|entry| entry.key == key);
        let own = find("warning").or(find("critical"));
        let Some(slo) = find("slo") else {
            // Where the key of a level is misspelled, that is told.
            let slip = entries.iter().any(|entry| matches!(nearest(entry.key, KEYS), Some("warning" | "critical" | "slo")));
            if own.is_none() && !slip {
                let error = RuleError::new(format!("the check `{}` has nothing to judge by", self.entry.name()), self.entry.key_place);
                self.errors.push(error.hint("it needs `warning`, `critical` or `slo`"));
            }
            return Vec::new();
        };
        if let Some(own) = own {
            let error = RuleError::new(
                format!("`{}` and `slo` can't stand in one check: the objective makes both levels", own.name()),
                own.key_place,
            );
            self.errors.push(error.hint("give the condition a check of its own"));
        }
        let Some(expanded) = self.slo.take().map(|slo| slo.expand()) else { return Vec::new() };
        for (status, text) in expanded.levels {
            match parse(&text) {
                Ok(condition) => self.check.levels.push(Level { status, condition }),
                Err(error) => self.errors.push(RuleError::new(format!("the objective comes to no condition: {error}"), slo.key_place)),
            }
        }
        if self.check.levels.is_empty() {
            let error = RuleError::new("no burn rate of this objective can be reached", slo.key_place);
            self.errors.push(error.hint(expanded.left_out.first().cloned().unwrap_or_default()));
        }
        expanded.left_out
    }

    /// Refuses a tag that a verdict would have from its group and from the check.
    fn tags_of_groups(&mut self, entries: &[Entry<'a>]) {
        let Some(tags) = entries.iter().find(|entry| entry.key == "tags") else { return };
        for tag in self.check.by.iter().filter(|tag| self.check.tags.get(tag).is_some()) {
            let error = tags.error(format!("the tag `{}` is already that of the groups, by `by`", show(tag.as_bytes(), 40)));
            self.errors.push(error.hint("leave it out of `tags`, or out of `by`"));
        }
    }

    /// Works out the way back, where it is a number: by the least severe level.
    fn clear(&mut self) {
        let Some((limit, place)) = self.clear else { return };
        let Some(level) = self.check.levels.iter().min_by_key(|level| level.status) else { return };
        let name = level.status.name();
        let made = clear(&level.condition, limit).and_then(|text| parse(&text).map_err(|error| error.to_string()));
        match made {
            Ok(condition) => self.check.clear = Some(condition),
            Err(why) => {
                let error = RuleError::new(format!("`clear` as a number needs one comparison with one limit in `{name}`: {why}"), place);
                self.errors.push(error.hint("write `clear` as a condition, like \"last(queue.depth) < 400\""));
            }
        }
    }
}

fn clear_condition(entry: &Entry<'_>) -> Result<Condition, RuleError> {
    let toml::de::DeValue::String(text) = entry.value else { return Err(entry.wrong("a condition or a number")) };
    if text.trim().parse::<f64>().is_ok() {
        return Err(entry
            .wrong("a condition or a number")
            .hint(format!("a number stands without quotes: `clear = {}`", show(text.trim().as_bytes(), 40))));
    }
    entry.condition()
}

/// How far apart the evaluations are: from a second to a day, in whole milliseconds.
fn every(entry: &Entry<'_>) -> Result<Span, RuleError> {
    let (least, most) = (Span::from_secs(1), Span::from_secs(86_400));
    let span = entry.span()?;
    if !(least..=most).contains(&span) {
        return Err(entry.error(format!("`every` must be from {least} to {most}, found {span}")));
    }
    if span.nanos() % 1_000_000 != 0 {
        return Err(entry.error(format!("`every` must be a whole number of milliseconds, found {span}")));
    }
    Ok(span)
}

fn synthetic(entry: &Entry<'_>) -> Result<Synthetic, RuleError> {
    let text = entry.text("apart, include, only or exclude")?.text;
    Synthetic::parse(&text).map_err(|why| entry.error(why))
}

fn needs(entry: &Entry<'_>, name: &str) -> Result<Vec<String>, Vec<RuleError>> {
    let names = entry.names("a name or a list of names of checks and heartbeats, like [\"canary\"]")?;
    if names.iter().any(|known| known == name) {
        return Err(vec![entry.error(format!("the check `{}` can't need itself", show(name.as_bytes(), 40)))]);
    }
    Ok(names)
}

fn tags(entry: &Entry<'_>) -> Result<Tags, Vec<RuleError>> {
    let entries = entry.table("a table of texts, like { team = \"build\" }").map_err(|error| vec![error])?;
    let (mut tags, mut errors) = (Tags::new(), Vec::new());
    for entry in entries {
        if let Err(why) = check_name(entry.key) {
            errors.push(RuleError::new(format!("a tag {why}"), entry.key_place));
        }
        match entry.value {
            toml::de::DeValue::String(value) => {
                tags.set(entry.key, value.to_string());
            }
            _ => errors.push(entry.wrong("a text").hint("tags are texts: put the value in quotes")),
        }
    }
    if errors.is_empty() { Ok(tags) } else { Err(errors) }
}

/// The mistakes of a baseline; where there are none, that baselines come later.
fn baseline(entry: &Entry<'_>) -> Vec<RuleError> {
    const KEYS: [&str; 4] = ["season", "history", "confidence", "false_alarms"];
    let entries = match entry.table("a table, like { season = [\"day\", \"week\"], history = \"28d\" }") {
        Ok(entries) => entries,
        Err(error) => return vec![error],
    };
    let mut errors = Vec::new();
    for part in &entries {
        let done = match part.key {
            "season" => season(part),
            "history" => part.span().map(drop).map_err(|error| vec![error]),
            "confidence" => confidence(part).map_err(|error| vec![error]),
            "false_alarms" => part.text("how many at most, like \"1 per week\"").map(drop).map_err(|error| vec![error]),
            _ => Err(vec![unknown(part, "a baseline", &KEYS)]),
        };
        errors.extend(done.err().into_iter().flatten());
    }
    if errors.is_empty() {
        let error = RuleError::new("`baseline` is not yet part of this version", entry.key_place);
        errors.push(error.hint("until then compare with a limit, or with the past by `ago`, like `1.1 * mean(x, 1h, 7d ago)`"));
    }
    errors
}

fn season(entry: &Entry<'_>) -> Result<(), Vec<RuleError>> {
    const SEASONS: [&str; 4] = ["hour", "day", "week", "year"];
    let names = entry.names("a list of hour, day, week and year")?;
    match names.iter().find(|name| !SEASONS.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let error = entry.error(format!("`{}` is no season: there are {}", show(name.as_bytes(), 40), SEASONS.join(", ")));
            let near = nearest(name, SEASONS);
            Err(vec![near.map_or(error.clone(), |near| error.hint(format!("did you mean `{near}`?")))])
        }
    }
}

fn confidence(entry: &Entry<'_>) -> Result<(), RuleError> {
    let expected = "between 0% and 100%, like \"99.9%\" or 0.999";
    let percent = match entry.number() {
        Some(ratio) => Some(ratio * 100.0),
        None => entry.text(expected)?.text.trim().strip_suffix('%').and_then(|number| number.trim_end().parse().ok()),
    };
    match percent {
        Some(percent) if percent > 0.0 && percent < 100.0 => Ok(()),
        _ => Err(entry.wrong(expected)),
    }
}
