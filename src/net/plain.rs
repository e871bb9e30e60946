//! One HTTP request without TLS, by nothing but a socket: for the signs of life of programs that must stay small.
//!
//! Holds [`post`]; requests that wait, repeat, need TLS or a proxy are `http`'s. A connection is made for each
//! request, as there is one in several seconds.
//!
//! Always: each step (to connect, to write, each of at most four reads) ends within the limit of time, and the
//! lookup of a name within the system's; a secret in an address is in no error.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{TcpStream, ToSocketAddrs};

use crate::time::Span;

/// How much of an answer is read at once, in bytes: its status stands at the front.
const STATUS_BYTES: usize = 256;

/// How often it is read until the status must have come: who sends it byte by byte is not waited for.
const READS: usize = 4;

/// Sends an empty body by POST, and gives the status of the answer: 200. Each step ends within `limit`.
///
/// Shape: `address` is `http://HOST[:PORT]/PATH`; the headers hold no line ends.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] when the address is no such address, [`ErrorKind::InvalidData`] when what came
/// back is no HTTP, else the system's error.
pub fn post(address: &str, headers: &[(&str, &str)], limit: Span) -> Result<u16> {
    let (host, path) = parts(address)?;
    let limit = limit.to_std();
    let with_port =
        if host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) { host.to_owned() } else { format!("{host}:80") };
    let socket = with_port.to_socket_addrs()?.next().ok_or(ErrorKind::NotFound)?;
    let mut stream = TcpStream::connect_timeout(&socket, limit)?;
    let mut request = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.set_write_timeout(Some(limit))?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    for _ in 0..READS {
        if answer.contains(&b'\n') {
            break;
        }
        let mut bytes = [0; STATUS_BYTES];
        match stream.read(&mut bytes) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&bytes[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(ErrorKind::TimedOut.into()),
            Err(error) => return Err(error),
        }
    }
    status(&answer).ok_or_else(|| ErrorKind::InvalidData.into())
}

/// The host with its port, and the path with its query.
///
/// # Errors
/// [`ErrorKind::InvalidInput`].
pub fn parts(address: &str) -> Result<(&str, &str)> {
    let wrong = || Error::from(ErrorKind::InvalidInput);
    let rest = address.strip_prefix("http://").ok_or_else(wrong)?;
    let (host, path) = rest.split_at(rest.find('/').ok_or_else(wrong)?);
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if host.is_empty() || host.contains('@') || !plain(host) || !plain(path) { Err(wrong()) } else { Ok((host, path)) }
}

fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\n').next()?;
    let rest = line.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    std::str::from_utf8(rest).ok()?.parse().ok().filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_request_goes_out_and_its_status_comes_back() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/ping/KEY/a", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                let mut bytes = [0; 100];
                let read = stream.read(&mut bytes).unwrap();
                asked.extend_from_slice(&bytes[..read]);
            }
            stream.write_all(b"HTTP/1.1 201 Created\r\n\r\n").unwrap();
            String::from_utf8(asked).unwrap()
        });
        assert_eq!(post(&address, &[("Pipewatch-Ts", "now")], Span::from_secs(5)).unwrap(), 201);
        let asked = server.join().unwrap();
        assert!(
            asked.starts_with("POST /ping/KEY/a HTTP/1.1\r\nHost: 127.0.0.1:") && asked.contains("\r\nPipewatch-Ts: now\r\n"),
            "{asked}"
        );
    }

    #[test]
    fn who_never_answers_is_left_in_bounded_time() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/KEY", silent.local_addr().unwrap());
        assert_eq!(post(&address, &[], Span::from_millis(100)).unwrap_err().kind(), ErrorKind::TimedOut);
        drop(silent);
        assert_eq!(post(&address, &[], Span::from_secs(1)).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in ["https://h/x", "http://h", "http:///x", "http://me@h/x", "http://h/a b", "http://h/a\r\nX: y", "h/x"] {
            assert_eq!(parts(wrong).unwrap_err().kind(), ErrorKind::InvalidInput, "{wrong}");
        }
        assert_eq!(parts("http://[::1]:80/x?y").unwrap(), ("[::1]:80", "/x?y"));
    }
}
