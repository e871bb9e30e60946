//! Names to addresses, without ever holding up the caller for long.
//!
//! Numeric addresses and `localhost` are known at once. Any other name is asked for on a thread,
//! which asks again until it has an answer; the caller waits as long as it likes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::Address;

/// The longest time between two questions.
const PAUSE: Duration = Duration::from_secs(30);

/// A name, known or being asked for.
pub(super) enum Resolver {
    Known(SocketAddr),
    Asking(Receiver<SocketAddr>),
}

impl Resolver {
    /// Begins to look a host up.
    pub(super) fn new(address: &Address) -> Resolver {
        if address.host == "localhost" {
            return Resolver::Known((Ipv4Addr::LOCALHOST, address.port).into());
        }
        if let Ok(ip) = address.host.parse::<IpAddr>() {
            return Resolver::Known((ip, address.port).into());
        }
        let (give, take) = channel();
        let (host, port) = (address.host.clone(), address.port);
        // Where no thread can be had nothing is ever received, and the records count as lost.
        let _ = std::thread::Builder::new().name("resolve".into()).spawn(move || {
            let mut pause = Duration::from_secs(1);
            loop {
                let found = (host.as_str(), port).to_socket_addrs().ok().and_then(|mut found| found.next());
                if let Some(found) = found {
                    // The asker may have ended meanwhile.
                    let _ = give.send(found);
                    return;
                }
                std::thread::sleep(pause);
                pause = (pause * 2).min(PAUSE);
            }
        });
        Resolver::Asking(take)
    }

    /// The address, waiting for it at most so long.
    pub(super) fn get(&mut self, wait: Duration) -> Option<SocketAddr> {
        match self {
            Resolver::Known(address) => Some(*address),
            Resolver::Asking(answer) => {
                let address = answer.recv_timeout(wait).ok()?;
                *self = Resolver::Known(address);
                Some(address)
            }
        }
    }
}
