//! A command's output on its way through: read from pipes as it comes, given to whoever listens.
//!
//! A command may leave processes behind that still hold its output. They must neither keep
//! us from ending nor be ended by a pipe that nobody reads: what is there when the command ends is
//! read, and the pipes are then left to `cat`, which copies on until they end.

use std::io::{PipeReader, PipeWriter, Read, Result};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::fstat;

use super::Behind;

/// How much is read at once.
const BLOCK_BYTES: usize = 64 << 10;

/// How many blocks are read after the command's end at most: what others go on writing is not waited for.
const LAST_BLOCKS: usize = 32;

/// Which of a command's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Whether a stream is to be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Keep {
    /// It is.
    Open,
    /// Nobody wants it any more; the command is to find its pipe closed.
    Closed,
}

/// Whoever listens to a command's output.
pub(super) type Take<'a> = Box<dyn FnMut(Stream, &[u8]) -> Keep + Send + 'a>;

/// The read ends of a command's output.
pub(super) struct Pipes {
    readers: Vec<(Stream, PipeReader)>,
    /// Readable once the command has ended.
    end: PipeReader,
}

/// Pipes that others still write to after the command's end.
#[derive(Default)]
pub(super) struct Left(Vec<(Stream, PipeReader)>);

impl Pipes {
    /// Makes the pipes and gives the command their write ends. What is returned beside them tells, by
    /// being dropped, that the command has ended.
    pub(super) fn new(command: &mut Command) -> Result<(Pipes, PipeWriter)> {
        let (end, ended) = std::io::pipe()?;
        let (out, to_out) = std::io::pipe()?;
        let mut readers = vec![(Stream::Out, out)];
        if are_one() {
            command.stderr(to_out.try_clone()?);
        } else {
            let (err, to_err) = std::io::pipe()?;
            command.stderr(to_err);
            readers.push((Stream::Err, err));
        }
        command.stdout(to_out);
        Ok((Pipes { readers, end }, ended))
    }

    /// Gives everything to `take` until the pipes end, or the command has and nothing more is there.
    pub(super) fn pump(mut self, take: &mut Take<'_>) -> Left {
        let mut block = vec![0; BLOCK_BYTES];
        let mut last_blocks = 0;
        while !self.readers.is_empty() && last_blocks < LAST_BLOCKS {
            let Ok((ready, has_ended)) = self.ready() else { break };
            if has_ended {
                last_blocks += 1;
                if !ready.contains(&true) {
                    break;
                }
            }
            let mut ready = ready.into_iter();
            self.readers.retain_mut(|(stream, reader)| !ready.next().unwrap_or(false) || pass(*stream, reader, &mut block, take));
        }
        Left(self.readers)
    }

    /// Waits until something can be read, or the command ends: which pipes are ready, and whether it has.
    fn ready(&self) -> Result<(Vec<bool>, bool)> {
        let mut fds: Vec<PollFd<'_>> = self.readers.iter().map(|(_, reader)| PollFd::new(reader, PollFlags::IN)).collect();
        fds.push(PollFd::new(&self.end, PollFlags::IN));
        rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
        let ended = fds.pop().is_some_and(|fd| !fd.revents().is_empty());
        Ok((fds.iter().map(|fd| !fd.revents().is_empty()).collect(), ended))
    }
}

/// Passes one block on; `false` when the pipe has ended or nobody wants it.
fn pass(stream: Stream, reader: &mut PipeReader, block: &mut [u8], take: &mut Take<'_>) -> bool {
    match reader.read(block) {
        Ok(0) => false,
        Ok(read) => take(stream, &block[..read]) == Keep::Open,
        Err(error) => error.kind() == std::io::ErrorKind::Interrupted,
    }
}

impl Left {
    /// Leaves the pipes to processes that copy on. Where none can be started, they are closed.
    pub(super) fn leave_behind(self, behind: Behind) {
        for (stream, reader) in self.0 {
            let target = match (behind, stream) {
                (Behind::Dropped, _) => Stdio::null(),
                (Behind::Passed, Stream::Out) => Stdio::inherit(),
                (Behind::Passed, Stream::Err) => match std::io::stderr().as_fd().try_clone_to_owned() {
                    Ok(stderr) => stderr.into(),
                    Err(_) => Stdio::null(),
                },
            };
            let _ = Command::new("cat").stdin(reader).stdout(target).stderr(Stdio::null()).spawn();
        }
    }
}

/// Whether this process's standard output and standard error lead to the same place.
fn are_one() -> bool {
    let stats = (fstat(std::io::stdout()), fstat(std::io::stderr()));
    matches!(stats, (Ok(out), Ok(err)) if (out.st_dev, out.st_ino, out.st_rdev) == (err.st_dev, err.st_ino, err.st_rdev))
}
