//! Why the state can't be read or written, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite::ffi;

use super::State;
use super::schema::VERSION;
use crate::record::show;

/// What is wrong with the state file.
#[derive(Debug)]
pub enum StateError {
    /// The folder or the file can't be made.
    Make {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// Another process has kept it locked for longer than [`State::PATIENCE`].
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// It can be read, and not written.
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full.
    Full {
        /// The file.
        path: PathBuf,
    },
    /// It is damaged, or it is no SQLite file.
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// It is a database of another program.
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a later version.
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its tables.
        found: i64,
    },
    /// All else.
    Other {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
}

impl StateError {
    /// The error that SQLite told about a file.
    pub(super) fn of(path: &Path, error: rusqlite::Error) -> StateError {
        let path = path.to_owned();
        let (code, words) = match &error {
            rusqlite::Error::SqliteFailure(failure, words) => (Some(*failure), words.clone()),
            _ => (None, None),
        };
        let why = words.unwrap_or_else(|| code.map_or_else(|| error.to_string(), |code| code.to_string()));
        match code.map(|failure| (failure.code, failure.extended_code)) {
            Some((ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _)) => StateError::Busy { path },
            Some((ErrorCode::ReadOnly, _)) => StateError::ReadOnly { path },
            // In a folder that can't be written to, it is the log that can't be opened.
            Some((ErrorCode::CannotOpen, _)) if !path.parent().is_some_and(is_writable) => StateError::ReadOnly { path },
            // The index of the log is made as large as it must be at once, which is what fails on a full disk.
            Some((ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE)) => StateError::Full { path },
            Some((ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _)) => StateError::Corrupt { path, why },
            _ => StateError::Other { path, why },
        }
    }

    /// The file that it is about.
    pub fn path(&self) -> &Path {
        match self {
            StateError::Make { path, .. }
            | StateError::Busy { path }
            | StateError::ReadOnly { path }
            | StateError::Full { path }
            | StateError::Corrupt { path, .. }
            | StateError::Foreign { path }
            | StateError::Newer { path, .. }
            | StateError::Other { path, .. } => path,
        }
    }

    /// Whether it may work when it is tried again later, with nothing changed.
    pub fn is_passing(&self) -> bool {
        matches!(self, StateError::Busy { .. })
    }

    /// What to do.
    pub fn hint(&self) -> Option<String> {
        let folder = self.path().parent().map(|folder| show(folder.as_os_str().as_encoded_bytes(), 200)).unwrap_or_default();
        Some(match self {
            StateError::Busy { .. } => "find out who holds it by `fuser` on the file, or choose another folder by --state".into(),
            StateError::ReadOnly { .. } | StateError::Make { .. } => {
                format!("let the user that runs check write to `{folder}`, or choose another folder by --state")
            }
            StateError::Full { .. } => format!("make room on the disk of `{folder}`; what was committed before is kept"),
            StateError::Corrupt { .. } => {
                "move it away with its -wal and -shm files; check then begins anew, from what the input has".into()
            }
            StateError::Foreign { .. } => "choose a folder of its own by --state".into(),
            StateError::Newer { .. } => "use that later version, or choose another folder by --state".into(),
            StateError::Other { .. } => return None,
        })
    }
}

fn is_writable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", show(self.path().as_os_str().as_encoded_bytes(), 400))?;
        match self {
            StateError::Make { error, .. } => {
                let text = error.to_string();
                write!(f, "cannot be made: {}", text.split(" (os error").next().unwrap_or_default().to_lowercase())
            }
            StateError::Busy { .. } => write!(f, "locked by another process for longer than {} s", State::PATIENCE.as_secs()),
            StateError::ReadOnly { .. } => f.write_str("cannot write: the file or its folder is read-only"),
            StateError::Full { .. } => f.write_str("cannot write: no space left on device"),
            StateError::Corrupt { why, .. } => write!(f, "is damaged, or is no state file: {}", show(why.as_bytes(), 200)),
            StateError::Foreign { .. } => f.write_str("is the database of another program"),
            StateError::Newer { found, .. } => {
                write!(f, "was written by a later version: its tables are of version {found}, this program knows {VERSION}")
            }
            StateError::Other { why, .. } => write!(f, "cannot be used: {}", show(why.as_bytes(), 200)),
        }
    }
}

impl std::error::Error for StateError {}
