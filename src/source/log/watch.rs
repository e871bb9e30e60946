//! Waiting for files to change: by inotify(7) on their folders.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

/// Tells that something changed in the folders of some files.
///
/// Network file systems tell nothing of what other machines write, so whoever waits looks from time to
/// time nevertheless.
#[derive(Debug)]
pub struct Watch(OwnedFd);

impl Watch {
    /// Watches the folders of these files.
    ///
    /// # Errors
    /// When the system has no more watches to give, or a folder is not there.
    pub fn new<'a>(files: impl Iterator<Item = &'a Path>) -> io::Result<Watch> {
        let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let folders: BTreeSet<&Path> = files.map(folder).collect();
        for folder in folders {
            let changes = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::MOVED_FROM | WatchFlags::DELETE;
            inotify::add_watch(&watch, folder, changes)?;
        }
        Ok(Watch(watch))
    }

    /// A file that is readable once something changed.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Takes note of what changed so far.
    pub fn clear(&self) {
        let mut events = [0u8; 16_384];
        while rustix::io::read(&self.0, &mut events).is_ok_and(|read| read > 0) {}
    }
}

/// The folder that holds a file.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
