//! The open connections: how many, which is idle, and the reading of their requests.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

use super::message::{Answer, Reply, Request};
use super::{Counters, Limits, Service};

/// How often it is looked whether the last replies were sent.
const LOOK: Duration = Duration::from_millis(10);

/// All connections that are open.
pub(super) struct Connections {
    limits: Limits,
    service: Rc<dyn Service>,
    counters: Arc<Counters>,
    builder: http1::Builder,
    table: RefCell<HashMap<u64, Entry>>,
    next: Cell<u64>,
}

struct Entry {
    task: AbortHandle,
    busy: Rc<Busy>,
}

/// Whether a connection has a request under way, and the number of the last event on it: less is longer ago.
#[derive(Default)]
struct Busy {
    answering: Cell<bool>,
    last: Cell<u64>,
}

/// Why a body was not read to its end.
enum Cut {
    TooLarge,
    Broken,
}

impl Connections {
    pub(super) fn new(limits: Limits, service: Rc<dyn Service>, counters: Arc<Counters>) -> Connections {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(limits.head_time).max_buf_size(limits.head_bytes.max(8192));
        // Answered together where they were asked together; and also to who has said all it will say.
        builder.pipeline_flush(true).half_close(true);
        Connections { limits, service, counters, builder, table: RefCell::default(), next: Cell::new(0) }
    }

    /// Takes a new connection; where there are too many, the one that is idle for longest goes.
    pub(super) fn open(self: &Rc<Self>, stream: TcpStream, from: SocketAddr) {
        if self.table.borrow().len() >= self.limits.connections {
            self.evict();
        }
        Counters::count(&self.counters.accepted);
        // Replies are small, and waited for.
        let _ = stream.set_nodelay(true);
        let number = self.tick();
        let busy = Rc::new(Busy { answering: Cell::new(false), last: Cell::new(number) });
        let task = tokio::task::spawn_local(Rc::clone(self).run(stream, from.ip().to_canonical(), number, Rc::clone(&busy)));
        self.table.borrow_mut().insert(number, Entry { task: task.abort_handle(), busy });
        self.counters.open.fetch_add(1, Ordering::Relaxed);
    }

    /// Closes the connection that is idle for longest; where all have requests under way, the oldest of them.
    pub(super) fn evict(&self) {
        let rank = |entry: &Entry| (entry.busy.answering.get(), entry.busy.last.get());
        let worst = self.table.borrow().iter().min_by_key(|(_, entry)| rank(entry)).map(|(number, _)| *number);
        if let Some(entry) = worst.and_then(|number| self.closed(number)) {
            entry.task.abort();
            Counters::count(&self.counters.evicted);
        }
    }

    /// Waits until no request is under way, and what was answered is sent.
    pub(super) async fn settle(&self, most: Duration) {
        let mut left = most;
        while self.table.borrow().values().any(|entry| entry.busy.answering.get()) && !left.is_zero() {
            tokio::time::sleep(LOOK).await;
            left = left.saturating_sub(LOOK);
        }
        tokio::time::sleep(LOOK).await;
    }

    fn tick(&self) -> u64 {
        let number = self.next.get();
        self.next.set(number + 1);
        number
    }

    fn closed(&self, number: u64) -> Option<Entry> {
        let entry = self.table.borrow_mut().remove(&number)?;
        self.counters.open.fetch_sub(1, Ordering::Relaxed);
        Some(entry)
    }

    async fn run(self: Rc<Self>, stream: TcpStream, from: IpAddr, number: u64, busy: Rc<Busy>) {
        let service = service_fn(|request| {
            let (own, busy) = (Rc::clone(&self), Rc::clone(&busy));
            async move {
                busy.answering.set(true);
                busy.last.set(own.tick());
                let response = own.respond(request, from).await;
                busy.answering.set(false);
                Ok::<_, Infallible>(response)
            }
        });
        // Whatever was wrong with the connection, it is over; what was to be told the client was told it.
        let _ = self.builder.serve_connection(TokioIo::new(stream), service).await;
        self.closed(number);
    }

    async fn respond(&self, request: hyper::Request<Incoming>, from: IpAddr) -> hyper::Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let mut request = Request::new(parts, from);
        let most = self.service.keeps(&request);
        let read = tokio::time::timeout(self.limits.body_time, self.read(body, most, &mut request)).await;
        let refused = |status, text| {
            Counters::count(&self.counters.refused);
            Reply::text(status, text).header("connection", "close").into_response()
        };
        match read {
            Err(_) => return refused(408, "the body took too long"),
            Ok(Err(Cut::TooLarge)) => return refused(413, "the body is too large"),
            Ok(Err(Cut::Broken)) => return refused(400, "the body is broken"),
            Ok(Ok(())) => {}
        }
        let reply = match self.service.answer(request) {
            Answer::Now(reply) => reply,
            Answer::Later(promise) => promise.kept().await,
        };
        Counters::count(&self.counters.answered);
        reply.into_response()
    }

    /// Reads a body to its end, and keeps its beginning.
    async fn read(&self, mut body: Incoming, most: usize, request: &mut Request) -> Result<(), Cut> {
        if body.is_end_stream() {
            return Ok(());
        }
        if body.size_hint().lower() > self.limits.body_bytes {
            return Err(Cut::TooLarge);
        }
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Cut::Broken)?.into_data() else { continue };
            request.body_bytes += data.len() as u64;
            if request.body_bytes > self.limits.body_bytes {
                return Err(Cut::TooLarge);
            }
            let room = most - request.body.len();
            request.body.extend_from_slice(&data[..data.len().min(room)]);
        }
        Ok(())
    }
}
