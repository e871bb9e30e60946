//! The work of `rollup`: on one core from a pipe, on all of them from files.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::cli::input::Opened;
use crate::cli::{Code, Failure, Inputs, Io, Output, Place};
use crate::ndjson::{Block, Blocks, Samples};
use crate::record::show;
use crate::store::read::Stream;

use super::TOOL;
use super::plan::Work;
use super::stage::{Bad, Batch, Piece, Renderer, Routes, Taker, Wanted};

/// How many cores are used at most: reading one file is the limit beyond.
const CORES: usize = 8;

/// Reads all inputs and writes their windows.
pub(super) fn run(work: Work, mut inputs: Inputs, line_buffered: bool, io: &mut Io) -> Result<Code, Failure> {
    let mut out = Output::take(io, line_buffered);
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(CORES);
    let mut taker = Taker::new(work);
    let opened = inputs.open(io)?;
    let good = if cores > 1 && io.is_process && inputs.are_files() {
        many(&mut taker, &mut inputs, opened, cores, &mut out, io)?
    } else {
        one(&mut taker, &mut inputs, opened, &mut out, io)?
    };
    let mut lines = Vec::new();
    Renderer::default().render(taker.finish(), &mut lines);
    out.lines(&lines)?;
    out.flush()?;
    inputs.rejects.close(io);
    for told in taker.told() {
        io.tell(TOOL.name, told);
    }
    if good == 0 {
        inputs.nothing_good(io)?;
    }
    Ok(inputs.rejects.code())
}

fn failed(name: &str, error: std::io::Error) -> Failure {
    Failure::io(format!("{}: cannot read", show(name.as_bytes(), 200)), error)
}

/// What is read up to now: nothing may be further in the future than `--ahead`.
fn wanted(inputs: &Inputs, taker: &Taker, io: &Io) -> Wanted {
    Wanted { range: inputs.range, newest: io.now().plus(taker.ahead()) }
}

/// Tells of lines that could not be used.
fn reject(inputs: &mut Inputs, io: &mut Io, name: &str, base: u64, bad: &[Bad]) -> Result<(), Failure> {
    for Bad { line, error, text } in bad {
        inputs.rejects.reject(io, Place { input: name, line: base + line }, error, text)?;
    }
    Ok(())
}

/// One core: each block is read, taken and written before the next; live from a pipe.
fn one(
    taker: &mut Taker,
    inputs: &mut Inputs,
    opened: impl Iterator<Item = Result<Opened, Failure>>,
    out: &mut Output,
    io: &mut Io,
) -> Result<u64, Failure> {
    let (mut block, mut batch, mut samples, mut routes) = (Block::default(), Batch::default(), Samples::new(), Routes::default());
    let (mut renderer, mut lines, mut good) = (Renderer::default(), Vec::new(), 0);
    for opened in opened {
        let Opened { name, stream } = opened?;
        let mut blocks = Blocks::new(stream);
        let mut base = 0;
        loop {
            let mut flushed = Ok(());
            let next = blocks.next(&mut block, &mut || {
                flushed = out.flush();
                if flushed.is_err() { Err(std::io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
            });
            flushed?;
            if !next.map_err(|error| failed(&name, error))? {
                break;
            }
            let wanted = wanted(inputs, taker, io);
            batch.read(&block, &mut samples, &wanted);
            let (pieces, bad) = taker.take(&mut batch, &samples, &mut routes, &wanted);
            good += batch.lines - bad.len() as u64;
            reject(inputs, io, &name, base, &bad)?;
            base += batch.lines;
            lines.clear();
            renderer.render(pieces, &mut lines);
            out.lines(&lines)?;
            io.alive.turn();
            if io.stop.asked() {
                break;
            }
        }
        inputs.rejects.close_input(io, &name, base);
    }
    Ok(good)
}

/// The files, read block by block; each block gets a ticket, and turns are taken by ticket.
struct Reader<I> {
    opened: I,
    current: Option<(usize, Blocks<Stream>)>,
    names: Vec<String>,
    tickets: u64,
    ended: bool,
}

impl<I: Iterator<Item = Result<Opened, Failure>>> Reader<I> {
    /// Reads the next block; gives its ticket and which input it is from.
    fn next(&mut self, block: &mut Block) -> Result<Option<(u64, usize)>, Failure> {
        loop {
            if self.ended {
                return Ok(None);
            }
            let Some((input, blocks)) = &mut self.current else {
                match self.opened.next().transpose() {
                    Ok(Some(Opened { name, stream })) => {
                        self.current = Some((self.names.len(), Blocks::new(stream)));
                        self.names.push(name);
                    }
                    Ok(None) => self.ended = true,
                    Err(failure) => {
                        self.ended = true;
                        return Err(failure);
                    }
                }
                continue;
            };
            let input = *input;
            match blocks.next(block, &mut || Ok(())) {
                Ok(true) => {
                    self.tickets += 1;
                    return Ok(Some((self.tickets - 1, input)));
                }
                Ok(false) => self.current = None,
                Err(error) => {
                    self.ended = true;
                    return Err(failed(&self.names[input], error));
                }
            }
        }
    }
}

/// A value that is had in the order of tickets.
struct Turns<T> {
    state: Mutex<(u64, T)>,
    turned: Condvar,
}

impl<T> Turns<T> {
    fn new(value: T) -> Turns<T> {
        Turns { state: Mutex::new((0, value)), turned: Condvar::new() }
    }

    /// Waits for a ticket's turn, uses the value, and passes the turn on.
    fn with<R>(&self, ticket: u64, work: impl FnOnce(&mut T) -> R) -> R {
        let mut state = lock(&self.state);
        while state.0 != ticket {
            state = self.turned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let result = work(&mut state.1);
        state.0 += 1;
        drop(state);
        self.turned.notify_all();
        result
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many bytes may wait for lines before them to be written.
const AHEAD_BYTES: usize = 8 << 20;

/// The output, which takes lines in any order and writes them in that of their tickets: so a core
/// whose windows take long to work out keeps no other one waiting.
struct Ordering<'a> {
    state: Mutex<Written<'a>>,
    progress: Condvar,
}

struct Written<'a> {
    out: &'a mut Output,
    /// The ticket whose lines are written next.
    next: u64,
    ahead: BTreeMap<u64, Vec<u8>>,
    ahead_bytes: usize,
    /// Memory of lines that were written, to be used again: fresh pages would have to be cleared.
    spare: Vec<Vec<u8>>,
    done: Result<(), Failure>,
}

impl<'a> Ordering<'a> {
    fn new(out: &'a mut Output) -> Ordering<'a> {
        let written = Written { out, next: 0, ahead: BTreeMap::new(), ahead_bytes: 0, spare: Vec::new(), done: Ok(()) };
        Ordering { state: Mutex::new(written), progress: Condvar::new() }
    }

    /// Hands in the lines of a ticket, and takes empty memory for the next ones; gives whether
    /// writing has failed.
    fn write(&self, ticket: u64, lines: &mut Vec<u8>) -> bool {
        let mut written = lock(&self.state);
        while written.next != ticket && written.ahead_bytes > AHEAD_BYTES {
            written = self.progress.wait(written).unwrap_or_else(PoisonError::into_inner);
        }
        let memory = written.spare.pop().unwrap_or_default();
        let lines = std::mem::replace(lines, memory);
        written.ahead_bytes += lines.len();
        written.ahead.insert(ticket, lines);
        let mut moved = false;
        loop {
            let next = written.next;
            let Some(mut lines) = written.ahead.remove(&next) else { break };
            written.next += 1;
            written.ahead_bytes -= lines.len();
            if written.done.is_ok() {
                written.done = written.out.lines(&lines);
            }
            lines.clear();
            if written.spare.len() < CORES {
                written.spare.push(lines);
            }
            moved = true;
        }
        let failed = written.done.is_err();
        drop(written);
        if moved {
            self.progress.notify_all();
        }
        failed
    }
}

/// What is done in turn with a batch.
struct Ordered<'a> {
    taker: &'a mut Taker,
    inputs: &'a mut Inputs,
    io: &'a mut Io,
    wanted: Wanted,
    /// The input whose lines are being taken, and how many of them were.
    input: usize,
    base: u64,
    good: u64,
    failure: Option<Failure>,
}

impl Ordered<'_> {
    fn take(&mut self, names: &[String], input: usize, batch: &mut Batch, samples: &Samples, routes: &mut Routes) -> Vec<Piece> {
        if self.failure.is_some() {
            return Vec::new();
        }
        if input != self.input {
            self.inputs.rejects.close_input(self.io, &names[self.input], self.base);
            (self.input, self.base) = (input, 0);
        }
        let (pieces, bad) = self.taker.take(batch, samples, routes, &self.wanted);
        self.good += batch.lines - bad.len() as u64;
        self.failure = reject(self.inputs, self.io, &names[input], self.base, &bad).err();
        self.base += batch.lines;
        pieces
    }
}

/// Many cores: each takes the next block, reads it, waits for its turn, and writes in turn.
fn many(
    taker: &mut Taker,
    inputs: &mut Inputs,
    opened: impl Iterator<Item = Result<Opened, Failure>> + Send,
    cores: usize,
    out: &mut Output,
    io: &mut Io,
) -> Result<u64, Failure> {
    let wanted = wanted(inputs, taker, io);
    let stop = io.stop.clone();
    let reader = Mutex::new(Reader { opened, current: None, names: Vec::new(), tickets: 0, ended: false });
    let failure = Mutex::new(None);
    let ordered = Turns::new(Ordered { taker, inputs, io, wanted, input: 0, base: 0, good: 0, failure: None });
    let written = Ordering::new(out);
    let worker = || {
        let (mut block, mut batch, mut samples, mut routes) = (Block::default(), Batch::default(), Samples::new(), Routes::default());
        let (mut renderer, mut lines) = (Renderer::default(), Vec::new());
        while !stop.asked() {
            let (ticket, input, names) = {
                let mut reader = lock(&reader);
                match reader.next(&mut block) {
                    Ok(Some((ticket, input))) => (ticket, input, reader.names.clone()),
                    Ok(None) => return,
                    Err(error) => return drop(lock(&failure).replace(error)),
                }
            };
            batch.read(&block, &mut samples, &wanted);
            let (pieces, stopped) = ordered.with(ticket, |ordered| {
                let pieces = ordered.take(&names, input, &mut batch, &samples, &mut routes);
                (pieces, ordered.failure.is_some())
            });
            renderer.render(pieces, &mut lines);
            if written.write(ticket, &mut lines) || stopped {
                lock(&reader).ended = true;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..cores {
            scope.spawn(worker);
        }
        worker();
    });
    let names = reader.into_inner().unwrap_or_else(PoisonError::into_inner).names;
    let done = written.state.into_inner().unwrap_or_else(PoisonError::into_inner).done;
    let (_, ordered) = ordered.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    done?;
    if let Some(name) = names.get(ordered.input) {
        ordered.inputs.rejects.close_input(ordered.io, name, ordered.base);
    }
    let failed = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    match ordered.failure.or(failed) {
        Some(failure) => Err(failure),
        None => Ok(ordered.good),
    }
}
