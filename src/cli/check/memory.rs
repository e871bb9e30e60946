//! What `check --state DIR` remembers: the holds of every check, and the samples of standard input,
//! which can't be read again. Files and histories are read again, so nothing of them is kept.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::TOOL;
use super::rules::Typed;
use crate::cli::{Failure, Io};
use crate::ndjson::decode;
use crate::record::{SampleType, Series, Tags};
use crate::rule::Engine;
use crate::store::state::{Commit, Committed, Held, Point, State, StateError};
use crate::time::{Span, Timestamp};

/// How old a kept record that is no sample may be: as far back as verdicts tell of events.
const RECORDS: Span = Span::from_secs(24 * 3600);

/// The memory of one set of rules.
pub(super) struct Memory {
    state: State,
    set: String,
    /// The instant that the run began from.
    from: Option<Timestamp>,
    /// The instant of the last commit of this run.
    pub(super) at: Option<Timestamp>,
    /// Whether the state is of later than this run, which then commits nothing.
    is_later: bool,
    /// What came since the last commit.
    pub(super) points: Vec<Point>,
}

/// A series as the state names it.
#[derive(Serialize, Deserialize)]
struct Named {
    metric: String,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

/// The text by which the state knows a series.
pub(super) fn text_of(series: &Series) -> String {
    let named = Named {
        metric: series.metric.clone(),
        kind: (series.kind != SampleType::Gauge).then(|| series.kind.name().to_owned()),
        unit: series.unit.clone(),
        tags: series.tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
    };
    serde_json::to_string(&named).unwrap_or_default()
}

/// The series that the state knows by a text; `None` when it is a record of another kind.
fn series_of(text: &str) -> Option<Series> {
    let named: Named = serde_json::from_str(text).ok()?;
    if text.contains("\"window\"") && text.contains("\"ts\"") {
        return None;
    }
    let kind = named.kind.as_deref().map_or(Some(SampleType::Gauge), SampleType::parse)?;
    Some(Series { metric: named.metric, kind, unit: named.unit, tags: named.tags.into_iter().collect::<Tags>() })
}

impl Memory {
    /// Opens the state of a folder, and gives an engine what was remembered for its checks.
    ///
    /// # Errors
    /// When the state can't be read.
    pub(super) fn open(folder: &Path, rules: &Typed, engine: &mut Engine, io: &mut Io) -> Result<Memory, Failure> {
        let mut state = State::open(folder).map_err(failed)?;
        let set = rules.set();
        let now = io.now();
        let mut points = Vec::new();
        let known = state.load(&set, |series, ts, value, weight| points.push((series.to_owned(), ts, value, weight))).map_err(failed)?;
        let mut memory = Memory { state, set, from: None, at: None, is_later: false, points: Vec::new() };
        let Some(known) = known else { return Ok(memory) };
        memory.is_later = known.at > now;
        if memory.is_later {
            let behind = known.at.since(now).human();
            io.tell(TOOL.name, format!("the state is of {}, {behind} later than the instant judged: it is left as it is", known.at));
            return Ok(memory);
        }
        memory.from = Some(known.at);
        engine.resume(known.at);
        engine.advance(now);
        for held in &known.holds {
            if !engine.remember(&held.check, &held.tags, &held.hold) {
                io.tell(
                    TOOL.name,
                    format!("the rule `{}` is another one than before: it begins anew", crate::record::show(held.check.as_bytes(), 80)),
                );
            }
        }
        restore(&points, engine)?;
        Ok(memory)
    }

    /// Commits what is remembered now; the verdicts that tell of it must have been written before.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn commit(&mut self, engine: &Engine) -> Result<(), Failure> {
        let Some(at) = engine.at().filter(|_| !self.is_later) else { return Ok(()) };
        let holds: Vec<Held> = engine.memory().into_iter().map(|(check, tags, hold)| Held { check, tags, hold }).collect();
        let forget: Vec<(String, Timestamp)> = engine.needed(at).map(|(series, from)| (text_of(series), from)).collect();
        let commit = Commit { rules: "1", from: self.from, at, holds: &holds, points: &self.points, forget: &forget };
        match self.state.commit(&self.set, &commit).map_err(failed)? {
            Committed::Done | Committed::Replaced(_) => (self.from, self.at) = (Some(at), Some(at)),
            Committed::Overtaken(later) => self.from = Some(later),
        }
        self.points.clear();
        Ok(())
    }
}

/// Gives kept samples and records back to an engine.
fn restore(points: &[(String, Timestamp, f64, f64)], engine: &mut Engine) -> Result<(), Failure> {
    let mut known: Option<(&str, Option<usize>)> = None;
    for (text, ts, value, weight) in points {
        if known.is_none_or(|(of, _)| of != text) {
            let slot = match series_of(text) {
                Some(series) => engine.slot(&Arc::new(series)).map_err(Failure::Data)?,
                None => {
                    if ts.plus(RECORDS) > engine.horizon()
                        && let Ok(record) = decode(text.as_bytes())
                    {
                        super::feed::add_record(engine, record).map_err(Failure::Data)?;
                    }
                    None
                }
            };
            known = Some((text, slot));
        }
        if let Some((_, Some(slot))) = known {
            engine.add(slot, *ts, *value, *weight).map_err(Failure::Data)?;
        }
    }
    Ok(())
}

fn failed(error: StateError) -> Failure {
    let hint = error.hint();
    match error {
        StateError::Busy { .. } => Failure::Again(error.to_string()),
        error => Failure::Config(error.to_string(), hint),
    }
}
