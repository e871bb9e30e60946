//! Samples over TCP: batches, tried again with growing pauses, and what is lost is counted.
//!
//! What the system has taken counts as sent: Graphite's protocol has no answer. A line of which a
//! connection took only a part is sent again whole on the next one.

use std::hash::{BuildHasher, Hasher};
use std::io::{Error, ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::resolve::Resolver;
use super::{Address, Counts, Elapsed, Outgoing, Promise, Protocol, Sink, SinkError, Taken};
use crate::time::Span;

/// How many bytes are kept while the other side is away; beyond, the oldest lines are lost.
const KEPT_BYTES: usize = 4 << 20;

/// How long connecting, and finding the address, may take.
const CONNECT: Duration = Duration::from_secs(1);

/// How long the other side may let us wait while it takes nothing.
const WRITE: Duration = Duration::from_secs(3);

/// How often is tried at the end, and when a batch fails for the first time.
const TRIES: u32 = 4;

/// The pause before the second try; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause while the other side stays away.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A connection that samples are written to.
pub(super) struct Stream {
    address: Address,
    protocol: Protocol,
    resolver: Resolver,
    connection: Option<TcpStream>,
    pending: Vec<u8>,
    /// How many deliveries in a row have failed.
    failed: u32,
    elapsed: Elapsed,
    /// When, by `elapsed`, the next try is due.
    next_try: Option<Span>,
    counts: Counts,
}

impl Stream {
    pub(super) fn new(address: &Address, protocol: Protocol, elapsed: Elapsed) -> Stream {
        Stream {
            address: address.clone(),
            protocol,
            resolver: Resolver::new(address),
            connection: None,
            pending: Vec::new(),
            failed: 0,
            elapsed,
            next_try: None,
            counts: Counts::default(),
        }
    }

    /// Tries at most so often, with pauses between.
    fn deliver(&mut self, tries: u32) -> Result<(), SinkError> {
        let mut outcome = self.send();
        for tried in 1..tries {
            if outcome.is_ok() {
                break;
            }
            std::thread::sleep(pause(tried));
            outcome = self.send();
        }
        self.failed = if outcome.is_ok() { 0 } else { self.failed.saturating_add(1) };
        let wait = Span::from_nanos(i64::try_from(pause(self.failed.saturating_add(TRIES)).as_nanos()).unwrap_or(i64::MAX));
        self.next_try = outcome.is_err().then(|| (self.elapsed)().plus(wait));
        outcome
    }

    /// Sends what is pending; what could not be sent stays.
    fn send(&mut self) -> Result<(), SinkError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let remote = |doing, error| SinkError::Remote { address: self.address.clone(), doing, error };
        if self.connection.as_ref().is_none_or(is_closed) {
            self.connection = None;
            let unknown = || Error::new(ErrorKind::NotFound, "no address found for the name");
            let connected = self.resolver.get(CONNECT).ok_or_else(unknown).and_then(connect);
            self.connection = Some(connected.map_err(|error| remote("cannot connect", error))?);
        }
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let (sent, outcome) = write(connection, &self.pending);
        match outcome {
            Ok(()) => self.pending.clear(),
            Err(error) => {
                self.connection = None;
                let whole = memchr::memrchr(b'\n', &self.pending[..sent]).map_or(0, |at| at + 1);
                self.pending.drain(..whole);
                return Err(SinkError::Remote { address: self.address.clone(), doing: "cannot send", error });
            }
        }
        Ok(())
    }

    /// Loses the oldest lines, so many that there is room for as much again.
    fn make_room(&mut self) {
        let half = self.pending.len() / 2;
        let cut = memchr::memchr(b'\n', &self.pending[half..]).map_or(self.pending.len(), |at| half + at + 1);
        self.counts.lost += lines(&self.pending[..cut]);
        self.pending.drain(..cut);
    }
}

impl Sink for Stream {
    fn name(&self) -> String {
        self.address.to_string()
    }

    fn wants_samples(&self) -> bool {
        true
    }

    fn promise(&self) -> Promise {
        Promise::Tried
    }

    fn take(&mut self, record: &Outgoing<'_>) -> Taken {
        let fits = record.sample.is_some_and(|sample| self.protocol.encode(&mut self.pending, sample));
        if !fits {
            self.counts.unfit += 1;
            return Taken::Unfit;
        }
        if self.pending.len() > KEPT_BYTES {
            self.make_room();
        }
        Taken::Yes
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        if self.next_try.is_some_and(|due| (self.elapsed)() < due) {
            return Err(SinkError::Remote {
                address: self.address.clone(),
                doing: "cannot connect",
                error: Error::new(ErrorKind::WouldBlock, "waiting before the next try"),
            });
        }
        let tries = if self.failed == 0 { TRIES } else { 1 };
        self.deliver(tries)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let delivered = self.deliver(TRIES);
        self.counts.lost += lines(&self.pending);
        self.pending.clear();
        delivered
    }

    fn counts(&self) -> Counts {
        self.counts
    }
}

fn lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

fn connect(address: std::net::SocketAddr) -> std::io::Result<TcpStream> {
    let connection = TcpStream::connect_timeout(&address, CONNECT)?;
    connection.set_write_timeout(Some(WRITE))?;
    connection.set_nodelay(true)?;
    Ok(connection)
}

/// Whether the other side has ended the connection: a write would still be taken, and lost.
fn is_closed(connection: &TcpStream) -> bool {
    let peeked = connection.set_nonblocking(true).and_then(|()| connection.peek(&mut [0]));
    let closed = match peeked {
        Ok(bytes) => bytes == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    };
    connection.set_nonblocking(false).is_err() || closed
}

/// Writes all; tells how much was taken when it fails.
fn write(connection: &mut TcpStream, bytes: &[u8]) -> (usize, std::io::Result<()>) {
    let mut sent = 0;
    while sent < bytes.len() {
        match connection.write(&bytes[sent..]) {
            Ok(0) => return (sent, Err(ErrorKind::WriteZero.into())),
            Ok(more) => sent += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (sent, Err(error)),
        }
    }
    (sent, Ok(()))
}

/// How long to wait after so many failures in a row: doubling, less up to a half by chance, so
/// that many senders do not come back at the same moment.
fn pause(failed: u32) -> Duration {
    let full = FIRST_PAUSE.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    let chance = std::hash::RandomState::new().build_hasher().finish() % 512;
    full.mul_f64(1.0 - chance as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound_and_differ() {
        for (failed, least, most) in [(1, 50, 100), (2, 100, 200), (4, 400, 800), (40, 15_000, 30_000)] {
            let found = pause(failed).as_millis();
            assert!((least..=most).contains(&found), "{failed}: {found}");
        }
    }
}
