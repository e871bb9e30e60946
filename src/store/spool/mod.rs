//! A spool: lines that wait for a destination, on disk, in order, within a bound.
//!
//! ```text
//! SPOOL/
//!   0000000007.ndjson   the oldest part; lines as they came, one record each
//!   0000000008.ndjson   the newest part, which is appended to
//!   sent                `0000000007 0000004096`: of part 7, the first 4096 bytes are out
//!   refused.ndjson      what the destination will never take
//!   lock, sending       locks: of the parts, for moments; of whoever sends, for as long as it does
//! ```
//!
//! Any number of processes push; one at a time sends ([`Sender`]). Pushing never waits for sending:
//! the parts are locked for the moments in which they are written or removed, not while the network
//! is spoken to. Holds no connection and knows no protocol: whoever sends gives a function.
//!
//! Always: lines leave in the order in which they came, whole, and each at least once; a line that
//! is out when the process is killed may go out again. The parts together hold at most the bound;
//! past it the oldest part is dropped, and whoever pushed is told how many lines that were.

mod sender;

#[cfg(test)]
mod tests;

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::append::{AppendError, AppendFile, Durability};
pub use sender::{Drained, Given, Sender};

/// Into how many parts the bound is cut: what is dropped at once is about the eighth of it.
const PARTS: u64 = 8;

/// A folder of lines that wait.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: PathBuf,
    most_bytes: u64,
}

/// What a push did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pushed {
    /// How many waiting lines were dropped to make room.
    pub dropped_lines: u64,
}

/// Why a spool could not be used.
#[derive(Debug)]
pub enum SpoolError {
    /// The system refused.
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What was tried: `cannot read`.
        doing: &'static str,
        /// The system's answer.
        error: std::io::Error,
    },
    /// Lines could not be appended; none of them is in the spool.
    Append(AppendError),
    /// The lines of one push are larger than the whole spool may be.
    TooLarge {
        /// How large they are.
        bytes: u64,
        /// The spool's bound.
        most_bytes: u64,
    },
}

impl SpoolError {
    fn io(path: &Path, doing: &'static str, error: impl Into<std::io::Error>) -> SpoolError {
        SpoolError::Io { path: path.to_owned(), doing, error: error.into() }
    }

    /// The system's answer, where it was asked.
    pub const fn system(&self) -> Option<&std::io::Error> {
        match self {
            SpoolError::Io { error, .. } => Some(error),
            SpoolError::Append(error) => error.system(),
            SpoolError::TooLarge { .. } => None,
        }
    }
}

impl std::fmt::Display for SpoolError {
    /// Writes where and what; the system's words, in [`SpoolError::system`], are for the caller to add.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SpoolError::Io { path, doing, .. } => write!(f, "{}: {doing}", super::append::shown(path)),
            SpoolError::Append(error) => error.fmt(f),
            SpoolError::TooLarge { bytes, most_bytes } => write!(f, "{bytes} bytes are more than the spool may hold ({most_bytes})"),
        }
    }
}

impl std::error::Error for SpoolError {}

impl Spool {
    /// A spool in a folder that is made where it is missing, readable by its owner alone.
    ///
    /// # Errors
    /// When the folder can't be made.
    pub fn open(folder: &Path, most_bytes: u64) -> Result<Spool, SpoolError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| SpoolError::io(folder, "cannot make the folder", error))?;
        Ok(Spool { folder: folder.to_owned(), most_bytes })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds whole lines behind those that wait: all of them, or on an error none.
    ///
    /// Shape: `lines` ends with a newline. They survive the end of the process; a power cut only
    /// after [`Spool::force`].
    ///
    /// # Errors
    /// [`SpoolError`]; what waited is as it was.
    pub fn push(&self, lines: &[u8]) -> Result<Pushed, SpoolError> {
        let bytes = lines.len() as u64;
        if bytes > self.most_bytes {
            return Err(SpoolError::TooLarge { bytes, most_bytes: self.most_bytes });
        }
        let _lock = self.lock()?;
        let parts = self.parts()?;
        let newest = parts.last().copied().unwrap_or(0);
        let fits = newest > 0 && self.part_bytes(newest) + bytes <= self.most_bytes / PARTS;
        // A number is never used again: what is out of an older part of that number is not out of this one.
        let number = if fits { newest } else { newest.max(self.sent().0) + 1 };
        let appended = AppendFile::open(&self.part(number), Durability::Never).and_then(|mut part| part.append(lines));
        appended.map_err(SpoolError::Append)?;
        Ok(Pushed { dropped_lines: self.drop_oldest()? })
    }

    /// Whether no line waits.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn is_empty(&self) -> Result<bool, SpoolError> {
        Ok(self.waiting_bytes()? == 0)
    }

    /// How many lines wait.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn waiting_lines(&self) -> Result<u64, SpoolError> {
        let (sent_part, sent) = self.sent();
        let parts = self.parts()?;
        Ok(parts.into_iter().map(|part| self.lines_in(part, if part == sent_part { sent } else { 0 })).sum())
    }

    /// Forces what waits to the disk, so that it survives a power cut.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn force(&self) -> Result<(), SpoolError> {
        for part in self.parts()? {
            let path = self.part(part);
            // A part that is gone meanwhile was sent.
            if let Ok(file) = File::open(&path) {
                file.sync_all().map_err(|error| SpoolError::io(&path, "cannot force to the disk", error))?;
            }
        }
        let folder = File::open(&self.folder).and_then(|folder| folder.sync_all());
        folder.map_err(|error| SpoolError::io(&self.folder, "cannot force to the disk", error))
    }

    /// Becomes the one that sends; `None` while another does.
    ///
    /// # Errors
    /// When the lock's file can't be opened.
    pub fn sender(&self) -> Result<Option<Sender<'_>>, SpoolError> {
        let path = self.folder.join("sending");
        let file = open_lock(&path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Sender::new(self, file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(SpoolError::io(&path, "cannot lock", error)),
        }
    }

    /// Locks the parts; given back when dropped.
    fn lock(&self) -> Result<File, SpoolError> {
        let path = self.folder.join("lock");
        let file = open_lock(&path)?;
        rustix::io::retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))
            .map_err(|error| SpoolError::io(&path, "cannot lock", error))?;
        Ok(file)
    }

    /// The numbers of the parts that are there, ascending.
    fn parts(&self) -> Result<Vec<u64>, SpoolError> {
        let cannot = |error| SpoolError::io(&self.folder, "cannot read", error);
        let mut parts = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(cannot)? {
            let name = entry.map_err(cannot)?.file_name();
            let number: Option<u64> = name.to_str().and_then(|name| name.strip_suffix(".ndjson")).and_then(|number| number.parse().ok());
            parts.extend(number);
        }
        parts.sort_unstable();
        Ok(parts)
    }

    fn part(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:010}.ndjson"))
    }

    fn part_bytes(&self, number: u64) -> u64 {
        std::fs::metadata(self.part(number)).map_or(0, |metadata| metadata.len())
    }

    fn waiting_bytes(&self) -> Result<u64, SpoolError> {
        let (sent_part, sent) = self.sent();
        let waiting = |part| self.part_bytes(part).saturating_sub(if part == sent_part { sent } else { 0 });
        Ok(self.parts()?.into_iter().map(waiting).sum())
    }

    /// How many lines a part holds behind its first `from` bytes.
    fn lines_in(&self, part: u64, from: u64) -> u64 {
        let bytes = std::fs::read(self.part(part)).unwrap_or_default();
        let rest = usize::try_from(from).ok().and_then(|from| bytes.get(from..)).unwrap_or_default();
        memchr::memchr_iter(b'\n', rest).count() as u64
    }

    /// How far sending has come: a part, and how many of its bytes are out. What can't be read is
    /// as nothing, so that lines go out twice rather than never.
    fn sent(&self) -> (u64, u64) {
        let text = std::fs::read_to_string(self.folder.join("sent")).unwrap_or_default();
        let numbers = text.trim_end().split_once(' ');
        numbers.and_then(|(part, bytes)| Some((part.parse().ok()?, bytes.parse().ok()?))).unwrap_or((0, 0))
    }

    /// Removes the oldest parts while all together are over the bound; says how many waiting lines they held.
    fn drop_oldest(&self) -> Result<u64, SpoolError> {
        let parts = self.parts()?;
        let mut total: u64 = parts.iter().map(|part| self.part_bytes(*part)).sum();
        let (sent_part, sent) = self.sent();
        let mut dropped_lines = 0;
        for part in parts.iter().take(parts.len().saturating_sub(1)) {
            if total <= self.most_bytes {
                break;
            }
            total -= self.part_bytes(*part);
            dropped_lines += self.lines_in(*part, if *part == sent_part { sent } else { 0 });
            self.remove(*part)?;
        }
        Ok(dropped_lines)
    }

    fn remove(&self, part: u64) -> Result<(), SpoolError> {
        let path = self.part(part);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(SpoolError::io(&path, "cannot remove", error)),
            _ => Ok(()),
        }
    }
}

fn open_lock(path: &Path) -> Result<File, SpoolError> {
    let opened = File::options().create(true).truncate(false).write(true).open(path);
    opened.map_err(|error| SpoolError::io(path, "cannot open", error))
}
