//! Lines that could not be read: told one by one at first, then counted by cause.

use crate::record::show;
use crate::wire::DecodeError;

/// So many lines of one cause are told one by one.
const ONE_BY_ONE: u64 = 10;

/// How often each cause came.
#[derive(Default)]
pub(super) struct Rejected {
    causes: Vec<(&'static str, u64)>,
}

impl Rejected {
    /// Counts a line; returns what to tell, when it is among the first of its cause.
    pub(super) fn count(&mut self, line: &[u8], error: DecodeError) -> Option<String> {
        let known = self.causes.iter().position(|(cause, _)| *cause == error.what);
        let at = known.unwrap_or_else(|| {
            self.causes.push((error.what, 0));
            self.causes.len() - 1
        });
        let count = &mut self.causes[at].1;
        *count += 1;
        if *count > ONE_BY_ONE {
            return None;
        }
        let further = if *count == ONE_BY_ONE { "; further ones of this cause are only counted" } else { "" };
        Some(format!("statsd: column {}: {}: `{}`; line skipped{further}", error.column, error.what, show(line, 80)))
    }

    /// What to tell at the end, of the causes that came too often to tell each.
    pub(super) fn summary(&self) -> impl Iterator<Item = String> {
        self.causes.iter().filter(|(_, count)| *count > ONE_BY_ONE).map(|(cause, count)| format!("statsd: {cause}: {count} lines skipped"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_of_a_cause_are_told_and_the_rest_counted() {
        let mut rejected = Rejected::default();
        let error = DecodeError { what: "no `:` after the name", column: 4 };
        let told: Vec<_> = (0..25).filter_map(|_| rejected.count(b"a\x1b[2J", error)).collect();
        assert_eq!(told[0], "statsd: column 4: no `:` after the name: `a\\u{1b}[2J`; line skipped");
        assert_eq!(told.len(), 10);
        assert_eq!(
            rejected.count(b"x", DecodeError { what: "other", column: 1 }).as_deref(),
            Some("statsd: column 1: other: `x`; line skipped")
        );
        assert_eq!(rejected.summary().collect::<Vec<_>>(), ["statsd: no `:` after the name: 25 lines skipped"]);
    }
}
