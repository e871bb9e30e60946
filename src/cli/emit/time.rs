//! What a command took: its duration, exit status and peak memory.

use std::time::Instant;

use super::outlet::Outlet;
use super::plan::Timing;
use crate::cli::child::{self, Job};
use crate::cli::failure::system_words;
use crate::cli::{Code, Failure, Io};
use crate::record::{Record, Sample, Series, show};
use crate::time::Timestamp;

/// Runs the command and emits what it took. The code is the command's, whatever becomes of the
/// records: whoever waits for the command must not fail because of its monitoring.
pub(super) fn run(timing: &Timing, open: &dyn Fn(&mut Io) -> Result<Outlet, Failure>, io: &mut Io) -> Result<Code, Failure> {
    let begun = Instant::now();
    let ended = Job::new(&timing.command).run();
    let seconds = begun.elapsed().as_secs_f64();
    let now = io.now();
    let status = match &ended {
        Ok(ended) => ended.status,
        Err(error) => {
            let command = timing.command.first().map_or(String::new(), |command| show(command.as_encoded_bytes(), 200));
            io.tell("emit", format!("{command}: cannot run: {}", system_words(error)));
            child::status_of(error)
        }
    };
    let mut samples = vec![sample(timing, "exit", None, f64::from(status), now)];
    if let Ok(ended) = ended {
        samples.insert(0, sample(timing, "duration", Some("s"), seconds, now));
        samples.push(sample(timing, "memory", Some("By"), ended.peak_bytes as f64, now));
    }
    if let Err(failure) = give(samples, open, io)
        && !matches!(failure, Failure::ClosedPipe)
    {
        let text = failure.text("emit");
        let _ = io.stderr.write_all(text.as_bytes());
    }
    Ok(Code::of(status))
}

fn give(samples: Vec<Sample>, open: &dyn Fn(&mut Io) -> Result<Outlet, Failure>, io: &mut Io) -> Result<(), Failure> {
    let mut outlet = open(io)?;
    for sample in samples {
        super::emit(&Record::Sample(sample), &mut outlet)?;
    }
    outlet.finish().map(|_| ())
}

fn sample(timing: &Timing, part: &str, unit: Option<&str>, value: f64, ts: Timestamp) -> Sample {
    let mut series = Series::new(format!("{}.{part}", timing.name));
    series.unit = unit.map(str::to_owned);
    series.tags = timing.tags.clone();
    Sample::new(ts, series, value)
}
