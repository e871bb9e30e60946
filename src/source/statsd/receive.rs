//! The receiving thread: sockets to the reader, and its tables and blocks to the writing thread.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::flush::{Flush, Table};
use super::reader::{Mode, Reader};
use super::{Counts, Ending, Message, Plan, Sockets};
use crate::net::datagram::{BATCH, Batch};
use crate::net::lines::Found;
use crate::time::{Span, Timestamp};
use crate::wire::DecodeError;

/// How often it reports on itself when there is no flush.
const REPORT: Span = Span::from_secs(10);

/// A block of about this size is sent without waiting for a pause.
const BLOCK_BYTES: usize = 64 * 1024;

/// The longest that it naps while datagrams come, to receive many at once.
const NAP: Duration = Duration::from_millis(1);

/// The longest wait, in which a request to end may go unseen where no file tells of it.
const WAIT: Span = Span::from_secs(1);

/// What the writing thread gives back.
pub(super) struct Returned {
    pub(super) blocks: Receiver<Vec<u8>>,
    pub(super) tables: Receiver<Box<Table>>,
}

/// The receiving thread.
pub(super) struct Receiving<'a> {
    sockets: Sockets,
    clock: &'a (dyn Fn() -> Timestamp + Sync),
    ending: Ending<'a>,
    to_writer: SyncSender<Message>,
    returned: Returned,
    /// Its other end is dropped when nobody writes any more.
    written_to: UnixStream,
    reader: Reader,
    /// An empty table that could not be put to use.
    spare: Option<Box<Table>>,
    every: Span,
    start: Timestamp,
    end: Timestamp,
    nap: Duration,
    total: Counts,
    /// Whether the writing thread is gone.
    closed: bool,
    stall_told: bool,
    loss_told: bool,
}

/// What one round of receiving found.
#[derive(PartialEq, Eq)]
enum Round {
    Nothing,
    /// All that was there.
    Some,
    /// A full batch: there may be more.
    Full,
}

impl<'a> Receiving<'a> {
    pub(super) fn new(
        plan: &Plan,
        sockets: Sockets,
        clock: &'a (dyn Fn() -> Timestamp + Sync),
        ending: Ending<'a>,
        to_writer: SyncSender<Message>,
        returned: Returned,
        written_to: UnixStream,
    ) -> Receiving<'a> {
        let every = plan.flush.unwrap_or(REPORT);
        let start = clock().floor_to(every);
        Receiving {
            nap: nap(&sockets),
            reader: Reader::new(plan.names, plan.max_series, plan.flush.is_some()),
            spare: None,
            sockets,
            clock,
            ending,
            to_writer,
            returned,
            written_to,
            every,
            start,
            end: start.plus(every),
            total: Counts::default(),
            closed: false,
            stall_told: false,
            loss_told: false,
        }
    }

    /// Receives until asked to end, then what is still there.
    pub(super) fn run(mut self) -> io::Result<Counts> {
        let mut batch = Batch::new();
        let mut woken = false;
        while !self.closed && !(self.ending.asked)() {
            let now = (self.clock)();
            self.tick(now);
            match self.receive(&mut batch, now)? {
                Round::Full => {}
                // More come, it seems; a nap lets many gather, which costs less than a call for each.
                Round::Some => {
                    self.send_block();
                    std::thread::sleep(self.nap);
                    woken = false;
                }
                Round::Nothing => {
                    self.send_block();
                    if woken {
                        // Something is ready that can't be read (no file is left for a new connection); not to spin.
                        std::thread::sleep(NAP);
                    }
                    woken = self.wait(now)?;
                }
            }
        }
        self.finish(&mut batch)
    }

    /// Receives one batch of each socket.
    fn receive(&mut self, batch: &mut Batch, now: Timestamp) -> io::Result<Round> {
        let mut round = Round::Nothing;
        for socket in &self.sockets.datagrams {
            let count = batch.receive(socket)?;
            for datagram in batch.datagrams() {
                self.reader.datagram(datagram, now);
            }
            if count == BATCH {
                round = Round::Full;
            } else if count > 0 && round == Round::Nothing {
                round = Round::Some;
            }
        }
        if let Some(server) = &mut self.sockets.server {
            let (reader, mut any) = (&mut self.reader, false);
            let more = server.read(&mut |found| {
                any = true;
                match found {
                    Found::Line(line) => reader.line(line, now),
                    Found::TooLong(begin) => reader.reject(begin, DecodeError::at(0, "a line was longer than 65536 bytes")),
                    Found::TooMany => reader.reject(b"", DecodeError::at(0, "more than 256 connections; one was closed")),
                }
            });
            if more {
                round = Round::Full;
            } else if any && round == Round::Nothing {
                round = Round::Some;
            }
        }
        if self.reader.block.len() >= BLOCK_BYTES {
            self.send_block();
        }
        Ok(round)
    }

    /// Waits until something comes, the flush is due, or it is asked to end; returns whether something is ready.
    fn wait(&self, now: Timestamp) -> io::Result<bool> {
        let files = self.sockets.datagrams.iter().map(|socket| socket.as_fd());
        let files = files.chain(self.sockets.server.iter().flat_map(|server| server.fds())).chain(self.ending.fd);
        let mut files: Vec<_> = files.chain([self.written_to.as_fd()]).map(|file| PollFd::from_borrowed_fd(file, PollFlags::IN)).collect();
        let left = self.end.since(now).min(WAIT).nanos();
        // One nanosecond too early would be a round for nothing.
        let left = Timespec { tv_sec: left / 1_000_000_000, tv_nsec: left % 1_000_000_000 + 1 };
        match poll(&mut files, Some(&left)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Flushes, or reports, when it is time; also when the clock was set back.
    fn tick(&mut self, now: Timestamp) {
        if now >= self.end || now < self.start {
            let empty = self.spare.take().or_else(|| self.returned.tables.try_recv().ok());
            self.flush(now, empty, false);
            self.reader.begin_again();
        }
        for message in std::mem::take(&mut self.reader.to_tell) {
            // Where the writer is behind, what is told can wait for the count at the end.
            let _ = self.to_writer.try_send(Message::Tell(message));
        }
    }

    /// Hands the table over, or writes the report; where that can't be done now, the span is made longer.
    fn flush(&mut self, now: Timestamp, empty: Option<Box<Table>>, last: bool) {
        let lost: u64 = self.sockets.datagrams.iter_mut().map(|socket| socket.dropped()).sum();
        self.reader.counts.dropped_by_kernel += lost;
        if lost > 0 && !std::mem::replace(&mut self.loss_told, true) {
            self.reader.to_tell.push(format!("statsd: the kernel dropped {lost} datagrams, as more came than could be read"));
        }
        let next = now.floor_to(self.every);
        let flush = Flush { start: self.start, end: self.end, now, counts: self.reader.counts };
        let sent = match &mut self.reader.mode {
            Mode::Raw(_) => {
                let mut report = Vec::new();
                flush.counts.write(&mut report, now, None);
                self.send(Message::Block(report), last).is_ok()
            }
            Mode::Summed(table) => match empty {
                Some(empty) => {
                    let full = std::mem::replace(table, empty);
                    self.send_table(full, flush, last)
                }
                None => false,
            },
        };
        if sent {
            self.total.add(std::mem::take(&mut self.reader.counts));
            self.start = next;
        } else if !std::mem::replace(&mut self.stall_told, true) {
            self.reader.to_tell.push("statsd: standard output is not read in time; windows become longer".into());
        }
        self.end = next.plus(self.every);
    }

    /// Sends the table; where there is no room, goes on with it, as nothing has come to the other one.
    fn send_table(&mut self, full: Box<Table>, flush: Flush, last: bool) -> bool {
        match self.send(Message::Table(full, flush), last) {
            Ok(()) => true,
            Err(Message::Table(full, _)) => {
                if let Mode::Summed(empty) = std::mem::replace(&mut self.reader.mode, Mode::Summed(full)) {
                    self.spare = Some(empty);
                }
                false
            }
            Err(_) => false,
        }
    }

    fn send_block(&mut self) {
        if self.reader.block.is_empty() {
            return;
        }
        let empty = self.returned.blocks.try_recv().unwrap_or_default();
        let block = std::mem::replace(&mut self.reader.block, empty);
        let records = std::mem::take(&mut self.reader.block_records);
        if self.send(Message::Block(block), false).is_err() {
            self.reader.counts.dropped_at_output += records;
            if !std::mem::replace(&mut self.stall_told, true) {
                self.reader.to_tell.push("statsd: standard output is not read in time; records are dropped and counted".into());
            }
        }
    }

    /// Sends without waiting, save at the end; gives the message back when there is no room.
    fn send(&mut self, message: Message, last: bool) -> Result<(), Message> {
        if last {
            return self.to_writer.send(message).map_err(|error| error.0);
        }
        self.to_writer.try_send(message).map_err(|error| match error {
            TrySendError::Full(message) => message,
            TrySendError::Disconnected(message) => {
                self.closed = true;
                message
            }
        })
    }

    /// Reads what the kernel still holds, and writes all of it and the counts.
    fn finish(mut self, batch: &mut Batch) -> io::Result<Counts> {
        /// So many rounds at the end: senders may never stop, and a person waits.
        const ROUNDS: usize = 4096;
        for _ in 0..ROUNDS {
            if self.closed || self.receive(batch, (self.clock)())? == Round::Nothing {
                break;
            }
        }
        let block = std::mem::take(&mut self.reader.block);
        if !block.is_empty() {
            let _ = self.send(Message::Block(block), true);
        }
        self.flush_last();
        let summary: Vec<String> = self.reader.to_tell.drain(..).chain(self.reader.rejected.summary()).collect();
        for message in summary.into_iter().chain(self.losses()) {
            let _ = self.send(Message::Tell(message), true);
        }
        Ok(self.total)
    }

    /// Flushes at the end, waiting for the other table where the writing thread still has it.
    fn flush_last(&mut self) {
        let summed = matches!(self.reader.mode, Mode::Summed(_));
        let empty = self.spare.take().or_else(|| if summed { self.returned.tables.recv().ok() } else { None });
        self.flush((self.clock)(), empty, true);
    }

    fn losses(&self) -> Option<String> {
        let Counts { dropped_by_kernel, dropped_at_output, .. } = self.total;
        (dropped_by_kernel + dropped_at_output > 0).then(|| {
            format!("statsd: {dropped_by_kernel} datagrams were lost in the kernel, and {dropped_at_output} records at the output")
        })
    }
}

/// How long it may nap: while a quarter of the smallest buffer fills at a million small datagrams a
/// second, each of which takes some 768 bytes of kernel memory.
fn nap(sockets: &Sockets) -> Duration {
    let least = sockets.datagrams.iter().map(|socket| socket.buffer_bytes()).min().unwrap_or(usize::MAX);
    Duration::from_micros((least / 4 / 768) as u64).min(NAP)
}
