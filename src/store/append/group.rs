//! Group commit: many who wait, one write and one sync for all of them.
//!
//! A thread takes everything that has gathered while it wrote the last group, appends it to the history, forces
//! it to the disk, and then tells all who wait. So one alone waits for one sync, and a thousand at once too.
//!
//! Always: who is told that it went well is told after the sync. What could not be written is told so, and is
//! not tried again, as who sent it will.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::{AppendError, AppendHistory, Note};
use crate::time::Timestamp;

/// How many lines may wait; further ones are refused.
const WAITING: usize = 65_536;

/// What became of a group.
pub struct Written<'a, T> {
    /// What was handed over with the lines, in their order.
    pub tokens: Vec<T>,
    /// Whether the lines are on the disk.
    pub outcome: Result<(), &'a AppendError>,
    /// What a person should hear of.
    pub notes: Vec<Note>,
}

/// Appends lines of many to one history.
pub struct Group<T> {
    shared: Arc<Shared<T>>,
    thread: Mutex<Option<JoinHandle<Result<(), AppendError>>>>,
}

struct Shared<T> {
    queue: Mutex<Queue<T>>,
    wake: Condvar,
}

struct Queue<T> {
    lines: Vec<(Timestamp, Vec<u8>, T)>,
    ended: bool,
}

impl<T: Send + 'static> Group<T> {
    /// Starts the thread, which calls `each` after every group.
    ///
    /// Shape: the history syncs at each append ([`super::Durability::Always`]), or what `each` is told means less.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn begin(history: AppendHistory, each: impl FnMut(Written<'_, T>) + Send + 'static) -> std::io::Result<Group<T>> {
        let shared = Arc::new(Shared { queue: Mutex::new(Queue { lines: Vec::new(), ended: false }), wake: Condvar::new() });
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("commit".into()).spawn(move || own.run(history, each))?;
        Ok(Group { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Hands over lines of one instant's day, and what is to be told when they are written.
    ///
    /// # Errors
    /// Gives back the token when too many wait, or the group has ended.
    pub fn add(&self, ts: Timestamp, lines: Vec<u8>, token: T) -> Result<(), T> {
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.ended || queue.lines.len() >= WAITING {
            return Err(token);
        }
        queue.lines.push((ts, lines, token));
        drop(queue);
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Writes what waits, and ends the thread. A second call does nothing.
    ///
    /// # Errors
    /// [`AppendError`] when the last of it can't be forced to the disk.
    pub fn end(&self) -> Result<(), AppendError> {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.shared.wake.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread.and_then(|thread| thread.join().ok()).unwrap_or(Ok(()))
    }
}

impl<T> Shared<T> {
    fn run(&self, mut history: AppendHistory, mut each: impl FnMut(Written<'_, T>)) -> Result<(), AppendError> {
        while let Some(lines) = self.next() {
            let mut tokens = Vec::with_capacity(lines.len());
            for (ts, line, token) in lines {
                history.add(ts, &line);
                tokens.push(token);
            }
            let outcome = history.append();
            if outcome.is_err() {
                history.discard();
            }
            each(Written { tokens, outcome: outcome.as_ref().map(|()| ()), notes: history.notes() });
        }
        history.finish()
    }

    /// Waits for lines; `None` once there will be no more.
    fn next(&self) -> Option<Vec<(Timestamp, Vec<u8>, T)>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        while queue.lines.is_empty() {
            if queue.ended {
                return None;
            }
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        Some(std::mem::take(&mut queue.lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::append::Durability;
    use std::sync::mpsc;

    #[test]
    fn who_is_told_finds_the_line_in_the_file_and_those_who_came_meanwhile_share_a_sync() {
        let folder = tempfile::tempdir().unwrap();
        let history = AppendHistory::open(folder.path(), Durability::Always).unwrap();
        let (tell, told) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let path = folder.path().join("1970-01-01.ndjson");
        let group = Group::begin(history, move |written: Written<'_, u32>| {
            assert!(written.outcome.is_ok());
            let text = std::fs::read_to_string(&path).unwrap();
            tell.send((written.tokens, text)).unwrap();
            wait.recv().unwrap();
        })
        .unwrap();
        group.add(Timestamp::from_nanos(0), b"{\"n\":1}\n".to_vec(), 1).unwrap();
        assert_eq!(told.recv().unwrap(), (vec![1], "{\"n\":1}\n".into()));
        // The thread is held in the first group: these two come meanwhile.
        group.add(Timestamp::from_nanos(1), b"{\"n\":2}\n".to_vec(), 2).unwrap();
        group.add(Timestamp::from_nanos(2), b"{\"n\":3}\n".to_vec(), 3).unwrap();
        go.send(()).unwrap();
        assert_eq!(told.recv().unwrap(), (vec![2, 3], "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n".into()));
        go.send(()).unwrap();
        group.end().unwrap();
        assert_eq!(group.add(Timestamp::from_nanos(3), Vec::new(), 4), Err(4));
    }

    #[test]
    fn what_can_not_be_written_is_told_and_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let history = AppendHistory::open(folder.path(), Durability::Always).unwrap();
        // A folder stands where the day's file is to be.
        std::fs::create_dir(folder.path().join("1970-01-01.ndjson")).unwrap();
        let (tell, told) = mpsc::channel();
        let group =
            Group::begin(history, move |written: Written<'_, u32>| tell.send((written.tokens, written.outcome.is_ok())).unwrap()).unwrap();
        group.add(Timestamp::from_nanos(0), b"{\"n\":1}\n".to_vec(), 1).unwrap();
        assert_eq!(told.recv().unwrap(), (vec![1], false));
        std::fs::remove_dir(folder.path().join("1970-01-01.ndjson")).unwrap();
        group.add(Timestamp::from_nanos(0), b"{\"n\":2}\n".to_vec(), 2).unwrap();
        assert_eq!(told.recv().unwrap(), (vec![2], true));
        group.end().unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("1970-01-01.ndjson")).unwrap(), "{\"n\":2}\n");
    }
}
