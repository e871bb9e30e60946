//! What watching jobs costs: beats taken in a second, and judging ten thousand jobs.
//!
//! `cargo bench --bench heartbeat`
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::time::Instant;

use pipewatch::calendar::{Cron, Recurrence, Zone};
use pipewatch::heartbeat::{Expectation, Schedule, Turns, Watch};
use pipewatch::record::Beat;
use pipewatch::time::{Span, Timestamp};

const JOBS: usize = 10_000;
const BEATS: usize = 1_000_000;

fn main() {
    let begin = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    for (name, schedule) in [
        ("every 10m", Schedule::Every(Span::from_secs(600))),
        (
            "cron */10, in a zone",
            Schedule::Cron(Recurrence::Cron(Cron::parse("*/10 * * * *").unwrap(), Zone::named("Europe/Riga").unwrap())),
        ),
    ] {
        let mut watch = Watch::default();
        (0..JOBS).for_each(|job| watch.expect(Expectation::new(format!("job-{job}"), schedule.clone()), begin));
        // Every job beats every ten minutes.
        let at = |number: usize| begin.plus(Span::from_millis(60).times(number as u32));
        let beat = |number: usize| Beat { ts: at(number), beat: format!("job-{}", number % JOBS), duration: Some(1.5), ..Beat::default() };
        let beats: Vec<Beat> = (0..BEATS).map(beat).collect();
        let start = Instant::now();
        beats.iter().for_each(|beat| {
            watch.observe(beat);
        });
        let taken = start.elapsed();
        let now = at(BEATS);
        let start = Instant::now();
        let bad = (0..JOBS).filter_map(|job| watch.brief(job, now)).filter(|(status, _)| status.code() > 0).count();
        let brief = start.elapsed();
        let start = Instant::now();
        let verdicts = watch.judge(now).len();
        let judged = start.elapsed();
        let start = Instant::now();
        let turns = Turns::new(&watch, now, Default::default());
        let planned = start.elapsed();
        println!(
            "{name}: {:.2} million beats a second; {JOBS} jobs: states {brief:?} ({bad} bad), verdicts with evidence {judged:?} ({verdicts}), turns {planned:?} ({})",
            BEATS as f64 / taken.as_secs_f64() / 1e6,
            turns.next().is_some()
        );
    }
}
