//! Which check is judged before which: one that another one needs comes first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::rule::Check;

/// The places of the checks in an order in which each comes behind those that it needs; otherwise
/// they stay as they were. Checks that need one another in a circle come last.
///
/// ```
/// use pipewatch::rule::{Check, order};
/// let mut checks = [Check::new("site", vec![]), Check::new("power", vec![]), Check::new("network", vec![])];
/// checks[0].needs = vec!["network".into()];
/// checks[2].needs = vec!["power".into(), "a heartbeat".into()];
/// assert_eq!(order(&checks), [1, 2, 0]);
/// ```
pub fn order(checks: &[Check]) -> Vec<usize> {
    let (parents, children) = (parents(checks), children(checks));
    let mut waits: Vec<usize> = parents.iter().map(Vec::len).collect();
    let mut ready: BinaryHeap<Reverse<usize>> = (0..checks.len()).filter(|at| waits[*at] == 0).map(Reverse).collect();
    let mut ordered = Vec::with_capacity(checks.len());
    let mut done = vec![false; checks.len()];
    while let Some(Reverse(at)) = ready.pop() {
        ordered.push(at);
        done[at] = true;
        for child in &children[at] {
            waits[*child] -= 1;
            if waits[*child] == 0 {
                ready.push(Reverse(*child));
            }
        }
    }
    ordered.extend((0..checks.len()).filter(|at| !done[*at]));
    ordered
}

/// Circles of checks that need one another, at most `most`: every check of one needs the next, and
/// the last the first.
pub(super) fn circles(checks: &[Check], most: usize) -> Vec<Vec<usize>> {
    let parents = parents(checks);
    let mut state = vec![Walk::New; checks.len()];
    let mut circles = Vec::new();
    for start in 0..checks.len() {
        // The checks on the way, each with how many of its parents have been followed.
        let mut way = Vec::new();
        if state[start] == Walk::New {
            state[start] = Walk::OnTheWay;
            way.push((start, 0));
        }
        while let Some((at, followed)) = way.last_mut() {
            let Some(parent) = parents[*at].get(*followed).copied() else {
                state[*at] = Walk::Done;
                way.pop();
                continue;
            };
            *followed += 1;
            match state[parent] {
                Walk::New => {
                    state[parent] = Walk::OnTheWay;
                    way.push((parent, 0));
                }
                Walk::OnTheWay if circles.len() < most => {
                    circles.push(way.iter().map(|(at, _)| *at).skip_while(|at| *at != parent).collect());
                }
                Walk::OnTheWay | Walk::Done => {}
            }
        }
    }
    circles
}

/// How far the search for circles has come with a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Walk {
    New,
    OnTheWay,
    Done,
}

/// Of each check, which others it needs; names of no check are left out.
fn parents(checks: &[Check]) -> Vec<Vec<usize>> {
    let places: HashMap<&str, usize> = checks.iter().enumerate().map(|(at, check)| (check.name.as_str(), at)).collect();
    let of = |check: &Check| {
        let mut parents: Vec<usize> = check.needs.iter().filter_map(|name| places.get(name.as_str()).copied()).collect();
        parents.sort_unstable();
        parents.dedup();
        parents
    };
    checks.iter().map(of).collect()
}

/// Of each check, which others need it.
fn children(checks: &[Check]) -> Vec<Vec<usize>> {
    let mut children = vec![Vec::new(); checks.len()];
    for (at, parents) in parents(checks).into_iter().enumerate() {
        for parent in parents {
            children[parent].push(at);
        }
    }
    children
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn checks(needs: &[Vec<usize>]) -> Vec<Check> {
        let check = |(at, needs): (usize, &Vec<usize>)| {
            let mut check = Check::new(format!("c{at}"), Vec::new());
            check.needs = needs.iter().map(|need| format!("c{need}")).collect();
            check
        };
        needs.iter().enumerate().map(check).collect()
    }

    #[test]
    fn a_circle_is_found_from_the_check_that_comes_first() {
        assert_eq!(circles(&checks(&[vec![1], vec![2], vec![0]]), 9), [vec![0, 1, 2]]);
        assert_eq!(circles(&checks(&[vec![1], vec![2], vec![1]]), 9), [vec![1, 2]]);
        assert_eq!(circles(&checks(&[vec![1, 2], vec![3], vec![3], vec![]]), 9), Vec::<Vec<usize>>::new());
        assert_eq!(circles(&checks(&[vec![0], vec![1]]), 9), [vec![0], vec![1]]);
        assert_eq!(circles(&checks(&[vec![0], vec![1]]), 1).len(), 1);
    }

    #[test]
    fn what_is_in_a_circle_comes_last() {
        assert_eq!(order(&checks(&[vec![1], vec![0], vec![], vec![2]])), [2, 3, 0, 1]);
    }

    proptest! {
        #[test]
        fn a_check_comes_behind_those_it_needs_unless_there_is_a_circle(
            needs in prop::collection::vec(prop::collection::vec(0usize..12, 0..4), 0..12)
        ) {
            let checks = checks(&needs);
            let ordered = order(&checks);
            let mut sorted = ordered.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..checks.len()).collect::<Vec<_>>());
            let place = |at: usize| ordered.iter().position(|known| *known == at).unwrap();
            let parents = parents(&checks);
            let in_order = (0..checks.len()).all(|at| parents[at].iter().all(|parent| place(*parent) < place(at)));
            let circles = circles(&checks, 9);
            prop_assert_eq!(in_order, circles.is_empty());
            for circle in circles {
                for (at, next) in circle.iter().zip(circle.iter().cycle().skip(1)) {
                    prop_assert!(parents[*at].contains(next));
                }
            }
        }
    }
}
