//! A listener as small as can be, for what is sent to one: it keeps what it was asked, and behaves as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    /// `POST /ping/KEY/a`.
    pub(crate) line: String,
    /// What `Pipewatch-Ts` said.
    pub(crate) ts: String,
    pub(crate) body: String,
}

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    /// With this status.
    Status(u16),
    /// Never.
    BlackHole,
    /// Well, but a part of each answer only after this long.
    Slow(Duration),
}

struct Kept {
    manner: Manner,
    requests: Vec<Request>,
}

/// The listener.
pub(crate) struct Pings {
    shared: Arc<(Mutex<Kept>, Condvar)>,
    pub(crate) port: u16,
}

impl Pings {
    /// Listens on a port; 0 for any.
    pub(crate) fn listen(port: u16, manner: Manner) -> Pings {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new((Mutex::new(Kept { manner, requests: Vec::new() }), Condvar::new()));
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let own = Arc::clone(&own);
                std::thread::spawn(move || drop(serve(&stream, &own)));
            }
        });
        Pings { shared, port }
    }

    /// The address of a job there.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/ping/KEY/", self.port)
    }

    /// Changes how it answers from now on.
    pub(crate) fn be(&self, manner: Manner) {
        self.shared.0.lock().unwrap().manner = manner;
    }

    /// What was asked, once it is `count` requests at least.
    pub(crate) fn wait(&self, count: usize) -> Vec<Request> {
        let (kept, changed) = &*self.shared;
        let (kept, timeout) =
            changed.wait_timeout_while(kept.lock().unwrap(), Duration::from_secs(40), |kept| kept.requests.len() < count).unwrap();
        assert!(!timeout.timed_out(), "{count} requests never came, only {:?}", kept.requests);
        kept.requests.clone()
    }

    /// What was asked so far.
    pub(crate) fn so_far(&self) -> Vec<Request> {
        self.wait(0)
    }
}

fn serve(stream: &TcpStream, shared: &(Mutex<Kept>, Condvar)) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let Some(request) = read(&mut reader)? else { return Ok(()) };
        let manner = {
            let mut kept = shared.0.lock().unwrap();
            kept.requests.push(request);
            shared.1.notify_all();
            kept.manner
        };
        let mut stream = stream;
        match manner {
            Manner::Status(status) => write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 3\r\n\r\n{status}")?,
            Manner::BlackHole => {
                // Until the other side has enough.
                let _ = reader.read(&mut [0; 1])?;
                return Ok(());
            }
            Manner::Slow(pause) => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-")?;
                std::thread::sleep(pause);
                write!(stream, "Length: 2\r\n\r\nOK")?;
            }
        }
    }
}

/// Reads one request; `None` at the end of the connection.
fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let (mut ts, mut length) = (String::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "pipewatch-ts" => ts = value.trim().into(),
            "content-length" => length = value.trim().parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let line = first.rsplit_once(' ').map_or("", |(line, _)| line).to_owned();
    Ok(Some(Request { line, ts, body: String::from_utf8(body).unwrap() }))
}
