//! Checks to a file of alerting rules.
//!
//! ```yaml
//! groups:
//!   - name: every-10s
//!     interval: 10s
//!     rules:
//!       - alert: queue-depth
//!         expr: 'max by (queue) (last_over_time(queue_depth{queue!=""}[5m])) > 500'
//!         for: 5m
//!         labels:
//!           severity: critical
//!         annotations:
//!           summary: 'the queue holds {{ $value | humanize }}'
//!           runbook_url: 'https://wiki.example/playbook#queue-depth'
//! ```
//!
//! Source: Prometheus documentation, "Alerting rules".

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::names::Names;
use super::terms::Terms;
use super::write::{Rank, Text, duration};
use super::yaml_text::scalar;
use super::{Export, Refused, template};
use crate::record::{Status, show};
use crate::rule::syntax::Logic;
use crate::rule::{Check, Level, RuleError};
use crate::time::Span;

/// The rules of all checks that can be said there, and what of the others cannot.
#[derive(Debug, Clone, Default)]
pub struct Exported {
    /// A file of rules in YAML; what was assumed stands in its head.
    pub text: String,
    /// What cannot be said; the checks that hold it are left out whole.
    pub refused: Vec<Refused>,
    /// What was assumed or promised, each a sentence.
    pub notes: Vec<String>,
}

/// One alert.
struct Alert {
    text: String,
    every: Span,
}

/// Writes checks as alerting rules.
pub fn export(checks: &[Check], options: &Export) -> Exported {
    let (mut names, mut notes) = (Names::default(), BTreeSet::new());
    let (mut refused, mut alerts) = (Vec::new(), Vec::new());
    for check in checks {
        let mut noted = BTreeSet::new();
        match Writer::new(check, options, &mut names, &mut noted).and_then(Writer::alerts) {
            Ok(written) => {
                alerts.extend(written);
                notes.append(&mut noted);
            }
            Err(mut wrong) => refused.append(&mut wrong),
        }
    }
    notes.extend(names.changed());
    if alerts.iter().any(|alert| alert.text.contains("severity: warning"))
        && alerts.iter().any(|alert| alert.text.contains("severity: critical"))
    {
        notes.insert("a warning also fires while the critical alert of its name does; an inhibition in Alertmanager holds it back".into());
    }
    let notes: Vec<String> = notes.into_iter().collect();
    Exported { text: file(&alerts, &notes), refused, notes }
}

/// The groups, one for each length of `every`.
fn file(alerts: &[Alert], notes: &[String]) -> String {
    let mut text = String::from("# Written by check export.\n");
    for note in notes {
        let _ = writeln!(text, "# {}", show(note.as_bytes(), 400));
    }
    let mut groups: BTreeMap<Span, Vec<&Alert>> = BTreeMap::new();
    for alert in alerts {
        groups.entry(alert.every).or_default().push(alert);
    }
    text.push_str(if groups.is_empty() { "groups: []\n" } else { "groups:\n" });
    for (every, alerts) in groups {
        let _ = write!(text, "  - name: every-{every}\n    interval: {every}\n    rules:\n");
        alerts.iter().for_each(|alert| text.push_str(&alert.text));
    }
    text
}

/// Writes the alerts of one check.
struct Writer<'a> {
    check: &'a Check,
    options: &'a Export,
    names: &'a mut Names,
    notes: &'a mut BTreeSet<String>,
    by: Vec<String>,
}

impl<'a> Writer<'a> {
    fn new(
        check: &'a Check,
        options: &'a Export,
        names: &'a mut Names,
        notes: &'a mut BTreeSet<String>,
    ) -> Result<Writer<'a>, Vec<Refused>> {
        let mut by = Vec::new();
        for tag in &check.by {
            by.push(names.label(tag).map_err(|why| vec![refused(check, "by", why, None)])?);
        }
        Ok(Writer { check, options, names, notes, by })
    }

    fn alerts(mut self) -> Result<Vec<Alert>, Vec<Refused>> {
        let mut wrong = self.keys();
        let mut alerts = Vec::new();
        let (missing, no_data) = match self.no_data() {
            Ok(missing) => (missing, self.check.no_data),
            Err(refused) => {
                wrong.push(refused);
                (None, Status::Unknown)
            }
        };
        for level in &self.check.levels {
            // Two alerts of one name and severity would be one series there.
            let missing = missing.as_ref().filter(|_| level.status == no_data);
            match self.level(level, missing) {
                Ok(alert) => alerts.push(alert),
                Err(refused) => wrong.push(refused),
            }
        }
        if let Some(missing) = missing.filter(|_| self.check.levels.iter().all(|level| level.status != no_data)) {
            match self.alert(&missing, None, Span::ZERO, no_data, None) {
                Ok(alert) => alerts.push(alert),
                Err(refused) => wrong.push(refused),
            }
        }
        if wrong.is_empty() { Ok(alerts) } else { Err(wrong) }
    }

    /// The keys of a check that have no counterpart.
    fn keys(&self) -> Vec<Refused> {
        let check = self.check;
        let mut wrong = Vec::new();
        let mut refuse = |key: &str, is: bool, why: &str, hint: Option<&str>| {
            if is {
                wrong.push(refused(check, key, why.to_owned(), hint.map(str::to_owned)));
            }
        };
        refuse("clear", check.clear.is_some(), "a condition for the way back can't be said there", Some("`keep_firing_for` can"));
        refuse("grace", !check.grace.is_zero(), "a time of grace for new groups can't be said there", None);
        refuse("needs", !check.needs.is_empty(), "what a check needs can't be said there", Some("Alertmanager's inhibition can"));
        let until = "that what fires goes on until there has been no data for so long can't be said there";
        refuse("no_data_for", !check.no_data_for.is_zero(), until, Some("a check of its own with `absent(x, 26h)` can"));
        let fine = [("every", check.every), ("keep_firing_for", check.keep_firing_for)];
        for (key, span) in fine {
            refuse(key, duration(span).is_none(), "is finer than the milliseconds there are there", None);
        }
        for (tag, _) in check.tags.iter() {
            refuse("tags", check.by.iter().any(|by| by == tag), "a tag that the groups have can't be set there", None);
        }
        wrong
    }

    fn terms(&mut self) -> Terms<'_> {
        Terms {
            options: self.options,
            names: self.names,
            notes: self.notes,
            by: &self.by,
            extrapolate: self.check.extrapolate,
            pinned: false,
        }
    }

    fn level(&mut self, level: &Level, missing: Option<&Text>) -> Result<Alert, Refused> {
        let (inner, held) = parts(&level.condition.logic);
        let (check, status) = (self.check, level.status);
        let mut expression = self.terms().truth(inner, true).map_err(|error| at(check, level, &error))?;
        if let Some(missing) = missing {
            expression = Text::binary(&expression, "or", missing, Rank::Or);
        }
        let held = match duration(held) {
            Some(text) => Some(text).filter(|_| !held.is_zero()),
            None => {
                return Err(refused(check, status.name(), format!("`for {held}` is finer than the milliseconds there are there"), None));
            }
        };
        self.alert(&expression, held, check.keep_firing_for, status, Some(inner))
    }

    /// Where there is no data for a level, when that means a status that fires.
    fn no_data(&mut self) -> Result<Option<Text>, Refused> {
        let check = self.check;
        if !matches!(check.no_data, Status::Warning | Status::Critical) {
            return Ok(None);
        }
        let refuse = |why: &str, hint: &str| Err(refused(check, "no_data", why.to_owned(), Some(hint.to_owned())));
        if !check.by.is_empty() {
            return refuse("groups without data can't be known there", "a check of its own with `absent(x, 26h)` can be said");
        }
        let mut missing: Option<Text> = None;
        for level in &check.levels {
            let logic = &level.condition.logic;
            if !matches!(logic, Logic::And(_) | Logic::Or(_) | Logic::Not(_) | Logic::Test(_)) {
                return refuse("with a `for` in the condition it can't be said there", "a check of its own with `absent(x, 26h)` can");
            }
            let mut terms = self.terms();
            let is = terms.truth(logic, true).map_err(|error| at(check, level, &error))?;
            let is_not = terms.truth(logic, false).map_err(|error| at(check, level, &error))?;
            let known = Text::binary(&is, "or", &is_not, Rank::Or);
            let unknown = Text { text: format!("vector(1) unless {}", known.at(Rank::Compare)), rank: Rank::And };
            missing = Some(match missing {
                Some(before) => Text::binary(&before, "or", &unknown, Rank::Or),
                None => unknown,
            });
        }
        Ok(missing)
    }

    fn alert(&mut self, expression: &Text, held: Option<String>, keep: Span, status: Status, of: Option<&Logic>) -> Result<Alert, Refused> {
        let check = self.check;
        let mut text = format!("      - alert: {}\n        expr: {}\n", scalar(&check.name), scalar(&expression.text));
        if let Some(held) = held {
            let _ = writeln!(text, "        for: {held}");
        }
        // Here it is counted from the last evaluation that was true, there from the first that was not.
        let keep = Span::from_nanos(keep.nanos() - check.every.nanos());
        if !keep.is_zero() {
            let _ = writeln!(text, "        keep_firing_for: {keep}");
            self.notes.insert("what is kept firing goes on there without data too, and is not known here".into());
        }
        let _ = write!(text, "        labels:\n          severity: {}\n", status.name());
        for (tag, value) in check.tags.iter() {
            let label = self.names.label(tag).map_err(|why| refused(check, "tags", why, None))?;
            let _ = writeln!(text, "          {label}: {}", scalar(&template::plain(value)));
        }
        let summary = match (&check.summary, of) {
            (Some(summary), Some(logic)) => Some(template::annotation(summary, logic, &mut self.terms())),
            (None, Some(_)) => None,
            (_, None) => Some("there is no data to judge by".to_owned()),
        };
        let annotations = [("summary", summary), ("runbook_url", check.playbook.as_deref().map(template::plain))];
        if annotations.iter().any(|(_, value)| value.is_some()) {
            text.push_str("        annotations:\n");
        }
        for (name, value) in annotations {
            if let Some(value) = value {
                let _ = writeln!(text, "          {name}: {}", scalar(&value));
            }
        }
        Ok(Alert { text, every: check.every })
    }
}

/// A condition without its outermost `for`, and that.
pub(super) fn parts(logic: &Logic) -> (&Logic, Span) {
    match logic {
        Logic::For(inner, span) => (inner, *span),
        other => (other, Span::ZERO),
    }
}

fn refused(check: &Check, key: &str, why: String, hint: Option<String>) -> Refused {
    Refused { place: format!("{}: {key}", show(check.name.as_bytes(), 100)), message: why, hint }
}

/// A mistake in a level's condition, with its column there.
fn at(check: &Check, level: &Level, error: &RuleError) -> Refused {
    let text = level.condition.text();
    let column = text.get(..error.start).map_or(1, |before| before.chars().count() + 1);
    let place = format!("{}: {}:{column}", show(check.name.as_bytes(), 100), level.status.name());
    Refused { place, message: error.message.clone(), hint: error.hint.clone() }
}
