//! What a verdict says first: a sentence with the values of sums in braces.
//!
//! `no build for {age(build.started)}` shows the age as a person reads it. `{{` and `}}` are braces.

use super::error::RuleError;
use super::parse::parse_sum;
use super::syntax::Sum;

/// A sentence with sums in it, parsed.
#[derive(Debug, Clone)]
pub struct Summary {
    pub(super) pieces: Vec<Piece>,
    text: String,
}

/// A piece of a summary.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Text(String),
    Value(Sum),
}

impl Summary {
    /// Reads a summary.
    ///
    /// # Errors
    /// [`RuleError`] when a brace is not closed, or what it holds is no sum; places are of `text`.
    pub fn parse(text: &str) -> Result<Summary, RuleError> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            let start = text.len() - from.len();
            if let Some(after) = from.strip_prefix("{{").or(from.strip_prefix("}}")) {
                plain.push_str(&from[..1]);
                rest = after;
                continue;
            }
            let end = from.starts_with('{').then(|| closing(from)).flatten().ok_or_else(|| {
                let error = RuleError::new(format!("`{}` has no counterpart", &from[..1]), (start, start + 1));
                error.hint("a brace that is meant as itself is written twice: `{{` or `}}`")
            })?;
            pieces.extend((!plain.is_empty()).then(|| Piece::Text(std::mem::take(&mut plain))));
            pieces.push(Piece::Value(parse_sum(text, (start + 1, start + end))?));
            rest = &from[end + 1..];
        }
        plain.push_str(rest);
        pieces.extend((!plain.is_empty()).then_some(Piece::Text(plain)));
        Ok(Summary { pieces, text: text.to_owned() })
    }

    /// The text it was parsed from.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Where the brace that begins a text is closed; selectors have braces of their own, and quotes.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let summary = Summary::parse(text).unwrap();
        let show = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Value(sum) => format!("<{sum}>"),
        };
        summary.pieces.iter().map(show).collect()
    }

    #[test]
    fn sums_stand_in_braces() {
        assert_eq!(shown("none for {age(x)} of {{all}}"), ["none for ", "<age(x)>", " of {all}"]);
        assert_eq!(shown("{p95(x{a=\"}\"}, 5m) / 2}"), ["<(p95(x{a=\"}\"}, 5m) / 2)>"]);
        assert_eq!(shown(""), Vec::<String>::new());
    }

    #[test]
    fn a_mistake_is_told_with_its_place_in_the_whole_text() {
        for (text, start, message) in [
            ("a {age(x}", 8, "expected `,` or `)`, found the end"),
            ("a { b", 2, "`{` has no counterpart"),
            ("a } b", 2, "`}` has no counterpart"),
            ("is {x > 5}", 4, "a number is needed here, found a condition"),
            ("is {x y}", 6, "expected the end, found `y`"),
        ] {
            let error = Summary::parse(text).unwrap_err();
            assert_eq!((error.start, error.message.as_str()), (start, message), "{text}");
        }
    }
}
