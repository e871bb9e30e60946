//! The values that only a file of checks has: conditions, sentences, and what no data means.

use crate::record::{Status, nearest, show};
use crate::rule::{Condition, RuleError, Summary, parse};
use crate::settings::span_of;
use crate::time::Span;

pub(in crate::rule) use crate::settings::{Entry, entries, moved, unknown};

/// A value read as what checks are made of.
pub(in crate::rule) trait Judged {
    /// A condition.
    fn condition(&self) -> Result<Condition, RuleError>;
    /// A sentence with values in it.
    fn summary(&self) -> Result<Summary, RuleError>;
    /// What no data means, and after how long: `critical`, or `critical for 10m`.
    fn no_data(&self) -> Result<(Status, Span), RuleError>;
}

impl Judged for Entry<'_> {
    fn condition(&self) -> Result<Condition, RuleError> {
        let text = self.text("a condition, like \"age(build.started) > 30m\"")?;
        parse(&text.text).map_err(|error| moved(&text, error))
    }

    fn summary(&self) -> Result<Summary, RuleError> {
        let text = self.text("a sentence, like \"no build for {age(build.started)}\"")?;
        Summary::parse(&text.text).map_err(|error| moved(&text, error))
    }

    fn no_data(&self) -> Result<(Status, Span), RuleError> {
        let text = self.text("ok, warning, critical or unknown, perhaps with a time, like \"critical for 10m\"")?;
        let (word, rest) = match text.text.split_once(char::is_whitespace) {
            Some((word, rest)) => (word, rest.trim()),
            None => (text.text.as_str(), ""),
        };
        let names = ["ok", "warning", "critical", "unknown"];
        let Some(status) = Status::parse(word) else {
            let message =
                format!("`{}` must begin with ok, warning, critical or unknown, found `{}`", self.name(), show(word.as_bytes(), 40));
            let error = RuleError::new(message, text.place((0, word.len())));
            return Err(match nearest(word, names) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error,
            });
        };
        if rest.is_empty() {
            return Ok((status, Span::ZERO));
        }
        let start = text.text.len() - text.text.trim_end().len();
        let end = text.text.len() - start;
        let begin = end - rest.len();
        let Some(duration) = rest.strip_prefix("for ").map(str::trim_start) else {
            let message = format!("expected `for` and a duration after `{word}`, found `{}`", show(rest.as_bytes(), 40));
            return Err(RuleError::new(message, text.place((begin, end))).hint(format!("write `{} = \"{word} for 10m\"`", self.name())));
        };
        span_of(&text, (end - duration.len(), end)).map(|span| (status, span))
    }
}
