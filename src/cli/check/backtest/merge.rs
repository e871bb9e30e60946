//! Histories to one stream in the order of time, read and decoded on a thread of its own.
//!
//! ```text
//! a.ndjson ─▶ block ─┐ the input that has come least far is read on
//! b.ndjson ─▶ block ─┼─▶ waiting records ─▶ sorted, up to where every input has come, less what
//! days/    ─▶ block ─┘                      may still be late ─▶ batches ─▶ the engine's thread
//! ```
//!
//! Always: no batch holds a record from before what an earlier batch went up to, but those that
//! came later than allowed, which are counted. So it makes no difference in which order the inputs
//! were named, nor how blocks were cut. Memory holds a block of each input, and what may be late.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use crate::cli::Failure;
use crate::cli::input::{Chain, Opened};
use crate::ndjson::{Block, Blocks, Item, LineError, Samples};
use crate::record::{LINE_BYTES, Record, Series, show};
use crate::store::read::{Range, Stream};
use crate::time::{Span, Timestamp};

/// Samples that wait before a batch is made of them: enough that threads rarely wait for each other.
const BATCH: usize = 4096;

/// One sample, its series by number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) ts: Timestamp,
    pub(super) value: f64,
    pub(super) weight: f64,
    pub(super) series: u32,
}

/// Records in the order of time.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The series that are new, in the order of their numbers.
    pub(super) series: Vec<Arc<Series>>,
    pub(super) points: Vec<Point>,
    /// Other records, each with the instant at which it was known.
    pub(super) others: Vec<(Timestamp, Record)>,
}

/// What the reading thread tells.
pub(super) enum Message {
    Batch(Batch),
    /// A line is no record.
    Refused {
        input: String,
        line: u64,
        error: LineError,
        bytes: Vec<u8>,
    },
    /// An input has come to its end.
    Ended {
        input: String,
        lines: u64,
    },
    /// Nothing more comes.
    Failed(Failure),
}

/// How an input was out of order.
#[derive(Debug, Clone)]
pub(in crate::cli::check) struct Late {
    pub(super) input: String,
    pub(super) count: u64,
    /// The longest that a record came late.
    pub(super) most: Span,
}

/// What was read, once all was.
#[derive(Debug, Default)]
pub(in crate::cli::check) struct Read {
    pub(super) records: u64,
    pub(super) late: Vec<Late>,
    /// How many records are from after the current time.
    pub(super) future: u64,
}

/// What is wanted of the inputs.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli::check) struct Order {
    pub(in crate::cli::check) range: Range,
    /// How late records may come.
    pub(in crate::cli::check) late: Span,
    /// What is from after this is left out.
    pub(in crate::cli::check) now: Timestamp,
}

/// One path that was typed.
struct Lane {
    chain: Chain,
    open: Option<(String, Blocks<Stream>)>,
    lines: u64,
    /// The time of its newest record.
    newest: Timestamp,
    ended: bool,
    late: Option<Late>,
}

/// The reader of all inputs.
pub(super) struct Merge {
    order: Order,
    lanes: Vec<Lane>,
    samples: Samples,
    told: usize,
    points: Vec<Point>,
    others: Vec<(Timestamp, Record)>,
    /// Up to where records were given.
    given: Timestamp,
    read: Read,
    sender: SyncSender<Message>,
}

/// Nobody wants to know more.
struct Left;

impl Merge {
    pub(super) fn new(chains: Vec<Chain>, order: Order, sender: SyncSender<Message>) -> Merge {
        let lane = |chain| Lane { chain, open: None, lines: 0, newest: Timestamp::MIN, ended: false, late: None };
        Merge {
            order,
            lanes: chains.into_iter().map(lane).collect(),
            samples: Samples::new(),
            told: 0,
            points: Vec::new(),
            others: Vec::new(),
            given: Timestamp::MIN,
            read: Read::default(),
            sender,
        }
    }

    /// Reads everything, and sends it.
    pub(super) fn run(mut self) -> Read {
        let mut block = Block::default();
        // Where nobody listens any more there is nothing left to do.
        let _ = self.merge(&mut block);
        self.read.late = self.lanes.into_iter().filter_map(|lane| lane.late).collect();
        self.read
    }

    fn merge(&mut self, block: &mut Block) -> Result<(), Left> {
        while let Some(lane) = self.behind() {
            match self.block(lane, block) {
                Ok(true) => self.lines(lane, block)?,
                Ok(false) => {}
                Err(failure) => return self.send(Message::Failed(failure)),
            }
            let reached = self.lanes.iter().filter(|lane| !lane.ended).map(|lane| lane.newest).min();
            let reached = reached.map_or(Timestamp::MAX, |newest| newest.minus(self.order.late));
            if reached > self.given && (self.points.len() >= BATCH || !self.others.is_empty() || reached == Timestamp::MAX) {
                self.give(reached)?;
            }
        }
        Ok(())
    }

    /// The input that has come least far.
    fn behind(&self) -> Option<usize> {
        let open = self.lanes.iter().enumerate().filter(|(_, lane)| !lane.ended);
        open.min_by_key(|(_, lane)| lane.newest).map(|(at, _)| at)
    }

    /// Reads the next block of an input; `false` when there is none right now.
    fn block(&mut self, at: usize, block: &mut Block) -> Result<bool, Failure> {
        let lane = &mut self.lanes[at];
        let Some((name, blocks)) = &mut lane.open else {
            match lane.chain.next() {
                Some(opened) => {
                    let Opened { name, stream } = opened?;
                    lane.open = Some((name, Blocks::new(stream)));
                    lane.lines = 0;
                }
                None => lane.ended = true,
            }
            return Ok(false);
        };
        let failed = |error| Failure::io(format!("{}: cannot read", show(name.as_bytes(), 200)), error);
        if blocks.next(block, &mut || Ok(())).map_err(failed)? {
            return Ok(true);
        }
        let input = name.clone();
        lane.open = None;
        let lines = lane.lines;
        // That nobody listens shows at the next block.
        let _ = self.send(Message::Ended { input, lines });
        Ok(false)
    }

    fn lines(&mut self, at: usize, block: &Block) -> Result<(), Left> {
        if let Some(length) = block.too_long {
            self.lanes[at].lines += 1;
            self.refuse(at, LineError::too_long(length), b"")?;
        }
        for line in block.lines() {
            self.lanes[at].lines += 1;
            let error = if line.len() > LINE_BYTES { Some(LineError::too_long(line.len() as u64)) } else { self.line(at, line).err() };
            if let Some(error) = error {
                self.refuse(at, error, line)?;
            }
        }
        Ok(())
    }

    fn refuse(&mut self, at: usize, error: LineError, line: &[u8]) -> Result<(), Left> {
        let lane = &self.lanes[at];
        let input = lane.open.as_ref().map(|(name, _)| name.clone()).unwrap_or_default();
        let (line, bytes) = (lane.lines, line.to_vec());
        self.send(Message::Refused { input, line, error, bytes })
    }

    #[inline]
    fn line(&mut self, at: usize, line: &[u8]) -> Result<(), LineError> {
        match self.samples.read(line)? {
            Item::Sample { series, ts, value, weight } => {
                if self.takes(at, ts) {
                    self.points.push(Point { ts, value, weight, series: series.0 });
                }
            }
            Item::Other(record) => {
                // What a window says is known at its end.
                let known = match &*record {
                    Record::Window(window) => window.ts.plus(window.window),
                    other => other.ts(),
                };
                if self.takes(at, known) {
                    self.others.push((known, *record));
                }
            }
        }
        Ok(())
    }

    /// Whether a record is wanted; notes how far its input has come, and how late it is.
    #[inline]
    fn takes(&mut self, at: usize, ts: Timestamp) -> bool {
        self.read.records += 1;
        if ts > self.order.now {
            self.read.future += 1;
            return false;
        }
        let lane = &mut self.lanes[at];
        if ts >= lane.newest {
            lane.newest = ts;
        } else if lane.newest.since(ts) > self.order.late {
            lane.note_late(lane.newest.since(ts));
        }
        self.order.range.holds(ts)
    }

    /// Gives everything up to an instant, in the order of time.
    fn give(&mut self, reached: Timestamp) -> Result<(), Left> {
        self.given = reached;
        self.points.sort_by_key(|point| point.ts);
        self.others.sort_by_key(|(ts, _)| *ts);
        let points = self.points.partition_point(|point| point.ts < reached);
        let others = self.others.partition_point(|(ts, _)| *ts < reached);
        let rest = self.points.split_off(points);
        let points = std::mem::replace(&mut self.points, rest);
        let rest = self.others.split_off(others);
        let others = std::mem::replace(&mut self.others, rest);
        let series = self.samples.all()[self.told..].to_vec();
        self.told += series.len();
        self.send(Message::Batch(Batch { series, points, others }))
    }

    fn send(&self, message: Message) -> Result<(), Left> {
        self.sender.send(message).map_err(|_| Left)
    }
}

impl Lane {
    #[cold]
    fn note_late(&mut self, by: Span) {
        let input = self.open.as_ref().map(|(name, _)| name.clone()).unwrap_or_default();
        let late = self.late.get_or_insert(Late { input, count: 0, most: Span::ZERO });
        late.count += 1;
        late.most = late.most.max(by);
    }
}
