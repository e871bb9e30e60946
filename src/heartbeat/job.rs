//! One job: what is expected of it, and what was seen.
//!
//! Beats come from several places and not always in the order of their time: what waited for its
//! listener comes late. The last [`RECENT`] are kept, and one that comes late is put in its place and
//! all behind it taken again. So the states do not depend on how the beats came:
//!
//! ```text
//! base ──▶ recent[0] ──▶ recent[1] ──▶ … ──▶ head
//!          └ the oldest moves into the base when there is no room
//! ```
//!
//! A beat that is older than all that are kept is not taken, and told. One that is equal to one that
//! is kept, to its time and run, is the same one, read twice.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::course::{Course, Kind, Run, Seen, Stored, Terms, Why};
use super::{Due, Expectation};
use crate::record::Beat;
use crate::time::{Span, Timestamp};

/// How many beats of a job are kept, to take in what comes late.
pub const RECENT: usize = 64;

/// By how much the clocks of two machines may differ.
const AHEAD: Span = Span::from_secs(5);

/// How a job fares at an instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Its state.
    pub state: State,
    /// The runs under way, in the order of their beginning.
    pub started: Vec<Run>,
}

/// The state of a job at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Never heard of.
    New,
    /// As it should be.
    Up,
    /// Due, and not late yet.
    Grace(Due),
    /// Late, hung or failed.
    Down {
        /// The exact instant.
        since: Timestamp,
        /// Why.
        why: Why,
    },
    /// Nothing is expected.
    Paused,
}

impl State {
    /// Its name, as healthchecks has it.
    pub const fn name(self) -> &'static str {
        match self {
            State::New => "new",
            State::Up => "up",
            State::Grace(_) => "grace",
            State::Down { .. } => "down",
            State::Paused => "paused",
        }
    }
}

/// What became of a beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Took {
    /// It is the newest.
    Newest,
    /// It came late, and was put in its place.
    InItsPlace,
    /// It is known.
    Known,
    /// It is older than all that are kept.
    TooOld,
}

/// What was seen of one job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    terms: Terms,
    known_since: Timestamp,
    base: Course,
    /// How far the base goes: the time of the last beat in it.
    base_until: Option<Timestamp>,
    recent: VecDeque<Seen>,
    /// The latest time that a clock said which went ahead.
    stamped_until: Option<Timestamp>,
    head: Course,
}

/// A job as it is kept between runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedJob {
    known_since: Timestamp,
    base: Course,
    base_until: Option<Timestamp>,
    recent: VecDeque<Seen>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<(Timestamp, Timestamp)>,
}

impl Job {
    /// A job of which nothing was seen, expected since an instant.
    pub fn new(expectation: Expectation, known_since: Timestamp) -> Job {
        let course = Course::new(known_since);
        let terms = Terms { expectation, skipped: Vec::new() };
        Job { terms, known_since, base: course.clone(), base_until: None, recent: VecDeque::new(), stamped_until: None, head: course }
    }

    /// What is expected.
    pub const fn expectation(&self) -> &Expectation {
        &self.terms.expectation
    }

    /// Since when it is expected.
    pub const fn known_since(&self) -> Timestamp {
        self.known_since
    }

    /// How it fares by its beats; time after the last of them has not passed.
    pub const fn course(&self) -> &Course {
        &self.head
    }

    /// The beats that are kept, in the order of their time.
    pub fn recent(&self) -> impl DoubleEndedIterator<Item = &Seen> {
        self.recent.iter()
    }

    /// Takes a beat in.
    pub fn observe(&mut self, beat: &Beat) -> Took {
        self.take(Seen::of(beat))
    }

    /// Takes a beat in, as much of it as is kept.
    pub fn take(&mut self, seen: Seen) -> Took {
        if self.stamped_until.is_some_and(|until| seen.ts <= until)
            && self.recent.iter().any(|other| other.stamped.is_some() && same(other, &seen))
        {
            return Took::Known;
        }
        if self.recent.back().is_none_or(|last| last.ts < seen.ts) {
            if self.recent.is_empty() && self.base_until.is_some_and(|until| seen.ts <= until) {
                return Took::TooOld;
            }
            self.head.step(&seen, &self.terms);
            self.recent.push_back(seen);
            self.make_room();
            return Took::Newest;
        }
        if self.recent.iter().rev().take_while(|other| other.ts >= seen.ts).any(|other| same(other, &seen)) {
            return Took::Known;
        }
        if self.base_until.is_some_and(|until| seen.ts <= until) {
            return Took::TooOld;
        }
        let at = place(&self.recent, &seen);
        let took = if at == self.recent.len() { Took::Newest } else { Took::InItsPlace };
        self.recent.insert(at, seen);
        self.again();
        self.make_room();
        took
    }

    fn make_room(&mut self) {
        if self.recent.len() > RECENT
            && let Some(oldest) = self.recent.pop_front()
        {
            self.base.step(&oldest, &self.terms);
            self.base_until = Some(oldest.ts);
        }
    }

    /// Takes all beats that are kept once more.
    fn again(&mut self) {
        let mut head = self.base.clone();
        self.recent.iter().for_each(|seen| head.step(seen, &self.terms));
        self.head = head;
    }

    /// Nothing is expected until its next beat.
    pub fn pause(&mut self, ts: Timestamp) {
        self.take(Seen { ts, kind: Kind::Pause, run: None, duration_s: None, exit: None, stamped: None, message: None });
    }

    /// It is as if it had never been seen.
    pub fn resume(&mut self, ts: Timestamp) {
        self.take(Seen { ts, kind: Kind::Resume, run: None, duration_s: None, exit: None, stamped: None, message: None });
    }

    /// Time was skipped: what ran out in it has its grace again.
    pub fn skip(&mut self, from: Timestamp, to: Timestamp) {
        self.terms.skipped.push((from, to));
        let most = self.terms.skipped.len().saturating_sub(16);
        self.terms.skipped.drain(..most);
        self.again();
    }

    /// No beat is from after an instant: what says so was stamped by a clock that went ahead, and came
    /// at that instant at the latest. How many there were; [`AHEAD`] is let pass.
    pub fn bound(&mut self, now: Timestamp) -> usize {
        let limit = now.plus(AHEAD);
        let ahead = self.recent.iter_mut().rev().take_while(|seen| seen.ts > limit);
        let mut count = 0;
        for seen in ahead {
            // What it said is kept, so that it is known when it is read again.
            let said = *seen.stamped.get_or_insert(seen.ts);
            self.stamped_until = self.stamped_until.max(Some(said));
            seen.ts = now;
            count += 1;
        }
        if count > 0 {
            // Those that were let pass are a little after now.
            self.recent.make_contiguous().sort_by_key(|seen| seen.ts);
            self.again();
        }
        count
    }

    /// It is expected since an earlier instant than was known.
    pub fn known_from(&mut self, ts: Timestamp) {
        if ts < self.known_since && self.base_until.is_none() {
            self.known_since = ts;
            self.base.since = ts;
            self.again();
        }
    }

    /// Expects something else from now on; what was seen stays.
    pub fn expect(&mut self, expectation: Expectation) {
        if self.terms.expectation != expectation {
            self.terms.expectation = expectation;
            self.again();
        }
    }

    /// How it fares at an instant that is not before its last beat.
    pub fn state(&self, now: Timestamp) -> Standing {
        let course = &self.head;
        let paused = self.terms.expectation.paused;
        let state = match course.going_down(&self.terms).filter(|(at, _)| *at <= now) {
            _ if paused => State::Paused,
            Some((since, why)) => State::Down { since, why },
            None => match (course.stored, course.why) {
                (Stored::New, _) => State::New,
                (Stored::Paused, _) => State::Paused,
                (Stored::Down, why) => State::Down { since: course.since, why: why.unwrap_or(Why::Failed) },
                (Stored::Up, _) => course.due(&self.terms).filter(|due| due.at <= now).map_or(State::Up, State::Grace),
            },
        };
        // A run that hangs while its job is down already is told by the state that is there.
        Standing { state, started: course.open.clone() }
    }

    /// When its next beat is due, and from when on it is late; of what was never seen, since it is expected.
    pub fn due(&self) -> Option<Due> {
        match (self.head.stored, self.head.last) {
            (Stored::Up, Some(last)) => self.terms.due_after(last),
            (Stored::New, None) => self.terms.due_after(self.known_since),
            (Stored::Down, Some(last)) => self.terms.due_after(last),
            _ => None,
        }
    }

    /// From when on it is told that it was never seen.
    pub fn never_seen_from(&self) -> Option<Timestamp> {
        (self.head.stored == Stored::New).then(|| self.terms.due_after(self.head.since).map(|due| due.deadline)).flatten()
    }

    /// When a run hangs, of those under way.
    pub fn hung_at(&self, run: &Run) -> Timestamp {
        self.terms.hung_at(run.since)
    }

    /// The instants after `now` at which its state or what is told of it changes if nothing comes; the first of them.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        if self.terms.expectation.paused {
            return None;
        }
        let down = self.head.going_down(&self.terms).map(|(at, _)| at);
        let due = self.head.due(&self.terms).map(|due| due.at);
        let borders = self.terms.expectation.maintenance.iter().filter_map(|maintenance| maintenance.next_border(now));
        [down, due, self.never_seen_from()].into_iter().flatten().chain(borders).filter(|at| *at > now).min()
    }

    /// What is kept of it between runs.
    pub fn save(&self) -> SavedJob {
        SavedJob {
            known_since: self.known_since,
            base: self.base.clone(),
            base_until: self.base_until,
            recent: self.recent.clone(),
            skipped: self.terms.skipped.clone(),
        }
    }

    /// A job as it was kept, by what is expected of it now.
    pub fn restore(expectation: Expectation, saved: SavedJob) -> Job {
        let SavedJob { known_since, base, base_until, recent, skipped } = saved;
        let terms = Terms { expectation, skipped };
        let stamped_until = recent.iter().filter_map(|seen| seen.stamped).max();
        let mut job = Job { terms, known_since, head: base.clone(), base, base_until, recent, stamped_until };
        job.again();
        job
    }
}

/// Whether two are one beat, read twice. What was said may have been cut elsewhere.
fn same(one: &Seen, other: &Seen) -> bool {
    let said = |seen: &Seen| seen.stamped.unwrap_or(seen.ts);
    (said(one), one.kind, &one.run, one.exit) == (said(other), other.kind, &other.run, other.exit)
}

/// Where a beat belongs: by its time, and of one time by what does not depend on the order of reading:
/// starts before ends, failures last, then by run.
fn place(recent: &VecDeque<Seen>, seen: &Seen) -> usize {
    let rank = |seen: &Seen| match seen.kind {
        Kind::Resume => 0,
        Kind::Log => 1,
        Kind::Start => 2,
        Kind::Ok => 3,
        Kind::Fail => 4,
        Kind::Pause => 5,
    };
    let key = |seen: &Seen| (seen.ts, rank(seen), seen.run.clone(), seen.exit);
    let own = key(seen);
    recent.iter().rposition(|other| other.ts < seen.ts || key(other) <= own).map_or(0, |at| at + 1)
}
