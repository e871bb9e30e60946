//! Forwarding: every valid line goes on byte for byte; one without `ts` gets the time of its arrival.

use std::sync::Arc;

use super::outlet::Outlet;
use crate::cli::{Alive, Code, Failure, Inputs, Io};
use crate::ndjson::{Item, LineError, Samples, SeriesId, decode_at};
use crate::record::{Record, Sample, Series, Value};
use crate::sink::Outgoing;
use crate::time::Timestamp;

/// Reads all inputs and gives their records to the destinations.
pub(super) fn run(mut inputs: Inputs, mut outlet: Outlet, io: &mut Io) -> Result<Code, Failure> {
    let clock = io.clock;
    let range = inputs.range;
    let mut reader = Reader::new(outlet.wants_samples(), io.alive.clone());
    let read = inputs.each(io, &mut outlet, &mut |line, outlet| {
        let record = reader.read(line, &|| clock.now())?;
        if range.holds(record.ts) {
            outlet.take(&record)?;
        }
        Ok(())
    });
    let code = outlet.finish();
    read?;
    let code = code?;
    Ok(if code == Code::OK { inputs.rejects.code() } else { code })
}

/// Reads lines as records on their way out, in memory that is used again.
struct Reader {
    samples: Samples,
    wants_samples: bool,
    line: Vec<u8>,
    /// A sample of each known series, whose time and value are replaced.
    known: Vec<Sample>,
    other: Option<Box<Record>>,
    /// Told of the beats that arrive.
    alive: Alive,
}

impl Reader {
    fn new(wants_samples: bool, alive: Alive) -> Reader {
        Reader { samples: Samples::new(), wants_samples, line: Vec::new(), known: Vec::new(), other: None, alive }
    }

    /// Reads one line, without its newline.
    fn read(&mut self, line: &[u8], arrival: &dyn Fn() -> Timestamp) -> Result<Outgoing<'_>, LineError> {
        self.line.clear();
        let item = match self.samples.read(line) {
            Err(error) if error.cause == "no `ts`" => {
                let arrival = arrival();
                let record = decode_at(line, Some(arrival))?;
                stamp(&mut self.line, line, arrival);
                Item::Other(Box::new(record))
            }
            read => {
                self.line.extend_from_slice(line);
                read?
            }
        };
        self.line.push(b'\n');
        let (ts, sample) = match item {
            Item::Sample { ts, .. } if !self.wants_samples => (ts, None),
            Item::Sample { series, ts, value, weight } => {
                let sample = sample_of(&mut self.known, self.samples.all(), series);
                (ts, sample.map(|sample| fill(sample, ts, value, weight)))
            }
            Item::Other(record) => match &**self.other.insert(record) {
                Record::Sample(sample) => (sample.ts, Some(sample)),
                record => {
                    self.alive.arrived(record);
                    (record.ts(), None)
                }
            },
        };
        Ok(Outgoing { line: &self.line, ts, sample })
    }
}

/// The sample that is kept for a series.
fn sample_of<'a>(known: &'a mut Vec<Sample>, all: &[Arc<Series>], id: SeriesId) -> Option<&'a mut Sample> {
    let at = id.0 as usize;
    for series in all.get(known.len()..=at).unwrap_or_default() {
        known.push(Sample::new(Timestamp::MIN, series.as_ref().clone(), 0.0));
    }
    known.get_mut(at)
}

/// Gives a sample another time and value.
fn fill(sample: &mut Sample, ts: Timestamp, value: f64, weight: f64) -> &Sample {
    (sample.ts, sample.value, sample.weight) = (ts, Value::Number(value), weight);
    sample
}

/// Writes a record's line with `ts` as its first key.
fn stamp(out: &mut Vec<u8>, line: &[u8], ts: Timestamp) {
    let inside = line.iter().position(|byte| *byte == b'{').map_or(0, |at| at + 1);
    out.extend_from_slice(b"{\"ts\":\"");
    ts.write(out);
    out.extend_from_slice(b"\",");
    out.extend_from_slice(&line[inside..]);
}
