//! Files and histories: the lines as they are, appended durably.

use std::path::Path;

use super::{Counts, Outgoing, Promise, Sink, SinkError, Taken};
use crate::store::append::{AppendError, AppendFile, AppendHistory, Durability, shown};

/// How many bytes are kept while a file can't be written: a full disk may get room again.
const KEPT_BYTES: usize = 8 << 20;

/// A file.
pub(super) struct FileSink {
    name: String,
    file: AppendFile,
    pending: Vec<u8>,
    lost: u64,
}

impl FileSink {
    pub(super) fn open(path: &Path, durability: Durability) -> Result<FileSink, AppendError> {
        Ok(FileSink { name: shown(path), file: AppendFile::open(path, durability)?, pending: Vec::new(), lost: 0 })
    }
}

impl Sink for FileSink {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn promise(&self) -> Promise {
        Promise::Kept
    }

    fn take(&mut self, record: &Outgoing<'_>) -> Taken {
        if self.pending.len() + record.line.len() > KEPT_BYTES {
            self.lost += 1;
            return Taken::Full;
        }
        self.pending.extend_from_slice(record.line);
        Taken::Yes
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let appended = self.file.append(&self.pending);
        if appended.as_ref().map_or_else(AppendError::written, |()| true) {
            self.pending.clear();
        }
        Ok(appended?)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let flushed = self.flush();
        self.lost += memchr::memchr_iter(b'\n', &self.pending).count() as u64;
        self.pending.clear();
        flushed.and(self.file.finish().map_err(SinkError::from))
    }

    fn counts(&self) -> Counts {
        Counts { lost: self.lost, unfit: 0 }
    }

    fn notes(&mut self) -> Vec<String> {
        self.file.notes().iter().map(ToString::to_string).collect()
    }
}

/// A folder with a file a day.
pub(super) struct HistorySink {
    name: String,
    history: AppendHistory,
    lost: u64,
}

impl HistorySink {
    pub(super) fn open(path: &Path, durability: Durability) -> Result<HistorySink, AppendError> {
        Ok(HistorySink { name: shown(path), history: AppendHistory::open(path, durability)?, lost: 0 })
    }
}

impl Sink for HistorySink {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn promise(&self) -> Promise {
        Promise::Kept
    }

    fn take(&mut self, record: &Outgoing<'_>) -> Taken {
        if self.history.pending_bytes() + record.line.len() > KEPT_BYTES {
            self.lost += 1;
            return Taken::Full;
        }
        self.history.add(record.ts, record.line);
        Taken::Yes
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(self.history.append()?)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let flushed = self.flush();
        self.lost += self.history.pending_lines();
        flushed.and(self.history.finish().map_err(SinkError::from))
    }

    fn counts(&self) -> Counts {
        Counts { lost: self.lost, unfit: 0 }
    }

    fn notes(&mut self) -> Vec<String> {
        self.history.notes().iter().map(ToString::to_string).collect()
    }
}
