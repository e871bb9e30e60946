//! Following the beats: what was added to the history's files since they were last read.
//!
//! The history is the one truth: what this listener writes and what others write beside it are read back in the order
//! in which they stand, so a listener that starts anew comes to the same states.
//!
//! ```text
//! beats/2026-11-21.ndjson   read to byte 5120     a spooled beat of yesterday lands here
//! beats/2026-11-22.ndjson   read to byte 81920    today's
//! ```
//!
//! A day is known by its file's inode: when a past day was compressed and a late line begins its plain file anew, that
//! is read from its beginning.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::record::LINE_BYTES;

/// How much is read at once.
const BLOCK_BYTES: usize = 1 << 20;

/// How far a day was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    inode: u64,
    bytes: u64,
}

/// The history's files, and how far each was read.
pub(super) struct Follow {
    folder: PathBuf,
    places: BTreeMap<String, Place>,
    /// The files that were read last, kept open.
    open: BTreeMap<String, File>,
    block: Vec<u8>,
}

impl Follow {
    /// Goes on from places; from the beginning where there are none.
    pub(super) fn new(folder: &Path, places: BTreeMap<String, Place>) -> Follow {
        Follow { folder: folder.to_owned(), places, open: BTreeMap::new(), block: Vec::new() }
    }

    /// How far each day was read.
    pub(super) const fn places(&self) -> &BTreeMap<String, Place> {
        &self.places
    }

    /// Reads what was added to one day, named `2026-11-22`.
    ///
    /// # Errors
    /// When it can't be read; the next time it goes on from there.
    pub(super) fn day(&mut self, day: &str, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        if !self.open.contains_key(day) {
            match File::open(self.folder.join(format!("{day}.ndjson"))) {
                Ok(file) => self.open.insert(day.to_owned(), file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            };
        }
        let Some(file) = self.open.get(day) else { return Ok(()) };
        let inode = file.metadata()?.ino();
        let place = self.places.entry(day.to_owned()).or_insert(Place { inode, bytes: 0 });
        if place.inode != inode {
            *place = Place { inode, bytes: 0 };
        }
        read(file, place, &mut self.block, each)
    }

    /// Reads what was added to any day. Files that were replaced are opened anew.
    ///
    /// # Errors
    /// When something can't be read; the next time it goes on from there.
    pub(super) fn all(&mut self, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut days = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(day) = name.to_str().and_then(|name| name.strip_suffix(".ndjson")) else { continue };
            let metadata = entry.metadata()?;
            let read = self.places.get(day).is_some_and(|place| place.inode == metadata.ino() && place.bytes >= metadata.len());
            if !read {
                days.push((day.to_owned(), metadata.ino()));
            }
        }
        days.sort();
        let newest = days.last().map(|(day, _)| day.clone());
        for (day, inode) in days {
            if self.places.get(&day).is_some_and(|place| place.inode != inode) {
                self.open.remove(&day);
            }
            self.day(&day, each)?;
            // One that is read to its end and is not written to each moment needs not stay open.
            if Some(&day) != newest.as_ref() {
                self.open.remove(&day);
            }
        }
        Ok(())
    }
}

/// How much of a day is looked at for what was before.
const BEFORE_BYTES: u64 = 4 << 20;

/// Reads the last lines of a day that stand before its place. What can't be read is left out: it is for lists only.
pub(super) fn before(folder: &Path, day: &str, places: &BTreeMap<String, Place>, each: &mut dyn FnMut(&[u8])) {
    let Some(place) = places.get(day) else { return };
    let Ok(file) = File::open(folder.join(format!("{day}.ndjson"))) else { return };
    if file.metadata().is_ok_and(|metadata| metadata.ino() != place.inode) {
        return;
    }
    let start = place.bytes.saturating_sub(BEFORE_BYTES);
    let mut block = vec![0; usize::try_from(place.bytes - start).unwrap_or(0)];
    if file.read_exact_at(&mut block, start).is_err() {
        return;
    }
    // The first line may be cut.
    let first = if start == 0 { 0 } else { memchr::memchr(b'\n', &block).map_or(block.len(), |at| at + 1) };
    block[first..].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).for_each(each);
}

/// Reads the whole lines behind a place.
fn read(file: &File, place: &mut Place, block: &mut Vec<u8>, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    block.resize(BLOCK_BYTES + LINE_BYTES, 0);
    loop {
        let found = file.read_at(block, place.bytes)?;
        let Some(end) = memchr::memrchr(b'\n', &block[..found]) else {
            // A line that fills the block is no record: it is left out.
            if found == block.len() {
                place.bytes += found as u64;
                continue;
            }
            return Ok(());
        };
        block[..end].split(|byte| *byte == b'\n').for_each(&mut *each);
        place.bytes += end as u64 + 1;
        if found < block.len() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read_all(follow: &mut Follow) -> Vec<String> {
        let mut found = Vec::new();
        follow.all(&mut |line| found.push(String::from_utf8_lossy(line).into_owned())).unwrap();
        found
    }

    #[test]
    fn what_is_added_is_read_once_and_a_day_that_begins_anew_from_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let append = |day: &str, text: &str| {
            let path = folder.path().join(format!("{day}.ndjson"));
            std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
        };
        let mut follow = Follow::new(folder.path(), BTreeMap::new());
        append("2026-11-22", "c\nd");
        append("2026-11-21", "a\nb\n");
        assert_eq!(read_all(&mut follow), ["a", "b", "c"], "a line that is not ended waits");
        append("2026-11-22", "d\n");
        assert_eq!(read_all(&mut follow), ["dd"]);
        append("2026-11-21", "late\n");
        assert_eq!(read_all(&mut follow), ["late"]);
        let mut again = Follow::new(folder.path(), follow.places().clone());
        assert_eq!(read_all(&mut again), Vec::<String>::new());
        // Kept under another name, so that the inode is not given to the new file.
        std::fs::rename(folder.path().join("2026-11-21.ndjson"), folder.path().join("kept")).unwrap();
        append("2026-11-21", "new\n");
        assert_eq!(read_all(&mut follow), ["new"]);
        append("2026-11-22", "e\n");
        let mut found = Vec::new();
        follow.day("2026-11-22", &mut |line| found.push(line.to_vec())).unwrap();
        assert_eq!(found, [b"e".to_vec()]);
    }
}
