//! All jobs together: who is expected, what was seen, and what the watcher itself can't know.
//!
//! Bounded: jobs are those that are expected; of names that nobody expects [`MOST_STRANGERS`] are
//! remembered to be told, of the watcher's own absences [`MOST_AWAY`].

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::job::{Job, SavedJob, Took};
use super::through;
use super::{Expectation, verdict};
use crate::record::{Beat, Status, Verdict};
use crate::time::Timestamp;

/// The most names that are remembered of those nobody expects.
pub const MOST_STRANGERS: usize = 1000;

/// How many of the watcher's own absences are remembered.
pub const MOST_AWAY: usize = 16;

/// Why the watcher could not know something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Absence {
    /// It was not running; beats that others wrote down were read afterwards.
    NotRunning,
    /// The machine slept, and whatever runs on it.
    Slept,
    /// The clock was set forward over it.
    SetForward,
    /// The clock was set back: this time came twice.
    SetBack,
    /// The machine was started anew since, so that it can't be told whether the clock was set.
    Restarted,
}

/// A time in which the watcher was away, by the wall's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// Since when; of a clock that was set back, to when it was set.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Why.
    pub why: Absence,
}

impl Away {
    /// What was so, and what can't be known because of it.
    pub fn told(&self) -> String {
        let (from, to) = (self.from, self.to);
        match self.why {
            Absence::NotRunning => {
                format!(
                    "the watcher was away from {from} to {to}; what was written to the history then has been read, what went to the watcher alone is lost"
                )
            }
            Absence::Slept => {
                format!(
                    "this machine slept from {from} to {to}; what was due then could neither run here nor be heard, and has its grace again"
                )
            }
            Absence::SetForward => format!("the clock was set forward from {from} to {to}; what was due in between has its grace again"),
            Absence::SetBack => {
                format!("the clock was set back from {to} to {from}; beats stamped later than they came count from when the clock was set")
            }
            Absence::Restarted => {
                format!("this machine was started anew between {from} and {to}; whether its clock was set then can't be told")
            }
        }
    }
}

/// A beat of a name that nobody expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stranger {
    /// How many came.
    pub beats: u64,
    /// When the last one came.
    pub last: Timestamp,
}

/// All jobs.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    jobs: Vec<Job>,
    by_name: HashMap<String, usize>,
    /// The generator of each path, by the path's name.
    generators: HashMap<String, usize>,
    strangers: BTreeMap<String, Stranger>,
    /// Beats of names for which there was no room.
    more_strangers: u64,
    away: Vec<Away>,
    too_old: u64,
}

/// What is kept of a watch between runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// The jobs, by name.
    #[serde(default)]
    pub jobs: BTreeMap<String, SavedJob>,
    /// Who is not expected.
    #[serde(default)]
    pub strangers: BTreeMap<String, Stranger>,
    /// The watcher's absences.
    #[serde(default)]
    pub away: Vec<Away>,
}

impl Watch {
    /// Expects these jobs, known since an instant; one that is expected already keeps what was seen of it.
    pub fn expect(&mut self, expectation: Expectation, known_since: Timestamp) {
        let at = self.by_name.get(&expectation.name).copied();
        self.goes_through(at.unwrap_or(self.jobs.len()), &expectation);
        match at {
            Some(at) => self.jobs[at].expect(expectation),
            None => {
                self.strangers.remove(&expectation.name);
                self.by_name.insert(expectation.name.clone(), self.jobs.len());
                self.jobs.push(Job::new(expectation, known_since));
            }
        }
    }

    /// Notes which path a job is the generator of.
    fn goes_through(&mut self, at: usize, expectation: &Expectation) {
        self.generators.retain(|_, generator| *generator != at);
        if let Some(path) = &expectation.through {
            self.generators.insert(path.clone(), at);
        }
    }

    /// The generator of a path, where it has one.
    fn generator_of(&self, path: &Job) -> Option<&Job> {
        self.generators.get(&path.expectation().name).and_then(|at| self.jobs.get(*at))
    }

    /// The path that a job is the generator of: its place among the jobs.
    pub fn path_of(&self, at: usize) -> Option<usize> {
        let path = self.jobs.get(at)?.expectation().through.as_ref()?;
        self.by_name.get(path).copied()
    }

    /// Takes a beat in.
    ///
    /// The place of its job among [`Watch::jobs`], and what became of it; `None` when nobody expects it.
    pub fn observe(&mut self, beat: &Beat) -> Option<(usize, Took)> {
        let Some(at) = self.by_name.get(beat.beat.as_str()).copied() else {
            self.stranger(beat);
            return None;
        };
        let took = self.jobs[at].observe(beat);
        self.too_old += u64::from(took == Took::TooOld);
        Some((at, took))
    }

    /// What was never seen is expected since an earlier instant, where that is known.
    pub fn known_from(&mut self, ts: Timestamp) {
        self.jobs.iter_mut().for_each(|job| job.known_from(ts));
    }

    fn stranger(&mut self, beat: &Beat) {
        let has_room = self.strangers.len() < MOST_STRANGERS;
        match self.strangers.get_mut(&beat.beat) {
            Some(stranger) => {
                stranger.beats += u64::from(beat.ts > stranger.last);
                stranger.last = stranger.last.max(beat.ts);
            }
            None if has_room => {
                self.strangers.insert(beat.beat.clone(), Stranger { beats: 1, last: beat.ts });
            }
            None => self.more_strangers += 1,
        }
    }

    /// The watcher was away, or the clock was set.
    pub fn away(&mut self, away: Away) {
        match away.why {
            Absence::Slept | Absence::SetForward => self.jobs.iter_mut().for_each(|job| job.skip(away.from, away.to)),
            Absence::SetBack => {
                self.bound(away.from);
            }
            Absence::NotRunning | Absence::Restarted => {}
        }
        self.away.push(away);
        let most = self.away.len().saturating_sub(MOST_AWAY);
        self.away.drain(..most);
    }

    /// No beat is from after `now`; how many said so.
    pub fn bound(&mut self, now: Timestamp) -> usize {
        self.jobs.iter_mut().map(|job| job.bound(now)).sum()
    }

    /// When the watcher was away, of late.
    pub fn absences(&self) -> &[Away] {
        &self.away
    }

    /// The jobs, in the order of the files.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// The job of a name.
    pub fn job(&self, name: &str) -> Option<&Job> {
        self.by_name.get(name).map(|at| &self.jobs[*at])
    }

    /// The names that beat and that nobody expects; and how many beats had names for which there was no room.
    pub fn strangers(&self) -> (&BTreeMap<String, Stranger>, u64) {
        (&self.strangers, self.more_strangers)
    }

    /// How many beats came too late to be put in their place.
    pub const fn too_old(&self) -> u64 {
        self.too_old
    }

    /// The verdict on every job at an instant, in the order of the files.
    pub fn judge(&self, now: Timestamp) -> Vec<Verdict> {
        self.jobs.iter().map(|job| verdict::of(job, self.generator_of(job), &self.away, now)).collect()
    }

    /// The verdict on one job.
    pub fn judge_one(&self, at: usize, now: Timestamp) -> Option<Verdict> {
        self.jobs.get(at).map(|job| verdict::of(job, self.generator_of(job), &self.away, now))
    }

    /// How bad a job fares at an instant, and since when, without the words.
    pub fn brief(&self, at: usize, now: Timestamp) -> Option<(Status, Timestamp)> {
        self.jobs.get(at).map(|job| verdict::brief(job, self.generator_of(job), now))
    }

    /// The first instant after `now` at which a verdict may change if nothing comes.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        (0..self.jobs.len()).filter_map(|at| self.next_change_of(at, now)).min()
    }

    /// The first instant after `now` at which the verdict on one job may change if nothing comes.
    pub fn next_change_of(&self, at: usize, now: Timestamp) -> Option<Timestamp> {
        let job = self.jobs.get(at)?;
        let made = self.generator_of(job).and_then(|generator| through::next_change(job, generator, now));
        job.next_change(now).into_iter().chain(made).min()
    }

    /// What is kept of it between runs.
    pub fn save(&self) -> Saved {
        let jobs = self.jobs.iter().map(|job| (job.expectation().name.clone(), job.save())).collect();
        Saved { jobs, strangers: self.strangers.clone(), away: self.away.clone() }
    }

    /// The jobs that are expected now, with what was kept of them; the others are known since `known_since`.
    pub fn restore(expectations: Vec<Expectation>, saved: Saved, known_since: Timestamp) -> Watch {
        let Saved { jobs: mut kept, strangers, away } = saved;
        let mut watch = Watch { strangers, away, ..Watch::default() };
        for expectation in expectations {
            let name = expectation.name.clone();
            let job = match kept.remove(&name) {
                Some(saved) => Job::restore(expectation, saved),
                None => Job::new(expectation, known_since),
            };
            watch.strangers.remove(&name);
            watch.goes_through(watch.jobs.len(), job.expectation());
            watch.by_name.insert(name, watch.jobs.len());
            watch.jobs.push(job);
        }
        watch
    }
}
