//! Appending to one path: a regular file, locked and mended, or a stream, written as it is.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};

use super::syncer::Syncer;
use super::tail::{self, Tail};
use super::{AppendError, Durability, Note};

/// A way in which a file may be compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Zstd,
    Gzip,
}

/// A path that lines are appended to.
pub struct AppendFile {
    path: PathBuf,
    open: Open,
    durability: Durability,
    syncer: Syncer,
    notes: Vec<Note>,
}

enum Open {
    /// A regular file, by its device and inode; whether its first bytes were looked at.
    Regular { file: Arc<File>, identity: (u64, u64), looked: bool, new: bool },
    /// A FIFO, a device, a socket: nothing there can be locked, cut or mended.
    Stream(File),
}

/// What an append found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Appended {
    /// Whether the file was empty before.
    pub(super) first: bool,
}

impl AppendFile {
    /// Opens a path, creating a regular file where nothing is.
    ///
    /// # Errors
    /// [`AppendError::Io`] when it can't be opened.
    pub fn open(path: &Path, durability: Durability) -> Result<AppendFile, AppendError> {
        Ok(AppendFile { path: path.to_owned(), open: open(path)?, durability, syncer: Syncer::default(), notes: Vec::new() })
    }

    /// Appends whole lines: all of them, or on an error none.
    ///
    /// Shape: `lines` ends with a newline. A stream may have taken a part when it fails.
    ///
    /// # Errors
    /// [`AppendError`], which names the file; a later append may succeed.
    pub fn append(&mut self, lines: &[u8]) -> Result<(), AppendError> {
        self.append_first(lines).map(|_| ())
    }

    /// Appends as [`AppendFile::append`], and tells whether these lines are the file's first.
    pub(super) fn append_first(&mut self, lines: &[u8]) -> Result<Appended, AppendError> {
        loop {
            match &mut self.open {
                Open::Stream(stream) => {
                    let done = stream.write_all(lines).map(|()| Appended { first: false });
                    return done.map_err(|error| AppendError::io(&self.path, "cannot write", error));
                }
                Open::Regular { file, identity, looked, new } => {
                    let file = Arc::clone(file);
                    let lock = Lock::take(&file, &self.path)?;
                    if identity_at(&self.path) == Some(*identity) {
                        if !*looked {
                            if packing(&file, &self.path)?.is_some() {
                                return Err(AppendError::Compressed { path: self.path.clone() });
                            }
                            *looked = true;
                        }
                        let new = std::mem::take(new);
                        let appended = append_locked(&file, &self.path, lines, &mut self.notes)?;
                        drop(lock);
                        self.sync(&file, new)?;
                        return Ok(appended);
                    }
                }
            }
            // The file was rotated away, removed or compressed since it was opened.
            self.open = open(&self.path)?;
        }
    }

    /// What a person should hear of, since the last time this was asked.
    pub fn notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// Forces what was written to the disk, unless that was not wanted.
    ///
    /// # Errors
    /// [`AppendError::Sync`].
    pub fn finish(&mut self) -> Result<(), AppendError> {
        self.syncer.finish()
    }

    fn sync(&mut self, file: &Arc<File>, new: bool) -> Result<(), AppendError> {
        match self.durability {
            Durability::Never => Ok(()),
            Durability::EverySecond => self.syncer.mark(&self.path, file),
            Durability::Always => {
                let synced = file.sync_data().and_then(|()| if new { sync_folder_of(&self.path) } else { Ok(()) });
                synced.map_err(|error| AppendError::Sync { path: self.path.clone(), error })
            }
        }
    }
}

/// A lock on a file, given back when dropped.
pub(super) struct Lock<'a>(&'a File);

impl<'a> Lock<'a> {
    /// Waits for the lock.
    pub(super) fn take(file: &'a File, path: &Path) -> Result<Lock<'a>, AppendError> {
        rustix::io::retry_on_intr(|| flock(file, FlockOperation::LockExclusive))
            .map(|()| Lock(file))
            .map_err(|error| AppendError::io(path, "cannot lock", error))
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // Closing the file would give the lock back as well.
        let _ = flock(self.0, FlockOperation::Unlock);
    }
}

/// Opens a path for appending, by what stands there.
fn open(path: &Path) -> Result<Open, AppendError> {
    let cannot = |error| AppendError::io(path, "cannot open", error);
    let special = |metadata: &Metadata| !metadata.is_file() && !metadata.is_dir();
    let found = std::fs::metadata(path);
    if let Ok(metadata) = &found
        && special(metadata)
    {
        if metadata.file_type().is_socket() {
            return Err(cannot(std::io::Error::new(ErrorKind::Unsupported, "it is a socket")));
        }
        return File::options().append(true).open(path).map(Open::Stream).map_err(cannot);
    }
    let new = found.is_err();
    let file = File::options().read(true).append(true).create(true).open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    Ok(match metadata.is_file() {
        true => Open::Regular { file: Arc::new(file), identity: identity(&metadata), looked: false, new },
        false => Open::Stream(file),
    })
}

pub(super) fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// What stands at a path now, by device and inode.
pub(super) fn identity_at(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|metadata| identity(&metadata))
}

/// How a file is compressed, by its first bytes.
pub(super) fn packing(file: &File, path: &Path) -> Result<Option<Packing>, AppendError> {
    let mut start = [0; 4];
    let read = file.read_at(&mut start, 0).map_err(|error| AppendError::io(path, "cannot read", error))?;
    Ok(match start[..read] {
        [0x28, 0xb5, 0x2f, 0xfd] => Some(Packing::Zstd),
        [0x1f, 0x8b, ..] => Some(Packing::Gzip),
        _ => None,
    })
}

/// Mends the tail and writes the lines, or cuts back to where it stood; under the lock.
fn append_locked(file: &File, path: &Path, lines: &[u8], notes: &mut Vec<Note>) -> Result<Appended, AppendError> {
    let size = mend(file, path, notes)?;
    let ended = match size {
        Size::Ended(_) => Ok(0),
        Size::Unended(_) => write_end(file, b"\n"),
    };
    let before = size.bytes();
    let outcome = match ended {
        Ok(newline) => write_end(file, lines).map_err(|(written, error)| (written + newline, error)),
        Err(failed) => Err(failed),
    };
    let Err((written, error)) = outcome else { return Ok(Appended { first: before == 0 }) };
    // Only what stands where we put it is cut: a writer that knows no lock may have added its own.
    if file.metadata().is_ok_and(|metadata| metadata.len() == before + written)
        && let Err(error) = file.set_len(before)
    {
        return Err(AppendError::io(path, "cannot cut back after a failed write", error));
    }
    Err(AppendError::io(path, "cannot write", error))
}

/// How long a file is, and whether its last line is ended.
pub(super) enum Size {
    Ended(u64),
    Unended(u64),
}

impl Size {
    const fn bytes(&self) -> u64 {
        match self {
            Size::Ended(bytes) | Size::Unended(bytes) => *bytes,
        }
    }
}

/// Moves a torn last line away; under the lock.
pub(super) fn mend(file: &File, path: &Path, notes: &mut Vec<Note>) -> Result<Size, AppendError> {
    let size = file.metadata().map_err(|error| AppendError::io(path, "cannot see its length", error))?.len();
    match tail::look(file, path, size)? {
        Tail::Whole => Ok(Size::Ended(size)),
        Tail::Unended => Ok(Size::Unended(size)),
        Tail::Torn(from, piece) => {
            notes.push(tail::move_away(file, path, from, &piece)?);
            Ok(Size::Ended(from))
        }
    }
}

/// Writes at the end; on an error says how many bytes got there.
fn write_end(mut file: &File, bytes: &[u8]) -> Result<u64, (u64, std::io::Error)> {
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Ok(0) => return Err((written as u64, ErrorKind::WriteZero.into())),
            Ok(more) => written += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err((written as u64, error)),
        }
    }
    Ok(written as u64)
}

/// Forces the names in a file's folder to the disk, so that a new file is found after a power cut.
fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    let real = std::fs::canonicalize(path)?;
    File::open(real.parent().unwrap_or(Path::new("/")))?.sync_all()
}
