//! Tumbling and sliding windows: which are open, what is late, what is due.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use super::finish::{Parts, Row, finish, member_hash, sketch_of};
use super::groups::{Group, GroupId, Groups};
use super::pane::{Edges, Pane, Timed, Total, Whole};
use super::{Fill, Late, Plan};
use crate::math::Moments;
use crate::record::{SampleType, Series, Window};
use crate::time::{Span, Timestamp};

/// How many empty windows in a row are filled; a longer gap is a gap.
const FILLED: i64 = 100_000;

/// Where the samples of a series go; worked out once a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    group: GroupId,
    counter: Option<u32>,
    timed: bool,
}

/// The windows that are open.
pub struct Windows {
    plan: Arc<Plan>,
    pane_nanos: i64,
    groups: Groups,
    panes: BTreeMap<i64, OpenPane>,
    /// The pane of the last sample, taken out of `panes`, where the next one mostly falls too.
    current: (i64, OpenPane),
    newest: Option<i64>,
    counters: HashMap<Series, u32>,
    /// What each counter stood at when the last sealed pane ended.
    counted: Vec<Option<f64>>,
    /// The next window's end, once a window was due or filled.
    next_end: Option<i64>,
    late: Late,
    /// For filling: the last row of each group.
    filled: HashMap<GroupId, Row>,
}

#[derive(Default)]
struct OpenPane {
    pane: Pane,
    sealed: Option<Arc<Pane>>,
}

/// A window that takes no more samples.
pub struct Closed {
    /// Its start.
    pub start: Timestamp,
    /// Its length.
    pub length: Span,
    panes: Vec<Arc<Pane>>,
    order: Arc<Vec<GroupId>>,
    kinds: Arc<Vec<Arc<Group>>>,
    plan: Arc<Plan>,
    fill: Vec<Row>,
}

impl Windows {
    /// No window open yet. `plan.every` is a multiple of `plan.slide`.
    pub fn new(plan: Plan) -> Windows {
        let groups = Groups::new(plan.by.clone(), plan.synthetic, plan.max_groups);
        Windows {
            pane_nanos: plan.slide.nanos().max(1),
            groups,
            panes: BTreeMap::new(),
            current: (i64::MIN, OpenPane::default()),
            newest: None,
            counters: HashMap::new(),
            counted: Vec::new(),
            next_end: None,
            late: Late::default(),
            filled: HashMap::new(),
            plan: Arc::new(plan),
        }
    }

    /// Where the samples of a series go.
    pub fn route(&mut self, series: &Series) -> Route {
        let group = self.groups.of(series);
        let counter = (series.kind == SampleType::Counter).then(|| {
            let next = self.counters.len() as u32;
            // Past the bound of groups, counters share one state: the overflow group is told as such.
            if self.counters.len() < self.plan.max_groups.saturating_mul(8) {
                *self.counters.entry(series.clone()).or_insert(next)
            } else {
                next
            }
        });
        Route { group, counter, timed: counter.is_some() || self.plan.wants_edges() }
    }

    /// Every group by its id.
    pub fn groups(&self) -> &[Arc<Group>] {
        self.groups.all()
    }

    /// How many series went to the overflow group.
    pub fn overflowed(&self) -> u64 {
        self.groups.overflowed
    }

    /// What came too late.
    pub fn late(&self) -> &Late {
        &self.late
    }

    /// Takes one sample.
    #[inline]
    pub fn add(&mut self, route: Route, ts: Timestamp, value: f64, weight: f64) {
        let Some(pane) = self.pane(ts) else { return };
        if !route.timed && weight == 1.0 {
            pane.push(route.group, value);
        } else if route.timed {
            pane.push_timed(Timed { group: route.group, counter: route.counter, ts, value, weight });
        } else {
            pane.weighted.push((route.group, value, weight));
        }
    }

    /// Takes one member of a set.
    pub fn add_member(&mut self, route: Route, ts: Timestamp, member: &str) {
        if let Some(pane) = self.pane(ts) {
            pane.push_member(route.group, member_hash(member));
        }
    }

    /// Takes a window that another rollup made.
    ///
    /// # Errors
    /// When it does not lie within one pane: the words to say why.
    pub fn add_window(&mut self, window: &Window) -> Result<(), String> {
        let pane = Span::from_nanos(self.pane_nanos);
        let end = window.ts.plus(window.window);
        if window.ts.floor_to(pane).plus(pane) < end || window.window.is_zero() {
            return Err(format!("a window of {} from {} does not lie within one of {pane}", window.window, window.ts));
        }
        let series =
            Series { metric: window.metric.clone(), kind: SampleType::Gauge, unit: window.unit.clone(), tags: window.tags.clone() };
        // A window's rate tells that its sum is of increments.
        let kind = if window.stats.rate.is_some() { SampleType::Delta } else { SampleType::Gauge };
        let group = self.groups.of(&series.kind(kind));
        let plan = Arc::clone(&self.plan);
        let Some(pane) = self.pane(window.ts) else { return Ok(()) };
        let total = total_of(window, &plan);
        match pane.totals.get_mut(&group) {
            Some(known) => known.merge(&total),
            None => drop(pane.totals.insert(group, total)),
        }
        if let (Some(first), Some(last)) = (window.stats.first, window.stats.last) {
            let mut edges = Edges::of(window.ts, first);
            edges.merge(&Edges::of(end, last));
            pane.edges.entry(group).and_modify(|known| known.merge(&edges)).or_insert(edges);
        }
        Ok(())
    }

    /// The pane of an instant; `None`, and counted, when it is closed.
    #[inline]
    fn pane(&mut self, ts: Timestamp) -> Option<&mut Pane> {
        let nanos = ts.nanos();
        let newest = self.newest.map_or(nanos, |newest| newest.max(nanos));
        self.newest = Some(newest);
        let current = self.current.0;
        let is_current = current != i64::MIN && nanos >= current && nanos < current.saturating_add(self.pane_nanos);
        let start = if is_current { current } else { nanos.saturating_sub(nanos.rem_euclid(self.pane_nanos)) };
        let end = start.saturating_add(self.pane_nanos);
        let watermark = newest.saturating_sub(self.plan.late.nanos());
        if end <= watermark {
            self.late.count += 1;
            self.late.worst = self.late.worst.max(Span::from_nanos(watermark - end));
            return None;
        }
        if !is_current {
            self.turn_to(start);
        }
        Some(&mut self.current.1.pane)
    }

    /// Makes the pane that starts at `start` the current one.
    #[cold]
    fn turn_to(&mut self, start: i64) {
        let next = self.panes.remove(&start).unwrap_or_default();
        let (old_start, mut old) = std::mem::replace(&mut self.current, (start, next));
        if old_start != i64::MIN {
            old.pane.bound(&self.plan);
            self.panes.insert(old_start, old);
        }
    }

    /// The windows that the watermark has passed, in the order of time.
    pub fn due(&mut self) -> Vec<Closed> {
        let Some(newest) = self.newest else { return Vec::new() };
        self.current.1.pane.bound(&self.plan);
        self.close_up_to(newest.saturating_sub(self.plan.late.nanos()))
    }

    /// All windows that are open, as the input has ended.
    pub fn finish(&mut self) -> Vec<Closed> {
        self.close_up_to(i64::MAX)
    }

    fn close_up_to(&mut self, watermark: i64) -> Vec<Closed> {
        let first = match self.panes.keys().next() {
            Some(first) => (*first).min(if self.current.0 == i64::MIN { i64::MAX } else { self.current.0 }),
            None if self.current.0 == i64::MIN => return Vec::new(),
            None => self.current.0,
        };
        if first.saturating_add(self.pane_nanos) > watermark {
            return Vec::new();
        }
        // From here on the panes stand in order; the current one goes back among them.
        let current = self.current.0;
        self.turn_to(i64::MIN);
        let mut closed = Vec::new();
        while let Some(end) = self.next_window(watermark) {
            closed.extend(self.close(end));
            self.next_end = Some(end.saturating_add(self.pane_nanos));
        }
        if current.saturating_add(self.pane_nanos) > watermark && self.panes.contains_key(&current) {
            self.turn_to(current);
        }
        closed
    }

    /// The end of the next window to close, if the watermark has passed it. Stretches without any
    /// sample are passed over, unless they are to be filled.
    fn next_window(&self, watermark: i64) -> Option<i64> {
        let pane_end = |start: i64| start.saturating_add(self.pane_nanos);
        let every = self.plan.every.nanos();
        let last = *self.panes.keys().next_back()?;
        let oldest = pane_end(*self.panes.keys().next()?);
        let end = match self.next_end {
            None => oldest,
            // A sliding window may still hold panes that were part of the window before.
            Some(next) if next >= oldest => next,
            Some(next) if self.plan.fill != Fill::None && oldest - next <= FILLED.saturating_mul(self.pane_nanos) => next,
            Some(_) => oldest,
        };
        // The last pane takes part in windows up to `every` past its start.
        (end <= watermark && end <= last.saturating_add(every)).then_some(end)
    }

    /// Closes the window that ends at `end`.
    fn close(&mut self, end: i64) -> Option<Closed> {
        let every = self.plan.every.nanos();
        let start = end.saturating_sub(every);
        if let Some(open) = self.panes.get_mut(&(end.saturating_sub(self.pane_nanos))) {
            let mut pane = std::mem::take(&mut open.pane);
            pane.seal(&mut self.counted, &self.plan);
            open.sealed = Some(Arc::new(pane));
        }
        let panes: Vec<Arc<Pane>> = self.panes.range(start..end).filter_map(|(_, open)| open.sealed.clone()).collect();
        // What the next window does not reach is let go.
        let keep = start.saturating_add(self.pane_nanos);
        while let Some(entry) = self.panes.first_entry().filter(|entry| *entry.key() < keep) {
            entry.remove();
        }
        let mut closed = Closed {
            start: Timestamp::from_nanos(start),
            length: self.plan.every,
            panes,
            order: self.groups.sorted(),
            kinds: Arc::new(Vec::new()),
            plan: Arc::clone(&self.plan),
            fill: Vec::new(),
        };
        closed.kinds = self.kinds();
        if self.plan.fill != Fill::None {
            self.fill(&mut closed);
        }
        (!closed.panes.is_empty() || !closed.fill.is_empty()).then_some(closed)
    }

    /// The groups as they are now, shared with windows that are worked out elsewhere.
    fn kinds(&mut self) -> Arc<Vec<Arc<Group>>> {
        Arc::new(self.groups.all().to_vec())
    }

    /// Adds rows for the known groups that have none in this window.
    fn fill(&mut self, closed: &mut Closed) {
        let mut present = HashMap::new();
        closed.rows(&mut |row| drop(present.insert(row.group, row.clone())));
        for (group, last) in &self.filled {
            if !present.contains_key(group) {
                closed.fill.push(filled(last, self.plan.fill));
            }
        }
        self.filled.extend(present);
    }
}

/// What stands for an empty window of a group whose last row is `last`.
fn filled(last: &Row, fill: Fill) -> Row {
    let mut row = last.clone();
    row.sketch = None;
    row.error = None;
    let zero = |value: &mut Option<f64>| *value = value.map(|_| 0.0);
    let stats = &mut row.stats;
    match fill {
        Fill::Zero => {
            let all = [&mut stats.sum, &mut stats.min, &mut stats.max, &mut stats.mean, &mut stats.first, &mut stats.last];
            all.into_iter().chain([&mut stats.stddev, &mut stats.rate, &mut stats.distinct]).for_each(zero);
            stats.quantiles.iter_mut().for_each(|(_, value)| *value = 0.0);
        }
        Fill::Last => {}
        Fill::Null | Fill::None => stats.clone_from(&crate::record::Stats::default()),
    }
    row.stats.count = Some(0.0);
    row
}

/// What a window that another rollup made adds to a group.
fn total_of(window: &Window, plan: &Plan) -> Total {
    let stats = &window.stats;
    let count = stats.count.unwrap_or(0.0);
    let mean = stats.mean.or_else(|| stats.sum.filter(|_| count > 0.0).map(|sum| sum / count));
    let (min, max) = (stats.min.or(mean), stats.max.or(mean));
    let moments = match (mean, min, max) {
        (Some(mean), Some(min), Some(max)) => Moments::from_summary(count, mean, min, max, stats.stddev),
        // The count alone is known; what else the moments then say is masked below.
        _ => Moments::from_summary(count, 0.0, 0.0, 0.0, None),
    };
    let mut total = Total::new(plan);
    total.moments = moments.unwrap_or_default();
    let sketch = window.sketch.as_ref().and_then(sketch_of);
    total.whole = Whole {
        count: moments.is_some() || stats.count == Some(0.0),
        sum: (moments.is_some() && mean.is_some()) || count == 0.0,
        extremes: (stats.min.is_some() && stats.max.is_some()) || count == 0.0,
        spread: (stats.stddev.is_some() && mean.is_some()) || count <= 1.0,
        sketch: sketch.is_some() || count == 0.0,
        distinct: false,
    };
    if let (Some(ours), Some(theirs)) = (&mut total.sketch, sketch) {
        *ours = theirs;
    }
    total
}

impl Closed {
    /// The groups by their ids.
    pub fn groups(&self) -> &[Arc<Group>] {
        &self.kinds
    }

    /// Works out the numbers of every group, in the order in which they are written.
    pub fn rows(&self, each: &mut dyn FnMut(&Row)) {
        let groups = self.kinds.len();
        let mut columns = Columns::gather(&self.panes, groups);
        let fill: HashMap<GroupId, &Row> = self.fill.iter().map(|row| (row.group, row)).collect();
        let folded: usize = self.panes.iter().map(|pane| pane.folded).sum();
        // Were only some panes folded, the rest must be treated alike, or the order would show.
        let fold = folded > 0 || columns.values.len() > super::ROWS;
        let mut weighted: HashMap<GroupId, Vec<(f64, f64)>> = HashMap::new();
        for (group, value, weight) in self.panes.iter().flat_map(|pane| &pane.weighted) {
            weighted.entry(*group).or_default().push((*value, *weight));
        }
        let mut row = Row::empty();
        for group in self.order.iter() {
            let at = group.0 as usize;
            let Some(kind) = self.kinds.get(at).map(|group| group.kind) else { continue };
            let (from, to) = (columns.starts[at], columns.starts[at + 1]);
            let values = &mut columns.values[from..to];
            let mut parts = Parts { values, ..Parts::default() };
            if columns.sparse {
                parts.weighted = weighted.remove(group).unwrap_or_default();
                self.sparse(*group, &mut parts);
            }
            if fold && parts.total.is_none() && !parts.values.is_empty() {
                parts.total = Some(Total::new(&self.plan));
            }
            let empty = parts.values.is_empty() && parts.weighted.is_empty() && parts.members.is_none() && parts.total.is_none();
            if empty {
                if let Some(fill) = fill.get(group) {
                    each(fill);
                }
                continue;
            }
            finish(&mut row, *group, kind, parts, self.length, &self.plan);
            each(&row);
        }
    }

    /// Adds what a group has beside plain values.
    fn sparse(&self, group: GroupId, parts: &mut Parts<'_>) {
        for pane in &self.panes {
            if let Some(edges) = pane.edges.get(&group) {
                parts.edges.get_or_insert(*edges).merge(edges);
            }
            if let Some(members) = pane.members.get(&group) {
                parts.members.get_or_insert_default().merge(members);
            }
            if let Some(total) = pane.totals.get(&group) {
                match &mut parts.total {
                    Some(known) => known.merge(total),
                    none => *none = Some(total.clone()),
                }
            }
        }
    }
}

/// The plain values of all panes, sorted into groups by counting.
struct Columns {
    values: Vec<f64>,
    /// Where each group's values start; one more than there are groups.
    starts: Vec<usize>,
    /// Whether there is more than plain values.
    sparse: bool,
}

impl Columns {
    fn gather(panes: &[Arc<Pane>], groups: usize) -> Columns {
        let mut starts = vec![0; groups + 1];
        for group in panes.iter().flat_map(|pane| &pane.groups) {
            starts[group.0 as usize + 1] += 1;
        }
        for at in 1..=groups {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut values = vec![0.0; starts[groups]];
        for pane in panes {
            for (group, value) in pane.groups.iter().zip(&pane.values) {
                let place = &mut next[group.0 as usize];
                values[*place] = *value;
                *place += 1;
            }
        }
        let sparse = panes
            .iter()
            .any(|pane| !(pane.weighted.is_empty() && pane.edges.is_empty() && pane.members.is_empty() && pane.totals.is_empty()));
        Columns { values, starts, sparse }
    }
}

#[cfg(test)]
#[path = "windows_tests.rs"]
mod tests;
