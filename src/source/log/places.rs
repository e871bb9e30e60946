//! Where reading stood, kept over restarts: one small file a followed path.
//!
//! ```json
//! {"path":"/var/log/app.log","places":[{"device":64768,"inode":1312,"offset":8812,"first":"323032362d"}]}
//! ```
//!
//! `first` is the beginning of the file in hexadecimal: an inode number is given to another file
//! once the first is gone, and then the beginnings differ. A file's place is saved only after its
//! records were written out, so that a crash repeats lines and loses none; the file is replaced
//! as a whole. A lock beside it keeps two readers of one path apart.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How much of a file's beginning is remembered.
pub(super) const FIRST_BYTES: usize = 256;

/// Where reading stands in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The device that holds the file.
    pub device: u64,
    /// The file's number on it.
    pub inode: u64,
    /// The first byte that is still to be read.
    pub offset: u64,
    /// The file's beginning, [`FIRST_BYTES`] at most.
    #[serde(with = "hex")]
    pub first: Vec<u8>,
}

/// Why places can't be kept.
#[derive(Debug)]
pub enum PlacesError {
    /// Another process follows the path and keeps its places in the same folder.
    Held,
    /// A file can't be read or written; which, and why.
    Io(PathBuf, io::Error),
}

/// The file as written.
#[derive(Serialize, Deserialize)]
struct Kept {
    path: String,
    places: Vec<Place>,
}

/// The places of one path: of the file that is there, and of those before it that are not read to
/// their ends.
#[derive(Debug)]
pub struct Places {
    path: String,
    file: PathBuf,
    saved: Vec<Place>,
    /// Held for as long as this lives.
    _lock: File,
}

impl Places {
    /// Opens the places of a path, which are kept in `folder`.
    ///
    /// # Errors
    /// [`PlacesError`] when another process has them, or the folder can't be written.
    pub fn open(folder: &Path, path: &Path) -> Result<Places, PlacesError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| PlacesError::Io(path, error)
        };
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        let path = std::path::absolute(path).map_err(failed(path))?;
        let name = file_name(&path);
        let lock_path = folder.join(format!("{name}.lock"));
        let lock = File::options().create(true).append(true).open(&lock_path).map_err(failed(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PlacesError::Held),
            Err(TryLockError::Error(error)) => return Err(PlacesError::Io(lock_path, error)),
        }
        let path = path.to_string_lossy().into_owned();
        Ok(Places { path, file: folder.join(format!("{name}.json")), saved: Vec::new(), _lock: lock })
    }

    /// The places that were saved; `None` when there are none.
    ///
    /// # Errors
    /// When the file can't be read, or holds something else.
    pub fn load(&mut self) -> Result<Option<Vec<Place>>, PlacesError> {
        let text = match std::fs::read(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(PlacesError::Io(self.file.clone(), error)),
        };
        let kept: Kept = serde_json::from_slice(&text).map_err(|error| PlacesError::Io(self.file.clone(), error.into()))?;
        self.saved.clone_from(&kept.places);
        Ok(Some(kept.places))
    }

    /// Saves the places, unless they are those that were saved last.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn save(&mut self, places: Vec<Place>) -> Result<(), PlacesError> {
        if places == self.saved {
            return Ok(());
        }
        let kept = Kept { path: self.path.clone(), places };
        self.replace(&kept).map_err(|error| PlacesError::Io(self.file.clone(), error))?;
        self.saved = kept.places;
        Ok(())
    }

    fn replace(&self, kept: &Kept) -> io::Result<()> {
        let new = self.file.with_extension("new");
        let file = File::create(&new)?;
        serde_json::to_writer(&file, kept)?;
        // Without this, a power cut may leave an empty file in the place of the old one.
        file.sync_data()?;
        std::fs::rename(&new, &self.file)
    }
}

/// A file name for a path: its last part for people, and a hash of the whole to tell paths apart.
fn file_name(path: &Path) -> String {
    let last = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let last: String = last.chars().take(80).map(plain).collect();
    format!("{last}-{:016x}", fnv1a(path.as_os_str().as_bytes()))
}

/// The 64-bit FNV-1a hash (Fowler, Noll, Vo; RFC 9923): the same in every version of this program.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Bytes as hexadecimal text.
mod hex {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        to.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
        bytes.ok_or_else(|| D::Error::custom("not hexadecimal"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(offset: u64) -> Place {
        Place { device: 1, inode: 2, offset, first: b"a\n\xff".to_vec() }
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let mut places = Places::open(folder.path(), Path::new("/var/log/app.log")).unwrap();
        assert_eq!(places.load().unwrap(), None);
        places.save(vec![place(5), place(7)]).unwrap();
        drop(places);
        let mut places = Places::open(folder.path(), Path::new("/var/log/app.log")).unwrap();
        assert_eq!(places.load().unwrap(), Some(vec![place(5), place(7)]));
    }

    #[test]
    fn two_readers_of_one_path_are_kept_apart() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Places::open(folder.path(), Path::new("/var/log/app.log")).unwrap();
        assert!(matches!(Places::open(folder.path(), Path::new("/var/log/app.log")), Err(PlacesError::Held)));
        assert!(Places::open(folder.path(), Path::new("/srv/log/app.log")).is_ok());
    }

    #[test]
    fn places_that_cannot_be_read_are_an_error_and_not_a_new_start() {
        let folder = tempfile::tempdir().unwrap();
        let mut places = Places::open(folder.path(), Path::new("/var/log/app.log")).unwrap();
        std::fs::write(&places.file, "{").unwrap();
        assert!(matches!(places.load(), Err(PlacesError::Io(..))));
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
