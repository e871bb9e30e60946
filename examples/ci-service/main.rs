//! Writes the history of the made-up CI service of [`history`] into a folder, and beside it when it broke.
//!
//! ```sh
//! cargo run --release --example ci-service -- FOLDER [--weeks 6] [--every 1m] [--seed 1]
//! check suggest FOLDER/history
//! check backtest -f examples/ci-service/check.toml --labels FOLDER/truth.csv FOLDER/history
//! ```

mod history;

use std::io::Write;
use std::path::{Path, PathBuf};

use pipewatch::ndjson::write;
use pipewatch::time::{Span, Timestamp};

use history::Plan;

/// The Monday on which the history begins.
const START: &str = "2026-10-05T00:00:00Z";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut folder = None;
    let mut plan = Plan { weeks: 6, every: Span::from_secs(60), seed: 1, start: Timestamp::parse(START)? };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument}: a value is missing"));
        match argument.as_str() {
            "--weeks" => plan.weeks = value()?.parse()?,
            "--every" => plan.every = Span::parse(&value()?)?,
            "--seed" => plan.seed = value()?.parse()?,
            _ => folder = Some(PathBuf::from(&argument)),
        }
    }
    let folder = folder.ok_or("usage: ci-service FOLDER [--weeks 6] [--every 1m] [--seed 1]")?;
    if plan.weeks < 2 || plan.every.is_zero() || plan.every.nanos() % Span::from_secs(10).nanos() != 0 {
        return Err("--weeks must be 2 at least, and --every a multiple of 10s".into());
    }
    write_history(&plan, &folder.join("history"))?;
    write_truth(&plan, &folder.join("truth.csv"))?;
    Ok(())
}

/// Writes one packed file for each day, as a history folder holds past days.
fn write_history(plan: &Plan, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    let mut days = std::collections::BTreeMap::<String, Vec<u8>>::new();
    let mut failed = Ok(());
    history::generate(plan, &mut |record| {
        let day = record.ts().day();
        // A record may be some minutes off, so a day is packed once the one after the next has begun.
        if !days.contains_key(&day) && days.len() > 1 && failed.is_ok() {
            failed = days.pop_first().map_or(Ok(()), |(day, lines)| pack(folder, &day, &lines));
        }
        write(days.entry(day).or_default(), &record);
    });
    failed?;
    days.iter().try_for_each(|(day, lines)| pack(folder, day, lines))?;
    Ok(())
}

fn pack(folder: &Path, day: &str, lines: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(folder.join(format!("{day}.ndjson.zst")))?;
    file.write_all(&zstd::encode_all(lines, 1)?)
}

/// Writes the incidents as `check backtest --labels` reads them.
fn write_truth(plan: &Plan, path: &Path) -> std::io::Result<()> {
    let mut text = String::from("from,to\n");
    for incident in history::incidents(plan) {
        text += &format!("# {}: {}; over at {}\n{},{}\n", incident.name, incident.text, incident.over, incident.from, incident.over);
    }
    std::fs::write(path, text)
}
