//! Other people's programs that ours are held against: where they are, and how they are spoken to.
//!
//! A test that needs one that is not installed is skipped, and counted so by scripts/test.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::programs::skip;

/// A program on PATH; where there is none, the test is noted as skipped.
pub(crate) fn find(test: &str, program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
    if found.is_none() {
        skip(test, &format!("{program} is not installed"));
    }
    found
}

/// A server that is ended with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of the loopback address that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

impl Server {
    /// Waits until a server that was started answers a path.
    pub(crate) fn ready(child: Child, port: u16, path: &str) -> Server {
        let server = Server { child, port };
        let begin = Instant::now();
        while server.get(path).is_none() {
            assert!(begin.elapsed() < Duration::from_secs(60), "the server on port {port} never answered {path}");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// The body that a path is answered with; `None` for anything but 200 and 204.
    pub(crate) fn get(&self, path: &str) -> Option<String> {
        self.ask("GET", path, "")
    }

    /// What a path answers to a body.
    pub(crate) fn post(&self, path: &str, body: &str) -> Option<String> {
        self.ask("POST", path, body)
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
        // By the old protocol the answer ends where the connection does.
        write!(stream, "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.split(' ').nth(1).filter(|status| ["200", "204"].contains(status))?;
        Some(body.to_owned())
    }
}

/// A text as a value in an address.
pub(crate) fn escaped(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { (byte as char).to_string() } else { format!("%{byte:02X}") }).collect()
}
