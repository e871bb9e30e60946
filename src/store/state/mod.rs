//! What `check` remembers between runs: one SQLite file in a folder.
//!
//! For each set of rules it holds the instant it was last judged at, what every check of every group
//! holds (since when it is true, the last results, what was said last), and the samples of input that
//! can't be read again. It knows no rule: a hold is JSON text, which only `check` understands.
//!
//! Cron runs and live pipes share the file at once. What always holds:
//!
//! - A commit is there as a whole or not at all, also after a kill or a power cut, and what was
//!   acknowledged stays: WAL with `synchronous=FULL`.
//! - Nothing waits for another process for longer than [`State::PATIENCE`].
//! - The memory of a set never goes back in time, and no sample that was handed over is lost.
//!
//! ```text
//! pipewatch.sqlite (0600)
//!   check_sets    one row a set: its rules' fingerprint, and the instant
//!   check_holds   one row for each set, check and group: the hold as JSON
//!   check_series  the series of samples kept, as JSON
//!   check_points  their samples: nanoseconds, value, weight
//!   check_memory  a view of it for people: sqlite3 pipewatch.sqlite 'select * from check_memory'
//!   listen_…      what `heartbeat listen` keeps: checks, keys, its memory
//! ```
//!
//! # Two at once
//!
//! A run begins from an instant that it read and commits a later one. Where another run has committed
//! in between, the later instant stays: what is held at an instant follows from the history up to it,
//! however it was divided into runs. Samples of both are kept, as neither has the other's.

mod error;
mod listen;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

pub use self::error::StateError;
pub use self::listen::Kept;
use crate::record::Tags;
use crate::time::Timestamp;

/// What a set of rules remembers.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    /// The fingerprint of the rules that were judged; by others the holds may mean nothing.
    pub rules: String,
    /// The last instant that was judged.
    pub at: Timestamp,
    /// What every check of every group holds, in the order of checks and tags.
    pub holds: Vec<Held>,
}

/// What one check holds for one group.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The check's name.
    pub check: String,
    /// The group.
    pub tags: Tags,
    /// What is held: the text of one JSON value.
    pub hold: String,
}

/// One sample that is kept, of input that can't be read again.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its series: the text of one JSON value. Equal series have equal texts.
    pub series: String,
    /// When it was taken.
    pub ts: Timestamp,
    /// Its value, a finite number.
    pub value: f64,
    /// How many observations it stands for.
    pub weight: f64,
}

/// What a run has to say at its end.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    /// The fingerprint of its rules.
    pub rules: &'a str,
    /// The instant that it began from, as [`Memory::at`] told; `None` where nothing was remembered.
    pub from: Option<Timestamp>,
    /// The instant that it has judged.
    pub at: Timestamp,
    /// Everything that is held at that instant; what is not named is forgotten.
    pub holds: &'a [Held],
    /// The samples to keep that came since it began.
    pub points: &'a [Point],
    /// The series of which older samples are needed no more, and before when.
    pub forget: &'a [(String, Timestamp)],
}

/// What became of a commit. The samples are kept in each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// The memory went on from where the run began.
    Done,
    /// Another run had committed this earlier instant in between, which was replaced. What it kept of
    /// its own input was not judged here.
    Replaced(Timestamp),
    /// Another run had committed this later, or the same, instant: its holds stay, nothing is forgotten.
    Overtaken(Timestamp),
}

/// The state file, open.
#[derive(Debug)]
pub struct State {
    connection: Connection,
    path: PathBuf,
}

impl State {
    /// The name of the file in its folder.
    pub const FILE: &'static str = "pipewatch.sqlite";
    /// For how long another process is waited for.
    pub const PATIENCE: Duration = Duration::from_secs(5);

    /// Opens the state of a folder; makes folder and file where there are none, readable by their owner only.
    ///
    /// # Errors
    /// [`StateError`] when there can be no file, or when it is none that this version knows.
    pub fn open(folder: &Path) -> Result<State, StateError> {
        let path = folder.join(State::FILE);
        schema::make_private(folder, &path)?;
        let connection = schema::connect(&path)?;
        Ok(State { connection, path })
    }

    /// What a set of rules remembers, without its samples; `None` when it was never committed.
    ///
    /// # Errors
    /// [`StateError`] when the file can't be read.
    pub fn memory(&mut self, set: &str) -> Result<Option<Memory>, StateError> {
        self.read(|transaction| memory(transaction, set))
    }

    /// What a set of rules remembers, and its samples, both as of one moment.
    ///
    /// Shape: `each` is called for every sample; series by series, ascending in time within a series,
    /// and of one instant in the order they were committed.
    ///
    /// # Errors
    /// [`StateError`] when the file can't be read.
    pub fn load(&mut self, set: &str, mut each: impl FnMut(&str, Timestamp, f64, f64)) -> Result<Option<Memory>, StateError> {
        self.read(|transaction| {
            let mut points = transaction.prepare(
                "SELECT series.series, ts_ns, value, weight FROM check_points
                 JOIN check_series AS series ON series.id = check_points.series
                 JOIN check_sets AS sets ON sets.id = series.of WHERE sets.name = ?1
                 ORDER BY series.series, ts_ns, check_points.rowid",
            )?;
            let mut rows = points.query([set])?;
            while let Some(row) = rows.next()? {
                each(row.get_ref(0)?.as_str()?, Timestamp::from_nanos(row.get(1)?), row.get(2)?, row.get(3)?);
            }
            memory(transaction, set)
        })
    }

    /// Commits what a run has to say; when this returns, it is on the disk.
    ///
    /// # Errors
    /// [`StateError`] when it could not be written; then nothing of it was.
    pub fn commit(&mut self, set: &str, commit: &Commit<'_>) -> Result<Committed, StateError> {
        let path = self.path.clone();
        let told = |error| StateError::of(&path, error);
        // Locked before anything is read, so that what is compared is still so when it is written.
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
        let committed = write(&transaction, set, commit).map_err(told)?;
        transaction.commit().map_err(told)?;
        Ok(committed)
    }

    fn read<T>(&mut self, read: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StateError> {
        let result = self.connection.transaction().and_then(|transaction| read(&transaction));
        result.map_err(|error| StateError::of(&self.path, error))
    }
}

fn memory(transaction: &Transaction<'_>, set: &str) -> rusqlite::Result<Option<Memory>> {
    let found = transaction
        .query_row("SELECT id, rules, at_ns FROM check_sets WHERE name = ?1", [set], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
        })
        .optional()?;
    let Some((id, rules, at)) = found else { return Ok(None) };
    let mut holds = transaction.prepare(r#"SELECT "check", tags, hold FROM check_holds WHERE of = ?1 ORDER BY "check", tags"#)?;
    let holds =
        holds.query_map([id], |row| Ok(Held { check: row.get(0)?, tags: tags_of(row.get_ref(1)?.as_str()?)?, hold: row.get(2)? }))?;
    Ok(Some(Memory { rules, at: Timestamp::from_nanos(at), holds: holds.collect::<rusqlite::Result<_>>()? }))
}

fn write(transaction: &Transaction<'_>, set: &str, commit: &Commit<'_>) -> rusqlite::Result<Committed> {
    let stored = transaction
        .query_row("SELECT id, at_ns FROM check_sets WHERE name = ?1", [set], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let committed = match stored.map(|(_, at)| Timestamp::from_nanos(at)) {
        None => Committed::Done,
        Some(at) if at > commit.at => Committed::Overtaken(at),
        Some(at) if Some(at) == commit.from => Committed::Done,
        Some(at) if at == commit.at => Committed::Overtaken(at),
        Some(at) => Committed::Replaced(at),
    };
    let id = match stored {
        Some((id, _)) => id,
        None => transaction.query_row(
            "INSERT INTO check_sets (name, rules, at_ns) VALUES (?1, ?2, ?3) RETURNING id",
            params![set, commit.rules, commit.at.nanos()],
            |row| row.get(0),
        )?,
    };
    keep(transaction, id, commit.points)?;
    if !matches!(committed, Committed::Overtaken(_)) {
        transaction.execute("UPDATE check_sets SET rules = ?2, at_ns = ?3 WHERE id = ?1", params![id, commit.rules, commit.at.nanos()])?;
        hold(transaction, id, commit.holds)?;
        forget(transaction, id, commit.forget)?;
    }
    Ok(committed)
}

/// Replaces all that a set holds.
fn hold(transaction: &Transaction<'_>, set: i64, holds: &[Held]) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM check_holds WHERE of = ?1", [set])?;
    let mut insert = transaction.prepare_cached(r#"INSERT INTO check_holds (of, "check", tags, hold) VALUES (?1, ?2, ?3, ?4)"#)?;
    for held in holds {
        insert.execute(params![set, held.check, text_of(&held.tags)?, held.hold])?;
    }
    Ok(())
}

/// Adds samples to those that are kept.
fn keep(transaction: &Transaction<'_>, set: i64, points: &[Point]) -> rusqlite::Result<()> {
    let mut series = transaction.prepare_cached(
        "INSERT INTO check_series (of, series) VALUES (?1, ?2) ON CONFLICT (of, series) DO UPDATE SET of = of RETURNING id",
    )?;
    let mut insert = transaction.prepare_cached("INSERT INTO check_points (series, ts_ns, value, weight) VALUES (?1, ?2, ?3, ?4)")?;
    let mut known: BTreeMap<&str, i64> = BTreeMap::new();
    for point in points {
        let id = match known.get(point.series.as_str()) {
            Some(id) => *id,
            None => {
                let id = series.query_row(params![set, point.series], |row| row.get(0))?;
                known.insert(&point.series, id);
                id
            }
        };
        insert.execute(params![id, point.ts.nanos(), point.value, point.weight])?;
    }
    Ok(())
}

/// Removes samples that no window reaches any more, and series that have none left.
fn forget(transaction: &Transaction<'_>, set: i64, series: &[(String, Timestamp)]) -> rusqlite::Result<()> {
    let mut points = transaction.prepare_cached(
        "DELETE FROM check_points WHERE ts_ns < ?3 AND series = (SELECT id FROM check_series WHERE of = ?1 AND series = ?2)",
    )?;
    let mut empty = transaction.prepare_cached(
        "DELETE FROM check_series WHERE of = ?1 AND series = ?2 AND NOT EXISTS (SELECT 1 FROM check_points WHERE series = check_series.id)",
    )?;
    for (name, before) in series {
        points.execute(params![set, name, before.nanos()])?;
        empty.execute(params![set, name])?;
    }
    Ok(())
}

/// Tags as JSON, their keys in order, so that equal tags have equal texts.
fn text_of(tags: &Tags) -> rusqlite::Result<String> {
    let map: BTreeMap<&str, &str> = tags.iter().collect();
    serde_json::to_string(&map).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn tags_of(text: &str) -> rusqlite::Result<Tags> {
    let map: BTreeMap<String, String> = serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(error)))?;
    Ok(map.into_iter().collect())
}
