//! Prints how good the judge of silence is, beside fixed limits: `cargo bench --bench absence -- FILE [SEED]`.
//!
//! FILE holds seconds since 1970, ascending, one a line, of more than sixteen weeks; it may be compressed by zstd.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::exit)]

#[path = "../tests/suite/absence/measure.rs"]
mod measure;

use measure::{Found, Judge, instants, score};

fn cell(found: &Found) -> String {
    let median = found.median().map_or("-".to_owned(), |minutes| minutes.to_string());
    let power = found.power().map_or("-".to_owned(), |percent| format!("{percent:.1}"));
    format!("{:>7.1} {:>7} {:>7} {:>7.1}", found.percent(), power, median, found.told())
}

/// The text of a file, which may be compressed.
fn read(path: &str) -> std::io::Result<String> {
    let bytes = std::fs::read(path)?;
    let plain = if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) { zstd::decode_all(&bytes[..])? } else { bytes };
    String::from_utf8(plain).map_err(std::io::Error::other)
}

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let Some(path) = args.next() else {
        eprintln!("absence: name a file of instants, one a line");
        std::process::exit(64);
    };
    let seed = args.next().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let text = read(&path).unwrap_or_else(|error| {
        eprintln!("absence: {path}: cannot read: {error}");
        std::process::exit(74);
    });
    let stream = instants(&text);
    println!("{:<22} {:>8} | {:^31} | {:^31}", "", "alarms", "outages on working days", "outages on weekends");
    println!(
        "{:<22} {:>8} | {:>7} {:>7} {:>7} {:>7} | {:>7} {:>7} {:>7} {:>7}",
        "", "a week", "found %", "said %", "median", "told %", "found %", "said %", "median", "told %"
    );
    let judges = [1.0, 2.0, 3.0].map(|budget| (format!("unusual, {budget} per week"), Judge::learned(budget)));
    let fixed = [60, 235].map(|minutes| (format!("age > {minutes}m"), Judge::Fixed(minutes)));
    for (name, judge) in judges.into_iter().chain(fixed) {
        let score = score(judge, &stream, seed);
        println!("{name:<22} {:>8.2} | {} | {}", score.alarms_per_week, cell(&score.weekday), cell(&score.weekend));
    }
}
