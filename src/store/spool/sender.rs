//! Sending what waits in a spool: batch by batch, oldest first, each removed once it is out.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use super::super::append::{AppendFile, Durability};
use super::{PARTS, Spool, SpoolError};

/// What became of a batch of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// The destination has it.
    Sent,
    /// The destination will never take it; it is put aside and the next is tried.
    Refused,
    /// The destination could not be reached; it stays, and so does all behind it.
    Failed,
}

/// What sending came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drained {
    /// How many lines the destination has taken.
    pub sent_lines: u64,
    /// How many lines were put aside.
    pub refused_lines: u64,
    /// Whether nothing waits any more.
    pub is_empty: bool,
}

/// The right to send, held until dropped.
pub struct Sender<'a> {
    spool: &'a Spool,
    _lock: File,
}

/// What stands at the place that sending has come to.
enum Next {
    /// Whole lines, from `at` in a part.
    Lines {
        part: u64,
        at: u64,
        lines: Vec<u8>,
    },
    Nothing,
}

impl<'a> Sender<'a> {
    pub(super) const fn new(spool: &'a Spool, lock: File) -> Sender<'a> {
        Sender { spool, _lock: lock }
    }

    /// Gives what waits to `give`, in order, in batches of whole lines: as many as fit into
    /// `batch_bytes`, but always one. Goes on until nothing waits or a batch fails.
    ///
    /// # Errors
    /// When the spool can't be read or changed; what was given before is out.
    pub fn drain(&mut self, batch_bytes: usize, give: &mut dyn FnMut(&[u8]) -> Given) -> Result<Drained, SpoolError> {
        let mut drained = Drained::default();
        loop {
            let Next::Lines { part, at, lines } = self.next(batch_bytes)? else {
                drained.is_empty = true;
                return Ok(drained);
            };
            let count = memchr::memchr_iter(b'\n', &lines).count().max(1) as u64;
            match give(&lines) {
                Given::Failed => return Ok(drained),
                Given::Sent => drained.sent_lines += count,
                Given::Refused => {
                    drained.refused_lines += count;
                    self.put_aside(&lines)?;
                }
            }
            self.mark(part, at + lines.len() as u64)?;
        }
    }

    /// Finds the next lines; removes parts that are out.
    fn next(&self, batch_bytes: usize) -> Result<Next, SpoolError> {
        loop {
            let Some(part) = self.spool.parts()?.first().copied() else { return Ok(Next::Nothing) };
            let (sent_part, sent) = self.spool.sent();
            let at = if part == sent_part { sent } else { 0 };
            let lines = self.read(part, at, batch_bytes)?;
            if lines.ends_with(b"\n") {
                return Ok(Next::Lines { part, at, lines });
            }
            // At the end of the part, as it seems: nobody may add to it while it is removed.
            let _lock = self.spool.lock()?;
            let lines = self.read(part, at, batch_bytes)?;
            if !lines.is_empty() {
                // A last line without its end was torn by a kill; who sends it sees whether it is a record.
                return Ok(Next::Lines { part, at, lines });
            }
            self.spool.remove(part)?;
        }
    }

    /// Reads whole lines from a place in a part; nothing at its end, or when it was dropped.
    fn read(&self, part: u64, at: u64, batch_bytes: usize) -> Result<Vec<u8>, SpoolError> {
        let path = self.spool.part(part);
        let cannot = |error| SpoolError::io(&path, "cannot read", error);
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            opened => opened.map_err(cannot)?,
        };
        file.seek(SeekFrom::Start(at)).map_err(cannot)?;
        let mut lines = vec![0; batch_bytes.max(4096)];
        let mut filled = 0;
        loop {
            let read = file.read(&mut lines[filled..]).map_err(cannot)?;
            filled += read;
            if let Some(whole) = whole_lines(&lines[..filled], batch_bytes) {
                lines.truncate(whole);
                return Ok(lines);
            }
            if read == 0 {
                // A line whose end has not come is given by itself, once nothing whole stands before it.
                let whole = memchr::memrchr(b'\n', &lines[..filled]).map_or(filled, |end| end + 1);
                lines.truncate(whole);
                return Ok(lines);
            }
            if filled == lines.len() {
                lines.resize(filled * 2, 0);
            }
        }
    }

    /// Remembers how far sending has come. One small write in place: a kill leaves the old or the new.
    fn mark(&self, part: u64, bytes: u64) -> Result<(), SpoolError> {
        let path = self.spool.folder.join("sent");
        let cannot = |error| SpoolError::io(&path, "cannot write", error);
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(cannot)?;
        file.write_all_at(format!("{part:010} {bytes:010}\n").as_bytes(), 0).map_err(cannot)
    }

    /// Keeps what was refused for a person to see, as far as there is room: an eighth of the bound.
    fn put_aside(&self, lines: &[u8]) -> Result<(), SpoolError> {
        let path = self.spool.folder.join("refused.ndjson");
        let kept = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        if kept + lines.len() as u64 > self.spool.most_bytes / PARTS {
            return Ok(());
        }
        let mut whole = lines.to_vec();
        if !whole.ends_with(b"\n") {
            whole.push(b'\n');
        }
        AppendFile::open(&path, Durability::Never).and_then(|mut file| file.append(&whole)).map_err(SpoolError::Append)
    }
}

/// Where the lines end that are given at once: the last newline within `batch_bytes`, or else the first.
/// `None` while more must be read to tell.
fn whole_lines(bytes: &[u8], batch_bytes: usize) -> Option<usize> {
    let within = bytes.get(..batch_bytes)?;
    memchr::memrchr(b'\n', within).or_else(|| memchr::memchr(b'\n', bytes)).map(|end| end + 1)
}
