//! Instants and lengths of time, both in whole nanoseconds.
//!
//! Holds [`Timestamp`] (an instant), [`Span`] (a length, never negative), their text forms, and
//! alignment. Holds no clock: the current time is an input, taken once by `cli`.

mod instant;
mod span;

pub use instant::{Timestamp, TimestampCache};
pub use span::Span;

/// Why a text is no instant or no length of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeError(pub(crate) String);

impl std::fmt::Display for TimeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TimeError {}
