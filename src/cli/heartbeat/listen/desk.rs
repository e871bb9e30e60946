//! The desk: takes every request, and knows where it goes.
//!
//! ```text
//! the server's thread     requests; pings to the group, changes to the clerk, all else is answered at once
//! the group's thread      writes and syncs lines, reads them back into the book, gives the replies
//! the clerk's thread      changes of checks: into the state, then into the book
//! the sweep's thread      lets time pass, reads what others wrote, says verdicts, remembers
//! ```
//!
//! The book is locked for microseconds only, and never while something is written.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::book::Book;
use super::clerk::Work;
use super::follow::Follow;
use super::keys::Keys;
use super::{manage, pings, views};
use crate::cli::Clock;
use crate::heartbeat::ping;
use crate::net::listener::{Answer, Counters, Keeper, Reply, Request, Service};
use crate::store::append::{Group, Written};
use crate::time::Timestamp;

/// What was asked for.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The folder of beats.
    pub(super) beats: PathBuf,
    /// The most checks.
    pub(super) checks: usize,
    /// Pings a second and check.
    pub(super) rate: u32,
    /// The bytes of a body that are kept.
    pub(super) body: usize,
    /// The beginning of this listener's addresses, where it is not what clients call it.
    pub(super) url: Option<String>,
    /// Whether who looks must show a key: it is bound to more than this machine.
    pub(super) public: bool,
}

/// What waits for a line to be on the disk.
pub(super) struct Token {
    pub(super) keeper: Keeper,
    pub(super) reply: Reply,
}

/// What was counted, for the metrics.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Pings that were written.
    pub(super) pings: AtomicU64,
    /// Pings that could not be written.
    pub(super) lost: AtomicU64,
    /// Writes to the disk.
    pub(super) groups: AtomicU64,
}

/// Everything that requests need.
pub(super) struct Desk {
    pub(super) plan: Plan,
    pub(super) keys: Keys,
    pub(super) clock: Clock,
    pub(super) book: Mutex<Book>,
    pub(super) follow: Mutex<Follow>,
    pub(super) clerk: SyncSender<Work>,
    pub(super) group: OnceLock<Group<Token>>,
    pub(super) counted: Counted,
    pub(super) server: Arc<Counters>,
    pub(super) manage_bucket: Mutex<super::bucket::Bucket>,
    /// What a person should hear of, said by the sweep.
    pub(super) notes: Mutex<Vec<String>>,
}

/// Locks what a thread that panicked may have left; each change is made whole.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Hands lines to be written; the reply comes when they are on the disk.
    pub(super) fn write(&self, ts: Timestamp, lines: Vec<u8>, token: Token) {
        let busy = || Reply::text(503, "too busy, try again").header("retry-after", "1");
        match self.group.get() {
            None => token.keeper.reply(busy()),
            Some(group) => {
                if let Err(token) = group.add(ts, lines, token) {
                    token.keeper.reply(busy());
                }
            }
        }
    }

    /// What is done after each group: its lines are read back, and then all are told.
    pub(super) fn written(&self, written: Written<'_, Token>) {
        let count = written.tokens.len() as u64;
        self.counted.groups.fetch_add(1, Ordering::Relaxed);
        locked(&self.notes).extend(written.notes.iter().map(ToString::to_string));
        if let Err(error) = written.outcome {
            self.counted.lost.fetch_add(count, Ordering::Relaxed);
            self.note_loss(error);
            for token in written.tokens {
                token.keeper.reply(Reply::text(503, "cannot write, try again").header("retry-after", "5"));
            }
            return;
        }
        self.counted.pings.fetch_add(count, Ordering::Relaxed);
        self.read_day(&self.now().day());
        for token in written.tokens {
            token.keeper.reply(token.reply);
        }
    }

    fn note_loss(&self, error: &crate::store::append::AppendError) {
        let mut notes = locked(&self.notes);
        // A full disk fails each time; it is told once between two looks.
        if notes.len() < 10 {
            let words = error.system().map(|error| format!(": {error}")).unwrap_or_default();
            notes.push(format!("{error}{words}; pings are answered with 503"));
        }
    }

    /// Reads what was added to one day into the book.
    fn read_day(&self, day: &str) {
        let mut follow = locked(&self.follow);
        let mut book = locked(&self.book);
        if let Err(error) = follow.day(day, &mut |line| book.line(line)) {
            locked(&self.notes).push(format!("beats/{day}.ndjson: cannot read: {error}"));
        }
    }

    /// Reads what was added to any day into the book.
    pub(super) fn read_all(&self) {
        let mut follow = locked(&self.follow);
        let mut book = locked(&self.book);
        if let Err(error) = follow.all(&mut |line| book.line(line)) {
            locked(&self.notes).push(format!("beats: cannot read: {error}"));
        }
    }

    fn answer(self: &Arc<Self>, request: Request) -> Answer {
        let path = request.path().to_owned();
        if request.method() == "OPTIONS" {
            return manage::preflight().into();
        }
        match path.as_str() {
            "/" | "/metrics" | "/healthz" => return views::answer(self, &path, &request).into(),
            _ => {}
        }
        if let Some(token) = path.strip_prefix("/api/push/") {
            return pings::push(self, token, request);
        }
        if path.starts_with("/api/") {
            return manage::answer(self, &path, request);
        }
        if path.starts_with("/badge/") || path.starts_with("/b/") {
            return views::badge(self, &path).into();
        }
        match ping::address(&path) {
            Some(address) => pings::answer(self, address, request),
            None => Reply::text(404, "not found").into(),
        }
    }
}

/// The desk as the server sees it.
pub(super) struct Counter(Arc<Desk>);

impl Counter {
    pub(super) fn of(desk: &Arc<Desk>) -> Rc<Counter> {
        Rc::new(Counter(Arc::clone(desk)))
    }
}

impl Service for Counter {
    fn keeps(&self, request: &Request) -> usize {
        if request.path().starts_with("/api/v") { manage::BODY_BYTES } else { self.0.plan.body }
    }

    fn answer(&self, request: Request) -> Answer {
        self.0.answer(request)
    }
}
