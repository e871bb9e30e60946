//! Ways out: each takes records and brings them to one destination.
//!
//! Holds [`Destination`] (what was typed for one), [`open()`], and the sinks behind [`Sink`]: files
//! and histories ([`crate::store::append`]), datagrams, and streams over TCP; the bytes are made by
//! [`crate::wire`]. Holds no standard output: that belongs to the programs.
//!
//! Always: taking a record does no I/O and never fails. What a sink can't bring out it keeps up to
//! a bound, and counts what it loses.

mod datagrams;
mod destination;
mod lines;
mod resolve;
mod stream;

pub use destination::{Address, Destination, DestinationError, Protocol};

use crate::record::Sample;
use crate::store::append::{AppendError, Durability};
use crate::time::Timestamp;

/// A record on its way out.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// The line as it is to be written, its newline included.
    pub line: &'a [u8],
    /// The time that the record speaks of.
    pub ts: Timestamp,
    /// The record as a sample, when it is one and some sink [`wants_samples`](Sink::wants_samples).
    pub sample: Option<&'a Sample>,
}

/// What a sink did with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is kept for the next [`Sink::flush`].
    Yes,
    /// It has no place there: an event for StatsD. Counted.
    Unfit,
    /// Too much is kept already. Counted as lost.
    Full,
}

/// What a sink promises for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// It is there, or that is an error.
    Kept,
    /// It is tried for a while; what is lost is an error.
    Tried,
    /// It is sent once; what is lost is only counted.
    Sent,
}

/// One way out.
pub trait Sink: Send {
    /// Where it leads, for messages.
    fn name(&self) -> String;

    /// What it promises.
    fn promise(&self) -> Promise;

    /// Whether it needs [`Outgoing::sample`].
    fn wants_samples(&self) -> bool {
        false
    }

    /// Takes a record.
    fn take(&mut self, record: &Outgoing<'_>) -> Taken;

    /// Brings out what was taken.
    ///
    /// # Errors
    /// When it could not; what it still keeps is tried again the next time.
    fn flush(&mut self) -> Result<(), SinkError>;

    /// Brings out what was taken, trying for longer, and makes it safe; nothing follows.
    ///
    /// # Errors
    /// When it could not; what is left is counted as lost.
    fn finish(&mut self) -> Result<(), SinkError>;

    /// What became of the records.
    fn counts(&self) -> Counts;

    /// What a person should hear of since the last time, though nothing failed.
    fn notes(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// What became of the records that a sink took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Could not be brought out, and are not kept.
    pub lost: u64,
    /// Had no place at the destination.
    pub unfit: u64,
}

/// Why a sink could not bring records out.
#[derive(Debug)]
pub enum SinkError {
    /// A file did not take them.
    Append(AppendError),
    /// The other side did not take them.
    Remote {
        /// Where.
        address: Address,
        /// What was tried: `cannot connect`.
        doing: &'static str,
        /// The system's answer.
        error: std::io::Error,
    },
}

impl From<AppendError> for SinkError {
    fn from(error: AppendError) -> SinkError {
        SinkError::Append(error)
    }
}

impl SinkError {
    /// Whether the records were brought out nevertheless, and are not kept.
    pub const fn is_done(&self) -> bool {
        matches!(self, SinkError::Append(error) if error.written())
    }

    /// The system's answer, where it was asked.
    pub const fn system(&self) -> Option<&std::io::Error> {
        match self {
            SinkError::Append(error) => error.system(),
            SinkError::Remote { error, .. } => Some(error),
        }
    }
}

impl std::fmt::Display for SinkError {
    /// Writes where and what; the system's words, in [`SinkError::system`], are for the caller to add.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SinkError::Append(error) => error.fmt(f),
            SinkError::Remote { address, doing, .. } => write!(f, "{doing} to {address}"),
        }
    }
}

impl std::error::Error for SinkError {}

/// How long the program has run, by a clock that never goes back; `cli` gives it.
pub type Elapsed = std::sync::Arc<dyn Fn() -> crate::time::Span + Send + Sync>;

/// Opens a destination; `None` for standard output, which is not a sink.
///
/// # Errors
/// When a file or a folder can't be opened. Networks never fail here.
pub fn open(destination: &Destination, durability: Durability, elapsed: &Elapsed) -> Result<Option<Box<dyn Sink>>, SinkError> {
    Ok(Some(match destination {
        Destination::Stdout => return Ok(None),
        Destination::File(path) => Box::new(lines::FileSink::open(path, durability)?),
        Destination::History(path) => Box::new(lines::HistorySink::open(path, durability)?),
        Destination::Datagrams(address, protocol) => Box::new(datagrams::Datagrams::new(address, *protocol)),
        Destination::Stream(address, protocol) => Box::new(stream::Stream::new(address, *protocol, Elapsed::clone(elapsed))),
    }))
}
