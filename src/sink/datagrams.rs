//! Samples over UDP: many lines a datagram, never blocking, never failing.
//!
//! The sender matters more than the sample: what can't be sent at once is counted as lost.
//! A connected socket tells of a receiver that is not there: the system then refuses the *next*
//! call, which has sent nothing itself; so the one before counts as lost, and this one is sent again.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use super::resolve::Resolver;
use super::{Address, Counts, Outgoing, Promise, Protocol, Sink, SinkError, Taken};

/// The most bytes a datagram carries: an Ethernet frame's 1500 less headers of IPv6 and UDP and
/// some room for tunnels; the size that StatsD's own documentation gives for such networks.
const DATAGRAM_BYTES: usize = 1432;

/// How long the first datagram waits for the host's address.
const RESOLVE: Duration = Duration::from_secs(1);

/// A sender of datagrams.
pub(super) struct Datagrams {
    address: Address,
    protocol: Protocol,
    resolver: Resolver,
    waited: bool,
    socket: Option<UdpSocket>,
    /// Whole datagrams, one behind the other.
    pending: Vec<u8>,
    /// Where each of them ends, and how many samples it holds.
    ends: Vec<(usize, u64)>,
    /// The samples of the datagram sent last, whose refusal may still come.
    last: u64,
    counts: Counts,
}

impl Datagrams {
    pub(super) fn new(address: &Address, protocol: Protocol) -> Datagrams {
        Datagrams {
            address: address.clone(),
            protocol,
            resolver: Resolver::new(address),
            waited: false,
            socket: None,
            pending: Vec::new(),
            ends: Vec::new(),
            last: 0,
            counts: Counts::default(),
        }
    }

    /// The socket, opened and connected at the first use.
    fn connect(&mut self) {
        if self.socket.is_some() {
            return;
        }
        let wait = if std::mem::replace(&mut self.waited, true) { Duration::ZERO } else { RESOLVE };
        let Some(address) = self.resolver.get(wait) else { return };
        let any: SocketAddr = if address.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
        let opened =
            UdpSocket::bind(any).and_then(|socket| socket.connect(address).and_then(|()| socket.set_nonblocking(true)).map(|()| socket));
        self.socket = opened.ok();
    }

    /// Sends all datagrams, or counts them as lost.
    fn send(&mut self) {
        if self.ends.is_empty() {
            return;
        }
        self.connect();
        let mut start = 0;
        for (end, samples) in std::mem::take(&mut self.ends) {
            let datagram = &self.pending[start..end];
            start = end;
            let Some(socket) = &self.socket else {
                self.counts.lost += samples;
                continue;
            };
            let mut sent = socket.send(datagram);
            if sent.as_ref().is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
                self.counts.lost += std::mem::take(&mut self.last);
                sent = socket.send(datagram);
            }
            self.last = 0;
            match sent {
                Ok(_) => self.last = samples,
                Err(_) => self.counts.lost += samples,
            }
        }
        self.pending.clear();
    }
}

impl Sink for Datagrams {
    fn name(&self) -> String {
        self.address.to_string()
    }

    fn wants_samples(&self) -> bool {
        true
    }

    fn promise(&self) -> Promise {
        Promise::Sent
    }

    fn take(&mut self, record: &Outgoing<'_>) -> Taken {
        let fits = record.sample.is_some_and(|sample| self.protocol.encode(&mut self.pending, sample));
        if !fits {
            self.counts.unfit += 1;
            return Taken::Unfit;
        }
        let (now, start) = (self.pending.len(), self.ends.iter().rev().nth(1).map_or(0, |(end, _)| *end));
        match self.ends.last_mut() {
            Some((end, samples)) if now - start <= DATAGRAM_BYTES => (*end, *samples) = (now, *samples + 1),
            _ => self.ends.push((now, 1)),
        }
        Taken::Yes
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.send();
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.send();
        // A refusal of the last datagram is known at once only on this machine; it is asked for once.
        if let Some(Ok(Some(_))) = self.socket.as_ref().map(UdpSocket::take_error) {
            self.counts.lost += std::mem::take(&mut self.last);
        }
        Ok(())
    }

    fn counts(&self) -> Counts {
        self.counts
    }
}
