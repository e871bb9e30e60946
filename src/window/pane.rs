//! A pane: what came between two window borders, kept as a log until it is summed up.
//!
//! Plain values are appended to two columns, group and value; nothing is worked out per sample.
//! What needs more than its value (counters, weights, times, sets, other windows) stands in lists
//! of its own. When the log grows past a bound it is folded into one [`Total`] a group.

use hashbrown::HashMap;

use super::distinct::{Distinct, hash_number};
use super::{GroupId, Plan, ROWS};
use crate::math::{Moments, Sketch};
use crate::record::Stat;
use crate::time::Timestamp;

/// How many rows are kept as a log where no quantiles are wanted.
const LOG_ROWS: usize = 1 << 18;

/// One value with all that may be known of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timed {
    pub(super) group: GroupId,
    /// Which counter it belongs to.
    pub(super) counter: Option<u32>,
    pub(super) ts: Timestamp,
    pub(super) value: f64,
    pub(super) weight: f64,
}

/// The first and the last value by time; of equal times the lesser value is first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edges {
    first: (Timestamp, f64),
    last: (Timestamp, f64),
}

impl Edges {
    pub(super) fn of(ts: Timestamp, value: f64) -> Edges {
        Edges { first: (ts, value), last: (ts, value) }
    }

    pub(super) fn merge(&mut self, other: &Edges) {
        let before = |a: (Timestamp, f64), b: (Timestamp, f64)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).is_lt();
        if before(other.first, self.first) {
            self.first = other.first;
        }
        if before(self.last, other.last) {
            self.last = other.last;
        }
    }

    pub(super) fn first(&self) -> f64 {
        self.first.1
    }

    pub(super) fn last(&self) -> f64 {
        self.last.1
    }
}

/// What values come to when they are not kept themselves.
#[derive(Debug, Clone)]
pub(super) struct Total {
    pub(super) moments: Moments,
    pub(super) sketch: Option<Sketch>,
    pub(super) distinct: Option<Distinct>,
    /// Of merged windows: whether each brought what `sum`, `stddev` and quantiles need.
    pub(super) whole: Whole,
}

/// Which numbers can be told of windows that were merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) count: bool,
    pub(super) sum: bool,
    pub(super) extremes: bool,
    pub(super) spread: bool,
    pub(super) sketch: bool,
    pub(super) distinct: bool,
}

impl Whole {
    pub(super) const ALL: Whole = Whole { count: true, sum: true, extremes: true, spread: true, sketch: true, distinct: true };

    fn and(self, other: Whole) -> Whole {
        Whole {
            count: self.count && other.count,
            sum: self.sum && other.sum,
            extremes: self.extremes && other.extremes,
            spread: self.spread && other.spread,
            sketch: self.sketch && other.sketch,
            distinct: self.distinct && other.distinct,
        }
    }
}

impl Total {
    pub(super) fn new(plan: &Plan) -> Total {
        Total {
            moments: Moments::new(),
            sketch: plan.wants_distribution().then(|| plan.sketch.clone()),
            distinct: plan.wants(Stat::Distinct).then(Distinct::default),
            whole: Whole::ALL,
        }
    }

    pub(super) fn add(&mut self, value: f64, weight: f64) {
        self.moments.add(value, weight);
        if let Some(sketch) = &mut self.sketch {
            sketch.add(value, weight);
        }
        if let Some(distinct) = &mut self.distinct {
            distinct.add(hash_number(value));
        }
    }

    pub(super) fn merge(&mut self, other: &Total) {
        self.moments.merge(&other.moments);
        self.whole = self.whole.and(other.whole);
        match (&mut self.sketch, &other.sketch) {
            (Some(ours), Some(theirs)) => self.whole.sketch &= ours.merge(theirs).is_ok(),
            (None, None) => {}
            _ => self.whole.sketch = false,
        }
        if let (Some(ours), Some(theirs)) = (&mut self.distinct, &other.distinct) {
            ours.merge(theirs);
        }
    }
}

/// What came in one stretch of time.
#[derive(Debug, Default)]
pub(super) struct Pane {
    /// The log: the group and the value of each plain row.
    pub(super) groups: Vec<GroupId>,
    pub(super) values: Vec<f64>,
    /// Rows that wait for the pane to be sealed.
    timed: Vec<Timed>,
    /// Rows whose weight is not 1.
    pub(super) weighted: Vec<(GroupId, f64, f64)>,
    pub(super) edges: HashMap<GroupId, Edges>,
    pub(super) members: HashMap<GroupId, Distinct>,
    /// What merged windows, and a log that was folded, come to.
    pub(super) totals: HashMap<GroupId, Total>,
    /// How many values are in the totals instead of the log.
    pub(super) folded: usize,
}

impl Pane {
    #[inline]
    pub(super) fn push(&mut self, group: GroupId, value: f64) {
        self.groups.push(group);
        self.values.push(value);
    }

    pub(super) fn push_timed(&mut self, timed: Timed) {
        self.timed.push(timed);
    }

    pub(super) fn push_member(&mut self, group: GroupId, hash: u64) {
        self.members.entry(group).or_default().add(hash);
    }

    /// Folds the log when it has grown past its bound.
    pub(super) fn bound(&mut self, plan: &Plan) {
        let most = if plan.wants_distribution() || plan.wants(Stat::Distinct) { ROWS } else { LOG_ROWS };
        if self.values.len() + self.weighted.len() <= most {
            return;
        }
        self.folded += self.values.len() + self.weighted.len();
        let (groups, values) = (std::mem::take(&mut self.groups), std::mem::take(&mut self.values));
        for (group, value) in groups.into_iter().zip(values) {
            self.totals.entry(group).or_insert_with(|| Total::new(plan)).add(value, 1.0);
        }
        for (group, value, weight) in std::mem::take(&mut self.weighted) {
            self.totals.entry(group).or_insert_with(|| Total::new(plan)).add(value, weight);
        }
    }

    /// Turns what waited into rows: counters into increments, by what they stood at before.
    pub(super) fn seal(&mut self, before: &mut Vec<Option<f64>>, plan: &Plan) {
        let mut timed = std::mem::take(&mut self.timed);
        // By counter and time; of equal times the lesser value first, so that the order of arrival
        // makes no difference.
        timed.sort_by(|a, b| {
            (a.counter, a.ts).cmp(&(b.counter, b.ts)).then(a.value.total_cmp(&b.value)).then(a.weight.total_cmp(&b.weight))
        });
        for row in timed {
            if plan.wants_edges() {
                let edges = Edges::of(row.ts, row.value);
                self.edges.entry(row.group).and_modify(|known| known.merge(&edges)).or_insert(edges);
            }
            let value = match row.counter {
                None => row.value,
                Some(counter) => increment(before, counter, row.value),
            };
            if row.weight == 1.0 { self.push(row.group, value) } else { self.weighted.push((row.group, value, row.weight)) }
        }
        self.bound(plan);
    }
}

/// What a counter grew by since its last sample; after a fall it began again at zero. Of the first
/// sample ever, nothing is known of what was before, and it counts as 0.
fn increment(before: &mut Vec<Option<f64>>, counter: u32, value: f64) -> f64 {
    let at = counter as usize;
    if before.len() <= at {
        before.resize(at + 1, None);
    }
    match before[at].replace(value) {
        None => 0.0,
        Some(last) if value >= last => value - last,
        Some(_) => value,
    }
}
