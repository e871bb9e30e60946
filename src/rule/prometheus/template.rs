//! Summaries as templates of annotations, and back.
//!
//! A sum that the alert's value is becomes `{{ $value }}`; any other one becomes a query of its own,
//! for the series of the alert's group.
//!
//! Source: Prometheus documentation, "Template reference", "Template examples".

use super::number::Number;
use super::reading::Reader;
use super::terms::{PIN, Terms};
use super::write::quoted;
use super::{Import, promql};
use crate::record::show;
use crate::rule::Summary;
use crate::rule::summary::Piece;
use crate::rule::syntax::{Logic, Sum, TestKind};

/// A text in which nothing is a template.
pub(super) fn plain(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

/// A summary as the text of an annotation; what cannot be said is shown as it is written here, and noted.
pub(super) fn annotation(summary: &Summary, logic: &Logic, terms: &mut Terms<'_>) -> String {
    let mut text = String::new();
    for piece in &summary.pieces {
        match piece {
            Piece::Text(piece) => text.push_str(&plain(piece)),
            Piece::Value(sum) if is_value(sum, logic) => text.push_str("{{ $value | humanize }}"),
            Piece::Value(sum) => text.push_str(&query(sum, terms)),
        }
    }
    text
}

/// Whether a sum is the value that the alert's expression has.
fn is_value(sum: &Sum, logic: &Logic) -> bool {
    match logic {
        Logic::Test(test) => match &test.kind {
            TestKind::Compare { left, .. } => left.to_string() == sum.to_string() && !left.to_string().starts_with("age("),
            TestKind::In { value, .. } => value.to_string() == sum.to_string(),
            TestKind::Absent { .. } => false,
        },
        // `and` keeps the values of its left side.
        Logic::And(parts) => parts.first().is_some_and(|part| is_value(sum, part)),
        _ => false,
    }
}

fn query(sum: &Sum, terms: &mut Terms<'_>) -> String {
    terms.pinned = true;
    let number = terms.number(sum);
    terms.pinned = false;
    let Ok(Number::Measured(expression, _)) = number else {
        terms.notes.insert(format!("the summary shows `{sum}` as it is written, as its value can't be asked for there"));
        return plain(&format!("`{sum}`"));
    };
    let show = "{{ . | first | value | humanize }}{{ end }}";
    if terms.by.is_empty() {
        return format!("{{{{ with query {} }}}}{show}", quoted(&expression.text));
    }
    // Every second part stands between two marks and is a label's name; `%q` writes the quotes.
    let pieces: Vec<String> = expression.text.replace('%', "%%").split(PIN).map(str::to_owned).collect();
    let (mut format, mut labels) = (String::new(), String::new());
    for (at, piece) in pieces.iter().enumerate() {
        if at % 2 == 1 {
            format.push_str("%q");
            labels.push_str(&format!(" $labels.{piece}"));
        } else {
            let piece = if at > 0 { piece.strip_prefix('"').unwrap_or(piece) } else { piece };
            format.push_str(if at + 1 < pieces.len() { piece.strip_suffix('"').unwrap_or(piece) } else { piece });
        }
    }
    format!("{{{{ with printf {}{labels} | query }}}}{show}", quoted(&format))
}

/// A text in which nothing was a template but braces; `None` where something was.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let text = text.replace("{{ \"{{\" }}", "\u{1}");
    (!text.contains("{{")).then(|| text.replace('\u{1}', "{{"))
}

/// Reads the template of an annotation.
pub(super) struct Template<'a> {
    pub(super) options: &'a Import,
    /// The sum that the alert's value is.
    pub(super) value: Option<&'a str>,
    pub(super) notes: Vec<String>,
}

impl Template<'_> {
    /// A template as a summary; what cannot be said is left out, and noted.
    pub(super) fn summary(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            out.push_str(&braces(before));
            let (action, behind) = closing(after);
            let mut behind = behind;
            let action = action.trim_matches(|c: char| c == '-' || c.is_whitespace());
            match self.action(action) {
                Some(written) => out.push_str(&written),
                None => {
                    let whole = action.starts_with("with ").then(|| behind.split_once("{{ end }}")).flatten();
                    let written = whole.and_then(|(shown, after)| {
                        let sum = self.query(action).filter(|_| shown.trim_start().starts_with("{{ . | first | value"))?;
                        behind = after;
                        Some(format!("{{{sum}}}"))
                    });
                    match written {
                        Some(written) => out.push_str(&written),
                        None => self.notes.push(format!("`{{{{ {} }}}}` of the summary is left out", show(action.as_bytes(), 100))),
                    }
                }
            }
            rest = behind;
        }
        out.push_str(&braces(rest));
        out
    }

    fn action(&mut self, action: &str) -> Option<String> {
        let mut stages = action.split('|').map(str::trim);
        let first = stages.next()?;
        if first == "\"{{\"" {
            return Some("{{{{".into());
        }
        let first =
            first.strip_prefix("humanize").map_or(first, |rest| rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).trim());
        let is_shown = stages.all(|stage| ["humanize", "printf", "toString"].iter().any(|known| stage.starts_with(known)));
        match first {
            "$value" | ".Value" if is_shown => self.value.map(|value| format!("{{{value}}}")),
            _ => {
                let label = first.strip_prefix("$labels.").or(first.strip_prefix(".Labels."))?;
                self.notes.push(format!("the summary names the label `{label}`; its value stands among the verdict's tags"));
                Some(format!("`{}`", braces(label)))
            }
        }
    }

    /// The sum that `with query "…"` asks for, or `with printf "…" $labels.queue | query`.
    fn query(&self, action: &str) -> Option<String> {
        let rest = action.strip_prefix("with ")?.trim_start();
        let (text, format) = match rest.strip_prefix("query ") {
            Some(quoted) => (quoted.trim(), false),
            None => (rest.strip_prefix("printf ")?.rsplit_once('|').filter(|(_, last)| last.trim() == "query")?.0.trim(), true),
        };
        let end = (1..text.len()).find(|at| text[*at..].starts_with('"') && !text[..*at].ends_with('\\'))?;
        let mut query = text.get(1..end)?.replace("\\\"", "\"").replace("\\\\", "\\");
        if format {
            // The label has the group's value, so that all series of a group have it.
            query = query.replace("=%q", "!=\"\"").replace("%%", "%");
        }
        let expression = promql::parse(&query).ok()?;
        Reader::new(self.options, &query, &expression).sum(&expression).ok()
    }
}

/// What stands up to `}}`, of an action in which texts may hold braces; and what comes behind it.
fn closing(text: &str) -> (&str, &str) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted && text[at..].starts_with("}}") => return (&text[..at], &text[at + 2..]),
            _ => {}
        }
    }
    (text, "")
}

/// Braces that are meant as themselves are written twice in a summary.
fn braces(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}
