//! Verdicts as they change: at the very instants at which time changes them, and with each beat.
//!
//! Of each job the next instant is known at which its state changes by itself; they are taken in their
//! order, so that looking seldom or often tells the same at the same instants.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use super::Watch;
use crate::record::{Beat, Status, Verdict};
use crate::time::Timestamp;

/// What was told of each job, by its name: how bad, and since when.
pub type Said = BTreeMap<String, (Status, Option<Timestamp>)>;

/// The turns of all jobs.
#[derive(Debug, Clone)]
pub struct Turns {
    due: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// The turn of each job that counts; others in the heap are from before a beat, and are let go.
    planned: HashMap<usize, Timestamp>,
    said: Said,
    at: Timestamp,
}

impl Turns {
    /// The turns that come after an instant, where this was said until then.
    pub fn new(watch: &Watch, at: Timestamp, said: Said) -> Turns {
        let mut turns = Turns { due: BinaryHeap::new(), planned: HashMap::new(), said, at };
        turns.anew(watch);
        turns
    }

    /// Looks at every job again: something happened that may have changed all of them.
    pub fn anew(&mut self, watch: &Watch) {
        self.due.clear();
        self.planned.clear();
        (0..watch.jobs().len()).for_each(|job| self.plan(watch, job));
    }

    fn plan(&mut self, watch: &Watch, job: usize) {
        if let Some(next) = watch.next_change_of(job, self.at)
            && self.planned.insert(job, next) != Some(next)
        {
            self.due.push(Reverse((next, job)));
        }
    }

    /// What was told last.
    pub const fn said(&self) -> &Said {
        &self.said
    }

    /// The next instant at which something may change.
    pub fn next(&self) -> Option<Timestamp> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// The changes up to an instant and with it, each at its own.
    pub fn pass(&mut self, watch: &Watch, until: Timestamp, out: &mut Vec<Verdict>) {
        while let Some(Reverse((at, job))) = self.due.peek().copied().filter(|Reverse((at, _))| *at <= until) {
            self.due.pop();
            if self.planned.get(&job) != Some(&at) {
                continue;
            }
            self.planned.remove(&job);
            self.at = self.at.max(at);
            self.tell(watch, job, at, out);
        }
        self.at = self.at.max(until);
    }

    /// Takes a beat, which comes to be known at `now`, and tells what it changes; time up to it passes first.
    pub fn beat(&mut self, watch: &mut Watch, beat: &Beat, now: Timestamp, out: &mut Vec<Verdict>) {
        self.pass(watch, beat.ts.min(now), out);
        if let Some((job, _)) = watch.observe(beat) {
            self.tell(watch, job, self.at.max(beat.ts.min(now)), out);
        }
    }

    /// Tells of a job, and of the path that it is the generator of; plans when both may change by themselves.
    fn tell(&mut self, watch: &Watch, job: usize, at: Timestamp, out: &mut Vec<Verdict>) {
        for job in [job].into_iter().chain(watch.path_of(job)) {
            self.say(watch, job, at, out);
            self.plan(watch, job);
        }
    }

    /// Tells every job's verdict that is not what was told.
    pub fn all(&mut self, watch: &Watch, now: Timestamp, out: &mut Vec<Verdict>) {
        (0..watch.jobs().len()).for_each(|job| self.say(watch, job, now, out));
    }

    fn say(&mut self, watch: &Watch, job: usize, at: Timestamp, out: &mut Vec<Verdict>) {
        let Some((status, since)) = watch.brief(job, at) else { return };
        let Some(name) = watch.jobs().get(job).map(|job| job.expectation().name.as_str()) else { return };
        if self.said.get(name) == Some(&(status, Some(since))) {
            return;
        }
        self.said.insert(name.to_owned(), (status, Some(since)));
        out.extend(watch.judge_one(job, at));
    }
}
