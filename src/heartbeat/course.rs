//! How a job fares, as its beats and time move it.
//!
//! ```text
//!            ok                  fail                 start            log
//! any    ─▶  up              ─▶  down             ─▶  as it was    ─▶  as it was
//! up, due + grace passed                          ─▶  down, at that very instant: late
//! a run open for too long (from any)              ─▶  down, at that very instant: hung
//! ```
//!
//! Nothing here knows in which order beats were read: they are taken in the order of their time, and
//! time passes up to each of them first. An instant belongs to what begins there: a beat at the very
//! instant at which its job is late comes too late.
//!
//! Source: the transitions of healthchecks 4.4 (hc/api/models.py, hc/api/views.py), whose states these
//! are; that every run is timed, thresholds of failures and lengths of runs are ours.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Due, Expectation, Timed};
use crate::record::Beat;
use crate::time::{Span, Timestamp};

/// The most runs of a job that are timed at once; of more, the oldest are let go.
pub const MOST_OPEN: usize = 100;

/// How many of the last runs are kept.
pub const RUNS: usize = 10;

/// How many of the last outages are kept.
const OUTAGES: usize = 5;

/// How many of the last outcomes tell whether a job flaps.
const FLAP_OUTCOMES: u32 = 21;

/// How much of what a job said is kept, in bytes.
const MESSAGE_BYTES: usize = 400;

/// What a beat says, or a person did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It is done, and well.
    Ok,
    /// It failed.
    Fail,
    /// It has begun.
    Start,
    /// A note that changes nothing.
    Log,
    /// Nothing is expected until the next beat.
    Pause,
    /// As if it had never been seen.
    Resume,
}

/// One beat, as much of it as is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// When.
    pub ts: Timestamp,
    /// What it says.
    pub kind: Kind,
    /// Which run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// How long the run took by the job's own measure, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<f64>,
    /// Its exit status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i64>,
    /// What its clock said, where that went ahead of the time at which it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamped: Option<Timestamp>,
    /// What it said, cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Seen {
    /// What a beat says. An exit status above 0 is a failure whatever the state says, and a word that
    /// is none of ours is a note: it must neither wake anybody nor hide that nothing else came.
    pub fn of(beat: &Beat) -> Seen {
        let kind = match (beat.state.as_deref(), beat.exit) {
            (Some("start"), _) => Kind::Start,
            (Some("log"), _) => Kind::Log,
            (None | Some("ok" | "fail"), Some(exit)) if exit != 0 => Kind::Fail,
            (None | Some("ok"), _) => Kind::Ok,
            (Some("fail"), _) => Kind::Fail,
            (Some(_), _) => Kind::Log,
        };
        let message = beat.message.as_deref().map(cut);
        Seen { ts: beat.ts, kind, run: beat.run.clone(), duration_s: beat.duration, exit: beat.exit, stamped: None, message }
    }
}

/// The beginning of a text, whole characters only.
fn cut(text: &str) -> String {
    let end = (0..=text.len().min(MESSAGE_BYTES)).rev().find(|at| text.is_char_boundary(*at));
    text[..end.unwrap_or(0)].to_owned()
}

/// A state that is kept; `grace` is derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stored {
    /// Never heard of.
    New,
    /// As it should be.
    Up,
    /// Late, hung or failed.
    Down,
    /// Nothing is expected.
    Paused,
}

/// Why a job is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// Nothing came when it was due, nor within the grace.
    Late,
    /// A run began and did not end.
    Hung,
    /// It said that it failed.
    Failed,
}

impl Why {
    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Why::Late => "late",
            Why::Hung => "hung",
            Why::Failed => "failed",
        }
    }
}

/// A run that has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its id, where it has one.
    pub run: Option<String>,
    /// When it began.
    pub since: Timestamp,
}

/// A run that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// When it ended.
    pub ended: Timestamp,
    /// How long it took, in seconds, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<f64>,
    /// Whether it failed.
    pub failed: bool,
    /// Its exit status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i64>,
}

/// A time during which a job was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Why.
    pub why: Why,
}

/// What is odd about the last run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Odd {
    /// It took less than a run that does its work.
    Short {
        /// When it ended.
        since: Timestamp,
    },
    /// It took longer than it may.
    Long {
        /// When it had taken as long as it may.
        since: Timestamp,
    },
}

/// What holds beside the expectation: stretches of time in which nobody could know.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// What is expected.
    pub expectation: Expectation,
    /// Time that was skipped, by sleep or by a clock that was set forward: from, to.
    pub skipped: Vec<(Timestamp, Timestamp)>,
}

impl Terms {
    /// When a deadline counts: what ran out while time was skipped has the grace again.
    fn deadline(&self, at: Timestamp) -> Timestamp {
        let skipped = self.skipped.iter().find(|(from, to)| *from < at && at <= *to);
        skipped.map_or(at, |(_, to)| self.expectation.excused(to.plus(self.expectation.grace)))
    }

    /// When a beat is due that follows one at `last`, and from when on it is late.
    pub fn due_after(&self, last: Timestamp) -> Option<Due> {
        let due = self.expectation.due_after(last)?;
        Some(Due { deadline: self.deadline(due.deadline), ..due })
    }

    /// When a run that began at `since` hangs.
    pub fn hung_at(&self, since: Timestamp) -> Timestamp {
        self.deadline(self.expectation.excused(since.plus(self.expectation.hung_after())))
    }
}

/// How a job fares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// The state that is kept.
    pub stored: Stored,
    /// Since when; of what was never seen, since it is expected.
    pub since: Timestamp,
    /// Why it is down, where it is.
    pub why: Option<Why>,
    /// The last time that it was done or failed.
    pub last: Option<Timestamp>,
    /// The runs that have begun, in the order of their beginning.
    pub open: Vec<Run>,
    /// How many runs are not timed because there are too many at once.
    pub untimed: u64,
    /// How long the last run took, in seconds, where its beginning is known.
    pub duration_s: Option<f64>,
    /// The last outcomes, the newest in the lowest bit; 1 is a failure.
    pub outcomes: u64,
    /// How many outcomes there are, 64 at most.
    pub outcomes_count: u32,
    /// Since when it fails again and again.
    pub failing_since: Option<Timestamp>,
    /// What is odd about the last run.
    pub odd: Option<Odd>,
    /// The last runs, the newest last.
    pub runs: VecDeque<Ran>,
    /// The last outages that are over, the newest last.
    pub outages: VecDeque<Outage>,
    /// Whether it goes to and fro.
    pub flapping: bool,
}

impl Course {
    /// One of which nothing was heard.
    pub fn new(since: Timestamp) -> Course {
        Course {
            stored: Stored::New,
            since,
            why: None,
            last: None,
            open: Vec::new(),
            untimed: 0,
            duration_s: None,
            outcomes: 0,
            outcomes_count: 0,
            failing_since: None,
            odd: None,
            runs: VecDeque::new(),
            outages: VecDeque::new(),
            flapping: false,
        }
    }

    /// When it goes down if nothing comes, and why; `None` when it is down, or nothing is expected.
    pub fn going_down(&self, terms: &Terms) -> Option<(Timestamp, Why)> {
        if self.stored == Stored::Down {
            return None;
        }
        let hung = self.open.iter().map(|run| terms.hung_at(run.since)).min().map(|at| (at, Why::Hung));
        let late = self.due(terms).map(|due| (due.deadline, Why::Late));
        // Where it is told how long a run may take, one that began in time has that long.
        let runs = terms.expectation.longest.is_some() && self.open.iter().any(|run| late.is_some_and(|(at, _)| run.since < at));
        let late = late.filter(|_| !runs);
        match (late, hung) {
            (Some(late), Some(hung)) => Some(if hung.0 <= late.0 { hung } else { late }),
            (late, hung) => late.or(hung),
        }
    }

    /// When the next beat is due; only of what is up, and not where the schedule is exhausted.
    pub fn due(&self, terms: &Terms) -> Option<Due> {
        self.last.filter(|_| self.stored == Stored::Up).and_then(|last| terms.due_after(last))
    }

    /// Lets time pass up to an instant and with it.
    fn pass(&mut self, now: Timestamp, terms: &Terms) {
        // Nothing is late before its grace is over: most beats of a busy job need no calendar.
        let early = self.open.is_empty() && self.last.is_some_and(|last| now < last.plus(terms.expectation.grace));
        if early || (self.open.is_empty() && self.stored != Stored::Up) {
            return;
        }
        if let Some((at, why)) = self.going_down(terms).filter(|(at, _)| *at <= now) {
            self.turn(Stored::Down, at, Some(why));
        }
    }

    fn turn(&mut self, stored: Stored, at: Timestamp, why: Option<Why>) {
        if let (Stored::Down, Some(why)) = (self.stored, self.why) {
            keep(&mut self.outages, Outage { from: self.since, to: at, why }, OUTAGES);
        }
        (self.stored, self.since, self.why) = (stored, at, why);
    }

    /// Takes a beat; none with an earlier time may have been taken.
    pub fn step(&mut self, seen: &Seen, terms: &Terms) {
        self.pass(seen.ts, terms);
        match seen.kind {
            Kind::Log => {}
            Kind::Start => self.begin(seen, terms.expectation.timed),
            Kind::Ok | Kind::Fail => self.end(seen, terms),
            Kind::Pause if self.stored == Stored::Paused => {}
            Kind::Pause => {
                self.open.clear();
                self.turn(Stored::Paused, seen.ts, None);
            }
            Kind::Resume => {
                self.open.clear();
                self.last = None;
                self.turn(Stored::New, seen.ts, None);
            }
        }
    }

    fn begin(&mut self, seen: &Seen, timed: Timed) {
        match timed {
            Timed::Newest => self.open.clear(),
            Timed::Every => self.open.retain(|run| run.run != seen.run),
        }
        if self.open.len() >= MOST_OPEN {
            self.open.remove(0);
            self.untimed += 1;
        }
        self.open.push(Run { run: seen.run.clone(), since: seen.ts });
    }

    fn end(&mut self, seen: &Seen, terms: &Terms) {
        let failed = seen.kind == Kind::Fail;
        let timed = self.end_run(seen, failed, terms.expectation.timed);
        self.duration_s = timed;
        let duration_s = seen.duration_s.or(timed);
        keep(&mut self.runs, Ran { ended: seen.ts, duration_s, failed, exit: seen.exit }, RUNS);
        self.last = Some(seen.ts);
        self.odd = if failed { None } else { odd(seen.ts, duration_s, &terms.expectation) };
        let maintained = !terms.expectation.maintenance.is_empty() && terms.expectation.maintained_until(seen.ts).is_some();
        if !(failed && maintained) {
            self.outcomes = self.outcomes << 1 | u64::from(failed);
            self.outcomes_count = (self.outcomes_count + 1).min(64);
            self.flapping = self.flaps();
        }
        self.failing_since = failed.then(|| self.failing_since.unwrap_or(seen.ts));
        let down = self.has_failed(&terms.expectation);
        match (failed, self.stored) {
            (true, Stored::Down) => {}
            (_, Stored::Up) if !down => {}
            (false, Stored::Down) if down && self.why == Some(Why::Failed) => {}
            (true, _) if down && !maintained => self.turn(Stored::Down, seen.ts, Some(Why::Failed)),
            _ => self.turn(Stored::Up, seen.ts, None),
        }
    }

    /// Ends the run that a beat ends; how long it took, in seconds, where its beginning is known.
    fn end_run(&mut self, seen: &Seen, failed: bool, timed: Timed) -> Option<f64> {
        let own = self.open.iter().position(|run| run.run == seen.run);
        let duration = own.map(|at| self.open.remove(at)).map(|run| seen.ts.since(run.since).secs_f64());
        let all = match timed {
            Timed::Every => own.is_none() && (failed || seen.run.is_none()),
            Timed::Newest => failed || seen.run.is_none(),
        };
        if all {
            self.open.clear();
        }
        duration
    }

    /// Whether there are as many failures as it takes.
    pub fn has_failed(&self, expectation: &Expectation) -> bool {
        let among = expectation.failures.among.clamp(1, 64);
        let mask = if among == 64 { u64::MAX } else { (1 << among) - 1 };
        (self.outcomes & mask).count_ones() >= expectation.failures.of_these
    }

    /// How many failures came in a row.
    pub fn failures_in_row(&self) -> u32 {
        self.outcomes.trailing_ones().min(self.outcomes_count)
    }

    /// Whether it goes to and fro: by the share of changes among the last outcomes, later ones weighing
    /// more; begins at 50 %, ends under 25 %. As monitoring servers do it (Nagios, "Detection and Handling of State Flapping").
    fn flaps(&self) -> bool {
        let count = self.outcomes_count.min(FLAP_OUTCOMES);
        if count < FLAP_OUTCOMES {
            return false;
        }
        let changes = FLAP_OUTCOMES - 1;
        let bits = self.outcomes ^ (self.outcomes >> 1);
        let weight = |age: u32| 1.2 - 0.4 * f64::from(age) / f64::from(changes - 1);
        let share: f64 = (0..changes).filter(|age| bits >> age & 1 == 1).map(weight).sum::<f64>() / f64::from(changes);
        share >= if self.flapping { 0.25 } else { 0.5 }
    }
}

/// What is odd about a run that ended well.
fn odd(ended: Timestamp, duration_s: Option<f64>, expectation: &Expectation) -> Option<Odd> {
    let duration = duration_s.and_then(Span::from_secs_f64)?;
    match (expectation.shortest, expectation.longest) {
        (Some(shortest), _) if duration < shortest => Some(Odd::Short { since: ended }),
        (_, Some(longest)) if duration > longest => Some(Odd::Long { since: ended.minus(duration).plus(longest) }),
        _ => None,
    }
}

fn keep<T>(kept: &mut VecDeque<T>, one: T, most: usize) {
    if kept.len() >= most {
        kept.pop_front();
    }
    kept.push_back(one);
}
