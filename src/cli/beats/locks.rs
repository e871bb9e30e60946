//! Locks that end with their process.

use std::fs::File;
use std::io::Result;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

/// Takes the lock of a file, which is made where it is missing; `None` while another process has it.
/// Commands that are started do not inherit it.
///
/// # Errors
/// When the file can't be opened or locked.
pub(in crate::cli) fn try_lock(path: &Path) -> Result<Option<File>> {
    let file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
