//! Foreign formats: bytes to records and back, on slices.
//!
//! One file or folder a format, and the table of them. Knows no files, no sockets and no clock: a line
//! that does not say when gets the time of its arrival from the caller.

pub mod graphite;
mod number;
pub mod ping;
pub mod statsd;

use crate::record::{FieldError, METRIC_BYTES, Record, Sample};
use crate::time::Timestamp;

/// A format whose records stand one a line.
pub struct Format {
    /// The name, as `--format` has it.
    pub name: &'static str,
    /// What it is, for help.
    pub about: &'static str,
    /// Reads one line (without its newline), giving its records; one without a time gets the arrival's.
    pub decode_line: DecodeLine,
    /// Appends a sample, its newline included; `false` when the format can't say it.
    pub encode: fn(&mut Vec<u8>, &Sample) -> bool,
}

/// Reads one line, giving its records; gives none when it fails.
pub type DecodeLine = fn(&[u8], Timestamp, &mut dyn FnMut(Record)) -> Result<(), DecodeError>;

/// Every format, by name.
pub static FORMATS: [Format; 2] = [
    Format {
        name: "graphite",
        about: "Graphite's plaintext: `path value seconds`, the path perhaps with `;key=value`",
        decode_line: graphite::decode_line,
        encode: |out, sample| graphite::encode(out, sample, graphite::TagStyle::Tagged),
    },
    Format {
        name: "statsd",
        about: "StatsD with DogStatsD's tags, events and service checks: `name:value|type`",
        decode_line: |line, arrival, give| statsd::decode_line(line, arrival, statsd::NameTags::Kept, give),
        encode: |out, sample| {
            statsd::encode(out, sample, statsd::Dialect::DOGSTATSD);
            true
        },
    },
];

/// Finds a format by its name.
pub fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// Why a line could not be read. Holds no text from outside: whoever has the line shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeError {
    /// What is wrong, as it can be counted by.
    pub what: &'static str,
    /// Where, counting bytes from 1.
    pub column: usize,
}

impl DecodeError {
    /// Something is wrong `at` bytes after the line's start.
    pub(crate) const fn at(at: usize, what: &'static str) -> DecodeError {
        DecodeError { what, column: at + 1 }
    }

    /// The name that the line begins with can't stand in a record.
    fn of_name(error: &FieldError) -> DecodeError {
        const _: () = assert!(METRIC_BYTES == 255);
        DecodeError::at(
            0,
            match error {
                FieldError::Empty => "a name must not be empty",
                FieldError::TooLong(_) => "a name must be 255 bytes at most",
                FieldError::Control => "a name must not hold control characters",
            },
        )
    }

    /// The same, when the text that was read begins `bytes` after the line's start.
    const fn later(self, bytes: usize) -> DecodeError {
        DecodeError { what: self.what, column: self.column + bytes }
    }
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.what)
    }
}

impl std::error::Error for DecodeError {}

/// Appends text with each character of `not`, white space and control characters as `_`.
fn safe(out: &mut Vec<u8>, text: &str, not: &[u8]) {
    for character in text.chars() {
        if character.is_control() || character.is_whitespace() || u8::try_from(character).is_ok_and(|byte| not.contains(&byte)) {
            out.push(b'_');
        } else {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_found_by_its_name() {
        assert!(FORMATS.is_sorted_by_key(|format| format.name));
        assert_eq!(find("statsd").map(|format| format.name), Some("statsd"));
        assert!(find("StatsD").is_none());
    }
}
