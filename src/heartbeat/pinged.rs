//! What healthchecks keeps of a check, and how pings and time move it.
//!
//! This is the view that the management interface shows to clients that know healthchecks: four stored states,
//! of which `grace` and `started` are derived, and only the newest run is timed. It takes instants and gives
//! values; when a ping is due, its caller knows from the schedule.
//!
//! ```text
//!            success            fail                 start           log, ignored
//! any    ─▶  up              ─▶ down              ─▶ as it was    ─▶ as it was
//! up, due + grace passed                          ─▶ down, at that very instant
//! started, start + grace passed (from any)        ─▶ down, at that very instant
//! ```
//!
//! Source: healthchecks 4.4 (hc/api/models.py, hc/api/management/commands/sendalerts.py) as of 2026-08-21.

use std::collections::VecDeque;

use super::ping::Kind;
use crate::time::{Span, Timestamp};

/// How many changes are kept.
const FLIPS: usize = 200;

/// A run longer than this has no duration.
const LONGEST_RUN: Span = Span::from_nanos(72 * 3_600_000_000_000);

/// A stored state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stored {
    /// Never heard of.
    #[default]
    New,
    /// As it should be.
    Up,
    /// Late or failed.
    Down,
    /// Not looked at.
    Paused,
}

impl Stored {
    /// Its name in the management interface.
    pub const fn name(self) -> &'static str {
        match self {
            Stored::New => "new",
            Stored::Up => "up",
            Stored::Down => "down",
            Stored::Paused => "paused",
        }
    }
}

/// A change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flip {
    /// When.
    pub ts: Timestamp,
    /// To what.
    pub to: Stored,
}

/// When a check is due: its schedule.
pub trait Due {
    /// The instant at which the next ping is due after one; `None` when there is none any more.
    fn next(&self, after: Timestamp) -> Option<Timestamp>;
    /// How much later it may be.
    fn grace(&self) -> Span;
}

/// What is kept of one check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pinged {
    /// The stored state.
    pub stored: Stored,
    /// The last success or failure.
    pub last_ping: Option<Timestamp>,
    /// When the run under way began.
    pub last_start: Option<Timestamp>,
    /// The id of the run under way.
    pub last_run: Option<String>,
    /// How long the last run took.
    pub last_duration: Option<Span>,
    /// How many pings came, of every kind.
    pub pings: u64,
    /// The last changes, the oldest first.
    pub flips: VecDeque<Flip>,
}

impl Pinged {
    /// Takes a ping; time up to it must have passed ([`Pinged::pass`]).
    pub fn ping(&mut self, ts: Timestamp, kind: Kind, run: Option<&str>) {
        self.pings += 1;
        match kind {
            Kind::Ignored | Kind::Log => {}
            Kind::Start => {
                self.last_start = Some(ts);
                self.last_run = run.map(str::to_owned);
            }
            Kind::Success | Kind::Fail => {
                self.end_run(ts, kind, run);
                self.last_ping = Some(ts);
                self.flip(ts, if kind == Kind::Success { Stored::Up } else { Stored::Down });
            }
        }
    }

    /// Ends the run under way. A success of another run leaves it: the newest one is timed.
    fn end_run(&mut self, ts: Timestamp, kind: Kind, run: Option<&str>) {
        let same = self.last_run.as_deref() == run;
        self.last_duration = None;
        if same && let Some(start) = self.last_start {
            self.last_duration = Some(ts.since(start)).filter(|duration| *duration < LONGEST_RUN);
        }
        if same || kind == Kind::Fail || run.is_none() {
            self.last_start = None;
            self.last_run = None;
        }
    }

    /// Lets time pass up to an instant.
    pub fn pass(&mut self, now: Timestamp, due: &dyn Due) {
        if let Some(at) = self.down_at(due).filter(|at| *at <= now) {
            self.flip(at, Stored::Down);
        }
    }

    /// When it will be down if nothing comes; `None` when it is, or nothing is expected.
    pub fn down_at(&self, due: &dyn Due) -> Option<Timestamp> {
        let grace = due.grace();
        if self.stored == Stored::Down {
            return None;
        }
        let started = self.last_start.map(|start| start.plus(grace));
        let late = self.due(due).map(|at| at.plus(grace));
        match (started, late) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// When the next ping is due; only where one came and it is up.
    pub fn due(&self, due: &dyn Due) -> Option<Timestamp> {
        self.last_ping.filter(|_| self.stored == Stored::Up).and_then(|last| due.next(last))
    }

    /// The state to be shown, after time has passed.
    pub fn shown(&self, now: Timestamp, due: &dyn Due) -> &'static str {
        let hung = self.last_start.is_some_and(|start| now >= start.plus(due.grace()));
        match self.stored {
            _ if hung => "down",
            Stored::Up if self.due(due).is_some_and(|at| now >= at) => "grace",
            stored => stored.name(),
        }
    }

    /// Stops looking at it; where it is paused already, nothing happens.
    pub fn pause(&mut self, now: Timestamp) {
        self.last_start = None;
        self.last_run = None;
        self.flip(now, Stored::Paused);
    }

    /// Looks at it again, as if it were new; false when it is not paused.
    pub fn resume(&mut self, now: Timestamp) -> bool {
        if self.stored != Stored::Paused {
            return false;
        }
        self.flip(now, Stored::New);
        self.last_start = None;
        self.last_run = None;
        self.last_ping = None;
        true
    }

    fn flip(&mut self, ts: Timestamp, to: Stored) {
        if self.stored == to {
            return;
        }
        self.stored = to;
        if self.flips.len() == FLIPS {
            self.flips.pop_front();
        }
        self.flips.push_back(Flip { ts, to });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every so many seconds.
    struct Every(i64, i64);

    impl Due for Every {
        fn next(&self, after: Timestamp) -> Option<Timestamp> {
            Some(after.plus(seconds(self.0)))
        }
        fn grace(&self) -> Span {
            seconds(self.1)
        }
    }

    fn seconds(count: i64) -> Span {
        Span::from_nanos(count * 1_000_000_000)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_nanos(second * 1_000_000_000)
    }

    const DAY: Every = Every(86_400, 3_600);

    fn in_state(stored: Stored) -> Pinged {
        let last_ping = (stored == Stored::Up).then(|| at(0));
        Pinged { stored, last_ping, ..Pinged::default() }
    }

    #[test]
    fn pings_move_it_as_the_table_says() {
        use Stored::{Down, New, Paused, Up};
        // From, ping, to, whether it changed, whether the last ping is now.
        let cases = [
            (New, Kind::Success, Up, true),
            (New, Kind::Fail, Down, true),
            (New, Kind::Start, New, false),
            (New, Kind::Log, New, false),
            (Up, Kind::Success, Up, true),
            (Up, Kind::Fail, Down, true),
            (Up, Kind::Start, Up, false),
            (Down, Kind::Success, Up, true),
            (Down, Kind::Fail, Down, true),
            (Down, Kind::Start, Down, false),
            (Paused, Kind::Success, Up, true),
            (Paused, Kind::Fail, Down, true),
            (Paused, Kind::Start, Paused, false),
            (Paused, Kind::Ignored, Paused, false),
        ];
        for (from, kind, to, heard) in cases {
            let mut check = in_state(from);
            check.ping(at(100), kind, None);
            assert_eq!(check.stored, to, "{from:?} {kind:?}");
            assert_eq!(check.last_ping == Some(at(100)), heard, "{from:?} {kind:?}");
            assert_eq!(check.last_start.is_some(), kind == Kind::Start, "{from:?} {kind:?}");
            assert_eq!(check.flips.len(), usize::from(from != to), "{from:?} {kind:?}");
            assert_eq!(check.pings, 1);
        }
    }

    #[test]
    fn runs_are_told_apart_and_the_newest_is_timed() {
        // The run under way, the ping, its run; what is under way then, the duration.
        let cases = [
            (None, Kind::Success, None, None, Some(10)),
            (Some("a"), Kind::Success, Some("a"), None, Some(10)),
            (Some("a"), Kind::Success, Some("b"), Some("a"), None),
            (Some("a"), Kind::Success, None, None, None),
            (Some("a"), Kind::Fail, Some("b"), None, None),
            (Some("a"), Kind::Fail, None, None, None),
        ];
        for (begun, kind, run, left, duration) in cases {
            let mut check = Pinged::default();
            check.ping(at(0), Kind::Start, begun);
            check.ping(at(10), kind, run);
            assert_eq!((check.last_run.as_deref(), check.last_duration), (left, duration.map(seconds)), "{begun:?} {kind:?} {run:?}");
            assert_eq!(check.last_start.is_some(), left.is_some());
        }
        let mut check = Pinged::default();
        check.ping(at(0), Kind::Start, Some("a"));
        check.ping(at(5), Kind::Start, Some("b"));
        check.ping(at(9), Kind::Success, Some("b"));
        assert_eq!(check.last_duration, Some(seconds(4)));
        check.ping(at(10), Kind::Start, None);
        check.ping(at(10 + 72 * 3600), Kind::Success, None);
        assert_eq!(check.last_duration, None, "a run of three days has none");
    }

    #[test]
    fn time_moves_it_at_the_exact_instant() {
        let mut check = in_state(Stored::Up);
        let (due, down) = (86_400, 90_000);
        for (now, shown) in [(due - 1, "up"), (due, "grace"), (down - 1, "grace")] {
            check.pass(at(now), &DAY);
            assert_eq!(check.shown(at(now), &DAY), shown, "{now}");
        }
        check.pass(at(down + 5000), &DAY);
        assert_eq!(check.shown(at(down + 5000), &DAY), "down");
        assert_eq!(check.flips.back(), Some(&Flip { ts: at(down), to: Stored::Down }));
        assert_eq!((check.due(&DAY), check.down_at(&DAY)), (None, None));
    }

    #[test]
    fn a_start_without_an_end_goes_down_from_every_state() {
        for stored in [Stored::New, Stored::Up, Stored::Paused] {
            let mut check = in_state(stored);
            check.ping(at(10), Kind::Start, None);
            check.pass(at(3_609), &DAY);
            assert_eq!(check.shown(at(3_609), &DAY), stored.name());
            check.pass(at(3_610), &DAY);
            assert_eq!(check.shown(at(3_610), &DAY), "down", "{stored:?}");
            assert_eq!(check.flips.back().map(|flip| flip.ts), Some(at(3_610)));
        }
        let mut check = in_state(Stored::Down);
        check.ping(at(10), Kind::Start, None);
        assert_eq!(check.down_at(&DAY), None);
    }

    #[test]
    fn pausing_and_resuming_go_by_the_table() {
        let mut check = in_state(Stored::Up);
        assert!(!check.resume(at(1)));
        check.ping(at(1), Kind::Start, None);
        check.pause(at(2));
        check.pause(at(3));
        assert_eq!((check.stored, check.last_start, check.flips.len()), (Stored::Paused, None, 1));
        check.pass(at(1_000_000), &DAY);
        assert_eq!(check.shown(at(1_000_000), &DAY), "paused");
        assert!(check.resume(at(4)));
        assert_eq!((check.stored, check.last_ping, check.flips.len()), (Stored::New, None, 2));
    }

    #[test]
    fn the_live_transcript_gives_the_same_states() {
        type Step = (&'static str, Kind, Option<&'static str>, &'static str, bool, bool);
        let steps: [Step; 11] = [
            ("success", Kind::Success, None, "up", false, false),
            ("start A", Kind::Start, Some("A"), "up", true, false),
            ("success B", Kind::Success, Some("B"), "up", true, false),
            ("success A", Kind::Success, Some("A"), "up", false, true),
            ("start A", Kind::Start, Some("A"), "up", true, true),
            ("success", Kind::Success, None, "up", false, false),
            ("start A", Kind::Start, Some("A"), "up", true, false),
            ("fail B", Kind::Fail, Some("B"), "down", false, false),
            ("start", Kind::Start, None, "down", true, false),
            ("log", Kind::Log, None, "down", true, false),
            ("0", Kind::Success, None, "up", false, true),
        ];
        let mut check = Pinged::default();
        for (n, (what, kind, run, shown, started, timed)) in steps.into_iter().enumerate() {
            let now = at(n as i64);
            check.pass(now, &DAY);
            check.ping(now, kind, run);
            let found = (check.shown(now, &DAY), check.last_start.is_some(), check.last_duration.is_some());
            assert_eq!(found, (shown, started, timed), "{n}: {what}");
        }
    }
}
