//! Session windows: a group's samples that follow one another within a gap.
//!
//! A session is `[first, last + gap)`. It is closed when the watermark reaches its end; closed
//! sessions come out in the order of their ends, then by group.

use std::sync::Arc;

use hashbrown::HashMap;

use super::finish::{Parts, Row, finish, member_hash};
use super::groups::{Group, GroupId, Groups};
use super::pane::{Edges, Total};
use super::{Late, Plan};
use crate::record::{SampleType, Series};
use crate::time::{Span, Timestamp};

/// How many values a session keeps as they are; beyond, it is kept as a sketch.
const VALUES: usize = 1 << 16;

/// The sessions that are open.
pub struct Sessions {
    plan: Arc<Plan>,
    gap: Span,
    groups: Groups,
    open: HashMap<GroupId, Vec<Session>>,
    newest: Option<Timestamp>,
    /// What each counter stood at; sessions read counters in the order of arrival.
    counters: HashMap<Series, f64>,
    late: Late,
}

#[derive(Clone)]
struct Session {
    first: Timestamp,
    last: Timestamp,
    values: Vec<f64>,
    weighted: Vec<(f64, f64)>,
    edges: Option<Edges>,
    members: Option<super::distinct::Distinct>,
    total: Option<Total>,
}

/// A session that takes no more samples.
pub struct ClosedSession {
    /// Its first sample.
    pub start: Timestamp,
    /// From its first sample to a gap after its last.
    pub length: Span,
    /// Its numbers.
    pub row: Row,
}

impl Sessions {
    /// No session open yet.
    pub fn new(plan: Plan, gap: Span) -> Sessions {
        let groups = Groups::new(plan.by.clone(), plan.synthetic, plan.max_groups);
        Sessions { plan: Arc::new(plan), gap, groups, open: HashMap::new(), newest: None, counters: HashMap::new(), late: Late::default() }
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
    pub fn add(&mut self, series: &Series, ts: Timestamp, value: f64, weight: f64) {
        let group = self.groups.of(series);
        let raw = value;
        let value = if series.kind == SampleType::Counter { self.increment(series, value) } else { value };
        let plan = Arc::clone(&self.plan);
        let Some(session) = self.session(group, ts) else { return };
        if plan.wants_edges() {
            let edges = Edges::of(ts, raw);
            session.edges.get_or_insert(edges).merge(&edges);
        }
        match &mut session.total {
            Some(total) => total.add(value, weight),
            None if weight == 1.0 => session.values.push(value),
            None => session.weighted.push((value, weight)),
        }
        session.bound(&plan);
    }

    /// Takes one member of a set.
    pub fn add_member(&mut self, series: &Series, ts: Timestamp, member: &str) {
        let group = self.groups.of(series);
        if let Some(session) = self.session(group, ts) {
            session.members.get_or_insert_default().add(member_hash(member));
        }
    }

    fn increment(&mut self, series: &Series, value: f64) -> f64 {
        if self.counters.len() >= self.plan.max_groups.saturating_mul(8) && !self.counters.contains_key(series) {
            return 0.0;
        }
        match self.counters.insert(series.clone(), value) {
            None => 0.0,
            Some(last) if value >= last => value - last,
            Some(_) => value,
        }
    }

    /// The session that a sample falls into; those that it joins become one.
    fn session(&mut self, group: GroupId, ts: Timestamp) -> Option<&mut Session> {
        let newest = self.newest.map_or(ts, |newest| newest.max(ts));
        self.newest = Some(newest);
        let watermark = newest.minus(self.plan.late);
        if ts.plus(self.gap) <= watermark {
            self.late.count += 1;
            self.late.worst = self.late.worst.max(watermark.since(ts.plus(self.gap)));
            return None;
        }
        let sessions = self.open.entry(group).or_default();
        let near = |session: &Session| ts < session.last.plus(self.gap) && session.first < ts.plus(self.gap);
        let mut joined = Session { first: ts, last: ts, values: Vec::new(), weighted: Vec::new(), edges: None, members: None, total: None };
        let mut at = 0;
        while at < sessions.len() {
            if near(&sessions[at]) { joined.merge(sessions.swap_remove(at), &self.plan) } else { at += 1 }
        }
        sessions.push(joined);
        sessions.last_mut()
    }

    /// The sessions whose end the watermark has reached.
    pub fn due(&mut self) -> Vec<ClosedSession> {
        match self.newest {
            Some(newest) => self.close_up_to(newest.minus(self.plan.late)),
            None => Vec::new(),
        }
    }

    /// All sessions that are open, as the input has ended.
    pub fn finish(&mut self) -> Vec<ClosedSession> {
        self.close_up_to(Timestamp::MAX)
    }

    fn close_up_to(&mut self, watermark: Timestamp) -> Vec<ClosedSession> {
        let mut ended: Vec<(GroupId, Session)> = Vec::new();
        let gap = self.gap;
        self.open.retain(|group, sessions| {
            ended.extend(sessions.extract_if(.., |session| session.last.plus(gap) <= watermark).map(|session| (*group, session)));
            !sessions.is_empty()
        });
        let groups = self.groups.all();
        let key = |entry: &(GroupId, Session)| (entry.1.last, entry.1.first);
        ended.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| groups[a.0.0 as usize].cmp(&groups[b.0.0 as usize])));
        ended.into_iter().map(|(group, session)| self.closed(group, session)).collect()
    }

    fn closed(&self, group: GroupId, mut session: Session) -> ClosedSession {
        let length = session.last.plus(self.gap).since(session.first);
        let parts = Parts {
            values: &mut session.values,
            weighted: session.weighted,
            edges: session.edges,
            members: session.members,
            total: session.total,
        };
        let kind = self.groups.all().get(group.0 as usize).map(|group| group.kind).unwrap_or_default();
        let mut row = Row::empty();
        finish(&mut row, group, kind, parts, length, &self.plan);
        ClosedSession { start: session.first, length, row }
    }
}

impl Session {
    fn merge(&mut self, other: Session, plan: &Plan) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        // The larger list takes the smaller one in, so that a long session grows in steps.
        if other.values.len() > self.values.len() {
            let ours = std::mem::replace(&mut self.values, other.values);
            self.values.extend(ours);
        } else {
            self.values.extend(other.values);
        }
        self.weighted.extend(other.weighted);
        if let Some(edges) = other.edges {
            self.edges.get_or_insert(edges).merge(&edges);
        }
        if let Some(members) = other.members {
            self.members.get_or_insert_default().merge(&members);
        }
        match (&mut self.total, other.total) {
            (Some(ours), Some(theirs)) => ours.merge(&theirs),
            (ours @ None, theirs) => *ours = theirs,
            _ => {}
        }
        self.bound(plan);
    }

    /// Folds the values when there are too many, or some are folded already.
    fn bound(&mut self, plan: &Plan) {
        if self.total.is_none() && self.values.len() + self.weighted.len() <= VALUES {
            return;
        }
        let total = self.total.get_or_insert_with(|| Total::new(plan));
        std::mem::take(&mut self.values).iter().for_each(|value| total.add(*value, 1.0));
        std::mem::take(&mut self.weighted).iter().for_each(|(value, weight)| total.add(*value, *weight));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{By, Fill};
    use super::*;
    use crate::record::Stat;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_nanos(second * 1_000_000_000)
    }

    fn sessions(seconds: &[i64], late: u32) -> Vec<(i64, String, f64)> {
        let plan = Plan {
            every: Span::ZERO,
            slide: Span::ZERO,
            late: Span::from_secs(late),
            by: By::All,
            stats: vec![Stat::Count, Stat::Sum],
            fill: Fill::None,
            max_groups: 10,
            synthetic: crate::record::Synthetic::Apart,
            sketch: crate::math::Sketch::default(),
        };
        let mut sessions = Sessions::new(plan, Span::from_secs(10));
        let series = Series::new("m");
        let mut closed = Vec::new();
        for second in seconds {
            sessions.add(&series, at(*second), 1.0, 1.0);
            closed.extend(sessions.due());
        }
        closed.extend(sessions.finish());
        closed.iter().map(|c| (c.start.nanos() / 1_000_000_000, c.length.to_string(), c.row.stats.count.unwrap())).collect()
    }

    #[test]
    fn a_gap_ends_a_session() {
        let expected = vec![(0, "15s".to_owned(), 3.0), (40, "10s".to_owned(), 1.0)];
        assert_eq!(sessions(&[0, 4, 5, 40], 0), expected);
    }

    #[test]
    fn a_late_sample_joins_two_sessions() {
        assert_eq!(sessions(&[0, 15, 8], 30), vec![(0, "25s".to_owned(), 3.0)]);
    }

    proptest! {
        #[test]
        fn the_order_within_the_lateness_makes_no_difference(mut seconds in prop::collection::vec(0i64..200, 1..30), seed in any::<u64>()) {
            let sorted = { let mut s = seconds.clone(); s.sort(); sessions(&s, 1000) };
            let length = seconds.len();
            for at in 0..length { seconds.swap(at, (seed as usize).wrapping_mul(at + 7) % length); }
            prop_assert_eq!(sessions(&seconds, 1000), sorted);
        }
    }
}
