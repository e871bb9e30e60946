//! A file that grows, read through rotation.
//!
//! | what happens to the path            | what is done                                           |
//! |-------------------------------------|--------------------------------------------------------|
//! | renamed, and created anew           | the old file is read on for a while, beside the new one |
//! | deleted, and created anew           | the same: the open file stays readable                 |
//! | copied and truncated                | reading begins at the start again                      |
//! | replaced while nobody read          | the old file is found by its inode in the same folder  |
//! | replaced several times in between   | the files between are found by name and time           |
//!
//! Files are told apart by device and inode, and by their beginnings, as inode numbers are used
//! again. A last line that lacks its newline is held until it is complete.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::cut::{Cut, Piece};
use super::places::{FIRST_BYTES, Place};
use super::watch::folder;
use crate::time::Span;

/// How long a file that was rotated away may be silent before it is left.
const PATIENCE: Span = Span::from_secs(10);

/// How much of one file is read before others have their turn.
const TURN_BYTES: u64 = 1 << 20;

/// How much of two files is compared to tell whether one is a copy of the other.
const COMPARED_BYTES: usize = 4096;

/// What a tail finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    /// A whole line, without its newline.
    Line(&'a [u8]),
    /// A line too long to be held; its length in bytes.
    TooLong(u64),
    /// Something that a person may want to know.
    News(News),
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It is not there (yet).
    Missing,
    /// It is there now.
    Appeared,
    /// Another file took its place.
    Rotated,
    /// It was emptied or written anew.
    Truncated,
    /// The file that was being read is gone; its rest can't be found.
    Gone,
}

/// The work on what a tail finds.
pub type Each<'a> = &'a mut dyn FnMut(Seen<'_>) -> io::Result<()>;

/// One open file.
#[derive(Debug)]
struct Open {
    file: File,
    device: u64,
    inode: u64,
    /// The first byte that was not read.
    offset: u64,
    first: Vec<u8>,
    cut: Cut,
    /// Size and time of change when the beginning was last compared.
    checked: (u64, i64, i64),
    /// When something was last read.
    active: Span,
}

impl Open {
    fn new(path: &Path, offset: u64, now: Span) -> io::Result<Open> {
        let file = File::open(path)?;
        let found = file.metadata()?;
        if found.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut open = Open {
            file,
            device: found.dev(),
            inode: found.ino(),
            offset,
            first: Vec::new(),
            cut: Cut::default(),
            checked: (0, 0, 0),
            active: now,
        };
        open.first = open.beginning(FIRST_BYTES)?;
        Ok(open)
    }

    /// The first bytes of the file, as many as there are.
    fn beginning(&self, most: usize) -> io::Result<Vec<u8>> {
        let mut first = vec![0; most];
        let mut end = 0;
        while end < most {
            match self.file.read_at(&mut first[end..], end as u64)? {
                0 => break,
                read => end += read,
            }
        }
        first.truncate(end);
        Ok(first)
    }

    /// Whether the file still begins as it did; looked at when it changed.
    fn begins_alike(&mut self, found: &Metadata) -> io::Result<bool> {
        let state = (found.len(), found.mtime(), found.mtime_nsec());
        if state == self.checked {
            return Ok(true);
        }
        self.checked = state;
        let first = self.beginning(FIRST_BYTES)?;
        let alike = first.starts_with(&self.first);
        self.first = first;
        Ok(alike)
    }

    /// Where the last line begins that is not complete; the end of the file when all are.
    fn last_line(&self) -> io::Result<u64> {
        let end = self.file.metadata()?.len();
        let mut tail = vec![0; 64 << 10];
        let start = end.saturating_sub(tail.len() as u64);
        let read = self.file.read_at(&mut tail, start)?;
        // A longer unfinished line is begun in its middle; it is no line of a log.
        Ok(memchr::memrchr(b'\n', &tail[..read]).map_or(start, |at| start + at as u64 + 1))
    }

    fn place(&self) -> Place {
        Place {
            device: self.device,
            inode: self.inode,
            offset: self.offset - self.cut.unfinished().min(self.offset),
            first: self.first.clone(),
        }
    }

    /// Reads on, for a turn at most; tells whether the end was reached.
    fn read(&mut self, buffer: &mut [u8], now: Span, each: Each<'_>) -> io::Result<bool> {
        let limit = self.offset + TURN_BYTES;
        while self.offset < limit {
            match self.file.read_at(buffer, self.offset) {
                Ok(0) => return Ok(true),
                Ok(read) => {
                    self.offset += read as u64;
                    self.active = now;
                    self.cut.take(&buffer[..read], &mut |piece| each(seen(&piece)))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

/// When a file was made; where that is not known, when it was last written.
fn made(found: &Metadata) -> SystemTime {
    found.created().or_else(|_| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Whether two beginnings are of a file and its copy, of which one may have grown. A few equal bytes
/// don't tell that.
fn is_copy(a: &[u8], b: &[u8]) -> bool {
    const TELLING_BYTES: usize = 32;
    let length = a.len().min(b.len());
    a == b || (length >= TELLING_BYTES && a[..length] == b[..length])
}

/// Whether a file begins as packed ones do: gzip, zstd, xz or bzip2.
fn is_packed(first: &[u8]) -> bool {
    [[0x1f, 0x8b].as_slice(), &[0x28, 0xb5, 0x2f, 0xfd], b"\xfd7zXZ", b"BZh"].iter().any(|magic| first.starts_with(magic))
}

fn seen<'a>(piece: &Piece<'a>) -> Seen<'a> {
    match piece {
        Piece::Line(line) => Seen::Line(line),
        Piece::TooLong(length) => Seen::TooLong(*length),
    }
}

/// The reader of one path.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    /// The file at the path.
    current: Option<Open>,
    /// Files that were at the path before, oldest first, until they are silent.
    former: Vec<Open>,
    buffer: Vec<u8>,
    told_missing: bool,
    /// When the last file at the path that was read was made, until the next one is there.
    replaced: Option<SystemTime>,
}

impl Tail {
    /// A reader that begins where it stood, or, without a place, at the start or the end.
    ///
    /// Of a file that is not there it waits for its coming. What happened meanwhile is handed to `each`.
    ///
    /// # Errors
    /// When a file is there and can't be opened; or `each` fails.
    pub fn new(path: &Path, places: Option<&[Place]>, from_end: bool, now: Span, each: Each<'_>) -> io::Result<Tail> {
        let mut tail = Tail {
            path: path.to_owned(),
            current: None,
            former: Vec::new(),
            buffer: vec![0; 64 << 10],
            told_missing: false,
            replaced: None,
        };
        tail.current = match Open::new(path, 0, now) {
            Ok(open) => Some(open),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        match (places, &mut tail.current) {
            (Some(places), _) => tail.resume(places, now, each)?,
            (None, Some(open)) if from_end => open.offset = open.last_line()?,
            (None, _) => {}
        }
        Ok(tail)
    }

    /// Goes on where each file stood, wherever it is now.
    fn resume(&mut self, places: &[Place], now: Span, each: Each<'_>) -> io::Result<()> {
        for place in places {
            let is_place = |open: &Open| open.inode == place.inode && open.device == place.device && open.first.starts_with(&place.first);
            match &mut self.current {
                Some(open) if is_place(open) => {
                    // A file shorter than it was has been emptied.
                    open.offset = if open.file.metadata()?.len() < place.offset { 0 } else { place.offset };
                    self.replaced = None;
                }
                _ => match self.find(place, now).filter(is_place) {
                    Some(mut open) => {
                        open.offset = place.offset;
                        self.replaced = Some(made(&open.file.metadata()?));
                        self.former.push(open);
                    }
                    None => each(Seen::News(News::Gone))?,
                },
            }
        }
        if self.current.is_some() {
            self.catch_up(now);
        }
        Ok(())
    }

    /// Finds the files that were at the path after the last one that was read and before the present one.
    ///
    /// They bear the path's name with something behind it, were made no earlier than the last one,
    /// and are neither packed nor a copy of a file that was read.
    fn catch_up(&mut self, now: Span) {
        let (Some(last), Some(current)) = (self.replaced.take(), &self.current) else { return };
        let Some(name) = self.path.file_name() else { return };
        let is_sibling = |found: &Path| {
            let rest = found.file_name().and_then(|found| found.as_encoded_bytes().strip_prefix(name.as_encoded_bytes()));
            rest.is_some_and(|rest| matches!(rest.first(), Some(b'.' | b'-' | b'_')))
        };
        let mut between: Vec<(SystemTime, Open)> = Vec::new();
        for entry in std::fs::read_dir(folder(&self.path)).into_iter().flatten().flatten() {
            let path = entry.path();
            let Some(found) = entry.metadata().ok().filter(|found| found.is_file() && is_sibling(&path) && made(found) >= last) else {
                continue;
            };
            let Ok(open) = Open::new(&path, 0, now) else { continue };
            let is_open = self.former.iter().chain([current]).any(|known| (known.device, known.inode) == (open.device, open.inode));
            if !is_open && !open.first.is_empty() && !is_packed(&open.first) {
                between.push((made(&found), open));
            }
        }
        between.sort_by_key(|(made, _)| *made);
        let mut known: Vec<Vec<u8>> = self.former.iter().filter_map(|open| open.beginning(COMPARED_BYTES).ok()).collect();
        for (_, open) in between {
            let Ok(beginning) = open.beginning(COMPARED_BYTES) else { continue };
            if !known.iter().any(|known| is_copy(known, &beginning)) {
                known.push(beginning);
                self.former.push(open);
            }
        }
    }

    /// The file of a place, by whatever name it goes in the same folder.
    fn find(&self, place: &Place, now: Span) -> Option<Open> {
        let entries = std::fs::read_dir(folder(&self.path)).ok()?;
        let found = entries.flatten().find(|entry| {
            entry.metadata().is_ok_and(|found| found.ino() == place.inode && found.dev() == place.device && found.is_file())
        })?;
        Open::new(&found.path(), 0, now).ok()
    }

    /// The path that is read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where reading stands, for [`super::Places`].
    pub fn places(&self) -> Vec<Place> {
        self.former.iter().chain(&self.current).map(Open::place).collect()
    }

    /// Reads what is new, for a turn at most; tells whether everything was read.
    ///
    /// # Errors
    /// When reading fails, or `each` does.
    pub fn poll(&mut self, now: Span, each: Each<'_>) -> io::Result<bool> {
        let mut done = self.poll_former(now, each)?;
        let Some(open) = &mut self.current else { return Ok(self.appear(now, each)? && done) };
        let found = open.file.metadata()?;
        if found.len() < open.offset || !open.begins_alike(&found)? {
            each(Seen::News(News::Truncated))?;
            (open.offset, open.cut) = (0, Cut::default());
            open.first = open.beginning(FIRST_BYTES)?;
        }
        done &= open.read(&mut self.buffer, now, each)?;
        if done && self.is_replaced() {
            each(Seen::News(News::Rotated))?;
            self.replaced = Some(made(&found));
            self.former.extend(self.current.take());
            return Ok(false);
        }
        Ok(done)
    }

    /// Reads files that were at the path before, and leaves those that have been silent long enough.
    fn poll_former(&mut self, now: Span, each: Each<'_>) -> io::Result<bool> {
        let mut done = true;
        for open in &mut self.former {
            done &= open.read(&mut self.buffer, now, each)?;
            if now.nanos() - open.active.nanos() > PATIENCE.nanos() {
                open.cut.finish(&mut |piece| each(seen(&piece)))?;
            }
        }
        self.former.retain(|open| now.nanos() - open.active.nanos() <= PATIENCE.nanos());
        Ok(done)
    }

    /// Opens the file once it is there; tells whether there is nothing to be read.
    fn appear(&mut self, now: Span, each: Each<'_>) -> io::Result<bool> {
        match Open::new(&self.path, 0, now) {
            Ok(open) => {
                if std::mem::take(&mut self.told_missing) {
                    each(Seen::News(News::Appeared))?;
                }
                self.current = Some(open);
                // Only now: a file that is replaced from here on is open already.
                self.catch_up(now);
                Ok(false)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A file is away for a moment in every rotation; that is no news.
                if self.former.is_empty() && !std::mem::replace(&mut self.told_missing, true) {
                    each(Seen::News(News::Missing))?;
                }
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether another file is at the path than the one that is being read.
    fn is_replaced(&self) -> bool {
        let (Some(open), Ok(found)) = (&self.current, std::fs::metadata(&self.path)) else { return false };
        found.ino() != open.inode || found.dev() != open.device
    }
}
