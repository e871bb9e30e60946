//! Starting: what was known is put together again; then the threads run until the end.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Duration;

use super::book::Book;
use super::check::Spec;
use super::desk::{Counted, Counter, Desk, Plan, locked};
use super::follow::Follow;
use super::keys::{Keys, unkept};
use super::sweep::{self, Memory, Voice};
use super::{clerk, follow};
use crate::cli::{Alive, Code, Failure, Io, Output, Stop};
use crate::net::listener::{Ending, Limits, Server, is_loopback};
use crate::store::append::{AppendError, AppendHistory, Durability, Group};
use crate::store::read::{Range, open};
use crate::store::state::State;
use crate::time::{Span, Timestamp};

/// How far back beats are read when nothing is remembered: as old as a spooled one may be.
const BACK: Span = Span::from_secs(31 * 86_400);

/// Listens until asked to end.
pub(super) fn run(
    plan: Plan,
    keys: Keys,
    mut state: State,
    (address, limits): (SocketAddr, Limits),
    verdicts: bool,
    io: &mut Io,
) -> Result<Code, Failure> {
    let history = AppendHistory::open(&plan.beats, Durability::Always).map_err(failed)?;
    let server = Server::bind(address, limits).map_err(|error| Failure::io(format!("listen: {address}: cannot listen"), error))?;
    let bound = server.address().unwrap_or(address);
    let (book, follow) = known(&plan, &mut state, io.now())?;
    let (clerk, works) = clerk::desk_of();
    let desk = Arc::new(Desk {
        keys,
        clock: io.clock,
        book: Mutex::new(book),
        follow: Mutex::new(follow),
        clerk,
        group: OnceLock::new(),
        counted: Counted::default(),
        server: server.counters(),
        manage_bucket: Mutex::default(),
        notes: Mutex::default(),
        plan,
    });
    let own = Arc::clone(&desk);
    let group =
        Group::begin(history, move |written| own.written(written)).map_err(|error| Failure::io("listen: cannot start a thread", error))?;
    let _ = desk.group.set(group);
    io.tell("heartbeat", format!("listening on http://{bound}/"));
    if !is_loopback(bound.ip()) {
        io.tell(
            "heartbeat",
            "others than this machine can reach it; what they send is not encrypted, so let a proxy with TLS stand before it",
        );
    }
    let stop = io.stop.clone();
    let mut voice = Voice { out: verdicts.then(|| Output::take(io, false)), notes: io.voice() };
    let ended = work(&desk, server, works, state, &mut voice, (&stop, &io.alive));
    finish(&desk, &mut voice).and(ended).map(|()| Code::OK)
}

/// Lets all threads work until the end.
fn work(
    desk: &Arc<Desk>,
    server: Server,
    works: std::sync::mpsc::Receiver<clerk::Work>,
    state: State,
    voice: &mut Voice,
    (stop, alive): (&Stop, &Alive),
) -> Result<(), Failure> {
    // Set each time that the server turns: a beat says that both loops do, that of the server and that of the sweep.
    let turned = AtomicBool::new(true);
    // Wakes the sweep when the server has ended, and the server when nobody reads verdicts any more.
    let (over, bell, unread) = (Mutex::new(false), Condvar::new(), AtomicBool::new(false));
    let wait = |most: Duration| {
        let over = locked(&over);
        if !*over {
            let _ = bell.wait_timeout(over, most.min(alive.rest().map_or(most, Span::to_std)));
        }
        if turned.swap(false, std::sync::atomic::Ordering::Relaxed) {
            alive.turn();
        }
    };
    let own = Arc::clone(desk);
    // It ends with the process: what it has promised is on the disk, and nobody waits for the rest.
    std::thread::Builder::new()
        .name("clerk".into())
        .spawn(move || clerk::run(&own, &works, state))
        .map_err(|error| Failure::io("listen: cannot start a thread", error))?;
    std::thread::scope(|scope| {
        let sweeping = scope.spawn(|| {
            let swept = sweep::run(desk, voice, stop, wait);
            if swept.is_err() {
                unread.store(true, std::sync::atomic::Ordering::Relaxed);
                stop.ask();
            }
            swept
        });
        let asked = || {
            turned.store(true, std::sync::atomic::Ordering::Relaxed);
            stop.asked()
        };
        // Where no file tells it of the end, the server asks all the time.
        let ending = Ending { asked: &asked, fd: if alive.is_on() { None } else { stop.fd() } };
        let served = server.serve(Counter::of(desk), ending).map_err(|error| Failure::io("listen: cannot serve", error));
        stop.ask();
        *locked(&over) = true;
        bell.notify_all();
        let swept = sweeping.join().unwrap_or(Ok(()));
        served.and(swept)
    })
}

/// Writes what waits, says what is left to say, and remembers.
fn finish(desk: &Arc<Desk>, voice: &mut Voice) -> Result<(), Failure> {
    if let Some(group) = desk.group.get() {
        group.end().map_err(failed)?;
    }
    let said = sweep::look(desk, voice);
    let (done, wait) = std::sync::mpsc::channel();
    let work: clerk::Work = Box::new(move |desk, state| {
        let remembered = sweep::remember(desk, state).map_err(|error| unkept(&error));
        let _ = done.send(remembered);
    });
    let remembered = match desk.clerk.send(work) {
        Ok(()) => wait.recv().unwrap_or(Ok(())),
        Err(_) => Ok(()),
    };
    said.and(remembered)
}

/// All checks as they were left, and what was written since.
fn known(plan: &Plan, state: &mut State, now: Timestamp) -> Result<(Book, Follow), Failure> {
    let mut book = Book::default();
    for kept in state.listen_checks().map_err(|error| unkept(&error))? {
        // One that a later version wrote in another way is as its fields can be read.
        book.put(&kept.code, serde_json::from_str::<Spec>(&kept.spec).unwrap_or_default());
    }
    let memory = state.listen_memory().map_err(|error| unkept(&error))?;
    let memory: Option<Memory> = memory.and_then(|text| serde_json::from_str(&text).ok());
    let (since, places) = match memory {
        Some(memory) => {
            book.restore(memory.checks);
            (memory.at, memory.places)
        }
        None => (now.minus(BACK), Default::default()),
    };
    let newest = places.keys().next_back().cloned();
    if let Some(day) = &newest {
        follow::before(&plan.beats, day, &places, &mut |line| book.old_line(line));
    }
    compressed(&plan.beats, since, &mut book);
    let mut follow = Follow::new(&plan.beats, places);
    follow.all(&mut |line| book.line(line)).map_err(|error| Failure::io("listen: cannot read the beats", error))?;
    Ok((book, follow))
}

/// Reads what was written into days that were compressed since.
fn compressed(beats: &Path, since: Timestamp, book: &mut Book) {
    let range = Range { since: Some(since), until: None };
    let packed = |name: &str| name.strip_suffix(".ndjson.zst").is_some_and(|day| *day >= *since.day());
    let names = std::fs::read_dir(beats).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| packed(name)).collect();
    names.sort();
    for name in names {
        // What can't be read is told when the day is read by those who need it whole.
        let Ok(stream) = open(&beats.join(name), &range) else { continue };
        each_line(stream, &mut |line| {
            let ts = crate::ndjson::decode(line).ok().map(|record| record.ts());
            if ts.is_some_and(|ts| ts > since) {
                book.line(line);
            }
        });
    }
}

/// Reads a stream to its end, line by line.
fn each_line(stream: crate::store::read::Stream, each: &mut dyn FnMut(&[u8])) {
    use std::io::BufRead;
    let mut reader = std::io::BufReader::new(stream);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        each(line.strip_suffix(b"\n").unwrap_or(&line));
        line.clear();
    }
}

fn failed(error: AppendError) -> Failure {
    let words =
        error.system().map_or_else(|| std::io::Error::other("refused"), |error| std::io::Error::new(error.kind(), error.to_string()));
    Failure::io(error.to_string(), words)
}
