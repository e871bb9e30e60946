//! A small HTTP/1 server: requests as plain values in, replies as plain values out, everything bounded.
//!
//! Holds connections, limits and the reading of bodies; what a request means is for who listens. One
//! thread serves all connections (an event loop), so a [`Service`] must never wait: what takes time is
//! promised ([`Answer::Later`]) and kept from another thread.
//!
//! What always holds:
//!
//! - At most [`Limits::connections`] are open; for one more, that which was idle for longest is closed.
//! - Of a head at most [`Limits::head_bytes`], of a body at most what [`Service::keeps`] says is held.
//! - Who sends too slowly is closed: a head has [`Limits::head_time`], a body [`Limits::body_time`].
//! - Requests sent without waiting for replies are answered in their order; HTTP/1.0 is spoken too.
//!
//! ```text
//! accept ─▶ connection: head ─▶ body, cut ─▶ Service::answer ─▶ Now  ─────────▶ reply
//!                                                             └▶ Later ─▶ kept ─▶ reply
//! ```

mod connections;
mod message;
mod text;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::task::LocalSet;

use self::connections::Connections;
pub use self::message::{Answer, Keeper, Promise, Reply, Request, promise};
pub use self::text::{decoded, is_loopback, pairs, same};

/// How long replies under way may take once the server is asked to end.
const LAST_REPLIES: Duration = Duration::from_secs(2);

/// How often it is asked whether to end, where no file tells it.
const ASK: Duration = Duration::from_millis(20);

/// What a server holds at most, and for how long it waits.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections open at once.
    pub connections: usize,
    /// The bytes of a request's head; 8192 at least.
    pub head_bytes: usize,
    /// How long a head may take, also that of the next request on a kept connection.
    pub head_time: Duration,
    /// The bytes of a body that are read; what is over the part that is kept is let go.
    pub body_bytes: u64,
    /// How long a body may take.
    pub body_time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 4096,
            head_bytes: 16_384,
            head_time: Duration::from_secs(30),
            body_bytes: 16 << 20,
            body_time: Duration::from_secs(30),
        }
    }
}

/// What answers requests. It is called on the server's one thread and must not wait.
pub trait Service {
    /// How many bytes of the body of this request to keep; its body is empty yet.
    fn keeps(&self, request: &Request) -> usize;

    /// The answer to a request.
    fn answer(&self, request: Request) -> Answer;
}

/// What a server has counted since it began.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections that were accepted.
    pub accepted: AtomicU64,
    /// Connections that are open.
    pub open: AtomicU64,
    /// Connections that were closed to make room.
    pub evicted: AtomicU64,
    /// Requests that were answered.
    pub answered: AtomicU64,
    /// Requests that were cut short for their size or slowness.
    pub refused: AtomicU64,
}

/// When a server ends.
#[derive(Clone, Copy)]
pub struct Ending<'a> {
    /// Whether it was asked to.
    pub asked: &'a dyn Fn() -> bool,
    /// A Unix socket that becomes readable then, where there is one.
    pub fd: Option<BorrowedFd<'a>>,
}

/// A server that is bound and not yet serving.
pub struct Server {
    listener: TcpListener,
    limits: Limits,
    counters: Arc<Counters>,
}

impl Server {
    /// Binds an address.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn bind(address: SocketAddr, limits: Limits) -> io::Result<Server> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        // A thousand clients may come in the same moment; the kernel cuts this to what it allows.
        socket.listen(4096)?;
        Ok(Server { listener: socket.into(), limits, counters: Arc::default() })
    }

    /// The address that was bound.
    ///
    /// # Errors
    /// When the system does not tell it.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The counters, which go on counting while it serves.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Serves until asked to end; then replies under way are still sent.
    ///
    /// # Errors
    /// When there can be no event loop.
    pub fn serve(self, service: Rc<dyn Service>, ending: Ending<'_>) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let local = LocalSet::new();
        local.block_on(&runtime, async move {
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            let connections = Rc::new(Connections::new(self.limits, service, self.counters));
            let accepting = tokio::task::spawn_local(accept(listener, Rc::clone(&connections)));
            ended(ending).await;
            accepting.abort();
            connections.settle(LAST_REPLIES).await;
            Ok(())
        })
    }
}

/// Takes new connections for ever.
async fn accept(listener: tokio::net::TcpListener, connections: Rc<Connections>) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => connections.open(stream, from),
            // Out of files: one of ours is given up for the next one.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => {
                connections.evict();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            // The client was gone before it was taken, or the network failed for a moment.
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

/// Comes back once the server is to end.
async fn ended(ending: Ending<'_>) {
    let told = ending.fd.and_then(|fd| told_by(fd).ok());
    while !(ending.asked)() {
        if let Some(told) = &told
            && told.readable().await.is_ok()
            && (ending.asked)()
        {
            return;
        }
        tokio::time::sleep(ASK).await;
    }
}

fn told_by(fd: BorrowedFd<'_>) -> io::Result<tokio::net::UnixStream> {
    let stream = std::os::unix::net::UnixStream::from(fd.try_clone_to_owned()?);
    stream.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(stream)
}

impl Counters {
    fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
