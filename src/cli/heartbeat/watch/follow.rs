//! The beats that other processes append to the history, as they come.
//!
//! A day's file is read from where it was left, whole lines only. A file that is another one now
//! (compressed, replaced) is read from its beginning: a beat that is known is known.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::record::LINE_BYTES;
use crate::store::read::{Range, days};
use crate::time::{Span, Timestamp};

/// How much is read of a file at a time.
const BLOCK_BYTES: usize = 4 << 20;

/// A history that is followed.
pub(super) struct Follow {
    folder: PathBuf,
    places: HashMap<PathBuf, Place>,
}

#[derive(Clone, Copy, Default)]
struct Place {
    inode: u64,
    read: u64,
}

impl Follow {
    /// From the end of what is there now, or of what will be there.
    pub(super) fn new(folder: &Path) -> Follow {
        Follow { folder: folder.to_owned(), places: HashMap::new() }
    }

    /// Gives every whole line that is new since the last call.
    ///
    /// # Errors
    /// When a file can't be read; what is not there yet is no error.
    pub(super) fn poll(&mut self, now: Timestamp, each: &mut dyn FnMut(&[u8])) -> std::io::Result<()> {
        if !self.folder.is_dir() {
            return Ok(());
        }
        // Beats that waited for their listener go into the file of their own day.
        let range = Range { since: Some(now.minus(Span::from_secs(2 * 86_400))), until: None };
        let files = days(&self.folder, &range)?;
        self.places.retain(|path, _| files.contains(path));
        for path in files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "ndjson")) {
            self.read(&path, each)?;
        }
        Ok(())
    }

    fn read(&mut self, path: &Path, each: &mut dyn FnMut(&[u8])) -> std::io::Result<()> {
        let file = match File::open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        let found = file.metadata()?;
        let place = self.places.entry(path.to_owned()).or_default();
        if place.inode != found.ino() || found.len() < place.read {
            *place = Place { inode: found.ino(), read: 0 };
        }
        while place.read < found.len() {
            let wanted = usize::try_from(found.len() - place.read).unwrap_or(BLOCK_BYTES).min(BLOCK_BYTES);
            let mut block = vec![0; wanted];
            let length = file.read_at(&mut block, place.read)?;
            let Some(end) = memchr::memrchr(b'\n', &block[..length]) else {
                // What is longer than a line is no line; else its end has not been written yet.
                if length > LINE_BYTES {
                    place.read += length as u64;
                    continue;
                }
                return Ok(());
            };
            block[..end].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).for_each(&mut *each);
            place.read += end as u64 + 1;
        }
        Ok(())
    }
}
