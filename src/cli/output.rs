//! Standard output: one writer, whole lines in blocks, flushed before the tool waits.

use std::io::Write;

use super::{Failure, Io};

/// How much is gathered before it is written.
const BLOCK_BYTES: usize = 64 << 10;

/// The one writer of standard output. Lines are gathered and written in blocks; each write holds
/// whole lines only.
pub struct Output {
    stream: Box<dyn Write + Send>,
    block: Vec<u8>,
    each_line: bool,
}

impl Output {
    /// Takes standard output from `io`; what is written there afterwards goes nowhere.
    ///
    /// On a terminal, and with `line_buffered`, every line is written at once.
    pub fn take(io: &mut Io, line_buffered: bool) -> Output {
        let stream = std::mem::replace(&mut io.stdout, Box::new(std::io::sink()));
        Output { stream, block: Vec::with_capacity(BLOCK_BYTES + 4096), each_line: line_buffered || io.stdout_is_terminal }
    }

    /// Adds whole lines, each with its newline.
    ///
    /// # Errors
    /// When writing fails; [`Failure::ClosedPipe`] when the reader has left.
    #[inline]
    pub fn lines(&mut self, lines: &[u8]) -> Result<(), Failure> {
        if lines.len() >= BLOCK_BYTES {
            // What is a block by itself is not copied into one.
            self.flush()?;
            return self.stream.write_all(lines).map_err(Failure::stdout);
        }
        self.block.extend_from_slice(lines);
        if self.block.len() >= BLOCK_BYTES || self.each_line { self.flush() } else { Ok(()) }
    }

    /// Adds one line that lacks its newline.
    ///
    /// # Errors
    /// As [`Output::lines`].
    #[inline]
    pub fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.block.extend_from_slice(line);
        self.lines(b"\n")
    }

    /// Gives the gathered lines to be added to: for writers that append to a block of bytes.
    ///
    /// # Errors
    /// As [`Output::lines`].
    pub fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), Failure> {
        write(&mut self.block);
        self.lines(b"")
    }

    /// Writes what is gathered.
    ///
    /// # Errors
    /// As [`Output::lines`].
    pub fn flush(&mut self) -> Result<(), Failure> {
        if self.block.is_empty() {
            return Ok(());
        }
        let done = self.stream.write_all(&self.block).and_then(|()| self.stream.flush());
        self.block.clear();
        done.map_err(Failure::stdout)
    }
}
