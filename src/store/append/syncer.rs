//! Forces files to the disk within a second of their last write, from a thread of its own.
//!
//! The thread starts with the first file and sleeps while nothing is to be done; it waits by
//! timeout, so no clock is read.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::AppendError;

/// How long a written line may wait for the disk.
const DELAY: Duration = Duration::from_secs(1);

/// Files that were written to, and the thread that syncs them.
#[derive(Default)]
pub(super) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    dirty: Vec<(PathBuf, Arc<File>)>,
    ended: bool,
    failed: Option<AppendError>,
}

impl Syncer {
    /// Notes that a file was written to; tells of a sync that failed meanwhile.
    pub(super) fn mark(&mut self, path: &Path, file: &Arc<File>) -> Result<(), AppendError> {
        let mut state = self.shared.lock();
        if !state.dirty.iter().any(|(_, known)| Arc::ptr_eq(known, file)) {
            state.dirty.push((path.to_owned(), Arc::clone(file)));
            self.shared.changed.notify_one();
        }
        let failed = state.failed.take();
        drop(state);
        if self.thread.is_none() {
            let shared = Arc::clone(&self.shared);
            match std::thread::Builder::new().name("sync".into()).spawn(move || shared.run()) {
                Ok(thread) => self.thread = Some(thread),
                Err(_) => sync(self.shared.take())?,
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Syncs what is left and ends the thread.
    pub(super) fn finish(&mut self) -> Result<(), AppendError> {
        self.shared.lock().ended = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked left its files marked; they are synced below.
            let _ = thread.join();
        }
        let mut state = self.shared.lock();
        state.ended = false;
        let failed = state.failed.take();
        drop(state);
        sync(self.shared.take())?;
        failed.map_or(Ok(()), Err)
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        // Nobody is left to be told; `finish` is for those who want to know.
        let _ = self.finish();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<(PathBuf, Arc<File>)> {
        std::mem::take(&mut self.lock().dirty)
    }

    fn run(&self) {
        let mut state = self.lock();
        loop {
            while state.dirty.is_empty() && !state.ended {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let waited = self.changed.wait_timeout_while(state, DELAY, |state| !state.ended);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.ended {
                return;
            }
            let dirty = std::mem::take(&mut state.dirty);
            drop(state);
            let synced = sync(dirty);
            state = self.lock();
            state.failed = synced.err().or(state.failed.take());
        }
    }
}

/// Syncs each file; the first failure is told, the others are still synced.
fn sync(files: Vec<(PathBuf, Arc<File>)>) -> Result<(), AppendError> {
    let mut failed = Ok(());
    for (path, file) in files {
        let synced = file.sync_data().map_err(|error| AppendError::Sync { path, error });
        failed = failed.and(synced);
    }
    failed
}
