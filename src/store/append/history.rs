//! Appending to a history: a folder with one file a UTC day, by the records' own time.
//!
//! ```text
//! HISTORY/
//!   2026-11-20.ndjson.zst    a past day
//!   2026-11-21.ndjson.zst    a past day…
//!   2026-11-21.ndjson        …and what came late for it, until the next turn
//!   2026-11-22.ndjson        the newest day
//! ```
//!
//! The writer of a new newest day's first line compresses the days before it, on a thread (see
//! [`super::turnover`]). The newest day is told from the folder, not from a clock.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use super::file::AppendFile;
use super::turnover::{self, Turn};
use super::{AppendError, Durability, Note};
use crate::time::Timestamp;

/// How many days are kept open; more happen only when an old history is copied.
const OPEN_DAYS: usize = 8;

/// Nanoseconds of a UTC day.
const DAY_NANOS: i64 = 86_400_000_000_000;

/// A folder that records are appended to.
pub struct AppendHistory {
    folder: PathBuf,
    durability: Durability,
    /// Days with lines to write or an open file; the last used is looked at first.
    days: Vec<Day>,
    last: usize,
    turn: Option<JoinHandle<Result<Turn, AppendError>>>,
    /// Whether a day began while a turn was under way, so that another is due.
    again: bool,
    notes: Vec<Note>,
}

struct Day {
    /// Days since 1970.
    number: i64,
    pending: Vec<u8>,
    file: Option<AppendFile>,
}

impl AppendHistory {
    /// Opens a folder, creating it where it is missing.
    ///
    /// # Errors
    /// [`AppendError::Io`] when it can't be made.
    pub fn open(folder: &Path, durability: Durability) -> Result<AppendHistory, AppendError> {
        std::fs::create_dir_all(folder).map_err(|error| AppendError::io(folder, "cannot make the folder", error))?;
        Ok(AppendHistory { folder: folder.to_owned(), durability, days: Vec::new(), last: 0, turn: None, again: false, notes: Vec::new() })
    }

    /// Takes one line, its newline included, for the next [`AppendHistory::append`].
    pub fn add(&mut self, ts: Timestamp, line: &[u8]) {
        let number = ts.nanos().div_euclid(DAY_NANOS);
        if self.days.get(self.last).is_none_or(|day| day.number != number) {
            self.last = self.days.iter().position(|day| day.number == number).unwrap_or_else(|| {
                self.days.push(Day { number, pending: Vec::new(), file: None });
                self.days.len() - 1
            });
        }
        self.days[self.last].pending.extend_from_slice(line);
    }

    /// How many bytes were taken and not written yet.
    pub fn pending_bytes(&self) -> usize {
        self.days.iter().map(|day| day.pending.len()).sum()
    }

    /// How many lines were taken and not written yet.
    pub fn pending_lines(&self) -> u64 {
        self.days.iter().map(|day| memchr::memchr_iter(b'\n', &day.pending).count() as u64).sum()
    }

    /// Writes what was taken, each day into its file. The lines of a day that fails are kept for
    /// the next time.
    ///
    /// # Errors
    /// The first [`AppendError`]; the other days are written.
    pub fn append(&mut self) -> Result<(), AppendError> {
        let mut outcome = Ok(());
        self.days.sort_by_key(|day| day.number);
        self.last = 0;
        for at in 0..self.days.len() {
            let appended = self.append_day(at);
            outcome = outcome.and(appended);
        }
        if self.days.len() > OPEN_DAYS {
            self.close_days();
        }
        self.poll_turn();
        outcome
    }

    /// Lets go what was taken and not written: who sent it will send it again.
    pub fn discard(&mut self) {
        self.days.iter_mut().for_each(|day| day.pending.clear());
    }

    /// What a person should hear of, since the last time this was asked.
    pub fn notes(&mut self) -> Vec<Note> {
        let mut notes = std::mem::take(&mut self.notes);
        notes.extend(self.days.iter_mut().filter_map(|day| day.file.as_mut()).flat_map(AppendFile::notes));
        notes
    }

    /// Forces what was written to the disk, unless that was not wanted, and waits until past days are compressed.
    ///
    /// # Errors
    /// [`AppendError::Sync`].
    pub fn finish(&mut self) -> Result<(), AppendError> {
        let mut outcome = Ok(());
        for file in self.days.iter_mut().filter_map(|day| day.file.as_mut()) {
            outcome = outcome.and(file.finish());
        }
        while let Some(turn) = self.turn.take() {
            self.turned(turn);
        }
        outcome
    }

    fn append_day(&mut self, at: usize) -> Result<(), AppendError> {
        let day = &mut self.days[at];
        if day.pending.is_empty() {
            return Ok(());
        }
        let name = Timestamp::from_nanos(day.number.saturating_mul(DAY_NANOS)).day();
        let path = self.folder.join(format!("{name}.ndjson"));
        let appended = loop {
            let file = match &mut day.file {
                Some(file) => file,
                None => day.file.insert(AppendFile::open(&path, self.durability)?),
            };
            match file.append_first(&day.pending) {
                // A turn was cut short between its two renames; it is brought to its end.
                Err(AppendError::Compressed { path }) => {
                    day.file = None;
                    if !turnover::complete(&self.folder, &name)? {
                        return Err(AppendError::Compressed { path });
                    }
                }
                Err(error) => {
                    if error.written() {
                        day.pending.clear();
                    }
                    return Err(error);
                }
                Ok(appended) => break appended,
            }
        };
        day.pending.clear();
        if appended.first && turnover::is_newest(&self.folder, &name) {
            self.begin_turn();
        }
        Ok(())
    }

    /// Closes the days without pending lines.
    fn close_days(&mut self) {
        let notes = self.notes();
        self.notes = notes;
        self.days.retain(|day| !day.pending.is_empty());
        self.last = 0;
    }

    fn begin_turn(&mut self) {
        if self.turn.is_some() {
            self.again = true;
            return;
        }
        let folder = self.folder.clone();
        let turn = std::thread::Builder::new().name("turnover".into()).spawn(move || turnover::turn(&folder));
        match turn {
            Ok(turn) => self.turn = Some(turn),
            Err(error) => self.notes.push(Note::StaysPlain(AppendError::io(&self.folder, "cannot start a thread", error))),
        }
    }

    fn poll_turn(&mut self) {
        if let Some(turn) = self.turn.take_if(|turn| turn.is_finished()) {
            self.turned(turn);
        }
    }

    fn turned(&mut self, turn: JoinHandle<Result<Turn, AppendError>>) {
        // A turn that panicked left every day readable, as one that was killed does.
        if let Ok(Ok(turn)) = turn.join().map(|outcome| outcome.map_err(|error| self.notes.push(Note::StaysPlain(error)))) {
            self.notes.extend(turn.notes);
        }
        if std::mem::take(&mut self.again) {
            self.begin_turn();
        }
    }
}
