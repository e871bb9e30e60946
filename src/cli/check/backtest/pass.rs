//! One pass of an engine over histories: read on one thread, evaluated on this one.

use std::sync::mpsc::{Receiver, sync_channel};

use super::merge::{Batch, Merge, Message, Order, Read};
use crate::cli::check::{TOOL, feed};
use crate::cli::rejects::Place;
use crate::cli::{Failure, Inputs, Io, elapsed};
use crate::record::{Record, show};
use crate::rule::backtest::Judgement;
use crate::rule::{Engine, Outcome};
use crate::time::{Span, Timestamp};

/// Batches that may wait between the threads.
const WAITING: usize = 16;

/// How often people are told how far the work is.
const PROGRESS: Span = Span::from_millis(500);

/// What is done with every outcome.
pub(in crate::cli::check) type Watch<'a> = &'a mut dyn FnMut(&mut Engine, Outcome);

/// What a pass came to.
#[derive(Debug)]
pub(in crate::cli::check) struct Passed {
    /// The first record that counts, and the newest.
    pub(in crate::cli::check) from: Timestamp,
    pub(in crate::cli::check) until: Timestamp,
    pub(super) read: Read,
    /// What people judged.
    pub(super) judgements: Vec<Judgement>,
}

/// Where the series of a sample go.
#[derive(Debug, Clone, Copy)]
enum Slot {
    /// Nobody has asked yet.
    New,
    Unwanted,
    At(usize),
}

/// The engine's side of a pass.
struct Run<'a> {
    engine: &'a mut Engine,
    watch: Watch<'a>,
    series: Vec<(std::sync::Arc<crate::record::Series>, Slot)>,
    first: Option<Timestamp>,
    newest: Timestamp,
    /// The next instant to be evaluated.
    due: Timestamp,
    judgements: Vec<Judgement>,
}

/// Moves an engine over all that the inputs hold within the order's range.
///
/// # Errors
/// When an input can't be read, holds no record, or the engine can't hold what matters.
pub(in crate::cli::check) fn run(
    engine: &mut Engine,
    inputs: &mut Inputs,
    order: Order,
    io: &mut Io,
    watch: Watch<'_>,
) -> Result<Passed, Failure> {
    let chains = inputs.open_apart(io)?;
    let (sender, receiver) = sync_channel(WAITING);
    let mut run =
        Run { engine, watch, series: Vec::new(), first: None, newest: Timestamp::MIN, due: Timestamp::MIN, judgements: Vec::new() };
    let (done, read) = std::thread::scope(|scope| {
        let reading = scope.spawn(move || Merge::new(chains, order, sender).run());
        let done = run.listen(receiver, inputs, io);
        (done, reading.join().unwrap_or_default())
    });
    done?;
    inputs.rejects.close(io);
    if read.records == 0 {
        inputs.nothing_good(io)?;
    }
    run.finish(read)
}

impl Run<'_> {
    /// Takes in what the reading thread tells, until nothing more comes.
    fn listen(&mut self, receiver: Receiver<Message>, inputs: &mut Inputs, io: &mut Io) -> Result<(), Failure> {
        let mut progress = Progress::new(io);
        for message in receiver {
            match message {
                Message::Batch(batch) => {
                    self.batch(batch)?;
                    progress.tell(self.newest, io);
                }
                Message::Refused { input, line, error, bytes } => {
                    progress.clear(io);
                    inputs.rejects.reject(io, Place { input: &input, line }, &error, &bytes)?;
                }
                Message::Ended { input, lines } => inputs.rejects.close_input(io, &input, lines),
                Message::Failed(failure) => return Err(failure),
            }
            if io.stop.asked() {
                break;
            }
        }
        progress.clear(io);
        Ok(())
    }

    fn batch(&mut self, batch: Batch) -> Result<(), Failure> {
        self.series.extend(batch.series.into_iter().map(|series| (series, Slot::New)));
        let mut others = batch.others.into_iter().peekable();
        for point in &batch.points {
            while let Some((ts, record)) = others.next_if(|(ts, _)| *ts < point.ts) {
                self.other(ts, record)?;
            }
            self.reach(point.ts);
            let (series, slot) = &mut self.series[point.series as usize];
            if let Slot::New = slot {
                *slot = self.engine.slot(series).map_err(Failure::Data)?.map_or(Slot::Unwanted, Slot::At);
            }
            if let Slot::At(slot) = *slot {
                self.engine.add(slot, point.ts, point.value, point.weight).map_err(Failure::Data)?;
            }
        }
        others.try_for_each(|(ts, record)| self.other(ts, record))
    }

    fn other(&mut self, ts: Timestamp, record: Record) -> Result<(), Failure> {
        self.reach(ts);
        if let Record::Notice(notice) = &record {
            self.judgements.extend(Judgement::of(notice));
        }
        feed::add_record(self.engine, record).map_err(Failure::Data)
    }

    /// Makes the evaluations before an instant at which something came.
    #[inline]
    fn reach(&mut self, ts: Timestamp) {
        if ts > self.newest {
            self.newest = ts;
            if self.due < ts {
                self.evaluate(ts);
            }
        }
    }

    fn evaluate(&mut self, until: Timestamp) {
        let first = *self.first.get_or_insert(until);
        self.engine.run(first, until, self.watch);
        self.due = self.engine.next(first).unwrap_or(Timestamp::MAX);
    }

    fn finish(mut self, read: Read) -> Result<Passed, Failure> {
        if let Some(from) = self.first {
            self.evaluate(self.newest.plus(Span::from_nanos(1)));
            return Ok(Passed { from, until: self.newest, read, judgements: self.judgements });
        }
        Err(Failure::Data("no record lies in the range of time that was asked for".into()))
    }
}

/// How far the work is, in one line on a terminal that is written over.
struct Progress {
    shown: bool,
    next: Span,
    elapsed: Option<std::sync::Arc<dyn Fn() -> Span + Send + Sync>>,
}

impl Progress {
    fn new(io: &Io) -> Progress {
        Progress { shown: false, next: PROGRESS, elapsed: (io.is_process && io.stderr_is_terminal).then(elapsed) }
    }

    fn tell(&mut self, reached: Timestamp, io: &mut Io) {
        let Some(elapsed) = self.elapsed.as_ref().map(|elapsed| elapsed()).filter(|elapsed| *elapsed >= self.next) else { return };
        self.next = elapsed.plus(PROGRESS);
        self.shown = true;
        let text = show(reached.to_string().get(..16).unwrap_or_default().as_bytes(), 30);
        // Where the terminal is gone nobody looks.
        let _ = write!(io.stderr, "\r{}: at {text}\u{1b}[K", TOOL.name).and_then(|()| io.stderr.flush());
    }

    fn clear(&mut self, io: &mut Io) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(io.stderr, "\r\u{1b}[K").and_then(|()| io.stderr.flush());
        }
    }
}
