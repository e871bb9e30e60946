//! Words to systemd: that a service is ready, that its main loop turns, that it ends.
//!
//! A service of `Type=notify` is told by a datagram to the socket that NOTIFY_SOCKET names; with
//! `WatchdogSec=` systemd kills and starts anew one that has not fed its watchdog for so long, of which
//! WATCHDOG_USEC tells. Source: systemd's sd_notify(3) and sd_watchdog_enabled(3).

use std::collections::HashMap;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use crate::time::Span;

/// The socket that systemd listens on.
pub(super) struct Notify {
    socket: UnixDatagram,
    address: SocketAddr,
    /// How often the watchdog wants to be fed at least.
    pub(super) watchdog: Option<Span>,
}

impl Notify {
    /// Finds the socket, where there is one.
    pub(super) fn of(env: &HashMap<String, String>) -> Option<Notify> {
        let name = env.get("NOTIFY_SOCKET")?;
        let address = match name.strip_prefix('@') {
            Some(name) => abstract_name(name),
            None if name.starts_with('/') => SocketAddr::from_pathname(name),
            // What is neither (vsock) tells of a virtual machine, which this is not.
            None => return None,
        };
        let socket = UnixDatagram::unbound().ok()?;
        // A system that does not listen must not hold the work.
        socket.set_nonblocking(true).ok()?;
        Some(Notify { socket, address: address.ok()?, watchdog: watchdog(env) })
    }

    /// Tells one thing. What can't be told is not: whoever does not hear it acts by itself.
    pub(super) fn tell(&self, word: &str) {
        let _ = self.socket.send_to_addr(word.as_bytes(), &self.address);
    }
}

/// An address that is in no file system; only Linux has them, as only it has systemd.
#[cfg(target_os = "linux")]
fn abstract_name(name: &str) -> std::io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_: &str) -> std::io::Result<SocketAddr> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// How often the watchdog wants to be fed; nothing when it watches another process.
fn watchdog(env: &HashMap<String, String>) -> Option<Span> {
    let of = env.get("WATCHDOG_PID").filter(|pid| !pid.is_empty());
    if of.is_some_and(|pid| *pid != std::process::id().to_string()) {
        return None;
    }
    let micros: i64 = env.get("WATCHDOG_USEC")?.parse().ok().filter(|micros| *micros > 0)?;
    // Half of the time that it waits, as systemd advises.
    Some(Span::from_nanos(micros.saturating_mul(500)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_watchdog_is_fed_twice_as_often_as_it_asks_and_only_by_its_own_process() {
        let own = std::process::id().to_string();
        for (pairs, expected) in [
            (&[("WATCHDOG_USEC", "3000000")][..], Some(Span::from_millis(1500))),
            (&[("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", &own)], Some(Span::from_millis(1500))),
            (&[("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", "1")], None),
            (&[("WATCHDOG_USEC", "0")], None),
            (&[("WATCHDOG_USEC", "soon")], None),
            (&[], None),
        ] {
            assert_eq!(watchdog(&env(pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn words_arrive_at_a_path_and_at_an_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("pipewatch-test-{}", std::process::id());
        let listening = UnixDatagram::bind(&path).unwrap();
        let hidden = UnixDatagram::bind_addr(&abstract_name(&name).unwrap()).unwrap();
        for (socket, text) in [(&listening, path.to_str().unwrap().to_owned()), (&hidden, format!("@{name}"))] {
            Notify::of(&env(&[("NOTIFY_SOCKET", &text)])).unwrap().tell("READY=1");
            let mut bytes = [0; 20];
            let read = socket.recv(&mut bytes).unwrap();
            assert_eq!(&bytes[..read], b"READY=1");
        }
        assert!(Notify::of(&env(&[("NOTIFY_SOCKET", "vsock:2:1")])).is_none());
    }
}
