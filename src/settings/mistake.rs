//! What is wrong with a condition, and where.

/// A mistake in a condition, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What was expected and what was found.
    pub message: String,
    /// The first byte of the place.
    pub start: usize,
    /// The byte behind the place.
    pub end: usize,
    /// What to do.
    pub hint: Option<String>,
}

impl Mistake {
    /// A mistake at a stretch of bytes.
    pub fn new(message: impl Into<String>, (start, end): (usize, usize)) -> Mistake {
        Mistake { message: message.into(), start, end, hint: None }
    }

    /// The same with a remedy.
    pub fn hint(mut self, hint: impl Into<String>) -> Mistake {
        self.hint = Some(hint.into());
        self
    }

    /// The message, and below it the line of the condition with its place underlined.
    pub fn render(&self, text: &str) -> String {
        let start = floor(text, self.start);
        let end = floor(text, self.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line_end = start + text[start..line_end].trim_end_matches('\r').len();
        let number = text[..start].matches('\n').count() + 1;
        let (before, marked) = (&text[line_start..start], &text[start..end.min(line_end)]);
        // A long line is shown from a little before the place.
        let skip = before.chars().count().saturating_sub(60);
        let shown: String = before.chars().skip(skip).chain(text[start..line_end].chars()).take(120).collect();
        let lead = if skip > 0 { "…" } else { "" };
        let column = before.chars().count() + 1;
        let width = |part: &str| part.chars().count();
        let safe = |part: &str| part.chars().map(|c| if c.is_control() { '·' } else { c }).collect::<String>();
        let carets = "^".repeat(width(marked).clamp(1, 120));
        let indent = " ".repeat(width(lead) + width(before) - skip);
        format!("{number}:{column}: {}\n  | {lead}{}\n  | {indent}{carets}", self.message, safe(&shown))
    }
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

/// The nearest border of a character at or before a byte.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
