//! A file of rules to a file of checks.
//!
//! | there | here |
//! |---|---|
//! | `interval` of the group | `every` |
//! | `alert` | the table's name |
//! | label `severity`: critical, page | `critical` |
//! | label `severity`: warning, warn, ticket | `warning` |
//! | `expr`, `for` | the condition |
//! | `keep_firing_for` | `keep_firing_for` |
//! | other labels | `tags` |
//! | annotation `summary`, else `description` | `summary` |
//! | annotation `runbook_url` | `playbook` |
//!
//! Two alerts of one name that differ in their severity become one check with two conditions, which
//! reports the worse of them.
//!
//! Source: Prometheus documentation, "Alerting rules"; VictoriaMetrics documentation, "vmalert".

use std::collections::BTreeMap;
use std::fmt::Write;

use super::reading::Reader;
use super::template::{self, Template};
use super::yaml::{At, Kind, Node, read};
use super::{Import, Refused, promql};
use crate::record::{Status, nearest, show};
use crate::rule::{RuleError, Summary, parse};
use crate::time::Span;

/// The checks of all alerts that can be said here, and what of the others cannot.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// A file of checks in TOML; what differs is told above each.
    pub text: String,
    /// What cannot be said; its alerts are left out whole.
    pub refused: Vec<Refused>,
    /// How many alerts were read, of how many there are.
    pub alerts: (usize, usize),
}

/// One check on its way.
#[derive(Debug, Clone, PartialEq)]
struct Draft {
    name: String,
    levels: Vec<(Status, String)>,
    by: Vec<String>,
    every: Span,
    keep: Option<Span>,
    tags: BTreeMap<String, String>,
    summary: Option<String>,
    playbook: Option<String>,
    notes: Vec<String>,
}

/// Reads a file of rules and writes its alerts as checks.
pub fn import(text: &str, options: &Import) -> Imported {
    let mut importer = Importer { source: text, options, refused: Vec::new(), drafts: Vec::new(), alerts: (0, 0) };
    match read(text) {
        Ok(node) => importer.file(&node),
        Err(refused) => importer.refused.push(refused),
    }
    let mut text = String::from("# Written by check import.\n");
    importer.drafts.iter().for_each(|draft| draft.write(&mut text));
    Imported { text, refused: importer.refused, alerts: importer.alerts }
}

struct Importer<'a> {
    source: &'a str,
    options: &'a Import,
    refused: Vec<Refused>,
    drafts: Vec<Draft>,
    alerts: (usize, usize),
}

/// The keys of a mapping that are known, each with its value.
type Entries<'n> = BTreeMap<&'n str, &'n Node>;

impl Importer<'_> {
    fn file(&mut self, node: &Node) {
        if let Err(refused) = self.groups(node) {
            self.refused.push(refused);
        }
    }

    fn groups(&mut self, node: &Node) -> Result<(), Refused> {
        let entries = entries(node, &["groups"], "a file of rules")?;
        let Some(groups) = entries.get("groups") else {
            return Err(node.at.refuse("a file of rules has the key `groups`"));
        };
        for group in list(groups)? {
            if let Err(refused) = self.group(group) {
                // What is wrong with a group is wrong with all of its alerts.
                self.alerts.1 += count_alerts(group);
                self.refused.push(refused);
            }
        }
        Ok(())
    }

    fn group(&mut self, node: &Node) -> Result<(), Refused> {
        let entries = entries(node, &["name", "interval", "rules", "labels"], "a group")?;
        let every = match entries.get("interval") {
            Some(node) => span(node)?,
            None => self.options.every,
        };
        let labels = entries.get("labels").map_or(Ok(BTreeMap::new()), |node| texts(node))?;
        let Some(rules) = entries.get("rules") else { return Ok(()) };
        for rule in list(rules)? {
            let is_alert = matches!(&rule.kind, Kind::Map(entries) if entries.iter().any(|(key, _)| matches!(&key.kind, Kind::Text(key) if key == "alert")));
            self.alerts.1 += usize::from(is_alert);
            match self.rule(rule, every, &labels) {
                Ok(draft) => {
                    self.alerts.0 += 1;
                    self.add(draft);
                }
                Err(refused) => self.refused.push(refused),
            }
        }
        Ok(())
    }

    fn rule(&self, node: &Node, every: Span, outer: &BTreeMap<String, (String, At)>) -> Result<Draft, Refused> {
        let known = ["alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"];
        let entries = entries(node, &known, "a rule")?;
        if let Some(record) = entries.get("record") {
            let name = text(record).map(|name| show(name.as_bytes(), 100)).unwrap_or_default();
            let refused = record.at.refuse(format!("`{name}` is a recording rule; a check reads what is recorded"));
            return Err(Refused { hint: Some("write what it records into the alerts that use it".into()), ..refused });
        }
        let (Some(alert), Some(expression)) = (entries.get("alert"), entries.get("expr")) else {
            return Err(node.at.refuse("a rule has the keys `alert` and `expr`"));
        };
        let name = text(alert)?;
        crate::record::check_name(name).map_err(|error| alert.at.refuse(format!("a name {error}")))?;
        let mut labels = outer.clone();
        labels.extend(entries.get("labels").map_or(Ok(BTreeMap::new()), |node| texts(node))?);
        let annotations = entries.get("annotations").map_or(Ok(BTreeMap::new()), |node| texts(node))?;
        let mut draft = Draft {
            name: name.to_owned(),
            levels: Vec::new(),
            by: Vec::new(),
            every,
            keep: entries.get("keep_firing_for").map(|node| span(node)).transpose()?.filter(|span| !span.is_zero()),
            tags: BTreeMap::new(),
            summary: None,
            playbook: None,
            notes: Vec::new(),
        };
        // There it is counted from the first evaluation that is not true, here from the last that was.
        draft.keep = draft.keep.map(|keep| keep.plus(every));
        let status = severity(&labels, &mut draft);
        for (label, (value, _)) in &labels {
            if value.contains("{{") {
                draft.notes.push(format!("the label `{label}` is a template, which a tag is not; it is left out"));
            } else if label != "severity" || draft.notes.iter().any(|note| note.contains("severity")) {
                draft.tags.insert(label.clone(), value.clone());
            }
        }
        let held = entries.get("for").map(|node| span(node)).transpose()?.filter(|span| !span.is_zero());
        let value = self.condition(expression, status, held, &mut draft)?;
        self.annotations(&annotations, value.as_deref(), &mut draft);
        Ok(draft)
    }

    /// Reads the expression into a condition; the sum that the alert's value is.
    fn condition(&self, node: &Node, status: Status, held: Option<Span>, draft: &mut Draft) -> Result<Option<String>, Refused> {
        let text = text(node)?;
        let place = |error: RuleError| {
            let refused = node.at.within(self.source, text, error.start).refuse(error.message);
            Refused { hint: error.hint, ..refused }
        };
        let expression = promql::parse(text).map_err(place)?;
        let mut reader = Reader::new(self.options, text, &expression);
        let (filter, by) = reader.condition(&expression).map_err(place)?;
        if let Some(tag) = by.iter().find(|tag| draft.tags.contains_key(*tag)) {
            return Err(node.at.refuse(format!("the label `{tag}` of the series is set to another value, which can't be said here")));
        }
        draft.by = by;
        draft.notes.append(&mut reader.notes);
        draft.notes.dedup();
        if !draft.by.is_empty() {
            draft.notes.push(format!("series without the labels {} are a group there, and none here", draft.by.join(", ")));
        }
        let held = held.map_or_else(String::new, |held| format!(" for {held}"));
        let condition = filter.text().text + &held;
        // What was written must be what our own reader takes.
        parse(&condition).map_err(|error| node.at.refuse(format!("`{}`: {error}", show(condition.as_bytes(), 100))))?;
        draft.levels.push((status, condition));
        Ok(filter.value())
    }

    fn annotations(&self, annotations: &BTreeMap<String, (String, At)>, value: Option<&str>, draft: &mut Draft) {
        let chosen = ["summary", "description", "message"].into_iter().find(|name| annotations.contains_key(*name));
        for (name, (text, _)) in annotations {
            let mut template = Template { options: self.options, value, notes: Vec::new() };
            if Some(name.as_str()) == chosen {
                let summary = template.summary(text);
                draft.notes.append(&mut template.notes);
                draft.summary = Summary::parse(&summary).is_ok().then_some(summary);
            } else if matches!(name.as_str(), "runbook_url" | "runbook" | "playbook") && !text.contains("{{") {
                draft.playbook = Some(text.clone());
            } else if matches!(name.as_str(), "runbook_url" | "runbook" | "playbook") && template::unescaped(text).is_some() {
                draft.playbook = template::unescaped(text);
            } else {
                draft.notes.push(format!("the annotation `{}` has no place here", show(name.as_bytes(), 60)));
            }
        }
    }

    /// Adds a check, to one of the same name where only the severity differs.
    fn add(&mut self, draft: Draft) {
        let fits = |known: &&mut Draft| {
            (&known.name, &known.by, known.every, known.keep, &known.tags, &known.playbook)
                == (&draft.name, &draft.by, draft.every, draft.keep, &draft.tags, &draft.playbook)
                && known.levels.iter().all(|(status, _)| *status != draft.levels[0].0)
        };
        if let Some(known) = self.drafts.iter_mut().find(fits) {
            known.levels.extend(draft.levels);
            known.levels.sort_by_key(|(status, _)| *status != Status::Critical);
            known.notes.extend(draft.notes.into_iter().filter(|note| !known.notes.contains(note)).collect::<Vec<_>>());
            if known.summary != draft.summary {
                known.notes.push("the alerts of this name have summaries of their own; one of them is kept".into());
                known.summary = known.summary.take().or(draft.summary);
            }
            return;
        }
        let taken = |name: &str| self.drafts.iter().any(|known| known.name == name);
        let mut draft = draft;
        if taken(&draft.name) {
            let plain = draft.name.clone();
            let free = (2..).map(|number: u32| format!("{plain}-{number}")).find(|name| !taken(name));
            draft.notes.push(format!("there is another alert `{}`", show(plain.as_bytes(), 100)));
            draft.name = free.unwrap_or(plain);
        }
        self.drafts.push(draft);
    }
}

/// What a severity means here; one that is not known is a warning, and stays as a tag.
fn severity(labels: &BTreeMap<String, (String, At)>, draft: &mut Draft) -> Status {
    match labels.get("severity").map(|(value, _)| value.as_str()) {
        None => {
            draft.notes.push("no label says how bad it is; it is taken as critical".into());
            Status::Critical
        }
        Some("critical" | "page") => Status::Critical,
        Some("warning" | "warn" | "ticket") => Status::Warning,
        Some(other) => {
            draft.notes.push(format!("the severity `{}` is taken as warning, and kept as a tag", show(other.as_bytes(), 60)));
            Status::Warning
        }
    }
}

impl Draft {
    fn write(&self, out: &mut String) {
        out.push('\n');
        for note in &self.notes {
            let _ = writeln!(out, "# {}", show(note.as_bytes(), 400));
        }
        let _ = writeln!(out, "[{}]", key(&self.name));
        let list = |items: &[String]| items.iter().map(|item| toml(item)).collect::<Vec<_>>().join(", ");
        if !self.by.is_empty() {
            let _ = writeln!(out, "by = [{}]", list(&self.by));
        }
        for (status, condition) in &self.levels {
            let _ = writeln!(out, "{} = {}", status.name(), toml(condition));
        }
        let spans = [("keep_firing_for", self.keep), ("every", Some(self.every))];
        for (name, span) in spans.into_iter().filter_map(|(name, span)| Some((name, span?))) {
            let _ = writeln!(out, "{name} = \"{span}\"");
        }
        let texts = [("summary", &self.summary), ("playbook", &self.playbook)];
        for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
            let _ = writeln!(out, "{name} = {}", toml(text));
        }
        if !self.tags.is_empty() {
            let tags: Vec<String> = self.tags.iter().map(|(tag, value)| format!("{} = {}", key(tag), toml(value))).collect();
            let _ = writeln!(out, "tags = {{ {} }}", tags.join(", "));
        }
    }
}

/// A key of TOML, bare where it can be.
pub(super) fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if bare { name.to_owned() } else { toml(name) }
}

/// A text of TOML: between single quotes as it is, where it can be.
pub(super) fn toml(text: &str) -> String {
    if text.contains('"') && !text.contains('\'') && !text.chars().any(char::is_control) {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out + "\""
}

/// The entries of a mapping; a key that is not known is refused by name.
pub(super) fn entries<'n>(node: &'n Node, known: &[&str], what: &str) -> Result<Entries<'n>, Refused> {
    let Kind::Map(all) = &node.kind else { return Err(node.at.refuse(format!("{what} is a mapping, found {}", node.kind.name()))) };
    let mut found = BTreeMap::new();
    for (name, value) in all {
        let text = text(name)?;
        if !known.contains(&text) {
            let refused = name.at.refuse(format!("the key `{}` of {what} can't be said here", show(text.as_bytes(), 60)));
            let hint = nearest(text, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            return Err(Refused { hint, ..refused });
        }
        if !matches!(value.kind, Kind::Empty) {
            found.insert(text, value);
        }
    }
    Ok(found)
}

pub(super) fn list(node: &Node) -> Result<&[Node], Refused> {
    match &node.kind {
        Kind::List(items) => Ok(items),
        other => Err(node.at.refuse(format!("expected a list, found {}", other.name()))),
    }
}

pub(super) fn text(node: &Node) -> Result<&str, Refused> {
    match &node.kind {
        Kind::Text(text) => Ok(text.trim_end_matches('\n')),
        other => Err(node.at.refuse(format!("expected a text, found {}", other.name()))),
    }
}

pub(super) fn texts(node: &Node) -> Result<BTreeMap<String, (String, At)>, Refused> {
    let Kind::Map(all) = &node.kind else { return Err(node.at.refuse(format!("expected a mapping, found {}", node.kind.name()))) };
    all.iter().map(|(key, value)| Ok((text(key)?.to_owned(), (text(value)?.to_owned(), value.at)))).collect()
}

pub(super) fn span(node: &Node) -> Result<Span, Refused> {
    let text = text(node)?;
    // A bare zero needs no unit there.
    if text == "0" {
        return Ok(Span::ZERO);
    }
    Span::parse(text).map_err(|error| node.at.refuse(error.to_string()))
}

fn count_alerts(group: &Node) -> usize {
    let Kind::Map(entries) = &group.kind else { return 0 };
    let is = |node: &Node, name: &str| matches!(&node.kind, Kind::Text(text) if text == name);
    let rules = entries.iter().find(|(key, _)| is(key, "rules")).map(|(_, rules)| &rules.kind);
    let Some(Kind::List(rules)) = rules else { return 0 };
    rules.iter().filter(|rule| matches!(&rule.kind, Kind::Map(keys) if keys.iter().any(|(key, _)| is(key, "alert")))).count()
}
