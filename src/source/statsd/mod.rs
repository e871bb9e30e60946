//! The StatsD listener: datagrams and lines in, samples or one record a series and flush out.
//!
//! ```text
//! sockets ─batches─▶ receiving thread ─tables, blocks─▶ writing thread ─lines─▶ out
//!                          ▲─────────empty tables, blocks──────┘
//! ```
//!
//! The receiving thread never flushes and never waits for the output: at a flush it hands over its
//! table and goes on with the other one. When the writing thread still has that one, as the output
//! is not read, the window becomes longer instead; blocks for which there is no room are dropped and counted.
//!
//! With a flush, each series gives one record for each span in which something came of it:
//!
//! | type     | record                                                                          |
//! |----------|---------------------------------------------------------------------------------|
//! | `c`      | a window with count, sum and rate, the sample rates counted                     |
//! | `ms` `h` `d` | a window with count, sum, min, max, mean, p50, p95 and p99; exact up to 8,192 values, then within 1 % and the record says so |
//! | `g`      | a sample with the last value, at the end of the span; not repeated until it is set again, so that a source that died can be seen, unless told |
//! | `s`      | a window with the number of distinct members, beyond 16,384 within some 1 %     |
//!
//! Memory is bounded: so many series (further ones are summed up in `collect.overflow`), so many
//! exact values, so many blocks on their way. A series of which nothing came for six flushes is forgotten.

mod aggregate;
mod counts;
mod distribution;
mod flush;
mod reader;
mod receive;
mod series;
mod told;

pub use counts::Counts;

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

use flush::{Flush, Table, Writer};
use receive::{Receiving, Returned};

use crate::net::datagram::Socket;
use crate::net::lines::Server;
use crate::time::{Span, Timestamp};
use crate::wire::statsd::NameTags;

/// What the listener is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How often to flush; without it each sample goes out at once.
    pub flush: Option<Span>,
    /// Which tags inside names are read.
    pub names: NameTags,
    /// The most series that are kept apart.
    pub max_series: usize,
    /// Whether gauges that were not set are written again at each flush.
    pub repeat_gauges: bool,
    /// Whether windows of timers and histograms carry their sketch.
    pub sketches: bool,
}

/// Where it listens.
#[derive(Default)]
pub struct Sockets {
    /// For datagrams: UDP and Unix.
    pub datagrams: Vec<Socket>,
    /// For lines over TCP.
    pub server: Option<Server>,
}

/// How it is asked to end.
#[derive(Clone, Copy)]
pub struct Ending<'a> {
    /// Whether it was asked.
    pub asked: &'a (dyn Fn() -> bool + Sync),
    /// A file that is readable once it was asked.
    pub fd: Option<BorrowedFd<'a>>,
}

/// Where records and messages go.
pub trait Output {
    /// Writes whole lines, and sends them on at once.
    ///
    /// # Errors
    /// When they can't be written; the listener then ends.
    fn write(&mut self, lines: &[u8]) -> io::Result<()>;

    /// Tells a person something.
    fn tell(&mut self, message: &str);
}

/// Why the listener ended before it was asked.
#[derive(Debug)]
pub enum ListenError {
    /// A socket failed.
    Receive(io::Error),
    /// The output failed.
    Write(io::Error),
}

/// On its way from the receiving to the writing thread.
enum Message {
    /// Lines that go out as they are.
    Block(Vec<u8>),
    /// What came of one flush.
    Table(Box<Table>, Flush),
    /// Something to tell a person.
    Tell(String),
}

/// So many messages may be on their way. A block is some 64 KiB, or what one datagram gives.
const ON_THE_WAY: usize = 64;

/// Listens until it is asked to end; then what the kernel has received is read and written.
///
/// # Errors
/// [`ListenError`] when a socket or the output fails.
pub fn listen(
    plan: &Plan,
    sockets: Sockets,
    clock: &(dyn Fn() -> Timestamp + Sync),
    ending: Ending<'_>,
    out: &mut dyn Output,
) -> Result<Counts, ListenError> {
    let (to_writer, messages) = sync_channel(ON_THE_WAY);
    let (blocks, empty_blocks) = channel();
    let (tables, empty_tables) = channel();
    // The second of the two tables waits as if it had come back.
    let _ = tables.send(Box::new(Table::new(plan.max_series)));
    let (writing, written_to) = std::os::unix::net::UnixStream::pair().map_err(ListenError::Receive)?;
    std::thread::scope(|scope| {
        let returned = Returned { blocks: empty_blocks, tables: empty_tables };
        let thread = std::thread::Builder::new().name("statsd-receive".into());
        let receiving = thread
            .spawn_scoped(scope, move || Receiving::new(plan, sockets, clock, ending, to_writer, returned, written_to).run())
            .map_err(ListenError::Receive)?;
        let result = write_all(plan, clock, &messages, &Emptied { blocks, tables }, out);
        // Both tell the receiving thread that nobody writes any more.
        drop(messages);
        drop(writing);
        let counts = receiving.join().unwrap_or_else(|_| Err(io::Error::other("the receiving thread broke down")));
        result.map_err(ListenError::Write)?;
        counts.map_err(ListenError::Receive)
    })
}

/// The ways back of what was written.
struct Emptied {
    blocks: Sender<Vec<u8>>,
    tables: Sender<Box<Table>>,
}

/// Writes what comes until the receiving thread has ended.
fn write_all(
    plan: &Plan,
    clock: &(dyn Fn() -> Timestamp + Sync),
    messages: &Receiver<Message>,
    emptied: &Emptied,
    out: &mut dyn Output,
) -> io::Result<()> {
    let mut writer = Writer::new(plan.max_series, plan.repeat_gauges, plan.sketches);
    for message in messages {
        // What can't be given back, as the receiving thread has ended, is simply dropped.
        match message {
            Message::Tell(text) => out.tell(&text),
            Message::Block(mut block) => {
                out.write(&block)?;
                block.clear();
                let _ = emptied.blocks.send(block);
            }
            Message::Table(mut table, flush) => {
                writer.write(&mut table, &flush, &mut |block| out.write(block))?;
                let mut report = Vec::new();
                flush.counts.write(&mut report, flush.now.min(flush.end), Some(clock().since(flush.end)));
                out.write(&report)?;
                table.begin_again();
                let _ = emptied.tables.send(table);
            }
        }
    }
    Ok(())
}
