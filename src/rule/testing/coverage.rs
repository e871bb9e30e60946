//! Which levels of checks were seen firing, and which were seen clearing, by the tests that were run.
//!
//! A level fires at an evaluation whose status is its own because its condition is true, or is not
//! over yet; missing data that is called critical does not count. It clears when a group in which it
//! fired is at a later evaluation ok, or at a level that is less severe.

use std::collections::HashMap;

use crate::record::Status;
use crate::rule::{Check, Outcome};

/// What was seen of one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Covered {
    /// It was seen firing.
    pub fired: bool,
    /// And after that, seen clearing.
    pub cleared: bool,
}

/// What was seen of the levels of checks.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// The severity of each level of each check, and what was seen of it.
    levels: Vec<Vec<(Status, Covered)>>,
    /// Which levels are firing, by check and group, in the test that is running.
    firing: HashMap<(usize, usize), Vec<usize>>,
}

impl Coverage {
    /// Of these checks nothing was seen.
    pub fn new(checks: &[Check]) -> Coverage {
        let of = |check: &Check| check.levels.iter().map(|level| (level.status, Covered::default())).collect();
        Coverage { levels: checks.iter().map(of).collect(), firing: HashMap::new() }
    }

    /// What was seen of every level: by the place of the check, and that of the level in it.
    pub fn levels(&self) -> impl Iterator<Item = (usize, usize, Covered)> {
        let of = |(check, levels): (usize, &Vec<(Status, Covered)>)| {
            let seen: Vec<_> = levels.iter().enumerate().map(|(level, (_, covered))| (check, level, *covered)).collect();
            seen
        };
        self.levels.iter().enumerate().flat_map(of)
    }

    /// Says that another test begins.
    pub(super) fn begin(&mut self) {
        self.firing.clear();
    }

    /// Takes note of an evaluation.
    pub(super) fn note(&mut self, outcome: &Outcome) {
        let Some(levels) = self.levels.get_mut(outcome.rule) else { return };
        let key = (outcome.rule, outcome.group);
        if let Some(level) = outcome.level {
            levels[level].1.fired = true;
            let firing = self.firing.entry(key).or_default();
            if !firing.contains(&level) {
                firing.push(level);
            }
        }
        if outcome.status == Status::Unknown {
            return;
        }
        if let Some(firing) = self.firing.get_mut(&key) {
            firing.retain(|level| {
                let (status, covered) = &mut levels[*level];
                let over = outcome.status.rank() < status.rank();
                covered.cleared |= over;
                !over
            });
        }
    }
}
