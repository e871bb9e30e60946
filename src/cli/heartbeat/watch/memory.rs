//! What `watch` remembers between runs: every job, the clocks at its last look, and what was told.
//!
//! The state file keeps it as it keeps what checks hold: one row a job, and one without a name for the watch itself.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::TOOL;
use crate::cli::{Clock, Failure, Io};
use crate::heartbeat::{Away, Look, Machine, Said, Saved, SavedJob, Watch};
use crate::record::Tags;
use crate::store::state::{Commit, Held, State, StateError};
use crate::time::{Span, Timestamp};

/// How the memory is written: of another version nothing is taken.
const VERSION: &str = "heartbeat watch 1";

/// The memory of one set of files.
pub(super) struct Memory {
    state: State,
    set: String,
    from: Option<Timestamp>,
    saved: Saved,
    own: Own,
    is_real: bool,
}

/// What the watch remembers of itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Own {
    look: Option<Look>,
    /// From look to look, the last time.
    usual_ns: Option<i64>,
    #[serde(default)]
    said: Said,
    #[serde(default)]
    rest: Saved,
}

impl Memory {
    pub(super) fn open(folder: &Path, files: &[PathBuf], io: &Io) -> Result<Memory, Failure> {
        let mut state = State::open(folder).map_err(failure)?;
        let names: Vec<String> = files.iter().map(|file| std::path::absolute(file).unwrap_or(file.clone()).display().to_string()).collect();
        let set = format!("heartbeat watch {}", names.join(" "));
        let found = state.memory(&set).map_err(failure)?;
        // A run at an instant before the last one is of the past: what is remembered was not known then.
        let found = found.filter(|found| found.rules == VERSION && (found.at <= io.now() || matches!(io.clock, Clock::System)));
        let from = found.as_ref().map(|found| found.at);
        let (mut saved, mut own) = (Saved::default(), Own::default());
        for held in found.into_iter().flat_map(|found| found.holds) {
            let cannot = |error: serde_json::Error| Failure::Data(format!("the state of `{}` can't be read: {error}", held.check));
            if held.check.is_empty() {
                own = serde_json::from_str::<Own>(&held.hold).map_err(cannot)?;
            } else {
                let job: SavedJob = serde_json::from_str(&held.hold).map_err(cannot)?;
                saved.jobs.insert(held.check, job);
            }
        }
        saved.away = std::mem::take(&mut own.rest.away);
        saved.strangers = std::mem::take(&mut own.rest.strangers);
        Ok(Memory { state, set, from, saved, own, is_real: matches!(io.clock, Clock::System) })
    }

    /// What was seen, to be gone on from.
    pub(super) fn take(&mut self) -> Saved {
        std::mem::take(&mut self.saved)
    }

    /// The last instant that was judged.
    pub(super) const fn at(&self) -> Option<Timestamp> {
        self.from
    }

    /// What was told.
    pub(super) fn said(&self) -> Said {
        self.own.said.clone()
    }

    /// When the watcher was away between its last look and `now`; `usual` is how often a live one looks.
    pub(super) fn absences(&self, now: Timestamp, usual: Option<Span>) -> Vec<Away> {
        let Some(before) = &self.own.look else { return Vec::new() };
        let known = self.own.usual_ns.map(Span::from_nanos);
        // Before the second look it is not known how often it looks.
        let usual = usual.or(known).unwrap_or(Span::from_secs(86_400));
        look(now, self.is_real).since(before, usual)
    }

    /// Remembers all of it at an instant.
    pub(super) fn commit(&mut self, watch: &Watch, at: Timestamp, said: &Said) -> Result<(), Failure> {
        let Saved { jobs, strangers, away } = watch.save();
        let before = self.own.look.as_ref().map(|look| look.at);
        self.own.usual_ns = before.map(|before| at.since(before).nanos()).filter(|nanos| *nanos > 0).or(self.own.usual_ns);
        self.own.look = Some(look(at, self.is_real));
        self.own.said.clone_from(said);
        self.own.rest = Saved { jobs: Default::default(), strangers, away };
        let text = |error: serde_json::Error| Failure::Data(format!("the state can't be written: {error}"));
        let mut holds = vec![Held { check: String::new(), tags: Tags::new(), hold: serde_json::to_string(&self.own).map_err(text)? }];
        for (name, job) in jobs {
            holds.push(Held { check: name, tags: Tags::new(), hold: serde_json::to_string(&job).map_err(text)? });
        }
        let commit = Commit { rules: VERSION, from: self.from, at, holds: &holds, points: &[], forget: &[] };
        self.state.commit(&self.set, &commit).map_err(failure)?;
        self.from = Some(at);
        Ok(())
    }
}

/// The clocks of this machine; the wall's alone where an instant was given.
pub(super) fn look(at: Timestamp, is_real: bool) -> Look {
    let nanos = |id| {
        let time = rustix::time::clock_gettime(id);
        time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
    };
    let machine = || {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        let (since_start_ns, awake_ns) = (nanos(rustix::time::ClockId::Boottime), nanos(rustix::time::ClockId::Monotonic));
        Some(Machine { boot, since_start_ns, awake_ns })
    };
    Look { at, machine: if is_real { machine() } else { None } }
}

fn failure(error: StateError) -> Failure {
    match error {
        StateError::Busy { .. } => Failure::Again(error.to_string()),
        _ => Failure::Config(format!("{}: {error}", TOOL.name).trim_start_matches("heartbeat: ").to_owned(), None),
    }
}
