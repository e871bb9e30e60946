//! Compressing the past days of a history, so that a crash at any point loses and doubles nothing.
//!
//! A day may have a compressed file, a plain file, or both; a reader merges them by time. A turn
//! makes one compressed file of both:
//!
//! ```text
//!                              DAY.ndjson        DAY.ndjson.zst
//!                              plain             (older frames)
//! write and sync the temporary file: the older frames, and one more of the plain lines
//! rename temporary → DAY.ndjson
//!                              all, compressed   (older frames)    ①
//! rename DAY.ndjson → DAY.ndjson.zst
//!                              –                 all
//! ```
//!
//! Each rename is atomic. At ① `DAY.ndjson` begins like a zstd file: then it is the whole day, and
//! `DAY.ndjson.zst` must not be read beside it. The next writer of that day, or the next turn,
//! does the second rename.
//!
//! The plain file is compressed without its lock, as only its end can change; under the lock
//! comes what was added meanwhile, and the renames. Those who waited for the lock find
//! the path leading elsewhere and begin a new plain file. One turn at a time: the folder's lock is
//! only tried.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::file::{Lock, Packing, Size, identity, identity_at, packing};
use super::{AppendError, Note};

/// Fast, and about a tenth of the size on records.
const LEVEL: i32 = 3;

/// What a turn did.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) notes: Vec<Note>,
}

/// Compresses all days before the newest one.
pub(super) fn turn(folder: &Path) -> Result<Turn, AppendError> {
    let handle = File::open(folder).map_err(|error| AppendError::io(folder, "cannot open", error))?;
    let mut turn = Turn::default();
    if flock(&handle, FlockOperation::NonBlockingLockExclusive).is_err() {
        // Somebody else is at it.
        return Ok(turn);
    }
    let names = names(folder)?;
    let newest = names.iter().filter_map(|name| day_of(name)).max();
    let mut past: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(".ndjson")).filter(|day| Some(*day) != newest).collect();
    past.sort_unstable();
    for day in past.into_iter().filter(|day| is_day(day)) {
        match compress(folder, day, &handle) {
            Ok(notes) => turn.notes.extend(notes),
            Err(error) => turn.notes.push(Note::StaysPlain(error)),
        }
    }
    Ok(turn)
}

/// Whether no later day is in the folder.
pub(super) fn is_newest(folder: &Path, day: &str) -> bool {
    names(folder).is_ok_and(|names| names.iter().filter_map(|name| day_of(name)).all(|other| other <= day))
}

/// Brings a turn to its end that was cut short at ①; says whether there was one.
pub(super) fn complete(folder: &Path, day: &str) -> Result<bool, AppendError> {
    let plain = folder.join(format!("{day}.ndjson"));
    let cannot = |error| AppendError::io(&plain, "cannot end its compression", error);
    let file = match File::open(&plain) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        file => file.map_err(cannot)?,
    };
    let _lock = Lock::take(&file, &plain)?;
    if identity_at(&plain) != Some(identity(&file.metadata().map_err(cannot)?)) {
        // Somebody else was faster.
        return Ok(true);
    }
    let cut_short = packing(&file, &plain)? == Some(Packing::Zstd);
    if cut_short {
        std::fs::rename(&plain, folder.join(format!("{day}.ndjson.zst"))).map_err(cannot)?;
    }
    Ok(cut_short)
}

fn names(folder: &Path) -> Result<Vec<String>, AppendError> {
    let cannot = |error| AppendError::io(folder, "cannot list", error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        names.extend(entry.map_err(cannot)?.file_name().into_string());
    }
    Ok(names)
}

/// The day of a history's file: what stands before `.ndjson` or `.ndjson.zst`.
fn day_of(name: &str) -> Option<&str> {
    name.strip_suffix(".zst").unwrap_or(name).strip_suffix(".ndjson").filter(|day| is_day(day))
}

/// Whether a text has the form `2026-11-22`.
fn is_day(text: &str) -> bool {
    text.len() == 10 && text.bytes().enumerate().all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
}

/// The paths of one day's turn.
struct Paths {
    plain: PathBuf,
    whole: PathBuf,
    temporary: PathBuf,
}

fn compress(folder: &Path, day: &str, handle: &File) -> Result<Vec<Note>, AppendError> {
    let paths = Paths {
        plain: folder.join(format!("{day}.ndjson")),
        whole: folder.join(format!("{day}.ndjson.zst")),
        temporary: folder.join(format!(".{day}.ndjson.zst.tmp")),
    };
    complete(folder, day)?;
    let opened = File::options().read(true).append(true).open(&paths.plain);
    let plain = match opened {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened.map_err(|error| AppendError::io(&paths.plain, "cannot open", error))?,
    };
    if packing(&plain, &paths.plain)?.is_some() {
        return Err(AppendError::Compressed { path: paths.plain });
    }
    let outcome = merge(&paths, &plain);
    if outcome.is_err() {
        // What is left of it is written over the next time.
        let _ = std::fs::remove_file(&paths.temporary);
    }
    let notes = outcome?;
    handle.sync_all().map_err(|error| AppendError::Sync { path: folder.to_owned(), error })?;
    Ok(notes)
}

/// Makes the temporary file and puts it into the plain file's and the old compressed file's place.
fn merge(paths: &Paths, plain: &File) -> Result<Vec<Note>, AppendError> {
    let cannot = |error| AppendError::io(&paths.temporary, "cannot write", error);
    let found = plain.metadata().map_err(|error| AppendError::io(&paths.plain, "cannot read", error))?;
    let mut target = File::options().read(true).write(true).create(true).truncate(true).open(&paths.temporary).map_err(cannot)?;
    target.set_permissions(found.permissions()).map_err(cannot)?;
    // Only root may give a file away; for others both files have the same owner already.
    let _ = std::os::unix::fs::fchown(&target, Some(found.uid()), Some(found.gid()));
    match File::open(&paths.whole) {
        Ok(mut older) => drop(std::io::copy(&mut older, &mut target).map_err(cannot)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(AppendError::io(&paths.whole, "cannot read", error)),
    }
    let mut notes = Vec::new();
    let early = {
        let _lock = Lock::take(plain, &paths.plain)?;
        settle(plain, &paths.plain, &mut notes)?
    };
    add_frame(plain, 0, early, &target).map_err(cannot)?;
    target.sync_data().map_err(cannot)?;

    let _lock = Lock::take(plain, &paths.plain)?;
    let size = settle(plain, &paths.plain, &mut notes)?;
    if identity_at(&paths.plain) != Some(identity(&found)) || size < early {
        let error = std::io::Error::other("it was changed by something else meanwhile");
        return Err(AppendError::io(&paths.plain, "cannot compress", error));
    }
    add_frame(plain, early, size - early, &target).map_err(cannot)?;
    target.sync_all().map_err(cannot)?;
    let _second = Lock::take(&target, &paths.temporary)?;
    std::fs::rename(&paths.temporary, &paths.plain).map_err(|error| AppendError::io(&paths.plain, "cannot replace", error))?;
    std::fs::rename(&paths.plain, &paths.whole).map_err(|error| AppendError::io(&paths.whole, "cannot replace", error))?;
    Ok(notes)
}

/// Gives a file a whole last line; returns its length. Under the lock.
fn settle(mut plain: &File, path: &Path, notes: &mut Vec<Note>) -> Result<u64, AppendError> {
    match super::file::mend(plain, path, notes)? {
        Size::Ended(size) => Ok(size),
        Size::Unended(size) => {
            plain.write_all(b"\n").map_err(|error| AppendError::io(path, "cannot end its last line", error))?;
            Ok(size + 1)
        }
    }
}

/// Adds one frame with `length` bytes of the plain file from `start`; none for no bytes.
fn add_frame(mut plain: &File, start: u64, length: u64, target: &File) -> std::io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    plain.seek(SeekFrom::Start(start))?;
    let mut encoder = zstd::Encoder::new(target, LEVEL)?;
    encoder.include_checksum(true)?;
    let copied = std::io::copy(&mut plain.take(length), &mut encoder)?;
    encoder.finish()?;
    if copied != length {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}
