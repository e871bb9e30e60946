//! An HTTP client for short messages: one request with a bounded body, one answer, bounded in time and size.
//!
//! Holds [`Client`]; what a message means, and what follows from a status, is for the caller. Names
//! are looked up, connections made and answers awaited within one limit of time, so that a peer
//! that accepts and never answers costs no more than one that is not there. A client keeps its
//! connection open between requests.
//!
//! Always: a redirect is not followed (a message may hold a secret, and goes where it was meant to);
//! a loopback address is never reached through a proxy; a secret in an address is in no error.

use std::io::Read;

use ureq::tls::{RootCerts, TlsConfig};

use crate::time::Span;

/// How much of an answer's body is read, in bytes.
const ANSWER_BYTES: u64 = 64 << 10;

/// An answer: its status, and the beginning of its body as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status: 200.
    pub status: u16,
    /// The body, at most 64 KiB of it; what is no UTF-8 is replaced.
    pub body: String,
}

/// Why there was no answer.
#[derive(Debug)]
pub enum HttpError {
    /// The address or a header can't be sent as it is; another try would not help.
    Invalid(String),
    /// The host's name could not be found.
    NoHost,
    /// No connection, or it broke.
    Io(std::io::Error),
    /// No answer within the limit of time.
    Timeout,
    /// What came back is no HTTP, or no TLS that could be trusted.
    Peer(String),
}

impl std::fmt::Display for HttpError {
    /// Writes what happened; the system's words, in [`HttpError::system`], are for the caller to add.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            HttpError::Invalid(why) => write!(f, "cannot be sent: {why}"),
            HttpError::NoHost => f.write_str("host not found"),
            HttpError::Io(_) => f.write_str("cannot connect"),
            HttpError::Timeout => f.write_str("no answer in time"),
            HttpError::Peer(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for HttpError {}

impl HttpError {
    /// The system's answer, where it was asked.
    pub const fn system(&self) -> Option<&std::io::Error> {
        if let HttpError::Io(error) = self { Some(error) } else { None }
    }

    fn of(error: ureq::Error) -> HttpError {
        match error {
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => HttpError::Timeout,
            ureq::Error::Io(error) => HttpError::Io(error),
            ureq::Error::Timeout(_) => HttpError::Timeout,
            ureq::Error::HostNotFound => HttpError::NoHost,
            // These may repeat the address, and with it a key.
            ureq::Error::BadUri(_) => HttpError::Invalid("it is no address of a web server".into()),
            ureq::Error::Http(_) => HttpError::Invalid("an address or a header holds what none may".into()),
            ureq::Error::ConnectionFailed => HttpError::Io(std::io::ErrorKind::ConnectionRefused.into()),
            other => HttpError::Peer(crate::record::show(other.to_string().as_bytes(), 200)),
        }
    }
}

/// Sends requests.
pub struct Client {
    agent: ureq::Agent,
    /// The same without a proxy, for loopback addresses.
    near: ureq::Agent,
}

impl Client {
    /// A client whose requests each end within `limit`, whatever the other side does.
    pub fn new(limit: Span) -> Client {
        let limit = Some(limit.to_std());
        let config = || {
            ureq::Agent::config_builder()
                .timeout_global(limit)
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .user_agent(concat!("pipewatch/", env!("CARGO_PKG_VERSION")))
                .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        };
        Client { agent: config().build().new_agent(), near: config().proxy(None).build().new_agent() }
    }

    /// Sends `body` by POST and waits for the answer, of any status.
    ///
    /// # Errors
    /// [`HttpError`] when there was none. The request may have been taken nevertheless.
    pub fn post(&self, address: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, HttpError> {
        let agent = if is_loopback(address) { &self.near } else { &self.agent };
        let request = headers.iter().fold(agent.post(address), |request, (name, value)| request.header(*name, *value));
        read(request.send(body).map_err(HttpError::of)?)
    }

    /// Asks for an address by GET and waits for the answer, of any status.
    ///
    /// # Errors
    /// [`HttpError`] when there was none.
    pub fn get(&self, address: &str, headers: &[(&str, &str)]) -> Result<Answer, HttpError> {
        let agent = if is_loopback(address) { &self.near } else { &self.agent };
        let request = headers.iter().fold(agent.get(address), |request, (name, value)| request.header(*name, *value));
        read(request.call().map_err(HttpError::of)?)
    }
}

/// Reads an answer to its end, or as much of it as is kept.
fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, HttpError> {
    let mut body = Vec::new();
    response.body_mut().as_reader().take(ANSWER_BYTES).read_to_end(&mut body).map_err(|error| HttpError::of(error.into()))?;
    Ok(Answer { status: response.status().as_u16(), body: String::from_utf8_lossy(&body).into_owned() })
}

/// The host and port of an address, for people: without the path, which may hold a key, and without a user's name.
pub fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn is_loopback(address: &str) -> bool {
    let host = host(address);
    let name = match host.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or(inner),
        None => host.split(':').next().unwrap_or(host),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    /// Answers one connection with `answer`, and gives what was asked.
    fn once(answer: &'static [u8]) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/ping/KEY/a", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"end") {
                let mut bytes = [0; 1000];
                let read = stream.read(&mut bytes).unwrap();
                asked.extend_from_slice(&bytes[..read]);
            }
            stream.write_all(answer).unwrap();
            String::from_utf8(asked).unwrap()
        });
        (address, server)
    }

    #[test]
    fn a_message_goes_out_with_its_headers_and_any_status_is_an_answer() {
        for (answer, status, body) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"[..], 200, "OK"),
            (b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found", 404, "not found"),
            (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302, ""),
        ] {
            let (address, server) = once(answer);
            let found = Client::new(Span::from_secs(5)).post(&address, &[("Pipewatch-Ts", "now")], b"the end");
            assert_eq!(found.unwrap(), Answer { status, body: body.into() });
            let asked = server.join().unwrap();
            assert!(asked.starts_with("POST /ping/KEY/a HTTP/1.1\r\n") && asked.ends_with("\r\n\r\nthe end"), "{asked}");
            assert!(asked.to_lowercase().contains("pipewatch-ts: now\r\n"), "{asked}");
        }
    }

    #[test]
    fn who_never_answers_and_who_is_not_there_are_told_apart_in_bounded_time() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap();
        let client = Client::new(Span::from_millis(100));
        assert!(matches!(client.post(&format!("http://{address}/KEY"), &[], b""), Err(HttpError::Timeout)));
        drop(silent);
        let refused = client.post(&format!("http://{address}/KEY"), &[], b"").unwrap_err();
        assert!(refused.system().is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused), "{refused:?}");
    }

    #[test]
    fn an_error_never_tells_the_address_with_its_key() {
        let client = Client::new(Span::from_millis(100));
        for address in
            ["http://127.0.0.1:1/ping/KEY\n/a", "KEY", "ftp://KEY/", "http://KEY:port/", "http:///KEY", "http://127.0.0.1:99999/KEY"]
        {
            let error = client.post(address, &[], b"").unwrap_err();
            assert!(!format!("{error} {:?}", error.system()).contains("KEY"), "{address:?}: {error}");
        }
    }

    #[test]
    fn a_host_is_told_without_path_and_user() {
        assert_eq!(host("http://127.0.0.1:8700/ping/KEY/a"), "127.0.0.1:8700");
        assert_eq!(host("https://me:KEY@hc.example?x"), "hc.example");
        for (address, loopback) in
            [("http://localhost/x", true), ("http://127.8.0.1:80/", true), ("http://[::1]:80", true), ("http://127.0.0.1.example/", false)]
        {
            assert_eq!(is_loopback(address), loopback, "{address}");
        }
    }
}
