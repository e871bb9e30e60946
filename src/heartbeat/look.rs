//! One look of the watcher at its clocks, and what two of them say of the time between.
//!
//! A machine has three clocks, and they differ in what stops them:
//!
//! | | wall | since the start | awake |
//! |---|---|---|---|
//! | time passes | + | + | + |
//! | the machine sleeps | + | + | |
//! | the clock is set | jumps | | |
//!
//! So between two looks of one start of the machine, what was slept is since the start less awake, and
//! by how much the clock was set is wall less since the start. Across a restart neither can be told.

use serde::{Deserialize, Serialize};

use super::{Absence, Away};
use crate::time::{Span, Timestamp};

/// What clocks may differ by themselves.
const SLACK_NANOS: i64 = 5_000_000_000;

/// The clocks at one look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The wall's clock.
    pub at: Timestamp,
    /// Nanoseconds since the machine was started, sleep included; and those that it was awake.
    #[serde(default)]
    pub machine: Option<Machine>,
}

/// The clocks that nobody sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Which start of the machine.
    pub boot: String,
    /// Nanoseconds since then.
    pub since_start_ns: i64,
    /// Nanoseconds of them that it was awake.
    pub awake_ns: i64,
}

impl Look {
    /// What happened between an earlier look and this one.
    ///
    /// `usual` is how long it takes from look to look; much longer means that nobody looked.
    pub fn since(&self, earlier: &Look, usual: Span) -> Vec<Away> {
        let (from, to) = (earlier.at, self.at);
        let wall = to.nanos().saturating_sub(from.nanos());
        let mut found = Vec::new();
        match (&earlier.machine, &self.machine) {
            (Some(before), Some(now)) if before.boot == now.boot => {
                let passed = now.since_start_ns.saturating_sub(before.since_start_ns);
                let set = wall.saturating_sub(passed);
                let slept = passed.saturating_sub(now.awake_ns.saturating_sub(before.awake_ns));
                found.extend(set_by(to, set));
                if slept > SLACK_NANOS {
                    // Within a look the place of the sleep is not known: all of it is taken.
                    found.push(Away { from: from.min(to), to, why: Absence::Slept });
                } else if passed > not_running(usual) {
                    found.push(Away { from: to.minus(span(passed)), to, why: Absence::NotRunning });
                }
            }
            (Some(_), Some(_)) if wall < 0 => found.extend(set_by(to, wall)),
            (Some(_), Some(_)) => found.push(Away { from, to, why: Absence::Restarted }),
            _ if wall < 0 => found.extend(set_by(to, wall)),
            _ if wall > not_running(usual) => found.push(Away { from, to, why: Absence::NotRunning }),
            _ => {}
        }
        found
    }
}

fn not_running(usual: Span) -> i64 {
    usual.times(3).nanos().saturating_add(SLACK_NANOS)
}

fn span(nanos: i64) -> Span {
    Span::from_nanos(nanos.max(0))
}

/// A clock that shows `now` and was set by so much, if that is more than clocks differ by themselves.
fn set_by(now: Timestamp, nanos: i64) -> Option<Away> {
    match nanos {
        SLACK_NANOS.. => Some(Away { from: now.minus(span(nanos)), to: now, why: Absence::SetForward }),
        _ if nanos <= -SLACK_NANOS => Some(Away { from: now, to: now.plus(span(nanos.saturating_neg())), why: Absence::SetBack }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(at: i64, since_start: i64, awake: i64, boot: &str) -> Look {
        let second = 1_000_000_000;
        let machine = Machine { boot: boot.into(), since_start_ns: since_start * second, awake_ns: awake * second };
        Look { at: Timestamp::from_nanos(at * second), machine: Some(machine) }
    }

    #[test]
    fn sleep_set_clocks_and_absence_are_told_apart() {
        use Absence::{NotRunning, Restarted, SetBack, SetForward, Slept};
        let before = look(10_000, 500, 400, "a");
        let cases = [
            ("time passed", look(10_060, 560, 460, "a"), vec![]),
            ("slept an hour", look(13_660, 4160, 460, "a"), vec![(10_000, 13_660, Slept)]),
            ("set forward by an hour", look(13_660, 560, 460, "a"), vec![(10_060, 13_660, SetForward)]),
            ("set back by an hour", look(6460, 560, 460, "a"), vec![(6460, 10_060, SetBack)]),
            ("down for an hour", look(13_600, 4100, 4000, "a"), vec![(10_000, 13_600, NotRunning)]),
            ("slept, and set back", look(12_660, 4160, 460, "a"), vec![(12_660, 13_660, SetBack), (10_000, 12_660, Slept)]),
            ("started anew", look(10_900, 30, 30, "b"), vec![(10_000, 10_900, Restarted)]),
            ("started anew, set back", look(9000, 30, 30, "b"), vec![(9000, 10_000, SetBack)]),
            ("a little of each", look(10_064, 562, 460, "a"), vec![]),
        ];
        for (name, now, expected) in cases {
            let found = now.since(&before, Span::from_secs(60));
            let second = |ts: Timestamp| ts.nanos() / 1_000_000_000;
            let found: Vec<_> = found.iter().map(|away| (second(away.from), second(away.to), away.why)).collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}
