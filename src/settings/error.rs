//! What is wrong with a file of checks, and where.

use super::Mistake;
use crate::record::show;

/// A mistake in a file of checks, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What was expected and what was found.
    pub message: String,
    /// The line with its place underlined; two lines.
    pub shown: String,
    /// What to do.
    pub hint: Option<String>,
}

impl FileError {
    /// The mistake at a place of a file's text.
    pub(crate) fn new(file: &str, text: &str, error: Mistake) -> FileError {
        let rendered = error.render(text);
        let (line, column) = line_and_column(text, error.start);
        let shown = rendered.split_once("\n  | ").map_or(String::new(), |(_, shown)| format!("  | {shown}"));
        FileError { file: file.to_owned(), line, column, message: error.message, shown, hint: error.hint }
    }
}

/// Line and column of a byte, both from 1; the column counts characters.
pub(crate) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    (line, column)
}

impl std::fmt::Display for FileError {
    /// `check.toml:14:9: what`, and below it the line with its place underlined.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}", show(self.file.as_bytes(), 200), self.line, self.column, self.message)?;
        if self.shown.is_empty() { Ok(()) } else { write!(f, "\n{}", self.shown) }
    }
}

impl std::error::Error for FileError {}

/// What the reader of TOML found wrong.
pub(crate) fn broken(text: &str, error: &toml::de::Error) -> Mistake {
    let place = error.span().map_or((text.len(), text.len()), |span| (span.start, span.end));
    let what = error.message();
    let part = || show(text.get(place.0..place.1).unwrap_or_default().as_bytes(), 40);
    if what.starts_with("duplicate key") {
        return Mistake::new(format!("`{}` comes twice", part()), place).hint("leave one out, or give it another name");
    }
    let error = Mistake::new(format!("this is not TOML: {}", show(what.replace('\n', ", ").as_bytes(), 200)), place);
    if what.starts_with("string values must be quoted") {
        return error.hint("texts and conditions stand in quotes: `critical = 'x > 5'`");
    }
    if what.contains("escape") {
        return error.hint("in double quotes `\\` begins an escape; in single quotes every character stands for itself");
    }
    error
}
