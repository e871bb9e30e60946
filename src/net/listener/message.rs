//! Requests and replies as plain values, and answers that come later.

use std::borrow::Cow;
use std::net::IpAddr;

use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use tokio::sync::oneshot;

/// A request, read to its end.
#[derive(Debug)]
pub struct Request {
    parts: Parts,
    /// Who is at the other end of the connection.
    pub from: IpAddr,
    /// The body, cut to what was to be kept.
    pub body: Vec<u8>,
    /// How long the body was.
    pub body_bytes: u64,
}

impl Request {
    pub(super) fn new(parts: Parts, from: IpAddr) -> Request {
        Request { parts, from, body: Vec::new(), body_bytes: 0 }
    }

    /// The method, as it was sent: `GET`.
    pub fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    /// The path, as it was sent: percent signs are not decoded.
    pub fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// What stands behind the question mark; empty where there is none.
    pub fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// The first header of a name, in whatever case it was sent; bytes that are no UTF-8 are replaced.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.parts.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
    }
}

/// A reply. The length, the date and how the connection goes on are added when it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Headers: names in lower case, values without control characters (others are left out).
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body; a request by `HEAD` gets its length only.
    pub body: Cow<'static, [u8]>,
}

impl Reply {
    /// A reply with a body of a kind.
    pub fn new(status: u16, kind: &'static str, body: impl Into<Cow<'static, [u8]>>) -> Reply {
        Reply { status, headers: vec![("content-type", Cow::Borrowed(kind))], body: body.into() }
    }

    /// A reply of plain text.
    pub fn text(status: u16, text: &'static str) -> Reply {
        Reply::new(status, "text/plain; charset=utf-8", text.as_bytes())
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn into_response(self) -> hyper::Response<http_body_util::Full<Bytes>> {
        let body = match self.body {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        let mut response = hyper::Response::new(http_body_util::Full::new(body));
        *response.status_mut() = hyper::StatusCode::from_u16(self.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            let value = match value {
                Cow::Borrowed(value) => HeaderValue::from_str(value).ok(),
                Cow::Owned(value) => HeaderValue::try_from(value).ok(),
            };
            if let (Ok(name), Some(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// What a service says to a request.
#[derive(Debug)]
pub enum Answer {
    /// This reply.
    Now(Reply),
    /// A reply that is promised.
    Later(Promise),
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Answer {
        Answer::Now(reply)
    }
}

/// A reply that somebody will give.
#[derive(Debug)]
pub struct Promise(oneshot::Receiver<Reply>);

/// What keeps a promise, from whichever thread. Dropped without a reply, the request is answered with 500.
#[derive(Debug)]
pub struct Keeper(oneshot::Sender<Reply>);

/// A promise, and what keeps it.
pub fn promise() -> (Promise, Keeper) {
    let (keeper, promise) = oneshot::channel();
    (Promise(promise), Keeper(keeper))
}

impl Keeper {
    /// Gives the reply. Where the client has left, it goes nowhere.
    pub fn reply(self, reply: Reply) {
        let _ = self.0.send(reply);
    }
}

impl Promise {
    pub(super) async fn kept(self) -> Reply {
        self.0.await.unwrap_or_else(|_| Reply::text(500, "internal error"))
    }
}
