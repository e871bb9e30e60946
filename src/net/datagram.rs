//! Datagrams, received in batches: one call to the kernel for up to [`BATCH`] of them.
//!
//! A receiver that asks for each datagram by itself spends most of its time on asking. The socket's
//! buffer is made as large as the kernel allows, so that a pause of the receiver loses nothing, and
//! what was lost all the same is told by the kernel's own counter ([`Socket::dropped`]).
//!
//! This module holds the project's only `unsafe`: recvmmsg(2) and the socket option SO_MEMINFO are
//! in neither `rustix` nor `socket2`.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Type};

/// The most datagrams that one call receives.
pub const BATCH: usize = 256;

/// The longest datagram that is received whole; UDP allows 65,507 bytes.
pub const DATAGRAM_BYTES: usize = 65_536;

/// Between the starts of two datagrams in memory. Not a power of two, as otherwise the starts, which
/// are all that short datagrams fill, would share a few lines of the processor's cache.
const STRIDE: usize = DATAGRAM_BYTES + 64;

/// A bound socket for datagrams.
pub struct Socket {
    fd: OwnedFd,
    /// The path to remove at the end, of a Unix socket.
    path: Option<PathBuf>,
    /// The kernel's counter at the last look.
    dropped: u32,
}

impl Socket {
    /// Listens for UDP at an address, with a buffer of so many bytes or the most that is allowed.
    ///
    /// # Errors
    /// When the address can't be bound.
    pub fn udp(address: SocketAddr, buffer_bytes: usize) -> io::Result<Socket> {
        let socket = socket2::Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
        widen(&socket, buffer_bytes);
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        Ok(Socket { fd: socket.into(), path: None, dropped: 0 })
    }

    /// Listens at a Unix socket's path, which is removed when the socket is dropped.
    ///
    /// A socket that a process left there when it died is replaced.
    ///
    /// # Errors
    /// When the path can't be bound, holds something else than a socket, or another process listens there.
    pub fn unix(path: &Path, buffer_bytes: usize) -> io::Result<Socket> {
        let socket = socket2::Socket::new(Domain::UNIX, Type::DGRAM, None)?;
        widen(&socket, buffer_bytes);
        socket.set_nonblocking(true)?;
        let address = SockAddr::unix(path)?;
        if path.symlink_metadata().is_ok_and(|found| found.file_type().is_socket()) {
            let probe = socket2::Socket::new(Domain::UNIX, Type::DGRAM, None)?;
            if probe.connect(&address).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
                std::fs::remove_file(path)?;
            }
        }
        socket.bind(&address)?;
        Ok(Socket { fd: socket.into(), path: Some(path.to_owned()), dropped: 0 })
    }

    /// The address that was bound, where it is one of the Internet.
    pub fn address(&self) -> Option<SocketAddr> {
        socket2::SockRef::from(&self.fd).local_addr().ok()?.as_socket()
    }

    /// The bytes that the kernel may hold for this socket, its own bookkeeping included.
    pub fn buffer_bytes(&self) -> usize {
        socket2::SockRef::from(&self.fd).recv_buffer_size().unwrap_or(0)
    }

    /// How many datagrams the kernel dropped since the last call, for want of room.
    pub fn dropped(&mut self) -> u64 {
        /// The place of the drops in what SO_MEMINFO gives (linux/sock_diag.h).
        const DROPS: usize = 8;
        let mut info = [0u32; DROPS + 1];
        let mut bytes = size_of_val(&info) as libc::socklen_t;
        // SAFETY: the kernel writes at most `bytes` bytes, which is the size of `info`, and tells how many.
        let result =
            unsafe { libc::getsockopt(self.fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_MEMINFO, info.as_mut_ptr().cast(), &raw mut bytes) };
        if result != 0 || (bytes as usize) < size_of_val(&info) {
            return 0;
        }
        let new = info[DROPS].wrapping_sub(self.dropped);
        self.dropped = info[DROPS];
        u64::from(new)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // The process ends or moves on; a file that stays is replaced by the next listener.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Asks for a large buffer: by force, which needs CAP_NET_ADMIN, or else up to net.core.rmem_max.
fn widen(socket: &socket2::Socket, bytes: usize) {
    if rustix::net::sockopt::set_socket_recv_buffer_size_force(socket, bytes).is_err() {
        // A smaller buffer still works; what it loses is counted.
        let _ = socket.set_recv_buffer_size(bytes);
    }
}

/// Room for one batch of datagrams, used again and again.
pub struct Batch {
    memory: Box<[u8]>,
    slices: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
    received: usize,
}

impl Batch {
    /// Makes the room. It costs address space at first, and memory only as far as datagrams fill it.
    pub fn new() -> Batch {
        // SAFETY: both are plain numbers and pointers, for which zero is a valid value.
        let (slice, header): (libc::iovec, libc::mmsghdr) = unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        Batch {
            memory: vec![0; BATCH * STRIDE].into_boxed_slice(),
            slices: vec![slice; BATCH].into_boxed_slice(),
            headers: vec![header; BATCH].into_boxed_slice(),
            received: 0,
        }
    }

    /// Receives what is there, without waiting; returns how many datagrams, perhaps none.
    ///
    /// # Errors
    /// When the socket failed.
    pub fn receive(&mut self, socket: &Socket) -> io::Result<usize> {
        self.received = 0;
        for ((room, slice), header) in self.memory.chunks_exact_mut(STRIDE).zip(&mut self.slices).zip(&mut self.headers) {
            *slice = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: DATAGRAM_BYTES };
            header.msg_hdr.msg_iov = slice;
            header.msg_hdr.msg_iovlen = 1;
        }
        // SAFETY: the loop above pointed each of the BATCH headers to one slice, and that to DATAGRAM_BYTES bytes which no
        // other slice covers; all of it is borrowed alone through `self` until the call is over.
        let count = unsafe {
            libc::recvmmsg(
                socket.fd.as_raw_fd(),
                self.headers.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        if count < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(0),
                _ => Err(error),
            };
        }
        self.received = count as usize;
        Ok(self.received)
    }

    /// The datagrams of the last [`Batch::receive`]; `None` for one that was too long and came cut.
    pub fn datagrams(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.headers.iter().take(self.received).zip(self.memory.chunks_exact(STRIDE)).map(|(header, room)| {
            let whole = header.msg_hdr.msg_flags & libc::MSG_TRUNC == 0;
            whole.then(|| &room[..(header.msg_len as usize).min(DATAGRAM_BYTES)])
        })
    }
}

impl Default for Batch {
    fn default() -> Self {
        Batch::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    fn pair(buffer_bytes: usize) -> (Socket, UdpSocket) {
        let socket = Socket::udp("127.0.0.1:0".parse().unwrap(), buffer_bytes).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(socket.address().unwrap()).unwrap();
        (socket, sender)
    }

    #[test]
    fn datagrams_come_whole_and_in_order() {
        let (socket, sender) = pair(1 << 20);
        let long = vec![b'x'; 65_507];
        for datagram in [&b"one"[..], b"", &long, b"four"] {
            sender.send(datagram).unwrap();
        }
        let mut batch = Batch::new();
        assert_eq!(batch.receive(&socket).unwrap(), 4);
        assert_eq!(batch.datagrams().map(Option::unwrap).collect::<Vec<_>>(), [&b"one"[..], b"", &long, b"four"]);
        assert_eq!(batch.receive(&socket).unwrap(), 0);
        assert_eq!(batch.datagrams().count(), 0);
    }

    #[test]
    fn what_the_kernel_drops_is_counted_once() {
        let (mut socket, sender) = pair(1);
        for _ in 0..1000 {
            sender.send(&[b'x'; 1000]).unwrap();
        }
        let (mut batch, mut received) = (Batch::new(), 0);
        while batch.receive(&socket).unwrap() > 0 {
            received += batch.datagrams().count() as u64;
        }
        assert_eq!(received + socket.dropped(), 1000);
        assert_eq!(socket.dropped(), 0);
    }

    #[test]
    fn a_dead_listeners_path_is_taken_over_and_a_living_ones_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statsd.sock");
        let first = Socket::unix(&path, 1 << 20).unwrap();
        assert_eq!(Socket::unix(&path, 1 << 20).err().unwrap().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        assert!(!path.exists());
        drop(std::os::unix::net::UnixDatagram::bind(&path).unwrap());
        assert!(path.exists());
        let socket = Socket::unix(&path, 1 << 20).unwrap();
        let sender = std::os::unix::net::UnixDatagram::unbound().unwrap();
        sender.send_to(b"a:1|c", &path).unwrap();
        let mut batch = Batch::new();
        assert_eq!(batch.receive(&socket).unwrap(), 1);
        drop(socket);
        std::fs::write(&path, "kept").unwrap();
        assert!(Socket::unix(&path, 1 << 20).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"kept");
    }
}
