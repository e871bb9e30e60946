//! Lines over TCP: a listener and its connections, read without waiting.
//!
//! Always bounded: at most [`CONNECTIONS`] at once, and at most [`LINE_BYTES`] kept of a line that has not ended.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

/// The most connections at once; a further one is closed at once.
pub const CONNECTIONS: usize = 256;

/// The longest line.
pub const LINE_BYTES: usize = 65_536;

/// What was found on the connections.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// A line, without its newline.
    Line(&'a [u8]),
    /// A line that was too long; its beginning. The rest is left out.
    TooLong(&'a [u8]),
    /// A connection was closed because there were too many.
    TooMany,
}

/// A listener for lines, with its connections.
pub struct Server {
    listener: TcpListener,
    connections: Vec<Connection>,
    buffer: Box<[u8]>,
}

struct Connection {
    stream: TcpStream,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    /// Whether the line that has begun was too long and is left out.
    skipping: bool,
}

/// What became of a connection when it was read.
enum State {
    /// All that was there was read.
    Open,
    /// There may be more.
    More,
    Closed,
}

impl Server {
    /// Listens at an address.
    ///
    /// # Errors
    /// When the address can't be bound.
    pub fn listen(address: SocketAddr) -> io::Result<Server> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Server { listener, connections: Vec::new(), buffer: vec![0; 65_536].into_boxed_slice() })
    }

    /// The address that was bound.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// The files to wait on: one that is readable means that [`Server::read`] has work.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(self.listener.as_fd()).chain(self.connections.iter().map(|connection| connection.stream.as_fd()))
    }

    /// Takes new connections and reads one buffer of each; returns whether there may be more.
    pub fn read(&mut self, give: &mut dyn FnMut(Found<'_>)) -> bool {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.connections.len() >= CONNECTIONS {
                give(Found::TooMany);
            } else if stream.set_nonblocking(true).is_ok() {
                self.connections.push(Connection { stream, begun: Vec::new(), skipping: false });
            }
        }
        let mut more = false;
        let buffer = &mut self.buffer;
        self.connections.retain_mut(|connection| match connection.read(buffer, give) {
            State::Open => true,
            State::More => {
                more = true;
                true
            }
            State::Closed => false,
        });
        more
    }
}

impl Connection {
    fn read(&mut self, buffer: &mut [u8], give: &mut dyn FnMut(Found<'_>)) -> State {
        match self.stream.read(buffer) {
            Ok(0) => {
                if !self.begun.is_empty() && !self.skipping {
                    give(Found::Line(&self.begun));
                }
                State::Closed
            }
            Ok(bytes) => {
                self.lines(&buffer[..bytes], give);
                if bytes == buffer.len() { State::More } else { State::Open }
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => State::Open,
            // Of a broken connection the line that had begun may be cut, and is left out.
            Err(_) => State::Closed,
        }
    }

    fn lines(&mut self, bytes: &[u8], give: &mut dyn FnMut(Found<'_>)) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            rest = after;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            if self.begun.is_empty() {
                give(Found::Line(line));
            } else if self.begun.len() + line.len() > LINE_BYTES {
                give(Found::TooLong(&self.begun));
            } else {
                self.begun.extend_from_slice(line);
                give(Found::Line(&self.begun));
            }
            self.begun.clear();
        }
        if self.skipping {
            return;
        }
        if self.begun.len() + rest.len() > LINE_BYTES {
            self.begun.extend_from_slice(&rest[..rest.len().min(100)]);
            give(Found::TooLong(&self.begun));
            self.begun = Vec::new();
            self.skipping = true;
        } else {
            self.begun.extend_from_slice(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// What comes of bytes sent in pieces, each on its own read, and then the end.
    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut server = Server::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut client = TcpStream::connect(server.address().unwrap()).unwrap();
        let mut found = Vec::new();
        let mut give = |what: Found<'_>| {
            found.push(match what {
                Found::Line(line) => format!("line of {}: {}", line.len(), String::from_utf8_lossy(&line[..line.len().min(10)])),
                Found::TooLong(_) => "too long".into(),
                Found::TooMany => "too many".into(),
            });
        };
        for piece in pieces {
            client.write_all(piece).unwrap();
            server.read(&mut give);
        }
        drop(client);
        while !server.connections.is_empty() {
            server.read(&mut give);
        }
        found
    }

    #[test]
    fn lines_are_put_together_from_pieces_and_the_last_needs_no_newline() {
        assert_eq!(
            read(&[b"a:1|c\nb:", b"2|c\n\nc", b":3|c"]),
            ["line of 5: a:1|c", "line of 5: b:2|c", "line of 0: ", "line of 5: c:3|c"]
        );
    }

    #[test]
    fn a_line_without_an_end_is_not_held() {
        let long = vec![b'x'; 50_000];
        assert_eq!(read(&[&long, &long, &long, b"\na:1|c\n"]), ["too long", "line of 5: a:1|c"]);
    }

    #[test]
    fn a_connection_too_many_is_closed() {
        let mut server = Server::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = server.address().unwrap();
        let mut clients = Vec::new();
        let mut refused = 0;
        for _ in 0..=CONNECTIONS {
            clients.push(TcpStream::connect(address).unwrap());
            server.read(&mut |found| refused += usize::from(found == Found::TooMany));
        }
        assert_eq!((server.connections.len(), refused), (CONNECTIONS, 1));
    }
}
