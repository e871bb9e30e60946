//! Groups: which series are summed up together, and the order in which they are written.

use std::sync::Arc;

use hashbrown::HashMap;

use super::By;
use crate::record::{SYNTHETIC, SampleType, Series, Synthetic, Tags};

/// A group, numbered from 0 as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GroupId(pub u32);

/// What is summed up together: series of one metric, type and unit that agree in the chosen tags.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// The metric's name.
    pub metric: String,
    /// The chosen tags.
    pub tags: Tags,
    /// The unit of the values.
    pub unit: Option<String>,
    /// How the values are to be read.
    pub kind: SampleType,
}

/// The metric of the group that takes what comes past the bound.
pub const OVERFLOW: &str = "rollup.overflow";

/// All groups, bounded in number.
#[derive(Debug)]
pub(super) struct Groups {
    by: By,
    /// Whether made activity has groups of its own.
    apart: bool,
    most: usize,
    known: HashMap<Arc<Group>, GroupId>,
    all: Vec<Arc<Group>>,
    sorted: Arc<Vec<GroupId>>,
    unsorted: Vec<GroupId>,
    /// How many series went to the overflow group.
    pub(super) overflowed: u64,
}

impl Groups {
    pub(super) fn new(by: By, synthetic: Synthetic, most: usize) -> Groups {
        let apart = synthetic == Synthetic::Apart;
        Groups { by, apart, most, known: HashMap::new(), all: Vec::new(), sorted: Arc::default(), unsorted: Vec::new(), overflowed: 0 }
    }

    /// The group of a series; made when it is new.
    pub(super) fn of(&mut self, series: &Series) -> GroupId {
        let mut tags = match &self.by {
            By::All => series.tags.clone(),
            By::Tags(keys) => series.tags.only(keys),
        };
        if self.apart && series.tags.is_synthetic() {
            tags.set(SYNTHETIC, "true");
        }
        let group = Group { metric: series.metric.clone(), tags, unit: series.unit.clone(), kind: series.kind };
        if let Some(id) = self.known.get(&group) {
            return *id;
        }
        if self.all.len() < self.most {
            return self.add(group);
        }
        self.overflowed += 1;
        let rest = Group { metric: OVERFLOW.into(), tags: Tags::new(), unit: None, kind: group.kind };
        match self.known.get(&rest) {
            Some(id) => *id,
            None => self.add(rest),
        }
    }

    fn add(&mut self, group: Group) -> GroupId {
        let id = GroupId(self.all.len() as u32);
        let group = Arc::new(group);
        self.all.push(Arc::clone(&group));
        self.known.insert(group, id);
        self.unsorted.push(id);
        id
    }

    /// Every group by its id.
    pub(super) fn all(&self) -> &[Arc<Group>] {
        &self.all
    }

    /// The ids in the order in which groups are written: by metric, tags, unit and type.
    pub(super) fn sorted(&mut self) -> Arc<Vec<GroupId>> {
        if !self.unsorted.is_empty() {
            let all = &self.all;
            let mut fresh = std::mem::take(&mut self.unsorted);
            fresh.sort_by(|a, b| all[a.0 as usize].cmp(&all[b.0 as usize]));
            let mut merged = Vec::with_capacity(all.len());
            let mut old = self.sorted.iter().copied().peekable();
            for id in fresh {
                while let Some(before) = old.next_if(|before| all[before.0 as usize] < all[id.0 as usize]) {
                    merged.push(before);
                }
                merged.push(id);
            }
            merged.extend(old);
            self.sorted = Arc::new(merged);
        }
        Arc::clone(&self.sorted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_past_the_bound_share_one() {
        let mut groups = Groups::new(By::All, Synthetic::Apart, 2);
        let ids: Vec<u32> = ["a", "b", "c", "d", "a"].iter().map(|name| groups.of(&Series::new(*name)).0).collect();
        assert_eq!(ids, [0, 1, 2, 2, 0]);
        assert_eq!((groups.overflowed, groups.all()[2].metric.as_str()), (2, OVERFLOW));
    }

    #[test]
    fn made_activity_has_a_group_of_its_own_unless_it_is_to_count() {
        let series = ["false", "true", "1"].map(|made| Series::new("builds").tag("queue", "linux").tag("synthetic", made));
        for (how, expected) in [(Synthetic::Apart, [0, 1, 1]), (Synthetic::Include, [0, 0, 0])] {
            let mut groups = Groups::new(By::Tags(vec!["queue".into()]), how, 10);
            assert_eq!(series.each_ref().map(|series| groups.of(series).0), expected, "{how:?}");
            let tags: Vec<String> = groups.all().iter().map(|group| group.tags.to_string()).collect();
            assert_eq!(tags[0], "{queue=linux}");
            assert!(tags.get(1).is_none_or(|tags| tags == "{queue=linux,synthetic=true}"), "{tags:?}");
        }
    }

    #[test]
    fn groups_are_sorted_however_they_came() {
        let mut groups = Groups::new(By::Tags(vec!["host".into()]), Synthetic::Apart, 100);
        for name in ["m", "c", "x"] {
            groups.of(&Series::new(name).tag("host", "b").tag("other", "1"));
        }
        groups.sorted();
        for name in ["m", "a", "z"] {
            groups.of(&Series::new(name).tag("host", "a"));
        }
        let sorted = groups.sorted();
        let names: Vec<String> =
            sorted.iter().map(|id| format!("{}{}", groups.all()[id.0 as usize].metric, groups.all()[id.0 as usize].tags)).collect();
        assert_eq!(names, ["a{host=a}", "c{host=b}", "m{host=a}", "m{host=b}", "x{host=b}", "z{host=a}"]);
    }
}
