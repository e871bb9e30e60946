//! Summaries as templates of annotations.
//!
//! A sum that the alert's value is becomes `{{ $value }}`; any other one becomes a query of its own,
//! for the series of the alert's group.
//!
//! Source: Prometheus documentation, "Template reference", "Template examples".

use super::number::Number;
use super::terms::{PIN, Terms};
use super::write::quoted;
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
