//! What is wrong with a schedule, and where.

/// A schedule or a zone that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarError {
    /// What was expected and what was found, in lower case.
    pub message: String,
    /// The place in the text: the first byte, and the one after the last.
    pub place: (usize, usize),
    /// What to do.
    pub hint: Option<String>,
}

impl CalendarError {
    pub(super) fn new(message: impl Into<String>, place: (usize, usize)) -> CalendarError {
        CalendarError { message: message.into(), place, hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> CalendarError {
        CalendarError { hint: Some(hint.into()), ..self }
    }
}

impl std::fmt::Display for CalendarError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CalendarError {}
