//! Durable append: whole lines, many writers at once, safe against power cuts and full disks.
//!
//! Holds [`AppendFile`] (one file, or a stream such as a FIFO), [`AppendHistory`] (a folder
//! with one file a day) and [`Group`] (a history that many wait for). Holds no buffer that outlives a call but the lines of a history not yet
//! written; who calls decides how many lines make a block.
//!
//! Every writer of a regular file does, for each block of whole lines:
//!
//! ```text
//! lock the file (flock, advisory)
//!   the path leads elsewhere now (rotated, compressed)?   open anew, begin again
//!   the file does not end in a newline?                   mend the tail
//!   write the block at the end (O_APPEND)
//!   that failed (disk full, limit, quota)?                cut back to the length before
//! unlock
//! sync, as [`Durability`] says
//! ```
//!
//! Always: what stands before the last newline was written whole. A block whose append returned
//! `Ok` under [`Durability::Always`] survives a kill and a power cut.

mod file;
mod group;
mod history;
mod syncer;
mod tail;
mod turnover;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use file::AppendFile;
pub use group::{Group, Written};
pub use history::AppendHistory;

/// When written lines are forced to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Before each append returns.
    Always,
    /// Within a second, and at the end.
    #[default]
    EverySecond,
    /// When the system likes to.
    Never,
}

impl Durability {
    /// The choices as options write them.
    pub const NAMES: [&'static str; 3] = ["always", "1s", "never"];

    /// Reads a choice.
    pub fn parse(text: &str) -> Option<Durability> {
        match text {
            "always" => Some(Durability::Always),
            "1s" => Some(Durability::EverySecond),
            "never" => Some(Durability::Never),
            _ => None,
        }
    }
}

/// Why lines could not be appended.
#[derive(Debug)]
pub enum AppendError {
    /// The system refused. Nothing of the block is in the file.
    Io {
        /// Which file.
        path: PathBuf,
        /// What was tried: `cannot write`.
        doing: &'static str,
        /// The system's answer.
        error: std::io::Error,
    },
    /// Forcing to the disk failed: the block is in the file, but may not survive a power cut.
    Sync {
        /// Which file.
        path: PathBuf,
        /// The system's answer.
        error: std::io::Error,
    },
    /// The file is compressed; plain lines behind that could not be read again.
    Compressed {
        /// Which file.
        path: PathBuf,
    },
    /// The file ends in something that is far too long for a line of records.
    NoRecords {
        /// Which file.
        path: PathBuf,
    },
}

impl AppendError {
    fn io(path: &Path, doing: &'static str, error: impl Into<std::io::Error>) -> AppendError {
        AppendError::Io { path: path.to_owned(), doing, error: error.into() }
    }

    /// Whether the lines stand in the file nevertheless, so that writing them again would double them.
    pub const fn written(&self) -> bool {
        matches!(self, AppendError::Sync { .. })
    }

    /// The system's answer, where it was asked.
    pub const fn system(&self) -> Option<&std::io::Error> {
        match self {
            AppendError::Io { error, .. } | AppendError::Sync { error, .. } => Some(error),
            AppendError::Compressed { .. } | AppendError::NoRecords { .. } => None,
        }
    }
}

impl std::fmt::Display for AppendError {
    /// Writes where and what; the system's words, in [`AppendError::system`], are for the caller to add.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AppendError::Io { path, doing, .. } => write!(f, "{}: {doing}", shown(path)),
            AppendError::Sync { path, .. } => write!(f, "{}: cannot force to the disk", shown(path)),
            AppendError::Compressed { path } => write!(f, "{}: is compressed; records are appended to plain files only", shown(path)),
            AppendError::NoRecords { path } => {
                write!(f, "{}: its last line is over 1 MiB long, so it is no file of records; left as it is", shown(path))
            }
        }
    }
}

impl std::error::Error for AppendError {}

/// Something that a person should hear of, though the append went well.
#[derive(Debug)]
pub enum Note {
    /// A torn last line was cut off, and kept in a file beside.
    Mended {
        /// Which file.
        path: PathBuf,
        /// How long the torn line was.
        cut_bytes: u64,
        /// Where it is kept.
        kept: PathBuf,
    },
    /// A past day could not be compressed; it stays plain, and nothing is lost.
    StaysPlain(AppendError),
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Note::Mended { path, cut_bytes, kept } => {
                write!(f, "{}: its last line was torn; {cut_bytes} bytes moved to {}", shown(path), shown(kept))
            }
            Note::StaysPlain(error) => write!(f, "{error}; the day stays uncompressed for now"),
        }
    }
}

/// A path, safe for a terminal.
pub(crate) fn shown(path: &Path) -> String {
    crate::record::show(path.as_os_str().as_encoded_bytes(), 300)
}
