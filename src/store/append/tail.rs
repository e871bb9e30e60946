//! The end of a file: whole, or torn by a power cut or a kill, and then mended.
//!
//! ```text
//! …}\n                    whole
//! …}\n{"ts":…}            a record that lacks its newline (an editor, printf): gets it
//! …}\n{"ts":"2026-11-2    torn: moved to FILE.torn
//! …}\n{"ts":…\0\0\0\0     the same: a length that reached the disk before the bytes
//! ```
//!
//! A proper beginning of a JSON object is never a JSON object, so a torn record can't pass for a whole one.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{AppendError, Note};
use crate::ndjson;
use crate::record::LINE_BYTES;

/// How a file ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// With a newline, or it is empty.
    Whole,
    /// With a record that lacks its newline.
    Unended,
    /// With a piece that is no record: where it begins, and its bytes.
    Torn(u64, Vec<u8>),
}

/// Looks at the end of a file of `size` bytes.
pub(super) fn look(file: &File, path: &Path, size: u64) -> Result<Tail, AppendError> {
    let read_at =
        |buffer: &mut [u8], at| file.read_exact_at(buffer, at).map_err(|error| AppendError::io(path, "cannot read its end", error));
    let mut last = [0];
    if size > 0 {
        read_at(&mut last, size - 1)?;
    }
    if size == 0 || last == *b"\n" {
        return Ok(Tail::Whole);
    }
    let mut length = 4096.min(size);
    loop {
        let mut piece = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        read_at(&mut piece, size - length)?;
        if let Some(newline) = memchr::memrchr(b'\n', &piece) {
            piece.drain(..=newline);
        } else if length < size {
            if length > LINE_BYTES as u64 {
                return Err(AppendError::NoRecords { path: path.to_owned() });
            }
            length = (length * 8).min(size);
            continue;
        }
        return Ok(match ndjson::decode_at(&piece, Some(crate::time::Timestamp::MIN)) {
            Ok(_) => Tail::Unended,
            Err(_) => Tail::Torn(size - piece.len() as u64, piece),
        });
    }
}

/// Moves a torn piece to `FILE.torn` and cuts it off; it is kept before it is cut.
pub(super) fn move_away(file: &File, path: &Path, from: u64, piece: &[u8]) -> Result<Note, AppendError> {
    let kept = beside(path, ".torn");
    keep(&kept, piece).map_err(|error| AppendError::io(&kept, "cannot keep a torn line", error))?;
    file.set_len(from).map_err(|error| AppendError::io(path, "cannot cut off its torn last line", error))?;
    Ok(Note::Mended { path: path.to_owned(), cut_bytes: piece.len() as u64, kept })
}

fn keep(kept: &Path, piece: &[u8]) -> std::io::Result<()> {
    let mut file = File::options().append(true).create(true).open(kept)?;
    let before = file.metadata()?.len();
    let line = [piece, b"\n"].concat();
    file.write_all(&line).and_then(|()| file.sync_data()).inspect_err(|_| {
        // Nothing more can be done when even this fails: the piece still stands in its file.
        let _ = file.set_len(before);
    })
}

/// The path with something behind its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
