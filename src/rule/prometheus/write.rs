//! PromQL as text, with as few parentheses as it needs.
//!
//! Source: Prometheus documentation, "Operators", "Binary operator precedence".

use crate::time::Span;

/// How tightly the outermost operator of an expression binds, loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Or,
    And,
    Compare,
    Add,
    Multiply,
    Unary,
    Atom,
}

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) rank: Rank,
}

impl Text {
    pub(super) fn atom(text: impl Into<String>) -> Text {
        Text { text: text.into(), rank: Rank::Atom }
    }

    /// The expression where at least a rank is needed.
    pub(super) fn at(&self, rank: Rank) -> String {
        if self.rank < rank { format!("({})", self.text) } else { self.text.clone() }
    }

    /// `left sign right`; operators of one rank are read from the left.
    pub(super) fn binary(left: &Text, sign: &str, right: &Text, rank: Rank) -> Text {
        let tighter = match rank {
            Rank::Or => Rank::And,
            Rank::And => Rank::Compare,
            Rank::Compare => Rank::Add,
            Rank::Add => Rank::Multiply,
            _ => Rank::Unary,
        };
        // One comparison after another is allowed there, and read more easily in parentheses.
        let first = if rank == Rank::Compare { tighter } else { rank };
        Text { text: format!("{} {sign} {}", left.at(first), right.at(tighter)), rank }
    }
}

/// A number as PromQL writes it.
pub(super) fn number(value: f64) -> Text {
    let text = if value != 0.0 && !(1e-6..1e15).contains(&value.abs()) { format!("{value:e}") } else { format!("{value}") };
    Text { rank: if value < 0.0 { Rank::Unary } else { Rank::Atom }, text }
}

/// A text in double quotes, as PromQL and Go's templates read it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out + "\""
}

/// A length of time, which there has whole milliseconds; `None` for one that has not.
pub(super) fn duration(span: Span) -> Option<String> {
    (span.nanos() % 1_000_000 == 0).then(|| span.to_string())
}
