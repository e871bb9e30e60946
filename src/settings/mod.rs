//! Files of settings: TOML in, values out, every mistake with its place.
//!
//! Holds what files of checks and of expectations have in common: a mistake and how it is shown
//! ([`Mistake`], [`FileError`]), the entries of a table in the order of the file, and values that are
//! asked for by their sort. Reading is strict. What the keys mean is not known here, and no file is opened.

mod error;
mod mistake;
mod text;
mod value;

pub use error::FileError;
pub use mistake::Mistake;

pub(crate) use error::{broken, line_and_column};
pub(crate) use text::Text;
pub(crate) use value::{Entry, entries, moved, span_of, unknown};

/// The first byte of a place and the one behind its last.
pub(crate) type Place = (usize, usize);

/// The most mistakes that are told at once.
pub const MOST_ERRORS: usize = 20;

/// A file of settings: its name for messages, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As it was typed.
    pub name: String,
    /// TOML.
    pub text: String,
}
