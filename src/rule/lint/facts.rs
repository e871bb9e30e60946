//! What a history holds, as far as rules can be held against it: which series there are, how far
//! apart their samples come, and what their windows carry.
//!
//! A period is told only of a series that has one: where three of four gaps are within a quarter of
//! their median. What comes when it happens, such as builds and commits, has none.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::record::{SampleType, Series, Tags, Window};
use crate::rule::literal::pattern;
use crate::rule::syntax::{How, Matcher, Selector};
use crate::time::{Span, Timestamp};

/// How many series are known at most; of a history with more, nothing is said to be missing.
const SERIES: usize = 100_000;

/// How many gaps of a series are kept at most.
const GAPS: usize = 256;

/// The fewest gaps that make a period.
const LEAST_GAPS: usize = 3;

/// How a series came: as samples, as windows, or as an event or a beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Came {
    Samples,
    Windows,
    Occurrences,
}

/// A series, and what was seen of it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) series: Arc<Series>,
    pub(super) came: Came,
    /// How many windows had no sketch.
    pub(super) without_sketch: u64,
    newest: Option<Timestamp>,
    gaps: Gaps,
}

/// What is known about a history.
#[derive(Debug, Default)]
pub struct Facts {
    known: Vec<Known>,
    slots: HashMap<(Came, Arc<Series>), usize>,
    /// The names of beats and of checks.
    names: BTreeSet<String>,
    is_full: bool,
}

impl Facts {
    /// Where the samples of a series are counted; `None` past the bound of series.
    pub fn slot(&mut self, series: &Arc<Series>) -> Option<usize> {
        self.slot_of(series, Came::Samples)
    }

    fn slot_of(&mut self, series: &Arc<Series>, came: Came) -> Option<usize> {
        let key = (came, Arc::clone(series));
        if let Some(slot) = self.slots.get(&key) {
            return Some(*slot);
        }
        if self.known.len() >= SERIES {
            self.is_full = true;
            return None;
        }
        self.slots.insert(key, self.known.len());
        self.known.push(Known { series: Arc::clone(series), came, without_sketch: 0, newest: None, gaps: Gaps::default() });
        Some(self.known.len() - 1)
    }

    /// Counts a sample.
    pub fn add(&mut self, slot: usize, ts: Timestamp) {
        let Some(known) = self.known.get_mut(slot) else { return };
        // Late samples say nothing about how often the source measures.
        match known.newest {
            Some(newest) if ts <= newest => {}
            newest => {
                known.newest = Some(ts);
                if let Some(newest) = newest {
                    known.gaps.add(ts.since(newest));
                }
            }
        }
    }

    /// Counts a window.
    pub fn add_window(&mut self, window: &Window) {
        let series =
            Series { metric: window.metric.clone(), kind: SampleType::Gauge, unit: window.unit.clone(), tags: window.tags.clone() };
        if let Some(slot) = self.slot_of(&Arc::new(series), Came::Windows) {
            self.add(slot, window.ts);
            self.known[slot].without_sketch += u64::from(window.sketch.is_none());
        }
    }

    /// Counts an event or a beat.
    pub fn add_occurrence(&mut self, name: &str, ts: Timestamp, tags: &Tags) {
        let series = Series { tags: tags.clone(), ..Series::new(name) };
        if let Some(slot) = self.slot_of(&Arc::new(series), Came::Occurrences) {
            self.add(slot, ts);
        }
    }

    /// Notes the name of a beat or a check, which others may need.
    pub fn add_name(&mut self, name: &str) {
        if self.names.len() < SERIES && !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
    }

    /// Whether something is known only in part, so that what was not seen may be there.
    pub(super) fn is_partial(&self) -> bool {
        self.is_full
    }

    /// The names of beats and of checks.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The names of metrics, events and beats.
    pub(super) fn metrics(&self) -> BTreeSet<&str> {
        self.known.iter().map(|known| known.series.metric.as_str()).collect()
    }

    /// The series whose name a selector takes, whatever their tags.
    pub(super) fn named<'a>(&'a self, selector: &Selector) -> impl Iterator<Item = &'a Known> {
        let glob = selector.glob.then(|| regex::escape(&selector.name).replace("\\*", ".*"));
        let glob = glob.and_then(|glob| pattern(&glob).ok());
        let name = selector.name.clone();
        self.known.iter().filter(move |known| match &glob {
            Some(glob) => glob.is_match(&known.series.metric),
            None => known.series.metric == name,
        })
    }

    /// The series that a selector takes; of one name as a metric and as an event, the metric.
    pub(super) fn select(&self, selector: &Selector) -> Vec<&Known> {
        let mut found: Vec<&Known> = self.named(selector).collect();
        for matcher in &selector.matchers {
            found.retain(takes(matcher));
        }
        if found.iter().any(|known| known.came != Came::Occurrences) {
            found.retain(|known| known.came != Came::Occurrences);
        }
        found
    }

    /// The values that a tag has on some series, and on how many it is.
    pub(super) fn values<'a>(known: impl Iterator<Item = &'a Known>) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
        let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (key, value) in known.flat_map(|known| known.series.tags.iter()) {
            values.entry(key).or_default().insert(value);
        }
        values
    }
}

/// Whether a series has the tag that a matcher asks for; a tag that is not there is an empty one.
pub(super) fn takes(matcher: &Matcher) -> impl FnMut(&&Known) -> bool {
    let pattern = matches!(matcher.how, How::Matches | How::MatchesNot).then(|| pattern(&matcher.value).ok()).flatten();
    move |known| {
        let value = known.series.tags.get(&matcher.tag).unwrap_or_default();
        let matched = pattern.as_ref().is_some_and(|pattern| pattern.is_match(value));
        match matcher.how {
            How::Is => value == matcher.value,
            How::IsNot => value != matcher.value,
            How::Matches => matched,
            How::MatchesNot => !matched,
        }
    }
}

impl Known {
    /// How far apart the records come, where that is regular.
    fn period(&self) -> Option<Span> {
        self.gaps.regular()
    }

    /// Whether there are enough records to tell whether they come regularly.
    fn is_sampled(&self) -> bool {
        self.gaps.kept.len() >= LEAST_GAPS
    }
}

/// The shortest period of several series, where all that can be told of are regular.
pub(super) fn period(known: &[&Known]) -> Option<Span> {
    let told: Vec<&&Known> = known.iter().filter(|known| known.is_sampled()).collect();
    let periods: Option<Vec<Span>> = told.iter().map(|known| known.period()).collect();
    periods?.into_iter().min()
}

/// A choice of the gaps between a series' records: every one, then every second, every fourth …
#[derive(Debug)]
struct Gaps {
    kept: Vec<Span>,
    seen: u64,
    stride: u64,
}

impl Default for Gaps {
    fn default() -> Gaps {
        Gaps { kept: Vec::new(), seen: 0, stride: 1 }
    }
}

impl Gaps {
    fn add(&mut self, gap: Span) {
        if self.seen.is_multiple_of(self.stride) {
            if self.kept.len() == GAPS {
                let mut at = 0;
                self.kept.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
                self.stride *= 2;
            }
            if self.seen.is_multiple_of(self.stride) {
                self.kept.push(gap);
            }
        }
        self.seen += 1;
    }

    /// The median, where three of four gaps are within a quarter of it.
    fn regular(&self) -> Option<Span> {
        if self.kept.len() < LEAST_GAPS {
            return None;
        }
        let mut sorted = self.kept.clone();
        sorted.sort_unstable();
        let median = sorted[sorted.len() / 2];
        let near = sorted.iter().filter(|gap| (gap.nanos() - median.nanos()).abs() <= median.nanos() / 4).count();
        (4 * near >= 3 * sorted.len()).then_some(median)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::parse;
    use crate::rule::syntax::{Logic, SumKind, TestKind};

    fn selector(text: &str) -> Selector {
        let Logic::Test(test) = parse(&format!("{text} > 0")).unwrap().logic else { panic!() };
        let TestKind::Compare { left, .. } = test.kind else { panic!() };
        let SumKind::Call(call) = left.kind else { panic!() };
        call.selector
    }

    fn facts(series: &Series, seconds: impl IntoIterator<Item = i64>) -> Facts {
        let mut facts = Facts::default();
        let slot = facts.slot(&Arc::new(series.clone())).unwrap();
        for second in seconds {
            facts.add(slot, Timestamp::from_nanos(second * 1_000_000_000));
        }
        facts
    }

    #[test]
    fn a_period_is_told_of_what_comes_regularly() {
        let period = |seconds: &[i64]| period(&facts(&Series::new("x"), seconds.iter().copied()).select(&selector("x")));
        let seconds = |seconds| Some(Span::from_secs(seconds));
        assert_eq!(period(&[0, 10, 20, 30]), seconds(10));
        assert_eq!(period(&[0, 10, 20]), None);
        assert_eq!(period(&[0, 10, 20, 30, 500, 510, 520, 530]), seconds(10));
        assert_eq!(period(&[0, 10, 15, 40, 90, 92]), None);
        assert_eq!(period(&[0, 10, 20, 5, 30, 30, 40]), seconds(10));
        assert_eq!(period(&[0, 0, 0, 10, 10, 10, 20, 20, 20, 30, 30, 30]), seconds(10));
    }

    #[test]
    fn a_long_history_is_measured_over_all_of_it() {
        let long = facts(&Series::new("x"), (0..3000).map(|n| n * 10).chain((0..30_000).map(|n| 30_000 + n * 60)));
        assert_eq!(period(&long.select(&selector("x"))), Some(Span::from_secs(60)));
        assert!(long.known[0].gaps.kept.len() <= GAPS);
    }

    #[test]
    fn selectors_choose_as_they_do_when_judging() {
        let series = Series::new("a.b").tag("status", "503");
        let facts = facts(&series, [0]);
        for (text, expected) in [
            ("a.b", 1),
            ("a.*", 1),
            ("\"a.*\"", 0),
            ("a.c", 0),
            ("a.b{status=503}", 1),
            ("a.b{status=~\"5..\"}", 1),
            ("a.b{status=~\"5\"}", 0),
            ("a.b{status!~\"5..\"}", 0),
            ("a.b{host=\"\"}", 1),
            ("a.b{host!=x}", 1),
        ] {
            assert_eq!(facts.select(&selector(text)).len(), expected, "{text}");
        }
    }
}
