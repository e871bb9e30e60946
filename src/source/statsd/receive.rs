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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Round {
    Nothing,
    /// All that was there.
    Some,
    /// A full batch: there may be more.
    Full,
}

impl Round {
    const fn of(any: bool) -> Round {
        if any { Round::Some } else { Round::Nothing }
    }
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
        let mut sockets = std::mem::take(&mut self.sockets);
        let mut round = Round::Nothing;
        for socket in &sockets.datagrams {
            let count = batch.receive(socket)?;
            for datagram in batch.datagrams() {
                self.reader.datagram(datagram, now);
                self.send_full_block();
            }
            round = round.max(if count == BATCH { Round::Full } else { Round::of(count > 0) });
        }
        if let Some(server) = &mut sockets.server {
            let mut any = false;
            let more = server.read(&mut |found| {
                any = true;
                self.found(&found, now);
            });
            round = round.max(if more { Round::Full } else { Round::of(any) });
        }
        self.sockets = sockets;
        Ok(round)
    }

    /// Takes what came over TCP.
    fn found(&mut self, found: &Found<'_>, now: Timestamp) {
        match found {
            Found::Line(line) => self.reader.line(line, now),
            Found::TooLong(begin) => self.reader.reject(begin, DecodeError::at(0, "a line was longer than 65536 bytes")),
            Found::TooMany => self.reader.reject(b"", DecodeError::at(0, "more than 256 connections; one was closed")),
        }
        self.send_full_block();
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
        if !self.reader.to_tell.is_empty() {
            self.tell();
        }
    }

    /// Sends what is to be told; where there is no room it waits for later, of which there is a bound: ten of a cause.
    fn tell(&mut self) {
        let mut left = std::mem::take(&mut self.reader.to_tell).into_iter();
        for message in left.by_ref() {
            if let Err(Message::Tell(message)) = self.send(Message::Tell(message), false) {
                self.reader.to_tell.push(message);
                break;
            }
        }
        self.reader.to_tell.extend(left);
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
        } else {
            self.tell_stall();
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

    #[inline]
    fn send_full_block(&mut self) {
        if self.reader.block.len() >= BLOCK_BYTES {
            self.send_block();
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
            self.tell_stall();
        }
    }

    /// Tells, the first time, that the writing thread waits for its reader, and what follows from it.
    fn tell_stall(&mut self) {
        if !std::mem::replace(&mut self.stall_told, true) {
            let follows = match self.reader.mode {
                Mode::Raw(_) => "records are dropped and counted",
                Mode::Summed(_) => "windows become longer",
            };
            self.reader.to_tell.push(format!("statsd: standard output is not read in time; {follows}"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::datagram::Socket;
    use crate::source::statsd::ON_THE_WAY;
    use crate::wire::statsd::NameTags;
    use std::net::UdpSocket;
    use std::sync::mpsc::{Sender, channel, sync_channel};

    const fn at(seconds: u32) -> Timestamp {
        Timestamp::from_nanos(seconds as i64 * 1_000_000_000)
    }

    /// A receiving thread's state without the thread, and the ends of its channels.
    struct Bench {
        receiving: Receiving<'static>,
        batch: Batch,
        sender: UdpSocket,
        messages: Receiver<Message>,
        tables: Sender<Box<Table>>,
        _blocks: Sender<Vec<u8>>,
        _writing: UnixStream,
    }

    impl Bench {
        /// At second 12, with room for so many messages.
        fn new(flush: Option<Span>, room: usize) -> Bench {
            let socket = Socket::udp("127.0.0.1:0".parse().unwrap(), 1 << 20).unwrap();
            let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
            sender.connect(socket.address().unwrap()).unwrap();
            let (to_writer, messages) = sync_channel(room);
            let (blocks, empty_blocks) = channel();
            let (tables, empty_tables) = channel();
            let (writing, written_to) = UnixStream::pair().unwrap();
            let plan = Plan { flush, names: NameTags::Kept, max_series: 10, repeat_gauges: false, sketches: false };
            let sockets = Sockets { datagrams: vec![socket], server: None };
            let ending = Ending { asked: &|| false, fd: None };
            let returned = Returned { blocks: empty_blocks, tables: empty_tables };
            let receiving = Receiving::new(&plan, sockets, &|| at(12), ending, to_writer, returned, written_to);
            Bench { receiving, batch: Batch::new(), sender, messages, tables, _blocks: blocks, _writing: writing }
        }

        /// One round at a second, in which one metric comes.
        fn round(&mut self, second: u32) {
            self.sender.send(b"a:1|c").unwrap();
            self.receiving.tick(at(second));
            assert_eq!(self.receiving.receive(&mut self.batch, at(second)).unwrap(), Round::Some);
        }

        /// The start and end of each table that was sent, with its sum; the tables are not given back.
        fn flushed(&self) -> Vec<(Timestamp, Timestamp, u64, Box<Table>)> {
            let table = |message| match message {
                Message::Table(table, flush) => Some((flush.start, flush.end, flush.counts.lines, table)),
                _ => None,
            };
            self.messages.try_iter().filter_map(table).collect()
        }
    }

    #[test]
    fn a_window_is_flushed_at_its_end_and_becomes_longer_while_the_writer_is_late() {
        let mut bench = Bench::new(Some(Span::from_secs(10)), ON_THE_WAY);
        bench.tables.send(Box::new(Table::new(10))).unwrap();
        [12, 19, 20].into_iter().for_each(|second| bench.round(second));
        let mut first = bench.flushed();
        let (start, end, lines, table) = first.remove(0);
        assert_eq!((start, end, lines), (at(10), at(20), 2));
        [25, 30, 35].into_iter().for_each(|second| bench.round(second));
        assert!(bench.flushed().is_empty(), "no table is free");
        bench.tables.send(table).unwrap();
        bench.round(40);
        let (start, end, lines, _) = bench.flushed().remove(0);
        assert_eq!((start, end, lines), (at(20), at(40), 4));
    }

    #[test]
    fn a_full_channel_keeps_the_table_and_what_came_later() {
        let mut bench = Bench::new(Some(Span::from_secs(10)), 1);
        bench.tables.send(Box::new(Table::new(10))).unwrap();
        bench.receiving.to_writer.try_send(Message::Tell(String::new())).unwrap();
        [12, 20, 21].into_iter().for_each(|second| bench.round(second));
        assert!(bench.flushed().is_empty());
        bench.round(30);
        let (start, end, lines, mut table) = bench.flushed().remove(0);
        assert_eq!((start, end, lines), (at(10), at(30), 3));
        assert!(table.known.sorted().all(|(_, _, slot)| slot.touched));
    }

    #[test]
    fn a_clock_set_back_ends_the_window_at_once() {
        let mut bench = Bench::new(Some(Span::from_secs(10)), ON_THE_WAY);
        bench.tables.send(Box::new(Table::new(10))).unwrap();
        bench.tables.send(Box::new(Table::new(10))).unwrap();
        [12, 5, 10].into_iter().for_each(|second| bench.round(second));
        let found: Vec<_> = bench.flushed().into_iter().map(|(start, end, lines, _)| (start, end, lines)).collect();
        assert_eq!(found, [(at(10), at(20), 1), (at(0), at(10), 1)]);
    }

    #[test]
    fn raw_blocks_without_room_are_dropped_and_counted() {
        let mut bench = Bench::new(None, 1);
        for _ in 0..3 {
            bench.round(13);
            bench.receiving.send_block();
        }
        assert_eq!(bench.receiving.reader.counts.dropped_at_output, 2);
        assert!(matches!(&bench.messages.try_iter().collect::<Vec<_>>()[..], [Message::Block(_)]));
        bench.round(20);
        let [Message::Block(report)] = &bench.messages.try_iter().collect::<Vec<_>>()[..] else { panic!() };
        assert!(String::from_utf8_lossy(report).contains("\"collect.dropped\",\"value\":2,"));
        assert_eq!(bench.receiving.reader.counts.dropped_at_output, 0);
    }
}
